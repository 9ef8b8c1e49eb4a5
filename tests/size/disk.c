/* SPDX-License-Identifier: MIT */
/*
 * The program whose link scripts/size measures: the least that a kernel with one disk on PCI does. It finds
 * the disk by the bus scan, starts it, reads, writes, flushes and stops it. It is linked, never run; its own
 * code and its host's hooks, which a kernel has anyway, are not counted.
 */
#include <virtio/virtio.h>

extern const struct virtio_host kernel_host;

int use_disk(void *sector);

int use_disk(void *sector)
{
    static struct virtio_blk disk;
    struct virtio_pci_scan scan;
    struct virtio_device device;

    virtio_pci_scan_begin(&scan, &kernel_host, VIRTIO_PCI_CONFIG_IO);
    while (virtio_pci_scan_next(&scan, &device) == VIRTIO_OK) {
        if (device.type != VIRTIO_ID_BLOCK || virtio_blk_start(&disk, &device) != VIRTIO_OK)
            continue;
        if (virtio_blk_read(&disk, 0, sector, VIRTIO_BLK_SECTOR_SIZE) == VIRTIO_OK &&
            virtio_blk_write(&disk, 0, sector, VIRTIO_BLK_SECTOR_SIZE) == VIRTIO_OK)
            (void)virtio_blk_flush(&disk);
        return virtio_blk_stop(&disk);
    }
    return VIRTIO_E_NO_DEVICE;
}
