"""Logit-adjusted cross-entropy."""

from typing import Any

from weightedce.backends import Array
from weightedce.backends.handed import Moved
from weightedce.call import over_shards
from weightedce.call.at_once import OfLabels, with_floats
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
)
from weightedce.call.over_classes import (
    LOG_SOFTMAX,
    prior_log_softmax,
    weighted_log_softmax,
)
from weightedce.numerics import softmax, stable
from weightedce.numerics.at_once import factor_of


def logit_adjusted_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    prior: Any,
    tau: float = 1.0,
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
    r"""Cross-entropy of logits moved by the log prior: for balanced error, not accuracy.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \, \mathrm{CE}_k(z + \tau \log \pi), \quad
        \mathrm{CE}_k(z) = \log \sum_j e^{z_j} - z_k

    in nats, with sample weight s and class weights w. A model trained with it predicts with its
    plain logits: at tau = 1 their largest is the class that minimises the balanced error.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    prior : list or array, shape (K,)
        The share of each class in the data, or any multiple of it such as counts, >= 0. A
        class of prior 0 is left out of the sum; as a label it costs inf.
    tau : float
        Strength, at least 0; 0 gives `cross_entropy`.
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
        As in `cross_entropy`, and if the prior does not have
        shape (K,).

    Notes
    -----
    Limits: as `cross_entropy`.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: torch, Keras and optax have no such loss. The post-hoc form of the paper needs no
    loss: subtract tau log prior from the logits of a model trained plainly.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit, Kumar (2021), "Long-Tail Learning via Logit
    Adjustment", ICLR, equation 10.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> logit_adjusted_cross_entropy(logits, labels, prior=[90, 9, 1]).round(4)
    np.float64(0.8598)
    """
    tau = over_shards.number("tau", tau, logits, 0, axis=axis, shards=shards)

    def formula(b: ClassBatch) -> Array:
        shares = b.along_classes("prior", prior, weights=True)
        if stable.is_zero(tau):
            return weighted_log_softmax(b, b.logits)
        return prior_log_softmax(b, b.logits, softmax.prior_of(shares, tau))

    small = OfLabels(counts=True, factor=lambda shares: factor_of(shares, tau))

    def moved(b: ClassBatch) -> Moved:
        shares = b.along_classes("prior", prior, weights=True)
        return Moved() if stable.is_zero(tau) else Moved(shift=tau * b.xp.log(shares))

    return evaluate(
        class_batch,
        with_floats(formula, small, tau, per_class=LOG_SOFTMAX, moved=moved),
        logits,
        targets,
        reduction,
        also=(prior, tau),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )
