"""Generalized cross-entropy."""

from functools import partial
from typing import Any

from weightedce.backends import Array
from weightedce.call import over_shards
from weightedce.call.at_once import with_floats
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Devices,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
)
from weightedce.call.over_classes import over_classes
from weightedce.numerics import powers, stable


def generalized_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    q: float = 0.7,
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
    r"""Generalized cross-entropy: bounded, for labels that may be wrong.

    .. math::
        l(z, p^*) = s \sum_k p^*_k \, w_k \, \frac{1 - p_k^q}{q}, \quad p = \mathrm{softmax}(z)

    with targets :math:`p^*`, sample weight s and class weights w; no unit (nats as q -> 0).

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    q : float
        In (0, 1]: towards 0 it gives `cross_entropy`, 1 gives 1 - p.
    targets, axis, class_weight, sample_weight, mask, ignore_index, shards, reduction
        As in `cross_entropy`.
    label_smoothing, smoothing_weight
        As in `cross_entropy`: they act on the target before the formula does.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits without ``axis`` for ``"none"``; of the logits'
        dtype, float32 for half precision. In [0, 1/q] for weights 1.

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`.

    Notes
    -----
    Limits: at infinite logits 0 for a right answer, 1/q for a wrong one, both with gradient 0.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: torch, Keras and optax have no such loss. The truncated variant of the paper is not
    offered: ``mask`` can drop examples.

    References
    ----------
    Zhang, Sabuncu (2018), "Generalized Cross Entropy Loss for Training Deep Neural Networks
    with Noisy Labels", NeurIPS, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> generalized_cross_entropy(logits, labels, q=0.7).round(4)
    np.float64(0.6682)
    """
    q = over_shards.number("q", q, logits, 2.0**-60, 1, axis=axis, shards=shards)

    generalized = partial(stable.generalized, q=q)

    def formula(b: ClassBatch) -> Array:
        if b.shards is not None:
            return over_classes(b, b.logits, generalized)
        if b.one_class:
            part = powers.label_complement(b.logits, b.labels, b.axis, q)
            return stable.times(b.label_mass, part / q)
        return stable.weighted_sum(b.mass, powers.class_complement(b.logits, b.axis, q) / q, b.axis)

    return evaluate(
        class_batch,
        with_floats(formula, None, q, per_class=generalized),
        logits,
        targets,
        reduction,
        also=(q,),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )
