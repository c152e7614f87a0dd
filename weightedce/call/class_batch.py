"""A checked batch of a multi-class loss: targets, weights and smoothing made into factors.

The loss is linear in the target: ``sum_k mass_k * f_k(z)`` per example. Masked
examples have logit 0 and factor 0, so that nothing they held, NaN included, reaches the value or
the gradient.
"""

from typing import Any, NamedTuple

from weightedce.backends import Array, Backend, Namespace, backend_of
from weightedce.backends.contract import Shape
from weightedce.backends.handed import Shards
from weightedce.call import arguments, dtypes, options
from weightedce.call.by_class import by_class, in_order
from weightedce.call.collated import targets_beside
from weightedce.call.factors import along, sample_of, times
from weightedce.call.from_batch import batch_weight, is_batch
from weightedce.call.ignored import ignored, not_all
from weightedce.call.targets import (
    class_labels,
    kept_examples,
    kept_shares,
    labels_or_distribution,
    shares_in_range,
)
from weightedce.numerics import stable


class ClassBatch(NamedTuple):
    """Factors of a multi-class loss, one per example and class.

    Labels stay labels as long as a loss asks for no more than their own classes: the one-hot
    form, of the size of the logits, is made when it is asked for.
    """

    xp: Namespace
    logits: Array
    axis: int
    labels: Array | None  # None: the targets are a distribution
    outside: Array | None  # labels that are no classes, shares that are none; None: there are none
    distribution: Array | None  # the targets as given; None: they are labels
    class_weight: Array | float  # laid along the class axis
    sample_weight: Array | float  # mask included; of the loss's shape, or leading axes of it
    keep: Array | None  # None: nothing is masked; no class axis
    smoothing: float | Array
    smoothing_weight: str
    looked_up: list[Any]  # once: the mass of the labels, or where classes are elsewhere the weights
    shards: Shards | None = None  # where the classes of other devices are; None: there are none

    @property
    def shape(self) -> Shape:
        """Return the shape of the logits with the classes of all devices."""
        shape = backend_of(self.logits).shape(self.logits)
        if self.shards is None:
            return shape
        return *shape[: self.axis], self.shards.classes, *shape[self.axis + 1 :]

    def here(self, per_class: Any) -> Any:
        """Return what lies along the class axis for the classes that are on this device."""
        if self.shards is None or isinstance(per_class, float):
            return per_class
        if not len(per_class.shape) or per_class.shape[self.axis] == 1:
            return per_class
        return self.shards.here(per_class, self.axis)

    @property
    def one_class(self) -> bool:
        """Tell whether each example has one class with mass, its label."""
        e = self.smoothing
        return self.labels is not None and stable.is_zero(e)

    @property
    def targets(self) -> Array:
        """Return the distribution over the classes, unsmoothed; one-hot for labels."""
        if self.labels is not None:
            return self._one_hot(1.0, 0.0)
        given: Array = self.distribution
        return given if self.outside is None else self.xp.where(self.outside, self.xp.nan, given)

    def _one_hot(self, on: float, off: float) -> Array:
        """Return ``on`` for the class of each label, ``off`` for the others."""
        xp, z, axis = self.xp, self.logits, self.axis
        if self.shards is None:
            q = backend_of(z).one_hot(self.labels, z, axis, on, off)
        else:  # the class of a label may be on another device: wings do not look for that
            q = Backend.one_hot(backend_of(z), self.labels - self.shards.start, z, axis, on, off)
        if self.outside is None:
            return q
        # not a select of q, which JAX refuses where the classes lie on several devices
        lost = xp.where(self.outside, xp.nan, xp.astype(self.outside, q.dtype))  # NaN or 0
        return q + xp.expand_dims(lost, axis=axis)

    @property
    def weight(self) -> Array | float:
        """Return class weight, sample weight and mask, one per example and class."""
        return times(self._of_rows(self.sample_weight), self.here(self.class_weight))

    def _of_rows(self, weight: Array | float) -> Array | float:
        """Return one weight an example with a class axis."""
        single = isinstance(weight, float) or not len(weight.shape)
        return weight if single else self.xp.expand_dims(weight, axis=self.axis)

    @property
    def mass(self) -> Array:
        """Return the factor of f_k(z): target, smoothing and all weights."""
        e, axis = self.smoothing, self.axis
        if not isinstance(e, float) and len(e.shape):
            return self._smoothed_apart(e)
        share = e / self.shape[axis]
        if self.labels is not None:
            if isinstance(e, float):
                smoothed = self._one_hot(1.0 - e + share, share)
            else:  # traced
                smoothed = (1.0 - e) * self._one_hot(1.0, 0.0) + share
            target = self.smoothing_weight == "target"
            weight = self._of_rows(self.label_mass) if target else self.weight
            return times(weight, smoothed)
        q, weight = self.targets, self.weight
        if stable.is_zero(e):
            return times(weight, q)
        if self.smoothing_weight == "target":  # smooth what is weighted
            whole = self._of_rows(self.effective_weight())
            return (1.0 - e) * (q * weight) + share * whole
        return ((1.0 - e) * q + share) * weight  # weight what is smoothed

    def _smoothed_apart(self, e: Array) -> Array:
        """Return the mass where each class has a smoothing of its own."""
        backend, axis = backend_of(self.logits), self.axis
        classes = backend.shape(self.logits)[axis]
        first = times(self.weight, self.targets) if self.smoothing_weight == "target" else None
        q = self.targets if first is None else first
        smoothed = (1.0 - e) * q + backend.sum(e * q, axis, keepdims=True) / classes
        return smoothed if first is not None else times(self.weight, smoothed)

    @property
    def label_mass(self) -> Array | float:
        """Return the factor of the label's own f_k(z), unsmoothed."""
        if not self.looked_up:  # not cached_property, whose lock torch.compile refuses
            self.looked_up.append(self._mass_of_labels())
        return self.looked_up[0]

    def _mass_of_labels(self) -> Array | float:
        xp, weight = self.xp, self.class_weight
        if not isinstance(weight, float) and len(weight.shape):
            weight = self.of_labels(weight)
        mass = times(self.sample_weight, weight)
        if self.outside is None:
            return mass
        if isinstance(mass, float):
            mass = mass + 0.0 * xp.astype(self.outside, self.logits.dtype)
        return xp.where(self.outside, xp.nan, mass)

    def of_labels(self, weight: Array) -> Array:
        """Return each label's number of those that lie along the class axis."""
        if any(n != 1 for i, n in enumerate(weight.shape) if i != self.axis):
            # made as large as the logits, since a graph did not know its size
            return backend_of(weight).sum(self.targets * weight, self.axis)
        labels: Array = self.labels
        if weight.shape[self.axis] == 1:  # one weight for all classes
            labels = 0 * labels
        return backend_of(self.logits).look_up(self.xp.reshape(weight, (-1,)), labels)

    def along_classes(
        self, name: str, values: Any, default: float | None = None, *, weights: bool = False
    ) -> Any:
        """Return one number a class, laid along the class axis; or ``default`` for None.

        With a default one number for all classes will do. ``weights`` are finite and at least 0.
        """
        if values is None and default is not None:
            return default
        shape = self.shape
        if by_class(values):
            values = in_order(name, values, shape[self.axis], default or 0.0)
        if weights:
            array = arguments.weight_beside(name, values, self.logits)
        else:
            array = arguments.beside(name, values, self.logits, self.logits.dtype)
        laid = arguments.along_axis(name, array, shape, self.axis)
        if (
            default is None
            and laid.shape[self.axis : self.axis + 1] != shape[self.axis : self.axis + 1]
        ):
            raise ValueError(
                f"{name}: expected shape ({shape[self.axis]},), one number a class, got shape "
                f"{tuple(array.shape)}"
            )
        return laid

    def effective_weight(self) -> Array | float:
        """Return ``mask * sample_weight * sum_k q_k w_k``."""
        if self.labels is not None:
            return self.label_mass
        if not self.looked_up:
            self.looked_up.append(self._whole(self.targets * self.weight))
        return self.looked_up[0]

    def keep_whole(self, whole: Array | None) -> None:
        """Keep the sum of `mass`, where it is the weight, so that it crosses devices once."""
        of_target = self.smoothing_weight == "target" or stable.is_zero(self.smoothing)
        if whole is not None and self.labels is None and of_target and not self.looked_up:
            self.looked_up.append(whole)

    def _whole(self, mass: Array) -> Array:
        """Return the sum over the classes, on all devices."""
        found = backend_of(mass).sum(mass, self.axis)
        return found if self.shards is None else self.shards.sum(found)


def batch_of_classes(like: Array) -> ClassBatch:
    """Return a batch of nothing, for what has one number a class, in the dtype of ``like``."""
    xp = backend_of(like).namespace
    return ClassBatch(xp, like, 0, None, None, None, 1.0, 1.0, None, 0.0, "target", [])


def class_batch(
    logits: Array,
    targets: Any,
    *,
    axis: int,
    class_weight: Any,
    sample_weight: Any,
    mask: Any,
    ignore_index: Any,
    label_smoothing: Any,
    smoothing_weight: str,
    target_range: str = "unit",
    shards: Shards | None = None,
) -> ClassBatch:
    """Check the arguments of a multi-class loss and turn them into its factors.

    Where devices share the classes no target is looked at: a bad one makes its loss NaN on all.
    """
    z = dtypes.floating("logits", logits)
    backend = backend_of(z)
    xp, shape = backend.namespace, backend.shape(z)
    axis = arguments.axis_of(shape, axis)
    classes = arguments.class_count(shape, axis)
    if shards is None and backend.layout(z, axis) is not None:
        raise TypeError(
            "logits: expected all classes on each device, since this loss does not take those of "
            "several, got a DTensor whose classes are on a mesh: logits.redistribute(mesh, ...)"
        )
    ignore = ignored(ignore_index, integer=True)
    options.smoothing_policy(smoothing_weight)
    e = arguments.smoothing(label_smoothing, z, shape, axis)
    target_range = options.target_range(target_range)

    raw = targets_beside(targets, z)
    given, hard = labels_or_distribution(raw, shape, axis)
    loss_shape = shape[:axis] + shape[axis + 1 :]
    if shards is not None:
        classes = shards.classes
    used = not_all(ignore, given, classes) if hard and shards is None else ignore
    keep = kept_examples(mask, used, given, hard, z, loss_shape, axis)
    if shards is not None and keep is not None and not hard and ignore:
        lost = shards.max(xp.astype(~keep, z.dtype))  # NaN on another device is NaN in the example
        keep = lost == 0.0
    labels = outside = distribution = None
    if hard:
        labels, outside = class_labels("targets", given, classes, ignore, keep, seen=shards is None)
    if keep is not None:
        z = xp.where(xp.expand_dims(keep, axis=axis), z, 0.0)
        if shards is not None and shards.highest is not None:
            shards = shards._replace(highest=xp.where(keep, shards.highest, 0.0))
    if not hard:
        distribution = kept_shares(given, keep, z.dtype, axis)
        distribution, outside = shares_in_range(
            "targets", distribution, target_range, seen=shards is None
        )

    signed = target_range == "any"  # a mass may then be anything, as torch has it
    sample = sample_of(sample_weight, keep, z, loss_shape, signed=signed)
    found = ClassBatch(
        xp, z, axis, labels, outside, distribution, 1.0, sample, keep, e, smoothing_weight, [],
        shards,
    )  # fmt: skip
    if is_batch(class_weight):
        if shards is not None and not hard:
            raise ValueError(
                "class_weight: expected numbers, since no device sees all classes of the "
                "distributions in the batch, got 'batch'"
            )
        shares = None if hard else found.targets
        class_weight = batch_weight(labels, outside, shares, keep, classes, axis, z.dtype)
    weight = along("class_weight", class_weight, z, found.shape, axis, signed=signed)
    return found._replace(class_weight=weight)
