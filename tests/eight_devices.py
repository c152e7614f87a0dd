"""What tests compute on eight virtual CPU devices, whose number JAX reads at start.

So they are there in a process of its own, which this file is, for all tests that need them.
"""

import os
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

DEVICES = 8
TESTS = (
    "test_jax_training",
    "test_jax_eager",
    "test_jax_transformations",
    "test_counting_devices",
    "test_jax_meshes",
    "test_jax_shards",
)


@cache
def results():
    """Return by name what ``on_devices`` of each of ``TESTS`` returns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.npz"
        child = subprocess.run(
            [sys.executable, __file__, path],
            env={"PYTHONWARNINGS": "error"}
            | os.environ
            | {
                "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}"
                " --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
                "JAX_PLATFORMS": "cpu",
                "WEIGHTEDCE_ONLY": "jax",
                "JAX_ENABLE_X64": "1",
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert child.returncode == 0, child.stdout + child.stderr
        with np.load(path) as found:
            return dict(found)


if __name__ == "__main__":
    assert import_module("jax").device_count() == DEVICES
    made = [import_module(name).on_devices() for name in TESTS]
    np.savez(sys.argv[1], **{k: x for found in made for k, x in found.items()})
