"""PyTorch's operators where Triton is not: in passes, on the CPU as if it were such a device."""

import numpy as np
import pytest

import weightedce as w
from weightedce.validation import hard_points, ulp
from weightedce.validation.binding import array_arguments, constants
from weightedce.validation.problems import CaseProblem

torch = pytest.importorskip("torch", reason="torch is not installed")

from weightedce.backends.torch import Torch, at_once, devices, slope  # noqa: E402
from weightedce.backends.torch.operators import library, whole  # noqa: E402

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PLAIN = ("full-1", "full-2", "plain", "weighted", "soft", "smooth", "masked", "finite")
IN_PASSES = {
    "binary_cross_entropy": PLAIN,
    "cross_entropy": PLAIN,
    "focal_loss": ("finite",),
    "binary_focal_loss": ("full-1", "full-2", "finite"),
    "asymmetric_loss": ("full-1", "full-2", "full-3", "finite"),
}


def nothing_in_numbers(*_):
    raise AssertionError("a value was read")


@pytest.fixture
def calls(monkeypatch):
    """Take the CPU for a device without Triton; return what the operators are called with."""
    found, reduced = [], whole._reduced
    for room in (devices, at_once, slope):
        monkeypatch.setattr(room, "takes_operators", lambda _: True)
    monkeypatch.setattr(Torch, "takes_operators", staticmethod(lambda _: True))
    for room in (whole, library):
        monkeypatch.setattr(room, "by_triton", lambda _: False)
    monkeypatch.setattr(whole, "_reduced", lambda *x: found.append(x) or reduced(*x))
    return found


def derived(loss, z, *arrays, upstream=1.0, **options):
    z = z.detach().requires_grad_()
    found = loss(z, *arrays, **options)
    (gradient,) = torch.autograd.grad(found, z, torch.full_like(found, upstream))
    return found.detach().double().numpy(), gradient.double().numpy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("loss", "name"), [(loss, name) for loss, names in IN_PASSES.items() for name in names]
)
def test_value_and_gradient_are_the_truth(loss, name, dtype, calls):
    case = hard_points.cases(loss)[name].rounded(dtype)
    kind = DTYPES[dtype]
    arrays = {k: torch.tensor(x) for k, x in array_arguments(case).items()}
    arrays = {k: x.to(kind) if x.is_floating_point() else x for k, x in arrays.items()}
    z = torch.tensor(case.logits, dtype=kind)
    found = derived(getattr(w, loss), z, **arrays, **constants(case))
    assert len(calls) == 1
    problem = CaseProblem("", case)
    for order, got in enumerate(found):
        distances = ulp.distances(got, problem.expected(order), ulp.result_dtype(dtype, order))
        assert (distances <= problem.limits(order)).all()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "weighted_mean", "total"])
@pytest.mark.parametrize("loss", [w.cross_entropy, w.focal_loss, w.asymmetric_loss])
def test_reductions_weights_and_masks(loss, reduction, calls):
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(3, 4, 5)), dtype=torch.float32)
    keep = torch.tensor(rng.random((3, 1)) < 0.7)
    options = {
        "mask": keep,
        "sample_weight": torch.tensor(rng.uniform(0, 2, (3, 5)), dtype=torch.float32),
        "axis": 1,
        "reduction": reduction,
    }
    weight = torch.tensor(rng.uniform(0, 2, 4), dtype=torch.float32)
    if loss is w.asymmetric_loss:
        y = torch.tensor(rng.integers(0, 2, (3, 4, 5)))
        options |= {"pos_weight": weight, "neg_weight": 0.5, "label_smoothing": 0.125}
        options["sample_weight"] = options["sample_weight"][:, :1]
        options["ignore_index"] = (0, float("nan"))
    else:
        y = torch.tensor(rng.integers(0, 4, (3, 5)))
        y[0, 1] = -100
        options |= {"class_weight": weight, "ignore_index": (-100, 3)}
    lost = z.clone()
    lost[~keep[:, 0]] = torch.nan

    def reduced(logits, targets, **given):
        found = loss(logits, targets, **given)
        return found.loss * found.weight / found.count if reduction == "total" else found

    got = derived(reduced, lost, y, upstream=3.0, **options)
    assert len(calls) == 1
    floats = {k: x for k, x in options.items() if torch.is_tensor(x) and x.is_floating_point()}
    wide = options | {k: x.double() for k, x in floats.items()}
    right = derived(reduced, lost.double(), y, upstream=3.0, **wide)
    assert len(calls) == 1
    for mine, exact in zip(got, right, strict=True):
        np.testing.assert_allclose(mine, exact, rtol=2e-6, atol=1e-6)
    assert (got[1][~keep[:, 0].numpy()] == 0.0).all()


def test_bad_labels_and_weights_are_nan_and_empty_denominators_0(calls):
    z = torch.randn(6, 3)
    y = torch.tensor([0, 1, 2, 3, -1, 0])
    value, gradient = derived(w.cross_entropy, z, y, reduction="none")
    assert np.isnan(value).tolist() == [False] * 3 + [True, True, False]
    assert np.isnan(gradient).all(axis=1).tolist() == [False] * 3 + [True, True, False]
    weight = torch.tensor([1.0, -1.0, 1.0])
    value, _ = derived(w.cross_entropy, z, y[:3].repeat(2), class_weight=weight, reduction="none")
    assert np.isnan(value).tolist() == [False, True, False] * 2
    zero = {"sample_weight": torch.zeros(6), "reduction": "weighted_mean"}
    value, gradient = derived(w.cross_entropy, z, y[:3].repeat(2), **zero)
    assert value == 0.0
    assert (gradient == 0.0).all()
    assert len(calls) == 3


def test_second_derivatives_are_composed(calls):
    z = torch.randn(5, 3).requires_grad_()
    y = torch.tensor([0, 1, 2, 0, 1])

    def second(z):
        (found,) = torch.autograd.grad(w.cross_entropy(z, y), z, create_graph=True)
        return torch.autograd.grad((found**2).sum(), z)[0]

    right = second(z.detach().double().requires_grad_())
    np.testing.assert_allclose(second(z).numpy(), right.numpy(), rtol=1e-5, atol=1e-7)
    assert len(calls) == 1


def test_nothing_is_read_and_softplus_and_masses_are_composed(calls, monkeypatch):
    z, y = torch.empty(8, 3, device="meta"), torch.empty(8, 3, device="meta")
    labels = torch.empty(8, dtype=torch.int64, device="meta")
    for name in ("item", "tolist", "__bool__", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, nothing_in_numbers)
    z.requires_grad_()
    w.cross_entropy(z, labels).backward()
    w.asymmetric_loss(z, y).backward()
    assert len(calls) == 2
    w.binary_cross_entropy(z, y).backward()
    w.cross_entropy(z, y).backward()
    assert len(calls) == 2
