/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver (P103): hosts that refuse, lie or say nothing, hooks that fail, and what a caller may not ask for.
 */
#include "9p_bench.h"

#include <string.h>

static struct virtio_9p_fid file;   /* "file", open for reading and writing */
static struct virtio_9p_fid folder; /* "folder", not open */
static struct virtio_9p_fid other;

static void open_both(void)
{
    p9_open("file", VIRTIO_9P_READ_WRITE, &file);
    assert_ok(virtio_9p_walk(&p9_share, &p9_root, "folder", &folder));
}

/* ---- Every blocking request, by its type ---- */

static int do_attach(void)
{
    return virtio_9p_attach(&p9_share, "root", "", &other);
}

static int do_walk(void)
{
    return virtio_9p_walk(&p9_share, &p9_root, "folder/inside", &other);
}

static int do_open(void)
{
    int error = virtio_9p_walk(&p9_share, &p9_root, "file", &other);

    return error == VIRTIO_OK ? virtio_9p_open(&p9_share, &other, VIRTIO_9P_READ_ONLY) : error;
}

static int do_create(void)
{
    return virtio_9p_create(&p9_share, &p9_root, "new", VIRTIO_9P_READ_WRITE, 0644, &other);
}

static int do_read(void)
{
    size_t done;

    return virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1000, &done);
}

static int do_write(void)
{
    size_t done;

    return virtio_9p_write(&p9_share, &file, 0, p9_contents, 1000, &done);
}

static int do_list(void)
{
    struct virtio_9p_listing listing;
    struct virtio_9p_entry entry;
    int error = virtio_9p_walk(&p9_share, &p9_root, "", &other);

    if (error == VIRTIO_OK)
        error = virtio_9p_open(&p9_share, &other, VIRTIO_9P_READ_ONLY);
    if (error == VIRTIO_OK)
        error = virtio_9p_list(&listing, &other, p9_buffer, 4096);
    for (unsigned n = 0; error == VIRTIO_OK && n < 100; n++) {
        error = virtio_9p_list_next(&p9_share, &listing, &entry);
        if (error == 0)
            return VIRTIO_OK;
        error = error == 1 ? VIRTIO_OK : error;
    }
    return error;
}

static int do_fsync(void)
{
    return virtio_9p_fsync(&p9_share, &file);
}

static int do_getattr(void)
{
    struct virtio_9p_attributes attributes;

    return virtio_9p_getattr(&p9_share, &file, &attributes);
}

static int do_setattr(void)
{
    struct virtio_9p_changes changes = {.valid = VIRTIO_9P_SET_MODE, .mode = 0600};

    return virtio_9p_setattr(&p9_share, &file, &changes);
}

static int do_statfs(void)
{
    struct virtio_9p_file_system system;

    return virtio_9p_statfs(&p9_share, &file, &system);
}

static int do_mkdir(void)
{
    return virtio_9p_mkdir(&p9_share, &p9_root, "made", 0755);
}

static int do_rename(void)
{
    return virtio_9p_rename(&p9_share, &folder, "inside", &folder, "inside");
}

static int do_remove(void)
{
    return virtio_9p_remove(&p9_share, &folder, "inside", 0);
}

static int do_clunk(void)
{
    int error = virtio_9p_walk(&p9_share, &p9_root, "", &other);

    return error == VIRTIO_OK ? virtio_9p_clunk(&p9_share, &other) : error;
}

static const struct {
    uint8_t type;
    int (*run)(void);
} calls[] = {
    {104, do_attach}, {110, do_walk}, {12, do_open},   {14, do_create},  {116, do_read},
    {118, do_write},  {40, do_list},  {50, do_fsync},  {24, do_getattr}, {26, do_setattr},
    {8, do_statfs},   {72, do_mkdir}, {74, do_rename}, {76, do_remove},  {120, do_clunk},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static int (*call_of(uint8_t type))(void)
{
    for (size_t n = 0; n < CALLS; n++) {
        if (calls[n].type == type)
            return calls[n].run;
    }
    fail_msg("no call sends type %u", type);
    return NULL;
}

/* ---- The host says no ---- */

static void test_every_request_refused(struct bench *bench)
{
    p9_begin_and_start(bench);
    open_both();
    for (size_t n = 0; n < CALLS; n++) {
        unsigned before = fake_9p_open_fids(&p9_server);

        p9_server.refuse_type = calls[n].type;
        p9_server.refuse_number = VIRTIO_9P_ENOSPC;
        p9_share.error_number = 0;
        assert_result(calls[n].run(), VIRTIO_E_ERRNO);
        assert_int_equal(p9_share.error_number, VIRTIO_9P_ENOSPC);
        p9_server.refuse_type = 0;
        p9_check_usable();
        if (calls[n].type == 12 || calls[n].type == 40)
            assert_ok(virtio_9p_clunk(&p9_share, &other));
        if (calls[n].type != 120)
            assert_int_equal(fake_9p_open_fids(&p9_server), before);
    }
    p9_end(bench);
}

static void test_a_later_part_refused(struct bench *bench)
{
    struct virtio_9p_done done;
    size_t bytes;

    p9_begin(bench);
    p9_server.count_max = 1000;
    p9_start(bench);
    open_both();
    p9_server.refuse_type = 116;
    p9_server.refuse_number = VIRTIO_9P_EIO;
    p9_server.refuse_after = 2;
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 5000, &bytes), VIRTIO_E_ERRNO);
    assert_int_equal(bytes, 2000);
    p9_assert_contents(p9_buffer, 0, 2000);
    p9_server.refuse_after = 5;
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, 5000, bench_cookie(1)));
    assert_result(virtio_9p_wait(&p9_share, &done, 1000), 1);
    assert_result(done.error, VIRTIO_E_ERRNO);
    assert_int_equal(done.error_number, VIRTIO_9P_EIO);
    assert_int_equal(done.bytes, 2000);
    p9_end(bench);
}

/* A listing of which a part was refused goes on where it was. */
static void test_a_listing_refused_in_between(struct bench *bench)
{
    struct virtio_9p_listing listing;
    struct virtio_9p_entry entry;
    int result;

    p9_begin_and_start(bench);
    p9_open("", VIRTIO_9P_READ_ONLY, &other);
    assert_ok(virtio_9p_list(&listing, &other, p9_buffer, 4096));
    p9_server.refuse_type = 40;
    p9_server.refuse_number = VIRTIO_9P_EIO;
    p9_server.refuse_after = 1;
    do
        result = virtio_9p_list_next(&p9_share, &listing, &entry);
    while (result > 0);
    assert_result(result, VIRTIO_E_ERRNO);
    assert_string_equal(entry.name, "folder");
    p9_server.refuse_type = 0;
    assert_result(virtio_9p_list_next(&p9_share, &listing, &entry), 0);
    p9_end(bench);
}

/* ---- Lies: each by its name ---- */

static void set32(uint8_t *bytes, uint32_t value)
{
    for (unsigned byte = 0; byte < 4; byte++)
        bytes[byte] = (uint8_t)(value >> (8 * byte));
}

static void size_too_large(struct fake_9p_reply *reply)
{
    set32(reply->bytes, reply->size + 1);
}

static void size_of_all_there_is(struct fake_9p_reply *reply)
{
    set32(reply->bytes, UINT32_MAX);
}

static void size_too_small(struct fake_9p_reply *reply)
{
    set32(reply->bytes, 6);
}

static void size_of_a_head(struct fake_9p_reply *reply)
{
    set32(reply->bytes, 7);
}

static void type_of_a_request(struct fake_9p_reply *reply)
{
    reply->bytes[4]--;
}

static void type_of_another(struct fake_9p_reply *reply)
{
    reply->bytes[4] = (uint8_t)(reply->bytes[4] + 2);
}

static void tag_of_another(struct fake_9p_reply *reply)
{
    reply->bytes[5] ^= 1;
}

static void tag_of_none(struct fake_9p_reply *reply)
{
    reply->bytes[5] = 0xff;
    reply->bytes[6] = 0xff;
}

static void nothing_written(struct fake_9p_reply *reply)
{
    reply->size = 0;
    reply->used = 0;
}

static void one_byte_short(struct fake_9p_reply *reply)
{
    reply->size--;
    reply->used--;
    set32(reply->bytes, reply->size);
}

static void one_byte_more(struct fake_9p_reply *reply)
{
    reply->size++;
    reply->used++;
    set32(reply->bytes, reply->size);
}

static void make_error(struct fake_9p_reply *reply, uint32_t number, uint32_t size)
{
    reply->bytes[4] = 7;
    set32(reply->bytes + 7, number);
    set32(reply->bytes, size);
    reply->size = size;
    reply->used = size;
}

static void error_of_none(struct fake_9p_reply *reply)
{
    make_error(reply, 0, 11);
}

static void error_of_no_system(struct fake_9p_reply *reply)
{
    make_error(reply, 4096, 11);
}

static void error_cut_off(struct fake_9p_reply *reply)
{
    make_error(reply, 5, 10);
}

static void count_too_large(struct fake_9p_reply *reply)
{
    set32(reply->bytes + 7, 1001);
}

static void count_of_all_there_is(struct fake_9p_reply *reply)
{
    set32(reply->bytes + 7, UINT32_MAX);
}

static void count_less_than_sent(struct fake_9p_reply *reply)
{
    set32(reply->bytes + 7, 999);
}

static void count_of_nothing(struct fake_9p_reply *reply)
{
    set32(reply->bytes + 7, 0);
}

static void walked_further(struct fake_9p_reply *reply)
{
    reply->bytes[7] = 3;
    set32(reply->bytes, reply->size + 13);
    reply->size += 13;
    reply->used += 13;
}

static void walked_for_ever(struct fake_9p_reply *reply)
{
    reply->bytes[7] = 0xff;
    reply->bytes[8] = 0xff;
}

static void walked_less_than_told(struct fake_9p_reply *reply)
{
    reply->bytes[7] = 1;
}

/* Of a listing's first entry, "." at 11: qid 13, offset 8, type 1, length 2, name. */
static void name_of_nothing(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 22] = 0;
}

static void name_beyond_the_end(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 22] = 250;
}

static void name_of_65535(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 22] = 0xff;
    reply->bytes[11 + 23] = 0xff;
}

static void name_with_a_separator(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 24] = '/';
}

static void name_with_a_nul(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 24] = '\0';
}

static void entry_cut_off(struct fake_9p_reply *reply)
{
    if (reply->size < 12 + 20)
        return;
    set32(reply->bytes + 7, 20);
    set32(reply->bytes, 31);
    reply->size = 31;
    reply->used = 31;
}

/* Keep only the first entry and say that the listing goes on where it began. */
static void listing_that_leads_back(struct fake_9p_reply *reply)
{
    memset(reply->bytes + 11 + 13, 0, 8);
    set32(reply->bytes + 7, 25);
    set32(reply->bytes, 36);
    reply->size = 36;
    reply->used = 36;
}

struct lie {
    const char *name;
    void (*tell)(struct fake_9p_reply *reply);
    uint8_t type; /* of the request that is lied to; 0: of all that have a call */
};

#define LIE(function, type)                                                                        \
    {                                                                                              \
#function, function, type                                                                  \
    }

static const struct lie lies[] = {
    LIE(size_too_large, 0),
    LIE(size_of_all_there_is, 0),
    LIE(size_too_small, 0),
    LIE(type_of_a_request, 0),
    LIE(type_of_another, 0),
    LIE(tag_of_another, 0),
    LIE(tag_of_none, 0),
    LIE(nothing_written, 0),
    LIE(one_byte_short, 0),
    LIE(one_byte_more, 24),
    LIE(one_byte_more, 26),
    LIE(one_byte_more, 8),
    LIE(one_byte_more, 12),
    LIE(one_byte_more, 14),
    LIE(one_byte_more, 50),
    LIE(one_byte_more, 72),
    LIE(one_byte_more, 74),
    LIE(one_byte_more, 76),
    LIE(one_byte_more, 104),
    LIE(one_byte_more, 110),
    LIE(one_byte_more, 120),
    LIE(size_of_a_head, 24),
    LIE(size_of_a_head, 40),
    LIE(size_of_a_head, 110),
    LIE(size_of_a_head, 116),
    LIE(size_of_a_head, 118),
    LIE(error_of_none, 0),
    LIE(error_of_no_system, 0),
    LIE(error_cut_off, 0),
    LIE(count_too_large, 116),
    LIE(count_too_large, 118),
    LIE(count_of_all_there_is, 116),
    LIE(count_of_all_there_is, 118),
    LIE(count_of_all_there_is, 40),
    LIE(count_less_than_sent, 116),
    LIE(count_of_nothing, 116),
    LIE(count_of_nothing, 118),
    LIE(count_of_nothing, 40),
    LIE(walked_further, 110),
    LIE(walked_for_ever, 110),
    LIE(walked_less_than_told, 110),
    LIE(name_of_nothing, 40),
    LIE(name_beyond_the_end, 40),
    LIE(name_of_65535, 40),
    LIE(name_with_a_separator, 40),
    LIE(name_with_a_nul, 40),
    LIE(entry_cut_off, 40),
    LIE(listing_that_leads_back, 40),
};

static const struct lie *told;
static uint8_t told_to;

static void tell(struct fake_9p_reply *reply)
{
    if (reply->request == told_to)
        told->tell(reply);
}

/* One lie to one type of request: refused, and nothing comes of it. */
static void check_lie(const struct lie *lie, uint8_t type)
{
    int error;

    told = lie;
    told_to = type;
    p9_server.lie = tell;
    memset(p9_buffer, 0, sizeof(p9_buffer));
    error = call_of(type)();
    p9_server.lie = NULL;
    if (error != VIRTIO_E_RESPONSE)
        fail_msg("the lie %s to type %u gave %s", lie->name, type, virtio_strerror(error));
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_READY);
}

static void test_p103_lies(struct bench *bench)
{
    p9_begin(bench);
    for (size_t n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        for (size_t call = 0; call < CALLS; call++) {
            const uint8_t type = calls[call].type;

            if (lies[n].type != 0 && lies[n].type != type)
                continue;
            /* A fid of which nobody knows whether it was made keeps its number: start afresh. */
            fake_9p_end(&p9_server);
            p9_begin(bench);
            p9_start(bench);
            open_both();
            check_lie(&lies[n], type);
            p9_check_usable();
            assert_ok(virtio_9p_stop(&p9_share));
        }
    }
    assert_int_equal(fake_host_live(&bench->host), 0);
    fake_9p_end(&p9_server);
}

static void name_of_256(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 22] = 0;
    reply->bytes[11 + 23] = 1;
    memset(reply->bytes + 11 + 24, 'x', 256);
    set32(reply->bytes + 7, 24 + 256);
    reply->size = 11 + 24 + 256;
    reply->used = reply->size;
    set32(reply->bytes, reply->size);
}

/* Only the first entry, whose name is one byte longer than what there is. */
static void name_one_beyond_the_end(struct fake_9p_reply *reply)
{
    reply->bytes[11 + 22] = 2;
    set32(reply->bytes + 7, 25);
    set32(reply->bytes, 36);
    reply->size = 36;
    reply->used = 36;
}

/* The very first entry is refused, and what lies in the buffer from before is not taken for a part of it. */
static void test_p103_lies_in_a_listing(struct bench *bench)
{
    static void (*const of_entries[])(struct fake_9p_reply *) = {
        name_of_nothing, name_beyond_the_end,     name_of_65535,
        name_of_256,     name_with_a_separator,   name_with_a_nul,
        entry_cut_off,   listing_that_leads_back, name_one_beyond_the_end};
    struct virtio_9p_listing listing;
    struct virtio_9p_entry entry;

    p9_begin_and_start(bench);
    p9_open("", VIRTIO_9P_READ_ONLY, &other);
    for (size_t n = 0; n < sizeof(of_entries) / sizeof(of_entries[0]); n++) {
        memset(p9_buffer, 'a', 4096);
        p9_buffer[22] = 1; /* what would be the name's length where an entry is cut off */
        p9_buffer[23] = 0;
        assert_ok(virtio_9p_list(&listing, &other, p9_buffer, 4096));
        p9_server.lie = of_entries[n];
        assert_result(virtio_9p_list_next(&p9_share, &listing, &entry), VIRTIO_E_RESPONSE);
        p9_server.lie = NULL;
    }
    p9_check_usable();
    p9_end(bench);
}

/* A used length that the answer does not fill, and one that is more than there was room for. */
static void used_less_than_size(struct fake_9p_reply *reply)
{
    reply->used = reply->size - 1;
}

static void used_of_all_there_is(struct fake_9p_reply *reply)
{
    reply->used = UINT32_MAX;
}

static void test_p103_used_length_and_size(struct bench *bench)
{
    p9_begin_and_start(bench);
    open_both();
    p9_server.lie = used_less_than_size;
    assert_result(do_read(), VIRTIO_E_RESPONSE);
    assert_result(do_getattr(), VIRTIO_E_RESPONSE);
    p9_server.lie = used_of_all_there_is;
    assert_result(do_read(), VIRTIO_E_BROKEN);
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_STOPPED);
    assert_result(do_read(), VIRTIO_E_STATE);
    p9_server.lie = NULL;
    p9_end(bench);
}

/* A legacy device's used length is not looked at. */
static void used_of_nothing(struct fake_9p_reply *reply)
{
    reply->used = 0;
}

static void test_used_length_on_legacy(struct bench *bench)
{
    p9_begin_and_start(bench);
    open_both();
    p9_server.lie = used_of_nothing;
    assert_ok(do_read());
    p9_server.lie = used_of_all_there_is;
    assert_ok(do_read());
    assert_ok(do_walk());
    p9_end(bench);
}

/* Lies about a walk's or a clunk's success do not make one number stand for two files. */
static void test_a_number_in_doubt_is_not_used_again(struct bench *bench)
{
    p9_begin_and_start(bench);
    told = &lies[0];
    for (unsigned n = 1; n < VIRTIO_9P_FIDS_MAX; n++) {
        static const uint8_t types[] = {104, 110, 120};

        told_to = types[n % 3];
        p9_server.lie = tell;
        assert_result(call_of(told_to)(), VIRTIO_E_RESPONSE);
        p9_server.lie = NULL;
    }
    assert_result(do_walk(), VIRTIO_E_FULL);
    assert_ok(virtio_9p_recover(&p9_share));
    assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    p9_check_usable();
    p9_end(bench);
}

/* ---- A start that fails ---- */

static void check_start(struct bench *bench, int error)
{
    bench_attach(bench);
    bench->device.timeout_us = P9_TIMEOUT_US;
    assert_result(virtio_9p_start(&p9_share, &bench->device), error);
    assert_int_equal(fake_host_live(&bench->host), 0);
    assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_FOUND);
    assert_result(virtio_9p_recover(&p9_share), VIRTIO_E_STATE);
}

static void test_not_this_device(struct bench *bench)
{
    p9_begin(bench);
    bench_attach(bench);
    bench->device.type = VIRTIO_ID_BLOCK;
    assert_result(virtio_9p_start(&p9_share, &bench->device), VIRTIO_E_INVALID);
    fake_9p_end(&p9_server);
}

static void test_no_tag(struct bench *bench)
{
    static const uint32_t lengths[] = {0, 256, 65535};

    p9_begin(bench);
    bench->fake.features &= ~VIRTIO_9P_MOUNT_TAG;
    check_start(bench, VIRTIO_E_NOT_SUPPORTED);
    bench->fake.features |= VIRTIO_9P_MOUNT_TAG;
    for (unsigned n = 0; n < 3; n++) {
        fake_device_set_config(&bench->fake, 0, 2, lengths[n]);
        check_start(bench, VIRTIO_E_CONFIG);
    }
    fake_9p_end(&p9_server);
}

static void test_queues_too_small(struct bench *bench)
{
    p9_begin(bench);
    bench->fake.queues[0].maximum = 2;
    check_start(bench, VIRTIO_E_NOT_SUPPORTED);
    bench->fake.queues[0].maximum = 0;
    check_start(bench, VIRTIO_E_NO_QUEUE);
    bench->fake.queues[0].maximum = 4;
    p9_start(bench);
    assert_int_equal(p9_share.depth, 1);
    open_both();
    for (size_t n = 0; n < CALLS; n++)
        assert_ok(calls[n].run());
    p9_end(bench);
}

static void test_other_protocols(struct bench *bench)
{
    static const char *const versions[] = {"unknown",  "9P2000",    "9P2000.u",
                                           "9P2000.M", "9P2000.L2", ""};

    p9_begin(bench);
    for (unsigned n = 0; n < 6; n++) {
        p9_server.version = versions[n];
        check_start(bench, VIRTIO_E_NOT_SUPPORTED);
    }
    p9_server.version = "9P2000.L";
    p9_server.msize_max = VIRTIO_9P_MSIZE_MIN - 1;
    check_start(bench, VIRTIO_E_NOT_SUPPORTED);
    p9_server.msize_max = UINT32_MAX;
    p9_server.refuse_type = 100;
    p9_server.refuse_number = VIRTIO_9P_EIO;
    check_start(bench, VIRTIO_E_ERRNO);
    assert_int_equal(p9_share.error_number, VIRTIO_9P_EIO);
    p9_server.refuse_type = 0;
    p9_start(bench);
    p9_end(bench);
}

static void msize_larger_than_asked(struct fake_9p_reply *reply)
{
    set32(reply->bytes + 7, VIRTIO_9P_MSIZE + 1);
}

static void version_longer_than_told(struct fake_9p_reply *reply)
{
    reply->bytes[11]++;
}

static void version_shorter_than_told(struct fake_9p_reply *reply)
{
    reply->bytes[11]--;
}

static void test_p103_lies_about_the_version(struct bench *bench)
{
    static void (*const of_version[])(struct fake_9p_reply *) = {msize_larger_than_asked,
                                                                 version_longer_than_told,
                                                                 version_shorter_than_told,
                                                                 size_too_large,
                                                                 size_too_small,
                                                                 size_of_a_head,
                                                                 type_of_a_request,
                                                                 tag_of_another,
                                                                 nothing_written,
                                                                 error_of_none};

    p9_begin(bench);
    for (size_t n = 0; n < sizeof(of_version) / sizeof(of_version[0]); n++) {
        p9_server.lie = of_version[n];
        check_start(bench, VIRTIO_E_RESPONSE);
    }
    p9_server.lie = NULL;
    p9_start(bench);
    p9_end(bench);
}

static void test_no_answer_to_the_first_message(struct bench *bench)
{
    p9_begin(bench);
    p9_server.silent = true;
    check_start(bench, VIRTIO_E_TIMEOUT);
    p9_server.silent = false;
    p9_start(bench);
    p9_end(bench);
}

static void test_p51_each_allocation_of_start_fails_in_turn(struct bench *bench)
{
    unsigned failures = 0;
    int error;

    p9_begin(bench);
    bench_attach(bench);
    do {
        fake_host_fail_at(&bench->host, failures + 1);
        error = virtio_9p_start(&p9_share, &bench->device);
        if (bench->host.failed) {
            failures++;
            if (error == VIRTIO_OK) /* there was another way to the registers */
                assert_ok(virtio_9p_stop(&p9_share));
            assert_int_equal(fake_host_live(&bench->host), 0);
            assert_int_equal(bench->fake.status, 0);
        }
    } while (bench->host.failed && failures < 100);
    assert_ok(error);
    assert_true(failures >= 4);
    fake_host_fail_at(&bench->host, 0);
    assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
    p9_check_usable();
    p9_end(bench);
}

/* ---- What a caller may not ask for ---- */

static void test_refusals(struct bench *bench)
{
    struct virtio_9p_fid stranger = {.share = NULL};
    struct virtio_9p_attributes attributes;
    char name[VIRTIO_9P_NAME_MAX + 2];
    uint64_t requests;
    size_t done;

    p9_begin_and_start(bench);
    open_both();
    memset(name, 'x', sizeof(name));
    name[VIRTIO_9P_NAME_MAX + 1] = '\0';
    requests = p9_server.requests;
    assert_result(virtio_9p_attach(&p9_share, name, "", &other), VIRTIO_E_INVALID);
    assert_result(virtio_9p_attach(&p9_share, "", name, &other), VIRTIO_E_INVALID);
    assert_result(virtio_9p_walk(&p9_share, &p9_root, name, &other), VIRTIO_E_INVALID);
    assert_result(virtio_9p_walk(&p9_share, &p9_root, "", &p9_root), VIRTIO_E_INVALID);
    assert_result(virtio_9p_walk(&p9_share, &file, "", &other), VIRTIO_E_INVALID);
    assert_result(virtio_9p_walk(&p9_share, &stranger, "", &other), VIRTIO_E_STALE);
    assert_result(virtio_9p_open(&p9_share, &file, 0), VIRTIO_E_INVALID);
    assert_result(virtio_9p_open(&p9_share, &stranger, 0), VIRTIO_E_STALE);
    assert_result(virtio_9p_read(&p9_share, &folder, 0, p9_buffer, 1, &done), VIRTIO_E_INVALID);
    assert_result(virtio_9p_read(&p9_share, &file, 0, NULL, 1, &done), VIRTIO_E_INVALID);
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 0, &done), VIRTIO_E_ZERO_LENGTH);
    assert_result(virtio_9p_read(&p9_share, &file, UINT64_MAX, p9_buffer, 1, &done),
                  VIRTIO_E_OUT_OF_RANGE);
    assert_result(virtio_9p_write(&p9_share, &stranger, 0, p9_buffer, 1, &done), VIRTIO_E_STALE);
    assert_result(virtio_9p_submit_write(&p9_share, &folder, 0, p9_buffer, 1, NULL),
                  VIRTIO_E_INVALID);
    assert_result(virtio_9p_submit_fsync(&p9_share, &folder, NULL), VIRTIO_E_INVALID);
    assert_result(virtio_9p_fsync(&p9_share, &stranger), VIRTIO_E_STALE);
    assert_result(virtio_9p_getattr(&p9_share, &stranger, &attributes), VIRTIO_E_STALE);
    assert_result(virtio_9p_statfs(&p9_share, &stranger, NULL), VIRTIO_E_STALE);
    assert_result(virtio_9p_setattr(&p9_share, &stranger, NULL), VIRTIO_E_STALE);
    assert_result(virtio_9p_clunk(&p9_share, &stranger), VIRTIO_E_STALE);
    assert_int_equal(p9_server.requests, requests);
    p9_end(bench);
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1, &done), VIRTIO_E_STATE);
    assert_int_equal(done, 0);
    assert_result(virtio_9p_attach(&p9_share, "", "", &other), VIRTIO_E_STATE);
    assert_result(virtio_9p_cancel(&p9_share, NULL), VIRTIO_E_STATE);
    assert_result(virtio_9p_kick(&p9_share), VIRTIO_E_STATE);
    assert_result(virtio_9p_reap(&p9_share, &(struct virtio_9p_done){0}), VIRTIO_E_STATE);
    assert_result(virtio_9p_drain(&p9_share, &(struct virtio_9p_done){0}), 0);
    assert_ok(virtio_9p_halt(&p9_share));
}

static void test_what_is_no_name(struct bench *bench)
{
    static const char *const wrong[] = {"", ".", "..", "a/b", "/", "a/"};
    uint64_t requests;

    p9_begin_and_start(bench);
    open_both();
    requests = p9_server.requests;
    for (unsigned n = 0; n < 6; n++) {
        assert_result(virtio_9p_mkdir(&p9_share, &folder, wrong[n], 0755), VIRTIO_E_INVALID);
        assert_result(virtio_9p_remove(&p9_share, &folder, wrong[n], 0), VIRTIO_E_INVALID);
        assert_result(virtio_9p_create(&p9_share, &folder, wrong[n], 0, 0, &other),
                      VIRTIO_E_INVALID);
        assert_result(virtio_9p_rename(&p9_share, &folder, wrong[n], &folder, "x"),
                      VIRTIO_E_INVALID);
        assert_result(virtio_9p_rename(&p9_share, &folder, "x", &folder, wrong[n]),
                      VIRTIO_E_INVALID);
    }
    assert_int_equal(p9_server.requests, requests);
    p9_end(bench);
}

/* ---- Buffers that can't be mapped ---- */

static void test_map_and_unmap_fail(struct bench *bench)
{
    struct virtio_9p_done done;
    size_t bytes;

    p9_begin_and_start(bench);
    open_both();
    for (unsigned n = 0; n < 40; n++) {
        fake_host_fail_at(&bench->host, 1);
        assert_result(do_read(), VIRTIO_E_MAP);
        fake_host_fail_at(&bench->host, 1);
        assert_result(virtio_9p_submit_write(&p9_share, &file, 0, p9_contents, 10, NULL),
                      VIRTIO_E_MAP);
    }
    fake_host_fail_at(&bench->host, 0);
    bench->host.map_limit = 100;
    assert_result(do_read(), VIRTIO_E_MAP);
    bench->host.map_limit = 0;
    bench->host.unmap_error = -1;
    assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 100, &bytes), VIRTIO_E_MAP);
    assert_int_equal(bytes, 0);
    assert_ok(virtio_9p_submit_read(&p9_share, &file, 0, p9_buffer, 100, bench_cookie(4)));
    assert_result(virtio_9p_wait(&p9_share, &done, 1000), 1);
    assert_result(done.error, VIRTIO_E_MAP);
    assert_int_equal(done.bytes, 0);
    assert_ok(do_write()); /* the host has the data all the same */
    bench->host.unmap_error = 0;
    assert_int_equal(p9_share.in_flight, 0);
    p9_check_usable();
    p9_end(bench);
}

/* ---- No answer ---- */

static void test_p69_a_timeout_halts_the_device(struct bench *bench)
{
    uint64_t before;
    size_t bytes;

    p9_begin_and_start(bench);
    open_both();
    for (size_t n = 0; n < CALLS; n++) {
        p9_server.silent = true;
        before = bench->host.now_us;
        assert_result(calls[n].run(), VIRTIO_E_TIMEOUT);
        assert_true(bench->host.now_us - before >= P9_TIMEOUT_US);
        assert_true(bench->host.now_us - before < 2 * P9_TIMEOUT_US);
        assert_int_equal(p9_share.device.state, VIRTIO_DEVICE_STOPPED);
        assert_result(calls[n].run(), VIRTIO_E_STATE);
        p9_server.silent = false;
        assert_ok(virtio_9p_stop(&p9_share));
        assert_int_equal(fake_host_live(&bench->host), 0);
        assert_ok(virtio_9p_start(&p9_share, &p9_share.device));
        assert_result(virtio_9p_read(&p9_share, &file, 0, p9_buffer, 1, &bytes), VIRTIO_E_STALE);
        assert_ok(virtio_9p_attach(&p9_share, "", "", &p9_root));
        open_both();
    }
    p9_end(bench);
}

static const struct bench_test tests[] = {
    TEST(test_every_request_refused, BENCH_ALL),
    TEST(test_a_later_part_refused, BENCH_HOSTS),
    TEST(test_p103_lies, BENCH_LEGACY | BENCH_PCI_MODERN | BENCH_SYNC | BENCH_SPLIT | BENCH_PACKED),
    TEST(test_a_listing_refused_in_between, BENCH_ALL),
    TEST(test_p103_lies_in_a_listing, BENCH_HOSTS),
    TEST(test_p103_used_length_and_size, BENCH_MODERN),
    TEST(test_used_length_on_legacy, BENCH_LEGACY),
    TEST(test_a_number_in_doubt_is_not_used_again, BENCH_ONE | BENCH_SPLIT),
    TEST(test_not_this_device, BENCH_ONE),
    TEST(test_no_tag, BENCH_ALL),
    TEST(test_queues_too_small, BENCH_ALL),
    TEST(test_other_protocols, BENCH_ALL),
    TEST(test_p103_lies_about_the_version, BENCH_ALL),
    TEST(test_no_answer_to_the_first_message, BENCH_ALL),
    TEST(test_p51_each_allocation_of_start_fails_in_turn, BENCH_HOSTS),
    TEST(test_refusals, BENCH_ONE | BENCH_SPLIT),
    TEST(test_what_is_no_name, BENCH_ONE | BENCH_SPLIT),
    TEST(test_map_and_unmap_fail, BENCH_ALL),
    TEST(test_p69_a_timeout_halts_the_device, BENCH_ALL | BENCH_SPLIT | BENCH_PACKED),
};

BENCH_MAIN_RINGS(tests)
