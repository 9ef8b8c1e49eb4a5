/* SPDX-License-Identifier: MIT */
/*
 * The library's version, by the rules of Semantic Versioning: until 1.0.0 a new minor version may
 * change the interface, and CHANGELOG.md says how.
 */
#ifndef VIRTIO_VERSION_H
#define VIRTIO_VERSION_H

#define LIBVIRTIO_VERSION_MAJOR  0
#define LIBVIRTIO_VERSION_MINOR  1
#define LIBVIRTIO_VERSION_PATCH  0
#define LIBVIRTIO_VERSION_STRING "0.1.0"

#endif
