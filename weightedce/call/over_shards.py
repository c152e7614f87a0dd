"""A call whose classes lie on several devices: all of them have to come with the same arguments.

A device that raised before a collective would let the others wait for it. So what all have alike
is compared first, by a number that travels with the first collective: where it differs all raise.
What is left is the same everywhere, and raises on all devices or on none. Targets, and what each
device has for itself, are not looked at: a bad one becomes NaN, which travels with the sums.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any
from zlib import crc32

from weightedce.backends import Array, Backend, backend_of
from weightedce.backends.handed import Shards
from weightedce.call import arguments, dtypes
from weightedce.call.asked import Call
from weightedce.call.collated import targets_beside
from weightedce.call.reductions import reduction_of

BITS = 24  # of a number that float32 holds
NONE = -1  # which is no fingerprint


def over_shards(call: Call, backend: Backend, devices: Any, reduction: str) -> Any:
    """Return what is asked for, by a reduction of that name, of the classes on all devices."""
    z = dtypes.floating("logits", call.logits)
    axis = arguments.axis_of(backend.shape(z), call.options["axis"])
    alike = (reduction, *call.options.items(), *call.also)
    targets = _laid(call.targets, z)
    shards = agreed(backend, devices, z, axis, fingerprint(targets, tuple(z.shape), axis, alike))
    _of_all_examples(call.options)
    options = call.options | {"shards": shards}
    asked = call._replace(targets=targets, options=options, reduction=reduction_of(reduction))
    return asked.whole(z)


def number(
    name: str,
    value: Any,
    logits: Array,
    low: float,
    high: float = inf,
    *,
    axis: int,
    shards: Any,
) -> float | Array:
    """Return `arguments.number`; other devices, which wait in `agreed`, hear of an error."""
    try:
        return arguments.number(name, value, logits, low, high)
    except (TypeError, ValueError):
        if shards is not None:
            z = dtypes.floating("logits", logits)
            backend_of(z).shards(shards, z, arguments.axis_of(z.shape, axis), NONE)
        raise


def _laid(targets: Any, logits: Array) -> Any:
    """Return targets as an array; what is none as it is, for the batch to refuse on all devices."""
    try:
        return targets_beside(targets, logits)
    except (TypeError, ValueError):
        return targets


def _of_all_examples(options: Mapping[str, Any]) -> None:
    """Refuse what one device alone has: the smoothing of a label, weights of an example."""
    if arguments.is_vector(options["label_smoothing"]):
        got = f"{options['label_smoothing']!r:.80}"
        raise TypeError(f"label_smoothing: expected one number beside shards, got {got}")
    weight = options["class_weight"]
    if len(getattr(weight, "shape", ())) > 1:
        shape = arguments.shown(weight.shape)
        raise TypeError(f"class_weight: expected one a class beside shards, got shape {shape}")


def agreed(backend: Backend, devices: Any, logits: Array, axis: int, note: int) -> Shards:
    """Return how the classes lie, if all devices come with one note; else raise on all."""
    shards = backend.shards(devices, logits, axis, note)
    if shards is None:
        raise ValueError(
            "shards: expected at least one class on each device, and on all of them the same "
            "options, weights and shapes of targets"
        )
    return shards


def fingerprint(targets: Any, shape: Sequence[int], axis: int, alike: Sequence[Any]) -> int:
    """Return a number of what all devices have alike; targets by their shape and dtype alone.

    The classes are left out of shapes, that of the logits and of a distribution, since each device
    has its own.
    """
    rows = [x for i, x in enumerate(shape) if i != axis]
    own = tuple(getattr(targets, "shape", ()))
    of_logits = own == shape
    kind = str(getattr(targets, "dtype", type(targets)))
    learned = _learned(targets)
    said = repr((rows, of_logits or own, kind, learned, [_print(value) for value in alike]))
    return int(crc32(said.encode()) % 2**BITS)


def _learned(targets: Any) -> bool:
    """Tell whether a gradient to them is wanted, which is refused, or asks for a collective."""
    return hasattr(targets, "dtype") and backend_of(targets).learns(targets)


def _print(value: Any) -> Any:
    """Return what tells a value from others: of arrays that can be read all their numbers."""
    if isinstance(value, tuple):
        return [_print(x) for x in value]
    if isinstance(value, list | Mapping) or not hasattr(value, "shape"):
        return repr(value)
    try:
        array, theirs = arguments.array_of("", value)
        found = theirs.to_host(theirs.detach(array))
    except (TypeError, ValueError):  # which the batch refuses, on all devices
        return repr(type(value))
    kind = tuple(array.shape), str(array.dtype), theirs.learns(array)
    if found is None or not found.size:
        return kind
    return *kind, crc32(found.tobytes())
