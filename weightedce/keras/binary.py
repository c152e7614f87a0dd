"""Keras losses of yes/no targets."""

from typing import Any

from weightedce import losses
from weightedce.call import options
from weightedce.keras.families import BinaryLoss, product
from weightedce.keras.loss import registered


@registered
class BinaryCrossentropy(BinaryLoss):
    """`binary_cross_entropy` as a Keras loss: weights of positives and negatives, per label.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities. Where Keras still has the logits that a sigmoid
        made them of, these are used; else probabilities are clipped to
        ``keras.config.epsilon()``, in value but not in slope.
    label_smoothing : float
        e in [0, 1]: both targets move by e/2 towards each other.
    axis : int
        The label axis: over it the losses of a sample are averaged, along it weights lie.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        ``"sum_over_batch_size"`` and ``"mean"``: sum / number of unmasked elements.
        ``"mean_with_sample_weight"``: sum / sum of sample weights. ``"weighted_mean"``: sum / sum
        of all weights, those of the classes included. ``"sum"``: sum of the losses of the
        samples. ``"none"``: one loss a sample. A zero denominator gives loss and gradient 0.
    name : str
        Name of the loss.
    dtype : str or keras.DTypePolicy, optional
        dtype of the result; ``keras.config.floatx()`` by default. Half precision is computed in
        float32.
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label. At least 0; default 1.
        ``pos_weight="batch"``: `pos_weights` of each batch.
    class_weight : dict, list, array or "batch", optional
        ``{0: a, 1: b}`` or ``[a, b]`` multiplies the weight of negatives by a, of positives by
        b. ``"batch"``: `balanced` counts of each batch, over all labels; 0 for what is absent.
    ignore_class : number, optional
        Elements with this target are left out.
    smoothing_weight : {"target", "class"}
        As in `binary_cross_entropy`.

    Notes
    -----
    Called as ``loss(y_true, y_pred, sample_weight=None)``. Targets are 0 and 1 or probabilities,
    of the shape of ``y_pred``, but for a last axis of size 1. Sample weights and the mask that
    Keras hands on align with the leading axes: (N,) weighs samples, (N, L) elements. What is
    masked may hold anything. The loss is in nats, in [0, inf].

    Gradients flow to ``y_pred``. On JAX, and in other code where the logits of a sigmoid cannot
    be seen, they stop at p = 1 and at p < 1e-30: prefer a model that gives logits, and
    ``from_logits=True``.

    Differences from ``keras.losses.BinaryCrossentropy``: the arguments after ``dtype``;
    ``"weighted_mean"``; an (N, L) sample weight, which Keras lays along the wrong axis if N = L
    and refuses otherwise; shapes and targets that do not fit are errors; the gradient of a
    saturated answer, which Keras clips to 0 on JAX and torch; ``dtype`` is in the config.

    Raises
    ------
    TypeError, ValueError
        When called, as `binary_cross_entropy`, with ``y_true`` and ``y_pred`` in the message;
        when made, for a reduction or a weight that is none.

    References
    ----------
    See `binary_cross_entropy`; the interface: Keras 3.15.1, ``keras.losses.BinaryCrossentropy``.

    Examples
    --------
    ::

        model.compile("adam", loss=BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20]))
    """

    function = staticmethod(losses.binary_cross_entropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class BinaryFocalCrossentropy(BinaryLoss):
    """`binary_focal_loss` as a Keras loss.

    Parameters
    ----------
    apply_class_balancing : bool
        Whether positives weigh ``alpha`` and negatives ``1 - alpha``.
    alpha : float
        In [0, 1]; used with ``apply_class_balancing`` only.
    gamma : float
        Focusing, at least 0.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `BinaryCrossentropy`.
    pos_weight, neg_weight, class_weight, ignore_class, smoothing_weight
        As in `BinaryCrossentropy`; they multiply what ``alpha`` gives.

    Notes
    -----
    Shapes, units and gradients as in `BinaryCrossentropy`. Differences from
    ``keras.losses.BinaryFocalCrossentropy``, besides those: a soft or smoothed target takes its
    shares of the two terms, where Keras interpolates p and alpha.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `binary_focal_loss`.

    References
    ----------
    See `binary_focal_loss`; the interface: Keras 3.15.1.
    """

    function = staticmethod(losses.binary_focal_loss)
    handled = ("apply_class_balancing", "alpha")
    apply_class_balancing: bool
    alpha: float

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
        options.number("alpha", alpha, 0, 1)

    def weights(self, y: Any, keep: Any) -> dict[str, Any]:
        """Return the weights of positives and negatives, alpha included."""
        weights = super().weights(y, keep)
        if not self.apply_class_balancing:
            return weights
        return {
            "pos_weight": product(weights["pos_weight"], self.alpha),
            "neg_weight": product(weights["neg_weight"], 1 - self.alpha),
        }


@registered
class AsymmetricLoss(BinaryLoss):
    """`asymmetric_loss` as a Keras loss, for many labels of which few are positive.

    Parameters
    ----------
    gamma_pos, gamma_neg : float
        Focusing of positives and of negatives, at least 0.
    clip : float
        In [0, 1): negatives with p below it cost nothing.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `BinaryCrossentropy`.
    pos_weight, neg_weight, class_weight, ignore_class, smoothing_weight
        As in `BinaryCrossentropy`.

    Notes
    -----
    Shapes, units and gradients as in `BinaryCrossentropy`. Keras has no such loss.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `asymmetric_loss`.

    References
    ----------
    See `asymmetric_loss`.
    """

    function = staticmethod(losses.asymmetric_loss)

    def __init__(
        self,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        clip: float = 0.05,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "asymmetric_loss",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class ConfusionCrossentropy(BinaryLoss):
    """`confusion_cross_entropy` as a Keras loss: a weight for each of the four outcomes.

    Parameters
    ----------
    tp, tn, fp, fn : number, list or array
        Weight of true positives, true negatives, false positives and false negatives: one for
        all, or one a label. At least 0.
    threshold : float
        The *logit* above which the decision is positive: 0 for p = 1/2.
    assignment : {"hard", "soft"}
        As in `confusion_cross_entropy`.
    from_logits, label_smoothing, axis, reduction, name, dtype
        As in `BinaryCrossentropy`.
    pos_weight, neg_weight, class_weight, ignore_class, smoothing_weight
        As in `BinaryCrossentropy`.

    Notes
    -----
    Shapes, units and gradients as in `BinaryCrossentropy`. Keras has no such loss: public
    answers count thresholded predictions, which has no gradient.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `confusion_cross_entropy`.

    References
    ----------
    See `confusion_cross_entropy`.

    Examples
    --------
    ::

        model.compile("adam", loss=ConfusionCrossentropy(tp=1, tn=0.2, fp=1, fn=9))
    """

    function = staticmethod(losses.confusion_cross_entropy)

    def __init__(
        self,
        tp: Any = 1.0,
        tn: Any = 1.0,
        fp: Any = 1.0,
        fn: Any = 1.0,
        threshold: float = 0.0,
        assignment: str = "hard",
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "confusion_crossentropy",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
