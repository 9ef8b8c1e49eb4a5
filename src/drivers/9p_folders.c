/* SPDX-License-Identifier: MIT */
/*
 * The 9P driver's requests about folders: making, renaming, removing, and the list of what is in them.
 *
 * A listing's entries come into the caller's buffer, where a device could go on writing: each field is taken out
 * of it once, and checked in the copy.
 */
#include "9p_internal.h"

/* Bytes of an entry before its name: qid, offset, type, and the name's length. */
#define ENTRY_HEAD (13u + 8u + 1u + 2u)

_Static_assert(VIRTIO_9P_LIST_MIN >= ENTRY_HEAD + VIRTIO_9P_NAME_MAX, "every entry fits");

/* The group of what is created: whatever the host makes of it. */
#define GROUP 0u

/* ---- Changing ---- */

static void put_name(struct virtio_9p_request *request, const char *name)
{
    virtio_9p_put_string(&request->message, name, virtio_9p_length(name));
}

int virtio_9p_mkdir(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                    const char *name, uint32_t mode)
{
    struct virtio_9p_request request;
    struct virtio_9p_reader answer;
    struct virtio_9p_fid made;
    int error = virtio_9p_is_name(name)
                    ? virtio_9p_request(share, VIRTIO_9P_TMKDIR, directory, &request)
                    : VIRTIO_E_INVALID;

    if (error != VIRTIO_OK)
        return error;
    put_name(&request, name);
    virtio_9p_put(&request.message, 4, mode);
    virtio_9p_put(&request.message, 4, GROUP);
    error = virtio_9p_ask(share, &request, &answer);
    if (error != VIRTIO_OK)
        return error;
    virtio_9p_get_qid(&answer, &made);
    return virtio_9p_finished(&answer);
}

int virtio_9p_rename(struct virtio_9p *share, const struct virtio_9p_fid *old_directory,
                     const char *old_name, const struct virtio_9p_fid *new_directory,
                     const char *new_name)
{
    struct virtio_9p_request request;
    int error = virtio_9p_check_fid(share, new_directory);

    if (error == VIRTIO_OK && (!virtio_9p_is_name(old_name) || !virtio_9p_is_name(new_name)))
        error = VIRTIO_E_INVALID;
    if (error == VIRTIO_OK)
        error = virtio_9p_request(share, VIRTIO_9P_TRENAMEAT, old_directory, &request);
    if (error != VIRTIO_OK)
        return error;
    put_name(&request, old_name);
    virtio_9p_put(&request.message, 4, new_directory->number);
    put_name(&request, new_name);
    return virtio_9p_ask_plainly(share, &request);
}

int virtio_9p_remove(struct virtio_9p *share, const struct virtio_9p_fid *directory,
                     const char *name, uint32_t flags)
{
    struct virtio_9p_request request;
    int error = virtio_9p_is_name(name)
                    ? virtio_9p_request(share, VIRTIO_9P_TUNLINKAT, directory, &request)
                    : VIRTIO_E_INVALID;

    if (error != VIRTIO_OK)
        return error;
    put_name(&request, name);
    virtio_9p_put(&request.message, 4, flags);
    return virtio_9p_ask_plainly(share, &request);
}

/* ---- Listing ---- */

int virtio_9p_list(struct virtio_9p_listing *listing, struct virtio_9p_fid *fid, void *buffer,
                   size_t size)
{
    if (buffer == NULL || size < VIRTIO_9P_LIST_MIN)
        return VIRTIO_E_INVALID;
    *listing = (struct virtio_9p_listing){.fid = fid, .buffer = buffer, .size = size};
    return VIRTIO_OK;
}

/* Fill the buffer anew. @return 1, or 0 when there are no more entries, or an error. */
static int list_more(struct virtio_9p *share, struct virtio_9p_listing *listing)
{
    struct virtio_9p_slot *slot;
    int error = virtio_9p_begin_data(share, VIRTIO_9P_TREADDIR, listing->fid, listing->offset,
                                     listing->buffer, listing->size, &slot);

    listing->at = 0;
    listing->bytes = 0;
    if (error == VIRTIO_OK)
        error = virtio_9p_run(share, slot);
    if (error != VIRTIO_OK)
        return error;
    listing->bytes = slot->bytes;
    listing->began = listing->offset;
    return listing->bytes != 0;
}

/* Is what was copied from a listing a name? */
static bool is_entry_name(const struct virtio_9p_entry *entry)
{
    for (uint16_t at = 0; at < entry->name_length; at++) {
        if (entry->name[at] == '\0' || entry->name[at] == '/')
            return false;
    }
    return entry->name_length != 0;
}

/* The entry at the cursor, and on. */
static int take_entry(struct virtio_9p_listing *listing, struct virtio_9p_entry *entry)
{
    uint8_t head[ENTRY_HEAD];
    struct virtio_9p_reader reader = {.at = head, .left = ENTRY_HEAD};
    size_t left = listing->bytes - listing->at;
    struct virtio_9p_fid file;

    if (left < ENTRY_HEAD)
        return VIRTIO_E_RESPONSE;
    memcpy(head, listing->buffer + listing->at, ENTRY_HEAD);
    virtio_9p_get_qid(&reader, &file);
    entry->kind = file.kind;
    entry->path = file.path;
    entry->offset = virtio_9p_get(&reader, 8);
    entry->type = (uint8_t)virtio_9p_get(&reader, 1);
    entry->name_length = (uint16_t)virtio_9p_get(&reader, 2);
    if (entry->name_length > VIRTIO_9P_NAME_MAX || entry->name_length > left - ENTRY_HEAD)
        return VIRTIO_E_RESPONSE;
    memcpy(entry->name, listing->buffer + listing->at + ENTRY_HEAD, entry->name_length);
    entry->name[entry->name_length] = '\0';
    if (!is_entry_name(entry))
        return VIRTIO_E_RESPONSE;
    listing->at += ENTRY_HEAD + entry->name_length;
    listing->offset = entry->offset;
    /* An answer that leads back to where it began would be asked for again for ever. */
    if (listing->at == listing->bytes && listing->offset == listing->began)
        return VIRTIO_E_RESPONSE;
    return 1;
}

int virtio_9p_list_next(struct virtio_9p *share, struct virtio_9p_listing *listing,
                        struct virtio_9p_entry *entry)
{
    int result = virtio_9p_check_fid(share, listing->fid);

    if (result == VIRTIO_OK && listing->at == listing->bytes)
        result = list_more(share, listing);
    else if (result == VIRTIO_OK)
        result = 1;
    return result > 0 ? take_entry(listing, entry) : result;
}
