# SPDX-License-Identifier: MIT
#
#   make check-barriers  the ring's barriers, in the code of a CPU that orders nothing by itself (docs/memory-ordering.md)

.PHONY: check-barriers
check-barriers:
	$(call need,clang,clang)
	$(quiet)python3 -B tests/barriers/check
