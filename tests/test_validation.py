"""The harness itself: it must find planted faults, say where, and never pass in silence."""

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from xml.etree import ElementTree

import mpmath as mp
import numpy as np
import pytest
from hypothesis import strategies as st

import weightedce
from libraries import DIFFERENTIABLE, LIBRARIES, LONG
from weightedce.backends import backend_of
from weightedce.call import asked
from weightedce.call import small as small_batches
from weightedce.validation import catalog, hard_points, oracle, strategies, ulp
from weightedce.validation.cases import Case
from weightedce.validation.outputs import comparison, html, junit
from weightedce.validation.plan import Plan
from weightedce.validation.report import read_json
from weightedce.validation.rounding import round_to
from weightedce.validation.runner import validate

NAMES = tuple(name for name in LIBRARIES if name != "strict")
OTHERS = tuple(DIFFERENTIABLE)
SEEN = [name for name in NAMES if LONG or name != "jax"]  # seconds an operation: see snippets
LOSSES = ("binary_cross_entropy", "dice_loss")


def small(**options):
    """Return a plan that takes seconds."""
    given = {"losses": ("binary_cross_entropy",), "dtypes": ("float32",), "modes": ("eager",)}
    return Plan(**{"libraries": NAMES, "examples": 1, **given, **options})


@pytest.fixture(scope="module")
def report():
    return validate(small(losses=LOSSES, libraries=tuple(SEEN)))


def test_every_public_loss_has_a_definition():
    assert catalog.undefined() == []
    assert {"cross_entropy", "soft_confusion", "dice_loss"} <= set(catalog.losses())
    takes_logits = set(weightedce.losses.__all__) - {"linear_cross_entropy"}
    assert takes_logits <= set(catalog.losses())


def test_a_loss_without_a_definition_fails(monkeypatch):
    monkeypatch.delitem(oracle.BATCH, "dice_loss")
    report = validate(small(losses=("binary_cross_entropy", "dice_loss"), libraries=("numpy",)))
    assert not report.ok
    assert any("dice_loss: no definition" in problem for problem in report.problems)
    assert not validate(small(losses=("dice_loss",), libraries=("numpy",))).ok


def test_it_passes_and_covers(report):
    assert report.ok, [cell.key for cell in report.failing]
    seen = {(cell.call, cell.library, cell.order) for cell in report.cells if cell.comparisons}
    for loss in LOSSES:
        assert (loss, "numpy", "value") in seen
        for library in [name for name in SEEN if name != "numpy"]:
            assert {(loss, library, order) for order in ("value", "gradient", "second")} <= seen


def test_the_same_report_twice():
    """Under NumPy: TensorFlow's last bit may follow from where an array lies in memory."""
    plan = small(losses=LOSSES, libraries=("numpy",))
    first, again, other = (validate(x).to_dict() for x in (plan, plan, replace(plan, seed=1)))
    assert first.pop("seconds") >= 0
    again.pop("seconds")
    assert again == first
    assert other["cells"] != first["cells"]


def test_nothing_compared_is_a_failure():
    report = validate(small(modes=("xla",), libraries=("numpy",)))
    assert not report.ok
    assert "nothing was compared" in report.problems[0]


def test_a_library_that_is_asked_for_and_missing_fails():
    report = validate(small(libraries=("numpy",)), asked=("numpy",))
    assert report.ok
    absent = [name for name in ("torch", "jax", "tensorflow") if name not in NAMES]
    for name in absent:
        report = validate(small(libraries=("numpy", name)), asked=("numpy", name))
        assert not report.ok
        assert report.libraries[name] == "not installed"
        assert validate(small(libraries=("numpy", name))).ok


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("libraries", ("numpi",)),
        ("losses", ("crossentropy",)),
        ("dtypes", ("float16",)),
        ("modes", ("fast",)),
        ("examples", -1),
        ("tolerance", 0.0),
    ],
)
def test_bad_options_are_named(option, value):
    with pytest.raises(ValueError, match=r"--\w+: expected .*, got "):
        Plan(**{option: value})


@pytest.fixture
def in_general(monkeypatch):
    """Let no batch be a small one, which would go past what is planted."""
    monkeypatch.setattr(small_batches, "at_once", lambda *_: None)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.usefixtures("in_general")
def test_a_planted_fault_in_one_library_is_found_there(name, monkeypatch):
    """1 - p without digits, only in one library: its cells fail, the others' do not."""
    right = asked.attached
    library = DIFFERENTIABLE[name]
    kind = type(backend_of(library.array(np.zeros(1))))

    def wrong(block, logits, *factors):
        found = right(block, logits, *factors)
        return found + 1e-3 if isinstance(backend_of(logits), kind) else found

    monkeypatch.setattr(asked, "attached", wrong)
    plan = small(libraries=tuple(SEEN))
    if name not in SEEN:
        plan = small(libraries=(name,), modes=("jit",))
    report = validate(plan)
    assert {cell.library for cell in report.failing} == {name}
    cell = report.failing[0]
    assert cell.order == "value"
    assert cell.failing.got == pytest.approx(cell.failing.exact + 1e-3, rel=1e-3)
    assert cell.failing.ulp > cell.failing.allowed


@pytest.mark.usefixtures("in_general")
def test_a_wrong_dtype_is_found(monkeypatch):
    right = asked.attached
    monkeypatch.setattr(asked, "attached", lambda *a: right(*a).astype("float64"))
    report = validate(small(libraries=("numpy",)))
    (cell,) = report.failing
    assert cell.message == "dtype of the result: expected float32, got float64"


@pytest.mark.usefixtures("in_general")
def test_an_exception_is_a_failing_cell(monkeypatch):
    def broken(*_):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(asked, "attached", broken)
    report = validate(small(libraries=("numpy",)))
    assert [cell.message for cell in report.failing] == ["RuntimeError: no such kernel"]


@pytest.mark.parametrize(
    ("loss", "dtypes", "modes"),
    [
        ("cross_entropy", ("float32",), ("eager", "jit")),
        ("binary_cross_entropy", ("bfloat16",), ("eager", "function")),
        ("dice_loss", ("float64",), ("eager", "jit")),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_snippets_reproduce(name, loss, dtypes, modes):
    """With next to no tolerance everything fails, so there is a snippet for each cell."""
    if name == "jax" and "jit" in modes and not LONG:
        modes = ("jit",)  # a program each: without, one each operation of each case
    if not set(dtypes) <= set(LIBRARIES[name].dtypes):
        pytest.skip(f"{name} has no {dtypes} here")
    if not LONG and loss not in {"jax": "cross_entropy", "tensorflow": "binary"}.get(name, loss):
        pytest.skip("to write the derivatives of each case takes seconds")
    plan = small(
        libraries=(name,),
        losses=(loss,),
        dtypes=dtypes,
        modes=modes,
        tolerance=1e-9,
        examples=0,
    )
    cells = [cell for cell in validate(plan).failing if cell.failing]
    assert cells
    for cell in cells:
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile(cell.failing.snippet, str(cell.key), "exec"), {"__name__": "pasted"})
        number = float(said.getvalue().splitlines()[0].removeprefix("got"))
        where = f"{cell.key}\n{cell.failing.snippet}"
        assert number == pytest.approx(cell.failing.got, rel=1e-6, abs=1e-30), where
        assert repr(cell.failing.exact) in said.getvalue()


def test_json_goes_round(report, tmp_path):
    path = tmp_path / "report.json"
    report.write_json(path)
    found = json.loads(path.read_text())
    assert found["schema"] == 1
    assert found["ok"] is True
    back = read_json(path)
    assert [cell.key for cell in back.cells] == [cell.key for cell in report.cells]
    assert [cell.ulp for cell in back.cells] == [cell.ulp for cell in report.cells]
    path.write_text('{"schema": 99}')
    with pytest.raises(ValueError, match="schema 1, got 99"):
        read_json(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="expected a report"):
        read_json(path)


def faulty(report):
    """Return the report with one failing, one much worse and one missing cell."""
    first, second, third, *rest = [c for c in report.cells if c.comparisons]
    failing = replace(first, status="failed", failures=1, failing=first.worst)
    grown = replace(second, worst=replace(second.worst, ulp=second.ulp + 5))
    return replace(report, cells=[failing, grown, *rest]), (first, second, third)


def test_comparison_lists_what_got_worse(report):
    same = comparison.compare(report, report)
    assert not same.worse
    assert not same.versions
    new, (first, second, third) = faulty(report)
    found = comparison.compare(report, new)
    assert len(found.worse) == 3
    for cell, line in zip((first, second, third), found.worse, strict=True):
        assert cell.call in line
        assert cell.library in line
    assert "is gone" in found.worse[2]
    assert not comparison.compare(new, report).worse
    assert len(comparison.compare(new, report).better) == 1
    newer = replace(report, versions={**report.versions, "numpy": "99"})
    assert comparison.compare(report, newer).versions == [
        f"numpy: {report.versions['numpy']} -> 99"
    ]
    narrow = replace(report, cells=[], options={**report.options, "losses": ("cross_entropy",)})
    assert not comparison.compare(report, narrow).worse


def test_html_is_one_file_and_shows_what_fails(report, tmp_path):
    path = tmp_path / "report.html"
    new, (first, _, _) = faulty(report)
    html.write(new, path)
    text = path.read_text(encoding="utf-8")
    assert "FAILED" in text
    assert "http" not in text
    assert "src=" not in text
    assert html.anchor(first) in text
    assert f"numpy</th><td>{report.versions['numpy']}" in text
    html.write(report, path)
    assert "passed" in path.read_text(encoding="utf-8")


def test_junit_counts(report, tmp_path):
    path = tmp_path / "report.xml"
    new, _ = faulty(report)
    junit.write(replace(new, problems=["nothing was compared"]), path)
    suite = ElementTree.parse(path).getroot()
    assert suite.get("failures") == "2"
    assert len(suite.findall("testcase")) == int(suite.get("tests"))
    assert len(suite.findall(".//failure")) == 2


def test_bfloat16_without_its_library():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    random = np.random.default_rng(0)
    x = random.normal(size=1000) * 10.0 ** random.integers(-30, 30, 1000)
    x = np.append(x, [0.0, -0.0, np.inf, -np.inf, 1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8])
    expected = x.astype("float32").astype(ml_dtypes.bfloat16).astype("float64")
    np.testing.assert_array_equal(round_to(x, "bfloat16"), expected)
    limits = ml_dtypes.finfo(ml_dtypes.bfloat16)
    assert ulp.FORMATS["bfloat16"].largest == float(limits.max)
    assert ulp.FORMATS["bfloat16"].smallest_normal == float(limits.smallest_normal)


def test_ulp_are_those_of_the_format():
    exact = ulp.Expected.of([(mp.mpf(1), mp.mpf(1), mp.mpf(1))] * 2)
    for dtype, digits in (("float64", 52), ("float32", 23), ("bfloat16", 7)):
        got = ulp.distances([1.0, 1.0 + 2.0**-digits], exact, dtype)
        np.testing.assert_array_equal(got, [0.0, 1.0])
    assert ulp.allowed(8, "bfloat16", 1) < 0.51
    assert ulp.share(0.5, ulp.allowed(8, "bfloat16", 1), "bfloat16", 1) == 0


def test_drawn_is_the_same_for_the_same_seed():
    case = hard_points.cases("cross_entropy")["full-1"]
    strategy = strategies.like(case, 4)
    first, again, other = (strategies.drawn(strategy, 3, start) for start in (0, 0, 1))
    assert len(first) == 3
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.logits, b.logits)
        assert a.options == b.options
    assert any((a.logits != b.logits).any() for a, b in zip(first, other, strict=True))
    assert strategies.drawn(st.integers(), 0) == []


def test_losses_of_a_batch_against_closed_forms():
    z, y = np.array([[0.5], [-1.0], [3.0]]), np.array([[1.0], [0.0], [1.0]])
    case = Case("dice_loss", z, y)
    p = 1 / (1 + np.exp(-z))
    top, bottom = 2 * (p * y).sum(), p.sum() + y.sum()
    value = 1 - top / bottom
    slope = -(2 * y * bottom - top) / bottom**2 * p * (1 - p)
    assert float(case.value()[0].number) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(case.expected(1).number, slope, rtol=1e-13)
    h = 1e-5
    up, down = (
        Case("dice_loss", z + d, y).expected(1).number for d in (h, -h)
    )  # all logits at once: the sum of a row of second derivatives
    np.testing.assert_allclose(case.expected(2).number[..., 0], (up - down) / (2 * h), rtol=1e-7)


@pytest.mark.skipif("torch" not in NAMES, reason="needs torch")
def test_peers_of_torch():
    found = validate(small(libraries=("torch",), peers=True, dtypes=("float32", "float64")))
    assert found.ok  # peers fail nothing
    off = {(cell.call, cell.dtype, cell.order): cell for cell in found.peers_off}
    nan = off["torch F.binary_cross_entropy_with_logits, at ±inf", "float32", "value"]
    assert np.isnan(nan.failing.got)
    assert nan.failing.exact == 0
    kink = off["torch: max(z, 0) - z y + log1p(exp(-|z|))", "float32", "gradient"]
    assert kink.failing.arrays["logits"] == [[0.0, -0.0]]
    softplus = off["torch F.softplus(-z)", "float64", "value"]
    assert softplus.ulp > 1e5
    assert softplus.failing.arrays["logits"] == [[21.0, -21.0]]


@pytest.mark.skipif("torch" not in NAMES, reason="needs torch")
def test_peers_lose_the_loss_of_a_sure_answer():
    plan = small(losses=("cross_entropy",), libraries=("torch",), peers=True)
    off = {(cell.call, cell.order): cell for cell in validate(plan).peers_off}
    lost = off["torch: logsumexp(z) - z_y", "value"].failing
    assert lost.arrays["logits"] == [[20.0, 0.0, 0.0]]
    assert (lost.arrays["targets"], lost.got) == ([0], 0.0)


@pytest.mark.skipif("tensorflow" not in NAMES, reason="needs TensorFlow")
def test_peers_of_tensorflow():
    found = validate(small(libraries=("tensorflow",), peers=True))
    off = {(cell.call, cell.order): cell for cell in found.peers_off}
    kink = off["tf.nn.weighted_cross_entropy_with_logits", "gradient"].failing
    assert kink.arrays["logits"] == [[0.0, -0.0]]


@pytest.mark.skipif("jax" not in NAMES, reason="needs JAX")
def test_peers_of_optax():
    pytest.importorskip("optax")
    plan = small(
        losses=("cross_entropy",), libraries=("jax",), modes=("jit",), examples=0, peers=True
    )
    off = {cell.call: cell for cell in validate(plan).peers_off}
    outside = off["optax.softmax_cross_entropy_with_integer_labels, labels outside"].failing
    assert outside.arrays["targets"] == [-1]
    assert np.isfinite(outside.got)
