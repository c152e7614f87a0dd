"""Poly-1 cross-entropy."""

from functools import partial
from typing import Any

from weightedce.backends import Array
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
from weightedce.call.over_classes import over_classes
from weightedce.numerics import stable
from weightedce.numerics.at_once import poly_odds


def poly_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    epsilon: float = 1.0,
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
    r"""Poly-1 cross-entropy: one more term of the expansion in 1 - p weighs otherwise.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \bigl[ -\log p_k + \epsilon \, (1 - p_k) \bigr], \quad
        p = \mathrm{softmax}(z)

    in nats, with sample weight s and class weights w.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    epsilon : float
        At least -1, where the loss would fall with falling p; 0 gives `cross_entropy`.
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
        As in `cross_entropy`.

    Notes
    -----
    Limits: at infinite logits 0 for a right answer, inf for a wrong one.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: torch and Keras have no such loss; ``optax.losses.poly_loss_cross_entropy`` takes
    distributions only, has epsilon 2 by default, and no weights, smoothing or reduction.

    References
    ----------
    Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov (2022), "PolyLoss: A Polynomial Expansion
    Perspective of Classification Loss Functions", ICLR, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> poly_cross_entropy(logits, labels, epsilon=1.0).round(4)
    np.float64(1.7541)
    """
    epsilon = over_shards.number("epsilon", epsilon, logits, -1, axis=axis, shards=shards)

    poly = partial(stable.poly, epsilon=epsilon)

    def formula(b: ClassBatch) -> Array:
        return over_classes(b, b.logits, poly)

    small = OfLabels(partial(poly_odds, epsilon), calm=isinstance(epsilon, float) and epsilon < 1e6)

    return evaluate(
        class_batch,
        with_floats(formula, small, epsilon, per_class=poly),
        logits,
        targets,
        reduction,
        also=(epsilon,),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )
