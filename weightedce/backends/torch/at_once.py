"""PyTorch: small batches on the CPU as NumPy sees them, and a gradient that is there already."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from weightedce.backends.handed import Array, Known
from weightedce.backends.torch.modes import batched

PLAIN = (torch.Tensor, torch.nn.Parameter)  # other classes of tensors have meanings of their own
NUMBERS = (type(None), float, str, int)


def views(logits: Array, others: Sequence[Any]) -> tuple[list[Any], bool] | None:
    """Return the arrays in NumPy's form, and whether the logits want a gradient."""
    found = [logits, *others]
    try:
        for i, x in enumerate(found):
            kind = type(x)
            if kind in PLAIN:
                found[i] = x.detach().numpy() if x.requires_grad else x.numpy()
            elif kind not in NUMBERS and isinstance(x, torch.Tensor):
                return None
    except (RuntimeError, TypeError):  # on an accelerator, sparse, of a dtype that NumPy has not
        return None
    return found, torch.is_grad_enabled() and logits.requires_grad


def of_host(value: Any) -> Array:
    """Return NumPy's value as a tensor."""
    return torch.from_numpy(np.asarray(value))


def with_slope(value: Any, known: Known, logits: Array, arrays: Sequence[Any]) -> Array:
    """Return a value of NumPy's as a tensor, whose derivative to the logits is known."""
    found: Array = _Known.apply((of_host(value), known, logits, arrays), logits)
    return found


class _Known(torch.autograd.Function):
    """A value with its derivative to the logits; a derivative of that comes of the natural way."""

    @staticmethod
    def forward(ctx: Any, given: tuple[Any, ...], _: Array) -> Array:
        loss, ctx.known, logits, arrays = given
        ctx.slope = ctx.known.slope
        ctx.save_for_backward(logits, *arrays)  # autograd sees if one is changed
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[None, Array]:
        found, ctx.slope = ctx.slope, None  # handed out once, scaled in place
        if torch.is_grad_enabled() or batched(upstream):  # it is differentiated, or many
            with torch.enable_grad():
                logits = ctx.saved_tensors[0]
                logits = logits.view_as(logits)
                loss = ctx.known.natural(logits)
                return None, *torch.autograd.grad(loss, logits, upstream, create_graph=True)
        if found is None:
            ctx.saved_tensors  # noqa: B018 - which tells if one is changed
            found = ctx.known.again()
        slope = torch.from_numpy(found)
        if upstream.ndim:
            slope.mul_(upstream if upstream.ndim == slope.ndim else upstream[:, None])
        elif upstream.item() != 1.0:
            slope.mul_(upstream)
        return None, slope
