"""The building blocks of losses over classes; floating point is argued about here and in stable.

The blocks keep the digits of small losses, give the limit at infinite logits, and are written
so that a library's own autodiff gives the right first and second derivative everywhere.
"""

import math
from typing import NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.numerics import stable


class Prior(NamedTuple):
    """What the terms of a softmax are multiplied by: ``p_k = f_k exp(z_k) / sum_j f_j exp(z_j)``.

    To add log f_k to z_k would round the sum: 500 ulp of the term at logits of 1000.
    """

    factor: Array  # above 0; laid along the class axis, as is its logarithm
    log: Array


def prior_of(shares: Array, tau: float = 1.0) -> Prior:
    """Return the prior ``shares ** tau``, but for a factor: the largest is 1."""
    xp = backend_of(shares).namespace
    most = xp.max(xp.reshape(shares, (-1,)), axis=0)  # the ONNX exporter wants an axis
    shares = shares / xp.where(most > 0.0, most, 1.0)
    return Prior(stable.power(shares, tau), tau * stable.log_prior(shares))


def label_log_softmax(logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y`` for one label y in 0..K-1 an example."""
    return backend_of(logits).label_loss(composed_label_loss, logits, labels, axis)


def composed_label_loss(
    logits: Array, labels: Array, axis: int, prior: Prior | None = None
) -> Array:
    """Return what `label_log_softmax` does, for the library's own autodiff of any order."""
    return picked(negative_log_softmax(logits, axis, prior), labels, axis)


def picked(values: Array, labels: Array, axis: int) -> Array:
    """Return the value of each label, for autodiff; what the others hold, NaN too, is dropped."""
    backend = backend_of(values)
    xp = backend.namespace
    classes = xp.arange(values.shape[axis], device=backend.device(values))
    hit = _along(classes, axis, len(values.shape)) == xp.expand_dims(labels, axis=axis)
    return xp.sum(xp.where(hit, values, 0.0), axis=axis)


class Shift(NamedTuple):
    """``exp(z_k - max z) = exp(z_k - by) * factor``, to the last digits and without overflow.

    exp turns an absolute error into a relative one: rounding z_k - max z would alone move its
    exponential by |z_k - max z| / 2 ulp, 40 ulp for a difference of 80. So z_k is shifted by a
    whole number near to which differences are exact: 0 for a maximum between 0 and where the sum
    of all exp(z_k) would overflow. The rest is one factor for all classes.
    """

    by: Array
    factor: Array


def shift_of(highest: Array, classes: int) -> Shift:
    """Return the shift for logits whose maximum is ``highest``."""
    xp = backend_of(highest).namespace
    limits = xp.finfo(highest.dtype)
    most = int(math.log(limits.max / classes)) - 3  # so that factor / classes is no underflow
    by = xp.floor(highest - xp.clip(highest, 0, most))
    coarse = highest * limits.eps > 1.0  # a whole number, and next to it none that is `most` less
    by = xp.where(coarse, highest, by)
    return Shift(by, xp.exp(_bounded(by) - _bounded(highest)))


def _bounded(logits: Array) -> Array:
    """Return logits of which no difference is infinite, nor inf - inf."""
    xp = backend_of(logits).namespace
    bound = xp.finfo(logits.dtype).max / 2
    return xp.clip(logits, -bound, bound)


def unshifted(lowest: float, highest: float) -> bool:
    """Tell whether exp(z_k) will do for rows with their maxima between these.

    It is then exp(z_k - max z) but for a factor of exp(-max z), that may be applied at any time:
    it is far from underflow. For eager code, which can look.
    """
    return lowest >= -1.0 and highest <= 20.0


def shifted_exp(logits: Array, by: Array) -> Array:
    """Return ``exp(z_k - by)``, 1 at a maximum of +inf, and NaN where all are -inf."""
    xp = backend_of(logits).namespace
    most = xp.finfo(logits.dtype).max
    return xp.exp(xp.clip(logits, max=most) - xp.clip(by, max=most))


class LabelLoss(NamedTuple):
    """``logsumexp(z) - z_y`` of examples with labels y, and its derivative."""

    loss: Array
    scale: Array  # the derivative to z_k of another class is exp(z_k - max z) * scale
    at_label: Array  # the derivative to z_y


def label_loss(logit: Array, highest: Array, others: Array, *, finite: bool = False) -> LabelLoss:
    """Return ``logsumexp(z) - z_y`` from z_y, max z and ``others``.

    That is the sum of exp(z_k - max z) over all classes but y. With d = max z - z_y, and rest the
    sum over all classes but one at the maximum, the loss is d + log1p(rest): no term is negative
    and small losses keep their digits. The derivative is p_k for the other classes and
    -(1 - p_y), minus their sum, for y. ``finite``: all maxima are.
    """
    xp = backend_of(others).namespace
    d = distance(logit, highest, finite=finite)
    rest = others - (1.0 - xp.exp(-d))  # others itself, or at least 1 less something below 1
    if not finite:
        rest = defined(rest, highest)
    scale = 1.0 / (1.0 + rest)
    return LabelLoss(d + xp.log1p(rest), scale, -others * scale)


def defined(rest: Array, highest: Array) -> Array:
    """Return ``rest``, and NaN for rows with two logits at +inf, or all at -inf."""
    xp = backend_of(rest).namespace
    return xp.where(stable.infinite(highest) & (rest > 0.0), xp.nan, rest)


def distance(logit: Array, highest: Array, *, finite: bool = False) -> Array:
    """Return max z - z_y."""
    if finite:
        return highest - logit
    xp = backend_of(logit).namespace
    return xp.where(logit == highest, 0.0, highest - logit)


def negative_log_softmax(logits: Array, axis: int, prior: Prior | None = None) -> Array:
    """Return ``logsumexp(z) - z_k``, -log p_k for p = softmax(z), for every k along ``axis``.

    With t the position of one maximum and rest = sum_{k != t} exp(z_k - z_t),
    ``logsumexp(z) - z_k = (z_t - z_k) + log1p(rest)``: no term is negative. The maximum is
    dropped from the sum, not subtracted, so that rest keeps its digits when it is tiny.

    The derivatives need as much care. The first, to z_t, is -rest / (1 + rest) for k = t and
    1 / (1 + rest) for the others; the second is rest / (1 + rest)^2 for both. So z_t enters as
    a constant ``shift`` plus ``lift``, which is 0 and has derivative 1, in forms of one and the
    same function whose derivatives come out of autodiff without cancelling.

    With a `Prior` t is the largest term, and what is beside a term has its factor.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    classes = xp.arange(logits.shape[axis], device=backend.device(logits))
    terms = backend.detach(logits if prior is None else logits + prior.log)
    top = _along(classes, axis, len(logits.shape)) == xp.argmax(terms, axis=axis, keepdims=True)

    highest = xp.sum(xp.where(top, logits, 0.0), axis=axis, keepdims=True)
    shift = backend.detach(highest)
    infinite = stable.infinite(shift)
    lift = xp.where(infinite, 0.0, highest) - xp.where(infinite, 0.0, shift)

    largest = xp.finfo(logits.dtype).max
    below, above = shift < -largest, shift > largest
    finite_shift = xp.where(below, -largest, xp.where(infinite, largest, shift))
    others = xp.where(top, finite_shift, logits)
    if prior is None:
        ratios = _ratios(others, finite_shift, axis)
    else:
        ratios = _weighed(others, top, axis, prior)
    rest = backend.sum(xp.where(top, 0.0, ratios), axis, keepdims=True)
    undefined = infinite & (rest > 0.0)  # two at +inf
    if logits.shape[axis] > 1:
        undefined = undefined | below  # no class is possible

    at_top = xp.log1p(rest * xp.exp(-lift))
    elsewhere = xp.where(rest > 1.0, xp.log1p(rest + xp.expm1(lift)), lift + at_top)
    elsewhere = backend.spread(elsewhere, logits.shape[axis], axis)
    distance = xp.where(above, highest, finite_shift) - others
    if prior is not None:
        distance = distance + (_at(top, prior.log, axis) - prior.log)
    # NaN, of which every logit of the row has a part, and so a derivative of NaN
    nowhere = xp.where(undefined, xp.nan, xp.ones_like(rest)) * xp.where(undefined, logits, 0.0)
    return xp.where(top, at_top, distance + elsewhere) + nowhere


def _at(top: Array, values: Array, axis: int) -> Array:
    """Return the value at the top of each row."""
    xp = backend_of(values).namespace
    return xp.sum(xp.where(top, values, 0.0), axis=axis, keepdims=True)


def _weighed(logits: Array, top: Array, axis: int, prior: Prior) -> Array:
    """Return ``f_k exp(z_k - z_t) / f_t``, z_t a constant.

    By way of the largest logit, which may be above z_t by more than an exponential holds, and by
    square roots: what a small f_t lifts must not be an underflow before.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    highest = backend.detach(xp.max(logits, axis=axis, keepdims=True))
    largest = xp.finfo(logits.dtype).max
    half, most = (0.5 * xp.clip(x, -largest, largest) for x in (logits, highest))
    roots = _ratios(half, most, axis)
    own = _at(top, backend.detach(roots), axis)
    return roots * (prior.factor / (own * _at(top, prior.factor, axis))) * (roots / own)


def _ratios(logits: Array, highest: Array, axis: int) -> Array:
    """Return ``exp(z_k - highest)`` for autodiff; ``highest`` is finite and constant.

    The logits enter as constants plus ``lift``, 0 with derivative 1: derivatives that go through
    the power and the factor of a `Shift`, each near to over- or underflow, would not survive.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    fixed = backend.detach(logits)
    unbounded = stable.infinite(fixed)
    lift = xp.where(unbounded, 0.0, logits) - xp.where(unbounded, 0.0, fixed)
    by, factor = shift_of(highest, logits.shape[axis])
    return shifted_exp(fixed, by) * factor * xp.exp(lift)


def _along(classes: Array, axis: int, rank: int) -> Array:
    """Lay a vector along ``axis`` of arrays of ``rank`` axes."""
    ones = tuple(-1 if i == axis else 1 for i in range(rank))
    return backend_of(classes).namespace.reshape(classes, ones)
