"""Keras loss of the expected cost: one decision out of two, or out of K."""

from typing import Any

from keras import ops

from weightedce import losses
from weightedce.backends import Array
from weightedce.keras.elements import BinaryLoss
from weightedce.keras.examples import SoftmaxLoss
from weightedce.keras.loss import WeightedLoss, same_rank


class ExpectedCost(WeightedLoss, function=losses.expected_cost, order="cost_matrix"):
    """`expected_cost` as a Keras loss.

    Parameters
    ----------
    from_logits : bool
        False: ``y_pred`` holds probabilities, from a sigmoid for one per element, from a softmax
        for K per example.
    axis : int, optional
        The class axis. Default: ``y_true`` of the shape of ``y_pred`` and a 2 x 2 matrix mean one
        probability per element; anything else K per example along the last axis.
    class_weight : dict, list, array or "batch", optional
        As in `BinaryCrossentropy` or `CategoricalCrossentropy`.
    ignore_class : number or several, optional
        As in `BinaryCrossentropy` or `CategoricalCrossentropy`.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", \
"sum", "none", None}
        As in `BinaryCrossentropy` or `CategoricalCrossentropy`.

    Notes
    -----
    Nothing is clipped: the loss is bounded, in the unit of the costs. An answer that is saturated
    and wrong has a gradient near 0: start training with a cross-entropy.

    Examples
    --------
    ::

        model.compile("adam", loss=ExpectedCost([[0, 1], [9, 0]]))  # a miss costs 9
    """

    whole_labels = True
    cost_matrix: Any
    axis: int | None
    ignore_class: Any = None

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        config = {**self.get_config(), "reduction": "none"}
        self._elements, self._examples = _PerElement(**config), _PerExample(**config)

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss of the family that the shapes tell, under one of Keras's reductions."""
        y, p = same_rank(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        two = len(self.cost_matrix) == 2 and self.axis is None and len(y.shape) == len(p.shape)
        labels = two and y.shape[-1] == 1 != p.shape[-1]  # (N, 1) beside (N, 2)
        family = self._elements if two and not labels else self._examples
        return family.evaluate(y_true, y_pred, sample_weight, mask, reduction)


class _PerElement(BinaryLoss, function=losses.expected_cost, order="cost_matrix"):
    bounded = True

    def weights(self, y: Array, keep: Array | None) -> dict[str, Any]:
        """Return the weights as the function takes them."""
        return {"class_weight": None if self.class_weight is None else self.pair(y, keep)}


class _PerExample(SoftmaxLoss, function=losses.expected_cost, order="cost_matrix"):
    bounded = True
