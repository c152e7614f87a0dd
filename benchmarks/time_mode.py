"""Time one mode in a process of its own: ``python time_mode.py MODE`` prints JSON lines."""

import json
import statistics
import sys
import time

from work import CORE, FOCAL, MODES


def interleaved(ours, peer, seconds=1.5):
    """Return the times of both, taken in turn, and how long the first call of each took."""
    first = []
    for call in (ours, peer):
        start = time.perf_counter()
        call()
        first.append(time.perf_counter() - start)
    ours(), peer()
    times = [], []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times[0]) < 5:
        for call, found in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            call()
            found.append(time.perf_counter() - start)
        if len(times[0]) >= 500:
            break
    return times, first


def row(mode, work):
    (ours, peer), first = interleaved(*MODES[mode](work))
    ratios = sorted(a / b for a, b in zip(ours, peer, strict=True))
    return {
        "mode": mode,
        "family": work.family,
        "size": work.size,
        "dtype": work.dtype,
        "ours_s": statistics.median(ours),
        "peer_s": statistics.median(peer),
        "ratio": statistics.median(ratios),
        "quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
        "runs": len(ratios),
        "first_call_s": first,
    }


if __name__ == "__main__":
    mode = sys.argv[1]
    works = CORE if mode == "NumPy value" else CORE + FOCAL
    for work in works:
        print(json.dumps(row(mode, work)), flush=True)
