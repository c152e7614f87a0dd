"""Weighted softmax cross-entropy."""

from typing import Any

from weightedce.backends import Array
from weightedce.call.class_batch import class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
    TargetRange,
)
from weightedce.call.over_classes import CROSS_ENTROPY


def cross_entropy(
    logits: Array,
    targets: Any,
    *,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    target_range: TargetRange = "unit",
    shards: Devices = None,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Weighted softmax cross-entropy of labels or distributions over K classes, from logits.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \, \mathrm{CE}\bigl(z, (1 - e) \, \mathbf{1}_k + e/K\bigr)

    .. math::
        \mathrm{CE}(z, t) = \sum_k t_k \Bigl( \log \sum_j e^{z_j} - z_k \Bigr)

    with sample weight s, class weights w, label smoothing e; in nats. For a label y, q is its
    one-hot form: labels and their one-hot form give the same number under every option.

    Parameters
    ----------
    logits : array of float
        (N, K), or any shape with the K classes along ``axis``: (N, K, H, W) with ``axis=1``,
        (K,) for one example. Unnormalised log-probabilities. float16 and bfloat16 are computed
        in float32.
    targets : array or list
        By its rank alone: one axis fewer than the logits and an integer dtype = class labels in
        0..K-1; the same rank = a distribution over the classes (one-hot integers and booleans
        included).
    axis : int
        The class axis of the logits.
    class_weight : number, list, array, dict or "batch", optional
        Shape (K,), one weight a class, or one number; ``{class: weight}``, 1 for what is missing;
        ``"batch"`` for `balanced` counts of the batch; or, of the shape of the logits, one a class
        in each example. At least 0; default 1.
    sample_weight : number, list or array, optional
        Weight of each example: aligned with the leading axes of the loss (the logits without
        the class axis). At least 0; default 1.
    mask : array or list of bool, optional
        Aligned like ``sample_weight``; examples where it is false (or 0) are removed, whatever
        they hold.
    ignore_index : number or several, optional
        Examples with this label are removed, such as -100, ``(-100, 255)``; or those with NaN.
    label_smoothing : float or list
        e in [0, 1]: the target moves that far towards the uniform distribution. Of a list, one
        number a class, each class by its own: ``CE(z, (1 - e_k) 1_k + e_k/K)``.
    smoothing_weight : {"target", "class"}
        ``"target"``: a weight scales an example's whole loss, as in the formula. ``"class"``:
        the target is smoothed to t = (1 - e) q + e/K first, and each class's share of it gets
        the weight of that class, sum_k t_k w_k (logsumexp(z) - z_k), as torch does.
    target_range : {"unit", "any"}
        ``"any"``: a distribution may hold any finite numbers, as in torch: the loss is linear
        in them, and may be negative. ``"unit"``: what is outside [0, 1] is an error.
    shards : optional
        The devices that the other classes are on. Eager PyTorch: a ``ProcessGroup`` or a
        ``DeviceMesh`` of one axis; JAX: the name of an axis of the ``jax.shard_map`` around it.
        The logits are then this device's share of the K classes, in the order of ranks, and so
        is a distribution; processes may have shares of different sizes. All else is that of one
        device, and the same on each: labels count all classes, (K,) is one number for each of
        them. Every device must make the call, and has the same loss; the gradient is that to
        its own logits. A target out of its range is NaN on all devices. Default: all classes
        are here, or the logits say where they are: a ``DTensor``, a sharded ``jax.Array``
        under ``jit``. Inside shard_map they cannot: without ``shards`` a share of the classes
        gets the loss of a smaller problem.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"``: sum / number of unmasked examples. ``"weighted_mean"``: sum / sum of
        effective weights s sum_k q_k w_k. ``"none"``: one number per example. ``"total"``:
        `LossTotal`. A zero denominator gives loss and gradient 0.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits without ``axis`` for ``"none"``; of the logits'
        dtype, float32 for half precision. In [0, inf].

    Raises
    ------
    TypeError
        If the logits are not a floating-point array, labels are not integers, or arrays of two
        libraries come together.
    ValueError
        If a shape does not fit (weights never stretch the loss), a label is outside 0..K-1 (it
        is named with its position), a probability outside 0..1, or an option outside its range.
        Under tracing and on an accelerator, where targets cannot be read, such a target makes
        its example's loss and gradient NaN.

    Notes
    -----
    Limits: at infinite logits 0 for a right answer, inf for a wrong one; a class at -inf
    without target mass costs nothing. Where no limit exists (two classes at +inf, all at -inf)
    the loss is NaN. NaN stays NaN.

    Gradients flow to logits, targets (a distribution) and all weights, first and second order,
    forward and reverse.

    Differences: ``torch.nn.CrossEntropyLoss`` divides by the sum of the weights for labels
    (here ``reduction="weighted_mean"``) but by N for distributions (here ``"mean"``), smooths
    as ``smoothing_weight="class"``, and is NaN when nothing is left. Keras has no class weights
    in the loss and clips probabilities. ``optax`` has no weights and no reduction, and takes
    labels -1..-K for others.

    References
    ----------
    Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs",
    NATO ASI F 68; weights by class: King, Zeng (2001), "Logistic Regression in Rare Events
    Data", Political Analysis 9, equation 8; smoothing: Szegedy et al. (2016), "Rethinking the
    Inception Architecture for Computer Vision", section 7.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    >>> labels = np.array([0, 1])
    >>> cross_entropy(logits, labels, class_weight=[1.0, 5.0, 5.0]).round(4)
    np.float64(5.5444)
    >>> one_hot = np.array([[1, 0, 0], [0, 1, 0]])
    >>> cross_entropy(logits, one_hot, class_weight=[1.0, 5.0, 5.0]).round(4)
    np.float64(5.5444)
    """
    return evaluate(
        class_batch,
        CROSS_ENTROPY,
        logits,
        targets,
        reduction,
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        target_range=target_range,
        shards=shards,
    )
