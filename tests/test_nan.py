"""NaN stays NaN: a model that diverged has no loss of 0, a bad count is no absent class."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE

Z = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0], [-4.0, 0.0, 0.5]])
LABELS, HOT = np.array([2, 0, 1, 1]), np.eye(3)[[2, 0, 1, 1]]
OF_COUNTS = [
    w.dice_loss,
    w.tversky_loss,
    w.focal_tversky_loss,
    w.f_beta_loss,
    w.recall_specificity_loss,
]
REDUCTIONS = ["mean", "weighted_mean", "sum", "none", "pooled"]


@pytest.mark.parametrize("class_weight", [None, "batch", [1.0, 2.0, 4.0]])
@pytest.mark.parametrize("absent", ["skip", "count"])
@pytest.mark.parametrize("loss", OF_COUNTS)
def test_counts_of_nan_have_no_loss(loss, absent, class_weight):
    z = Z.copy()
    z[1, 2] = np.nan
    options = {"absent": absent, "class_weight": class_weight}
    for reduction in REDUCTIONS:
        of_classes = loss(z, LABELS, reduction=reduction, **options)
        assert np.isnan(of_classes).all(), reduction
        of_labels = loss(z, HOT, axis=-1, reduction=reduction, **options)
        assert np.isnan(of_labels[2] if reduction == "none" else of_labels), reduction
    assert np.isnan(loss(z, HOT, absent=absent))


@pytest.mark.parametrize("library", DIFFERENTIABLE.values(), ids=list(DIFFERENTIABLE))
@pytest.mark.parametrize("name", ["dice", "focal Tversky", "hinge", "probability"])
def test_value_and_gradient_are_nan(library, name):
    loss = {
        "dice": lambda z: w.dice_loss(z, LABELS),
        "focal Tversky": lambda z: w.focal_tversky_loss(z, HOT),
        "hinge": lambda z: w.lovasz_loss(z, HOT),
        "probability": lambda z: w.lovasz_loss(z, HOT, errors="probability"),
    }[name]
    z = Z.copy()
    z[1, 2] = np.nan
    mode = "jit" if library.name == "jax" else "eager"
    run = library.prepare(mode, loss, (0, 1), 1)
    value, slope = (library.numpy(x) for x in run(library.array(z, "float64")))
    assert np.isnan(value)
    assert np.isnan(slope[1, 2])


def compiled(function, *arrays):
    """Return what a step compiles to, which cannot raise."""
    jax = pytest.importorskip("jax")
    return jax.jit(function)(*(jax.numpy.asarray(array) for array in arrays))


def test_a_label_that_is_no_class_is_nan_in_a_compiled_step():
    bad = np.where(LABELS == 2, 3, LABELS)
    found = compiled(lambda z, y: (w.dice_loss(z, y), w.focal_tversky_loss(z, y)), Z, bad)
    assert np.isnan(found).all()


BAD = pytest.mark.parametrize("bad", [np.nan, -1.0])


@BAD
def test_a_bad_count_is_nan_in_a_compiled_step(bad):
    def found(n, z):
        return (
            w.ldam_cross_entropy(z, LABELS, counts=n),
            w.seesaw_loss(z, LABELS, counts=n),
            w.logit_adjusted_cross_entropy(z, LABELS, prior=n),
            w.inverse_frequency(n, normalize=None)[1],
            w.median_frequency(n, [1.0, 1.0, 1.0]),
        )

    for number in compiled(found, np.array([5.0, bad, 4.0]), Z):
        assert np.isnan(number).all()


def test_pixels_in_no_image_are_nan_in_a_compiled_step():
    def found(images):
        return compiled(w.median_frequency, np.array([4.0, 0.0, 2.0]), np.array(images))

    np.testing.assert_allclose(found([2.0, 0.0, 2.0]), [0.75, 0.0, 1.5])
    np.testing.assert_array_equal(found([0.0, 0.0, 2.0]), [np.nan, 0.0, np.nan])


@BAD
def test_a_bad_rate_is_nan_in_a_compiled_step(bad):
    def found(rates, z):
        return (
            w.constrained_binary_cross_entropy(z, HOT, axis=-1, recall=rates)[0],
            w.constrained_cross_entropy(z, LABELS, recall=rates)[0],
        )

    assert np.isnan(compiled(found, np.array([0.5, bad, 0.5]), Z)).all()
