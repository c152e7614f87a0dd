"""Classes on 1, 2 and 4 processes: time, memory and numbers sent, beside torch's `loss_parallel`.

    python benchmarks/scale.py                 # or with rows, classes, rounds: 2048 32000 5

Value and gradient of the mean over labels with class weights, float32, gloo on the CPU with one
thread a process. The ways take turns. Memory is the peak of the first process beyond what it held
before (Linux), its gradient included. Numbers are those that a process hands to collectives, and
come from a run that is not timed.
"""

import ctypes
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import loss_parallel
from torch.utils._python_dispatch import TorchDispatchMode

import weightedce
from peak_memory import resident

PROCESSES = (1, 2, 4)


class Sent(TorchDispatchMode):
    """Counts what goes into collectives, of whichever interface."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if DTensor in types:
            return NotImplemented  # what it is made of comes here again
        name = str(function)
        if name.startswith(("c10d.all", "_c10d_functional.all")):
            first = args[0][0] if isinstance(args[0], list | tuple) else args[0]
            self.sizes.append(first.numel())
        return function(*args, **(kwargs or {}))


def ways(z, labels, weight):
    """Return each way as a function of nothing; logits are this process's share."""
    mesh = dist.init_device_mesh("cpu", (dist.get_world_size(),))
    local = z.requires_grad_()
    group = mesh.get_group()

    def ours():
        weightedce.cross_entropy(
            local, labels, class_weight=weight, shards=group, reduction="weighted_mean"
        ).backward()
        local.grad = None

    replicated = distribute_tensor(weight, mesh, [Replicate()])
    everywhere = distribute_tensor(labels, mesh, [Replicate()])
    spread = DTensor.from_local(local.detach(), mesh, [Shard(1)]).requires_grad_()

    def theirs():
        with loss_parallel():
            torch.nn.functional.cross_entropy(spread, everywhere, replicated).backward()
        spread.grad = None

    return {"weightedce": ours, "loss_parallel": theirs}


def peak(call):
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    call()
    return resident("VmHWM") - before


def work(rank, folder, ranks, rows, classes, rounds):
    torch.set_num_threads(1)
    meet = f"file://{folder}/{ranks}"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=ranks)
    torch.manual_seed(0)
    labels, weight = torch.randint(0, classes, (rows,)), torch.rand(classes) + 0.5
    torch.manual_seed(rank)
    calls = ways(torch.randn(rows, classes // ranks), labels, weight)
    times = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name in list(calls)[:: 1 if turn % 2 else -1]:
            dist.barrier()
            start = time.perf_counter()
            calls[name]()
            dist.barrier()
            if turn:  # not the first
                times[name].append(time.perf_counter() - start)
    for name, call in calls.items():
        with Sent() as sent:
            call()
        dist.barrier()
        memory = peak(call)
        dist.barrier()
        if rank == 0:
            print(
                f"{ranks} processes, {name:14} {1e3 * min(times[name]):8.0f} ms "
                f"{memory / 2**20:7.0f} MiB   {len(sent.sizes)} collectives, "
                f"{sum(sent.sizes) / rows:.2f} numbers a row",
                flush=True,
            )
    dist.barrier()
    os._exit(0)


def main(rows=2048, classes=32000, rounds=5):
    for ranks in PROCESSES:
        with tempfile.TemporaryDirectory() as folder:
            given = folder, ranks, int(rows), int(classes), int(rounds)
            torch.multiprocessing.spawn(work, given, ranks)


if __name__ == "__main__":
    main(*sys.argv[1:])
