"""Time small batches of JAX outside of jit against optax's: ``python small_jax.py [SECONDS]``.

A training step and the value alone, as in a notebook or a loop for evaluation; and what the first
call of a new shape takes, which compiles operation by operation.
"""

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import weightedce
from clock import interleaved

CLASSES = ((32, 2), (64, 10), (256, 100), (2048, 100), (8192, 100))
ELEMENTS = ((32,), (2_048,), (100_000,), (1_000_000,))
Loss = Callable[..., Any]


def batch(size: tuple[int, ...]) -> tuple[Any, Any]:
    """Return logits and targets: labels of two axes, else zeros and ones."""
    random = np.random.default_rng(size[0])
    z = random.standard_normal(size, dtype=np.float32)
    if len(size) == 1:
        return jnp.asarray(z), jnp.asarray((random.random(size) < 0.1).astype(np.float32))
    return jnp.asarray(z), jnp.asarray(random.integers(0, size[1], size[0]))


def optax_ce(z: Any, y: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()


def optax_bce(z: Any, y: Any) -> Any:
    return optax.sigmoid_binary_cross_entropy(z, y).mean()


FAMILIES: dict[str, tuple[tuple[tuple[int, ...], ...], Loss, Loss]] = {
    "cross-entropy": (CLASSES, weightedce.cross_entropy, optax_ce),
    "binary": (ELEMENTS, weightedce.binary_cross_entropy, optax_bce),
}


def first(loss: Loss, size: tuple[int, ...]) -> float:
    """Return the seconds of the first call of a shape."""
    z, y = batch(size)
    start = time.perf_counter()
    jax.block_until_ready(loss(z, y))
    return time.perf_counter() - start


def ready(call: Loss, *arrays: Any) -> Loss:
    """Return a call that waits for what it returns."""
    return lambda: jax.block_until_ready(call(*arrays))


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    print("loss, size, what: ours, us; ours to optax's; the first call, s: ours, optax's")
    for family, (sizes, *losses) in FAMILIES.items():
        for size in sizes:
            for what in ("value and gradient", "value"):
                calls = [f if what == "value" else jax.value_and_grad(f) for f in losses]
                cold = [first(call, (size[0] + 1, *size[1:])) for call in calls]
                ours, peer = (ready(call, *batch(size)) for call in calls)
                times = interleaved({"ours": ours, "optax": peer}, seconds)
                mine, theirs = median(times["ours"]), median(times["optax"])
                print(
                    f"{family}, {size}, {what}: {mine * 1e6:.0f}, {mine / theirs:.2f}; "
                    f"{cold[0]:.2f}, {cold[1]:.2f}",
                    flush=True,
                )
