# SPDX-License-Identifier: MIT
#
# Proofs with Frama-C's Eva (docs/verification.md). Not part of make check: they take minutes each, and Frama-C.
#
#   make prove [PROOFS="mmio pci-ecam"]   each must end without an alarm; also in build/eva.tsv
#   make prove-seeds                      known bugs, each of which must raise one

PROOFS ?=

.PHONY: prove prove-seeds
prove:
	$(quiet)nice python3 tests/prove/run proofs $(BUILD) $(PROOFS)

prove-seeds:
	$(quiet)nice python3 tests/prove/run seeds $(BUILD)
