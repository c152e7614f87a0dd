"""PyTorch: the operators as torch knows them, in the namespace ``weightedce``.

Each has a value, of loss, the sums of weights and of what counts, and numbers of the rows that its
slope needs; and a slope, which reads the logits again and writes the gradient. What they give
without numbers, as on the meta device, is here; the numbers come of kernels of Triton.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import SCHEMAS, Elements, Labels, Mass

ROWS = {"labels": 2, "mass": 6, "elements": 0}  # numbers that are kept of each row
KINDS: dict[str, Callable[..., Any]] = {"labels": Labels, "mass": Mass, "elements": Elements}
LIBRARY = torch.library.Library("weightedce", "DEF")
OPERATIONS: dict[str, Callable[..., Any]] = {}  # by name, that of a slope with ``_slope`` behind


def loss_shape(name: str, logits: Array, axis: int) -> list[int]:
    """Return the shape of a loss that is not added up."""
    shape = list(logits.shape)
    return shape if name == "elements" else shape[:axis] + shape[axis + 1 :]


def _forms() -> Any:
    """Return the room that has the numbers."""
    from weightedce.backends.torch.triton import launch  # noqa: PLC0415 - Triton may be absent

    return launch


def _define(name: str) -> None:
    """Make an operator and its slope known to torch."""
    kind, schema, kept = KINDS[name], SCHEMAS[name], ROWS[name]

    def value(*arguments: Any) -> tuple[Array, Array, Array]:
        found: tuple[Array, Array, Array] = getattr(_forms(), name)(kind(*arguments))
        return found

    def slope(upstream: Array, sums: Array, rows: Array, *arguments: Any) -> Array:
        form = getattr(_forms(), f"{name}_slope")
        found: Array = form(upstream, sums, rows, kind(*arguments))
        return found

    def fake_value(*arguments: Any) -> tuple[Array, Array, Array]:
        given = kind(*arguments)
        shape = loss_shape(name, given.logits, given.axis)
        made = [shape if given.apart else (), (2,), (kept, prod(shape))]
        loss, sums, rows = (given.logits.new_empty(x, dtype=torch.float32) for x in made)
        return loss, sums, rows

    def fake_slope(_: Array, __: Array, ___: Array, *arguments: Any) -> Array:
        return torch.empty_like(arguments[0], memory_format=torch.contiguous_format)

    LIBRARY.define(f"{name}({schema}) -> (Tensor, Tensor, Tensor)")
    LIBRARY.define(f"{name}_slope(Tensor upstream, Tensor sums, Tensor rows, {schema}) -> Tensor")
    for suffix, real, fake in (("", value, fake_value), ("_slope", slope, fake_slope)):
        LIBRARY.impl(name + suffix, real, "CompositeExplicitAutograd")
        torch.library.register_fake(f"weightedce::{name}{suffix}", fake, lib=LIBRARY)
        OPERATIONS[name + suffix] = getattr(torch.ops.weightedce, name + suffix).default


for _name in SCHEMAS:
    _define(_name)
