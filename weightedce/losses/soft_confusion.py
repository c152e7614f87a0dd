"""Soft confusion counts: what the losses on recall, precision and overlap are made of."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call.options import IgnoreIndex, LabelSmoothing, Link, SmoothingWeight
from weightedce.call.sides import linked, of_classes, of_elements
from weightedce.call.soft_counts import SoftConfusion


def soft_confusion(
    logits: Array,
    targets: Any,
    *,
    link: Link | None = None,
    axis: int | None = None,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
) -> SoftConfusion:
    r"""Count true and false positives and negatives with probabilities for decisions.

    .. math::
        TP = \sum w_+ \, y \, p, \quad FN = \sum w_+ \, y \, (1 - p), \quad
        FP = \sum w_- \, (1 - y) \, p, \quad TN = \sum w_- \, (1 - y) (1 - p)

    each times the sample weight, with p = sigmoid(z); or for each class k out of K with
    p = softmax(z)_k and y the share of class k in the target. In (weighted) examples, no unit.

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
        Of a softmax the class axis, by default the last: counts for each class. Of a sigmoid the
        label axis: counts for each label along it; default: all elements are one problem, pooled.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label or class. At least 0.
    sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy` or `cross_entropy`.

    Returns
    -------
    SoftConfusion
        Four sums, 0-d or of shape (L,) or (K,), which add up with ``+`` over micro-batches and
        devices.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy` and `cross_entropy`.

    Notes
    -----
    Limits: at infinite logits each element counts wholly on one side. NaN stays NaN. What is masked
    counts nowhere.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: ``sklearn.metrics.confusion_matrix`` and the metrics of torch and Keras count
    decisions, which have no gradient.

    References
    ----------
    Milletari, Navab, Ahmadi (2016), "V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation", 3DV, section 3, for TP; Salehi, Erdogmus, Gholipour (2017),
    "Tversky Loss Function for Image Segmentation", MLMI, equation 3, for FP and FN.

    Examples
    --------
    >>> import numpy as np
    >>> counts = soft_confusion(np.array([0.0, 2.0, -2.0]), np.array([1, 1, 0]))
    >>> [float(count.round(4)) for count in counts]
    [1.3808, 0.6192, 0.1192, 0.8808]
    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    >>> soft_confusion(logits, np.array([0, 2])).recall().round(4)
    array([0.787 , 0.    , 0.8438])
    """
    link, targets = linked(link, logits, targets, axis)
    sides = (of_classes if link == "softmax" else of_elements)(
        logits,
        targets,
        axis=axis,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
    )
    backend = backend_of(sides.p)
    xp, shape = backend.namespace, backend.shape(sides.p)
    apart = len(shape) > 0 and (link == "softmax" or axis is not None)

    def total(share: Array, chance: Array) -> Array:
        elements = xp.broadcast_to(share * chance, shape)
        if not apart:
            return backend.sum(elements)
        for other in reversed(range(len(shape))):
            if other != sides.axis:
                elements = backend.sum(elements, other)
        return elements

    p, rest, positive, negative, _ = sides
    return SoftConfusion(
        total(positive, p), total(positive, rest), total(negative, p), total(negative, rest)
    )
