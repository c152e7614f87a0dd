"""Two processes, unequal shares of a batch: gradients as of the whole batch. Run by a test."""

import os
import tempfile

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from weightedce.torch import CrossEntropyLoss

SPLIT = (slice(0, 3), slice(3, 10))


class Judged(torch.nn.Module):
    """A model that owns its criterion, whose weights DDP broadcasts as buffers."""

    def __init__(self, weight):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 3).double()
        self.criterion = CrossEntropyLoss(weight, reduction="total").double()

    def forward(self, features, labels):
        return self.criterion(self.layer(features), labels)


def data():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(10, 4, dtype=torch.float64, generator=generator)
    return features, torch.randint(0, 3, (10,), generator=generator)


def whole():
    model = Judged([1.0, 5.0, 20.0])
    model(*data()).weighted_mean().backward()
    return model.layer.weight.grad


def work(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    # the wrong weights on rank 1: DDP brings those of rank 0
    model = DistributedDataParallel(Judged([1.0, 5.0, 20.0] if rank == 0 else [1.0, 1.0, 1.0]))
    features, labels = (x[SPLIT[rank]] for x in data())
    total = model(features, labels)
    weight = total.weight.clone()
    dist.all_reduce(weight)
    (total.loss * 2 / weight).backward()  # DDP averages over the 2 processes
    torch.testing.assert_close(model.module.layer.weight.grad, whole(), rtol=1e-14, atol=1e-16)
    dist.barrier()
    dist.destroy_process_group()
    os._exit(0)  # gloo's threads may abort a process that tears down: 1 exit in 6, "terminate"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(work, (folder,), nprocs=2)
    print("gradients of 2 processes equal those of one")
