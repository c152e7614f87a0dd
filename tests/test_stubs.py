"""What a type checker sees of the objects: explicit arguments, defaults, and words."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
ROOT = Path(__file__).parent.parent
SCRIPT = """
import weightedce
import weightedce.keras as wk
import weightedce.torch as wt

weightedce.balanced([1, 2], normalize="class")  # error
weightedce.balanced([1, 2], normalize="classes")
wt.FocalLoss(gamma=1.5, class_weight=[1, 2], reduction="sum")
wt.FocalLoss(reduction="avg")  # error
wt.FocalLoss(gama=1.5)  # error
wt.FocalLoss(2.0)  # error
wt.FocalLoss(gamma="2")  # error
wt.CrossEntropyLoss(None, None, -100, None, "mean", 0.1)
wt.CrossEntropyLoss(class_weight=[1, 2])  # error
wt.LogitAdjustedCrossEntropyLoss()  # error
wt.ConfusionCrossEntropyLoss(assignment="sof")  # error
wt.VectorScalingCrossEntropyLoss(scale_by="labels")  # error
wt.NoSuchLoss()  # error
wk.BinaryCrossentropy(True, 0.1, reduction="weighted_mean")
wk.BinaryCrossentropy(reduction=None)
wk.BinaryCrossentropy(reduction="avg")  # error
wk.Dice(axes=1)  # error
wk.CategoricalFocalCrossentropy(smoothing_weight=None)
wk.CategoricalFocalCrossentropy(smoothing_weight="clas")  # error
wk.ExpectedCost()  # error
"""


def test_mypy_sees_arguments_defaults_and_words(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # the project's own settings, which do not follow the imports of torch and Keras: that is slow
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(tmp_path / "cache"), "--no-incremental", str(script)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = {int(line) for line in re.findall(r"script\.py:(\d+): error", run.stdout)}
    lines = SCRIPT.splitlines()
    assert found == {i for i, line in enumerate(lines, 1) if line.endswith("# error")}, run.stdout
