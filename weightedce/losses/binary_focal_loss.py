"""Focal loss of yes/no targets."""

from typing import Any

from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.binary_batch import binary_batch
from weightedce.call.evaluation import evaluate, with_numbers
from weightedce.call.options import IgnoreIndex, LabelSmoothing, ReductionName, SmoothingWeight
from weightedce.numerics import stable


def binary_focal_loss(
    logits: Array,
    targets: Any,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int = -1,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Focal loss of independent yes/no targets: easy elements count less.

    .. math::
        l(z, y) = s \, \bigl[ y \, w_+ \, (1 - p)^\gamma (-\log p)
                  + (1 - y) \, w_- \, p^\gamma (-\log(1 - p)) \bigr], \quad p = \sigma(z)

    in nats, with sample weight s. A soft target takes its shares of the two terms.

    Parameters
    ----------
    logits : array of float
        As in `binary_cross_entropy`.
    gamma : float
        Focusing, at least 0; 0 gives `binary_cross_entropy`.
    alpha : float, optional
        In [0, 1]: short for ``pos_weight=alpha, neg_weight=1 - alpha``, instead of both.
    targets, sample_weight, mask, ignore_index, axis, reduction
        As in `binary_cross_entropy`.
    pos_weight, neg_weight, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`: they act on the target before the formula does.

    Returns
    -------
    array or LossTotal
        0-d, or of the shape of the logits for ``"none"``; of the logits' dtype, float32 for
        half precision. In [0, inf].

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`, and if ``alpha`` comes with a
        weight.

    Notes
    -----
    Limits: at an infinite logit 0 for a right answer, inf for a wrong one; the gradient is 0 and
    stays finite for gamma below 1 too.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: alpha weighs positives, 1 - alpha negatives, as in torchvision, optax and Keras's
    binary loss; MONAI and kornia give class 0 the factor 1 - alpha of a two-class softmax, and
    Keras uses it only with ``apply_class_balancing``. For soft targets torchvision, Keras and
    optax interpolate p_t; here the two terms are mixed, as kornia does.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollar (2017), "Focal Loss for Dense Object Detection", ICCV,
    equations 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([3.0, 0.0, -3.0]), np.array([1, 1, 1])
    >>> binary_focal_loss(logits, targets, reduction="none").round(4)
    array([1.0000e-04, 1.7330e-01, 2.7663e+00])
    """
    gamma = arguments.number("gamma", gamma, logits, 0)
    if alpha is not None:
        if pos_weight is not None or neg_weight is not None:
            raise ValueError("alpha: expected None beside pos_weight or neg_weight, got both")
        alpha = arguments.number("alpha", alpha, logits, 0, 1)
        pos_weight, neg_weight = alpha, 1 - alpha

    return evaluate(
        binary_batch,
        with_numbers(stable.focal(gamma), gamma),
        logits,
        targets,
        reduction,
        also=(gamma,),
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
