"""Keras losses of K logits per example: which targets they take, how weights come to them."""

from typing import Any, ClassVar

from keras import ops

from weightedce import losses
from weightedce.backends import Array, backend_of
from weightedce.call import arguments
from weightedce.keras.elements import SAME
from weightedce.keras.link import softmax_logits
from weightedce.keras.loss import WeightedLoss
from weightedce.keras.reductions import kept, known_shape, leading, reduced
from weightedce.keras.weights import class_vector
from weightedce.weights.counting import class_counts
from weightedce.weights.estimators import balanced


class SoftmaxLoss(WeightedLoss):
    """A loss of K logits per example, of which one class is right.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities, which are normalised. Where Keras still has the
        logits that a softmax along ``axis`` made them of, these are used; else probabilities
        are clipped to ``keras.config.epsilon()``, in value but not in slope.
    label_smoothing : float
        e in [0, 1]: the target moves that far towards the uniform distribution.
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
    ignore_class : int, optional
        Examples with this label are left out; it may be any integer.

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
    normalized: ClassVar[bool] = False
    labels: ClassVar[bool] = True
    distributions: ClassVar[bool] = True
    axis: int | None
    class_weight: Any

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        axis = -1 if self.axis is None else self.axis
        arguments.axis_of(known_shape(ops.convert_to_tensor(y_pred)), axis)
        z = softmax_logits(
            y_pred,
            self.compute,
            axis=axis,
            from_logits=self.from_logits,
            exact=self.bounded,
            normalized=self.normalized,
        )
        y, hard = self.targets(ops.convert_to_tensor(y_true), z, axis)
        shape = known_shape(z)
        shape = tuple(size for i, size in enumerate(shape) if i != axis % len(shape))
        used = None
        ignored = self._options.get("ignore_class")  # not every class has it
        if ignored is not None:
            if not hard:
                raise ValueError(
                    f"ignore_class: expected None for y_true that is a distribution, got "
                    f"{ignored!r}: leave such examples out by a sample_weight of 0"
                )
            used = y != ignored
        keep = kept(mask, shape, used)
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        given = {
            **self.passed(),
            "class_weight": self.weights(y, keep, z, hard=hard),
            "axis": axis,
        }

        def loss(core_reduction: str) -> Array:
            return type(self).function(
                z, y, sample_weight=sample_weight, mask=keep, reduction=core_reduction, **given
            )

        return reduced(loss, reduction, sample_weight=sample_weight, keep=keep, labels=None)

    def weights(self, y: Array, keep: Array | None, z: Array, *, hard: bool) -> Any:
        """Return one weight a class, or a number, or None."""
        axis = (-1 if self.axis is None else self.axis) % len(z.shape)
        classes = z.shape[axis]
        if self.class_weight != "batch":
            return class_vector(self.class_weight, classes)
        if hard:
            labels = y if keep is None else ops.where(keep, y, -ops.ones_like(y))
            return balanced(class_counts(labels, classes, ignore_index=-1))
        counted = ops.cast(y, z.dtype)
        if keep is not None:
            nothing = ops.zeros_like(counted)
            counted = ops.where(ops.expand_dims(keep, axis=axis), counted, nothing)
        return balanced(ops.sum(counted, axis=[i for i in range(len(z.shape)) if i != axis]))

    def targets(self, y: Array, z: Array, axis: int) -> tuple[Array, bool]:
        """Return class labels or a distribution, told apart by rank, and which it is."""
        rank, classes = len(z.shape), z.shape[axis]
        same = len(y.shape) == rank
        if same and y.shape[axis] == 1 and self.labels and (classes != 1 or not self.distributions):
            y, same = ops.squeeze(y, axis=axis), False
        if same and self.distributions:
            return arguments.same_shape("y_true", y, known_shape(z), lambda: SAME), False
        if len(y.shape) == rank - 1 and self.labels:
            return whole(y), True
        kinds = [
            *(["class labels, without the class axis or with size 1 there"] * self.labels),
            *(["one-hot or probabilities, of the shape of y_pred"] * self.distributions),
        ]
        raise ValueError(
            f"y_true: expected {' or '.join(kinds)}, got shape {tuple(y.shape)} for y_pred of "
            f"shape {tuple(z.shape)} with the classes along axis {axis}"
        )


def whole(labels: Array) -> Array:
    """Return labels as integers; Keras and data loaders may have made them floats."""
    if arguments.is_integer(labels):
        return ops.cast(labels, "int32")  # so that a small unsigned type compares with -1
    rounded = ops.cast(labels, "int32")
    broken = ops.cast(rounded, labels.dtype) != labels
    if backend_of(labels).read(ops.any(broken)):
        raise ValueError("y_true: expected whole numbers for class labels, got fractions")
    return ops.where(broken, -ops.ones_like(rounded), rounded)
