"""Value, gradient and second derivative against the oracle: hard points, every library and mode.

The cases are those of `weightedce validate`. Eager modes take them all, but for dtypes that prove
the same, and for JAX, where they are compiled one operation at a time; compilers take their time,
so each gets a loss of each kind with weights, mask and smoothing. With WEIGHTEDCE_LONG=1 every
mode takes every case of every loss, compiled on its own, and of the plain losses every order too.
"""

from functools import cache

import numpy as np
import pytest

from libraries import BY_BLOCKS, LIBRARIES, LONG
from weightedce.validation import catalog, hard_points, oracle, ulp
from weightedce.validation.hard_points import CORE, FINITE
from weightedce.validation.problems import CaseProblem

LOSSES = [*oracle.BINARY, *oracle.MULTICLASS]
ALL = [*LOSSES, *oracle.BATCH]
ORDERS = ("value", "gradient", "second derivative")
# one of each form that a compiler meets: a slope of our own or a library's, of elements, labels,
# distributions and soft counts; what is not here is made of the same operations
KINDS = (
    *CORE,
    "asymmetric_loss",
    "expected_cost",
    "f_beta_loss",
    "focal_loss",
    "vector_scaling_cross_entropy",
)


@cache
def problem(loss, name, dtype):
    return CaseProblem(name, hard_points.cases(loss)[name].rounded(dtype), hard_points.ROWS)


def is_taken(library, mode, loss, name, dtype):
    """Whether a mode takes a case when nobody waits for hours."""
    if LONG:
        return True
    first, eager = name == "full-1", mode == "eager"
    if library.name == "jax" and eager:  # what jit compiles, one operation at a time
        return False
    if dtype == "bfloat16":  # float32 behind a cast, which all losses share
        return eager and first and (library.name == "numpy" or loss in CORE)
    if name == FINITE:  # what decides which path is taken: see also test_truth_of_paths
        return library in BY_BLOCKS and eager
    if eager:  # float64 is a matter of the formulas, which NumPy has, too
        return loss in CORE or dtype == "float32" or library.name in ("numpy", "strict")
    if dtype == "float64":  # the operations are those of float32, whose range is the smaller
        return first and loss == "binary_cross_entropy" and mode == "jit"
    # a graph is eager operations, XLA the compiler of JAX, and Inductor takes ten seconds for each
    return first and loss in (KINDS if mode == "jit" else CORE)


RUNS = [  # by loss: whoever runs a part of them needs a part of the exact numbers
    (library, mode, loss, name, dtype)
    for loss in ALL
    for name in hard_points.cases(loss)
    for library in LIBRARIES.values()
    for mode in library.modes
    for dtype in library.dtypes
    if is_taken(library, mode, loss, name, dtype)
]


def run_id(library, mode, *rest):
    return "-".join([library.name, mode, *rest])


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


@pytest.mark.parametrize(
    ("library", "mode", "loss", "name", "dtype"), RUNS, ids=[run_id(*run) for run in RUNS]
)
def test_truth(library, mode, loss, name, dtype):
    """All orders from one compilation, as it is how a training step computes them."""
    given = problem(loss, name, dtype)
    orders = library.orders(mode)
    twice = loss in CORE or (loss == "focal_loss" and mode == "jit")  # with a slope of our own
    twice |= name == "full-1" and mode == "eager" and library.name != "tensorflow"
    if not LONG and (mode in ("function", "xla") or not twice):
        orders = orders[:2]  # the second takes as long as all others, for who knows it best too
    for wanted in [(order,) for order in orders] if LONG and loss in CORE else [orders]:
        with library.scope(dtype):
            arrays = [library.array(x, dtype) for x in (given.logits, *given.arrays.values())]
            run = library.prepare(mode, given.function, wanted, given.batched)
            results = run(*arrays)
            hold_orders(library, loss, name, dtype, dict(zip(wanted, results, strict=True)))


def hold_orders(library, loss, name, dtype, results):
    given = problem(loss, name, dtype)
    for order, result in results.items():
        where = f"{loss} {name}, {ORDERS[order]}"
        kind = library.dtype_name(result)
        assert kind == ulp.result_dtype(dtype, order), where
        hold(library.numpy(result), given.expected(order), given.limits(order), kind, where)


def test_every_loss_is_tested_in_every_mode_and_dtype():
    covered = {(library.name, mode, loss, dtype) for library, mode, loss, _, dtype in RUNS}
    for library in LIBRARIES.values():
        for mode in library.modes:
            if (library.name, mode) == ("jax", "eager") and not LONG:
                continue
            every = LONG or library.name == "numpy"
            kinds = KINDS if mode == "jit" else CORE
            for loss in catalog.losses() if LONG or mode == "eager" else kinds:
                eager = loss in CORE and mode == "eager"
                for dtype in library.dtypes if every or eager else ["float32"]:
                    assert (library.name, mode, loss, dtype) in covered


def test_the_core_is_the_plain_losses():
    assert set(CORE) <= set(LOSSES)
    assert set(KINDS) <= set(catalog.losses())
