"""What each library's transformations and compilers do with a loss."""

import subprocess
import sys

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LONG

Z = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0], [-4.0, 0.0, 0.5]])
LABELS = np.array([2, 0, 1, 1])
Y = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]], dtype=float)
LOSSES = [(w.cross_entropy, LABELS), (w.binary_cross_entropy, Y)]
both = pytest.mark.parametrize(("loss", "targets"), LOSSES)

needs = {
    name: pytest.mark.skipif(name not in DIFFERENTIABLE, reason=f"{name} is not installed")
    for name in ("torch", "jax", "tensorflow")
}
MODES = [
    pytest.param(library, mode, id=f"{library.name}-{mode}")
    for library in DIFFERENTIABLE.values()
    for mode in library.modes[1:]
]


def derived(library, mode, loss, z, *arrays):
    """Return value and gradient from one program."""
    with library.scope("float64"):
        given = [library.array(x) for x in (z, *arrays)]
        return [library.numpy(x) for x in library.prepared(mode, loss, (0, 1), 2)(*given)]


@pytest.mark.parametrize(("library", "mode"), MODES)
@both
def test_a_bad_target_in_compiled_code_is_nan(library, mode, loss, targets):
    def per_example(z, y):
        return loss(z, y, reduction="none")

    def total(z, y):
        return loss(z, y, reduction="sum")

    for bad in (-1, 3, 255):
        y = targets.copy()
        y[1] = bad
        for got in derived(library, mode, per_example, Z, y):
            assert np.isnan(got[1]).all()
            assert np.isfinite(np.delete(got, 1, axis=0)).all()
        assert np.isnan(library.evaluate(mode, total, Z, [y]))


SMOOTHED = {"label_smoothing": 0.1, "class_weight": [1.0, 2.0, 3.0], "reduction": "none"}


@needs["jax"]
@pytest.mark.parametrize(
    "options",
    [{"reduction": "none"}, SMOOTHED, {**SMOOTHED, "smoothing_weight": "class"}],
    ids=["plain", "smoothed", "smoothed by class"],
)
def test_a_bad_share_in_a_program_of_jax_is_nan_in_its_row(options):
    """It becomes NaN where the shares are added up; the gradient reads them as they came."""
    q = np.full((4, 3), 1.0 / 3)
    q[1], q[3] = (-0.2, 0.6, 0.6), (0.0, 0.0, 1.2)

    def loss(z, q):
        return w.cross_entropy(z, q, **options)

    for got in derived(DIFFERENTIABLE["jax"], "jit", loss, Z, q):
        assert np.isnan(got[1::2]).all()
        assert np.isfinite(got[::2]).all()


@needs["jax"]
@pytest.mark.parametrize("options", [{"reduction": "weighted_mean"}, {"class_weight": "batch"}])
def test_a_bad_share_in_a_program_of_jax_is_nan_in_what_is_made_of_the_batch(options):
    q = np.eye(3)[LABELS]
    q[1] = 1.2, -0.2, 0.0
    for got in derived(
        DIFFERENTIABLE["jax"], "jit", lambda z, q: w.cross_entropy(z, q, **options), Z, q
    ):
        assert np.isnan(got).all()


# Dynamo: see test_of_each, which ignores several
@pytest.mark.parametrize(("library", "mode"), [x for x in MODES if LONG or x.id != "torch-compile"])
@both
def test_an_ignored_target_in_compiled_code_is_zero(library, mode, loss, targets):
    y, z = targets.copy(), Z.copy()
    y[1], z[1] = 255, np.nan

    def ignoring(z, y):
        return loss(z, y, ignore_index=255)

    rest = np.array([True, False, True, True])
    value, gradient = derived(library, mode, ignoring, z, y)
    np.testing.assert_allclose(value, loss(Z[rest], targets[rest]), rtol=1e-14)
    assert (gradient[1] == 0).all()
    assert np.isfinite(gradient).all()


@needs["jax"]
@both
def test_jax_transformations(loss, targets):
    jax = DIFFERENTIABLE["jax"].jax
    z, y = jax.numpy.asarray(Z), jax.numpy.asarray(targets)
    per = loss(z, y, reduction="none")
    mapped = jax.vmap(lambda z, y: loss(z, y, reduction="none"))(z, y)
    np.testing.assert_allclose(mapped, per, rtol=1e-15)
    for transform in (
        jax.hessian,
        lambda f: jax.jacrev(jax.jacrev(f)),
        lambda f: jax.jacfwd(jax.jacfwd(f)),
    ):
        hessian = jax.jit(transform(lambda z: loss(z, y)))(z).reshape(12, 12)
        np.testing.assert_allclose(hessian, hessian.T, atol=1e-16)
        if loss is w.cross_entropy:
            p = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
            blocks = [np.diag(p) - np.outer(p, p) for p in p]
        else:
            p = 1 / (1 + np.exp(-Z))
            blocks = [np.diag(p * (1 - p)) / 3 for p in p]
        expected = np.zeros((12, 12))
        for i, block in enumerate(blocks):
            expected[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = block / 4
        np.testing.assert_allclose(hessian, expected, rtol=1e-12, atol=1e-16)


@needs["jax"]
def test_jax_collects_totals_over_devices_and_steps():
    jax = DIFFERENTIABLE["jax"].jax
    z, y = jax.numpy.asarray(Z), jax.numpy.asarray(LABELS)
    whole = w.cross_entropy(z, y, class_weight=[1.0, 2.0, 3.0], reduction="total")

    def part(z, y):
        total = w.cross_entropy(z, y, class_weight=[1.0, 2.0, 3.0], reduction="total")
        return jax.lax.psum(total, "batch")

    summed = jax.vmap(part, axis_name="batch")(z.reshape(2, 2, 3), y.reshape(2, 2))
    assert isinstance(summed, w.LossTotal)
    np.testing.assert_allclose(summed.weighted_mean()[0], whole.weighted_mean(), rtol=1e-15)

    def step(total, batch):
        return total + w.cross_entropy(*batch, reduction="total"), None

    start = w.LossTotal(*jax.numpy.zeros(3))
    scanned, _ = jax.lax.scan(step, start, (z.reshape(2, 2, 3), y.reshape(2, 2)))
    np.testing.assert_allclose(scanned.mean(), w.cross_entropy(Z, LABELS), rtol=1e-15)


@needs["jax"]
def test_jax_without_x64_stays_float32():
    jax = DIFFERENTIABLE["jax"].jax
    with jax.enable_x64(False):
        z, y = jax.numpy.asarray(Z), jax.numpy.asarray(LABELS)
        value, gradient = jax.value_and_grad(w.cross_entropy)(z, y, class_weight=[1.0, 2.0, 3.0])
        weights = w.balanced(w.class_counts(y, 3))
    assert value.dtype == gradient.dtype == weights.dtype == "float32"
    expected = w.cross_entropy(Z, LABELS, class_weight=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(value, expected, rtol=1e-6)


@needs["torch"]
@both
def test_torch_func(loss, targets):
    torch = DIFFERENTIABLE["torch"].torch
    from torch import func

    z, y = torch.tensor(Z), torch.tensor(targets)
    expected = torch.autograd.functional.hessian(lambda z: loss(z, y), z)
    torch.testing.assert_close(func.hessian(lambda z: loss(z, y))(z), expected)
    per = func.vmap(lambda z, y: loss(z, y, reduction="none"))(z, y)
    torch.testing.assert_close(per, loss(z, y, reduction="none"))
    leaf = z.clone().requires_grad_()
    loss(leaf, y).backward()
    torch.testing.assert_close(func.grad(lambda z: loss(z, y))(z), leaf.grad)
    _, forward = func.jvp(lambda z: loss(z, y), (z,), (torch.ones_like(z),))
    torch.testing.assert_close(forward, leaf.grad.sum())


@needs["torch"]
@pytest.mark.parametrize("policy", ["target", "class"])
def test_torch_gradcheck_to_every_argument(policy):
    torch = DIFFERENTIABLE["torch"].torch
    random = np.random.default_rng(0)
    z, q = torch.tensor(Z), torch.tensor(random.dirichlet([1] * 3, 4))
    sample, weight, other = (torch.tensor(random.uniform(0.5, 2, n)) for n in (4, 3, 3))
    inputs = [x.requires_grad_() for x in (z, q, sample, weight, other)]
    for reduction in ("none", "weighted_mean"):
        options = {"label_smoothing": 0.1, "smoothing_weight": policy, "reduction": reduction}

        def multi(z, q, s, v, options=options):
            return w.cross_entropy(z, q, sample_weight=s, class_weight=v, **options)

        def binary(z, q, s, v, u, options=options):
            weights = {"sample_weight": s, "pos_weight": v, "neg_weight": u}
            return w.binary_cross_entropy(z, q, **weights, **options)

        for f, given in ((multi, inputs[:4]), (binary, inputs)):
            assert torch.autograd.gradcheck(f, given, check_forward_ad=True)
            assert torch.autograd.gradgradcheck(f, given, fast_mode=True)


@needs["torch"]
def test_torch_compile_takes_changing_batches():
    torch = DIFFERENTIABLE["torch"].torch
    compiled = torch.compile(w.cross_entropy, fullgraph=True)
    for n in (4, 3, 2, 4):
        got = compiled(torch.tensor(Z[:n]), torch.tensor(LABELS[:n]), class_weight=[1.0, 2.0, 3.0])
        expected = w.cross_entropy(Z[:n], LABELS[:n], class_weight=[1.0, 2.0, 3.0])
        np.testing.assert_allclose(got, expected, rtol=1e-14)


@needs["torch"]
def test_torch_compile_takes_parameters():
    torch = DIFFERENTIABLE["torch"].torch
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
    z, labels = torch.nn.Parameter(torch.tensor(Z)), torch.tensor(LABELS)

    def loss():
        return w.cross_entropy(z, labels, class_weight=weight)

    torch.compile(loss, fullgraph=True)().backward()
    compiled, weight.grad = weight.grad, None
    loss().backward()
    torch.testing.assert_close(compiled, weight.grad)
    assert weight.grad.abs().min() > 0


@needs["torch"]
@pytest.mark.parametrize("loss", [w.cross_entropy, w.binary_cross_entropy])
def test_gradients_to_weights_at_infinite_logits(loss):
    torch = DIFFERENTIABLE["torch"].torch
    z = torch.tensor([[np.inf, 0.0], [0.0, np.inf]])
    y = torch.tensor([[1, 0], [0, 1]])
    names = ["class_weight"] if loss is w.cross_entropy else ["pos_weight", "neg_weight"]
    weights = {name: torch.ones(2, requires_grad=True) for name in names}
    loss(z, y, reduction="sum", **weights).backward()
    for weight in weights.values():
        assert torch.isfinite(weight.grad).all()


@needs["torch"]
def test_fake_tensors_get_shapes_and_no_error():
    from torch._subclasses.fake_tensor import FakeTensorMode

    torch = DIFFERENTIABLE["torch"].torch
    with FakeTensorMode():
        z, labels = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
        assert w.cross_entropy(z, labels, reduction="none").shape == (4,)


@needs["tensorflow"]
@both
def test_tf_function_with_every_batch_size_unknown(loss, targets, capfd):
    tf = DIFFERENTIABLE["tensorflow"].tf
    rank = targets.ndim
    batch = [None, 3][:rank]
    signature = [
        tf.TensorSpec([None, 3], tf.float64),
        tf.TensorSpec(batch, targets.dtype),
        tf.TensorSpec([None], tf.float64),
        tf.TensorSpec([None], tf.bool),
    ]

    @tf.function(input_signature=signature)
    def step(z, y, sample, mask):
        total = loss(z, y, sample_weight=sample, mask=mask, reduction="total")
        return total, loss(z, y, sample_weight=sample, mask=mask), total.weighted_mean()

    for n in (4, 2, 0):
        sample, mask = np.arange(1.0, n + 1), np.arange(n) != 1
        total, mean, weighted = step(Z[:n], targets[:n], sample, mask)
        expected = {
            r: loss(Z[:n], targets[:n], sample_weight=sample, mask=mask, reduction=r)
            for r in ("mean", "weighted_mean", "total")
        }
        np.testing.assert_allclose(mean, expected["mean"], rtol=1e-14)
        np.testing.assert_allclose(weighted, expected["weighted_mean"], rtol=1e-14)
        np.testing.assert_allclose(total, expected["total"], rtol=1e-14)
    assert "AutoGraph" not in "".join(capfd.readouterr())
    for sizes in (
        (4, 4, 3, 4),
        (4, 4, 4, 3),
        (4, 3, 4, 4),
        (1, 1, 4, 1),
        (1, 4, 1, 1),
        (4, 1, 4, 4),
    ):
        arrays = [Z, targets, np.ones(4), np.ones(4, bool)]
        with pytest.raises(tf.errors.InvalidArgumentError):
            step(*(x[:n] for x, n in zip(arrays, sizes, strict=True)))


@needs["tensorflow"]
def test_tf_unknown_rank_and_classes_are_named():
    tf = DIFFERENTIABLE["tensorflow"].tf
    with pytest.raises(ValueError, match="known rank"):
        tf.function(w.cross_entropy, input_signature=[
            tf.TensorSpec(None, tf.float32), tf.TensorSpec([None], tf.int64)
        ]).get_concrete_function()  # fmt: skip
    with pytest.raises(ValueError, match="known number of classes"):
        tf.function(w.cross_entropy, input_signature=[
            tf.TensorSpec([4, None], tf.float32), tf.TensorSpec([4], tf.int64)
        ]).get_concrete_function()  # fmt: skip


FIRST = """
import torch, weightedce
z, y = torch.zeros(2, 3, requires_grad=True), torch.tensor([0, 1])
torch.compile(weightedce.cross_entropy, fullgraph=True, backend="eager")(z, y).backward()
"""


@needs["torch"]
def test_the_first_call_of_a_process_may_be_compiled():
    """Dynamo checks its guards after the trace, in which our adapter of torch is imported."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]


@needs["tensorflow"]
@pytest.mark.parametrize("classes", [3, 40])  # 40: labels are places in a matrix
def test_tf_vectorized_map(classes):
    tf = DIFFERENTIABLE["tensorflow"].tf
    random = np.random.default_rng(0)
    z, y = random.normal(size=(2, 4, classes)), random.integers(0, classes, (2, 4))
    binary = random.random((2, 4, classes))

    def each(batch):
        z, y, binary = batch
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = w.cross_entropy(z, y) + w.binary_cross_entropy(z, binary)
        return value, tape.gradient(value, z)

    mapped = tf.vectorized_map(each, (tf.constant(z), tf.constant(y), tf.constant(binary)))
    for i in range(2):
        single = each((tf.constant(z[i]), tf.constant(y[i]), tf.constant(binary[i])))
        for found, expected in zip(mapped, single, strict=True):
            np.testing.assert_allclose(found[i], expected, rtol=1e-13)


@needs["tensorflow"]
@both
def test_tf_variables_nested_tapes_and_forward_mode(loss, targets):
    tf = DIFFERENTIABLE["tensorflow"].tf
    z, y = tf.Variable(Z), tf.constant(targets)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            value = loss(z, y)
        gradient = inner.gradient(value, z)
        squared = tf.reduce_sum(gradient**2)
    assert np.isfinite(outer.gradient(squared, z)).all()
    with tf.autodiff.ForwardAccumulator(z, tf.ones_like(z)) as forward:
        value = loss(z, y)
    np.testing.assert_allclose(forward.jvp(value), tf.reduce_sum(gradient), atol=1e-15)
