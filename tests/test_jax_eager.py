"""Small batches of JAX outside of jit: by NumPy, in the same memory, with every derivative.

``on_devices`` runs in a process of its own: see `eight_devices`.
"""

from decimal import Decimal

import numpy as np
import pytest

import weightedce as w
from eight_devices import results
from libraries import LONG
from weightedce.call import evaluation, small

jax = pytest.importorskip("jax", reason="jax is not installed")

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(4, 3))
TARGETS = {
    "cross_entropy": RNG.integers(0, 3, 4),
    "ldam_cross_entropy": RNG.integers(0, 3, 4),
    "binary_focal_loss": RNG.integers(0, 2, (4, 3)),
}
OPTIONS = {"ldam_cross_entropy": {"counts": np.array([5, 3, 2])}}
DIRECTION = RNG.normal(size=(4, 3))
WAYS = {  # by value and derivative of each output
    "value": (lambda loss: loss, lambda value, _: value),
    "jacrev": (jax.jacrev, lambda _, rows: rows),
    "jacfwd": (jax.jacfwd, lambda _, rows: rows),
    "jvp": (
        lambda loss: lambda z: jax.jvp(loss, (z,), (DIRECTION,))[1],
        lambda _, rows: (rows * DIRECTION).sum(axis=(-2, -1)),
    ),
    "linearize": (
        lambda loss: lambda z: jax.linearize(loss, z)[1](DIRECTION),
        lambda _, rows: (rows * DIRECTION).sum(axis=(-2, -1)),
    ),
}
BEYOND = {  # what has to see the operations
    "hessian": jax.hessian,
    "vmap": lambda loss: lambda z: jax.vmap(jax.grad(loss))(z[None])[0],
    "jit": jax.jit,
}


def loss_of(name, reduction, **more):
    targets, options = jax.numpy.asarray(TARGETS[name]), OPTIONS.get(name, {})
    return lambda z: getattr(w, name)(z, targets, reduction=reduction, **options, **more)


@pytest.fixture
def at_once(monkeypatch):
    """Return a list of whether each call of a small batch was done at once."""
    found, original = [], small.at_once
    monkeypatch.setattr(small, "at_once", lambda *a: found.append(original(*a)) or found[-1])
    return found


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", TARGETS)
def test_values_and_derivatives_are_those_of_jit(name, reduction, at_once):
    loss = loss_of(name, reduction)
    expected = jax.jit(lambda z: (loss(z), jax.jacrev(loss)(z)))(Z)
    assert not at_once, "nothing is at once where jit looks"
    for way, (of, of_expected) in WAYS.items():
        at_once.clear()
        found = of(loss)(jax.numpy.asarray(Z))
        assert (len(at_once), None in at_once) == (1, False), way
        assert found.dtype == expected[0].dtype
        np.testing.assert_allclose(found, of_expected(*expected), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("way", BEYOND)
def test_who_looks_through_the_operations_sees_them(way, at_once):
    of = BEYOND[way](lambda z: w.binary_cross_entropy(z, TARGETS["binary_focal_loss"]))
    np.testing.assert_allclose(of(jax.numpy.asarray(Z)), jax.jit(of)(Z), rtol=1e-13, atol=1e-16)
    assert not at_once


GIVEN = {
    "targets": RNG.uniform(size=(4, 3)),
    "pos_weight": np.array([1.0, 2.0, 0.5]),
    "sample_weight": np.array([1.0, 2.0, 0.5, 1.5]),
}


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("name", GIVEN)
def test_weights_and_targets_have_derivatives(name, listed, at_once):
    def loss(z, x):
        more = {"targets": TARGETS["binary_focal_loss"], name: list(x) if listed else x}
        return w.binary_cross_entropy(z, more.pop("targets"), **more)

    if listed and name == "targets":
        pytest.skip("targets in a list are stacked before anybody looks")
    of = jax.grad(loss, (0, 1))
    z, x = jax.numpy.asarray(Z), jax.numpy.asarray(GIVEN[name])
    for found, expected in zip(of(z, x), jax.jit(of)(z, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)
    assert not at_once


OTHERS = {  # small batches that are not as most are: NumPy's values all the same
    "mask": {"mask": jax.numpy.asarray([True, False, True, True])},
    "ignored": {"ignore_index": 1, "sample_weight": jax.numpy.asarray([1.0, 2.0, 0.5, 0.0])},
    "first axis": {"axis": 0},
    "list": {"class_weight": [Decimal(1), Decimal(2), Decimal(3)]},
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_values_are_those_of_jit(name, monkeypatch):
    def refuse(*_):
        raise AssertionError("JAX computed in eager mode")

    options, y = OTHERS[name], TARGETS["cross_entropy"]
    z = Z.T if name == "first axis" else Z
    expected = jax.jit(lambda z: w.cross_entropy(z, y, **options))(z)
    monkeypatch.setattr(w.backends.backend_of(expected), "label_loss", refuse)
    found = w.cross_entropy(jax.numpy.asarray(z), jax.numpy.asarray(y), **options)
    assert isinstance(found, jax.Array)
    assert (found.dtype, found.weak_type) == (expected.dtype, False)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.skipif(not LONG, reason="JAX compiles every operation")
def test_what_the_formula_holds_may_be_an_array(monkeypatch):
    def refuse(*_):
        raise AssertionError("an array of JAX met those of NumPy")

    monkeypatch.setattr(evaluation, "made_of_host", refuse)
    counts, mask = jax.numpy.asarray([5, 3, 2]), jax.numpy.asarray([True, False, True, True])

    def loss(z):
        return w.ldam_cross_entropy(z, TARGETS["ldam_cross_entropy"], counts=counts, mask=mask)

    found = loss(jax.numpy.asarray(Z))
    assert isinstance(found, jax.Array)
    np.testing.assert_allclose(found, jax.jit(loss)(Z), rtol=1e-14)


def test_a_total_has_a_derivative():
    of = jax.value_and_grad(lambda z: loss_of("cross_entropy", "total")(z).loss)
    for found, expected in zip(of(jax.numpy.asarray(Z)), jax.jit(of)(Z), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("wide", [True, False])
def test_the_dtype_is_that_of_the_logits(wide):
    with jax.enable_x64(wide):
        z, y = jax.numpy.asarray(Z), jax.numpy.asarray(TARGETS["cross_entropy"])
        kind = "float64" if wide else "float32"
        for reduction in ("mean", "none", "total"):
            for found in jax.tree.leaves(w.cross_entropy(z, y, reduction=reduction)):
                assert (found.dtype, found.weak_type) == (kind, False)
        assert jax.grad(w.cross_entropy)(z, y).dtype == kind


def test_it_is_an_array_where_jit_is_switched_off():
    with jax.disable_jit():
        value, slope = jax.value_and_grad(loss_of("cross_entropy", "mean"))(jax.numpy.asarray(Z))
        assert isinstance(loss_of("cross_entropy", "mean")(jax.numpy.asarray(Z)), jax.Array)
    assert isinstance(value, jax.Array)
    assert isinstance(slope, jax.Array)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_nan_is_told_where_people_look_for_it(reduction):
    z = jax.numpy.asarray(np.where(np.arange(12).reshape(4, 3) == 5, np.nan, Z))
    with jax.debug_nans(True), pytest.raises(FloatingPointError, match="nan"):
        loss_of("cross_entropy", reduction)(z)


PLACES = {"free": (None, None), "put": (3, None), "both": (3, 3)}


def on_devices():
    """Return on which devices a loss and its gradient are, by where logits and targets were."""
    y, found = TARGETS["cross_entropy"], {}

    def put(x, place):
        return jax.device_put(x, None if place is None else jax.devices()[place])

    for name, (of_logits, of_targets) in PLACES.items():
        z, labels = put(Z, of_logits), put(y, of_targets)
        made = [*jax.value_and_grad(w.cross_entropy)(z, labels)]
        made += w.cross_entropy(z, labels, reduction="total")
        found[f"eager-{name}"] = np.array([[x.committed, x.device.id] for x in made])
    try:
        w.cross_entropy(put(Z, 0), put(y, 3))
    except ValueError as error:
        found["eager-apart"] = np.array(str(error))
    return found


@pytest.mark.parametrize("name", PLACES)
def test_a_loss_is_where_the_logits_are(name):
    place = PLACES[name][0]
    expected = [[place is not None, place or 0]] * 5
    np.testing.assert_array_equal(results()[f"eager-{name}"], expected)


def test_arrays_committed_to_two_devices_do_not_meet():
    assert "incompatible devices" in str(results()["eager-apart"])
