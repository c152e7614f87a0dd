"""Dice loss."""

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
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    smooth: float = 0.0,
    absent: Absent | None = None,
    reduction: ProblemReduction = "mean",
) -> Array:
    r"""Dice loss: 1 minus the soft F1 score.

    .. math::
        l = 1 - \frac{2 \, TP + s}{2 \, TP + FP + FN + s}

    with s = ``smooth`` and the soft counts of `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        Yes/no targets as in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and
        (N, H, W, C). Of classes, as in `cross_entropy`: logits (N, K), (N, H, W, K), or with
        ``axis=1`` (N, K, H, W); targets are labels, without the class axis, or distributions.
    link : {"sigmoid", "softmax"}, optional
        ``"sigmoid"``: each logit is a yes/no question. ``"softmax"``: one class out of K is right,
        and each class is a question: it, or another one. Default: a softmax for labels, which lack
        the class axis or have size 1 there and can mean nothing else; a sigmoid for targets of the
        shape of the logits, so that one-hot targets of a softmax want ``link="softmax"``.
    axis : int, optional
        Of a softmax the class axis, by default the last. Of a sigmoid the label axis: one loss for
        each label along it; default: all elements are one problem.
    class_weight : number, list, array, dict or "batch", optional
        One weight a class or label, at least 0, or ``{class: weight}``, 1 for what is missing: of
        its loss, and under ``reduction="pooled"`` of its counts, as in the generalized Dice loss.
        ``"batch"``: `balanced` weights of the targets counted in the batch, TP + FN.
    background : int or several, optional
        Classes without a loss of their own: mean, sum and pool are without them. What is given to
        them is still missed elsewhere; to remove their examples is what ``ignore_index`` does.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label or class. At least 0;
        default 1.
    sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`; of a softmax as in `cross_entropy`.
    smooth : float
        s, at least 0: a problem without positives then has a loss with a gradient, which is 0 where
        nothing is predicted.
    absent : {"skip", "count"}, optional
        Of a class without targets in the batch, TP + FN = 0. ``"skip"``: it has neither loss nor
        gradient, and the mean is that of the classes that are there. ``"count"``: it is one like
        any other. Default: ``"skip"`` for a softmax, where whatever is given to it is missed
        elsewhere, ``"count"`` for a sigmoid. Under label smoothing no class is without targets.
    reduction : {"mean", "weighted_mean", "sum", "none", "pooled"}
        Over the classes or labels. ``"mean"``: sum of the weighted losses / number of classes.
        ``"weighted_mean"``: the same / sum of their weights. ``"pooled"``: the loss of the counts
        of all of them together. Losses of batches do not add up: for micro-batches and devices add
        the counts of `soft_confusion` and take their `dice_loss`.

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

    Differences: some libraries square the probabilities in the denominator (V-Net); this is the
    plain one. ``optax.losses.dice_loss`` has ``smooth=1``, MONAI 1e-5 in each image;
    segmentation_models_pytorch's ``smooth`` is half of this one, and absent classes stay in the
    number that it divides by.

    References
    ----------
    Milletari, Navab, Ahmadi (2016), "V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation", 3DV, section 3, without the squares; pooled with weights: Sudre,
    Li, Vercauteren, Ourselin, Cardoso (2017), "Generalised Dice Overlap as a Deep Learning Loss
    Function for Highly Unbalanced Segmentations", DLMIA, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> dice_loss(logits, targets).round(4)
    np.float64(0.2477)
    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    >>> dice_loss(logits, np.array([0, 2]), reduction="none").round(4)
    array([0.1394, 0.    , 0.1347])
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
