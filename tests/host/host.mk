# SPDX-License-Identifier: MIT
#
# Host unit tests: the library's own sources and the fakes of this directory, built with gcc and clang for
# 32 and 64 bits under the address and undefined-behaviour sanitizers, and run by prove. One variant, gcc-32, is
# built for size, where the ring is another (src/queue/queue_internal.h).
#
#   make check-host     all variants; ends with prove's summary
#   make check-host VARIANTS=gcc-64 TESTS=test_queue     some of it
#   make check-big-endian     the same tests on a big-endian CPU, which QEMU plays
#   make coverage       line and branch coverage of src/, also in build/coverage.tsv
#
# Each tests/host/test_*.c is a program; the other files here are linked to all of them.

HOST := $(BUILD)/host
HOST_GCC ?= gcc
HOST_CLANG ?= clang
VARIANTS ?= gcc-32 gcc-64 clang-32 clang-64
ALL_VARIANTS := gcc-32 gcc-64 clang-32 clang-64 coverage big-endian

TESTS ?= $(sort $(basename $(notdir $(wildcard tests/host/test_*.c))))
HOST_SUPPORT := $(filter-out tests/host/test_%.c,$(sort $(wildcard tests/host/*.c))) tests/host/test.c
HOST_EXAMPLES := $(sort $(wildcard examples/*.c))

comma := ,
HOST_SANITIZE := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_WRAP := $(patsubst %,-Wl$(comma)--wrap=virtio_device_%,begin offer accept ready end fail)
HOST_COMPILER_gcc-32 = $(HOST_GCC) -m32 $(HOST_SANITIZE) -Os
HOST_COMPILER_gcc-64 = $(HOST_GCC) -m64 $(HOST_SANITIZE)
HOST_COMPILER_clang-32 = $(HOST_CLANG) -m32 $(HOST_SANITIZE)
HOST_COMPILER_clang-64 = $(HOST_CLANG) -m64 $(HOST_SANITIZE)
HOST_COMPILER_coverage = $(HOST_GCC) -m64 -O0 --coverage
HOST_COMPILER_big-endian = $(HOST_CLANG) --target=s390x-linux-gnu -fno-pie -O1

# s390x: 64 bits, big-endian, no I/O ports. clang, because Debian's gcc for it and gcc-multilib exclude each other; so
# the parts of the libc, which a gcc would bring with it, are named here.
BIG_ENDIAN_LIBC ?= /usr/s390x-linux-gnu
BIG_ENDIAN_QEMU ?= qemu-s390x
BIG_ENDIAN_RUN = $(BIG_ENDIAN_QEMU) -L $(BIG_ENDIAN_LIBC)
HOST_INCLUDE_big-endian = -isystem $(BIG_ENDIAN_LIBC)/include
HOST_LINK_FIRST_big-endian = -no-pie -nostdlib $(BIG_ENDIAN_LIBC)/lib/crt1.o $(BIG_ENDIAN_LIBC)/lib/crti.o
HOST_LINK_LAST_big-endian = -L$(BIG_ENDIAN_LIBC)/lib -lc $(BIG_ENDIAN_LIBC)/lib/libgcc_s.so.1 \
	$(BIG_ENDIAN_LIBC)/lib/crtn.o

# The library is compiled freestanding here, too; the fakes and tests are ordinary programs.
host_library_flags = -std=c11 -g -ffreestanding $(WARNINGS) -Iinclude -Isrc -MMD -MP
host_test_flags = -std=c11 -g -D_GNU_SOURCE $(WARNINGS) -Iinclude -Isrc -Itests/host \
	-isystem $(HOST)/cmocka/include -MMD -MP
host_cmocka_flags = -std=gnu11 -g -w -DHAVE_SIGNAL_H -DHAVE_STRSIGNAL -DHAVE_MALLOC_H -DHAVE_INTTYPES_H \
	-DHAVE_STRINGS_H -DHAVE_UNISTD_H -DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_REALTIME \
	-DHAVE_CLOCK_GETTIME -DHAVE_GCC_THREAD_LOCAL_STORAGE -I$(HOST)/cmocka/include

$(HOST)/cmocka: scripts/cmocka
	$(quiet)sh scripts/cmocka $@

define host_variant
host_objects_$(1) := $$(VIRTIO_SOURCES:%.c=$(HOST)/$(1)/%.o) $$(HOST_SUPPORT:%.c=$(HOST)/$(1)/%.o)
host_programs_$(1) := $$(TESTS:%=$(HOST)/$(1)/%)
host_examples_$(1) := $$(HOST_EXAMPLES:%.c=$(HOST)/$(1)/%.o)

$(HOST)/$(1)/src/%.o: src/%.c $(HOST)/$(1)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(HOST_COMPILER_$(1)) $$(host_library_flags) -c -o $$@ $$<

$(HOST)/$(1)/tests/host/%.o: tests/host/%.c $(HOST)/$(1)/flags | $(HOST)/cmocka
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(HOST_COMPILER_$(1)) $$(host_test_flags) $$(HOST_INCLUDE_$(1)) -c -o $$@ $$<

$(HOST)/$(1)/examples/%.o: examples/%.c $(HOST)/$(1)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(HOST_COMPILER_$(1)) $$(host_library_flags) -c -o $$@ $$<

$(HOST)/$(1)/cmocka.o: $(HOST)/$(1)/flags | $(HOST)/cmocka
	$$(call say,CC,$$@)
	$$(quiet)$$(HOST_COMPILER_$(1)) $$(host_cmocka_flags) $$(HOST_INCLUDE_$(1)) -c -o $$@ $(HOST)/cmocka/src/cmocka.c

# fake_life.c hears of devices that are opened and closed.
$$(host_programs_$(1)): $(HOST)/$(1)/%: $(HOST)/$(1)/tests/host/%.o $$(host_objects_$(1)) $(HOST)/$(1)/cmocka.o
	$$(call say,LD,$$@)
	$$(quiet)$$(HOST_COMPILER_$(1)) $(HOST_WRAP) -o $$@ $$(HOST_LINK_FIRST_$(1)) $$^ $$(HOST_LINK_LAST_$(1))

$(HOST)/$(1)/flags: FORCE
	$$(call need,$$(HOST_COMPILER_$(1)),$$(firstword $$(HOST_COMPILER_$(1))))
	@mkdir -p $$(@D)
	@{ echo '$$(HOST_COMPILER_$(1)) $$(HOST_INCLUDE_$(1)) $$(HOST_LINK_FIRST_$(1)) $$(HOST_LINK_LAST_$(1)) $$(host_library_flags) $$(host_test_flags) $$(host_cmocka_flags)'; \
		$$(firstword $$(HOST_COMPILER_$(1))) --version; echo '$$(sort $$(VIRTIO_SOURCES) $$(HOST_SUPPORT))'; } >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

-include $$(host_objects_$(1):.o=.d) $$(TESTS:%=$(HOST)/$(1)/tests/host/%.d) $$(host_examples_$(1):.o=.d)
endef

$(foreach variant,$(ALL_VARIANTS),$(eval $(call host_variant,$(variant))))

.PHONY: check-host check-big-endian big-endian-tools host-programs coverage
.SECONDARY:

host-programs: $(foreach variant,$(VARIANTS),$(host_programs_$(variant)) $(host_examples_$(variant)))

# A test that is skipped proves nothing, so none may be: TAP's own word for it fails the run.
check-host: host-programs
	$(call need,prove,perl)
	$(quiet)! grep -n 'skip()' tests/host/test_*.c /dev/null
	$(quiet)sh tests/host/check-rules
	$(quiet)CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' -j2 \
		$(foreach variant,$(VARIANTS),$(host_programs_$(variant)))

# What a big-endian CPU need not repeat, and why:
#   test_watch   watches each access to a ring, which works on x86 alone; so it is with the watched runs of
#                other tests, which the programs themselves leave out and count
BIG_ENDIAN_LEFT_OUT := test_watch
big_endian_programs := $(patsubst %,$(HOST)/big-endian/%,$(filter-out $(BIG_ENDIAN_LEFT_OUT),$(TESTS)))

$(HOST)/big-endian/flags: | big-endian-tools
big-endian-tools:
	$(call need,s390x-linux-gnu-ld,binutils-s390x-linux-gnu)
	$(call need,$(BIG_ENDIAN_QEMU),qemu-user)
	@for file in include/stdio.h lib/crt1.o lib/libgcc_s.so.1; do test -e $(BIG_ENDIAN_LIBC)/$$file || { \
		echo "$(BIG_ENDIAN_LIBC)/$$file is missing: install the Debian packages" \
			"libc6-dev-s390x-cross and libgcc-s1-s390x-cross" >&2; exit 1; }; done

check-big-endian: $(big_endian_programs)
	$(call need,prove,perl)
	$(quiet)CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '$(BIG_ENDIAN_RUN)' -j2 $(big_endian_programs)

coverage: $(host_programs_coverage)
	$(call need,gcovr,gcovr)
	$(call need,prove,perl)
	$(quiet)sh scripts/coverage $(HOST)/coverage $(BUILD)/coverage.tsv $(host_programs_coverage)
