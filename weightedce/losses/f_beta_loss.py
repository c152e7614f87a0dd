"""F-beta loss."""

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


def f_beta_loss(
    logits: Array,
    targets: Any,
    *,
    beta: float = 1.0,
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
    r"""1 minus the soft F-beta score: recall counts beta times as much as precision.

    .. math::
        l = 1 - \frac{(1 + \beta^2) \, TP + s}{(1 + \beta^2) \, TP + \beta^2 FN + FP + s}

    with s = ``smooth`` and the soft counts of `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        Yes/no targets as in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and
        (N, H, W, C). Of classes, as in `cross_entropy`: logits (N, K), (N, H, W, K), or with
        ``axis=1`` (N, K, H, W); targets are labels, without the class axis, or distributions.
    beta : float
        In [0, 1e9]; 1 gives `dice_loss`, 2 weighs recall higher, 1/2 precision.
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
        the counts of `soft_confusion` and take their `f_beta_loss`.

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

    Differences: ``sklearn.metrics.fbeta_score`` counts decisions, which has no gradient.

    References
    ----------
    van Rijsbergen (1979), "Information Retrieval", chapter 7; as `tversky_loss` with weights
    1 / (1 + beta^2) and beta^2 / (1 + beta^2): Salehi, Erdogmus, Gholipour (2017), "Tversky Loss
    Function for Image Segmentation Using 3D Fully Convolutional Deep Networks", MLMI, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> f_beta_loss(logits, targets, beta=2.0).round(4)
    np.float64(0.3283)
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
    return counts.f_beta_loss(
        beta=beta,
        smooth=smooth,
        class_weight=class_weight,
        background=background,
        absent=absent_of(absent, link),
        reduction=reduction,
    )
