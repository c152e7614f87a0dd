"""What every PyTorch loss object does: its options kept, its weights as buffers, autocast off."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch

from weightedce.call import arguments
from weightedce.call.arguments import column

SIGNED = ("shift", "cost_matrix")  # weights of which numbers below 0 have a meaning


class Loss(torch.nn.Module):
    """A function of the library and its options, as a module.

    A weight that is given becomes a buffer (an ``nn.Parameter`` a parameter), any other option
    an attribute.
    """

    function: ClassVar[Callable[..., Any]]
    parameters: ClassVar[Mapping[str, inspect.Parameter]]  # of the class of ours, not a subclass
    names: ClassVar[Mapping[str, str]] = {"logits": "input", "targets": "target"}

    def __init_subclass__(cls) -> None:
        """Note the parameters of a class that names its function."""
        super().__init_subclass__()
        if "function" in vars(cls):
            cls.parameters = inspect.signature(cls.__init__).parameters

    def __init__(self, **options: Any) -> None:
        super().__init__()
        parameters = self.parameters
        self._defaults = {name: parameters[name].default for name in options}
        for name, value in options.items():
            is_weight = parameters[name].annotation is Any  # others say what number or word
            if isinstance(value, torch.nn.Parameter):
                self.register_parameter(name, value)
            elif is_weight and value is None:
                self.register_buffer(name, None)
            elif is_weight and value is not self._defaults[name]:
                self.register_buffer(name, weight_of(name, value))
            else:
                setattr(self, name, value)

    def _call(self, logits: torch.Tensor, *others: Any, **options: Any) -> Any:
        """Call the function; errors give the arguments the names that they have here."""
        if torch.compiler.is_compiling():
            return self._without_autocast(logits, *others, **options)
        try:
            return self._without_autocast(logits, *others, **options)
        except (TypeError, ValueError) as error:
            name, colon, rest = str(error).partition(": ")
            if name not in self.names:
                raise
            raise type(error)(f"{self.names[name]}{colon}{rest}") from None

    def _without_autocast(self, logits: torch.Tensor, *others: Any, **options: Any) -> Any:
        """Call the function with autocast off: the library chooses its own precision."""
        kind = logits.device.type
        if not torch.amp.is_autocast_available(kind):  # such as the meta device
            return type(self).function(logits, *others, **options)
        with torch.autocast(kind, enabled=False):
            return type(self).function(logits, *others, **options)

    def extra_repr(self) -> str:
        """Return the options that are not the default."""
        shown = []
        for name, default in self._defaults.items():
            value = getattr(self, name)
            if isinstance(value, torch.Tensor):
                short = value.numel() <= 12 and not value.is_meta
                numbers = value.double().round(decimals=4).tolist() if short else None
                shown.append(f"{name}={numbers if short else tuple(value.shape)}")
            elif value != default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)


class FunctionLoss(Loss):
    """A loss whose arguments are the function's. ``class Name(FunctionLoss, function=...)``.

    ``sample_weight`` and ``mask`` belong to a batch and are given with it. Where the function
    has a class axis, that axis is torch's: 1, or 0 without a batch.
    """

    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, function: Callable[..., Any] | None = None) -> None:
        """Take the options of ``function`` for the arguments of the class."""
        super().__init_subclass__()
        if function is None:  # somebody's subclass: its own arguments are its own affair
            if "__init__" in vars(cls):
                own = list(inspect.signature(cls.__init__).parameters.values())
                cls.__signature__ = inspect.Signature(own[1:])
            return
        cls.function = staticmethod(function)
        cls.__doc__ = _docstring(cls.__doc__, function.__name__)
        parameters = dict(inspect.signature(function).parameters)
        for name in ("logits", "targets", "sample_weight", "mask"):
            del parameters[name]
        if "class_weight" in parameters:
            parameters["axis"] = parameters["axis"].replace(default=None, annotation=int | None)
        cls.parameters = parameters
        cls.__signature__ = inspect.Signature(list(parameters.values()))

    def __init__(self, *args: Any, **options: Any) -> None:
        try:
            bound = inspect.Signature(list(self.parameters.values())).bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        super().__init__(**bound.arguments)

    def forward(
        self,
        input: torch.Tensor,  # noqa: A002 - torch's name
        target: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of a batch of logits and targets."""
        check_tensor(input)
        options = {name: getattr(self, name) for name in self._defaults}
        if "class_weight" in options and options["axis"] is None:
            options["axis"] = self._class_axis(input, target)
        return self._call(input, target, sample_weight=sample_weight, mask=mask, **options)

    def _class_axis(self, logits: torch.Tensor, _: Any) -> int | None:
        return class_axis(logits)


def check_tensor(logits: Any) -> None:
    """Refuse logits that are no tensor."""
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"input: expected a tensor, got {type(logits).__qualname__}")


def class_axis(logits: torch.Tensor) -> int:
    """Return the class axis by torch's convention: (N, K, ...), or (K,) without a batch."""
    if not logits.ndim:
        raise ValueError("input: expected shape (K,), (N, K) or (N, K, ...), got one number")
    return 1 if logits.ndim > 1 else 0


def named_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction that torch's deprecated flags stand for."""
    if size_average is None and reduce is None:
        return reduction
    name = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average, reduce: deprecated by torch, pass reduction={name!r}",
        FutureWarning,
        stacklevel=3,
    )
    return name


def weight_of(name: str, value: Any) -> torch.Tensor:
    """Return a weight as a floating-point tensor; a tensor of floats as it is."""
    if not isinstance(value, torch.Tensor):
        value = column(value)  # of a data frame
        if not isinstance(value, Real | list | tuple):
            array = np.asarray(value)
            if array.dtype.kind not in "biuf":
                raise TypeError(
                    f"{name}: expected a number, a list of numbers, an array or a tensor, got "
                    f"{type(value).__qualname__}: {value!r:.80}"
                )
            value = array.astype(array.dtype.newbyteorder("="))  # a copy of its own
        numbers = value.tolist() if isinstance(value, np.ndarray) else value
        if name not in SIGNED:
            arguments.nonnegative(name, numbers)
        try:
            value = torch.tensor(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name}: expected numbers in rows of one length, got {numbers!r:.80} ({error})"
            ) from None
    if value.is_complex():
        raise TypeError(f"{name}: expected real numbers, got dtype {value.dtype}")
    return value if value.is_floating_point() else value.to(torch.get_default_dtype())


def _docstring(own: str | None, function: str) -> str:
    """Return a class's docstring: its own first lines, then what all of them share."""
    return f"""{inspect.cleandoc(own or "")}

Parameters
----------
**options
    Those of `weightedce.{function}`, with ``axis`` of a class axis as in torch: 1, or
    0 for logits of one axis. A weight (number, list, array, tensor) becomes a buffer, an
    ``nn.Parameter`` a parameter; numbers and lists take torch's default dtype.

Notes
-----
Called as ``criterion(input, target, *, sample_weight=None, mask=None)``. Formula, shapes, units,
errors, gradient flow and source are those of `weightedce.{function}`. Under autocast the loss
is computed in float32 or wider all the same.
"""
