"""`CrossEntropyLoss` and `BCEWithLogitsLoss` against torch's own, over what torch's tests try."""

import inspect
import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import weightedce.torch as ours  # noqa: E402

theirs = torch.nn
REDUCTIONS = ("none", "mean", "sum")
DIMENSIONS = ((), (2,), (2, 3), (2, 3, 4))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def same(mine, peer, logits, target, **tolerance):
    """Compare the loss and its gradients to logits and a soft target."""
    results = []
    for criterion in (mine, peer):
        z = logits.detach().clone().requires_grad_()
        y = target.detach().clone().requires_grad_(target.is_floating_point())
        loss = criterion(z, y)
        inputs = [z, y] if y.requires_grad else [z]
        results.append((loss.detach(), *torch.autograd.grad(loss.sum(), inputs)))
    torch.testing.assert_close(*results, **tolerance)


def weights(*shape):
    return torch.rand(shape, dtype=torch.float64)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "BCEWithLogitsLoss"])
def test_every_argument_of_torch_is_there_at_its_place_with_its_default(name):
    mine = inspect.signature(getattr(ours, name)).parameters
    torchs = inspect.signature(getattr(theirs, name)).parameters
    positional = [p for p in mine.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [(p.name, p.default) for p in positional] == [
        (p.name, p.default) for p in torchs.values()
    ]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_labels(dimensions, smoothing, reduction):
    n, classes = 5, 4
    z = torch.randn(n, classes, *dimensions, dtype=torch.float64)
    y = torch.randint(0, classes, (n, *dimensions))
    for weight, ignored in itertools.product((None, weights(classes)), (-100, 0, 2)):
        arguments = (weight, None, ignored, None, reduction, smoothing)
        same(ours.CrossEntropyLoss(*arguments), theirs.CrossEntropyLoss(*arguments), z, y)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_class_probabilities_of_any_size(dimensions, smoothing, reduction):
    z = torch.randn(5, 4, *dimensions, dtype=torch.float64)
    for weight in (None, weights(4)):
        for target in (torch.randn_like(z), torch.log_softmax(torch.randn_like(z), 1)):
            options = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
            same(ours.CrossEntropyLoss(**options), theirs.CrossEntropyLoss(**options), z, target)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_without_a_batch(reduction):
    z = torch.randn(9, dtype=torch.float64)
    for target in (torch.tensor(3), torch.rand(9, dtype=torch.float64)):
        options = {"weight": weights(9), "reduction": reduction, "label_smoothing": 0.1}
        same(ours.CrossEntropyLoss(**options), theirs.CrossEntropyLoss(**options), z, target)


def test_ignored_labels_of_any_sign_with_smoothing_and_weights():
    z = torch.tensor([[0.3, 0.6], [1.0, 2.0]], dtype=torch.float64)
    weight = torch.tensor([0.3, 0.6], dtype=torch.float64)
    for reduction, ignored in itertools.product(REDUCTIONS, (-100, -2, 2)):
        options = {"reduction": reduction, "ignore_index": ignored, "label_smoothing": 0.05}
        target = torch.tensor([ignored, 1])
        for w in (None, weight):
            mine = ours.CrossEntropyLoss(weight=w, **options)
            same(mine, theirs.CrossEntropyLoss(weight=w, **options), z, target)


def test_precision_on_a_large_map():
    z = torch.randn(16, 2, 96, 96)
    y = torch.randint(0, 2, (16, 96, 96))
    exact = theirs.CrossEntropyLoss()(z.double(), y)
    assert abs(ours.CrossEntropyLoss()(z, y).double() - exact) < 1e-6


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [None, (), (1,), (4,), (1, 4), (16, 1), (16, 4)])
def test_bce_weights_broadcast_as_in_torch(shape, reduction):
    z = torch.randn(16, 4, dtype=torch.float64)
    y = torch.rand(16, 4, dtype=torch.float64)
    weight = None if shape is None else weights(*shape)
    for other in (None, weights(4), weights(16, 4)):
        for options in (
            {"weight": weight, "pos_weight": other},
            {"weight": other, "pos_weight": weight},
        ):
            mine = ours.BCEWithLogitsLoss(reduction=reduction, **options)
            same(mine, theirs.BCEWithLogitsLoss(reduction=reduction, **options), z, y)


@pytest.mark.parametrize("pos_weight", [None, torch.ones(3, 1)])
def test_bce_gradient_at_zero(pos_weight):
    z = torch.zeros(3, 1, requires_grad=True)
    ours.BCEWithLogitsLoss(pos_weight=pos_weight, reduction="sum")(z, torch.zeros(3, 1)).backward()
    assert z.grad.tolist() == [[0.5]] * 3


def test_bce_is_stable():
    z, y = torch.tensor([0.0, -120.0]), torch.tensor([0.0, 1.0])
    loss = ours.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 1.0]), reduction="none")(z, y)
    torch.testing.assert_close(loss, torch.tensor([math.log(2), 120.0]))


def test_bce_of_maps_and_numbers():
    for shape in ((), (3,), (2, 3, 4, 5)):
        z, y = torch.randn(shape), torch.rand(shape)
        for pos in (None, torch.rand(()), *([torch.rand(3, 1, 1)] if len(shape) == 4 else [])):
            mine = ours.BCEWithLogitsLoss(pos_weight=pos)
            same(mine, theirs.BCEWithLogitsLoss(pos_weight=pos), z, y)


@pytest.mark.parametrize("shapes", [((5,), (5, 1)), ((5, 1), (5,)), ((2, 3), (3, 2))])
def test_bce_refuses_targets_of_another_shape(shapes):
    with pytest.raises(ValueError, match="target: expected the shape of the input"):
        ours.BCEWithLogitsLoss()(torch.rand(shapes[0]), torch.rand(shapes[1]))


def test_a_weight_never_makes_the_loss_larger():
    z = torch.zeros(1, 4)
    for name in ("weight", "pos_weight", "neg_weight"):
        with pytest.raises(ValueError, match=f"^{name}: expected a shape that broadcasts"):
            ours.BCEWithLogitsLoss(**{name: torch.ones(3, 4)})(z, z)


def test_deprecated_flags_mean_what_torch_says():
    for size_average, reduce in itertools.product((None, True, False), repeat=2):
        if size_average is None and reduce is None:
            continue
        with pytest.warns(UserWarning, match="deprecated"):
            expected = theirs.CrossEntropyLoss(size_average=size_average, reduce=reduce).reduction
        for criterion in (ours.CrossEntropyLoss, ours.BCEWithLogitsLoss):
            with pytest.warns(FutureWarning, match=f"pass reduction='{expected}'"):
                got = criterion(size_average=size_average, reduce=reduce)
            assert got.reduction == expected


# Where torch gives NaN or aborts, ours does what the semantics say.


@pytest.mark.parametrize(
    ("z", "y", "options"),
    [
        (torch.randn(2, 3), torch.tensor([-100, -100]), {}),
        (torch.randn(2, 3), torch.tensor([0, 0]), {"weight": [0.0, 1.0, 1.0]}),
        (torch.randn(0, 3), torch.zeros(0, dtype=torch.int64), {}),
    ],
)
def test_nothing_left_is_zero(z, y, options):
    mine, z = ours.CrossEntropyLoss(**options), z.requires_grad_()
    torchs = theirs.CrossEntropyLoss(**{k: torch.tensor(v) for k, v in options.items()})
    assert torchs(z, y).isnan()
    loss = mine(z, y)
    loss.backward()
    assert loss == 0
    assert not z.grad.any()


def test_ignored_nan_does_not_reach_the_gradient():
    for module, finite in ((ours, True), (theirs, False)):
        z = torch.tensor([[1.0, 2.0], [math.nan, 0.0]], requires_grad=True)
        module.CrossEntropyLoss()(z, torch.tensor([0, -100])).backward()
        assert bool(z.grad.isfinite().all()) is finite


def test_infinite_logits_give_the_limit():
    z, y = torch.tensor([math.inf, -math.inf]), torch.tensor([1.0, 0.0])
    assert theirs.BCEWithLogitsLoss()(z, y).isnan()
    assert ours.BCEWithLogitsLoss()(z, y) == 0


def test_empty_bce_is_zero():
    z = torch.zeros(0, 3)
    assert theirs.BCEWithLogitsLoss()(z, z).isnan()
    assert ours.BCEWithLogitsLoss()(z, z) == 0


def test_half_precision_mean_over_many_rows():
    z, y = torch.zeros(70_000, 2, dtype=torch.float16), torch.zeros(70_000, dtype=torch.int64)
    loss = ours.CrossEntropyLoss(weight=[1.0, 1.0])(z, y)
    assert loss.dtype == torch.float32
    assert abs(loss - math.log(2)) < 1e-6


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int16])
def test_labels_of_other_integer_types(dtype):
    z, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert ours.CrossEntropyLoss()(z, y.to(dtype)) == ours.CrossEntropyLoss()(z, y)


def test_a_label_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"target: expected values in 0..2, got target\[1\] = 3"):
        ours.CrossEntropyLoss()(torch.zeros(2, 3), torch.tensor([0, 3]))


def test_an_ignored_label_of_a_distribution_is_refused():
    with pytest.raises(ValueError, match="ignore_index: expected None, or NaN, for a distribution"):
        ours.CrossEntropyLoss(ignore_index=1)(torch.zeros(2, 3), torch.rand(2, 3))


def test_target_range_unit_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match="target: expected values"):
        ours.BCEWithLogitsLoss(target_range="unit")(torch.zeros(2), torch.tensor([0.0, 255.0]))
    with pytest.raises(ValueError, match="target: expected values"):
        ours.CrossEntropyLoss(target_range="unit")(torch.zeros(1, 2), torch.tensor([[2.0, -1.0]]))


# What torch lacks.


@pytest.mark.parametrize("pos", [2.0, [2.0, 3.0], [[2.0, 3.0], [1.0, 4.0], [1.0, 1.0]]])
def test_neg_weight_sample_weight_and_mask_with_every_shape_of_weight(pos):
    z, y = torch.randn(3, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    mask = torch.tensor([True, True, False])
    sample = torch.tensor([1.0, 3.0, 100.0])
    criterion = ours.BCEWithLogitsLoss(
        weight=[0.5, 2.0], pos_weight=pos, neg_weight=[0.1, 0.2], reduction="none"
    )
    got = criterion(z, y, sample_weight=sample, mask=mask)
    p = torch.sigmoid(z)
    pos, neg = torch.tensor(pos), torch.tensor([0.1, 0.2])
    expected = -(pos * y * p.log() + neg * (1 - y) * (1 - p).log())
    expected *= torch.tensor([0.5, 2.0]) * sample[:, None] * mask[:, None]
    torch.testing.assert_close(got, expected)
    plain = ours.BCEWithLogitsLoss(pos_weight=pos, neg_weight=neg, reduction="none")
    got = plain(z, y, sample_weight=sample, mask=mask)
    torch.testing.assert_close(got, expected / torch.tensor([0.5, 2.0]))
    mean = ours.BCEWithLogitsLoss([0.5, 2.0], None, None, "mean", pos, neg_weight=neg)
    torch.testing.assert_close(mean(z, y, sample_weight=sample, mask=mask), expected.sum() / 4)


def test_mean_of_labels_divides_by_class_and_sample_weights():
    z, y = torch.randn(3, 2), torch.tensor([0, 1, 1])
    w, s = torch.tensor([1.0, 5.0]), torch.tensor([1.0, 0.5, 2.0])
    losses = theirs.CrossEntropyLoss(weight=w, reduction="none")(z, y)
    got = ours.CrossEntropyLoss(weight=w)(z, y, sample_weight=s)
    torch.testing.assert_close(got, (s * losses).sum() / (s * w[y]).sum())
    got = ours.CrossEntropyLoss(weight=w)(z, y, mask=np.array([1, 0, 1]).tolist())
    kept = torch.tensor([1.0, 0.0, 1.0])
    torch.testing.assert_close(got, (kept * losses).sum() / (kept * w[y]).sum())


def test_total_holds_the_sums():
    z, y = torch.randn(4, 3), torch.tensor([0, 1, 2, -100])
    w = torch.tensor([1.0, 2.0, 4.0])
    total = ours.CrossEntropyLoss(weight=w, reduction="total")(z, y)
    torch.testing.assert_close(total.weighted_mean(), theirs.CrossEntropyLoss(weight=w)(z, y))
    assert (total.weight, total.count) == (7.0, 3.0)


@pytest.mark.parametrize("soft", [False, True])
def test_second_derivatives(soft):
    z = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    y = torch.rand(3, 4, dtype=torch.float64) if soft else torch.tensor([0, 3, -100])
    criterion = ours.CrossEntropyLoss(torch.rand(4, dtype=torch.float64), label_smoothing=0.1)
    assert torch.autograd.gradgradcheck(lambda z: criterion(z, y), z)
