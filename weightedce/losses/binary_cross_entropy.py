"""Weighted binary cross-entropy."""

from typing import Any

from weightedce.backends import Array
from weightedce.call.binary_batch import binary_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
    TargetRange,
)
from weightedce.numerics.stable import SOFTPLUS


def binary_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    target_range: TargetRange = "unit",
    axis: int = -1,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Weighted cross-entropy of independent yes/no targets, from logits.

    .. math::
        l(z, y) = s \, \bigl[ y \, w_+ \, \mathrm{BCE}(z, 1 - e/2)
                  + (1 - y) \, w_- \, \mathrm{BCE}(z, e/2) \bigr]

    .. math::
        \mathrm{BCE}(z, t) = t \log(1 + e^{-z}) + (1 - t) \log(1 + e^{z})

    with sample weight s, positive and negative weights w, label smoothing e; in nats.

    Parameters
    ----------
    logits : array of float
        Any shape; usually (N,) for one label or (N, L) for L labels. Log-odds, not
        probabilities. float16 and bfloat16 are computed in float32.
    targets : array or list
        Shape of the logits. 0 and 1 as integers, booleans or floats, or probabilities between.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or shape (L,), one a label, along
        ``axis``. At least 0; default 1.
    sample_weight : number, list or array, optional
        Weight of each example: aligned with the leading axes of the logits, so (N,) weighs the
        rows of (N, L), and (N, L) the elements. At least 0; default 1.
    mask : array or list of bool, optional
        Aligned like ``sample_weight``; elements where it is false (or 0) are removed, whatever
        they hold.
    ignore_index : number or several, optional
        Elements with this target are removed; NaN stands for unknown.
    label_smoothing : float or list
        e in [0, 1]: both targets move by e/2 towards each other; one number, or one a label.
    smoothing_weight : {"target", "class"}
        ``"target"``: a weight scales an element's whole loss, as in the formula. ``"class"``:
        the target is smoothed to t = (1 - e) y + e/2 first, and each share of it gets its own
        weight: ``t w_+ log(1 + exp(-z)) + (1 - t) w_- log(1 + exp(z))``.
    target_range : {"unit", "any"}
        ``"any"``: targets may be any finite numbers, as in torch: the loss is linear in them,
        and may be negative. ``"unit"``: what is outside [0, 1] is an error.
    axis : int
        The label axis, along which (L,) weights lie.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"``: sum / number of unmasked elements. ``"weighted_mean"``: sum / sum of
        effective weights ``s (y w_+ + (1 - y) w_-)``. ``"none"``: one number per element.
        ``"total"``: `LossTotal`. A zero denominator gives loss and gradient 0.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits for ``"none"``; of the logits' dtype, float32 for
        half precision. In [0, inf].

    Raises
    ------
    TypeError
        If the logits are not a floating-point array, or arrays of two libraries come together.
    ValueError
        If a shape does not fit (weights never stretch the loss), a target is outside 0..1, or
        an option is outside its range. Under tracing and on an accelerator, where targets
        cannot be read, such a target makes its element's loss and gradient NaN.

    Notes
    -----
    Limits: at an infinite logit 0 for a right answer, inf for a wrong one. NaN stays NaN.

    Gradients flow to logits, targets and all weights, first and second order, forward and
    reverse; at logit 0 too, where the gradient for y = 1 is ``-w_+ / 2``.

    Differences: ``torch.nn.BCEWithLogitsLoss`` has no negative weight and no smoothing, and is
    NaN at infinite logits. ``tf.nn.weighted_cross_entropy_with_logits`` has a wrong gradient at
    logit 0 and no reduction. Keras averages over the labels before it applies sample weights,
    and clips probabilities. ``optax.sigmoid_binary_cross_entropy`` has no weights or reduction.

    References
    ----------
    Cox (1958), "The Regression Analysis of Binary Sequences", J. R. Stat. Soc. B 20; weights by
    class: King, Zeng (2001), "Logistic Regression in Rare Events Data", Political Analysis 9,
    equation 8; smoothing: Szegedy et al. (2016), "Rethinking the Inception Architecture for
    Computer Vision", section 7.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[0.0, 2.0], [-1.0, 0.5]])
    >>> targets = np.array([[1, 0], [0, 1]])
    >>> binary_cross_entropy(logits, targets, pos_weight=[10.0, 2.0]).round(4)
    np.float64(2.58)
    >>> binary_cross_entropy(logits, targets, sample_weight=[1.0, 0.0], reduction="none").round(4)
    array([[0.6931, 2.1269],
           [0.    , 0.    ]])
    """
    return evaluate(
        binary_batch,
        SOFTPLUS,
        logits,
        targets,
        reduction,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        target_range=target_range,
        axis=axis,
    )
