"""Keras losses of one class out of K that move the logits by what is known of the classes."""

from typing import Any

from weightedce import losses
from weightedce.keras.families import SoftmaxLoss
from weightedce.keras.loss import registered


@registered
class LogitAdjustedCrossentropy(SoftmaxLoss):
    """`logit_adjusted_cross_entropy` as a Keras loss.

    Parameters
    ----------
    prior : list or array, shape (K,)
        The share of each class in the data, or any multiple of it such as counts.
    tau : float
        Strength, at least 0.
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
        As `CategoricalCrossentropy` and `logit_adjusted_cross_entropy`.

    References
    ----------
    See `logit_adjusted_cross_entropy`.
    """

    function = staticmethod(losses.logit_adjusted_cross_entropy)

    def __init__(
        self,
        prior: Any,
        tau: float = 1.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "logit_adjusted_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: int | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class BalancedSoftmaxCrossentropy(SoftmaxLoss):
    """`balanced_softmax_cross_entropy` as a Keras loss.

    Parameters
    ----------
    counts : list or array, shape (K,)
        Examples of each class.
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
        As `CategoricalCrossentropy` and `balanced_softmax_cross_entropy`.

    References
    ----------
    See `balanced_softmax_cross_entropy`.
    """

    function = staticmethod(losses.balanced_softmax_cross_entropy)

    def __init__(
        self,
        counts: Any,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "balanced_softmax_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: int | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class LDAMCrossentropy(SoftmaxLoss):
    """`ldam_cross_entropy` as a Keras loss: a margin for every class.

    Parameters
    ----------
    counts : list or array, shape (K,)
        Examples of each class.
    max_margin : float
        The margin of the rarest class, at least 0.
    scale : float
        What the logits are multiplied by, above 0. The default is for cosines: with ordinary
        logits try 1.
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
        As `CategoricalCrossentropy` and `ldam_cross_entropy`.

    References
    ----------
    See `ldam_cross_entropy`.
    """

    function = staticmethod(losses.ldam_cross_entropy)

    def __init__(
        self,
        counts: Any,
        max_margin: float = 0.5,
        scale: float = 30.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ldam_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: int | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class VectorScalingCrossentropy(SoftmaxLoss):
    """`vector_scaling_cross_entropy` as a Keras loss: scales and shifts logits by class.

    Parameters
    ----------
    scale, shift : number, list or array, shape (K,), optional
        One number a class, or one for all.
    counts : list or array, shape (K,), optional
        Examples of each class, instead of scale and shift.
    gamma, tau : float
        What counts are turned into scale and shift with, at least 0.
    scale_by : {"class", "label"}
        As in `vector_scaling_cross_entropy`.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `CategoricalCrossentropy`.
    class_weight, smoothing_weight
        As in `CategoricalCrossentropy`.
    ignore_class : int, optional
        Examples with this label are left out.

    Notes
    -----
    ``y_true`` is class labels, (N,) or (N, 1), or of the shape of ``y_pred``. The rest is as in
    `CategoricalCrossentropy`. Keras has no such loss. Many
    logits give the same probabilities, and scales tell them apart: with ``from_logits=False`` it
    is the logarithms of the probabilities that are scaled, whether the logits can be seen or not.

    Raises
    ------
    TypeError, ValueError
        As `CategoricalCrossentropy` and `vector_scaling_cross_entropy`.

    References
    ----------
    See `vector_scaling_cross_entropy`.
    """

    function = staticmethod(losses.vector_scaling_cross_entropy)
    normalized = True

    def __init__(
        self,
        scale: Any = None,
        shift: Any = None,
        counts: Any = None,
        gamma: float = 0.15,
        tau: float = 1.0,
        scale_by: str = "class",
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "vector_scaling_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        ignore_class: int | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
