"""Time every mode against its peer: one process a mode, one table, one JSON file."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from work import MODES

HERE = Path(__file__).parent
PACKAGES = ("weightedce", "numpy", "torch", "jax", "optax", "tensorflow-cpu", "scikit-learn")


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    processor = platform.processor() or platform.machine()
    return {"processor": processor, "cores": os.cpu_count(), "versions": found}


def timed(mode: str) -> list[dict[str, object]]:
    """Return the rows of one mode."""
    command = [sys.executable, str(HERE / "time_mode.py"), mode]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{mode}: timing failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(
    mode: Annotated[list[str] | None, typer.Option(help="A mode; repeat for more.")] = None,
    output: Annotated[Path, typer.Option(help="The JSON file.")] = Path("output/bench.json"),
) -> None:
    """Print ratios, ours to the peer's, and write them with their spread."""
    if unknown := set(mode or ()) - set(MODES):
        raise typer.BadParameter(f"expected some of {', '.join(MODES)}, got {sorted(unknown)}")
    table = Table("mode", "loss", "size", "ours, ms", "peer, ms", "ratio", "quartiles")
    rows = []
    for name in mode or MODES:
        for row in timed(name):
            rows.append(row)
            low, high = row["quartiles"]
            table.add_row(
                name,
                row["family"],
                " x ".join(map(str, row["size"])),
                f"{1e3 * row['ours_s']:.3g}",
                f"{1e3 * row['peer_s']:.3g}",
                f"{row['ratio']:.2f}",
                f"{low:.2f} to {high:.2f}",
            )
    Console().print(table)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1), "utf-8")
    Console().print(f"{output}: value and gradient (NumPy: value), float32, medians of turns")


if __name__ == "__main__":
    typer.run(main)
