"""linear_cross_entropy by kernels, in place on each block of its logits."""

import numpy as np
import pytest
import torch
from interpreted import LONG, composed, off, tensor

import weightedce as w
from weightedce.backends.torch import devices, linear
from weightedce.backends.torch.linear_kernels import OPERATIONS, has_kernels
from weightedce.validation import ulp

RNG = np.random.default_rng(0)
ROWS, CLASSES, FEATURES = 5, 5, 3  # two blocks, of which the second is smaller
HIDDEN = RNG.normal(scale=2.0, size=(ROWS, FEATURES)).astype("float32")
WEIGHT = RNG.normal(size=(CLASSES, FEATURES)).astype("float32")
BIAS = RNG.normal(size=CLASSES).astype("float32")
Y = RNG.integers(0, CLASSES, ROWS)
SOFT = RNG.dirichlet(np.ones(CLASSES), ROWS).astype("float32")
ALL = {
    "class_weight": RNG.uniform(0.5, 2.0, CLASSES).astype("float32"),
    "sample_weight": RNG.uniform(0.0, 2.0, ROWS).astype("float32"),
    "mask": np.arange(ROWS) % 3 > 0,
    "z_loss": 0.25,
    "softcap": 3.0,
}
CALLS = {
    "plain": (Y, {}),
    "all": (Y, ALL),
    "ignored": (Y, {"ignore_index": int(Y[1]), "reduction": "weighted_mean"}),
    "smoothed": (Y, ALL | {"label_smoothing": 0.125}),
    "by class": (Y, ALL | {"label_smoothing": 0.125, "smoothing_weight": "class"}),
    "soft": (SOFT, ALL | {"reduction": "sum"}),
    "signed": (SOFT, {"sample_weight": -ALL["sample_weight"], "target_range": "any"}),
    "rows": (Y, ALL | {"reduction": "none"}),
}


@pytest.fixture
def launched(monkeypatch):
    """Return the names of the operators that were called."""
    names = []
    for name, operation in list(OPERATIONS.items()):
        monkeypatch.setitem(
            OPERATIONS, name, lambda *x, name=name, of=operation: names.append(name) or of(*x)
        )
    return names


def derived(arrays, y, options, dtype=torch.float32, upstream=3.0):
    """Return a loss and the gradients to hidden, weight and bias."""
    arrays = [tensor(x, dtype).requires_grad_() for x in arrays]
    given = {k: tensor(v, dtype) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    found = w.linear_cross_entropy(*arrays[:2], tensor(y, dtype), bias=arrays[2], **given)
    gradients = torch.autograd.grad(found, arrays, torch.full_like(found, upstream))
    return [x.detach().double().numpy() for x in (found, *gradients)]


@pytest.mark.parametrize("name", CALLS)
def test_value_and_gradients_of_blocks(name, launched):
    y, options = CALLS[name]
    right = derived((HIDDEN, WEIGHT, BIAS), y, options, torch.float64)
    assert not launched
    found = derived((HIDDEN, WEIGHT, BIAS), y, options | {"block_size": 3})
    operator = "labels" if name in ("plain", "all", "ignored", "rows") else "mass"
    forward = [operator] * 2 if name == "rows" else []
    assert launched == [*forward, *[operator, f"{operator}_slope_into"] * 2]
    for got, exact in zip(found, right, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-5, atol=2e-6 * max(1.0, np.abs(exact).max()))


@pytest.mark.parametrize("name", ["plain", "all", "smoothed", "soft"])
def test_bfloat16_is_multiplied_as_it_is(name, launched):
    y, options = CALLS[name]

    def rounded(x):
        return tensor(x, torch.bfloat16).double().numpy()

    arrays = [rounded(x) for x in (HIDDEN, WEIGHT, BIAS)]
    options = {k: rounded(v) if np.asarray(v).dtype == "float32" else v for k, v in options.items()}
    y = rounded(y) if name == "soft" else y
    right = derived(arrays, y, options | {"target_range": "any"}, torch.float64)
    given = options | {"block_size": 3, "target_range": "any"}
    found = derived(arrays, y, given, torch.bfloat16)
    assert len(launched) == 4
    np.testing.assert_allclose(found[0], right[0], rtol=1e-5)
    for got, exact in zip(found[1:], right[1:], strict=True):
        np.testing.assert_allclose(got, exact, rtol=0.01, atol=0.01 * np.abs(exact).max())


@pytest.mark.parametrize(
    ("smoothing", "softcap", "z_loss"),
    [
        (smoothing, softcap, z_loss)
        for smoothing in (0.0, 0.125)
        for softcap in (None, 30.0)
        for z_loss in (0.0, 0.5)
        if LONG or (softcap is None) == (z_loss > 0.0)
    ],
)
def test_cap_and_z_loss_keep_their_digits(smoothing, softcap, z_loss):
    rows, classes = 9, 40
    z = RNG.normal(scale=8.0, size=(rows, classes)).astype("float32")
    z[0], z[1, 3], z[2] = -40.0, 25.0, np.linspace(-1e-4, 1e-4, classes)
    z[3] = np.linspace(-300.0, 300.0, classes)  # ten caps
    y = np.array([0, 3, classes - 1, classes - 1, 0, 1, 2, 3, 4])
    eye, none = np.eye(classes, dtype="float32"), np.zeros(classes, "float32")
    options = {"label_smoothing": smoothing, "softcap": softcap, "z_loss": z_loss}
    options |= {"reduction": "none"}
    value, gradient, *_ = derived((z, eye, none), y, options, upstream=1.0)
    exact, slope, *_ = derived((z, eye, none), y, options, torch.float64, upstream=1.0)
    # what is capped is rounded, which moves its exponential by |z| / 2 ulp
    limit = ulp.PER_ELEMENT if softcap is None else 40
    assert off(value, exact) <= limit
    # what the gradient is the sum of: p_k - mass_k, and 2 zeta log_sum p_k
    high = z.astype("float64") if softcap is None else softcap * np.tanh(z / np.float64(softcap))
    p = np.exp(high - high.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    log_sum = np.abs(np.log(np.exp(high).sum(1, keepdims=True)))
    far = np.exp(-2.0 * np.abs(z) / (softcap or np.inf))
    bend = 4.0 * far / (1.0 + far) ** 2
    scale = bend * (p * 2.0 * z_loss * log_sum + (smoothing > 0) * np.maximum(p, smoothing))
    assert off(gradient, slope, scale=scale) <= limit


def test_what_is_no_class_is_nan_and_what_is_masked_is_not_there():
    y, mask = Y.copy(), np.arange(ROWS) != 2
    hidden = HIDDEN.copy()
    hidden[2] = np.nan
    h, rows = tensor(hidden).requires_grad_(), tensor(WEIGHT).requires_grad_()
    w.linear_cross_entropy(h, rows, tensor(y), mask=tensor(mask), block_size=2).backward()
    keep = np.flatnonzero(mask)
    right = derived((HIDDEN[keep], WEIGHT, 0 * BIAS), y[keep], {}, torch.float64, upstream=1.0)
    np.testing.assert_allclose(h.grad.numpy()[keep], right[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rows.grad.numpy(), right[2], rtol=1e-5, atol=1e-6)
    assert (h.grad[2] == 0.0).all()


def test_no_gradient_is_made_where_none_is_wanted(launched):
    with torch.no_grad():
        found = w.linear_cross_entropy(tensor(HIDDEN), tensor(WEIGHT), tensor(Y))
    right = composed("cross_entropy", HIDDEN @ WEIGHT.T, Y)[0]
    assert launched == ["labels"]
    np.testing.assert_allclose(found, right, rtol=1e-5)
    w.linear_cross_entropy(tensor(HIDDEN).double(), tensor(WEIGHT).double(), tensor(Y))
    assert launched == ["labels"]
    assert not has_kernels(torch.zeros(0, 3))


def test_other_gradients_and_second_ones_are_composed(launched):
    hidden, sample = tensor(HIDDEN).requires_grad_(), tensor(ALL["sample_weight"]).requires_grad_()
    weight = tensor(WEIGHT)
    w.linear_cross_entropy(hidden, weight, tensor(Y), sample_weight=sample).backward()
    assert sample.grad is not None
    assert not launched

    def second(hidden, weight):
        found = w.linear_cross_entropy(hidden, weight, tensor(Y), z_loss=0.1)
        (slope,) = torch.autograd.grad(found, hidden, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), hidden)[0].detach().double().numpy()

    wide = tensor(HIDDEN).double().requires_grad_()
    right = second(wide, tensor(WEIGHT).double())
    np.testing.assert_allclose(second(hidden, weight), right, rtol=1e-4, atol=1e-6)
    half, of_half = tensor(HIDDEN, torch.bfloat16), tensor(WEIGHT, torch.bfloat16)
    right = second(half.double().requires_grad_(), of_half.double())
    np.testing.assert_allclose(second(half.requires_grad_(), of_half), right, rtol=0.01, atol=0.01)


def test_a_block_has_as_many_logits_as_there_are_weights_and_room(monkeypatch):
    hidden = torch.empty(4, 2, device="meta")
    assert linear.linear_elements(torch.empty(4, 2), 4096, 128_000) == linear.ELEMENTS
    assert linear.linear_elements(hidden, 2, 10) == linear.ELEMENTS
    assert linear.linear_elements(hidden, 4096, 128_000) == 4096 * 128_000
    monkeypatch.setattr(linear, "free_memory", lambda _: 24 * 10**6)
    assert linear.linear_elements(hidden, 4096, 128_000) == 10**6
    monkeypatch.setattr(linear, "free_memory", lambda _: 0)
    assert linear.linear_elements(hidden, 4096, 128_000) == 128_000
    assert devices.free_memory(hidden.device) is None
