"""A small batch on its way there and back: NumPy's view of the arrays, and a known derivative."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from weightedce.backends import Array, Backend, host
from weightedce.call.asked import Call
from weightedce.call.at_once import Found, How, at_once
from weightedce.call.reductions import LossTotal


def views_of(call: Call, backend: Backend) -> Any:
    """Return the arrays of a small batch as NumPy's, and whether a slope is wanted, or None."""
    if not call.has_form:
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
    # the large ones are kept by autograd alone, which lets them go
    known = Known(call._replace(logits=None, targets=None), backend)
    held = (call.logits, call.targets, *call.options.values(), *call.also)
    if type(reduced) is not LossTotal:
        return backend.with_slope(reduced, slope, known, held)
    loss, *others = reduced
    loss = backend.with_slope(loss, slope, known, held)
    return LossTotal(loss, *map(backend.of_host, others))


def _found(call: Call, backend: Backend, views: Sequence[Any], wanted: bool) -> Found | None:
    """Return what a small batch gives."""
    size = views[0].size
    passes: Any = backend.passes(size) or host().passes(size)
    how = How(wanted, passes)
    return at_once(call.form, call.batch_of, views, call.options, call.reduction, how)


class Known(NamedTuple):
    """How to come to a derivative once more: see `handed.Known`."""

    call: Call
    backend: Backend

    def again(self, logits: Array, targets: Array) -> Array | None:
        """Return the derivative."""
        call = self.call._replace(logits=logits, targets=targets)
        seen = views_of(call, self.backend)
        found = None if seen is None else _found(call, self.backend, seen[0], True)
        return None if found is None else found.slope

    def natural(self, logits: Array, targets: Array) -> Any:
        """Return the loss, composed for autodiff."""
        reduced = self.call._replace(targets=targets).whole(logits)
        return reduced.loss if isinstance(reduced, LossTotal) else reduced
