"""``weightedce weights``: every kind of file, what it prints, and what it notes."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import weightedce
from test_command import count, run, table
from weightedce.command import app

__all__ = ["table"]  # a fixture


PARTS = [["cat", "dog"], ["cat"], ["owl", "cat", "cat"]]


def written(folder):
    """Write the same labels in every kind of file; return by name what to pass."""
    flat = [label for part in PARTS for label in part]
    text = "id,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(flat))
    (folder / "a.csv").write_text(text)
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (folder / "semicolons.csv").write_text(text.replace(",", ";"))
    (folder / "utf16.csv").write_text(text, encoding="utf-16")
    (folder / "a.tsv").write_text(text.replace(",", "\t"))
    (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    np.savez(folder / "a.npz", x=np.zeros(3), y=np.array(flat))
    for kind in ("csv", "parquet"):
        (folder / kind).mkdir()
        (folder / kind / "_SUCCESS").write_text("")
    for i, part in enumerate(PARTS):
        rows = "".join(f"{label},0\n" for label in part)
        (folder / "csv" / f"{i}.csv").write_text(f"y,id\n{rows}")
    return ["a.csv", "bom.csv", "semicolons.csv", "utf16.csv", "a.tsv", "a.csv.gz", "a.npz", "csv"]


def test_every_kind_of_file(tmp_path):
    expected = {"cat": 4, "dog": 1, "owl": 1}
    for name in written(tmp_path):
        assert count(tmp_path / name, column="y") == expected, name
    assert count(tmp_path / "csv/?.csv", column="y") == expected
    status, out, _ = run("weights", tmp_path / "a.tsv", "--column", "y", "--delimiter", r"\t")
    assert (status, "6 labels, 3 classes" in out) == (0, True)
    assert count(tmp_path / "a.csv", tmp_path / "a.tsv", column="y")["cat"] == 8
    latin = tmp_path / "latin.csv"
    latin.write_bytes("y\nr\xe9al\n".encode("latin-1"))
    assert count(latin, encoding="latin-1") == {"r\xe9al": 1}
    (tmp_path / "names.csv").write_text("y\n1_2\n2_1\n")  # no numbers, as they are to Python
    assert list(count(tmp_path / "names.csv")) == ["1_2", "2_1"]
    for array in (np.array([0.0, 2.0, 2.0]), np.array(2)):
        np.save(tmp_path / "a.npy", array)
        assert list(count(tmp_path / "a.npy")) == ["0", "1", "2"]
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"expected a folder with files of \.csv"):
        count(tmp_path / "none")
    with pytest.raises(ValueError, match="no file is called like that"):
        count(tmp_path / "*.doc")


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    written(tmp_path)
    for i, part in enumerate(PARTS):
        columns = {"y": pa.array(part).dictionary_encode(), "k": [i] * len(part)}
        parquet.write_table(pa.table(columns), tmp_path / "parquet" / f"{i}.parquet")
    assert count(tmp_path / "parquet", column="y") == {"cat": 4, "dog": 1, "owl": 1}
    assert count(tmp_path / "parquet", column="k") == {"0": 2, "1": 1, "2": 3}
    for kind, values in (("bool_", [True, False, None]), ("float64", [1.0, 0.0, float("nan")])):
        table = pa.table({"y": pa.array(values, getattr(pa, kind)())})
        parquet.write_table(table, tmp_path / "one.parquet")
        assert count(tmp_path / "one.parquet", ignore={""}) == {"0": 1, "1": 1}
        with pytest.raises(ValueError, match="rows from 0 on: no label; --ignore ''"):
            count(tmp_path / "one.parquet")
    parquet.write_table(pa.table({"y": pa.array([1], pa.timestamp("s"))}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"y: expected labels.* got a column of type timestamp"):
        count(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "sys.argv = ['weightedce', 'weights', 'a.parquet']\n"
        "from weightedce.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr == (
        "weightedce: a Parquet file needs pyarrow: pip install 'weightedce[parquet]'\n"
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stdin(pack):
    result = CliRunner().invoke(app, ["weights", "-", "--json"], input=pack(b"y\n0\n1\n1\n"))
    assert json.loads(result.stdout)["counts"] == [1, 2]
    empty = CliRunner().invoke(app, ["weights", "-"], input=b"")
    assert (empty.exit_code, empty.stderr) == (2, "weightedce: stdin: the file is empty\n")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ('y,z\n0,"a\n1,b\n0,b\n', ["--column", "y"], "a: after line 1: no CSV (unexpected end of"),
        ('[{"y": "secret"}, {"y": 1}]', [], "a: looks like JSON: expected a table, such as CSV"),
        (
            gzip.compress(gzip.compress(b"y\n0\n", mtime=0), mtime=0),
            [],
            "a: packed twice: expected no more than once",
        ),
        (b"BZh91AY&SY", [], "a: packed by bzip2: expected no more than once by gzip"),
        ("y\n0\n", ["--ignore", "0"], "a: no labels but those that --ignore leaves out"),
        ("y\n0\n", ["--encoding", "punycode"], "a: no text in PUNYCODE"),
        ("y\n0\n", ["-", "-"], "-: expected stdin once"),
    ],
)
def test_what_would_be_miscounted_is_refused(tmp_path, monkeypatch, content, options, said):
    (tmp_path / "a").write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.chdir(tmp_path)
    status, out, error = run("weights", "a", *options)
    assert (status, out) == (2, "")
    assert error.startswith(f"weightedce: {said}")
    assert "secret" not in error


def test_zero_that_is_ignored_is_no_class_that_is_missing(tmp_path):
    (tmp_path / "a").write_text("y\n0\n1\n2\n")
    assert run("weights", tmp_path / "a", "--ignore", "0")[2] == ""


def test_json_and_the_line_to_paste(table):
    found = json.loads(run("weights", table, "--column", "species", "--json")[1])
    counts = [2, 1, 1]
    assert found["class"] == ["cat", "dog", "owl"]
    assert (found["counts"], found["total"], found["imbalance_ratio"]) == (counts, 4, 2.0)
    assert found["class_weight"] == found["weights"]["balanced"] == weightedce.balanced(counts)
    beta = json.loads(run("weights", table, "--column", "species", "--json", "--beta", ".9")[1])
    assert beta["class_weight"] == weightedce.effective_number(counts, beta=0.9)
    out = run("weights", table, "--column", "target")[1]
    lines = {}
    exec(out.strip().splitlines()[-1], lines)
    assert lines["class_weight"] == pytest.approx(weightedce.balanced([2, 1, 0, 1]), rel=1e-5)
    assert "The most frequent occurs 2 times as often as the rarest." in out


def test_several_columns_are_labels_of_their_own(tmp_path):
    path = tmp_path / "tags.csv"
    path.write_text("a,b,c\n1,true,0\n0,False,0\n0,1,0.0\n0,,0\n")
    three = [x for name in "abc" for x in ("--column", name)]
    found = json.loads(run("weights", path, *three, "--ignore", "", "--json")[1])
    assert found["label"] == ["a", "b", "c"]
    assert found["counts"] == [1, 2, 0]
    targets = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]])
    expected = weightedce.pos_weights(targets, mask=np.arange(12).reshape(4, 3) != 10)
    assert found["pos_weight"] == expected.tolist()
    assert found["notes"] == []
    path.write_text("a,b\n1,0\n0,1\n")
    _, out, note = run("weights", path, *three[:4])
    assert "as many ones as rows, 2: if each row has one of them, the columns are one-hot" in note
    assert "pos_weight = [1, 1]  # pos_weights" in out


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (
            "y\n" + "".join(f"u{i}\n" for i in range(30)),
            "looks like an identifier, not a label: 30",
        ),
        ("y\n1\n2\n3\n3\n", "no label is 0, the smallest is 1: if they are numbered from 1"),
        ("cat\ndog\ncat\n", "names of columns, one of which is also a label"),
        ("y\n0\n1\n2\n", None),
    ],
)
def test_what_looks_odd_gets_a_note(tmp_path, content, note):
    path = tmp_path / "labels.csv"
    path.write_text(content)
    status, _, error = run("weights", path)
    assert status == 0
    assert (note in error) if note else error == ""


def test_nothing_is_cut_in_80_columns(table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run("weights", table, "--column", "species")[1]
    assert "…" not in out
    for word in ("effective_", "frequency", "balanced", "damped"):
        assert word in out


def test_many_classes_are_not_all_printed(tmp_path):
    path = tmp_path / "labels.npy"
    np.save(path, np.arange(1000).repeat(2))
    out = run("weights", path)[1]
    assert "... and 800 more classes: --json has all of them" in out
    assert len(out.splitlines()) < 300
