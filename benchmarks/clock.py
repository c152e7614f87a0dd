"""Interleaved timing."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]
SAMPLE = 1e-3  # seconds: what is shorter is timed in batches of calls
LEAST, MOST = 9, 300  # rounds


def once(call: Call, calls: int = 1) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def warm(call: Call, seconds: float = 1.0) -> float:
    """Call until it gets no faster, and return its time."""
    best = once(call)
    until = time.perf_counter() + seconds
    slower = 0
    while slower < 3 and time.perf_counter() < until:
        took = once(call)
        slower = 0 if took < 0.95 * best else slower + 1
        best = min(best, took)
    return best


def interleaved(calls: dict[str, Call], seconds: float) -> dict[str, list[float]]:
    """Return the times of each, taken in turn, every second round in the opposite order.

    Garbage is collected before, not while the clock runs.
    """
    order = [(name, call, max(1, round(SAMPLE / warm(call)))) for name, call in calls.items()]
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    try:
        until = time.perf_counter() + seconds
        for turn in range(MOST):
            if turn >= LEAST and time.perf_counter() > until:
                break
            for name, call, batch in order:
                times[name].append(once(call, batch))
            order.reverse()
    finally:
        gc.enable()
    return times


def spread(numbers: list[float]) -> tuple[float, list[float]]:
    """Return the median and the two quartiles."""
    if len(numbers) == 1:
        return numbers[0], [numbers[0], numbers[0]]
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return middle, [low, high]


def compared(ours: list[float], other: list[float]) -> dict[str, Any]:
    """Return both medians, and median and quartiles of the ratio of neighbours in time."""
    ratio, quartiles = spread([a / b for a, b in zip(ours, other, strict=True)])
    return {
        "ours_s": statistics.median(ours),
        "other_s": statistics.median(other),
        "ratio": ratio,
        "quartiles": quartiles,
        "rounds": len(ours),
    }
