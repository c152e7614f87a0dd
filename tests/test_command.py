"""The command line: what it prints, its exit status, and errors in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import weightedce
from weightedce.command import app
from weightedce.command.labels import count

SMALL = ("--library", "numpy", "--loss", "dice_loss", "--dtype", "float64", "--examples", "1")


def run(*arguments):
    """Return status, stdout and stderr of the command, in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_help_is_everywhere():
    for command in ((), ("validate",), ("weights",), ("losses",)):
        status, out, _ = run(*command, "--help")
        assert status == 0
        assert "Usage" in out
    assert run("--version")[1] == f"weightedce {weightedce.__version__}\n"


def test_losses_have_a_line_each():
    _, out, _ = run("losses")
    lines = out.strip().splitlines()
    assert len(lines) == len({line.split()[0] for line in lines}) >= 17
    assert any(line.split()[0] == "cross_entropy" and "softmax" in line for line in lines)


def test_validate_writes_every_report(tmp_path):
    paths = [tmp_path / name for name in ("a.json", "a.xml", "a.html")]
    options = [x for pair in zip(("--json", "--junit", "--html"), paths, strict=True) for x in pair]
    command = [sys.executable, "-m", "weightedce", "validate", *SMALL, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "dice_loss" in done.stdout
    assert all(path.stat().st_size > 500 for path in paths)
    again = subprocess.run(
        [*command, "--compare", str(paths[0])], capture_output=True, text=True, check=False
    )
    assert again.returncode == 0
    assert "nothing got worse" in again.stdout
    report = json.loads(paths[0].read_text())
    cell = next(cell for cell in report["cells"] if cell["worst"])
    cell["worst"]["ulp"] = -50.0
    paths[0].write_text(json.dumps(report))
    worse = subprocess.run(
        [*command[:-6], "--compare", str(paths[0])], capture_output=True, text=True, check=False
    )
    assert worse.returncode == 1
    assert "dice_loss, value, numpy, eager, float64: 0 ulp ->" in worse.stdout


def test_validate_fails_when_something_is_off():
    status, out, _ = run("validate", *SMALL, "--tolerance", "1e-9")
    assert status == 1
    assert "FAILED" in out
    assert "✗ dice_loss, value, numpy" in out
    assert "exact" in out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--library", "numpi"), 2, "--library: expected one of numpy, torch"),
        (("--loss", "dice"), 2, "--loss: expected one of"),
        (("--mode", "fast"), 2, "--mode: expected one of eager"),
        (("--dtype", "float16"), 2, "--dtype: expected one of float64"),
        (("--examples", "-1"), 2, "--examples: expected 0 or more, got -1"),
        (("--jobs", "0"), 2, "--jobs: expected 1 or more, got 0"),
        (("--compare", "/no/where.json"), 2, "/no/where.json: no such file"),
        (("--json", "/no/where.json"), 2, "no such folder"),
    ],
)
def test_validate_refuses_in_one_line(arguments, status, message):
    got, _, error = run("validate", *arguments)
    assert got == status
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--mode", "xla"), ("--device", "gpu")])
def test_nothing_compared_is_a_failure(arguments):
    status, out, _ = run("validate", *SMALL, *arguments)
    assert status == 1
    assert "nothing was compared" in out
    assert out.count("\n") == 1


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import sys; sys.modules['typer'] = None; sys.argv = ['weightedce']\n"
        "from weightedce.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "weightedce: the command needs typer: pip install 'weightedce[validation]'\n"
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,species,target\n1,cat,0\n2,dog,1\n3,cat,0\n4,owl,3\n", encoding="utf-8")
    return path


def test_weights_of_a_column(table):
    status, out, _ = run("weights", table, "--column", "species")
    assert status == 0
    for text in ("4 labels, 3 classes", "balanced", "effective_number", "log_damped", "owl"):
        assert text in out
    assert f"{weightedce.balanced([2, 1, 1])[1]:.6g}" in out


def test_counts_of_files(table, tmp_path):
    assert count(table, "species") == {"cat": 2, "dog": 1, "owl": 1}
    assert count(table, "target") == {"0": 2, "1": 1, "2": 0, "3": 1}
    assert count(table, "target", names=True) == {"0": 2, "1": 1, "3": 1}
    assert count(table, "species", ignore={"cat"}) == {"dog": 1, "owl": 1}
    assert count(table, "2", header=False) == {"cat": 2, "dog": 1, "owl": 1, "species": 1}
    one = tmp_path / "one.csv"
    one.write_text("label\n1.0\n0.0\n1.0\n", encoding="utf-8")
    assert count(one) == {"0": 1, "1": 2}
    array = tmp_path / "labels.npy"
    for labels in (np.array([[0, 2], [2, 1]]), np.array([0, 2, 2, 1], dtype="uint8")):
        np.save(array, labels)
        assert count(array) == {"0": 1, "1": 1, "2": 2}
    np.save(array, np.array([True, False, True]))
    assert count(array) == {"0": 1, "1": 2}
    np.save(array, np.array(["cat", "dog", "cat"]))
    assert count(array) == {"cat": 2, "dog": 1}
    np.save(array, np.array([0, 1, -100, 1]))
    assert count(array, ignore={"-100"}) == {"0": 1, "1": 2}


def test_an_array_is_read_in_pieces(tmp_path, monkeypatch):
    from weightedce.command import labels

    monkeypatch.setattr(labels, "CHUNK", 7)
    random = np.random.default_rng(0).integers(0, 5, 100)
    np.save(tmp_path / "labels.npy", random)
    found = count(tmp_path / "labels.npy")
    assert list(found.values()) == np.bincount(random).tolist()


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("missing.csv", None, (), "missing.csv: no such file"),
        ("a.csv", b"", (), "the file is empty"),
        ("a.csv", b"\n\n", (), "the file is empty"),
        ("a.csv", b"label\n", (), "no labels, only a header"),
        ("a.csv", b"0\n1\n", (), "the first line, '0', is no header"),
        ("a.csv", b"0,1\n1,1\n", ("--column", "y"), "is no header"),
        ("a.csv", b"x,y\n1,2\n", (), "choose one with --column: x, y"),
        ("a.csv", b"x,y\n1,2\n", ("--column", "z"), "--column: expected one of x, y, got 'z'"),
        ("a.csv", b"x,y\n1\n", ("--column", "y"), "line 2: expected at least 2 columns, got 1"),
        ("a.csv", b"y\n1\n0.5\n", (), "line 3: expected an integer, as elsewhere, got '0.5'"),
        ("a.csv", b"y\n0.5\n0.25\n", (), "line 2: expected a class label, got '0.5'"),
        ("a.csv", b"y\n1\ncat\n", (), "line 3: expected an integer, as elsewhere, got 'cat'"),
        ("a.csv", b"y\n1\n-1\n", (), "line 3: expected labels from 0 on, got -1"),
        ("a.csv", b"y\n1\n99999999\n", (), "line 3: expected labels below 100,000"),
        ("a.csv", b'x,y\n1,\n', ("--column", "y"), "line 2: no label"),
        ("a.csv", b"y\n\xff\xfe\n", (), "no CSV in UTF-8"),
        ("a.csv", b"y\n1\n", ("--delimiter", ""), "--delimiter: expected one character"),
        ("a.npy", b"no array", (), "expected a .npy array"),
        ("a.npy", np.array([0.5]), (), "expected labels, integers or names, got dtype float64"),
        ("a.npy", np.array([], dtype=int), (), "the array is empty"),
        ("a.npy", np.array([-3, 1]), (), "expected labels from 0 on, got -3"),
        ("a.npy", np.array([1]), ("--column", "y"), "a .npy file has no columns"),
    ],
)  # fmt: skip
def test_weights_refuses_in_one_line(tmp_path, name, content, options, message):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    status, out, error = run("weights", path, *options)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert out == ""


def test_a_folder_is_no_file(tmp_path):
    status, _, error = run("weights", tmp_path)
    assert status == 2
    assert "got a folder" in error


def test_the_reference_names_every_command():
    page = (Path(__file__).parent.parent / "docs" / "validate.md").read_text(encoding="utf-8")
    for command in ("weightedce validate", "weightedce weights", "weightedce losses"):
        assert command in page
    options = (
        "library loss dtype mode device examples seed tolerance peers json junit html compare "
        "table jobs"
    )
    for option in options.split():
        assert f"`--{option}" in page, option
