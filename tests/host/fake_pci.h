/* SPDX-License-Identifier: MIT */
/*
 * A fake PCI bus: functions with configuration space, base address registers and capabilities, reached
 * by ports 0xCF8 and 0xCFC, by ECAM and by the host's configuration hooks, all of them the same.
 *
 *     fake_pci_begin(&pci, &host);
 *     fake_pci_add(&pci, &function, (struct virtio_pci_address){.device = 3});
 *     fake_pci_set(&function, FAKE_PCI_VENDOR, 2, 0x1af4); ...
 *     fake_pci_set_bar(&function, 4, VIRTIO_SPACE_MEMORY, true, 0x4000, UINT64_C(0x180000000));
 *     fake_pci_add_capability(&function, 0x09, body, sizeof(body));
 *     function.bar_access = ...;
 *     fake_pci_settle(&pci);       from here on what the driver changes is watched
 *
 * Sizing works as in hardware: the bits of a base address register that the size leaves are writable.
 * A BAR answers only while the command register's bit for its space is set; what it does then is the
 * function's bar_access. Virtio functions are made by fake_virtio_pci.h.
 *
 * Checked: configuration accesses are aligned; the driver writes to no register that is read-only, to
 * no capability, not to the status register; BARs are not sized while they decode; command register
 * and BARs are what they were when fake_pci_check_restored is called (the bench does at the end).
 */
#ifndef FAKE_PCI_H
#define FAKE_PCI_H

#include "fake_host.h"

enum {
    FAKE_PCI_VENDOR = 0x00,
    FAKE_PCI_DEVICE = 0x02,
    FAKE_PCI_COMMAND = 0x04,
    FAKE_PCI_STATUS = 0x06,
    FAKE_PCI_REVISION = 0x08,
    FAKE_PCI_CLASS = 0x09, /* three bytes */
    FAKE_PCI_HEADER_TYPE = 0x0e,
    FAKE_PCI_BAR0 = 0x10,
    FAKE_PCI_PRIMARY_BUS = 0x18, /* of bridges, with the two following */
    FAKE_PCI_SECONDARY_BUS = 0x19,
    FAKE_PCI_SUBORDINATE_BUS = 0x1a,
    FAKE_PCI_SUBSYSTEM_VENDOR = 0x2c,
    FAKE_PCI_SUBSYSTEM = 0x2e,
    FAKE_PCI_CAPABILITIES = 0x34
};

#define FAKE_PCI_COMMAND_IO     1u
#define FAKE_PCI_COMMAND_MEMORY 2u
#define FAKE_PCI_COMMAND_MASTER 4u

struct fake_function;

struct fake_bar {
    enum virtio_space space; /* VIRTIO_SPACE_NONE: not implemented */
    bool is_64bit;
    uint64_t size;
};

struct fake_function {
    struct fake_function *next;
    struct fake_pci *pci;
    struct virtio_pci_address address;
    uint8_t config[256];
    uint8_t writable[256]; /* the bits that a write changes */
    struct fake_bar bars[6];
    uint8_t next_capability; /* where the next one will be put */
    bool gone_reads_zero;    /* in its BARs, when it is gone */
    bool gone;               /* unplugged: all ones */
    bool is_lenient;         /* rules are not checked */

    /** Access to a BAR that decodes; offset within it. */
    void (*bar_access)(struct fake_function *function, unsigned bar, uint64_t offset,
                       struct fake_access *access);
    /** Before a configuration access is done the usual way; @return true when this did it. */
    bool (*config_access)(struct fake_function *function, unsigned offset, unsigned width,
                          bool is_write, uint32_t *value);

    uint8_t settled[256]; /* configuration space when fake_pci_settle was called */
    bool is_settled;
};

struct fake_pci {
    struct fake_target target; /* first: the host's view of it */
    struct fake_host *host;
    struct fake_function *functions;
    bool has_ports;     /* 0xCF8 and 0xCFC are there (yes) */
    uint64_t ecam_base; /* of bus 0; 0: no ECAM (0xb0000000) */
    uint8_t ecam_first_bus;
    uint8_t ecam_last_bus;
    uint32_t selected; /* last value of port 0xCF8 */
    uint64_t writes;   /* to configuration space */
};

/** Put a bus on a host and fill in its configuration hooks. */
void fake_pci_begin(struct fake_pci *pci, struct fake_host *host);

/** Put a function with an empty configuration space on the bus. */
void fake_pci_add(struct fake_pci *pci, struct fake_function *function,
                  struct virtio_pci_address address);

/** Set and get a field of configuration space, as the hardware. */
void fake_pci_set(struct fake_function *function, unsigned offset, unsigned width, uint32_t value);
uint32_t fake_pci_get(const struct fake_function *function, unsigned offset, unsigned width);

/** Implement a BAR and give it an address (0: unassigned). */
void fake_pci_set_bar(struct fake_function *function, unsigned bar, enum virtio_space space,
                      bool is_64bit, uint64_t size, uint64_t address);
/** The address in it now. */
uint64_t fake_pci_bar_address(const struct fake_function *function, unsigned bar);

/** Append a capability: id, link, then `size` bytes of body. @return its offset. */
uint8_t fake_pci_add_capability(struct fake_function *function, uint8_t id, const void *body,
                                size_t size);

/** Make a function a PCI-to-PCI bridge. */
void fake_pci_make_bridge(struct fake_function *function, uint8_t secondary, uint8_t subordinate);

/** The firmware is done: remember what configuration space looks like. */
void fake_pci_settle(struct fake_pci *pci);

/** Record violations for command registers and BARs that are not what they were. */
void fake_pci_check_restored(struct fake_pci *pci);

/** One access to configuration space, whichever way it came. */
uint32_t fake_pci_config_read(struct fake_pci *pci, struct virtio_pci_address address,
                              unsigned offset, unsigned width);
void fake_pci_config_write(struct fake_pci *pci, struct virtio_pci_address address, unsigned offset,
                           unsigned width, uint32_t value);

#endif
