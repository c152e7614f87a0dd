"""Soft confusion counts: what the losses on recall, precision and overlap are made of."""

from typing import Any, NamedTuple, NoReturn, Self, get_args

from weightedce.backends import Array, backend_of
from weightedce.call import arguments, options
from weightedce.call.across import Gradients, across
from weightedce.call.arguments import all_known
from weightedce.call.binary_batch import binary_batch
from weightedce.call.options import IgnoreIndex, LabelReduction, SmoothingWeight
from weightedce.call.reductions import ratio
from weightedce.numerics import stable


class SoftConfusion(NamedTuple):
    """Soft counts of a batch, which add up over micro-batches, processes and devices.

    ``a + b`` holds the counts of both batches, and Python's ``sum`` adds up a list of them. It
    is a tuple of four arrays of one dtype, so that JAX, PyTorch and TensorFlow take it as a
    tree.

    Parameters
    ----------
    tp, fn, fp, tn : array
        Soft numbers of true positives, false negatives, false positives and true negatives: one
        each, or one a label.

    Examples
    --------
    >>> import numpy as np
    >>> a = soft_confusion(np.array([0.0, 2.0]), np.array([1, 0]))
    >>> b = soft_confusion(np.array([-1.0]), np.array([1]))
    >>> (a + b).recall().round(4)
    np.float64(0.3845)
    """

    tp: Array
    fn: Array
    fp: Array
    tn: Array

    def __add__(self, other: tuple[Any, ...], /) -> Self:
        """Add element by element, not as tuples do."""
        if not isinstance(other, SoftConfusion):
            return NotImplemented
        ranks = [len(getattr(counts.tp, "shape", ())) for counts in (self, other)]
        if ranks[0] != ranks[1]:
            raise ValueError(
                "other: expected counts of the same labels, got pooled ones beside one a label"
            )
        return type(self)(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __radd__(self, other: object, /) -> Self:
        """Let ``sum`` start from its 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __mul__(self, other: object, /) -> NoReturn:
        """Refuse what repeats a tuple."""
        raise TypeError(f"SoftConfusion: expected + another one, got * {other!r:.40}")

    def __rmul__(self, other: object, /) -> NoReturn:
        """Refuse the same on the other side."""
        self.__mul__(other)

    def across(self, devices: Any = None, *, gradients: Gradients | None = None) -> Self:
        """Return the counts of all devices, of which each has a part of the batch.

        In one collective; arguments, errors and gradients as in `LossTotal.across`. What is made
        of the counts, a Dice loss say, is then that of the whole batch: a mean of the devices'
        own is not.

        Examples
        --------
        >>> import numpy as np
        >>> soft_confusion(np.zeros(4), np.array([1, 1, 0, 0])).across().dice_loss()
        np.float64(0.5)
        """
        return type(self)(*across(self, devices, gradients))

    def recall(self) -> Array:
        """Return TP / (TP + FN), and 0 where there are no positives."""
        return ratio(self.tp, self.tp + self.fn)

    def specificity(self) -> Array:
        """Return TN / (TN + FP), and 0 where there are no negatives."""
        return ratio(self.tn, self.tn + self.fp)

    def precision(self) -> Array:
        """Return TP / (TP + FP), and 0 where nothing is predicted positive."""
        return ratio(self.tp, self.tp + self.fp)

    def recall_specificity_loss(
        self, *, recall_weight: float = 0.5, specificity_weight: float = 0.5
    ) -> Array:
        """Return `recall_specificity_loss` of these counts, one a label."""
        a, b = normalized(recall_weight, specificity_weight, self.tp)
        missed = ratio(self.fn, self.tp + self.fn)  # 1 - recall, without cancelling
        alarms = ratio(self.fp, self.tn + self.fp)
        return a * missed + b * alarms

    def tversky_loss(self, *, fp_weight: float = 0.5, fn_weight: float = 0.5) -> Array:
        """Return `tversky_loss` of these counts, one a label."""
        fp_weight = arguments.number("fp_weight", fp_weight, self.tp, 0)
        fn_weight = arguments.number("fn_weight", fn_weight, self.tp, 0)
        errors = fp_weight * self.fp + fn_weight * self.fn
        return ratio(errors, self.tp + errors)

    def focal_tversky_loss(
        self, *, fp_weight: float = 0.3, fn_weight: float = 0.7, gamma: float = 4 / 3
    ) -> Array:
        """Return `focal_tversky_loss` of these counts, one a label."""
        gamma = arguments.number("gamma", gamma, self.tp, 1 / 64, 64)
        share = self.tversky_loss(fp_weight=fp_weight, fn_weight=fn_weight)
        return stable.power(share, 1.0 / gamma)

    def f_beta_loss(self, *, beta: float = 1.0) -> Array:
        """Return `f_beta_loss` of these counts, one a label."""
        square = arguments.number("beta", beta, self.tp, 0) ** 2
        return self.tversky_loss(fp_weight=1 / (1 + square), fn_weight=square / (1 + square))

    def dice_loss(self) -> Array:
        """Return `dice_loss` of these counts, one a label."""
        return self.tversky_loss()


def soft_confusion(
    logits: Array,
    targets: Any,
    *,
    pos_weight: Any = None,
    neg_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    ignore_index: IgnoreIndex = None,
    label_smoothing: float = 0.0,
    smoothing_weight: SmoothingWeight = "target",
    axis: int | None = None,
) -> SoftConfusion:
    r"""Count true and false positives and negatives with probabilities for decisions.

    .. math::
        TP = \sum w_+ \, y \, p, \quad FN = \sum w_+ \, y \, (1 - p), \quad
        FP = \sum w_- \, (1 - y) \, p, \quad TN = \sum w_- \, (1 - y) (1 - p), \quad p = \sigma(z)

    each times the sample weight; in (weighted) examples, no unit.

    Parameters
    ----------
    logits, targets : array
        As in `binary_cross_entropy`: (N,), (N, L), or maps such as (N, H, W) and (N, H, W, C).
    pos_weight, neg_weight, sample_weight, mask, ignore_index, label_smoothing, smoothing_weight
        As in `binary_cross_entropy`.
    axis : int, optional
        The label axis: counts for each label along it. Default: all elements are one problem
        and pooled.

    Returns
    -------
    SoftConfusion
        Four sums, 0-d or of shape (L,), which add up with ``+`` over micro-batches and devices.

    Raises
    ------
    TypeError, ValueError
        As in `binary_cross_entropy`.

    Notes
    -----
    Limits: at infinite logits each element counts wholly on one side. NaN stays NaN. What is masked
    counts nowhere.

    Gradients flow to logits, targets and all weights, first and second order.

    Differences: ``sklearn.metrics.confusion_matrix`` and the metrics of torch and Keras count
    decisions, which have no gradient.

    References
    ----------
    Milletari, Navab, Ahmadi (2016), "V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation", 3DV, section 3, for TP; Salehi, Erdogmus, Gholipour (2017),
    "Tversky Loss Function for Image Segmentation", MLMI, equation 3, for FP and FN.

    Examples
    --------
    >>> import numpy as np
    >>> counts = soft_confusion(np.array([0.0, 2.0, -2.0]), np.array([1, 1, 0]))
    >>> [float(count.round(4)) for count in counts]
    [1.3808, 0.6192, 0.1192, 0.8808]
    """
    b = binary_batch(
        logits,
        targets,
        pos_weight=pos_weight,
        neg_weight=neg_weight,
        sample_weight=sample_weight,
        mask=mask,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        smoothing_weight=smoothing_weight,
        axis=-1 if axis is None else axis,
    )
    minus_log_p, minus_log_1p = stable.softplus_pair(b.logits)
    p, rest = stable.complement(minus_log_1p), stable.complement(minus_log_p)
    backend = backend_of(b.logits)
    shape = backend.shape(b.logits)

    def total(elements: Array) -> Array:
        elements = b.xp.broadcast_to(elements, shape)
        if axis is None or not shape:
            return backend.sum(elements)
        for other in reversed(range(len(shape))):
            if other != b.axis:
                elements = backend.sum(elements, other)
        return elements

    return SoftConfusion(
        *map(total, (b.positive * p, b.positive * rest, b.negative * p, b.negative * rest))
    )


def normalized(recall_weight: Any, specificity_weight: Any, like: Array) -> tuple[Any, Any]:
    """Return the two weights with sum 1."""
    a = arguments.number("recall_weight", recall_weight, like, 0)
    b = arguments.number("specificity_weight", specificity_weight, like, 0)
    if isinstance(a, float) and isinstance(b, float) and not a + b:
        raise ValueError("recall_weight: expected above 0, or specificity_weight, got 0 for both")
    return a / (a + b), b / (a + b)


def over_labels(loss: Array, reduction: LabelReduction) -> Array:
    """Reduce one loss a label by the name of the reduction."""
    options.choice("reduction", reduction, get_args(LabelReduction))
    if reduction == "none" or not len(loss.shape):
        return loss
    backend = backend_of(loss)
    total = backend.sum(loss)
    if reduction == "sum":
        return total
    labels = backend.shape(loss)[0]
    if not all_known(labels):
        labels = backend.namespace.astype(labels, loss.dtype)
    return total / labels
