/* SPDX-License-Identifier: MIT */
/*
 * Proof of what the GPU driver makes of an EDID: any bytes, of any length up to the longest.
 */
#include <virtio/gpu.h>
#include "../host.h"

static uint8_t bytes[VIRTIO_GPU_EDID_MAX];

int main(void)
{
    struct virtio_gpu_mode mode;

    Frama_C_make_unknown((char *)bytes, sizeof(bytes));
    (void)virtio_gpu_parse_edid(bytes, prove_below(VIRTIO_GPU_EDID_MAX + 1), &mode);
    /*@ assert ended: mode.name[13] == 0; */
    return 0;
}
