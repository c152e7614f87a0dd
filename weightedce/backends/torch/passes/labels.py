"""The operator of labels in some ten passes over the logits, with one array of their size kept.

It is `softmax.label_loss` of rows. The exponentials of the value are those of the gradient.
"""

from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes, Value
from weightedce.backends.torch.passes.rows import (
    MOST,
    divided,
    kept,
    only,
    sums_of,
    weights,
)
from weightedce.numerics import softmax


def labels(given: Classes) -> Value:
    """Return the loss of labels: see `operators.library`."""
    axis, z = given.axis, given.logits.float()
    y, keep, mass = _mass_of_labels(given)
    powers, highest, factor = _powers(z, y, axis)
    others = powers.sum(axis, keepdim=True)
    found = softmax.label_loss(z.gather(axis, y), highest, others * factor)
    loss, rate = _focused(given.number, found)
    loss = only(keep, torch.where((mass == 0.0) & (loss > MOST), 0.0, mass * loss))  # 0 * inf = 0
    rows = [powers, factor * found.scale, found.at_label, only(keep, mass * rate)]
    sums = sums_of(mass, keep, loss)
    if given.apart:
        return loss.squeeze(axis), sums, rows
    return divided(loss.sum(), sums, given.divisor), sums, rows


def labels_slope(
    upstream: Array, sums: Array, rows: list[Array], place: Array, given: Classes
) -> None:
    """Put the gradient of the same into its place."""
    powers, scale, at_label, rate = rows
    y, keep, _ = _mass_of_labels(given)
    upstream = upstream.unsqueeze(given.axis) if given.apart else upstream
    rate = rate * divided(upstream, sums, given.divisor)
    # in two steps: a power may be next to underflow, and so may both of what it lacks
    if place.dtype == powers.dtype:
        torch.mul(powers, scale, out=place).mul_(rate)
    else:
        torch.mul(torch.mul(powers, scale), rate, out=place)
    place.scatter_(given.axis, y, (at_label * rate).to(place.dtype))
    if keep is not None:
        place.masked_fill_(~keep, 0.0)


def _powers(z: Array, y: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return ``exp(z - by)`` of `softmax.shifted_exp`, 0 for the label; the maxima; the factor.

    At a maximum of +inf it is 1, which is put there along with the 0 of the label.
    """
    highest, top = z.max(axis, keepdim=True)
    by, factor = softmax.shift_of(highest, z.shape[axis])
    by = by.clamp(max=MOST)
    at_top = torch.where(highest > MOST, 1.0, torch.exp(highest - by))
    at_top = torch.where(top == y, 0.0, at_top)
    places, powers = torch.cat([y, top], axis), torch.cat([torch.zeros_like(at_top), at_top], axis)
    return torch.sub(z, by).exp_().scatter_(axis, places, powers), highest, factor


def _focused(gamma: float, found: softmax.LabelLoss) -> tuple[Array, Any]:
    """Return `stable.focused` of a loss, and its derivative to it: see `at_once.focused_odds`."""
    if gamma == 0.0:
        return found.loss, 1.0
    complement = -found.at_label
    factor, p = complement**gamma, torch.exp(-found.loss)
    ratio = torch.where(p == 0.0, 0.0, p * found.loss) / complement
    rate = factor * (1.0 + gamma * torch.where(complement == 0.0, 1.0, ratio))
    return factor * found.loss, rate


def _mass_of_labels(given: Classes) -> tuple[Array, Array | None, Array]:
    """Return labels, which are kept (None: all) and their mass, the axis of the classes left.

    The mass is NaN for a label that is no class.
    """
    axis, classes = given.axis, given.logits.shape[given.axis]
    y = given.targets.long()
    keep, known = kept(y, given.mask, given.ignore), (y >= 0) & (y < classes)
    y = torch.where(known, y, 0)
    mass = torch.full(y.shape, given.weight, dtype=torch.float32, device=y.device)
    if given.sample_weight is not None:
        mass = mass * weights(given.sample_weight, given.signed)
    if given.class_weight is not None:
        weight = weights(given.class_weight, given.signed)
        mass = mass * (weight if weight.numel() == 1 else weight[y])
    mass = torch.where(known, mass, torch.nan)
    return y.unsqueeze(axis), None if keep is None else keep.unsqueeze(axis), mass.unsqueeze(axis)
