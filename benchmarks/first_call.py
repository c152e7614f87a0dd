"""Time the first calls of a mode, in a process of its own: ``first_call.py MODE WHO DEVICE``.

The library is imported and has compiled and run something else before.
"""

import json
import sys

from clock import once
from modes import library
from ours import FAMILIES
from work import MIDDLE


def main(mode: str, who: str, device: str) -> None:
    there = library(mode, device)
    for family, work in MIDDLE.items():
        leaves, rest = there.arrays(work)
        for call in there.limits(work, leaves, rest).values():
            call()
        peer, theirs = next(iter(there.peers(work, rest).items()))
        loss = FAMILIES[family] if who == "ours" else theirs
        call = there.step(loss, leaves, rest)
        print(json.dumps(work._asdict() | {"against": peer, "first_s": once(call)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
