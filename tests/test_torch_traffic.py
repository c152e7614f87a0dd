"""What a loss costs an accelerator beside torch's own: kernels, bytes, memory, waits.

Counted by `benchmarks/traffic.py`, which makes the table of the docs.
"""

import importlib.util
import inspect
from pathlib import Path

import pytest

import weightedce as w

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("triton", reason="Triton is not installed")

from weightedce.backends.torch import linear_kernels  # noqa: E402
from weightedce.backends.torch.operators import library, whole  # noqa: E402
from weightedce.backends.torch.passes import launch as passes  # noqa: E402

TRAFFIC = Path(__file__).parent.parent / "benchmarks" / "traffic.py"
SPEC = importlib.util.spec_from_file_location("traffic", TRAFFIC)
traffic = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(traffic)

# The most kernels, and the most bytes and memory as a share of torch's.
KERNELS = (3, 0.39, 0.35)
LIMITS = {
    "binary": (3, 0.46, 0.51),
    "binary, weight": (3, 0.24, 0.17),
    "binary, bfloat16": (3, 0.46, 0.51),
    "binary, none": (4, 0.65, 0.51),
    "binary focal": (3, 0.07, 0.12),
    "asymmetric": (3, 0.07, 0.12),
    "labels": KERNELS,
    "labels, weight": KERNELS,
    "labels, module": KERNELS,
    "labels, bfloat16": KERNELS,
    "smoothed": (3, 0.21, 0.26),
    "distributions": (3, 0.47, 0.35),
    "focal": KERNELS,
    "poly": KERNELS,
    # further kernels are of as many numbers as there are classes
    "prior": (15, 0.39, 0.35),
    "counts": (14, 0.39, 0.35),
    "margins": (22, 0.39, 0.35),
    "scaled": (19, 0.39, 0.35),
    "linear": (77, 1.01, 0.1),
    "linear, large": (41, 1.0, 0.35),
    "linear, bfloat16": (43, 1.75, 0.85),
    "few labels": (3, 0.5, 0.45),
    "few elements": (3, 0.5, 0.56),
    "generalized": KERNELS,
    # composed
    "expected cost": (158, 13.3, 3.0),
    "confusion": (56, 8.7, 7.9),
    "dice": (55, 5.2, 3.6),
    "f beta": (55, 5.2, 3.6),
    "recall": (75, 5.6, 3.6),
    "tversky": (55, 5.2, 3.6),
    "focal tversky": (86, 5.2, 3.6),
    "lovasz": (154, 31.9, 11.9),
    "long tail of labels": (156, 22.8, 9.1),
    "seesaw": (270, 25.7, 5.3),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_loss_costs_an_accelerator_no_more_than_its_limit(name):
    most_kernels, most_moved, most_held = LIMITS[name]
    mine, theirs = traffic.both(name)
    assert mine.waits == 0
    assert mine.kernels <= most_kernels
    assert mine.moved <= most_moved * theirs.moved
    assert mine.most <= most_held * theirs.most


def test_every_loss_has_a_limit():
    losses = {
        name
        for name, x in vars(w).items()
        if inspect.isfunction(x) and x.__module__.startswith("weightedce.losses")
    }
    counted = {case.loss for case in traffic.CASES.values()}
    assert losses - counted == {"soft_confusion"}  # counts, which are no loss
    assert set(LIMITS) == set(traffic.CASES)


# Without Triton: the most bytes and memory of the passes themselves, as a share of torch's.
IN_PASSES = {
    "binary": (2.65, 1.3),
    "binary, weight": (1.75, 0.8),
    "binary, none": (3.4, 1.3),
    "binary, bfloat16": (6.7, 1.3),
    "binary focal": (1.25, 0.3),
    "asymmetric": (1.95, 0.35),
    "labels": (1.9, 0.7),
    "labels, weight": (1.9, 0.7),
    "labels, module": (2.2, 0.7),
    "labels, bfloat16": (3.9, 1.05),
    "smoothed": (1.5, 0.55),
    "distributions": (2.4, 0.7),
    "focal": (1.9, 0.7),
    "poly": (1.9, 0.7),
    "generalized": (1.95, 0.7),
    "linear": (2.05, 0.1),
    "linear, large": (1.95, 0.4),
    "linear, bfloat16": (4.25, 1.05),
}


def without_triton(monkeypatch):
    for room in (library, linear_kernels, whole):
        monkeypatch.setattr(room, "by_triton", lambda _: False)


@pytest.mark.parametrize("name", IN_PASSES)
def test_passes_without_triton_cost_no_more_than_their_limit(name, monkeypatch):
    without_triton(monkeypatch)
    for operator, kind in library.KINDS.items():
        # by the counter, not as one kernel
        def value(*given, operator=operator, kind=kind):
            return getattr(passes, operator)(kind(*given))

        def slope(*given, operator=operator, kind=kind):
            return getattr(passes, f"{operator}_slope")(*given[:3], kind(*given[3:]))

        monkeypatch.setitem(library.OPERATIONS, operator, value)
        monkeypatch.setitem(library.OPERATIONS, f"{operator}_slope", slope)
    mine, theirs = traffic.both(name)
    assert mine.waits == 0
    assert mine.kernels > 10
    assert mine.moved <= IN_PASSES[name][0] * theirs.moved
    assert mine.most <= IN_PASSES[name][1] * theirs.most


@pytest.mark.parametrize("name", [x for x in IN_PASSES if not x.startswith("linear")])
def test_operators_without_triton_keep_less_than_torch(name, monkeypatch):
    without_triton(monkeypatch)
    mine, theirs = traffic.both(name)
    assert mine.waits == 0
    assert mine.kernels <= 4
    assert mine.moved <= 0.9 * theirs.moved
    assert mine.most <= 1.01 * theirs.most


def test_what_is_counted():
    x = traffic.empty(1000, grad=True)
    found = traffic.Cost([x])
    with found:
        y = x.view(10, 100).t() * 2.0  # one kernel: reads and writes 4,000 bytes
        assert (found.kernels, found.moved, found.held) == (1, 8000, 4000)
        y.add_(1.0)  # in place: the same again, and no memory
        del y
        assert (found.kernels, found.moved, found.held, found.most) == (2, 16000, 0, 4000)
