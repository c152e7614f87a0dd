"""The command line: what it prints, its exit status, and errors in one line."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import weightedce
from weightedce.command import app
from weightedce.command.formula import readable
from weightedce.command.labels import arrays, tally
from weightedce.command.labels import count as tallies_of
from weightedce.command.losses import described
from weightedce.command.progress import progress
from weightedce.command.situations import OBJECTS, WHEN
from weightedce.validation.cells import Cell, Finding
from weightedce.validation.outputs import comparison, html, junit, terminal
from weightedce.validation.report import Report, read_json

CUT = gzip.compress(b"y\n" + bytes(range(48, 58)) * 99, mtime=0)[:30]
SMALL = ("--library", "numpy", "--loss", "dice_loss", "--dtype", "float64", "--examples", "1")


def run(*arguments):
    """Return status, stdout and stderr of the command, in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def count(*files, **options):
    """Return the counts of the one column that is asked for."""
    if "column" in options:
        options["columns"] = (options.pop("column"),)
    options["ignore"] = frozenset(options.get("ignore", ()))
    (found,) = tallies_of([str(file) for file in files], tally.Options(**options), lambda *_: None)
    return found.in_order()


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
    status, out, _ = run(*command[3:], "--compare", paths[0])
    assert status == 0
    assert "nothing got worse" in out
    report = json.loads(paths[0].read_text())
    cell = next(cell for cell in report["cells"] if cell["worst"])
    cell["worst"]["ulp"] = -50.0
    paths[0].write_text(json.dumps(report))
    status, out, _ = run(*command[3:-6], "--compare", paths[0])
    assert status == 1
    assert "dice_loss, value, numpy, eager, float64: 0 ulp ->" in out


def test_validate_fails_when_something_is_off():
    status, out, _ = run("validate", *SMALL, "--tolerance", "1e-9")
    assert status == 1
    assert out.startswith("FAILED: ")  # the verdict comes first
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
    for text in ("4 labels, 3 classes", "balanced", "effective_", "damped", "owl"):
        assert text in out
    assert f"{weightedce.balanced([2, 1, 1])[1]:.6g}" in out


def test_counts_of_files(table, tmp_path):
    assert count(table, column="species") == {"cat": 2, "dog": 1, "owl": 1}
    assert count(table, column="target") == {"0": 2, "1": 1, "2": 0, "3": 1}
    assert count(table, column="target", names=True) == {"0": 2, "1": 1, "3": 1}
    assert count(table, column="species", ignore={"cat"}) == {"dog": 1, "owl": 1}
    assert count(table, column="2", header=False) == {"cat": 2, "dog": 1, "owl": 1, "species": 1}
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
    monkeypatch.setattr(arrays, "CHUNK", 7)
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
        ("a.csv", b"0\n1\n", (), "the first line is no header, but numbers"),
        ("a.csv", b"0,1\n1,1\n", ("--column", "y"), "is no header, but numbers"),
        ("a.csv", b"x,y\n1,2\n", (), "choose one with --column: x, y"),
        ("a.csv", b"x,y\n1,2\n", ("--column", "z"), "--column: expected one of x, y, got 'z'"),
        ("a.csv", b"x,y\n1\n", ("--column", "y"), "line 2: expected at least 2 columns, got 1"),
        ("a.csv", b"y\n1\n0.5\n", (), "line 3: expected an integer, as elsewhere, got a number"),
        ("a.csv", b"y\n0.5\n0.25\n", (), "line 2: expected a class label, got a number that"),
        ("a.csv", b"y\n1\ncat\n", (), "line 3: expected an integer, as elsewhere, got text"),
        ("a.csv", b"y\n1\n-1\n", (), "line 3: expected labels from 0 on, got -1"),
        ("a.csv", b"y\n1\n99999999\n", (), "line 3: expected labels below 100,000"),
        ("a.csv", b'x,y\n1,\n', ("--column", "y"), "line 2: no label"),
        ("a.csv", b"y\n\xff\xfe\n", (), "no text in UTF-8; --encoding latin-1"),
        ("a.csv", b"y\n1\n", ("--delimiter", ""), "--delimiter: expected one character"),
        ("a.npy", b"no array", (), "expected a .npy array"),
        ("a.npy", np.array([0.5]), (), "the array: expected a class label, got a number that is"),
        ("a.npy", np.array([0.0, np.nan]), (), "the array: no label"),
        ("a.npy", np.array([1j]), (), "expected labels, integers or names, got dtype complex128"),
        ("a.csv", b"y,x\n1,2,3\n", ("--column", "y"), "line 2: expected 2 columns, as in the"),
        ("a.csv", b"y;x\n1;2\n", ("--column", "z"), "--column: expected one of y, x, got 'z'"),
        ("a.csv", b"label,x\n1,2\n", ("--column", "labl"), "got 'labl'; did you mean 'label'?"),
        ("a.csv", b"x\0y\n", (), "binary, no table of text"),
        ("a.csv", b"y\n0\nnan\n", (), "line 3: expected an integer, as elsewhere, got nan, not a"),
        ("a.csv", b"y\n1\n", ("--encoding", "klingon"), "--encoding: expected one that Python"),
        ("a.csv", b"PK\x03\x04", (), "a zip archive or a spreadsheet: save it as CSV"),
        ("a.parquet", b"PAR1 and more", (), "a damaged Parquet file"),
        ("a.parquet", b"y\n1\n", (), "expected a Parquet file, as it is called"),
        ("a.csv.gz", b"\x1f\x8bjunk of some length", (), "a damaged or cut .gz file"),
        ("a.csv.gz", CUT, (), "or cut .gz file"),
        ("a.npz", b"PK\x03\x04 but no archive", (), "a damaged archive"),
        ("a.csv", b"y\n1\n", ("--beta", "2"), "beta: expected 0 <= beta <= 1"),
        ("a.csv", b"y,x\n1,2\n", ("--column", "y", "--column", "x"), "line 2: --column: expected"),
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


HOSTILE = {  # what a file holds: what is printed
    "[/nope]": "[/nope]",
    "[bold red]x[/]": "[bold red]x[/]",
    "[link=x]y[/link]": "[link=x]y[/link]",
    ":cat:": ":cat:",
    r"C:\[x]": r"C:\[x]",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x1b[2Jx": r"\x1b[2Jx",
    "a\nb\tc\rd": r"a\nb\tc\rd",
    "\x9b31mx": r"\x9b31mx",
    "a\u202eb": r"a\u202eb",
    "a\u2028b": r"a\u2028b",
    "可愛い 👩\u200d💻": "可愛い 👩\u200d💻",
}


def test_labels_are_printed_literally(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([["y"], *([name] for name in HOSTILE)])
    np.save(tmp_path / "labels.npy", np.array(list(HOSTILE)))
    for file in (path, tmp_path / "labels.npy"):
        status, out, error = run("weights", file, "--names")
        assert (status, error) == (0, "")
        found = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
        assert sorted(found) == sorted(HOSTILE.values())


def test_a_long_label_is_printed_whole(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"y\n{'x' * 500}\n", encoding="utf-8")
    assert run("weights", path)[1].count("x") == 2 * 500  # in the table, and to be pasted


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("role", ["file", "column", "title", "label", "delimiter", "library"])
def test_errors_are_printed_literally(tmp_path, name, role):
    path = tmp_path / "labels.csv"
    rows = [[name, "b"]] if role in ("column", "title") else [["y"], ["0"], [name]]
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)
    options = {
        "file": ("weights", f"{tmp_path}{name}.csv"),
        "column": ("weights", path, "--column", name + "?"),
        "title": ("weights", path),
        "label": ("weights", path),
        "delimiter": ("weights", path, "--delimiter", name),
        "library": ("validate", "--library", name),
    }
    status, out, error = run(*options[role])
    assert (status, out) == (2, "")
    if role == "label":  # of what a file holds no error shows anything
        assert name not in error
        assert re.search("line [345]: ", error)  # a label may have several lines
    else:
        quoted = repr(name)[1:-1] if role in ("delimiter", "library") else HOSTILE[name]
        assert quoted in error
    assert error.count("\n") == 1


def hostile_report():
    """Return a report with names, versions and exceptions that hold everything of the above."""
    text = "".join(HOSTILE) + "\x00\ud800\ufffe</pre><b>"
    arrays = {"logits": [text], text: [0.0]}
    finding = Finding(text, 0, (0,), arrays, {text: text}, 1.0, 0.0, 9.0, 8.0, f"{text}\nloss")
    names = (text, "dice_loss", "numpy", "eager", "float64")
    cells = [
        Cell("loss", *names, "value", "failed", 1, 1, finding, finding),
        Cell("loss", *names, "gradient", "error", 0, 1, message=f"ValueError: {text}"),
        Cell("peer", *names, "value", "failed", 1, 1, finding, finding),
        Cell("peer", *names, "gradient", "error", message=text),
    ]
    return Report(cells, {text: text}, {"numpy": text}, [text], {text: text})


def commands_in(text):
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Zl", "Cn")}


@pytest.mark.parametrize("every_cell", [False, True])
def test_the_terminal_shows_exceptions_literally(every_cell):
    report = hostile_report()
    console = Console(file=io.StringIO(), width=400)
    terminal.show(report, console, every_cell=every_cell)
    lines = ["[b]x[/] :cat: \x1b"]
    terminal.show_comparison(comparison.Comparison(lines, lines, lines), console)
    terminal.show(replace(report, cells=[]), console)
    out = console.file.getvalue()
    assert not commands_in(out)
    assert out.count("[/nope][bold red]x[/][link=x]y[/link]:cat:") >= 5
    assert out.count(r"[b]x[/] :cat: \x1b") == 3


def test_files_hold_exceptions_literally(tmp_path):
    report, path = hostile_report(), tmp_path / "report"
    junit.write(report, path)
    assert r"\x1b]0;title\x07" in path.read_text("utf-8")
    assert ElementTree.parse(path).find(".//failure").get("message")  # no XML before
    html.write(report, path)
    page = path.read_text("utf-8")
    assert not commands_in(page)
    assert "<b>" not in page
    assert r"[/nope][bold red]x[/]" in page
    report.write_json(path)
    assert read_json(path).cells == report.cells  # JSON has a way to write each of them


@pytest.mark.parametrize("damage", [{}, {"cells": [{}]}, {"cells": 3}, {"cells": []}])
def test_a_damaged_report_is_said_to_be_one(tmp_path, damage):
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"schema": 1, **damage}))
    status, _, error = run("validate", "--compare", path)
    assert status == 2
    assert "old.json: a damaged report" in error
    assert error.count("\n") == 1


def test_a_stream_without_the_letters_gets_escapes(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("y\nowl\n猫\n", encoding="utf-8")
    command = [sys.executable, "-m", "weightedce", "weights", str(path)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert r"\u732b" in done.stdout


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


def test_labels_to_ignore_are_numbers_where_labels_are(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("label\n255.0\n0.0\n1.0\n-100.0\n")  # as a data frame writes gaps
    assert count(path, ignore={"255", "-100"}) == {"0": 1, "1": 1}
    assert "255.0" in count(path, ignore={"255"}, names=True)


def test_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("label,label\n0,1\n")
    with pytest.raises(ValueError, match=r"2 columns are called 'label'"):
        count(path, column="label")


def test_one_hot_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 6)
    path = tmp_path / "labels.npy"
    np.save(path, np.eye(3, dtype=int)[[0, 1, 2, 2, 2]])
    with pytest.raises(ValueError, match=r"labels.npy: labels: .*one-hot"):
        count(path)
    np.save(path, np.arange(12).reshape(3, 2, 2) % 5)
    assert count(path) == {"0": 3, "1": 3, "2": 2, "3": 2, "4": 2}


def test_progress_is_said_now_and_then_where_nobody_watches(capsys, monkeypatch):
    now = iter([0.0, 1.0, 20.0, 21.0, 40.0])
    monkeypatch.setattr("weightedce.command.progress.time.monotonic", lambda: next(now))
    with progress("counting") as step:
        for done in (1, 25, 30, 100):
            step(done, 100)
    assert capsys.readouterr().err == "counting: 25%, about 60 s left\n"


def test_a_loss_is_described():
    out = run("losses", "focal_loss")[1]
    assert "(1 - p_k)^γ (-log p_k)" in out
    for line in (
        "from weightedce import focal_loss",
        "from weightedce.torch import FocalLoss",
        "from weightedce.keras import CategoricalFocalCrossentropy",
        WHEN["focal_loss"],
    ):
        assert line in out
    status, _, error = run("losses", "focal")
    assert status == 2
    assert error.endswith("got 'focal'; did you mean 'focal_loss'?\n")
    assert run("losses", "LDAM")[2].endswith("did you mean 'ldam_cross_entropy'?\n")


def test_every_loss_is_described():
    names = [line.split()[0] for line in run("losses")[1].strip().splitlines()]
    assert sorted(names) == sorted(WHEN) == sorted(OBJECTS)
    for name in names:
        lines = described(name)
        formula = lines[lines.index("formula") + 1]
        assert "\\" not in formula
        assert "{" not in formula


def test_imports_that_are_shown_are_there():
    pytest.importorskip("torch")
    from weightedce import torch

    shown = {cls for cls, _ in OBJECTS.values() if cls}
    assert shown == set(torch.__all__) - {"LinearCrossEntropyLoss"}
    stub = (Path(weightedce.__file__).parent / "keras" / "__init__.pyi").read_text("utf-8")
    for _, classes in OBJECTS.values():
        for cls in classes:
            assert f"class {cls}(" in stub


def test_readable_formulas():
    assert readable(r"\frac{1 - \beta}{1 - \beta^{n_k}}") == "(1 - β) / (1 - β^(n_k))"
    assert readable(r"\sum_k q_k \, \bigl( z \bigr), \quad \mathrm{clip}") == "Σ_k q_k (z),   clip"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("weightedce losses foc", ["focal_loss", "focal_tversky_loss"]),
        ("weightedce validate --library t", ["tensorflow", "torch"]),
        ("weightedce validate --mode e", ["eager"]),
    ],
)
def test_completion(words, offered):
    environment = {
        "_WEIGHTEDCE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="weightedce", env=environment)
    assert sorted(result.stdout.split()) == offered


def test_names_that_are_nearly_right():
    assert run("validate", "--library", "pytorch")[2].endswith("did you mean 'torch'?\n")
    assert "Did you mean 'losses'?" in run("lossses")[2]
