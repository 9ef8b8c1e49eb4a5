# SPDX-License-Identifier: MIT
#
# The library's sources, the one list of them: for this project's makefile, and for builds that include the
# library as source. One file a line, relative to the project's top directory.

VIRTIO_CORE_SOURCES := \
	src/core/arena.c \
	src/core/config.c \
	src/core/device.c \
	src/core/dump.c \
	src/core/error.c \
	src/core/host.c \
	src/core/log.c \
	src/core/memory.c \
	src/core/names.c \
	src/core/time.c

VIRTIO_QUEUE_SOURCES := \
	src/queue/chain.c \
	src/queue/detour.c \
	src/queue/drain.c \
	src/queue/events.c \
	src/queue/in_order.c \
	src/queue/packed.c \
	src/queue/prepared.c \
	src/queue/queue.c \
	src/queue/split.c \
	src/queue/submit.c \
	src/queue/wait.c

VIRTIO_TRANSPORT_SOURCES := \
	src/transport/common.c \
	src/transport/mmio.c \
	src/transport/pci_bar.c \
	src/transport/pci_capability.c \
	src/transport/pci_config.c \
	src/transport/pci_config_ecam.c \
	src/transport/pci_config_host.c \
	src/transport/pci_legacy.c \
	src/transport/pci_modern.c \
	src/transport/pci_open.c \
	src/transport/pci_scan.c \
	src/transport/pci_status.c \
	src/transport/region.c

VIRTIO_DRIVER_SOURCES := \
	src/drivers/9p.c \
	src/drivers/9p_files.c \
	src/drivers/9p_folders.c \
	src/drivers/9p_request.c \
	src/drivers/balloon.c \
	src/drivers/blk.c \
	src/drivers/blk_commands.c \
	src/drivers/blk_config.c \
	src/drivers/blk_kept.c \
	src/drivers/blk_list.c \
	src/drivers/blk_range.c \
	src/drivers/blk_start.c \
	src/drivers/blk_zoned.c \
	src/drivers/buffer_queue.c \
	src/drivers/console.c \
	src/drivers/console_control.c \
	src/drivers/gpu.c \
	src/drivers/gpu_cursor.c \
	src/drivers/gpu_display.c \
	src/drivers/gpu_edid.c \
	src/drivers/gpu_resource.c \
	src/drivers/input.c \
	src/drivers/net.c \
	src/drivers/net_control.c \
	src/drivers/net_receive.c \
	src/drivers/net_transmit.c \
	src/drivers/rng.c \
	src/drivers/scsi.c \
	src/drivers/scsi_control.c \
	src/drivers/scsi_sense.c \
	src/drivers/scsi_unit.c

VIRTIO_SOURCES := \
	$(VIRTIO_CORE_SOURCES) \
	$(VIRTIO_QUEUE_SOURCES) \
	$(VIRTIO_TRANSPORT_SOURCES) \
	$(VIRTIO_DRIVER_SOURCES)
