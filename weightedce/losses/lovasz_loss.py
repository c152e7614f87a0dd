"""Lovász loss: the Jaccard index of a batch, convex in the errors."""

from typing import Any, get_args

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, options
from weightedce.call.binary_batch import binary_batch
from weightedce.call.options import Errors, IgnoreIndex, LabelReduction, SmoothingWeight
from weightedce.call.over_problems import over_labels
from weightedce.numerics import lovasz, stable


def lovasz_loss(
    logits: Array,
    targets: Any,
    *,
    errors: Errors = "hinge",
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int | None = None,
    reduction: LabelReduction = "mean",
) -> Array:
    r"""Lovász loss: what the Jaccard index lacks, made convex in the errors of the elements.

    .. math::
        l = \sum_i m_i \, \bigl[ J(i) - J(i - 1) \bigr], \quad m_1 \ge m_2 \ge \ldots, \quad
        J = \frac{F + B}{P + B}

    where P is the number of positives, F and B those of positives and negatives among the first i,
    and the error :math:`m_i` is :math:`\max(0, 1 \mp z)` or what :math:`\sigma(z)` is off by. In
    units of the error; no unit, not in nats.

    Parameters
    ----------
    logits, targets : array
        As in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and (N, H, W, C).
    errors : {"hinge", "probability"}
        ``"hinge"``: 1 - z for positives and 1 + z for negatives, where that is above 0: the
        Lovász hinge. ``"probability"``: 1 - p and p, as in the Lovász softmax.
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`: elements have a mass instead of being counted, and a soft or
        smoothed target is a share of a positive and the rest of a negative.
    axis : int, optional
        The label axis: one loss for each label along it, or for each image along its axis. Their
        number must be known. Default: all elements are one problem.
    reduction : {"mean", "sum", "none"}
        Over the labels. Losses of batches do not add up, nor is there anything that does.

    Returns
    -------
    array
        0-d, or of shape (L,) for ``"none"`` with an axis. In [0, inf], or [0, 1] for
        probabilities.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`, and for a label axis of unknown size.

    Notes
    -----
    Limits: the largest error where there are no positives; 0 where nothing is left. An infinite
    logit has the error 0, 1 or inf.

    Gradients flow to logits, targets and all weights, first and second order, with the order of the
    errors held, which is where they exist: where two errors are alike the loss has an edge. Of its
    sides this is one, whatever the order of the elements: positives come first, and negatives
    that are alike share. A hinge at its edge has gradient 0.

    Differences: torch, Keras and optax have no such loss. The authors' code has the same numbers
    without weights; where errors are alike its gradient depends on the order of the elements.

    References
    ----------
    Berman, Rannen Triki, Blaschko (2018), "The Lovász-Softmax Loss: A Tractable Surrogate for the
    Optimization of the Intersection-Over-Union Measure in Neural Networks", CVPR, equations 8, 9
    and 11.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 0])
    >>> lovasz_loss(logits, targets).round(4)
    np.float64(1.3333)
    >>> lovasz_loss(logits, targets, errors="probability").round(4)
    np.float64(0.5271)
    """
    options.choice("errors", errors, get_args(Errors))
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
        axis=-1 if axis is None else axis,
    )
    xp, backend = b.xp, backend_of(b.logits)
    shape = backend.shape(b.logits)
    if errors == "hinge":
        above, below = 1.0 - b.logits, 1.0 + b.logits
        # not above 0: NaN is no right answer
        wrong = xp.where(above <= 0.0, 0.0, above), xp.where(below <= 0.0, 0.0, below)
    else:
        p, rest = stable.chances(b.logits)
        wrong = rest, p
    masses = (xp.broadcast_to(mass, shape) for mass in (b.positive, b.negative))
    arrays = (b.logits, *masses, *wrong)

    def loss(z: Array, positive: Array, negative: Array, missed: Array, alarm: Array) -> Array:
        if 0 in z.shape:
            return backend.sum(z)
        slopes = lovasz.jaccard_slopes(z, positive, negative)
        of_positives = stable.times(positive * slopes.of_positives, missed)
        of_negatives = stable.times(negative * slopes.of_negatives, alarm)
        return backend.sum(of_positives + of_negatives)

    if axis is None or not shape:
        return loss(*(xp.reshape(x, (-1,)) for x in arrays))
    if not arguments.all_known(shape[b.axis]):
        raise ValueError(
            f"logits: expected a known number of labels along axis {axis}, got shape "
            f"{arguments.shown(shape)}"
        )
    order = [b.axis, *(i for i in range(len(shape)) if i != b.axis)]
    rows = [xp.permute_dims(x, order) for x in arrays]
    labels = range(int(shape[b.axis]))
    each = [loss(*(xp.reshape(x[j, ...], (-1,)) for x in rows)) for j in labels]
    return over_labels(xp.stack(each) if each else xp.reshape(b.logits, (0,)), reduction)
