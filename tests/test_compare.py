"""The command that tries the losses on a table of one's own: what it reads, trains and says."""

import gzip
import json
import re
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from typer.testing import CliRunner

import weightedce as w
from weightedce.command import app
from weightedce.comparison import features, network, pasted, scores, table, trial, verdict, ways

RANDOM = np.random.default_rng(0)
N = 900
X = RANDOM.normal(size=(N, 3))
RARE = (X[:, 0] + X[:, 1] ** 2 + RANDOM.normal(scale=1.5, size=N) > 3.8).astype(int)


def frame(**columns):
    return pd.DataFrame({"x": X[:, 0], "z": X[:, 1], **columns, "label": RARE})


def written(folder, data, name="data.csv", **options):
    data.to_csv(folder / name, index=False, **options)
    return folder / name


def of(data, column="label", folds=2):
    return table.table("data", data, column, folds)


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.TSV.gz", "a.parquet"])
def test_files_of_every_kind_are_the_same_table(tmp_path, name):
    data = frame(word=np.where(RARE, "yes", "no"))
    if "parquet" in name:
        data.to_parquet(tmp_path / name)
    else:
        written(tmp_path, data, name, sep="\t" if "tsv" in name.lower() else ",")
    pd.testing.assert_frame_equal(table.read(tmp_path / name), data, check_dtype=False)


def test_semicolons_and_byte_order_marks_are_read(tmp_path):
    path = written(tmp_path, frame(), sep=";", encoding="utf-8-sig")
    assert list(table.read(path)) == ["x", "z", "label"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [0.5, 1.5, 2.0], "Label": [0, 1, 0], "b": [1, 2, 1]}, "Label"),
        ({"a": [0.5, 1.5, 2.0], "kind": ["u", "v", "u"]}, "kind"),
        ({"kind": ["u", "v", "u"], "a": [0.5, 1.5, 2.0]}, None),  # nothing says which
        ({"a": [0.5, 1.5, 2.0], "b": [0.25, 1.0, 2.0]}, None),
        ({"a": [0.5, 1.5, 2.0], "b": [0.0, 1.0, np.nan]}, "b"),  # whole numbers with a gap
    ],
)
def test_the_column_of_the_classes_is_found_or_asked_for(columns, expected):
    assert table.label_column(pd.DataFrame(columns)) == expected


def test_columns_without_use_are_named():
    data = frame(row=range(N), same=1, name=[f"n{i}" for i in range(N)], sex=["f", "m"] * (N // 2))
    found = of(data)
    assert list(found.features) == ["x", "z", "sex"]
    assert [re.search(r"'(\w+)'", note)[1] for note in found.notes] == ["row", "same", "name"]


def test_rows_without_a_label_are_left_out_and_numbers_stay_whole():
    labels = np.where(np.arange(N) % 10 == 3, np.nan, RARE)
    found = of(frame().assign(label=labels))
    assert len(found.labels) == N - N // 10
    assert found.classes == ("0", "1")
    np.testing.assert_array_equal(found.labels, RARE[np.arange(N) % 10 != 3])
    assert "90 rows" in found.notes[0]


def test_a_sample_has_equal_shares():
    found = table.fewer(of(frame()), 200)
    assert len(found.labels) == len(found.features) == 200
    assert found.counts[1] == round(200 * RARE.mean())
    assert "200 of the 900" in found.notes[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("a,label\n", "no rows"),
        ("a,a.1,a\n1,2,0\n", "--column"),
        ("x,label\n" + "1.5,0\n" * 30 + "2.5,1\n" * 3, "at least 4 rows of each class"),
        ("x,label\n" + "1.5,0\n" * 30, "--column: which one"),
        ("row,label\n" + "".join(f"{i},{i % 2}\n" for i in range(30)), "no column is left"),
        ("0.5,1\n0.25,0\n", "the first line is no header, but numbers"),
        ("x,label\n1,0\n1,2,3,4\n", "no table"),
    ],
)
def test_errors_are_one_line(tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text)
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "a.csv"), "--folds", "2"])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", gzip.compress(bytes(range(256)) * 9, mtime=0)[:99], "damaged, or not packed"),
        ("a.csv.gz", b"secret,label\n", "damaged, or not packed"),
        ("a.parquet", b"secret", "a damaged Parquet file"),
        ("a.csv", "\xe9,label\n".encode("latin-1"), "no text in UTF-8"),
    ],
)
def test_a_damaged_file_is_named_and_not_shown(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    result = CliRunner().invoke(app, ["compare", str(tmp_path / name)])
    assert result.exit_code == 2
    assert f"{name}: {said}" in result.stderr
    assert "secret" not in result.stderr
    assert "se'" not in result.stderr  # as gzip shows what it finds


def test_what_the_error_of_a_rare_class_does_not_show():
    with pytest.raises(ValueError, match="got 1 of the rarest") as raised:
        of(pd.DataFrame({"x": X[:, 0], "label": ["secret", *["other"] * (N - 1)]}))
    assert "secret" not in str(raised.value)


def test_columns_that_cannot_be_learnt_from_are_left_out():
    lists, infinite = [[1, 2]] * N, np.where(RARE, np.inf, X[:, 0])
    found = of(frame(lists=lists, infinite=infinite))
    assert list(found.features) == ["x", "z"]
    assert "'lists' is left out: it holds lists" in found.notes[0]
    assert "'infinite' is left out: it holds infinities" in found.notes[1]
    assert "label" in table.candidates(frame(lists=lists))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--column", "q"], "expected one of x, z, label"),
        (["--column", "lebel"], "did you mean 'label'"),
        (["--missed-cost", "-1"], "--missed-cost"),
        (["--model", "booster"], "LightGBM"),
    ],
)
def test_options_that_do_not_fit(tmp_path, arguments, said, monkeypatch):
    monkeypatch.setattr("weightedce.comparison.boosters.installed", lambda: None)
    path = written(tmp_path, frame())
    result = CliRunner().invoke(app, ["compare", str(path), *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


# --- features, training, scores --------------------------------------------------------------


def test_only_training_rows_say_how_columns_become_numbers():
    train = pd.DataFrame({"a": [1.0, np.nan, 3.0, 8.0], "w": ["u", "v", None, "u"]})
    test = pd.DataFrame({"a": [np.nan, 100.0], "w": ["new", "v"]})
    x, held = features.numbers(train, test)
    np.testing.assert_allclose(x[:, :2].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x[1, 0], x[2, 0])  # the median of 1, 3 and 8
    np.testing.assert_allclose(held[0, 0], x[1, 0])
    assert held[0, 2:].sum() == 0  # a word that training did not show
    assert held[1, 2:].sum() == 1


@pytest.mark.parametrize("name", ways.TRAININGS)
def test_the_slope_of_the_network_is_that_of_its_value(name):
    aim = ways.Aim(np.array([30, 20, 10]), np.array([0.5, 1.0, 3.0]))
    training = ways.TRAININGS[name]
    random = np.random.default_rng(1)
    parts = [random.normal(size=s) for s in ((3, 4), (4,), (4, 3), (3,))]
    given = (X[:20], np.arange(20) % 3, training.loss, training.options(aim))
    flat = np.concatenate([part.ravel() for part in parts])
    _, slope = network.value_and_slope(parts, *given)
    for place in range(0, flat.size, 5):
        step = np.zeros(flat.size)
        step[place] = 1e-5
        above, below = (
            network.value_and_slope(network.split(flat + side * step, parts), *given)[0]
            for side in (1, -1)
        )
        assert slope[place] == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-9)


def test_costs_that_are_balanced_are_one_less_macro_recall():
    aim = ways.Aim(np.array([6, 2]), ways.balanced_costs(np.array([6, 2])))
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    decided = np.array([0, 0, 0, 1, 1, 0, 1, 0])
    log_p = np.log(np.where(np.eye(2, dtype=bool)[decided], 0.75, 0.25))
    found = scores.scores(labels, decided, log_p, aim, rare=1)
    assert found.missed == 0.5
    assert found.false_alarms == pytest.approx(1 / 3)
    assert found.balanced_accuracy == pytest.approx((4 / 6 + 1 / 2) / 2)
    assert found.cost == pytest.approx(1 - found.balanced_accuracy)
    assert found.log_loss == pytest.approx(-(5 * np.log(0.75) + 3 * np.log(0.25)) / 8)
    sure = np.where(np.eye(2, dtype=bool)[labels], -np.inf, 0.0)  # what undo_loss may leave
    worst = scores.scores(labels, decided, sure, aim, rare=1)
    assert worst.log_loss == pytest.approx(-np.log(np.finfo(float).tiny))
    assert worst.average_precision == pytest.approx(0.25)


@pytest.mark.parametrize("name", ways.TRAININGS)
def test_what_a_loss_bends_is_taken_back(name):
    """Where the expected loss is least, the probabilities are those of the data."""
    aim = ways.Aim(np.array([60, 30, 10]), np.array([0.5, 1.0, 3.0]))
    training = ways.TRAININGS[name]
    eta = np.array([0.7, 0.2, 0.1])

    def expected(z):
        found = [
            w.derivatives(training.loss, [z], [y], reduction="sum", **training.options(aim))
            for y in range(3)
        ]
        slope = sum(p * one.first[0] for p, one in zip(eta, found, strict=True))
        return sum(p * float(one.loss) for p, one in zip(eta, found, strict=True)), slope

    z = minimize(expected, np.zeros(3), jac=True, method="BFGS", options={"gtol": 1e-10}).x[None]
    np.testing.assert_allclose(np.exp(ways.log_probabilities(training, z, aim))[0], eta, rtol=1e-5)


# --- the whole -------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def brief():
    """Train a third as long: what is asked here is decided by then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "STEPS", 60)
        yield


@pytest.fixture(scope="module")
def found():
    given = of(frame())
    aim = ways.Aim(given.counts, ways.balanced_costs(given.counts))
    told = []
    made = trial.run(given, aim, ["network"], 3, 2, told.append)
    assert len(told) == trial.steps(["network"], 3, 2)
    return made


def test_a_moved_threshold_or_weights_help_where_plain_misses(found):
    assert verdict.advised(found, "network") not in (ways.PLAIN, "focal")
    against = verdict.difference(found, "network", ways.MOVED, ways.PLAIN)
    assert against.sure
    assert against.mean < 0
    assert "instead of" in verdict.sentence(found, "network")
    by_way = found.found["network"]
    assert len({one.average_precision for one in by_way[ways.PLAIN]}) == 6  # folds and seeds
    for plain, moved in zip(by_way[ways.PLAIN], by_way[ways.MOVED], strict=True):
        assert plain.average_precision == moved.average_precision
        assert plain.log_loss == moved.log_loss


def test_nothing_helps_where_there_is_nothing_to_learn():
    given = of(frame().assign(label=np.arange(N) % 2))
    aim = ways.Aim(given.counts, ways.balanced_costs(given.counts))
    noise = trial.run(given, aim, ["network"], 2, 1, lambda _: None)
    assert verdict.advised(noise, "network") == ways.PLAIN
    assert "Leave the loss as it is" in verdict.sentence(noise, "network")


def test_intervals_are_those_of_nadeau_and_bengio():
    costs = {"a": [0.3, 0.5, 0.4, 0.6], ways.PLAIN: [0.2, 0.6, 0.1, 0.3]}
    made = {k: [SimpleNamespace(cost=c) for c in v] for k, v in costs.items()}
    fake = SimpleNamespace(found={"m": made}, folds=2)
    got = verdict.difference(fake, "m", "a", ways.PLAIN)
    apart = np.array([0.1, -0.1, 0.3, 0.3])
    assert got.mean == pytest.approx(0.15)
    # t of 3 degrees, variance times 1/4 + (half held out) / (half trained on)
    assert got.half_width == pytest.approx(3.182446 * np.sqrt(apart.var(ddof=1) * 1.25), rel=1e-6)


@pytest.mark.parametrize(("place", "library"), [(0, "torch"), (1, "keras")])
def test_the_lines_name_classes_that_are_there(place, library):
    stub = (Path(w.__file__).parent / library / "__init__.pyi").read_text()
    for names in pasted.NAMES.values():
        assert f"class {names[place]}(" in stub


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("name", ways.TRAININGS)
def test_the_lines_to_paste_run(library, name):
    if not find_spec(library):
        pytest.skip(f"{library} is not installed")
    aim = ways.Aim(np.array([60, 30, 10]), ways.balanced_costs(np.array([60, 30, 10])))
    code = pasted.lines(name, name != "weighted focal", aim, library)
    logits, labels = RANDOM.normal(size=(8, 3)), np.arange(8) % 3
    names = {"logits": logits, "labels": labels}
    exec(code, names)
    if library == "torch":
        import torch

        loss = names["loss"](torch.tensor(logits), torch.tensor(labels))
    else:
        loss = names["loss"]
    training = ways.TRAININGS[name]
    as_torch = (library, name) == ("torch", "weighted")  # which divides by the weights
    given = training.options(aim) | ({"reduction": "weighted_mean"} if as_torch else {})
    expected = training.loss(logits, labels, **given)
    np.testing.assert_allclose(float(loss), expected, rtol=1e-5)  # weights have six digits
    if "decided" in names:
        log_p = ways.log_probabilities(training, logits, aim)
        np.testing.assert_array_equal(
            names["decided"], ways.decide(ways.Way(name, True, ""), logits, log_p, aim)
        )


def test_the_command_tells_writes_and_prints_json(tmp_path):
    path = written(tmp_path, frame(kind=np.where(RARE, "<b>", "plain")).drop(columns="label"))
    quick = ["--folds", "2", "--seeds", "1", "--model", "network"]
    page = tmp_path / "page.html"
    result = CliRunner().invoke(
        app, ["compare", str(path), *quick, "--html", str(page), "--library", "keras"]
    )
    assert result.exit_code == 0, result.output
    assert "column kind" in result.stderr
    assert "moved threshold" in result.stdout
    text = page.read_text()
    assert text.count("<svg") == 4
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert not re.search(r'(src|href)="http', text)

    result = CliRunner().invoke(app, ["compare", str(path), *quick, "--json", "--missed-cost", "9"])
    summary = json.loads(result.stdout)
    assert summary["classes"] == {"<b>": int(RARE.sum()), "plain": int(N - RARE.sum())}
    assert summary["costs"] == {"<b>": 9.0, "plain": 1.0}
    assert summary["models"]["network"]["ways"].keys() == ways.WAYS.keys()
