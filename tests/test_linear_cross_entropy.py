"""linear_cross_entropy is cross_entropy of a product: numbers, derivatives, blocks, memory."""

import subprocess
import sys
from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import weightedce as w
from libraries import DIFFERENTIABLE, LIBRARIES, LONG
from weightedce.linear import batch, head

N, D, V = 7, 3, 5
RANDOM = np.random.default_rng(0)
ARRAYS = {
    "hidden": RANDOM.normal(size=(N, D)),
    "weight": RANDOM.normal(size=(V, D)),
    "bias": RANDOM.normal(size=V),
}
LABELS = RANDOM.integers(0, V, N)
BATCHES = {
    "labels": {"targets": LABELS},
    "distribution": {"targets": RANDOM.dirichlet(np.ones(V), N)},
    "weights": {
        "targets": LABELS,
        "class_weight": RANDOM.uniform(0.5, 2.0, V),
        "sample_weight": RANDOM.uniform(0.0, 2.0, N),
        "mask": np.arange(N) % 3 > 0,
    },
}
OPTIONS = {
    "plain": {},
    "ignored": {"ignore_index": int(LABELS[1])},
    "smooth": {"label_smoothing": 0.2, "softcap": 1.5},
    "by class": {"label_smoothing": 0.2, "smoothing_weight": "class", "z_loss": 0.1},
    "capped": {"softcap": 2.0, "z_loss": 0.1, "reduction": "weighted_mean"},
    "rows": {"reduction": "none", "z_loss": 0.1},
}
MODES = [
    (name, mode)
    for name, library in DIFFERENTIABLE.items()
    for mode in library.modes
    if mode not in library.slow
]
close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-14)


def effective(batch, ignore_index=None):
    """Return mask * sample_weight * sum_k q_k w_k."""
    targets = np.asarray(batch["targets"])
    q = np.eye(V)[targets] if targets.ndim == 1 else targets
    keep = np.broadcast_to(batch.get("mask", True), N)
    keep = keep & (targets != ignore_index) if ignore_index is not None else keep
    return (
        keep
        * batch.get("sample_weight", 1.0)
        * (q @ np.broadcast_to(batch.get("class_weight", 1.0), V))
    )


def plain(
    hidden, weight, bias, scale, batch, z_loss=0.0, softcap=None, reduction="mean", **options
):
    """The definition, letter by letter; ``scale`` is the effective weight."""
    xp = w.namespace_of(hidden)
    z = hidden @ (weight.mT if hasattr(weight, "mT") else xp.permute_dims(weight, (1, 0))) + bias
    if softcap is not None:
        z = softcap * xp.tanh(z / softcap)
    loss = w.cross_entropy(z, reduction="none", **batch, **options)
    if z_loss:
        loss = loss + z_loss * scale * xp.log(xp.sum(xp.exp(z), axis=-1)) ** 2
    if reduction == "none":
        return loss
    keep = xp.astype(scale != 0, z.dtype)  # no weight of these tests is 0
    divisor = {"sum": 1.0, "mean": xp.sum(keep), "weighted_mean": xp.sum(scale)}[reduction]
    return xp.sum(loss) / divisor


def both(by, batch, options):
    """Return our loss and the plain one as functions of the array ``by`` and the others."""
    names = [by, *(name for name in (*ARRAYS, *batch) if name != by), "scale"]
    arrays = {**ARRAYS, **batch, "scale": effective(batch, options.get("ignore_index"))}

    def call(loss, *given):
        found = dict(zip(names, given, strict=True))
        hidden, weight, bias, scale = map(found.pop, ("hidden", "weight", "bias", "scale"))
        return loss(hidden, weight, bias, scale, found)

    def ours(hidden, weight, bias, scale, batch):
        return w.linear_cross_entropy(hidden, weight, **batch, bias=bias, block_size=3, **options)

    def reference(hidden, weight, bias, scale, batch):
        return plain(hidden, weight, bias, scale, batch, **options)

    return partial(call, ours), partial(call, reference), [arrays[name] for name in names]


def usable(batch, options):
    return batch != "distribution" or "ignore_index" not in OPTIONS[options]


FEW = [
    ("labels", "plain"),
    ("labels", "ignored"),
    ("distribution", "smooth"),
    ("weights", "by class"),
    ("weights", "capped"),
    ("weights", "rows"),
]


def derived(library, loss, first, rest, order, mode=None, batched=0, dtype="float64"):
    """Return a derivative to the first array; of JAX compiled, since eager scans take seconds."""
    mode = mode or ("jit" if library.name == "jax" else "eager")
    with library.scope(dtype):
        given = [library.array(x, dtype) for x in (first, *rest)]
        return library.numpy(library.prepared(mode, loss, (order,), batched)(*given)[0])


def derived_plainly(library, loss, first, rest, order):
    """Return a derivative of the plain loss, which any library knows: torch compiles nothing."""
    return derived(DIFFERENTIABLE.get("torch", library), loss, first, rest, order)


CASES = [(b, o) for b in BATCHES for o in OPTIONS if usable(b, o)]


@pytest.mark.parametrize(("batch", "options"), CASES)
def test_the_value_under_every_library(library, batch, options):
    if library.name == "jax" and (batch, options) not in FEW and not LONG:
        pytest.skip("compiles every scan anew, for seconds")
    ours, reference, arrays = both("hidden", BATCHES[batch], OPTIONS[options])
    found = library.evaluate("eager", ours, arrays[0], arrays[1:])
    close(found, LIBRARIES["numpy"].evaluate("eager", reference, arrays[0], arrays[1:]))


@pytest.mark.parametrize(("name", "mode"), MODES)
@pytest.mark.parametrize(("batch", "options"), FEW if LONG else FEW[2:5])
def test_gradients(name, mode, batch, options):
    if (name, mode) == ("jax", "eager") and options != "plain":
        pytest.skip("compiles every scan anew, for seconds")
    if mode == "function" and options != "smooth" and not LONG:
        pytest.skip("a graph has the operations of eager code, in a loop of its own")
    library = DIFFERENTIABLE[name]
    for by in ["hidden"] if mode == "function" and not LONG else ARRAYS:
        ours, reference, (first, *rest) = both(by, BATCHES[batch], OPTIONS[options])
        expected = derived_plainly(library, reference, first, rest, 1)
        found = derived(library, ours, first, rest, 1, mode, batched=int(by == "hidden"))
        close(found, expected, err_msg=by)


@pytest.mark.parametrize("options", ["smooth", "capped", "rows"])
@pytest.mark.parametrize("by", ["class_weight", "sample_weight"])
def test_gradients_to_weights(differentiable, by, options):
    """The plain one has no z-loss here, whose weight would have to follow."""
    given = {k: v for k, v in OPTIONS[options].items() if k != "z_loss"}
    given["reduction"] = {"weighted_mean": "sum"}.get(given.get("reduction"), "none")
    ours, reference, (first, *rest) = both(by, BATCHES["weights"], given)
    found = derived(differentiable, ours, first, rest, 1)
    close(found, derived_plainly(differentiable, reference, first, rest, 1))


@pytest.mark.parametrize(
    ("by", "options"),
    [("hidden", "by class"), ("hidden", "capped"), ("bias", "rows")],
)
def test_second_derivatives(differentiable, by, options):
    if differentiable.name == "jax" and options != "capped" and not LONG:
        pytest.skip("compiles every scan anew, for seconds")
    ours, reference, (first, *rest) = both(by, BATCHES["weights"], OPTIONS[options])
    found = derived(differentiable, ours, first, rest, 2)
    expected = derived_plainly(differentiable, reference, first, rest, 2)
    close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_precision(differentiable, dtype):
    ours, reference, (first, *rest) = both("weight", BATCHES["weights"], OPTIONS["capped"])
    expected = derived_plainly(differentiable, reference, first, rest, 1)
    found = derived(differentiable, ours, first, rest, 1, dtype=dtype)
    size = np.abs(expected).max()
    close(found, expected, rtol=0, atol=size * (1e-5 if dtype == "float32" else 0.03))


def test_half_precision_gives_a_float32_loss_and_half_gradients():
    torch = pytest.importorskip("torch")
    hidden = torch.randn(4, D, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(V, D, dtype=torch.float32, requires_grad=True)
    loss = w.linear_cross_entropy(hidden, weight, torch.arange(4))
    loss.backward()
    assert (loss.dtype, hidden.grad.dtype) == (torch.float32, torch.bfloat16)
    assert weight.grad.dtype == torch.float32


@given(st.integers(0, 9), st.integers(1, 12), st.booleans(), st.data())
def test_any_block_size(n, size, soft, data):
    random = np.random.default_rng(data.draw(st.integers(0, 100)))
    hidden, weight = random.normal(size=(n, 2)), 3 * random.normal(size=(4, 2))
    targets = random.dirichlet(np.ones(4), n) if soft else random.integers(0, 4, n)
    given = {"mask": random.uniform(size=n) < 0.7, "sample_weight": random.uniform(size=n)}
    for reduction in ("none", "sum", "mean", "weighted_mean"):
        close(
            w.linear_cross_entropy(
                hidden, weight, targets, reduction=reduction, block_size=size, **given
            ),
            w.cross_entropy(hidden @ weight.T, targets, reduction=reduction, **given),
        )


@pytest.mark.parametrize("rows", [0, 4])
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum"])
def test_nothing_left_is_zero(differentiable, rows, reduction):
    """Of no rows, and of rows that are all masked, whatever they hold."""
    hidden = np.full((rows, D), np.nan)
    loss = partial(w.linear_cross_entropy, reduction=reduction, block_size=3)
    targets, mask = np.zeros(rows, dtype=int), np.zeros(rows, dtype=bool)

    def of_weight(weight, hidden, targets, mask):
        return loss(hidden, weight, targets, mask=mask)

    for order in (0, 1):
        found = derived(differentiable, of_weight, ARRAYS["weight"], (hidden, targets, mask), order)
        assert not np.any(found)


@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one-hot"])
def test_a_class_without_bias_is_left_out(differentiable, one_hot):
    bias = np.array([0.0, -np.inf, 0.0, 0.0, 0.0])
    labels = np.where(LABELS == 1, 0, LABELS)

    def of_weight(weight, hidden, labels, bias):
        return w.linear_cross_entropy(hidden, weight, labels, bias=bias, block_size=2)

    targets = np.eye(5)[labels] if one_hot else labels
    arrays = ARRAYS["weight"], (ARRAYS["hidden"], targets, bias)
    kept = np.array([0, 2, 3, 4])
    value = w.cross_entropy(ARRAYS["hidden"] @ ARRAYS["weight"][kept].T, np.maximum(labels - 1, 0))
    close(derived(differentiable, of_weight, *arrays, 0), value)
    gradient = derived(differentiable, of_weight, *arrays, 1)
    assert np.all(np.isfinite(gradient))
    assert not gradient[1].any()


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one-hot"])
def test_a_row_without_a_possible_class_is_undefined(differentiable, one_hot, classes):
    """NaN as in cross_entropy, and for one class alone 0, whatever its logit is."""
    labels = np.array([0, classes - 1])
    arrays = np.full(classes, -np.inf), np.eye(classes)[labels] if one_hot else labels

    def of_bias(bias, targets):
        hidden, weight = (differentiable.array(np.ones((n, 2))) for n in (2, classes))
        return w.linear_cross_entropy(hidden, weight, targets, bias=bias)

    for order in (0, 1):
        found = derived(differentiable, of_bias, arrays[0], arrays[1:], order)
        np.testing.assert_array_equal(found, np.full_like(found, np.nan if classes > 1 else 0.0))


def test_features_along_another_axis():
    hidden = RANDOM.normal(size=(2, D, 4))
    labels = RANDOM.integers(0, V, (2, 4))
    sample = np.array([0.5, 2.0])
    z = np.einsum("ndh,vd->nvh", hidden, ARRAYS["weight"])
    for targets in (labels, np.moveaxis(np.eye(V)[labels], -1, 1)):
        found = w.linear_cross_entropy(
            hidden, ARRAYS["weight"], targets, axis=1, sample_weight=sample, reduction="none"
        )
        expected = w.cross_entropy(z, targets, axis=1, sample_weight=sample, reduction="none")
        close(found, expected)


H, W = ARRAYS["hidden"], ARRAYS["weight"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((H, W[:, :2], LABELS), r"weight: expected shape \(V, 3\).*got shape \(5, 2\)"),
        ((H, W[0], LABELS), r"weight: expected shape \(V, 3\)"),
        ((H, W.astype(int), LABELS), "weight: expected dtype float64"),
        ((H.astype(int), W, LABELS), "hidden: expected dtype float64"),
        ((H, W, LABELS[:3]), r"targets: expected shape \(7,\) for .*, got shape \(3,\)"),
        ((H, W, LABELS + 9), r"targets: expected values in 0\.\.4"),
        ((H, W, np.full((N, V), 2.0)), r"targets: expected values in 0\.\.1"),
        ((H, W, LABELS, {"bias": np.zeros(3)}), r"bias: expected shape \(5,\)"),
        ((H, W, LABELS, {"class_weight": np.ones(3)}), "class_weight: expected a scalar or shape"),
        ((H, W, LABELS, {"block_size": 0}), "block_size: expected at least 1, got 0"),
        ((H, W, LABELS, {"softcap": 0}), "softcap: expected"),
        ((H, W, LABELS, {"z_loss": -1.0}), "z_loss: expected 0"),
        ((H, W, LABELS, {"reduction": "max"}), "reduction: expected one of"),
        ((H, W, LABELS, {"axis": 2}), "axis: expected .* for hidden of shape"),
        ((H[0, 0], W, LABELS), "hidden: expected shape"),
    ],
)
def test_bad_input_is_named(arguments, message):
    *positional, options = arguments if isinstance(arguments[-1], dict) else (*arguments, {})
    with pytest.raises((TypeError, ValueError), match=message):
        w.linear_cross_entropy(*positional, **options)


def test_an_error_names_the_place_in_the_whole_batch():
    labels = LABELS.copy()
    labels[6] = 77
    with pytest.raises(ValueError, match=r"targets\[6\] = 77"):
        w.linear_cross_entropy(H, W, labels, block_size=2)


def test_blocks_are_taken(monkeypatch):
    """No more than block_size rows of logits are there at a time; by default 12 million logits."""
    seen = []
    total = head.Head.total

    def watched(self, logits, *rest):
        seen.append(logits.shape)
        return total(self, logits, *rest)

    monkeypatch.setattr(head.Head, "total", watched)
    w.linear_cross_entropy(H, W, LABELS, block_size=3)
    assert seen == [(3, V), (3, V), (1, V)]
    assert batch.block_rows(4096, 128_000, None, 3 * 2**22) == 98
    assert batch.block_rows(10, 1000, None, 3 * 2**22) >= 10
    assert batch.block_rows(4096, 2**30, None, 3 * 2**22) == 1


def test_every_way_that_torch_differentiates():
    """Twice, backward a second time, torch.func, forward mode, compiled, and as a module."""
    torch = pytest.importorskip("torch")
    from weightedce.torch import LinearCrossEntropyLoss

    weight, hidden = (torch.tensor(x, requires_grad=True) for x in (W, H))
    labels, options = torch.tensor(LABELS), {"block_size": 4, "softcap": 3.0, "z_loss": 0.1}

    def loss(hidden, weight):
        return w.linear_cross_entropy(hidden, weight, labels, **options)

    given = hidden, weight
    value = loss(*given)
    expected = torch.autograd.grad(value, given, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(value, given), expected)
    constants = hidden.detach(), weight.detach()
    torch.testing.assert_close(torch.func.grad(loss, (0, 1))(*constants), expected)
    compiled = torch.compile(loss, fullgraph=True)
    torch.testing.assert_close(torch.autograd.grad(compiled(*given), given), expected)
    tangents = tuple(torch.ones_like(x) for x in constants)
    moved = sum((g * t).sum() for g, t in zip(expected, tangents, strict=True))
    with torch.autograd.forward_ad.dual_level():
        pairs = zip(constants, tangents, strict=True)
        dual = loss(*(torch.autograd.forward_ad.make_dual(x, t) for x, t in pairs))
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(dual).tangent, moved)
    assert torch.autograd.gradgradcheck(loss, given, fast_mode=True)

    module = LinearCrossEntropyLoss(**options)
    torch.testing.assert_close(module(hidden, weight, labels), value)
    with pytest.raises(ValueError, match="linear_weight: expected shape"):
        module(hidden, weight[:, :2], labels)


MEMORY = """
import sys
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
import linear
ways = {{"torch": linear.torch_ways, "jax": linear.jax_ways, "tensorflow": linear.tensorflow_ways}}
linear.serve({name!r}, {way!r}, (2048, 64, 40_000))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", sorted(set(DIFFERENTIABLE) - {"tensorflow"}) if LONG else [])
def test_memory(name):
    """Two runs in a process of its own: all logits are 328 MB, and the plain way holds them."""
    from pathlib import Path

    benchmarks = str(Path(__file__).parent.parent / "benchmarks")
    peak = {}
    for way in ("ours", "plain"):
        script = MEMORY.format(benchmarks=benchmarks, name=name, way=way)
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, input="\n\n", capture_output=True, text=True, check=True, timeout=300
        )
        runs = [line.split() for line in done.stdout.splitlines() if line.startswith("run")]
        peak[way] = float(runs[-1][2]) / (2048 * 40_000 * 4)
    assert peak["ours"] < 0.8 < 1.0 < peak["plain"], peak


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_no_array_in_a_graph_is_as_large_as_all_logits():
    """What a TensorFlow process holds says little: its allocator keeps what it had once."""
    tf = DIFFERENTIABLE["tensorflow"].tf
    n, d, v = 384, 5, 1031
    given = tf.zeros((n, d)), tf.zeros((v, d)), tf.zeros(n, tf.int32)

    def ours(h, m, y):
        return w.linear_cross_entropy(h, m, y, block_size=128)

    def plain(h, m, y):
        return w.cross_entropy(tf.matmul(h, m, transpose_b=True), y)

    def shapes(loss):
        def step(h, m, y):
            with tf.GradientTape() as tape:
                tape.watch([h, m])
                value = loss(h, m, y)
            return tape.gradient(value, [h, m])

        graph = tf.function(step).get_concrete_function(*given).graph.as_graph_def(add_shapes=True)
        return " ".join(str(graph).split())

    whole, block = (f"dim {{ size: {rows} }} dim {{ size: {v} }}" for rows in (n, 128))
    assert whole in shapes(plain)
    assert whole not in shapes(ours)
    assert block in shapes(ours)


IN_PLACE = """
import sys
from pathlib import Path
sys.modules.update(dict.fromkeys(("jax", "keras", "torch")))  # TensorFlow would import them
import tensorflow as tf
import weightedce
sys.path.insert(0, {benchmarks!r})
import linear

def peak(rows, classes):
    given = tf.ones((rows, 4)), tf.ones((classes, 4)), tf.zeros(rows, tf.int32)

    @tf.function
    def step(h, m, y):
        with tf.GradientTape() as tape:
            tape.watch([h, m])
            loss = weightedce.linear_cross_entropy(h, m, y, block_size=rows)
        return tape.gradient(loss, [h, m])

    before = linear.resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    step(*given)
    return (linear.resident("VmHWM") - before) / (4 * rows * classes)

peak(8, 16)
print(peak(1024, 40_000))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_the_derivative_takes_the_place_of_the_logits_in_tensorflow():
    """One block of 164 MB is one array: two if a scatter, or anything else, copies it."""
    from pathlib import Path

    script = IN_PLACE.format(benchmarks=str(Path(__file__).parent.parent / "benchmarks"))
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert 1.0 < float(done.stdout) < 1.5


@pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="TensorFlow is not installed")
def test_a_constant_in_a_graph_is_not_written_to():
    """Of a constant matrix product, TensorFlow makes the exponentials a constant as well."""
    tf = DIFFERENTIABLE["tensorflow"].tf

    @tf.function
    def loss(labels):
        return w.linear_cross_entropy(tf.constant(H), tf.constant(W), labels)

    for label in range(V):
        labels = np.full(N, label)
        close(loss(tf.constant(labels)), w.linear_cross_entropy(H, W, labels))
