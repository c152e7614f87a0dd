"""The base of the Keras losses: their options and their call. It knows no formula."""

from typing import Any

import keras
from keras import ops
from keras.src.backend import get_keras_mask  # no public name; a JAX tracer has no attributes

from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.keras.reductions import checked, over_replicas

NAMES = {"logits": "y_pred", "targets": "y_true", "ignore_index": "ignore_class"}
registered = keras.saving.register_keras_serializable(package="weightedce")


class WeightedLoss(keras.losses.Loss):
    """A `keras.losses.Loss` that keeps its options as attributes and in its config.

    Subclasses list their arguments in ``__init__`` and hand ``locals()`` over: what is an
    argument there is an attribute, goes into the config and comes back from it.
    """

    from_logits: bool

    def __init__(self, given: dict[str, Any]) -> None:
        options = {k: plain(k, v) for k, v in given.items() if k not in ("self", "__class__")}
        reduction = checked(options.pop("reduction"))
        dtype = keras.dtype_policies.get(options.pop("dtype") or keras.config.floatx())
        super().__init__(name=options.pop("name"), dtype=dtype)
        self.reduction = reduction
        self._policy = dtype.name
        self._options = options
        for name, value in options.items():
            if name.endswith("_weight") and name != "smoothing_weight":
                check_weight(name, value)
            setattr(self, name, value)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """Return the reduced loss; a mask that Keras left on ``y_pred`` is honoured."""
        if type(self).call is not WeightedLoss.call:  # somebody's own: then Keras reduces it
            return super().__call__(y_true, y_pred, sample_weight=sample_weight)
        with keras.name_scope(self.name):
            mask = get_keras_mask(y_pred)
            loss = self.named(y_true, y_pred, sample_weight, mask, self.reduction)
            return over_replicas(loss, self.reduction)

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """Return the losses of the samples, without sample weights and mask."""
        return self.named(y_true, y_pred, None, None, "none")

    def named(self, *args: Any) -> Array:
        """Return the loss in its dtype; errors give the arguments the names that Keras does."""
        try:
            return ops.cast(self.evaluate(*args), self.dtype)
        except (TypeError, ValueError) as error:
            name, colon, rest = str(error).partition(": ")
            if name not in NAMES:
                raise
            rest = rest.replace(f"{name}[", f"{NAMES[name]}[")  # the position of the offender
            raise type(error)(f"{NAMES[name]}{colon}{rest}") from None

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return every argument, in types that JSON has."""
        config = {"name": self.name, "reduction": self.reduction, "dtype": self._policy}
        return {**config, **self._options}

    def others(self, *handled: str) -> dict[str, Any]:
        """Return the options but for those that are ``handled`` already."""
        return {name: value for name, value in self._options.items() if name not in handled}

    @property
    def compute(self) -> str:
        """The dtype to compute in: no half precision."""
        return str(self.dtype) if self.dtype == "float64" else "float32"


def plain(name: str, value: Any) -> Any:
    """Return an option in types that JSON has: arrays as lists, class numbers as integers."""
    if value is None or isinstance(value, bool | int | float | str | keras.DTypePolicy):
        return value
    if isinstance(value, list | tuple):
        return [plain(name, item) for item in value]
    if isinstance(value, dict):
        try:
            keys = [int(key) for key in value]
            if any(float(key) != k for key, k in zip(value, keys, strict=True)):
                raise ValueError
            return {k: plain(name, item) for k, item in zip(keys, value.values(), strict=True)}
        except (TypeError, ValueError):
            raise ValueError(
                f"{name}: expected class numbers for keys, got {list(value)!r:.80}"
            ) from None
    try:
        return ops.convert_to_numpy(value).tolist()
    except Exception as error:
        raise TypeError(
            f"{name}: expected numbers, a list or an array, got {type(value).__qualname__}: "
            f"{value!r:.80} ({error})"
        ) from None


def check_weight(name: str, weight: Any) -> None:
    """Refuse what is no weight: negative numbers, infinite ones, other words than "batch"."""
    if isinstance(weight, dict):
        weight = list(weight.values())
    if isinstance(weight, str):
        words = " or 'batch'" if name in ("class_weight", "pos_weight") else ""
        if weight != "batch" or not words:
            raise ValueError(f"{name}: expected numbers{words}, got {weight!r}")
    elif weight is not None:
        arguments.nonnegative(name, weight)


def same_rank(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Add or drop a last axis of size 1 as Keras does: (N,) and (N, 1) fit each other."""
    swap = len(y_true.shape) > len(y_pred.shape)
    short, long = (y_pred, y_true) if swap else (y_true, y_pred)
    if len(long.shape) == len(short.shape) + 1 and long.shape[-1] == 1:
        if len(short.shape) == 1:
            short = ops.expand_dims(short, axis=-1)
        else:
            long = ops.squeeze(long, axis=-1)
    return (long, short) if swap else (short, long)


def class_vector(weight: Any, classes: int) -> Any:
    """Return the class weights of a dict as a list; classes that it leaves out weigh 1."""
    if not isinstance(weight, dict):
        return weight
    if unknown := [k for k in weight if not 0 <= k < classes]:
        raise ValueError(f"class_weight: expected classes in 0..{classes - 1}, got {unknown}")
    return [weight.get(k, 1.0) for k in range(classes)]
