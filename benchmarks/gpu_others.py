"""What `gpu.py` runs beside PyTorch's own: other people's kernels, JAX and TensorFlow.

Each as far as it is installed and sees the device; what is not is said in the report.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - as torch calls it

import weightedce as w
from clock import interleaved, spread

SECONDS = 2.0  # for a comparison
Ways = dict[str, Callable[[], Any]]
# rows, features and classes of a head; rows and classes; elements
SIZES = {
    "cuda": ((8192, 2048, 50257), (8192, 1000), 4_000_000),
    "cpu": ((64, 32, 500), (256, 100), 100_000),
}


def heads(device: str, left: list[str]) -> Ways:
    """Return value and gradients of a linear layer and its loss, in bfloat16."""
    (rows, features, classes), *_ = SIZES[device]
    hidden = torch.randn(rows, features, device=device, dtype=torch.bfloat16).requires_grad_()
    weight = (torch.randn(classes, features, device=device) / features**0.5).bfloat16()
    weight.requires_grad_()
    y = torch.randint(0, classes, (rows,), device=device)
    losses: dict[str, Callable[..., Any]] = {
        "ours": lambda h, w_, y: w.linear_cross_entropy(h, w_, y),
        "torch": lambda h, w_, y: F.cross_entropy(h @ w_.T, y),
    }
    try:
        from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

        losses["Liger"] = liger_fused_linear_cross_entropy
    except ImportError:
        left.append("Liger's kernels: liger_kernel is not installed")
    try:
        from cut_cross_entropy import linear_cross_entropy

        losses["cut-cross-entropy"] = linear_cross_entropy
    except ImportError:
        left.append("cut-cross-entropy's kernels: cut_cross_entropy is not installed")

    def both(loss: Callable[..., Any]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(loss(hidden, weight, y), (hidden, weight))

    return {name: both(loss) for name, loss in losses.items()}


def batches(device: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return logits and targets of labels, of distributions and of elements."""
    random = np.random.default_rng(0)
    _, (rows, classes), many = SIZES[device]
    z = random.normal(size=(rows, classes)).astype("float32")
    shares = random.dirichlet(np.ones(classes), rows).astype("float32")
    y = random.integers(0, 2, many).astype("float32")
    return {
        "labels": (z, random.integers(0, classes, rows).astype("int32")),
        "distributions": (z, shares),
        "binary": (random.normal(size=many).astype("float32"), y),
    }


def ours(name: str, z: Any, y: Any) -> Any:
    return w.binary_cross_entropy(z, y) if name == "binary" else w.cross_entropy(z, y)


def of_jax(device: str) -> dict[str, Ways]:
    """Return value and gradient under jit, beside optax if it is there; raise where no GPU is."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch is here too
    import jax

    place = jax.devices("gpu" if device == "cuda" else "cpu")[0]
    peers: dict[str, Callable[..., Any]] = {}
    try:
        import optax

        peers = {
            "labels": optax.softmax_cross_entropy_with_integer_labels,
            "distributions": optax.softmax_cross_entropy,
            "binary": optax.sigmoid_binary_cross_entropy,
        }
    except ImportError:
        pass

    def step(loss: Callable[..., Any], *arrays: Any) -> Callable[[], Any]:
        compiled = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(compiled(*arrays))

    found: dict[str, Ways] = {}
    for name, batch in batches(device).items():
        arrays = [jax.device_put(x, place) for x in batch]
        found[name] = {"ours": step(lambda z, y, name=name: ours(name, z, y), *arrays)}
        if name in peers:
            mean = peers[name]
            found[name]["optax"] = step(lambda z, y, of=mean: of(z, y).mean(), *arrays)
    return found


def of_tensorflow(device: str) -> dict[str, Ways]:
    """Return value and gradient in graphs, beside tf.nn; raise where no GPU is."""
    import tensorflow as tf

    if device == "cuda":
        seen = tf.config.list_physical_devices("GPU")
        if not seen:
            raise RuntimeError("TensorFlow sees no GPU")
        for one in seen:
            tf.config.experimental.set_memory_growth(one, True)
    where = "/GPU:0" if device == "cuda" else "/CPU:0"
    nn = tf.nn
    peers: dict[str, Callable[..., Any]] = {
        "labels": lambda z, y: nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z),
        "distributions": lambda z, y: nn.softmax_cross_entropy_with_logits(labels=y, logits=z),
        "binary": lambda z, y: nn.sigmoid_cross_entropy_with_logits(labels=y, logits=z),
    }

    def step(loss: Callable[..., Any], z: Any, y: Any, xla: bool) -> Callable[[], Any]:
        @tf.function(jit_compile=xla)
        def graph(z: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(z)
                value = loss(z, y)
            return value, tape.gradient(value, z)

        return lambda: graph(z, y)[0].numpy()

    found: dict[str, Ways] = {}
    for name, batch in batches(device).items():
        with tf.device(where):
            z, y = map(tf.constant, batch)

        def mean(z: Any, y: Any, of: Any = peers[name]) -> Any:
            return tf.reduce_mean(of(z, y))

        def loss(z: Any, y: Any, name: str = name) -> Any:
            return ours(name, z, y)

        found[name] = {
            "ours": step(loss, z, y, False),
            "tf.nn": step(mean, z, y, False),
            "ours, XLA": step(loss, z, y, True),
            "tf.nn, XLA": step(mean, z, y, True),
        }
    return found


def medians(ways: Ways, ended: Callable[[], Any], left: list[str]) -> dict[str, float]:
    """Return the median time of each way in us, those that fail left out; they take turns."""
    able: Ways = {}
    for name, call in ways.items():
        try:
            call()
        except Exception as error:  # of whatever class: other people's kernels and their compilers
            left.append(f"{name}: {error!r:.200}")
        else:
            able[name] = lambda call=call: (call(), ended())
    times = interleaved(able, SECONDS)
    return {f"{name}, us": 1e6 * spread(found)[0] for name, found in times.items()}


def beside(device: str, ended: Callable[[], Any], left: list[str]) -> list[dict[str, Any]]:
    """Return the times of all there is, and add to ``left`` what is not."""
    rows = [{"case": "linear, bfloat16", **medians(heads(device, left), ended, left)}]
    for library, of in (("JAX", of_jax), ("TensorFlow", of_tensorflow)):
        try:
            found = of(device)
        except (ImportError, RuntimeError) as error:
            left.append(f"{library}: {error!r:.200}")
            continue
        for name, ways in found.items():
            case = {"case": f"{library}, {name}"}
            rows.append(case | medians(ways, lambda: None, left))
    return rows
