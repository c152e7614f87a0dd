"""The weights that multipliers stand for: each side of a constraint as a mean of its own."""

from weightedce.backends import Array, backend_of
from weightedce.call.reductions import ratio
from weightedce.constraints.goal import Goal
from weightedce.constraints.state import ConstraintState


def of_labels(state: ConstraintState, goal: Goal) -> tuple[Array, Array]:
    """Return the weights of positives and of negatives; 1 where nothing is asked or was seen.

    Positives as a whole have the part sigmoid(log multiplier) of the loss, negatives the rest.
    """
    xp = backend_of(goal.least).namespace
    up = state.log_multiplier if goal.lifts else -state.log_multiplier
    negatives = state.examples - state.positives
    part, rest = 1.0 / (1.0 + xp.exp(-up)), 1.0 / (1.0 + xp.exp(up))
    asked = goal.least != 0.0
    pos = xp.where(asked & (state.positives > 0.0), _over(part, state.positives, state), 1.0)
    neg = xp.where(asked & (negatives > 0.0), _over(rest, negatives, state), 1.0)
    return pos, neg


def of_classes(state: ConstraintState, goal: Goal) -> Array:
    """Return one weight a class: all classes of which nothing is asked are one side together.

    The parts of the loss are a softmax of the log multipliers, with 0 for that side.
    """
    backend = backend_of(goal.least)
    xp = backend.namespace
    up = state.log_multiplier if goal.lifts else -state.log_multiplier
    asked = xp.broadcast_to(goal.least != 0.0, backend.shape(up))
    highest = xp.max(up, axis=0, keepdims=True)
    parts = xp.where(asked, xp.exp(up - highest), 0.0)
    others = xp.where(asked, 0.0, state.positives)
    together = backend.sum(others)
    side = xp.where(together > 0.0, xp.exp(-highest), 0.0)
    part = xp.where(asked, parts, side) / (backend.sum(parts) + side)
    seen = xp.where(asked, state.positives, together)
    return xp.where(seen > 0.0, _over(part, seen, state), 1.0)


def _over(part: Array, seen: Array, state: ConstraintState) -> Array:
    """Return a part of the loss as a weight of each of the examples that share it."""
    return ratio(part * state.examples, seen)
