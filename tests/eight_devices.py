"""Runs a test file as a program on eight virtual CPU devices, whose number JAX reads at start."""

import os
import subprocess
import sys

import numpy as np

DEVICES = 8


def results_of(program, folder):
    """Return what ``program`` saves under the path that it is given."""
    path = folder / "found.npz"
    child = subprocess.run(
        [sys.executable, "-W", "error", program, path],
        env=os.environ
        | {
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}",
            "JAX_PLATFORMS": "cpu",
            "JAX_ENABLE_X64": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    return np.load(path)
