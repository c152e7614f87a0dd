"""Keras losses of a whole batch, on soft counts."""

from typing import Any

from keras import ops

from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.ignored import ignored
from weightedce.call.options import Absent, Background, Link
from weightedce.call.sides import absent_of, linked
from weightedce.call.soft_counts import SoftConfusion
from weightedce.call.targets import kept_examples, labels_or_distribution
from weightedce.keras import replicas
from weightedce.keras.batches import BatchLoss
from weightedce.keras.link import softmax_logits
from weightedce.keras.reductions import CountsReduction, kept, known_shape, leading
from weightedce.keras.weights import class_vector
from weightedce.losses.soft_confusion import soft_confusion
from weightedce.objects.signature import options_of

# Of a batch there is nothing else to divide by: Keras's other words mean the mean over the classes.
REDUCTIONS = {None: "none", "none": "none", "sum": "sum", "pooled": "pooled"}


class CountsLoss(BatchLoss):
    """A loss on soft counts, of yes/no targets or of one class out of K.

    Parameters
    ----------
    link : {"sigmoid", "softmax"}, optional
        ``"sigmoid"``: each element of ``y_pred`` is a question of its own. ``"softmax"``: one class
        out of K, each against the rest. Default: a softmax for labels, which lack the class axis
        or have size 1 there; a sigmoid for ``y_true`` of the shape of ``y_pred``.
    axis : int, list or tuple of int, optional
        Of a sigmoid the axes to count over, as in Keras; what is left of them are separate
        problems. Default: all axes, one problem. Lists of weights go along the last axis, which may
        not be counted over, if there is an ``axis``. Of a softmax the class axis, by default the
        last; all others are counted over.
    class_weight : dict, list, array or "batch", optional
        Of a sigmoid ``{0: a, 1: b}`` or ``[a, b]``: it multiplies the weight of negatives by a, of
        positives by b; ``"batch"``: `balanced` counts of each batch, over all labels. Of a softmax
        one weight a class, of its loss, or of its counts where they are pooled; ``"batch"``:
        `balanced` counts of each batch.
    ignore_class : number or several, optional
        Elements with this target, or one of these, are left out, of a softmax all pixels or
        examples with these labels; NaN means *not labelled*.
    label_smoothing : float
        e in [0, 1]: the target moves that far towards the uniform distribution.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", "pooled", None}
        Over the classes, or over what is left of the axes: the sum, none, the loss of the pooled
        counts, the mean over the weights of the classes for ``"weighted_mean"``, or by any other
        word the mean. Without ``axis`` a sigmoid has one loss a batch, a scalar under every
        reduction.
    from_logits : bool
        False: ``y_pred`` holds probabilities; nothing is clipped.

    Notes
    -----
    The loss is in [0, 1], without unit. Sample weights and the mask weigh elements, or examples,
    inside the counts. Gradients flow to ``y_pred``; the loss is bounded, so saturated wrong answers
    have a gradient near 0. Losses of batches do not average to that of the epoch: take large
    batches.
    """

    bounded = True
    link: Link | None = None
    absent: Absent | None
    background: Background
    reduction: CountsReduction = "sum_over_batch_size"  # type: ignore[assignment] # a word more

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss of the link that is meant, under one of the reductions."""
        at = self.axis if isinstance(self.axis, int) else None
        if self.link is None and at is None and self.axis is not None:  # several axes
            link: Link = "sigmoid"
        else:
            link, _ = linked(self.link, ops.convert_to_tensor(y_pred), y_true, at)
        of_link = self.of_classes if link == "softmax" else self.of_elements
        return of_link(y_true, y_pred, sample_weight, mask, reduction)

    def of_classes(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss of a softmax."""
        axis = -1 if self.axis is None else self.axis
        if not isinstance(axis, int):
            raise TypeError(f"axis: expected one integer, the class axis of a softmax, got {axis}")
        if isinstance(self.pos_weight, str):
            raise ValueError(
                f"pos_weight: expected numbers for classes, got {self.pos_weight!r}: "
                f"class_weight='batch' has the weights of a batch"
            )
        arguments.axis_of(known_shape(ops.convert_to_tensor(y_pred)), axis, "y_pred")
        z = softmax_logits(
            y_pred, self.compute, axis=axis, from_logits=self.from_logits, exact=True
        )
        shape = known_shape(z)
        axis %= len(shape)
        y, hard = labels_or_distribution(y_true, shape, axis, "y_pred")
        shape = shape[:axis] + shape[axis + 1 :]
        ignore = ignored(self.ignore_class, integer=True)
        keep = kept(mask, shape, kept_examples(None, ignore, y, hard, z, shape, axis))
        if sample_weight is not None:
            sample_weight = leading("sample_weight", sample_weight, shape)
        passed = self.passed()
        given = {name: passed[name] for name in passed if name in options_of(soft_confusion)}
        given |= {"link": "softmax", "axis": axis, "ignore_index": self.ignore_class}
        counts = soft_confusion(z, y, sample_weight=sample_weight, mask=keep, **given)
        counts = SoftConfusion(*replicas.added(list(counts)))
        own = self.own(passed) | {
            "class_weight": class_vector(self.class_weight, z.shape[axis]),
            "absent": absent_of(self.absent, "softmax"),
            "reduction": reduction
            if reduction == "weighted_mean"
            else REDUCTIONS.get(reduction, "mean"),
        }
        return getattr(counts, type(self).function.__name__)(**own) / replicas.replicas()

    def of_elements(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss of a sigmoid: over what is left of the axes."""
        if self.background is not None:
            raise ValueError(
                f"background: expected None for yes/no targets, got {self.background!r}: "
                f"link='softmax' says that y_pred has classes"
            )
        return super().of_elements(y_true, y_pred, sample_weight, mask, reduction)

    def _gathered(self, *arrays: Array | None) -> tuple[Array | None, ...]:
        return arrays  # counts add up

    def _losses(
        self, z: Array, y: Array, shared: bool, pooled: bool, own: dict[str, Any], **given: Any
    ) -> tuple[Array, Array | None]:
        counts = soft_confusion(z, y, **{**given, "link": "sigmoid"})
        if shared:
            counts = SoftConfusion(*replicas.added(list(counts)))
        if pooled:
            counts = counts.pooled()
        own = own | {"class_weight": None, "absent": absent_of(self.absent, "sigmoid")}
        losses = getattr(counts, type(self).function.__name__)(**own)
        skips = own["absent"] == "skip"
        return losses, ops.sum(
            ops.cast(counts.tp + counts.fn != 0, losses.dtype)
        ) if skips else None
