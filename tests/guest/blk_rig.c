/* SPDX-License-Identifier: MIT */
/*
 * The rig of the block tests: see blk_rig.h.
 */
#include "blk_rig.h"

#include "pattern.h"

#include <stdio.h>
#include <string.h>

enum {
    DISKS_MAX = 32,
    LABEL_SECTOR = 2,   /* of an ext2 file system: its superblock, */
    LABEL_OFFSET = 120, /* and the volume's name in it */
    LOAD_PIECE = 64,    /* sectors */
    MARK_SECTORS = 8,
    MARK_BYTES = MARK_SECTORS * SECTOR,
};

static const char DOCS_LABEL[] = "libvirtio-docs";
static const char SCRATCH_MARK[] = "libvirtio-scratch"; /* where the last 4096 bytes begin */
const char RIG_READABLE[] = "readable";

uint64_t rig_requests;

/* What is known of the block devices, by number; they do not change during a run. */
static struct {
    const struct test_environment *environment; /* it is known of these */
    char ids[DISKS_MAX][VIRTIO_BLK_ID_SIZE];
    const char *marks[DISKS_MAX]; /* the role by what is on it, for a disk without such an id */
} known;

static bool has_text(struct test *test, struct virtio_blk *disk, uint64_t sector, size_t offset,
                     const char *text)
{
    struct test_memory memory;
    bool found;

    if (!test_allocate(test, MARK_BYTES, &memory)) {
        return false;
    }
    found = counted(virtio_blk_read(disk, sector, memory.bytes, MARK_BYTES)) == VIRTIO_OK &&
            strncmp((const char *)memory.bytes + offset, text, strlen(text) + 1) == 0;
    test_free(test, &memory);
    return found;
}

/* The role of a disk by its content, or NULL. The disk has been started. */
static const char *read_mark(struct test *test, struct virtio_blk *disk)
{
    const size_t label = LABEL_SECTOR * SECTOR + LABEL_OFFSET;

    if (disk->capacity < 2 * MARK_SECTORS) {
        return NULL;
    }
    if (has_text(test, disk, 0, label, DOCS_LABEL)) {
        return "docs";
    }
    return has_text(test, disk, disk->capacity - MARK_SECTORS, 0, SCRATCH_MARK) ? "scratch" : NULL;
}

static bool is_role(const char *id, const char *role)
{
    size_t length = strlen(role);

    return strncmp(id, role, length) == 0 && (id[length] == '\0' || id[length] == '-');
}

static bool has_any_role(const char *id)
{
    static const char *const roles[] = {"docs",  "scratch", "readonly", "faulty",
                                        "stuck", "growing", "boot"};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (is_role(id, roles[i])) {
            return true;
        }
    }
    return false;
}

static void learn(struct test *test, size_t index, const struct virtio_device *found)
{
    static struct virtio_blk disk;
    char *id = known.ids[index];

    if (virtio_blk_start(&disk, found) != VIRTIO_OK) {
        return;
    }
    (void)counted(virtio_blk_get_id(&disk, id));
    if (!has_any_role(id)) {
        known.marks[index] = read_mark(test, &disk);
    }
    virtio_blk_stop(&disk);
}

static void learn_all(struct test *test)
{
    const struct virtio_device *found;

    if (known.environment == test->environment) {
        return;
    }
    memset(&known, 0, sizeof(known));
    known.environment = test->environment;
    for (size_t i = 0; i < DISKS_MAX; i++) {
        found = test_find_device(test, VIRTIO_ID_BLOCK, i);
        if (found == NULL) {
            return;
        }
        learn(test, i, found);
    }
}

const char *rig_id(struct test *test, size_t index)
{
    learn_all(test);
    return index < DISKS_MAX && known.ids[index][0] != '\0' ? known.ids[index] : NULL;
}

static bool plays(size_t index, const char *role)
{
    const char *id = known.ids[index];

    if (role == RIG_READABLE) {
        return !is_role(id, "faulty") && !is_role(id, "stuck");
    }
    return is_role(id, role) ||
           (known.marks[index] != NULL && strcmp(known.marks[index], role) == 0);
}

const struct virtio_device *rig_find(struct test *test, const char *role)
{
    const struct virtio_device *found = NULL;

    learn_all(test);
    if (role == RIG_READABLE) {
        found = rig_find(test, "docs");
    }
    for (size_t i = 0; found == NULL && i < DISKS_MAX; i++) {
        const struct virtio_device *device = test_find_device(test, VIRTIO_ID_BLOCK, i);

        if (device == NULL) {
            break;
        }
        if (plays(i, role)) {
            found = device;
        }
    }
    return found;
}

static bool allocate(struct test *test, struct test_memory memory[2])
{
    if (!test_allocate(test, (size_t)RIG_WINDOW * SECTOR + RIG_MARGIN, &memory[0])) {
        return false;
    }
    if (!test_allocate(test, (size_t)RIG_WINDOW * SECTOR, &memory[1])) {
        test_free(test, &memory[0]);
        return false;
    }
    return true;
}

/* QEMU 7.2's storage daemon does not wait for requests in flight when the device is reset: it goes on writing to
 * their buffers, and to the used ring, which the driver then rightly calls broken (spec 2.4.1). Tests
 * that leave requests with a device which they reset spare it; all of its disks have this id. */
static bool is_remote(struct virtio_blk *disk)
{
    char id[VIRTIO_BLK_ID_SIZE];

    return counted(virtio_blk_get_id(disk, id)) == VIRTIO_OK && strcmp(id, "vhost_user_blk") == 0;
}

static void run_body(struct test *test, const struct virtio_device *found,
                     void (*body)(struct test *test, struct rig *rig))
{
    static struct virtio_blk disk;
    struct test_memory memory[2];
    struct rig rig = {.disk = &disk, .found = found};

    if (!allocate(test, memory)) {
        return;
    }
    if (CHECK_RESULT(test, virtio_blk_start(&disk, found), VIRTIO_OK)) {
        test_watch(&disk.device);
        rig.is_remote = is_remote(&disk);
        rig.unit = disk.blk_size / SECTOR;
        rig.window = disk.capacity < RIG_WINDOW ? (uint32_t)disk.capacity : RIG_WINDOW;
        rig.window -= rig.window % rig.unit;
        rig.buffer = memory[0].bytes;
        rig.expected = memory[1].bytes;
        body(test, &rig);
        CHECK_RESULT(test, virtio_blk_stop(&disk), VIRTIO_OK);
    }
    test_free(test, &memory[1]);
    test_free(test, &memory[0]);
}

void rig_run(struct test *test, const char *role, void (*body)(struct test *test, struct rig *rig))
{
    static char reason[64];
    const struct virtio_device *found = rig_find(test, role);

    if (found == NULL) {
        snprintf(reason, sizeof(reason), "there is no %s disk", role);
        test_skip(test, reason);
        return;
    }
    run_body(test, found, body);
}

void rig_run_scratch(struct test *test, void (*body)(struct test *test, struct rig *rig))
{
    if (test->environment->disk_read_only) {
        test_skip(test, "disk=ro: nothing may be written");
        return;
    }
    rig_run(test, "scratch", body);
}

bool rig_load(struct test *test, struct rig *rig)
{
    uint32_t piece;

    for (uint32_t sector = 0; sector < rig->window; sector += piece) {
        piece = rig->window - sector < LOAD_PIECE ? rig->window - sector : LOAD_PIECE;
        if (!CHECK_RESULT(
                test,
                counted(virtio_blk_read(rig->disk, sector, rig->expected + (size_t)sector * SECTOR,
                                        (size_t)piece * SECTOR)),
                VIRTIO_OK)) {
            return false;
        }
    }
    return true;
}

uint32_t rig_random(uint64_t *state, uint32_t bound)
{
    *state = splitmix64(*state);
    return (uint32_t)(((*state >> 32) * bound) >> 32);
}
