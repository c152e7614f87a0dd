"""A batch by blocks of rows, where passes make many arrays, so that these are of a block only."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.operands import Classes
from weightedce.backends.torch.passes.rows import divided

BLOCK = 2**19  # elements: 2 MB an array

Form = Callable[..., Any]


def by_blocks(form: Form, given: Any, *arrays: Any, whole: bool = False) -> list[Any]:
    """Return what ``form`` makes of the arguments of each block, and of arrays cut like these.

    ``whole``: there is one block. Rows of classes that are the first axis are not cut.
    """
    count = given.logits.shape[0] if given.logits.ndim else 1
    size = max(1, BLOCK * count // given.logits.numel())
    if whole or count <= size:
        return [form(given, *arrays)]
    cuts = [slice(i, i + size) for i in range(0, count, size)]
    return [form(_cut(given, count, s), *(_rows(x, count, s) for x in arrays)) for s in cuts]


def gradient_by_blocks(form: Form, given: Any, *arrays: Any, whole: bool) -> Array:
    """Return the gradient that ``form`` makes in float32, in the dtype of the logits."""
    z, layout = given.logits, torch.contiguous_format
    if whole:
        found: Array = form(given, *arrays)
        return found.to(z.dtype, memory_format=layout)
    place = torch.empty_like(z, memory_format=layout)

    def put(part: Any, place: Array, *arrays: Any) -> Array:
        return place.copy_(form(part, *arrays))

    by_blocks(put, given, place, *arrays)
    return place


def gradient_over_classes(
    form: Form, given: Classes, upstream: Array, sums: Array, rows: list[Array]
) -> Array:
    """Return the gradient that ``form`` makes, with the scale of each row or of all.

    By blocks where it has another dtype than it is computed in.
    """
    upstream = upstream.unsqueeze(given.axis) if given.apart else upstream
    scale = divided(upstream, sums, given.divisor)
    whole = given.axis == 0 or given.logits.dtype == torch.float32
    return gradient_by_blocks(form, given, scale, rows, whole=whole)


def _cut(given: Any, count: int, s: slice) -> Any:
    """Return the arguments of some rows."""
    names = ["logits", "targets", "sample_weight", "mask"]
    if given.axis == 0:  # weights by label are weights by row
        names += ["pos_weight", "neg_weight"]
    return given._replace(**{name: _rows(getattr(given, name), count, s) for name in names})


def _rows(x: Any, count: int, s: slice) -> Any:
    """Return some rows of what has rows."""
    if isinstance(x, list):
        return [_rows(y, count, s) for y in x]
    return x[s] if x is not None and x.ndim and x.shape[0] == count else x


def joined(parts: Sequence[Array]) -> Array:
    """Return the rows of all blocks."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def added(parts: Sequence[Array]) -> Array:
    """Return the sum over all blocks."""
    return parts[0] if len(parts) == 1 else torch.stack(list(parts)).sum(0)
