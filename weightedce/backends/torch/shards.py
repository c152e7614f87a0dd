"""PyTorch: the processes that the classes lie on, and what goes from one to the others."""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist

from weightedce.backends.handed import Array, Shards
from weightedce.backends.torch.modes import transformed

GRADIENT = (
    "expected no gradient but to the logits where more than the label's class has a part in the "
    "loss, since it would be that of the classes on this device alone: detach the other arguments"
)


def shards(devices: Any, logits: Array, axis: int, note: int) -> Shards | None:
    """Return how the classes lie over a group of processes; None if these disagree.

    One collective finds the maximum of each row, the number of classes that each process has, and
    the greatest and the least of the notes.
    """
    group = group_of(devices)
    if torch.compiler.is_compiling() or transformed((logits,)):
        raise NotImplementedError(
            "shards: expected eager code: torch.compile, torch.func and tracers do not see that "
            "processes have to wait for each other"
        )
    ranks, rank, classes = dist.get_world_size(group), dist.get_rank(group), logits.shape[axis]
    z = logits.detach()
    shape = (*z.shape[:axis], *z.shape[axis + 1 :])
    top = torch.amax(z, axis) if classes else z.new_full(shape, -torch.inf)
    said = z.new_full((ranks + 2,), 0.0)
    said[rank] = classes
    said[ranks], said[ranks + 1] = note, -note
    # of NaN no maximum is the same everywhere: it comes with the sums
    sent = torch.cat([torch.where(top == top, top, -torch.inf).reshape(-1), said])
    found = over(dist.ReduceOp.MAX, group, sent)
    *sizes, most, least = map(int, found[-ranks - 2 :].tolist())
    if most != -least or not all(sizes):
        return None
    highest, start = found[: -ranks - 2].reshape(shape), sum(sizes[:rank])
    upper, add = (partial(over, op, group) for op in (dist.ReduceOp.MAX, dist.ReduceOp.SUM))
    here = partial(_here, start, classes)
    return Shards(group, start, sum(sizes), max(sizes), highest, upper, add, here)


def _here(start: int, classes: int, per_class: Array, axis: int) -> Array:
    """Return what lies along an axis for the classes that are here."""
    if torch.is_grad_enabled() and per_class.requires_grad:
        raise NotImplementedError(f"shards: {GRADIENT}")
    return per_class.narrow(axis, start, classes)


def over(operation: Any, group: Any, array: Array) -> Array:
    """Return the maximum or the sum over a group, as a constant."""
    found = array.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(found, op=operation, group=group)
    return found


def group_of(devices: Any) -> Any:
    """Return the group of processes."""
    if not (dist.is_available() and dist.is_initialized()):
        raise ValueError("shards: expected None before torch.distributed is initialized")
    if isinstance(devices, dist.DeviceMesh):
        if devices.ndim != 1:
            raise ValueError(
                f"shards: expected a mesh of one axis, such as mesh['tp'], got one of "
                f"{devices.ndim}"
            )
        devices = devices.get_group()
    if devices is dist.GroupMember.NON_GROUP_MEMBER:
        raise ValueError("shards: expected a group that this process is in, got one of others")
    if not isinstance(devices, dist.ProcessGroup):
        raise TypeError(
            f"shards: expected a ProcessGroup or a DeviceMesh of one axis of torch.distributed, "
            f"got {type(devices).__qualname__}: {devices!r:.80}"
        )
    return devices


def refuse_second(upstream: Array) -> None:
    """Refuse what a backward pass without collectives cannot give."""
    if torch.is_grad_enabled():
        raise NotImplementedError(
            "shards: expected first derivatives (no create_graph), since second ones are made of "
            "the gradients of all devices"
        )
    del upstream
