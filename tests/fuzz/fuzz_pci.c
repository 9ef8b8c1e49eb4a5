/* SPDX-License-Identifier: MIT */
/*
 * Harness: PCI. The bus scan by each way of configuration access, BARs and capabilities as the script patches
 * them, and the life of what was found: legacy, modern, through the window, by hooks and by loads and stores.
 */
#include "life.h"

enum {
    COMMAND = 0x04,
    BARS = 0x10,
    BARS_SIZE = 24
};

/* Write over configuration space, before anybody looks. */
static void patch(struct hostile *hostile)
{
    uint8_t count = hostile_byte(hostile);

    if (count == 0)
        return;
    hostile->patched = true;
    if ((count & 0x80) != 0) { /* all of it */
        for (unsigned at = 0x34; at < sizeof(hostile->pci) && hostile_has_script(hostile); at++)
            hostile->pci[at] = hostile_byte(hostile);
        return;
    }
    for (unsigned at = 0; at < (count & 15u); at++) {
        uint8_t offset = hostile_byte(hostile);

        hostile->pci[offset] = hostile_byte(hostile);
    }
    if ((count & 0x40) != 0) {
        uint8_t bar = hostile_byte(hostile);

        hostile->bar_mask[bar % 6] = hostile_number(hostile, 4);
    }
}

static void populate(struct hostile *hostile)
{
    uint8_t what = hostile_byte(hostile);

    if (what == 0)
        return;
    hostile->elsewhere = what;
    hostile->elsewhere_from = hostile_byte(hostile);
    hostile->elsewhere_header = hostile_byte(hostile);
    hostile->elsewhere_id = 0x1af4 | hostile_number(hostile, 2) << 16;
    hostile->patched = true;
}

static const struct virtio_pci_config *make_access(struct hostile *hostile,
                                                   struct virtio_pci_config *ecam)
{
    uint8_t how = hostile_byte(hostile);
    uint8_t first, last;

    if ((how & 3) == 1 && hostile->host.register_read != NULL)
        return VIRTIO_PCI_CONFIG_IO;
    if ((how & 3) == 2 && hostile->host.register_read != NULL) {
        first = (how & 0x80) != 0 ? hostile_byte(hostile) : 0;
        last = hostile_byte(hostile);
        if (virtio_pci_config_ecam(ecam, &hostile->host, HOSTILE_ECAM, first, last) == VIRTIO_OK)
            return ecam;
    }
    return VIRTIO_PCI_CONFIG_HOST;
}

/* While nobody lies, a device that is ended leaves its function as it was found. */
static void check_restored(const struct hostile *hostile, const uint8_t *before)
{
    if (hostile->lied || hostile->patched)
        return;
    hostile_require(memcmp(hostile->pci + COMMAND, before + COMMAND, 2) == 0);
    hostile_require(memcmp(hostile->pci + BARS, before + BARS, BARS_SIZE) == 0);
}

void hostile_harness(struct hostile *hostile)
{
    struct virtio_pci_config ecam = {0};
    const struct virtio_pci_config *access;
    struct virtio_pci_scan scan;
    struct virtio_device device;
    struct virtio_device chosen = {0};
    uint8_t before[sizeof(hostile->pci)];
    unsigned found = 0;
    uint8_t which;

    hostile_make(hostile, VIRTIO_ID_ENTROPY, UINT64_C(0xffffff), 2);
    if (hostile->transport < HOSTILE_PCI_MODERN)
        hostile_transport(hostile, hostile->transport + HOSTILE_PCI_MODERN);
    patch(hostile);
    populate(hostile);
    memcpy(before, hostile->pci, sizeof(before));
    access = make_access(hostile, &ecam);
    which = hostile_byte(hostile);
    hostile_begin_call(hostile);
    virtio_pci_scan_begin(&scan, &hostile->host, access);
    while (virtio_pci_scan_next(&scan, &device) == VIRTIO_OK && found <= (which & 7u)) {
        chosen = device;
        found++;
    }
    hostile_end_call(hostile, 0);
    hostile_require(found != 0 || hostile->lied || hostile->patched || access == &ecam);
    if (found != 0) {
        chosen.force = (enum virtio_force)((which >> 4) % 3);
        chosen.timeout_us = hostile->timeout_us;
        hostile_live_through(hostile, &chosen);
    }
    check_restored(hostile, before);
    virtio_pci_config_ecam_end(&ecam, &hostile->host);
}
