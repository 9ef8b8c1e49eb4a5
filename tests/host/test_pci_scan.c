/* SPDX-License-Identifier: MIT */
/*
 * The bus scan: which functions are virtio devices, and which buses and functions are looked at (spec 4.1.2).
 */
#include "bench.h"
#include "transport/pci_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 16u

struct bus {
    struct bench *bench;
    struct fake_function functions[FUNCTIONS];
    unsigned count;
};

static struct bus *bus_begin(struct bench *bench)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    assert_non_null(bus);
    bus->bench = bench;
    fake_pci_begin(&bench->pci, &bench->host);
    return bus;
}

static struct fake_function *add(struct bus *bus, unsigned number, unsigned device,
                                 unsigned function, uint32_t id, uint32_t subsystem)
{
    struct fake_function *added = &bus->functions[bus->count++];
    struct virtio_pci_address address = {
        .bus = (uint8_t)number, .device = (uint8_t)device, .function = (uint8_t)function};

    assert_true(bus->count <= FUNCTIONS);
    fake_pci_add(&bus->bench->pci, added, address);
    fake_pci_set(added, FAKE_PCI_VENDOR, 4, id << 16 | 0x1af4);
    fake_pci_set(added, FAKE_PCI_SUBSYSTEM_VENDOR, 4, subsystem << 16 | 0x1234);
    return added;
}

static void add_bridge(struct bus *bus, unsigned number, unsigned device, unsigned secondary)
{
    struct fake_function *bridge = add(bus, number, device, 0, 0x1041, 1);

    fake_pci_make_bridge(bridge, (uint8_t)secondary, (uint8_t)secondary);
}

/* Scan, and write what was found as "bus:device.function " each. */
static void scan(struct bus *bus, const struct virtio_pci_config *config, char *found, size_t size)
{
    struct virtio_pci_scan state;
    struct virtio_device device;
    unsigned count = 0;

    found[0] = '\0';
    virtio_pci_scan_begin(&state, &bus->bench->host.host, config);
    while (virtio_pci_scan_next(&state, &device) == VIRTIO_OK) {
        const struct virtio_pci_address *address = &device.pci.address;
        size_t used = strlen(found);

        assert_true(++count <= FUNCTIONS);
        snprintf(found + used, size - used, "%u:%u.%u ", address->bus, address->device,
                 address->function);
    }
    assert_result(virtio_pci_scan_next(&state, &device), VIRTIO_E_NO_DEVICE);
    assert_int_equal(bus->bench->pci.writes, 0);
}

static void assert_found(struct bus *bus, const char *expected)
{
    char found[256];

    scan(bus, VIRTIO_PCI_CONFIG_IO, found, sizeof(found));
    assert_string_equal(found, expected);
}

static void test_p04_identity_comes_from_the_right_field(struct bench *bench)
{
    static const struct {
        uint16_t device_id;
        uint16_t subsystem;
        uint8_t revision;
        uint32_t type; /* 0: not a virtio device */
    } cases[] = {
        {0x1000, 1, 0, 1},      {0x1001, 2, 0, 2},   {0x1002, 5, 0, 5},
        {0x1009, 9, 0, 9},      {0x1005, 4, 7, 4},   {0x103f, 0x20, 0, 0x20},
        {0x1001, 0, 0, 0},      {0x1040, 2, 1, 0},   {0x1041, 0x1100, 1, 1},
        {0x1042, 1, 0, 2},      {0x1050, 0, 99, 16}, {0x107f, 0x40, 1, 0x3f},
        {0x1080, 0x40, 1, 0},   {0x0fff, 1, 0, 0},   {0x1110, 0x1100, 1, 0} /* ivshmem */,
        {0xffff, 0xffff, 1, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bus *bus = bus_begin(bench);
        struct virtio_device device;
        struct fake_function *function = add(bus, 0, 3, 0, cases[i].device_id, cases[i].subsystem);
        int result;

        function->config[FAKE_PCI_REVISION] = cases[i].revision;
        result =
            virtio_pci_probe(&bench->host.host, VIRTIO_PCI_CONFIG_HOST, function->address, &device);
        assert_result(result, cases[i].type != 0 ? VIRTIO_OK : VIRTIO_E_NO_DEVICE);
        assert_found(bus, cases[i].type != 0 ? "0:3.0 " : "");
        if (cases[i].type != 0) {
            assert_int_equal(device.type, cases[i].type);
            assert_int_equal(device.vendor, 0x1234);
            assert_int_equal(device.pci.device_id, cases[i].device_id);
            assert_int_equal(device.pci.revision_id, cases[i].revision);
            assert_int_equal(device.pci.address.device, 3);
            assert_ptr_equal(device.host, &bench->host.host);
            assert_int_equal(device.state, VIRTIO_DEVICE_FOUND);
            assert_null(device.ops);
        }
        fake_host_detach(&bench->host, &bench->pci.target);
        free(bus);
    }
}

static void test_p04_other_vendors_and_bridges_are_not_devices(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);

    fake_pci_set(add(bus, 0, 1, 0, 0x1041, 1), FAKE_PCI_VENDOR, 2, 0x1af5);
    add(bus, 0, 2, 0, 0x1041, 1)->config[FAKE_PCI_HEADER_TYPE] = 2; /* CardBus */
    add(bus, 0, 4, 0, 0x1041, 1)->config[FAKE_PCI_HEADER_TYPE] = 1; /* bus 0 behind it */
    add(bus, 0, 5, 0, 0x1041, 1);
    assert_found(bus, "0:5.0 ");
    free(bus);
}

static void test_functions_of_a_device_are_found(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);

    /* Function 0 says whether there are others; it need not be virtio itself. */
    add(bus, 0, 3, 0, 0x2000, 0)->config[FAKE_PCI_HEADER_TYPE] = 0x80;
    add(bus, 0, 3, 1, 0x1041, 1);
    add(bus, 0, 3, 7, 0x1042, 1);
    /* No function 0: nothing there, whatever answers at the others. */
    add(bus, 0, 4, 1, 0x1041, 1);
    /* Not multi-function: the same registers show at every function number. */
    add(bus, 0, 5, 0, 0x1041, 1);
    add(bus, 0, 5, 1, 0x1041, 1);
    add(bus, 0, 31, 0, 0x1041, 1)->config[FAKE_PCI_HEADER_TYPE] = 0x80;
    add(bus, 0, 31, 7, 0x1041, 1);
    assert_found(bus, "0:3.1 0:3.7 0:5.0 0:31.0 0:31.7 ");
    free(bus);
}

static void test_bridges_are_followed_once(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);

    add_bridge(bus, 0, 1, 2);
    add_bridge(bus, 0, 2, 2);    /* two bridges claim one bus */
    add_bridge(bus, 0, 3, 0);    /* nobody has numbered it */
    add_bridge(bus, 0, 4, 0xff); /* the last bus */
    add_bridge(bus, 2, 0, 7);
    add_bridge(bus, 7, 0, 2); /* back to where it came from */
    add_bridge(bus, 7, 1, 7); /* to itself */
    add(bus, 0, 9, 0, 0x1041, 1);
    add(bus, 2, 1, 0, 0x1041, 1);
    add(bus, 7, 2, 0, 0x1041, 1);
    add(bus, 0xff, 31, 0, 0x1041, 1);
    add(bus, 9, 0, 0, 0x1041, 1); /* behind no bridge */
    assert_found(bus, "0:9.0 2:1.0 7:2.0 255:31.0 ");
    free(bus);
}

static void test_the_scan_stays_within_the_buses_of_its_config(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);
    struct virtio_pci_config limited = virtio_pci_config_io;
    struct virtio_pci_config ecam;
    char found[256];

    add_bridge(bus, 2, 0, 3);
    add_bridge(bus, 2, 1, 5);
    add_bridge(bus, 2, 2, 1);
    add(bus, 0, 1, 0, 0x1041, 1);
    add(bus, 1, 1, 0, 0x1041, 1);
    add(bus, 3, 1, 0, 0x1041, 1);
    add(bus, 5, 1, 0, 0x1041, 1);
    bench->pci.ecam_first_bus = 2;
    bench->pci.ecam_last_bus = 4;
    assert_ok(virtio_pci_config_ecam(&ecam, &bench->host.host, bench->pci.ecam_base, 2, 4));
    scan(bus, &ecam, found, sizeof(found));
    assert_string_equal(found, "3:1.0 ");
    limited.first_bus = 2;
    limited.last_bus = 4;
    scan(bus, &limited, found, sizeof(found));
    assert_string_equal(found, "3:1.0 ");
    free(bus);
}

static void test_an_empty_bus_is_no_error(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);

    assert_found(bus, "");
    free(bus);
}

static bool all_ones_but_the_id(struct fake_function *function, unsigned offset, unsigned width,
                                bool is_write, uint32_t *value)
{
    (void)function;
    (void)is_write;
    if (offset < 4)
        return false;
    *value = 0xffffffffu >> (32 - 8 * width);
    return true;
}

static void test_p03_a_device_that_goes_away_under_the_scan_is_passed(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);

    add(bus, 0, 1, 0, 0x1041, 1)->config_access = all_ones_but_the_id;
    add(bus, 0, 2, 0, 0x1041, 1);
    assert_found(bus, "0:2.0 ");
    free(bus);
}

/* A host without any way to configuration space has no devices, and no crash. */
static void test_no_configuration_space_means_no_device(struct bench *bench)
{
    struct bus *bus = bus_begin(bench);
    char found[64];

    bench->host.host.pci_config_read = NULL;
    bench->host.host.pci_config_write = NULL;
    add(bus, 0, 1, 0, 0x1041, 1);
    scan(bus, VIRTIO_PCI_CONFIG_HOST, found, sizeof(found));
    assert_string_equal(found, "");
    free(bus);
}

static const struct bench_test tests[] = {
    TEST(test_p04_identity_comes_from_the_right_field, BENCH_ONE),
    TEST(test_p04_other_vendors_and_bridges_are_not_devices, BENCH_ONE),
    TEST(test_functions_of_a_device_are_found, BENCH_ONE),
    TEST(test_bridges_are_followed_once, BENCH_ONE),
    TEST(test_the_scan_stays_within_the_buses_of_its_config, BENCH_ONE),
    TEST(test_an_empty_bus_is_no_error, BENCH_ONE),
    TEST(test_p03_a_device_that_goes_away_under_the_scan_is_passed, BENCH_ONE),
    TEST(test_no_configuration_space_means_no_device, BENCH_ONE),
};

BENCH_MAIN(tests)
