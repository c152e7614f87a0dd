"""The blocks with a derivative of their own, and the blocks of rows: really taken, and alike."""

from contextlib import suppress
from functools import cache
from importlib import import_module

import numpy as np
import pytest

import weightedce as w
from libraries import BY_BLOCKS, DIFFERENTIABLE, LIBRARIES, LONG
from weightedce.call import asked
from weightedce.call import small as small_batches
from weightedce.numerics import asymmetric, softmax, stable

binary_cross_entropy = import_module("weightedce.losses.binary_cross_entropy")

MODES = [
    pytest.param(library, mode, id=f"{library.name}-{mode}")
    for library in LIBRARIES.values()
    for mode in library.modes
    if LONG or (library.name, mode) != ("jax", "eager")  # a compilation for each operation
]
DIFFERENTIATED = [case for case in MODES if case.values[0].differentiable]


def gradient_in(library, mode, loss, z, *arrays):
    with library.scope("float64"):
        given = [library.array(x) for x in (z, *arrays)]
        run = library.prepare(mode, loss, (0, 1), 2)
        return [library.numpy(x) for x in run(*given)]


Z = np.random.default_rng(0).normal(size=(7, 3))
Y = np.array([0, 2, 1, 1, 0, 2, 2])
B = (np.random.default_rng(1).random((7, 3)) < 0.4) * 1.0
SOFT = np.random.default_rng(2).dirichlet(np.ones(3), 7)


@pytest.mark.parametrize(("library", "mode"), DIFFERENTIATED)
def test_labels_take_the_block_with_its_own_derivative(library, mode, monkeypatch):
    def refuse(*_):
        raise AssertionError("the composed block was taken")

    monkeypatch.setattr(softmax, "composed_label_loss", refuse)
    monkeypatch.setattr(softmax, "negative_log_softmax", refuse)
    found = gradient_in(library, mode, lambda z, y: w.cross_entropy(z, y, reduction="none"), Z, Y)
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[0], -np.log(p[np.arange(7), Y]), rtol=1e-14)
    np.testing.assert_allclose(found[1], p - np.eye(3)[Y], rtol=1e-13)


NOT_TENSORFLOW = [case for case in DIFFERENTIATED if case.values[0].name != "tensorflow"]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("library", "mode"), NOT_TENSORFLOW)
def test_distributions_take_the_block_with_its_own_derivative(
    library, mode, smoothing, monkeypatch
):
    def loss(z, y):
        return w.cross_entropy(z, y, class_weight=[1.0, 2.0, 3.0], label_smoothing=smoothing)

    def refuse(*_):
        raise AssertionError("the composed block was taken")

    targets = Y if smoothing else SOFT
    monkeypatch.setattr(softmax, "negative_log_softmax", refuse)
    found = gradient_in(library, mode, loss, Z, targets)
    q = np.eye(3)[Y] if smoothing else SOFT
    weighted = q * [1.0, 2.0, 3.0]
    mass = (1 - smoothing) * weighted + smoothing * weighted.sum(axis=1, keepdims=True) / 3
    p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    expected = (mass.sum(axis=1, keepdims=True) * p - mass) / 7
    np.testing.assert_allclose(found[1], expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("loss", [w.binary_cross_entropy, w.binary_focal_loss, w.asymmetric_loss])
@pytest.mark.parametrize(("library", "mode"), NOT_TENSORFLOW)
def test_binary_losses_take_the_block_with_its_own_derivative(library, mode, loss, monkeypatch):
    def refuse(*_):
        raise AssertionError("the composed block was taken")

    monkeypatch.setattr(stable, "SOFTPLUS", stable.SOFTPLUS._replace(composed=refuse))
    monkeypatch.setattr(binary_cross_entropy, "SOFTPLUS", stable.SOFTPLUS)
    monkeypatch.setattr(stable, "_composed_focal", refuse)
    monkeypatch.setattr(asymmetric, "_composed", refuse)
    gradient_in(library, mode, lambda z, y: loss(z, y, reduction="none"), Z, B)


@pytest.mark.parametrize(
    ("mode", "loss"),
    [
        ("eager", w.binary_cross_entropy),
        ("eager", w.binary_focal_loss),
        ("eager", w.asymmetric_loss),
        ("function", w.binary_focal_loss),
        ("xla", w.binary_cross_entropy),
    ],
)
@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_binary_losses_in_tensorflow_take_the_block_with_its_own_derivative(
    mode, loss, monkeypatch
):
    """A graph has the composed block too, for the gradients of weights; nobody asks for them."""
    from weightedce.backends.tensorflow import slope

    def doubled(*arrays):
        value, derivative = original(*arrays)
        return 3.0 * value, 2.0 * derivative

    original = slope._sloped
    library = DIFFERENTIABLE["tensorflow"]
    plain = gradient_in(library, mode, lambda z, y: loss(z, y), Z, B)
    fresh = cache(slope._graph.__wrapped__)  # eager calls keep their graphs
    monkeypatch.setattr(slope, "_graph", fresh)
    monkeypatch.setattr(slope, "_sloped", doubled)
    found = gradient_in(library, mode, lambda z, y: loss(z, y), Z, B)
    np.testing.assert_allclose(found[0], 3.0 * plain[0], rtol=1e-14)
    np.testing.assert_allclose(found[1], 2.0 * plain[1], rtol=1e-14)


@pytest.mark.parametrize(
    ("smoothing", "mode"), [(0.0, "eager"), (0.1, "eager"), (0.1, "function"), (0.0, "xla")]
)
@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_distributions_in_tensorflow_take_the_block_with_its_own_derivative(
    mode, smoothing, monkeypatch
):

    from weightedce.backends.tensorflow import mass, slope

    room, name = mass, "_few_kernels"
    if mode == "xla":  # which fuses the block as it is
        room, name = import_module("weightedce.numerics.mass"), "mass_with_slope"
    original = getattr(room, name)

    def doubled(*given):
        value, derivative = original(*given)
        return 3.0 * value, 2.0 * derivative

    def loss(z, q):
        return w.cross_entropy(z, q, label_smoothing=smoothing)

    library = DIFFERENTIABLE["tensorflow"]
    targets = Y if smoothing else np.eye(3)[Y]
    plain = gradient_in(library, mode, loss, Z, targets)
    fresh = cache(slope._graph.__wrapped__)  # eager calls keep their graphs
    monkeypatch.setattr(slope, "_graph", fresh)
    monkeypatch.setattr(room, name, doubled)
    found = gradient_in(library, mode, loss, Z, targets)
    np.testing.assert_allclose(found[0], 3.0 * plain[0], rtol=1e-14)
    np.testing.assert_allclose(found[1], 2.0 * plain[1], rtol=1e-14)


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_eager_tensorflow_looks_at_the_maxima_of_distributions():
    from weightedce.backends.tensorflow.mass import Maxima, look

    library = DIFFERENTIABLE["tensorflow"]
    for logit, seen in ((3.0, "NEAR"), (40.0, "FINITE"), (np.inf, "ANY"), (np.nan, "ANY")):
        assert look(library.array(np.where(Z[2, 1] == Z, logit, 0.5)), 1) is Maxima[seen]


@pytest.mark.parametrize("mode", ["eager", "function", "xla"])
@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_targets_and_weights_that_learn_in_tensorflow(mode):
    library = DIFFERENTIABLE["tensorflow"]
    tf, z = library.tf, library.array(Z)
    arrays = [library.array(x) for x in (B, np.array([1.0, 2.0, 3.0]), np.full(7, 0.5))]

    def gradients(y, pos, sample):
        with tf.GradientTape() as tape:
            tape.watch([y, pos, sample])
            value = w.binary_cross_entropy(z, y, pos_weight=pos, sample_weight=sample)
        return tape.gradient(value, [y, pos, sample])

    run = gradients
    if mode != "eager":
        run = tf.function(gradients, jit_compile=mode == "xla", autograph=False)
    positive, negative = np.log1p(np.exp(-Z)), np.log1p(np.exp(Z))
    to_targets = 0.5 * (positive * [1.0, 2.0, 3.0] - negative)
    to_sample = (B * positive * [1.0, 2.0, 3.0] + (1.0 - B) * negative).sum(1)
    expected = to_targets, 0.5 * (B * positive).sum(0), to_sample
    for found, sums in zip(run(*arrays), expected, strict=True):
        np.testing.assert_allclose(found, sums / 21, rtol=1e-13)


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_tensorflow_makes_one_graph_for_eager_batches_of_every_size():

    from weightedce.backends.tensorflow import slope

    made = []
    library = DIFFERENTIABLE["tensorflow"]
    with pytest.MonkeyPatch.context() as patch:
        fresh = cache(slope._graph.__wrapped__)
        patch.setattr(slope, "_graph", fresh)
        original = slope._sloped
        patch.setattr(slope, "_sloped", lambda *a: made.append(a) or original(*a))
        for rows in (7, 3, 5):
            gradient_in(library, "eager", w.binary_cross_entropy, Z[:rows], B[:rows])
    assert len(made) == 1


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_eager_tensorflow_selects_nothing_where_all_losses_are_finite(monkeypatch):
    from weightedce.backends.tensorflow import namespace

    def refuse(*_):
        raise AssertionError("a select was made")

    def loss(z, y):
        return w.cross_entropy(z, y, class_weight=[1.0, 2.0, 3.0], reduction="weighted_mean")

    library = DIFFERENTIABLE["tensorflow"]
    expected = gradient_in(library, "eager", loss, Z, Y)  # makes the graph of the block
    monkeypatch.setattr(namespace, "where", refuse)
    found = gradient_in(library, "eager", loss, Z, Y)
    np.testing.assert_array_equal(found[1], expected[1])
    with pytest.raises(AssertionError, match="select"):
        loss(library.array(np.where(np.arange(3) == Y[:, None], -np.inf, Z)), library.array(Y))


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_a_tensorflow_graph_looks_for_bad_targets_in_a_branch():
    """The least and the greatest target tell whether there are any."""
    tf = DIFFERENTIABLE["tensorflow"].tf
    shape = tf.TensorSpec([None, 3], tf.float32)
    graph = tf.function(w.binary_cross_entropy).get_concrete_function(shape, shape).graph
    assert {"Min", "Max", "StatelessIf"} <= {op.type for op in graph.get_operations()}


OPTIONS = {
    "plain": {},
    "weights": {"pos_weight": [1.0, 2.0, 3.0], "neg_weight": 0.5},
    "examples": {"sample_weight": np.linspace(0, 2, 7)},
    "mask": {"mask": np.arange(7) % 3 != 1},
    "elements": {"mask": np.arange(21).reshape(7, 3) % 4 != 1, "label_smoothing": 0.2},
}


@pytest.fixture
def small_blocks(monkeypatch):
    """Make blocks of two rows."""
    from weightedce.backends import numpy

    monkeypatch.setattr(numpy.NumPy, "views", lambda *_: None)
    monkeypatch.setattr(numpy.blocks, "BLOCK", 6)
    if "torch" in DIFFERENTIABLE:
        from weightedce.backends import torch

        monkeypatch.setattr(torch.Torch, "views", lambda *_: None)
        monkeypatch.setattr(torch.blocks, "BLOCK", 6)
        monkeypatch.setattr(torch.labels, "BLOCK", 6)


def placed(library, options):
    return {k: library.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean", "total"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("loss", [w.binary_cross_entropy, w.asymmetric_loss])
@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_blocks_of_rows_give_the_whole(library, loss, options, reduction, request):
    given = {**placed(library, options), "reduction": reduction}
    if loss is w.asymmetric_loss:
        given.pop("target_range", None)

    def run():
        z, y = library.array(Z), library.array(B)
        if library.name != "torch":
            return np.array(loss(z, y, **given)), None
        import torch

        z.requires_grad_()
        found = loss(z, y, **given)
        whole = found.loss if reduction == "total" else found
        (whole * torch.linspace(0.5, 2.0, whole.numel()).reshape(whole.shape)).sum().backward()
        found = found if isinstance(found, tuple) else (found,)
        return np.array([x.detach().numpy() for x in found]), z.grad.numpy()

    whole = run()
    request.getfixturevalue("small_blocks")
    parts = []
    backend = w.backends.backend_of(library.array(Z))
    by_blocks = backend.by_blocks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "by_blocks", lambda *a: parts.append(a[2]) or by_blocks(*a))
        blocked = run()
    apart = reduction == "none" and "mask" in options  # see evaluation
    assert parts == ([] if apart else [2]), "blocks of two rows were not taken"
    np.testing.assert_allclose(blocked[0].ravel(), whole[0].ravel(), rtol=1e-14)
    if whole[1] is not None:
        np.testing.assert_allclose(blocked[1], whole[1], rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_an_error_in_a_late_block_names_its_place_in_the_batch(library, small_blocks):
    y = B.copy()
    y[5, 1] = 3.0
    with pytest.raises(ValueError, match=r"targets\[5, 1\] = 3$"):
        w.binary_cross_entropy(library.array(Z), library.array(y))


@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_rows_of_labels_in_blocks(library, small_blocks):
    far = Z.copy()
    far[3] = [400.0, -400.0, 7.0]
    far[4] = [np.inf, 0.0, -np.inf]
    far[5] = np.nan  # hides from min and max, beside the infinity of its block
    found = w.cross_entropy(library.array(far), library.array(Y), reduction="none")
    for i, (z, y) in enumerate(zip(far, Y, strict=True)):
        one = w.cross_entropy(z[None], [int(y)], reduction="none")
        # the other row of the block decides whether exponentials are shifted, in the last digit
        np.testing.assert_allclose(library.numpy(found)[i], one[0], rtol=1e-15)


torch_only = pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="torch is not installed")


@torch_only
@pytest.mark.parametrize(
    ("way", "reduction"),
    [("blocks", "none"), ("blocks", "mean"), ("at once", "none"), ("at once", "weighted_mean")],
)
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (w.cross_entropy, Y),
        (w.cross_entropy, SOFT),
        (w.focal_loss, Y),
        (w.binary_cross_entropy, B),
        (w.binary_focal_loss, B),
        (w.asymmetric_loss, B),
    ],
)
def test_every_derivative_that_torch_offers(loss, targets, way, reduction, request):
    import torch

    if way == "blocks":
        request.getfixturevalue("small_blocks")

    y = torch.tensor(targets)
    z = torch.tensor(Z, requires_grad=True)
    weigh = torch.linspace(0.1, 2.0, 7, dtype=torch.float64)

    def of(z):
        found = loss(z, y, sample_weight=weigh, reduction=reduction)
        return found.sum() ** 2  # so that what comes from above is not 1

    assert torch.autograd.gradcheck(of, (z,))
    assert torch.autograd.gradgradcheck(of, (z,), fast_mode=not LONG)
    value = of(z)
    first = torch.autograd.grad(value, z, retain_graph=True)[0].clone()
    torch.testing.assert_close(torch.autograd.grad(value, z)[0], first, rtol=1e-14, atol=0.0)
    torch.testing.assert_close(torch.func.grad(of)(z.detach()), first, rtol=1e-12, atol=1e-15)
    along = torch.tensor(Z[::-1].copy())
    jvp = torch.func.jvp(of, (z.detach(),), (along,))[1]
    torch.testing.assert_close(jvp, (first * along).sum(), rtol=1e-11, atol=1e-14)


SMALL = [
    (w.cross_entropy, Y, {"class_weight": [1.0, 2.0, 3.0]}),
    (w.cross_entropy, Y.astype("uint8"), {"label_smoothing": 0.1, "ignore_index": -100}),
    (w.cross_entropy, SOFT, {"class_weight": {1: 2.0}, "sample_weight": np.arange(7.0)}),
    (w.cross_entropy, Y, {"class_weight": np.asarray(2.0)}),
    (w.focal_loss, Y, {"mask": np.ones(7, bool), "class_weight": np.asarray(2.0, "float32")}),
    (w.poly_cross_entropy, Y, {"epsilon": -1.0}),
    (w.logit_adjusted_cross_entropy, Y, {"prior": np.array([0.7, 0.2, 0.1])}),
    (w.balanced_softmax_cross_entropy, Y, {"counts": [90, 9, 1]}),
    (w.ldam_cross_entropy, Y, {"counts": [90, 9, 1]}),
    (w.binary_cross_entropy, B, {"pos_weight": 9.0, "neg_weight": np.array([1.0, 2.0, 3.0])}),
    (w.binary_cross_entropy, B > 0, {"sample_weight": np.arange(7.0), "label_smoothing": 0.1}),
    (w.binary_focal_loss, B.astype(int), {"alpha": 0.25}),
    (w.asymmetric_loss, B, {"mask": np.ones((7, 3), bool)}),
]


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean", "total"])
@pytest.mark.parametrize(("loss", "targets", "options"), SMALL)
@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_small_batches_go_at_once(library, loss, targets, options, reduction, monkeypatch):
    """And give what the general way gives, value and gradient."""

    def run():
        z = library.array(Z)
        given = {
            k: library.array(v) if isinstance(v, np.ndarray) else v for k, v in options.items()
        }
        if library.name == "torch":
            z.requires_grad_()
        found = loss(z, library.array(targets), **given, reduction=reduction)
        whole = found.loss if reduction == "total" else found
        if library.name == "torch":
            (
                whole * library.array(np.linspace(0.5, 2.0, whole.numel())).reshape(whole.shape)
            ).sum().backward()
        found = found if isinstance(found, tuple) else (found,)
        return [library.numpy(x) for x in found], library.numpy(
            z.grad
        ) if library.name == "torch" else 0.0

    def refuse(*_):
        raise AssertionError("the general way was taken")

    with monkeypatch.context() as patch:
        patch.setattr(asked.Call, "whole", refuse)
        patch.setattr(type(w.backends.backend_of(library.array(Z))), "by_blocks", refuse)
        small = run()
    monkeypatch.setattr(small_batches, "at_once", lambda *_: None)
    general = run()
    for a, b in zip(small[0], general[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
        assert a.dtype == b.dtype
    np.testing.assert_allclose(small[1], general[1], rtol=1e-12, atol=1e-16)


@torch_only
def test_small_batches_go_at_once_without_a_gradient(monkeypatch):
    import torch

    z, y, weight = torch.tensor(Z, requires_grad=True), torch.tensor(Y), torch.ones(3).double()
    monkeypatch.setattr(asked.Call, "whole", None)
    with torch.no_grad():
        learned = torch.nn.Parameter(weight)  # wants one, which nobody asks for
        assert not w.cross_entropy(z, y, class_weight=learned).requires_grad
    with torch.inference_mode():
        assert not w.cross_entropy(z.clone(), y, class_weight=weight).requires_grad


@torch_only
def test_small_batches_lose_no_derivative_of_numbers_in_lists():
    import torch

    z, y = torch.tensor(Z), torch.tensor(Y)
    for loss, name in ((w.cross_entropy, "class_weight"), (w.ldam_cross_entropy, "counts")):
        each = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (1.0, 2.0, 3.0)]
        loss(z, y, **{name: each}, reduction="sum").backward()
        assert all(x.grad for x in each)


@torch_only
@pytest.mark.parametrize("held", ["targets", "counts"])
def test_small_batches_notice_what_is_changed_before_a_second_gradient(held):
    import torch

    z, y = torch.nn.Parameter(torch.tensor(Z)), torch.tensor(Y)
    counts = torch.tensor([90.0, 9.0, 1.0])
    loss = w.balanced_softmax_cross_entropy(z, y, counts=counts)
    loss.backward(retain_graph=True)
    (y if held == "targets" else counts).fill_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@torch_only
def test_small_batches_let_their_logits_go():
    import weakref

    import torch

    z = torch.tensor(Z, requires_grad=True) * 1.0
    gone = weakref.ref(z)
    loss = w.cross_entropy(z, torch.tensor(Y))
    loss.backward()
    del z
    assert gone() is None


@torch_only
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_small_batches_of_large_logits_and_small_weights(smoothing):
    """A factor that is no number next to underflow before it meets what is large."""
    import torch

    z = torch.tensor([[62.0, 61.0, 60.0], [62.0, 61.0, 62.0]], requires_grad=True)
    given = {"reduction": "weighted_mean", "label_smoothing": smoothing}
    y, weight = torch.tensor([0, 1]), torch.full((2,), 1e-20)
    w.cross_entropy(z, y, sample_weight=weight, **given).backward()
    plain = z.detach().double().requires_grad_()
    w.cross_entropy(plain, y, **given).backward()
    np.testing.assert_allclose(z.grad.numpy(), plain.grad.numpy(), rtol=1e-6)


@torch_only
def test_small_batches_have_no_gradient_that_is_none():
    import torch

    z = torch.tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0]], requires_grad=True)
    w.ldam_cross_entropy(z, torch.tensor([0, 1]), counts=[1, 1, 1], scale=172.0).backward()
    assert z.grad.isfinite().all()
    f = torch.tensor([[60.0, 50.0, 49.0]], requires_grad=True)
    w.focal_loss(f, torch.tensor([0]), gamma=5.0).backward()
    np.testing.assert_allclose(f.grad.numpy(), [[-3.44e-25, 2.515e-25, 9.252e-26]], rtol=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_small_batches_of_labels_of_any_width(library, smoothing):
    for dtype in ("uint8", "int16", "uint32", "uint64"):
        y = library.array(Y.astype(dtype))
        found = w.cross_entropy(library.array(Z), y, label_smoothing=smoothing)
        expected = w.cross_entropy(library.array(Z), library.array(Y), label_smoothing=smoothing)
        assert float(found) == float(expected)


ODD = {
    "masked": {"mask": np.arange(7) > 2},
    "ignored": {"ignore_index": 1},
    "axis": {"axis": 0},
    "weights of another shape": {"sample_weight": np.ones((7, 1, 1))},
    "bad weight": {"class_weight": [1.0, -1.0, 2.0]},
    "not a number": {"label_smoothing": 2.0},
    "word": {"smoothing_weight": "both"},
}


@pytest.mark.parametrize("options", ODD.values(), ids=ODD)
@pytest.mark.parametrize("library", BY_BLOCKS, ids=lambda library: library.name)
def test_what_is_odd_is_left_to_the_general_way(library, options, monkeypatch):
    """The same number, or the same error."""

    def run():
        try:
            return float(w.cross_entropy(library.array(Z), library.array(Y), **options))
        except (TypeError, ValueError) as error:
            return str(error)

    found, original = [], small_batches.at_once
    with monkeypatch.context() as patch:
        patch.setattr(small_batches, "at_once", lambda *a: found.append(original(*a)) or found[-1])
        got = run()
    assert found in ([], [None])
    monkeypatch.setattr(small_batches, "at_once", lambda *_: None)
    assert got == run()


@torch_only
@pytest.mark.parametrize("way", ["blocks", "at once"])
def test_weights_that_learn_are_not_forgotten(way, request):
    import torch

    if way == "blocks":
        request.getfixturevalue("small_blocks")
    y, z = torch.tensor(B), torch.tensor(Z, requires_grad=True)
    pos = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    w.binary_cross_entropy(z, y, pos_weight=pos).backward()
    expected = (B * np.log1p(np.exp(-Z))).sum(0) / 21
    np.testing.assert_allclose(pos.grad.numpy(), expected, rtol=1e-13)


@torch_only
@pytest.mark.parametrize("loss", [w.binary_cross_entropy, w.binary_focal_loss, w.asymmetric_loss])
@pytest.mark.parametrize("removed", [{"mask": [True, False]}, {"ignore_index": -1}])
def test_what_is_masked_is_kept_from_infinite_gradients(loss, removed):
    """The root of a loss of 0 has one."""
    import torch

    z = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.tensor([1.0, -1.0 if "ignore_index" in removed else 0.0])
    loss(z, y, **removed, reduction="none").sqrt().sum().backward()
    assert z.grad[0].isfinite()
    assert z.grad[0] != 0
    assert z.grad[1] == 0


@torch_only
def test_losses_of_their_own_beside_one_that_overflows(small_blocks):
    """The gradient of the composed block is formed for what comes from above, not for 1."""
    import torch

    z = torch.tensor([3e38, np.inf, 0.5], requires_grad=True)
    found = w.binary_focal_loss(z, torch.tensor([0.0, 1.0, 1.0]), reduction="none")
    found.backward(torch.tensor([0.2, 0.2, 0.0]))
    np.testing.assert_allclose(z.grad.numpy(), [0.2, 0.0, 0.0], rtol=1e-6)


@torch_only
def test_a_large_weight_comes_before_the_power_underflows():
    import torch

    z = torch.tensor([-34.5], requires_grad=True)
    loss = w.binary_focal_loss(z, torch.zeros(1), neg_weight=1e10, reduction="sum")
    loss.backward()
    p = np.exp(-34.5)
    np.testing.assert_allclose(loss.item(), 1e10 * p**3, rtol=1e-6)
    np.testing.assert_allclose(z.grad.item(), 3e10 * p**3, rtol=1e-6)


@torch_only
def test_memory_of_labels_is_one_array_of_the_size_of_the_logits():
    """What autograd holds between forward and backward, and what it makes there."""
    import torch

    z = torch.randn(512, 1000, requires_grad=True)
    y = torch.randint(0, 1000, (512,))
    held = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            found = func(*args, **(kwargs or {}))
            with suppress(AttributeError):
                if found.numel() == z.numel() and found.data_ptr() != z.data_ptr():
                    held.append(found.untyped_storage().data_ptr())
            return found

    with Watch():
        w.cross_entropy(z, y).backward()
    assert len(set(held)) == 1
    assert z.grad.data_ptr() == held[0]


jax_only = pytest.mark.skipif("jax" not in DIFFERENTIABLE, reason="jax is not installed")


TWICE = ["fwd", "rev"] if LONG else ["rev"]  # how a derivative is differentiated


@jax_only
@pytest.mark.parametrize(
    "loss", [w.binary_focal_loss, w.asymmetric_loss] if LONG else [w.binary_focal_loss]
)
def test_every_derivative_that_jax_offers(loss):
    from jax.test_util import check_grads

    jax = DIFFERENTIABLE["jax"].jax
    soft = np.random.default_rng(2).random((7, 3))
    pos, sample = np.array([1.0, 2.0, 3.0]), np.linspace(0.1, 2.0, 7)

    def of(*arrays):
        z, y, pos, sample = map(jax.numpy.asarray, arrays)
        found = loss(z, y, pos_weight=pos, sample_weight=sample, reduction="none")
        return jax.numpy.sum(found**2)  # so that what comes from above is not 1

    with jax.enable_x64(True):
        check_grads(jax.jit(of), (Z, soft, pos, sample), order=1 + LONG)
        check_grads(jax.jit(lambda z: of(z, soft, pos, sample)), (Z,), order=2, modes=TWICE)
        infinite = np.array([np.inf, -np.inf])  # NumPy's arrays, as jvp leaves them
        right = jax.numpy.asarray([1.0, 0.0])
        along = (infinite, np.ones(2)), (np.ones(2), np.ones(2))
        found = jax.jvp(lambda z, pos: loss(z, right, pos_weight=pos), *along)
    assert found == (0.0, 0.0)


@jax_only
def test_every_derivative_of_distributions_in_jax():
    from jax.test_util import check_grads

    jax = DIFFERENTIABLE["jax"].jax

    def of(*arrays):
        z, q, weight = map(jax.numpy.asarray, arrays)
        found = w.cross_entropy(z, q, class_weight=weight, target_range="any", reduction="none")
        return jax.numpy.sum(found**2)

    with jax.enable_x64(True):
        check_grads(jax.jit(of), (Z, SOFT, np.array([1.0, 2.0, 3.0])), order=1 + LONG)
        check_grads(jax.jit(lambda z: of(z, SOFT, np.ones(3))), (Z,), order=2, modes=TWICE)


@jax_only
@pytest.mark.parametrize("loss", [w.binary_cross_entropy, w.binary_focal_loss])
def test_memory_of_binary_losses_in_jax(loss):
    """XLA's CPU backend takes every factor of a sum of products from memory; not so a select."""
    jax = DIFFERENTIABLE["jax"].jax
    z = jax.numpy.zeros(2**20, dtype="float32")
    step = jax.jit(jax.value_and_grad(loss)).lower(z, z).compile()
    assert step.memory_analysis().temp_size_in_bytes < 3.5 * z.nbytes


@jax_only
@pytest.mark.parametrize("rows", [8, 20])
def test_the_gradient_to_the_weight_is_made_once_in_jax(rows):
    """What follows a loop is done in place; fused with an update it needs the matrix twice."""
    jax = DIFFERENTIABLE["jax"].jax
    hidden, weight = (jax.numpy.zeros((n, 256), dtype="float32") for n in (rows, 40_000))
    labels = jax.numpy.zeros(rows, dtype=int)

    def loss(hidden, weight):
        return w.linear_cross_entropy(hidden, weight, labels, block_size=8)

    step = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(hidden, weight).compile()
    assert step.memory_analysis().temp_size_in_bytes < weight.nbytes


@jax_only
@pytest.mark.parametrize(("classes", "product"), [(10, True), (100, False)])
def test_few_classes_are_added_up_as_a_product_in_jax(classes, product):
    """Among many, on a CPU, the label's number is written in place, into the only large array."""
    jax = DIFFERENTIABLE["jax"].jax
    z, y = jax.numpy.zeros((1000, classes)), jax.numpy.zeros(1000, dtype=int)
    lowered = jax.jit(jax.value_and_grad(w.cross_entropy)).lower(z, y)
    assert ("stablehlo.scatter" in lowered.as_text()) != product
    step = lowered.compile()
    assert (" dot(" in step.as_text()) == product
    assert step.memory_analysis().temp_size_in_bytes < z.nbytes
