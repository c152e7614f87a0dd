"""Sums of a batch of which each device has a part."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from weightedce.backends import Array, backend_of, host, opened
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


def counts_across(counts: Array, devices: Any, options: int) -> Array:
    """Return integers of NumPy as their sums over the processes of whichever library has several.

    ``options``, of 24 bits, must be alike everywhere: with unlike sizes somebody would wait for
    ever, or get what is no sum. They are iff the sum of squares is as small as it can be, which
    every process sees alike.
    """
    adders = {}
    for backend in opened():
        adder = backend.adder(devices)
        if adder is not None:
            adders[backend.name] = adder
    if len(adders) > 1:
        raise ValueError(
            f"devices: expected those of one library, got None where several libraries have some: "
            f"{', '.join(adders)}"
        )
    if not adders and devices is not None:
        raise TypeError(
            f"devices: expected a ProcessGroup or a DeviceMesh of torch.distributed, or None for "
            f"all processes or replicas, got {type(devices).__qualname__}: {devices!r:.80}"
        )
    xp = host().namespace
    for add in adders.values():
        alike = [1, options, options**2]
        number, total, squares = add(xp.asarray(alike, dtype=xp.int64)).tolist()
        if number * squares != total**2:
            raise ValueError("across: expected counters with the same options on all devices")
        counts = add(counts)
    return counts
