"""Which losses are tried, each with its usual settings: those of its paper, or its defaults.

Left out are those that would train the same models: `dice_loss` (F1 of labels),
`balanced_softmax_cross_entropy` (logit adjustment by the shares of the classes), `expected_cost` of
balanced costs (recall-specificity) and `linear_cross_entropy` (cross-entropy); and those that ask
for more than a table: `distribution_balanced_loss` (many labels a row) and the constraints (a rate
that must hold).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import weightedce as w
from study.pairs import Pairs
from weightedce.comparison import ways
from weightedce.comparison.ways import Aim

CLASSES = {"link": "softmax", "axis": -1}  # of soft counts over more than two classes


class Training(NamedTuple):
    """A loss and its settings.

    Parameters
    ----------
    loss : callable
        Of the library.
    options : callable
        From counts and costs.
    settings : str
        What is said of them.
    pairs : bool
        A loss of yes/no targets: for two classes only.
    batch : bool
        A loss of the whole batch: for more classes it takes a softmax.
    back : bool
        Whether `undo_loss` leads from its logits back to probabilities.
    """

    loss: Callable[..., Any]
    options: Callable[[Aim], dict[str, Any]] = lambda _: {}
    settings: str = ""
    pairs: bool = False
    batch: bool = False
    back: bool = True

    def applies(self, classes: int, model: str) -> bool:
        """Tell whether it trains a model of so many classes: boosters need second derivatives."""
        if model == "booster" and (self.pairs or not self.back):
            return False
        return classes == 2 or not self.pairs

    def made(self, aim: Aim) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return the loss of K logits a row, and its options."""
        given = self.options(aim)
        if self.pairs or (self.batch and len(aim.costs) == 2):
            return Pairs(self.loss), given
        return self.loss, given | (CLASSES if self.batch else {})


def _counts(aim: Aim) -> dict[str, Any]:
    return {"counts": aim.counts.astype(float)}


def _damped(aim: Aim) -> dict[str, Any]:
    return {"class_weight": w.inverse_frequency(aim.counts.tolist(), power=0.5)}


def _effective(aim: Aim) -> dict[str, Any]:
    return {"class_weight": w.effective_number(aim.counts.tolist())}


def _of_compare(name: str, settings: str) -> Training:
    return Training(*ways.TRAININGS[name], settings)


PLAIN = "plain"
TRAININGS = {
    PLAIN: _of_compare("plain", "cross-entropy"),
    "weighted": _of_compare("weighted", "class weights, all classes alike"),
    "square-root weights": Training(w.cross_entropy, _damped, "their square roots"),
    "effective number": Training(w.cross_entropy, _effective, "weights, beta .999"),
    "focal": _of_compare("focal", "gamma 2"),
    "weighted focal": _of_compare("weighted focal", "gamma 2, class weights"),
    "poly": Training(w.poly_cross_entropy, settings="epsilon 1"),
    "generalized": Training(w.generalized_cross_entropy, settings="q .7"),
    "logit-adjusted": _of_compare("logit-adjusted", "tau 1, shares of the classes"),
    "LDAM": Training(
        w.ldam_cross_entropy,
        lambda aim: _counts(aim) | {"scale": 1.0},
        "margin .5, scale 1 since logits are no cosines",
    ),
    "vector scaling": Training(w.vector_scaling_cross_entropy, _counts, "gamma .15, tau 1"),
    "seesaw": Training(w.seesaw_loss, _counts, "p .8, q 2"),
    "asymmetric": Training(w.asymmetric_loss, settings="gamma 1 and 4, clip .05", pairs=True),
    "four outcomes": Training(
        w.confusion_cross_entropy,
        lambda aim: {"fn": float(aim.counts[0] / aim.counts[1]), "assignment": "soft"},
        "a miss weighs as much as there are common rows to a rare one",
        pairs=True,
    ),
    "recall-specificity": Training(
        w.recall_specificity_loss, settings="half and half", batch=True, back=False
    ),
    "F1": Training(w.f_beta_loss, settings="beta 1", batch=True, back=False),
    "Tversky": Training(
        w.tversky_loss,
        lambda _: {"fp_weight": 0.3, "fn_weight": 0.7},
        "false alarms .3, misses .7",
        batch=True,
        back=False,
    ),
    "focal Tversky": Training(
        w.focal_tversky_loss, settings=".3, .7, gamma 4/3", batch=True, back=False
    ),
    "Lovász": Training(w.lovasz_loss, settings="hinge", pairs=True, back=False),
}


def log_probabilities(training: Training, logits: np.ndarray, aim: Aim) -> np.ndarray:
    """Return log-probabilities: what the loss bent is taken back where there is a way back."""
    if not training.back:
        return ways.log_softmax(logits)
    loss, given = training.made(aim)
    if isinstance(loss, Pairs):
        z = w.undo_loss(loss.loss, logits[:, 1] - logits[:, 0], **given)
        return -np.logaddexp(0.0, np.stack([z, -z], axis=1))
    return ways.log_probabilities(ways.Training(loss, lambda _: given), logits, aim)
