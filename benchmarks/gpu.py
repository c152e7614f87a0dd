"""What the losses do on a GPU: digits, time, bandwidth, memory, compilations; a report of it.

    nox -s gpu                                 # or: python benchmarks/gpu.py --out gpu-report

It needs PyTorch, array-api-compat and this clone, nothing else, and says what it left out.
``--device cpu`` tries the program where there is no GPU; its figures say nothing of one.
"""

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - as torch calls it

import weightedce as w
from clock import interleaved, spread
from gpu_others import beside
from on_torch import sigmoid_focal

SECONDS = 2.0  # for a comparison
COPIED = 2**26  # numbers of float32 in the copy that bandwidth is measured by
KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Report = dict[str, Any]


def counts_beside(z: torch.Tensor) -> torch.Tensor:
    """Return how often each class occurs, on the device and in the dtype of the logits."""
    classes = z.shape[1]
    return torch.arange(1, classes + 1, device=z.device, dtype=torch.float32)


# name: shape, dtype, ours, torch's; targets are labels, or 0 and 1 where the shape has one axis
CASES: dict[str, tuple[tuple[int, ...], str, Callable[..., Any], Callable[..., Any]]] = {
    "labels 8192 x 1000": ((8192, 1000), "float32", w.cross_entropy, F.cross_entropy),
    "labels 64 x 10": ((64, 10), "float32", w.cross_entropy, F.cross_entropy),
    "labels 4096 x 50257": ((4096, 50257), "bfloat16", w.cross_entropy, F.cross_entropy),
    "smoothed 8192 x 1000": (
        (8192, 1000),
        "float32",
        lambda z, y: w.cross_entropy(z, y, label_smoothing=0.1),
        lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1),
    ),
    "poly 8192 x 1000": ((8192, 1000), "float32", w.poly_cross_entropy, F.cross_entropy),
    "counts 8192 x 1000": (
        (8192, 1000),
        "float32",
        lambda z, y: w.balanced_softmax_cross_entropy(z, y, counts=counts_beside(z)),
        F.cross_entropy,
    ),
    "focal 8192 x 1000": ((8192, 1000), "float32", w.focal_loss, F.cross_entropy),
    "binary 4e6": (
        (4_000_000,),
        "float32",
        lambda z, y: w.binary_cross_entropy(z, y, pos_weight=9.0),
        lambda z, y: F.binary_cross_entropy_with_logits(z, y, pos_weight=z.new_tensor(9.0)),
    ),
    "binary 4e6, bfloat16": (
        (4_000_000,),
        "bfloat16",
        w.binary_cross_entropy,
        F.binary_cross_entropy_with_logits,
    ),
    "binary focal 4e6": (
        (4_000_000,),
        "float32",
        lambda z, y: w.binary_focal_loss(z, y, gamma=2.0),
        lambda z, y: sigmoid_focal(z, y, None),
    ),
}


def batch(shape: tuple[int, ...], kind: str, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits that want a gradient, and targets."""
    random = torch.Generator(device).manual_seed(0)
    z = 3 * torch.randn(shape, generator=random, device=device)
    if len(shape) == 1:
        y = torch.randint(0, 2, shape, generator=random, device=device).to(KINDS[kind])
    else:
        y = torch.randint(0, shape[1], shape[:1], generator=random, device=device)
    return z.to(KINDS[kind]).requires_grad_(), y


def derived(loss: Callable[..., Any], z: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
    """Return value and gradient."""
    value = loss(z, y)
    return value.detach(), torch.autograd.grad(value, z)[0]


def medians(calls: dict[str, Callable[[], Any]], device: str) -> dict[str, float]:
    """Return the median time of each call, with its end on the device; they take turns."""

    def ended(call: Callable[[], Any]) -> None:
        call()
        if device != "cpu":
            torch.cuda.synchronize()

    times = interleaved({name: partial(ended, call) for name, call in calls.items()}, SECONDS)
    return {name: spread(found)[0] for name, found in times.items()}


def memory(call: Callable[[], Any], device: str) -> int | None:
    """Return the most bytes that a call holds beyond what is held."""
    if device == "cpu":
        return None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - held


def bandwidth(device: str) -> float:
    """Return the bytes a second that a plain copy reads and writes."""
    numbers = torch.zeros(COPIED, device=device)
    return 8 * COPIED / medians({"copy": numbers.clone}, device)["copy"]


def timed(device: str) -> list[Report]:
    """Time each case beside torch's own, eager and compiled, in the same turns."""
    rows, floor = [], bandwidth(device)
    for name, (shape, kind, ours, peer) in CASES.items():
        z, y = batch(shape, kind, device)
        compiled = torch.compile(ours, fullgraph=True)
        ways = {"ours": ours, "torch": peer, "ours compiled": compiled}
        calls = {way: partial(derived, loss, z, y) for way, loss in ways.items()}
        found = medians(calls, device)
        moved = 3 * z.numel() * z.element_size()  # logits read twice, the gradient written once
        rows.append(
            {
                "case": name,
                "dtype": kind,
                **{f"{way}, us": 1e6 * took for way, took in found.items()},
                "ours / torch": found["ours"] / found["torch"],
                "compiled / torch": found["ours compiled"] / found["torch"],
                "of a copy's bandwidth": moved / found["ours"] / floor,
                "memory": memory(calls["ours"], device),
                "torch's memory": memory(calls["torch"], device),
            }
        )
    return rows


def digits(device: str) -> list[Report]:
    """Compare value and gradient of each case with float64 on the CPU, which has no kernels."""
    rows = []
    for name, (shape, kind, ours, _) in CASES.items():
        small = (min(shape[0], 4096), *shape[1:])
        z, y = batch(small, kind, device)
        exact = z.detach().cpu().double().requires_grad_()
        target = y.cpu().double() if y.is_floating_point() else y.cpu()
        truth = derived(ours, exact, target)
        off = []
        for got, right in zip(derived(ours, z, y), truth, strict=True):
            size = right.abs()  # terms cancel where a gradient crosses 0: an ulp of the usual one
            unit = torch.finfo(got.dtype).eps * size.clamp_min(size.mean().item())
            off.append(((got.cpu().double() - right).abs() / unit).max().item())
        rows.append({"case": name, "dtype": kind, "value, ulp": off[0], "gradient, ulp": off[1]})
    return rows


def compilations(device: str) -> Report:
    """Count the graphs that torch.compile makes of batches of several sizes."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    step = torch.compile(w.cross_entropy, fullgraph=True)
    for rows in (64, 96, 128, 160):
        derived(step, *batch((rows, 100), "float32", device))
    return {"sizes": 4, "graphs": torch._dynamo.utils.counters["stats"]["unique_graphs"]}


def validated(device: str, folder: Path) -> Report | str:
    """Run the project's own validation on the device, or say why not."""
    missing = [x for x in ("hypothesis", "jinja2", "mpmath", "rich", "typer") if not installed(x)]
    if missing:
        return f"weightedce validate: left out, {', '.join(missing)} not installed"
    path = folder / "validate.json"
    where = "cpu" if device == "cpu" else "gpu"
    command = ["validate", "--library", "torch", "--device", where, "--json", str(path)]
    run = subprocess.run(
        [sys.executable, "-m", "weightedce", *command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return {"status": run.returncode, "said": run.stdout[-2000:], "errors": run.stderr[-2000:]}


def installed(name: str) -> bool:
    """Tell whether a package is there."""
    return importlib.util.find_spec(name) is not None


def others(device: str) -> tuple[list[Report], list[str]]:
    """Return the times of other kernels, JAX and TensorFlow; and what was not run, and why."""
    left = [] if installed("triton") else ["triton: not installed"]
    ended = torch.cuda.synchronize if device != "cpu" else lambda: None
    return beside(device, ended, left), left


def table(rows: list[Report]) -> str:
    """Return rows as a table of Markdown; of a row that lacks a column that is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    for row in rows:
        found = [row.get(name, "") for name in names]
        cells = [f"{x:.3g}" if isinstance(x, float) else str(x) for x in found]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--out", default="gpu-report", type=Path, help="the folder to write to")
    parser.add_argument("--validate", action="store_true", help="weightedce validate there too")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("device: expected a GPU that torch sees, got none; --device cpu tries the program")
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    # first those that need memory of their own, which torch does not give back
    rows, left = others(given.device)
    name = platform.machine() if given.device == "cpu" else torch.cuda.get_device_name()
    report: Report = {
        "machine": {"device": name, "torch": torch.__version__, "python": sys.version.split()[0]},
        "digits": digits(given.device),
        "time": timed(given.device),
        "compilations": compilations(given.device),
        "others": rows,
        "left out": left,
    }
    if given.validate:
        report["validate"] = validated(given.device, given.out)
    (given.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    text = [
        f"# {name}, PyTorch {torch.__version__}",
        *(table(report[x]) for x in ("digits", "time", "others")),
    ]
    text += [f"`torch.compile`: {report['compilations']}", *(f"- {x}" for x in report["left out"])]
    (given.out / "report.md").write_text("\n\n".join(text) + "\n")
    print("\n\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
