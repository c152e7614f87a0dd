"""PyTorch: the softmax block of distributions in few passes, for eager code on the CPU.

It is `mass_with_slope` of the numerics for rows without infinities, which the caller finds in the
value.
"""

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.labels import exponentials


def mass_in_place(
    axis: int, classes: int, logits: Array, mass: Array, slope: bool
) -> tuple[Array, Array | None]:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` and its derivative to the logits.

    Two arrays of the size of the logits are made. One maximum of each row is taken out of the
    sums by its place: to select takes as long as an exponential.
    """
    highest, place = torch.max(logits, axis, keepdim=True)
    powers = torch.empty_like(logits)
    factor = exponentials(logits, highest, classes, powers)[0] if highest.numel() else highest
    powers.scatter_(axis, place, 0.0)
    rest = powers.sum(axis, keepdim=True).mul_(factor)

    others = mass.clone().scatter_(axis, place, 0.0)
    of_others = others.sum(axis, keepdim=True)
    of_highest = mass.gather(axis, place)
    whole = of_others + of_highest
    behind = torch.sub(highest, logits, out=others).mul_(mass).sum(axis, keepdim=True)
    value = behind.add_(torch.log1p(rest).mul_(whole)).squeeze(axis)
    if not slope:
        return value, None
    share = whole.div_(1.0 + rest)
    powers.mul_(share * factor).sub_(mass)
    at_top = torch.where(rest < 1.0, of_others - share * rest, share - of_highest)
    return value, powers.scatter_(axis, place, at_top)
