"""One look at the arguments of a small batch: NumPy's arrays, numbers and words.

What is not as it most often is gets None, and goes the general way, which knows more and has the
errors. Both ways make the same of them. What options, shapes and dtypes say is remembered as a
plan, and weights of classes by what they hold: what has not changed is not looked at twice.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import inf
from numbers import Real
from typing import Any, NamedTuple, get_args

from weightedce.backends import Array, Namespace, backend_of
from weightedce.backends.handed import Seen
from weightedce.call.binary_batch import BinaryBatch, factors_of
from weightedce.call.by_class import by_class, in_order
from weightedce.call.factors import times
from weightedce.call.options import SmoothingWeight, TargetRange
from weightedce.numerics.at_once import MODERATE, extremes, starts
from weightedce.numerics.remembered import by_content
from weightedce.numerics.smoothing import ROUNDING_SLACK

POLICIES, RANGES = get_args(SmoothingWeight), get_args(TargetRange)
REMEMBERED = 64  # sets of options, and with each where its rows start
ROWS = 2**12  # of more the starts are made anew
NOTHING = (None, 0.0)


class Plan(NamedTuple):
    """What options, shapes and dtypes alone say of (N, K) logits."""

    labels: bool  # the targets are labels, not a distribution
    alone: bool  # they have all the mass: nothing is smoothed
    wide: bool  # they are of 64 bits
    signed: bool  # weights and targets may be any numbers
    rows: int
    classes: int
    starts: Array | None  # where the rows start; None: they are so many that it is not kept


Classes = tuple[Plan, Any, Any, Any, float]


def classes(xp: Namespace, seen: Seen) -> Classes | None:
    """Return what (N, K) logits come with, nothing masked.

    The plan; labels, None for a distribution; class weights, one number or (K,); sample weights,
    one number or (N,); and how large the weights are.
    """
    z, y, options = seen.logits, seen.targets, seen.options
    try:
        plan = _of_classes(
            options["axis"], options["label_smoothing"], options["smoothing_weight"],
            options.get("target_range", "unit"), options["ignore_index"],
            xp, z.shape, z.dtype, y.shape, y.dtype,
        )  # fmt: skip
    except TypeError:  # of a list
        return None
    if plan is None:
        return None
    of_labels, _, wide, signed, rows, terms, _ = plan
    weight, most = weight_of(xp, "class_weight", options["class_weight"], (terms,), z, signed)
    sample, large = weight_of(xp, "sample_weight", options["sample_weight"], (rows,), z, signed)
    if weight is None or sample is None:
        return None
    if options["mask"] is not None and not _all(xp, options["mask"], (rows,)):
        return None
    most = max(most, large)
    if not of_labels:
        low, high = extremes(y)
        slack = inf if signed else ROUNDING_SLACK
        if not -slack <= low or not high <= 1.0 + slack:
            return None
        return plan, None, weight, sample, max(most, -low, high)
    labels = y if wide else y.astype(xp.int64)
    places = labels.view(xp.uint64)  # one below 0 is a large one
    if places.item(places.argmax()) >= terms:
        return None
    return plan, labels, weight, sample, most


@lru_cache(REMEMBERED, typed=True)
def _of_classes(
    axis: Any, e: Any, policy: Any, ranges: Any, ignore: Any,
    xp: Namespace, shape: tuple[int, ...], dtype: Any, given: tuple[int, ...], kind: Any,
) -> Plan | None:  # fmt: skip
    """Return a plan where all is as most often: the classes are last, nothing is ignored."""
    if len(shape) != 2 or type(axis) is not int or axis not in (-1, 1):
        return None
    if not _words(e, policy, ranges) or not _usual(shape, dtype):
        return None
    if ignore is not None and not (
        type(ignore) is int and (-(2**31) <= ignore < 0 or shape[1] <= ignore < 2**31)
    ):
        return None
    labels = given == shape[:1] and kind.kind in "iu"
    if not labels and (given != shape or kind != dtype or ignore is not None):
        return None
    kept = starts(xp, *shape) if shape[0] <= ROWS else None
    return Plan(labels, labels and not e, kind == "int64", ranges == "any", *shape, kept)


def elements(xp: Namespace, seen: Seen) -> tuple[BinaryBatch, int] | None:
    """Return logits of one or two axes with targets of their shape, nothing masked, as a batch.

    And 1, or 0 where a weight or a target is so large that products may be out of range.
    """
    z, y, options = seen.logits, seen.targets, seen.options
    rank, shape = z.ndim, z.shape
    if options["ignore_index"] is not None or y.shape != shape or y.dtype.kind not in "biuf":
        return None
    e, policy = options["label_smoothing"], options["smoothing_weight"]
    ranges = options.get("target_range", "unit")
    try:
        plain = _of_elements(options["axis"], e, policy, ranges, shape, z.dtype)
    except TypeError:  # of a list
        return None
    if not plain or (options["mask"] is not None and not _all(xp, options["mask"], shape)):
        return None
    if y.dtype != z.dtype:
        y = _cast(y, z.dtype)
    rest = 1.0 - y
    low, high = extremes(xp.minimum(y, rest))
    signed = ranges == "any"
    if not (-inf < low and high < inf if signed else low >= -ROUNDING_SLACK):
        return None
    labels = shape[-1:]
    sample, most = weight_of(xp, "sample_weight", options["sample_weight"], shape, z, signed)
    pos, large = weight_of(xp, "pos_weight", options["pos_weight"], labels, z, signed)
    neg, larger = weight_of(xp, "neg_weight", options["neg_weight"], labels, z, signed)
    if sample is None or pos is None or neg is None:
        return None
    if rank == 2 and type(sample) is xp.ndarray and sample.ndim == 1:
        sample = sample[:, None]
    hard = low == high == 0.0

    def batch() -> BinaryBatch:
        positive, negative = times(sample, pos), times(sample, neg)
        return factors_of(xp, z, y, rest, hard, positive, negative, None, rank - 1, e, policy)

    if max(most, large, larger, -low) <= MODERATE:
        return batch(), 1
    with xp.errstate(all="ignore"):
        return batch(), 0


@lru_cache(REMEMBERED, typed=True)
def _of_elements(
    axis: Any, e: Any, policy: Any, ranges: Any, shape: tuple[int, ...], dtype: Any
) -> bool:
    """Tell whether all is as most often, the labels along the last of one or two axes."""
    rank = len(shape)
    if not 1 <= rank <= 2 or type(axis) is not int or axis not in (-1, rank - 1):
        return False
    return _words(e, policy, ranges) and _usual(shape, dtype)


def _words(e: Any, policy: Any, ranges: Any) -> bool:
    """Tell whether the smoothing is a number in its range, and the words are known ones."""
    return type(e) is float and 0.0 <= e <= 1.0 and policy in POLICIES and ranges in RANGES


def _all(xp: Namespace, mask: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether a mask leaves all there is."""
    fits = type(mask) is xp.ndarray and mask.dtype == bool and mask.shape in (shape, shape[:1])
    return fits and bool(mask.all())


def weight_of(
    xp: Namespace,
    name: str,
    weight: Any,
    shape: tuple[int, ...],
    z: Array,
    signed: bool,
    missing: float = 1.0,
) -> tuple[Any, float]:
    """Return a weight that is not given (1), one number, or one along the axes of ``shape``.

    And how large it is. None: what is to be looked at by those who have the errors.
    """
    if weight is None:
        return 1.0, 1.0
    if type(weight) is not xp.ndarray:
        if not _is_plain(weight):
            return NOTHING
        if by_class(weight):
            weight = in_order(name, weight, shape[-1], missing)
        try:
            weight = xp.asarray(weight)
        except ValueError:  # in rows of several lengths
            return NOTHING
    of = _weight if name == "sample_weight" else _known_weight
    found: tuple[Any, float] = of(weight, shape, z.dtype, signed)
    return found


def _weight(weight: Array, shape: tuple[int, ...], dtype: Any, signed: bool) -> tuple[Any, float]:
    """Return the same of one of NumPy's arrays."""
    if weight.dtype != dtype:
        if weight.dtype.char not in "fdlqi":
            return NOTHING
        weight = _cast(weight, dtype)
    mine = weight.shape
    if weight.size == 1 and weight.ndim < 2:
        low = high = weight.item()
        weight = weight.reshape(())[()]
    elif mine == shape or mine == shape[:1]:
        low, high = extremes(weight)
    else:
        return NOTHING
    if not (-inf < low and high < inf) or (low < 0.0 and not signed):
        return NOTHING
    return weight, max(-low, high)


@by_content
def _known_weight(weight: Array, *known: Any) -> tuple[Any, float]:
    """Return the same of a weight of classes or labels."""
    return _weight(weight, *known)


def _cast(array: Array, dtype: Any) -> Array:
    """Return an array in the dtype of the logits; what becomes infinite is not warned of."""
    if array.dtype.kind != "f":
        return array.astype(dtype)
    with backend_of(array).namespace.errstate(all="ignore"):
        return array.astype(dtype)


def _usual(shape: tuple[int, ...], dtype: Any) -> bool:
    """Tell whether there are logits, of a dtype to compute in."""
    return 0 not in shape and dtype.char in "fd" and dtype.isnative


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a number, or numbers alone in a list or dict."""
    if isinstance(value, Real):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, list | tuple | Mapping) and all(isinstance(x, Real) for x in items)
