"""`check_agreement` on losses of one's own, and the example project."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mpmath import exp, log

from libraries import LIBRARIES, LONG
from weightedce import namespace_of
from weightedce.validation import DisagreementError, check_agreement, hard_batches

PROJECT = Path(__file__).parent.parent / "examples" / "validate_own_loss"
NAMES = [name for name in LIBRARIES if name != "strict"]


def squared(logits, targets):
    return (logits - targets) ** 2


def squared_definition(z, y):
    return (z - y) ** 2


def naive(logits, targets):
    xp = namespace_of(logits)
    p = 1 / (1 + xp.exp(-logits))
    return -targets * xp.log(p) - (1 - targets) * xp.log(1 - p)


def binary(z, y):
    return [-y * log(1 / (1 + exp(-z))), -(1 - y) * log(1 / (1 + exp(z)))]


BATCH = np.array([[0.5, -2.0], [20.0, 3.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])


def test_a_loss_of_elements():
    report = check_agreement(squared, squared_definition, [BATCH], libraries=NAMES)
    assert report.ok
    assert {cell.library for cell in report.cells} == set(NAMES)


def test_a_loss_of_examples_and_of_the_batch():
    def example(logits, targets):
        return namespace_of(logits).sum(squared(logits, targets), axis=-1)

    def batch(logits, targets):
        return namespace_of(logits).sum(squared(logits, targets))

    def of_example(z, y):
        return [squared_definition(a, b) for a, b in zip(z, y, strict=True)]

    def of_batch(z, y):
        return [term for rows in zip(z, y, strict=True) for term in of_example(*rows)]

    orders = (0, 1, 2)
    assert check_agreement(example, of_example, [BATCH], orders=orders, modes=("eager",)).ok
    assert check_agreement(batch, of_batch, [BATCH], orders=orders, modes=("eager",)).ok
    with pytest.raises(DisagreementError):
        check_agreement(example, lambda z, y: [2 * x for x in of_example(z, y)], [BATCH])
    with pytest.raises(DisagreementError):
        check_agreement(batch, lambda z, y: of_batch(z, y)[:-1], [BATCH])


def test_the_message_has_it_all():
    with pytest.raises(AssertionError) as error:
        check_agreement(naive, binary, hard_batches("binary"), libraries=["numpy"])
    message = str(error.value)
    for part in (
        "naive does not agree with its definition",
        f"numpy {np.__version__}, eager, float64",
        "logits (20, -20), targets (0, 1)",
        "exact 20.000000002061153",
        "ulp, allowed 8",
        "numbers are off",
    ):
        assert part in message, message
    assert not error.value.report.ok


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"libraries: .*numpy.*got \['nunpy'\]"):
        check_agreement(squared, squared_definition, [BATCH], libraries=["nunpy"])
    with pytest.raises(ValueError, match=r"dtypes: .*float64.*got .half."):
        check_agreement(squared, squared_definition, [BATCH], dtypes=["half"])
    with pytest.raises(ValueError, match=r"batches\[0\]: .*\(N, L\)"):
        check_agreement(squared, squared_definition, [(np.zeros(3), np.zeros(3))])
    with pytest.raises(ValueError, match="nothing was compared"):
        check_agreement(squared, squared_definition, [])
    with pytest.raises(ValueError, match=r"loss: expected a result of shape \(2, 2\)"):
        check_agreement(lambda z, y: np.zeros(5), squared_definition, [BATCH])
    with pytest.raises(ValueError, match="kind: expected binary"):
        hard_batches("boolean")


@pytest.mark.skipif(not LONG, reason="compiles it in every mode; below it is eager")
def test_the_example_project_passes_its_own_tests():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PROJECT)]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_loss_of_the_example_project(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT)
    from my_loss import tempered_bce
    from test_my_loss import definition

    batches = hard_batches("binary")
    assert check_agreement(tempered_bce, definition, batches, libraries=NAMES, modes=("eager",)).ok


def test_the_example_project_runs_what_the_guide_says():
    ci = (PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for line in ("run: pytest", "weightedce validate --json", "--compare validated.json"):
        assert line in ci
