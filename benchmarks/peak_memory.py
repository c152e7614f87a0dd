"""Peak memory of one call, in a process of its own: ``peak_memory.py MODE FAMILY SIZE WHO``.

PyTorch, JAX and TensorFlow count no memory on the CPU, so this reads the kernel's high-water mark
of resident memory. The inputs exist, the library has run the same loss on a small batch, and what
can be compiled without running is compiled; then the mark is reset and the call made.
"""

import ctypes
import gc
import json
import sys
from pathlib import Path

from modes import library
from ours import FAMILIES
from work import Work


def resident(line: str) -> int:
    """Return bytes of resident memory: ``VmRSS`` now, ``VmHWM`` at most."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(x.split()[1]) for x in status if x.startswith(line))


def main(mode: str, family: str, size: str, who: str) -> None:
    there = library(mode)
    work = Work(family, tuple(map(int, size.split("x"))))
    small = Work(family, (8, *work.size[1:]))

    def loss(work, rest):
        return FAMILIES[family] if who == "ours" else next(iter(there.peers(work, rest).values()))

    leaves, rest = there.arrays(small)
    there.step(loss(small, rest), leaves, rest)()
    leaves, rest = there.arrays(work)
    call = there.ready(loss(work, rest), leaves, rest)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else freed memory would be used again without being seen
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    result = call()
    peak = resident("VmHWM") - before
    del result
    print(json.dumps({"peak_bytes": peak, "logits_bytes": work.logits}))


if __name__ == "__main__":
    main(*sys.argv[1:])
