/* SPDX-License-Identifier: MIT */
/*
 * Find the first disk behind a SCSI controller, read its first block, and say what is wrong if that fails. Compiled
 * with the tests; copy it into a kernel that has a struct virtio_host and has found a device.
 */
#include <virtio/virtio.h>

int scsi_read_first_block(const struct virtio_device *found, void *buffer, size_t size,
                          const char **why);

static struct virtio_scsi scsi;
static struct virtio_scsi_scan scan;
static struct virtio_scsi_unit disk;

static int find_disk(void)
{
    uint8_t target;
    uint16_t lun;
    int error;

    virtio_scsi_scan_begin(&scan, &scsi);
    while ((error = virtio_scsi_scan_next(&scan, &target, &lun)) == VIRTIO_OK) {
        error = virtio_scsi_open(&disk, &scsi, target, lun);
        if (error == VIRTIO_OK && disk.type == 0 && disk.ready)
            return VIRTIO_OK;
    }
    return error;
}

int scsi_read_first_block(const struct virtio_device *found, void *buffer, size_t size,
                          const char **why)
{
    struct virtio_scsi_sense sense;
    int error = virtio_scsi_start(&scsi, found, NULL);

    *why = virtio_strerror(error);
    if (error != VIRTIO_OK)
        return error;
    error = find_disk();
    if (error == VIRTIO_OK)
        error = size < disk.block_size ? VIRTIO_E_INVALID
                                       : virtio_scsi_read(&disk, 0, buffer, disk.block_size);
    *why = virtio_strerror(error);
    if (error == VIRTIO_E_IO &&
        virtio_scsi_decode_sense(disk.result.sense, disk.result.sense_length, &sense) == VIRTIO_OK)
        *why = virtio_scsi_asc_name(sense.asc, sense.ascq);
    (void)virtio_scsi_stop(&scsi);
    return error;
}
