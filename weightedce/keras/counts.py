"""Keras losses on soft counts of which there is more to say than their functions do."""

from typing import Any

from weightedce import losses
from weightedce.keras.batches import CountsLoss


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
    loss is divided by the number of replicas.
    """


class Tversky(
    CountsLoss, function=losses.tversky_loss, order="alpha beta reduction name axis dtype"
):
    """`tversky_loss` as a Keras loss.

    Parameters
    ----------
    alpha, beta : float
        Keras's names for the weights of false negatives (alpha) and of false positives (beta),
        as its code has them; its documentation has them the other way round.
    fp_weight, fn_weight : float, optional
        Weight of false positives and of false negatives, at least 0, in place of beta and alpha
        and by names that cannot be mixed up.

    Notes
    -----
    Differences from ``keras.losses.Tversky``: a sample weight, which Keras multiplies the scalar
    with; no 1e-7 in the denominator; targets and predictions outside 0..1 are errors; the loss is
    divided by the number of replicas under ``tf.distribute``.
    """

    alpha: float = 0.5
    beta: float = 0.5
    fp_weight: float | None = None
    fn_weight: float | None = None

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        by_name, by_letter = (self.fp_weight, self.fn_weight), (self.alpha, self.beta)
        if by_name != (None, None) and by_letter != (0.5, 0.5):
            raise ValueError(
                f"fp_weight, fn_weight: expected none beside alpha={self.alpha!r} and "
                f"beta={self.beta!r}, got {self.fp_weight!r} and {self.fn_weight!r}"
            )

    def passed(self) -> dict[str, Any]:
        """Return the options that the function takes, the two weights by their names."""
        fp = self.beta if self.fp_weight is None else self.fp_weight
        fn = self.alpha if self.fn_weight is None else self.fn_weight
        return {**super().passed(), "fp_weight": fp, "fn_weight": fn}
