"""What is tried: a loss, its options from counts and costs, and how decisions are made."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from weightedce.calibration.costs import minimum_cost
from weightedce.calibration.undo_loss import undo_loss
from weightedce.losses.cross_entropy import cross_entropy
from weightedce.losses.focal_loss import focal_loss
from weightedce.losses.logit_adjusted_cross_entropy import logit_adjusted_cross_entropy


class Aim(NamedTuple):
    """What a decision is for.

    Parameters
    ----------
    counts : ndarray
        (K,) rows of each class among those to learn from.
    costs : ndarray
        (K,) what it costs to take a row of a class for another.
    """

    counts: np.ndarray
    costs: np.ndarray

    @property
    def weights(self) -> list[float]:
        """Class weights of the costs; they average 1 over the rows."""
        average = self.costs @ self.counts / self.counts.sum()
        return [float(cost / average) for cost in self.costs]

    @property
    def prior(self) -> list[float]:
        """The prior beside which all classes cost the same: the shares, for balanced costs."""
        total = (1 / self.costs).sum()
        return [float(1 / cost / total) for cost in self.costs]

    @property
    def matrix(self) -> np.ndarray:
        """``matrix[y][d]``: what decision d costs where y is true."""
        return self.costs[:, None] * (1 - np.eye(len(self.costs)))


class Training(NamedTuple):
    """A loss with options that come from the aim."""

    loss: Callable[..., Any]
    options: Callable[[Aim], dict[str, Any]]


class Way(NamedTuple):
    """A training, and how decisions come from it: the largest logit, or the least cost."""

    training: str
    by_cost: bool
    what: str


TRAININGS = {
    "plain": Training(cross_entropy, lambda _: {}),
    "weighted": Training(cross_entropy, lambda aim: {"class_weight": aim.weights}),
    "focal": Training(focal_loss, lambda _: {"gamma": 2.0}),
    "weighted focal": Training(focal_loss, lambda aim: {"gamma": 2.0, "class_weight": aim.weights}),
    "logit-adjusted": Training(
        logit_adjusted_cross_entropy, lambda aim: {"prior": aim.prior, "tau": 1.0}
    ),
}
PLAIN, MOVED = "plain", "moved threshold"
WAYS = {
    PLAIN: Way("plain", False, "cross-entropy, the likeliest class"),
    MOVED: Way("plain", True, "the same model, the class of least cost"),
    "weighted": Way("weighted", False, "class weights, the largest logit"),
    "focal": Way("focal", False, "focal loss (gamma 2), the largest logit"),
    "focal, undone": Way("focal", True, "the same model, gamma undone, least cost"),
    "weighted focal": Way("weighted focal", False, "both, the largest logit"),
    "logit-adjusted": Way("logit-adjusted", False, "priors in the loss, the largest logit"),
}


def balanced_costs(counts: np.ndarray) -> np.ndarray:
    """Return costs under which every class matters alike: the cost is then 1 - macro recall."""
    return np.asarray(counts.sum() / (len(counts) * counts))


def log_probabilities(training: Training, logits: np.ndarray, aim: Aim) -> np.ndarray:
    """Return the logarithms of the data's probabilities: what the loss bent is taken back."""
    return log_softmax(undo_loss(training.loss, logits, **training.options(aim)))


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return log-probabilities as the logits say them."""
    z = z - z.max(axis=-1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))


def decide(way: Way, logits: np.ndarray, log_p: np.ndarray, aim: Aim) -> np.ndarray:
    """Return the class that is decided on for each row."""
    if way.by_cost:
        return np.asarray(minimum_cost(np.exp(log_p), aim.matrix))
    return np.asarray(logits.argmax(axis=-1))
