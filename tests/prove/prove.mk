# SPDX-License-Identifier: MIT
#
# Proofs with Frama-C's Eva (docs/verification.md).
#
#   make prove                         all of them, each with the known bugs that it must notice; also in
#                                      build/eva.tsv
#   make prove PROOFS="mmio pci-ecam"  some of them
#   make check-prove                   three of them, with a bug each: part of make check

PROOFS ?=

.PHONY: prove check-prove
prove:
	$(call need,frama-c,frama-c-base)
	$(quiet)nice python3 tests/prove/run $(BUILD) $(PROOFS)

check-prove:
	$(call need,frama-c,frama-c-base)
	$(quiet)nice python3 tests/prove/run $(BUILD) --short
