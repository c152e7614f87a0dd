"""What classes, pixels and labels have of their own: smoothing, weights, labels to ignore."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES

RANDOM = np.random.default_rng(3)
Z = RANDOM.normal(size=(6, 3, 2)) * 2
Y = RANDOM.integers(0, 3, (6, 2))
Y[0, 0], Y[3, 1] = 255, -1
WEIGHT = RANDOM.uniform(0.2, 3, Z.shape)
E = (0.1, 0.0, 0.25)


def by_hand(z, y, weight, policy):
    """Return one loss a pixel."""
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = np.zeros(y.shape)
    for n, i in np.ndindex(*y.shape):
        k = y[n, i]
        if k in (255, -1):
            continue
        target = E[k] / 3 + (1 - E[k]) * (np.arange(3) == k)
        scale = weight[n, k, i] if policy == "target" else weight[n, :, i]
        loss[n, i] = -(scale * target * log_p[n, :, i]).sum()
    return loss


@pytest.mark.parametrize("policy", ["target", "class"])
@pytest.mark.parametrize("name", ["numpy", "strict", *(["torch"] if "torch" in LIBRARIES else [])])
def test_weights_of_pixel_and_class_and_a_smoothing_of_each_class(name, policy):
    library = LIBRARIES[name]
    options = {"axis": 1, "label_smoothing": list(E), "smoothing_weight": policy}
    options |= {"ignore_index": (255, -1), "class_weight": library.array(WEIGHT)}
    expected = by_hand(Z, Y, WEIGHT, policy)
    z, y = library.array(Z), library.array(Y)
    got = w.cross_entropy(z, y, reduction="none", **options)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-13)
    mean = w.cross_entropy(z, y, **options)
    assert float(mean) == pytest.approx(expected.sum() / 10, rel=1e-13)
    kept = [(n, k, i) for (n, i), k in np.ndenumerate(Y) if k not in (255, -1)]
    total = sum(WEIGHT[place] for place in kept)
    weighted = w.cross_entropy(z, y, reduction="weighted_mean", **options)
    assert float(weighted) == pytest.approx(expected.sum() / total, rel=1e-13)


WAYS = [
    pytest.param(library, mode, id=f"{name}-{mode}")
    for name, library in DIFFERENTIABLE.items()
    for mode in {"jax": ["jit"], "torch": ["compile"], "tensorflow": []}[name]
]


@pytest.mark.parametrize(("library", "mode"), WAYS)
def test_they_are_the_same_in_compiled_code(library, mode):
    """And several labels to ignore are, of classes and of elements; TensorFlow: test_truth."""

    def loss(z, y, weight, x):
        options = {"ignore_index": (255, -1), "class_weight": weight, "label_smoothing": E}
        pixels = w.cross_entropy(z, y, axis=1, reduction="sum", **options)
        labels = w.binary_cross_entropy(
            x, y, ignore_index=(255, -1, 2), reduction="sum", label_smoothing=E[:2]
        )
        return pixels + labels

    x = Z[:, 0]
    arrays = [library.array(a, "float64") for a in (Z, Y, WEIGHT, x)]
    value, slope = map(library.numpy, library.prepare(mode, loss, (0, 1), 4)(*arrays))
    pixels = by_hand(Z, Y, WEIGHT, "target").sum()
    known = (Y == 0) | (Y == 1)
    target = np.where(Y == 1, 1 - np.array(E[:2]) / 2, np.array(E[:2]) / 2)
    labels = (target * np.log1p(np.exp(-x)) + (1 - target) * np.log1p(np.exp(x)))[known].sum()
    assert float(value) == pytest.approx(pixels + labels, rel=1e-12)
    assert not slope[0, :, 0].any()  # ignored
    assert not slope[3, :, 1].any()
    assert np.abs(slope[1]).min() > 0


def test_two_smoothings_are_those_of_two_labels():
    z, y = Z[:, 0], RANDOM.integers(0, 2, (6, 2))
    for policy in ("target", "class"):
        options = {"smoothing_weight": policy, "reduction": "none"}
        both = w.binary_focal_loss(z, y, label_smoothing=[0.1, 0.3], pos_weight=[2, 3], **options)
        for k, e in enumerate((0.1, 0.3)):
            one = w.binary_focal_loss(
                z[:, k], y[:, k], label_smoothing=e, pos_weight=2.0 + k, **options
            )
            np.testing.assert_allclose(both[:, k], one, rtol=1e-14)


LOSSES = {
    "focal_loss": {},
    "poly_cross_entropy": {},
    "generalized_cross_entropy": {},
    "balanced_softmax_cross_entropy": {"counts": [3, 2, 1]},
    "ldam_cross_entropy": {"counts": [3, 2, 1]},
    "vector_scaling_cross_entropy": {"scale": [1, 2, 3]},
    "expected_cost": {"cost_matrix": [[0, 1, 2], [3, 0, 1], [1, 1, 0]]},
}


@pytest.mark.parametrize("name", LOSSES)
def test_one_number_for_each_class_is_one_for_all(name):
    loss, own = getattr(w, name), {**LOSSES[name], "axis": 1, "reduction": "none"}
    y = np.abs(Y) % 3
    each = loss(Z, y, label_smoothing=[0.2] * 3, class_weight=WEIGHT, **own)
    weight = WEIGHT[np.arange(6)[:, None], y, np.arange(2)]
    np.testing.assert_allclose(each, weight * loss(Z, y, label_smoothing=0.2, **own), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_smoothing": [0.1, 2, 0.1]}, r"label_smoothing\[1\] = 2"),
        ({"label_smoothing": [0.1, 0.2]}, r"label_smoothing: .*\(3,\).*\(2,\)"),
        ({"class_weight": WEIGHT[:2]}, r"class_weight: .*\(2, 3, 2\)"),
        ({"class_weight": -WEIGHT}, r"class_weight\[0, 0, 0\] = -"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        w.cross_entropy(Z, Y, axis=1, ignore_index=(255, -1), **options)
    with pytest.raises(ValueError, match="label_smoothing: expected one number"):
        w.dice_loss(Z, np.abs(Y) % 3, axis=1, label_smoothing=list(E))
