"""PyTorch: sums over the processes of torch.distributed."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import torch
import torch.distributed as dist

from weightedce.backends.handed import Array

WIDE = ("cpu", "cuda")  # devices that have float64, in which counts of float32 do not stand still


def across(sums: Array, devices: Any, gradients: str | None) -> Array:
    """Return the sums over a group of processes or a mesh, by default all there are."""
    groups = _groups(devices)
    if not groups:
        return sums
    ranks = prod(dist.get_world_size(group) for group in groups)
    factor = 1 if gradients == "sum" else ranks
    found: Array = _Across.apply(sums, groups, factor)
    return found


def adder(devices: Any) -> Callable[[Array], Array] | None:
    """Return what adds up a NumPy vector of integers over processes, if they are torch's."""
    of_torch = isinstance(devices, dist.ProcessGroup | dist.DeviceMesh)
    if not of_torch and devices not in (None, dist.GroupMember.NON_GROUP_MEMBER):
        return None
    groups = _groups(devices)
    return partial(_added, groups) if groups else None


def _added(groups: list[Any], counts: Array) -> Array:
    kinds = [kind.partition(":")[0] for kind in dist.get_backend_config(groups[0]).split(",")]
    device = "cpu" if "cpu" in kinds else kinds[0]  # NCCL adds up what lies on a GPU
    total = torch.tensor(counts, device=device)
    for group in groups:
        dist.all_reduce(total, group=group)
    return total.cpu().numpy()


def _groups(devices: Any) -> list[Any]:
    """Return the groups of processes to sum over, one after the other."""
    there = dist.is_available() and dist.is_initialized()
    if devices is None:
        return [dist.group.WORLD] if there else []
    if not there:
        raise ValueError("devices: expected None before torch.distributed is initialized")
    if isinstance(devices, dist.ProcessGroup) or devices is dist.GroupMember.NON_GROUP_MEMBER:
        groups = [devices]
    elif isinstance(devices, dist.DeviceMesh):
        groups = list(devices.get_all_groups())
    else:
        raise TypeError(
            f"devices: expected a ProcessGroup or a DeviceMesh of torch.distributed, or None for "
            f"all processes, got {type(devices).__qualname__}: {devices!r:.80}"
        )
    if any(group is dist.GroupMember.NON_GROUP_MEMBER for group in groups):
        raise ValueError("devices: expected a group that this process is in, got one of others")
    return groups


class _Across(torch.autograd.Function):
    """The sum over processes, whose gradient goes to the part of each.

    Each process has the whole loss, and sends back the gradient of its own part: what averages
    the gradients of processes afterwards needs them times their number.
    """

    @staticmethod
    def forward(ctx: Any, sums: Array, groups: list[Any], factor: int) -> Array:
        ctx.factor = factor
        wide = torch.float64 if sums.device.type in WIDE else sums.dtype
        total = sums.to(wide, copy=True)
        for group in groups:
            dist.all_reduce(total, group=group)
        return total.to(sums.dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            raise NotImplementedError(
                "across: expected first derivatives (no create_graph), since second ones are made "
                "of the gradients of all processes"
            )
        return ctx.factor * upstream, None, None
