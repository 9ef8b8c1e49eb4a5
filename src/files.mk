# SPDX-License-Identifier: MIT
#
# The library's sources, the one list of them. Other builds can include this file or read it: each source
# stands on a line of its own, relative to the project's top directory. The groups exist for `make size`.

VIRTIO_CORE_SOURCES := $(sort $(wildcard src/core/*.c))
VIRTIO_QUEUE_SOURCES := $(sort $(wildcard src/queue/*.c))
VIRTIO_TRANSPORT_SOURCES := $(sort $(wildcard src/transport/*.c))
VIRTIO_DRIVER_SOURCES := $(sort $(wildcard src/drivers/*.c))

VIRTIO_SOURCES := \
	$(VIRTIO_CORE_SOURCES) \
	$(VIRTIO_QUEUE_SOURCES) \
	$(VIRTIO_TRANSPORT_SOURCES) \
	$(VIRTIO_DRIVER_SOURCES)
