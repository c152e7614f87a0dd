"""PyTorch: softmax cross-entropy of labels and its derivative, in the place of the logits.

It is `Head.slope` for the most common targets, in five passes over the logits instead of thirty,
none of which allocates.
"""

from collections.abc import Sequence
from typing import Any

import torch

from weightedce.backends import Array
from weightedce.blocks import Head
from weightedce.reductions import LossTotal


def takes(head: Head, logits: Array, targets: Array) -> bool:
    """Tell whether these targets are what this room is for."""
    return targets.ndim < logits.ndim and not head.label_smoothing


def slope_in_place(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any]
) -> tuple[Array, LossTotal] | None:
    """Return losses and sums, and put the derivative into the place of the logits.

    With o = sum_{k != y} p_k the loss is -log(1 - o) where p_y > 1/2, and logsumexp(z) - z_y
    elsewhere; the derivative to z_y is -weight * o: o keeps the digits that 1 - p_y has not.
    None, with the logits that count as they were, if one is +inf: softmax has no limit there.
    """
    keep, cap = rows[2], head.softcap
    z = logits if cap is None else (logits / cap).tanh_().mul_(cap)
    if keep is not None:
        z.masked_fill_(~keep[:, None], 0.0)
    highest = z.amax(dim=1)
    if torch.isinf(highest).any():
        return None
    y, weight = _weights(logits, rows, shared)
    at_label = z.gather(1, y).squeeze(1)
    bend = None if cap is None else (z / cap).square_().neg_().add_(1.0)
    p = torch.softmax(z, dim=1, out=logits)
    p_y = p.gather(1, y).squeeze(1)
    p_max = p.amax(dim=1)
    others = p.scatter_(1, y, 0.0).sum(dim=1)

    log_sum = highest - p_max.log()
    loss = torch.where(p_y > 0.5, -torch.log1p(-others), log_sum - at_label)
    loss = weight * torch.where(weight == 0.0, 0.0, loss)
    factor = weight
    if head.z_loss:
        loss = loss + head.z_loss * weight * log_sum.square()
        factor = weight + 2.0 * head.z_loss * weight * log_sum
    p.mul_(factor[:, None])
    p.scatter_(1, y, ((factor - weight) * p_y - weight * others)[:, None])
    if bend is not None:
        p.mul_(bend)
    count = logits.new_tensor(float(len(y))) if keep is None else keep.sum().to(logits.dtype)
    return loss, LossTotal(loss.sum(), weight.sum(), count)


def _weights(logits: Array, rows: Sequence[Any], shared: Sequence[Any]) -> tuple[Array, Array]:
    """Return labels, which are a column, and the weight of each row; NaN for no label."""
    targets, sample_weight, keep = rows
    y = targets if keep is None else torch.where(keep, targets, 0)
    outside = (y < 0) | (y >= logits.shape[1])
    y = torch.where(outside, 0, y)
    weight = sample_weight
    if shared[0] is not None:
        weight = weight * (shared[0][y] if shared[0].ndim else shared[0])
    if keep is not None:
        weight = torch.where(keep, weight, 0.0)
    return y[:, None], torch.where(outside, torch.nan, weight)
