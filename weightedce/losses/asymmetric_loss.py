"""Asymmetric loss for many labels, few of them positive."""

from typing import Any

from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.binary_batch import binary_batch
from weightedce.call.evaluation import evaluate, with_numbers
from weightedce.call.options import IgnoreIndex, LabelSmoothing, ReductionName, SmoothingWeight
from weightedce.numerics.asymmetric import asymmetric


def asymmetric_loss(
    logits: Array,
    targets: Any,
    *,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
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
    r"""Asymmetric loss: focuses positives and negatives apart, and drops easy negatives.

    .. math::
        l(z, y) = s \, \bigl[ y \, w_+ \, (1 - p)^{\gamma_+} (-\log p)
                  + (1 - y) \, w_- \, m^{\gamma_-} (-\log(1 - m)) \bigr], \quad
        p = \sigma(z), \quad m = \max(p - \mathrm{clip}, 0)

    in nats, with sample weight s.

    Parameters
    ----------
    logits : array of float
        As in `binary_cross_entropy`.
    gamma_pos, gamma_neg : float
        Focusing of positives and of negatives, at least 0.
    clip : float
        In [0, 1): negatives with p below it cost nothing and have gradient 0.
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
        As in `binary_cross_entropy`.

    Notes
    -----
    Limits: at infinite logits 0 for a right answer; for a wrong one inf, but negatives with
    clip > 0 end at -(1 - clip)^gamma_neg log(clip), with gradient 0.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: timm's gradient is 0 for positives below logit -20, since it clips p at 1e-8;
    here it stays right.

    References
    ----------
    Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor (2021), "Asymmetric Loss
    For Multi-Label Classification", ICCV, equations 4 to 7.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([3.0, 0.0, -3.0]), np.array([1, 1, 1])
    >>> asymmetric_loss(logits, np.array([1, 0, 0]), reduction="none").round(4)
    array([0.0023, 0.0245, 0.    ])
    """
    gamma_pos = arguments.number("gamma_pos", gamma_pos, logits, 0)
    gamma_neg = arguments.number("gamma_neg", gamma_neg, logits, 0)
    clip = arguments.number("clip", clip, logits, 0, 1 - 2**-20)

    return evaluate(
        binary_batch,
        with_numbers(asymmetric(gamma_pos, gamma_neg, clip), gamma_pos, gamma_neg, clip),
        logits,
        targets,
        reduction,
        also=(gamma_pos, gamma_neg, clip),
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
