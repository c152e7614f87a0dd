"""What the Keras losses of one family share: which targets they take, how weights come to them."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

from keras import ops

from weightedce.backends import Array, backend_of
from weightedce.call import arguments
from weightedce.keras.link import sigmoid_logits, softmax_logits
from weightedce.keras.loss import WeightedLoss, class_vector, same_rank
from weightedce.keras.reductions import kept, known_shape, leading, reduced
from weightedce.weights.counting import class_counts
from weightedce.weights.estimators import balanced
from weightedce.weights.of_labels import pos_weights

HANDLED = ("from_logits", "ignore_class", "pos_weight", "neg_weight", "class_weight")
SAME = " of y_pred: they must have the same shape"


class BinaryLoss(WeightedLoss):
    """A loss of one logit per element; Keras's samples are its means over the label axis."""

    function: ClassVar[Callable[..., Array]]
    handled: ClassVar[tuple[str, ...]] = ()  # options that no function of the library has
    bounded: ClassVar[bool] = False  # nothing to clip: probabilities count as they are
    axis: Any
    ignore_class: float | None
    pos_weight: Any
    neg_weight: Any
    class_weight: Any

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        z, y, weight, keep = self.elements(y_true, y_pred, sample_weight, mask)
        given = {**self.weights(y, keep), **self.others(*HANDLED, *self.handled)}

        def loss(core_reduction: str) -> Array:
            return type(self).function(
                z, y, sample_weight=weight, mask=keep, reduction=core_reduction, **given
            )

        labels = (-1 if self.axis is None else self.axis) if len(z.shape) else None
        return reduced(loss, reduction, sample_weight=weight, keep=keep, labels=labels)

    def elements(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any
    ) -> tuple[Array, Array, Array | None, Array | None]:
        """Return logits, targets, sample weight and mask, fitted to each other."""
        z = sigmoid_logits(y_pred, self.compute, from_logits=self.from_logits, exact=self.bounded)
        y, z = same_rank(ops.convert_to_tensor(y_true), z)
        shape = known_shape(z)
        y = arguments.same_shape("y_true", y, shape, SAME)
        ignored = self.ignore_class
        used = None if ignored is None else ops.cast(y, z.dtype) != float(ignored)
        keep = kept(mask, shape, used)
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        return z, y, sample_weight, keep

    def weights(self, y: Array, keep: Array | None) -> dict[str, Any]:
        """Return the weights of positives and negatives: class weights multiply them."""
        pair = self.pair(y, keep)  # of a graph's tensor: it can be indexed but not unpacked
        pos = self.pos_weight
        if pos == "batch":
            pos = pos_weights(y, axis=self.axis if isinstance(self.axis, int) else -1, mask=keep)
        return {
            "pos_weight": product(pos, pair[1]),
            "neg_weight": product(self.neg_weight, pair[0]),
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


class SoftmaxLoss(WeightedLoss):
    """A loss of K logits per example, of which one class is right."""

    function: ClassVar[Callable[..., Array]]
    handled: ClassVar[tuple[str, ...]] = ()  # options that no function of the library has
    bounded: ClassVar[bool] = False  # nothing to clip: probabilities count as they are
    normalized: ClassVar[bool] = False
    labels: ClassVar[bool] = True
    distributions: ClassVar[bool] = True
    axis: Any
    ignore_class: int | None = None
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
        if self.ignore_class is not None:
            if not hard:
                raise ValueError(
                    f"ignore_class: expected None for y_true that is a distribution, got "
                    f"{self.ignore_class!r}: leave such examples out by a sample_weight of 0"
                )
            used = y != self.ignore_class
        keep = kept(mask, shape, used)
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        given = {
            "class_weight": self.weights(y, keep, z, hard=hard),
            "axis": axis,
            **self.others("axis", *HANDLED, *self.handled),
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
            return arguments.same_shape("y_true", y, known_shape(z), SAME), False
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


class CountsLoss(BinaryLoss):
    """A loss on soft counts: ``axis`` are the axes that are counted over, as in Keras."""

    bounded = True

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss; over what is left of the axes by one of Keras's reductions."""
        z, y, weight, keep = self.elements(y_true, y_pred, sample_weight, mask)
        given = {**self.weights(y, keep), **self.others(*HANDLED, *self.handled)}
        if self.axis is None:
            return type(self).function(z, y, sample_weight=weight, mask=keep, **given)
        shape = known_shape(z)
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        counted = sorted({arguments.axis_of(shape, axis) for axis in axes})
        left = [i for i in range(len(shape)) if i not in counted]
        problems = tuple(shape[i] for i in left)
        matrix = (math.prod(shape[i] for i in counted), math.prod(problems))

        def laid(x: Array | None) -> Array | None:
            if x is None or not len(x.shape):
                return x
            return ops.reshape(ops.transpose(ops.broadcast_to(x, shape), counted + left), matrix)

        def one_each(name: str) -> Any:
            vector = given.pop(name)
            if vector is None or not (
                isinstance(vector, list) or len(getattr(vector, "shape", ()))
            ):
                return vector
            vector = ops.convert_to_tensor(vector)
            if len(shape) - 1 in counted or vector.shape[0] != shape[-1]:
                raise ValueError(
                    f"{name}: expected one number, or one for each of the last axis if that is "
                    f"not counted over, got {vector.shape[0]} numbers for y_pred of shape "
                    f"{tuple(z.shape)} and axis={self.axis}"
                )
            return ops.reshape(ops.broadcast_to(vector, problems), (-1,))

        losses = type(self).function(
            laid(z),
            laid(y),
            sample_weight=laid(weight),
            mask=laid(keep),
            pos_weight=one_each("pos_weight"),
            neg_weight=one_each("neg_weight"),
            reduction="none",
            **{**given, "axis": 1},
        )
        losses = ops.reshape(losses, problems)
        if reduction in ("none", None):
            return losses
        return ops.sum(losses) if reduction == "sum" else ops.mean(losses)


def whole(labels: Array) -> Array:
    """Return labels as integers; Keras and data loaders may have made them floats."""
    if arguments.is_integer(labels):
        return ops.cast(labels, "int32")  # so that a small unsigned type compares with -1
    rounded = ops.cast(labels, "int32")
    broken = ops.cast(rounded, labels.dtype) != labels
    if backend_of(labels).read(ops.any(broken)):
        raise ValueError("y_true: expected whole numbers for class labels, got fractions")
    return ops.where(broken, -ops.ones_like(rounded), rounded)


def product(weight: Any, factor: Any) -> Any:
    """Return ``weight * factor``, where None is 1; lists stay lists."""
    if weight is None or factor is None:
        return factor if weight is None else weight
    if isinstance(weight, list) and isinstance(factor, int | float):
        return [number * factor for number in weight]
    if isinstance(weight, list):
        weight = ops.convert_to_tensor(weight, factor.dtype)
    return weight * factor
