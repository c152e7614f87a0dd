"""What section by section the documentation promises, on every library that is installed."""

import numpy as np
import pytest

import weightedce as w

Z = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0], [-4.0, 0.0, 0.5]])
LABELS = np.array([2, 0, 1, 1])
Y = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]], dtype=float)


def value(library, loss, *arrays, **options):
    """Call a loss of (logits, targets) with NumPy arrays turned into the library's."""
    options = {k: library.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    result = loss(*map(library.array, arrays), **options)
    return tuple(map(np.asarray, result)) if isinstance(result, tuple) else np.asarray(result)


CASES = [
    (w.cross_entropy, LABELS, {"class_weight": [1.0, 2.0, 5.0]}),
    (w.binary_cross_entropy, Y, {"pos_weight": [1.0, 2.0, 5.0], "neg_weight": 0.5}),
]


@pytest.mark.parametrize(("loss", "targets", "weights"), CASES)
def test_reductions_are_what_their_names_say(library, loss, targets, weights):
    binary = loss is w.binary_cross_entropy
    sample = np.array([1.0, 0.0, 2.0, 3.0])
    mask = np.array([True, True, False, True])
    options = weights | {"sample_weight": sample, "mask": mask}
    per = value(library, loss, Z, targets, reduction="none", **options)
    rows = np.array([1.0, 0.0, 0.0, 3.0])
    if binary:
        effective = rows[:, None] * (Y * weights["pos_weight"] + (1 - Y) * 0.5)
        count = 9
    else:
        effective = rows * np.array(weights["class_weight"])[LABELS]
        count = 3
    total = per.sum()
    assert total > 0
    got = {r: value(library, loss, Z, targets, reduction=r, **options) for r in REDUCTIONS}
    np.testing.assert_allclose(got["sum"], total, rtol=1e-14)
    np.testing.assert_allclose(got["mean"], total / count, rtol=1e-14)
    np.testing.assert_allclose(got["weighted_mean"], total / effective.sum(), rtol=1e-14)
    np.testing.assert_allclose(got["total"], (total, effective.sum(), count), rtol=1e-14)
    assert value(library, loss, Z, targets, **options) == got["mean"]


REDUCTIONS = ("sum", "mean", "weighted_mean", "total")


@pytest.mark.parametrize(
    ("loss", "targets"), [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("how", ["empty", "masked", "weightless", "ignored"])
def test_nothing_left_is_zero_with_gradient_zero(differentiable, loss, targets, reduction, how):
    z, y, options = Z, targets, {}
    if how == "empty":
        z, y = Z[:0], targets[:0]
    if how == "masked":
        z, options = np.full_like(Z, np.nan), {"mask": [False] * 4}
    if how == "weightless":
        options = {"sample_weight": [0.0] * 4}
    if how == "ignored":
        y, options = np.full_like(targets, -7), {"ignore_index": -7}

    def reduced(z, y):
        result = loss(z, y, reduction=reduction, **options)
        return result.weighted_mean() + result.mean() if reduction == "total" else result

    assert differentiable.evaluate("eager", reduced, z, [y]) == 0.0
    gradient = differentiable.evaluate("eager", reduced, z, [y], order=1)
    np.testing.assert_array_equal(gradient, np.zeros_like(z))


@pytest.mark.parametrize(
    ("loss", "targets"), [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_masked_means_masked(differentiable, loss, targets, poison):
    z, y = Z.copy(), targets.astype(float) if targets.ndim == 2 else targets.copy()
    z[1] = poison
    y[1] = 99
    if targets.ndim == 2:
        y[1] = np.nan
    keep = np.array([True, False, True, True])
    for options in (
        {"mask": keep.tolist()},
        {"mask": keep.astype(int).tolist()},
        {"ignore_index": 99},
    ):
        if "ignore_index" in options and targets.ndim == 2:
            y[1] = 99

        def masked(z, y, options=options):
            return loss(z, y, sample_weight=[1.0, 5.0, 1.0, 1.0], **options)

        def rest(z, y):
            return loss(z, y)

        got = differentiable.evaluate("eager", masked, z, [y])
        np.testing.assert_allclose(
            got, differentiable.evaluate("eager", rest, z[keep], [y[keep]]), rtol=1e-14
        )
        gradient = differentiable.evaluate("eager", masked, z, [y], order=1)
        expected = differentiable.evaluate("eager", rest, z[keep], [y[keep]], order=1)
        np.testing.assert_allclose(gradient[keep], expected, rtol=1e-14)
        np.testing.assert_array_equal(gradient[1], 0.0)


def test_a_masked_distribution_may_hold_nan(library):
    q = np.eye(3)[LABELS]
    q[1] = np.nan
    keep = np.array([True, False, True, True])
    got = value(library, w.cross_entropy, Z, q, mask=keep)
    np.testing.assert_allclose(got, value(library, w.cross_entropy, Z[keep], q[keep]), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -4])
def test_any_class_axis(library, axis):
    random = np.random.default_rng(0)
    z = random.normal(size=(2, 4, 3, 5))
    labels = random.integers(0, 5, (2, 4, 3))
    sample = random.uniform(size=(2, 4))
    options = {"class_weight": [1.0, 2.0, 3.0, 4.0, 5.0], "label_smoothing": 0.1}
    last = value(library, w.cross_entropy, z, labels, sample_weight=sample, **options)
    moved = np.moveaxis(z, -1, axis)
    got = value(library, w.cross_entropy, moved, labels, sample_weight=sample, axis=axis, **options)
    np.testing.assert_allclose(got, last, rtol=1e-13)
    soft = np.moveaxis(np.eye(5)[labels], -1, axis)
    got = value(library, w.cross_entropy, moved, soft, sample_weight=sample, axis=axis, **options)
    np.testing.assert_allclose(got, last, rtol=1e-13)


def test_label_axis_of_binary_weights(library):
    random = np.random.default_rng(0)
    z, y = random.normal(size=(2, 3, 4)), random.integers(0, 2, (2, 3, 4))
    options = {"pos_weight": [1.0, 2.0, 3.0], "neg_weight": np.array([0.1, 0.2, 0.3])}
    got = value(library, w.binary_cross_entropy, z, y, axis=1, reduction="none", **options)
    for label in range(3):
        alone = value(
            library,
            w.binary_cross_entropy,
            z[:, label],
            y[:, label],
            pos_weight=label + 1.0,
            neg_weight=(label + 1) / 10,
            reduction="none",
        )
        np.testing.assert_allclose(got[:, label], alone, rtol=1e-15)


def test_one_example_and_one_class(library):
    one = value(library, w.cross_entropy, Z[0], np.asarray(2), reduction="none")
    assert one.shape == ()
    all_ = value(library, w.cross_entropy, Z, LABELS, reduction="none")
    np.testing.assert_allclose(one, all_[0], rtol=1e-15)
    assert value(library, w.cross_entropy, np.array([[7.0]]), np.array([0])) == 0.0
    assert value(library, w.binary_cross_entropy, np.asarray(0.0), np.asarray(1)) == np.log(2)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1), (1, 3), (4, 3)])
def test_weights_that_fit(library, shape):
    sample = np.random.default_rng(0).uniform(size=shape)
    leading = sample.reshape(shape + (1,) * (2 - sample.ndim))
    plain = value(library, w.binary_cross_entropy, Z, Y, reduction="none")
    got = value(library, w.binary_cross_entropy, Z, Y, sample_weight=sample, reduction="none")
    np.testing.assert_allclose(got, plain * leading, rtol=1e-14)


@pytest.mark.parametrize("name", ["sample_weight", "mask"])
@pytest.mark.parametrize("shape", [(3,), (5,), (1, 4), (3, 4), (4, 3, 1), (0,)])
def test_weights_that_do_not_fit_print_both_shapes(library, name, shape):
    weight = np.ones(shape, dtype=bool if name == "mask" else float)
    with pytest.raises(ValueError, match=name) as error:
        value(library, w.binary_cross_entropy, Z, Y, **{name: weight})
    assert str(shape) in str(error.value)
    assert "(4, 3)" in str(error.value)


def test_a_weight_per_row_of_a_square_loss(library):
    """The silent bug of other libraries: (N,) against (N, N)."""
    z, y = Z[:3], Y[:3]
    got = value(
        library, w.binary_cross_entropy, z, y, sample_weight=[1.0, 0.0, 0.0], reduction="none"
    )
    assert (got[0] > 0).all()
    assert (got[1:] == 0).all()


@pytest.mark.parametrize("name", ["pos_weight", "neg_weight"])
@pytest.mark.parametrize("shape", [(2,), (4,), (4, 3), (0,)])
def test_label_weights_that_do_not_fit(library, name, shape):
    with pytest.raises(ValueError, match=name) as error:
        value(library, w.binary_cross_entropy, Z, Y, **{name: np.ones(shape)})
    assert str(shape) in str(error.value)
    assert "(3,)" in str(error.value)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [(w.binary_cross_entropy, np.ones(s)) for s in [(4,), (3,), (4, 1), (1, 3), (4, 3, 1)]]
    + [(w.cross_entropy, np.ones(s, int)) for s in [(3,), (1,), (), (4, 2), (1, 3), (4, 3, 1)]],
)
def test_targets_that_do_not_fit(library, loss, targets):
    with pytest.raises(ValueError, match="targets") as error:
        value(library, loss, Z, targets)
    assert str(targets.shape) in str(error.value)
    assert "(4, 3)" in str(error.value)


@pytest.mark.parametrize("label", [-1, 3, -100, 255])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_a_label_outside_is_named(library, label, dtype):
    if label < 0 and dtype == "uint8":
        pytest.skip("uint8 holds no negative label")
    labels = np.array([[2, 0], [label, 1]]).astype(dtype)
    z = np.zeros((2, 2, 3))
    with pytest.raises(ValueError, match=r"targets.*0\.\.2.*targets\[1, 0\] = " + str(label)):
        value(library, w.cross_entropy, z, labels)
    value(library, w.cross_entropy, z, labels, ignore_index=label)
    value(library, w.cross_entropy, z, labels, mask=labels != label)


@pytest.mark.parametrize("target", [2, -1, 1.5, -0.5])
def test_a_binary_target_outside_is_named(library, target):
    y = Y.copy()
    y[3, 1] = target
    with pytest.raises(ValueError, match=r"targets.*0\.\.1.*targets\[3, 1\] = " + str(target)):
        value(library, w.binary_cross_entropy, Z, y)
    with pytest.raises(ValueError, match=r"targets\[3, 1\] = "):
        value(library, w.cross_entropy, Z, y)


def test_targets_of_every_kind(library):
    expected = value(library, w.binary_cross_entropy, Z, Y)
    for dtype in ("bool", "int8", "uint8", "int32", "int64", "float32", "float64"):
        assert value(library, w.binary_cross_entropy, Z, Y.astype(dtype)) == expected
    assert float(w.binary_cross_entropy(library.array(Z), Y.astype(int).tolist())) == expected
    expected = value(library, w.cross_entropy, Z, LABELS)
    for dtype in ("int8", "uint8", "int16", "int32", "int64"):
        assert value(library, w.cross_entropy, Z, LABELS.astype(dtype)) == expected
    assert float(w.cross_entropy(library.array(Z), LABELS.tolist())) == expected


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_nan_stays_nan(library, reduction):
    z = Z.copy()
    z[1, 1] = np.nan
    got = value(library, w.binary_cross_entropy, z, Y, reduction=reduction)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(z) if reduction == "none" else True)
    got = value(library, w.cross_entropy, z, LABELS, reduction=reduction)
    expected = np.isnan(z).any(axis=1) if reduction == "none" else True
    np.testing.assert_array_equal(np.isnan(got), expected)
