"""The block of binary cross-entropy in passes: it is `stable.softplus_with_slope` of elements.

The loss is linear in the target, and so is the slope, which `lerp` mixes in one pass, and to the
last digit at both ends.
"""

from typing import NamedTuple

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.passes.rows import only

SURE = 20.0  # of float32 the sigmoid is 1 from 17 on


class Parts(NamedTuple):
    """What a loss is the sum of. ``against`` is NaN for 0 * inf, and where the tail is NaN."""

    against: Array
    tail: Array

    def loss(self) -> Array:
        """Return the loss of each element."""
        inf = float("inf")
        return self.against.nan_to_num_(nan=0.0, posinf=inf, neginf=-inf).add_(self.tail)

    def total(self, keep: Array | None) -> Array:
        """Return the sum of the losses that count."""
        return torch.nansum(only(keep, self.against)) + only(keep, self.tail).sum()


def parts_of(z: Array, y: Array, positive: Array, negative: Array, weight: Array | None) -> Parts:
    """Return ``wrong * |z|`` and ``weight * log1p(exp(-|z|))`` of targets y.

    ``wrong`` is the factor of the side that z speaks against, of weights ``positive`` and
    ``negative``; ``weight`` that of both sides, None for 1.
    """
    above = z > 0.0
    against = above.view(torch.int8) - y  # 1 - y or -y: of the sign of z
    if weight is not None:
        against.mul_(torch.where(above, negative, positive))
    tail = torch.copysign(z, -1.0).exp_()
    tail = tail.log1p_() if weight is None else torch.special.xlog1py(weight, tail)
    return Parts(against.mul_(z), tail)


def slope_of(z: Array, y: Array, positive: Array, negative: Array) -> Array:
    """Return ``negative * (1 - y) * p - positive * y * (1 - p)`` with p = sigmoid(z)."""
    rising = torch.ops.aten.softplus_backward(negative, z, 1.0, SURE)
    return rising.lerp_(torch.ops.aten.softplus_backward(-positive, z, -1.0, SURE), y)
