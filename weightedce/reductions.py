"""From one loss per element to the number that is asked for: the only room that divides."""

from typing import Any, NamedTuple, Self

from weightedce.backends import Array, backend_of
from weightedce.batch import BinaryBatch, ClassBatch
from weightedce.options import choice

Batch = BinaryBatch | ClassBatch
REDUCTIONS = ("none", "sum", "mean", "weighted_mean", "total")


class LossTotal(NamedTuple):
    """Sums of a loss that add up over micro-batches, processes and devices.

    ``a + b`` is the total of both batches, and Python's ``sum`` adds up a list of them. It is a
    tuple of three 0-d arrays of one dtype, so that JAX, PyTorch and TensorFlow take it as a
    tree: ``jax.lax.psum(total, "batch")``, ``torch.stack(list(total))``.

    Parameters
    ----------
    loss : array
        Sum of the losses, in nats.
    weight : array
        Sum of the effective weights.
    count : array
        Number of unmasked elements (binary) or examples (multi-class). It is of the loss's
        dtype: in float32 a single running count is exact up to 16,777,216.

    Examples
    --------
    >>> import numpy as np
    >>> z, y = np.array([0.0, 2.0, -1.0]), np.array([1.0, 1.0, 0.0])
    >>> whole = binary_cross_entropy(z, y, reduction="total")
    >>> parts = [binary_cross_entropy(z[i], y[i], reduction="total") for i in ([0], [1, 2])]
    >>> bool(np.isclose(sum(parts).mean(), whole.mean()))
    True
    """

    loss: Array
    weight: Array
    count: Array

    def __add__(self, other: tuple[Any, ...], /) -> Self:
        """Add element by element, not as tuples do."""
        if not isinstance(other, LossTotal):
            return NotImplemented
        return type(self)(
            self.loss + other.loss, self.weight + other.weight, self.count + other.count
        )

    def __radd__(self, other: object, /) -> Self:
        """Let ``sum`` start from its 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def mean(self) -> Array:
        """Return loss / count, and 0 where nothing was counted."""
        return ratio(self.loss, self.count)

    def weighted_mean(self) -> Array:
        """Return loss / weight, and 0 where all weights are 0."""
        return ratio(self.loss, self.weight)


def reduce(loss: Array, batch: Batch, reduction: str) -> Any:
    """Reduce ``loss`` (one number per element or example) by the name of the reduction."""
    choice("reduction", reduction, REDUCTIONS)
    if reduction == "mean" and batch.keep is None:
        size = _size(loss)
        if isinstance(size, float):
            total = batch.xp.sum(loss)
            return total * (1.0 / size) if size else total
    return finished(summed(loss, batch, reduction), reduction)


def summed(loss: Array, batch: Batch, reduction: str) -> LossTotal:
    """Return the sums of a batch; of weight and count those that the reduction asks for, else 0.

    For ``"none"`` the losses stay as they are.
    """
    if reduction == "none":
        return LossTotal(loss, 0.0, 0.0)
    total = batch.xp.sum(loss)
    weight: Any = 0.0
    count: Any = 0.0
    if reduction in ("weighted_mean", "total"):
        each = batch.effective_weight()
        if isinstance(each, float):
            weight = each * _count(loss, None)
        else:
            shape = backend_of(loss).shape(loss)
            weight = batch.xp.sum(batch.xp.broadcast_to(each, shape))
    if reduction in ("mean", "total"):
        count = _count(loss, batch.keep)
    return LossTotal(total, weight, count)


def finished(total: tuple[Array, Array, Array], reduction: str) -> Any:
    """Return what the reduction makes of the sums."""
    sums = LossTotal(*total)
    if reduction in ("none", "sum"):
        return sums.loss
    if reduction == "mean":
        return sums.mean()
    return sums.weighted_mean() if reduction == "weighted_mean" else sums


def _count(loss: Array, keep: Array | None) -> Array:
    """Return the number of unmasked elements, counted as integers, in the loss's dtype."""
    backend = backend_of(loss)
    xp = backend.namespace
    if keep is not None:
        return xp.astype(xp.sum(xp.astype(keep, xp.int32)), loss.dtype)
    return xp.asarray(_size(loss), dtype=loss.dtype, device=backend.device(loss))


def _size(loss: Array) -> Any:
    """Return the number of elements, as a float: 2**31 of them are no int32."""
    backend = backend_of(loss)
    size: Any = 1.0
    for length in backend.shape(loss):
        known = isinstance(length, int)
        size = size * (length if known else backend.namespace.astype(length, loss.dtype))
    return size


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return numerator / denominator, with value and derivative 0 where the denominator is 0."""
    backend = backend_of(numerator)
    own = getattr(backend, "ratio", None)
    if own is not None:
        found: Array = own(numerator, denominator)
        return found
    xp = backend.namespace
    nothing = denominator == 0
    if backend.read(xp.any(nothing)) is False:
        return numerator / denominator
    return xp.where(nothing, 0.0, numerator / xp.where(nothing, 1.0, denominator))
