"""The operator of elements in passes: the blocks of `numerics` in their sloped forms.

The slope is computed along with the value, and kept. Only `softplus`, which is most common, has
passes of its own, and keeps which targets are in range.
"""

import torch

from weightedce.backends.handed import Array, Sloped
from weightedce.backends.torch.operands import Elements, Value
from weightedce.backends.torch.passes import softplus
from weightedce.backends.torch.passes.rows import (
    along,
    divided,
    in_range,
    inside,
    kept,
    only,
    rounded,
    sums_of,
    weights,
)
from weightedce.numerics import asymmetric, stable
from weightedce.numerics.smoothing import smoothed_mass, smoothed_targets


def elements(given: Elements) -> Value:
    """Return the loss of elements: see `operators.library`."""
    if is_softplus(given):
        return _softplus(given)
    keep = _kept(given)
    positive, negative, weight = _factors(given)
    loss, slope = _sloped(given)(given.logits.float(), positive, negative, True)
    loss = only(keep, loss)
    sums = sums_of(weight, keep, loss)
    if given.apart:
        return loss, sums, [slope]
    return divided(loss.sum(), sums, given.divisor), sums, [slope]


def elements_slope(upstream: Array, sums: Array, rows: list[Array], given: Elements) -> Array:
    """Return the gradient of the same."""
    scale = divided(upstream, sums, given.divisor)
    if not is_softplus(given):
        return rounded(rows[0] * scale, _kept(given), given)
    p, n = (weight * scale for weight in _weights(given))
    slope = softplus.slope_of(given.logits.float(), given.targets.float(), p, n)
    return rounded(_where(rows, slope), _kept(given), given)


def is_softplus(given: Elements) -> bool:
    """Tell whether a loss goes in the passes of `softplus`."""
    return given.block == "softplus" and given.smoothing == 0.0


def _softplus(given: Elements) -> Value:
    """Return the same as `elements`."""
    z, y, keep = given.logits.float(), given.targets.float(), _kept(given)
    known = [] if given.signed else [inside(given.targets, keep)]
    p, n = _weights(given)
    plain = not given.apart and _weighs_nothing(given)
    weight = None if plain else _where(known, torch.lerp(n, p, y))
    parts = softplus.parts_of(z, y, p, n, weight)
    if given.apart:
        loss = only(keep, parts.loss())
        return loss, sums_of(weight, keep, loss), known
    total = parts.total(keep)
    if plain:
        weight = torch.where(known[0].all(), 1.0, torch.nan) if known else torch.ones_like(total)
        total = total * weight
    sums = sums_of(weight, keep, z)
    return divided(total, sums, given.divisor), sums, known


def _weighs_nothing(given: Elements) -> bool:
    """Tell whether there is no weight; targets of any size have none of 1 either."""
    arrays = (given.pos_weight, given.neg_weight, given.sample_weight)
    return given.pos == given.neg == 1.0 and all(x is None for x in arrays)


def _where(known: list[Array], value: Array) -> Array:
    """Return a value, NaN where targets are out of range; if all may be, ``known`` is empty."""
    return torch.where(known[0], value, torch.nan) if known else value


def _sloped(given: Elements) -> Sloped:
    """Return the sloped form of a block."""
    if given.block == "asymmetric":
        return asymmetric.asymmetric(*given.numbers).sloped
    return stable.focal(given.numbers[0] if given.numbers else 0.0).sloped


def _kept(given: Elements) -> Array | None:
    """Return what counts; None: all."""
    keep = kept(given.targets, given.mask, given.ignore)
    if not given.skip_nan:
        return keep
    known = given.targets == given.targets
    return known if keep is None else keep & known


def _weights(given: Elements) -> tuple[Array, Array]:
    """Return the weights of positives and of negatives, of those shapes that they come in."""
    p, n = (
        torch.full((), number, dtype=torch.float32, device=given.logits.device)
        for number in (given.pos, given.neg)
    )
    if given.sample_weight is not None:
        sample = weights(given.sample_weight, given.signed)
        p, n = p * sample, n * sample
    rank = given.logits.ndim
    if given.pos_weight is not None:
        p = p * along(weights(given.pos_weight, given.signed), given.axis, rank)
    if given.neg_weight is not None:
        n = n * along(weights(given.neg_weight, given.signed), given.axis, rank)
    return p, n


def _factors(given: Elements) -> tuple[Array, Array, Array]:
    """Return the factors of both sides, and the effective weight.

    As `weightedce.call.binary_batch` has them.
    """
    y, e = in_range(given.targets, given.signed), given.smoothing
    p, n = _weights(given)
    rest = 1.0 - y
    whole, none = p * y, n * rest
    if e == 0.0:
        return whole, none, whole + none
    if given.of_target:
        positive, negative = smoothed_mass(whole, none, e / 2, e / 2)
    else:
        positive, negative = smoothed_targets(y, rest, p, n, e / 2, e / 2)
    return positive, negative, whole + none
