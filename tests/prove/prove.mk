# SPDX-License-Identifier: MIT
#
# Proofs with Frama-C: Eva, and WP for rings of any size (docs/verification.md).
#
#   make prove                         all of them, each with the known bugs that it must notice; also in
#                                      build/eva.tsv and build/wp.tsv
#   make prove PROOFS="mmio pci-ecam"  some of Eva's
#   make prove-wp PROOFS="split"       WP's alone, or some of them
#   make check-prove                   some of both, with a bug each: part of make check

PROOFS ?=

.PHONY: prove prove-wp check-prove
prove:
	$(call need,frama-c,frama-c-base)
	$(quiet)nice python3 tests/prove/run $(BUILD) $(PROOFS)
	$(if $(PROOFS),,$(quiet)nice python3 tests/prove/wp/run $(BUILD))

prove-wp:
	$(call need,frama-c,frama-c-base)
	$(quiet)nice python3 tests/prove/wp/run $(BUILD) $(PROOFS)

check-prove:
	$(call need,frama-c,frama-c-base)
	$(quiet)nice python3 tests/prove/run $(BUILD) --short
	$(quiet)nice python3 tests/prove/wp/run $(BUILD) --short
