"""Time one mode in a process of its own: ``time_mode.py MODE SECTION SECONDS DEVICE SIZES``.

Prints JSON lines. A row that fails says why, and the others go on.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import weightedce.losses
from clock import compared, interleaved
from library import Library
from modes import library
from ours import FAMILIES, family, public
from work import BINARY, CORE, FOCAL, HALF, LARGEST, MIDDLE, SOFT, Work, with_linear

LOOSE = {"float32": 1e-3, "bfloat16": 3e-2}


def same(there: Library, work: Work, ours: Any, peer: Any) -> None:
    """Raise unless both gave the same value and gradients, to a few digits."""
    for a, b in zip(there.numbers(ours), there.numbers(peer), strict=True):
        worst = np.max(np.abs(a - b)) / np.max(np.abs(b))
        if not worst <= LOOSE[work.dtype]:
            raise ValueError(f"ours and the peer's differ by {worst:.2g} of the largest number")


def ratios(there: Library, work: Work, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the comparisons of one family on one size."""
    leaves, rest = there.arrays(work)
    ours = there.step(FAMILIES[work.family], leaves, rest)
    peers = {name: there.step(loss, leaves, rest) for name, loss in there.peers(work, rest).items()}
    for peer in peers.values():
        same(there, work, ours(), peer())
    limits = {}
    if work in CORE and work.size != BINARY[0]:
        limits = there.limits(work, leaves, rest)
    times = interleaved({"ours": ours} | peers | limits, seconds)
    mine = times.pop("ours")
    for name, found in times.items():
        kind = "limit" if name in limits else "peer"
        yield {"section": kind, "against": name} | compared(mine, found)


def loss(there: Library, name: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the comparison of one public loss with the peer of its family."""
    kind = family(name)
    work = MIDDLE[kind] if kind in MIDDLE else with_linear([])[0]
    leaves, rest = there.arrays(work)
    mine = public(name, 2 if work.binary else work.size[1], there.array)
    peer_name, peer = next(iter(there.peers(work, rest).items()))
    calls = {
        "ours": there.step(mine, leaves, rest),
        "peer": there.step(peer, leaves, rest),
    }
    times = interleaved(calls, seconds)
    yield (
        {"section": "loss", "loss": name, "against": peer_name}
        | work._asdict()
        | compared(times["ours"], times["peer"])
    )


def plan(there: Library, section: str, quick: bool) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Yield what a row is labelled with, the function that measures it, and its subject."""
    if section == "ratios":
        for work in CORE + with_linear(FOCAL + SOFT + HALF) if there.differentiable else CORE:
            if not (quick and work.size in LARGEST):
                yield work._asdict(), ratios, work
        return
    for name in dict.fromkeys([*weightedce.losses.__all__, "linear_cross_entropy"]):
        yield {"loss": name}, loss, name


def main(mode: str, section: str, seconds: float, device: str, quick: bool) -> None:
    there = library(mode, device)
    for label, measure, subject in plan(there, section, quick):
        common = {"section": "loss" if measure is loss else "peer", "mode": mode} | label
        there.fresh()
        try:
            for row in measure(there, subject, seconds):
                print(json.dumps(common | row), flush=True)
        except LookupError as missing:
            print(json.dumps(common | {"skipped": str(missing)}), flush=True)
        except Exception as error:  # said in the table
            reason = f"{type(error).__name__}: {error}"
            print(json.dumps(common | {"error": reason[:300]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4], sys.argv[5] == "quick")
