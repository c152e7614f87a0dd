"""A loss on recall and specificity that trains."""

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


def recall_specificity_loss(
    logits: Array,
    targets: Any,
    *,
    recall_weight: float = 0.5,
    specificity_weight: float = 0.5,
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
    r"""Weighted sum of what recall and specificity lack, with a gradient.

    .. math::
        l = 1 - \Bigl( a \, \frac{TP}{TP + FN} + b \, \frac{TN}{TN + FP} \Bigr), \quad a + b = 1

    with the soft counts of `soft_confusion`; a number in [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        Yes/no targets as in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and
        (N, H, W, C). Of classes, as in `cross_entropy`: logits (N, K), (N, H, W, K), or with
        ``axis=1`` (N, K, H, W); targets are labels, without the class axis, or distributions.
    recall_weight, specificity_weight : float
        a and b, at least 0; they are divided by their sum. 1 and 0 give 1 - recall: the share of
        the positives that is missed, and of classes 1 - their mean recall: 1 less the balanced
        accuracy, in which a small class counts as much as a large one.
    link, axis, class_weight, background
        As in `dice_loss`.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label or class. At least 0;
        default 1.
    sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`; of a softmax as in `cross_entropy`.
    smooth : float
        At least 0: it is added to the positives that are there, and to the negatives, so that few
        of them weigh less.
    absent
        As in `dice_loss`.
    reduction : {"mean", "weighted_mean", "sum", "none", "pooled"}
        Over the classes or labels. ``"mean"``: sum of the weighted losses / number of classes.
        ``"weighted_mean"``: the same / sum of their weights. ``"pooled"``: the loss of the counts
        of all of them together. Losses of batches do not add up: for micro-batches and devices add
        the counts of `soft_confusion` and take their `recall_specificity_loss`.

    Returns
    -------
    array
        0-d, or for ``"none"`` of shape (K,), or (L,) with an axis. In [0, 1], times the weights
        of the classes.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy` and `cross_entropy`, and if both weights are 0.

    Notes
    -----
    Limits: a class that is absent from the batch gives neither loss nor gradient.

    Gradients flow to logits, targets and all weights, first and second order. The loss is
    bounded, so saturated wrong answers have a gradient near 0.

    Differences: the usual Keras answer counts thresholded predictions, which has no gradient and
    does not train; here probabilities are counted. With answers that are sure, classes and a = 1
    it is 1 less ``sklearn.metrics.balanced_accuracy_score``.

    References
    ----------
    The balanced error with probabilities for decisions: Eban, Schain, Mackey, Gordon, Saurous,
    Elidan (2017), "Scalable Learning of Non-Decomposable Objectives", AISTATS, section 2, for the
    objectives; the surrogate is the plug-in of p, as in the soft counts of Milletari (2016).

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 1])
    >>> recall_specificity_loss(logits, targets, recall_weight=0.9, specificity_weight=0.1).round(4)
    np.float64(0.3477)
    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0], [0.0, 0.0, 2.0]])
    >>> labels = np.array([0, 2, 2])  # what is missed of each class, in the mean over the two
    >>> recall_specificity_loss(logits, labels, recall_weight=1, specificity_weight=0).round(4)
    np.float64(0.1988)
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
    return counts.recall_specificity_loss(
        recall_weight=recall_weight,
        specificity_weight=specificity_weight,
        smooth=smooth,
        class_weight=class_weight,
        background=background,
        absent=absent_of(absent, link),
        reduction=reduction,
    )
