"""Keras losses on soft counts of which there is more to say than their functions do."""

from typing import Any

from weightedce import losses
from weightedce.keras.soft_counts import CountsLoss


class RecallSpecificity(CountsLoss, function=losses.recall_specificity_loss):
    """`recall_specificity_loss` as a Keras loss: it trains.

    Notes
    -----
    Public answers count thresholded predictions, which has no gradient.

    Examples
    --------
    ::

        model.compile("adam", loss=RecallSpecificity(recall_weight=0.9, specificity_weight=0.1))
    """


class Dice(CountsLoss, function=losses.dice_loss, order="reduction name axis dtype"):
    """`dice_loss` as a Keras loss.

    Notes
    -----
    Differences from ``keras.losses.Dice``: a sample weight, which Keras multiplies the scalar
    with; no 1e-7 in the denominator; targets outside 0..1 are errors; under ``tf.distribute`` the
    loss is that of the whole batch, where Keras adds up the losses of the replicas.
    """


class Tversky(
    CountsLoss, function=losses.tversky_loss, order="alpha beta reduction name axis dtype"
):
    """`tversky_loss` as a Keras loss.

    Parameters
    ----------
    alpha, beta : float
        Keras's names for the two weights, which must be the same number: up to Keras 3.15.1
        alpha is the weight of false negatives, after it of false positives, as documented.
    fp_weight, fn_weight : float, optional
        Weight of false positives and of false negatives, at least 0, in place of alpha and beta.

    Notes
    -----
    Differences from ``keras.losses.Tversky``: two different weights, which go by their names; a
    sample weight, which Keras multiplies the scalar with; no 1e-7 in the denominator; targets and
    predictions outside 0..1 are errors; under ``tf.distribute`` as in `Dice`.
    """

    alpha: float = 0.5
    beta: float = 0.5
    fp_weight: float | None = None
    fn_weight: float | None = None

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        a, b, by_name = self.alpha, self.beta, (self.fp_weight, self.fn_weight)
        if by_name != (None, None) and (a, b) != (0.5, 0.5):
            raise ValueError(
                f"fp_weight, fn_weight: expected none beside alpha={a!r} and beta={b!r}, got "
                f"{self.fp_weight!r} and {self.fn_weight!r}"
            )
        if a != b:
            raise ValueError(
                f"alpha, beta: expected fp_weight and fn_weight in their place, since which is "
                f"which depends on the version of Keras, got alpha={a!r} and beta={b!r}: write "
                f"fp_weight={b!r}, fn_weight={a!r} for what Keras computes up to 3.15.1, "
                f"fp_weight={a!r}, fn_weight={b!r} for what it documents, and computes after that"
            )

    def passed(self) -> dict[str, Any]:
        """Return the options that the function takes, the two weights by their names."""
        fp = self.beta if self.fp_weight is None else self.fp_weight
        fn = self.alpha if self.fn_weight is None else self.fn_weight
        return {**super().passed(), "fp_weight": fp, "fn_weight": fn}
