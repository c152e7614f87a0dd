"""Sums of a batch of which each device has a part."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from weightedce.backends import Array, backend_of
from weightedce.call.options import choice

Gradients = Literal["mean", "sum"]


def across(sums: Sequence[Array], devices: Any, gradients: Gradients | None) -> Sequence[Array]:
    """Return arrays of one shape as their sums over devices, in one collective."""
    if gradients is not None:
        choice("gradients", gradients, get_args(Gradients))
    backend = backend_of(sums[0])
    xp = backend.namespace
    total = backend.across(xp.stack(list(sums)), devices, gradients)
    return [total[i, ...] for i in range(len(sums))]
