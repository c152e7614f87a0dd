"""A small batch on its way there and back: NumPy's view of the arrays, and a known derivative."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from weightedce.backends import Array, Backend, host
from weightedce.call.asked import Call
from weightedce.call.at_once import Found, How, at_once
from weightedce.call.reductions import LossTotal


def views_of(call: Call, backend: Backend) -> Any:
    """Return the arrays of a small batch as NumPy's, and whether a slope is wanted, or None."""
    if call.form is None:
        return None
    return backend.views(call.logits, (call.targets, *call.options.values(), *call.also))


def reduced_at_once(call: Call, backend: Backend, views: Sequence[Any], wanted: bool) -> Any | None:
    """Return what is asked for by way of NumPy, or None where that has to be left to others."""
    found = _found(call, backend, views, wanted)
    if found is None:
        return None
    reduced, slope = found
    if slope is None:
        made = backend.of_host
        return LossTotal(*map(made, reduced)) if type(reduced) is LossTotal else made(reduced)
    kind = type(call.logits)
    arrays = [x for x in (call.targets, *call.options.values()) if type(x) is kind]
    known = Known(call, backend, slope)
    if type(reduced) is not LossTotal:
        return backend.with_slope(reduced, known, call.logits, arrays)
    loss, *others = reduced
    loss = backend.with_slope(loss, known, call.logits, arrays)
    return LossTotal(loss, *map(backend.of_host, others))


def _found(call: Call, backend: Backend, views: Sequence[Any], wanted: bool) -> Found | None:
    """Return what a small batch gives."""
    size = views[0].size
    passes: Any = backend.passes(size) or host().passes(size)
    how = How(wanted, passes)
    return at_once(call.form, call.batch_of, views, call.options, call.reduction, how)


class Known(NamedTuple):
    """The derivative of a small batch, and how else to come to it: see `handed.Known`."""

    call: Call
    backend: Backend
    slope: Array

    def again(self) -> Array:
        """Return the derivative once more."""
        views = views_of(self.call, self.backend)[0]
        found: Any = _found(self.call, self.backend, views, True)
        return found.slope

    def natural(self, logits: Array) -> Any:
        """Return the loss, composed for autodiff."""
        reduced = self.call.whole(logits)
        return reduced.loss if isinstance(reduced, LossTotal) else reduced
