/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver's requests about files: fids, opening, reading, writing, attributes. 9p.c sends them.
 *
 * Must not: give a number of the host's fids to another while the host may still know it. A number whose fate an
 * answer left open stays in use until the next start.
 */
#include "9p_internal.h"

/* The group of what is created: whatever the host makes of it. */
#define GROUP 0u

/* n_uname of Tattach: nobody in particular. */
#define NO_USER 0xffffffffu

/* fsync: all of it, not the data alone. */
#define WITH_METADATA 0u

/* Bits of struct virtio_9p_attributes that are asked for, and the only ones that are told. */
#define ATTRIBUTES VIRTIO_9P_ATTRIBUTE_BASIC

/* ---- Names ---- */

uint32_t virtio_9p_length(const char *string)
{
    uint32_t length = 0;

    while (length <= VIRTIO_9P_NAME_MAX && string[length] != '\0')
        length++;
    return length;
}

/* Bytes of the first name in a path. */
static size_t first_length(const char *path)
{
    const char *end = path;

    while (*end != '\0' && *end != '/')
        end++;
    return (size_t)(end - path);
}

static bool is_here(const char *name, size_t length)
{
    return length == 1 && name[0] == '.';
}

bool virtio_9p_is_name(const char *name)
{
    size_t length = first_length(name);

    return length != 0 && length <= VIRTIO_9P_NAME_MAX && name[length] == '\0' &&
           !is_here(name, length) && !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* Pass over separators and names that lead nowhere. */
static const char *next_name(const char *path)
{
    while (*path == '/' || is_here(path, first_length(path)))
        path++;
    return path;
}

static bool is_path(const char *path)
{
    for (path = next_name(path); *path != '\0'; path = next_name(path)) {
        size_t length = first_length(path);

        if (length > VIRTIO_9P_NAME_MAX)
            return false;
        path += length;
    }
    return true;
}

/* ---- Fids ---- */

int virtio_9p_check_fid(const struct virtio_9p *share, const struct virtio_9p_fid *fid)
{
    if (!virtio_9p_is_live(share))
        return VIRTIO_E_STATE;
    return fid->share == share && fid->session == share->session ? VIRTIO_OK : VIRTIO_E_STALE;
}

/* A fid to be: with a number that no other has. */
static int new_fid(struct virtio_9p *share, struct virtio_9p_fid *fid)
{
    *fid = (struct virtio_9p_fid){.share = NULL};
    for (uint16_t number = 0; number < VIRTIO_9P_FIDS_MAX; number++) {
        uint32_t bit = UINT32_C(1) << number % 32;

        if ((share->fids[number / 32] & bit) == 0) {
            share->fids[number / 32] |= bit;
            fid->number = number;
            return VIRTIO_OK;
        }
    }
    return VIRTIO_E_FULL;
}

static void free_number(struct virtio_9p *share, const struct virtio_9p_fid *fid)
{
    share->fids[fid->number / 32] &= ~(UINT32_C(1) << fid->number % 32);
}

/* The request that was to make it ended so: it is a fid now, or its number is free again. */
static int settle_fid(struct virtio_9p *share, struct virtio_9p_fid *fid, int error)
{
    if (error == VIRTIO_OK) {
        fid->share = share;
        fid->session = share->session;
    } else if (error != VIRTIO_E_RESPONSE) {
        free_number(share, fid);
    }
    return error;
}

void virtio_9p_get_qid(struct virtio_9p_reader *from, struct virtio_9p_fid *fid)
{
    fid->kind = (uint8_t)virtio_9p_get(from, 1);
    fid->version = (uint32_t)virtio_9p_get(from, 4);
    fid->path = virtio_9p_get(from, 8);
}

/* ---- Requests ---- */

static int begin(struct virtio_9p *share, uint8_t type, uint16_t number,
                 struct virtio_9p_request *request)
{
    request->slot = virtio_9p_take_slot(share, type);
    if (request->slot == NULL)
        return VIRTIO_E_FULL;
    request->message = virtio_9p_begin(request->slot);
    virtio_9p_put(&request->message, 4, number);
    return VIRTIO_OK;
}

int virtio_9p_request(struct virtio_9p *share, uint8_t type, const struct virtio_9p_fid *fid,
                      struct virtio_9p_request *request)
{
    int error = virtio_9p_check_fid(share, fid);

    return error == VIRTIO_OK ? begin(share, type, fid->number, request) : error;
}

int virtio_9p_ask(struct virtio_9p *share, struct virtio_9p_request *request,
                  struct virtio_9p_reader *answer)
{
    int error;

    virtio_9p_end(request->slot, &request->message);
    error = virtio_9p_run(share, request->slot);
    if (error == VIRTIO_OK)
        *answer = virtio_9p_answer(request->slot);
    return error;
}

int virtio_9p_ask_plainly(struct virtio_9p *share, struct virtio_9p_request *request)
{
    struct virtio_9p_reader answer;
    int error = virtio_9p_ask(share, request, &answer);

    return error == VIRTIO_OK ? virtio_9p_finished(&answer) : error;
}

/* ---- Making fids, and ending them ---- */

/* Whatever comes of it, the number is not in use any more; but see the top of this file. */
static int clunk_number(struct virtio_9p *share, const struct virtio_9p_fid *fid)
{
    struct virtio_9p_request request;
    int error = begin(share, VIRTIO_9P_TCLUNK, fid->number, &request);

    if (error == VIRTIO_OK) {
        error = virtio_9p_ask_plainly(share, &request);
        if (error == VIRTIO_OK || error == VIRTIO_E_ERRNO)
            free_number(share, fid);
    }
    return error;
}

int virtio_9p_clunk(struct virtio_9p *share, struct virtio_9p_fid *fid)
{
    int error = virtio_9p_check_fid(share, fid);

    if (error != VIRTIO_OK)
        return error;
    error = clunk_number(share, fid);
    if (error != VIRTIO_E_FULL)
        fid->share = NULL;
    return error;
}

static int ask_to_attach(struct virtio_9p *share, const char *user, const char *name,
                         struct virtio_9p_fid *fid)
{
    struct virtio_9p_request request;
    struct virtio_9p_reader answer;
    int error = begin(share, VIRTIO_9P_TATTACH, fid->number, &request);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 4, VIRTIO_9P_NOFID);
    virtio_9p_put_string(&request.message, user, virtio_9p_length(user));
    virtio_9p_put_string(&request.message, name, virtio_9p_length(name));
    virtio_9p_put(&request.message, 4, NO_USER);
    error = virtio_9p_ask(share, &request, &answer);
    if (error != VIRTIO_OK)
        return error;
    virtio_9p_get_qid(&answer, fid);
    return virtio_9p_finished(&answer);
}

int virtio_9p_attach(struct virtio_9p *share, const char *user, const char *name,
                     struct virtio_9p_fid *fid)
{
    int error;

    fid->share = NULL;
    if (!virtio_9p_is_live(share))
        return VIRTIO_E_STATE;
    if (virtio_9p_length(user) > VIRTIO_9P_NAME_MAX || virtio_9p_length(name) > VIRTIO_9P_NAME_MAX)
        return VIRTIO_E_INVALID;
    error = new_fid(share, fid);
    return error == VIRTIO_OK ? settle_fid(share, fid, ask_to_attach(share, user, name, fid))
                              : error;
}

/* As many names of the path as one message takes. @return how many; `path` goes on behind them. */
static unsigned put_names(struct virtio_9p_request *request, const char **path)
{
    const uint8_t *end = request->slot->unit->request + VIRTIO_9P_REQUEST_BYTES;
    unsigned count = 0;

    for (*path = next_name(*path); **path != '\0' && count < VIRTIO_9P_WALK_MAX;
         *path = next_name(*path), count++) {
        size_t length = first_length(*path);

        if ((size_t)(end - request->message.at) < 2 + length)
            break;
        virtio_9p_put_string(&request->message, *path, (uint32_t)length);
        *path += length;
    }
    return count;
}

/* One message on the way. Where it ends early no fid was made, or moved. */
static int walk_part(struct virtio_9p *share, uint16_t from, const char **path,
                     struct virtio_9p_fid *fid)
{
    struct virtio_9p_request request;
    struct virtio_9p_reader answer;
    struct virtio_9p_writer counter;
    unsigned walked;
    unsigned count;
    int error = begin(share, VIRTIO_9P_TWALK, from, &request);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 4, fid->number);
    counter = request.message;
    virtio_9p_put(&request.message, 2, 0);
    count = put_names(&request, path);
    virtio_9p_put(&counter, 2, count);
    error = virtio_9p_ask(share, &request, &answer);
    if (error != VIRTIO_OK)
        return error;
    walked = (unsigned)virtio_9p_get(&answer, 2);
    if (walked > count)
        return VIRTIO_E_RESPONSE;
    for (unsigned name = 0; name < walked; name++)
        virtio_9p_get_qid(&answer, fid);
    error = virtio_9p_finished(&answer);
    if (error == VIRTIO_OK && walked < count) {
        share->error_number = VIRTIO_9P_ENOENT;
        error = VIRTIO_E_ERRNO;
    }
    return error;
}

/* The first message makes the fid, others move it on; a failure of those leaves it behind. */
static int walk_to(struct virtio_9p *share, const struct virtio_9p_fid *from, const char *path,
                   struct virtio_9p_fid *fid)
{
    uint32_t error_number;
    int error = walk_part(share, from->number, &path, fid);

    if (error != VIRTIO_OK || *path == '\0')
        return settle_fid(share, fid, error);
    while (error == VIRTIO_OK && *path != '\0')
        error = walk_part(share, fid->number, &path, fid);
    if (error == VIRTIO_OK || !virtio_9p_is_live(share))
        return settle_fid(share, fid, error);
    error_number = share->error_number;
    (void)clunk_number(share, fid);
    share->error_number = error_number;
    return error;
}

int virtio_9p_walk(struct virtio_9p *share, const struct virtio_9p_fid *from, const char *path,
                   struct virtio_9p_fid *fid)
{
    int error = virtio_9p_check_fid(share, from);

    if (error == VIRTIO_OK && (from->is_open || from == fid || !is_path(path)))
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK)
        error = new_fid(share, fid);
    if (error != VIRTIO_OK) {
        if (from != fid)
            fid->share = NULL;
        return error;
    }
    fid->kind = from->kind;
    fid->version = from->version;
    fid->path = from->path;
    return walk_to(share, from, path, fid);
}

/* ---- Opening ---- */

/* Send what opens a fid. */
static int ask_to_open(struct virtio_9p *share, struct virtio_9p_request *request,
                       struct virtio_9p_fid *fid)
{
    struct virtio_9p_fid opened = *fid;
    struct virtio_9p_reader answer;
    int error = virtio_9p_ask(share, request, &answer);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_get_qid(&answer, &opened);
    opened.iounit = (uint32_t)virtio_9p_get(&answer, 4);
    opened.is_open = true;
    error = virtio_9p_finished(&answer);
    if (error == VIRTIO_OK)
        *fid = opened;
    return error;
}

int virtio_9p_open(struct virtio_9p *share, struct virtio_9p_fid *fid, uint32_t flags)
{
    struct virtio_9p_request request;
    int error = virtio_9p_check_fid(share, fid);

    if (error == VIRTIO_OK && fid->is_open)
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK)
        error = virtio_9p_request(share, VIRTIO_9P_TLOPEN, fid, &request);
    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 4, flags);
    return ask_to_open(share, &request, fid);
}

/* The folder's fid becomes the file's. */
static int create_in(struct virtio_9p *share, struct virtio_9p_fid *fid, const char *name,
                     uint32_t flags, uint32_t mode)
{
    struct virtio_9p_request request;
    int error = virtio_9p_request(share, VIRTIO_9P_TLCREATE, fid, &request);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put_string(&request.message, name, virtio_9p_length(name));
    virtio_9p_put(&request.message, 4, flags);
    virtio_9p_put(&request.message, 4, mode);
    virtio_9p_put(&request.message, 4, GROUP);
    return ask_to_open(share, &request, fid);
}

int virtio_9p_create(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                     const char *name, uint32_t flags, uint32_t mode, struct virtio_9p_fid *fid)
{
    int error =
        virtio_9p_is_name(name) ? virtio_9p_walk(share, directory, "", fid) : VIRTIO_E_INVALID;

    if (error != VIRTIO_OK)
        return error;
    error = create_in(share, fid, name, flags, mode);
    if (error != VIRTIO_OK && virtio_9p_is_live(share)) {
        uint32_t error_number = share->error_number;

        (void)clunk_number(share, fid);
        share->error_number = error_number;
    }
    if (error != VIRTIO_OK)
        fid->share = NULL;
    return error;
}

/* ---- Contents ---- */

static int check_data(const struct virtio_9p *share, const struct virtio_9p_fid *fid,
                      uint64_t offset, const void *buffer, size_t bytes)
{
    uint64_t end;
    int error = virtio_9p_check_fid(share, fid);

    if (error != VIRTIO_OK)
        return error;
    if (!fid->is_open || buffer == NULL)
        return VIRTIO_E_INVALID;
    if (bytes == 0)
        return VIRTIO_E_ZERO_LENGTH;
    return __builtin_add_overflow(offset, bytes, &end) ? VIRTIO_E_OUT_OF_RANGE : VIRTIO_OK;
}

int virtio_9p_begin_data(struct virtio_9p *share, uint8_t type, const struct virtio_9p_fid *fid,
                         uint64_t offset, void *buffer, size_t bytes, struct virtio_9p_slot **begun)
{
    struct virtio_9p_request request;
    struct virtio_9p_slot *slot;
    int error = check_data(share, fid, offset, buffer, bytes);

    if (error == VIRTIO_OK)
        error = virtio_9p_request(share, type, fid, &request);
    if (error != VIRTIO_OK)
        return error;
    slot = request.slot;
    error = virtio_map_all_bytes_in_shared_buffer(
        &share->device, buffer, bytes,
        type == VIRTIO_9P_TWRITE ? VIRTIO_DEVICE_READS : VIRTIO_DEVICE_WRITES, &slot->mapping);
    if (error != VIRTIO_OK) {
        virtio_9p_give_back_slot(share, slot);
        return error;
    }
    slot->fid = fid->number;
    slot->address = slot->mapping.device_address;
    slot->offset = offset;
    slot->left = bytes;
    slot->part_max = share->msize - VIRTIO_9P_OVERHEAD;
    if (fid->iounit != 0 && fid->iounit < slot->part_max && type != VIRTIO_9P_TREADDIR)
        slot->part_max = fid->iounit;
    *begun = slot;
    return VIRTIO_OK;
}

static int run_data(struct virtio_9p *share, uint8_t type, const struct virtio_9p_fid *fid,
                    uint64_t offset, void *buffer, size_t bytes, size_t *done)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_data(share, type, fid, offset, buffer, bytes, &slot);

    *done = 0;
    if (error == VIRTIO_OK) {
        error = virtio_9p_run(share, slot);
        *done = slot->bytes;
    }
    return error;
}

int virtio_9p_read(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                   void *buffer, size_t bytes, size_t *done)
{
    return run_data(share, VIRTIO_9P_TREAD, fid, offset, buffer, bytes, done);
}

int virtio_9p_write(struct virtio_9p *share, const struct virtio_9p_fid *fid, uint64_t offset,
                    const void *buffer, size_t bytes, size_t *done)
{
    return run_data(share, VIRTIO_9P_TWRITE, fid, offset, (void *)(uintptr_t)buffer, bytes, done);
}

int virtio_9p_begin_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                          struct virtio_9p_slot **begun)
{
    struct virtio_9p_request request;
    int error = virtio_9p_check_fid(share, fid);

    if (error == VIRTIO_OK && !fid->is_open)
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK)
        error = virtio_9p_request(share, VIRTIO_9P_TFSYNC, fid, &request);
    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 4, WITH_METADATA);
    virtio_9p_end(request.slot, &request.message);
    *begun = request.slot;
    return VIRTIO_OK;
}

int virtio_9p_fsync(struct virtio_9p *share, const struct virtio_9p_fid *fid)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_fsync(share, fid, &slot);

    return error == VIRTIO_OK ? virtio_9p_run(share, slot) : error;
}

/* ---- Attributes ---- */

int virtio_9p_getattr(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                      struct virtio_9p_attributes *attributes)
{
    struct virtio_9p_attributes told = {.valid = 0};
    struct virtio_9p_fid file;
    struct virtio_9p_request request;
    struct virtio_9p_reader answer;
    int error = virtio_9p_request(share, VIRTIO_9P_TGETATTR, fid, &request);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 8, ATTRIBUTES);
    error = virtio_9p_ask(share, &request, &answer);
    if (error != VIRTIO_OK)
        return error;
    told.valid = virtio_9p_get(&answer, 8) & ATTRIBUTES;
    virtio_9p_get_qid(&answer, &file);
    told.mode = (uint32_t)virtio_9p_get(&answer, 4);
    told.uid = (uint32_t)virtio_9p_get(&answer, 4);
    told.gid = (uint32_t)virtio_9p_get(&answer, 4);
    told.nlink = virtio_9p_get(&answer, 8);
    told.rdev = virtio_9p_get(&answer, 8);
    told.size = virtio_9p_get(&answer, 8);
    told.blksize = virtio_9p_get(&answer, 8);
    told.blocks = virtio_9p_get(&answer, 8);
    told.atime_sec = virtio_9p_get(&answer, 8);
    told.atime_nsec = virtio_9p_get(&answer, 8);
    told.mtime_sec = virtio_9p_get(&answer, 8);
    told.mtime_nsec = virtio_9p_get(&answer, 8);
    told.ctime_sec = virtio_9p_get(&answer, 8);
    told.ctime_nsec = virtio_9p_get(&answer, 8);
    for (unsigned unused = 0; unused < 4; unused++) /* btime, gen, data_version */
        (void)virtio_9p_get(&answer, 8);
    error = virtio_9p_finished(&answer);
    if (error == VIRTIO_OK)
        *attributes = told;
    return error;
}

int virtio_9p_setattr(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                      const struct virtio_9p_changes *changes)
{
    struct virtio_9p_request request;
    int error = virtio_9p_request(share, VIRTIO_9P_TSETATTR, fid, &request);

    if (error != VIRTIO_OK)
        return error;
    virtio_9p_put(&request.message, 4, changes->valid);
    virtio_9p_put(&request.message, 4, changes->mode);
    virtio_9p_put(&request.message, 4, changes->uid);
    virtio_9p_put(&request.message, 4, changes->gid);
    virtio_9p_put(&request.message, 8, changes->size);
    virtio_9p_put(&request.message, 8, changes->atime_sec);
    virtio_9p_put(&request.message, 8, changes->atime_nsec);
    virtio_9p_put(&request.message, 8, changes->mtime_sec);
    virtio_9p_put(&request.message, 8, changes->mtime_nsec);
    return virtio_9p_ask_plainly(share, &request);
}

int virtio_9p_statfs(struct virtio_9p *share, const struct virtio_9p_fid *fid,
                     struct virtio_9p_file_system *file_system)
{
    struct virtio_9p_file_system told;
    struct virtio_9p_request request;
    struct virtio_9p_reader answer;
    int error = virtio_9p_request(share, VIRTIO_9P_TSTATFS, fid, &request);

    if (error == VIRTIO_OK)
        error = virtio_9p_ask(share, &request, &answer);
    if (error != VIRTIO_OK)
        return error;
    told.type = (uint32_t)virtio_9p_get(&answer, 4);
    told.bsize = (uint32_t)virtio_9p_get(&answer, 4);
    told.blocks = virtio_9p_get(&answer, 8);
    told.bfree = virtio_9p_get(&answer, 8);
    told.bavail = virtio_9p_get(&answer, 8);
    told.files = virtio_9p_get(&answer, 8);
    told.ffree = virtio_9p_get(&answer, 8);
    told.fsid = virtio_9p_get(&answer, 8);
    told.namelen = (uint32_t)virtio_9p_get(&answer, 4);
    error = virtio_9p_finished(&answer);
    if (error == VIRTIO_OK)
        *file_system = told;
    return error;
}
