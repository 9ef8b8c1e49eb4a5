/* SPDX-License-Identifier: MIT */
/*
 * The SCSI driver's events: disks that come, go and grow while the controller works.
 */
#include "scsi_rig.h"

#include "pattern.h"

#include <string.h>

enum {
    PLUG_TARGET = 9,
    PLUG_LUN = 1,
    GROWN = 2 * 1024 * 1024,
    QUIET_US = 200000,
    ROUNDS = 10, /* two events each: more than there are buffers for */
};

/* Waits for an event and checks where it is from. */
static bool expect_event(struct test *test, uint32_t event, uint32_t reason, uint8_t target,
                         uint16_t lun)
{
    struct virtio_scsi_event seen = {0};

    return CHECK_RESULT(test, virtio_scsi_wait_event(&scsi_rig, &seen, SCSI_PATIENCE_US), 1) &&
           CHECK_EQUAL(test, seen.event, event) && CHECK_EQUAL(test, seen.reason, reason) &&
           CHECK_EQUAL(test, seen.target, target) && CHECK_EQUAL(test, seen.lun, lun) &&
           CHECK(test, !seen.missed);
}

/* No test before this one may have left events behind, and not every controller has them. */
static bool has_events(struct test *test, uint64_t feature)
{
    struct virtio_scsi_event event;

    if (!scsi_rig_open(test, "grow")) {
        return false;
    }
    if (!virtio_has_feature(&scsi_rig.device, feature)) {
        test_skip(test, "the controller does not tell of that");
        return false;
    }
    return CHECK_RESULT(test, virtio_scsi_poll_event(&scsi_rig, &event), 0);
}

static void hotplug_body(struct test *test)
{
    struct virtio_scsi_event event;

    if (!has_events(test, VIRTIO_SCSI_F_HOTPLUG)) {
        return;
    }
    CHECK_RESULT(test, virtio_scsi_wait_event(&scsi_rig, &event, 1000), VIRTIO_E_TIMEOUT);
    for (unsigned round = 0; round < 3; round++) {
        if (!test_ask_host(test, "scsi add")) {
            return;
        }
        REQUIRE(test, expect_event(test, VIRTIO_SCSI_T_TRANSPORT_RESET,
                                   VIRTIO_SCSI_EVT_RESET_RESCAN, PLUG_TARGET, PLUG_LUN));
        REQUIRE_RESULT(test, virtio_scsi_open(&scsi_unit, &scsi_rig, PLUG_TARGET, PLUG_LUN),
                       VIRTIO_OK);
        REQUIRE_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 65536), VIRTIO_OK);
        CHECK(test, pattern_matches(scsi_memory.bytes, SCSI_HOST_SEED, 0, 128));
        test_ask_host(test, "scsi remove");
        REQUIRE(test, expect_event(test, VIRTIO_SCSI_T_TRANSPORT_RESET,
                                   VIRTIO_SCSI_EVT_RESET_REMOVED, PLUG_TARGET, PLUG_LUN));
        CHECK_RESULT(test, virtio_scsi_open(&scsi_unit, &scsi_rig, PLUG_TARGET, PLUG_LUN),
                     VIRTIO_E_NO_DEVICE);
    }
    CHECK_EQUAL(test, scsi_rig.ignored, 0);
    /* The others were not disturbed. */
    REQUIRE(test, scsi_rig_open(test, "data"));
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, 0, scsi_memory.bytes, 512), VIRTIO_OK);
}

void scsi_hotplug(struct test *test)
{
    scsi_rig_run(test, hotplug_body);
}

/* Leaves QEMU alone for a while: a guest that asks without a pause keeps it from everything else. */
static void be_quiet(struct test *test)
{
    uint64_t end = test_now_us(test) + QUIET_US / 4;

    while (test_now_us(test) < end) {
        continue;
    }
}

static void missed_body(struct test *test)
{
    struct virtio_scsi_event event;
    uint64_t end = test_now_us(test) + SCSI_PATIENCE_US;
    unsigned told = 0;
    bool missed = false;

    if (!has_events(test, VIRTIO_SCSI_F_HOTPLUG) ||
        !test_ask_host(test, "scsi flood rounds=%u", (unsigned)ROUNDS)) {
        return;
    }
    /* Nobody listens until all of that is over: the disk that is resized afterwards says so. */
    test_ask_host(test, "scsi resize disk=grow bytes=%u", GROWN);
    do {
        be_quiet(test);
        REQUIRE_RESULT(test, virtio_scsi_read_capacity(&scsi_unit), VIRTIO_OK);
    } while (scsi_unit.blocks != GROWN / 512 && test_now_us(test) < end);
    CHECK_EQUAL(test, scsi_unit.blocks, GROWN / 512);
    /* That others were lost comes when there is a buffer for it again. */
    while (virtio_scsi_wait_event(&scsi_rig, &event, QUIET_US) == 1) {
        told++;
        missed = missed || event.missed;
    }
    CHECK(test, told >= VIRTIO_SCSI_EVENTS && told < 2 * ROUNDS);
    CHECK(test, missed);
    /* And then they are told again. */
    test_ask_host(test, "scsi add");
    CHECK(test, expect_event(test, VIRTIO_SCSI_T_TRANSPORT_RESET, VIRTIO_SCSI_EVT_RESET_RESCAN,
                             PLUG_TARGET, PLUG_LUN));
    test_ask_host(test, "scsi remove");
    CHECK(test, expect_event(test, VIRTIO_SCSI_T_TRANSPORT_RESET, VIRTIO_SCSI_EVT_RESET_REMOVED,
                             PLUG_TARGET, PLUG_LUN));
    CHECK_EQUAL(test, scsi_rig.ignored, 0);
}

void scsi_missed_events(struct test *test)
{
    scsi_rig_run(test, missed_body);
}

static void resize_body(struct test *test)
{
    uint64_t blocks;

    if (!has_events(test, VIRTIO_SCSI_F_CHANGE)) {
        return;
    }
    blocks = scsi_unit.blocks;
    scsi_unit.attentions = 0;
    if (!test_ask_host(test, "scsi resize disk=grow bytes=%llu",
                       (unsigned long long)(blocks + 2048) * 512)) {
        return;
    }
    REQUIRE(test, expect_event(test, VIRTIO_SCSI_T_PARAM_CHANGE, 0x2a | 0x09 << 8, scsi_unit.target,
                               scsi_unit.lun));
    /* Its next command meets the same as a unit attention condition, and is repeated. */
    REQUIRE_RESULT(test, virtio_scsi_test_unit_ready(&scsi_unit), VIRTIO_OK);
    CHECK_EQUAL(test, scsi_unit.attentions, 1);
    CHECK_EQUAL(test, scsi_unit.attention.asc, 0x2a);
    CHECK_EQUAL(test, scsi_unit.attention.ascq, 0x09);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, blocks, scsi_memory.bytes, 512),
                 VIRTIO_E_OUT_OF_RANGE);
    REQUIRE_RESULT(test, virtio_scsi_read_capacity(&scsi_unit), VIRTIO_OK);
    CHECK_EQUAL(test, scsi_unit.blocks, blocks + 2048);
    CHECK_RESULT(test, virtio_scsi_read(&scsi_unit, blocks, scsi_memory.bytes, 512), VIRTIO_OK);
}

void scsi_resize(struct test *test)
{
    scsi_rig_run(test, resize_body);
}
