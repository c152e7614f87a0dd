"""The losses under a constraint as Keras losses, which keep its state in variables."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import keras
from keras import ops

from weightedce import constraints
from weightedce.backends import Array
from weightedce.constraints.state import ConstraintState
from weightedce.keras import replicas
from weightedce.keras.elements import BinaryLoss
from weightedce.keras.examples import SoftmaxLoss
from weightedce.keras.learning import is_attached, when_differentiated
from weightedce.keras.loss import WeightedLoss

RATES = ("recall", "specificity", "precision")


_made: WeakValueDictionary[str, "ConstraintRate"] = WeakValueDictionary()  # by their keys


@keras.saving.register_keras_serializable(package="weightedce")
class ConstraintRate(keras.metrics.Metric):
    """The state of a constrained loss as a metric, which shows the rate that was measured last.

    Of several labels the lowest rate. It is what the loss has met in training, over its memory,
    and is not reset between epochs: the multipliers go on.
    """

    def __init__(self, name: str, labels: int | None, start: Mapping[str, Any] | None) -> None:
        super().__init__(name=name, dtype="float32")
        start = start or {}
        self.key = start.get("key") or uuid4().hex
        _made[self.key] = self
        shape = () if labels is None else (labels,)
        self.state = []
        for field in ConstraintState._fields:
            given = start.get(field)
            made = self.add_variable(shape=shape, initializer="zeros", name=field, dtype="float32")
            if given is not None:
                made.assign(ops.convert_to_tensor(given, "float32"))
            self.state.append(made)

    def update_state(self, *_: Any, **__: Any) -> None:
        """Do nothing: the loss moves the state."""

    def reset_state(self) -> None:
        """Do nothing: the state outlives an epoch."""

    def result(self) -> Array:
        """Return met / cases, the lowest of the labels that were seen."""
        _, met, cases, *_ = (ops.convert_to_tensor(x) for x in self.state)
        seen = cases > 0
        rate = met / ops.where(seen, cases, ops.ones_like(cases))
        return ops.min(ops.where(seen, rate, ops.ones_like(rate)))

    def read(self) -> dict[str, Any]:
        """Return the state as numbers, and the key by which loss and metric find each other."""
        found = {v.name: ops.convert_to_numpy(v).tolist() for v in self.state}
        return {**found, "key": self.key}

    def get_config(self) -> dict[str, Any]:
        """Return what it is found by; the numbers are in the config of the loss."""
        return {"name": self.name, "key": self.key}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ConstraintRate":
        """Return the metric of the loss that was made last with the key: of one model, loaded."""
        found = _made.get(config["key"])
        return cls(config["name"], None, None) if found is None else found


class Constrained(WeightedLoss):
    """A loss that learns its weights while a model is fitted.

    Parameters
    ----------
    start : dict, optional
        Where the multipliers start: what the config of a trained loss holds. Default: zeros.

    Notes
    -----
    The state moves where the loss is differentiated: in ``fit``, not in ``evaluate``, nor on
    validation data. ``loss.rate`` is a metric that holds it, and shows the rate that was measured
    last; on JAX, which carries no other variables through its compiled step, it must be among the
    metrics, or the loss raises::

        loss = ConstrainedBinaryCrossentropy(recall=0.9)
        model.compile("adam", loss=loss, metrics=[loss.rate])

    With several labels or classes the rate is a list, one number each: Keras's variables have a
    shape from the start. The state is in the config, so a model that was saved and loaded goes on
    from it. Under ``tf.distribute`` with several replicas the loss raises.
    """

    axis: int | None
    start: Any = None

    def __init__(self, *args: Any, start: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        del self._options["start"]
        asked = {name: getattr(self, name) for name in RATES if getattr(self, name) is not None}
        if len(asked) != 1:
            raise ValueError(f"{', '.join(RATES)}: expected one of them, got {asked or 'none'}")
        ((name, rates),) = asked.items()
        several = isinstance(rates, list)
        if several != (self.axis is not None):
            expected = "one number" if several else "a list, one number for each label or class,"
            raise ValueError(f"{name}: expected {expected} with axis={self.axis}, got {rates!r}")
        self.rate = ConstraintRate(name, len(rates) if several else None, start)

    def get_config(self) -> dict[str, Any]:
        """Return every argument, and the state as it is now."""
        return {**super().get_config(), "start": self.rate.read()}

    def loss_of(self, z: Array, y: Array, **options: Any) -> Any:
        """Return the loss of a batch; where it is differentiated, the state moves."""
        if replicas.replicas() > 1:
            raise NotImplementedError(
                "loss: expected one replica, since the multipliers would be learned on each of "
                "several from its own part"
            )
        variables = self.rate.state
        if not is_attached(variables[0]):
            raise ValueError(
                "loss: expected loss.rate among the metrics, which on JAX carries the multipliers "
                "through the compiled step: model.compile(..., loss=loss, metrics=[loss.rate])"
            )
        before = ConstraintState(*(ops.copy(x) for x in variables))
        loss, after = type(self).function(z, y, before, **options)
        return when_differentiated(loss, z, variables, after)


class ConstrainedBinaryCrossentropy(
    Constrained,
    BinaryLoss,
    function=constraints.constrained_binary_cross_entropy,
    order="",
    without=["state", "training", "across", "class_weight"],
):
    """`constrained_binary_cross_entropy` as a Keras loss.

    Parameters
    ----------
    axis : int, optional
        The label axis: one constraint for each label along it. Default: all elements are one
        problem.
    """

    axis: int | None = None

    def weights(self, *_: Any) -> dict[str, Any]:
        """Return none: they are found."""
        return {}


class ConstrainedCrossentropy(
    Constrained,
    SoftmaxLoss,
    function=constraints.constrained_cross_entropy,
    order="",
    without=["state", "training", "across", "class_weight"],
):
    """`constrained_cross_entropy` as a Keras loss, of class labels or distributions."""

    def weights(self, *_: Any, **__: Any) -> None:
        """Return none: they are found."""

    def loss_of(self, z: Array, y: Array, **options: Any) -> Any:
        """Return the loss of a batch, without the class weights that there are not."""
        del options["class_weight"]
        return super().loss_of(z, y, **options)
