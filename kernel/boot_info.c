/* SPDX-License-Identifier: MIT */
/*
 * The three boot protocols: multiboot 1, multiboot 2 and PVH, each read into struct boot_info. Owns the
 * loaders' wire formats; nothing else may know them. All addresses are physical and below 4 GiB, where
 * physical and virtual addresses are the same.
 */
#include "boot_info.h"

#include <string.h>

#define MULTIBOOT1_BOOT_MAGIC 0x2badb002u
#define MULTIBOOT2_BOOT_MAGIC 0x36d76289u
#define PVH_START_MAGIC       0x336ec578u

#define MEMORY_AVAILABLE 1u /* the same number in all three protocols: they copy the BIOS's */

#define MULTIBOOT1_HAS_MEMORY       0x001u
#define MULTIBOOT1_HAS_COMMAND_LINE 0x004u
#define MULTIBOOT1_HAS_MODULES      0x008u
#define MULTIBOOT1_HAS_MEMORY_MAP   0x040u
#define MULTIBOOT1_HAS_LOADER_NAME  0x200u

struct multiboot1_info {
    uint32_t flags;
    uint32_t memory_lower;
    uint32_t memory_upper;
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t module_count;
    uint32_t modules;
    uint32_t symbols[4];
    uint32_t memory_map_length;
    uint32_t memory_map;
    uint32_t drives_length;
    uint32_t drives;
    uint32_t config_table;
    uint32_t loader_name;
};

struct multiboot1_module {
    uint32_t start;
    uint32_t end;
    uint32_t string;
    uint32_t reserved;
};

struct multiboot1_memory {
    uint32_t size; /* of what follows this field */
    uint32_t base[2];
    uint32_t length[2];
    uint32_t type;
};

enum {
    MULTIBOOT2_END = 0,
    MULTIBOOT2_COMMAND_LINE = 1,
    MULTIBOOT2_MODULE = 3,
    MULTIBOOT2_BASIC_MEMORY = 4,
    MULTIBOOT2_MEMORY_MAP = 6,
    MULTIBOOT2_ACPI_OLD = 14,
    MULTIBOOT2_ACPI_NEW = 15,
};

struct multiboot2_tag {
    uint32_t type;
    uint32_t size;
};

struct multiboot2_module {
    struct multiboot2_tag tag;
    uint32_t start;
    uint32_t end;
};

struct multiboot2_basic_memory {
    struct multiboot2_tag tag;
    uint32_t memory_lower;
    uint32_t memory_upper;
};

struct multiboot2_memory_map {
    struct multiboot2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct multiboot2_memory {
    uint64_t base;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};

struct pvh_start {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map; /* from here on: version 1 */
    uint32_t memory_map_count;
    uint32_t reserved;
};

struct pvh_module {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

struct pvh_memory {
    uint64_t base;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};

_Static_assert(offsetof(struct multiboot1_info, loader_name) == 64, "multiboot 1 information");
_Static_assert(sizeof(struct multiboot1_memory) == 24, "multiboot 1 memory map entry");
_Static_assert(sizeof(struct multiboot2_memory) == 24, "multiboot 2 memory map entry");
_Static_assert(sizeof(struct pvh_start) == 56, "PVH start information");

static const void *at(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

static void add_region(struct boot_info *info, uint64_t base, uint64_t length, uint32_t type)
{
    bool available = type == MEMORY_AVAILABLE;
    struct boot_regions *regions = available ? &info->available : &info->reserved;

    if (length == 0) {
        return;
    }
    if (regions->count < BOOT_REGIONS_MAX) {
        regions->region[regions->count++] = (struct boot_region){base, length};
        return;
    }
    info->incomplete = true;
    if (!available) {
        /* Something that must not be used cannot be remembered: then use no more memory at all. */
        info->available.count = 0;
    }
}

static void add_module(struct boot_info *info, uint64_t start, uint64_t length)
{
    add_region(info, start, length, MEMORY_AVAILABLE + 1);
}

static void add_basic_memory(struct boot_info *info, uint32_t lower_kib, uint32_t upper_kib)
{
    add_region(info, 0, (uint64_t)lower_kib << 10, MEMORY_AVAILABLE);
    add_region(info, 0x100000, (uint64_t)upper_kib << 10, MEMORY_AVAILABLE);
}

static void set_command_line(struct boot_info *info, const char *text)
{
    const char *end = memchr(text, '\0', BOOT_COMMAND_LINE_MAX);
    size_t length = BOOT_COMMAND_LINE_MAX - 1;

    if (end != NULL) {
        length = (size_t)(end - text);
    } else {
        info->incomplete = true;
    }
    memcpy(info->command_line, text, length);
    info->command_line[length] = '\0';
}

/* QEMU puts the kernel's file name first, GRUB does not. */
static const char *multiboot1_arguments(const struct multiboot1_info *multiboot)
{
    const char *text = at(multiboot->command_line);

    if ((multiboot->flags & MULTIBOOT1_HAS_LOADER_NAME) != 0 &&
        strncmp(at(multiboot->loader_name), "GRUB", 4) == 0) {
        return text;
    }
    while (*text != '\0' && *text != ' ') {
        text++;
    }
    while (*text == ' ') {
        text++;
    }
    return text;
}

static void parse_multiboot1_memory_map(struct boot_info *info,
                                        const struct multiboot1_info *multiboot)
{
    uint32_t offset = 0;

    while (offset + sizeof(struct multiboot1_memory) <= multiboot->memory_map_length) {
        struct multiboot1_memory entry;

        memcpy(&entry, at((uint64_t)multiboot->memory_map + offset), sizeof(entry));
        add_region(info, entry.base[0] | (uint64_t)entry.base[1] << 32,
                   entry.length[0] | (uint64_t)entry.length[1] << 32, entry.type);
        if (entry.size < sizeof(entry) - sizeof(entry.size) || entry.size > 4096) {
            break;
        }
        offset += entry.size + (uint32_t)sizeof(entry.size);
    }
}

static void parse_multiboot1(struct boot_info *info, const struct multiboot1_info *multiboot)
{
    info->protocol = "multiboot 1";
    if ((multiboot->flags & MULTIBOOT1_HAS_COMMAND_LINE) != 0) {
        set_command_line(info, multiboot1_arguments(multiboot));
    }
    if ((multiboot->flags & MULTIBOOT1_HAS_MEMORY_MAP) != 0) {
        parse_multiboot1_memory_map(info, multiboot);
    } else if ((multiboot->flags & MULTIBOOT1_HAS_MEMORY) != 0) {
        add_basic_memory(info, multiboot->memory_lower, multiboot->memory_upper);
    }
    if ((multiboot->flags & MULTIBOOT1_HAS_MODULES) != 0) {
        const struct multiboot1_module *module = at(multiboot->modules);

        for (uint32_t i = 0; i < multiboot->module_count; i++) {
            add_module(info, module[i].start, module[i].end - module[i].start);
        }
    }
}

static void parse_multiboot2_memory_map(struct boot_info *info,
                                        const struct multiboot2_memory_map *map)
{
    uint32_t offset = sizeof(*map);

    if (map->entry_size < sizeof(struct multiboot2_memory)) {
        return;
    }
    while (offset <= map->tag.size && map->tag.size - offset >= map->entry_size) {
        struct multiboot2_memory entry;

        memcpy(&entry, (const char *)map + offset, sizeof(entry));
        add_region(info, entry.base, entry.length, entry.type);
        offset += map->entry_size;
    }
}

static void copy_rsdp(struct boot_info *info, const struct multiboot2_tag *tag)
{
    size_t length = tag->size - sizeof(*tag);

    memcpy(info->rsdp_copy, tag + 1, length < BOOT_RSDP_MAX ? length : BOOT_RSDP_MAX);
    info->acpi_rsdp = (uintptr_t)info->rsdp_copy;
}

static void parse_multiboot2_tag(struct boot_info *info, const struct multiboot2_tag *tag,
                                 bool *memory_map_seen)
{
    switch (tag->type) {
    case MULTIBOOT2_COMMAND_LINE:
        set_command_line(info, (const char *)(tag + 1));
        break;
    case MULTIBOOT2_MODULE: {
        const struct multiboot2_module *module = (const void *)tag;

        add_module(info, module->start, module->end - module->start);
        break;
    }
    case MULTIBOOT2_BASIC_MEMORY:
        if (!*memory_map_seen) {
            const struct multiboot2_basic_memory *memory = (const void *)tag;

            add_basic_memory(info, memory->memory_lower, memory->memory_upper);
        }
        break;
    case MULTIBOOT2_MEMORY_MAP:
        if (!*memory_map_seen) {
            info->available.count = 0; /* better than the basic memory information */
        }
        *memory_map_seen = true;
        parse_multiboot2_memory_map(info, (const void *)tag);
        break;
    case MULTIBOOT2_ACPI_OLD:
        if (info->acpi_rsdp == 0) {
            copy_rsdp(info, tag);
        }
        break;
    case MULTIBOOT2_ACPI_NEW:
        copy_rsdp(info, tag);
        break;
    default:
        break;
    }
}

static void parse_multiboot2(struct boot_info *info, const char *start)
{
    uint32_t total = *(const uint32_t *)(const void *)start;
    uint32_t offset = 8;
    bool memory_map_seen = false;

    info->protocol = "multiboot 2";
    while (offset + sizeof(struct multiboot2_tag) <= total) {
        const struct multiboot2_tag *tag = (const void *)(start + offset);

        if (tag->type == MULTIBOOT2_END || tag->size < sizeof(*tag) || tag->size > total - offset) {
            break;
        }
        parse_multiboot2_tag(info, tag, &memory_map_seen);
        offset += (tag->size + 7u) & ~7u;
    }
}

static void parse_pvh(struct boot_info *info, const struct pvh_start *start)
{
    const struct pvh_module *module = at(start->modules);

    info->protocol = "PVH";
    info->acpi_rsdp = start->rsdp;
    if (start->command_line != 0) {
        set_command_line(info, at(start->command_line));
    }
    if (start->version >= 1) {
        const struct pvh_memory *entry = at(start->memory_map);

        for (uint32_t i = 0; i < start->memory_map_count; i++) {
            add_region(info, entry[i].base, entry[i].length, entry[i].type);
        }
    }
    for (uint32_t i = 0; i < start->module_count; i++) {
        add_module(info, module[i].address, module[i].size);
    }
}

bool boot_info_parse(struct boot_info *info, uint32_t magic, uint32_t address)
{
    memset(info, 0, sizeof(*info));
    info->protocol = "no boot protocol that is known";
    if (address == 0 || address % 4 != 0) {
        return false;
    }
    /*
     * PVH first, by its own magic number: QEMU's microvm firmware enters a PVH kernel with multiboot
     * 1's number left in the register.
     */
    if (*(const uint32_t *)at(address) == PVH_START_MAGIC) {
        parse_pvh(info, at(address));
        return true;
    }
    switch (magic) {
    case MULTIBOOT1_BOOT_MAGIC:
        parse_multiboot1(info, at(address));
        return true;
    case MULTIBOOT2_BOOT_MAGIC:
        parse_multiboot2(info, at(address));
        return true;
    default:
        return false;
    }
}
