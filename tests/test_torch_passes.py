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
from weightedce.backends.torch.passes import blocks  # noqa: E402

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PLAIN = ("full-1", "full-2", "plain", "weighted", "soft", "smooth", "masked", "finite")
IN_PASSES = {
    "binary_cross_entropy": PLAIN,
    "cross_entropy": PLAIN,
    "focal_loss": ("finite",),
    "poly_cross_entropy": ("finite",),
    "generalized_cross_entropy": ("finite",),
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


ROUNDED = ("full-1", "finite")  # what is tried in bfloat16 too


@pytest.mark.parametrize(
    ("loss", "name", "dtype"),
    [
        (loss, name, dtype)
        for loss, names in IN_PASSES.items()
        for name in names
        for dtype in DTYPES
        if dtype == "float32" or name in ROUNDED
    ],
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


SMOOTHED = {"label_smoothing": 0.125}
LOSSES = {
    "labels": (w.cross_entropy, {}),
    "focal": (w.focal_loss, {}),
    "poly": (w.poly_cross_entropy, {"epsilon": -0.5}),
    "generalized": (w.generalized_cross_entropy, {"q": 0.25}),
    "smoothed": (w.cross_entropy, SMOOTHED),
    "by class": (w.cross_entropy, SMOOTHED | {"smoothing_weight": "class"}),
    "soft": (w.cross_entropy, {}),
    "soft, smoothed": (w.cross_entropy, SMOOTHED | {"smoothing_weight": "class"}),
    "binary": (w.binary_cross_entropy, {}),
    "binary, smoothed": (w.binary_cross_entropy, SMOOTHED),
    "asymmetric": (w.asymmetric_loss, SMOOTHED),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "weighted_mean", "total"])
@pytest.mark.parametrize("name", LOSSES)
def test_reductions_weights_and_masks(name, reduction, calls):
    loss, more = LOSSES[name]
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(3, 4, 5)), dtype=torch.float32)
    keep = torch.tensor(rng.random((3, 1)) < 0.7)
    options = more | {
        "mask": keep,
        "sample_weight": torch.tensor(rng.uniform(0, 2, (3, 5)), dtype=torch.float32),
        "axis": 1,
        "reduction": reduction,
    }
    weight = torch.tensor(rng.uniform(0, 2, 4), dtype=torch.float32)
    if loss in (w.asymmetric_loss, w.binary_cross_entropy):
        y = torch.tensor(rng.integers(0, 2, (3, 4, 5)))
        options |= {"pos_weight": weight, "neg_weight": 0.5}
        options["sample_weight"] = options["sample_weight"][:, :1]
        options["ignore_index"] = (0, float("nan"))
    elif "soft" in name:
        y = torch.tensor(rng.dirichlet(np.ones(4), (3, 5)), dtype=torch.float32).movedim(-1, 1)
        y[0, 2, 1] = torch.nan
        options |= {"class_weight": weight, "ignore_index": float("nan")}
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


def off(got, truth, scale):
    size, zero = np.maximum(np.abs(truth), scale), np.zeros_like(truth)
    expected = ulp.Expected(truth, zero, size, zero + 1.0)
    return ulp.distances(got, expected, "float32").max()


@pytest.mark.parametrize("how", ["plain", "sure", "far", "ties", "low", "high"])
@pytest.mark.parametrize("name", ["labels", "smoothed", "by class", "soft"])
def test_many_classes_keep_their_digits(name, how, calls):
    rng, rows, classes = np.random.default_rng(1), 4, 1000
    z = rng.normal(size=(rows, classes)).astype("float32")
    if how == "sure":  # all but one far below
        z -= 40.0
        z[:, 3] = 3.0
    z = {"far": 60.0 * z, "ties": np.round(z), "low": z - 300.0, "high": z + 75.0}.get(how, z)
    y, own = np.array([0, 999, 3, 7]), np.zeros((rows, classes))
    weight = rng.uniform(0.5, 2.0, classes).astype("float32")
    options = LOSSES[name][1] | {"reduction": "none"}
    if name == "soft":
        y = own = rng.dirichlet(np.full(classes, 0.1), rows).astype("float32")
    elif name != "labels":
        share = weight if name == "by class" else weight[y][:, None]
        own[:] = share / 8 / classes
        own[np.arange(rows), y] += weight[y] * 7 / 8
        options["class_weight"] = torch.tensor(weight)
    z, y = torch.tensor(z), torch.tensor(y)
    got = derived(w.cross_entropy, z, y, **options)
    assert len(calls) == 1
    wide = {k: x.double() if torch.is_tensor(x) else x for k, x in options.items()}
    right = derived(w.cross_entropy, z.double(), y.double() if name == "soft" else y, **wide)
    # terms that cancel: p and the mass, or where p is next to 1 what of both is elsewhere
    p, whole = torch.softmax(z.double(), 1).numpy(), own.sum(1, keepdims=True)
    scale = np.where(p > 0.5, np.maximum(whole * (1 - p), whole - own), np.maximum(whole * p, own))
    assert off(got[0], right[0], 0.0) <= ulp.PER_ELEMENT
    assert off(got[1], right[1], 0.0 if name == "labels" else scale) <= ulp.PER_ELEMENT


@pytest.mark.parametrize("name", ["labels", "smoothed", "soft"])
def test_nan_where_infinite_logits_have_no_limit(name, calls):
    inf, nan = float("inf"), float("nan")
    rows = [[inf, inf, 0], [-inf] * 3, [inf, 0, -inf], [0, -inf, 0], [nan, 0, 0], [0, 0, inf]]
    z = torch.tensor(rows).repeat_interleave(3, 0)
    y = torch.arange(3).repeat(len(rows))
    if name == "soft":
        y = torch.eye(3)[y]
    options = LOSSES[name][1] | {"reduction": "none"}
    value, gradient = derived(w.cross_entropy, z, y, **options)
    right, slope = derived(w.cross_entropy, z.double(), y, **options)
    assert len(calls) == 1
    slope[np.isnan(right)] = np.nan
    np.testing.assert_allclose(value, right, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-7)


def test_infinite_logits_and_soft_targets_of_elements(calls):
    inf, nan = float("inf"), float("nan")
    z = torch.tensor([inf, -inf, nan, 0.0, 40.0, -40.0]).repeat_interleave(6)
    y = torch.tensor([0.0, 1.0, 0.25, 0.999, -0.005, 1.005]).repeat(6)
    for i, options in enumerate(({}, {"pos_weight": 3.0}, {"neg_weight": 0.0}), 1):
        got = derived(w.binary_cross_entropy, z, y, reduction="none", **options)
        right = derived(w.binary_cross_entropy, z.double(), y.double(), reduction="none", **options)
        assert len(calls) == i
        for mine, exact in zip(got, right, strict=True):
            np.testing.assert_allclose(mine, exact, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_a_target_that_is_none_is_nan_and_no_other(reduction, calls):
    z = torch.randn(4, 3)
    y = torch.tensor([0.0, 1.0, 0.25, 1.0]).expand(3, 4).T.clone()
    y[1, 1], y[2, 2], y[3, 0] = 1.5, -0.5, torch.nan
    bad = ((y > 1.0) | (y < 0.0) | (y != y)).numpy()
    for loss in (w.binary_cross_entropy, w.binary_focal_loss):
        value, gradient = derived(loss, z, y, reduction=reduction)
        np.testing.assert_array_equal(np.isnan(gradient), bad)
        assert np.isnan(value).all() if reduction == "mean" else (np.isnan(value) == bad).all()
    value, gradient = derived(w.cross_entropy, z, y, reduction=reduction)
    np.testing.assert_array_equal(np.isnan(gradient), [[x] * 3 for x in bad.any(1)])
    keep = {"mask": ~torch.tensor(bad), "reduction": reduction}
    assert all(np.isfinite(x).all() for x in derived(w.binary_cross_entropy, z, y, **keep))
    assert len(calls) == 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["labels", "smoothed", "soft", "binary", "asymmetric"])
def test_blocks_of_rows_are_the_whole(name, dtype, calls, monkeypatch):
    loss, options = LOSSES[name]
    z, y = torch.randn(7, 5).to(DTYPES[dtype]), torch.randint(5, (7,))
    options = options | {"sample_weight": torch.rand(7), "reduction": "none"}
    if loss is not w.cross_entropy or name == "soft":
        y = torch.eye(5)[y]
    whole = derived(loss, z, y, **options)
    first = options | {"pos_weight": torch.rand(7), "axis": 0, "reduction": "sum"}
    turned = () if loss is w.cross_entropy else derived(loss, z, y, **first)
    monkeypatch.setattr(blocks, "BLOCK", 10)
    for mine, right in zip(derived(loss, z, y, **options), whole, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6)
    for mine, right in zip(derived(loss, z, y, **first) if turned else (), turned, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_operators_keep_to_what_they_tell_torch(name, calls):
    loss, options = LOSSES[name]
    z, y = torch.randn(4, 3), torch.randint(3, (4,))
    if "soft" in name or loss in (w.asymmetric_loss, w.binary_cross_entropy):
        y = torch.eye(3)[y]
    loss(z, y, **options)
    operator, form, given, _ = calls[-1]
    found = operator.arguments(given, form)
    tests = ("test_schema", "test_faketensor")
    torch.library.opcheck(library.OPERATIONS[operator.name], tuple(found), test_utils=tests)
    value, sums, rows = library.OPERATIONS[operator.name](*found)
    slope = library.OPERATIONS[f"{operator.name}_slope"]
    torch.library.opcheck(slope, (value, sums, rows, *found), test_utils=tests)


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


@pytest.mark.parametrize("name", LOSSES)
def test_numbers_are_of_float32_whatever_torch_makes_by_default(name, calls):
    loss, options = LOSSES[name]
    z, y = torch.randn(4, 3).requires_grad_(), torch.randint(3, (4,))
    if "soft" in name or loss in (w.asymmetric_loss, w.binary_cross_entropy):
        y = torch.eye(3)[y]
    torch.set_default_dtype(torch.float64)
    try:
        found = loss(z, y, **options)
        found.backward()
    finally:
        torch.set_default_dtype(torch.float32)
    assert len(calls) == 1
    assert found.dtype == z.grad.dtype == torch.float32


def test_second_derivatives_are_composed(calls):
    z = torch.randn(5, 3).requires_grad_()
    y = torch.tensor([0, 1, 2, 0, 1])

    def second(z):
        (found,) = torch.autograd.grad(w.cross_entropy(z, y), z, create_graph=True)
        return torch.autograd.grad((found**2).sum(), z)[0]

    right = second(z.detach().double().requires_grad_())
    np.testing.assert_allclose(second(z).numpy(), right.numpy(), rtol=1e-5, atol=1e-7)
    assert len(calls) == 1


def test_nothing_is_read(calls, monkeypatch):
    z, y = torch.empty(8, 3, device="meta"), torch.empty(8, 3, device="meta")
    labels = torch.empty(8, dtype=torch.int64, device="meta")
    for name in ("item", "tolist", "__bool__", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, nothing_in_numbers)
    z.requires_grad_()
    for loss, target in (
        (w.cross_entropy, labels),
        (w.cross_entropy, y),
        (w.binary_cross_entropy, y),
        (w.asymmetric_loss, y),
    ):
        loss(z, target, label_smoothing=0.125).backward()
        loss(z, target).backward()
    assert len(calls) == 8
