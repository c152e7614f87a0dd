"""JAX: speaks the standard itself; places new arrays by itself."""

from typing import Any

import numpy as np

from weightedce.backends.contract import Backend, Shape
from weightedce.backends.handed import Array
from weightedce.backends.missing import needed_by

with needed_by("weightedce.backends.jax"):
    import jax
    import jax.numpy as jnp

from weightedce.backends.jax import adding, at_once, counting, labels, linear, slope
from weightedce.backends.jax import shards as over_shards
from weightedce.backends.jax.across import across, adder
from weightedce.backends.jax.reading import readable


class JAX(Backend):
    """JAX, traced most of the time; XLA fuses what the core composes."""

    namespace = jnp
    name = "JAX"
    differentiates = True
    values_by_numpy = True  # 6 ms a loss without, and a second for the first one of a shape
    marks_in_sums = True  # XLA would write all shares once more: distributions take 1.3 times
    detach = staticmethod(jax.lax.stop_gradient)

    def shape(self, array: Array, /) -> Shape:
        """Return the shape."""
        if not isinstance(array, jax.Array):
            raise TypeError(f"expected a dense array, got {type(array).__name__}")
        return tuple(array.shape)

    def read(self, flag: Array, /) -> bool | None:
        """Read ``flag`` unless it is traced or lives on an accelerator or another host."""
        return bool(flag) if readable(flag) else None

    def extremes(self, array: Array, /) -> tuple[Any, Any] | None:
        """Return the least and the greatest element, where they can be read.

        On one device by NumPy, which shares the memory: of 32 elements 2 us instead of 93.
        """
        if not readable(array):
            return None
        if len(array.devices()) > 1 or array.dtype == jnp.bfloat16:
            return super().extremes(array)
        view = np.asarray(array)
        return view.item(view.argmin()), view.item(view.argmax())

    def to_host(self, array: Array, /) -> Any | None:
        """Return a NumPy array, unless it is traced, or lies on an accelerator."""
        return np.asarray(array) if readable(array) else None

    def constant(self, values: Any, like: Array, /) -> Array:
        """Return a NumPy array as one of JAX, which places it.

        Where integers have 32 bits, the larger ones become the largest, not others.
        """
        if (
            values.dtype.kind in "iu"
            and values.dtype.itemsize == 8
            and not jax.config.jax_enable_x64
        ):
            limits = np.iinfo(np.int32)
            values = np.clip(values, limits.min, limits.max).astype(np.int32)
        return super().constant(values, like)

    def bincount(self, labels: Array, size: int, /) -> Array:
        """Count 0..size-1 in a vector of integers in 0..size.

        Where the labels lie on several devices each counts its own: one all-reduce of the counts.
        """
        if labels.size >= adding.MOST and jnp.arange(0).dtype == jnp.int32:
            raise ValueError(
                f"labels: expected fewer than 2**31 where integers have 32 bits, got "
                f"{labels.size}: count parts of them by ClassCounter, or set jax_enable_x64"
            )
        if readable(labels) and len(labels.devices()) == 1:  # it shares its memory with NumPy
            counts = jnp.asarray(np.bincount(np.asarray(labels), minlength=size)[:size])
            return jax.device_put(counts, labels.sharding) if labels.committed else counts
        return counting.bincount(labels, size)

    across = staticmethod(across)
    adder = staticmethod(adder)
    shards = staticmethod(over_shards.shards)
    label_loss_of_shards = staticmethod(over_shards.label_loss_of_shards)
    mass_loss_of_shards = staticmethod(over_shards.mass_loss_of_shards)
    look_up = staticmethod(labels.look_up)  # JAX refuses lookups across explicit axes of a mesh
    one_hot = staticmethod(labels.one_hot)  # and selects of what lies in different ways
    sum = staticmethod(jnp.sum)  # XLA compiles it as a tree: 2 ulp over 10,000,000 rows
    count = staticmethod(adding.count)
    sums = staticmethod(adding.sums)  # distributions: 1.7 to 2.4 times without
    attach = staticmethod(slope.attach)  # binary losses 2 to 3.6 times, distributions 2.5 to 3.6
    label_loss = staticmethod(labels.label_loss)  # labels 6 to 7.7 times
    views = staticmethod(at_once.views)
    of_host = staticmethod(at_once.of_host)
    with_slope = staticmethod(at_once.with_slope)

    def linear_elements(self, _: Array, __: int, ___: int, /) -> int:
        """Return how many logits are a block."""
        return linear.ELEMENTS

    linear_sums = staticmethod(linear.linear_sums)
    linear_losses = staticmethod(linear.linear_losses)


backend = JAX()
