"""Keras losses of K logits per example: which targets they take, how weights come to them."""

from typing import Any, ClassVar

from keras import ops

from weightedce import losses
from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.from_batch import batch_weight
from weightedce.call.ignored import ignored
from weightedce.call.targets import class_labels, kept_examples, kept_shares
from weightedce.keras import replicas
from weightedce.keras.elements import SAME
from weightedce.keras.link import softmax_logits
from weightedce.keras.loss import WeightedLoss
from weightedce.keras.reductions import kept, known_shape, leading, reduced
from weightedce.keras.weights import class_vector


class SoftmaxLoss(WeightedLoss):
    """A loss of K logits per example, of which one class is right.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities, which are normalised. Where Keras still has the
        logits that a softmax along ``axis`` made them of, these are used; else probabilities
        are clipped to ``keras.config.epsilon()``, in value but not in slope.
    label_smoothing : float or list
        e in [0, 1]: the target moves that far towards the uniform distribution; one number for
        all, or one a class.
    smoothing_weight : {"target", "class"}
        As in `cross_entropy`.
    axis : int
        The class axis.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        ``"sum_over_batch_size"`` and ``"mean"``: sum / number of unmasked examples.
        ``"mean_with_sample_weight"``: sum / sum of sample weights. ``"weighted_mean"``: sum / sum
        of all weights, those of the classes included. ``"sum"``: sum of the losses.
        ``"none"``: one loss an example. A zero denominator gives loss and gradient 0.
    class_weight : dict, list, array or "batch", optional
        One weight a class, at least 0; in a dict, 1 for classes that are not in it. ``"batch"``:
        `balanced` counts of each batch, 0 for classes that are absent.
    ignore_class : int or several, optional
        Examples with this label, or one of these, are left out: any integers. NaN means *not
        labelled*; of targets that are a distribution it leaves out the examples that hold it, and
        nothing else is taken.

    Notes
    -----
    ``y_true`` is class labels, (N,) or (N, 1) for ``y_pred`` of shape (N, K), or of the shape of
    ``y_pred``, unless it says otherwise below. Sample weights and the mask that Keras hands on
    align with the leading axes of the loss, (N,) or (N, H, W). The loss is in nats, in [0, inf],
    if nothing else is said. Gradients flow to ``y_pred``; see `BinaryCrossentropy` for saturated
    probabilities.
    """

    plain = staticmethod(losses.cross_entropy)
    bounded: ClassVar[bool] = False  # nothing to clip: probabilities count as they are
    normalized: ClassVar[bool] = False  # of all logits that give a distribution, its logarithm
    labels: ClassVar[bool] = True
    distributions: ClassVar[bool] = True
    whole_labels = True
    ignore_class: Any = None
    axis: int | None
    class_weight: Any

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        axis = -1 if self.axis is None else self.axis
        arguments.axis_of(known_shape(ops.convert_to_tensor(y_pred)), axis)
        z = softmax_logits(
            y_pred, self.compute, axis=axis, from_logits=self.from_logits, exact=self.bounded
        )
        y, hard = self.targets(ops.convert_to_tensor(y_true), z, axis)
        shape = known_shape(z)
        shape = tuple(size for i, size in enumerate(shape) if i != axis % len(shape))
        ignore = ignored(self.ignore_class, integer=True)
        keep = kept(mask, shape, kept_examples(None, ignore, y, hard, z, shape, axis))
        if self.normalized and not self.from_logits:
            if keep is not None:  # what is masked may be NaN
                z = ops.where(ops.expand_dims(keep, axis=axis), z, ops.zeros_like(z))
            z = ops.log_softmax(z, axis=axis)
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        counted = (y, keep)
        if self.of_batch():
            counted = (replicas.gathered(y), replicas.gathered(keep))
        given = {
            **self.passed(),
            "class_weight": self.weights(*counted, z, hard=hard),
            "ignore_index": self.ignore_class,
            "axis": axis,
        }

        def loss(core_reduction: str) -> Array:
            return self.loss_of(
                z, y, sample_weight=sample_weight, mask=keep, reduction=core_reduction, **given
            )

        return reduced(loss, reduction, sample_weight=sample_weight, keep=keep, labels=None)

    def weights(self, y: Array, keep: Array | None, z: Array, *, hard: bool) -> Any:
        """Return one weight a class, or a number, or None."""
        axis = (-1 if self.axis is None else self.axis) % len(z.shape)
        classes = z.shape[axis]
        if self.class_weight != "batch":
            return class_vector(self.class_weight, classes)
        labels = outside = shares = None
        if hard:
            ignore = ignored(self.ignore_class, integer=True)
            labels, outside = class_labels("y_true", y, classes, ignore, keep)
        else:
            shares = kept_shares(y, keep, z.dtype, axis)
        return batch_weight(labels, outside, shares, keep, classes, axis, z.dtype)

    def targets(self, y: Array, z: Array, axis: int) -> tuple[Array, bool]:
        """Return class labels or a distribution, told apart by rank, and which it is."""
        rank, classes = len(z.shape), z.shape[axis]
        same = len(y.shape) == rank
        if same and y.shape[axis] == 1 and self.labels and (classes != 1 or not self.distributions):
            y, same = ops.squeeze(y, axis=axis), False
        if same and self.distributions:
            return arguments.same_shape("y_true", y, known_shape(z), lambda: SAME), False
        if len(y.shape) == rank - 1 and self.labels:
            return y, True
        kinds = [
            *(["class labels, without the class axis or with size 1 there"] * self.labels),
            *(["one-hot or probabilities, of the shape of y_pred"] * self.distributions),
        ]
        raise ValueError(
            f"y_true: expected {' or '.join(kinds)}, got shape {tuple(y.shape)} for y_pred of "
            f"shape {tuple(z.shape)} with the classes along axis {axis}"
        )
