"""The oracle against closed forms, and proof that the comparison can fail."""

import mpmath as mp
import numpy as np
import pytest

from weightedce import cross_entropy
from weightedce.validation import oracle, truth, ulp
from weightedce.validation.cases import Case
from weightedce.validation.truth import Exact, Truth


@pytest.mark.parametrize("z", [0.0, 16.6, -88.0, 700.0, -1000.0])
@mp.workdps(truth.DIGITS)
def test_binary_derivatives(z):
    row = Truth(lambda z: oracle.binary_cross_entropy(z[0]), [z])
    p = 1 / (1 + mp.exp(-mp.mpf(z)))
    for masses in ([1, 0], [0, 1], [mp.mpf("0.3"), 2]):
        positive, negative = masses
        gradient = negative * p - positive / (1 + mp.exp(mp.mpf(z)))
        second = (positive + negative) * p / (1 + mp.exp(mp.mpf(z)))
        assert mp.almosteq(row.gradient(masses, 0).number, gradient, rel_eps=1e-60)
        assert mp.almosteq(row.hessian(masses, 0, 0).number, second, rel_eps=1e-60)


@mp.workdps(truth.DIGITS)
def test_softmax_derivatives():
    z = [20.0, 0.5, -300.0]
    row = Truth(oracle.cross_entropy, z)
    e = [mp.exp(x) for x in z]
    p = [x / mp.fsum(e) for x in e]
    masses = [1, 0, 4]
    for i in range(3):
        assert mp.almosteq(row.gradient(masses, i).number, 5 * p[i] - masses[i], rel_eps=1e-60)
        for j in range(3):
            second = 5 * p[i] * ((i == j) - p[j])
            assert mp.almosteq(row.hessian(masses, i, j).number, second, rel_eps=1e-60)


@pytest.mark.parametrize(
    ("z", "y", "value", "gradient"),
    [(np.inf, 1, 0, 0), (np.inf, 0, mp.inf, 1), (-np.inf, 0, 0, 0), (-np.inf, 1, mp.inf, -1)],
)
def test_limits(z, y, value, gradient):
    case = Case("binary_cross_entropy", np.array([[z]]), np.array([[float(y)]]))
    assert case.value()[0].number == value
    assert case.gradient()[0].number == gradient


def test_undefined_limits_are_nan():
    for z in ([np.inf, np.inf, 0.0], [-np.inf, -np.inf], [0.0, np.nan]):
        assert mp.isnan(Truth(oracle.cross_entropy, z).value([1] * len(z)).number)


def test_ulps():
    one = Exact(mp.mpf(1), mp.mpf(1), mp.mpf(1))
    assert ulp.ulps(1.0, one, "float64") == 0
    assert ulp.ulps(1 + 2.0**-52, one, "float64") == 1
    assert ulp.ulps(1 - 9 * 2.0**-53, one, "float64") == 4.5
    assert ulp.ulps(1 + 2.0**-52, one, "float32") == 2.0**-29
    assert ulp.ulps(np.nan, one, "float64") == np.inf
    assert ulp.ulps(np.inf, one, "float64") == np.inf
    assert ulp.ulps(0.0, one, "float64") > 1e15
    infinite = Exact(mp.inf, mp.inf, 1)
    assert ulp.ulps(np.inf, infinite, "float64") == 0
    assert ulp.ulps(-np.inf, infinite, "float64") == np.inf
    assert ulp.ulps(1e308, infinite, "float64") == np.inf
    undefined = Exact(mp.nan, mp.nan, mp.nan)
    assert ulp.ulps(np.nan, undefined, "float64") == 0
    assert ulp.ulps(0.0, undefined, "float64") == np.inf


def test_cancelled_terms_are_measured_by_their_scale():
    cancelled = Exact(mp.mpf(2) ** -60, mp.mpf(1), mp.mpf(1))
    assert ulp.ulps(2.0**-52, cancelled, "float64") == pytest.approx(1, rel=0.01)
    assert ulp.ulps(2.0**-40, cancelled, "float64") > ulp.SECOND


def test_flushed_numbers():
    subnormal = Exact(mp.mpf("1e-40"), mp.mpf("1e-40"), mp.mpf(1))
    assert ulp.ulps(0.0, subnormal, "float32") == 0
    assert ulp.ulps(1e-36, subnormal, "float32") > ulp.SECOND
    assert ulp.ulps(0.0, Exact(mp.mpf("1e-36"), mp.mpf("1e-36"), mp.mpf(1)), "float32") > 1e6


def test_more_than_the_usual_ulp_needs_a_reason():
    known = oracle.BINARY | oracle.MULTICLASS | oracle.BATCH
    loose = {name for name, x in known.items() if x.looser > 1 or x.sensitivity}
    assert all(known[name].reason for name in loose)
    assert {name for name in loose if name.endswith("cross_entropy")} == {
        "vector_scaling_cross_entropy"
    }
    with pytest.raises(ValueError, match="reason"):
        oracle.define({}, looser=2.0)


@pytest.mark.parametrize("policy", ["target", "class"])
@pytest.mark.parametrize("smoothing", [0.125, (0.125, 0.25, 0.5)], ids=["one", "each"])
def test_smoothing_of_a_row_that_does_not_sum_to_1(smoothing, policy):
    q, z = (0.5, 0.0, 0.25), (0.0, 1.0, 2.0)
    options = {
        "class_weight": (1.0, 2.0, 3.0),
        "label_smoothing": smoothing,
        "smoothing_weight": policy,
    }
    masses, _ = truth.class_masses(q, **options)
    exact = mp.fsum(m * loss for m, loss in zip(masses, oracle.cross_entropy(z), strict=True))
    assert cross_entropy(np.array([z]), np.array([q]), **options) == pytest.approx(float(exact))
