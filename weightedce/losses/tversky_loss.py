"""Tversky loss."""

from typing import Any

from weightedce.backends import Array
from weightedce.call.options import (
    Absent,
    Background,
    IgnoreIndex,
    LabelSmoothing,
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
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    smooth: float = 0.0,
    absent: Absent | None = None,
    reduction: ProblemReduction = "mean",
) -> Array:
    r"""Tversky loss: overlap with a weight for each of the two kinds of error.

    .. math::
        l = 1 - \frac{TP + s}{TP + a \, FP + b \, FN + s}

    with a = ``fp_weight``, b = ``fn_weight``, s = ``smooth`` and the soft counts of
    `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        Yes/no targets as in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and
        (N, H, W, C). Of classes, as in `cross_entropy`: logits (N, K), (N, H, W, K), or with
        ``axis=1`` (N, K, H, W); targets are labels, without the class axis, or distributions.
    fp_weight, fn_weight : float
        Weight of false positives and of false negatives, at least 0; 1/2 and 1/2 give `dice_loss`,
        1 and 1 the Jaccard index.
    link, axis, class_weight, background
        As in `dice_loss`.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label or class. At least 0;
        default 1.
    sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`; of a softmax as in `cross_entropy`.
    smooth : float
        s, at least 0: a problem without positives then has a loss with a gradient, which is 0 where
        nothing is predicted.
    absent
        As in `dice_loss`.
    reduction : {"mean", "weighted_mean", "sum", "none", "pooled"}
        Over the classes or labels. ``"mean"``: sum of the weighted losses / number of classes.
        ``"weighted_mean"``: the same / sum of their weights. ``"pooled"``: the loss of the counts
        of all of them together. Losses of batches do not add up: for micro-batches and devices add
        the counts of `soft_confusion` and take their `tversky_loss`.

    Returns
    -------
    array
        0-d, or for ``"none"`` of shape (K,), or (L,) with an axis. In [0, 1], times the weights
        of the classes.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy` and `cross_entropy`.

    Notes
    -----
    Limits: 1, without gradient, where there are no positives, unless they are skipped or there is
    ``smooth``; 0 where nothing is left.

    Gradients flow to logits, targets and all weights, first and second order. The loss is
    bounded, so saturated wrong answers have a gradient near 0.

    Differences: the weights are named, since libraries disagree on which of alpha and beta is which
    (Keras up to 3.15.1 swaps them against its documentation). ``smooth`` is that of
    segmentation_models_pytorch and MONAI.

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
