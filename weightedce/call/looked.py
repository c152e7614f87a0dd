"""One look at the arguments of a small batch: NumPy's arrays, numbers and words.

What is not as it most often is gets None, and goes the general way, which knows more and has the
errors. Both ways make the same of them. Options are remembered by what they are, and weights of
classes by what they hold: what has not changed is not looked at twice.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import inf
from numbers import Real
from typing import Any, NamedTuple, get_args

from weightedce.backends import Array, Namespace
from weightedce.backends.handed import Seen
from weightedce.call.binary_batch import BinaryBatch, factors_of
from weightedce.call.by_class import by_class, in_order
from weightedce.call.factors import times
from weightedce.call.options import SmoothingWeight, TargetRange
from weightedce.numerics.at_once import MODERATE, extremes, known_extremes
from weightedce.numerics.smoothing import ROUNDING_SLACK

POLICIES, RANGES = get_args(SmoothingWeight), get_args(TargetRange)
REMEMBERED = 256  # sets of options
NOTHING = (None, 0.0)


class Classes(NamedTuple):
    """What (N, K) logits come with, nothing masked."""

    labels: Any  # None: the targets are a distribution
    class_weight: Any  # (K,), or one number
    sample_weight: Any  # (N,), or one number
    terms: int  # of a sum; 0: a weight or a target is so large that products may be out of range


def classes(xp: Namespace, seen: Seen) -> Classes | None:
    """Return labels, or that there is a distribution, and weights of (N, K) logits."""
    z, y, options = seen.logits, seen.targets, seen.options
    if z.ndim != 2:
        return None
    count, terms = z.shape
    ranges, ignore = options.get("target_range", "unit"), options["ignore_index"]
    try:
        plain = _of_classes(
            options["axis"], options["label_smoothing"], options["smoothing_weight"], ranges,
            ignore, terms,
        )  # fmt: skip
    except TypeError:  # of a list
        return None
    if not plain or (options["mask"] is not None and not _all(xp, options["mask"], (count,))):
        return None
    signed = ranges == "any"
    weight: Any = 1.0
    sample: Any = 1.0
    most = 1.0
    if options["class_weight"] is not None:
        weight, most = weight_of(xp, "class_weight", options["class_weight"], (terms,), z, signed)
    if options["sample_weight"] is not None:
        given = options["sample_weight"]
        sample, large = weight_of(xp, "sample_weight", given, (count,), z, signed)
        most = max(most, large)
    if weight is None or sample is None:
        return None
    labels = None
    if y.shape == (count,) and y.dtype.kind in "iu":
        labels = y.astype(xp.int64, copy=False)
        places = labels.view(xp.uint64)  # one below 0 is a large one
        if places.item(places.argmax()) >= terms:
            return None
    elif y.shape == z.shape and y.dtype == z.dtype and ignore is None:
        low, high = extremes(y)
        slack = inf if signed else ROUNDING_SLACK
        if not -slack <= low or not high <= 1.0 + slack:
            return None
        most = max(most, -low, high)
    else:
        return None
    return Classes(labels, weight, sample, terms if most <= MODERATE else 0)


@lru_cache(REMEMBERED, typed=True)
def _of_classes(axis: Any, e: Any, policy: Any, ranges: Any, ignore: Any, terms: int) -> bool:
    """Tell whether options are as most often, the classes along the last axis, nothing ignored."""
    if type(axis) is not int or axis not in (-1, 1) or not _words(e, policy, ranges):
        return False
    return ignore is None or (
        type(ignore) is int and (-(2**31) <= ignore < 0 or terms <= ignore < 2**31)
    )


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
        plain = _of_elements(options["axis"], rank, e, policy, ranges)
    except TypeError:  # of a list
        return None
    if not plain or (options["mask"] is not None and not _all(xp, options["mask"], shape)):
        return None
    if y.dtype != z.dtype:
        y = _cast(xp, y, z)
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
def _of_elements(axis: Any, rank: int, e: Any, policy: Any, ranges: Any) -> bool:
    """Tell whether options are as most often, the labels along the last of one or two axes."""
    if not 1 <= rank <= 2 or type(axis) is not int or axis not in (-1, rank - 1):
        return False
    return _words(e, policy, ranges)


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
    if weight.dtype != z.dtype:
        if weight.dtype.char not in "fdlqi":
            return NOTHING
        weight = _cast(xp, weight, z)
    mine = weight.shape
    if weight.size == 1 and weight.ndim < 2:
        low = high = weight.item()
        weight = weight.reshape(())[()]
    elif mine == shape or mine == shape[:1]:
        low, high = (extremes if name == "sample_weight" else known_extremes)(weight)
    else:
        return NOTHING
    if not (-inf < low and high < inf) or (low < 0.0 and not signed):
        return NOTHING
    return weight, max(-low, high)


def _cast(xp: Namespace, array: Array, z: Array) -> Array:
    """Return an array in the dtype of the logits; what becomes infinite is not warned of."""
    if array.dtype.kind != "f":
        return array.astype(z.dtype)
    with xp.errstate(all="ignore"):
        return array.astype(z.dtype)


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a number, or numbers alone in a list or dict."""
    if isinstance(value, Real):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, list | tuple | Mapping) and all(isinstance(x, Real) for x in items)
