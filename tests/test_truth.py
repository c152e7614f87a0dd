"""Value, gradient and second derivative against the oracle: hard points, every library and mode.

The cases are those of `weightedce validate`. Eager modes take them all; compilers take their
time, so each gets the first cases of every loss, with weights, mask and smoothing. With
WEIGHTEDCE_LONG=1 every mode takes every case, and every order is compiled on its own.
"""

import os
from functools import cache

import numpy as np
import pytest

from libraries import BY_BLOCKS, LIBRARIES
from weightedce.validation import catalog, hard_points, oracle, ulp
from weightedce.validation.hard_points import CORE, FINITE
from weightedce.validation.problems import CaseProblem

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
LOSSES = [*oracle.BINARY, *oracle.MULTICLASS]
ALL = [*LOSSES, *oracle.BATCH]
ORDERS = ("value", "gradient", "second derivative")


@cache
def problem(loss, name, dtype):
    return CaseProblem(name, hard_points.cases(loss)[name].rounded(dtype), hard_points.ROWS)


def is_taken(library, mode, loss, name, dtype):
    """Whether a mode takes a case when nobody waits for hours."""
    if LONG:
        return True
    if name == FINITE:  # what decides which path is taken: see also test_truth_of_paths
        return library in BY_BLOCKS
    if mode == "eager":
        return True
    if mode in library.slow:
        return name == "full-1" and dtype != "bfloat16"
    return name == "full-1" or (name == "full-2" and dtype == "float64" and loss in CORE)


RUNS = [
    pytest.param(
        library, mode, loss, name, dtype, id=f"{library.name}-{mode}-{loss}-{name}-{dtype}"
    )
    for library in LIBRARIES.values()
    for mode in library.modes
    for dtype in library.dtypes
    for loss in ALL
    for name in hard_points.cases(loss)
    if is_taken(library, mode, loss, name, dtype)
]


def assert_close(got, exact, limits, dtype, where):
    """Compare a result with exact numbers, flat."""
    assert got.dtype == dtype, f"{where}: dtype {got.dtype}"
    hold(got.ravel(), ulp.Expected.of(exact), np.asarray(limits), dtype, where)


def hold(got, expected, limits, dtype, where):
    found = ulp.distances(got, expected, dtype)
    if (found <= limits).all():
        return
    worst = np.unravel_index(np.argmax(found / limits), found.shape)
    index = tuple(map(int, worst))
    raise AssertionError(
        f"{where}: element {index}: got {got[index]!r}, exact {expected.number[index]!r}, "
        f"{found[index]} ulp of {limits[index]} allowed"
    )


@pytest.mark.parametrize(("library", "mode", "loss", "name", "dtype"), RUNS)
def test_truth(library, mode, loss, name, dtype):
    """All orders from one compilation, as it is how a training step computes them."""
    given = problem(loss, name, dtype)
    orders = library.orders(mode)
    for wanted in [(order,) for order in orders] if LONG else [orders]:
        with library.scope(dtype):
            arrays = [library.array(x, dtype) for x in (given.logits, *given.arrays.values())]
            run = library.prepare(mode, given.function, wanted, given.batched)
            results = [(library.numpy(x), library.dtype_name(x)) for x in run(*arrays)]
        for order, (got, kind) in zip(wanted, results, strict=True):
            where = f"{loss} {name}, {ORDERS[order]}"
            assert kind == ulp.result_dtype(dtype, order), where
            hold(got, given.expected(order), given.limits(order), kind, where)


def test_every_loss_is_tested_in_every_mode_and_dtype():
    covered = {(p.values[0].name, p.values[1], p.values[2], p.values[4]) for p in RUNS}
    for library in LIBRARIES.values():
        for mode in library.modes:
            for dtype in library.dtypes:
                if mode in library.slow and dtype == "bfloat16" and not LONG:
                    continue
                for loss in catalog.losses():
                    assert (library.name, mode, loss, dtype) in covered


def test_the_core_is_the_plain_losses():
    assert set(CORE) <= set(LOSSES)
