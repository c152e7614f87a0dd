"""Keras losses of one class out of K of which there is more to say than their functions do."""

from typing import Any

from weightedce import losses
from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.options import SmoothingWeight
from weightedce.keras.examples import SoftmaxLoss
from weightedce.keras.weights import product


class CategoricalCrossentropy(
    SoftmaxLoss,
    function=losses.cross_entropy,
    order="from_logits label_smoothing axis reduction name dtype",
):
    """`cross_entropy` of one-hot targets or distributions as a Keras loss, with class weights.

    Notes
    -----
    ``y_true`` has the shape of ``y_pred``.

    Differences from ``keras.losses.CategoricalCrossentropy``: the arguments after ``dtype``;
    ``"weighted_mean"``; shapes that do not fit and targets outside 0..1 are errors; clipped
    probabilities are normalised again, which moves a loss by at most log(1 + K epsilon); the
    gradient of a saturated answer; ``dtype`` is in the config.
    """

    labels = False


class SparseCategoricalCrossentropy(
    SoftmaxLoss,
    function=losses.cross_entropy,
    order="from_logits ignore_class reduction axis name dtype",
    without=["target_range"],
):
    """`cross_entropy` of class labels as a Keras loss, with class weights; label maps too.

    Notes
    -----
    Labels are (N,) or (N, 1) for ``y_pred`` of shape (N, K); (N, H, W) or (N, H, W, 1) for
    (N, H, W, K), or with ``axis=1`` for (N, K, H, W). Floating-point labels must be whole numbers.

    Differences from ``keras.losses.SparseCategoricalCrossentropy``, besides those of
    `CategoricalCrossentropy`: a label outside 0..K-1 is an error, or NaN where nothing can be
    raised (Keras: loss 0 on JAX, an error or NaN elsewhere); ``axis`` is in the config, where
    Keras loses it.

    Examples
    --------
    ::

        model.compile("adam", loss=SparseCategoricalCrossentropy(class_weight={1: 5.0, 2: 5.0}))
    """

    distributions = False


class CategoricalFocalCrossentropy(
    SoftmaxLoss,
    function=losses.focal_loss,
    order="alpha gamma from_logits label_smoothing axis reduction name dtype",
):
    """`focal_loss` as a Keras loss, of one-hot targets or distributions.

    Parameters
    ----------
    alpha : number or list
        Multiplies the loss, and the class weights: one number, or one a class.
    smoothing_weight : {"target", "class", None}
        As in `cross_entropy`. None: ``"class"`` if ``alpha`` is a list, as Keras has it, else
        ``"target"``.

    Notes
    -----
    ``y_true`` has the shape of ``y_pred``. Differences as in `CategoricalCrossentropy`.
    """

    labels = False
    alpha: Any = 0.25
    smoothing_weight: SmoothingWeight | None = None

    def weights(self, y: Array, keep: Array | None, z: Array, *, hard: bool) -> Any:
        """Return the class weights, alpha included."""
        weight = super().weights(y, keep, z, hard=hard)
        if isinstance(weight, list):
            weight = arguments.beside("class_weight", weight, z, z.dtype)
        return product(self.alpha, weight)

    def passed(self) -> dict[str, Any]:
        """Return the options that the function takes, Keras's way of smoothing chosen."""
        policy = self.smoothing_weight or ("class" if isinstance(self.alpha, list) else "target")
        return {**super().passed(), "smoothing_weight": policy}


class CategoricalGeneralizedCrossEntropy(
    SoftmaxLoss,
    function=losses.generalized_cross_entropy,
    order="q reduction name dtype",
    q=0.5,
):
    """`generalized_cross_entropy` as a Keras loss, for labels that may be wrong.

    Notes
    -----
    Nothing is clipped: the loss is bounded, in [0, 1/q], without unit.

    Differences from ``keras.losses.CategoricalGeneralizedCrossEntropy``: one-hot targets will do
    (there they are taken for labels); ``q=1`` will do; probabilities are normalised.
    """

    bounded = True


class VectorScalingCrossentropy(SoftmaxLoss, function=losses.vector_scaling_cross_entropy):
    """`vector_scaling_cross_entropy` as a Keras loss: scales and shifts logits by class.

    Notes
    -----
    Many logits give the same probabilities, and scales tell them apart: with
    ``from_logits=False`` it is the logarithms of the probabilities that are scaled, whether the
    logits can be seen or not.
    """

    normalized = True
