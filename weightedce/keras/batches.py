"""Keras losses of a whole batch: what they share, and those of elements by their places."""

import math
from abc import abstractmethod
from typing import Any

from keras import ops

from weightedce import losses
from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.reductions import ratio
from weightedce.keras import replicas
from weightedce.keras.elements import ElementsLoss
from weightedce.keras.reductions import known_shape
from weightedce.losses.soft_confusion import soft_confusion
from weightedce.objects.signature import options_of


class BatchLoss(ElementsLoss):
    """A loss of a whole batch: ``axis`` are the axes of one problem, as in Keras.

    Parameters
    ----------
    axis : int, list or tuple of int, optional
        The axes to count over; what is left of them are separate problems. Default: all axes, one
        problem. Lists of weights go along the last axis, which may not be counted over, if there
        is an ``axis``.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        Over what is left of the axes: the sum, none, or by any other word the mean. Without
        ``axis`` there is one loss a batch, a scalar under every reduction.

    Notes
    -----
    Sample weights and the mask weigh elements inside the loss. Losses of batches do not average to
    that of the epoch: take large batches.
    """

    plain = staticmethod(losses.dice_loss)
    axis: Any = None

    def of_elements(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss of yes/no targets, over what is left of the axes."""
        z, y, weight, keep = self.elements(y_true, y_pred, sample_weight, mask)
        given = self.given(y, keep)
        shape = known_shape(z)
        axes = range(len(shape)) if self.axis is None else self.axis
        axes = [axes] if isinstance(axes, int) else axes
        counted = sorted({arguments.axis_of(shape, axis) for axis in axes})
        shared = 0 in counted  # each replica of tf.distribute has a part of every problem
        if shared:
            z, y, weight, keep = self._gathered(z, y, weight, keep)
            shape = known_shape(z)
        left = [i for i in range(len(shape)) if i not in counted]
        problems = tuple(shape[i] for i in left)
        matrix = (math.prod([shape[i] for i in counted]), math.prod(problems))

        def laid(x: Array | None) -> Array | None:
            if x is None or not left or not len(x.shape):
                return x
            return ops.reshape(ops.transpose(ops.broadcast_to(x, shape), counted + left), matrix)

        def one_each(name: str) -> Any:
            vector = given.pop(name)
            several = isinstance(vector, list) or len(getattr(vector, "shape", ()))
            if not left or not several:
                return vector
            vector = ops.convert_to_tensor(vector)
            if len(shape) - 1 in counted or vector.shape[0] != shape[-1]:
                raise ValueError(
                    f"{name}: expected one number, or one for each of the last axis if that is "
                    f"not counted over, got {vector.shape[0]} numbers for y_pred of shape "
                    f"{tuple(z.shape)} and axis={self.axis}"
                )
            return ops.reshape(ops.broadcast_to(vector, problems), (-1,))

        own = self.own(given)
        pooled = reduction == "pooled" and bool(left)
        losses, number = self._losses(
            laid(z),
            laid(y),
            shared,
            pooled,
            own,
            sample_weight=laid(weight),
            mask=laid(keep),
            pos_weight=one_each("pos_weight"),
            neg_weight=one_each("neg_weight"),
            **{
                **{name: value for name, value in given.items() if name not in own},
                "axis": 1 if left else None,
            },
        )
        if shared:
            losses = losses / replicas.replicas()
        if pooled or not left:
            return ops.reshape(losses, ())
        losses = ops.reshape(losses, problems)
        if reduction in ("none", None):
            return losses
        total = ops.sum(losses)
        if reduction == "sum":
            return total
        if number is None:
            number = ops.cast(math.prod(problems), losses.dtype)
        return ratio(total, number) if shared else replicas.mean(total, number)

    def own(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the options that are not those of counts."""
        counted = options_of(soft_confusion)
        return {name: value for name, value in given.items() if name not in counted}

    @abstractmethod
    def _gathered(self, *arrays: Array | None) -> tuple[Array | None, ...]:
        """Return what a replica needs of the batch that it has a part of."""

    @abstractmethod
    def _losses(
        self, z: Array, y: Array, shared: bool, pooled: bool, own: dict[str, Any], **given: Any
    ) -> tuple[Array, Array | None]:
        """Return one loss a problem, and how many count: None, all.

        ``own`` are the loss's options, ``given`` those of a batch of yes/no targets.
        """


class PlacesLoss(BatchLoss):
    """A loss whose elements count by their places among all.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities. Where Keras still has the logits that a sigmoid
        made them of, these are used; else probabilities are clipped to
        ``keras.config.epsilon()``, in value but not in slope.

    Notes
    -----
    Gradients flow to ``y_pred``. Under ``tf.distribute`` each replica gathers the whole batch.
    """

    def _gathered(self, *arrays: Array | None) -> tuple[Array | None, ...]:
        if replicas.replicas() == 1:
            return arrays
        shape = known_shape(arrays[0])
        all_rows = (-1, *shape[1:])  # what is gathered does not know how wide it is

        def of_all(x: Array | None) -> Array | None:
            if x is None:
                return None
            return ops.reshape(replicas.gathered(ops.broadcast_to(x, shape)), all_rows)

        return tuple(map(of_all, arrays))

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of the reductions."""
        return self.of_elements(y_true, y_pred, sample_weight, mask, reduction)

    def _losses(
        self,
        z: Array,
        y: Array,
        shared: bool,  # noqa: ARG002 - it has been gathered
        pooled: bool,  # noqa: ARG002 - places do not add up
        own: dict[str, Any],
        **given: Any,
    ) -> tuple[Array, Array | None]:
        return type(self).function(z, y, reduction="none", **given, **own), None
