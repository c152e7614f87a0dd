"""The building blocks of losses over classes; floating point is argued about here and in stable.

The blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere.
"""

from collections.abc import Callable
from typing import NamedTuple

from weightedce import stable
from weightedce.arguments import lay_along
from weightedce.backends import Array, backend_of
from weightedce.batch import ClassBatch

EXACT = -16.0  # above it the rounding of z_k - max z moves exp by less than 8 ulp


def over_classes(batch: ClassBatch, logits: Array, of: Callable[[Array], Array]) -> Array:
    """Return ``sum_k mass_k * of(-log p_k)`` for p = softmax(z), one number per example.

    A label without smoothing has one class with mass, and nothing of the size of the logits is
    needed but their gradient.
    """
    if batch.labels is not None and not batch.smoothing:
        minus_log_p = label_log_softmax(logits, batch.labels, batch.axis)
        return stable.times(batch.label_mass, of(minus_log_p))
    return stable.weighted_sum(batch.mass, of(negative_log_softmax(logits, batch.axis)), batch.axis)


def weighted_log_softmax(batch: ClassBatch, logits: Array) -> Array:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, one number per example."""
    return over_classes(batch, logits, lambda minus_log_p: minus_log_p)


def label_log_softmax(logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y`` for one label y in 0..K-1 an example.

    A backend may offer this block with a derivative of its own, made of `shifted_exp` and
    `label_loss`; where it does not, or not for these arguments (None), autodiff has the block
    of all classes.
    """
    backend = backend_of(logits)
    fused = getattr(backend, "label_log_softmax", None)
    loss = None if fused is None else fused(composed_label_loss, logits, labels, axis)
    return composed_label_loss(logits, labels, axis) if loss is None else loss


def composed_label_loss(logits: Array, labels: Array, axis: int) -> Array:
    """Return what `label_log_softmax` does, for the library's own autodiff of any order."""
    backend = backend_of(logits)
    xp = backend.namespace
    classes = xp.arange(logits.shape[axis], device=backend.device(logits))
    hit = lay_along(classes, axis, len(logits.shape)) == xp.expand_dims(labels, axis=axis)
    return xp.sum(xp.where(hit, negative_log_softmax(logits, axis), 0.0), axis=axis)


def shifted_exp(logits: Array, highest: Array) -> Array:
    """Return ``exp(z_k - highest)`` to the last digits; 1 at the maximum, 0 at -inf."""
    xp = backend_of(logits).namespace
    bound = xp.finfo(logits.dtype).max / 2  # no difference is infinite, nor inf - inf
    logits, highest = xp.clip(logits, -bound, bound), xp.clip(highest, -bound, bound)
    difference = logits - highest
    ratios = xp.exp(difference)
    return ratios + ratios * _rounded_off(logits, highest, difference)


class LabelLoss(NamedTuple):
    """``logsumexp(z) - z_y`` of examples with labels y, and its derivative."""

    loss: Array
    scale: Array  # the derivative to z_k of another class is exp(z_k - max z) * scale
    at_label: Array  # the derivative to z_y


def label_loss(logit: Array, highest: Array, others: Array) -> LabelLoss:
    """Return ``logsumexp(z) - z_y`` from z_y, max z and ``others``, sum_{k != y} exp(z_k - max z).

    With d = max z - z_y it is log1p(others) for d = 0, else d + log(others + exp(-d)), where
    others is at least 1: no term is negative and small losses keep their digits. The derivative
    is p_k for the other classes and -(1 - p_y) for y, without a difference of near numbers.
    """
    xp = backend_of(others).namespace
    top = logit == highest
    distance = xp.where(top, 0.0, highest - logit)
    total = xp.where(top, 1.0, xp.exp(-distance)) + others
    loss = xp.where(top, xp.log1p(others), distance + xp.log(total))
    undefined = stable.infinite(highest) & (total > 1.0)  # two at +inf, or all at -inf
    scale = xp.where(undefined, xp.nan, 1.0 / total)
    return LabelLoss(xp.where(undefined, xp.nan, loss), scale, -others * scale)


def negative_log_softmax(logits: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_k``, -log p_k for p = softmax(z), for every k along ``axis``.

    With t the position of one maximum and rest = sum_{k != t} exp(z_k - z_t),
    ``logsumexp(z) - z_k = (z_t - z_k) + log1p(rest)``: no term is negative. The maximum is
    dropped from the sum, not subtracted, so that rest keeps its digits when it is tiny.

    The derivatives need as much care. The first, to z_t, is -rest / (1 + rest) for k = t and
    1 / (1 + rest) for the others; the second is rest / (1 + rest)^2 for both. So z_t enters as
    a constant ``shift`` plus ``lift``, which is 0 and has derivative 1, in forms of one and the
    same function whose derivatives come out of autodiff without cancelling.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    classes = xp.arange(logits.shape[axis], device=backend.device(logits))
    top = lay_along(classes, axis, len(logits.shape)) == xp.argmax(logits, axis=axis, keepdims=True)

    highest = xp.sum(xp.where(top, logits, 0.0), axis=axis, keepdims=True)
    shift = backend.detach(highest)
    infinite = stable.infinite(shift)
    lift = xp.where(infinite, 0.0, highest) - xp.where(infinite, 0.0, shift)

    largest = xp.finfo(logits.dtype).max
    finite_shift = xp.where(shift == -xp.inf, -largest, xp.where(infinite, largest, shift))
    others = xp.where(top, finite_shift, logits)
    fixed = backend.detach(others)
    fixed = xp.where(
        stable.infinite(fixed), finite_shift, fixed
    )  # its exp is 0 or 1 with any error
    below = fixed - finite_shift
    error = xp.where(stable.infinite(below), 0.0, _rounded_off(fixed, finite_shift, below))
    ratios = xp.exp(others - finite_shift) * (1.0 + error)
    rest = xp.sum(xp.where(top, 0.0, ratios), axis=axis, keepdims=True)

    at_top = xp.log1p(rest * xp.exp(-lift))
    elsewhere = xp.where(rest > 1.0, xp.log1p(rest + xp.expm1(lift)), lift + at_top)
    distance = xp.where(infinite, highest, shift) - others
    return xp.where(top, at_top, distance + elsewhere)


def _rounded_off(a: Array, b: Array, difference: Array) -> Array:
    """Return what rounding took from ``a - b`` (TwoSum; Knuth 1969, section 4.2.2).

    exp turns an absolute error into a relative one: the rounding of z_k - z_t alone would move
    exp(z_k - z_t) by |z_k - z_t| / 2 ulp, 40 ulp for a difference of 80.
    """
    minus_b = difference - a
    return (a - (difference - minus_b)) - (b + minus_b)
