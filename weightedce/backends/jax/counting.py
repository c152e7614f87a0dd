"""JAX: counting labels, on one device or on several."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from weightedce.backends.handed import Array


@partial(jax.jit, static_argnums=1)
def bincount(labels: Array, size: int) -> Array:
    """Count 0..size-1 in a vector of integers in 0..size."""
    mesh = jax.typeof(labels).sharding.mesh
    # explicit axes have to be told that all devices get the counts; others find it out
    everywhere = (
        NamedSharding(mesh, PartitionSpec()) if AxisType.Explicit in mesh.axis_types else None
    )
    none = jnp.zeros(size, jnp.arange(0).dtype)
    return none.at[labels].add(1, mode="drop", out_sharding=everywhere)
