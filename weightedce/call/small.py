"""A small batch on its way there and back: NumPy's view of the arrays, and a known derivative."""

from functools import cache
from typing import Any, NamedTuple

from weightedce.backends import Array, Backend, host
from weightedce.backends.handed import Seen
from weightedce.call.asked import Call
from weightedce.call.at_once import Found, at_once
from weightedce.call.reductions import LossTotal


def views_of(call: Call, backend: Backend) -> Seen | None:
    """Return a small batch as NumPy sees it, or None."""
    if call.form is None and not backend.values_by_numpy:
        return None
    return backend.views(call.logits, call.targets, call.options, call.also)


def reduced_at_once(call: Call, backend: Backend, seen: Seen) -> Any | None:
    """Return what is asked for by way of NumPy, or None where that has to be left to others."""
    found = None if call.form is None else _found(call, backend, seen)
    if found is None:
        return None
    reduced, slope = found
    if slope is None:
        return made_of_host(reduced, call, backend)
    # the large ones are kept by autograd alone, which lets them go
    known = Known(call.without_rows(), backend)
    if type(reduced) is not LossTotal:
        return backend.with_slope(reduced, slope, known, seen.held)
    loss, *others = reduced
    loss = backend.with_slope(loss, slope, known, seen.held)
    return LossTotal(loss, *(backend.of_host(x, call.logits) for x in others))


def on_host(call: Call, backend: Backend, seen: Seen) -> bool:
    """Tell whether a batch that is not as most are is NumPy's all the same: nothing more is wanted.

    The formula holds what came, so that may be no array of the library.
    """
    held = zip(call.also, seen.also, strict=True)
    return backend.values_by_numpy and not seen.wanted and all(mine is its for mine, its in held)


def made_of_host(reduced: Any, call: Call, backend: Backend) -> Any:
    """Return what NumPy made as arrays of the library."""
    if type(reduced) is LossTotal:
        return LossTotal(*(backend.of_host(x, call.logits) for x in reduced))
    return backend.of_host(reduced, call.logits)


def _found(call: Call, backend: Backend, seen: Seen) -> Found | None:
    """Return what a small batch gives."""
    passes = backend.passes(seen.logits.size) or _by_numpy()
    return at_once(call.form, seen, call.reduction, passes)


@cache
def _by_numpy() -> Any:
    """Return NumPy's passes."""
    return host().passes(0)


class Known(NamedTuple):
    """How to come to a derivative once more: see `handed.Known`."""

    call: Call
    backend: Backend

    def again(self, logits: Array, targets: Array) -> Array | None:
        """Return the derivative."""
        call = self.call._replace(logits=logits, targets=targets)
        seen = views_of(call, self.backend)
        found = None if seen is None else _found(call, self.backend, seen._replace(wanted=True))
        return None if found is None else found[1]

    def natural(self, logits: Array, targets: Array) -> Any:
        """Return the loss, composed for autodiff."""
        reduced = self.call._replace(targets=targets).whole(logits)
        return reduced.loss if isinstance(reduced, LossTotal) else reduced
