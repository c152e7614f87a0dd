"""Loss and slope by logits, compiled by JAX: of any loss, sums over rows and ratios of sums alike.

`derivatives` has the same numbers of what is a sum over rows, and no compilation, but a study
takes some million of them. Rows are filled up to a few sizes, and masked, so that a loss is
compiled for these and not for each fold.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

STEP = 1.25  # of one size of a compiled loss to the next


class Slopes(NamedTuple):
    """What the network asks of `derivatives`."""

    loss: Any
    first: np.ndarray


def slopes(
    loss: Callable[..., Any],
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    reduction: str,
    **given: Any,
) -> Slopes:
    """Return the reduced loss and its derivative to the logits."""
    arrays = {k: np.asarray(x) for k, x in given.items() if isinstance(x, (list, np.ndarray))}
    fixed = tuple((k, x) for k, x in given.items() if k not in arrays)
    n, size = len(logits), _size(len(logits))
    z = np.zeros((size, logits.shape[1]))
    z[:n] = logits
    y = np.zeros(size, np.int64)
    y[:n] = labels
    value, first = _compiled(loss, reduction, fixed)(z, y, np.arange(size) < n, arrays)
    return Slopes(float(value), np.asarray(first)[:n])


@cache
def _compiled(
    loss: Callable[..., Any], reduction: str, fixed: tuple[tuple[str, Any], ...]
) -> Callable[..., Any]:
    def of(z: jax.Array, y: jax.Array, mask: jax.Array, arrays: dict[str, jax.Array]) -> jax.Array:
        return loss(z, y, mask=mask, reduction=reduction, **dict(fixed), **arrays)

    return jax.jit(jax.value_and_grad(of))


@cache
def _size(rows: int) -> int:
    size = 64.0
    while size < rows:
        size *= STEP
    return int(np.ceil(size))
