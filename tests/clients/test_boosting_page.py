"""The blocks of docs/boosting.md run and print what the page says; so does its real table."""

import sys

from test_quick_starts import DOCS, Page
from test_quick_starts import test_page as check


def test_the_page_on_boosting(tmp_path):
    check(DOCS / "boosting.md", Page(), tmp_path)


def test_the_real_tables(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(DOCS.parent / "examples"))
    import boosted_tables

    monkeypatch.setattr(sys, "argv", ["boosted_tables", "abalone19", "--boosters", "lightgbm"])
    boosted_tables.main()
    said = capsys.readouterr().out
    found = {
        tuple(line.split()[1:3]): [float(x) for x in line.replace("±", " ").split()[3:]]
        for line in said.splitlines()
        if line.startswith("lightgbm")
    }
    assert len(found) == 7
    for kind in ("weighted", "focal"):
        raw, undone = found[kind, "raw"], found[kind, "undone"]
        assert undone[0] < 0.6 * raw[0]  # the log loss
        assert undone[2] < 0.2 * raw[2]  # the calibration error
        assert undone[4] < raw[4]  # the cost
        assert undone[6:] == raw[6:]  # the order of the rows is as it was
