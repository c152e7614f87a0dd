"""Two processes with unequal shares of a batch: gradients as of the whole batch. Run by a test."""

import os
import tempfile

import pytest
import torch
import torch._dynamo  # which torch imports by and by: once, not in each process
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from weightedce import ClassCounter, LossTotal, soft_confusion
from weightedce.torch import ConstrainedCrossEntropyLoss, CrossEntropyLoss

RANKS = 2
WEIGHT = [1.0, 5.0, 20.0]
UNEQUAL, EMPTY = ((0, 3), (3, 10)), ((0, 10), (10, 10))  # the rows of each process


class Judged(torch.nn.Module):
    """A model that owns its criterion, whose weights DDP broadcasts as buffers."""

    def __init__(self, weight=WEIGHT):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 3).double()
        self.criterion = CrossEntropyLoss(weight, reduction="total").double()

    def forward(self, features, labels):
        return self.criterion(self.layer(features), labels)


class Overlap(Judged):
    """The same with counts of decisions for a criterion."""

    def forward(self, features, labels):
        targets = torch.nn.functional.one_hot(labels, 3)
        return soft_confusion(self.layer(features), targets, axis=-1)


def of_labels(total):
    return total.weighted_mean()


def of_overlap(counts):
    return counts.dice_loss().mean()


def data():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(10, 4, dtype=torch.float64, generator=generator)
    return features, torch.randint(0, 3, (10,), generator=generator)


def whole(kind, loss):
    """Return the loss and the gradient of one process with all the rows."""
    model = kind()
    value = loss(model(*data()))
    value.backward()
    return value.detach(), model.layer.weight.grad


def close(got, expected):
    torch.testing.assert_close(got, expected, rtol=1e-14, atol=1e-16)


def share(rank, rows):
    return (x[slice(*rows[rank])] for x in data())


def averaged(rank, rows, kind, loss):
    """DDP averages; the wrong weights on rank 1 give way to those of rank 0."""
    model = DistributedDataParallel(kind(WEIGHT if rank == 0 else [1.0, 1.0, 1.0]))
    value = loss(model(*share(rank, rows)).across())
    value.backward()
    expected = whole(kind, loss)
    close(value.detach(), expected[0])
    close(model.module.layer.weight.grad, expected[1])


def accumulated(rank):
    """Totals of micro-batches are added up first."""
    model = DistributedDataParallel(Judged())
    features, labels = share(rank, UNEQUAL)
    with model.no_sync():
        first = model(features[:1], labels[:1])
    sum([first, model(features[1:], labels[1:])]).across().weighted_mean().backward()
    close(model.module.layer.weight.grad, whole(Judged, of_labels)[1])


def sharded(rank):
    """FSDP2 averages too."""
    mesh = dist.init_device_mesh("cpu", (RANKS,))
    model = Judged()
    fully_shard(model.layer, mesh=mesh)
    model(*share(rank, UNEQUAL)).across(mesh).weighted_mean().backward()
    close(model.layer.weight.grad.full_tensor(), whole(Judged, of_labels)[1])


def added(rank):
    """What a hand-written all_reduce adds up."""
    model = Judged()
    total = model(*share(rank, UNEQUAL)).across(dist.group.WORLD, gradients="sum")
    total.weighted_mean().backward()
    gradient = model.layer.weight.grad
    dist.all_reduce(gradient)
    close(gradient, whole(Judged, of_labels)[1])


def counted(rank):
    """Counts of float32 travel as what does not stand still at 2**24."""
    sent, send = [], dist.all_reduce
    dist.all_reduce = lambda x, **more: (sent.append((x.dtype, x.shape)), send(x, **more))
    try:
        found = LossTotal(*torch.full((3,), 2.0 + rank)).across()
    finally:
        dist.all_reduce = send
    assert sent == [(torch.float64, (3,))], sent  # one collective of three numbers
    assert found == LossTotal(*torch.full((3,), 5.0)), found
    assert found.count.dtype == torch.float32


def classes(rank):
    """Counters, of which one may have seen nothing, and all know when they are unlike."""
    _, labels = data()
    expected = ClassCounter(3, ignore_index=2).update(labels)
    for rows in (UNEQUAL, EMPTY):
        mine = ClassCounter(3, ignore_index=2).update(labels[slice(*rows[rank])])
        before = mine.to_dict()
        for devices in (None, dist.group.WORLD, dist.init_device_mesh("cpu", (RANKS,))):
            assert mine.across(devices) == expected, (rank, rows, devices)
        assert mine.to_dict() == before
    large = ClassCounter.from_dict({"counts": [2**60, rank], "ignore_index": None})
    assert large.across().counts == [2**61, 1]
    for unlike in (ClassCounter(3 + rank), ClassCounter(3, ignore_index=rank)):
        with pytest.raises(ValueError, match="across: expected counters with the same options"):
            unlike.across()
    with pytest.raises(TypeError, match="devices: expected a ProcessGroup or a DeviceMesh"):
        mine.across("batch")
    mesh = dist.init_device_mesh("cpu", (RANKS,))
    sharded_labels = dist.tensor.distribute_tensor(labels, mesh, [dist.tensor.Shard(0)])
    local = ClassCounter(3, ignore_index=2).update(sharded_labels.to_local())
    assert local.across(mesh) == expected
    with pytest.raises(TypeError, match=r"got a DTensor: .*labels\.to_local"):
        local.update(sharded_labels)


def constrained(rank):
    """Every process has the multipliers of all rows, whatever its own, even none."""
    features, labels = data()
    logits = features[:, :3]
    alone = ConstrainedCrossEntropyLoss(recall=0.9)
    alone(logits, labels)
    for rows in (UNEQUAL, EMPTY):
        criterion = ConstrainedCrossEntropyLoss(recall=0.9, across=True)
        mine = slice(*rows[rank])
        criterion(logits[mine], labels[mine])
        for got, expected in zip(criterion.state, alone.state, strict=True):
            close(got, expected)


def refused(rank):
    """What is no group, and what cannot be right."""
    alone = dist.new_group([0])
    total = Judged()(*share(rank, UNEQUAL))
    cases = {
        "devices: expected a ProcessGroup or a DeviceMesh": lambda: total.across("batch"),
        "gradients: expected": lambda: total.across(gradients="max"),
        "no create_graph": lambda: torch.autograd.grad(
            total.across().mean(), total.loss, create_graph=True
        ),
    }
    if rank == 1:
        cases["a group that this process is in"] = lambda: total.across(alone)
        with pytest.raises(ValueError, match="a group that this process is in"):
            ClassCounter(3).across(alone)
    for message, call in cases.items():
        with pytest.raises((TypeError, ValueError, NotImplementedError), match=message):
            call()


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    for rows in (UNEQUAL, EMPTY):
        averaged(rank, rows, Judged, of_labels)
        averaged(rank, rows, Overlap, of_overlap)
    for check in (accumulated, sharded, added, counted, classes, constrained, refused):
        check(rank)
    dist.barrier()
    dist.destroy_process_group()
    os._exit(0)  # gloo's threads may abort a process that tears down: 1 exit in 6, "terminate"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.start_processes(work, (folder,), RANKS, start_method="fork")
    print("gradients of 2 processes equal those of one")
