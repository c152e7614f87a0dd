"""What soft counts are sums of: probabilities of both answers, and the share that each target has.

For a softmax each class is a question of its own: it, or another one.
"""

from typing import Any, NamedTuple, get_args

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, dtypes, options
from weightedce.call.binary_batch import binary_batch, smoothed
from weightedce.call.class_batch import class_batch
from weightedce.call.collated import targets_beside
from weightedce.call.factors import along, times
from weightedce.call.options import Absent, Link
from weightedce.numerics import softmax, stable


class Sides(NamedTuple):
    """One number of each an element, or an example and class."""

    p: Array
    rest: Array  # 1 - p, with all its digits
    positive: Array  # share of the target and weights
    negative: Array
    axis: int  # of the labels or classes


def linked(link: Link | None, logits: Array, targets: Any, axis: int | None) -> tuple[Link, Array]:
    """Return the link that is meant, and the targets beside the logits.

    Targets without the axis of the logits, or with one of size 1 there, can only be classes.
    """
    dtypes.library("logits", logits)
    targets = targets_beside(targets, logits)
    if link is not None:
        options.choice("link", link, get_args(Link))
        return link, targets
    backend = backend_of(logits)
    mine, shape = backend.shape(targets), backend.shape(logits)
    at = -1 if axis is None else options.whole("axis", axis)
    if not shape or not -len(shape) <= at < len(shape):
        return "sigmoid", targets  # or an error, which that finds
    several = not arguments.all_known(shape[at]) or shape[at] > 1
    without = len(mine) == len(shape) - 1
    column = len(mine) == len(shape) and arguments.all_known(mine[at]) and mine[at] == 1
    return ("softmax" if several and (without or column) else "sigmoid"), targets


def absent_of(absent: Absent | None, link: Link) -> Absent:
    """Return what becomes of classes without targets.

    With a softmax what is given to them is taken from others; with a sigmoid it would cost nothing.
    """
    return ("skip" if link == "softmax" else "count") if absent is None else absent


def of_elements(logits: Array, targets: Any, *, axis: int | None, **given: Any) -> Sides:
    """Return the sides of independent yes/no targets."""
    b = binary_batch(logits, targets, axis=-1 if axis is None else axis, **given)
    p, rest = stable.chances(b.logits)
    return Sides(p, rest, b.positive, b.negative, b.axis)


def of_classes(
    logits: Array,
    targets: Any,
    *,
    pos_weight: Any,
    neg_weight: Any,
    axis: int | None,
    label_smoothing: Any,
    smoothing_weight: str,
    **given: Any,
) -> Sides:
    """Return the sides of every class against the rest."""
    b = class_batch(
        logits,
        targets,
        axis=-1 if axis is None else axis,
        class_weight=None,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        **given,
    )
    if not isinstance(b.smoothing, float) and len(b.smoothing.shape):
        raise ValueError(
            f"label_smoothing: expected one number for the soft counts of classes, got "
            f"{label_smoothing!r:.80}"
        )
    shape = backend_of(b.logits).shape(b.logits)
    pos = times(b.weight, along("pos_weight", pos_weight, b.logits, shape, b.axis))
    neg = times(b.weight, along("neg_weight", neg_weight, b.logits, shape, b.axis))
    q = b.targets
    share = b.smoothing / shape[b.axis]
    positive, negative = smoothed(
        q, 1.0 - q, pos, neg, share, b.smoothing - share, smoothing_weight
    )
    minus_log_p = softmax.negative_log_softmax(b.logits, b.axis)
    p, rest = b.xp.exp(-minus_log_p), stable.complement(minus_log_p)
    return Sides(p, rest, positive, negative, b.axis)
