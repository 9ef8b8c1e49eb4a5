# SPDX-License-Identifier: MIT
#
# The tests of tests/guest in a process: the library's own sources under the address and undefined-behaviour
# sanitizers, driving QEMU's device models through its qtest socket, in memory that both share (docs/testing.md).
#
#   make qtest            every row of the matrix that can be run so; QTEST_ROWS='blk* net-mmio1*' some of them
#   make check-qtest      the rows of QTEST_SHORT: every driver, every transport, both ring formats
#   make qtest-coverage   QTEST_ROWS without sanitizers: line and branch coverage of src/, also in build/qtest-coverage.tsv
#   make qtest-programs-sanitized    the programs alone: build/qtest/<arch>/device-tests
#
# QTEST_CC=clang does what one expects. sh scripts/run --qtest --row NAME shows one row.

QTEST := $(BUILD)/qtest
QTEST_CC ?= gcc
QTEST_ROWS ?=
QTEST_VARIANTS := i386 x86_64 coverage-i386 coverage-x86_64

QTEST_SOURCES := $(sort $(wildcard tests/guest/*.c tests/qtest/*.c)) \
	kernel/acpi.c kernel/options.c kernel/report.c kernel/run.c kernel/self_test_common.c kernel/suites.c \
	kernel/x86/discovery.c kernel/x86/hotplug.c

QTEST_SANITIZE := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-DQTEST_SANITIZED=1
QTEST_COMPILER_i386 = $(QTEST_CC) -m32 $(QTEST_SANITIZE)
QTEST_COMPILER_x86_64 = $(QTEST_CC) -m64 $(QTEST_SANITIZE)
QTEST_COMPILER_coverage-i386 = gcc -m32 -O0 --coverage -DQTEST_SANITIZED=0
QTEST_COMPILER_coverage-x86_64 = gcc -m64 -O0 --coverage -DQTEST_SANITIZED=0

# The library is compiled freestanding here, too; the rest is an ordinary program.
qtest_library_flags = -std=c11 -g -ffreestanding $(WARNINGS) -Iinclude -Isrc -MMD -MP
qtest_flags = -std=c11 -g -D_GNU_SOURCE $(WARNINGS) -Iinclude -I. -MMD -MP

define qtest_variant
qtest_objects_$(1) := $$(VIRTIO_SOURCES:%.c=$(QTEST)/$(1)/%.o) $$(QTEST_SOURCES:%.c=$(QTEST)/$(1)/%.o)

$(QTEST)/$(1)/src/%.o: src/%.c $(QTEST)/$(1)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(QTEST_COMPILER_$(1)) $$(qtest_library_flags) -c -o $$@ $$<

$(QTEST)/$(1)/%.o: %.c $(QTEST)/$(1)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(QTEST_COMPILER_$(1)) $$(qtest_flags) -c -o $$@ $$<

$(QTEST)/$(1)/device-tests: $$(qtest_objects_$(1))
	$$(call say,LD,$$@)
	$$(quiet)$$(QTEST_COMPILER_$(1)) -o $$@ $$^

$(QTEST)/$(1)/flags: FORCE
	$$(call need,$$(QTEST_COMPILER_$(1)),$$(firstword $$(QTEST_COMPILER_$(1))))
	@mkdir -p $$(@D)
	@{ echo '$$(QTEST_COMPILER_$(1)) $$(qtest_library_flags) $$(qtest_flags)'; \
		$$(firstword $$(QTEST_COMPILER_$(1))) --version; echo '$$(sort $$(VIRTIO_SOURCES) $$(QTEST_SOURCES))'; } >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

-include $$(qtest_objects_$(1):.o=.d)
endef

$(foreach variant,$(QTEST_VARIANTS),$(eval $(call qtest_variant,$(variant))))

$(QTEST)/parked.elf: tests/qtest/parked.S tests/qtest/parked.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(quiet)$(CC) -m32 -nostdlib -static -no-pie -Wl,-T,tests/qtest/parked.ld -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@ $<

.PHONY: qtest check-qtest qtest-coverage qtest-programs-sanitized qtest-programs-coverage
qtest-programs-sanitized: $(ARCHES:%=$(QTEST)/%/device-tests) $(QTEST)/parked.elf
qtest-programs-coverage: $(ARCHES:%=$(QTEST)/coverage-%/device-tests) $(QTEST)/parked.elf

qtest: qtest-programs-sanitized
	$(quiet)sh scripts/matrix --qtest $(QTEST_ROWS)

check-qtest: qtest-programs-sanitized
	$(quiet)sh scripts/matrix --qtest --tag qtest

# Counters of a run that failed say nothing: the report comes after a good one alone.
qtest-coverage: qtest-programs-coverage
	$(call need,gcovr,gcovr)
	$(quiet)find $(QTEST) -name '*.gcda' -delete
	$(quiet)sh scripts/matrix --qtest-coverage $(QTEST_ROWS)
	$(quiet)sh scripts/coverage-report $(BUILD)/qtest-coverage.tsv $(ARCHES:%=$(QTEST)/coverage-%/src)
