"""A checked batch of a multi-class loss: targets, weights and smoothing made into factors.

The loss is linear in the target: ``sum_k mass_k * f_k(z)`` per example. Masked
examples have logit 0 and factor 0, so that nothing they held, NaN included, reaches the value or
the gradient.
"""

from dataclasses import dataclass, field
from typing import Any

from weightedce.backends import Array, Namespace, backend_of
from weightedce.call import arguments, options
from weightedce.call.factors import along, cast, kept, sample_of, times
from weightedce.call.targets import all_inside, are_labels, in_range
from weightedce.numerics.stable import seen_between


@dataclass(frozen=True)
class ClassBatch:
    """Factors of a multi-class loss, one per example and class.

    Labels stay labels as long as a loss asks for no more than their own classes: the one-hot
    form, of the size of the logits, is made when it is asked for.
    """

    xp: Namespace
    logits: Array
    axis: int
    labels: Array | None  # None: the targets are a distribution
    outside: Array | None  # labels that are no classes; None: there are none
    distribution: Array | None  # the targets as given; None: they are labels
    class_weight: Array | float  # laid along the class axis
    sample_weight: Array | float  # mask included; of the loss's shape, or leading axes of it
    keep: Array | None  # None: nothing is masked; no class axis
    smoothing: float
    smoothing_weight: str
    looked_up: list[Any] = field(default_factory=list)  # once: the mass of the labels

    @property
    def one_class(self) -> bool:
        """Tell whether each example has one class with mass, its label."""
        return self.labels is not None and not self.smoothing

    @property
    def targets(self) -> Array:
        """Return the distribution over the classes, unsmoothed; one-hot for labels."""
        return self.distribution if self.labels is None else self._one_hot(1.0, 0.0)

    def _one_hot(self, on: float, off: float) -> Array:
        """Return ``on`` for the class of each label, ``off`` for the others."""
        xp, z, axis = self.xp, self.logits, self.axis
        q = backend_of(z).one_hot(self.labels, z, axis, on, off)
        if self.outside is None:
            return q
        return xp.where(xp.expand_dims(self.outside, axis=axis), xp.nan, q)

    @property
    def weight(self) -> Array | float:
        """Return class weight, sample weight and mask, one per example and class."""
        return times(self._of_rows(self.sample_weight), self.class_weight)

    def _of_rows(self, weight: Array | float) -> Array | float:
        """Return one weight an example with a class axis."""
        single = isinstance(weight, float) or not len(weight.shape)
        return weight if single else self.xp.expand_dims(weight, axis=self.axis)

    @property
    def mass(self) -> Array:
        """Return the factor of f_k(z): target, smoothing and all weights."""
        xp, e, axis = self.xp, self.smoothing, self.axis
        share = e / self.logits.shape[axis]
        if self.labels is not None:
            smoothed = self._one_hot(1.0 - e + share, share)
            target = self.smoothing_weight == "target"
            weight = self._of_rows(self.label_mass) if target else self.weight
            return times(weight, smoothed)
        q: Array = self.distribution
        weight = self.weight
        if not e:
            return times(weight, q)
        if self.smoothing_weight == "target":  # smooth what is weighted
            mass = q * weight
            return (1.0 - e) * mass + share * xp.sum(mass, axis=axis, keepdims=True)
        # weight what is smoothed
        return ((1.0 - e) * q + share * xp.sum(q, axis=axis, keepdims=True)) * weight

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
            return self.xp.sum(self.targets * weight, axis=self.axis)
        labels: Array = self.labels
        if weight.shape[self.axis] == 1:  # one weight for all classes
            labels = 0 * labels
        return backend_of(self.logits).look_up(self.xp.reshape(weight, (-1,)), labels)

    def along_classes(
        self, name: str, values: Any, default: float | None = None, least: float | None = None
    ) -> Any:
        """Return one number a class, laid along the class axis; or ``default`` for None.

        With a default one number for all classes will do. Lists may not go below ``least``.
        """
        if values is None and default is not None:
            return default
        if least is not None and isinstance(values, list | tuple):
            arguments.nonnegative(name, values)
        shape = backend_of(self.logits).shape(self.logits)
        array = arguments.beside(name, values, self.logits, self.logits.dtype)
        if default is None and tuple(array.shape) != (shape[self.axis],):
            raise ValueError(
                f"{name}: expected shape ({shape[self.axis]},), one number a class, got shape "
                f"{tuple(array.shape)}"
            )
        return arguments.along_axis(name, array, shape, self.axis)

    def effective_weight(self) -> Array | float:
        """Return ``mask * sample_weight * sum_k q_k w_k``."""
        if self.labels is not None:
            return self.label_mass
        return self.xp.sum(self.targets * self.weight, axis=self.axis)


def class_batch(
    logits: Array,
    targets: Any,
    *,
    axis: int,
    class_weight: Any,
    sample_weight: Any,
    mask: Any,
    ignore_index: int | None,
    label_smoothing: float,
    smoothing_weight: str,
    target_range: str = "unit",
) -> ClassBatch:
    """Check the arguments of a multi-class loss and turn them into its factors."""
    z = arguments.floating("logits", logits)
    backend = backend_of(z)
    xp, shape = backend.namespace, backend.shape(z)
    axis = arguments.axis_of(shape, axis)
    classes = arguments.class_count(shape, axis)
    ignore_index = options.ignored(ignore_index, integer=True)
    e = options.smoothing(label_smoothing, smoothing_weight)
    target_range = options.target_range(target_range)

    raw = arguments.beside("targets", targets, z, None)
    hard = are_labels(raw, shape, axis, ignore_index)
    loss_shape = shape[:axis] + shape[axis + 1 :]
    raw = arguments.same_shape(
        "targets", raw, loss_shape if hard else shape, f" for logits of shape {tuple(z.shape)}"
    )
    given = cast(raw, xp.arange(0).dtype if hard else z.dtype)
    keep = kept(mask, ignore_index, given, z, loss_shape)
    labels = outside = distribution = None
    if hard:
        given = given if keep is None else xp.where(keep, given, 0)
        labels, outside = _checked(given, classes)
    if keep is not None:
        kept_rows = xp.expand_dims(keep, axis=axis)
        z = xp.where(kept_rows, z, 0.0)
        given = given if hard else xp.where(kept_rows, given, 0.0)
    if not hard:
        distribution = in_range("targets", given, target_range)

    sample = sample_of(sample_weight, keep, z, loss_shape)
    weight = along("class_weight", class_weight, z, shape, axis)
    return ClassBatch(
        xp, z, axis, labels, outside, distribution, weight, sample, keep, e, smoothing_weight
    )


def _checked(labels: Array, classes: int) -> tuple[Array, Array | None]:
    """Return labels that are all in 0..classes-1, and which were not if nothing can be raised."""
    xp = backend_of(labels).namespace
    if seen_between(labels, 0, classes - 1):
        return labels, None
    outside = (labels < 0) | (labels >= classes)
    if all_inside("targets", labels, outside, 0, classes - 1):
        return labels, None
    return xp.where(outside, 0, labels), outside
