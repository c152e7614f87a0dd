"""Focal loss of classes."""

from functools import partial
from typing import Any

from weightedce.backends import Array
from weightedce.call import over_shards
from weightedce.call.at_once import OfLabels, with_floats
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
)
from weightedce.call.over_classes import over_classes
from weightedce.numerics import stable
from weightedce.numerics.at_once import focused_odds


def focal_loss(
    logits: Array,
    targets: Any,
    *,
    gamma: float = 2.0,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    shards: Devices = None,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Focal loss over K classes: easy examples count less.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \, (1 - p_k)^\gamma (-\log p_k), \quad p = \mathrm{softmax}(z)

    in nats, with sample weight s and class weights w.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    gamma : float
        Focusing, at least 0; 0 gives `cross_entropy`.
    targets, axis, class_weight, sample_weight, mask, ignore_index, shards, reduction
        As in `cross_entropy`.
    label_smoothing, smoothing_weight
        As in `cross_entropy`: they act on the target before the formula does.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits without ``axis`` for ``"none"``; of the logits'
        dtype, float32 for half precision. In [0, inf].

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`.

    Notes
    -----
    Limits: at infinite logits 0 for a right answer, inf for a wrong one; the gradient of a right
    answer is 0 and stays finite for gamma below 1 too.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: ``alpha`` of Keras's categorical loss is ``class_weight`` here. Keras's gradient
    is 0 where the answer is saturated and wrong, since it clips; here it is -w.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollar (2017), "Focal Loss for Dense Object Detection", ICCV,
    equation 4, for K classes.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> focal_loss(logits, labels, gamma=2.0).round(4)
    np.float64(0.8567)
    """
    gamma = over_shards.number("gamma", gamma, logits, 0, axis=axis, shards=shards)
    focused = partial(stable.focused, gamma=gamma)

    def formula(b: ClassBatch) -> Array:
        return over_classes(b, b.logits, focused)

    return evaluate(
        class_batch,
        with_floats(formula, OfLabels(partial(focused_odds, gamma)), gamma, per_class=focused),
        logits,
        targets,
        reduction,
        also=(gamma,),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )
