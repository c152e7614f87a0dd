"""What a run starts: one process for each measurement that needs its own, one after another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from clock import spread
from modes import MODES
from work import LARGEST, MEMORY

HERE = Path(__file__).parent
SECTIONS = ("small", "ratios", "losses", "memory", "first", "imports")
WHO = ("ours", "peer")
MEASURES_MEMORY = ("torch eager", "jax.jit", "tf.function", "NumPy value")
PATIENCE = 1200  # seconds
IMPORTS = {
    "weightedce, NumPy not imported before": ("", "weightedce"),
    "weightedce, NumPy imported before": ("import numpy", "weightedce"),
    "NumPy": ("", "numpy"),
}
TIMED_IMPORT = """{before}
import time
start = time.perf_counter()
import {name}
print(time.perf_counter() - start)
"""

Row = dict[str, Any]


class Options(NamedTuple):
    modes: list[str]
    sections: list[str]
    seconds: float
    repeats: int
    quick: bool
    device: str


def child(*arguments: str, **environment: str) -> tuple[str, str]:
    """Return what a process of its own printed, and the reason if it failed."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"} | environment
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(), f"not done after {PATIENCE} s"
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return done.stdout, f"exit status {done.returncode}: {last[0]}"[:300]
    return done.stdout, ""


def measured(script: str, *arguments: str, label: Row, **environment: str) -> list[Row]:
    """Return the rows of a script, and one with the reason if it failed."""
    printed, reason = child(str(HERE / script), *arguments, **environment)
    whole = [line for line in printed.splitlines() if line.startswith("{") and line.endswith("}")]
    rows = [label | json.loads(line) for line in whole]
    return [*rows, label | {"error": reason}] if reason else rows


def memory(mode: str, options: Options) -> Iterator[list[Row]]:
    if options.device != "cpu":
        yield [{"section": "memory", "mode": mode, "skipped": "measured on the cpu only"}]
        return
    for work in MEMORY:
        if options.quick and work.size in LARGEST:
            continue
        for who in WHO:
            label = {"section": "memory", "mode": mode, "who": who} | work._asdict()
            size = "x".join(map(str, work.size))
            yield measured("peak_memory.py", mode, work.family, size, who, label=label)


def first_calls(mode: str, options: Options) -> Iterator[list[Row]]:
    for _ in range(options.repeats):
        for who in WHO:
            label = {"section": "first", "mode": mode, "who": who}
            cold = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}
            yield measured("first_call.py", mode, who, options.device, label=label, **cold)


def imports(repeats: int) -> Iterator[list[Row]]:
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(repeats):
        for name, (before, module) in IMPORTS.items():
            printed, reason = child("-c", TIMED_IMPORT.format(before=before, name=module))
            if reason:
                yield [{"section": "imports", "what": name, "error": reason}]
                return
            times[name].append(float(printed))
    for name, found in times.items():
        middle, quartiles = spread(found)
        yield [{"section": "imports", "what": name, "s": middle, "quartiles": quartiles}]


def everything(options: Options) -> Iterator[list[Row]]:
    """Yield rows as they come."""
    if "imports" in options.sections:
        yield from imports(5 * options.repeats)
    if "small" in options.sections and "torch eager" in options.modes and options.device == "cpu":
        for threads in ("1", "2"):
            yield measured("small.py", threads, str(options.seconds), label={"section": "small"})
    sizes = "quick" if options.quick else "all"
    for mode in options.modes:
        for section in ("ratios", "losses"):
            if section in options.sections:
                seconds = str(options.seconds if section == "ratios" else options.seconds / 3)
                label = {"section": "peer" if section == "ratios" else "loss", "mode": mode}
                given = (mode, section, seconds, options.device, sizes)
                yield measured("time_mode.py", *given, label=label)
        if "memory" in options.sections and mode in MEASURES_MEMORY:
            yield from memory(mode, options)
        if "first" in options.sections:
            yield from first_calls(mode, options)


def known_modes(device: str) -> list[str]:
    """Return the modes that a device has."""
    return [mode for mode in MODES if device == "cpu" or mode.startswith(("torch", "jax"))]
