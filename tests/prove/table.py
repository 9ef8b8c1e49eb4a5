# SPDX-License-Identifier: MIT
"""The proofs, and the known bugs that each must notice (docs/verification.md)."""

from kinds import Proof, Reading, Seed
import rings

# Eva's own values alone, none of its other domains. How many states it keeps apart is but a matter of precision.
STATES = ("-eva-slevel", "40", "-eva-auto-loop-unroll", "8", "-eva-plevel", "400",
          "-eva-split-return", "full")
LOOPS = ("-eva-slevel", "100", "-eva-auto-loop-unroll", "64", "-eva-plevel", "400",
         "-eva-split-return", "auto", "-eva-split-return-function", "virtio_device_offer:0")


def driver(name, sources, readings=(), options=STATES, short=False, shared=4, beside=(), harness=None,
           defines=()):
    """A proof of a driver, on queues by their contract; `shared`: pieces of memory shared with its device."""
    files = (*(f"src/drivers/{source}.c" for source in sources), "tests/prove/fake.c",
             "tests/prove/queue_contract.c", *beside)
    return Proof(name, f"drivers/{harness or name}.c", (f"PROVE_SHARED={shared}", *defines), files, options, short,
                 readings, ("core", "transport"))


# Functions of which Eva need not know more than whether they succeeded: each has many ways to fail.
ASKED = ("virtio_config_read", "virtio_config_write", "virtio_config_read_bytes", "read_array", "held_still",
         "virtio_device_begin", "virtio_device_check", "virtio_deadline_passed", "virtio_driver_wait_turn",
         "virtio_buffer_queue_fill", "virtio_buffer_queue_submit")


def streaming(name, sources, plain, told, precise, readings=(), shared=4, defines=()):
    """A proof of a driver that is made of buffer queues; `plain`: more such functions; `told`: functions, with the
    results to tell apart; `precise`: with the number of states to keep apart."""
    told = (*(f"{function}:0" for function in (*ASKED, *plain)), *told)
    precise = ("main:50", "use:50", "havoc:50", "set_up:300", "tear_down:40", "virtio_buffer_queue_start:60",
               "virtio_buffer_queue_end:40", "virtio_ring_uninit:40", "read_array:0",
               "virtio_config_read_bytes:4", *precise)
    options = ("-eva-slevel", "15", "-eva-auto-loop-unroll", "8", "-eva-plevel", "400",
               "-eva-ilevel", "260", "-eva-mlevel", "2", "-eva-split-return", "full",
               "-eva-split-return-function", ",".join(told),
               "-eva-slevel-function", ",".join(precise))
    return driver(name, (*sources, "buffer_queue"), readings, options, False, shared,
                  ("tests/prove/buffers.c",), sources[0], (*defines, "PROVE_LISTED=1"))


# A wait is begun only by those who wait.
INPUT_READINGS = (
    Reading("those who wait by themselves", "src/drivers/input.c",
            "    while (result == 0) {\n",
            "    //@ split result == 0;\n    while (result == 0) {\n"),
)

# Two ports at most, buffers of 2 bytes; each port, each rest of a buffer, each length by itself.
CONSOLE = "src/drivers/console.c"
CONSOLE_CONTROL = "src/drivers/console_control.c"
CONSOLE_READINGS = (
    Reading("buffers of 2 bytes", "include/virtio/console.h",
            "#define VIRTIO_CONSOLE_BUFFER_SIZE 1024u", "#define VIRTIO_CONSOLE_BUFFER_SIZE 2u"),
    Reading("two ports at most", "include/virtio/console.h",
            "#define VIRTIO_CONSOLE_PORTS_MAX 32u", "#define VIRTIO_CONSOLE_PORTS_MAX 2u"),
    Reading("each number of ports by itself", CONSOLE,
            "    size_t size = console->port_count * sizeof(*console->ports);\n\n",
            "    size_t size;\n    //@ split console->port_count;\n"
            "    size = console->port_count * sizeof(*console->ports);\n"),
    Reading("each port of a search by itself", CONSOLE,
            "        for (uint32_t at = 0; at < console->port_count; at++) {\n",
            "        //@ loop unroll 2;\n        for (uint32_t at = 0; at < console->port_count; at++) {\n"),
    Reading("each character of a name by itself", CONSOLE,
            "    while (*one != '\\0' && *one == *other) {\n",
            "    //@ loop unroll 4;\n    while (*one != '\\0' && *one == *other) {\n"),
    Reading("each length to send by itself", CONSOLE,
            "    while (size != 0) {\n", "    //@ dynamic_split size;\n    while (size != 0) {\n"),
    Reading("each part that was sent, and those who wait, by themselves", CONSOLE,
            "    do {\n        result = virtio_console_send",
            "    //@ dynamic_split done;\n    //@ dynamic_split waiting;\n"
            "    do {\n        result = virtio_console_send"),
    Reading("those who wait for bytes by themselves", CONSOLE,
            "    while (result == 0) {\n",
            "    //@ dynamic_split result == 0;\n    while (result == 0) {\n"),
    Reading("each place in a buffer that was received, told by the result, of which the sign alone counts", CONSOLE,
            "    return port->left != 0;\n",
            "    //@ split port->offset;\n    return port->left != 0 ? 1 + (int)port->offset : 0;\n"),
    Reading("each rest of it by itself", CONSOLE,
            "    while (size != 0 && (result = next_received(port)) > 0) {\n        uint32_t part = size",
            "    //@ dynamic_split size;\n"
            "    while (size != 0 && (result = next_received(port)) > 0) {\n        uint32_t part;\n"
            "        //@ split port->offset;\n        //@ split port->left;\n        part = size"),
    Reading("and no longer", CONSOLE,
            "        taken += (int)part;\n        if (port->left",
            "        taken += (int)part;\n        //@ split port->offset;\n        //@ merge port->left;\n"
            "        if (port->left"),
    Reading("the invariant of it, where Eva still knows", CONSOLE,
            "    return result < 0 && taken == 0 ? result : taken;\n",
            "    //@ assert a_rest: port->left == 0 || port->left <= VIRTIO_CONSOLE_BUFFER_SIZE - port->offset;\n"
            "    return result < 0 && taken == 0 ? result : taken;\n"),
    Reading("the copy of a message written behind its end, too", CONSOLE_CONTROL,
            "    uint8_t copy[CONTROL_BUFFER_SIZE];\n", "    uint8_t copy[CONTROL_BUFFER_SIZE] = {0};\n"),
    Reading("each port that is spoken of by itself", CONSOLE_CONTROL,
            "    port = &console->ports[message.id];\n",
            "    //@ split message.id;\n    port = &console->ports[message.id];\n"),
    Reading("each set of buffers to answer with by itself", CONSOLE_CONTROL,
            "    if (result < 0 || virtio_buffer_queue_find(&console->control_transmit) == VIRTIO_NO_BUFFER)\n",
            "    //@ split console->control_transmit.free;\n"
            "    if (result < 0 || virtio_buffer_queue_find(&console->control_transmit) == VIRTIO_NO_BUFFER)\n"),
)


def console(name, ports, multiport, transfers):
    """A proof of the console driver: of what is said about ports, or of bytes."""
    return streaming(name, ("console", "console_control"),
                     ("virtio_console_start", "virtio_console_stop", "virtio_console_recover",
                      "virtio_console_halt", "virtio_console_poll", "virtio_console_find", "set_open",
                      "count_ports", "introduce", "virtio_console_greet", "virtio_console_attend", "check_port",
                      "read_size"),
                     (), ("virtio_console_start:400", "virtio_console_start_control:60", "set_up_ports:400", "virtio_console_receive:600",
                          "virtio_console_read:200", "get:500", "next_received:100"),
                     CONSOLE_READINGS, 2 * ports + 2,
                     (f"PROVE_PORTS={ports}u", f"PROVE_QUEUES={2 * ports + 2}u", "PROVE_OFFERS=1",
                      f"PROVE_MULTIPORT={multiport}u", f"PROVE_TRANSFERS={transfers}"))


# Batches of 2 pages; each number of pages and ranges, and each length of the statistics, by itself.
BALLOON = "src/drivers/balloon.c"
BALLOON_READINGS = (
    Reading("batches of 2 pages", "include/virtio/balloon.h",
            "#define VIRTIO_BALLOON_BATCH 256u", "#define VIRTIO_BALLOON_BATCH 2u"),
    Reading("each statistic by itself", BALLOON,
            "    for (unsigned tag = 0; tag < VIRTIO_BALLOON_STATISTICS; tag++) {\n",
            "    //@ loop unroll 10;\n    for (unsigned tag = 0; tag < VIRTIO_BALLOON_STATISTICS; tag++) {\n"),
    Reading("each length of the statistics by itself", BALLOON,
            "    while ((uint32_t)(at - first) % ",
            "    //@ split at - first;\n    while ((uint32_t)(at - first) % "),
    Reading("each number of pages by itself", BALLOON,
            "    while (count != 0) {\n        uint32_t batch",
            "    //@ dynamic_split count;\n    while (count != 0) {\n        uint32_t batch"),
    Reading("each number of ranges by itself", BALLOON,
            "    while (error == VIRTIO_OK && count != 0) {\n",
            "    //@ dynamic_split count;\n    while (error == VIRTIO_OK && count != 0) {\n"),
    Reading("each number of ranges in a chain by itself", BALLOON,
            "        error = send_ranges(balloon, &balloon->reports, ranges, part);\n",
            "        //@ split part;\n        error = send_ranges(balloon, &balloon->reports, ranges, part);\n"),
)

# How much of a buffer is left is known for each length by itself.
RNG_READINGS = (
    Reading("each length by itself", "src/drivers/rng.c",
            "    while (bytes != 0) {\n", "    //@ dynamic_split bytes;\n    while (bytes != 0) {\n"),
    Reading("each answer by itself", "src/drivers/rng.c",
            "        memcpy(buffer, rng->shared.memory, written);\n",
            "        //@ split written;\n        memcpy(buffer, rng->shared.memory, written);\n"),
    Reading("and no longer", "src/drivers/rng.c",
            "        bytes -= written;\n", "        bytes -= written;\n        //@ merge written;\n"),
)


def scsi_readings(depth):
    """One request queue, for so many commands: how many there are decides how much memory there is."""
    return (
        Reading("so many commands in flight", "src/drivers/scsi.c",
                "most / count < VIRTIO_SCSI_DEPTH_MAX ? most / count : VIRTIO_SCSI_DEPTH_MAX", f"{depth}"),
        Reading("events of a cache line", "src/drivers/scsi_control.c",
                "#define EVENT_SIZE_MAX 4096u", "#define EVENT_SIZE_MAX 64u"),
        Reading("what was started, by itself", "src/drivers/scsi.c",
                "    choose_queues(scsi, options != NULL ? options->queues : 0);\n",
                "    //@ dynamic_split error == 0;\n    //@ dynamic_split scsi->device.queues == 0;\n"
                "    choose_queues(scsi, options != NULL ? options->queues : 0);\n"),
        Reading("a start that failed, by itself", "src/drivers/scsi.c",
                "    error = virtio_device_begin(&scsi->device, &wanted);\n",
                "    error = virtio_device_begin(&scsi->device, &wanted);\n"
                "    //@ dynamic_split error == 0;\n    //@ dynamic_split scsi->device.queues == 0;\n"),
        Reading("each command by itself", "src/drivers/scsi.c",
                "    take_response(scsi, slot);\n",
                "    size_t place = (size_t)((char *)slot - (char *)scsi->queues);\n    //@ split place;\n"
                "    slot = (struct virtio_scsi_slot *)((char *)scsi->queues + place);\n"
                "    result = &slot->result;\n    take_response(scsi, slot);\n    //@ slevel merge;\n"),
        Reading("and all of them together again", "src/drivers/scsi.c",
                "        error = VIRTIO_E_RESPONSE;\n    finish(scsi, slot, error);\n",
                "        error = VIRTIO_E_RESPONSE;\n    finish(scsi, slot, error);\n"
                "    //@ slevel merge;\n    //@ merge place;\n    ;\n"),
        Reading("sums compared, and not differences alone", "src/drivers/scsi_sense.c",
                "while (at < end && end - at >= 2)", "while (at < end && at + 2 <= end && end - at >= 2)"),
        Reading("the same of a descriptor of the least size", "src/drivers/scsi_sense.c",
                "size <= end - at &&", "at + INFORMATION_SIZE <= end && size <= end - at &&"),
    )


# How much of an answer came, and what follows, for each length by itself.
SCSI_UNIT_READINGS = (
    Reading("a length of an inquiry, read once", "src/drivers/scsi_unit.c",
            "    if (error == VIRTIO_OK && *got > 4 && *got > data[4] + 5u)\n        *got = data[4] + 5u;\n",
            "    if (error == VIRTIO_OK && *got > 4) {\n        size_t says = data[4] + 5u;\n\n"
            "        if (*got > says)\n            *got = says;\n    }\n"),
    Reading("a length of a page, read once", "src/drivers/scsi_unit.c",
            "    if (*got > PAGE_HEAD + virtio_scsi_get_number(data + 2, 2))\n"
            "        *got = PAGE_HEAD + virtio_scsi_get_number(data + 2, 2);\n",
            "    size_t says = PAGE_HEAD + virtio_scsi_get_number(data + 2, 2);\n"
            "    if (*got > says)\n        *got = says;\n"),
    Reading("each length of what a unit is", "src/drivers/scsi_unit.c",
            "    memset(data + got, 0, sizeof(data) - got);\n    unit->type = data[0] & 0x1f;\n",
            "    //@ split got;\n    if (got < sizeof(data))\n        memset(data + got, 0, sizeof(data) - got);\n"
            "    //@ slevel merge;\n    //@ merge got;\n    unit->type = data[0] & 0x1f;\n"),
    Reading("pages together again", "src/drivers/scsi_unit.c",
            "            error = read_page(unit, listed[at]);\n",
            "            error = read_page(unit, listed[at]);\n        //@ slevel merge;\n        ;\n"),
    Reading("a place compared with the last one", "src/drivers/scsi_unit.c",
            "*at > length || length - *at < 4)", "*at > length || *at > length - 4 || length - *at < 4)"),
    Reading("each length of a page", "src/drivers/scsi_unit.c",
            "        return is_of_command(error) ? VIRTIO_OK : error;\n    memset(data + got, 0, sizeof(data) - got);\n",
            "        return is_of_command(error) ? VIRTIO_OK : error;\n    //@ split got;\n"
            "    if (got < sizeof(data))\n        memset(data + got, 0, sizeof(data) - got);\n"
            "    //@ slevel merge;\n    //@ merge got;\n"),
)

SCSI_UNIT = ("-eva-slevel", "10", "-eva-slevel-function",
             "read_pages:8,read_page:4,take_page:0,decode_descriptors:0,decode_fixed:0,wait_a_while:0,copy_text:0",
             "-eva-auto-loop-unroll", "9", "-eva-plevel", "400",
             "-eva-split-return", "full")

# More states where an answer is taken apart.
SCSI = ("-eva-slevel", "20", "-eva-slevel-function",
        "virtio_scsi_poll_event:400,begin:100,virtio_scsi_run:60,virtio_scsi_send:60,lengths_make_sense:100,"
        "complete_0:60",
        "-eva-auto-loop-unroll", "8", "-eva-plevel", "400", "-eva-split-return", "full")
NET = ("-eva-slevel", "40", "-eva-auto-loop-unroll", "8", "-eva-plevel", "400", "-eva-interprocedural-splits",
       "-eva-widening-delay", "10",
       "-eva-split-return", "auto", "-eva-split-return-function",
       "reset:0:-40,virtio_device_stop:0:-40,virtio_device_end:0:-40,virtio_device_fail:0:-40,virtio_net_halt:0,"
       "complete:1,virtio_reap:0:1,virtio_wait:0:1,virtio_drain:0:1,virtio_net_receive:0:1,virtio_net_wait_receive:1,"
       "take_buffer:0:1,finish_frame:0:1,hand_back_kept:0:1,"
       + ",".join(f"{name}:0" for name in (
           "virtio_net_start", "set_up", "start_queues", "go_live", "begin", "virtio_device_accept",
           "virtio_device_offer", "start_pair", "virtio_queue_start", "virtio_net_fill",
           "virtio_net_allocate_slots", "allocate_buffers", "virtio_allocate_shared", "allocate_shared",
           "accept_features", "check", "check_pair", "check_pair_0", "check_frame", "begin_frame", "add_part",
           "checksum_is_inside",
           "virtio_net_kick", "virtio_net_show", "virtio_map_all_bytes_in_shared_buffer")))

# Merged buffers or none: both are proved.
NET_READINGS = (
    Reading("merged buffers as the proof says", "src/drivers/net.c",
            "    net->merges = virtio_has_feature(&net->device, VIRTIO_NET_F_MRG_RXBUF);\n",
            "    net->merges = PROVE_MERGES;\n"),
    Reading("a control queue as the proof says", "src/drivers/net.c",
            "virtio_has_feature(&net->device, VIRTIO_NET_F_CTRL_VQ)", "PROVE_CONTROL"),
    Reading("and without it no features that require it", "src/drivers/net_control.c",
            "    return virtio_has_feature(&net->device, feature) ?",
            "    return PROVE_CONTROL && virtio_has_feature(&net->device, feature) ?"),
    Reading("one size of buffers, whatever the MTU and the header are", "src/drivers/net.c",
            "    net->buffer_size = options->receive_buffer_size;\n",
            "    net->buffer_size = PROVE_BUFFER_SIZE;\n"),
    Reading("by a variable; and the first part begins where the device wrote", "src/drivers/net_receive.c",
            "    if (first->length < header_size)\n        return 0;\n"
            "    first->data += header_size;\n    first->length -= header_size;\n",
            "    uint32_t whole = first->length;\n\n    //@ split header_size;\n"
            "    if (whole < header_size)\n        return 0;\n"
            "    first->data = first->memory + header_size;\n    first->length = whole - header_size;\n"),
    Reading("each first part by itself", "src/drivers/net_receive.c",
            "    uint32_t length = measure(first, net->header_size);\n    struct virtio_net_hdr header;\n",
            "    struct virtio_net_hdr header;\n    uint32_t length;\n\n    //@ split first - pair->buffers;\n"
            "    length = measure(first, net->header_size);\n"),
    Reading("the same by a variable", "src/drivers/net_transmit.c",
            "    while (*tail != NULL)\n        tail = &(*tail)->next;\n",
            "    for (struct virtio_net_slot *slot = *tail; slot != NULL; slot = *tail)\n"
            "        tail = &slot->next;\n"),
    Reading("a sum that is too large or not", "src/drivers/net_transmit.c",
            "    return (size_t)offload->csum_start + offload->csum_offset + 2 <= length;\n",
            "    if ((size_t)offload->csum_start + offload->csum_offset + 2 <= length)\n"
            "        return true;\n    return false;\n"),
    Reading("how many queues there are, by itself: none or more", "src/drivers/net.c",
            "queue_limit(buffers, net->header_apart ? 2 : 1));\n",
            "queue_limit(buffers, net->header_apart ? 2 : 1));\n    //@ split pair->receive.device == 0;\n"),
    Reading("how many queues there are, by itself: one or more", "src/drivers/net.c",
            "                                       : VIRTIO_NET_QUEUE_SIZE);\n",
            "                                       : VIRTIO_NET_QUEUE_SIZE);\n"
            "    //@ split pair->transmit.device == 0;\n"),
    Reading("how many queues there are, by itself: two or more", "src/drivers/net.c",
            "        error = virtio_net_start_control(net, control);\n",
            "        error = virtio_net_start_control(net, control);\n    //@ split net->control.device == 0;\n"),
)

NET_PAIRS_READINGS = (
    Reading("several pairs of queues", "src/drivers/net.c",
            "    if (!virtio_has_feature(&net->device, VIRTIO_NET_F_MQ))\n        return VIRTIO_OK;\n", ""),
    Reading("a device that has as many as it is asked for", "src/drivers/net.c",
            "    net->pairs_started = options->pairs < there ? options->pairs : there;\n",
            "    if (there < PROVE_PAIRS)\n        return VIRTIO_E_CONFIG;\n    net->pairs_started = PROVE_PAIRS;\n"),
    Reading("how far a start came, by itself", "src/drivers/net.c",
            "        error = start_pair(net, at, options);\n",
            "    {\n        error = start_pair(net, at, options);\n        //@ split at;\n        ;\n    }\n"),
)


def net(name, *defines, readings=(), options=()):
    """A proof of the network driver."""
    return driver(name, ("net", "net_receive", "net_transmit", "net_control"), (*NET_READINGS, *readings),
                  (*NET, *options), shared=5, harness="net", defines=defines)



BLK_READINGS = (
    Reading("a length less than the longest is all that is left", "src/drivers/blk.c",
            "        left -= length;\n", "        left = left < blk->size_max ? 0 : left - blk->size_max;\n"),
    Reading("each slot by itself", "src/drivers/blk.c",
            "    int error = judge_part(blk, slot, used->written);\n\n",
            "    //@ split slot - blk->slots;\n    int error = judge_part(blk, slot, used->written);\n\n"),
)
BLK_LIST_READINGS = (
    BLK_READINGS[0],
    Reading("each slot by itself", "src/drivers/blk.c",
            "    struct virtio_blk_slot *slot = used->cookie;\n    int error = judge_part",
            "    size_t place = (size_t)((char *)used->cookie - (char *)blk->slots);\n    //@ split place;\n"
            "    struct virtio_blk_slot *slot = (struct virtio_blk_slot *)((char *)blk->slots + place);\n"
            "    int error = judge_part"),
    Reading("each slot by itself, in a drain", "src/drivers/blk.c",
            "        struct virtio_blk_slot *slot = used.cookie;\n",
            "        size_t place = (size_t)((char *)used.cookie - (char *)blk->slots);\n        //@ split place;\n"
            "        struct virtio_blk_slot *slot = (struct virtio_blk_slot *)((char *)blk->slots + place);\n"),
    Reading("a piece that is shorter than a segment is one", "src/drivers/blk_list.c",
            "        bytes -= bytes < blk->size_max ? bytes : blk->size_max;\n",
            "        bytes = bytes < blk->size_max ? 0 : bytes - blk->size_max;\n"),
)
BLK_RANGE_READINGS = (
    *BLK_LIST_READINGS[:3],
    Reading("each bit by itself", "src/drivers/blk_internal.h",
            "    for (unsigned bit = 64;", "    //@ loop unroll 64;\n    for (unsigned bit = 64;"),
    Reading("each range by itself, in a request", "src/drivers/blk_range.c",
            "    while (walk->left != 0 && most",
            "    //@ dynamic_split walk->left;\n    while (walk->left != 0 && most"),
    Reading("a request that succeeded, by itself", "src/drivers/blk.c",
            "                virtio_blk_forget(blk, slot);\n                return slot->error;\n",
            "                virtio_blk_forget(blk, slot);\n                //@ split slot->error == 0;\n"
            "                return slot->error;\n"),
    Reading("each rest of them by itself, and no more", "src/drivers/blk_range.c",
            "    virtio_blk_use_unit_data(*begun, count *",
            "    //@ split walk->left;\n    //@ slevel merge;\n    virtio_blk_use_unit_data(*begun, count *"),
    Reading("each range by itself, from request to request", "src/drivers/blk_range.c",
            "    while (error == VIRTIO_OK && walk.left",
            "    //@ dynamic_split error == 0;\n    //@ dynamic_split walk.left;\n"
            "    while (error == VIRTIO_OK && walk.left"),
)

BLK_ZONE_READINGS = (
    *BLK_LIST_READINGS[:3],
    BLK_RANGE_READINGS[3],
    Reading("reports that hold two zones", "src/drivers/blk_zoned.c",
            "#define REPORT_BYTES 1024u", "#define REPORT_BYTES 192u"),
    Reading("a part of nothing, by itself", "src/drivers/blk_zoned.c",
            "    return blk->part_max != 0;\n",
            "    if (blk->part_max == 0)\n        return false;\n    return true;\n"),
    Reading("each zone of a report by itself", "src/drivers/blk_zoned.c",
            "            error = take_zone(zoned, &report->zones[i]",
            "            //@ split *found;\n            error = take_zone(zoned, &report->zones[i]"),
    Reading("each slot of a report by itself", "src/drivers/blk_zoned.c",
            "    memset(report, 0xff, zoned->report.size);\n",
            "    memset(report, 0xff, zoned->report.size);\n"
            "    size_t place = (size_t)((char *)slot - (char *)zoned->disk.slots);\n    //@ split place;\n"
            "    slot = (struct virtio_blk_slot *)((char *)zoned->disk.slots + place);\n"),
    Reading("each report by itself", "src/drivers/blk_zoned.c",
            "        int reported = run_report(zoned, sector);\n",
            "        int reported;\n        //@ slevel merge;\n        reported = run_report(zoned, sector);\n"),
)

# That a slot keeps what it says it keeps is asserted where that is written, and taken from there.
BLK_KEPT = "src/drivers/blk_kept.c"
BLK_KEPT_READINGS = (
    *BLK_READINGS,
    Reading("each slot that lets go by itself", BLK_KEPT,
            "    int error = VIRTIO_OK;\n\n    if (kept->readable != 0)\n",
            "    int error = VIRTIO_OK;\n\n    //@ split kept - blk->kept;\n    if (kept->readable != 0)\n"),
    Reading("and then it keeps nothing", BLK_KEPT,
            "        kept->readable = 0;\n    return error;\n",
            "        kept->readable = 0;\n    //@ assert let_go: error != 0 || kept->readable == 0;\n    return error;\n"),
    Reading("a slot that keeps has what it keeps", BLK_KEPT,
            "        kept->readable = (uint16_t)readable;\n    return error;\n",
            "        kept->readable = (uint16_t)readable;\n"
            "    //@ assert keeps: kept->readable == 0 || kept->prepared.buffers == &kept->buffers[0];\n"
            "    return error;\n"),
    Reading("and so nothing changes", BLK_KEPT,
            "    if (kept->readable == readable)\n",
            "    if (kept->readable == readable && kept->prepared.buffers != NULL)\n"),
)

# What tells no more apart than whether it succeeded; and how many states of these are kept apart, of all ways to start.
BLK_ASKED = ("virtio_config_read", "read_capacity", "read_fields", "virtio_blk_read_config",
             "virtio_device_offer", "reset", "virtio_device_accept", "accept_features", "choose_features",
             "virtio_write_features", "virtio_device_ready", "virtio_device_stop", "virtio_device_end",
             "virtio_device_fail", "virtio_blk_check_model", "allocate", "virtio_blk_open_kept",
             "virtio_allocate_shared", "judge_part", "virtio_submit_buffers", "virtio_blk_halt",
             "virtio_device_renew", "virtio_blk_read_config_again", "virtio_map_all_bytes_in_shared_buffer",
             "virtio_unmap_buffer", "check_data", "virtio_blk_begin_data", "virtio_blk_begin_buffer",
             "virtio_blk_begin", "virtio_blk_frame", "send_part", "submit_afresh", "keep_0", "submit_0", "submit",
             "let_go", "virtio_blk_run", "virtio_blk_run_sent", "virtio_blk_send", "virtio_blk_keep_sent",
             "give_up", "complete", "hand_back", "take", "virtio_blk_drain")
BLK_ZONES_ASKED = ("virtio_blk_start_as", "virtio_blk_zoned_start", "set_up_0", "read_characteristics", "cut_parts",
                   "check_zoned", "check_zone", "check_append", "send_append", "take_zone")
BLK_STATES = ("set_limits:1", "tame_fields:1", "reset:5", "virtio_blk_start_with:150",
              "virtio_blk_start_as:150", "set_up:150", "virtio_blk_open_more:150", "virtio_blk_open_queue:50",
              "tear_down:150", "close_queue:50", "virtio_blk_read_config:100", "read_fields:100",
              "virtio_device_offer:50", "virtio_device_accept:50", "accept_features:50", "choose_features:50",
              "virtio_blk_check_model:50", "virtio_device_ready:50", "virtio_config_read:100",
              "virtio_blk_put_data:100", "virtio_blk_run_sent:10", "take:10", "measure:60",
              "count_segments:60", "map_pieces:30", "send_list:30",
              "submit_list:40", "run_list:40", "keep_drained:4", "complete:10",
              "virtio_deadline_passed:20", "run_ranges:1", "send_ranges:60",
              "fill:30", "begin:30", "virtio_blk_remainder:1", "virtio_blk_zoned_start:150", "virtio_blk_zoned_stop:60",
              "read_characteristics:60", "check_append:40", "send_append:40", "virtio_blk_report_zones:40",
              "take_zone:40")
BLK = ("-eva-slevel", "12", "-eva-auto-loop-unroll", "20", "-eva-plevel", "400", "-eva-split-return", "full")

BLK_SOURCES = ("blk", "blk_commands", "blk_config", "blk_kept", "blk_list", "blk_range", "blk_start", "blk_zoned")

# And of the proofs: their own, and in the common part.
BLK_OWN = ("main:100", "start:100")
BLK_COMMON = (*BLK_OWN, "find:50", "begin_request:40", "havoc_queue:50", "check_queue:50", "use:20")
BLK_DATA = (*BLK_COMMON, "use_data:20")


def blk(name, harness, readings, states, common, segments=1, lists=0, keep=0, more=0, zones=0):
    """A proof of the block driver; `states`: how many are kept apart, of the proof's functions and the common ones."""
    told = (*(f"{function}:0" for function in (*BLK_ASKED, *(BLK_ZONES_ASKED if zones else ()))),
            "virtio_wait:1", "virtio_reap:1", "virtio_drain:1", "complete_0:1")
    options = (*BLK, "-eva-split-return-function", ",".join(told),
               "-eva-slevel-function", ",".join((*BLK_STATES, *states)))
    return driver(name, BLK_SOURCES, readings, options, harness=harness,
                  beside=tuple(f"tests/prove/drivers/{part}.c" for part in common),
                  defines=("PROVE_QUEUE_SIZE=8u", f"PROVE_SEGMENTS={segments}", f"PROVE_LIST={lists}",
                           f"PROVE_KEEP={keep}", f"PROVE_MORE={more}", f"PROVE_ZONES={zones}"))


NINEP = ("-eva-slevel", "20",
         "-eva-auto-loop-unroll", "16", "-eva-plevel", "600", "-eva-interprocedural-splits", "-eva-widening-delay", "10",
         "-eva-split-return", "auto", "-eva-split-return-function",
         "reset:0:-40,virtio_device_stop:0:-40,virtio_device_end:0:-40,virtio_device_fail:0:-40,virtio_9p_halt:0,"
         "complete_0:0:1,virtio_reap:0:1,virtio_wait:0:1,virtio_drain:0:1,virtio_9p_take_back:1,"
         "hand_back_kept:0:1,list_more:0:1,"
         + ",".join(f"{name}:0" for name in (
             "virtio_9p_start", "set_up", "read_tag", "enter", "agree", "virtio_device_accept", "virtio_device_offer",
             "virtio_device_begin", "virtio_device_ready", "virtio_queue_start", "virtio_allocate_shared",
             "allocate_shared", "accept_features", "virtio_9p_run", "submit", "virtio_submit_buffers", "send_message",
             "judge", "judge_data", "virtio_9p_ask",
             "virtio_9p_check_fid", "virtio_9p_request", "virtio_9p_begin_data", "virtio_9p_begin_fsync", "check_data",
             "new_fid", "virtio_9p_walk", "walk_part", "create_in", "virtio_9p_kick", "virtio_kick",
             "virtio_map_all_bytes_in_shared_buffer", "virtio_9p_list")))

# What the queue's contract says of a chain is that of the largest of its queue here.
NINEP_READINGS = (
    Reading("each request that comes back by itself", "src/drivers/9p_request.c",
            "    int error = judge(share, slot, used->written);\n",
            "    int error;\n\n    //@ split slot - share->slots;\n    error = judge(share, slot, used->written);\n"),
    Reading("ready or not, by itself", "src/drivers/9p.c",
            "    share->session++;\n", "    //@ split error == 0;\n    share->session++;\n"),
    Reading("sent or not, by itself", "src/drivers/9p_request.c",
            "    slot->is_sent = slot->is_sent ||", "    //@ split error == 0;\n    slot->is_sent = slot->is_sent ||"),
    Reading("waited for or not, by itself", "src/drivers/9p_request.c",
            "        result = virtio_wait(&share->queue, &used, share->device.timeout_us);\n",
            "        result = virtio_wait(&share->queue, &used, share->device.timeout_us);\n"
            "        //@ split result > 0;\n"),
    Reading("taken or not, by itself", "src/drivers/9p_request.c",
            "                                 : virtio_reap(&share->queue, &used);\n",
            "                                 : virtio_reap(&share->queue, &used);\n        //@ split result > 0;\n"),
    Reading("drained or not, by itself", "src/drivers/9p_request.c",
            "    while ((result = virtio_drain(&share->queue, &used)) > 0) {\n"
            "        struct virtio_9p_slot *slot = used.cookie;\n\n",
            "    for (;;) {\n        struct virtio_9p_slot *slot;\n\n"
            "        result = virtio_drain(&share->queue, &used);\n"
            "        //@ split result > 0;\n        if (result <= 0)\n            break;\n        slot = used.cookie;\n"),
    Reading("no more was written than the request had room for", "src/drivers/9p_request.c",
            "    uint32_t limit = share->device.legacy ? slot->writable : written;\n",
            "    uint32_t room = moves_data(slot) ? slot->writable : VIRTIO_9P_REPLY_BYTES;\n"
            "    uint32_t limit = share->device.legacy || written > room ? room : written;\n"),
)


def ninep(name, harness, *precise):
    """A proof of the 9P driver; `precise`: functions, with the number of states to keep apart."""
    options = (*NINEP, "-eva-slevel-function", ",".join(("virtio_9p_put:400", "virtio_9p_get:400", *precise)))
    return driver(name, ("9p", "9p_request", "9p_files", "9p_folders"), NINEP_READINGS, options,
                  beside=("tests/prove/drivers/9p_state.c",), harness=harness, defines=("PROVE_QUEUE_SIZE=4u",))


# Of the GPU driver's functions Eva need know no more than whether they succeeded, either.
GPU_ASKED = ("virtio_gpu_start", "read_config", "virtio_device_begin", "virtio_device_offer",
             "virtio_device_accept", "accept_features", "virtio_device_ready", "virtio_device_renew",
             "virtio_config_read", "virtio_config_write", "virtio_device_check", "reset", "virtio_device_stop",
             "virtio_device_end", "virtio_device_fail", "virtio_gpu_halt", "tear_down", "virtio_gpu_recover",
             "submit", "virtio_gpu_send", "virtio_submit_buffers", "virtio_kick", "virtio_gpu_await",
             "virtio_gpu_await_sent", "virtio_gpu_await_both", "virtio_gpu_run", "virtio_gpu_give_up", "judge", "virtio_gpu_begin",
             "begin", "begin_transfer", "begin_flush", "begin_scanout", "check_rect", "check_pieces",
             "virtio_gpu_check_resource", "run_plain", "get_answer", "wait_for_room",
             "virtio_gpu_collect_cursors", "virtio_gpu_get_display", "virtio_gpu_get_edid")
GPU = ("-eva-slevel", "20", "-eva-slevel-function",
       "main:100,use:200,point:50,virtio_gpu_start:200,set_up:200,start_lanes:200,virtio_gpu_recover:100",
       "-eva-auto-loop-unroll", "8", "-eva-plevel", "400", "-eva-split-return", "full",
       "-eva-split-return-function", ",".join(f"{name}:0" for name in GPU_ASKED))

PROOFS = (
    Proof("host", "host_services.c", (), (), LOOPS),
    Proof("device", "device.c", (), ("tests/prove/fake.c",), LOOPS),
    Proof("mmio", "transport.c", ("PROVE_WAY=4",), (), STATES),
    Proof("mmio-native", "transport.c", ("PROVE_WAY=5",), (), STATES, True),
    Proof("pci-hooks", "transport.c", ("PROVE_WAY=1",), (), STATES, True),
    Proof("pci-ports", "transport.c", ("PROVE_WAY=2",), (), STATES),
    Proof("pci-ecam", "transport.c", ("PROVE_WAY=3",), (), STATES),
    *rings.PROOFS,
    driver("rng", ("rng",), RNG_READINGS),
    streaming("input", ("input",),
              ("virtio_input_start", "virtio_input_stop", "virtio_input_recover", "virtio_input_halt",
               "virtio_input_send", "virtio_input_query", "virtio_input_get_bits", "query_some", "ask",
               "read_name", "read_ids", "read_types", "go_live", "show"),
              ("virtio_input_poll:0:1", "take:1"), ("virtio_input_start:100", "read_types:4"),
              INPUT_READINGS),
    driver("scsi", ("buffer_queue", "scsi_control", "scsi_sense"), scsi_readings(2), SCSI,
           defines=("PROVE_LISTED=2",)),
    net("net", "PROVE_MERGES=0", "PROVE_CONTROL=0", "PROVE_PAIRS=1", "PROVE_BUFFER_SIZE=65592"),
    net("net-merge", "PROVE_MERGES=1", "PROVE_CONTROL=1", "PROVE_PAIRS=1", "PROVE_BUFFER_SIZE=32818",
        "PROVE_LISTED=2u"),
    net("net-pairs", "PROVE_MERGES=0", "PROVE_CONTROL=1", "PROVE_PAIRS=2", "PROVE_BUFFER_SIZE=65592",
        "PROVE_QUEUES=5u", "PROVE_LISTED=1u", readings=NET_PAIRS_READINGS, options=("-eva-mlevel", "4")),
    blk("blk-start", "blk_start", BLK_READINGS, BLK_OWN, (), lists=4, keep=1, more=1),
    blk("blk", "blk", BLK_READINGS, BLK_DATA, ("blk_disk", "blk_data"), segments=3),
    Proof("scsi_unit", "drivers/scsi_unit.c", (),
          ("src/drivers/scsi_sense.c", "src/drivers/scsi_unit.c", "src/core/time.c"), SCSI_UNIT, False,
          (*scsi_readings(1)[-2:], *SCSI_UNIT_READINGS), ()),
    ninep("9p", "9p"),
    ninep("9p-names", "9p_names", "virtio_9p_length:2000", "first_length:2000", "choose_names:1000"),
    console("console", 2, 1, 0),
    console("console-bytes", 1, 0, 1),
    streaming("balloon", ("balloon",),
              ("virtio_balloon_start", "virtio_balloon_stop", "virtio_balloon_recover", "virtio_balloon_halt",
               "virtio_balloon_get_target", "virtio_balloon_get_hint_command", "read_config", "write_config",
               "tell_actual", "go_live", "send_pages", "settle", "send_buffer", "send_ranges", "say_command",
               "check_pages", "check_ranges"),
              (), ("virtio_balloon_start:600", "start_queues:300", "start_reports:60", "submit_statistics:30"),
              BALLOON_READINGS, 4, ("PROVE_QUEUES=5u", "PROVE_OFFERS=1")),
    Proof("gpu_edid", "drivers/gpu_edid.c", (), ("src/drivers/gpu_edid.c",), STATES, rooms=()),
    blk("blk-lists", "blk_lists", BLK_LIST_READINGS, (*BLK_DATA, "use_list:200"),
        ("blk_disk", "blk_data", "blk_list_in_flight"), lists=2),
    driver("gpu", ("gpu_cursor", "gpu_display", "gpu_edid", "gpu_resource"), (), GPU),
    blk("blk-ranges", "blk_ranges", BLK_RANGE_READINGS, (*BLK_COMMON, "use_ranges:60"),
        ("blk_disk", "blk_list_in_flight"), lists=1),
    blk("blk-zoned", "blk_zoned", BLK_ZONE_READINGS, (*BLK_DATA, "use_zones:20"), ("blk_disk", "blk_data"), zones=1),
    blk("blk-queues", "blk", BLK_KEPT_READINGS, BLK_DATA, ("blk_disk", "blk_data"), keep=1, more=1),
)


SEEDS = (
    Seed("too few digits for a number", "src/core/log.c",
         "char digits[21]", "char digits[9]", ("host", "device")),
    Seed("more memory cleared than there is", "src/core/memory.c",
         "memset(shared->memory, 0, size);", "memset(shared->memory, 0, size + 1);", ("host",)),
    Seed("a width that no field has", "src/core/config.c",
         "if (width == 0 || width > 8", "if (width > 8", ("device",)),
    Seed("a device that was closed is called", "src/core/device.c",
         "if (device->ops != NULL)\n        close_device", "close_device", ("device",)),
    Seed("a register behind the end of the block", "src/transport/mmio.c",
         "CONFIG_GENERATION = 0x0fc,", "CONFIG_GENERATION = 0x1fd,", ("mmio-native",)),
    Seed("registers used that could not be mapped", "src/transport/mmio.c",
         "slot->registers.pointer ? VIRTIO_OK : VIRTIO_E_MAP", "VIRTIO_OK", ("mmio-native",)),
    Seed("a doorbell of three bytes", "src/transport/mmio.c",
         "QUEUE_NOTIFY, 4, doorbell", "QUEUE_NOTIFY, 3, doorbell", ("mmio",)),
    Seed("BAR number not checked", "src/transport/pci_capability.c",
         "if (bar > LAST_BAR)", "if (bar > 0xff)", ("pci-hooks", "pci-ecam")),
    Seed("a 64-bit BAR behind the last one", "src/transport/pci_bar.c",
         "bar->is_64bit && ++index < BARS", "bar->is_64bit && ++index <= BARS", ("pci-hooks",)),
    Seed("a bus number that is not checked", "src/transport/pci_scan.c",
         "scan->found[bus >> 5] |=", "scan->found[bus >> 4] |=", ("pci-ports",)),
    *rings.SEEDS,
    Seed("a byte more than was written", "src/drivers/rng.c",
         "memcpy(buffer, rng->shared.memory, written);", "memcpy(buffer, rng->shared.memory, written + 1);", ("rng",)),
    Seed("an answer is kept where the last one was before it was handed back", "src/drivers/rng.c",
         "        rng->kept_tail = &slot->next;\n", "        rng->kept_tail = (struct virtio_rng_slot **)slot->cookie;\n", ("rng",)),
    Seed("a size of a field of the configuration that is not checked", "src/drivers/input.c",
         "says < VIRTIO_INPUT_CONFIG_MAX ? (uint32_t)says : VIRTIO_INPUT_CONFIG_MAX", "(uint32_t)says", ("input",)),
    Seed("an event taken from the buffer that the device's length says", "src/drivers/input.c",
         "memcpy(bytes, virtio_buffer_at(queue, number), EVENT_SIZE);",
         "memcpy(bytes, virtio_buffer_at(queue, *written), EVENT_SIZE);", ("input",)),
    Seed("a length of sense data that is not checked", "src/drivers/scsi.c",
         "result->sense_length > VIRTIO_SCSI_SENSE_SIZE || ", "", ("scsi",)),
    Seed("sense data that ends where it says it does", "src/drivers/scsi_sense.c",
         "    if (end > length)\n        end = length;\n    while", "    while", ("scsi",)),
    Seed("a response that has no name", "src/drivers/scsi_sense.c",
         "return response < sizeof(names)", "return response <= sizeof(names)", ("scsi",)),
    Seed("a part of a frame is as long as all of it", "src/drivers/net_receive.c",
         "frame->part_length = first->length;", "frame->part_length = length;", ("net", "net-merge")),
    Seed("a pair of queues behind the last one", "src/drivers/net_transmit.c",
         "return pair < net->pairs_started ?", "return pair <= net->pairs_started ?", ("net", "net-pairs")),
    Seed("a pair of queues to receive from, behind the last one", "src/drivers/net_receive.c",
         "if (pair >= net->pairs_started)", "if (pair > net->pairs_started)", ("net-pairs",)),
    Seed("more pairs in use than were started", "src/drivers/net_control.c",
         "if (pairs == 0 || pairs > net->pairs_started)", "if (pairs == 0)", ("net-pairs",)),
    Seed("two tables of addresses that have room one by one", "src/drivers/net_control.c",
         "(uint32_t)unicast_count + multicast_count > VIRTIO_NET_MAC_TABLE_MAX",
         "unicast_count > VIRTIO_NET_MAC_TABLE_MAX || multicast_count > VIRTIO_NET_MAC_TABLE_MAX", ("net-merge",)),
    Seed("a request may have no segments", "src/drivers/blk_config.c",
         "    if (blk->seg_max == 0)\n        blk->seg_max = 1;\n", "", ("blk-start",)),
    Seed("more than all segments together", "src/drivers/blk.c",
         "bytes = segments * blk->size_max;", "bytes = VIRTIO_BLK_PART_MAX;", ("blk",)),
    Seed("a request is kept behind what is the caller's", "src/drivers/blk.c",
         "    blk->ready_tail = &slot->next;\n", "    blk->ready_tail = (struct virtio_blk_slot **)slot->cookie;\n",
         ("blk",)),
    Seed("a list of as many units as it says", "src/drivers/scsi_unit.c",
         "listed < came ? listed : came, luns, most", "listed, luns, most", ("scsi_unit",)),
    Seed("a unit more than there is room for", "src/drivers/scsi_unit.c",
         "if (count < most)", "if (count <= most)", ("scsi_unit",)),
    Seed("blocks of no size", "src/drivers/scsi_unit.c",
         "if (block_size < BLOCK_SIZE_MIN || block_size > BLOCK_SIZE_MAX ||", "if (block_size > BLOCK_SIZE_MAX ||",
         ("scsi_unit",)),
    Seed("a tag that is longer than its place", "src/drivers/9p.c",
         "if (length == 0 || length >= VIRTIO_9P_TAG_SIZE)", "if (length == 0)", ("9p",)),
    Seed("a name that is longer than what is left of a listing", "src/drivers/9p_folders.c",
         " || entry->name_length > left - ENTRY_HEAD)", ")", ("9p",)),
    Seed("a string as long as it is, whatever a name may have", "src/drivers/9p_files.c",
         "while (length <= VIRTIO_9P_NAME_MAX && string", "while (string", ("9p-names",)),
    Seed("a number more than the set of those in use", "src/drivers/9p_files.c",
         "number < VIRTIO_9P_FIDS_MAX; number++", "number <= VIRTIO_9P_FIDS_MAX; number++", ("9p-names",)),
    Seed("more names than a message has room for", "src/drivers/9p_files.c",
         "        if ((size_t)(end - request->message.at) < 2 + length)\n            break;\n", "", ("9p-names",)),
    Seed("a buffer's place taken for its number", "src/drivers/buffer_queue.c",
         "- first) / buffers->size);", "- first));", ("input",)),
    Seed("a port number that is not checked", CONSOLE_CONTROL,
         "if (message.id >= console->port_count) {", "if (message.id > console->port_count) {", ("console",)),
    Seed("a name that is longer than there is room for", CONSOLE_CONTROL,
         "if (end >= VIRTIO_CONSOLE_NAME_SIZE) {", "if (end > VIRTIO_CONSOLE_NAME_SIZE) {", ("console",)),
    Seed("a message that is shorter than its header", CONSOLE_CONTROL,
         "if (length < sizeof(message))\n        return 0;\n    memcpy", "memcpy", ("console",)),
    Seed("more bytes than the caller has room for", CONSOLE,
         "part = size < port->left ? (uint32_t)size : port->left", "part = port->left", ("console-bytes",)),
    Seed("a buffer that is read on from where the last one ended", CONSOLE,
         "        port->offset = 0;\n        if (port->left == 0) {", "        if (port->left == 0) {",
         ("console-bytes",)),
    Seed("more bytes sent than a buffer has", CONSOLE,
         "part = size < queue->size ? (uint32_t)size : queue->size", "part = (uint32_t)size", ("console-bytes",)),
    Seed("more pages than a batch has room for", BALLOON,
         "count < VIRTIO_BALLOON_BATCH ? (uint32_t)count : VIRTIO_BALLOON_BATCH", "(uint32_t)count", ("balloon",)),
    Seed("no room for what fills the statistics up", BALLOON,
         "#define STATISTICS_MOST   12u", "#define STATISTICS_MOST   10u", ("balloon",)),
    Seed("statistics on a device that has no queue for them", BALLOON,
         "    if (!virtio_has_feature(&balloon->device, VIRTIO_BALLOON_F_STATS_VQ))\n"
         "        return VIRTIO_E_NOT_SUPPORTED;\n    result", "    result", ("balloon",)),
    Seed("a timing of no width", "src/drivers/gpu_edid.c",
         "clock == 0 || mode->width == 0 ||", "clock == 0 ||", ("gpu_edid",)),
    Seed("a name without an end", "src/drivers/gpu_edid.c",
         "at < NAME_SIZE &&", "at <= NAME_SIZE &&", ("gpu_edid",)),
    Seed("a list of a segment more than there is a place for", "src/drivers/blk_list.c",
         "segments > blk->list_max ||", "segments > blk->list_max + 3 ||", ("blk-lists",)),
    Seed("more scanouts than there can be", "src/drivers/gpu.c",
         "(count == 0 || count > VIRTIO_GPU_MAX_SCANOUTS)", "count == 0", ("gpu",)),
    Seed("an EDID as long as it says", "src/drivers/gpu_display.c",
         "says > VIRTIO_GPU_EDID_MAX || says > written - head", "says == 0", ("gpu",)),
    Seed("a request is kept behind what is the caller's", "src/drivers/gpu.c",
         "    gpu->finished_tail = &slot->next;\n",
         "    gpu->finished_tail = (struct virtio_gpu_slot **)slot->cookie;\n", ("gpu",)),
    Seed("a piece more than the request has room for", "src/drivers/gpu_resource.c",
         "if (count > gpu->pieces_max)", "if (count > gpu->pieces_max + 1)", ("gpu",)),
    Seed("as many ranges as the device says", "src/drivers/blk_range.c",
         "    if (room > VIRTIO_BLK_SEGMENTS_MAX)\n        room = VIRTIO_BLK_SEGMENTS_MAX;\n", "", ("blk-ranges",)),
    Seed("a request that was not begun is sent", "src/drivers/blk_commands.c",
         "    id[0] = '\\0';\n    if (error != VIRTIO_OK)\n        return error;\n", "    id[0] = '\\0';\n",
         ("blk-ranges",)),
    Seed("as many zones as the device says", "src/drivers/blk_zoned.c",
         "count != 0 && count <= room ?", "count != 0 && count <= INT32_MAX ?", ("blk-zoned",)),
    Seed("an append that is longer than a request", "src/drivers/blk_zoned.c",
         "bytes <= zoned->disk.part_max", "bytes <= UINT32_MAX", ("blk-zoned",)),
    Seed("what is kept goes while the queue knows it", "src/drivers/blk.c",
         "    (void)virtio_ring_uninit(&blk->queue);\n    if (blk->kept != NULL)\n"
         "        device->host->free(device->host->ctx, blk->kept, blk->kept_size);\n",
         "    if (blk->kept != NULL)\n        device->host->free(device->host->ctx, blk->kept, blk->kept_size);\n"
         "    (void)virtio_ring_uninit(&blk->queue);\n", ("blk-queues",)),
    Seed("a request of more buffers than a slot keeps", "src/drivers/blk_kept.c",
         "readable + writable != KEPT_BUFFERS", "readable + writable < KEPT_BUFFERS", ("blk-queues",)),
)
