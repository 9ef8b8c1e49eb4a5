/* SPDX-License-Identifier: MIT */
/*
 * The network device driver (spec 5.1): features, configuration, start and stop. include/virtio/net.h is its
 * manual.
 *
 * Must not: take an offload that the caller did not ask for, or a feature without those that it requires;
 * read a field of configuration space whose feature was not taken.
 */
#include "net_internal.h"

/* Device configuration space (spec 5.1.4), as far as it is used. */
struct virtio_net_config {
    uint8_t mac[VIRTIO_NET_MAC_SIZE];
    uint16_t status;
    uint16_t max_virtqueue_pairs;
    uint16_t mtu;
    uint32_t speed;
    uint8_t duplex;
};

_Static_assert(offsetof(struct virtio_net_config, status) == 6, "spec 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, max_virtqueue_pairs) == 8, "spec 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, mtu) == 10, "spec 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, speed) == 12, "spec 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, duplex) == 16, "spec 5.1.4");

#define VIRTIO_NET_S_LINK_UP  1u
#define VIRTIO_NET_S_ANNOUNCE 2u

#define MTU_MIN 68u

/* What a device may rely on without VIRTIO_NET_F_MTU (spec 5.1.6.3.1). */
#define BUFFER_MIN 1514u

#define PAIRS_LIMIT 0x8000u

#define SUPPORTED                                                                                  \
    (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | VIRTIO_NET_F_HOST_TSO4 |            \
     VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN | VIRTIO_NET_F_HOST_UFO |                      \
     VIRTIO_NET_F_HOST_USO | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ | \
     VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_GUEST_ANNOUNCE |             \
     VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_SPEED_DUPLEX)

#define RECEIVE_GSO                                                                                \
    (VIRTIO_NET_RECEIVE_OFFLOADS & ~(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_ECN))

/* ---- Features ---- */

/* A feature requires one of others (spec 5.1.3.1); in an order in which one look at each is enough. */
static const struct {
    uint64_t feature;
    uint64_t requires;
} requirements[] = {
    {VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM},
    {VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM},
    {VIRTIO_NET_F_GUEST_UFO, VIRTIO_NET_F_GUEST_CSUM},
    {VIRTIO_NET_F_GUEST_USO4, VIRTIO_NET_F_GUEST_CSUM},
    {VIRTIO_NET_F_GUEST_USO6, VIRTIO_NET_F_GUEST_CSUM},
    {VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6},
    {VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM},
    {VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM},
    {VIRTIO_NET_F_HOST_UFO, VIRTIO_NET_F_CSUM},
    {VIRTIO_NET_F_HOST_USO, VIRTIO_NET_F_CSUM},
    {VIRTIO_NET_F_HOST_ECN, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6},
    {VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ},
    {VIRTIO_NET_F_CTRL_RX_EXTRA, VIRTIO_NET_F_CTRL_VQ},
    {VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ},
    {VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ},
    {VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ},
    {VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ},
};

static uint64_t without_orphans(uint64_t features)
{
    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
        if ((features & requirements[i].requires) == 0)
            features &= ~requirements[i].feature;
    }
    return features;
}

static uint64_t wanted_features(const struct virtio_net_options *options)
{
    uint64_t wanted = SUPPORTED | options->receive_offloads;

    if (options->vlan_filter)
        wanted |= VIRTIO_NET_F_CTRL_VLAN;
    if (options->pairs > 1)
        wanted |= VIRTIO_NET_F_MQ;
    return wanted & ~options->features_off;
}

/* Begin the device; with less, when it offers a feature without one that this requires. */
static int begin(struct virtio_net *net, const struct virtio_net_options *options)
{
    struct virtio_device *device = &net->device;
    struct virtio_features wanted;
    int error = virtio_device_offer(device);

    if (error != VIRTIO_OK)
        return error;
    wanted.required = 0;
    wanted.supported =
        without_orphans(device->features_offered & wanted_features(options) & ~device->refuse);
    return virtio_device_accept(device, &wanted);
}

/* ---- Configuration ---- */

static bool is_unicast(const uint8_t *mac)
{
    static const uint8_t none[VIRTIO_NET_MAC_SIZE];

    return (mac[0] & 1) == 0 && memcmp(mac, none, sizeof(none)) != 0;
}

/* A locally administered address, different for each device and, where there is a clock, each start. */
static void make_up_mac(const struct virtio_device *device, uint8_t *mac)
{
    const struct virtio_host *host = device->host;
    const struct virtio_pci_address *pci = &device->pci.address;
    uint64_t mixed = device->mmio.address + ((uint64_t)pci->segment << 48) +
                     ((uint64_t)pci->bus << 40) + ((uint64_t)pci->device << 36) +
                     ((uint64_t)pci->function << 32);

    if (host->now_us != NULL)
        mixed += host->now_us(host->ctx) << 8;
    for (unsigned at = 0; at < VIRTIO_NET_MAC_SIZE; at++) {
        mixed = mixed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        mac[at] = (uint8_t)(mixed >> 56);
    }
    mac[0] = (uint8_t)((mac[0] & 0xfcu) | 2u);
}

static int read_given_mac(struct virtio_net *net)
{
    return virtio_config_read_bytes(&net->device, offsetof(struct virtio_net_config, mac), net->mac,
                                    sizeof(net->mac));
}

static int read_mac(struct virtio_net *net, const struct virtio_net_options *options)
{
    if (virtio_has_feature(&net->device, VIRTIO_NET_F_MAC)) {
        int error = read_given_mac(net);

        if (error != VIRTIO_OK)
            return error;
        net->mac_is_given = is_unicast(net->mac);
        if (net->mac_is_given)
            return VIRTIO_OK;
    }
    if (options->mac != NULL)
        memcpy(net->mac, options->mac, sizeof(net->mac));
    else
        make_up_mac(&net->device, net->mac);
    return VIRTIO_OK;
}

static int read16(const struct virtio_net *net, uint32_t offset, uint16_t *value)
{
    uint64_t wide = 0;
    int error = virtio_config_read(&net->device, offset, sizeof(*value), &wide);

    *value = (uint16_t)wide;
    return error;
}

/* The MTU, and with it the longest frame that may come in. */
static int read_mtu(struct virtio_net *net, const struct virtio_net_options *options)
{
    uint16_t mtu = options->mtu != 0 ? options->mtu : VIRTIO_NET_MTU_DEFAULT;

    net->mtu = mtu;
    if (virtio_has_feature(&net->device, VIRTIO_NET_F_MTU)) {
        int error = read16(net, offsetof(struct virtio_net_config, mtu), &mtu);

        if (error != VIRTIO_OK)
            return error;
        if (mtu < MTU_MIN)
            return VIRTIO_E_CONFIG;
        if (options->mtu == 0 || options->mtu > mtu)
            net->mtu = mtu;
    }
    net->receive_max = (mtu > VIRTIO_NET_MTU_DEFAULT ? mtu : VIRTIO_NET_MTU_DEFAULT) +
                       VIRTIO_NET_ETHERNET_HEADER_VLAN;
    return VIRTIO_OK;
}

/* How many pairs of queues to use, and where the control queue is. */
static int read_pairs(struct virtio_net *net, const struct virtio_net_options *options,
                      uint16_t *control)
{
    uint16_t there;
    int error;

    net->pairs_started = 1;
    *control = 2;
    if (!virtio_has_feature(&net->device, VIRTIO_NET_F_MQ))
        return VIRTIO_OK;
    error = read16(net, offsetof(struct virtio_net_config, max_virtqueue_pairs), &there);
    if (error != VIRTIO_OK)
        return error;
    /* Of 0x8000 pairs the control queue's number would not fit 16 bits. */
    if (there == 0 || there >= PAIRS_LIMIT)
        return VIRTIO_E_CONFIG;
    net->pairs_started = options->pairs < there ? options->pairs : there;
    *control = (uint16_t)(2 * there);
    return VIRTIO_OK;
}

/* The header's size and place, and how much a receive buffer has to hold. */
static void choose_layout(struct virtio_net *net, const struct virtio_net_options *options)
{
    uint32_t whole = net->receive_max;

    net->merges = virtio_has_feature(&net->device, VIRTIO_NET_F_MRG_RXBUF);
    net->header_size = net->device.legacy && !net->merges ? VIRTIO_NET_HEADER_LEGACY
                                                          : sizeof(struct virtio_net_hdr);
    net->header_apart =
        net->device.legacy && !virtio_has_feature(&net->device, VIRTIO_F_ANY_LAYOUT);
    if ((net->device.features & RECEIVE_GSO) != 0)
        whole = VIRTIO_NET_GSO_FRAME_MAX;
    if (whole < BUFFER_MIN)
        whole = BUFFER_MIN;
    net->buffer_size = options->receive_buffer_size;
    if (net->buffer_size == 0)
        net->buffer_size =
            net->merges && whole > VIRTIO_NET_BUFFER_MAX ? VIRTIO_NET_BUFFER_MAX : whole;
    if (!net->merges && net->buffer_size < whole)
        net->buffer_size = whole;
    net->buffer_start = (0u - net->header_size - VIRTIO_NET_ETHERNET_HEADER) & 3;
    net->buffer_stride = (net->buffer_start + virtio_net_buffer_bytes(net) + 63) & ~63u;
}

int virtio_net_read_link(const struct virtio_net *net, struct virtio_net_link *link)
{
    const struct virtio_device *device = &net->device;
    uint64_t status = VIRTIO_NET_S_LINK_UP;
    uint64_t speed = VIRTIO_NET_SPEED_UNKNOWN;
    uint64_t duplex = 0xff;
    int error = virtio_net_is_live(net) ? VIRTIO_OK : VIRTIO_E_STATE;

    if (error == VIRTIO_OK && virtio_has_feature(device, VIRTIO_NET_F_STATUS))
        error = virtio_config_read(device, offsetof(struct virtio_net_config, status), 2, &status);
    if (error == VIRTIO_OK && virtio_has_feature(device, VIRTIO_NET_F_SPEED_DUPLEX)) {
        error = virtio_config_read(device, offsetof(struct virtio_net_config, speed), 4, &speed);
        if (error == VIRTIO_OK)
            error =
                virtio_config_read(device, offsetof(struct virtio_net_config, duplex), 1, &duplex);
    }
    if (error != VIRTIO_OK)
        return error;
    link->up = (status & VIRTIO_NET_S_LINK_UP) != 0;
    link->announce = (status & VIRTIO_NET_S_ANNOUNCE) != 0 &&
                     virtio_has_feature(device, VIRTIO_NET_F_GUEST_ANNOUNCE);
    link->duplex_known = duplex <= 1;
    link->full_duplex = duplex == 1;
    link->speed = speed > INT32_MAX ? VIRTIO_NET_SPEED_UNKNOWN : (uint32_t)speed;
    return VIRTIO_OK;
}

/* ---- Start and stop ---- */

static bool are_valid(const struct virtio_net_options *options)
{
    return options->pairs <= VIRTIO_NET_PAIRS_MAX &&
           options->receive_buffers <= VIRTIO_NET_BUFFERS_MAX &&
           options->transmit_buffers <= VIRTIO_NET_BUFFERS_MAX &&
           (options->mtu == 0 || options->mtu >= MTU_MIN) &&
           (options->receive_buffer_size == 0 || options->receive_buffer_size >= 128) &&
           options->receive_buffer_size <= VIRTIO_NET_GSO_FRAME_MAX &&
           (options->receive_offloads & ~VIRTIO_NET_RECEIVE_OFFLOADS) == 0 &&
           (options->mac == NULL || is_unicast(options->mac));
}

/* The smallest size of a queue that holds so many chains of so many descriptors. */
static uint16_t queue_limit(uint16_t chains, unsigned descriptors)
{
    uint32_t size = 2;

    while (size < chains * descriptors)
        size *= 2;
    return (uint16_t)size;
}

static int start_pair(struct virtio_net *net, uint16_t index,
                      const struct virtio_net_options *options)
{
    struct virtio_net_pair *pair = &net->pairs[index];
    uint16_t buffers =
        options->receive_buffers != 0 ? options->receive_buffers : VIRTIO_NET_BUFFERS_DEFAULT;
    int error = virtio_queue_start(&pair->receive, &net->device, (uint16_t)(2 * index),
                                   queue_limit(buffers, net->header_apart ? 2 : 1));

    if (error == VIRTIO_OK)
        error = virtio_queue_start(&pair->transmit, &net->device, (uint16_t)(2 * index + 1),
                                   options->transmit_buffers != 0
                                       ? queue_limit(options->transmit_buffers, 2)
                                       : VIRTIO_NET_QUEUE_SIZE);
    if (error == VIRTIO_OK)
        error = virtio_net_allocate_slots(net, pair, options->transmit_buffers);
    if (error == VIRTIO_OK)
        error = virtio_net_fill(net, pair, buffers);
    return error;
}

static int start_queues(struct virtio_net *net, const struct virtio_net_options *options,
                        uint16_t control)
{
    const struct virtio_host *host = net->device.host;
    size_t size = net->pairs_started * sizeof(*net->pairs);
    int error = VIRTIO_OK;

    net->pairs = host->allocate(host->ctx, size);
    if (net->pairs == NULL)
        return VIRTIO_E_NO_MEMORY;
    memset(net->pairs, 0, size);
    for (uint16_t at = 0; at < net->pairs_started && error == VIRTIO_OK; at++)
        error = start_pair(net, at, options);
    if (error == VIRTIO_OK && virtio_has_feature(&net->device, VIRTIO_NET_F_CTRL_VQ))
        error = virtio_net_start_control(net, control);
    return error;
}

/* After DRIVER_OK: let frames come in, and say what only commands can say. */
static int go_live(struct virtio_net *net)
{
    int error = virtio_device_ready(&net->device);

    for (uint16_t at = 0; at < net->pairs_started && error == VIRTIO_OK; at++)
        error = virtio_net_show(&net->pairs[at]);
    net->pair_count = 1;
    if (error == VIRTIO_OK && net->pairs_started > 1) {
        error = virtio_net_command_pairs(net, net->pairs_started);
        if (error == VIRTIO_E_IO) /* it would rather not: one pair works as well */
            error = VIRTIO_OK;
    }
    if (error == VIRTIO_OK && !net->mac_is_given &&
        virtio_has_feature(&net->device, VIRTIO_NET_F_CTRL_MAC_ADDR)) {
        error = virtio_net_set_mac(net, net->mac);
        if (error == VIRTIO_E_IO)
            error = VIRTIO_OK;
    }
    return error;
}

static int set_up(struct virtio_net *net, const struct virtio_net_options *options)
{
    uint16_t control;
    int error = read_mac(net, options);

    if (error == VIRTIO_OK)
        error = read_mtu(net, options);
    if (error == VIRTIO_OK)
        error = read_pairs(net, options, &control);
    if (error != VIRTIO_OK)
        return error;
    choose_layout(net, options);
    error = start_queues(net, options, control);
    return error == VIRTIO_OK ? go_live(net) : error;
}

static void free_pair(struct virtio_net *net, struct virtio_net_pair *pair)
{
    const struct virtio_host *host = net->device.host;

    (void)virtio_ring_uninit(&pair->receive);
    (void)virtio_ring_uninit(&pair->transmit);
    virtio_free_shared(&net->device, &pair->frames);
    virtio_net_free_slots(net, pair);
    if (pair->buffers != NULL)
        host->free(host->ctx, pair->buffers, pair->buffer_count * sizeof(*pair->buffers));
}

/* Free all that set_up acquired, as far as it came; the device has been reset. */
static int tear_down(struct virtio_net *net)
{
    const struct virtio_host *host = net->device.host;
    struct virtio_net_done done;

    if (net->pairs != NULL) {
        while (virtio_net_drain(net, &done) > 0)
            continue;
        for (uint16_t at = 0; at < net->pairs_started; at++)
            free_pair(net, &net->pairs[at]);
        host->free(host->ctx, net->pairs, net->pairs_started * sizeof(*net->pairs));
    }
    net->pairs = NULL;
    (void)virtio_ring_uninit(&net->control);
    virtio_free_shared(&net->device, &net->command);
    return virtio_device_end(&net->device);
}

int virtio_net_start(struct virtio_net *net, const struct virtio_device *found,
                     const struct virtio_net_options *options)
{
    static const struct virtio_net_options defaults = {.pairs = 1};
    int error;

    if (options == NULL)
        options = &defaults;
    if (found->type != VIRTIO_ID_NETWORK || !are_valid(options))
        return VIRTIO_E_INVALID;
    *net = (struct virtio_net){.device = *found};
    error = begin(net, options);
    if (error != VIRTIO_OK)
        return error;
    error = set_up(net, options);
    if (error == VIRTIO_OK)
        return VIRTIO_OK;
    if (virtio_device_fail(&net->device) != VIRTIO_E_TIMEOUT)
        (void)tear_down(net);
    return error;
}

int virtio_net_halt(struct virtio_net *net)
{
    return virtio_device_stop(&net->device) == VIRTIO_E_TIMEOUT ? VIRTIO_E_TIMEOUT : VIRTIO_OK;
}

int virtio_net_stop(struct virtio_net *net)
{
    int error = virtio_net_halt(net);

    return error == VIRTIO_OK ? tear_down(net) : error;
}

/* Queues as they are at a start: receive buffers with the device, nothing on its way out. */
static int renew_queues(struct virtio_net *net)
{
    struct virtio_done done;
    int error = VIRTIO_OK;

    while (virtio_drain(&net->control, &done) > 0)
        continue;
    for (uint16_t at = 0; at < net->pairs_started && error == VIRTIO_OK; at++) {
        virtio_net_keep_drained(&net->pairs[at]);
        virtio_net_take_abandoned(net, &net->pairs[at]);
        error = virtio_net_refill(net, &net->pairs[at]);
    }
    return error;
}

int virtio_net_recover(struct virtio_net *net)
{
    int error = virtio_device_renew(&net->device);

    if (error != VIRTIO_OK)
        return error;
    error = renew_queues(net);
    if (error == VIRTIO_OK && net->mac_is_given)
        error = read_given_mac(net);
    if (error == VIRTIO_OK)
        error = go_live(net);
    if (error != VIRTIO_OK)
        (void)virtio_net_halt(net);
    return error;
}
