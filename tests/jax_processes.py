"""Two processes of JAX, of which one counts no labels. Run by a test."""

import sys

import jax
import numpy as np
import pytest

import weightedce as w

LABELS = np.random.default_rng(0).integers(0, 3, 10)


def main(rank, port):
    assert w.ClassCounter(2).update([1]).across().counts == [0, 1]  # not yet at work
    jax.distributed.initialize(f"localhost:{port}", 2, rank)
    mine = w.ClassCounter(3).update(LABELS[: rank * 10])
    assert mine.across() == w.ClassCounter(3).update(LABELS), rank
    large = w.ClassCounter.from_dict({"counts": [2**60, rank], "ignore_index": None})
    assert large.across().counts == [2**61, 1]  # integers have 32 bits here
    with pytest.raises(ValueError, match="across: expected counters with the same options"):
        w.ClassCounter(3 + rank).across()
    print("counts of 2 processes are those of one")


main(*map(int, sys.argv[1:]))
