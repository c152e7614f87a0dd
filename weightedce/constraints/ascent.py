"""One step of the multipliers: sums of decisions, a violation, an ascent."""

from math import log
from typing import Any, NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, options
from weightedce.call.across import across as sum_across
from weightedce.constraints.decisions import Decided
from weightedce.constraints.goal import Goal
from weightedce.constraints.state import ConstraintState

# A rate is measured on so many cases that this many are not as the constraint wants them: then it
# is known to a third of r (1 - r), whatever r is.
EXCEPTIONS = 10.0
MEMORY = 1e5  # examples in which positives are counted
ENOUGH = 4.0  # positives in a batch for a whole step: fewer tell less
STEEPEST = 1.0  # a violation counts no more, in log-odds: a model takes time to follow
HIGHEST = 1e30  # its exponential and its inverse are in range


class Ascent(NamedTuple):
    """How the multipliers are learned."""

    learning_rate: float | Array
    top: float  # the largest log multiplier, and minus the least


def options_of_ascent(learning_rate: Any, max_multiplier: Any, logits: Array) -> Ascent:
    """Return checked options."""
    return Ascent(
        arguments.number("learning_rate", learning_rate, logits, 0, 1),
        log(options.number("max_multiplier", max_multiplier, 1, HIGHEST)),
    )


def updated(
    state: ConstraintState, decided: Decided, goal: Goal, given: Ascent, across: Any
) -> ConstraintState:
    """Return the state after a batch, of which each device may have a part."""
    if across is not False:
        decided = Decided(*sum_across(decided, None if across is True else across, None))
    return ascended(state, decided, goal, given)


def violation(state: ConstraintState, goal: Goal) -> Array:
    """Return what is lacking of the rate, about in log-odds: (r - R) / (r (1 - r)).

    Its sign is that of r - R and it is 0 where that is; so near r, where a fixed number of wrong
    decisions is a larger share of those that are allowed, it is steeper. One case more is
    counted, which is as r wants it, so that nothing seen says nothing; for precision one that is
    right, so that who predicts no positive for fear of a false one comes back.
    """
    xp, r = backend_of(goal.least).namespace, goal.least
    one = 1.0 if goal.name == "precision" else r
    lacking = r - (state.met + one) / (state.cases + 1.0)
    asked = r != 0.0  # NaN is a bad rate, which a compiled step may meet
    found = xp.where(asked, lacking, 0.0) / xp.where(asked, r * (1.0 - r), 1.0)
    return xp.where(found > STEEPEST, STEEPEST, xp.where(found < -STEEPEST, -STEEPEST, found))


def ascended(
    state: ConstraintState, decided: Decided, goal: Goal, given: Ascent
) -> ConstraintState:
    """Return the state after a batch: sums first, then a step of the multipliers."""
    xp, kind = backend_of(goal.least).namespace, state.met.dtype
    found, predicted, positives, examples = (xp.astype(x, kind) for x in decided)
    telling = positives
    met, cases = found, predicted if goal.name == "precision" else positives
    if goal.name == "specificity":
        telling = cases = examples - positives
        met = cases - (predicted - found)
    r = xp.where(goal.least != 0.0, goal.least, 0.5)
    window = EXCEPTIONS / (r * (1.0 - r))
    kept, still = window / (window + telling), MEMORY / (MEMORY + examples)
    state = ConstraintState(
        state.log_multiplier,
        state.met * kept + met,
        state.cases * kept + cases,
        state.positives * still + positives,
        state.examples * still + examples,
    )
    share = telling / ENOUGH
    step = given.learning_rate * xp.where(share < 1.0, share, 1.0) * violation(state, goal)
    return state._replace(log_multiplier=_held(state.log_multiplier + step, given))


def _held(log_multiplier: Array, given: Ascent) -> Array:
    """Return the logarithm of a multiplier between 1 / max_multiplier and it."""
    xp = backend_of(log_multiplier).namespace
    low = xp.where(log_multiplier < -given.top, -given.top, log_multiplier)
    return xp.where(low > given.top, given.top, low)
