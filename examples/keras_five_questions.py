"""Five questions about weighted losses in Keras, each answered by a model that trains.

KERAS_BACKEND=jax python examples/keras_five_questions.py      (or torch, or tensorflow)

Every function builds, compiles and fits a model, and returns what the loss moved.
"""

import keras
import numpy as np

from weightedce import balanced, class_counts, sample_weights
from weightedce.keras import (
    BinaryCrossentropy,
    ConfusionCrossentropy,
    ExpectedCost,
    RecallSpecificity,
    SparseCategoricalCrossentropy,
    VectorScalingCrossentropy,
)


def rare(n=2000, share=0.06, features=4, seed=0):
    """Return features and labels of two classes that overlap; class 1 is rare."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < share).astype("int32")
    return random.normal(size=(n, features)).astype("float32") + 0.7 * labels[:, None], labels


def fitted(loss, x, y, outputs=1, activation="sigmoid", epochs=8, **fit):
    """Return a small model, trained with ``loss``."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(outputs, activation=activation)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    model.fit(x, y, batch_size=200, epochs=epochs, verbose=0, **fit)
    return model


def decisions(model, x):
    """Return the decisions of a model: p > 1/2, or the most probable class."""
    p = model.predict(x, verbose=0)
    return (p[:, 0] > 0.5).astype(int) if p.shape[1] == 1 else p.argmax(axis=1)


def rates(predicted, y):
    """Return recall and specificity."""
    return predicted[y == 1].mean(), 1 - predicted[y == 0].mean()


def weights_of_the_four_outcomes():
    """1. A weight for true and false positives and negatives."""
    x, y = rare()
    plain = fitted(BinaryCrossentropy(), x, y)
    outcomes = fitted(ConfusionCrossentropy(tp=1, tn=0.2, fp=1, fn=9), x, y)
    # the cost of each outcome, [[tn, fp], [fn, tp]]: from the trained model on
    costs = fitted(ExpectedCost([[0, 1], [9, 0]]), x, y, epochs=25)
    return {
        "plain": rates(decisions(plain, x), y),
        "outcomes": rates(decisions(outcomes, x), y),
        "costs": rates(decisions(costs, x), y),
    }


def many_and_few_examples():
    """2. 500 000 examples of one class, 31 000 of the other: here one in 16 too."""
    x, y = rare()
    counts = class_counts(y, 2)
    weights = balanced([500_000, 31_000])  # 0.531, 8.565
    losses = {
        "plain": SparseCategoricalCrossentropy(),
        "class weights": SparseCategoricalCrossentropy(class_weight=weights),
        "scaled and shifted": VectorScalingCrossentropy(counts=counts),
        "recall alone": RecallSpecificity(recall_weight=1, specificity_weight=0),
    }
    results = {}
    for name, loss in losses.items():
        two = {"outputs": 2, "activation": "softmax"} if name != "recall alone" else {}
        results[name] = rates(decisions(fitted(loss, x, y, **two), x), y)
    # or a weight for every example, under any loss, Keras's own too
    by_example = sample_weights(y, balanced(counts)).astype("float32")
    model = fitted(BinaryCrossentropy(), x, y, sample_weight=by_example)
    results["sample weights"] = rates(decisions(model, x), y)
    return results


def recall_and_specificity():
    """3. A loss on recall and specificity that has a gradient, so that it trains."""
    x, y = rare()
    results = {}
    for recall_weight in (0.1, 0.5, 0.9):
        loss = RecallSpecificity(recall_weight=recall_weight, specificity_weight=1 - recall_weight)
        results[recall_weight] = rates(decisions(fitted(loss, x, y, epochs=20), x), y)
    return results


def four_labels():
    """4. Four labels in every row, each with its own share of positives."""
    random = np.random.default_rng(0)
    shares = np.array([0.3, 0.09, 0.17, 0.05])
    y = (random.random((2000, 4)) < shares).astype("int32")
    x = random.normal(size=(2000, 4)).astype("float32") + 0.7 * y
    plain = fitted(BinaryCrossentropy(), x, y, outputs=4)
    weighted = fitted(BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20]), x, y, outputs=4)

    def recalls(model):
        hits = (model.predict(x, verbose=0) > 0.5) & (y == 1)
        return hits.sum(axis=0) / y.sum(axis=0)

    return {"plain": recalls(plain), "weighted": recalls(weighted)}


def weights_of_zeros_and_ones():
    """5. A weight for zeros and one for ones; or both from each batch."""
    x, y = rare()
    losses = {
        "plain": BinaryCrossentropy(),
        "by hand": BinaryCrossentropy(neg_weight=0.5, pos_weight=8.0),
        "of each batch": BinaryCrossentropy(class_weight="batch"),
    }
    return {name: rates(decisions(fitted(loss, x, y), x), y) for name, loss in losses.items()}


QUESTIONS = (
    weights_of_the_four_outcomes,
    many_and_few_examples,
    recall_and_specificity,
    four_labels,
    weights_of_zeros_and_ones,
)

if __name__ == "__main__":
    for question in QUESTIONS:
        print(question.__doc__)
        for name, values in question().items():
            print(f"    {name!s:20}", *(f"{value:.2f}" for value in values))
