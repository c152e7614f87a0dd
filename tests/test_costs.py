"""Decisions by cost, and costs that differ by example."""

import numpy as np
import pytest

import weightedce as w

RANDOM = np.random.default_rng(0)
P = RANDOM.dirichlet(np.ones(3), 12)
COSTS = RANDOM.normal(size=(3, 4))
EACH = RANDOM.normal(size=(12, 3, 3))
BINARY = np.abs(RANDOM.normal(size=(12, 2, 2))) * [[0, 1], [1, 0]]
LABELS = np.arange(12) % 3


def value(library, function, *arrays):
    return library.numpy(function(*map(library.array, arrays)))


def test_the_cheapest_decision(library):
    found = value(library, lambda p: w.minimum_cost(p, COSTS), P)
    np.testing.assert_array_equal(found, (P @ COSTS).argmin(axis=1))
    assert len(set(found.tolist())) > 1
    found = value(library, lambda p: w.minimum_cost(p, EACH), P)
    np.testing.assert_array_equal(found, np.einsum("ik,ikj->ij", P, EACH).argmin(axis=1))


def test_two_classes_and_two_decisions_are_the_threshold():
    p = np.linspace(0.005, 0.995, 100)
    costs = [[0.0, 2.0], [7.0, -1.0]]
    expected = p > w.cost_threshold(tp=-1, fp=2, fn=7)
    np.testing.assert_array_equal(w.minimum_cost(p, costs), expected)
    both = np.stack([1 - p, p], axis=1)
    np.testing.assert_array_equal(w.minimum_cost(both, costs), expected)
    assert w.minimum_cost([0.9, 0.1], costs).tolist() == [1, 0]
    each = w.cost_threshold(fp=BINARY[:, 0, 1], fn=BINARY[:, 1, 0])
    p = RANDOM.random(12)
    np.testing.assert_array_equal(w.minimum_cost(p, BINARY), p > each)
    wide = RANDOM.random((12, 5))
    np.testing.assert_array_equal(w.minimum_cost(wide, BINARY), wide > each[:, None])


def test_the_first_of_those_that_cost_the_same():
    assert w.minimum_cost(np.array([[0.5, 0.5]]), np.ones((2, 3))).tolist() == [0]


@pytest.mark.parametrize(
    ("p", "costs"),
    [
        (P, np.ones((4, 4))),
        (P, np.ones((11, 3, 3))),
        (P, np.ones(3)),
        (P, np.ones((3, 0))),
        (P[:, 0], np.ones((3, 3))),
        (np.array(0.5), np.ones((1, 2, 2))),
    ],
)
def test_shapes_that_do_not_fit(p, costs):
    with pytest.raises(ValueError, match="cost_matrix: expected shape"):
        w.minimum_cost(p, costs)


def test_other_errors():
    with pytest.raises(ValueError, match="cost_matrix: expected finite"):
        w.minimum_cost(P, np.full((3, 3), np.nan))
    with pytest.raises(TypeError, match="probabilities: expected dtype"):
        w.minimum_cost(np.array([0, 1]), np.ones((2, 2)))


# --- costs by example ---


@pytest.mark.parametrize("kind", ["labels", "distribution", "smoothed"])
def test_expected_cost_of_classes_by_example(library, kind):
    z = RANDOM.normal(size=(12, 3))
    y = np.eye(3)[LABELS] * 0.5 + 1 / 6 if kind == "distribution" else LABELS
    more = {"label_smoothing": 0.1} if kind == "smoothed" else {}
    more |= {"class_weight": [1.0, 2.0, 4.0], "reduction": "none"}
    found = value(library, lambda z, y: w.expected_cost(z, y, EACH, **more), z, y)
    rows = [w.expected_cost(z[[i]], y[[i]], EACH[i], **more)[0] for i in range(12)]
    np.testing.assert_allclose(found, rows, rtol=1e-13)


@pytest.mark.parametrize("shape", [(12,), (12, 3)])
def test_expected_cost_of_elements_by_example(library, shape):
    z, y = RANDOM.normal(size=shape), RANDOM.integers(0, 2, shape)
    given = {"reduction": "none"}
    found = value(library, lambda z, y: w.expected_cost(z, y, BINARY, **given), z, y)
    rows = [w.expected_cost(z[i], y[i], BINARY[i], **given) for i in range(12)]
    np.testing.assert_allclose(found, rows, rtol=1e-14)


def test_the_gradient_by_example(differentiable):
    z = RANDOM.normal(size=(12, 3))

    def cost(z, y):
        return w.expected_cost(z, y, EACH, reduction="none")

    got = differentiable.evaluate("eager", cost, z, [LABELS], order=1)
    found = w.derivatives(w.expected_cost, z, LABELS, cost_matrix=EACH)
    np.testing.assert_allclose(got, found.first, rtol=1e-12, atol=1e-15)


def test_derivatives_cut_costs_by_example_with_the_rows(monkeypatch):
    from weightedce.curvature import rows

    z = RANDOM.normal(size=(12, 3))
    whole = w.derivatives(w.expected_cost, z, LABELS, cost_matrix=EACH)
    monkeypatch.setattr(rows, "BLOCK", 9)
    for a, b in zip(
        w.derivatives(w.expected_cost, z, LABELS, cost_matrix=EACH), whole, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_costs_that_do_not_fit_the_examples():
    for z, costs in ((P, EACH[:5]), (P, EACH[:, :2, :2]), (P[:, 0], BINARY[:5])):
        y = LABELS if z.ndim == 2 else LABELS > 1
        with pytest.raises(ValueError, match="cost_matrix: expected"):
            w.expected_cost(z, y, costs)


def test_thresholds_by_example():
    amounts = [10.0, 100.0, 1000.0]
    found = w.cost_threshold(fp=1, fn=amounts, tp=0.5)
    one = [w.cost_threshold(fp=1, fn=amount, tp=0.5) for amount in amounts]
    assert found.tolist() == one
    assert w.cost_threshold(fp=1e308, fn=1e308) == 0.5  # whose sum is no number
    far = w.cost_threshold(fp=np.array([3.0, 1e308]), fn=np.array([1e308, 1e308]))
    np.testing.assert_allclose(far, [3e-308, 0.5], rtol=1e-15)
    with pytest.raises(ValueError, match=r"fn: expected a cost above tp .*got fn\[1\] = 0.5"):
        w.cost_threshold(fp=1, fn=[1.0, 0.5], tp=0.5)
    with pytest.raises(ValueError, match=r"fp: expected a finite number .*fp\[0\] = nan"):
        w.cost_threshold(fp=[np.nan, 1.0], fn=1)
    with pytest.raises(ValueError, match=r"expected costs of one shape.*fp \(2,\), fn \(3,\)"):
        w.cost_threshold(fp=[1.0, 1.0], fn=[1.0, 2.0, 3.0])
