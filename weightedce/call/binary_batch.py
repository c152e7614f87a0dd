"""A checked batch of a binary loss: targets, weights and smoothing made into factors.

The loss is linear in the target: ``positive * f(z) + negative * f(-z)`` per element.
Masked elements have logit 0 and factor 0, so that nothing they held, NaN included, reaches the
value or the gradient.
"""

from typing import Any, NamedTuple

from weightedce.backends import Array, Namespace, backend_of
from weightedce.call import arguments, dtypes, options
from weightedce.call.collated import targets_beside
from weightedce.call.factors import along, cast, kept, sample_of, times
from weightedce.call.from_batch import balanced_shares
from weightedce.call.ignored import ignored
from weightedce.call.targets import in_range
from weightedce.numerics import stable
from weightedce.numerics.smoothing import ROUNDING_SLACK, smoothed_mass, smoothed_targets


class BinaryBatch(NamedTuple):
    """Factors of a binary loss, one per element."""

    xp: Namespace
    logits: Array
    targets: Array  # as given, unsmoothed
    pos_weight: Array | float  # sample weight and mask included
    neg_weight: Array | float
    positive: Array  # factor of f(z): target, smoothing and all weights
    negative: Array  # factor of f(-z)
    keep: Array | None  # None: nothing is masked
    axis: int  # the label axis
    hard: bool  # all targets are seen to be 0 or 1, and none is smoothed

    def along_labels(self, name: str, weight: Any) -> Array:
        """Return a scalar or per-label weight, laid along the label axis."""
        shape = backend_of(self.logits).shape(self.logits)
        return along(name, weight, self.logits, shape, self.axis)

    def balanced(self) -> Array:
        """Return the balanced weights of negatives and positives, by what is kept of them."""
        backend, y = backend_of(self.logits), self.targets
        ones, zeros = y, 1.0 - y
        if self.keep is not None:
            zeros = self.xp.where(self.keep, zeros, self.xp.zeros_like(zeros))
        counts = self.xp.stack([backend.sum(zeros), backend.sum(ones)])
        return balanced_shares(self.xp, backend.detach(counts))

    def reweighted(self, positive: Array, negative: Array) -> "BinaryBatch":
        """Return the batch with further weights of its positive and negative shares."""
        return self._replace(
            pos_weight=self.pos_weight * positive,
            neg_weight=self.neg_weight * negative,
            positive=self.positive * positive,
            negative=self.negative * negative,
        )

    def effective_weight(self) -> Array:
        """Return ``mask * sample_weight * (y * pos_weight + (1 - y) * neg_weight)``."""
        return self.targets * self.pos_weight + (1.0 - self.targets) * self.neg_weight


def binary_batch(
    logits: Array,
    targets: Any,
    *,
    pos_weight: Any,
    neg_weight: Any,
    sample_weight: Any,
    mask: Any,
    ignore_index: Any,
    label_smoothing: Any,
    smoothing_weight: str,
    axis: int,
    target_range: str = "unit",
) -> BinaryBatch:
    """Check the arguments of a binary loss and turn them into its factors."""
    z = dtypes.floating("logits", logits)
    backend = backend_of(z)
    xp, shape = backend.namespace, backend.shape(z)
    options.smoothing_policy(smoothing_weight)
    target_range = options.target_range(target_range)
    axis = arguments.axis_of(shape, axis) if shape else 0
    e = arguments.smoothing(label_smoothing, z, shape, axis)
    ignore = ignored(ignore_index, integer=False)

    raw = targets_beside(targets, z)
    raw = arguments.same_shape("targets", raw, shape, lambda: " like the logits")
    y = cast(raw, z.dtype)
    keep = kept(mask, ignore, y, z, shape)
    if keep is not None:
        z, y = xp.where(keep, z, 0.0), xp.where(keep, y, 0.0)
    y, rest, hard = _shares(y, target_range)

    signed = target_range == "any"  # a factor may then be anything, as torch has it
    sample = sample_of(sample_weight, keep, z, shape, signed=signed)
    pos = times(sample, along("pos_weight", pos_weight, z, shape, axis, signed=signed))
    neg = times(sample, along("neg_weight", neg_weight, z, shape, axis, signed=signed))
    return factors_of(xp, z, y, rest, hard, pos, neg, keep, axis, e, smoothing_weight)


def factors_of(
    xp: Namespace,
    z: Array,
    y: Array,
    rest: Array,
    hard: bool,
    pos: Array | float,
    neg: Array | float,
    keep: Array | None,
    axis: int,
    e: float | Array,
    smoothing_weight: str,
) -> BinaryBatch:
    """Return the batch of checked logits, targets y and 1 - y, and their weights."""
    positive, negative = smoothed(y, rest, pos, neg, e / 2, e / 2, smoothing_weight)
    return BinaryBatch(
        xp, z, y, pos, neg, positive, negative, keep, axis, hard and stable.is_zero(e)
    )


def smoothed(
    y: Array,
    rest: Array,
    pos: Array | float,
    neg: Array | float,
    rise: float | Array,
    fall: float | Array,
    smoothing_weight: str,
) -> tuple[Array | float, Array | float]:
    """Return the factors of both sides of targets y; ``rise`` and ``fall``: numerics.smoothing."""
    if smoothing_weight == "target":  # smooth what is weighted
        positive, negative = times(pos, y), times(neg, rest)
        if stable.is_zero(rise):
            return positive, negative
        return smoothed_mass(positive, negative, rise, fall)
    return smoothed_targets(y, rest, pos, neg, rise, fall)  # weight what is smoothed


def _shares(targets: Array, target_range: str) -> tuple[Array, Array, bool]:
    """Return checked targets y, 1 - y, and whether all targets are seen to be 0 or 1.

    min(y, 1 - y) is negative for a y on either side of [0, 1], and 0 where y is hard: its least
    and its greatest element tell both in one pass.
    """
    backend, rest, found = backend_of(targets), 1.0 - targets, None
    if 0 not in targets.shape:
        found = backend.extremes(backend.namespace.minimum(targets, rest))
    if found is not None and (target_range == "any" or found[0] >= -ROUNDING_SLACK):
        return targets, rest, bool(found[0] == found[1] == 0)
    targets = in_range("targets", targets, target_range)
    return targets, 1.0 - targets, False
