"""The losses of the demo: one function each, for every library, NumPy included.

Each takes the logits of the two classes, (N, 2), the labels and the class counts. The counts are a
list, so weights made from them come in the dtype of the logits.
"""

from collections.abc import Callable
from typing import Any

from weightedce import (
    balanced,
    balanced_softmax_cross_entropy,
    cross_entropy,
    f_beta_loss,
    focal_loss,
    ldam_cross_entropy,
    recall_specificity_loss,
    undo_class_weight,
    undo_loss,
)

Loss = Callable[[Any, Any, list[int]], Any]


def log_odds(logits: Any) -> Any:
    """Turn the two logits into the one that losses of yes/no targets take."""
    return logits[:, 1] - logits[:, 0]


def recall_specificity(recall_weight: float) -> Loss:
    """Return the loss that asks for recall with this weight, for specificity with the rest."""
    weights = {"recall_weight": recall_weight, "specificity_weight": 1 - recall_weight}
    return lambda z, y, _: recall_specificity_loss(log_odds(z), y, **weights)


LOSSES: dict[str, Loss] = {
    "plain": lambda z, y, _: cross_entropy(z, y),
    "weighted": lambda z, y, n: cross_entropy(z, y, class_weight=balanced(n)),
    "focal": lambda z, y, _: focal_loss(z, y),
    "balanced-softmax": lambda z, y, n: balanced_softmax_cross_entropy(z, y, counts=n),
    "ldam": lambda z, y, n: ldam_cross_entropy(z, y, counts=n, scale=1.0),
    "f-beta": lambda z, y, _: f_beta_loss(log_odds(z), y, beta=2.0),
    "recall-specificity": recall_specificity(0.5),
}

# How the probabilities of the data come back from the logits; of counts there is no way back.
UNDONE: dict[str, Callable[[Any, list[int]], Any]] = {
    "weighted": lambda z, n: undo_class_weight(z, balanced(n)),
    "focal": lambda z, _: undo_loss(focal_loss, z),
    "balanced-softmax": lambda z, n: undo_loss(balanced_softmax_cross_entropy, z, counts=n),
    "ldam": lambda z, n: undo_loss(ldam_cross_entropy, z, counts=n, scale=1.0),
}
