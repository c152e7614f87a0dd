"""Losses under a constraint: one step against the definition, training, and what must not move."""

import math

import mpmath as mp
import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES

GOALS = [("recall", 0.9), ("specificity", 0.75), ("precision", 0.6)]
STATE = w.ConstraintState(
    *(np.array(x) for x in ([0.7, -1.1], [31.0, 4.5], [40.0, 9.0], [300.0, 20.0], [5e3, 5e3]))
)
RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(9, 2)) * 3
Y = (RANDOM.random((9, 2)) < 0.4).astype(float)
Y[0] = 0.25, 0.75
WEIGHT = RANDOM.uniform(0.5, 2.0, size=9)
MASK = np.arange(9) != 4
K_STATE = w.ConstraintState(
    *(np.array(x) for x in ([0.0, 1.3, -0.4], [5.0, 30.0, 8.0], [9.0, 40.0, 9.0],
                            [70.0, 20.0, 10.0], [100.0] * 3))
)  # fmt: skip
K_Z, K_Y = RANDOM.normal(size=(9, 3)) * 3, RANDOM.integers(0, 3, 9)


def learned(state, found, predicted, positives, examples, name, r):
    """One step for one label by its definition, with 60 digits."""
    log, met, cases, seen, all_seen = map(mp.mpf, state)
    if r == 0:
        r, asked = mp.mpf(1) / 2, False
    else:
        r, asked = mp.mpf(r), True
    counted = {
        "recall": (found, positives, positives),
        "specificity": (examples - positives - predicted + found,) + (examples - positives,) * 2,
        "precision": (found, predicted, positives),
    }
    hits, of, telling = counted[name]
    window = 10 / (r * (1 - r))
    keep = window / (window + telling)
    met, cases = met * keep + hits, cases * keep + of
    still = mp.mpf(10) ** 5 / (mp.mpf(10) ** 5 + examples)
    seen, all_seen = seen * still + positives, all_seen * still + examples
    rate = (met + (1 if name == "precision" else r)) / (cases + 1)
    violation = max(-1, min(1, (r - rate) / (r * (1 - r)))) if asked else 0
    step = mp.mpf(0.01) * min(1, telling / 4) * violation
    top = mp.log(mp.mpf(10) ** 4)
    return max(-top, min(top, log + step)), met, cases, seen, all_seen


def binary_truth(name, r):
    """State, loss and gradient of a batch of two labels."""
    keep = MASK.astype(int)
    n = mp.mpf(2 * int(keep.sum()))
    states, loss, slope = [], mp.mpf(0), [[mp.mpf(0)] * 2 for _ in range(9)]
    for k in range(2):
        rows = [i for i in range(9) if keep[i]]
        s = {i: mp.mpf(WEIGHT[i]) for i in rows}
        y = {i: mp.mpf(Y[i, k]) for i in rows}
        counts = (
            mp.fsum(s[i] * y[i] for i in rows if Z[i, k] > 0),
            mp.fsum(s[i] for i in rows if Z[i, k] > 0),
            mp.fsum(s[i] * y[i] for i in rows),
            mp.fsum(s[i] for i in rows),
        )
        state = learned([x[k] for x in STATE], *counts, name, r)
        states.append(state)
        up = state[0] if name == "recall" else -state[0]
        part, share = 1 / (1 + mp.exp(-up)), state[3] / state[4]
        pos, neg = part / share, (1 - part) / (1 - share)
        for i in rows:
            p = 1 / (1 + mp.exp(-mp.mpf(Z[i, k])))
            loss += s[i] * (-y[i] * pos * mp.log(p) - (1 - y[i]) * neg * mp.log(1 - p)) / n
            slope[i][k] = s[i] * (-y[i] * pos * (1 - p) + (1 - y[i]) * neg * p) / n
    return loss, slope, list(zip(*states, strict=True))


def class_truth(name, rates):
    """State, loss and gradient of a batch of three classes, labels."""
    p = [[mp.exp(mp.mpf(x)) for x in row] for row in K_Z]
    p = [[x / mp.fsum(row) for x in row] for row in p]
    top, s = K_Z.argmax(axis=1), [mp.mpf(x) for x in WEIGHT]
    states = []
    for k, r in enumerate(rates):
        counts = (
            mp.fsum(s[i] for i in range(9) if top[i] == k == K_Y[i]),
            mp.fsum(s[i] for i in range(9) if top[i] == k),
            mp.fsum(s[i] for i in range(9) if K_Y[i] == k),
            mp.fsum(s),
        )
        states.append(learned([x[k] for x in K_STATE], *counts, name, r))
    free = [k for k, r in enumerate(rates) if r == 0]
    sign = 1 if name == "recall" else -1
    parts = [mp.exp(sign * states[k][0]) for k in range(3) if k not in free] + [1] * bool(free)
    together = mp.fsum(states[k][3] for k in free)
    weights = []
    for k in range(3):
        part = 1 if k in free else mp.exp(sign * states[k][0])
        share = (together if k in free else states[k][3]) / states[k][4]
        weights.append(part / mp.fsum(parts) / share)
    loss, slope = mp.mpf(0), []
    for i, y in enumerate(K_Y):
        each = s[i] * weights[y] / 9
        loss -= each * mp.log(p[i][y])
        slope.append([each * (p[i][k] - (k == y)) for k in range(3)])
    return loss, slope, list(zip(*states, strict=True))


def hold(got, exact, limit, where):
    """Hold numbers to exact ones, in units of 2**-52 of each; what is 0 is 0."""
    got = np.asarray(got, dtype="float64").ravel()
    flat = [x for row in exact for x in row] if isinstance(exact, list) else [exact]
    for i, (mine, true) in enumerate(zip(got, flat, strict=True)):
        error = abs(mp.mpf(float(mine)) - true)
        assert error <= limit * mp.mpf(2) ** -52 * abs(true), f"{where}[{i}]: {mine}, not {true}"


def evaluated(library, mode, function, z, *rest):
    """Return loss, gradient and state, whichever library."""
    if library.name in ("numpy", "strict"):
        loss, state = function(*(library.array(x) for x in (z, *rest)))
        return np.asarray(loss), None, [np.asarray(x) for x in state]
    if library.name == "torch":
        torch = library.torch
        run = torch.compile(function, fullgraph=True) if mode == "compiled" else function
        z, *rest = (torch.tensor(x) for x in (z, *rest))
        loss, state = run(z.requires_grad_(), *rest)
        loss.backward()
        assert not any(x.requires_grad for x in state)
        return loss.detach(), z.grad, state
    if library.name == "jax":
        jax = library.jax
        run = jax.jit(jax.value_and_grad(function, has_aux=True))  # eager, the same bit by bit
        (loss, state), slope = run(*map(jax.numpy.asarray, (z, *rest)))
        return loss, slope, state
    tf = library.tf

    def run(z, *rest):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss, state = function(z, *rest)
        return loss, tape.gradient(loss, z), state

    given = [tf.constant(x) for x in (z, *rest)]
    unknown = [tf.TensorSpec([None, *x.shape[1:]] if i < 2 else x.shape, x.dtype)
               for i, x in enumerate(given)]  # fmt: skip
    return (tf.function(run, input_signature=unknown) if mode == "compiled" else run)(*given)


EAGER, COMPILED = ("numpy", "strict", "torch", "tensorflow"), ("torch", "jax", "tensorflow")
MODES = {"eager": EAGER, "compiled": COMPILED}


def is_taken(library, mode, name, classes=False):
    """Whether a mode shows something: what a compiler is given differs little by the goal."""
    if mode == "compiled" and (name != "precision" or (library.name == "torch" and classes)):
        return False
    return library.name in MODES[mode]


@pytest.mark.parametrize(("name", "r"), GOALS)
@pytest.mark.parametrize("mode", MODES)
def test_one_step_of_labels_is_its_definition(library, mode, name, r):
    if not is_taken(library, mode, name):
        return

    def function(z, y, *state):
        options = {"axis": 1, "sample_weight": WEIGHT, "mask": MASK, name: [r, r]}
        return w.constrained_binary_cross_entropy(z, y, w.ConstraintState(*state), **options)

    with mp.workdps(60):
        loss, slope, states = binary_truth(name, r)
        got = evaluated(library, mode, function, Z, Y, *STATE)
        hold(got[0], loss, 16, "loss")
        if got[1] is not None:
            hold(got[1], slope, 16, "gradient")
        for field, value, exact in zip(STATE._fields, got[2], states, strict=True):
            hold(value, [exact], 8, field)


@pytest.mark.parametrize(("name", "r"), GOALS)
@pytest.mark.parametrize("mode", MODES)
def test_one_step_of_classes_is_its_definition(library, mode, name, r):
    if not is_taken(library, mode, name, classes=True):
        return

    def function(z, y, *state):
        options = {"sample_weight": WEIGHT, name: {1: r, 2: 0.5}}
        return w.constrained_cross_entropy(z, y, w.ConstraintState(*state), **options)

    with mp.workdps(60):
        loss, slope, states = class_truth(name, [0, r, 0.5])
        got = evaluated(library, mode, function, K_Z, K_Y, *K_STATE)
        hold(got[0], loss, 16, "loss")
        if got[1] is not None:
            hold(got[1], slope, 32, "gradient")
        for field, value, exact in zip(STATE._fields, got[2], states, strict=True):
            hold(value, [exact], 8, field)


def test_two_classes_are_yes_and_no():
    z, y = Z[:, 0], (Y[:, 0] > 0.5).astype(int)
    pair = np.stack([np.zeros(9), z], axis=1)
    for name, r in GOALS:
        one = two = None
        for _ in range(5):
            loss, one = w.constrained_binary_cross_entropy(z, y, one, **{name: r})
            other, two = w.constrained_cross_entropy(pair, y, two, **{name: {1: r}})
            assert other == pytest.approx(loss, rel=1e-6)  # of a float32 state
            assert two.log_multiplier[1] == pytest.approx(one.log_multiplier, rel=1e-5)


def test_no_gradient_flows_to_the_state_nor_through_it(differentiable):
    """Targets want a gradient too: it is that of the same loss with weights that are constant."""
    soft = np.full((9, 2), 0.3) + 0.1 * Y

    def function(y, z, *state):
        return w.constrained_binary_cross_entropy(
            z, y, w.ConstraintState(*state), axis=-1, recall=0.9
        )

    _, got, state = evaluated(differentiable, "eager", function, soft, Z, *STATE)
    part = 1 / (1 + np.exp(-np.asarray(state[0])))
    share = np.asarray(state[3]) / np.asarray(state[4])
    pos, neg = part / share, (1 - part) / (1 - share)
    expected = (pos * np.logaddexp(0, -Z) - neg * np.logaddexp(0, Z)) / 18
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)

    def of_state(log, z, y, *others):
        before = w.ConstraintState(log, *others)
        return w.constrained_binary_cross_entropy(z, y, before, axis=-1, recall=0.9)

    if differentiable.name == "jax":  # the others say that there is none
        _, got, _ = evaluated(differentiable, "eager", of_state, STATE[0], Z, Y, *STATE[1:])
        assert not np.asarray(got).any()


def table(n=4000, share=0.03, seed=0):
    """Features and labels of which the rare ones can be told, but not well."""
    random = np.random.default_rng(seed)
    y = random.random(n) < share
    return (random.normal(size=(n, 3)) + 0.9 * y[:, None]).astype("float32"), y.astype("float32")


TRAININGS = [("recall", 0.8), ("recall", 0.95), ("specificity", 0.9), ("precision", 0.3)]


@pytest.mark.parametrize(("name", "r"), TRAININGS)
def test_training_meets_the_constraint(name, r):
    """Fails for a step in the wrong direction, and without one."""
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp

    x, y = map(jnp.asarray, table())

    def loss(theta, rows, state):
        z = x[rows] @ theta[1:] + theta[0]
        return w.constrained_binary_cross_entropy(z, y[rows], state, **{name: r})

    def step(carry, at):
        theta, moments, state = carry
        rows, rate = at
        (_, state), slope = jax.value_and_grad(loss, has_aux=True)(theta, rows, state)
        moments = 0.9 * moments + slope
        return (theta - rate * moments, moments, state), None

    steps = 1500
    random = np.random.default_rng(1)
    rows = np.concatenate([random.permutation(4000)[:3968].reshape(-1, 128) for _ in range(49)])
    rates = 0.05 * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    zeros = jnp.zeros(4)
    start = zeros, zeros, w.ConstraintState.start()
    run = jax.jit(lambda start, xs: jax.lax.scan(step, start, xs)[0])
    theta, _, state = run(start, (rows[:steps], rates.astype("float32")))
    above = np.asarray(x @ theta[1:] + theta[0] > 0)
    right = {
        "recall": above[y == 1].mean(),
        "specificity": 1 - above[y == 0].mean(),
        "precision": np.asarray(y)[above].mean(),
    }
    assert right[name] == pytest.approx(r, abs=0.02 if name != "precision" else 0.04)
    assert float(state.rate()) == pytest.approx(r, abs=0.1)


def test_what_cannot_be_met_stops_at_the_bound():
    """Positives among negatives that are alike: no recall with half the multiplier's bound."""
    z, y = np.array([-5.0, -5.0, 5.0]), np.array([1, 0, 0])
    state = None
    for _ in range(800):
        options = {"recall": 0.9, "max_multiplier": 3.0, "learning_rate": 0.1}
        loss, state = w.constrained_binary_cross_entropy(z, y, state, **options)
    assert state.log_multiplier == pytest.approx(math.log(3), rel=1e-6)
    expected = w.binary_cross_entropy(z, y, pos_weight=0.75 * 3, neg_weight=0.25 * 1.5)
    assert loss == pytest.approx(expected, rel=1e-6)  # and weights are 1 on average
    for _ in range(800):
        _, state = w.constrained_binary_cross_entropy(-z, y, state, **options)
    assert state.log_multiplier == pytest.approx(-math.log(3), rel=1e-6)


def test_who_predicts_no_positive_is_drawn_back():
    _, state = w.constrained_binary_cross_entropy(-np.ones(8), np.eye(8)[0], precision=0.9)
    assert state.log_multiplier < 0  # less weight on the negatives


def test_without_training_the_state_stays():
    before = w.ConstraintState(*(x[0] for x in STATE))
    loss, after = w.constrained_binary_cross_entropy(
        Z[:, 0], Y[:, 0], before, recall=0.9, training=False
    )
    assert tuple(map(float, after)) == tuple(map(float, before))
    part, share = 1 / (1 + math.exp(-0.7)), 0.06
    pos, neg = part / share, (1 - part) / (1 - share)
    plain = w.binary_cross_entropy(Z[:, 0], Y[:, 0], pos_weight=pos, neg_weight=neg)
    assert loss == pytest.approx(plain, rel=1e-12)
    start, _ = w.constrained_binary_cross_entropy(Z, Y, recall=0.9, training=False)
    assert start == pytest.approx(w.binary_cross_entropy(Z, Y), rel=1e-12)


def test_a_label_of_which_nothing_is_asked_is_plain():
    losses, state = w.constrained_binary_cross_entropy(
        Z, Y, axis=-1, recall=[0.9, 0], reduction="none"
    )
    plain = w.binary_cross_entropy(Z, Y, reduction="none")
    np.testing.assert_array_equal(losses[:, 1], plain[:, 1])
    assert (losses[:, 0] != plain[:, 0]).all()
    assert state.log_multiplier[1] == 0 != state.log_multiplier[0]


def test_what_is_masked_counts_nowhere():
    z, y, kept = Z.copy(), Y.copy(), ~np.isnan(np.where(Y == 1, np.nan, Y))
    _, expected = w.constrained_binary_cross_entropy(Z, Y, mask=kept, specificity=0.9)
    z[~kept], y[~kept] = np.nan, np.nan
    for options in ({"mask": kept}, {"ignore_index": math.nan}):
        loss, state = w.constrained_binary_cross_entropy(z, y, specificity=0.9, **options)
        assert np.isfinite(loss)
        np.testing.assert_array_equal(state, expected)
    labels = np.where(np.arange(9) < 3, -1, K_Y)
    _, masked = w.constrained_cross_entropy(K_Z[3:], K_Y[3:], recall=0.9)
    _, ignored = w.constrained_cross_entropy(K_Z, labels, recall=0.9, ignore_index=-1)
    np.testing.assert_array_equal(masked, ignored)


def test_labels_along_any_axis():
    _, last = w.constrained_cross_entropy(K_Z, K_Y, recall=0.9)
    maps = np.moveaxis(K_Z.reshape(3, 3, 3), -1, 1)
    _, first = w.constrained_cross_entropy(maps, K_Y.reshape(3, 3), recall=0.9, axis=1)
    np.testing.assert_array_equal(last, first)
    _, last = w.constrained_binary_cross_entropy(Z, Y, recall=0.9, axis=-1)
    _, first = w.constrained_binary_cross_entropy(Z.T, Y.T, recall=0.9, axis=0)
    np.testing.assert_allclose(last, first, rtol=1e-6)


def test_decisions_beside_another_threshold():
    _, state = w.constrained_binary_cross_entropy(Z, Y > 0.5, recall=0.9, threshold=1.0)
    assert state.met == (Z[Y > 0.5] > 1).sum()


BINARY, CLASSES = w.constrained_binary_cross_entropy, w.constrained_cross_entropy
BAD = {
    "none": ("recall, specificity, precision: expected one.*got none", BINARY, {}),
    "two": ("recall=0.9, precision=0.5", BINARY, {"recall": 0.9, "precision": 0.5}),
    "one": ("recall: expected.*1.5", BINARY, {"recall": 1.5}),
    "all": ("recall: expected rates below 1.*1.0", BINARY, {"recall": 1.0}),
    "negative": ("precision.*-1", BINARY, {"precision": [0.5, -1], "axis": -1}),
    "without axis": (r"recall: expected one number.*axis.*\(2,\)", BINARY, {"recall": [0.9, 0.8]}),
    "three": (r"recall: .*\(2,\), got shape \(3,\)", BINARY, {"recall": [0.5] * 3, "axis": 1}),
    "classes": (r"recall: .*\(3,\), got shape \(2,\)", CLASSES, {"recall": [0.5, 0.5]}),
    "class": ("recall: expected numbers for classes in 0..2, got one for 3", CLASSES,
              {"recall": {3: 0.5}}),
    "rate": ("learning_rate: expected 0 <= learning_rate <= 1", BINARY,
             {"recall": 0.9, "learning_rate": 2.0}),
    "bound": ("max_multiplier: expected 1 <=", BINARY, {"recall": 0.9, "max_multiplier": 0.5}),
    "shape": (r"state.log_multiplier: expected shape \(2,\), got \(\).*start\(2\)", BINARY,
              {"recall": 0.9, "axis": -1, "state": w.ConstraintState.start()}),
    "state": ("state: expected None or a ConstraintState, the tuple .*got dict", BINARY,
              {"recall": 0.9, "state": {}}),
    "half": ("state.log_multiplier: expected float32 or float64", BINARY,
             {"recall": 0.9, "state": [np.zeros((), "float16")] * 5}),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    message, loss, options = BAD[name]
    batch = (Z, Y) if loss is BINARY else (K_Z, K_Y)
    with pytest.raises((ValueError, TypeError), match=message):
        loss(*batch, **options)


def test_half_precision_logits_leave_the_state_in_float32():
    torch = LIBRARIES["torch"].torch if "torch" in LIBRARIES else pytest.importorskip("torch")
    z = torch.tensor(Z, dtype=torch.bfloat16)
    loss, state = w.constrained_binary_cross_entropy(z, torch.tensor(Y), recall=0.9)
    assert {x.dtype for x in (loss, *state)} == {torch.float32}
