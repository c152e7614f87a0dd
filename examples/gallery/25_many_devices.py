"""
Two processes that train as one
===============================

Two processes hold unlike parts of the data: one most of the rare class, the other most of the rows.
If each takes its own weighted mean, DDP averages them, and trains with another loss. `across()`
adds up the sums of both before the division, so two processes take the steps of one.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from weightedce import binary_cross_entropy

torch.manual_seed(0)
labels = torch.cat([torch.rand(300) < 0.4, torch.rand(700) < 0.01]).double()
features = torch.randn(1000, 2).double() + torch.tensor([1.5, 0.5]) * labels[:, None]
features[:300, 1] += 1.5  # the first part is unlike the other in this, too

# %%
# One process with all of the data:

model = torch.nn.Linear(2, 1).double()
start = {name: value.clone() for name, value in model.state_dict().items()}
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
one = []
for _ in range(100):
    one.append(model.weight[0].tolist())
    loss = binary_cross_entropy(
        model(features)[:, 0], labels, pos_weight=12.0, reduction="weighted_mean"
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %%
# And what each of two processes runs, `torchrun` aside:

PROGRAM = """
import sys

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from weightedce import binary_cross_entropy

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
features, labels, start = torch.load(f"{folder}/data.pt")
rows = (slice(0, 300), slice(300, 1000))[rank]
paths = {}
for way in ("own mean", "across"):
    model = DistributedDataParallel(torch.nn.Linear(2, 1).double())
    model.module.load_state_dict(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    paths[way] = []
    for _ in range(100):
        paths[way].append(model.module.weight[0].tolist())
        total = binary_cross_entropy(
            model(features[rows])[:, 0], labels[rows], pos_weight=12.0, reduction="total"
        )
        optimizer.zero_grad()
        (total.across() if way == "across" else total).weighted_mean().backward()
        optimizer.step()
if rank == 0:
    torch.save(paths, f"{folder}/paths.pt")
dist.barrier()
dist.destroy_process_group()
"""

with tempfile.TemporaryDirectory() as folder:
    torch.save((features, labels, start), Path(folder, "data.pt"))
    command = [sys.executable, "-c", PROGRAM]
    processes = [subprocess.Popen([*command, str(rank), folder]) for rank in (0, 1)]
    try:
        for process in processes:
            process.wait(timeout=60)
    finally:
        for process in processes:
            process.kill()
    paths = torch.load(Path(folder, "paths.pt"))

for way, path in paths.items():
    distance = (torch.tensor(path) - torch.tensor(one)).abs().max().item()
    print(f"{way:8} at most {distance:.1e} from one process")

# %%

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.plot(*zip(*one, strict=True), color="#cccccc", linewidth=7, label="one process")
axis.plot(*zip(*paths["across"], strict=True), ".", color="#0072B2", label="two, across()")
axis.plot(*zip(*paths["own mean"], strict=True), ".", color="#D55E00", label="two, own means")
axis.annotate("start", one[0], (10, -4), textcoords="offset points")
axis.set(xlabel="first weight of the model", ylabel="second weight")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
