"""Seesaw loss."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.evaluation import evaluate
from weightedce.call.options import IgnoreIndex, ReductionName, SmoothingWeight
from weightedce.numerics import seesaw, stable


def seesaw_loss(
    logits: Array,
    targets: Any,
    *,
    counts: Any,
    p: float = 0.8,
    q: float = 2.0,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    reduction: ReductionName = "mean",
) -> Any:
    r"""Seesaw loss: a frequent class pushes rare ones less, but for what is confused with it.

    .. math::
        l(z, t) = s \sum_i t_i \, w_i \, \log \Bigl( 1 + \sum_{j \ne i}
                  M_{ij} \, C_{ij} \, e^{z_j - z_i} \Bigr)

    .. math::
        M_{ij} = \min(1, n_j / n_i)^p, \quad C_{ij} = \max(1, \sigma_j / \sigma_i)^q, \quad
        \sigma = \mathrm{softmax}(z)

    in nats, with the target t, sample weight s and class weights w. M, the mitigation factor, and
    C, the compensation factor, are constants: no gradient goes through them.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    counts : list or array, shape (K,)
        Examples of each class so far, >= 0: see `class_counts`, or a `ClassCounter` that goes
        along with the training, as in the paper. Counts below 1 are taken as 1.
    p : float
        In [0, 100]: how much rarer classes are spared; 0 spares none.
    q : float
        In [0, 100]: how much a class above the label counts more; 0 for not at all. With both 0
        it is `cross_entropy`.
    targets, axis, class_weight, sample_weight, mask, ignore_index, reduction
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
        As in `cross_entropy`, and if the counts do not have shape (K,).

    Notes
    -----
    Limits: as `cross_entropy`.

    Gradients flow to logits, targets and all weights, first and second order, through the
    exponentials alone: M and C are held, as in the authors' code. So the gradient is that of
    `cross_entropy` with the logits z_j + log(M_ij C_ij), and the loss grows along a logit faster
    than its gradient says.

    Labels take memory as `cross_entropy` does; a distribution, or label smoothing, K times as much,
    since each class as the label has other factors.

    Differences: torch, Keras and optax have no such loss. MMDetection counts the labels of the
    batches inside of the loss; here the counts are given. It bounds the probability of the label in
    C from below by 0.01 (``eps``), so that from there on C grows no faster than the probability
    of the other class; here, as in the paper, nothing is bounded. The normalised linear layer of
    equation 9 is the model's.

    References
    ----------
    Wang, Zhang, Zang, Cao, Pang, Gong, Chen, Liu, Loy, Lin (2021), "Seesaw Loss for Long-Tailed
    Instance Segmentation", CVPR, section 3.2, equations 5 to 8.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]]), np.array([0, 1])
    >>> seesaw_loss(logits, labels, counts=[90, 9, 1], reduction="none").round(4)
    array([0.0248, 4.2617])
    """
    p = arguments.number("p", p, logits, 0, 100)
    q = arguments.number("q", q, logits, 0, 100)

    def formula(b: ClassBatch) -> Array:
        xp, axis, backend = b.xp, b.axis, backend_of(b.logits)
        n = backend.detach(b.along_classes("counts", counts, weights=True))
        n = xp.where(n < 1.0, 1.0, n)
        spared, raised = (x if isinstance(x, float) else backend.detach(x) for x in (p, q))
        classes = xp.arange(b.logits.shape[axis], device=backend.device(b.logits))

        def of(z: Array, labels: Array, axis: int) -> Array:
            along = arguments.lay_along(classes, axis, len(z.shape))
            hit = along == xp.expand_dims(labels, axis=axis)
            each = n if len(n.shape) == len(z.shape) else xp.expand_dims(n, axis=0)
            mine = xp.sum(xp.where(hit, each, 0.0), axis=axis, keepdims=True)
            share = xp.where(each >= mine, 1.0, each / mine)  # NaN stays
            return seesaw.seesaw_loss(z, hit, stable.power(share, spared), raised, axis)

        if b.one_class:
            return stable.times(b.label_mass, of(b.logits, b.labels, axis))
        # every class as the label, along a first axis
        rank = len(b.logits.shape)
        labels = arguments.lay_along(classes, 0, rank)
        losses = of(xp.expand_dims(b.logits, axis=0), labels, axis + 1)
        order = [*range(1, axis + 1), 0, *range(axis + 1, rank)]
        return stable.weighted_sum(b.mass, xp.permute_dims(losses, order), axis)

    return evaluate(
        class_batch,
        formula,
        logits,
        targets,
        reduction,
        also=(counts, p, q),
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
    )
