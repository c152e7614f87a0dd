"""PyTorch: p and 1 - p of logits with a derivative of their own, for eager code of any device."""

from collections.abc import Callable
from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.modes import transformed

Both = tuple[Array, Array]


def chances(composed: Callable[[Array], Both], logits: Array) -> Both:
    """Return sigmoid(z) and sigmoid(-z), composed where torch looks through the operations."""
    if transformed((logits,)):
        return composed(logits)
    found: Both = _Chances.apply(logits)
    return found


class _Chances(torch.autograd.Function):
    """Both of them, so that p (1 - p) has its digits, of which torch's own 1 - p has none left.

    The derivative is made of what comes out, and so is that of it.
    """

    @staticmethod
    def forward(ctx: Any, logits: Array) -> Both:
        p, rest = torch.sigmoid(logits), torch.neg(logits).sigmoid_()
        ctx.save_for_backward(p, rest)
        return p, rest

    @staticmethod
    def backward(ctx: Any, of_p: Array, of_rest: Array) -> Array:
        p, rest = ctx.saved_tensors
        found: Array = (of_p - of_rest) * (p * rest)
        return found
