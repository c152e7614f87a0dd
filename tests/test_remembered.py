"""What a small batch remembers from one call to the next, and that it forgets what has changed."""

import numpy as np
import pytest

import weightedce as w
from weightedce.call import looked
from weightedce.numerics.remembered import BYTES, CONTENTS, by_content

torch = pytest.importorskip("torch", reason="torch is not installed")

import weightedce.torch  # noqa: E402

Z = torch.tensor([[1.0, 0.5, -2.0], [0.0, 3.0, 1.0], [2.0, 2.5, -1.0]])
Y = torch.tensor([0, 1, 2])


def exact(weight):
    z = Z.double()
    loss = z.logsumexp(1) - z[range(3), Y]
    each = torch.as_tensor(weight, dtype=torch.float64)[Y]
    return float((each * loss).sum() / each.sum())


def write(tensor, how, values):
    """Change a tensor in its place: only the first way leaves a trace, in its version."""
    values = torch.tensor(values)
    if how == "in place":
        tensor.copy_(values)
    elif how == "data":
        tensor.data.copy_(values)
    elif how == "numpy":
        tensor.numpy()[:] = values.numpy()
    else:
        tensor.data = values


@pytest.fixture(params=["function", "module"])
def loss_of(request):
    def made(weight):
        if request.param == "module":
            return weightedce.torch.CrossEntropyLoss(weight, target_range="unit")
        given = {"class_weight": weight, "reduction": "weighted_mean"}
        return lambda z, y: w.cross_entropy(z, y, **given)

    return made


@pytest.mark.parametrize("how", ["in place", "data", "numpy", "another memory"])
def test_weights_that_change_are_seen(how, loss_of):
    weight = torch.tensor([1.0, 2.0, 3.0])
    loss = loss_of(weight)
    assert loss(Z, Y).item() == pytest.approx(exact([1.0, 2.0, 3.0]), rel=1e-6)
    for values in ([7.0, 0.5, 0.0], [0.25, 1.0, 1.0]):
        write(weight, how, values)
        z = Z.clone().requires_grad_()
        found = loss(z, Y)
        assert found.item() == pytest.approx(exact(values), rel=1e-6)
        found.backward()
        assert z.grad[2].any() == bool(values[2])
    for bad in (-1.0, float("inf"), float("nan")):
        write(weight, how, [1.0, bad, 1.0])
        with pytest.raises(ValueError, match="weight: expected finite numbers"):
            loss(Z, Y)


def test_another_weight_in_the_place_of_one_that_is_gone():
    """Its number, id, is that of the one before, as Python gives it anew."""
    ids = set()
    for k in range(50):
        weight = torch.tensor([1.0, 2.0, float(k)])
        ids.add(id(weight))
        found = w.cross_entropy(Z, Y, class_weight=weight, reduction="weighted_mean")
        assert found.item() == pytest.approx(exact(weight.tolist()), rel=1e-6)
        del weight
    assert len(ids) < 50


def test_counts_that_change_are_seen():
    counts = torch.tensor([90, 9, 1])
    losses = (
        weightedce.torch.LDAMCrossEntropyLoss(counts=counts),
        weightedce.torch.LogitAdjustedCrossEntropyLoss(prior=counts),
        weightedce.torch.BalancedSoftmaxCrossEntropyLoss(counts=counts),
    )
    for loss in losses:
        name = "prior" if hasattr(loss, "prior") else "counts"
        first = loss(Z, Y)
        getattr(loss, name).data[0] = 1.0
        other = type(loss)(**{name: torch.tensor([1.0, 9.0, 1.0])})
        assert loss(Z, Y) == other(Z, Y) != first


def test_options_that_change_are_seen():
    loss = weightedce.torch.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))
    first = loss(Z, Y)
    loss.label_smoothing = 0.5
    assert loss(Z, Y) != first
    loss.label_smoothing, loss.reduction = 0.0, "sum"
    assert loss(Z, Y) != first
    loss.reduction = "mean"
    assert loss(Z, Y) == first
    loss.weight = None
    assert loss(Z, Y) == w.cross_entropy(Z, Y)


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("axis", 1, True),
        ("axis", 1, 1.0),
        ("ignore_index", 7, 7.5),
        ("label_smoothing", 0.0, False),
        ("label_smoothing", 1.0, True),
    ],
)
def test_what_is_equal_is_not_the_same(option, good, bad):
    """True, 1 and 1.0 are equal, and their hashes are."""
    w.cross_entropy(Z, Y, **{option: good})
    with pytest.raises((TypeError, ValueError), match=option):
        w.cross_entropy(Z, Y, **{option: bad})


def test_what_is_remembered_of_weights_is_not_in_their_memory():
    """Other weights with the numbers that these had before they were written to."""
    z, y = Z.ravel(), (Z > 0).float().ravel()
    counts, pos = torch.tensor([90.0, 9.0, 1.0]), torch.arange(1.0, 10.0)

    def losses():
        return [
            w.balanced_softmax_cross_entropy(Z, Y, counts=counts).item(),
            w.cross_entropy(Z, Y, class_weight=counts).item(),
            w.binary_cross_entropy(z, y, pos_weight=pos).item(),
        ]

    first = losses()
    for tensor in (counts, pos):
        tensor.numpy()[:] = 2.0
    assert not set(losses()) & set(first)
    counts, pos = torch.tensor([90.0, 9.0, 1.0]), torch.arange(1.0, 10.0)
    assert losses() == first


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean", "total"])
@pytest.mark.parametrize("label", [-8, -4, -3, -1, 3, 5, 6, 8, 255, 2**40, -(2**40)])
def test_a_label_that_is_no_class_after_those_that_are(label, reduction):
    """Whatever it would point at from the end of an array, or in the row before."""
    weight, zero = torch.tensor([1.0, 0.0, 3.0]), torch.zeros(3)
    given = {"class_weight": weight, "reduction": reduction}
    for options in (given, given | {"sample_weight": zero}, {"reduction": reduction}):
        w.cross_entropy(Z, Y, **options)
        for place in range(3):
            y = Y.clone()
            y[place] = label
            for z in (Z, Z.clone().requires_grad_(), 40 * Z):
                with pytest.raises(ValueError, match=rf"targets\[{place}\] = {label}"):
                    w.cross_entropy(z, y, **options)


def test_another_dtype_or_shape_is_another_plan():
    weight = torch.tensor([1.0, 2.0, 3.0])
    expected = w.cross_entropy(Z.double(), Y, class_weight=weight).item()
    for logits in (Z, Z.double(), Z[:, None].repeat(1, 1, 1).squeeze(1)):
        for labels in (Y, Y.int(), Y.byte(), Y.long()):
            found = w.cross_entropy(logits, labels, class_weight=weight)
            assert found.dtype == logits.dtype
            assert found.item() == pytest.approx(expected, rel=1e-6)
    one_hot = torch.nn.functional.one_hot(Y, 3)
    for shares in (one_hot.float(), one_hot, one_hot.double(), one_hot.bool()):
        found = w.cross_entropy(Z, shares, class_weight=weight)
        assert found.item() == pytest.approx(expected, rel=1e-6)
    two = w.cross_entropy(Z[:, :2], Y % 2, class_weight=weight[:2]).item()
    assert two != pytest.approx(expected)
    assert w.cross_entropy(Z[:2], Y[:2], class_weight=weight).item() != pytest.approx(expected)


def test_a_label_to_ignore_among_more_classes():
    """With three classes 3 is none of them, with four it is."""
    assert w.cross_entropy(Z, Y, ignore_index=3, reduction="total").count == 3
    z = torch.cat([Z, Z[:, :1]], dim=1)
    y = torch.tensor([0, 3, 2])
    assert w.cross_entropy(z, y, ignore_index=3, reduction="total").count == 2


def test_the_same_bytes_in_another_form():
    calls = []
    counted = by_content(lambda array, *numbers: calls.append(array) or (array.sum(), *numbers))
    one = np.array([1.0, 0.0, 2.0, 0.0])
    forms = [one, one.copy(), one.view("float32"), one.reshape(2, 2), one.view("int64")]
    forms.append(one.view(one.dtype.newbyteorder()))
    found = [counted(x) for x in forms]
    assert len(calls) == 5
    assert found[0] is found[1]
    assert counted(one, 2.0) == (3.0, 2.0)
    one[1] = 5.0
    assert counted(one) == (8.0,)
    large = np.ones(BYTES, "int8")
    assert counted(large) is counted(large)
    assert counted(np.ones(BYTES + 1, "int8")) is not counted(np.ones(BYTES + 1, "int8"))


def test_what_is_remembered_does_not_grow():
    counted = by_content(lambda array: float(array[0]))
    for k in range(3 * CONTENTS):
        counted(np.array([float(k)]))
    (known,) = (x.cell_contents for x in counted.__closure__ if type(x.cell_contents) is dict)
    assert 0 < len(known) <= CONTENTS
    assert looked._of_classes.cache_info().maxsize
    assert looked._of_elements.cache_info().maxsize


@pytest.mark.parametrize("state", ["raise", "warn"])
def test_no_warning_of_numpy(state, recwarn):
    """Whatever is in the batch; and where NumPy is to raise, underflow is no error either."""
    z = torch.tensor(
        [[0.0, -103.0, 3.0], [3e38, -3e38, 1e38], [60.0, -60.0, 88.0], [9.0, 8.0, 7.0]]
    )
    y, weight = torch.tensor([1, 0, 2, 0]), torch.tensor([1e-30, 3e38, 1e30])
    hard = torch.nn.functional.one_hot(y, 3).float()
    with np.errstate(all=state):
        for rows in (slice(0, 1), slice(3, 4), slice(4)):
            for sample in (None, torch.full((len(z[rows]),), 1e-38), weight[[1, 1, 1, 1]][rows]):
                given = {"sample_weight": sample}
                for loss in (w.cross_entropy, w.focal_loss, w.poly_cross_entropy):
                    loss(z[rows].clone().requires_grad_(), y[rows], class_weight=weight, **given)
                w.ldam_cross_entropy(z[rows].clone().requires_grad_(), y[rows], counts=weight)
                w.cross_entropy(z[rows], hard[rows], class_weight=weight.double(), **given)
                with pytest.raises(ValueError, match=r"class_weight\[1\] = inf"):  # in float32
                    w.cross_entropy(z[rows], hard[rows], class_weight=10 * weight.double())
                for loss in (w.binary_cross_entropy, w.binary_focal_loss, w.asymmetric_loss):
                    loss(z[rows].clone().requires_grad_(), hard[rows], pos_weight=weight, **given)
    assert not recwarn.list
