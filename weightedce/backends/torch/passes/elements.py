"""The operator of elements in passes: the blocks of `numerics` in their sloped forms.

The slope is computed along with the value, and kept. Only `softplus`, which is most common, has
passes of its own, and keeps which targets are in range.
"""

import torch

from weightedce.backends.handed import Array, Sloped
from weightedce.backends.torch.operands import Elements, Value
from weightedce.backends.torch.passes import softplus
from weightedce.backends.torch.passes.blocks import added, by_blocks, gradient_by_blocks, joined
from weightedce.backends.torch.passes.rows import (
    along,
    asks_for_weight,
    divided,
    in_range,
    kept,
    only,
    only_,
    outside,
    sums_of,
    weights,
)
from weightedce.numerics import asymmetric, stable
from weightedce.numerics.smoothing import smoothed_mass, smoothed_targets


def elements(given: Elements) -> Value:
    """Return the loss of elements: see `operators.library`."""
    form = _softplus if is_softplus(given) else _focused
    found = by_blocks(form, given, whole=_holds_little(given))
    losses, sums, *rows = zip(*found, strict=True)
    kept_rows, whole = [joined(x) for x in rows], added(sums)
    if given.apart:
        return joined(losses), whole, kept_rows
    return divided(added(losses), whole, given.divisor), whole, kept_rows


def elements_slope(upstream: Array, sums: Array, rows: list[Array], given: Elements) -> Array:
    """Return the gradient of the same."""
    scale = divided(upstream, sums, given.divisor)
    return gradient_by_blocks(_slope, given, scale, rows, whole=given.logits.dtype == torch.float32)


def is_softplus(given: Elements) -> bool:
    """Tell whether a loss goes in the passes of `softplus`."""
    return given.block == "softplus" and given.smoothing == 0.0


def _holds_little(given: Elements) -> bool:
    """Tell whether passes over all elements at once hold no more than torch's own loss does."""
    return is_softplus(given) and given.logits.dtype == given.targets.dtype == torch.float32


def _focused(given: Elements) -> list[Array]:
    """Return the losses or their sum, the sums of `rows.sums_of`, and the slope."""
    keep = _kept(given)
    positive, negative, weight = _factors(given)
    loss, slope = _sloped(given)(given.logits.float(), positive, negative, True)
    assert slope is not None
    loss = only(keep, loss)
    return [loss if given.apart else loss.sum(), sums_of(weight, keep, loss), slope]


def _softplus(given: Elements) -> list[Array]:
    """Return the same, but which targets are out of range in place of the slope, if any can be."""
    z, y, keep = given.logits.float(), given.targets.float(), _kept(given)
    bad = [] if given.signed else [outside(given.targets, keep)]
    p, n = _weights(given)
    weight = torch.lerp(n, p, y) if given.signed or _is_weighted(given) else None
    parts = softplus.parts_of(z, y, p, n, weight)
    if given.apart:
        loss = _marked(bad, only(keep, parts.loss()))
        return [loss, sums_of(None, keep, loss), *bad]
    weight = n if weight is None else weight
    sums, total = sums_of(weight if asks_for_weight(given) else None, keep, z), parts.total(keep)
    if bad:
        lost = torch.zeros_like(total).masked_fill_(bad[0].any(), torch.nan)
        total, sums[0] = total + lost, sums[0] + lost
    return [total, sums, *bad]


def _slope(given: Elements, scale: Array, rows: list[Array]) -> Array:
    """Return the gradient of a block."""
    if not is_softplus(given):
        return only_(_kept(given), rows[0] * scale)
    z, y = given.logits.float(), given.targets.float()
    p, n = _weights(given)
    if given.apart:
        slope = softplus.slope_of(z, y, p, n).mul_(scale)
    else:  # of which no pass is needed for the scale
        slope = softplus.slope_of(z, y, p * scale, n * scale)
    return only_(_kept(given), _marked(rows, slope))


def _is_weighted(given: Elements) -> bool:
    """Tell whether a weight is not 1."""
    arrays = (given.pos_weight, given.neg_weight, given.sample_weight)
    return not given.pos == given.neg == 1.0 or any(x is not None for x in arrays)


def _marked(bad: list[Array], value: Array) -> Array:
    """Put NaN where targets are out of range; if all may be, ``bad`` is empty."""
    return value.masked_fill_(bad[0], torch.nan) if bad else value


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


def _factors(given: Elements) -> tuple[Array, Array, Array | None]:
    """Return the factors of both sides, and the effective weight, if it is asked for.

    As `weightedce.call.binary_batch` has them.
    """
    y, e = in_range(given.targets, given.signed), given.smoothing
    p, n = _weights(given)
    rest = 1.0 - y
    whole, none = p * y, n * rest
    weight = whole + none if asks_for_weight(given) else None
    if e == 0.0:
        return whole, none, weight
    if given.of_target:
        return *smoothed_mass(whole, none, e / 2, e / 2), weight
    return *smoothed_targets(y, rest, p, n, e / 2, e / 2), weight
