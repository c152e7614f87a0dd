"""Focal Tversky loss."""

from typing import Any

from weightedce.backends import Array
from weightedce.call.options import IgnoreIndex, LabelReduction, SmoothingWeight
from weightedce.losses.soft_confusion import over_labels, soft_confusion


def focal_tversky_loss(
    logits: Array,
    targets: Any,
    *,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    gamma: float = 4 / 3,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int | None = None,
    reduction: LabelReduction = "mean",
) -> Array:
    r"""Tversky loss to a power: labels that overlap well already still have a gradient, or none.

    .. math::
        l = \Bigl( 1 - \frac{TP}{TP + a \, FP + b \, FN} \Bigr)^{1 / \gamma}

    with a = ``fp_weight``, b = ``fn_weight`` and the soft counts of `soft_confusion`; a number in
    [0, 1], not in nats.

    Parameters
    ----------
    logits, targets : array
        As in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and (N, H, W, C).
    fp_weight, fn_weight : float
        As in `tversky_loss`; the defaults are the paper's.
    gamma : float
        In [1/64, 64]. The exponent is its inverse, as the paper has it: above 1 the gradient grows
        where the overlap is good, below 1 it grows where it is bad; 1 gives `tversky_loss`. The
        paper takes 1 to 3.
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`.
    axis : int, optional
        The label axis: one loss for each label along it. Default: all elements are one problem.
    reduction : {"mean", "sum", "none"}
        Over the labels. Losses of batches do not add up: for micro-batches and devices add the
        counts of `soft_confusion` and take their `focal_tversky_loss`.

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
    Limits: 1, without gradient, where there are no positives; 0, with gradient 0, where nothing is
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
    counts = soft_confusion(
        logits,
        targets,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
    loss = counts.focal_tversky_loss(fp_weight=fp_weight, fn_weight=fn_weight, gamma=gamma)
    return over_labels(loss, reduction)
