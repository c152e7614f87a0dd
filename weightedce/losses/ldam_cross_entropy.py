"""Label-distribution-aware margins."""

from functools import partial
from typing import Any

from weightedce.backends import Array, backend_of
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
from weightedce.call.over_classes import over_classes
from weightedce.numerics import stable
from weightedce.numerics.at_once import LabelOdds, behind_odds
from weightedce.numerics.remembered import by_content


def ldam_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    counts: Any,
    max_margin: float = 0.5,
    scale: float = 30.0,
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
    r"""Cross-entropy with a margin for every class, largest for the rarest.

    .. math::
        l(z, q) = s \sum_k q_k \, w_k \, \mathrm{CE}_k\bigl(a \, (z - m_k \mathbf{1}_k)\bigr), \quad
        m_k = m \, (n_{\min} / n_k)^{1/4}

    with :math:`\mathrm{CE}_k(z) = \log \sum_j e^{z_j} - z_k`, the scale a, the largest margin m,
    sample weight s and class weights w; in nats. The paper's logits are cosines, in [-1, 1].

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    counts : list or array, shape (K,)
        Examples of each class, >= 0: see `class_counts`. A class of count 0 has the largest
        margin and does not count for the smallest n.
    max_margin : float
        The margin of the rarest class, at least 0; 0 gives `cross_entropy` of scale * logits.
    scale : float
        What the logits are multiplied by, above 0.
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
    Limits: as `cross_entropy`. Losses below the smallest number of the dtype times
    exp(scale * margin) come out as 0.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: torch, Keras and optax have no such loss. Deferred re-weighting, the second half
    of the paper, is a ``class_weight`` of `deferred`.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga, Ma (2019), "Learning Imbalanced Datasets with
    Label-Distribution-Aware Margin Loss", NeurIPS, equations 10 and 13.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> ldam_cross_entropy(logits, labels, counts=[90, 9, 1], scale=1.0).round(4)
    np.float64(1.3529)
    """
    max_margin = over_shards.number("max_margin", max_margin, logits, 0, axis=axis, shards=shards)
    scale = over_shards.number("scale", scale, logits, 2.0**-60, axis=axis, shards=shards)

    # for kernels, whose float32 holds an odds of e^170 in two halves
    short = isinstance(scale, float) and isinstance(max_margin, float) and scale * max_margin < 170

    def margins(b: ClassBatch) -> Array:
        n = b.along_classes("counts", counts, weights=True)
        return scale * max_margin * margin_shares(n, b.axis)

    def formula(b: ClassBatch) -> Array:
        return over_classes(b, scale * b.logits, stable.behind, margins(b))

    def moved(b: ClassBatch) -> Moved:
        return Moved(scale, margin=margins(b))

    def behind(found: LabelOdds, labels: Array, n: Array) -> tuple[Array, Array]:
        return behind_odds(known_margins(n, scale * max_margin)[labels], found)

    return evaluate(
        class_batch,
        with_floats(
            formula,
            OfLabels(behind, scale, counts=True, calm=short and scale * max_margin < MODERATE),
            max_margin,
            scale,
            per_class=partial(stable.behind) if short else None,
            moved=moved,
        ),
        logits,
        targets,
        reduction,
        also=(counts, max_margin, scale),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        shards=shards,
    )


def margin_shares(n: Array, axis: int) -> Array:
    """Return ``(n_min / n_k)^(1/4)``, and 1 for a class that does not occur."""
    xp = backend_of(n).namespace
    present = n != 0  # NaN, which a compiled step may meet, is no absent class
    rarest = xp.min(xp.where(present, n, xp.finfo(n.dtype).max), axis=axis, keepdims=True)
    return xp.where(present, rarest / xp.where(present, n, 1.0), 1.0) ** 0.25


@by_content
def known_margins(n: Array, largest: float) -> Array:
    """Return the margins of NumPy's counts."""
    return largest * margin_shares(n, 0)


MODERATE = 60.0  # a margin whose exponential is in range
