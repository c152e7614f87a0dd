"""The base of the Keras losses: their options and their call. It knows no formula."""

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import Signature
from typing import Any, ClassVar

import keras
from keras import ops
from keras.src.backend import get_keras_mask  # no public name; a JAX tracer has no attributes

from weightedce.backends import Array
from weightedce.call import columns
from weightedce.call.by_class import by_class
from weightedce.call.ignored import ignored
from weightedce.keras.reductions import Reduction
from weightedce.keras.weights import check_weight
from weightedce.objects.from_function import FromFunction
from weightedce.objects.names import renamed
from weightedce.objects.signature import options_of

INTERFACE = "The interface is that of ``keras.losses.{}``, Keras 3.15.1."


class WeightedLoss(FromFunction, keras.losses.Loss):
    """A `keras.losses.Loss` that keeps its options as attributes and in its config.

    Parameters
    ----------
    name : str
        Name of the loss.
    dtype : str or keras.DTypePolicy, optional
        dtype of the result; ``keras.config.floatx()`` by default. Half precision is computed in
        float32.

    Raises
    ------
    TypeError, ValueError
        When called, as {function}, with ``y_true`` and
        ``y_pred`` in the message; when made, for a reduction, a word or a weight that is none, and
        for an option that there is not.

    Notes
    -----
    Called as ``loss(y_true, y_pred, sample_weight=None)``. What is masked may hold anything.
    {peer}

    References
    ----------
    See {function}.
    """

    # so that AutoGraph leaves a loss as it is: to rewrite what it calls takes five seconds
    autograph_info__: ClassVar[dict[str, Any]] = {}
    whole_labels: ClassVar[bool] = False  # whether labels are integers
    names: ClassVar[Mapping[str, str]] = {
        "logits": "y_pred",
        "targets": "y_true",
        "ignore_index": "ignore_class",
    }
    from_logits: bool = False
    reduction: Reduction = "sum_over_batch_size"
    name: str | None = None
    dtype: Any = None

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, **spec: Any) -> None:
        """Take the name that Keras gives a loss for the default."""
        if function is not None:
            spec = {"name": snake_case(cls.__name__), **spec}
        super().__init_subclass__(function=function, **spec)

    def __init__(self, *args: Any, **options: Any) -> None:
        found = self._bound(args, options)
        if "ignore_class" in found:
            found["ignore_class"] = self._ignored(found["ignore_class"])
        found = {name: plain(name, value) for name, value in found.items()}
        reduction = found.pop("reduction")
        dtype = keras.dtype_policies.get(found.pop("dtype") or keras.config.floatx())
        super().__init__(name=found.pop("name"), dtype=dtype)
        self.reduction = reduction
        self._policy = dtype.name
        self._options = found
        for name, value in found.items():
            if name.endswith("_weight") and name != "smoothing_weight":
                check_weight(name, value)
            setattr(self, name, value)

    def _ignored(self, labels: Any) -> Any:
        """Return the labels to ignore: None, a number, or a list of several."""
        try:
            found = ignored(labels, integer=self.whole_labels)
        except (TypeError, ValueError) as error:
            raise renamed(error, self.names) from None
        return list(found) if len(found) > 1 else found[0] if found else None

    @classmethod
    def _signature_of(
        cls,
        function: Callable[..., Any],
        order: str | None,
        without: Iterable[str],
        defaults: Mapping[str, Any],
    ) -> Signature:
        # Keras lays arrays over devices itself, and has no name for those that have the classes
        own = [name for name in ("shards",) if name in options_of(function)]
        return super()._signature_of(function, order, (*without, *own), defaults)

    @classmethod
    def _facts(cls) -> dict[str, str]:
        there = hasattr(keras.losses, cls.__name__)
        peer = INTERFACE.format(cls.__name__) if there else "Keras has no such loss."
        return {**super()._facts(), "peer": peer}

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """Return the reduced loss; a mask that Keras left on ``y_pred`` is honoured."""
        if type(self).call is not WeightedLoss.call:  # somebody's own: then Keras reduces it
            return super().__call__(y_true, y_pred, sample_weight=sample_weight)
        with keras.name_scope(self.name):
            mask = get_keras_mask(y_pred)
            return self.named(y_true, y_pred, sample_weight, mask, self.reduction)

    def call(self, y_true: Any, y_pred: Any) -> Array:
        """Return the losses of the samples, without sample weights and mask."""
        return self.named(y_true, y_pred, None, None, "none")

    def named(self, *args: Any) -> Array:
        """Return the loss in its dtype; errors give the arguments the names that Keras does."""
        y_true, y_pred, *more = args
        try:
            y_true = tensor("y_true", y_true)
            if not ops.is_tensor(y_pred):  # one may hold the logits that it was made of
                y_pred = tensor("y_pred", y_pred)
            return ops.cast(self.evaluate(y_true, y_pred, *more), self.dtype)
        except (TypeError, ValueError) as error:
            raise renamed(error, self.names) from None

    def evaluate(
        self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, reduction: str | None
    ) -> Array:
        """Return the loss under one of Keras's reductions."""
        raise NotImplementedError

    def loss_of(self, z: Array, y: Array, **options: Any) -> Any:
        """Return the loss of logits and targets under one of the library's reductions."""
        return type(self).function(z, y, **options)

    def get_config(self) -> dict[str, Any]:
        """Return every argument, in types that JSON has."""
        return self._arguments()

    def _arguments(self) -> dict[str, Any]:
        config = {"name": self.name, "reduction": self.reduction, "dtype": self._policy}
        return {**config, **self._options}

    def __repr__(self) -> str:
        """Return the call that makes it."""
        config = self._arguments()
        if "dtype" not in self._given:  # that of Keras's configuration
            del config["dtype"]
        shown = ", ".join(f"{k}={v!r}" for k, v in self._configured(config).items())
        return f"{type(self).__name__}({shown})"

    def passed(self) -> dict[str, Any]:
        """Return the options that the function takes as they are."""
        taken = options_of(self.function)
        return {name: value for name, value in self._options.items() if name in taken}

    def of_batch(self) -> bool:
        """Tell whether some weights are those of each batch."""
        return "batch" in (v for v in self._options.values() if isinstance(v, str))

    @property
    def compute(self) -> str:
        """The dtype to compute in: no half precision."""
        return str(self.dtype) if self.dtype == "float64" else "float32"


def tensor(name: str, value: Any) -> Array:
    """Return numbers as a tensor: those of a column, and None among them as NaN."""
    if value is None:
        raise TypeError(f"{name}: expected numbers, got None")
    value = columns.column(value, name)
    words = getattr(getattr(value, "dtype", None), "kind", "") in ("U", "S", "O")
    if words or (columns.is_sequence(value) and _has_words(value)):
        value = columns.host_array(name, value.tolist() if words else value)
    try:
        return ops.convert_to_tensor(value)
    except (TypeError, ValueError):
        return ops.convert_to_tensor(columns.host_array(name, value))


def _has_words(values: Any) -> bool:
    """Tell whether there are words in nested sequences: TensorFlow makes tensors of them."""
    return any(_has_words(x) if columns.is_sequence(x) else isinstance(x, str) for x in values)


def plain(name: str, value: Any) -> Any:
    """Return an option in types that JSON has: arrays as lists, class numbers as integers."""
    if value is None or isinstance(value, bool | int | float | str | keras.DTypePolicy):
        return value
    if isinstance(value, list | tuple):
        return [plain(name, item) for item in value]
    if not isinstance(value, dict) and by_class(value):
        value = dict(zip(value.index.tolist(), columns.column(value, name).tolist(), strict=True))
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


def snake_case(name: str) -> str:
    """Return ``ABc`` as ``a_bc``, as Keras names its losses."""
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()
