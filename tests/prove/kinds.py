# SPDX-License-Identifier: MIT
"""What a proof is, what a bug that it must notice, and what is read in another way."""

import collections

# sources: beside those of the rooms of the library. readings: what is read in another way. short: part of make check.
# reach: with whom it shares its rows in covers.tsv; none: they are its own.
Proof = collections.namedtuple("Proof", "name harness defines sources options short readings rooms reach",
                               defaults=((), (), (), False, (), ("core", "queue", "transport"), ""))

# Put `instead` in the place of what is `there`, once in the file. Of a known bug: these proofs raise an alarm then.
Seed = collections.namedtuple("Seed", "name path there instead proofs")
Reading = collections.namedtuple("Reading", "name path there instead")
