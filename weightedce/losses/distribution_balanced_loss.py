"""Distribution-balanced loss."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments
from weightedce.call.binary_batch import BinaryBatch, binary_batch
from weightedce.call.options import IgnoreIndex, ReductionName, SmoothingWeight
from weightedce.call.reductions import reduce, reduction_of
from weightedce.numerics import stable


def distribution_balanced_loss(
    logits: Array,
    targets: Any,
    *,
    counts: Any,
    total: float,
    alpha: float = 0.1,
    beta: float = 10.0,
    mu: float = 0.3,
    kappa: float = 0.05,
    scale: float = 2.0,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int = -1,
    reduction: ReductionName = "mean",
) -> Any:
    r"""Distribution-balanced loss of many labels: rare ones weigh more, easy negatives push less.

    .. math::
        l(z, y) = s \, \hat r \, \Bigl[ y \, w_+ \log(1 + e^{-(z - \nu)})
                  + (1 - y) \, w_- \frac{1}{\lambda} \log(1 + e^{\lambda (z - \nu)}) \Bigr]

    .. math::
        \hat r = \alpha + \sigma(\beta (r - \mu)), \quad
        r = \frac{1 / n}{\sum_j y_j / n_j}, \quad \nu = \kappa \, \log \frac{N - n}{n}

    in nats, with sample weight s, and the sum over the labels of the example.

    Parameters
    ----------
    logits : array of float
        As in `binary_cross_entropy`: (N, L), or any shape with the L labels along ``axis``; (L,)
        is one example.
    counts : number, list or array
        n, the examples that have the label: shape (L,), or one number for all labels.
    total : float
        N, the examples that were counted, at least 1. Counts below 1 are taken as 1, those above
        N - 1 as N - 1, and so n as at least 1.
    alpha, beta, mu : float
        Level, at least 0, slope and middle of the weights of re-balancing.
    kappa : float
        How far the logits are shifted towards the log odds of the label, in [0, 10]; 0 for not
        at all.
    scale : float
        lambda, in [1/64, 64]: how tolerant negatives are. Above 1 those that are right already push
        less.
    targets, sample_weight, mask, ignore_index, axis, reduction
        As in `binary_cross_entropy`.
    pos_weight, neg_weight, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`: they act on the target before the formula does. Smoothing
        leaves r as it is.

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
    Limits: at an infinite logit 0 for a right answer, inf for a wrong one. An example without
    positives has weights of alpha + 1, the limit. What is masked is no positive.

    Gradients flow to logits, targets, counts and all weights, first and second order.

    A ``"weighted_mean"`` divides by the weights of re-balancing as well. A ``scale`` that is no
    power of 2 rounds scale * z first, which moves losses far below 1 by as many ulp as z is large.

    Differences: torch, Keras and optax have no such loss. The authors' code divides kappa by
    lambda: its ``init_bias=0.05, neg_scale=2`` is ``kappa=0.025, scale=2`` here; it may put a focal
    factor on top.

    References
    ----------
    Wu, Huang, Liu, Wang, Lin (2020), "Distribution-Balanced Loss for Multi-Label Classification in
    Long-Tailed Datasets", ECCV, sections 3.1 and 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, -3.0]]), [[1, 0, 1], [0, 1, 0]]
    >>> distribution_balanced_loss(logits, targets, counts=[900, 90, 9], total=1000).round(4)
    np.float64(0.1873)
    """
    asked = reduction_of(reduction)
    total = arguments.number("total", total, logits, 1)
    alpha = arguments.number("alpha", alpha, logits, 0)
    beta = arguments.number("beta", beta, logits, 0)
    mu = arguments.number("mu", mu, logits)
    kappa = arguments.number("kappa", kappa, logits, 0, 10)
    scale = arguments.number("scale", scale, logits, 1 / 64, 64)
    b = binary_batch(
        logits,
        targets,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=axis,
    )
    xp, n = b.xp, b.along_labels("counts", counts)
    rest = total - n
    n, rest = xp.where(n < 1.0, 1.0, n), xp.where(rest < 1.0, 1.0, rest)
    shift = kappa * xp.log(rest / n)
    weight = _rebalanced(b, n, alpha, beta, mu)
    b = b.reweighted(weight, weight)
    of_positives = stable.shifted_softplus(-b.logits, -shift)
    of_negatives = stable.shifted_softplus(scale * b.logits, scale * shift) / scale
    loss = stable.times(b.positive, of_positives) + stable.times(b.negative, of_negatives)
    return reduce(loss, b, asked)


def _rebalanced(b: BinaryBatch, n: Array, alpha: Any, beta: Any, mu: Any) -> Array:
    """Return the weight of each label of each example."""
    xp, backend = b.xp, backend_of(b.logits)
    share = b.targets / n
    if len(b.logits.shape):
        share = backend.sum(share, b.axis, keepdims=True)
    none = share == 0.0
    r = 1.0 / (n * xp.where(none, 1.0, share))
    _, minus_log_rest = stable.softplus_pair(beta * (r - mu))
    return alpha + xp.where(none, 1.0, stable.complement(minus_log_rest))
