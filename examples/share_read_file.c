/* SPDX-License-Identifier: MIT */
/*
 * Read a file from a folder of the host, whole: what a boot loader does with a kernel image, say. Compiled with the
 * tests. With QEMU: -fsdev local,id=f,path=/some/folder,security_model=none
 * -device virtio-9p-pci,fsdev=f,mount_tag=boot
 */
#include <virtio/virtio.h>

int share_read_file(const struct virtio_device *found, const char *path, void *buffer, size_t size,
                    size_t *bytes);

/* `found` is of type VIRTIO_ID_9P. @return VIRTIO_E_TOO_LONG when the file is larger than the buffer; with
 * VIRTIO_E_ERRNO share.error_number says why: VIRTIO_9P_ENOENT, there is no such file. */
int share_read_file(const struct virtio_device *found, const char *path, void *buffer, size_t size,
                    size_t *bytes)
{
    static struct virtio_9p share;
    struct virtio_9p_attributes attributes;
    struct virtio_9p_fid root;
    struct virtio_9p_fid file;
    int error = virtio_9p_start(&share, found);

    *bytes = 0;
    if (error != VIRTIO_OK)
        return error;
    error = virtio_9p_attach(&share, "root", "", &root);
    if (error == VIRTIO_OK)
        error = virtio_9p_walk(&share, &root, path, &file);
    if (error == VIRTIO_OK)
        error = virtio_9p_getattr(&share, &file, &attributes);
    if (error == VIRTIO_OK && attributes.size > size)
        error = VIRTIO_E_TOO_LONG;
    if (error == VIRTIO_OK)
        error = virtio_9p_open(&share, &file, VIRTIO_9P_READ_ONLY);
    if (error == VIRTIO_OK)
        error = virtio_9p_read(&share, &file, 0, buffer, size, bytes);
    virtio_9p_stop(&share); /* the host forgets both fids */
    return error;
}
