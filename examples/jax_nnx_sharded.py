"""The training of jax_nnx.py with every batch spread over all devices, in the two usual ways.

XLA_FLAGS=--xla_force_host_platform_device_count=8 python examples/jax_nnx_sharded.py

makes eight devices of one CPU. Both ways give the numbers of one device, up to rounding: the
weights and the denominator are those of the whole batch, not of a device's share of it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jax_nnx
from jax_nnx import CLASSES, UNLABELLED
from weightedce import balanced, class_counts, cross_entropy

Step = Callable[..., jax.Array]


def one_device() -> tuple[Step, None]:
    """Return the step of jax_nnx.py."""
    return jax_nnx.step_of(jax_nnx.weighted), None


def automatic() -> tuple[Step, NamedSharding]:
    """Return the same step, and where to put a batch: the compiler divides the work."""
    mesh = jax.make_mesh((jax.device_count(),), ("batch",), axis_types=(AxisType.Auto,))
    return jax_nnx.step_of(jax_nnx.weighted), NamedSharding(mesh, P("batch"))


def weighted(model: nnx.Module, features: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the loss of the whole batch, from one device's share: add up counts and totals."""
    counts = class_counts(labels, CLASSES, ignore_index=UNLABELLED)
    weights = balanced(jax.lax.psum(counts, "batch"))
    total = cross_entropy(
        model(features),
        labels,
        class_weight=weights,
        ignore_index=UNLABELLED,
        reduction="total",
    )
    return total.across("batch").mean()


def manual(loss: Callable[..., jax.Array] = weighted) -> tuple[Step, NamedSharding]:
    """Return a step that runs on each device with its share of the batch."""
    mesh = jax.make_mesh((jax.device_count(),), ("batch",))

    @nnx.jit
    @nnx.shard_map(mesh=mesh, in_specs=(P(), P(), P("batch"), P("batch")), out_specs=P())
    def step(
        model: nnx.Module, optimizer: nnx.Optimizer, features: jax.Array, labels: jax.Array
    ) -> jax.Array:
        value, gradient = nnx.value_and_grad(loss)(model, features, labels)
        optimizer.update(model, gradient)  # the gradient is already summed over the devices
        return value

    return step, NamedSharding(mesh, P("batch"))


def train(
    way: Callable[[], tuple[Step, NamedSharding | None]],
    steps: int,
    dtype: jnp.dtype = jnp.float32,
) -> tuple[np.ndarray, nnx.Module]:
    """Return the loss at every step, and the trained model."""
    step, place = way()
    model, optimizer = jax_nnx.create(dtype)
    losses = []
    for features, labels in jax_nnx.batches(steps):
        batch = jax.device_put((jnp.asarray(features), jnp.asarray(labels)), place)
        losses.append(step(model, optimizer, *batch))
    return np.array(losses), model


def main() -> None:
    reference, _ = train(one_device, steps=50)
    first, last = reference[:10].mean(), reference[-10:].mean()
    print(f"one device: mean loss of the first ten steps {first:.6f}, of the last {last:.6f}")
    for way in (automatic, manual):
        losses, _ = train(way, steps=50)
        off = np.max(np.abs(losses / reference - 1))
        print(f"{way.__name__}, {jax.device_count()} devices: off by at most {off:.1e}")


if __name__ == "__main__":
    main()
