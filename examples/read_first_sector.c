/* SPDX-License-Identifier: MIT */
/*
 * The whole program: find the first disk on PCI and read its first sector. For an identity-mapped kernel on
 * a PC; memory comes out of one static block, registers are accessed natively.
 *
 * What a kernel adds: my_clock_microseconds, microseconds since any fixed point.
 */
#include <virtio/virtio.h>

uint64_t my_clock_microseconds(void *ctx);
int read_first_sector(unsigned char sector[512]);

static _Alignas(4096) unsigned char pool[64 * 1024];

int read_first_sector(unsigned char sector[512])
{
    struct virtio_arena arena;
    struct virtio_host host;
    struct virtio_pci_scan scan;
    struct virtio_device device;
    static struct virtio_blk disk;
    int error = VIRTIO_E_NO_DEVICE;

    virtio_arena_init(&arena, pool, sizeof(pool));              /* memory hooks out of one block */
    virtio_host_identity(&host, &arena, my_clock_microseconds); /* native register access */
    virtio_pci_scan_begin(&scan, &host, VIRTIO_PCI_CONFIG_IO);
    while (error != VIRTIO_OK && virtio_pci_scan_next(&scan, &device) == VIRTIO_OK) {
        if (device.type != VIRTIO_ID_BLOCK || virtio_blk_start(&disk, &device) != VIRTIO_OK)
            continue;
        error = virtio_blk_read(&disk, 0, sector, 512);
        virtio_blk_stop(&disk); /* the host and the arena end with this function */
    }
    return error;
}
