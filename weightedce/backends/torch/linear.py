"""PyTorch: a loss of logits that are a matrix product, by blocks of rows.

Three matrix products in all, as without blocks: the logits of a block, and from the derivative to
them, which takes their place, its share of the gradients. bfloat16 that is multiplied as it is has
logits and sums of float32, and the derivative a place of its own, to be multiplied with.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.checkpoint import checkpoint

from weightedce.backends.handed import Array, Head
from weightedce.backends.torch import linear_labels
from weightedce.backends.torch.blocks import Gradients, Sums, remembered
from weightedce.backends.torch.devices import free_memory
from weightedce.backends.torch.linear_kernels import by_kernels, has_kernels, losses_by_kernels
from weightedce.backends.torch.linear_products import logits_of, put_product, unmixed, wide
from weightedce.backends.torch.modes import transformed
from weightedce.backends.torch.shards import GRADIENT, group_of, over

ELEMENTS = 2**25  # logits in a block: with 3 * 2**22, all took 1.25 times as long
CACHED = 2**20  # logits: the passes over 4 MB stay in the cache
LINEAR = 3  # hidden, weight and bias come first, then what belongs to rows
FINER = 20  # autograd holds some 40 arrays of the size of a block; ours holds one
SHARE = 4  # of the free memory of a device, one part may be a block


def linear_elements(hidden: Array, features: int, classes: int) -> int:
    """Return how many logits are a block.

    On an accelerator as many as there are weights, so that these do not go through its memory more
    often than logits do, as far as there is room.
    """
    if hidden.is_cpu:
        return ELEMENTS
    free = None if transformed((hidden,)) else free_memory(hidden.device)
    most = max(ELEMENTS, features * classes)
    # logits of float32, and perhaps the derivative to them in half as many bytes
    return most if free is None else max(classes, min(most, free // SHARE // 6))


def linear_sums(
    head: Head, linear: Sequence[Any], rows: Sequence[Any], shared: Sequence[Any], size: int
) -> Sums:
    """Return the sums of ``head`` over logits that ``linear`` (hidden, weight, bias) make."""
    formed = partial(_formed, head, len(rows), size)
    natural = partial(_natural, head, len(rows), size)
    with unmixed(linear[0]):
        return remembered(formed, natural, (*linear, *rows, *shared))


def blocks_of(rows: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Yield the rows of each block; one block of none if there are none.

    A number that a tracer keeps as a symbol makes one block.
    """
    count = rows[0].shape[0]
    if not isinstance(count, int) or torch.compiler.is_exporting():  # where it looks like a number
        yield list(rows)
        return
    for start in range(0, max(count, 1), size):
        yield [x if x is None else x[start : start + size] for x in rows]


def losses_of(
    head: Head, linear: Sequence[Any], rows: Sequence[Any], shared: Sequence[Any], size: int
) -> Array:
    """Return the loss of each row as a constant."""
    with torch.no_grad():
        place = _place(linear, size)
        found = []
        for hidden, *part in blocks_of((linear[0], *rows), size):
            z = logits_of(hidden, linear[1], linear[2], place[: len(hidden)])
            if has_kernels(z) and head.devices is None:
                found.append(losses_by_kernels(head, z, part, shared))
            else:
                found.append(_in_cache(head, z, part, shared)[0])
        return torch.cat(found)


def _formed(
    head: Head, count: int, size: int, arrays: Sequence[Any], wanted: Sequence[int]
) -> tuple[Sums, Gradients] | None:
    """Return the sums and the gradients to hidden, weight and bias, where no other is wanted."""
    if any(i >= LINEAR for i in wanted):
        return None
    with torch.no_grad():
        linear, shared = arrays[:LINEAR], arrays[LINEAR + count :]
        kinds = (linear[0].dtype, wide(linear[0]), wide(linear[0]))  # of which the last are sums
        gradients = {i: torch.empty_like(arrays[i], dtype=kinds[i]) for i in wanted}
        logits, slopes = _place(linear, size), _place_of_slopes(linear, size, wanted)
        sums: list[Sums] = []
        # an entry beside each row for its gradient, which is a view to write to
        rows = (linear[0], gradients.get(0), *arrays[LINEAR : LINEAR + count])
        for hidden, to_hidden, *part in blocks_of(rows, size):
            z = logits_of(hidden, linear[1], linear[2], logits[: len(hidden)])
            slope = z if slopes is None else slopes[: len(hidden)]
            if has_kernels(z) and head.devices is None:
                found = by_kernels(head, z, part, shared, slope if wanted else None)
            else:
                found = _in_cache(head, z, part, shared)[1]
            sums.append(found)
            if to_hidden is not None:
                torch.mm(slope, linear[1], out=to_hidden)
            started = len(sums) > 1
            if 1 in gradients:
                put_product(gradients[1], slope.T, hidden, added=started)
            if 2 in gradients:
                of_bias = slope.sum(dim=0, dtype=gradients[2].dtype)
                gradients[2] = gradients[2].add_(of_bias) if started else of_bias
        if head.devices is not None and 0 in gradients:  # each process has the part of its classes
            gradients[0] = over(dist.ReduceOp.SUM, group_of(head.devices), gradients[0])
        loss, weight, counted = (torch.stack(column).sum() for column in zip(*sums, strict=True))
    return (loss, weight, counted), gradients


def _place(linear: Sequence[Any], size: int) -> Array:
    """Return the place for the logits of a block."""
    hidden, weight, _ = linear
    return hidden.new_empty(min(size, len(hidden)), len(weight), dtype=wide(hidden))


def _place_of_slopes(linear: Sequence[Any], size: int, wanted: Sequence[int]) -> Array | None:
    """Return the place for the derivative to them; None: it is that of the logits."""
    hidden, weight, _ = linear
    if not wanted or hidden.dtype == wide(hidden):
        return None
    return hidden.new_empty(min(size, len(hidden)), len(weight))


def _in_cache(
    head: Head, logits: Array, rows: Sequence[Any], shared: Sequence[Any]
) -> tuple[Array, Any]:
    """Return losses and sums, and put the derivative into the place of the logits."""
    fast = head.labels_alone(logits, rows[0])
    losses: list[Array] = []
    sums: Any = 0
    # on an accelerator a few large passes; over devices each block has a collective
    most = CACHED if logits.is_cpu and head.devices is None else logits.numel()
    for z, *part in blocks_of((logits, *rows), max(1, most // logits.shape[1])):
        if fast:
            loss, total = linear_labels.slope_in_place(head, z, part, shared)
        else:
            loss, total, slope = head.slope(z, part, shared)
            z.copy_(slope)
        losses.append(loss)
        sums = sums + total
    return torch.cat(losses), sums


def _natural(head: Head, count: int, size: int, arrays: Sequence[Any], *, again: bool) -> Sums:
    """Return the sums as torch's own composition of the blocks."""
    if head.devices is not None:
        raise NotImplementedError(
            f"shards: expected first derivatives in eager code (no create_graph, no torch.func). "
            f"And {GRADIENT}"
        )
    rows, shared = arrays[LINEAR : LINEAR + count], arrays[LINEAR + count :]
    sums: Any = 0
    for hidden, *part in blocks_of((arrays[0], *rows), max(1, size // FINER) if again else size):
        given = (head, hidden, *arrays[1:LINEAR], part, shared)
        if again:
            found = checkpoint(_total, *given, use_reentrant=False, preserve_rng_state=False)
        else:
            found = _total(*given)
        sums = sums + found
    result: Sums = sums
    return result


def _total(
    head: Head, hidden: Array, weight: Array, bias: Any, rows: Sequence[Any], shared: Sequence[Any]
) -> Any:
    return head.total(logits_of(hidden, weight, bias), rows, shared)
