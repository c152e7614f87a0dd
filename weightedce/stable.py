"""The building blocks: the only room where floating point is argued about. It knows no loss.

The blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from weightedce.arguments import lay_along
from weightedce.backends import Array, backend_of
from weightedce.batch import ClassBatch


def weighted_softplus(logits: Array, positive: Array, negative: Array) -> Array:
    """Return ``positive * softplus(-z) + negative * softplus(z)``, elementwise.

    With d = |z| this is ``wrong * d + (positive + negative) * log1p(exp(-d))``, where ``wrong``
    is the weight of the side that z speaks against: no term is negative, so no digit is lost.
    """
    xp = backend_of(logits).namespace
    above = logits > 0
    # where, not abs or maximum: libraries disagree on their derivative at 0 (torch's plain
    # formula gives 1/2, JAX 0, TensorFlow 1); this one gives 1/2, and 1/4 for the second.
    distance = xp.where(above, logits, -logits)
    wrong = xp.where(above, negative, positive)
    return times(wrong, distance) + (positive + negative) * xp.log1p(xp.exp(-distance))


def softplus_pair(logits: Array) -> tuple[Array, Array]:
    """Return ``softplus(-z), softplus(z)``: -log p and -log(1 - p) for p = sigmoid(z)."""
    xp = backend_of(logits).namespace
    above = logits > 0
    distance = xp.where(above, logits, -logits)  # where, not abs: see above
    tail = xp.log1p(xp.exp(-distance))
    return xp.where(above, 0.0, distance) + tail, xp.where(above, distance, 0.0) + tail


def over_classes(batch: ClassBatch, logits: Array, of: Callable[[Array], Array]) -> Array:
    """Return ``sum_k mass_k * of(-log p_k)`` for p = softmax(z), one number per example.

    A label without smoothing has one class with mass, and nothing of the size of the logits is
    needed but their gradient.
    """
    if batch.labels is not None and not batch.smoothing:
        minus_log_p = label_log_softmax(logits, batch.labels, batch.axis)
        return times(batch.label_mass, of(minus_log_p))
    return weighted_sum(batch.mass, of(negative_log_softmax(logits, batch.axis)), batch.axis)


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
    difference = xp.where(logits == highest, 0.0, logits - highest)
    return xp.exp(difference) * (1.0 + _subtraction_error(logits, highest))


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
    undefined = xp.isinf(highest) & (total > 1.0)  # two at +inf, or all at -inf
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
    infinite = xp.isinf(shift)
    lift = xp.where(infinite, 0.0, highest) - xp.where(infinite, 0.0, shift)

    largest = xp.finfo(logits.dtype).max
    finite_shift = xp.where(shift == -xp.inf, -largest, xp.where(infinite, largest, shift))
    others = xp.where(top, finite_shift, logits)
    error = _subtraction_error(backend.detach(others), finite_shift)
    ratios = xp.exp(others - finite_shift) * (1.0 + error)
    rest = xp.sum(xp.where(top, 0.0, ratios), axis=axis, keepdims=True)

    at_top = xp.log1p(rest * xp.exp(-lift))
    elsewhere = xp.where(rest > 1.0, xp.log1p(rest + xp.expm1(lift)), lift + at_top)
    distance = xp.where(infinite, highest, shift) - others
    return xp.where(top, at_top, distance + elsewhere)


def weighted_sum(weight: Array, loss: Array, axis: int) -> Array:
    """Return ``sum_k weight_k * loss_k`` over ``axis``, with 0 * inf = 0."""
    return backend_of(loss).namespace.sum(times(weight, loss), axis=axis)


def times(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss`` with 0 * inf = 0.

    The infinite loss becomes the largest number, not 0: the derivative to the weight, which is
    the loss, then stays at its limit as far as numbers go.
    """
    xp = backend_of(loss).namespace
    unweighted = xp.isinf(loss) & (weight == 0.0)
    return weight * xp.where(unweighted, xp.finfo(loss.dtype).max, loss)


def finite(logits: Array) -> Array:
    """Return the logits with infinite ones as large constants, for what is bounded.

    The derivative there is 0 and may meet an infinite factor, which it outweighs.
    """
    xp = backend_of(logits).namespace
    largest = xp.finfo(logits.dtype).max
    bounded = xp.where(logits == xp.inf, largest, logits)
    return xp.where(logits == -xp.inf, -largest, bounded)


def complement(negative_log: Array) -> Array:
    """Return 1 - p from -log p, with all its digits where p is nearly 1.

    There it is 2 t / (1 + t) with t = tanh(-log(p) / 2), not expm1: Inductor computes that as
    exp(x) - 1, and torch and JAX differentiate it as its value plus 1, without digits for small p.
    """
    xp = backend_of(negative_log).namespace
    near = negative_log < 0.5
    t = xp.tanh(0.5 * xp.where(near, negative_log, 0.0))
    return xp.where(near, 2.0 * t / (1.0 + t), 1.0 - xp.exp(-negative_log))


def focused(negative_log: Array, gamma: float) -> Array:
    """Return ``(1 - p) ** gamma * (-log p)`` from -log p, with its limits at p = 0 and p = 1."""
    if gamma == 0:
        return negative_log
    xp = backend_of(negative_log).namespace
    # where p = 0 the factor is 1; its derivative, 0, must not meet the infinite -log p
    factor = power(complement(negative_log), gamma)
    return xp.where(xp.isinf(negative_log), 1.0, factor) * negative_log


def power(base: Array, exponent: float) -> Array:
    """Return ``base ** exponent`` for base >= 0, exponent >= 0, with derivative 0 at base 0.

    Not exp(exponent * log(base)): that loses |log(result)| ulp. The true derivative at 0 is
    infinite for exponents below 1, but what is multiplied here vanishes faster.
    """
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    raised = lifted**exponent
    raised = xp.where(low, raised * factor**-exponent, raised)
    return xp.where(base > 0.0, raised, float(exponent == 0))


def log(base: Array) -> Array:
    """Return ``log(base)`` for base >= 0, and 0 with derivative 0 at base 0."""
    xp = backend_of(base).namespace
    lifted, low, factor = _lifted(base)
    logarithm = xp.log(lifted)
    return xp.where(low & (base > 0.0), logarithm - math.log(factor), logarithm)


def log_prior(prior: Array) -> Array:
    """Return ``log(prior)``, and -inf without a warning for a class that does not occur."""
    xp = backend_of(prior).namespace
    return xp.where(prior > 0.0, xp.log(xp.where(prior > 0.0, prior, 1.0)), -xp.inf)


def _lifted(base: Array) -> tuple[Array, Array, float]:
    """Return small bases times a factor, which are small, and the factor; 1 for base 0.

    Second derivatives of powers and logarithms divide by the square of the base, which for
    small bases overflows; multiplied into the middle of the range first, they do not.
    """
    xp = backend_of(base).namespace
    factor = 2.0 ** round(-math.log2(xp.finfo(base.dtype).smallest_normal) / 2)
    low = base < 1 / factor
    return xp.where(base > 0.0, xp.where(low, base * factor, base), 1.0), low, factor


def _subtraction_error(a: Array, b: Array) -> Array:
    """Return what rounding took from ``a - b`` (TwoSum; Knuth 1969, section 4.2.2).

    exp turns an absolute error into a relative one: the rounding of z_k - z_t alone would move
    exp(z_k - z_t) by |z_k - z_t| / 2 ulp, 40 ulp for a difference of 80.
    """
    xp = backend_of(a).namespace
    a = xp.where(xp.isinf(a), 0.0, a)  # its exp is 0 with any error; inf - inf would be NaN
    difference = a - b
    minus_b = difference - a
    error = (a - (difference - minus_b)) - (b + minus_b)
    return xp.where(xp.isinf(difference), 0.0, error)
