"""Weighted binary cross-entropy."""

from typing import Any

from weightedce import stable
from weightedce.backends import Array
from weightedce.batch import binary_batch
from weightedce.reductions import reduce


def binary_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: float | None = None,
    label_smoothing: float = 0.0,
    smoothing_weight: str = "target",
    axis: int = -1,
    reduction: str = "mean",
) -> Any:
    b = binary_batch(
        logits,
        targets,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
    loss = stable.weighted_softplus(b.logits, b.positive, b.negative)
    return reduce(loss, b, reduction)
