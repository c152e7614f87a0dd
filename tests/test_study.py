"""The study: what it reads, trains and says; one small table end to end."""

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import weightedce as w

sys.path.insert(0, str(Path(__file__).parent.parent))
from study import diagrams, finished, page, plan, ranks, results, show
from weightedce.comparison import network, table

DOCS = Path(__file__).parent.parent / "docs"
RESULTS = results.read(DOCS / "study.csv")
needs_jax = pytest.mark.skipif(not find_spec("jax"), reason="the network's slopes are JAX's")


# --- what is said of the committed table -----------------------------------------------------


def test_every_number_of_the_page_is_that_of_the_table():
    assert (DOCS / "study.md").read_text("utf-8") == page.text(RESULTS), (
        "nox -s study -- --no-train"
    )


@pytest.mark.parametrize(
    "path", ["README.md", "CONTRIBUTING.md", "docs/index.md", "docs/which-loss.md"]
)
def test_other_pages_count_the_tables_alike(path):
    said = re.findall(r"on (\d+) tables", (DOCS.parent / path).read_text("utf-8"))
    assert set(said) == {str(RESULTS["table"].nunique())}


@pytest.mark.parametrize("score", page.TITLES)
def test_the_pictures_are_of_the_table(score):
    drawn = (DOCS / "_static" / "study" / f"{score}.svg").read_text("utf-8")
    assert show.digest(DOCS / "study.csv") in drawn, "nox -s study -- --no-train"


# --- ranks -----------------------------------------------------------------------------------


def made(values, score="cost"):
    """Return results of a table a row and a loss a column."""
    values = np.asarray(values, float)
    lines = [
        {"table": f"t{i:02}", "model": "network", "training": name, "classes": 2, score: value}
        for i, row in enumerate(values)
        for name, value in zip(["plain", "good", "bad", "same"], row, strict=False)
    ]
    return pd.DataFrame(lines)


def test_a_loss_that_is_better_everywhere_is_surely_so():
    plain = np.random.default_rng(0).uniform(0.3, 0.4, size=20)
    found = ranks.compared(
        made(np.stack([plain, plain - 0.1, plain + 0.1, plain], axis=1)), "cost", "network"
    )
    assert [one.name for one in found.better] == ["good"]
    assert [one.name for one in found.worse] == ["bad"]
    assert found.of("good")[1:6] == pytest.approx((1.0, (plain - 0.1).mean(), 20, 0, 0.1))
    assert found.of("same").p == 1.0
    assert found.of("same").rank == 2.5
    assert found.friedman < 1e-6


def test_noise_is_not_told_apart():
    noise = np.random.default_rng(1).normal(size=(25, 4))
    found = ranks.compared(made(noise), "cost", "network")
    assert not found.better
    assert not found.worse
    assert found.friedman > 0.05


def test_the_critical_difference_is_that_of_the_paper():
    """Demšar (2006), table 5 and the example below it: q of 4 is 2.569, CD of 14 tables 1.25."""
    assert ranks.critical(14, 4) == pytest.approx(1.25, abs=0.005)
    assert ranks.critical(1, 10) == pytest.approx(3.164 * np.sqrt(10 * 11 / 6), rel=1e-3)


def test_p_values_are_corrected_by_holm():
    found = ranks._holm(np.array([0.02, 0.01, 0.5, 0.021]))
    np.testing.assert_allclose(found, [0.06, 0.04, 0.5, 0.06])


def test_a_score_that_is_good_when_high_is_ranked_so():
    values = np.random.default_rng(2).uniform(size=(10, 3))
    found = ranks.compared(made(values, "average_precision"), "average_precision", "network")
    expected = stats.rankdata(-values, axis=1).mean(axis=0)
    for name, rank in zip(["plain", "good", "bad"], expected, strict=True):
        assert found.of(name).rank == pytest.approx(rank)


def test_bars_join_what_chance_may_have_parted():
    assert diagrams.cliques([1.0, 2.0, 3.5, 6.0], 2.0) == [(1.0, 2.0), (2.0, 3.5)]
    assert diagrams.cliques([1.0, 5.0], 2.0) == []


# --- a run -----------------------------------------------------------------------------------


def test_a_run_that_was_stopped_goes_on(tmp_path):
    first, second = (plan.Cell("t", "network", name) for name in ("plain", "focal"))
    kept = finished.Finished(tmp_path / "a.jsonl", dict.fromkeys((first, second), "5 x 2"))
    kept.add(first, {"cost": [0.1]})
    with kept.path.open("a") as file:
        file.write('["5 x 2", ["t", "net')  # killed here
    assert kept.read() == {first: {"cost": [0.1]}}
    kept.add(second, {"cost": [0.2]})
    assert set(kept.read()) == {first, second}
    other = {first: "5 x 2", second: "5 x 2, gamma 3"}
    assert set(finished.Finished(kept.path, other).read()) == {first}


@needs_jax
@pytest.mark.parametrize("name", ["weighted", "asymmetric", "F1"])
def test_slopes_are_those_of_derivatives(name):
    from study.slopes import slopes
    from study.trainings import TRAININGS
    from weightedce.comparison.ways import Aim, balanced_costs

    counts = np.array([60, 10])
    loss, given = TRAININGS[name].made(Aim(counts, balanced_costs(counts)))
    z, y = np.random.default_rng(0).normal(size=(70, 2)), np.repeat([0, 1], counts)
    found = slopes(loss, z, y, reduction="mean", **given)
    assert found.loss == pytest.approx(float(loss(z, y, **given)), rel=1e-12)
    step = 1e-6 * np.random.default_rng(1).normal(size=z.shape)
    apart = float(loss(z + step, y, **given)) - float(loss(z - step, y, **given))
    assert (found.first * step).sum() * 2 == pytest.approx(apart, rel=1e-5)


@needs_jax
def test_a_small_table_end_to_end(tmp_path, monkeypatch):
    """Two losses; the second time nothing is trained; it is drawn."""
    from study import run

    monkeypatch.setattr(network, "STEPS", 40)

    random = np.random.default_rng(0)
    x = random.normal(size=(90, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1]})
    tables = {
        name: table.table(name, frame.assign(label=(x[:, 0] > level).astype(int)), "label", 2)
        for name, level in (("one", 1.0), ("two", 1.2))
    }
    given = (tables, ["plain", "weighted"], ["network"], 1, tmp_path / "cells.jsonl")
    found = run.run(*given)
    assert {cell.training for cell in found} == {"plain", "weighted"}
    assert len(json.loads(given[-1].read_text().splitlines()[0])[2]["cost"]) == 2

    def not_again(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(run, "measure", not_again)
    monkeypatch.setattr(page, "TITLES", {"balanced_accuracy": "", "log_loss": ""})
    assert run.run(*given) == found
    results.write(results.frame(found, tables), tmp_path / "study.csv")
    written = list(show.write(tmp_path / "study.csv", tmp_path))
    assert [path.stem for path in written] == list(page.TITLES)  # no page of a part
    text = written[0].read_text()
    assert show.digest(tmp_path / "study.csv") in text
    assert len(plan.cells(tables, ["plain", "seesaw", "F1"], ["network", "booster"])) == 10
    read = results.read(tmp_path / "study.csv")
    assert read["ratio"].tolist() == [
        round(t.counts.max() / t.counts.min(), 1) for t in tables.values() for _ in range(2)
    ]
    assert read["balanced_accuracy"].min() > 0.5


def test_the_network_takes_other_slopes_than_those_of_derivatives(monkeypatch):
    monkeypatch.setattr(network, "STEPS", 9)
    x = np.random.default_rng(0).normal(size=(40, 2))
    y = (x[:, 0] > 0).astype(int)
    asked = []

    def own(loss, logits, labels, **given):
        asked.append(given["reduction"])
        return w.derivatives(loss, logits, labels, **given)

    trained = [
        network.train(x, y, loss=w.cross_entropy, options={}, classes=2, seed=0, **more)(x)
        for more in ({}, {"derived": own})
    ]
    np.testing.assert_array_equal(*trained)
    assert set(asked) == {"mean"}
