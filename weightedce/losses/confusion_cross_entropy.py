"""Cross-entropy weighted by the outcome: true or false, positive or negative."""

from typing import Any, get_args

from weightedce.backends import Array
from weightedce.call import arguments, options
from weightedce.call.binary_batch import BinaryBatch, binary_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import (
    Assignment,
    IgnoreIndex,
    LabelSmoothing,
    ReductionName,
    SmoothingWeight,
)
from weightedce.numerics import stable


def confusion_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    tp: Any = 1.0,
    tn: Any = 1.0,
    fp: Any = 1.0,
    fn: Any = 1.0,
    threshold: float = 0.0,
    assignment: Assignment = "hard",
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
    r"""Cross-entropy with a weight for each of the four outcomes of a yes/no decision.

    .. math::
        l(z, y) = s \, \bigl[ y \, a(z) \log(1 + e^{-z}) + (1 - y) \, b(z) \log(1 + e^{z}) \bigr]

    .. math::
        a(z) = \mathrm{tp} \text{ if } z > t \text{ else } \mathrm{fn}, \quad
        b(z) = \mathrm{fp} \text{ if } z > t \text{ else } \mathrm{tn}

    in nats, with sample weight s and threshold t.

    Parameters
    ----------
    logits : array of float
        As in `binary_cross_entropy`.
    tp, tn, fp, fn : number, list or array
        Weight of true positives, true negatives, false positives and false negatives: one for
        all, or shape (L,), one a label, along ``axis``. At least 0.
    threshold : float
        The logit t above which the decision is positive: 0 for p = 1/2.
    assignment : {"hard", "soft"}
        ``"hard"``: as in the formula; the loss jumps where z crosses t, the gradient is that of
        the side. ``"soft"``: the weights are mixed, a(z) = tp r + fn (1 - r) and
        b(z) = fp r + tn (1 - r) with r = sigmoid(z - t), without a jump; the gradient flows
        through the mixture too.
    targets, sample_weight, mask, ignore_index, axis, reduction
        As in `binary_cross_entropy`.
    pos_weight, neg_weight, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`: they act on the target before the formula does, and each
        share of a smoothed target gets the weight of its own outcome.

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
    Limits: at an infinite logit 0 for a right answer, inf for a wrong one of weight above 0.

    Gradients flow to logits, targets and all weights, first and second order.

    With tp = fn and fp = tn, and without smoothing, it is `binary_cross_entropy` with these as
    ``pos_weight`` and ``neg_weight``. For costs on the outcome itself, not on its
    cross-entropy, see `expected_cost`.

    Differences: torch, TensorFlow, Keras and optax weigh by target alone
    (``tf.nn.weighted_cross_entropy_with_logits``), not by outcome.

    References
    ----------
    The four costs: Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, section 1;
    as weights of a cross-entropy: this library.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 0])
    >>> weights = {"tp": 1, "tn": 0.2, "fp": 1, "fn": 9}
    >>> confusion_cross_entropy(logits, targets, **weights, reduction="none").round(4)
    array([ 0.1269, 11.8194,  0.0254,  1.3133])
    """
    options.choice("assignment", assignment, get_args(Assignment))
    threshold = arguments.number("threshold", threshold, logits)

    weights = {"tp": tp, "tn": tn, "fp": fp, "fn": fn}

    def formula(b: BinaryBatch) -> Array:
        right, quiet, alarm, miss = (b.along_labels(*weight) for weight in weights.items())
        if assignment == "hard":
            above = b.logits > threshold
            a, c = b.xp.where(above, right, miss), b.xp.where(above, alarm, quiet)
        else:
            r, rest = stable.chances(stable.finite(b.logits) - threshold)
            a, c = right * r + miss * rest, alarm * r + quiet * rest
        b = b.reweighted(a, c)
        return stable.attached(stable.SOFTPLUS, b.logits, b.positive, b.negative)

    return evaluate(
        binary_batch,
        formula,
        logits,
        targets,
        reduction,
        also=(*weights.values(), threshold),
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
