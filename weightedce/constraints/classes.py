"""Softmax cross-entropy under a constraint."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, dtypes
from weightedce.call.class_batch import class_batch
from weightedce.call.options import IgnoreIndex, ReductionName, SmoothingWeight
from weightedce.constraints.ascent import options_of_ascent, updated
from weightedce.constraints.decisions import decided_classes
from weightedce.constraints.goal import goal_of
from weightedce.constraints.state import ConstraintState, state_beside
from weightedce.constraints.weights import of_classes
from weightedce.losses import cross_entropy


def constrained_cross_entropy(
    logits: Array,
    targets: Any,
    state: Any = None,
    *,
    recall: Any = None,
    specificity: Any = None,
    precision: Any = None,
    axis: int = -1,
    learning_rate: float = 0.01,
    max_multiplier: float = 1e4,
    training: bool = True,
    across: object = False,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    reduction: ReductionName = "mean",
) -> tuple[Any, ConstraintState]:
    r"""Softmax cross-entropy whose class weights are found, so that classes have a rate asked for.

    Least errors of the other classes, where class k shall have a recall of at least r_k:

    .. math::
        l(z, y) = \frac{\nu_y}{\pi_y} \, \mathrm{CE}(z, y), \quad
        \nu = \mathrm{softmax}(\log \lambda)

    in nats, with shares of the classes π. Of the classes of which nothing is asked all are one side
    together, with log λ = 0 and the sum of their shares. The multipliers learn as in
    `constrained_binary_cross_entropy`; two classes, one of them constrained, are the same as it.

    Parameters
    ----------
    logits : array of float
        As in `cross_entropy`.
    targets : array or list
        As in `cross_entropy`.
    state : ConstraintState, optional
        What the last call returned. Default: the start, zeros. Under ``jax.lax.scan`` begin with
        `ConstraintState.start` of the number of classes.
    recall, specificity, precision : number, list, array or dict
        One of them, at least so much, in [0, 1): (K,), one a class, 0 where nothing is asked;
        ``{class: rate}``; or one number for all classes. The decision is the largest logit. A
        specificity or a precision of a class is that of it against all others: its multiplier makes
        its own weight smaller.
    axis : int
        The class axis of the logits.
    learning_rate, max_multiplier, training, across
        As in `constrained_binary_cross_entropy`.
    sample_weight : number, list or array, optional
        As in `cross_entropy`; decisions count by it too.
    mask, ignore_index, label_smoothing, smoothing_weight
        As in `cross_entropy`; decisions are counted by the unsmoothed targets.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        As in `cross_entropy`.

    Returns
    -------
    loss : array or LossTotal
        What `cross_entropy` returns under these weights.
    state : ConstraintState
        The state for the next call, of shape (K,), in the dtype that it came in, float32 at the
        start.

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`; if not just one rate is given, or one is outside its range; for a
        state of another shape, or in half precision.

    Notes
    -----
    Limits: as in `constrained_binary_cross_entropy`. If all classes are constrained, and not all
    can be met, the multipliers go to their bound together.

    Gradients flow to logits and targets, at constant weights; none to the state, nor through it.

    Differences: torch, Keras and optax have no such loss.

    References
    ----------
    As in `constrained_binary_cross_entropy`; one multiplier a class: Cotter et al. (2019), section
    2.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.5]])
    >>> state = None
    >>> for _ in range(50):
    ...     loss, state = constrained_cross_entropy(logits, [0, 1, 2], state, recall={2: 0.9})
    >>> state.log_multiplier.round(3)  # class 2 is not found
    array([0.   , 0.   , 0.125], dtype=float32)
    """
    z = dtypes.floating("logits", logits)
    shape = backend_of(z).shape(z)
    axis = arguments.axis_of(shape, axis)
    size = arguments.class_count(shape, axis)
    given = options_of_ascent(learning_rate, max_multiplier, z)
    before = state_beside(state, z, size)
    rates = {"recall": recall, "specificity": specificity, "precision": precision}
    goal = goal_of(z, size, before.met.dtype, **rates)
    options: dict[str, Any] = {
        "axis": axis,
        "sample_weight": sample_weight,
        "mask": mask,
        "ignore_index": ignore_index,
        "smoothing_weight": smoothing_weight,
    }
    after = before
    if training:
        batch = class_batch(z, targets, class_weight=None, label_smoothing=0.0, **options)
        after = updated(before, decided_classes(batch), goal, given, across)
    class_weight = backend_of(z).namespace.astype(of_classes(after, goal), z.dtype)
    loss = cross_entropy(
        logits,
        targets,
        class_weight=class_weight,
        label_smoothing=label_smoothing,
        reduction=reduction,
        **options,
    )
    return loss, after
