"""What a compiled program of JAX moves beside optax's, as `benchmarks/traffic_jax.py` counts it."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="JAX is not installed")
pytest.importorskip("optax", reason="optax is not installed")

TRAFFIC = Path(__file__).parent.parent / "benchmarks" / "traffic_jax.py"
LIMITS = {  # the most bytes as a share of optax's
    "labels": 1.01,
    "smoothed": 0.66,
    "distributions": 0.92,
    "binary": 0.74,
    "binary focal": 0.4,
}


@pytest.fixture(scope="module")
def traffic():
    spec = importlib.util.spec_from_file_location("traffic_jax", TRAFFIC)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LIMITS)
def test_a_program_moves_no_more_than_its_limit(name, traffic):
    mine, theirs = traffic.both(name)
    assert mine <= LIMITS[name] * theirs
