"""Keras losses that bend the cross-entropy of K classes: focal, generalized, polynomial."""

from typing import Any

from weightedce import losses
from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.keras.families import SoftmaxLoss, product
from weightedce.keras.loss import registered


@registered
class CategoricalFocalCrossentropy(SoftmaxLoss):
    """`focal_loss` as a Keras loss, of one-hot targets or distributions.

    Parameters
    ----------
    alpha : number or list
        Multiplies the loss: one number, or one a class.
    gamma : float
        Focusing, at least 0.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `CategoricalCrossentropy`.
    class_weight
        As in `CategoricalCrossentropy`; multiplies ``alpha``.
    smoothing_weight : {"target", "class", None}
        As in `cross_entropy`. None: ``"class"`` if ``alpha`` is a list, as Keras has it, else
        ``"target"``.

    Notes
    -----
    Shapes, units, gradients and differences as in `CategoricalCrossentropy`.

    Raises
    ------
    TypeError, ValueError
        As `CategoricalCrossentropy` and `focal_loss`.

    References
    ----------
    See `focal_loss`; the interface: Keras 3.15.1.
    """

    function = staticmethod(losses.focal_loss)
    labels = False
    handled = ("alpha", "smoothing_weight")
    alpha: Any
    smoothing_weight: str | None

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        smoothing_weight: str | None = None,
    ) -> None:
        super().__init__(locals())

    def weights(self, y: Array, keep: Array | None, z: Array, *, hard: bool) -> Any:
        """Return the class weights, alpha included."""
        weight = super().weights(y, keep, z, hard=hard)
        if isinstance(weight, list):
            weight = arguments.beside("class_weight", weight, z, z.dtype)
        return product(self.alpha, weight)

    def others(self, *handled: str) -> dict[str, Any]:
        """Return what the function takes as it is."""
        policy = self.smoothing_weight or ("class" if isinstance(self.alpha, list) else "target")
        return {"smoothing_weight": policy, **super().others(*handled)}


@registered
class CategoricalGeneralizedCrossEntropy(SoftmaxLoss):
    """`generalized_cross_entropy` as a Keras loss, for labels that may be wrong.

    Parameters
    ----------
    q : float
        In (0, 1]: towards 0 it gives the cross-entropy, 1 gives 1 - p.
    reduction, name, dtype
        As in `CategoricalCrossentropy`.
    from_logits, axis, label_smoothing, class_weight, smoothing_weight
        As in `CategoricalCrossentropy`.
    ignore_class : int, optional
        Examples with this label are left out.

    Notes
    -----
    ``y_true`` is class labels, as in Keras, or of the shape of ``y_pred``. Nothing is clipped: the
    loss is bounded, in [0, 1/q], without unit. The rest is as in `CategoricalCrossentropy`.

    Differences from ``keras.losses.CategoricalGeneralizedCrossEntropy``: one-hot targets will do
    (there they are taken for labels); ``q=1`` will do; probabilities are normalised.

    Raises
    ------
    TypeError, ValueError
        As `CategoricalCrossentropy` and `generalized_cross_entropy`.

    References
    ----------
    See `generalized_cross_entropy`; the interface: Keras 3.15.1.
    """

    function = staticmethod(losses.generalized_cross_entropy)
    bounded = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
        *,
        from_logits: bool = False,
        axis: int = -1,
        class_weight: Any = None,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class PolyCrossentropy(SoftmaxLoss):
    """`poly_cross_entropy` as a Keras loss.

    Parameters
    ----------
    epsilon : float
        At least -1; 0 gives the cross-entropy.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `CategoricalCrossentropy`.
    class_weight, smoothing_weight
        As in `CategoricalCrossentropy`.
    ignore_class : int, optional
        Examples with this label are left out.

    Notes
    -----
    ``y_true`` is class labels, (N,) or (N, 1), or of the shape of ``y_pred``. The rest is as in
    `CategoricalCrossentropy`. Keras has no such loss.

    Raises
    ------
    TypeError, ValueError
        As `CategoricalCrossentropy` and `poly_cross_entropy`.

    References
    ----------
    See `poly_cross_entropy`.
    """

    function = staticmethod(losses.poly_cross_entropy)

    def __init__(
        self,
        epsilon: float = 1.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poly_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: int | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
