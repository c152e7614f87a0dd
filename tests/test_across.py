"""Sums of a batch over the devices that hold its parts. JAX's are in `test_jax_transformations`.

Processes and replicas are programs of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES

HERE = Path(__file__).parent
PROGRAMS = {
    "torch": ("torch_ddp.py", "gradients of 2 processes equal those of one"),
    "tensorflow": ("tensorflow_replicas.py", "gradients of 2 replicas equal those of one"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_two_devices_are_one(name):
    if name not in LIBRARIES:
        pytest.skip(f"{name} is not installed")
    program, said = PROGRAMS[name]
    done = subprocess.run(
        [sys.executable, HERE / program],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


def totals(library):
    z, y = library.array(np.array([0.5, -2.0, 1.0])), library.array(np.array([1.0, 0.0, 0.0]))
    total = w.binary_cross_entropy(z, y, pos_weight=3.0, reduction="total")
    return total, w.soft_confusion(z, y)


def test_one_device_has_all_there_is(library):
    """But in JAX, which would not see that others are left out."""
    for sums in totals(library):
        if library.name == "jax":
            with pytest.raises(TypeError, match="devices: expected the name of an axis of jax"):
                sums.across()
        else:
            found = sums.across()
            assert type(found) is type(sums)
            for got, expected in zip(found, sums, strict=True):
                assert float(got) == float(expected)


def test_what_devices_are_called(library):
    said = {
        "jax": "expected the name of an axis of the jax.shard_map around it, or several, got",
        "torch": "expected None before torch.distributed is initialized",
        "tensorflow": "expected None for the replicas of the strategy at work, got 'batch'",
    }.get(library.name, "expected None, since arrays of .* are on one device, got 'batch'")
    for sums in totals(library):
        with pytest.raises((TypeError, ValueError), match=f"^devices: {said}"):
            sums.across("batch")
        with pytest.raises(ValueError, match=r"^gradients: expected one of mean, sum, got 'max'"):
            sums.across(gradients="max")


def test_jax_knows_what_becomes_of_the_gradient(library):
    if library.name != "jax":
        pytest.skip("others do not")
    with pytest.raises(TypeError, match="gradients: expected None, since JAX"):
        totals(library)[0].across("batch", gradients="mean")
