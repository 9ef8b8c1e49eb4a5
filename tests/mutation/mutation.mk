# SPDX-License-Identifier: MIT
#
# Known bugs that the host tests must catch (docs/testing.md).
#
#   make mutation            each of them, one at a time; also in build/mutation.tsv. Takes a quarter of an hour
#   make mutation BUGS=ring-used-id-not-checked     some of them
#   make check-mutation      each can still be put in

BUGS ?=

.PHONY: mutation check-mutation
mutation:
	$(quiet)nice python3 tests/mutation/run test $(BUILD) $(BUGS)

check-mutation:
	$(quiet)python3 tests/mutation/run check
