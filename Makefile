# SPDX-License-Identifier: MIT
#
#   make               the kernels (build/<arch>/kernel.elf), the library (build/<arch>/libvirtio.a), the ISO
#   make kernels       the kernels alone
#   make library       the library alone: needs no libc, no meson, no network
#   make iso           build/libvirtio.iso, which GRUB boots
#   make run           boot the default configuration in QEMU and show what it says
#   make check         all tests: formatting, analysis, check-conformance, check-host, check-big-endian, check-fuzz, check-mutation, check-prove, check-symbols, bench-ring, size, check-runner, check-qtest, check-guest
#   make check-host    unit tests on this machine
#   make check-big-endian  the same on a big-endian CPU (s390x), which QEMU plays
#   make check-fuzz    the hostile device: corpus and a short run; make fuzz: longer (tests/fuzz/fuzz.mk)
#   make mutation      known bugs, which the host tests must catch; make check-mutation: can they still be put in?
#   make prove         proofs with Frama-C, and bugs that they must notice; make check-prove: some (docs/verification.md)
#   make check-symbols what libvirtio.a and the kernels may refer to
#   make check-runner  the tests of the runner, with a fake QEMU
#   make check-guest   the kernel on every configuration of the matrix
#   make check-qtest   the kernel's tests as a process under sanitizers, on QEMU's devices; make qtest: all rows
#                      that can be run so; make qtest-coverage: what they execute (tests/qtest/qtest.mk)
#   make analyse       static analysis of the library: gcc, clang-tidy, cppcheck
#   make format        reformat the C sources; make check-format only looks
#   make check-stress  two threads on one ring; make stress: for minutes
#   make check-barriers  the ring's barriers in the code for a CPU that needs them
#   make check-spin    the model of the ring's memory ordering
#   make bench-ring    instructions per request on the ring, against their budgets
#   make size          code size by driver and by object against its budget, also in build/size*.tsv
#   make support       write the tables of README.md that are results (needs a run of scripts/matrix);
#                      make check-support looks whether they claim more than check-guest showed
#   make conformance   do the tests named in tests/conformance.tsv show what it claims? Writes docs/conformance.md;
#                      make check-conformance looks whether they exist and every duty of a driver is judged
#   make clean
#
# CC=clang and CROSS_COMPILE=i686-linux-gnu- do what one expects. V=1 shows the commands.

ARCHES := i386 x86_64
BUILD := build
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
PICOLIBC_CC ?= $(CROSS_COMPILE)gcc
NM ?= $(CROSS_COMPILE)nm
OBJDUMP ?= $(CROSS_COMPILE)objdump

V ?= 0
quiet := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-8s %s\n' '$(1)' '$(2)')

# need COMMAND,PACKAGE: a line of a recipe that stops with the name of the package to install.
need = @command -v $(firstword $(1)) >/dev/null 2>&1 || \
	{ echo "$(firstword $(1)) is missing: install the Debian package $(2)" >&2; exit 1; }

include src/files.mk
unlisted := $(filter-out $(VIRTIO_SOURCES),$(wildcard src/*/*.c))
ifneq ($(unlisted),)
$(error src/files.mk does not list $(unlisted))
endif

KERNEL_SOURCES := $(sort $(wildcard kernel/*.c kernel/x86/*.c tests/guest/*.c))
kernel_sources = boot/headers.S boot/$(1)/entry.S $(KERNEL_SOURCES) \
	$(sort $(wildcard kernel/$(1)/*.c kernel/$(1)/*.S))

# --- Flags ---------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-align -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wvla -Werror
compiler_headers := $(shell $(CC) -print-file-name=include 2>/dev/null)

# No floating point or vector registers anywhere: the kernel keeps no state for them.
FREESTANDING := -std=c11 -g -ffreestanding -nostdinc -isystem $(compiler_headers) -fno-pic -fno-pie \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -mgeneral-regs-only \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)/=
ARCH_FLAGS_i386 := -m32 -march=i686
ARCH_FLAGS_x86_64 := -m64 -mno-red-zone
LD_EMULATION_i386 := elf_i386
LD_EMULATION_x86_64 := elf_x86_64

library_flags = $(ARCH_FLAGS_$(1)) $(FREESTANDING) $(WARNINGS) -Iinclude -Isrc
kernel_flags = $(ARCH_FLAGS_$(1)) $(FREESTANDING) $(WARNINGS) -Iinclude -I. \
	-isystem $(BUILD)/$(1)/picolibc/include
dependencies = -MMD -MP -MF $(@:.o=.d)

# --- What differs by architecture ------------------------------------------------------------------------

define architecture
library_objects_$(1) := $$(VIRTIO_SOURCES:%.c=$(BUILD)/$(1)/library/%.o)
size_objects_$(1) := $$(VIRTIO_SOURCES:%.c=$(BUILD)/$(1)/size/%.o) $(BUILD)/$(1)/size/tests/size/disk.o
kernel_objects_$(1) := $$(addprefix $(BUILD)/$(1)/kernel/,$$(addsuffix .o,$$(basename $$(call kernel_sources,$(1)))))

$(BUILD)/$(1)/library/%.o: %.c $(BUILD)/$(1)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(CC) $$(call library_flags,$(1)) -O2 $$(dependencies) -c -o $$@ $$<

$(BUILD)/$(1)/size/%.o: %.c $(BUILD)/$(1)/flags
	$$(call say,CC -Os,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(CC) $$(call library_flags,$(1)) -Os $$(dependencies) -c -o $$@ $$<

$(BUILD)/$(1)/kernel/%.o: %.c $(BUILD)/$(1)/flags $(BUILD)/$(1)/picolibc.stamp
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(CC) $$(call kernel_flags,$(1)) -O2 $$(dependencies) -c -o $$@ $$<

$(BUILD)/$(1)/kernel/%.o: %.S $(BUILD)/$(1)/flags
	$$(call say,AS,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$$(CC) $$(ARCH_FLAGS_$(1)) -g -ffile-prefix-map=$(CURDIR)/= -Wa,--noexecstack \
		$$(dependencies) -c -o $$@ $$<

# The compiler and its flags: when they change, everything is built anew.
$(BUILD)/$(1)/flags: FORCE
	$$(call need,$$(CC),gcc)
	@mkdir -p $$(@D)
	@echo 'int main(void) { return 0; }' | $$(CC) $$(ARCH_FLAGS_$(1)) -x c -c -o $$@.try - 2>/dev/null && \
		test -f "$$$$($$(CC) $$(ARCH_FLAGS_$(1)) -print-libgcc-file-name)" || \
		{ echo "$$(CC) cannot build for $(1): install the Debian package gcc-multilib" >&2; exit 1; }
	@rm -f $$@.try
	@{ $$(CC) --version; echo '$$(call library_flags,$(1))'; echo '$$(call kernel_flags,$(1))'; \
		echo '$$(sort $$(VIRTIO_SOURCES) $$(call kernel_sources,$(1)))'; } >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

$(BUILD)/$(1)/libvirtio.a: $$(library_objects_$(1)) $(BUILD)/$(1)/flags
	$$(call say,AR,$$@)
	$$(call need,$$(AR),binutils)
	$$(quiet)rm -f $$@ && $$(AR) rcsD $$@ $$(library_objects_$(1))

# build/<arch>/picolibc is a link into the cache, which may have been emptied since.
$(BUILD)/$(1)/picolibc.stamp: scripts/picolibc $(if $(wildcard $(BUILD)/$(1)/picolibc/lib/libc.a),,FORCE)
	@mkdir -p $$(@D)
	$$(quiet)PICOLIBC_CC='$$(PICOLIBC_CC)' sh scripts/picolibc $(1) $(BUILD)/$(1)/picolibc
	@touch $$@

$(BUILD)/$(1)/kernel.elf: $$(kernel_objects_$(1)) $(BUILD)/$(1)/libvirtio.a linker.ld
	$$(call say,LD,$$@)
	$$(quiet)$$(CC) $$(ARCH_FLAGS_$(1)) -nostdlib -static -Wl,-T,linker.ld -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--fatal-warnings \
		-Wl,--no-warn-mismatch -o $$@ $$(kernel_objects_$(1)) -L$(BUILD)/$(1) -lvirtio \
		$(BUILD)/$(1)/picolibc/lib/libc.a "$$$$($$(CC) $$(ARCH_FLAGS_$(1)) -print-libgcc-file-name)"

-include $$(library_objects_$(1):.o=.d) $$(size_objects_$(1):.o=.d) $$(kernel_objects_$(1):.o=.d)
endef

$(foreach arch,$(ARCHES),$(eval $(call architecture,$(arch))))

# --- Products --------------------------------------------------------------------------------------------

.PHONY: analyse format check-format all kernels library iso run check check-host check-symbols check-runner check-guest size clean FORCE support check-support conformance check-conformance
FORCE:

all: kernels library iso
kernels: $(ARCHES:%=$(BUILD)/%/kernel.elf)
library: $(ARCHES:%=$(BUILD)/%/libvirtio.a)
iso: $(BUILD)/libvirtio.iso

$(BUILD)/libvirtio.iso: scripts/iso boot/grub.cfg $(ARCHES:%=$(BUILD)/%/kernel.elf)
	$(call say,ISO,$@)
	$(quiet)BUILD=$(BUILD) sh scripts/iso $@

# --- Tests -----------------------------------------------------------------------------------------------

include tests/host/host.mk
include tests/bench/bench.mk tests/stress/stress.mk tests/fuzz/fuzz.mk tests/mutation/mutation.mk tests/qtest/qtest.mk \
	tests/barriers/barriers.mk
include tests/prove/prove.mk

run: kernels
	$(quiet)sh scripts/run

check: check-format analyse check-conformance check-host check-big-endian check-fuzz check-mutation check-prove check-symbols bench-ring size check-stress check-spin check-barriers check-runner check-qtest check-guest check-support

check-guest: kernels iso
	$(quiet)sh scripts/matrix

# The runner itself, with a fake QEMU: does it go red for everything that it should?
check-runner:
	$(call need,prove,perl)
	$(quiet)prove tests/runner/runner.t

formatted = $(sort $(wildcard include/virtio/*.h src/*/*.[ch] kernel/*.[ch] kernel/*/*.[ch] \
	tests/*/*.[ch] examples/*.[ch]))

format:
	$(call need,clang-format,clang-format)
	$(quiet)clang-format -i $(formatted)

check-format:
	$(call need,clang-format,clang-format)
	$(quiet)clang-format --dry-run --Werror $(formatted)

analyse:
	$(quiet)sh scripts/analyse $(VIRTIO_SOURCES)

check-symbols: kernels library
	$(quiet)sh scripts/check-symbols $(ARCHES:%=$(BUILD)/%)

size: $(size_objects_i386) $(library_objects_x86_64)
	$(quiet)python3 scripts/size $(BUILD)/i386/size $(BUILD)/x86_64/library $(BUILD)

# The tables of README.md that are results: what the last whole run of the matrix showed, and code sizes.
support: size
	$(quiet)PYTHONPATH=scripts python3 -B -m runner.support --write

check-support: check-guest size
	$(quiet)PYTHONPATH=scripts python3 -B -m runner.support --check

# What virtio 1.4 asks of drivers (tests/conformance.tsv), and the tests that show it.
conformance_programs := $(foreach test,$(TESTS),$(HOST)/gcc-64/$(test)) $(big_endian_programs)

conformance: $(conformance_programs)
	$(quiet)sh tests/host/check-rules
	$(quiet)BIG_ENDIAN_RUN='$(BIG_ENDIAN_RUN)' python3 -B scripts/conformance run $(conformance_programs)

check-conformance:
	$(quiet)python3 -B scripts/conformance check

clean:
	$(quiet)rm -rf $(BUILD)
