"""skorch: a criterion by its class, its options searched by scikit-learn."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier

import weightedce.torch as wt

RANDOM = np.random.default_rng(0)
Y = RANDOM.choice(3, 300, p=[0.7, 0.2, 0.1])
X = (RANDOM.normal(size=(300, 4)) + Y[:, None]).astype("float32")
BINARY = (Y > 0).astype("float32")


def network(criterion, outputs=3, kind=NeuralNetClassifier, **options):
    torch.manual_seed(0)
    return kind(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=outputs,
        criterion=criterion,
        max_epochs=3,
        lr=0.1,
        verbose=0,
        train_split=None,
        **options,
    )


def scores(model, y):
    torch.manual_seed(0)
    return cross_val_score(model, X, y, cv=2, error_score="raise")


def test_cross_entropy_scores_as_that_of_torch_and_gives_probabilities():
    weight = torch.tensor([1.0, 3.0, 7.0])
    mine = network(wt.CrossEntropyLoss, criterion__weight=weight.tolist())
    peer = network(torch.nn.CrossEntropyLoss, criterion__weight=weight)
    np.testing.assert_allclose(scores(mine, Y), scores(peer, Y))
    found, expected = mine.fit(X, Y).predict_proba(X), peer.fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert (found >= 0).all()
    assert found.shape == expected.shape
    again = pickle.loads(pickle.dumps(mine))
    np.testing.assert_array_equal(again.predict_proba(X), found)


def test_the_binary_classifier_scores_as_with_that_of_torch():
    mine, peer = (
        network(cls, 1, NeuralNetBinaryClassifier, criterion__pos_weight=torch.tensor(2.5))
        for cls in (wt.BCEWithLogitsLoss, torch.nn.BCEWithLogitsLoss)
    )
    np.testing.assert_allclose(scores(mine, BINARY), scores(peer, BINARY))
    found = mine.fit(X, BINARY).predict_proba(X)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert found.argmax(1).astype(bool)[BINARY == 1].mean() > 0.5


def test_options_are_searched():
    grid = {
        "criterion__weight": [None, [1.0, 3.0, 7.0]],
        "criterion__label_smoothing": [0.0, 0.1],
    }
    search = GridSearchCV(
        network(wt.CrossEntropyLoss), grid, cv=2, scoring="balanced_accuracy", error_score="raise"
    )
    found = search.fit(X, Y).cv_results_["mean_test_score"]
    assert len(set(found)) > 1  # the options were used
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", ["FocalLoss", "PolyCrossEntropyLoss"])
def test_another_loss_with_weights_and_the_link_that_it_has(name):
    """Of losses that torch has not skorch knows no link: `predict_nonlinearity` says it."""
    model = network(
        getattr(wt, name),
        criterion__class_weight=[1.0, 3.0, 7.0],
        predict_nonlinearity=torch.nn.Softmax(dim=-1),
    )
    plain = network(getattr(wt, name), predict_nonlinearity=torch.nn.Softmax(dim=-1))
    assert np.isfinite(scores(model, Y)).all()
    found = model.fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    rare = found[Y == 2, 2].mean(), plain.fit(X, Y).predict_proba(X)[Y == 2, 2].mean()
    assert rare[0] > rare[1] + 0.05


def test_parameters_of_a_criterion_are_saved_and_loaded(tmp_path):
    model = network(wt.CrossEntropyLoss, criterion__weight=[1.0, 3.0, 7.0]).fit(X, Y)
    model.save_params(f_criterion=tmp_path / "criterion.pt")
    other = network(wt.CrossEntropyLoss, criterion__weight=[1.0, 1.0, 1.0]).initialize()
    other.load_params(f_criterion=tmp_path / "criterion.pt")
    assert other.criterion_.weight.tolist() == [1.0, 3.0, 7.0]
