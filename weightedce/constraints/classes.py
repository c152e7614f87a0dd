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
    across: bool | Any = False,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    reduction: ReductionName = "mean",
) -> tuple[Any, ConstraintState]:
    r"""DOC."""
    z = dtypes.floating("logits", logits)
    shape = backend_of(z).shape(z)
    axis = arguments.axis_of(shape, axis)
    size = arguments.class_count(shape, axis)
    given = options_of_ascent(learning_rate, max_multiplier, z)
    before = state_beside(state, z, size)
    rates = {"recall": recall, "specificity": specificity, "precision": precision}
    goal = goal_of(z, size, before.met.dtype, **rates)
    options = {
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
