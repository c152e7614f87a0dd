"""What belongs to a row or an element: whether it counts, its weight, and the sum of all."""

from collections.abc import Sequence

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes, Elements
from weightedce.numerics.smoothing import ROUNDING_SLACK

MOST = torch.finfo(torch.float32).max


def kept(targets: Array, mask: Array | None, ignore: Sequence[float]) -> Array | None:
    """Return what counts; None: all."""
    keep = None if mask is None else (mask != 0).expand(targets.shape)
    for label in ignore:
        keep = targets != label if keep is None else keep & (targets != label)
    return keep


def labels_of(given: Classes) -> tuple[Array, Array | None, Array]:
    """Return labels, which are kept (None: all) and the weight of each, the axis of classes left.

    The weight is NaN for a label that is no class.
    """
    y = given.targets.long()
    keep, known = kept(y, given.mask, given.ignore), (y >= 0) & (y < given.logits.shape[given.axis])
    weight = torch.where(known, weight_of_rows(given, y), torch.nan)
    found = torch.where(known, y, 0), keep, weight
    y, keep, weight = (x if x is None else x.unsqueeze(given.axis) for x in found)
    return y, keep, weight


def weight_of_rows(given: Classes, rows: Array) -> Array:
    """Return the weight of each row, whatever its class, in the shape of ``rows``."""
    weight = torch.full(rows.shape, given.weight, dtype=torch.float32, device=rows.device)
    if given.sample_weight is None:
        return weight
    return weight * weights(given.sample_weight, given.signed)


def weights(weight: Array, signed: bool) -> Array:
    """Return weights in float32, NaN for what is none."""
    weight = weight.float()
    return torch.where((weight < (-MOST if signed else 0.0)) | (weight > MOST), torch.nan, weight)


def along(weight: Array, axis: int, rank: int) -> Array:
    """Return a flat weight laid along an axis."""
    return weight.reshape([-1 if i == axis else 1 for i in range(rank)])


def in_range(targets: Array, signed: bool) -> Array:
    """Return targets in float32, NaN for what is no probability."""
    targets = targets.float()
    if signed:
        return targets
    return torch.where(
        (targets < -ROUNDING_SLACK) | (targets > 1.0 + ROUNDING_SLACK), torch.nan, targets
    )


def times_difference(weight: Array, left: Array, right: Array, place: Array) -> None:
    """Put ``2 weight * (left - right)`` into its place, that of any of them, in one pass."""
    weight, left, right = (x.expand(place.shape) for x in (weight, left, right))
    torch.ops.aten.mse_loss_backward.grad_input(weight, left, right, 0, grad_input=place)


def outside(targets: Array, keep: Array | None) -> Array:
    """Tell which targets that count are no probabilities."""
    inside = (targets >= -ROUNDING_SLACK).logical_and_(targets <= 1.0 + ROUNDING_SLACK)
    found = inside.logical_not_()  # NaN too
    return found if keep is None else found.logical_and_(keep)


def only(keep: Array | None, value: Array) -> Array:
    """Return what counts of a value, and 0 for the rest."""
    return value if keep is None else torch.where(keep, value, 0.0)


def only_(keep: Array | None, value: Array) -> Array:
    """Put 0 into the places of a value that do not count."""
    return value if keep is None else value.masked_fill_(~keep, 0.0)


def times(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss`` with 0 * inf = 0."""
    return torch.where((weight == 0.0) & (loss > MOST), 0.0, weight * loss)


def asks_for_weight(given: Classes | Elements) -> bool:
    """Tell whether anybody looks at the sum of weights."""
    return not given.apart and given.divisor != "count"


def sums_of(weight: Array | None, keep: Array | None, loss: Array) -> Array:
    """Return the sum of weights, 0 for None, and how many losses count."""
    if weight is None:
        found = torch.zeros((), dtype=torch.float32, device=loss.device)
    else:
        found = only(keep, weight.expand(loss.shape)).sum()
    if keep is None:
        return torch.stack([found, torch.full_like(found, loss.numel())])
    return torch.stack([found, keep.sum().float()])


def reduced(given: Classes, loss: Array, sums: Array) -> Array:
    """Return what is asked for of the losses of rows."""
    if given.apart:
        return loss.squeeze(given.axis)
    return divided(loss.sum(), sums, given.divisor)


def divided(value: Array, sums: Array, divisor: str) -> Array:
    """Return a value over what the sum of losses is divided by, and 0 where that is 0."""
    if divisor == "one":
        return value
    by = sums[1] if divisor == "count" else sums[0]
    return torch.where(by == 0.0, 0.0, value / torch.where(by == 0.0, 1.0, by))
