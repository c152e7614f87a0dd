"""What may come as weights and targets of the PyTorch objects: the forms of `test_incoming`."""

import numpy as np
import pandas as pd
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE
from test_incoming import FORMS, LABELS, NONE, SAMPLE, WEIGHT, Z

torch = pytest.importorskip("torch")
import weightedce.torch as wt  # noqa: E402

pytestmark = pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="no torch")
LOGITS = torch.tensor(Z, dtype=torch.float32)
BINARY = (Z > 0).astype(int)


@pytest.mark.parametrize("form", FORMS)
def test_weights_and_targets_may_be_constants(form):
    of = FORMS[form]
    # the index of a column of weights says which class each is for
    weight = WEIGHT if form == "pandas, filtered" else of(WEIGHT)
    criterion = wt.CrossEntropyLoss(weight=weight)
    got = criterion(LOGITS, of(LABELS), sample_weight=of(SAMPLE))
    options = {"class_weight": WEIGHT, "sample_weight": SAMPLE, "reduction": "weighted_mean"}
    assert got.item() == pytest.approx(w.cross_entropy(Z, LABELS, **options), rel=1e-6)
    assert criterion.weight.dtype.is_floating_point
    binary = wt.BCEWithLogitsLoss(pos_weight=weight)(LOGITS, BINARY.tolist())
    expected = w.binary_cross_entropy(Z, BINARY, pos_weight=WEIGHT)
    assert binary.item() == pytest.approx(expected, rel=1e-6)


def test_weights_by_class():
    for weight in ({2: 5, 1: 2}, {0: 1.0, 1: 2.0, 2: 5.0}):
        assert wt.CrossEntropyLoss(weight=weight).weight.tolist() == [1.0, 2.0, 5.0]
        assert wt.FocalLoss(class_weight=weight).class_weight.tolist() == [1.0, 2.0, 5.0]
    counts = wt.BalancedSoftmaxCrossEntropyLoss(counts={2: 5, 0: 2}).counts
    assert counts.tolist() == [2.0, 0.0, 5.0]
    with pytest.raises(TypeError, match=r"weight.*'a'"):
        wt.CrossEntropyLoss(weight={"a": 1})


def test_weights_from_the_batch():
    balanced = w.balanced(w.class_counts(LABELS, 3))
    for criterion, reduction, loss in (
        (wt.CrossEntropyLoss(weight="batch"), "weighted_mean", w.cross_entropy),
        (wt.FocalLoss(class_weight="batch"), "mean", w.focal_loss),
    ):
        expected = loss(Z, LABELS, class_weight=balanced, reduction=reduction)
        got = criterion(LOGITS, torch.tensor(LABELS))
        assert got.item() == pytest.approx(expected, rel=1e-6)
        assert "weight='batch'" in repr(criterion)
        assert not criterion.state_dict()
    with pytest.raises(ValueError, match=r"weight: expected numbers.*got 'balanced'"):
        wt.CrossEntropyLoss(weight="balanced")
    with pytest.raises(TypeError, match="pos_weight"):
        wt.BCEWithLogitsLoss(pos_weight="batch")


@pytest.mark.parametrize("bad", NONE)
def test_weights_that_are_none_are_refused(bad):
    given = [1.0, NONE[bad], 2.0]
    for weight in (given, np.array(given), {1: NONE[bad]}):
        with pytest.raises(ValueError, match=r"weight: expected finite numbers >= 0, got .*\[1\]"):
            wt.CrossEntropyLoss(weight=weight)
    wt.VectorScalingCrossEntropyLoss(scale=[1.0, 1.0, 1.0], shift=[-1.0, 0.0, 1.0])


def test_labels_to_ignore():
    labels = torch.tensor([0, -100, 1, 2])
    for ignore, left in ((-100, [0, 2, 3]), ((-100, 2), [0, 2]), (None, None)):
        criterion = wt.CrossEntropyLoss(ignore_index=ignore)
        if left is None:
            with pytest.raises(ValueError, match=r"target\[1\] = -100"):
                criterion(LOGITS, labels)
        else:
            expected = w.cross_entropy(Z[left], labels.numpy()[left])
            assert criterion(LOGITS, labels).item() == pytest.approx(expected, rel=1e-6)
    shares = torch.eye(3)[[0, 1, 2, 0]]
    for ignore in (None, -100, -1):
        criterion = wt.CrossEntropyLoss(ignore_index=ignore)
        torch.testing.assert_close(criterion(LOGITS, shares), wt.CrossEntropyLoss()(LOGITS, shares))
    shares[1, 0] = float("nan")
    got = wt.CrossEntropyLoss(ignore_index=float("nan"))(LOGITS, shares)
    expected = wt.CrossEntropyLoss()(LOGITS[[0, 2, 3]], shares[[0, 2, 3]])
    torch.testing.assert_close(got, expected)


LEFT_OUT = {  # an object and its call, the same by the function: class 2 is left out
    "CE": (
        lambda z, y: wt.CrossEntropyLoss({0: 3.0, 1: 2}, reduction="sum")(z, y),
        lambda z, y: w.cross_entropy(z, y, class_weight=[3.0, 2, 1], reduction="sum"),
    ),
    "first": (
        lambda z, y: wt.FocalLoss(class_weight={0: 3.0})(z, y),
        lambda z, y: w.focal_loss(z, y, class_weight=[3.0, 1, 1]),
    ),
    "labels": (
        lambda z, _: wt.BCEWithLogitsLoss(pos_weight={0: 3.0})(z, z > 0),
        lambda z, _: w.binary_cross_entropy(z, z > 0, pos_weight=[3.0, 1, 1]),
    ),
    "shift": (
        lambda z, y: wt.VectorScalingCrossEntropyLoss(shift={0: 3.0})(z, y),
        lambda z, y: w.vector_scaling_cross_entropy(z, y, shift=[3.0, 0, 0]),
    ),
    "index": (
        lambda z, y: wt.FocalLoss(class_weight=pd.Series([3.0], index=[1]))(z, y),
        lambda z, y: w.focal_loss(z, y, class_weight=[1.0, 3, 1]),
    ),
    "linear": (
        lambda z, y: wt.LinearCrossEntropyLoss({0: 3.0})(z[:, :2], torch.eye(3)[:, :2], y),
        lambda z, y: w.cross_entropy(
            np.pad(z[:, :2], [(0, 0), (0, 1)]), y, class_weight=[3.0, 1, 1]
        ),
    ),
    "binary": (
        lambda z, _: wt.ExpectedCostLoss([[0, 1], [9, 0]], class_weight={0: 3})(z, z > 0),
        lambda z, _: w.expected_cost(z, z > 0, [[0, 1], [9, 0]], class_weight=[3, 1]),
    ),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_classes_that_are_left_out(name):
    ours, function = LEFT_OUT[name]
    got = ours(LOGITS, torch.tensor(LABELS)).item()
    assert got == pytest.approx(function(Z, LABELS), rel=1e-6)


def test_labels_may_keep_the_axis_of_the_classes():
    labels = torch.tensor([0, 2, -100, 1])
    criterion = wt.CrossEntropyLoss(WEIGHT)  # torch's mean divides by weights, and leaves out -100
    torch.testing.assert_close(criterion(LOGITS, labels[:, None]), criterion(LOGITS, labels))
    torch.testing.assert_close(criterion(LOGITS[0], labels[:1]), criterion(LOGITS[0], labels[0]))
    costs = wt.ExpectedCostLoss([[0, 1], [9, 0]])
    pairs, two = LOGITS[:, :2], torch.tensor([0, 1, 1, 0])
    torch.testing.assert_close(costs(pairs, two[:, None]), costs(pairs, two))
    got = w.expected_cost(Z[:, :2], two.numpy()[:, None], [[0, 1], [9, 0]])
    assert costs(pairs, two).item() == pytest.approx(got, rel=1e-6)


def test_further_axes_of_a_weight_say_nothing():
    expected = wt.CrossEntropyLoss(WEIGHT)(LOGITS, LABELS)
    for weight in (WEIGHT[None], pd.DataFrame({"weight": WEIGHT})):
        torch.testing.assert_close(wt.CrossEntropyLoss(weight)(LOGITS, LABELS), expected)
    with pytest.raises(ValueError, match=r"weight: expected one number.*3 classes.*\(1,\)"):
        wt.CrossEntropyLoss([2.0])(LOGITS, LABELS)
