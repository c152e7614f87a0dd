"""Numbers of formulas may be traced or 0-d arrays; labels may be left out by several numbers."""

from math import inf, nan

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LONG, modes_of
from test_semantics import LABELS, Y, Z

COUNTS = [5, 1, 2]
# A loss, its targets, its options, and the numbers that may be traced.
NUMBERS = {
    "cross_entropy": (w.cross_entropy, LABELS, {}, {"label_smoothing": 0.1}),
    "of_class": (
        w.cross_entropy,
        LABELS,
        {"smoothing_weight": "class", "class_weight": [1, 2, 3]},
        {"label_smoothing": 0.1},
    ),
    "shares": (w.cross_entropy, Y, {}, {"label_smoothing": 0.1}),
    "ignoring": (w.cross_entropy, LABELS, {}, {"ignore_index": 1}),
    "binary": (w.binary_cross_entropy, Y, {}, {"label_smoothing": 0.1, "ignore_index": 1.0}),
    "binary_class": (
        w.binary_cross_entropy,
        Y,
        {"smoothing_weight": "class", "pos_weight": 2},
        {"label_smoothing": 0.1},
    ),
    "binary_focal_loss": (w.binary_focal_loss, Y, {}, {"gamma": 1.5, "alpha": 0.3}),
    "focal_loss": (w.focal_loss, LABELS, {}, {"gamma": 1.5}),
    "asymmetric_loss": (
        w.asymmetric_loss,
        Y,
        {},
        {"gamma_pos": 1.0, "gamma_neg": 3.0, "clip": 0.05},
    ),
    "poly_cross_entropy": (w.poly_cross_entropy, LABELS, {}, {"epsilon": 2.0}),
    "generalized_cross_entropy": (w.generalized_cross_entropy, LABELS, {}, {"q": 0.5}),
    "logit_adjusted": (w.logit_adjusted_cross_entropy, LABELS, {"prior": COUNTS}, {"tau": 0.5}),
    "ldam": (w.ldam_cross_entropy, LABELS, {"counts": COUNTS}, {"max_margin": 0.4, "scale": 2.0}),
    "vector_scaling": (
        w.vector_scaling_cross_entropy,
        LABELS,
        {"counts": COUNTS},
        {"gamma": 0.3, "tau": 0.5},
    ),
    "confusion": (w.confusion_cross_entropy, Y, {"fn": 2.0}, {"threshold": 0.2}),
    "tversky_loss": (w.tversky_loss, Y, {}, {"fp_weight": 0.3, "fn_weight": 0.7}),
    "f_beta_loss": (w.f_beta_loss, Y, {}, {"beta": 2.0}),
    "recall": (w.recall_specificity_loss, Y, {}, {"recall_weight": 3, "specificity_weight": 1}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_may_be_traced(differentiable, name):
    loss, targets, options, numbers = NUMBERS[name]
    listed = targets.tolist()

    def of(z, *given):
        return loss(z, listed, **options, **dict(zip(numbers, given, strict=True)))

    expected = loss(Z, targets, **options, **numbers)
    arrays = [np.array(number) for number in numbers.values()]
    slow = () if name == "of_class" else differentiable.slow
    for mode in [mode for mode in modes_of(differentiable) if mode not in slow]:
        got = differentiable.evaluate(mode, of, Z, arrays)
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_kind(name):
    loss, targets, options, numbers = NUMBERS[name]
    expected = loss(Z, targets, **options, **numbers)
    kinds = [np.array, np.float64, *(library.array for library in DIFFERENTIABLE.values())]
    for kind in kinds:
        given = {k: kind(np.array(v)) for k, v in numbers.items()}
        np.testing.assert_allclose(loss(Z, targets, **options, **given), expected, rtol=1e-15)


GRADIENTS = ["cross_entropy", "binary_focal_loss", "poly_cross_entropy", "logit_adjusted"]


@pytest.mark.parametrize("name", [*GRADIENTS, "generalized_cross_entropy", "focal_loss"])
def test_a_number_may_be_learned(name):
    torch = pytest.importorskip("torch")
    loss, targets, options, numbers = NUMBERS[name]
    number, at = next(iter(numbers.items()))
    given = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    loss(torch.tensor(Z), targets, **options, **{number: given}).backward()
    step = 1e-5
    up, down = (loss(Z, targets, **options, **{number: at + s}) for s in (step, -step))
    np.testing.assert_allclose(given.grad.item(), (up - down) / (2 * step), rtol=1e-6)


@pytest.mark.skipif("jax" not in DIFFERENTIABLE, reason="JAX is not installed")
def test_a_number_that_cannot_be_traced_says_what_to_write():
    import jax

    z, y, head = map(jax.numpy.asarray, (Z, LABELS, np.eye(3)))
    got = jax.jit(w.cross_entropy)(z, y, label_smoothing=0.1, ignore_index=1)
    expected = w.cross_entropy(Z, LABELS, label_smoothing=0.1, ignore_index=1)
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    for call in (
        lambda: jax.jit(w.cross_entropy)(z, y, axis=1),
        lambda: jax.jit(w.linear_cross_entropy)(z, head, y, softcap=5.0),
        lambda: jax.jit(w.linear_cross_entropy)(z, head, y, z_loss=0.1),
        lambda: jax.jit(w.effective_number)(z[0], beta=0.9),
    ):
        with pytest.raises(TypeError, match=r"expected a Python.*static_argnames=.*partial"):
            call()
    with pytest.raises(ValueError, match=r"gamma.*0.*-1"):
        w.focal_loss(z, y, gamma=jax.numpy.float32(-1))


UNKNOWN = np.array([[0, 1, nan], [1, nan, 0]])
LOGITS = np.array([[0.5, -1, 2], [0, 1, -1]])


def test_nan_means_unknown(differentiable):
    for mode in modes_of(differentiable):
        several = ((nan, 7),) if mode in differentiable.slow else (nan, (nan, 7), {nan})
        # to Dynamo a number of NumPy is a tensor
        of_numpy = [] if mode == "compile" else [np.float32("nan")]
        for ignore in (*several, *of_numpy):
            for targets in (UNKNOWN, UNKNOWN.astype("float32"))[: len(several)]:
                got = differentiable.evaluate(
                    mode,
                    lambda z, y, ignore=ignore: w.binary_cross_entropy(z, y, ignore_index=ignore),
                    LOGITS,
                    [targets],
                )
                assert got == pytest.approx(0.8234368849, rel=1e-9)
    gradient = differentiable.evaluate(
        "eager", lambda z, y: w.binary_cross_entropy(z, y, ignore_index=nan), LOGITS, [UNKNOWN], 1
    )
    np.testing.assert_array_equal(gradient == 0, np.isnan(UNKNOWN))
    for mode in modes_of(differentiable, compiled=True):
        assert np.isnan(differentiable.evaluate(mode, w.binary_cross_entropy, LOGITS, [UNKNOWN]))


def test_labels_to_ignore(library):
    z = library.array(Z)
    expected = float(w.cross_entropy(z, library.array(np.array([2, -1, 1, -1])), ignore_index=-1))

    def of(labels, ignore):
        return float(w.cross_entropy(z, library.array(np.array(labels)), ignore_index=ignore))

    for ignore in ((-100, 255), [-100, 255], {-100, 255}, np.array([-100, 255]), (255.0, -100)):
        assert of([2, -100, 1, 255], ignore) == expected
    assert of(np.array([2, 254, 1, 255], "uint8"), (254, 255, -100)) == expected
    assert of([2.0, nan, 1.0, -1.0], (nan, -1)) == expected  # as a column with nulls has them
    assert of([2, -1, 1, -1], (nan, -1)) == expected
    head = library.array(np.eye(3))
    small = library.array(np.array([2, 254, 1, 255], "uint8"))
    got = w.linear_cross_entropy(z, head, small, ignore_index=(254, 255, -100))
    assert float(got) == pytest.approx(expected, rel=1e-14)
    shares = np.where(np.array([0, 1, 0, 1])[:, None] == 1, nan, np.eye(3)[[2, 0, 1, 0]])
    got = w.cross_entropy(z, library.array(shares), ignore_index=nan)
    assert float(got) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
def test_labels_may_keep_the_axis_of_the_classes(differentiable, dtype):
    column = LABELS[:, None].astype(dtype)
    expected = w.cross_entropy(Z, LABELS)
    assert w.cross_entropy(np.zeros((4, 3)), [[0], [1], [2], [1]]) == pytest.approx(np.log(3))
    for mode in modes_of(differentiable)[: None if dtype == "float32" or LONG else 1]:
        for y in (column, column[:, 0]) if mode == "eager" or LONG else (column,):
            got = differentiable.evaluate(mode, w.cross_entropy, Z, [y])
            np.testing.assert_allclose(got, expected, rtol=1e-14)
            bad = y + np.array(0.5 if dtype != "int64" else 3, dtype=dtype)
            if mode != "eager":
                assert np.isnan(differentiable.evaluate(mode, w.cross_entropy, Z, [bad]))
    maps = np.zeros((2, 1, 8, 8), dtype)
    z = differentiable.array(np.zeros((2, 3, 8, 8)))
    got = w.cross_entropy(z, differentiable.array(maps), axis=1)
    np.testing.assert_allclose(np.asarray(got), np.log(3), rtol=1e-14)


def test_booleans_are_the_labels_of_two_classes(library):
    z = library.array(np.array([[0.5, 1.0], [2.0, 0.0]]))
    got = w.cross_entropy(z, library.array(np.array([True, False])))
    assert float(got) == float(w.cross_entropy(z, [1, 0]))


@pytest.mark.parametrize("bad", [1.5, "0", True, inf, [1.5], ("a",)])
def test_what_is_no_label_is_named(bad):
    with pytest.raises((TypeError, ValueError), match="ignore_index"):
        w.cross_entropy(Z, LABELS, ignore_index=bad)


# t = (1 - e) q + e/K, as torch has it, whatever a row sums to
SUMS = [([2, 0, 0], 3.792930), ([1, 0.5, 0], 2.600268)]


@pytest.mark.parametrize(("q", "expected"), SUMS)
def test_smoothed_distributions_that_do_not_sum_to_one(library, q, expected):
    z, y = library.array(np.array([[0.0, 1, 2]])), library.array(np.array([q], dtype=float))
    options = {"label_smoothing": 0.3, "smoothing_weight": "class", "target_range": "any"}
    assert float(w.cross_entropy(z, y, **options)) == pytest.approx(expected, rel=1e-6)
    head = library.array(np.eye(3))
    assert float(w.linear_cross_entropy(z, head, y, **options)) == pytest.approx(expected, rel=1e-6)


def test_the_gradient_to_a_smoothed_target_is_torchs():
    torch = pytest.importorskip("torch")
    z, weight = torch.tensor(Z), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)

    def gradient(loss):
        y = torch.tensor(Y, requires_grad=True)
        loss(y).backward()
        return y.grad.numpy()

    expected = gradient(
        lambda y: torch.nn.functional.cross_entropy(z, y, weight, label_smoothing=0.3)
    )
    options = {"label_smoothing": 0.3, "smoothing_weight": "class", "class_weight": weight}
    for loss in (w.cross_entropy, lambda z, y, **o: w.linear_cross_entropy(z, EYE, y, **o)):
        got = gradient(lambda y, loss=loss: loss(z, y, target_range="any", **options))
        np.testing.assert_allclose(got, expected, rtol=1e-13)


EYE = np.eye(3)
