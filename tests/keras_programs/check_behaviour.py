"""What ours do that Keras's do not, and what they refuse."""

import inspect
import json
import re
from math import nan

import keras
import numpy as np
import pytest
from tools import BACKEND, LONG, OFTEN, gradient, masked, numpy, tensor

import weightedce
from weightedce import keras as ours
from weightedce.objects import stub
from weightedce.objects.docstring import entries, sections

RANDOM = np.random.default_rng(1)
Z = RANDOM.normal(size=(6, 4)).astype("float32")
Y = RANDOM.integers(0, 2, (6, 4))
LABELS = RANDOM.integers(0, 4, 6)
COUNTS = [50, 30, 15, 5]
COSTS = RANDOM.uniform(0, 3, (4, 4)).tolist()

# (class, options, function of the library, its options, targets)
CLASSES = [
    ("BinaryCrossentropy", {}, "binary_cross_entropy", {}, Y),
    ("BinaryFocalCrossentropy", {"gamma": 1.5}, "binary_focal_loss", {"gamma": 1.5}, Y),
    ("AsymmetricLoss", {"clip": 0.1}, "asymmetric_loss", {"clip": 0.1}, Y),
    ("ConfusionCrossentropy", {"tp": 1, "tn": 0.2, "fp": 1, "fn": 9}, "confusion_cross_entropy",
     {"tp": 1, "tn": 0.2, "fp": 1, "fn": 9}, Y),
    ("DistributionBalanced", {"counts": COUNTS, "total": 100}, "distribution_balanced_loss",
     {"counts": COUNTS, "total": 100}, Y),
    ("CategoricalCrossentropy", {}, "cross_entropy", {}, np.eye(4)[LABELS]),
    ("SparseCategoricalCrossentropy", {}, "cross_entropy", {}, LABELS),
    ("CategoricalFocalCrossentropy", {"alpha": 1.0}, "focal_loss", {}, np.eye(4)[LABELS]),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, "generalized_cross_entropy", {"q": 0.3},
     LABELS),
    ("PolyCrossentropy", {"epsilon": 2.0}, "poly_cross_entropy", {"epsilon": 2.0}, LABELS),
    ("LogitAdjustedCrossentropy", {"prior": COUNTS}, "logit_adjusted_cross_entropy",
     {"prior": COUNTS}, LABELS),
    ("BalancedSoftmaxCrossentropy", {"counts": COUNTS}, "balanced_softmax_cross_entropy",
     {"counts": COUNTS}, np.eye(4)[LABELS]),
    ("LDAMCrossentropy", {"counts": COUNTS, "scale": 2.0}, "ldam_cross_entropy",
     {"counts": COUNTS, "scale": 2.0}, LABELS),
    ("VectorScalingCrossentropy", {"counts": COUNTS}, "vector_scaling_cross_entropy",
     {"counts": COUNTS}, LABELS),
    ("Seesaw", {"counts": COUNTS}, "seesaw_loss", {"counts": COUNTS}, LABELS),
    ("ExpectedCost", {"cost_matrix": COSTS}, "expected_cost", {"cost_matrix": COSTS}, LABELS),
    ("ExpectedCost", {"cost_matrix": [[0, 1], [9, 0]]}, "expected_cost",
     {"cost_matrix": [[0, 1], [9, 0]]}, Y),
    ("RecallSpecificity", {"recall_weight": 0.9, "specificity_weight": 0.1},
     "recall_specificity_loss", {"recall_weight": 0.9, "specificity_weight": 0.1}, Y),
    ("FBeta", {"beta": 2.0}, "f_beta_loss", {"beta": 2.0}, Y),
    ("Dice", {}, "dice_loss", {}, Y),
    ("Tversky", {"fp_weight": 0.3, "fn_weight": 0.7}, "tversky_loss",
     {"fp_weight": 0.3, "fn_weight": 0.7}, Y),
    ("FocalTversky", {"gamma": 2.0}, "focal_tversky_loss", {"gamma": 2.0}, Y),
    ("Lovasz", {"errors": "probability"}, "lovasz_loss", {"errors": "probability"}, Y),
]  # fmt: skip
IDS = [f"{case[0]}-{np.ndim(case[4])}" for case in CLASSES]
# JAX compiles as Keras does; the long run compiles every loss on the others too
WAYS = [True] if BACKEND == "jax" else [False, True] if LONG else [False]
every = pytest.mark.parametrize(("name", "options", "function", "given", "y"), CLASSES, ids=IDS)


def elements(name, y):
    """Tell whether a class takes one probability an element."""
    by_sign = "pos_weight" in inspect.signature(getattr(ours, name)).parameters
    return by_sign or (name == "ExpectedCost" and np.ndim(y) == 2)


def probabilities(name, y, z):
    """Return what a model would give whose logits are z."""
    if elements(name, y):
        return 1 / (1 + np.exp(-z))
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def test_every_class_is_here():
    learning = {"ConstrainedBinaryCrossentropy", "ConstrainedCrossentropy"}  # see check_constraints
    assert {case[0] for case in CLASSES} | learning == set(ours.__all__)


@every
def test_each_is_the_function_of_the_library(name, options, function, given, y):
    weight = RANDOM.uniform(0, 2, 6).astype("float32")
    expected = getattr(weightedce, function)(Z, y, sample_weight=weight, **given)
    loss = getattr(ours, name)(from_logits=True, **options)
    np.testing.assert_allclose(numpy(loss(y, Z, weight)), expected, rtol=2e-5)
    loss = getattr(ours, name)(**options)
    p = probabilities(name, y, Z)
    if name == "VectorScalingCrossentropy":
        expected = getattr(weightedce, function)(np.log(p), y, sample_weight=weight, **given)
    np.testing.assert_allclose(numpy(loss(y, p, weight)), expected, rtol=2e-5)
    assert numpy(loss.call(y, p)).shape in ((), (6,))


@every
@pytest.mark.parametrize("compiled", WAYS)
def test_each_trains_through_logits_and_probabilities(name, options, function, given, y, compiled):
    targets = tensor(y, "int32" if np.ndim(y) == 1 else "float32")
    slow = compiled and BACKEND == "torch"  # seconds a time; probabilities take both ways
    for from_logits in (False,) if slow else (True, False):
        loss = getattr(ours, name)(from_logits=from_logits, **options)
        x = Z if from_logits else probabilities(name, y, Z)
        _, slope = gradient(lambda p, loss=loss: loss(targets, p), x, compiled)
        assert np.isfinite(slope).all()
        assert np.abs(slope).max() > 0


@every
def test_configs_keep_every_argument(name, options, function, given, y):
    cls = getattr(ours, name)
    more = {"reduction": "weighted_mean", "name": "mine", "dtype": "bfloat16"}
    names = inspect.signature(cls).parameters
    for argument, value in {
        "class_weight": {0: 1.0, 1: 3.5},
        "pos_weight": np.array([1.0, 2.0, 3.0, 4.0]),
        "label_smoothing": 0.25,
        "smoothing_weight": "class",
        "ignore_class": -1,
        "axis": 1,
        "from_logits": True,
    }.items():
        if argument in names:
            more[argument] = value
    loss = cls(**options, **more)
    config = loss.get_config()
    assert set(config) == set(names)
    again = cls.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert again.dtype == "bfloat16"
    for argument, value in {**options, **more}.items():
        expected = "bfloat16" if argument == "dtype" else value
        np.testing.assert_equal(getattr(again, argument), expected)
        np.testing.assert_equal(config[argument], expected)
    assert cls(**options).get_config()["dtype"] == "float32"
    assert type(keras.losses.get(keras.losses.serialize(loss))) is cls
    assert keras.losses.get(keras.losses.serialize(loss)).get_config() == config
    by_name = {"class_name": f"weightedce>{name}", "config": config}
    assert keras.losses.deserialize(by_name).get_config() == config
    assert keras.losses.get(by_name).get_config() == config
    assert keras.saving.get_registered_object(f"weightedce>{name}") is cls


@every
def test_docstrings_say_every_argument(name, options, function, given, y):
    cls = getattr(ours, name)
    said = sections(cls.__doc__)
    assert all(said[title] for title in ("", "Parameters", "Notes", "Raises", "References"))
    entries_ = entries(said["Parameters"])
    assert list(entries_) == list(inspect.signature(cls).parameters)
    assert all(entry.kind and entry.text for entry in entries_.values())
    assert "{" not in said["Notes"] + said["Raises"] + said["References"]
    assert said["References"].startswith(f"See `weightedce.{function}`.")


def test_no_name_hides_one_of_keras():
    theirs = set(dir(keras.losses.Loss()))
    for name in ours.__all__:
        cls = getattr(ours, name)
        bases = [base for base in cls.__mro__ if base.__module__.startswith("weightedce")]
        mine = {name for base in bases for name in vars(base) if not name.startswith("__")}
        assert mine & theirs == {"call", "get_config"}, name  # these are there to be written
        options = set(inspect.signature(cls).parameters)
        assert options & theirs == {"reduction", "name", "dtype"}  # and mean what they do there
        assert not options & {name for base in bases for name in vars(base)}


def test_an_option_that_there_is_not_names_the_one_that_is_meant():
    for make, message in (
        (lambda: ours.Dice(weight=[1, 2]), "Dice: there is no option 'weight': expected class_wei"),
        (
            lambda: ours.PolyCrossentropy(ignore_index=0),
            "expected ignore_class, got ignore_index=0",
        ),
        (lambda: ours.BinaryCrossentropy(from_logit=True), "expected from_logits, got"),
        (lambda: ours.FBeta(2.0, True), "expected beta by position and the rest by name"),
        (lambda: ours.LDAMCrossentropy(), "LDAMCrossentropy: missing a required argument"),
    ):
        with pytest.raises(TypeError, match=message):
            make()
    with pytest.raises(ValueError, match="assignment: expected one of hard, soft, got 'sof'"):
        ours.ConfusionCrossentropy(assignment="sof")


def test_repr_shows_what_was_given_default_or_not():
    assert repr(ours.Dice()) == "Dice()"
    loss = ours.BinaryCrossentropy(False, pos_weight=np.array([1.0, 2.0]), dtype="float64")
    shown = "BinaryCrossentropy(from_logits=False, dtype='float64', pos_weight=[1.0, 2.0])"
    assert repr(loss) == shown
    assert repr(eval(shown, vars(ours))) == shown


def test_the_stub_is_up_to_date():
    written = stub.path(ours).read_text(encoding="utf-8")
    assert written == stub.stub(ours), "run: nox -s stubs"


def test_arguments_come_in_the_order_of_keras():
    for name in set(ours.__all__) & set(dir(keras.losses)):
        theirs = inspect.signature(getattr(keras.losses, name)).parameters
        mine = inspect.signature(getattr(ours, name)).parameters
        shared = [p for p in mine.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert [p.name for p in shared] == list(theirs)
        for mine_, theirs_ in zip(shared, theirs.values(), strict=True):
            assert mine_.default == theirs_.default


def test_weights_of_tversky_by_names_that_mean_one_thing():
    p = 1 / (1 + np.exp(-Z))
    same = keras.losses.Tversky(0.7, 0.7)(Y, p)
    np.testing.assert_allclose(numpy(ours.Tversky(0.7, 0.7)(Y, p)), numpy(same), rtol=1e-5)
    mine = ours.Tversky(fp_weight=0.2, fn_weight=0.8)
    expected = weightedce.tversky_loss(Z, Y, fp_weight=0.2, fn_weight=0.8)
    np.testing.assert_allclose(numpy(mine(Y, p)), expected, rtol=1e-5)
    again = ours.Tversky.from_config(mine.get_config())
    np.testing.assert_allclose(numpy(again(Y, p)), expected, rtol=1e-5)
    # Keras computes one of the two that the message names: which one is its version's
    with pytest.raises(ValueError, match="alpha, beta: expected fp_weight and fn_wei") as refused:
        ours.Tversky(0.2, 0.8)
    told = re.findall(r"fp_weight=([\d.]+), fn_weight=([\d.]+)", str(refused.value))
    assert told == [("0.8", "0.2"), ("0.2", "0.8")]
    values = [
        numpy(ours.Tversky(fp_weight=float(fp), fn_weight=float(fn))(Y, p)) for fp, fn in told
    ]
    released = tuple(map(int, keras.__version__.split(".")[:2]))
    theirs = numpy(keras.losses.Tversky(0.2, 0.8)(Y, p))
    np.testing.assert_allclose(values[released > (3, 15)], theirs, rtol=1e-5)
    with pytest.raises(ValueError, match=r"alpha, beta: .*alpha=0\.2 and beta=0\.5"):
        ours.Tversky(alpha=0.2)
    with pytest.raises(ValueError, match="fp_weight, fn_weight: expected none beside alpha"):
        ours.Tversky(0.2, 0.8, fp_weight=0.8)


@every
@pytest.mark.parametrize("ignored", [nan, 255, (nan, 255)], ids=str)
def test_ignored_labels_are_as_if_not_there(name, options, function, given, y, ignored):
    marked, x = np.array(y, "float32"), probabilities(name, y, Z)
    several = np.size(ignored) > 1
    marked[0] = nan if several else ignored
    marked[3] = 255 if several else ignored
    loss = getattr(ours, name)(ignore_class=ignored, **options)
    left = [1, 2, 4, 5]
    x = np.where(np.isin(range(6), left)[:, None], x, nan)
    if np.ndim(y) == 2 and not elements(name, y) and ignored is not nan:
        with pytest.raises(ValueError, match="ignore_class: expected None, or NaN, for a dist"):
            loss(marked, x)  # a distribution has no label
        return
    expected = numpy(getattr(ours, name)(**options)(marked[left], x[left]))
    np.testing.assert_allclose(numpy(loss(marked, x)), expected, rtol=1e-5)
    value, slope = gradient(lambda p: loss(tensor(marked), p), x, compiled=BACKEND != "torch")
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert not slope[[0, 3]].any()
    assert np.isfinite(slope).all()
    config = json.loads(json.dumps(loss.get_config()))
    assert repr(type(loss).from_config(config).ignore_class) == repr(loss.ignore_class)


def test_unknown_labels_leave_a_model_that_trains():
    y, p = np.array([[1, nan], [0, 1]]), np.array([[0.3, 0.4], [0.2, 0.6]])
    loss = ours.BinaryCrossentropy(ignore_class=nan)
    np.testing.assert_allclose(numpy(loss(y, p)), 0.6459807, rtol=1e-6)
    model = keras.Sequential([keras.layers.Dense(2, activation="sigmoid")])
    model.compile("adam", loss)
    model.fit(p, y, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    for cls, labels in (
        (ours.BinaryCrossentropy, y),
        (ours.SparseCategoricalCrossentropy, np.array([0.0, nan])),
    ):
        with pytest.raises(ValueError, match=r"y_true.*nan.*ignore_class=float\('nan'\)"):
            cls()(labels, p)


def test_several_labels_to_ignore_are_kept_in_types_that_json_has():
    for given, kept in (
        ((255, -1), [255, -1]), ({255, -1}, [-1, 255]), ([255], 255), (np.int64(3), 3),
        (np.array([1, 2]), [1, 2]), (255.0, 255), (None, None), ([], None),
    ):  # fmt: skip
        loss = ours.SparseCategoricalCrossentropy(ignore_class=given)
        assert loss.ignore_class == kept
        assert loss.get_config()["ignore_class"] == kept
    with pytest.raises(ValueError, match=r"y_true\[1\] = 9; ignore_class is 255: .*=\(255, 9\)"):
        ours.SparseCategoricalCrossentropy(ignore_class=255)([255, 9], np.full((2, 3), 1 / 3))


def test_no_name_of_an_object_hides_one_of_keras():
    plain = keras.losses.Loss()
    for name, options, *_ in CLASSES:
        loss = getattr(ours, name)(**options)
        mine = set(vars(loss)) - set(vars(plain)) - set(inspect.signature(type(loss)).parameters)
        assert not mine & set(dir(plain)), name


def test_a_call_of_ones_own_is_used():
    class Tenfold(ours.BinaryCrossentropy):
        def call(self, y_true, y_pred):
            return 10 * super().call(y_true, y_pred)

    p = 1 / (1 + np.exp(-Z))
    expected = 10 * numpy(ours.BinaryCrossentropy()(Y, p))
    np.testing.assert_allclose(numpy(Tenfold()(Y, p)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ours.BinaryFocalCrossentropy(True, alpha=2), "alpha: expected 0 <= alpha <= 1"),
        (lambda: ours.BinaryCrossentropy(neg_weight="batch"), "neg_weight: expected numbers, got"),
        (lambda: ours.BinaryCrossentropy(class_weight={0.5: 2.0}), "class_weight: expected class"),
        (lambda: ours.SparseCategoricalCrossentropy(axis=5)([0], [[0.5, 0.5]]), "axis: expected"),
    ],
)
def test_bad_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_label_weights():
    options = {"pos_weight": np.array([2.5, 10, 5, 20]), "neg_weight": [1, 2, 3, 4]}
    expected = weightedce.binary_cross_entropy(Z, Y, **options, reduction="none").mean(axis=1)
    loss = ours.BinaryCrossentropy(from_logits=True, reduction="none", **options)
    np.testing.assert_allclose(numpy(loss(Y, Z)), expected, rtol=1e-5)
    loss = ours.BinaryCrossentropy(from_logits=True, class_weight={0: 0.5, 1: 3.0}, **options)
    weights = {"pos_weight": options["pos_weight"] * 3, "neg_weight": np.array([1, 2, 3, 4]) / 2}
    np.testing.assert_allclose(
        numpy(loss(Y, Z)), weightedce.binary_cross_entropy(Z, Y, **weights), rtol=1e-5
    )


def test_class_weights_of_label_maps():
    maps, z = RANDOM.integers(0, 3, (2, 5, 4)), RANDOM.normal(size=(2, 5, 4, 3)).astype("float32")
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    for weight in ([1.0, 5.0, 2.0], {1: 5.0, 2: 2.0}, np.array([1.0, 5.0, 2.0])):
        expected = weightedce.cross_entropy(z, maps, class_weight=[1.0, 5.0, 2.0])
        loss = ours.SparseCategoricalCrossentropy(class_weight=weight)
        np.testing.assert_allclose(numpy(loss(maps, p)), expected, rtol=1e-5)
        np.testing.assert_allclose(numpy(loss(maps[..., None], p)), expected, rtol=1e-5)
        np.testing.assert_allclose(numpy(loss(maps.astype("uint8"), p)), expected, rtol=1e-5)
        loss = ours.SparseCategoricalCrossentropy(class_weight=weight, axis=1)
        first = np.moveaxis(p, -1, 1)
        np.testing.assert_allclose(numpy(loss(maps, first)), expected, rtol=1e-5)
    counted = ours.SparseCategoricalCrossentropy(class_weight="batch", ignore_class=2)
    kept = maps.astype("uint8")  # -1 is no number of its type
    weights = weightedce.balanced([int((maps == 0).sum()), int((maps == 1).sum()), 0])
    expected = weightedce.cross_entropy(z, maps, class_weight=weights, ignore_index=2)
    np.testing.assert_allclose(numpy(counted(kept, p)), expected, rtol=1e-5)
    void = np.where(RANDOM.random(maps.shape) < 0.3, 255, maps).astype("uint8")
    loss = ours.SparseCategoricalCrossentropy(class_weight=[1, 5, 2], ignore_class=255)
    expected = weightedce.cross_entropy(z, void, class_weight=[1, 5, 2], ignore_index=255)
    np.testing.assert_allclose(numpy(loss(void, p)), expected, rtol=1e-5)


@pytest.mark.parametrize("compiled", OFTEN)
def test_weights_of_each_batch(compiled):
    labels = np.array([0, 0, 2, 0, 2, 9])  # class 1 and 3 are absent
    weights = weightedce.balanced(weightedce.class_counts(labels[:5], 4))
    expected = weightedce.cross_entropy(Z[:5], labels[:5], class_weight=weights)
    sparse = ours.SparseCategoricalCrossentropy(
        from_logits=True, class_weight="batch", ignore_class=9
    )
    one_hot = ours.CategoricalCrossentropy(from_logits=True, class_weight="batch")
    for loss, y in (
        (sparse, tensor(labels, "int32")),
        (one_hot, tensor(np.eye(10)[labels][:, :4])),
    ):
        mask = np.arange(6) < 5
        function = lambda z, loss=loss, y=y: loss(y, z)  # noqa: E731
        if loss is one_hot:  # a row of zeros counts in the mean, not in the weights
            expected = expected * 5 / 6
        value, slope = gradient(function, Z, compiled)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        assert np.isfinite(slope).all()
        assert not slope[~mask].any()
    y = np.array([[0], [0], [1], [0], [0], [0]])
    zeros, ones = weightedce.balanced([5, 1])
    expected = weightedce.binary_cross_entropy(Z[:, :1], y, neg_weight=zeros, pos_weight=ones)
    loss = ours.BinaryCrossentropy(from_logits=True, class_weight="batch")
    targets = tensor(y)
    value, _ = gradient(lambda z: loss(targets, z), Z[:, :1], compiled)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    loss = ours.BinaryCrossentropy(from_logits=True, pos_weight="batch")
    expected = weightedce.binary_cross_entropy(Z, Y, pos_weight=weightedce.pos_weights(Y))
    targets = tensor(Y)
    value, _ = gradient(lambda z: loss(targets, z), Z, compiled)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_a_batch_without_positives_or_without_anything():
    loss = ours.BinaryCrossentropy(class_weight="batch")
    assert np.isfinite(numpy(loss(np.zeros((3, 1)), np.full((3, 1), 0.3))))
    for reduction in ("mean", "mean_with_sample_weight", "weighted_mean"):
        loss = ours.BinaryCrossentropy(reduction=reduction)
        nothing = masked(np.full((3, 1), 0.3), np.zeros(3))
        assert numpy(loss(np.ones((3, 1)), nothing)) == 0
        value, slope = gradient(
            lambda p, loss=loss: loss(tensor(np.ones((3, 1))), p, tensor(np.zeros(3))),
            np.full((3, 1), 0.3),
        )
        assert value == 0
        assert not slope.any()


def test_sample_weights_weigh_samples_and_elements():
    z, y = Z[:4], Y[:4]  # square: Keras lays (N, L) along the wrong axis here
    weight = RANDOM.uniform(0, 2, (4, 4)).astype("float32")
    loss = ours.BinaryCrossentropy(from_logits=True)
    expected = weightedce.binary_cross_entropy(z, y, sample_weight=weight)
    np.testing.assert_allclose(numpy(loss(y, z, weight)), expected, rtol=1e-5)
    expected = weightedce.binary_cross_entropy(z, y, sample_weight=weight[:, 0])
    np.testing.assert_allclose(numpy(loss(y, z, weight[:, 0])), expected, rtol=1e-5)
    np.testing.assert_allclose(numpy(loss(y, z, weight[:, :1])), expected, rtol=1e-5)
    loss = ours.BinaryCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    by_element = weightedce.binary_cross_entropy(z, y, sample_weight=weight, reduction="sum")
    np.testing.assert_allclose(numpy(loss(y, z, weight)), by_element / weight.sum(), rtol=1e-5)
    loss = ours.SparseCategoricalCrossentropy(
        from_logits=True, class_weight=[1, 2, 3, 4], reduction="weighted_mean"
    )
    expected = weightedce.cross_entropy(
        Z, LABELS, class_weight=[1, 2, 3, 4], sample_weight=weight.ravel()[:6],
        reduction="weighted_mean",
    )  # fmt: skip
    np.testing.assert_allclose(numpy(loss(LABELS, Z, weight.ravel()[:6])), expected, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight"])
def test_what_is_masked_may_hold_nan(from_logits, reduction):
    mask = np.array([1, 1, 0, 1, 0, 1], bool)
    x = np.where(mask[:, None], Z if from_logits else 1 / (1 + np.exp(-Z)), np.nan)
    options = {"from_logits": from_logits, "reduction": reduction}
    for loss, y in (
        (ours.BinaryCrossentropy(**options), Y),
        (ours.SparseCategoricalCrossentropy(**options), LABELS),
    ):
        expected = numpy(loss(y[mask], x[mask]))
        np.testing.assert_allclose(numpy(loss(y, masked(x, mask))), expected, rtol=1e-5)
    labels = np.where(mask, LABELS, -1)
    loss = ours.SparseCategoricalCrossentropy(ignore_class=-1, **options)
    value, slope = gradient(lambda p: loss(tensor(labels, "int32"), p), x)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert np.isfinite(slope).all()
    assert not slope[~mask].any()
    elements = RANDOM.random((6, 4)) < 0.7
    x = np.where(elements, x if from_logits else 0.3, np.nan)
    x = np.where(np.isnan(x) & elements, 0.3, x)
    loss = ours.BinaryCrossentropy(ignore_class=-1, **options)
    value, slope = gradient(lambda p: loss(tensor(np.where(elements, Y, -1)), p), x)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    assert not slope[~elements].any()


def test_dice_of_classes_and_samples():
    y = np.eye(3)[RANDOM.integers(0, 3, (4, 8))]
    p = RANDOM.dirichlet(np.ones(3), (4, 8)).astype("float32")
    for axis, kept in (((0, 1), (3,)), ([1, 2], (4,)), (-1, (4, 8))):
        theirs = keras.losses.Dice(axis=tuple(np.atleast_1d(axis)), reduction=None)(y, p)
        mine = ours.Dice(axis=axis, reduction=None)(y, p)
        assert tuple(mine.shape) == kept
        np.testing.assert_allclose(numpy(mine), numpy(theirs), atol=1e-6)
        for reduction in ("sum", "mean"):
            theirs = keras.losses.Dice(axis=tuple(np.atleast_1d(axis)), reduction=reduction)(y, p)
            mine = ours.Dice(axis=axis, reduction=reduction)(y, p)
            np.testing.assert_allclose(numpy(mine), numpy(theirs), rtol=1e-5)
    weight = RANDOM.uniform(0, 2, 4).astype("float32")
    z = np.log(p / (1 - p))
    expected = [
        weightedce.dice_loss(z[..., k], y[..., k], sample_weight=weight, pos_weight=k + 1.0)
        for k in range(3)
    ]
    mine = ours.Dice(axis=(0, 1), pos_weight=[1, 2, 3], reduction="none")(y, p, weight)
    np.testing.assert_allclose(numpy(mine), expected, rtol=1e-4)
    with pytest.raises(ValueError, match=r"pos_weight: .*3 numbers"):
        ours.Dice(axis=-1, pos_weight=[1, 2, 3])(y, p)


def test_overlap_of_classes():
    """From label maps as from one-hot ones, of logits or probabilities, on any axis."""
    z = RANDOM.normal(size=(2, 5, 4, 3)).astype("float32")
    y = RANDOM.integers(0, 3, (2, 5, 4))
    y[0, 0] = 255
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    weight = RANDOM.uniform(0.5, 2, 2).astype("float32")
    given = {"fp_weight": 0.3, "fn_weight": 0.7, "smooth": 1.0, "background": 0}
    given["class_weight"] = {1: 2.0, 2: 4.0}
    options = {**given, "ignore_class": [255, -1]}
    for reduction in ("mean", "weighted_mean", "sum", "none", "pooled"):
        expected = weightedce.tversky_loss(
            z, y, sample_weight=weight, ignore_index=255, reduction=reduction, **given
        )
        for labels in (y, y[..., None]):
            loss = ours.Tversky(reduction=reduction, **options)
            np.testing.assert_allclose(numpy(loss(labels, p, weight)), expected, rtol=1e-5)
    again = ours.Tversky.from_config(json.loads(json.dumps(loss.get_config())))
    np.testing.assert_allclose(numpy(again(y, p, weight)), expected, rtol=1e-5)
    value, slope = gradient(lambda z: ours.Dice(axis=1, from_logits=True)(y % 3, z),
                            np.moveaxis(z, -1, 1))  # fmt: skip
    assert value == pytest.approx(float(weightedce.dice_loss(z, y % 3)), rel=1e-5)
    assert np.abs(slope).max() > 0
    soft = ours.RecallSpecificity(link="softmax", class_weight="batch")(np.eye(3)[y % 3], p)
    expected = weightedce.recall_specificity_loss(z, y % 3, class_weight="batch")
    np.testing.assert_allclose(numpy(soft), expected, rtol=1e-5)
    few = np.eye(3)[np.minimum(y, 1)]
    skipped = ours.Dice(axis=(0, 1, 2), absent="skip")(few, p)
    expected = weightedce.dice_loss(weightedce.logit(p), few, axis=-1, absent="skip")
    np.testing.assert_allclose(numpy(skipped), expected, rtol=1e-5)
    for wrong, message in (
        (lambda: ours.Dice(background=0)(few, p), "background: expected None"),
        (lambda: ours.Dice(link="softmax", axis=(0, 1))(few, p), "axis: expected one integer"),
        (lambda: ours.Dice(pos_weight="batch")(y, p), "pos_weight: expected numbers"),
        (lambda: ours.Dice()(y, p), r"y_true: .*0\.\.2"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            wrong()


BAD = [
    (lambda: ours.BinaryCrossentropy(ignore_class=True), "ignore_class: .*bool: True"),
    (lambda: ours.Dice(ignore_class="255"), "ignore_class: expected a number, got str: '255'"),
    (lambda: ours.ExpectedCost(COSTS, ignore_class="255"), "ignore_class: .*got str"),
    (lambda: ours.BinaryCrossentropy(ignore_class=np.inf), "ignore_class: expected a finite n"),
    (lambda: ours.SparseCategoricalCrossentropy(ignore_class=0.5), "ignore_class: .*integer.*0.5"),
    (lambda: ours.PolyCrossentropy(ignore_class=(0, None)), "ignore_class: .*NoneType"),
    (lambda: ours.ExpectedCost(COSTS, ignore_class=0.5)(LABELS, Z), "ignore_class: .*integer"),
    (lambda: ours.BinaryCrossentropy(reduction="max"), "reduction.*max"),
    (lambda: ours.BinaryCrossentropy(pos_weight=-1.0), "pos_weight.*-1"),
    (lambda: ours.BinaryCrossentropy(class_weight="balanced"), "class_weight.*batch.*balanced"),
    (lambda: ours.BinaryCrossentropy(class_weight={"a": 1.0}), "class_weight.*keys"),
    (lambda: ours.BinaryCrossentropy(class_weight=[1, 2, 3])(Y, Z), "class_weight.*two"),
    (lambda: ours.BinaryCrossentropy()(Y, Z[:, :3]), r"y_true.*\(6, 3\).*\(6, 4\)"),
    (lambda: ours.BinaryCrossentropy()(Y[:1], Z), "y_true"),
    (lambda: ours.BinaryCrossentropy()(Y * 2, Z), "y_true.*0..1"),
    (lambda: ours.BinaryCrossentropy()(Y, Z, np.ones(4)), "sample_weight"),
    (lambda: ours.BinaryCrossentropy(pos_weight=[1, 2])(Y, Z), "pos_weight"),
    (lambda: ours.BinaryCrossentropy()(Y, masked(Z, np.ones(5))), "mask"),
    (lambda: ours.SparseCategoricalCrossentropy()(np.eye(4)[LABELS], Z), "y_true.*labels"),
    (lambda: ours.SparseCategoricalCrossentropy()(LABELS + 9, Z), r"y_true.*0\.\.3.*y_true\["),
    (lambda: ours.SparseCategoricalCrossentropy()(LABELS + 0.5, Z), "y_true.*whole"),
    (lambda: ours.SparseCategoricalCrossentropy()(LABELS, Z, np.ones((6, 4))), "sample_weight"),
    (lambda: ours.SparseCategoricalCrossentropy(class_weight={7: 1})(LABELS, Z), "class_weight.*7"),
    (lambda: ours.SparseCategoricalCrossentropy(class_weight=[1, 2])(LABELS, Z), "class_weight"),
    (lambda: ours.CategoricalCrossentropy()(LABELS, Z), "y_true.*one-hot"),
    (lambda: ours.PolyCrossentropy(ignore_class=1)(np.eye(4)[LABELS], Z), "ignore_class"),
    (lambda: ours.LDAMCrossentropy(counts=[1, 2])(LABELS, Z), "counts"),
    (lambda: ours.ExpectedCost([[0, 1, 2]] * 3)(LABELS, Z), "cost_matrix"),
    (lambda: ours.CategoricalCrossentropy(label_smoothing=2)(np.eye(4)[LABELS], Z),
     "label_smoothing"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD, ids=[case[1] for case in BAD])
def test_errors_name_the_argument(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_floating_point_labels_are_labels():
    p = np.full((6, 4), 0.25, "float32")
    for kind in ("float32", "int64", "uint8", "float64"):
        loss = ours.SparseCategoricalCrossentropy()(LABELS.astype(kind)[:, None], p)
        np.testing.assert_allclose(numpy(loss), np.log(4), rtol=1e-5)
    loss = ours.PolyCrossentropy(epsilon=0.0)
    for y in (LABELS, LABELS[:, None], np.eye(4)[LABELS]):
        np.testing.assert_allclose(numpy(loss(y, p)), np.log(4), rtol=1e-5)


def test_a_column_whose_index_says_the_class():
    pandas = pytest.importorskip("pandas")
    column = pandas.Series([5.0, 2.0], index=[3, 1])
    by_class = ours.SparseCategoricalCrossentropy(from_logits=True, class_weight=column)
    expected = ours.SparseCategoricalCrossentropy(from_logits=True, class_weight={3: 5.0, 1: 2.0})
    np.testing.assert_allclose(numpy(by_class(LABELS, Z)), numpy(expected(LABELS, Z)), rtol=1e-6)
    assert json.loads(json.dumps(by_class.get_config()))["class_weight"] == {"3": 5.0, "1": 2.0}


def test_targets_that_are_none_are_named_and_unknown():
    loss = ours.BinaryCrossentropy(ignore_class=nan)
    value = numpy(loss([1, None, 0], [0.3, 0.4, 0.2]))
    np.testing.assert_allclose(value, -(np.log(0.3) + np.log(0.8)) / 2, rtol=1e-6)
    for targets, predictions, name in ((None, [0.5], "y_true"), (["a"], [0.5], "y_true"),
                                       ([1], None, "y_pred")):  # fmt: skip
        with pytest.raises(TypeError, match=f"^{name}: expected numbers"):
            loss(targets, predictions)
