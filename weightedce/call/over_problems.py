"""From one loss a class or label to the number that is asked for, weights of the classes included.

Soft counts make one problem of each class: it against the rest.
"""

from collections.abc import Callable
from typing import Any, get_args

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, options
from weightedce.call.columns import is_sequence, plain_numbers
from weightedce.call.factors import one_a_class
from weightedce.call.from_batch import balanced_shares, is_batch
from weightedce.call.options import Absent, Background, LabelReduction, ProblemReduction
from weightedce.call.reductions import ratio

Counts = tuple[Array, ...]  # tp, fn, fp, tn


def over_problems(
    counts: Counts,
    loss: Callable[[Counts], Array],
    *,
    class_weight: Any,
    background: Background,
    absent: Absent,
    reduction: ProblemReduction,
) -> Array:
    """Return ``loss(counts)`` reduced over the problems, or the loss of pooled counts."""
    options.choice("reduction", reduction, get_args(ProblemReduction))
    options.choice("absent", absent, get_args(Absent))
    backend = backend_of(counts[0])
    xp = backend.namespace
    # not above 0: NaN counts are no absent class
    there = counts[0] + counts[1] != 0 if absent == "skip" else None
    if not len(counts[0].shape):
        _refuse_of_one(class_weight, background)
        found = loss(counts)
        return found if there is None else xp.where(there, found, xp.zeros_like(found))
    foreground = _foreground(counts[0], background)
    weight = _weights(class_weight, counts, foreground)
    if reduction == "pooled":
        return loss(pooled(counts, weight, foreground))
    if foreground is not None:
        there = foreground if there is None else there & foreground
    losses = loss(counts)
    if there is not None:
        losses = xp.where(there, losses, xp.zeros_like(losses))
    weighted = losses if weight is None else weight * losses
    if reduction == "none":
        return weighted
    total = backend.sum(weighted)
    if reduction == "sum":
        return total
    each = xp.ones_like(losses)
    if reduction == "weighted_mean" and weight is not None:
        each = weight * each
    if there is not None:
        each = xp.where(there, each, xp.zeros_like(each))
    return ratio(total, backend.sum(each))


def over_labels(loss: Array, reduction: LabelReduction) -> Array:
    """Reduce one loss a label by the name of the reduction."""
    options.choice("reduction", reduction, get_args(LabelReduction))
    if reduction == "none" or not len(loss.shape):
        return loss
    backend = backend_of(loss)
    total = backend.sum(loss)
    if reduction == "sum":
        return total
    labels = backend.shape(loss)[0]
    if not arguments.all_known(labels):
        labels = backend.namespace.astype(labels, loss.dtype)
    return total / labels


def pooled(counts: Counts, weight: Array | None, foreground: Array | None) -> Counts:
    """Return the counts of all problems together, each times its weight."""
    backend = backend_of(counts[0])
    xp = backend.namespace

    def added(count: Array) -> Array:
        count = count if weight is None else weight * count
        if foreground is not None:
            count = xp.where(foreground, count, xp.zeros_like(count))
        return backend.sum(count)

    return tuple(map(added, counts))


def weighted_pool(counts: Counts, class_weight: Any, background: Background) -> Counts:
    """Return the counts of all problems together."""
    if not len(counts[0].shape):
        _refuse_of_one(class_weight, background)
        return counts
    foreground = _foreground(counts[0], background)
    return pooled(counts, _weights(class_weight, counts, foreground), foreground)


def _refuse_of_one(class_weight: Any, background: Any) -> None:
    """Refuse what is said of classes where all elements are one problem."""
    for name, value in (("class_weight", class_weight), ("background", background)):
        if value is not None:
            raise ValueError(
                f"{name}: expected None where all elements are one problem, got {value!r:.80}: "
                f"axis says where the labels lie, link='softmax' that the last axis has classes"
            )


def _foreground(like: Array, background: Any) -> Array | None:
    """Return which classes are no background; None: all."""
    if background is None:
        return None
    backend = backend_of(like)
    xp, (classes,) = backend.namespace, backend.shape(like)
    several = background
    if isinstance(background, set | frozenset):
        several = sorted(background)
    elif len(getattr(background, "shape", ())) == 1:
        several = plain_numbers("background", background)
    if not is_sequence(several):
        several = [background]
    numbers = xp.arange(like.shape[0], device=backend.device(like))
    found = None
    for given in several:
        label = options.whole("background", given)
        if label < 0 or (arguments.all_known(classes) and label >= classes):
            last = classes - 1 if arguments.all_known(classes) else "K-1"
            raise ValueError(f"background: expected classes in 0..{last}, got {label}")
        other = numbers != label
        found = other if found is None else found & other
    return found


def _weights(class_weight: Any, counts: Counts, foreground: Array | None) -> Array | None:
    """Return one weight a class, or a number for all; None: 1."""
    if class_weight is None:
        return None
    like = counts[0]
    backend = backend_of(like)
    xp, shape = backend.namespace, backend.shape(like)
    if is_batch(class_weight):
        number = backend.detach(counts[0] + counts[1])
        if foreground is not None:
            number = xp.where(foreground, number, xp.zeros_like(number))
        return xp.where(number == number, balanced_shares(xp, number), number)  # NaN stays
    weight = one_a_class("class_weight", class_weight, like, shape[0])
    mine = backend.shape(weight)
    fits = not mine or (
        len(mine) == 1 and (not arguments.all_known(*mine, *shape) or mine == shape)
    )
    if not fits:
        raise ValueError(
            f"class_weight: expected a number or shape {arguments.shown(shape)}, one a class, got "
            f"shape {arguments.shown(mine)}"
        )
    return weight
