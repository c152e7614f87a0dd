"""A small batch at once: one look at what came, one way through NumPy, value and slope.

A library that trains takes some microseconds a step, and the general way asks each argument what
it is. Here everything is an array of NumPy that shares the memory of the caller's, checked in one
look: what is not as it most often is gets None, and goes the general way, which knows more and
has the errors. Both ways make the same batches, of the same factors.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from numbers import Real
from typing import Any, NamedTuple, get_args

from weightedce.backends import Array, Namespace
from weightedce.backends.handed import Form, Moved, Passes
from weightedce.call.binary_batch import BinaryBatch, factors_of
from weightedce.call.by_class import by_class, in_order
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.factors import times
from weightedce.call.options import SmoothingWeight, TargetRange
from weightedce.call.reductions import Reduction, with_factor
from weightedce.numerics.smoothing import ROUNDING_SLACK

POLICIES, RANGES = get_args(SmoothingWeight), get_args(TargetRange)


class Slope(NamedTuple):
    """The derivative of a loss to the logits: the product of both."""

    array: Array  # of the shape of the logits, to be written to
    factor: Array | float  # one number for all, or a row


class How(NamedTuple):
    """How a form of a small batch is asked."""

    slope: bool  # whether it is wanted
    passes: Passes  # who goes through all logits


Sloped = tuple[Array, Slope | None] | None  # the loss and its slope; None: others have more digits
# Of a checked batch of NumPy's arrays, and what the formula holds, as NumPy's arrays too.
AtOnce = Callable[..., Sloped]  # form(batch, how, *held)


class Formula(NamedTuple):
    """A formula of a batch in forms of one meaning, as a `Block` is one of logits."""

    composed: Callable[[Any], Array]
    at_once: AtOnce | None
    per_class: Form | None = None  # if it is ``sum_k mass_k * per_class(-log p_k)``, that
    moved: Callable[[ClassBatch], Moved] | None = None  # of what is laid along classes alone


def with_floats(
    composed: Callable[[Any], Array],
    form: AtOnce | None,
    *numbers: float | Array,
    per_class: Form | None = None,
    moved: Callable[[ClassBatch], Moved] | None = None,
) -> Formula | Callable[[Any], Array]:
    """Return the forms; where numbers in them are traced, the composed one alone."""
    floats = all(isinstance(number, float) for number in numbers)
    return Formula(composed, form, per_class, moved) if floats else composed


class Found(NamedTuple):
    """What a small batch gives."""

    reduced: Any  # an array of the losses, their sum or mean, or a `LossTotal`
    slope: Array | None  # the derivative of what is reduced


def at_once(
    form: AtOnce,
    batch_of: Any,
    views: Sequence[Any],
    options: Mapping[str, Any],
    reduction: Reduction,
    how: How,
) -> Found | None:
    """Return the reduced loss and its slope, or None where a batch is not as it most often is."""
    xp = how.passes.xp
    logits, targets, *others = views
    if type(logits) is not xp.ndarray or type(targets) is not xp.ndarray or not logits.size:
        return None
    if not logits.flags.c_contiguous or logits.dtype.char not in "fd" or not logits.dtype.isnative:
        return None
    held = others[len(options) :]
    if not all(_is_plain(xp, x) for x in held):
        return None
    checked = _classes if batch_of is class_batch else _elements
    with xp.errstate(all="ignore"):
        batch = checked(xp, logits, targets, dict(zip(options, others, strict=False)))
        if batch is None:
            return None
        found = form(batch, how, *held)
        if found is None:
            return None
        loss, slope = found
        reduced, factor = with_factor(loss, batch, reduction)
        added = loss.sum() if reduction.apart else getattr(reduced, "loss", reduced)
        if not isfinite(added):  # limits are the other ways'
            return None
        if slope is None:
            return Found(reduced, None)
        scale = slope.factor * factor
        if not isfinite(scale if isinstance(scale, float) else xp.add.reduce(scale, axis=None)):
            return None
        how.passes.scale(slope.array, scale)
    return Found(reduced, slope.array)


def _is_plain(xp: Namespace, value: Any) -> bool:
    """Tell whether a value is an array of NumPy, a number, or numbers alone in a list or dict."""
    if type(value) is xp.ndarray or value is None or isinstance(value, Real):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, list | tuple | Mapping) and all(isinstance(x, Real) for x in items)


def _classes(xp: Namespace, z: Array, y: Array, options: Mapping[str, Any]) -> ClassBatch | None:
    """Return (N, K) logits with labels or a distribution, nothing masked, as a batch."""
    axis, ignore, e = options["axis"], options["ignore_index"], options["label_smoothing"]
    if z.ndim != 2 or type(axis) is not int or axis not in (-1, 1):
        return None
    if options["mask"] is not None and not _all(xp, options["mask"], z.shape[:1]):
        return None
    if type(e) is not float or not 0.0 <= e <= 1.0 or not _words(options):
        return None
    count, classes = z.shape
    signed = options.get("target_range") == "any"
    if y.shape == (count,) and y.dtype.kind in "iu":
        low, high = _extremes(y)
        if low < 0 or high >= classes or not _others(ignore, classes):
            return None
        labels, distribution = y.astype(xp.int64, copy=False), None
    elif y.shape == z.shape and y.dtype == z.dtype and ignore is None:
        low, high = _extremes(y)
        slack = inf if signed else ROUNDING_SLACK
        if not -slack <= low or not high <= 1.0 + slack:
            return None
        labels, distribution = None, y
    else:
        return None
    sample = _weight(xp, "sample_weight", options, (count,), z, signed)
    weight = _weight(xp, "class_weight", options, (classes,), z, signed)
    if sample is None or weight is None:
        return None
    mass = []
    if labels is not None:
        mass.append(times(sample, weight[labels] if type(weight) is xp.ndarray else weight))
    if type(weight) is xp.ndarray:
        weight = weight[None, :]
    policy = options["smoothing_weight"]
    return ClassBatch(
        xp, z, 1, labels, None, distribution, weight, sample, None, e, policy, mass
    )  # fmt: skip


def _elements(xp: Namespace, z: Array, y: Array, options: Mapping[str, Any]) -> BinaryBatch | None:
    """Return logits with targets 0 and 1, or probabilities, nothing masked, as a batch."""
    axis, e = options["axis"], options["label_smoothing"]
    if options["ignore_index"] is not None or y.shape != z.shape:
        return None
    if options["mask"] is not None and not _all(xp, options["mask"], z.shape):
        return None
    if y.dtype.kind not in "biuf":
        return None
    if type(e) is not float or not 0.0 <= e <= 1.0 or not _words(options):
        return None
    rank = z.ndim
    if not 1 <= rank <= 2 or type(axis) is not int or axis not in (-1, rank - 1):
        return None
    if y.dtype != z.dtype:
        y = y.astype(z.dtype)
    rest = 1.0 - y
    low, high = _extremes(xp.minimum(y, rest))
    signed = options.get("target_range") == "any"
    if not (-inf < low and high < inf if signed else low >= -ROUNDING_SLACK):
        return None
    labels = z.shape[-1:]
    sample = _weight(xp, "sample_weight", options, z.shape, z, signed)
    pos = _weight(xp, "pos_weight", options, labels, z, signed)
    neg = _weight(xp, "neg_weight", options, labels, z, signed)
    if sample is None or pos is None or neg is None:
        return None
    if rank == 2 and type(sample) is xp.ndarray and sample.ndim == 1:
        sample = sample[:, None]
    return factors_of(
        xp, z, y, rest, low == high == 0.0, times(sample, pos), times(sample, neg), None,
        rank - 1, e, options["smoothing_weight"],
    )  # fmt: skip


def _all(xp: Namespace, mask: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether a mask leaves all there is."""
    fits = type(mask) is xp.ndarray and mask.dtype == bool and mask.shape in (shape, shape[:1])
    return fits and bool(mask.all())


def _words(options: Mapping[str, Any]) -> bool:
    """Tell whether the words among the options are known ones."""
    known = options["smoothing_weight"] in POLICIES
    return known and options.get("target_range", "unit") in RANGES


def _others(ignore: Any, classes: int) -> bool:
    """Tell whether a label to ignore is none of the classes, so that nothing is ignored."""
    return ignore is None or (
        type(ignore) is int and (-(2**31) <= ignore < 0 or classes <= ignore < 2**31)
    )


def _extremes(array: Array) -> tuple[Any, Any]:
    """Return the least and the greatest element; NaN is found first."""
    return array.item(array.argmin()), array.item(array.argmax())


def _weight(
    xp: Namespace,
    name: str,
    options: Mapping[str, Any],
    shape: tuple[int, ...],
    z: Array,
    signed: bool,
) -> Any:
    """Return a weight that is not given (1), one number, or one along the axes of ``shape``.

    None: what is to be looked at by those who have the errors.
    """
    weight = options[name]
    if weight is None:
        return 1.0
    if type(weight) is not xp.ndarray:
        if not _is_plain(xp, weight):
            return None
        if by_class(weight):
            weight = in_order(name, weight, shape[-1], 1.0)
        try:
            weight = xp.asarray(weight)
        except ValueError:  # in rows of several lengths
            return None
    if weight.dtype != z.dtype:
        if weight.dtype.char not in "fdlqi":
            return None
        weight = weight.astype(z.dtype)
    mine = weight.shape
    if mine == shape or (mine == shape[:1] and mine):
        low, high = _extremes(weight) if weight.size else (inf, inf)
    elif mine in ((), (1,)):
        low = high = weight.item()
        weight = weight.reshape(())[()]
    else:
        return None
    if not (-inf < low and high < inf) or (low < 0.0 and not signed):
        return None
    return weight
