/* SPDX-License-Identifier: MIT */
/*
 * A fake entropy source (spec 5.4).
 */
#include "fake_rng.h"

#include <string.h>
#include <virtio/device.h>

uint8_t fake_rng_byte(uint64_t n)
{
    uint64_t mixed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint8_t)(mixed >> 56);
}

static void rng_request(struct fake_device *device, struct fake_chain *chain)
{
    struct fake_rng *rng = device->behaviour_context;
    uint32_t answer =
        rng->requests < rng->answer_count ? rng->answers[rng->requests] : FAKE_RNG_FULL;
    uint64_t bytes = answer < chain->writable ? answer : chain->writable;

    rng->requests++;
    if (chain->readable != 0)
        fake_rule(device, "rng-readable-buffer", "5.4.6.1", "%llu bytes",
                  (unsigned long long)chain->readable);
    if (rng->silent)
        return;
    for (uint64_t i = 0; i < bytes; i++) {
        uint8_t byte = fake_rng_byte(rng->given + i);

        fake_chain_write(chain, i, &byte, 1);
    }
    rng->given += bytes;
    fake_chain_complete(chain, answer == FAKE_RNG_FULL ? (uint32_t)bytes : answer);
}

static const struct fake_behaviour behaviour = {.request = rng_request};

void fake_rng_begin(struct fake_rng *rng, struct fake_device *device)
{
    memset(rng, 0, sizeof(*rng));
    rng->device = device;
    device->type = VIRTIO_ID_ENTROPY;
    device->behaviour = &behaviour;
    device->behaviour_context = rng;
}
