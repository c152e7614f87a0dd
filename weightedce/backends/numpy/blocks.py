"""NumPy: values in few passes, by blocks that stay in the processor's cache."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from weightedce.backends.adding import in_pieces
from weightedce.backends.handed import Array, Block, Part, Sloped
from weightedce.numerics import softmax, stable
from weightedce.numerics.mass import mass_with_slope

BLOCK = 2**16  # elements: a quarter of a megabyte of float32
FEW = 64  # classes: each is gone through for all rows, since NumPy is slow in short rows


def quiet() -> np.errstate:
    """Return a context without warnings: what comes of infinite logits is computed again."""
    return np.errstate(invalid="ignore", over="ignore")


def added(array: Array, axis: int | None, keepdims: bool = False) -> Array:
    """Return the sum over an axis or of all elements, as `Backend.sum` promises it."""
    last = axis is None or axis % array.ndim == array.ndim - 1
    if last and (array.flags.c_contiguous or array.size < FEW):
        return array.sum(axis=axis, keepdims=keepdims)
    if axis is None:
        return np.ascontiguousarray(array).sum(keepdims=keepdims)
    return in_pieces(np, array, axis, keepdims)


def block_elements(_logits: Array, _others: Sequence[Any]) -> int:
    """Return how many elements to work on at a time."""
    return BLOCK


def by_blocks(
    part: Part, rows: Sequence[Any], size: int, divisor: float
) -> tuple[Array, Array, Array]:
    """Return the sums of ``part`` over blocks of ``size`` rows, the loss over ``divisor``."""
    loss, weight, count = _joined(part, rows, size) if size else _sums(part, rows)
    return loss if divisor == 1.0 else loss / divisor, weight, count


def _joined(part: Part, rows: Sequence[Any], size: int) -> tuple[Array, Array, Array]:
    """Return the sums over blocks of rows, or the losses of all of them."""
    starts = range(0, len(rows[0]), size)
    sums = [_sums(part, [x[start : start + size] for x in rows]) for start in starts]
    losses, weights, counts = zip(*sums, strict=True)
    together: Any = np.concatenate if part.apart else np.sum
    return together(losses), np.sum(weights), np.sum(counts)


def _sums(part: Part, rows: Sequence[Any]) -> tuple[Array, Array, Array]:
    """Return the sums over the rows in few passes, where nothing is infinite."""
    if part.sloped is not None:
        form = in_place(part.sloped)
        with quiet():
            sums = part.with_slope(
                lambda b, slope: form(b.logits, b.positive, b.negative, slope), rows, False
            )[0]
            finite = isfinite(sums[0].sum())
        if finite:
            return sums
    return part.sums(rows)


def attach(block: Block, _: int | None, logits: Array, *factors: Array) -> Array:
    """Return the composed block in few passes, where nothing is infinite."""
    with quiet():
        value: Array = in_place(block.sloped)(logits, *factors, False)[0]
        finite = isfinite(value.sum())
    return value if finite else block.composed(logits, *factors)


def in_place(sloped: Sloped) -> Sloped:
    """Return the block in the form that makes the fewest arrays."""
    own = OWN.get(sloped.func)
    return sloped if own is None else partial(own, *sloped.args)


def softplus_in_place(
    logits: Array, positive: Array, negative: Array, _: bool
) -> tuple[Array, None]:
    """Return ``positive * softplus(-z) + negative * softplus(z)``, and no slope.

    Without ``where``, which takes NumPy six times as long as an exponential.
    """
    tail = np.abs(logits, out=np.empty_like(logits))
    np.log1p(np.exp(np.negative(tail, out=tail), out=tail), out=tail)
    above = np.maximum(logits, 0.0)
    below = above - logits
    below += tail
    below *= positive
    above += tail
    above *= negative
    below += above
    return below, None


def _mass_in_place(
    axis: int, classes: int, logits: Array, mass: Array, _: bool
) -> tuple[Array, None]:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, and no slope."""
    if classes <= FEW and axis:
        logits, mass = (np.ascontiguousarray(np.moveaxis(x, axis, 0)) for x in (logits, mass))
        axis = 0
    highest = logits.max(axis=axis, keepdims=True)
    by, factor = softmax.shift_of(highest, classes)
    powers = logits - by
    np.exp(powers, out=powers)
    place = logits.argmax(axis=axis, keepdims=True)
    np.put_along_axis(powers, place, 0.0, axis)
    rest = added(powers, axis, keepdims=True) * factor
    loss = np.subtract(highest, logits, out=powers)
    loss += np.log1p(rest)
    loss *= mass
    return added(loss, axis), None


OWN: dict[Callable[..., Any], Callable[..., Any]] = {
    stable.softplus_with_slope: softplus_in_place,
    mass_with_slope: _mass_in_place,
}


def label_loss(_: Any, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``."""
    rows = np.moveaxis(logits, axis, -1).reshape(-1, logits.shape[axis])
    count, classes = rows.shape
    flat, loss = labels.reshape(-1), np.empty(count, rows.dtype)
    few = classes <= FEW
    size = max(1, BLOCK // classes)
    for start in range(0, count, size):
        part = slice(start, start + size)
        z, y = rows[part], flat[part]
        with quiet():
            if few:
                place = (y, np.arange(len(y)))
                loss[part] = _block(np.ascontiguousarray(z.T), place, 0)
            else:
                loss[part] = _block(z, (np.arange(len(y)), y), 1)
    return loss.reshape(labels.shape)


def _block(logits: Array, place: tuple[Array, Array], axis: int) -> Array:
    """Return ``logsumexp(z) - z_y`` of a block, whose labels are at ``place``."""
    highest = logits.max(axis=axis, keepdims=True)
    if softmax.unshifted(highest.min(), highest.max()):
        powers, factor = np.exp(logits), np.exp(-highest)
    else:
        by, factor = softmax.shift_of(highest, logits.shape[axis])
        powers = softmax.shifted_exp(logits, by)
    powers[place] = 0.0
    others = powers.sum(axis=axis) * factor.reshape(-1)
    logit, highest = logits[place], highest.reshape(-1)
    return softmax.label_loss(logit, highest, others).loss
