"""PyTorch: softmax cross-entropy of labels and its derivative, in the place of the logits.

It is `Head.slope` for the most common targets, in six passes over the logits instead of thirty,
and makes no further array unless there is a mask or a softcap.
"""

from collections.abc import Sequence
from typing import Any

import torch

from weightedce.backends.handed import Array, Head
from weightedce.backends.torch.label_shards import here_of


def slope_in_place(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any]
) -> tuple[Array, Any]:
    """Return losses and sums, and put the derivative into the place of the logits."""
    cap_slope = head.cap_slope(logits)  # before what takes their place
    b = head.batch(head.capped(logits), rows, shared)
    labels: Array = b.labels
    if b.shards is not None:
        return _of_shards(head, b, logits, cap_slope)
    y, z = labels[:, None], b.logits
    highest = z.amax(dim=1)
    at_label = z.gather(1, y)[:, 0]
    shift = torch.nan_to_num(highest, nan=torch.nan)  # the largest number for inf
    e = z.sub_(shift[:, None]) if z is logits else torch.sub(z, shift[:, None], out=logits)
    e.clamp_(max=0.0).exp_()  # 1 at +inf
    e.scatter_(1, y, 0.0)
    found = head.of_label(b, at_label, highest, e.sum(dim=1))
    e.mul_(found.scale[:, None]).scatter_(1, y, found.at_label[:, None])
    if cap_slope is not None:
        e.mul_(cap_slope)
    return found.loss, head.sums(found.loss, b)


def _of_shards(head: Head, b: Any, logits: Array, cap_slope: Any) -> tuple[Array, Any]:
    """Return the same where the classes are on several processes."""
    z, shards = b.logits, b.shards
    highest = shards.highest
    place, here = here_of(z, b.labels[:, None] - shards.start)
    at_label = torch.where(here, z.gather(1, place), 0.0)
    shift = torch.nan_to_num(highest, nan=torch.nan)
    e = torch.sub(z, shift[:, None], out=logits).clamp_(max=0.0).exp_()
    e.scatter_(1, place, torch.where(here, 0.0, e.gather(1, place)))
    others = e.sum(dim=1)
    if b.outside is not None:
        others = torch.where(b.outside, torch.nan, others)
    others, at_label = shards.sum(torch.stack([others, at_label[:, 0]])).unbind()
    found = head.of_label(b, at_label, highest, others)
    e.mul_(found.scale[:, None])
    e.scatter_(1, place, torch.where(here, found.at_label[:, None], e.gather(1, place)))
    if cap_slope is not None:
        e.mul_(cap_slope)
    return found.loss, head.sums(found.loss, b)
