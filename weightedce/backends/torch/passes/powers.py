"""Exponentials of rows without a rounded difference, in one array: see `softmax.Shift`."""

from typing import NamedTuple

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.passes.rows import MOST
from weightedce.numerics import softmax


class Powers(NamedTuple):
    """``exp(z_k - max z)`` but for a factor; all but the array have one number a row."""

    array: Array  # exp(z_k - by)
    by: Array
    highest: Array
    top: Array  # the place of a maximum
    at_top: Array  # what is there in the array; 1 for a maximum of +inf
    factor: Array


def powers_of(z: Array, axis: int) -> Powers:
    """Return the exponentials: two passes write, all that follow are in place."""
    found, top = z.max(axis, keepdim=True)
    highest = found.float()
    by, factor = softmax.shift_of(highest, z.shape[axis])
    by = by.clamp(max=MOST)
    at_top = torch.where(highest > MOST, 1.0, torch.exp(highest - by))
    return Powers(torch.sub(z, by).exp_(), by, highest, top, at_top, factor)
