"""Dice loss."""

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


def dice_loss(
    logits: Array,
    targets: Any,
    *,
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
    r"""Dice loss: 1 minus the soft F1 score.

    .. math::
        l = 1 - \frac{2 \, TP}{2 \, TP + FP + FN}

    with the soft counts of `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        As in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and (N, H, W, C).
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`.
    axis : int, optional
        The label axis: one loss for each label along it. Default: all elements are one problem.
    reduction : {"mean", "sum", "none"}
        Over the labels. Losses of batches do not add up: for micro-batches and devices add the
        counts of `soft_confusion` and take their `dice_loss`.

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

    Differences: some libraries square the probabilities in the denominator (V-Net) or add a
    smoothing constant, as ``optax.losses.dice_loss`` does (``smooth=1``; at 0 it agrees); this
    is the plain one. ``axis`` gives one loss a label; without it all elements are pooled.

    References
    ----------
    Milletari, Navab, Ahmadi (2016), "V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation", 3DV, section 3, without the squares.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> dice_loss(logits, targets).round(4)
    np.float64(0.2477)
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
    return counts.dice_loss(
        smooth=smooth,
        class_weight=class_weight,
        background=background,
        absent=absent_of(absent, link),
        reduction=reduction,
    )
