"""Keras losses of one logit per element: which targets they take, how weights come to them."""

from typing import Any, ClassVar

from keras import ops

from weightedce import losses
from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.ignored import ignored, left
from weightedce.keras import replicas
from weightedce.keras.link import sigmoid_logits
from weightedce.keras.loss import WeightedLoss, same_rank
from weightedce.keras.reductions import kept, known_shape, leading, reduced
from weightedce.keras.weights import class_vector, product
from weightedce.weights.estimators import balanced
from weightedce.weights.of_labels import pos_weights

SAME = " of y_pred: they must have the same shape"


class ElementsLoss(WeightedLoss):
    """A loss of one logit per element.

    Parameters
    ----------
    pos_weight, neg_weight : number, list or array, optional
        Weight of positives and of negatives: one for all, or one a label. At least 0; default 1.
        ``pos_weight="batch"``: `pos_weights` of each batch.
    class_weight : dict, list, array or "batch", optional
        ``{0: a, 1: b}`` or ``[a, b]`` multiplies the weight of negatives by a, of positives by
        b. ``"batch"``: `balanced` counts of each batch, over all labels; 0 for what is absent.
    ignore_class : number or several, optional
        Elements with this target, or one of these, are left out; NaN means *not labelled*.
    label_smoothing : float or list
        e in [0, 1]: both targets move by e/2 towards each other; one number for all, or one a
        label.
    smoothing_weight : {"target", "class"}
        As in `binary_cross_entropy`.

    Notes
    -----
    Targets are 0 and 1 or probabilities, of the shape of ``y_pred``, but for a last axis of size
    1. Sample weights and the mask that Keras hands on align with the leading axes: (N,) weighs
    samples, (N, L) elements.
    """

    bounded: ClassVar[bool] = False  # nothing to clip: probabilities count as they are
    class_weight: Any = None
    axis: Any
    ignore_class: Any = None
    pos_weight: Any
    neg_weight: Any

    def elements(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any
    ) -> tuple[Array, Array, Array | None, Array | None]:
        """Return logits, targets, sample weight and mask, fitted to each other."""
        z = sigmoid_logits(y_pred, self.compute, from_logits=self.from_logits, exact=self.bounded)
        y, z = same_rank(ops.convert_to_tensor(y_true), z)
        shape = known_shape(z)
        y = arguments.same_shape("y_true", y, shape, lambda: SAME)
        ignore = ignored(self.ignore_class, integer=False)
        keep = kept(mask, shape, left(ops.cast(y, z.dtype), ignore))
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        return z, y, sample_weight, keep

    def weights(self, y: Array, keep: Array | None) -> dict[str, Any]:
        """Return the weights of positives and negatives: class weights multiply them."""
        pair = self.pair(y, keep)  # of a graph's tensor: it can be indexed but not unpacked
        pos = self.pos_weight
        if pos == "batch":
            axis = self.axis if isinstance(self.axis, int) else -1
            pos = pos_weights(ops.cast(y, self.compute), axis=axis, mask=keep)
        return {
            "pos_weight": product(pos, pair[1]),
            "neg_weight": product(self.neg_weight, pair[0]),
        }

    def given(self, y: Array, keep: Array | None) -> dict[str, Any]:
        """Return the options and weights as the function takes them."""
        if self.of_batch():
            y, keep = replicas.gathered(y), replicas.gathered(keep)
        return {
            **self.passed(),
            **self.weights(y, keep),
            "ignore_index": self.ignore_class,
        }

    def pair(self, y: Array, keep: Array | None) -> Any:
        """Return the class weights of 0 and of 1."""
        if self.class_weight == "batch":
            y = ops.cast(y, self.compute)
            ones, zeros = y, 1.0 - y
            if keep is not None:
                nothing = ops.zeros_like(y)
                ones, zeros = ops.where(keep, ones, nothing), ops.where(keep, zeros, nothing)
            return balanced(ops.stack([ops.sum(zeros), ops.sum(ones)]))
        pair = class_vector(self.class_weight, 2)
        if pair is None:
            return None, None
        if not isinstance(pair, list):
            return pair, pair
        if len(pair) != 2:
            raise ValueError(
                f"class_weight: expected two numbers, the weight of 0 and of 1, got {pair!r:.80}"
            )
        return pair


class BinaryLoss(ElementsLoss):
    """A loss of each element; Keras's samples are its means over the label axis.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities. Where Keras still has the logits that a sigmoid
        made them of, these are used; else probabilities are clipped to
        ``keras.config.epsilon()``, in value but not in slope.
    axis : int
        The label axis: over it the losses of a sample are averaged, along it weights lie.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        ``"sum_over_batch_size"`` and ``"mean"``: sum / number of unmasked elements.
        ``"mean_with_sample_weight"``: sum / sum of sample weights. ``"weighted_mean"``: sum / sum
        of all weights, those of the classes included. ``"sum"``: sum of the losses of the
        samples. ``"none"``: one loss a sample. A zero denominator gives loss and gradient 0.

    Notes
    -----
    The loss is in nats, in [0, inf]. Gradients flow to ``y_pred``. On JAX, and in other code where
    the logits of a sigmoid cannot be seen, they stop at p = 1 and at p < 1e-30: prefer a model
    that gives logits, and ``from_logits=True``.
    """

    plain = staticmethod(losses.binary_cross_entropy)

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        z, y, weight, keep = self.elements(y_true, y_pred, sample_weight, mask)
        given = self.given(y, keep)

        def loss(core_reduction: str) -> Array:
            return self.loss_of(
                z, y, sample_weight=weight, mask=keep, reduction=core_reduction, **given
            )

        labels = (-1 if self.axis is None else self.axis) if len(z.shape) else None
        return reduced(loss, reduction, sample_weight=weight, keep=keep, labels=labels)
