"""A small batch at once: one look at what came, one way through NumPy, value and slope.

A library that trains takes some microseconds a step, and the general way asks each argument what
it is. Here everything is an array of NumPy that shares the memory of the caller's, checked in one
look: see `looked`.
"""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, NamedTuple

from weightedce.backends import Array, Namespace
from weightedce.backends.handed import Form, Moved, Passes, Seen, Sloped
from weightedce.call import looked
from weightedce.call.class_batch import ClassBatch
from weightedce.call.factors import times
from weightedce.call.reductions import Reduction, with_factor
from weightedce.numerics.at_once import (
    IN_ONE_PRODUCT,
    MODERATE,
    added,
    extremes,
    is_calm,
    known_extremes,
    label_odds,
    mass_sums,
    starts,
)


class OfLabels(NamedTuple):
    """What a loss over classes makes of the odds against a label."""

    # of(odds, labels, counts): of -log p, and the derivative of that to -log p; None: -log p itself
    of: Callable[..., tuple[Array, Array]] | None = None
    scale: float = 1.0  # of the logits
    counts: bool = False  # the first of the further arguments is one number a class
    factor: Callable[[Array], Array] | None = None  # of the exponential of each class, by these
    masses: bool = False  # it is -log p, of distributions and smoothed labels as well
    calm: bool = True  # of odds in the middle of the range it makes numbers that are there, too


class Formula(NamedTuple):
    """A formula of a batch in forms of one meaning, as a `Block` is one of logits."""

    composed: Callable[[Any], Array]
    of_labels: OfLabels | None
    per_class: Form | None = None  # if it is ``sum_k mass_k * per_class(-log p_k)``, that
    moved: Callable[[ClassBatch], Moved] | None = None  # of what is laid along classes alone


def with_floats(
    composed: Callable[[Any], Array],
    of_labels: OfLabels | None,
    *numbers: float | Array,
    per_class: Form | None = None,
    moved: Callable[[ClassBatch], Moved] | None = None,
) -> Formula | Callable[[Any], Array]:
    """Return the forms; where numbers in them are traced, the composed one alone."""
    floats = all(isinstance(number, float) for number in numbers)
    return Formula(composed, of_labels, per_class, moved) if floats else composed


FEW = 2**14  # logits that are gone through sooner than a context is entered
HUGE = 1e38  # a logit
TINY = 2.0**-100  # the factor of a row
RARE = 2.0**-40  # a factor that makes no underflow of a probability


# An array of the losses, their sum or mean, or a `LossTotal`; and the derivative, if it is wanted.
Found = tuple[Any, Array | None]


def at_once(form: Any, seen: Seen, reduction: Reduction, passes: Passes) -> Found | None:
    """Return the reduced loss and its slope, or None where a batch is not as it most often is."""
    z, xp = seen.logits, passes.xp
    if not z.flags.c_contiguous:
        return None
    way = _over_classes if type(form) is OfLabels else _of_elements
    try:
        return way(xp, form, seen, reduction, passes)
    except FloatingPointError:  # somebody has NumPy raise, at an underflow too
        with xp.errstate(all="ignore"):
            return way(xp, form, seen, reduction, passes)


def _over_classes(
    xp: Namespace, form: OfLabels, seen: Seen, reduction: Reduction, passes: Passes
) -> Found | None:
    """Return what (N, K) logits give."""
    found = looked.classes(xp, seen)
    if found is None:
        return None
    plan, labels, weight, sample, most = found
    z, terms = seen.logits, plan.classes
    if not plan.alone:
        if not form.masses:
            return None
        given = None if labels is not None else seen.targets
        laid = weight[None, :] if type(weight) is xp.ndarray else weight
        smoothing, policy = seen.options["label_smoothing"], seen.options["smoothing_weight"]
        batch = ClassBatch(xp, z, 1, labels, None, given, laid, sample, None, smoothing, policy, [])
        if most <= MODERATE and z.size <= FEW and is_calm(*extremes(z), terms):
            return _of_mass(batch, seen, reduction, passes, True)
        with xp.errstate(all="ignore"):
            return _of_mass(batch, seen, reduction, passes, False)
    counts = None
    if form.counts:
        counts, _ = looked.weight_of(xp, "counts", seen.also[0], z.shape[1:], z, False, 0.0)
        if type(counts) is not xp.ndarray:
            return None
    low, high = extremes(z) if z.size <= FEW or form.scale != 1.0 else (-inf, 0.0)
    if form.scale != 1.0:
        low, high = form.scale * low, form.scale * high
        if not max(-low, high) < HUGE:
            return None
        z = form.scale * z
    # in the middle of the range nothing gives a warning, and a context takes 4 us
    if most <= MODERATE and terms > 1 and form.calm and is_calm(low, high, terms):
        return _of_labels(form, z, high, found, counts, seen.wanted, reduction, passes, True)
    with xp.errstate(all="ignore"):
        return _of_labels(form, z, high, found, counts, seen.wanted, reduction, passes, False)


def _of_labels(
    form: OfLabels,
    z: Array,
    high: float,
    given: looked.Classes,
    counts: Array | None,
    wanted: bool,
    reduction: Reduction,
    passes: Passes,
    calm: bool,
) -> Found | None:
    """Return the loss of labels, each times its mass."""
    plan, labels, mass, sample, _ = given
    if type(mass) is passes.xp.ndarray:
        mass = mass[labels]
    if type(sample) is not float:
        mass = times(mass, sample)
    place = plan.starts
    if place is None:
        place = starts(passes.xp, plan.rows, plan.classes)
    place = place + labels
    factor = None
    if form.factor is not None:
        factor = form.factor(counts)
        if known_extremes(factor)[0] < RARE:
            return None
    odds = label_odds(passes, z, place, factor, wanted, calm, high)
    if odds is None:
        return None
    loss, rate, total = odds.loss, None, None
    if form.of is not None:
        loss, rate = form.of(odds, labels, counts)
    if reduction.apart or loss.size > IN_ONE_PRODUCT or type(mass) is not passes.xp.ndarray:
        loss = times(mass, loss)
    else:
        total = mass.dot(loss)
    if not wanted:
        return _reduced(loss, total, mass, None, 1.0, None, reduction, passes, calm)
    by_row = mass
    if rate is not None:  # which may be next to underflow
        by_row, calm = times(mass, times(form.scale, rate)), False
    return _reduced(loss, total, mass, odds.powers, by_row, odds.whole, reduction, passes, calm)


def _of_mass(
    batch: ClassBatch, seen: Seen, reduction: Reduction, passes: Passes, calm: bool
) -> Found | None:
    """Return the loss of distributions and of smoothed labels, each class times its mass."""
    sums = mass_sums(passes, batch.logits, batch.mass, seen.wanted, calm)
    if sums is None:
        return None
    weight = batch.effective_weight() if reduction.weighs else None
    return _reduced(sums[0], None, weight, sums[1], 1.0, None, reduction, passes, calm)


def _of_elements(
    xp: Namespace, form: Sloped, seen: Seen, reduction: Reduction, passes: Passes
) -> Found | None:
    """Return what logits of yes/no targets give."""
    found = looked.elements(xp, seen)
    if found is None:
        return None
    batch, terms = found
    if terms and is_calm(*extremes(batch.logits), terms):
        return _of_sides(form, batch, seen, reduction, passes, True)
    with xp.errstate(all="ignore"):
        return _of_sides(form, batch, seen, reduction, passes, False)


def _of_sides(
    form: Sloped, batch: Any, seen: Seen, reduction: Reduction, passes: Passes, calm: bool
) -> Found | None:
    """Return the loss of both sides of each target, each times its factor."""
    weight = batch.effective_weight() if reduction.weighs else None
    loss, slope = passes.sloped(form, batch, seen.wanted, calm)
    return _reduced(loss, None, weight, slope, 1.0, None, reduction, passes, calm)


def _reduced(
    loss: Array,
    total: Any,
    weight: Any,
    array: Array | None,
    factor: Any,
    whole: Array | None,
    reduction: Reduction,
    passes: Passes,
    calm: bool,
) -> Found | None:
    """Return what is made of the losses and of their slope, array times factor / whole, if finite.

    The factor is one number, or one a row, as the whole is, if there is one; the total of the
    losses is their sum, if it is known.
    """
    if total is None:
        total = added(passes.xp, loss)
    if not isfinite(total):  # limits are the other ways'
        return None
    if reduction.apart:
        reduced, scale = loss, factor
    else:
        reduced, divided = with_factor(passes.xp, total, loss.shape, weight, reduction)
        scale = divided * factor
    if array is None:
        return reduced, None
    if whole is not None:
        divided, scale = scale, scale / whole
        if not calm and not extremes(scale)[0] >= TINY:  # a quotient that is next to underflow
            passes.scale(array, (1.0 / whole)[:, None])
            scale = divided
    by_row = getattr(scale, "ndim", 0)
    if not calm and not isfinite(scale.sum() if by_row else scale):
        return None
    if by_row or scale != 1.0:
        passes.scale(array, scale[:, None] if by_row else scale)
    return reduced, array
