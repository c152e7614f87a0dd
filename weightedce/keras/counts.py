"""Keras losses on soft counts: recall and specificity, overlap."""

from typing import Any

from weightedce import losses
from weightedce.keras.families import CountsLoss
from weightedce.keras.loss import registered


@registered
class RecallSpecificity(CountsLoss):
    """`recall_specificity_loss` as a Keras loss: it trains.

    Parameters
    ----------
    recall_weight, specificity_weight : float
        At least 0; they are divided by their sum. 1 and 0 give 1 - recall.
    axis : int, list or tuple of int, optional
        The axes to count over; what is left of them are separate problems. Default: all axes, one
        problem.
    reduction : str, optional
        Over what is left of the axes, as in `BinaryCrossentropy`; without ``axis`` there is one
        loss a batch, a scalar under every reduction.
    name, dtype
        As in `BinaryCrossentropy`.
    from_logits : bool
        False: ``y_pred`` holds probabilities; nothing is clipped.
    pos_weight, neg_weight, class_weight, ignore_class, label_smoothing, smoothing_weight
        As in `BinaryCrossentropy`. Lists go along the last axis, which may not be counted over,
        if there is an ``axis``.

    Notes
    -----
    The loss is in [0, 1], without unit. Sample weights and the mask that Keras hands on weigh
    elements inside the counts. Gradients flow to ``y_pred``; the loss is bounded, so saturated
    wrong answers have a gradient near 0. Counts of a batch do not add up to those of the epoch:
    take large batches. Keras has no such loss:
    public answers count thresholded predictions, which has no gradient.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `recall_specificity_loss`.

    References
    ----------
    See `recall_specificity_loss`.

    Examples
    --------
    ::

        model.compile("adam", loss=RecallSpecificity(recall_weight=0.9, specificity_weight=0.1))
    """

    function = staticmethod(losses.recall_specificity_loss)

    def __init__(
        self,
        recall_weight: float = 0.5,
        specificity_weight: float = 0.5,
        from_logits: bool = False,
        axis: Any = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "recall_specificity",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class FBeta(CountsLoss):
    """`f_beta_loss` as a Keras loss.

    Parameters
    ----------
    beta : float
        At least 0: recall counts beta times as much as precision.
    axis : int, list or tuple of int, optional
        The axes to count over; what is left of them are separate problems. Default: all axes, one
        problem.
    reduction : str, optional
        Over what is left of the axes, as in `BinaryCrossentropy`; without ``axis`` there is one
        loss a batch, a scalar under every reduction.
    name, dtype
        As in `BinaryCrossentropy`.
    from_logits : bool
        False: ``y_pred`` holds probabilities; nothing is clipped.
    pos_weight, neg_weight, class_weight, ignore_class, label_smoothing, smoothing_weight
        As in `BinaryCrossentropy`. Lists go along the last axis, which may not be counted over,
        if there is an ``axis``.

    Notes
    -----
    The loss is in [0, 1], without unit. Sample weights and the mask that Keras hands on weigh
    elements inside the counts. Gradients flow to ``y_pred``; the loss is bounded, so saturated
    wrong answers have a gradient near 0. Counts of a batch do not add up to those of the epoch:
    take large batches. Keras has no such loss.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `f_beta_loss`.

    References
    ----------
    See `f_beta_loss`.
    """

    function = staticmethod(losses.f_beta_loss)

    def __init__(
        self,
        beta: float = 1.0,
        from_logits: bool = False,
        axis: Any = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "f_beta",
        dtype: Any = None,
        *,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class Dice(CountsLoss):
    """`dice_loss` as a Keras loss.

    Parameters
    ----------
    reduction : str, optional
        Over what is left of the axes, as in `BinaryCrossentropy`; without ``axis`` there is one
        loss a batch, a scalar under every reduction.
    name, dtype
        As in `BinaryCrossentropy`.
    axis : int, list or tuple of int, optional
        The axes to count over; what is left of them are separate problems. Default: all axes, one
        problem.
    from_logits : bool
        False: ``y_pred`` holds probabilities; nothing is clipped.
    pos_weight, neg_weight, class_weight, ignore_class, label_smoothing, smoothing_weight
        As in `BinaryCrossentropy`. Lists go along the last axis, which may not be counted over,
        if there is an ``axis``.

    Notes
    -----
    The loss is in [0, 1], without unit. Sample weights and the mask that Keras hands on weigh
    elements inside the counts. Gradients flow to ``y_pred``; the loss is bounded, so saturated
    wrong answers have a gradient near 0. Counts of a batch do not add up to those of the epoch:
    take large batches. Differences from ``keras.losses.Dice``: a sample
    weight, which Keras multiplies the scalar with; no 1e-7 in the denominator; targets outside
    0..1 are errors; under ``tf.distribute`` the loss is divided by the number of replicas.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `dice_loss`.

    References
    ----------
    See `dice_loss`; the interface: Keras 3.15.1.
    """

    function = staticmethod(losses.dice_loss)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
        *,
        from_logits: bool = False,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())


@registered
class Tversky(CountsLoss):
    """`tversky_loss` as a Keras loss.

    Parameters
    ----------
    alpha, beta : float
        Keras's names for the weights of false negatives (alpha) and of false positives (beta),
        as its code has them; its documentation has them the other way round.
    fp_weight, fn_weight : float, optional
        Weight of false positives and of false negatives, at least 0, in place of beta and alpha
        and by names that cannot be mixed up.
    reduction : str, optional
        Over what is left of the axes, as in `BinaryCrossentropy`; without ``axis`` there is one
        loss a batch, a scalar under every reduction.
    name, dtype
        As in `BinaryCrossentropy`.
    axis : int, list or tuple of int, optional
        The axes to count over; what is left of them are separate problems. Default: all axes, one
        problem.
    from_logits : bool
        False: ``y_pred`` holds probabilities; nothing is clipped.
    pos_weight, neg_weight, class_weight, ignore_class, label_smoothing, smoothing_weight
        As in `BinaryCrossentropy`. Lists go along the last axis, which may not be counted over,
        if there is an ``axis``.

    Notes
    -----
    The loss is in [0, 1], without unit. Sample weights and the mask that Keras hands on weigh
    elements inside the counts. Gradients flow to ``y_pred``; the loss is bounded, so saturated
    wrong answers have a gradient near 0. Counts of a batch do not add up to those of the epoch:
    take large batches. Differences from ``keras.losses.Tversky``: a sample weight, which Keras
    multiplies the scalar with; no 1e-7 in the denominator; targets and predictions outside 0..1
    are errors; the loss is divided by the number of replicas under ``tf.distribute``.

    Raises
    ------
    TypeError, ValueError
        As `BinaryCrossentropy` and `tversky_loss`.

    References
    ----------
    See `tversky_loss`; the interface: Keras 3.15.1.
    """

    function = staticmethod(losses.tversky_loss)
    alpha: float
    beta: float
    fp_weight: float | None
    fn_weight: float | None

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
        *,
        fp_weight: float | None = None,
        fn_weight: float | None = None,
        from_logits: bool = False,
        pos_weight: Any = None,
        neg_weight: Any = None,
        class_weight: Any = None,
        ignore_class: float | None = None,
        label_smoothing: float = 0.0,
        smoothing_weight: str = "target",
    ) -> None:
        super().__init__(locals())
        if (fp_weight, fn_weight) != (None, None) and (alpha, beta) != (0.5, 0.5):
            raise ValueError(
                f"fp_weight, fn_weight: expected none beside alpha={alpha!r} and beta={beta!r}, "
                f"got {fp_weight!r} and {fn_weight!r}"
            )

    def others(self, *handled: str) -> dict[str, Any]:
        """Return the options but for those that are handled, the two weights by their names."""
        fp = self.beta if self.fp_weight is None else self.fp_weight
        fn = self.alpha if self.fn_weight is None else self.fn_weight
        rest = super().others("alpha", "beta", "fp_weight", "fn_weight", *handled)
        return {"fp_weight": fp, "fn_weight": fn, **rest}
