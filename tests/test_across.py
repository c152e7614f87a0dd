"""Sums of a batch over the devices that hold its parts. JAX's are in `test_jax_transformations`.

Processes and replicas are programs of their own.
"""

import os
import socket
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


def test_counters_of_two_jax_processes():
    """Torch's and TensorFlow's are in the programs above."""
    if "jax" not in LIBRARIES:
        pytest.skip("jax is not installed")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    program = [sys.executable, HERE / "jax_processes.py"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "0"}
    children = [
        subprocess.Popen(
            [*map(str, program), str(rank), str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for child in children:
            out, err = child.communicate(timeout=100)
            assert child.returncode == 0, out + err
            assert "counts of 2 processes are those of one" in out
    finally:
        for child in children:
            child.kill()


def test_counters_of_one_process(library):
    counter = w.ClassCounter(3).update(library.array(np.array([0, 2, 0])))
    assert counter.across() == counter
    with pytest.raises(TypeError, match=r"^devices: expected .*'batch'"):
        counter.across("batch")
    with pytest.raises(TypeError, match=r"^devices: expected a ProcessGroup .*, got int: 3"):
        counter.across(3)


def test_names_of_axes_of_jax_are_told_what_to_write():
    pytest.importorskip("jax")
    for devices in ("batch", ("batch", "model")):
        with pytest.raises(TypeError, match=r"devices: .*jax.lax.psum\(class_counts\(labels, K\)"):
            w.ClassCounter(3).across(devices)


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
