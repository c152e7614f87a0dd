"""Vector-scaling cross-entropy."""

from typing import Any, get_args

from weightedce.backends import Array, backend_of
from weightedce.backends.handed import Moved
from weightedce.call import arguments, options
from weightedce.call.at_once import Formula
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    ScaleBy,
    SmoothingWeight,
)
from weightedce.call.over_classes import LOG_SOFTMAX, prior_log_softmax, weighted_log_softmax
from weightedce.numerics import softmax, stable


def vector_scaling_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    scale: Any = None,
    shift: Any = None,
    counts: Any = None,
    gamma: float = 0.15,
    tau: float = 1.0,
    scale_by: ScaleBy = "class",
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    shards: Devices = None,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Cross-entropy of logits that are scaled and shifted by class.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \, \mathrm{CE}_k(\Delta z + \iota), \quad
        \mathrm{CE}_k(z) = \log \sum_j e^{z_j} - z_k

    in nats, with scale :math:`\Delta` and shift :math:`\iota`, sample weight s and class weights w.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    scale, shift : number, list or array, shape (K,), optional
        One number a class, or one for all; default 1 and 0.
    counts : list or array, shape (K,), optional
        Examples of each class, instead of scale and shift: ``scale = (counts / max) ** gamma``
        and ``shift = tau * log(prior)``. A class of count 0 is left out of the sum.
    gamma, tau : float
        What counts are turned into scale and shift with, at least 0.
    scale_by : {"class", "label"}
        ``"class"``: logit k is multiplied by scale k. That only reparameterises the model: at
        the optimum the scaled logits are what the plain ones would have been. ``"label"``: all
        logits of an example are multiplied by the scale of its label, which does move the
        optimum. It needs class labels, not distributions.
    targets, axis, class_weight, sample_weight, mask, ignore_index, shards, reduction
        As in `cross_entropy`.
    label_smoothing, smoothing_weight
        As in `cross_entropy`: they act on the target before the formula does.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits without ``axis`` for ``"none"``; of the logits'
        dtype, float32 for half precision. In [0, inf].

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`, and if counts come with scale or shift, or a distribution with
        ``scale_by="label"``.

    Notes
    -----
    Limits: as `cross_entropy`.

    Gradients flow to logits, targets, scale, shift and all weights, first and second order.

    Differences: torch, Keras and optax have no such loss. Multiplying logits by class weights,
    as public answers advise, is ``scale=weights``.

    References
    ----------
    Kini, Paraskevas, Oymak, Thrampoulidis (2021), "Label-Imbalanced and Group-Sensitive
    Classification under Overparameterization", NeurIPS, equation 4; scale from counts: Ye, Chen,
    Zhan, Chao (2020), "Identifying and Compensating for Feature Deviation in Imbalanced Deep
    Learning", equation 7.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> vector_scaling_cross_entropy(logits, labels, counts=[90, 9, 1]).round(4)
    np.float64(0.918)
    """
    options.choice("scale_by", scale_by, get_args(ScaleBy))

    if counts is not None and not (scale is None and shift is None):
        raise ValueError("counts: expected None beside scale or shift, got both")

    def formula(b: ClassBatch) -> Array:
        factor, offset = (
            _both(b, scale, shift) if counts is None else _from_counts(b, counts, gamma, tau)
        )
        if scale_by == "label":
            if b.labels is None:
                raise ValueError(
                    "targets: expected class labels for scale_by='label', got a distribution"
                )
            if b.shards is None:
                factor = backend_of(factor).sum(b.targets * factor, b.axis, keepdims=True)
            elif not isinstance(factor, float):
                factor = b.xp.expand_dims(b.of_labels(factor), axis=b.axis)
        scaled = b.here(factor) * b.logits
        if offset is None:
            return weighted_log_softmax(b, scaled)
        return prior_log_softmax(b, scaled, offset)

    def moved(b: ClassBatch) -> Moved:
        by_label = scale_by == "label"
        if counts is None:
            factor, offset = _both(b, scale, shift)
            return Moved(factor, by_label, None if offset is None else offset.log)
        share, powered, t = _counted(b, counts, gamma, tau)
        return Moved(share**powered, by_label, None if stable.is_zero(t) else t * b.xp.log(share))

    return evaluate(
        class_batch,
        Formula(formula, None, LOG_SOFTMAX, moved),
        logits,
        targets,
        reduction,
        also=(scale, shift, counts, gamma, tau),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )


def _both(b: ClassBatch, scale: Any, shift: Any) -> tuple[Any, softmax.Prior | None]:
    """Return scale and shift, one of each a class."""
    scale = b.along_classes("scale", scale, 1.0)
    if shift is None:
        return scale, None
    shift = b.along_classes("shift", shift, 0.0)
    return scale, softmax.Prior(b.xp.exp(shift), shift)


def _from_counts(
    b: ClassBatch, counts: Any, gamma: float, tau: float
) -> tuple[Array, softmax.Prior | None]:
    """Return ``(n / max n) ** gamma`` and ``tau * log(n / sum n)``, but for a constant."""
    share, gamma, tau = _counted(b, counts, gamma, tau)
    return stable.power(share, gamma), None if stable.is_zero(tau) else softmax.prior_of(share, tau)


def _counted(b: ClassBatch, counts: Any, gamma: Any, tau: Any) -> tuple[Array, Any, Any]:
    """Return n / max n, and both exponents, checked."""
    gamma = arguments.number("gamma", gamma, b.logits, 0)
    tau = arguments.number("tau", tau, b.logits, 0)
    n = b.along_classes("counts", counts, weights=True)
    return n / b.xp.max(n, axis=b.axis, keepdims=True), gamma, tau
