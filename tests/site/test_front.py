"""What the front page shows runs, and its figures are those of the pages behind it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONT = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    pytest.param(block, id=f"{name}-{i}")
    for name, text in (("front", FRONT), ("readme", README))
    for i, block in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block):
    environment = os.environ | {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", block]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr


def test_there_is_a_block_for_each_library():
    assert len(BLOCKS) == 9
    for library in ("torch", "jax", "tensorflow", "keras"):
        assert f"import {library}" in FRONT


@pytest.mark.parametrize("text", [FRONT, README], ids=["front", "readme"])
def test_speed_is_that_of_the_benchmarks(text):
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    lowest, highest = re.search(r"takes ([\d.]+) to ([\d.]+) times torch's own", page).groups()
    assert f"{lowest} to {highest} ×" in text
