"""From one loss per element to the number that is asked for: the only room that divides."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, NoReturn, Protocol, Self

from weightedce.backends import Array, Namespace, backend_of
from weightedce.call.across import Gradients, across
from weightedce.call.arguments import all_known
from weightedce.call.options import choice
from weightedce.numerics.at_once import added


class Batch(Protocol):
    """What a reduction asks of a checked batch."""

    @property
    def xp(self) -> Namespace:
        """Return the namespace of the arrays."""

    @property
    def keep(self) -> Array | None:
        """Return what is not masked, of the loss's shape; None: everything."""

    def effective_weight(self) -> Array | float:
        """Return the effective weights; they stretch to the loss's shape."""


class LossTotal(NamedTuple):
    """Sums of a loss that add up over micro-batches, processes and devices.

    ``a + b`` is the total of both batches, and Python's ``sum`` adds up a list of them. It is a
    tuple of three 0-d arrays of one dtype, so that JAX, PyTorch and TensorFlow take it as a
    tree. Over devices they are added up by `across`: ``torch.distributed.all_reduce`` would lose
    the gradient, and ``all_reduce`` of tf.distribute multiply it.

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

    def __mul__(self, other: object, /) -> NoReturn:
        """Refuse what repeats a tuple."""
        raise TypeError(f"LossTotal: expected + another one, got * {other!r:.40}")

    def __rmul__(self, other: object, /) -> NoReturn:
        """Refuse the same on the other side."""
        self.__mul__(other)

    def across(self, devices: Any = None, *, gradients: Gradients | None = None) -> Self:
        r"""Return the sums of all devices, of which each has a part of the batch.

        .. math:: (L, W, n) = \sum_r (L_r, W_r, n_r)

        over the devices r, in one collective of three numbers. Every device must call it, one
        without examples too. What is made of it is then the loss of the whole batch, the same on
        each device, and training by it is that of one device with all the examples.

        Parameters
        ----------
        devices : optional
            PyTorch: a ``ProcessGroup`` or ``DeviceMesh``, by default all processes; where
            torch.distributed is not at work, the sums are those of this process. JAX: the name of
            an axis of ``jax.shard_map``, or several. TensorFlow: None, the replicas of the
            strategy that runs. NumPy: None, nothing to add.
        gradients : {"mean", "sum"}, optional
            What becomes of the devices' gradients afterwards. The default is what the library
            does: PyTorch's DDP, FSDP and Horovod average them; tf.distribute, like an
            ``all_reduce`` by hand, adds them up. JAX knows by itself.

        Returns
        -------
        LossTotal
            Sums in the same dtype; PyTorch adds them up in float64 on the CPU and CUDA.

        Raises
        ------
        TypeError, ValueError
            If ``devices`` is nothing of the library, or holds this device not; for other
            ``gradients``.
        NotImplementedError
            For second derivatives in PyTorch and TensorFlow.

        Notes
        -----
        The gradient goes to the part of each device, without another collective. With
        micro-batches add up the totals first, then go across once.

        Examples
        --------
        >>> import numpy as np
        >>> total = binary_cross_entropy(np.zeros(3), np.ones(3), reduction="total")
        >>> total.across().mean().round(4)
        np.float64(0.6931)
        """
        return type(self)(*across(self, devices, gradients))

    def mean(self) -> Array:
        """Return loss / count, and 0 where nothing was counted."""
        return ratio(self.loss, self.count)

    def weighted_mean(self) -> Array:
        """Return loss / weight, and 0 where all weights are 0."""
        return ratio(self.loss, self.weight)


@dataclass(frozen=True)
class Reduction:
    """What a reduction asks of a batch, and what it makes of the sums."""

    finish: Callable[[LossTotal], Any]
    apart: bool = False  # the losses stay as they are, in the place of their sum
    weighs: bool = False  # it asks for the sum of weights
    counts: bool = False  # it asks for the number of elements

    def sums(self, loss: Array, batch: Batch) -> LossTotal:
        """Return the sums of a batch: of weight and count those that are asked for, else 0."""
        weight: Any = 0.0
        count: Any = 0.0
        if self.weighs:
            each = batch.effective_weight()
            if isinstance(each, float):
                weight = each * _count(loss, None)
            else:
                backend = backend_of(loss)
                weight = backend.sum(batch.xp.broadcast_to(each, backend.shape(loss)))
        if self.counts:
            count = _count(loss, batch.keep)
        return LossTotal(loss if self.apart else backend_of(loss).sum(loss), weight, count)


def _loss(total: LossTotal) -> Array:
    return total.loss


TOTAL = Reduction(lambda total: total, weighs=True, counts=True)
SUM = Reduction(_loss)
MEAN = Reduction(LossTotal.mean, counts=True)
REDUCTIONS: dict[str, Reduction] = {
    "none": Reduction(_loss, apart=True),
    "sum": SUM,
    "mean": MEAN,
    "weighted_mean": Reduction(LossTotal.weighted_mean, weighs=True),
    "total": TOTAL,
}


def reduction_of(name: str) -> Reduction:
    """Return the reduction of a name."""
    found = REDUCTIONS.get(name) if type(name) is str else None
    return REDUCTIONS[choice("reduction", name, tuple(REDUCTIONS))] if found is None else found


def reduce(loss: Array, batch: Batch, reduction: Reduction) -> Any:
    """Reduce ``loss``, one number per element or example."""
    if reduction is MEAN and batch.keep is None:
        backend = backend_of(loss)
        shape = backend.shape(loss)
        if all_known(*shape):
            total, size = backend.sum(loss), prod(shape)
            return total * (1.0 / size) if size else total
    return reduction.finish(reduction.sums(loss, batch))


def with_factor(
    xp: Namespace, total: Any, shape: Any, each: Any, reduction: Reduction
) -> tuple[Any, Any]:
    """Return the same of the sum of NumPy's losses of a shape, nothing masked.

    And the factor of its derivative. ``each`` is an effective weight, one for all or an array,
    where `Reduction.weighs`.
    """
    count, weight = prod(shape), 0.0
    if reduction is MEAN:
        return total / count, 1.0 / count
    if reduction.weighs:
        alike = getattr(each, "shape", ()) == shape
        weight = added(xp, each) if alike else each * count
    if reduction is TOTAL:
        kind = type(total)
        return LossTotal(total, kind(weight), kind(count)), 1.0
    if reduction.weighs:
        return (total / weight, 1.0 / weight) if weight else (0.0 * total, 0.0)
    return total, 1.0


def _count(loss: Array, keep: Array | None) -> Array:
    """Return the number of unmasked elements, counted as integers, in the loss's dtype."""
    backend = backend_of(loss)
    if keep is not None:
        return backend.count(keep, loss.dtype)
    xp = backend.namespace
    size = xp.asarray(1.0, dtype=loss.dtype, device=backend.device(loss))
    for length in backend.shape(loss):  # 2**31 elements are no int32
        size = size * (length if all_known(length) else xp.astype(length, loss.dtype))
    return size


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, with value and derivative 0 where the denominator is 0."""
    return backend_of(numerator).ratio(numerator, denominator)
