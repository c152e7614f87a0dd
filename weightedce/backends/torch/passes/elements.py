"""The operator of elements in passes: the blocks of `numerics` in their sloped forms.

Their value alone in the forward pass, their slope in the backward pass, which computes the factors
again: so nothing is kept.
"""

import torch

from weightedce.backends.handed import Array, Sloped
from weightedce.backends.torch.operands import Elements, Value
from weightedce.backends.torch.passes.rows import (
    along,
    divided,
    in_range,
    kept,
    only,
    sums_of,
    weights,
)
from weightedce.numerics import asymmetric, stable
from weightedce.numerics.smoothing import smoothed_mass, smoothed_targets


def elements(given: Elements) -> Value:
    """Return the loss of elements: see `operators.library`."""
    positive, negative, weight, keep = _factors(given)
    logits = given.logits.float()
    loss = only(keep, _sloped(given)(logits, positive, negative, False)[0])
    sums = sums_of(weight, keep, loss)
    if given.apart:
        return loss, sums, []
    return divided(loss.sum(), sums, given.divisor), sums, []


def elements_slope(
    upstream: Array, sums: Array, _: list[Array], place: Array, given: Elements
) -> None:
    """Put the gradient of the same into its place."""
    positive, negative, _weight, keep = _factors(given)
    slope = _sloped(given)(given.logits.float(), positive, negative, True)[1]
    assert slope is not None
    slope = slope * divided(upstream, sums, given.divisor)
    place.copy_(only(keep, slope))


def _sloped(given: Elements) -> Sloped:
    """Return the sloped form of a block."""
    if given.block == "asymmetric":
        return asymmetric.asymmetric(*given.numbers).sloped
    return stable.focal(given.numbers[0] if given.numbers else 0.0).sloped


def _factors(given: Elements) -> tuple[Array, Array, Array, Array | None]:
    """Return the factors of both sides, the effective weight, and what is kept.

    As `weightedce.call.binary_batch` has them.
    """
    y, e = given.targets.float(), given.smoothing
    keep = kept(y, given.mask, given.ignore)
    if given.skip_nan:
        keep = y == y if keep is None else keep & (y == y)
    y = in_range(y, given.signed)
    p, n = (
        torch.full((), number, dtype=torch.float32, device=y.device)
        for number in (given.pos, given.neg)
    )
    if given.sample_weight is not None:
        sample = weights(given.sample_weight, given.signed)
        p, n = p * sample, n * sample
    if given.pos_weight is not None:
        p = p * along(weights(given.pos_weight, given.signed), given.axis, y.ndim)
    if given.neg_weight is not None:
        n = n * along(weights(given.neg_weight, given.signed), given.axis, y.ndim)
    rest = 1.0 - y
    whole, none = p * y, n * rest
    if e == 0.0:
        return whole, none, whole + none, keep
    if given.of_target:
        positive, negative = smoothed_mass(whole, none, e / 2, e / 2)
    else:
        positive, negative = smoothed_targets(y, rest, p, n, e / 2, e / 2)
    return positive, negative, whole + none, keep
