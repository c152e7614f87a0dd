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
    across: bool | Any = False,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int | None = None,
    reduction: ReductionName = "mean",
) -> tuple[Any, ConstraintState]:
    r"""DOC."""
    z = dtypes.floating("logits", logits)
    shape = backend_of(z).shape(z)
    labels = None if axis is None else arguments.axis_of(shape, axis)
    size = None if labels is None else shape[labels]
    given = options_of_ascent(learning_rate, max_multiplier, z)
    threshold = arguments.number("threshold", threshold, z)
    before = state_beside(state, z, size)
    rates = {"recall": recall, "specificity": specificity, "precision": precision}
    goal = goal_of(z, size, before.met.dtype, **rates)
    options = {
        "sample_weight": sample_weight,
        "mask": mask,
        "ignore_index": ignore_index,
        "smoothing_weight": smoothing_weight,
        "axis": -1 if labels is None else labels,
    }
    after = before
    if training:
        plain = {"pos_weight": None, "neg_weight": None, "label_smoothing": 0.0}
        batch = binary_batch(z, targets, **options, **plain)
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
