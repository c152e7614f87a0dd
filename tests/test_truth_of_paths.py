"""Every path that an eager call may take, held to the truth: what is in a batch decides."""

from dataclasses import replace
from functools import cache
from importlib import import_module

import numpy as np
import pytest

import weightedce as w
from libraries import BY_BLOCKS, LIBRARIES, LONG, MODES
from weightedce.call import at_once
from weightedce.call import small as small_batches
from weightedce.call.evaluation import Part
from weightedce.numerics import softmax
from weightedce.validation import hard_points, oracle, ulp
from weightedce.validation.binding import constants
from weightedce.validation.cases import Case
from weightedce.validation.problems import CaseProblem

# Losses that are made of a block that some backend replaces.
LABELS = ("cross_entropy", "focal_loss")
AT_ONCE = (
    "cross_entropy",
    "focal_loss",
    "poly_cross_entropy",
    "logit_adjusted_cross_entropy",
    "balanced_softmax_cross_entropy",
    "ldam_cross_entropy",
)
BINARY = ("binary_cross_entropy", "binary_focal_loss", "asymmetric_loss")
DRAWN = 135 if LONG else 24  # rows


def cases_of(loss):
    """Return the fixed cases, but for that without infinities, which `KINDS` make of the others."""
    return {k: x for k, x in hard_points.cases(loss).items() if k != hard_points.FINITE}


@cache
def problem(loss, name, dtype, *changes):
    """Return a fixed case, changed: its exact numbers are computed once for all libraries."""
    case = hard_points.cases(loss)[name]
    for change in changes:
        case = change(case)
    return CaseProblem(name, case.rounded(dtype))


def drawn(case, seed, scale, least, most, rows=DRAWN):
    """Return a few rows with random logits, which are the same in every dtype: one truth."""
    fields = ("logits", "targets", "sample_weight", "mask")
    found = {k: getattr(case, k) for k in fields if getattr(case, k) is not None}
    found = {k: x[:rows] for k, x in found.items()}
    z = np.random.default_rng(seed).normal(scale=scale, size=found["logits"].shape)
    return replace(case, **found | {"logits": np.clip(z, least, most).astype("float32") * 1.0})


def near(case):
    """Return the case with logits that need no shift."""
    return drawn(case, 3, 2.0, -1.0, 7.0)


def finite(case):
    """Return the rows of the case without an infinite logit."""
    rows = np.isfinite(case.logits).all(axis=-1)
    assert rows.sum() >= 10, "the case has too few such rows to say anything"
    per_row = ("logits", "targets", "sample_weight", "mask")
    given = {name: getattr(case, name) for name in per_row}
    return replace(case, **{k: v[rows] for k, v in given.items() if v is not None})


def hard(case):
    """Return the finite rows of the case with targets that are 0 or 1, each at every logit."""
    case = finite(case)
    y = np.stack([case.targets >= 0.5, case.targets < 0.5])

    def twice(x):
        return None if x is None else np.concatenate([x, x])

    per_row = {k: twice(getattr(case, k)) for k in ("logits", "sample_weight", "mask")}
    return plain(replace(case, targets=np.concatenate([*y]) * 1.0, **per_row))


def unmasked(case):
    return replace(case, mask=None)


def plain(case):
    """Return the case without smoothing."""
    return replace(case, options={**case.options, "label_smoothing": 0.0})


def small(case, spread=12.0, most=38.0):
    """Return the case as a small batch most often is: nothing masked, nothing far out."""
    if case.loss in AT_ONCE:
        case = drawn(case, 4, spread, -most, most)
    if case.loss in AT_ONCE[1:]:  # of labels
        y = case.targets if case.targets.ndim == 1 else case.targets.argmax(axis=1)
        case = plain(replace(case, targets=y))
    return unmasked(finite(case))


def wide(case):
    """Return the same with logits whose exponentials are too large, or none."""
    return small(case, spread=80.0, most=400.0)


def calm(case):
    """Return a few rows with logits in the middle of the range, targets 0 or 1 if it has two."""
    case = small(unmasked(case), spread=9.0)
    case = drawn(case, 5, 9.0, -38.0, 18.0, rows=135 if LONG else 12)
    return hard(case) if case.loss in BINARY else case


KINDS = {"near": near, "finite": finite}  # what decides which path is taken
# JAX has NumPy's numbers: see test_jax_eager
SMALL = [*BY_BLOCKS, *(LIBRARIES[x] for x in ("jax",) if LONG and x in LIBRARIES)]
LOOK = [x for x in LIBRARIES.values() if LONG or x.name != "jax"]  # JAX looks at no number


def is_taken(loss, dtype):
    """Whether to hold a loss: what depends on the range of float64 is the same for all losses."""
    return LONG or dtype == "float32" or loss in hard_points.CORE


def of_losses(*losses):
    """Try each loss in float32, and the plain ones in float64."""
    both = [(x, dtype) for x in losses for dtype in ("float64", "float32") if is_taken(x, dtype)]
    return pytest.mark.parametrize(("loss", "dtype"), both)


def of_libraries(libraries):
    return pytest.mark.parametrize("library", libraries, ids=lambda library: library.name)


def hold(library, given, dtype, mode="eager", *, apart=False):
    """Hold value and gradient to the truth; compiled as one program, or ``apart``."""
    orders = (0, 1) if library.differentiable else (0,)
    # eager each alone: a value that wants no gradient takes a way of its own
    for wanted in [(order,) for order in orders] if apart or mode == "eager" else [orders]:
        with library.scope(dtype):
            arrays = [library.array(x, dtype) for x in (given.logits, *given.arrays.values())]
            results = library.prepare(mode, given.function, wanted, given.batched)(*arrays)
        for order, result in zip(wanted, results, strict=True):
            got = library.numpy(result)
            found = ulp.distances(got, given.expected(order), str(got.dtype))
            assert (found <= given.limits(order)).all(), (given.name, order, found.max())


@pytest.mark.parametrize("kind", KINDS)
@of_losses(*LABELS, *BINARY)
@of_libraries(LOOK)
def test_truth_without_what_is_infinite(library, loss, dtype, kind, monkeypatch):
    """Eager paths may depend on the batch: one with an infinite logit does not show them all."""
    if library.name == "tensorflow" and dtype == "float64" and not LONG:
        pytest.skip("what it looks at does not depend on the dtype")
    in_general(library, monkeypatch)
    shifts, original = [], softmax.unshifted
    monkeypatch.setattr(softmax, "unshifted", lambda *a: shifts.append(original(*a)) or shifts[-1])
    for name in cases_of(loss):
        hold(library, problem(loss, name, dtype, KINDS[kind]), dtype)
    if loss == "cross_entropy" and library.name in ("numpy", "torch", "tensorflow"):
        assert set(shifts) == {kind == "near"}


def in_general(library, monkeypatch):
    """Let no batch be a small one."""
    backend = w.backends.backend_of(library.array(np.zeros(1)))
    monkeypatch.setattr(type(backend), "views", lambda *_: None)


@pytest.mark.parametrize("kind", [small, wide])
@of_losses(*AT_ONCE, *BINARY)
@of_libraries(SMALL)
def test_truth_of_small_batches(library, loss, dtype, kind, monkeypatch):
    """They go through NumPy's arrays at once, value and slope."""
    # the fixed cases of binary losses are as wide
    changes = (hard, unmasked) if kind is wide and loss in BINARY else (kind,)
    found, original = [], small_batches.at_once
    monkeypatch.setattr(
        small_batches, "at_once", lambda *a: found.append(original(*a)) or found[-1]
    )
    names = [name for name in cases_of(loss) if "each" not in name]  # seldom, so not at once
    for name in names:
        hold(library, problem(loss, name, dtype, *changes), dtype)
    assert len(found) >= len(names)
    if kind is small:
        assert None not in found, "a small batch was left to the others"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [*AT_ONCE, *BINARY])
@of_libraries(BY_BLOCKS)
def test_truth_of_calm_batches(library, loss, dtype, monkeypatch):
    """In the middle of the range nothing is looked at afterwards; NumPy may raise whatever it is.

    LDAM's is scaled there by 30, and out of it, but for the cases with another scale.
    """
    seen, original = [], at_once.is_calm
    monkeypatch.setattr(at_once, "is_calm", lambda *a: seen.append(original(*a)) or seen[-1])
    monkeypatch.setattr(at_once, "FEW", 2**30)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for name in cases_of(loss):
            if "each" not in name:
                hold(library, problem(loss, name, dtype, calm), dtype)
    assert any(seen)
    assert all(seen) or loss == "ldam_cross_entropy"


@pytest.mark.skipif("torch" not in LIBRARIES, reason="torch is not installed")
@of_losses("cross_entropy", *BINARY)
def test_truth_of_torchs_passes(loss, dtype, monkeypatch):
    """Of many logits torch takes exponentials, sums and blocks in NumPy's memory."""
    from weightedce.backends.torch import at_once as passes

    for limit in ("FEW", "FEW_LOGS", "MANY"):
        monkeypatch.setattr(passes, limit, 0)
    for name in cases_of(loss):
        for change in (small, hard, calm) if loss in BINARY else (small,):
            hold(LIBRARIES["torch"], problem(loss, name, dtype, change, unmasked), dtype)


# a logit, and others whose exponentials are rounded: by themselves, or times a small prior
LOW = {"float32": (-60.0, -95.0, -78.0), "float64": (-600.0, -735.0, -698.0)}


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("cross_entropy", {}),
        ("cross_entropy", {"label_smoothing": 1e-3}),
        ("logit_adjusted_cross_entropy", {"prior": (1.0, 0.5, 0.25), "tau": 1.0}),
        ("logit_adjusted_cross_entropy", {"prior": (1.0, 2.0**-32, 2.0**-33), "tau": 1.0}),
    ],
)
@of_libraries(SMALL)
def test_truth_of_small_batches_far_below(library, loss, options, dtype):
    own, other, rare = LOW[dtype]
    if 2.0**-32 in options.get("prior", ()):
        other = rare
    z = np.array([[own, other, other - 1.5], [other, own, other + 0.7], [own, own, other]])
    case = Case(loss, z, np.array([0, 1, 0]), options=options)
    hold(library, CaseProblem("below", case.rounded(dtype)), dtype)


@pytest.mark.parametrize("kind", KINDS)
@of_losses(*BINARY)
@of_libraries(BY_BLOCKS)
def test_truth_of_sums(library, loss, dtype, kind, monkeypatch):
    """A sum goes another way than one number per element."""
    parts = []
    original = Part.with_slope
    monkeypatch.setattr(Part, "with_slope", lambda *a: parts.append(a) or original(*a))
    hold_sums(library, loss, dtype, KINDS[kind])
    assert parts, "the formula with its slope was not taken"


@pytest.mark.skipif("torch" not in LIBRARIES, reason="torch is not installed")
@of_losses("binary_cross_entropy", "binary_focal_loss")
def test_truth_of_sums_of_hard_targets_in_torch(loss, dtype, monkeypatch):
    from weightedce.backends.torch import slope

    taken, original = [], slope._one_side
    monkeypatch.setattr(slope, "_one_side", lambda *a: taken.append(a) or original(*a))
    hold_sums(LIBRARIES["torch"], loss, dtype, hard)
    assert len(taken) > 10, "the form of one side was not taken"


def hold_sums(library, loss, dtype, change):
    """Hold sums, each of one element, and the gradient of the sum of all to the truth."""
    names = [*cases_of(loss)]
    if not LONG:  # the others come with other factors, which are made before there is a sum
        names = [x for x in names if x.startswith(hard_points.FULL) or x in ("plain", "soft")]
    for name in names:
        given = problem(loss, name, dtype, change)
        options = constants(given.case) | {"reduction": "sum"}
        arrays = {k: library.array(x, dtype) for k, x in given.arrays.items() if k != "mask"}
        whole = np.ones(given.logits.shape, dtype=bool)
        keep = whole if given.case.mask is None else given.case.mask
        for order in (0, 1) if library.differentiable else (0,):
            got = np.zeros(whole.shape, dtype)
            for i in np.flatnonzero(keep) if order == 0 else [None]:
                alone = keep & (whole if i is None else np.arange(got.size).reshape(got.shape) == i)
                z = library.array(given.logits, dtype)
                if order:
                    z.requires_grad_()
                mask = library.array(alone)
                found = getattr(w, loss)(z, **arrays, **options, mask=mask)
                if order:
                    found.backward()
                    got = library.numpy(z.grad)
                else:
                    got.flat[i] = library.numpy(found)
            far = ulp.distances(got, given.expected(order), dtype)
            assert (far <= given.limits(order)).all(), (name, order, far.max())


@pytest.mark.skipif("torch" not in LIBRARIES, reason="torch is not installed")
@pytest.mark.parametrize("few", [0, 2**13])
@pytest.mark.parametrize("kind", KINDS)
@of_losses(*BINARY)
def test_truth_of_few_and_many_elements_in_torch(loss, dtype, kind, few, monkeypatch):
    """Few elements take torch's own softplus; the batches of these tests are all of few."""
    from weightedce.backends.torch import slope

    calls, original = [], slope._softplus

    def softplus(z, out=None):
        calls.append(z if out is None else None)  # hard targets take it whatever their number
        return original(z, out)

    in_general(LIBRARIES["torch"], monkeypatch)
    monkeypatch.setattr(slope, "FEW", few)
    monkeypatch.setattr(slope, "_softplus", softplus)
    for name in cases_of(loss):
        hold(LIBRARIES["torch"], problem(loss, name, dtype, KINDS[kind]), dtype)
    assert any(z is not None for z in calls) == bool(few)


@pytest.fixture
def many_classes(library, monkeypatch):
    """Let three classes count as many, which lie otherwise in memory or are looked up."""
    rooms = {
        "numpy": ["blocks"],
        "jax": ["labels"],
        "tensorflow": ["labels", "mass", "slope"],
    }
    wing = f"weightedce.backends.{library.name}"
    modules = [import_module(f"{wing}.{room}") for room in rooms[library.name]]
    for module in modules:
        for limit in ("FEW", "NARROW"):
            if hasattr(module, limit):
                monkeypatch.setattr(module, limit, 0)
    graphs = [x for room in modules for x in vars(room).values() if hasattr(x, "cache_clear")]
    for graph in graphs:
        graph.cache_clear()
    yield
    for graph in graphs:
        graph.cache_clear()


def hold_labels(library, loss, dtype, *changes):
    """Hold every case of a loss with labels to the truth, without smoothing: labels alone."""
    taken = [k for k, case in cases_of(loss).items() if case.targets.ndim < case.logits.ndim]
    assert taken
    few = library.name == "jax" and not LONG  # a program each
    for name in taken[: 1 if few else None]:
        hold(library, problem(loss, name, dtype, *changes, plain), dtype, shortest(library))


def shortest(library):
    """Return the mode in which a case takes least time: JAX compiles each eager operation."""
    return "jit" if library.name == "jax" and not LONG else "eager"


@of_losses(*oracle.MULTICLASS)
@of_libraries(LIBRARIES.values())
def test_truth_of_labels_without_smoothing(library, loss, dtype):
    if library.name == "jax" and not LONG and (dtype == "float64" or loss not in LABELS):
        pytest.skip("compiles every case, as the other dtype and losses do")
    hold_labels(library, loss, dtype)


@pytest.mark.parametrize("changes", [(), (near,)], ids=["hard", "near"])
@of_losses(*LABELS)
@of_libraries([LIBRARIES[name] for name in ("numpy", "jax", "tensorflow") if name in LIBRARIES])
@pytest.mark.usefixtures("many_classes")
def test_truth_of_labels_of_many_classes(library, loss, dtype, changes):
    if library.name == "jax" and not LONG and (dtype == "float64") == bool(changes):
        pytest.skip("compiles every case, near ones in float32 and hard ones in float64")
    hold_labels(library, loss, dtype, *changes)


FAR = {  # rows of two logits near the ends of what can be shifted, and beyond whole numbers
    "float32": [(87.9, 87.5), (88.0, 88.0), (3e8, 0.0), (4e8, 0.0), (1.5e9, 1.5e9), (-4e8, -5e8)],
    "float64": [(708.95, 708.0), (709.0, 709.0), (7.49e17, 0.0), (1e300, 1e300), (-1e18, -2e18)],
}
EVERY_MODE = [pytest.param(*x, id=f"{x[0].name}-{x[1]}") for x in MODES]


@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one-hot"])
@pytest.mark.parametrize("dtype", FAR)
@pytest.mark.parametrize(("library", "mode"), EVERY_MODE)
def test_truth_far_out(library, mode, dtype, one_hot):
    graph = mode in ("function", "xla") and (one_hot or dtype == "float64")
    if (graph or mode == "compile") and not LONG:  # in Inductor there is nothing but more classes
        pytest.skip("a compiler makes of it what it makes of labels in float32")
    z = np.repeat(np.array(FAR[dtype]), 2, axis=0)
    labels = np.arange(len(z)) % 2
    targets = np.eye(2)[labels] if one_hot else labels
    case = Case("cross_entropy", z, targets, options={})
    # a value alone is another program
    apart = dtype == "float32" and (LONG or mode not in library.slow)
    hold(library, CaseProblem("far", case.rounded(dtype)), dtype, mode, apart=apart)


@pytest.mark.parametrize("dtype", FAR)
@of_libraries(LIBRARIES.values())
def test_truth_of_ties_far_out(library, dtype):
    z = np.full((2, 10), 1e8)
    case = Case("cross_entropy", z, np.array([0, 9]), options={})
    hold(library, CaseProblem("ties", case.rounded(dtype)), dtype, shortest(library))


@pytest.mark.parametrize("classes", [4, 6, 10, 33])
@pytest.mark.parametrize(("library", "mode"), EVERY_MODE)
def test_truth_of_more_classes(library, mode, classes):
    """Compilers make other code of few classes than of many: unrolled, or in whole vectors."""
    taken = {"compile": (10,), "xla": (33,)}.get(mode, (4, 6, 33))
    if classes not in taken and not LONG:
        pytest.skip("Inductor adds up 10 one by one, XLA unrolls few as three: see test_truth")
    z = np.random.default_rng(classes).normal(scale=9.0, size=(10, classes))
    labels = np.arange(10) % classes
    z[1, :] = 30.0
    z[2, labels[2]] = z[3, 0] = np.inf
    z[4, 1:3] = z[4].max() + 1.0
    z[5, 1:] = -np.inf
    z[6] += 200.0
    z[7] -= 200.0
    z[8, labels[8]] = 60.0
    z[9] = 82.0 - 0.5 * np.arange(classes)  # its exponentials lack a factor of 1e-36
    weight = np.where(np.arange(10) == 9, 1e-6, 1.0)
    case = Case("cross_entropy", z, labels, options={}, sample_weight=weight)
    hold(library, CaseProblem("more", case.rounded("float32")), "float32", mode)


def hold_distributions(library, mode, classes, smoothing):
    """Hold distributions, or labels that are smoothed, to the truth in hard rows."""
    rng = np.random.default_rng(classes)
    z = rng.normal(scale=9.0, size=(12, classes))
    labels = np.arange(12) % classes
    q = rng.random((12, classes))
    q[4:6, 1] = 0.0
    q[8:10] = np.eye(classes)[labels[8:10]]
    z[1, :] = 30.0
    z[2, labels[2]] = z[3, 0] = np.inf
    z[4, 1] = z[5, 1] = -np.inf  # without mass, but where labels are smoothed
    z[5, 2:4] = z[5].max() + 1.0
    z[6] += 200.0
    z[7] -= 200.0
    z[8, labels[8]] = z[8].max() + 20.0  # right, with a loss of 1e-9
    z[9] = np.where(np.arange(classes) == labels[9], 0.0, -np.inf)
    z[10, 2:] = -np.inf
    z[11] = 82.0 - 0.5 * np.arange(classes)  # its exponentials lack a factor of 1e-36
    weight = np.where(np.arange(12) == 11, 1e-6, 1.0)
    given = labels if smoothing else q
    highest = z.max(axis=1)
    near, every = (highest >= 0.0) & (highest <= 20.0), np.isfinite(z).all(axis=1)
    kinds = [slice(None), np.isfinite(highest), near, every, near & every]
    # what compiles a program makes the same of all of them
    looks = library in LOOK and mode in ("eager", "function")
    if library.name == "tensorflow" and not LONG:  # which looks at the maxima alone
        kinds = kinds[:3]
    for rows in (kinds if mode == "eager" else kinds[:: len(kinds) - 1]) if looks else kinds[:1]:
        options = {"label_smoothing": smoothing}
        some = Case(
            "cross_entropy", z[rows], given[rows], options=options, sample_weight=weight[rows]
        )
        assert len(some.logits)
        hold(library, CaseProblem("more", some.rounded("float32")), "float32", mode)


@pytest.mark.parametrize(
    ("classes", "smoothing"), [(4, 0.0), (10, 0.01), *([(4, 0.01), (10, 0.0)] if LONG else [])]
)
@pytest.mark.parametrize(("library", "mode"), EVERY_MODE)
def test_truth_of_distributions_over_more_classes(library, mode, smoothing, classes):
    """Backends have forms of their own for few classes, for infinite maxima and for ties."""
    if (mode == "compile" or (mode != "eager" and classes == 4)) and not LONG:
        pytest.skip("compilers have one form of distributions: see also test_truth")
    hold_distributions(library, mode, classes, smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.01])
@pytest.mark.parametrize(
    ("library", "mode"),
    [case for case in EVERY_MODE if case.values[0].name in ("numpy", "tensorflow")],
)
@pytest.mark.usefixtures("many_classes")
def test_truth_of_distributions_over_many_classes(library, mode, smoothing):
    graph = library.name == "tensorflow" and (mode, smoothing) not in (
        ("eager", 0.0),
        ("function", 0.01),
    )
    if graph and not LONG:
        pytest.skip("a graph has the same kernels for both, and XLA none of them")
    hold_distributions(library, mode, 4, smoothing)


@pytest.mark.parametrize(("library", "mode"), EVERY_MODE)
def test_no_class_is_possible(library, mode):
    if mode == "compile" and not LONG:
        pytest.skip("Inductor makes of it what it makes of any logits: see those far out")
    z, y = np.full((2, 3), -np.inf), np.array([0, 2])
    given = CaseProblem("nothing", Case("cross_entropy", z, y, options={}))
    with library.scope("float64"):
        arrays = [library.array(z), library.array(y)]
        orders = (0, 1) if library.differentiable else (0,)
        for got in library.prepare(mode, given.function, orders, given.batched)(*arrays):
            assert np.isnan(library.numpy(got)).all()


def test_the_losses_above_exist():
    assert set(LABELS) | set(BINARY) <= {*oracle.BINARY, *oracle.MULTICLASS}
