"""PyTorch: a loss by an operator, with its slope for a derivative; further ones are composed."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from weightedce.backends.handed import Array, Form, Given, Known, Operator
from weightedce.backends.torch import operands
from weightedce.backends.torch.at_once import PLAIN, natural
from weightedce.backends.torch.devices import by_triton
from weightedce.backends.torch.modes import batched, transformed
from weightedce.backends.torch.operators.library import OPERATIONS
from weightedce.backends.torch.passes import launch as passes
from weightedce.numerics import stable

HALF_OR_SINGLE = (torch.float32, torch.bfloat16, torch.float16)  # what is computed in float32


class _Operator(NamedTuple):
    """An operator of torch, and how its arguments are made of what is given."""

    name: str
    arguments: Callable[[Given, Form], Any]


OPERATORS: dict[tuple[str, Callable[..., Any]], _Operator] = {
    **{("labels", form): _Operator("labels", operands.of_classes) for form in operands.FORMS},
    ("mass", stable.focused): _Operator("mass", operands.of_classes),
    **{("elements", form): _Operator("elements", operands.of_elements) for form in operands.BLOCKS},
}


def operator(
    of: str, form: Form, logits: Array, others: Sequence[Any], moved: bool
) -> Operator | None:
    """Return the operator of a loss, where nothing but the logits wants a derivative."""
    found = None if torch.compiler.is_compiling() else OPERATORS.get((of, form.func))
    if found is None or (of == "mass" and form.keywords["gamma"]):
        return None
    if not by_triton(logits) and (moved or not passes.has(of, form.func)):
        return None
    if moved and logits.device.type == "xpu":  # not all of these have float64
        return None
    if type(logits) not in PLAIN or logits.dtype not in HALF_OR_SINGLE or not logits.numel():
        return None
    tensors = [x for x in others if isinstance(x, torch.Tensor)]
    if transformed((logits, *tensors)):
        return None
    recorded = torch.is_grad_enabled()
    for x in tensors:
        if type(x) not in PLAIN or x.device != logits.device or x.layout is not torch.strided:
            return None
        if recorded and (x.requires_grad or x.is_inference()):
            return None
    return partial(_reduced, found, form)


def _reduced(
    operator: _Operator, form: Form, given: Given, known: Known
) -> tuple[Array, Array, Array]:
    """Return loss, weight and count."""
    found, logits = operator.arguments(given, form), given.logits
    if torch.is_grad_enabled() and logits.requires_grad:
        loss, sums = _Whole.apply(operator.name, found, known, logits)
    else:
        loss, sums, _ = OPERATIONS[operator.name](*found)
    weight, count = sums.unbind()
    return loss, weight, count


class _Whole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, name: str, found: Any, known: Known, _: Array) -> tuple[Array, Array]:
        loss, sums, rows = OPERATIONS[name](*found)
        is_array = [isinstance(x, torch.Tensor) for x in found]
        # logits and targets are the first two
        arrays = (x for x, y in zip(found, is_array, strict=True) if y)
        ctx.save_for_backward(*arrays, sums, *rows)
        others = [None if y else x for x, y in zip(found, is_array, strict=True)]
        ctx.name, ctx.known, ctx.others, ctx.is_array = name, known, others, is_array
        ctx.mark_non_differentiable(sums)
        ctx.set_materialize_grads(False)  # of the sums
        return loss, sums

    @staticmethod
    def backward(ctx: Any, upstream: Array, _: Any) -> tuple[Any, ...]:
        if torch.is_grad_enabled() or batched(upstream):  # it is differentiated, or many
            return None, None, None, natural(ctx, upstream)
        arrays = iter(ctx.saved_tensors)
        given = [next(arrays) if y else x for x, y in zip(ctx.others, ctx.is_array, strict=True)]
        sums, *rows = arrays
        slope = OPERATIONS[f"{ctx.name}_slope"](upstream, sums, rows, *given)
        return None, None, None, slope
