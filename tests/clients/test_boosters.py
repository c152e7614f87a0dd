"""XGBoost, LightGBM and CatBoost: their own objectives are reproduced, ours are trained with."""

import pickle
import subprocess
import sys

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import weightedce as w
from weightedce.boosting import Objective

RANDOM = np.random.default_rng(0)
N = 2000
X = RANDOM.normal(size=(N, 5))
Y = RANDOM.random(N) < 1 / (1 + np.exp(2 - X[:, 0] - X[:, 1] ** 2))
Y = Y.astype(float)
LABELS = np.digitize(X[:, 0] + 0.5 * RANDOM.normal(size=N), [-0.5, 1.5])
WEIGHT = RANDOM.choice([0.5, 1.0, 3.0], N)
K = 3
BINARY = Objective(w.binary_cross_entropy)
CLASSES = Objective(w.cross_entropy, classes=K)
WEIGHTS = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
XGB = {"max_depth": 3, "eta": 0.3, "base_score": 0.0, "seed": 0, "nthread": 1}
LGB = {"num_leaves": 7, "learning_rate": 0.1, "verbose": -1, "seed": 0, "num_threads": 1}
LGB |= {"deterministic": True, "force_col_wise": True, "boost_from_average": False}
CAT = {"iterations": 20, "depth": 3, "learning_rate": 0.3, "verbose": False, "random_seed": 0}
CAT |= {"allow_writing_files": False, "thread_count": 1, "boost_from_average": False}
CAT |= {"leaf_estimation_method": "Newton", "leaf_estimation_iterations": 1}
CAT |= {"bootstrap_type": "No", "random_strength": 0, "boosting_type": "Plain"}


def by_xgboost(params, labels, weight=None, objective=None, rounds=20, **more):
    data = xgboost.DMatrix(X, labels, weight=weight)
    model = xgboost.train(XGB | params, data, rounds, obj=objective, **more)
    return model.predict(data, output_margin=True)


def by_lightgbm(params, labels, weight=None, rounds=20, **more):
    data = lightgbm.Dataset(X, labels, weight=weight, init_score=more.pop("init_score", None))
    model = lightgbm.train(LGB | params, data, rounds, **more)
    return model.predict(X, raw_score=True)


def by_catboost(labels, weight=None, rows=N, **params):
    x, weight = X[:rows], weight if weight is None else weight[:rows]
    model = catboost.CatBoost(CAT | params)
    model.fit(catboost.Pool(x, labels[:rows], weight=weight))
    return model.predict(x, prediction_type="RawFormulaVal")


# --- their own objectives ---


@WEIGHTS
def test_xgboost_binary(weight):
    expected = by_xgboost({"objective": "binary:logistic", "base_score": 0.5}, Y, weight)
    found = by_xgboost({}, Y, weight, BINARY)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)
    assert np.abs(expected).max() > 1


def test_xgboost_scale_pos_weight():
    own = {"objective": "binary:logistic", "base_score": 0.5, "scale_pos_weight": 9.0}
    objective = Objective(w.binary_cross_entropy, pos_weight=9.0)
    found = by_xgboost({}, Y, objective=objective)
    np.testing.assert_allclose(found, by_xgboost(own, Y), atol=1e-6, rtol=1e-6)


@WEIGHTS
def test_xgboost_classes(weight):
    own = {"objective": "multi:softprob", "num_class": K}
    expected = by_xgboost(own, LABELS, weight)
    objective = Objective(w.cross_entropy, classes=K, coupling=2.0)
    found = by_xgboost({"num_class": K}, LABELS, weight, objective)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)


@WEIGHTS
def test_lightgbm_binary(weight):
    expected = by_lightgbm({"objective": "binary"}, Y, weight)
    found = by_lightgbm({"objective": BINARY}, Y, weight)
    np.testing.assert_array_equal(found, expected)
    assert np.abs(expected).max() > 1


def test_lightgbm_scale_pos_weight():
    expected = by_lightgbm({"objective": "binary", "scale_pos_weight": 9.0}, Y)
    found = by_lightgbm({"objective": Objective(w.binary_cross_entropy, pos_weight=9.0)}, Y)
    np.testing.assert_array_equal(found, expected)


@WEIGHTS
def test_lightgbm_classes(weight):
    expected = by_lightgbm({"objective": "multiclass", "num_class": K}, LABELS, weight)
    found = by_lightgbm({"objective": CLASSES, "num_class": K}, LABELS, weight)
    np.testing.assert_array_equal(found, expected)


@WEIGHTS
def test_catboost_binary(weight):
    expected = by_catboost(Y, weight, loss_function="Logloss")
    found = by_catboost(Y, weight, loss_function=BINARY.catboost(), eval_metric="Logloss")
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=1e-12)
    assert np.abs(expected).max() > 1


@WEIGHTS
def test_catboost_classes(weight):
    few = {"iterations": 5, "classes_count": K, "rows": 300}  # one call a row
    expected = by_catboost(LABELS, weight, loss_function="MultiClass", **few)
    loss = CLASSES.catboost()
    found = by_catboost(LABELS, weight, loss_function=loss, eval_metric="MultiClass", **few)
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=1e-12)


def test_we_import_no_booster():
    code = "from weightedce.boosting import Objective as O; from weightedce import *; import sys;"
    code += "import weightedce as w; o = O(w.cross_entropy, 3); o.start([0, 1, 2]); o.catboost();"
    code += "print(*{'xgboost', 'lightgbm', 'catboost', 'sklearn'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "\n"


# --- scikit-learn's way ---


def xgb_classifier(objective, **more):
    given = {"n_estimators": 20, "max_depth": 3, "base_score": 0.0, "n_jobs": 1}
    return xgboost.XGBClassifier(objective=objective.sklearn, **given, **more)


def lgb_classifier(objective, **more):
    given = {"n_estimators": 20, "num_leaves": 7, "verbose": -1, "n_jobs": 1, "random_state": 0}
    return lightgbm.LGBMClassifier(objective=objective.sklearn, **given, **more)


@WEIGHTS
def test_the_classifiers_are_the_native_calls(weight):
    model = lgb_classifier(BINARY).fit(X, Y, sample_weight=weight)
    own = lightgbm.LGBMClassifier(
        n_estimators=20, num_leaves=7, verbose=-1, n_jobs=1, random_state=0,
        boost_from_average=False,
    ).fit(X, Y, sample_weight=weight)  # fmt: skip
    found = model.predict(X, raw_score=True)
    np.testing.assert_array_equal(found, own.predict(X, raw_score=True))
    model = xgb_classifier(BINARY).fit(X, Y, sample_weight=weight)
    own = xgboost.XGBClassifier(
        n_estimators=20, max_depth=3, base_score=0.5, n_jobs=1
    ).fit(X, Y, sample_weight=weight)  # fmt: skip
    found, expected = (m.predict(X, output_margin=True) for m in (model, own))
    # a base_score of 0 is a probability to XGBClassifier: the start is -13.8
    assert not np.allclose(found, expected)
    model = xgb_classifier(BINARY).set_params(base_score=0.5).fit(X, Y, sample_weight=weight)
    found = model.predict(X, output_margin=True)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [xgb_classifier, lgb_classifier])
def test_a_pickled_and_cloned_objective_in_cross_validation(make):
    objective = Objective(w.binary_focal_loss, gamma=1.0, pos_weight=3.0)
    plain = make(objective)
    again = clone(make(pickle.loads(pickle.dumps(objective))))
    if make is xgb_classifier:
        plain, again = (m.set_params(base_score=0.5) for m in (plain, again))

    def scored(model):
        pipeline = make_pipeline(StandardScaler(), model)
        return cross_val_score(pipeline, X, Y, cv=3, scoring=ranked, error_score="raise")

    scores = scored(plain)
    np.testing.assert_array_equal(scored(again), scores)
    assert scores.min() > 0.7


def test_catboost_in_cross_validation():
    objective = Objective(w.binary_focal_loss, gamma=1.0, pos_weight=3.0)
    model = catboost.CatBoostClassifier(
        loss_function=objective.catboost(), eval_metric="Logloss", iterations=20, depth=3,
        verbose=False, allow_writing_files=False, random_seed=0, thread_count=1,
    )  # fmt: skip

    def by_margin(model, x, y):
        return roc_auc_score(y, model.predict(x, prediction_type="RawFormulaVal"))

    assert clone(model).get_params()["loss_function"].objective is objective
    scores = cross_val_score(model, X, Y, cv=3, scoring=by_margin, error_score="raise")
    assert scores.min() > 0.7


def ranked(model, x, y):
    return roc_auc_score(y, margins_of(model, x))


def margins_of(model, x):
    step = model[-1] if hasattr(model, "steps") else model
    x = model[:-1].transform(x) if hasattr(model, "steps") else x
    raw = {"output_margin": True} if isinstance(step, xgboost.XGBModel) else {"raw_score": True}
    return step.predict(x, **raw)


def test_objectives_are_searched():
    choices = [Objective(w.binary_focal_loss, gamma=gamma).sklearn for gamma in (0.0, 3.0)]
    search = GridSearchCV(
        lgb_classifier(BINARY), {"objective": choices}, cv=2, scoring=ranked, error_score="raise"
    )
    found = search.fit(X, Y).cv_results_["mean_test_score"]
    assert found[0] != found[1]


def test_classes_by_the_classifiers():
    objective = Objective(w.focal_loss, classes=K, gamma=1.0, class_weight=[1.0, 2.0, 4.0])
    model = lgb_classifier(objective).fit(X, LABELS)
    margins = model.predict(X, raw_score=True)
    assert margins.shape == (N, K)
    undone = objective.calibrated(margins)
    assert np.exp(undone).mean(axis=0) == pytest.approx(np.bincount(LABELS) / N, abs=0.06)
    assert w.cross_entropy(undone, LABELS) < w.cross_entropy(margins, LABELS)


# --- what is ours ---


def test_the_start_is_where_boosting_begins_best():
    objective = Objective(w.binary_cross_entropy, pos_weight=9.0)
    start = objective.start(Y)
    assert start == pytest.approx(np.log(9 * Y.mean() / (1 - Y.mean())), rel=1e-14)
    margins = by_xgboost({"base_score": start, "eta": 1e-9}, Y, None, objective, 1)
    np.testing.assert_allclose(margins, start, rtol=1e-6)
    init = np.full(N, start)
    tiny = {"objective": objective, "learning_rate": 1e-9}
    raw = by_lightgbm(tiny, Y, None, 1, init_score=init)
    np.testing.assert_allclose(raw, 0, atol=1e-7)  # which is not part of what it predicts


def test_early_stopping_by_the_metric():
    objective = Objective(w.binary_focal_loss, gamma=2.0)
    half = N // 2
    seen = {}
    parts = [xgboost.DMatrix(X[i], Y[i]) for i in (slice(half), slice(half, N))]
    model = xgboost.train(
        XGB | {"eta": 1.0, "disable_default_eval_metric": 1}, parts[0], 60, obj=objective,
        custom_metric=objective.metric, evals=[(parts[1], "held")], early_stopping_rounds=3,
        verbose_eval=False, evals_result=seen,
    )  # fmt: skip
    curve = seen["held"]["binary_focal_loss"]
    assert len(curve) < 60
    assert model.best_iteration == int(np.argmin(curve))
    margins = model.predict(
        parts[1], output_margin=True, iteration_range=(0, model.best_iteration + 1)
    )
    assert min(curve) == pytest.approx(w.binary_focal_loss(margins, Y[half:]), rel=1e-5)

    parts = [lightgbm.Dataset(X[i], Y[i]) for i in (slice(half), slice(half, N))]
    model = lightgbm.train(
        LGB | {"objective": objective, "learning_rate": 1.0, "metric": "None"}, parts[0], 60,
        valid_sets=[parts[1]], feval=objective.metric,
        callbacks=[lightgbm.early_stopping(3, verbose=False), lightgbm.record_evaluation(seen)],
    )  # fmt: skip
    assert model.best_iteration < 60
    assert min(seen["valid_0"]["binary_focal_loss"]) == pytest.approx(
        w.binary_focal_loss(model.predict(X[half:], raw_score=True), Y[half:]), rel=1e-9
    )


def test_the_metrics_of_the_classifiers():
    model = lgb_classifier(BINARY).fit(X, Y, eval_X=(X,), eval_y=(Y,), eval_metric=BINARY.metric)
    found = model.evals_result_["valid_0"]["binary_cross_entropy"]
    assert found[-1] == pytest.approx(
        w.binary_cross_entropy(model.predict(X, raw_score=True), Y), rel=1e-9
    )
    model = xgb_classifier(BINARY, eval_metric=BINARY.score).set_params(base_score=0.5)
    model.fit(X, Y, eval_set=[(X, Y)], verbose=False)
    found = model.evals_result()["validation_0"]["score"]
    assert found[-1] < found[0]
    expected = w.binary_cross_entropy(model.predict(X, output_margin=True), Y)
    assert found[-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "objective",
    [
        Objective(w.binary_focal_loss, gamma=2.0),
        Objective(w.asymmetric_loss, gamma_pos=0.0, gamma_neg=2.0, clip=0.0),
        Objective(w.expected_cost, cost_matrix=[[0.0, 1.0], [9.0, 0.0]]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("start", [-2.0, 0.0, 2.0])
def test_a_loss_that_is_not_convex_trains_from_anywhere(objective, start):
    """With the second derivative as it is nothing is split where all of them are negative."""
    before = objective.score(Y, np.full(N, start))
    margins = by_xgboost({"base_score": start}, Y, None, objective, 60)
    assert objective.score(Y, margins) < before
    assert np.isfinite(margins).all()
    assert len(np.unique(margins)) > 10
    raw = by_lightgbm({"objective": objective}, Y, None, 60, init_score=np.full(N, start))
    assert objective.score(Y, raw + start) < before
    assert len(np.unique(raw)) > 10
    found = by_catboost(Y, loss_function=objective.catboost(), eval_metric="Logloss")
    assert objective.score(Y, found) < objective.score(Y, np.zeros(N))


def test_catboost_with_a_loss_that_is_not_convex_over_classes():
    objective = Objective(w.focal_loss, classes=K, class_weight=[1.0, 2.0, 5.0])
    found = by_catboost(
        LABELS, WEIGHT, loss_function=objective.catboost(), eval_metric="MultiClass",
        iterations=5, classes_count=K, rows=300,
    )  # fmt: skip
    assert found.shape == (300, K)
    assert objective.score(LABELS[:300], found) < objective.score(LABELS, np.zeros((N, K)))


def test_calibrated_margins_are_those_of_the_unweighted_model():
    objective = Objective(w.binary_focal_loss, gamma=2.0, pos_weight=5.0)
    raw = by_lightgbm({"objective": objective}, Y, rounds=60)
    undone = objective.calibrated(raw)
    said, true = 1 / (1 + np.exp(-undone)), Y.mean()
    assert said.mean() == pytest.approx(true, abs=0.02)
    assert w.binary_cross_entropy(undone, Y) < w.binary_cross_entropy(raw, Y)
    np.testing.assert_array_equal(np.argsort(undone, kind="stable"), np.argsort(raw, kind="stable"))


def test_several_labels_a_row():
    two = np.stack([Y, LABELS > 1], axis=1).astype(float)
    objective = Objective(w.binary_cross_entropy, pos_weight=[2.0, 5.0])
    found = by_xgboost({}, two, None, objective)
    each = [
        by_xgboost({}, two[:, j], None, Objective(w.binary_cross_entropy, pos_weight=weight))
        for j, weight in enumerate([2.0, 5.0])
    ]
    np.testing.assert_allclose(found, np.stack(each, axis=1), rtol=1e-5, atol=1e-5)


def test_an_error_in_the_objective_comes_through_the_booster():
    """Of a gradient that is not finite boosters make a constant model, and say nothing."""
    labels = LABELS + 1
    for call, params in ((by_xgboost, {}), (by_lightgbm, {"objective": CLASSES})):
        more = {"objective": CLASSES} if call is by_xgboost else {}
        with pytest.raises(ValueError, match=r"targets: expected values in 0\.\.2, got .* = 3"):
            call(params | {"num_class": K}, labels, **more)
