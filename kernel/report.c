/* SPDX-License-Identifier: MIT */
/*
 * What the devices are: where, what, reached how and why so, features, queues, and what matters of the
 * configuration. Shows what the library found out and decides nothing.
 */
#include "report.h"

#include "tests/guest/suite.h"

#include <stdio.h>
#include <string.h>
#include <virtio/virtio.h>

enum {
    LINE_WIDTH = 100,
    FEATURE_BITS = 64,
    QUEUES_SHOWN_MAX = 8,
    ANSWER_TIMEOUT_US = 1000000,
    LISTING_BYTES = 4096,
    PORTS_QUIET_US = 20000, /* a console device that says no more of its ports has told of all */
};

static void print_address(const struct virtio_device *device)
{
    const struct virtio_pci_address *address = &device->pci.address;

    if (device->pci.config == NULL) {
        printf("mmio %llx", (unsigned long long)device->mmio.address);
        return;
    }
    printf("pci ");
    if (address->segment != 0) {
        printf("%04x:", address->segment);
    }
    printf("%02x:%02x.%x", address->bus, address->device, address->function);
}

static void print_head(const struct virtio_device *device)
{
    print_address(device);
    printf(" %s (type %lu)", virtio_device_name(device->type), (unsigned long)device->type);
}

/* The line that says how the device is reached; for one that was begun. */
static void print_transport(const struct virtio_device *device)
{
    print_head(device);
    printf(", %s (%s)\n", device->ops->name, device->choice);
}

/* A list of names, broken into lines. */
static void print_features(const char *title, uint32_t type, uint64_t features)
{
    int indent = printf("  features %s:", title);
    int column = indent;

    for (unsigned bit = 0; bit < FEATURE_BITS; bit++) {
        const char *name = virtio_feature_name(type, bit);
        char number[8];

        if ((features >> bit & 1) == 0) {
            continue;
        }
        if (name == NULL) {
            snprintf(number, sizeof(number), "bit %u", bit);
            name = number;
        }
        if (column + 1 + (int)strlen(name) > LINE_WIDTH) {
            column = printf("\n%*s", indent, "") - 1;
        }
        column += printf(" %s", name);
    }
    printf(features != 0 ? "\n" : " none\n");
}

/* The queues that a driver has set up. */
static void print_queues(const struct virtio_device *device)
{
    const char *layout = (device->features & VIRTIO_F_RING_PACKED) != 0 ? "packed" : "split";
    const char *separator = " ";
    int column = printf("  queues:");

    for (const struct virtio_queue *queue = device->queues; queue != NULL;
         queue = queue->next_queue) {
        column += printf("%s%u (%u, %s)", separator, queue->index, queue->size, layout);
        separator = column < LINE_WIDTH - 20 ? ", " : ",\n          ";
        column = column < LINE_WIDTH - 20 ? column : 0;
    }
    printf("\n");
}

/* The queues that a device without a driver has. */
static void print_possible_queues(const struct virtio_device *device)
{
    uint32_t size = 0;
    uint16_t index;

    printf("  queues:");
    for (index = 0; index < QUEUES_SHOWN_MAX; index++) {
        device->ops->set_queue_select(device, index);
        if (device->ops->get_queue_num_max(device, &size) != VIRTIO_OK || size == 0) {
            break;
        }
        printf("%s %u (at most %lu)", index == 0 ? "" : ",", index, (unsigned long)size);
    }
    printf(index == 0 ? " none\n" : index == QUEUES_SHOWN_MAX ? ", perhaps more\n" : "\n");
}

static void print_common(const struct virtio_device *device)
{
    print_transport(device);
    print_features("offered", device->type, device->features_offered);
    print_features("taken", device->type, device->features);
}

static void print_failure(const struct virtio_device *device, int error)
{
    print_head(device);
    printf("\n  cannot be started: %s\n", virtio_strerror(error));
}

/* In the largest unit in which it is a whole number. */
static void print_bytes(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    printf("%llu %s", (unsigned long long)bytes, units[unit]);
}

static void report_blk(const struct virtio_device *found)
{
    static struct virtio_blk blk;
    char id[VIRTIO_BLK_ID_SIZE];
    int error;

    memset(&blk, 0, sizeof(blk));
    test_watch(&blk.device);
    error = virtio_blk_start(&blk, found);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&blk.device);
    print_queues(&blk.device);
    printf("  capacity ");
    print_bytes(blk.capacity * VIRTIO_BLK_SECTOR_SIZE);
    printf(" (%llu sectors), block size %lu", (unsigned long long)blk.capacity,
           (unsigned long)blk.blk_size);
    printf(", %s%s", blk.read_only ? "read-only, " : "",
           blk.writeback ? "writeback" : "writethrough");
    error = virtio_blk_get_id(&blk, id);
    if (error == VIRTIO_OK) {
        printf(", serial %s\n", id[0] != '\0' ? id : "(empty)");
    } else {
        printf(", no serial: %s\n", virtio_strerror(error));
    }
    virtio_blk_stop(&blk);
}

static void report_rng(const struct virtio_device *found)
{
    static struct virtio_rng rng;
    int error;

    memset(&rng, 0, sizeof(rng));
    test_watch(&rng.device);
    error = virtio_rng_start(&rng, found);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&rng.device);
    print_queues(&rng.device);
    virtio_rng_stop(&rng);
}

/* One line a port, as far as the device has said what it is. */
static void print_ports(struct virtio_console *console)
{
    const struct virtio_host *host = console->device.host;
    uint64_t quiet_since = host->now_us(host->ctx);
    struct virtio_console_event event;
    int news;

    do {
        news = virtio_console_poll(console, &event);
        if (news > 0) {
            quiet_since = host->now_us(host->ctx);
        }
    } while (news >= 0 && host->now_us(host->ctx) - quiet_since < PORTS_QUIET_US);
    printf("  ports: %lu of at most %lu\n", (unsigned long)console->port_count,
           (unsigned long)console->max_nr_ports);
    for (uint32_t number = 0; number < console->port_count; number++) {
        const struct virtio_console_port *port = &console->ports[number];

        if (port->present) {
            printf("  port %lu: %s %s, %s at the host", (unsigned long)number,
                   port->console ? "console" : "serial port",
                   port->name[0] != '\0' ? port->name : "(no name)",
                   port->host_open ? "open" : "closed");
            if (port->cols != 0) {
                printf(", %u columns, %u rows", port->cols, port->rows);
            }
            printf("\n");
        }
    }
}

static void report_console(const struct virtio_device *found)
{
    static struct virtio_console console;
    int error;

    memset(&console, 0, sizeof(console));
    error = virtio_console_start(&console, found);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&console.device);
    print_queues(&console.device);
    print_ports(&console);
    virtio_console_stop(&console);
}

static void print_link(const struct virtio_net *net)
{
    struct virtio_net_link link;
    int error = virtio_net_read_link(net, &link);

    if (error != VIRTIO_OK) {
        printf(", link: %s\n", virtio_strerror(error));
        return;
    }
    printf(", link %s", link.up ? "up" : "down");
    if (link.speed != VIRTIO_NET_SPEED_UNKNOWN) {
        printf(", %lu Mbit/s", (unsigned long)link.speed);
    }
    printf("%s\n", !link.duplex_known ? "" : link.full_duplex ? ", full duplex" : ", half duplex");
}

static void report_net(const struct virtio_device *found)
{
    static struct virtio_net net;
    int error;

    memset(&net, 0, sizeof(net));
    error = virtio_net_start(&net, found, NULL);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&net.device);
    print_queues(&net.device);
    printf("  MAC address ");
    for (unsigned at = 0; at < VIRTIO_NET_MAC_SIZE; at++) {
        printf("%s%02x", at != 0 ? ":" : "", net.mac[at]);
    }
    printf("%s, MTU %u, header %u bytes", net.mac_is_given ? "" : " (made up)", net.mtu,
           net.header_size);
    print_link(&net);
    virtio_net_stop(&net);
}

static void report_input(const struct virtio_device *found)
{
    static const char *const roles[] = {"other", "keyboard", "mouse", "tablet"};
    static struct virtio_input input;
    int error;

    memset(&input, 0, sizeof(input));
    error = virtio_input_start(&input, found);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&input.device);
    print_queues(&input.device);
    printf("  %s \"%s\", bus %u, vendor 0x%04x, product 0x%04x, version %u\n", roles[input.role],
           input.name, input.ids.bustype, input.ids.vendor, input.ids.product, input.ids.version);
    virtio_input_stop(&input);
}

static void report_balloon(const struct virtio_device *found)
{
    static struct virtio_balloon balloon;
    int error;

    memset(&balloon, 0, sizeof(balloon));
    error = virtio_balloon_start(&balloon, found, NULL);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&balloon.device);
    print_queues(&balloon.device);
    printf("  wanted at the host: %lu pages of 4 KiB\n", (unsigned long)balloon.target);
    virtio_balloon_stop(&balloon);
}

/* The first names in a shared folder, one line. */
static void print_names(struct virtio_9p *share, struct virtio_9p_fid *root)
{
    static struct virtio_9p_entry entry;
    static uint8_t buffer[LISTING_BYTES];
    struct virtio_9p_listing listing;
    const char *separator = "  in it: ";
    int column = 0;
    int result = virtio_9p_open(share, root, VIRTIO_9P_READ_ONLY);

    if (result == VIRTIO_OK) {
        result = virtio_9p_list(&listing, root, buffer, sizeof(buffer));
    }
    while (result >= 0 && column < LINE_WIDTH - 20 &&
           (result = virtio_9p_list_next(share, &listing, &entry)) > 0) {
        if (entry.name[0] != '.') {
            column += printf("%s%.40s%s", separator, entry.name,
                             entry.kind == VIRTIO_9P_KIND_DIRECTORY ? "/" : "");
            separator = ", ";
        }
    }
    if (result < 0) {
        printf("  cannot be listed: %s", virtio_strerror(result));
    }
    printf(result > 0 ? ", ...\n" : "\n");
}

static void report_9p(const struct virtio_device *found)
{
    static struct virtio_9p share;
    struct virtio_9p_fid root;
    int error;

    memset(&share, 0, sizeof(share));
    error = virtio_9p_start(&share, found);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&share.device);
    print_queues(&share.device);
    printf("  tag %s, messages of ", share.tag);
    print_bytes(share.msize);
    printf(", %u at once\n", share.depth);
    error = virtio_9p_attach(&share, "root", "", &root);
    if (error == VIRTIO_OK) {
        print_names(&share, &root);
    } else {
        printf("  cannot be entered: %s\n", virtio_strerror(error));
    }
    virtio_9p_stop(&share);
}

static void print_unit(struct virtio_scsi *scsi, uint8_t target, uint16_t lun)
{
    static struct virtio_scsi_unit unit;
    int error = virtio_scsi_open(&unit, scsi, target, lun);

    printf("  target %u, LUN %u: ", target, lun);
    if (error != VIRTIO_OK) {
        printf("%s\n", virtio_strerror(error));
        return;
    }
    printf("%s %s %s, type %u, serial %s, ", unit.vendor, unit.product, unit.revision, unit.type,
           unit.serial[0] != '\0' ? unit.serial : "(none)");
    if (unit.ready) {
        print_bytes(unit.blocks * unit.block_size);
        printf(" (%llu blocks of %lu)\n", (unsigned long long)unit.blocks,
               (unsigned long)unit.block_size);
    } else {
        printf("not ready\n");
    }
}

static void report_scsi(const struct virtio_device *found)
{
    static struct virtio_scsi scsi;
    static struct virtio_scsi_scan scan;
    uint8_t target;
    uint16_t lun;
    int error;

    memset(&scsi, 0, sizeof(scsi));
    test_watch(&scsi.device);
    error = virtio_scsi_start(&scsi, found, NULL);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&scsi.device);
    print_queues(&scsi.device);
    printf("  %lu request queues, %u commands in flight on each, targets to %u, LUNs to %lu\n",
           (unsigned long)scsi.num_queues, scsi.depth, scsi.max_target,
           (unsigned long)scsi.max_lun);
    virtio_scsi_scan_begin(&scan, &scsi);
    while ((error = virtio_scsi_scan_next(&scan, &target, &lun)) == VIRTIO_OK) {
        print_unit(&scsi, target, lun);
    }
    if (error != VIRTIO_E_NO_DEVICE) {
        printf("  the scan ended with %s\n", virtio_strerror(error));
    }
    virtio_scsi_stop(&scsi);
}

/* The displays that somebody looks at, and what they are. */
static void print_displays(struct virtio_gpu *gpu)
{
    static uint8_t edid[VIRTIO_GPU_EDID_MAX];

    printf("  scanouts: %lu\n", (unsigned long)gpu->num_scanouts);
    for (uint32_t scanout = 0; scanout < gpu->num_scanouts; scanout++) {
        struct virtio_gpu_display display;
        struct virtio_gpu_mode mode;
        uint32_t size;

        if (virtio_gpu_get_display(gpu, scanout, &display) != VIRTIO_OK || !display.enabled) {
            continue;
        }
        printf("  display %lu: %lu x %lu", (unsigned long)scanout,
               (unsigned long)display.rect.width, (unsigned long)display.rect.height);
        if (virtio_gpu_get_edid(gpu, scanout, edid, &size) == VIRTIO_OK &&
            virtio_gpu_parse_edid(edid, size, &mode) == VIRTIO_OK) {
            printf(", \"%s\", prefers %lu x %lu at %lu Hz, %lu x %lu mm", mode.name,
                   (unsigned long)mode.width, (unsigned long)mode.height,
                   (unsigned long)mode.refresh, (unsigned long)mode.width_mm,
                   (unsigned long)mode.height_mm);
        }
        printf("\n");
    }
}

static void report_gpu(const struct virtio_device *found)
{
    static struct virtio_gpu gpu;
    int error;

    memset(&gpu, 0, sizeof(gpu));
    error = virtio_gpu_start(&gpu, found, NULL);
    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&gpu.device);
    print_queues(&gpu.device);
    print_displays(&gpu);
    virtio_gpu_stop(&gpu);
}

/* A type that the library has no driver for: ask it, and leave it reset. */
static void report_other(const struct virtio_device *found)
{
    static const struct virtio_features none = {0, 0};
    struct virtio_device device = *found;
    int error = virtio_device_begin(&device, &none);

    if (error != VIRTIO_OK) {
        print_failure(found, error);
        return;
    }
    print_common(&device);
    print_possible_queues(&device);
    printf("  no driver for this type yet\n");
    virtio_device_end(&device);
}

static void report_device(const struct virtio_device *found)
{
    struct virtio_device device = *found;

    device.timeout_us = ANSWER_TIMEOUT_US;
    switch (device.type) {
    case VIRTIO_ID_BLOCK:
        report_blk(&device);
        break;
    case VIRTIO_ID_CONSOLE:
        report_console(&device);
        break;
    case VIRTIO_ID_NETWORK:
        report_net(&device);
        break;
    case VIRTIO_ID_INPUT:
        report_input(&device);
        break;
    case VIRTIO_ID_BALLOON:
        report_balloon(&device);
        break;
    case VIRTIO_ID_9P:
        report_9p(&device);
        break;
    case VIRTIO_ID_SCSI:
        report_scsi(&device);
        break;
    case VIRTIO_ID_GPU:
        report_gpu(&device);
        break;
    case VIRTIO_ID_ENTROPY:
        report_rng(&device);
        break;
    default:
        report_other(&device);
        break;
    }
}

void report_devices(const struct virtio_device *devices, size_t count)
{
    if (count == 0) {
        printf("no virtio devices\n");
    }
    for (size_t i = 0; i < count; i++) {
        report_device(&devices[i]);
    }
}
