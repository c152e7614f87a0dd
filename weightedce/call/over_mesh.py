"""A call whose logits say themselves that their classes, and perhaps their rows, are on a mesh."""

from math import nan
from typing import Any

from weightedce.backends import Backend
from weightedce.backends.handed import Layout
from weightedce.call.asked import Call
from weightedce.call.over_shards import over_shards
from weightedce.call.reductions import LossTotal

BY_ROW = ("sample_weight", "mask")


def over_mesh(call: Call, backend: Backend, layout: Layout) -> Any:
    """Return what is asked for, of the rows and the classes on all devices."""
    targets, options = call.targets, dict(call.options)
    if layout.rows and isinstance(options["class_weight"], str):
        raise ValueError(
            "class_weight: expected numbers, since no device sees all rows of the batch, got "
            "'batch'"
        )
    of_logits = len(targets.shape) == len(call.logits.shape)
    for name in BY_ROW:
        options[name] = layout.part(name, options[name], False)
    weight = layout.part("class_weight", options["class_weight"], None)
    mine = call._replace(
        logits=layout.own(call.logits),
        targets=layout.part("targets", targets, of_logits),
        options=options | {"class_weight": weight},
    )
    if call.reduction.apart:
        return layout.joined(over_shards(mine, backend, layout.devices, "none"), True)
    total = _total(mine, backend, layout)
    found = call.reduction.finish(total)
    if isinstance(found, LossTotal):
        return LossTotal(*(layout.joined(x, False) for x in found))
    return layout.joined(found, False)


def _total(call: Call, backend: Backend, layout: Layout) -> LossTotal:
    """Return the sums over all rows; where an error is in mine, others do not wait for me."""
    xp = backend.namespace
    try:
        total = over_shards(call, backend, layout.devices, "total")
    except (TypeError, ValueError):
        z = call.logits
        layout.added(xp.asarray([nan, nan, nan], dtype=z.dtype, device=backend.device(z)))
        raise
    sums = layout.added(xp.stack(list(total)))
    return LossTotal(*(sums[i] for i in range(3)))
