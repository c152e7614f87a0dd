"""Balanced softmax cross-entropy."""

from typing import Any

from weightedce.backends import Array
from weightedce.backends.handed import Moved
from weightedce.call.at_once import Formula, OfLabels
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
)
from weightedce.call.over_classes import LOG_SOFTMAX, prior_log_softmax
from weightedce.numerics import softmax
from weightedce.numerics.at_once import factor_of


def balanced_softmax_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    counts: Any,
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
    r"""Cross-entropy of a softmax whose terms are multiplied by the class counts.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \Bigl( -\log \frac{n_k e^{z_k}}{\sum_j n_j e^{z_j}} \Bigr)

    in nats, with sample weight s and class weights w: `logit_adjusted_cross_entropy` with tau = 1
    and the counts for a prior.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    counts : list or array, shape (K,)
        Examples of each class, >= 0: see `class_counts`. A class of count 0 is left out of the
        sum; as a label it costs inf.
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
        As in `cross_entropy`, and if the counts do not have
        shape (K,).

    Notes
    -----
    Limits: as `cross_entropy`.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: torch, Keras and optax have no such loss.

    References
    ----------
    Ren, Yu, Sheng, Ma, Zhao, Yi, Li (2020), "Balanced Meta-Softmax for Long-Tailed Visual
    Recognition", NeurIPS, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> balanced_softmax_cross_entropy(logits, labels, counts=[90, 9, 1]).round(4)
    np.float64(0.8598)
    """

    def formula(b: ClassBatch) -> Array:
        n = b.along_classes("counts", counts, weights=True)
        return prior_log_softmax(b, b.logits, softmax.prior_of(n))

    def moved(b: ClassBatch) -> Moved:
        return Moved(shift=b.xp.log(b.along_classes("counts", counts, weights=True)))

    return evaluate(
        class_batch,
        Formula(formula, OfLabels(counts=True, factor=factor_of), LOG_SOFTMAX, moved),
        logits,
        targets,
        reduction,
        also=(counts,),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )
