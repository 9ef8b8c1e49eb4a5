# SPDX-License-Identifier: MIT
#
# Two threads on one ring, and the model of what they rely on.
#
#   make check-stress    the short form: each variant for STRESS_SECONDS (0.8)
#   make stress          the long form: each for a minute; then stress-report
#   make stress-report   ns per request of each layout in one table, five rounds, also in build/stress.tsv; no gate
#   make check-spin      the promela model, with the fence and without it

STRESS := $(BUILD)/stress
STRESS_SECONDS ?= 0.8

$(STRESS)/ring: tests/stress/ring.c tests/host/ring_transport.c $(BUILD)/x86_64/libvirtio.a tests/stress/stress.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(HOST_CC) $(bench_flags) -pthread -no-pie -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) $(BUILD)/x86_64/libvirtio.a

.PHONY: check-stress stress stress-report check-spin
check-stress: $(STRESS)/ring
	$(quiet)for manner in racing sleeping polling; do for layout in split split-in-order packed packed-in-order; do \
		for event in off on; do \
			timeout 120 $(STRESS)/ring $$layout $$event $(STRESS_SECONDS) $$manner || exit 1; \
		done; done; done

stress:
	$(quiet)$(MAKE) --no-print-directory check-stress STRESS_SECONDS=60
	$(quiet)$(MAKE) --no-print-directory stress-report

stress-report: $(STRESS)/ring
	$(quiet)python3 tests/stress/report.py $(BUILD)

check-spin:
	$(call need,spin,spin)
	$(quiet)sh tests/spin/check $(BUILD)/spin

-include $(STRESS)/ring.d
