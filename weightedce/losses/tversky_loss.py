"""Tversky loss."""

from typing import Any

from weightedce.backends import Array
from weightedce.call.options import (
    Absent,
    Background,
    IgnoreIndex,
    Link,
    ProblemReduction,
    SmoothingWeight,
)
from weightedce.call.sides import absent_of, linked
from weightedce.losses.soft_confusion import soft_confusion


def tversky_loss(
    logits: Array,
    targets: Any,
    *,
    fp_weight: float = 0.5,
    fn_weight: float = 0.5,
    link: Link | None = None,
    axis: int | None = None,
    class_weight: Any = None,
    background: Background = None,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    smooth: float = 0.0,
    absent: Absent | None = None,
    reduction: ProblemReduction = "mean",
) -> Array:
    r"""Tversky loss: overlap with a weight for each of the two kinds of error.

    .. math::
        l = 1 - \frac{TP}{TP + a \, FP + b \, FN}

    with a = ``fp_weight``, b = ``fn_weight`` and the soft counts of `soft_confusion`; a number in
    [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        As in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and (N, H, W, C).
    fp_weight, fn_weight : float
        Weight of false positives and of false negatives, at least 0; 1/2 and 1/2 give `dice_loss`,
        1 and 1 the Jaccard index.
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`.
    axis : int, optional
        The label axis: one loss for each label along it. Default: all elements are one problem.
    reduction : {"mean", "sum", "none"}
        Over the labels. Losses of batches do not add up: for micro-batches and devices add the
        counts of `soft_confusion` and take their `tversky_loss`.

    Returns
    -------
    array
        0-d, or of shape (L,) for ``"none"`` with an axis. In [0, 1].

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`.

    Notes
    -----
    Limits: 1, without gradient, where there are no positives; 0 where nothing is left.

    Gradients flow to logits, targets and all weights, first and second order. The loss is
    bounded, so saturated wrong answers have a gradient near 0.

    Differences: the weights are named, since libraries disagree on which of alpha and beta is which
    (Keras up to 3.15.1 swaps them against its documentation). There is no smoothing
    constant, as ``optax.losses.dice_loss`` with its ``alpha`` and ``beta`` has.

    References
    ----------
    Salehi, Erdogmus, Gholipour (2017), "Tversky Loss Function for Image Segmentation Using 3D
    Fully Convolutional Deep Networks", MLMI, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> tversky_loss(logits, targets, fp_weight=0.3, fn_weight=0.7).round(4)
    np.float64(0.3034)
    """
    link, targets = linked(link, logits, targets, axis)
    counts = soft_confusion(
        logits,
        targets,
        link=link,
        axis=axis,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
    )
    return counts.tversky_loss(
        fp_weight=fp_weight,
        fn_weight=fn_weight,
        smooth=smooth,
        class_weight=class_weight,
        background=background,
        absent=absent_of(absent, link),
        reduction=reduction,
    )
