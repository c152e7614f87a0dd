"""What a batch was decided to be, counted: constants, whatever they were made of."""

from typing import NamedTuple

from weightedce.backends import Array, backend_of
from weightedce.call.binary_batch import BinaryBatch
from weightedce.call.class_batch import ClassBatch


class Decided(NamedTuple):
    """Weighted numbers of examples, one each or one a label; of a class against all others."""

    found: Array  # positives that were decided to be positive
    predicted: Array  # all that were
    positives: Array
    examples: Array


def decided_labels(b: BinaryBatch, threshold: float | Array, axis: int | None) -> Decided:
    """Count yes/no decisions: positive above the threshold."""
    above = b.logits > threshold
    return _counted(b.logits, axis, above, b.positive, b.positive + b.negative)


def decided_classes(b: ClassBatch) -> Decided:
    """Count the decisions for each class: the largest logit, of equal ones the first."""
    backend, z, axis = backend_of(b.logits), b.logits, b.axis
    top = b.xp.argmax(z, axis=axis)
    above = backend.one_hot(top, z, axis, 1.0, 0.0) == 1.0
    mass = b.mass
    return _counted(z, axis, above, mass, backend.sum(mass, axis, keepdims=True))


def _counted(
    logits: Array, axis: int | None, above: Array, positive: Array, both: Array
) -> Decided:
    """Add up, for each label along an axis or all together; what is NaN counts nowhere."""
    backend = backend_of(logits)
    xp, shape = backend.namespace, backend.shape(logits)
    positive = xp.where(positive == positive, positive, 0.0)
    both = xp.where(both == both, both, 0.0)

    def total(elements: Array) -> Array:
        elements = xp.broadcast_to(elements, shape)
        if axis is None or not shape:
            return backend.detach(backend.sum(elements))
        for other in reversed(range(len(shape))):
            if other != axis % len(shape):
                elements = backend.sum(elements, other)
        return backend.detach(elements)

    found, predicted = xp.where(above, positive, 0.0), xp.where(above, both, 0.0)
    return Decided(*map(total, (found, predicted, positive, both)))
