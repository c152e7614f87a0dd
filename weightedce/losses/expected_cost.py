"""Expected cost of a decision drawn from the predicted probabilities."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, dtypes
from weightedce.call.binary_batch import BinaryBatch, binary_batch
from weightedce.call.by_class import by_class, in_order
from weightedce.call.class_batch import ClassBatch, class_batch
from weightedce.call.collated import targets_beside
from weightedce.call.from_batch import is_batch
from weightedce.call.options import IgnoreIndex, LabelSmoothing, ReductionName, SmoothingWeight
from weightedce.call.reductions import reduce, reduction_of
from weightedce.numerics import softmax, stable


def expected_cost(
    logits: Array,
    targets: Any,
    cost_matrix: Any,
    *,
    axis: int | None = None,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    reduction: ReductionName = "mean",
) -> Any:
    r"""Cost of the outcome, expected under the predicted probabilities.

    .. math::
        l(z, q) = s \sum_y q_y \, w_y \sum_k C_{y k} \, p_k, \quad p = \mathrm{softmax}(z)

    with sample weight s and class weights w; in the unit of the costs, not in nats.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`, or one per element for a 2 x 2 matrix: as in
        `binary_cross_entropy`.
    targets : array or list
        As in `cross_entropy` or `binary_cross_entropy`.
    cost_matrix : list or array, shape (K, K) or (N, K, K)
        ``cost_matrix[y][k]``: the cost of predicting k where y is true. A negative cost is a
        reward. For one logit per element: ``[[tn, fp], [fn, tp]]``. With an axis more, one matrix
        an example, such as the amount at stake in it: for logits (N, K), or one logit per element,
        whose first axis is then that of the examples.
    axis : int, optional
        The class axis, for a softmax over classes. Default: targets of the shape of the logits
        and a 2 x 2 matrix mean one logit per element, p = sigmoid(z); anything else a softmax
        over the last axis. For a distribution over two classes, give the axis.
    class_weight : number, list, array, dict or "batch", optional
        Shape (K,), (2,) for one logit per element, or one number.
    sample_weight, mask, ignore_index, label_smoothing, smoothing_weight, reduction
        As in `cross_entropy`.

    Returns
    -------
    array or LossTotal
        0-d, or one number per element or example for ``"none"``; of the logits' dtype, float32
        for half precision. Between the least and the greatest cost, for weights 1.

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`, and if the cost matrix does not have shape (K, K) or (N, K, K).

    Notes
    -----
    Limits: at infinite logits the cost of the decision.

    Gradients flow to logits, targets, costs and all weights, first and second order. The loss is
    bounded, so an answer that is saturated and wrong has a gradient near 0: to start training,
    `cross_entropy` with weights is the better loss; to refine a trained model, this one is.

    Differences: torch, Keras and optax have no such loss. With the 0/1 matrix it is the expected
    error, 1 - p_y: `generalized_cross_entropy` with q = 1.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([2.0, -1.0]), np.array([0, 1])
    >>> costs = [[0, 1], [9, -1]]  # a miss costs 9, a hit earns 1
    >>> expected_cost(logits, labels, costs, reduction="none").round(4)
    array([0.8808, 6.3106])
    >>> expected_cost(np.array([[0.0, 2.0]]), [0], costs).round(4)
    np.float64(0.8808)
    """
    asked = reduction_of(reduction)
    z = dtypes.floating("logits", logits)
    costs = arguments.weight_beside("cost_matrix", cost_matrix, z, signed=True)
    raw = targets_beside(targets, logits)
    two = tuple(costs.shape[-2:]) == (2, 2) and len(costs.shape) <= 3
    shared: dict[str, Any] = {
        "sample_weight": sample_weight,
        "mask": mask,
        "ignore_index": ignore_index,
        "label_smoothing": label_smoothing,
        "smoothing_weight": smoothing_weight,
    }
    b: BinaryBatch | ClassBatch
    column = tuple(raw.shape[-1:]) == (1,) != tuple(logits.shape[-1:])  # labels, (N, 1)
    if axis is None and two and len(raw.shape) == len(logits.shape) and not column:
        if is_batch(class_weight):
            plain = binary_batch(logits, raw, pos_weight=None, neg_weight=None, axis=-1, **shared)
            class_weight = plain.balanced()
        neg, pos = _two_weights(class_weight, z)
        b = binary_batch(logits, raw, pos_weight=pos, neg_weight=neg, axis=-1, **shared)
        (tn, fp), (fn, tp) = _of_outcomes(b.xp.astype(costs, b.logits.dtype), b.logits)
        p, rest = stable.chances(b.logits)
        loss = b.positive * (fn * rest + tp * p) + b.negative * (tn * rest + fp * p)
        return reduce(loss, b, asked)
    b = class_batch(
        logits, raw, axis=-1 if axis is None else axis, class_weight=class_weight, **shared
    )
    xp, classes = b.xp, b.logits.shape[b.axis]
    matrix = (classes, classes)
    each = len(costs.shape) == 3 and len(b.logits.shape) == 2  # one matrix an example
    if tuple(costs.shape) != matrix and not (each and tuple(costs.shape[1:]) == matrix):
        raise ValueError(
            f"cost_matrix: expected shape {matrix} for logits of shape "
            f"{tuple(logits.shape)}, got shape {tuple(costs.shape)}"
        )
    backend, costs = backend_of(b.logits), xp.astype(costs, b.logits.dtype)
    order = [i for i in range(len(b.logits.shape)) if i != b.axis] + [b.axis]  # the classes last
    p = xp.permute_dims(xp.exp(-softmax.negative_log_softmax(b.logits, b.axis)), order)
    if each:
        mass = xp.expand_dims(xp.permute_dims(b.mass, order), axis=-1)
        arguments.along_leading("cost_matrix", costs[:, 0, 0], p.shape[:1])
        return reduce(_mean(p, backend.sum(mass * costs, 1)), b, asked)
    if not b.one_class:  # sum over y of mass_y C_yk, as one matrix product
        return reduce(_mean(p, xp.permute_dims(b.mass, order) @ costs), b, asked)
    loss = b.label_mass * _mean(p, backend.look_up(costs, b.labels))
    return reduce(loss, b, asked)


def _of_outcomes(costs: Array, logits: Array) -> list[list[Any]]:
    """Return the four costs, of one matrix, or of one an example laid along the first axis."""
    if len(costs.shape) == 2:
        return [[costs[y, k] for k in (0, 1)] for y in (0, 1)]
    shape = backend_of(logits).shape(logits)
    return [
        [arguments.along_leading("cost_matrix", costs[:, y, k], shape) for k in (0, 1)]
        for y in (0, 1)
    ]


def _mean(p: Array, costs: Array) -> Array:
    """Return ``sum_k p_k c_k``, by what each cost is more than the mean, taken as a constant.

    The derivative to z_k is p_k (c_k - mean): autodiff of the plain sum takes p_k c_k less
    p_k mean instead, which loses what they have in common.
    """
    backend = backend_of(p)
    mean = backend.detach(backend.sum(costs * p, -1))
    above = costs - backend.namespace.expand_dims(mean, axis=-1)
    return mean + backend.sum(above * p, -1)


def _two_weights(class_weight: Any, logits: Array) -> tuple[Any, Any]:
    """Return the weights of negatives and positives."""
    if class_weight is None:
        return None, None
    if by_class(class_weight):
        class_weight = in_order("class_weight", class_weight, 2, 1.0)
    weight = arguments.weight_beside("class_weight", class_weight, logits)
    if tuple(weight.shape) not in ((), (2,)):
        raise ValueError(
            f"class_weight: expected a number or shape (2,), got shape {tuple(weight.shape)}"
        )
    weight = backend_of(weight).namespace.broadcast_to(weight, (2,))
    return weight[0], weight[1]
