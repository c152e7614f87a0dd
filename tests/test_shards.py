"""Classes that lie on several devices: PyTorch's processes are programs of their own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES, LONG

HERE = Path(__file__).parent


@pytest.mark.parametrize("ranks", [2, 4] if LONG else [4])  # four show what two do
def test_classes_on_processes(ranks):
    if "torch" not in LIBRARIES:
        pytest.skip("torch is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "torch_shards.py", str(ranks)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"classes on {ranks} processes are classes on one" in done.stdout


def test_one_device_has_all_classes(library):
    said = {
        "jax": "expected the name of an axis of the jax.shard_map around it, got 'tp'",
        "torch": "expected None before torch.distributed is initialized",
    }.get(library.name, "expected None, since arrays of .* are on one device, got 'tp'")
    z, y = library.array(np.zeros((2, 3))), library.array(np.array([0, 1]))
    with pytest.raises((TypeError, ValueError), match=f"^shards: {said}"):
        w.cross_entropy(z, y, shards="tp")
