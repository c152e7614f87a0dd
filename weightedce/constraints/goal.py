"""What is asked for: one rate, at least so much of it, for all labels or for each."""

from typing import Any, NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, options
from weightedce.call.by_class import by_class, in_order


class Goal(NamedTuple):
    """A rate and what it shall be at least."""

    name: str  # recall, specificity or precision
    least: Array  # one number, or one a label; 0: nothing is asked

    @property
    def lifts(self) -> bool:
        """Whether more weight on the positives raises the rate."""
        return self.name == "recall"


def goal_of(logits: Array, size: Any, dtype: Any, **rates: Any) -> Goal:
    """Return the one rate that was given, checked, as a constant beside the logits."""
    given = {name: value for name, value in rates.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            f"{', '.join(rates)}: expected one of them, the rate that shall be at least so much, "
            f"got {', '.join(f'{k}={v!r:.40}' for k, v in given.items()) or 'none'}"
        )
    ((name, value),) = given.items()
    backend = backend_of(logits)
    xp = backend.namespace
    if by_class(value):
        value = in_order(name, value, size, 0.0)
    if isinstance(value, int | float):
        value = options.number(name, value, 0, 1)
    least = arguments.weight_beside(name, value, logits)
    shape = backend.shape(least)
    if len(shape) > (0 if size is None else 1) or (
        shape and arguments.all_known(size, *shape) and shape != (size,)
    ):
        more = " (axis says along which axis the labels lie)" if size is None else ""
        expected = "one number" if size is None else f"one number, or shape ({size},)"
        raise ValueError(f"{name}: expected {expected}{more}, got shape {arguments.shown(shape)}")
    found = None if 0 in shape else backend.extremes(least)
    if found is not None and not found[1] < 1:
        raise ValueError(
            f"{name}: expected rates below 1, which no multiplier can hold, got {found[1]!r:.40}"
        )
    return Goal(name, xp.astype(backend.detach(xp.where(least < 1, least, xp.nan)), dtype))
