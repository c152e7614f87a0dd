"""Weights out of the logits again, other priors, thresholds from costs, the link."""

import array
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import weightedce as w
from libraries import LONG, modes_of

# A population that a table of logits expresses exactly: cases of each x (row) and class.
CASES = np.array([[80.0, 15.0, 5.0], [10.0, 60.0, 30.0], [1.0, 4.0, 95.0]])
SHARES = CASES / CASES.sum(axis=1, keepdims=True)
WEIGHTS = np.array([0.5, 2.0, 7.0])


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -z))


def expected_softmax_loss(smoothing_weight, e):
    """Return the weighted loss of the population as a function of a table of logits."""

    def loss(z, cases):
        return w.cross_entropy(
            z,
            cases,
            class_weight=WEIGHTS.tolist(),
            label_smoothing=e,
            smoothing_weight=smoothing_weight,
            reduction="sum",
        )

    return loss


def test_class_weights_come_out_of_what_the_loss_learns(differentiable):
    """The logits where the gradient of the weighted loss is 0, undone, are the population's."""
    learnt = np.log(CASES * WEIGHTS) + np.array([[0.0], [3.0], [-2.0]])
    # a loss of shares: counts are no distribution
    gradient = differentiable.evaluate(
        "eager", expected_softmax_loss("target", 0.0), learnt, [SHARES], order=1
    )
    np.testing.assert_allclose(gradient, 0, atol=1e-14)
    undone = w.undo_class_weight(learnt, WEIGHTS)
    np.testing.assert_allclose(softmax(undone), SHARES, rtol=1e-14)


@pytest.mark.parametrize("smoothing_weight", ["class", "target"])
def test_label_smoothing_comes_out_as_the_docstring_says(differentiable, smoothing_weight):
    e = 0.3
    smoothed = (1 - e) * SHARES + e / 3
    learnt = smoothed * WEIGHTS
    if smoothing_weight == "target":
        mass = SHARES * WEIGHTS
        learnt = (1 - e) * mass + e / 3 * mass.sum(axis=1, keepdims=True)
    gradient = differentiable.evaluate(
        "eager", expected_softmax_loss(smoothing_weight, e), np.log(learnt), [SHARES], order=1
    )
    np.testing.assert_allclose(gradient, 0, atol=1e-14)
    if smoothing_weight == "class":
        undone = softmax(w.undo_class_weight(np.log(learnt), WEIGHTS))
        np.testing.assert_allclose(undone, smoothed, rtol=1e-14)
    else:
        p = (softmax(np.log(learnt)) - e / 3) / (1 - e)
        undone = softmax(w.undo_class_weight(np.log(p), WEIGHTS))
        np.testing.assert_allclose(undone, SHARES, rtol=1e-12)


def test_pos_weights_come_out_of_what_the_loss_learns(differentiable):
    pos, neg = [3.0, 0.5, 20.0], [1.0, 2.0, 0.1]
    learnt = np.log(SHARES * pos) - np.log((1 - SHARES) * neg)

    def loss(z, shares):
        return w.binary_cross_entropy(z, shares, pos_weight=pos, neg_weight=neg, reduction="sum")

    gradient = differentiable.evaluate("eager", loss, learnt, [SHARES], order=1)
    np.testing.assert_allclose(gradient, 0, atol=1e-14)
    undone = w.undo_pos_weight(learnt, pos, neg_weight=neg)
    np.testing.assert_allclose(sigmoid(undone), SHARES, rtol=1e-14)


def test_two_classes_are_one_label():
    z = np.random.default_rng(0).normal(size=(5, 2))
    undone = w.undo_class_weight(z, [0.3, 6.0])
    binary = w.undo_pos_weight(z[:, 1] - z[:, 0], 6.0, neg_weight=0.3)
    np.testing.assert_allclose(undone[:, 1] - undone[:, 0], binary, rtol=1e-13)
    shifted = w.shift_prior(z, old_prior=[0.7, 0.3], new_prior=[0.9, 0.1])
    binary = w.shift_prior(z[:, 1] - z[:, 0], old_prior=0.3, new_prior=0.1)
    np.testing.assert_allclose(shifted[:, 1] - shifted[:, 0], binary, rtol=1e-13)


def test_shifting_the_prior_is_bayes():
    """P(k | x) in a population with the same P(x | k) and other class frequencies."""
    likelihood = CASES / CASES.sum(axis=0)
    old, new = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.39, 0.01])

    def posterior(prior):
        return likelihood * prior / (likelihood * prior).sum(axis=1, keepdims=True)

    shifted = w.shift_prior(np.log(posterior(old)), old_prior=old, new_prior=new)
    np.testing.assert_allclose(softmax(shifted), posterior(new), rtol=1e-14)
    back = w.shift_prior(shifted.T, old_prior=new * 70, new_prior=old * 3, axis=0)
    np.testing.assert_allclose(softmax(back.T), posterior(old), rtol=1e-14)
    # after balanced weights the old prior is uniform
    counts = CASES.sum(axis=0)
    weighted = np.log(SHARES * w.balanced(counts))
    undone = w.shift_prior(weighted, old_prior=[1, 1, 1], new_prior=counts.tolist())
    np.testing.assert_allclose(softmax(undone), SHARES, rtol=1e-14)


FUNCTIONS = {
    "undo_class_weight": w.undo_class_weight,
    "undo_class_weight-axis": lambda z, v: w.undo_class_weight(z, v, axis=0),
    "undo_class_weight-list": lambda z, _: w.undo_class_weight(z, [0.5, 0, 7]),
    "undo_pos_weight": lambda z, v: w.undo_pos_weight(z, v, neg_weight=v[1] + 2.0),
    "shift_prior": lambda z, v: w.shift_prior(z, old_prior=v, new_prior=[3, 2, 1]),
    "shift_prior-binary": lambda z, v: w.shift_prior(z, old_prior=v[0], new_prior=0.9),
    "logit": lambda z, v: w.logit(1.0 / (1.0 + z * z)),
}


def every(z, v):
    """Return what each of the functions does: one program, since many take their time."""
    results = [function(z, v) for function in FUNCTIONS.values()]
    return w.namespace_of(z).stack(results)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_library_in_every_mode(library, dtype):
    z = np.random.default_rng(0).normal(size=(3, 3)).astype(dtype)
    v = np.array([0.5, 0.0, 7.0], dtype)
    expected = every(z.astype("float64"), v.astype("float64"))
    assert np.isfinite(expected).any(axis=(1, 2)).all()
    for function in FUNCTIONS.values():
        result = function(library.array(z), library.array(v))
        assert w.namespace_of(result) is w.namespace_of(library.array(z))
        assert library.dtype_name(result) == dtype
    tolerance = 4e-15 if dtype == "float64" else 2e-6
    modes = modes_of(library) if dtype == "float64" else ["eager"]
    for mode in [x for x in modes if LONG or x not in library.slow]:  # see the gradients
        got = library.evaluate(mode, every, z, [v])
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_gradients_in_every_mode(differentiable):
    count = len(FUNCTIONS)

    def losses(z, v):
        """Return the losses of as many logits for each function."""
        results = [function(z[i], v) for i, function in enumerate(FUNCTIONS.values())]
        xp = w.namespace_of(z)
        result = xp.stack(results)
        return xp.where(xp.abs(result) == xp.inf, 0.0, result) ** 2

    z, v = np.random.default_rng(0).normal(size=(3, 3)), np.array([0.5, 0.0, 7.0])
    z = np.stack([z] * count)
    slopes = np.empty_like(z)
    for index in np.ndindex(3, 3):
        h = np.zeros((3, 3))
        h[index] = 1e-6
        difference = losses(z + h, v) - losses(z - h, v)
        slopes[:, *index] = difference.sum(axis=(1, 2)) / 2e-6
    for mode in modes_of(differentiable):
        gradient = differentiable.evaluate(mode, losses, z, [v], order=1)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-6)


def test_gradients_to_weights_that_are_zero(differentiable):
    def loss(v):
        z = w.undo_class_weight(v * 0.0, v)
        return w.namespace_of(z).where(v == 0, 0.0, z)

    gradient = differentiable.evaluate("eager", loss, np.array([0.5, 0.0, 4.0]), [], order=1)
    np.testing.assert_allclose(gradient, [-2, 0, -0.25])


def test_what_was_not_learnt_has_probability_zero():
    inf = np.inf
    z = np.zeros(3)
    np.testing.assert_array_equal(w.undo_class_weight(z, [1, 0, 1]), [0, -inf, 0])
    np.testing.assert_array_equal(
        w.undo_pos_weight(z, [1, 0, 1], neg_weight=[0, 1, 1]), [inf, -inf, 0]
    )
    with np.errstate(invalid="ignore"):
        assert np.isnan(w.undo_pos_weight(z, 0, neg_weight=0)).all()
    shifted = w.shift_prior(z, old_prior=[0, 1, 1], new_prior=[1, 0, 1])
    np.testing.assert_array_equal(shifted, [-inf, -inf, 0])
    assert w.shift_prior(np.zeros(()), old_prior=0.0, new_prior=0.5) == -inf
    assert w.shift_prior(np.zeros(()), old_prior=0.5, new_prior=1.0) == inf
    assert w.shift_prior(np.zeros(()), old_prior=0.25, new_prior=0.25) == 0


def test_half_precision_is_computed_in_float32():
    z = np.array([1.0, 2.0], "float16")
    for result in (
        w.undo_class_weight(z, [1, 2]),
        w.undo_pos_weight(z, 2),
        w.shift_prior(z, old_prior=0.5, new_prior=0.1),
        w.logit(z / 4),
    ):
        assert result.dtype == np.float32


HALF = [0.5, 0.5 + 2**-53, 0.5 - 2**-54, 0.0625, 0.9375, 0.25, 0.75]
P = st.floats(0, 1, exclude_min=True, exclude_max=True) | st.floats(0.499, 0.501)


@given(p=P | st.sampled_from(HALF) | st.integers(1, 2**20).map(lambda n: 1 - n * 2.0**-53))
def test_logit_keeps_its_digits(p):
    """Near 0, near 1/2, near 1, and in subnormal numbers."""
    for dtype in (np.float64, np.float32):
        given = dtype(p)
        if not 0 < given < 1:
            continue
        with mpmath.workdps(60):
            exact = mpmath.log(mpmath.mpf(float(given))) - mpmath.log1p(-mpmath.mpf(float(given)))
            expected = dtype(float(exact))
        assert abs(w.logit(np.asarray(given)) - expected) <= 3 * np.spacing(abs(expected))


def test_logit_inverts_the_sigmoid_on_every_library(library):
    z = np.array([-700.0, -40.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 5.0])
    p = np.array([1 / (1 + mpmath.exp(-mpmath.mpf(x))) for x in z], dtype=float)
    logits = np.asarray(w.logit(library.array(p)))
    np.testing.assert_allclose(logits, z, rtol=1e-13, atol=2e-16)
    edges = np.asarray(w.logit(library.array(np.array([0.0, 1.0, np.nan]))))
    np.testing.assert_array_equal(edges, [-np.inf, np.inf, np.nan])


def test_logit_of_lists_and_numbers():
    assert w.logit([[0.5], [1]]) == [[0.0], [np.inf]]
    assert w.logit(0) == -np.inf
    assert isinstance(w.logit(0.3), float)


def test_logit_of_what_is_no_probability_is_nan_where_nothing_can_be_raised(differentiable):
    z = np.array([0.5, 1.5, -0.1])
    for mode in modes_of(differentiable, compiled=True):
        got = differentiable.evaluate(mode, w.logit, z, [])
        np.testing.assert_array_equal(got, [0, np.nan, np.nan])


def test_logit_of_what_is_no_probability_is_nan_in_dask_without_a_warning():
    import dask.array as da

    got = w.logit(da.from_array(np.array([0.5, 1.5, -0.1]), chunks=2))
    np.testing.assert_array_equal(got.compute(), [0, np.nan, np.nan])


def test_gradient_of_logit_at_the_edges(differentiable):
    p = np.array([0.0, 1.0, 0.5, 0.01, 0.99])
    gradient = differentiable.evaluate("eager", w.logit, p, [], order=1)
    np.testing.assert_allclose(gradient, [0, 0, 4, 1 / 0.0099, 1 / 0.0099], rtol=1e-13)


COST = st.floats(-100, 100)


@given(
    tp=COST, tn=COST, more_fp=st.floats(0.01, 100), more_fn=st.floats(0.01, 100), p=st.floats(0, 1)
)
def test_the_threshold_is_where_the_cheaper_decision_changes(tp, tn, more_fp, more_fn, p):
    fp, fn = tn + more_fp, tp + more_fn
    threshold = w.cost_threshold(tp=tp, tn=tn, fp=fp, fn=fn)
    assert 0 < threshold < 1
    positive, negative = p * tp + (1 - p) * fp, p * fn + (1 - p) * tn
    if abs(positive - negative) > 1e-9:
        assert (p > threshold) == (positive < negative)


@pytest.mark.parametrize("unit", [5e-324, 1e-300, 1.0, 1e308])
def test_the_threshold_of_costs_of_any_size(unit):
    assert w.cost_threshold(fp=unit, fn=unit) == 0.5
    assert w.cost_threshold(tp=-unit, tn=-unit, fp=unit, fn=unit) == 0.5


def train(x, y, pos_weight):
    """Fit a logistic regression, the weighted loss + ridge / 2, by Newton's method."""
    weight = np.where(y == 1, pos_weight, 1.0)
    coefficients = np.zeros(x.shape[1])
    for _ in range(30):
        p = sigmoid(x @ coefficients)
        gradient = x.T @ (weight * (p - y)) + coefficients
        hessian = (x.T * (weight * p * (1 - p))) @ x + np.eye(x.shape[1])
        coefficients -= np.linalg.solve(hessian, gradient)
    assert abs(gradient).max() < 1e-9
    return coefficients


@pytest.fixture(scope="module", params=range(5))
def page_blocks(request):
    """Return logits of a model trained with weights, held-out targets and the weight."""
    path = Path(__file__).parent.parent / "examples" / "data" / "page-blocks0.csv"
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    table = np.random.default_rng(request.param).permutation(table)
    half = len(table) // 2
    x, y = np.log1p(table[:, :-1]), table[:, -1]
    x = (x - x[:half].mean(axis=0)) / x[:half].std(axis=0)
    x = np.column_stack([np.ones(len(x)), x])
    pos_weight = float(w.pos_weights(y[:half]))
    coefficients = train(x[:half], y[:half], pos_weight)

    def objective(c):
        loss = w.binary_cross_entropy(
            x[:half] @ c, y[:half], pos_weight=pos_weight, reduction="sum"
        )
        return loss + c @ c / 2

    # It is our loss that was trained: every step away from there raises it.
    for step in 1e-3 * np.vstack([np.eye(len(coefficients)), -np.eye(len(coefficients))]):
        assert objective(coefficients + step) > objective(coefficients)
    return x[half:] @ coefficients, y[half:], pos_weight


def calibration_error(p, y, bins=10):
    index = np.minimum((p * bins).astype(int), bins - 1)
    return sum(abs((p - y)[index == k].sum()) for k in range(bins)) / len(p)


def test_a_model_trained_with_weights_is_calibrated_again(page_blocks):
    """Measured over the five splits: 0.091 to 0.099 before, 0.011 to 0.017 after."""
    logits, y, pos_weight = page_blocks
    before, after = sigmoid(logits), sigmoid(w.undo_pos_weight(logits, pos_weight))
    assert calibration_error(before, y) > 0.08
    assert calibration_error(after, y) < 0.025
    assert before.mean() > 1.7 * y.mean()
    assert abs(after.mean() - y.mean()) < 0.012
    assert w.binary_cross_entropy(w.undo_pos_weight(logits, pos_weight), y) < 0.65 * (
        w.binary_cross_entropy(logits, y)
    )


@pytest.mark.parametrize("fn", [3, 9, 20, 50])
def test_the_threshold_lowers_the_measured_cost(page_blocks, fn):
    logits, y, pos_weight = page_blocks
    p = sigmoid(w.undo_pos_weight(logits, pos_weight))

    def cost(threshold):
        return ((p > threshold) & (y == 0)).sum() + fn * ((p <= threshold) & (y == 1)).sum()

    assert cost(w.cost_threshold(fp=1, fn=fn)) < cost(0.5)


Z = np.zeros((2, 3))
BAD = {
    "list": (TypeError, "logits.*list", lambda: w.undo_class_weight([1.0], [1.0])),
    "integers": (TypeError, "logits.*int64", lambda: w.undo_pos_weight(np.array([1]), 2)),
    "size": (ValueError, r"class_weight.*\(3,\).*\(2,\)", lambda: w.undo_class_weight(Z, [1, 2])),
    "negative": (ValueError, "class_weight.*-1", lambda: w.undo_class_weight(Z, [1, -1, 1])),
    "axis": (ValueError, "axis.*2", lambda: w.undo_class_weight(Z, [1, 1], axis=2)),
    "pos": (ValueError, "pos_weight.*nan", lambda: w.undo_pos_weight(Z, np.nan)),
    "neg": (ValueError, r"neg_weight.*\(2,\)", lambda: w.undo_pos_weight(Z, 1, neg_weight=[1, 2])),
    "forms": (
        ValueError,
        r"new_prior.*\(\).*\(3,\)",
        lambda: w.shift_prior(Z, old_prior=[1, 1, 1], new_prior=0.5),
    ),
    "prior": (ValueError, "old_prior.*1.5", lambda: w.shift_prior(Z, old_prior=1.5, new_prior=0.5)),
    "priors": (
        ValueError,
        r"new_prior.*\(2,\)",
        lambda: w.shift_prior(Z, old_prior=[1, 1, 1], new_prior=[1, 1]),
    ),
    "probability": (ValueError, r"p\[1\] = 1.5", lambda: w.logit([0.5, 1.5])),
    "no-probability": (TypeError, "p: .*str", lambda: w.logit("a")),
    "integer-p": (TypeError, "p: .*int64", lambda: w.logit(np.array([1]))),
    "cheap-miss": (ValueError, "fn.*tp = 1.*0.5", lambda: w.cost_threshold(tp=1, fp=1, fn=0.5)),
    "cheap-alarm": (ValueError, "fp.*tn = 0.*0", lambda: w.cost_threshold(fp=0, fn=1)),
    "nan-cost": (ValueError, "fn.*nan", lambda: w.cost_threshold(fp=1, fn=np.nan)),
    "infinite": (ValueError, "fn.*inf", lambda: w.cost_threshold(fp=1, fn=np.inf)),
    "cost-words": (TypeError, "fp.*str", lambda: w.cost_threshold(fp=["1"], fn=1)),
    "cost-word": (TypeError, "fp.*str", lambda: w.cost_threshold(fp="1", fn=1)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call()


def test_what_would_cut_a_gradient_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"class_weight.*PyTorch: no gradient"):
        w.undo_class_weight(Z, torch.ones(3, requires_grad=True))


def test_priors_that_come_with_their_classes_or_alone():
    z = np.zeros((2, 3))
    expected = w.shift_prior(z, old_prior=[1, 1, 2], new_prior=[2, 2, 0])
    got = w.shift_prior(z, old_prior={0: 1, 1: 1, 2: 2}, new_prior={0: 2, 1: 2})
    np.testing.assert_array_equal(got, expected)
    binary = w.shift_prior(z, old_prior=0.3, new_prior=0.5)
    for old, new in (([0.3], [0.5]), (np.array([0.3]), 0.5)):
        np.testing.assert_array_equal(w.shift_prior(z, old_prior=old, new_prior=new), binary)
    with pytest.raises(ValueError, match=r"old_prior.*shape \(2,\)"):
        w.shift_prior(np.zeros(5), old_prior={0: 9, 1: 1}, new_prior={0: 1, 1: 1})


def test_no_weights_are_nothing_to_undo():
    z = np.array([[0.5, -1.0]])
    np.testing.assert_array_equal(w.undo_class_weight(z, None), z)
    np.testing.assert_array_equal(w.undo_pos_weight(z, None, neg_weight=None), z)


def test_logit_of_columns():
    p = [0.25, 0.5]
    for column in (pd.Series(p), pa.array(p), array.array("d", p)):
        np.testing.assert_array_equal(w.logit(column), w.logit(p))
