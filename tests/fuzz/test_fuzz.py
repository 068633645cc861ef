"""The seeds of the fuzzed readers, and pieces of them, pass the checks that `make fuzz` makes of mutated input."""

import random

import fuzz_banks
import fuzz_cdx
import fuzz_parquet
import fuzz_parse
import fuzz_warc
import pytest

TARGETS = pytest.mark.parametrize("target", [fuzz_banks, fuzz_cdx, fuzz_parquet, fuzz_parse, fuzz_warc])


@TARGETS
def test_seeds_pass_the_check(target):
    for seed in target.SEEDS:
        target.check(seed)


@TARGETS
def test_cut_and_spliced_seeds_pass_the_check(target):
    rng = random.Random(1)

    for _ in range(20):
        first, second = (rng.choice(target.SEEDS) for _ in range(2))
        place = rng.randrange(len(first))
        target.check(first[:place])
        target.check(first[:place] + rng.choice(target.TOKENS) + second[rng.randrange(len(second)) :])
