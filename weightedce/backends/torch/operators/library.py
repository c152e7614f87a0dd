"""PyTorch: the operators as torch knows them, in the namespace ``weightedce``.

Each has a value, of loss, the sums of weights and of what counts, and numbers of the rows that its
slope needs; and a slope, which reads the logits again and writes the gradient, new or into a
place, that of the logits too. What they give without numbers, as on the meta device, is here; the
numbers come of kernels where Triton is, else of torch's own passes.
"""

from collections.abc import Callable
from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.devices import by_triton
from weightedce.backends.torch.operands import SCHEMAS, Classes, Elements, Value
from weightedce.backends.torch.passes import launch as passes

KINDS: dict[str, Callable[..., Any]] = {"labels": Classes, "mass": Classes, "elements": Elements}
LIBRARY = torch.library.Library("weightedce", "DEF")
OPERATIONS: dict[str, Callable[..., Any]] = {}  # by name, ``_slope`` or ``_slope_into`` behind


def loss_shape(name: str, logits: Array, axis: int) -> list[int]:
    """Return the shape of a loss that is not added up."""
    shape = list(logits.shape)
    return shape if name == "elements" else shape[:axis] + shape[axis + 1 :]


def _forms(logits: Array) -> Any:
    """Return the room that has the numbers."""
    if not by_triton(logits):
        return passes
    from weightedce.backends.torch.triton import launch  # noqa: PLC0415 - Triton may be absent

    return launch


def _define(name: str) -> None:
    """Make an operator and its slope known to torch."""
    kind, schema = KINDS[name], SCHEMAS[name]

    def value(*arguments: Any) -> Value:
        found: Value = getattr(_forms(arguments[0]), name)(kind(*arguments))
        return found

    def slope(upstream: Array, sums: Array, rows: list[Array], *arguments: Any) -> Array:
        if not by_triton(arguments[0]):
            form = getattr(passes, f"{name}_slope")
            found: Array = form(upstream, sums, rows, kind(*arguments))
            return found
        gradient = fake_slope(upstream, sums, rows, *arguments)
        slope_into(upstream, sums, rows, gradient, *arguments)
        return gradient

    def slope_into(
        upstream: Array, sums: Array, rows: list[Array], gradient: Array, *arguments: Any
    ) -> None:
        if not by_triton(arguments[0]):
            gradient.copy_(slope(upstream, sums, rows, *arguments))
            return
        form = getattr(_forms(arguments[0]), f"{name}_slope")
        form(upstream, sums, rows, gradient, kind(*arguments))

    def fake_value(*arguments: Any) -> Value:
        given = kind(*arguments)
        shape = loss_shape(name, given.logits, given.axis) if given.apart else ()
        loss, sums = (given.logits.new_empty(x, dtype=torch.float32) for x in (shape, (2,)))
        return loss, sums, _forms(given.logits).kept(name, given)

    def fake_slope(_: Array, __: Array, ___: list[Array], *arguments: Any) -> Array:
        return torch.empty_like(arguments[0], memory_format=torch.contiguous_format)

    def fake_into(*_: Any) -> None:
        pass

    above = "Tensor upstream, Tensor sums, Tensor[] rows"
    LIBRARY.define(f"{name}({schema}) -> (Tensor, Tensor, Tensor[])")
    LIBRARY.define(f"{name}_slope({above}, {schema}) -> Tensor")
    LIBRARY.define(f"{name}_slope_into({above}, Tensor(a!) gradient, {schema}) -> ()")
    forms = (
        ("", value, fake_value),
        ("_slope", slope, fake_slope),
        ("_slope_into", slope_into, fake_into),
    )
    for suffix, real, fake in forms:
        LIBRARY.impl(name + suffix, real, "CompositeExplicitAutograd")
        torch.library.register_fake(f"weightedce::{name}{suffix}", fake, lib=LIBRARY)
        OPERATIONS[name + suffix] = getattr(torch.ops.weightedce, name + suffix).default


for _name in SCHEMAS:
    _define(_name)
