"""Weighted softmax cross-entropy."""

from typing import Any

from weightedce import stable
from weightedce.backends import Array
from weightedce.batch import class_batch
from weightedce.reductions import reduce


def cross_entropy(
    logits: Array,
    targets: Any,
    *,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    smoothing_weight: str = "target",
    reduction: str = "mean",
) -> Any:
    b = class_batch(
        logits,
        targets,
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
    )
    loss = stable.weighted_log_softmax(b.logits, b.mass, b.axis)
    return reduce(loss, b, reduction)
