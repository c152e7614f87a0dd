"""What targets may be: class labels in 0..K-1, a distribution over the classes, probabilities."""

from functools import partial
from math import isnan, nan
from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.contract import Shape
from weightedce.call.arguments import all_known, same_shape, shown
from weightedce.call.dtypes import dtype_name, is_floating, is_integer, library
from weightedce.call.factors import cast, kept
from weightedce.call.ignored import Ignored, instead
from weightedce.call.values import all_inside
from weightedce.numerics.smoothing import ROUNDING_SLACK
from weightedce.numerics.stable import seen_between

LEAST, MOST = -ROUNDING_SLACK, 1.0 + ROUNDING_SLACK  # of a probability, rounded


def labels_or_distribution(
    targets: Array, shape: Shape, axis: int, of: str = "logits"
) -> tuple[Array, bool]:
    """Return targets in their shape, and whether they are labels: by their rank.

    Labels may keep the class axis, of size 1. Their dtype is any that holds whole numbers, for a
    column with a null is one of floats.
    """
    backend = backend_of(targets)
    mine = backend.shape(targets)
    loss_shape = shape[:axis] + shape[axis + 1 :]
    rank = len(mine)
    if all_known(*mine, *shape) and (mine == shape or (mine == loss_shape and is_integer(targets))):
        return targets, mine == loss_shape  # so it is most often
    if rank == len(shape) and _fits(mine, shape, axis):
        targets = backend.namespace.reshape(targets, mine[:axis] + mine[axis + 1 :])
        rank -= 1

    def where() -> str:  # only when asked: torch.compile cannot show a size that it keeps symbolic
        return f" for {of} of shape {shown(shape)}"

    if rank == len(shape):
        return same_shape("targets", targets, shape, where), False
    if rank != len(shape) - 1:
        raise ValueError(
            f"targets: expected class labels, of shape {shown(loss_shape)}, or a distribution, of "
            f"shape {shown(shape)}{where()} and axis={axis}, got shape {shown(mine)}"
        )
    if dtype_name(targets.dtype) == "bool" and shape[axis] != 2:
        raise TypeError(
            f"targets: expected integer class labels of {shape[axis]} classes, got dtype bool of "
            f"shape {shown(mine)}{where()}"
        )

    def hint() -> str:
        return where() + _other_axis(mine, shape, axis)

    return same_shape("targets", targets, loss_shape, hint), True


def _fits(mine: Shape, shape: Shape, axis: int) -> bool:
    """Tell whether targets have one class where there are several, and may be alike elsewhere."""
    if not all_known(mine[axis]) or mine[axis] != 1:
        return False
    pairs = [pair for i, pair in enumerate(zip(mine, shape, strict=True)) if i != axis]
    return shape[axis] != 1 and all(not all_known(a, b) or a == b for a, b in pairs)


def _other_axis(mine: Shape, shape: Shape, axis: int) -> str:
    """Return the axis to give where labels fit another one than ``axis``."""
    if not all_known(*mine, *shape) or mine == shape[:axis] + shape[axis + 1 :]:
        return ""
    for other in range(len(shape)):
        if mine == shape[:other] + shape[other + 1 :]:
            return f" and axis={axis} (labels of this shape fit axis={other}: pass axis={other})"
    return f" and axis={axis}"


def class_labels(
    name: str,
    labels: Array,
    classes: int,
    ignore: Ignored,
    keep: Array | None = None,
    *,
    seen: bool = True,
) -> tuple[Array, Array | None]:
    """Return labels in the default integers, all in 0..classes-1, and which were not.

    None: there are none, as far as can be read; else a ValueError names the first. What is not
    kept becomes 0. Not ``seen``: nothing is read or raised.
    """
    xp = backend_of(labels).namespace
    whole = xp.arange(0).dtype
    floats = labels.dtype != whole and is_floating(labels)
    if not floats:
        labels = cast(labels, whole)
    if keep is not None:
        labels = xp.where(keep, labels, 0)
    if seen and not floats and seen_between(labels, 0, classes - 1):
        return labels, None
    outside = ~((labels >= 0) & (labels < classes))
    if floats:
        outside = outside | (labels != xp.floor(labels))
    if seen and all_inside(name, labels, outside, 0, classes - 1, partial(instead, ignore)):
        return cast(labels, whole), None
    return cast(xp.where(outside, 0, labels), whole), outside


def check_labels_dtype(name: str, labels: Array) -> None:
    """Refuse what cannot be labels by its dtype."""
    library(name, labels)
    if not is_integer(labels) and not is_floating(labels) and dtype_name(labels.dtype) != "bool":
        raise TypeError(f"{name}: expected integers, got dtype {dtype_name(labels.dtype)}")


def kept_examples(
    mask: Any, ignore: Ignored, given: Array, hard: bool, z: Array, shape: Shape, axis: int
) -> Array | None:
    """Return which examples are kept; None: all.

    Of distributions only NaN can be ignored: an example with NaN among its shares.
    """
    if hard:
        if ignore and not is_floating(given):
            xp = backend_of(given).namespace
            given = cast(given, xp.arange(0).dtype)  # of uint8, -100 is no number
        return kept(mask, ignore, given, z, shape)
    for label in ignore:
        if not isinstance(label, float) or not isnan(label):
            raise ValueError(
                f"ignore_index: expected None, or NaN, for a distribution over the classes, got "
                f"{label!r}: use mask"
            )
    keep = kept(mask, (), given, z, shape)
    if ignore and is_floating(given):
        xp = backend_of(given).namespace
        known = ~xp.any(given != given, axis=axis)
        keep = known if keep is None else keep & known
    return keep


def kept_shares(given: Array, keep: Array | None, dtype: Any, axis: int) -> Array:
    """Return a distribution, 0 in the examples that are not kept."""
    given = cast(given, dtype)
    if keep is None:
        return given
    xp = backend_of(given).namespace
    return xp.where(xp.expand_dims(keep, axis=axis), given, 0.0)


def in_range(name: str, values: Array, target_range: str, *, seen: bool = True) -> Array:
    """Return targets that are probabilities, or of any size for ``"any"``."""
    return values if target_range == "any" else probabilities(name, values, seen=seen)


def shares_in_range(
    name: str, values: Array, target_range: str, *, seen: bool = True
) -> tuple[Array, Array | None]:
    """Return the same, and which of them are still to become NaN; None: none."""
    if not backend_of(values).marks_in_sums:
        return in_range(name, values, target_range, seen=seen), None
    if target_range == "any" or (seen and _are_probabilities(name, values)):
        return values, None
    return values, (values < LEAST) | (values > MOST)


def probabilities(name: str, values: Array, *, seen: bool = True) -> Array:
    """Return ``values`` if they are in [0, 1] up to rounding; NaN where nothing can be raised."""
    if seen and _are_probabilities(name, values):
        return values
    return backend_of(values).marked_outside(values, LEAST, MOST, nan)


def _are_probabilities(name: str, values: Array) -> bool:
    """Raise for the first value that is none; tell whether that could be checked."""
    if seen_between(values, LEAST, MOST):
        return True
    return all_inside(name, values, ~((values >= LEAST) & (values <= MOST)), 0, 1)
