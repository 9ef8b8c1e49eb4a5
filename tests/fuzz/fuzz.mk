# SPDX-License-Identifier: MIT
#
# The hostile device: libFuzzer harnesses of the library's own sources under the address and undefined-behaviour
# sanitizers (docs/testing.md says what each promises).
#
#   make fuzz            every harness for FUZZ_SECONDS (60), one after the other, from its corpus
#   make fuzz HARNESSES=fuzz_ring FUZZ_SECONDS=600
#   make check-fuzz      the corpus once, and FUZZ_RUNS (5000) new inputs for each, from the same seed each time
#   make fuzz-corpus     put the smallest set of inputs that covers what all runs did into the tree
#
# Each tests/fuzz/fuzz_*.c is a harness; the other files here are linked to all of them. What a run finds lies in
# build/fuzz/findings; its figures are added to build/fuzz.tsv.

FUZZ := $(BUILD)/fuzz
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= 5000
ALL_HARNESSES := $(sort $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c))))
HARNESSES ?= $(ALL_HARNESSES)
FUZZ_SUPPORT := $(filter-out tests/fuzz/fuzz_%.c,$(sort $(wildcard tests/fuzz/*.c)))

fuzz_flags = -std=c11 -g -O2 -fno-omit-frame-pointer $(WARNINGS) -Iinclude -Isrc -Itests/fuzz \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -MMD -MP
# The library: freestanding as ever; each load is told to trace.c, and where registers are accessed each store;
# a process has no I/O ports. Comparisons are not traced: the device says the right thing to begin with.
fuzz_library_flags = $(fuzz_flags) -ffreestanding -fsanitize-coverage=trace-loads \
	-fno-sanitize-coverage=trace-cmp,indirect-calls -DVIRTIO_NATIVE_PORTS=0
$(FUZZ)/src/transport/region.o: fuzz_library_flags += -fsanitize-coverage=trace-stores
# What stands for the device is no coverage of the library.
fuzz_support_flags = $(fuzz_flags) -fno-sanitize-coverage=trace-pc-guard,inline-8bit-counters,pc-table,trace-cmp,indirect-calls

# What virtio/inline.h compiles into its user counts as the library's, too.
$(FUZZ)/tests/fuzz/fuzz_ring.o: fuzz_support_flags = $(fuzz_library_flags)

fuzz_objects := $(VIRTIO_SOURCES:%.c=$(FUZZ)/%.o) $(FUZZ_SUPPORT:%.c=$(FUZZ)/%.o)

$(FUZZ)/src/%.o: src/%.c $(FUZZ)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(FUZZ_CC) $(fuzz_library_flags) -c -o $@ $<

$(FUZZ)/tests/fuzz/%.o: tests/fuzz/%.c $(FUZZ)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(FUZZ_CC) $(fuzz_support_flags) -c -o $@ $<

$(ALL_HARNESSES:%=$(FUZZ)/%): $(FUZZ)/%: $(FUZZ)/tests/fuzz/%.o $(fuzz_objects)
	$(call say,LD,$@)
	$(quiet)$(FUZZ_CC) $(fuzz_flags) -o $@ $^

$(FUZZ)/flags: FORCE
	$(call need,$(FUZZ_CC),clang)
	@mkdir -p $(@D)
	@{ echo '$(fuzz_library_flags) $(fuzz_support_flags)'; $(FUZZ_CC) --version; \
		echo '$(sort $(VIRTIO_SOURCES) $(FUZZ_SUPPORT))'; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: fuzz check-fuzz fuzz-corpus fuzz-programs
fuzz-programs: $(ALL_HARNESSES:%=$(FUZZ)/%)

-include $(fuzz_objects:.o=.d) $(ALL_HARNESSES:%=$(FUZZ)/tests/fuzz/%.d)

fuzz: fuzz-programs
	$(quiet)python3 tests/fuzz/run fuzz $(BUILD) $(FUZZ_SECONDS) $(HARNESSES)

check-fuzz: fuzz-programs
	$(quiet)python3 tests/fuzz/run check $(BUILD) $(FUZZ_RUNS) $(HARNESSES)

fuzz-corpus: fuzz-programs
	$(quiet)python3 tests/fuzz/run merge $(BUILD) 0 $(HARNESSES)
