"""Keras losses of yes/no targets of which there is more to say than their functions do."""

from typing import Any

from weightedce import losses
from weightedce.call import options
from weightedce.keras.elements import BinaryLoss
from weightedce.keras.weights import product


class BinaryCrossentropy(
    BinaryLoss,
    function=losses.binary_cross_entropy,
    order="from_logits label_smoothing axis reduction name dtype",
):
    """`binary_cross_entropy` as a Keras loss: weights of positives and negatives, per label.

    Notes
    -----
    Differences from ``keras.losses.BinaryCrossentropy``: the arguments after ``dtype``;
    ``"weighted_mean"``; an (N, L) sample weight, which Keras lays along the wrong axis if N = L
    and refuses otherwise; shapes and targets that do not fit are errors; the gradient of a
    saturated answer, which Keras clips to 0 on JAX and torch; ``dtype`` is in the config.

    Examples
    --------
    ::

        model.compile("adam", loss=BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20]))
    """


class BinaryFocalCrossentropy(
    BinaryLoss,
    function=losses.binary_focal_loss,
    order="apply_class_balancing alpha gamma from_logits label_smoothing axis reduction name dtype",
):
    """`binary_focal_loss` as a Keras loss.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether positives weigh ``alpha`` and negatives ``1 - alpha``, times the other weights.
    alpha : float
        In [0, 1]; used with ``apply_class_balancing`` only.

    Notes
    -----
    Differences from ``keras.losses.BinaryFocalCrossentropy``, besides those of
    `BinaryCrossentropy`: a soft or smoothed target takes its shares of the two terms, where Keras
    interpolates p and alpha.
    """

    apply_class_balancing: bool = False
    alpha: float = 0.25

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        options.number("alpha", self.alpha, 0, 1)

    def weights(self, y: Any, keep: Any) -> dict[str, Any]:
        """Return the weights of positives and negatives, alpha included."""
        weights = super().weights(y, keep)
        if self.apply_class_balancing:
            weights["pos_weight"] = product(weights["pos_weight"], self.alpha)
            weights["neg_weight"] = product(weights["neg_weight"], 1 - self.alpha)
        return {**weights, "alpha": None}


class ConfusionCrossentropy(BinaryLoss, function=losses.confusion_cross_entropy):
    """`confusion_cross_entropy` as a Keras loss: a weight for each of the four outcomes.

    Notes
    -----
    Public answers count thresholded predictions, which has no gradient.

    Examples
    --------
    ::

        model.compile("adam", loss=ConfusionCrossentropy(tp=1, tn=0.2, fp=1, fn=9))
    """
