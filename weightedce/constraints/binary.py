"""Binary cross-entropy under a constraint."""

from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, dtypes
from weightedce.call.binary_batch import binary_batch
from weightedce.call.options import IgnoreIndex, ReductionName, SmoothingWeight
from weightedce.constraints.ascent import options_of_ascent, updated
from weightedce.constraints.decisions import decided_labels
from weightedce.constraints.goal import goal_of
from weightedce.constraints.state import ConstraintState, state_beside
from weightedce.constraints.weights import of_labels
from weightedce.losses import binary_cross_entropy


def constrained_binary_cross_entropy(
    logits: Array,
    targets: Any,
    state: Any = None,
    *,
    recall: Any = None,
    specificity: Any = None,
    precision: Any = None,
    threshold: float = 0.0,
    learning_rate: float = 0.01,
    max_multiplier: float = 1e4,
    training: bool = True,
    across: object = False,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int | None = None,
    reduction: ReductionName = "mean",
) -> tuple[Any, ConstraintState]:
    r"""Binary cross-entropy whose weights are found: least errors of one kind under a limit.

    For a recall R that shall be at least r, the fewest false alarms; with multiplier λ, share of
    positives π and the weights held constant,

    .. math::
        l(z, y) = y \, \frac{\nu}{\pi} \, \mathrm{BCE}(z, 1)
                  + (1 - y) \, \frac{1 - \nu}{1 - \pi} \, \mathrm{BCE}(z, 0), \quad
        \nu = \frac{\lambda}{1 + \lambda}

    .. math::
        \log \lambda \leftarrow \log \lambda
            + \eta \, \min(1, n/4) \, \frac{r - R}{r (1 - r)}

    a step for each batch of n positives, before its loss; in nats. For a specificity or a precision
    that shall be at least so much, the fewest missed: λ weighs the negatives, 1 - ν and ν change
    places.

    Parameters
    ----------
    logits : array of float
        As in `binary_cross_entropy`.
    targets : array or list
        As in `binary_cross_entropy`.
    state : ConstraintState, optional
        What the last call returned. Default: the start, zeros. Under ``jax.lax.scan`` begin with
        `ConstraintState.start`.
    recall, specificity, precision : number, list or array
        One of them: the rate that shall be at least so much, in (0, 1). With ``axis`` also (L,),
        one a label, in [0, 1): of a label with 0 nothing is asked, its weights are 1.
    threshold : float
        The logit above which a decision is positive: 0 for p = 1/2.
    learning_rate : float
        η in [0, 1]. A violation counts at most 1, so a step of log λ is at most η.
    max_multiplier : float
        λ stays between its inverse and it. Where the constraint cannot be met, λ ends there:
        that is how it says so.
    training : bool
        False: the state stays as it is, and its weights are used.
    across : bool, or devices
        True, or ``devices`` of `LossTotal.across`: the decisions of all devices are counted, and
        every one must call it. The loss is that of the part that is here.
    sample_weight : number, list or array, optional
        As in `binary_cross_entropy`; decisions count by it too.
    mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`; decisions are counted by the unsmoothed targets.
    axis : int, optional
        The label axis: one constraint for each label along it. Default: all elements are one
        problem.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        As in `binary_cross_entropy`.

    Returns
    -------
    loss : array or LossTotal
        What `binary_cross_entropy` returns under these weights.
    state : ConstraintState
        The state for the next call: 0-d arrays, or of shape (L,), in the dtype that they came in,
        float32 at the start.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`; if not just one rate is given, or one is outside its range;
        for a state of another shape, or in half precision.

    Notes
    -----
    R is measured on what came last, in decayed sums over 10 / (r (1 - r)) positives (negatives for
    a specificity): so many that ten are not as they should be. One case more counts that is as
    asked; for precision, one that is right, so that who predicts no positive is drawn back. π is
    counted over the last 100,000 examples.

    Limits: λ = 1, where it starts, weighs positives as a whole like negatives as a whole. On
    average over the data a weight is 1, whatever λ, so a constraint that cannot be met makes no
    gradient large.

    Gradients flow to logits and targets, at constant weights; none to the state, nor through it.

    Differences: torch, Keras and optax have no such loss. The libraries of constrained optimization
    (TensorFlow Constrained Optimization, Cooper) wrap the optimizer; here the optimizer stays.

    References
    ----------
    The objectives, and P@R and R@P as sums of weighted losses with multipliers: Eban, Schain,
    Mackey, Gordon, Saurous, Elidan (2017), "Scalable Learning of Non-Decomposable Objectives",
    AISTATS, section 3. Their multiplier is bound to the surrogate; that it learns of the true rate
    while the model learns of a surrogate: Cotter, Jiang, Gupta, Wang, Narayan, You, Sridharan
    (2019), "Optimization with Non-Differentiable Constraints", JMLR 20, section 4. Steps of log λ,
    in units of r (1 - r): this library.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 0])
    >>> state = None
    >>> for _ in range(100):
    ...     loss, state = constrained_binary_cross_entropy(logits, targets, state, recall=0.9)
    >>> loss.round(4)  # one of two positives is found, so positives weigh more and more
    np.float64(0.7201)
    >>> bool(state.log_multiplier > 0.4)
    True
    """
    z = dtypes.floating("logits", logits)
    shape = backend_of(z).shape(z)
    labels = None if axis is None else arguments.axis_of(shape, axis)
    size = None if labels is None else shape[labels]
    given = options_of_ascent(learning_rate, max_multiplier, z)
    threshold = arguments.number("threshold", threshold, z)
    before = state_beside(state, z, size)
    rates = {"recall": recall, "specificity": specificity, "precision": precision}
    goal = goal_of(z, size, before.met.dtype, **rates)
    options: dict[str, Any] = {
        "sample_weight": sample_weight,
        "mask": mask,
        "ignore_index": ignore_index,
        "smoothing_weight": smoothing_weight,
        "axis": -1 if labels is None else labels,
    }
    after = before
    if training:
        batch = binary_batch(
            z, targets, pos_weight=None, neg_weight=None, label_smoothing=0.0, **options
        )
        after = updated(before, decided_labels(batch, threshold, labels), goal, given, across)
    xp = backend_of(z).namespace
    pos_weight, neg_weight = (xp.astype(x, z.dtype) for x in of_labels(after, goal))
    loss = binary_cross_entropy(
        logits,
        targets,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        label_smoothing=label_smoothing,
        reduction=reduction,
        **options,
    )
    return loss, after
