"""The kernels of PyTorch's operators, in Triton's interpreter: the tests of the folder `kernels`.

Triton asks when it is imported whether it interprets, and a process that does has no other way for
PyTorch's tensors: so it is one of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("triton", reason="Triton is not installed")
KERNELS = Path(__file__).parent / "kernels"


def test_kernels_in_the_interpreter():
    done = subprocess.run(
        # PyTorch alone: without what all tests share, which imports every library
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", KERNELS],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        cwd=KERNELS.parent.parent,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
