/* SPDX-License-Identifier: MIT */
/*
 * Do what the host wants with the balloon: called now and then. Compiled with the tests; copy it into a kernel
 * that has a page allocator and has started the balloon.
 */
#include <virtio/virtio.h>

/* The kernel's: a page that nobody uses, by its device address. */
struct page_source {
    bool (*take)(uint64_t *page);
    void (*give_back)(uint64_t page);
};

int balloon_follow(struct virtio_balloon *balloon, const struct page_source *source,
                   uint64_t *in_balloon, size_t most);

/* `in_balloon` lists the pages that were given to the host, at most `most`. */
int balloon_follow(struct virtio_balloon *balloon, const struct page_source *source,
                   uint64_t *in_balloon, size_t most)
{
    uint32_t target;
    int error = virtio_balloon_get_target(balloon, &target);

    while (error == VIRTIO_OK && balloon->actual < target && balloon->actual < most &&
           source->take(&in_balloon[balloon->actual]))
        error = virtio_balloon_inflate(balloon, &in_balloon[balloon->actual], 1);
    while (error == VIRTIO_OK && balloon->actual > target) {
        uint64_t page = in_balloon[balloon->actual - 1];

        error = virtio_balloon_deflate(balloon, &page, 1);
        if (error == VIRTIO_OK)
            source->give_back(page);
    }
    return error;
}
