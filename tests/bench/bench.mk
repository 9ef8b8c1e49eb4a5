# SPDX-License-Identifier: MIT
#
# Benchmarks of the library on this machine, x86_64. What gates is counted, never timed.
#
#   make bench-ring    instructions per request on the ring, and the ring's code size, against their budgets; also
#                      in build/bench-ring.tsv

BENCH := $(BUILD)/bench
HOST_CC ?= gcc
bench_flags := -std=c11 -O2 -g -fno-pie -D_GNU_SOURCE $(WARNINGS) -Iinclude -Itests/host

# The library's own objects, as a kernel links them; the program is a user's object file.
$(BENCH)/ring: tests/bench/ring.c tests/host/ring_transport.c $(BUILD)/x86_64/libvirtio.a tests/bench/bench.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOST_CC) $(bench_flags) -no-pie -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) $(BUILD)/x86_64/libvirtio.a

.PHONY: bench-ring
bench-ring: $(BENCH)/ring
	$(call need,valgrind,valgrind)
	$(quiet)python3 tests/bench/ring.py $(BUILD)

-include $(BENCH)/ring.d
