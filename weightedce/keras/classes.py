"""Keras losses of one class out of K: the cross-entropy."""

from typing import Any

from weightedce import losses
from weightedce.keras.families import SoftmaxLoss
from weightedce.keras.loss import registered


@registered
class CategoricalCrossentropy(SoftmaxLoss):
    """`cross_entropy` of one-hot targets or distributions as a Keras loss, with class weights.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities, which are normalised. Where Keras still has the
        logits that a softmax along ``axis`` made them of, these are used; else probabilities
        are clipped to ``keras.config.epsilon()``, in value but not in slope.
    label_smoothing : float
        e in [0, 1]: the target moves that far towards the uniform distribution.
    axis : int
        The class axis.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        As in `BinaryCrossentropy`; one loss an example.
    name : str
        Name of the loss.
    dtype : str or keras.DTypePolicy, optional
        As in `BinaryCrossentropy`.
    class_weight : dict, list, array or "batch", optional
        One weight a class, at least 0; in a dict, 1 for classes that are not in it. ``"batch"``:
        `balanced` counts of each batch, 0 for classes that are absent.
    smoothing_weight : {"target", "class"}
        As in `cross_entropy`.

    Notes
    -----
    Called as ``loss(y_true, y_pred, sample_weight=None)``. Sample weights and the mask that Keras
    hands on align with the leading axes of the loss, (N,) or (N, H, W). What is masked may hold
    anything. The loss is in nats, in [0, inf].

    Gradients flow to ``y_pred``; see `BinaryCrossentropy` for saturated probabilities.

    Differences from ``keras.losses.CategoricalCrossentropy``: the arguments after ``dtype``;
    ``"weighted_mean"``; shapes that do not fit and targets outside 0..1 are errors; clipped
    probabilities are normalised again, which moves a loss by at most log(1 + K epsilon); the
    gradient of a saturated answer; ``dtype`` is in the config.

    Raises
    ------
    TypeError, ValueError
        When called, as `cross_entropy`, with ``y_true`` and ``y_pred`` in the message; when made,
        for a reduction or a weight that is none.

    References
    ----------
    See `cross_entropy`; the interface: Keras 3.15.1, ``keras.losses.CategoricalCrossentropy``.
    """

    function = staticmethod(losses.cross_entropy)
    labels = False

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class SparseCategoricalCrossentropy(SoftmaxLoss):
    """`cross_entropy` of class labels as a Keras loss, with class weights; label maps too.

    Parameters
    ----------
    from_logits : bool
        As in `CategoricalCrossentropy`.
    ignore_class : int, optional
        Examples with this label are left out; it may be any integer.
    reduction, axis, name, dtype
        As in `CategoricalCrossentropy`.
    class_weight, label_smoothing, smoothing_weight
        As in `CategoricalCrossentropy`.

    Notes
    -----
    Labels are (N,) or (N, 1) for ``y_pred`` of shape (N, K); (N, H, W) or (N, H, W, 1) for
    (N, H, W, K), or with ``axis=1`` for (N, K, H, W). Floating-point labels must be whole numbers.
    The rest is as in `CategoricalCrossentropy`.

    Differences from ``keras.losses.SparseCategoricalCrossentropy``, besides those: a label outside
    0..K-1 is an error, or NaN where nothing can be raised (Keras: loss 0 on JAX, an error or NaN
    elsewhere); ``axis`` is in the config, where Keras loses it.

    Raises
    ------
    TypeError, ValueError
        As `CategoricalCrossentropy`.

    References
    ----------
    See `cross_entropy`; the interface: Keras 3.15.1.

    Examples
    --------
    ::

        model.compile("adam", loss=SparseCategoricalCrossentropy(class_weight={1: 5.0, 2: 5.0}))
    """

    function = staticmethod(losses.cross_entropy)
    distributions = False

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        *,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
