"""Focal Tversky loss."""

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


def focal_tversky_loss(
    logits: Array,
    targets: Any,
    *,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    gamma: float = 4 / 3,
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
    r"""Tversky loss to a power: labels that overlap well already still have a gradient, or none.

    .. math::
        l = \Bigl( 1 - \frac{TP + s}{TP + a \, FP + b \, FN + s} \Bigr)^{1 / \gamma}

    with a = ``fp_weight``, b = ``fn_weight``, s = ``smooth`` and the soft counts of
    `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        As in `tversky_loss`, yes/no targets or classes.
    fp_weight, fn_weight : float
        As in `tversky_loss`; the defaults are the paper's.
    gamma : float
        In [1/64, 64]. The exponent is its inverse, as the paper has it: above 1 the gradient grows
        where the overlap is good, below 1 it grows where it is bad; 1 gives `tversky_loss`. The
        paper takes 1 to 3.
    link, axis, class_weight, background
        As in `dice_loss`.
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `tversky_loss`.
    smooth : float
        As in `tversky_loss`.
    absent
        As in `dice_loss`.
    reduction : {"mean", "weighted_mean", "sum", "none", "pooled"}
        As in `tversky_loss`. Losses of batches do not add up: for micro-batches and devices add the
        counts of `soft_confusion` and take their `focal_tversky_loss`.

    Returns
    -------
    array
        0-d, or for ``"none"`` of shape (K,), or (L,) with an axis. In [0, 1], times the weights
        of the classes.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`.

    Notes
    -----
    Limits: 1, without gradient, where there are no positives, unless they are skipped or there is
    ``smooth``; 0, with gradient 0, where nothing is
    left, or nothing is wrong.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: the paper's alpha is ``fn_weight``, its beta ``fp_weight``, and it sums over the
    labels: ``reduction="sum"``. Of the exponent three conventions are about: ``1 / gamma`` here and
    in the paper; ``gamma`` in much code, with 0.75 for the same loss; ``1 - gamma`` in the unified
    focal loss. Torch, Keras and optax have no such loss.

    References
    ----------
    Abraham, Khan (2019), "A Novel Focal Tversky Loss Function with Improved Attention U-Net for
    Lesion Segmentation", ISBI, equation 4.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> focal_tversky_loss(logits, targets).round(4)
    np.float64(0.4088)
    >>> soft_confusion(logits, targets).focal_tversky_loss().round(4)
    np.float64(0.4088)
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
    return counts.focal_tversky_loss(
        fp_weight=fp_weight,
        fn_weight=fn_weight,
        gamma=gamma,
        smooth=smooth,
        class_weight=class_weight,
        background=background,
        absent=absent_of(absent, link),
        reduction=reduction,
    )
