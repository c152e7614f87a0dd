"""What every PyTorch loss object does: its options kept, its weights as buffers, autocast off."""

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch.compiler import is_compiling
from torch.fx import Proxy

from weightedce.call.by_class import by_class
from weightedce.call.from_batch import is_batch
from weightedce.objects.from_function import FromFunction
from weightedce.objects.names import renamed
from weightedce.torch.tensors import ABSENT, filled, weight_of

# asked in each call: by their own names in half the time
_is_autocast, _is_tracing = torch._C._is_any_autocast_enabled, torch._C._is_tracing


def whole(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a module that torch.fx traces symbolically as one call, as it keeps torch's own.

    A loss looks at shapes and numbers, which a proxy has not. torch.jit.trace writes down what it
    finds there, all but the number of rows, and would warn of each.
    """

    @functools.wraps(forward)
    def call(self: torch.nn.Module, *batch: Any, **options: Any) -> Any:
        if is_compiling():
            return forward(self, *batch, **options)
        for given in (*batch, *options.values()) if options else batch:
            if type(given) is not torch.Tensor and isinstance(given, Proxy):
                tracer = given.tracer
                target = tracer.path_of_module(self)
                return tracer.create_proxy("call_module", target, batch, options)
        if not _is_tracing():
            return forward(self, *batch, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            return forward(self, *batch, **options)

    return call


class Loss(FromFunction, torch.nn.Module):
    """A function of the library and its options, as a module.

    Raises
    ------
    TypeError, ValueError
        When called, as {function}, by the names that
        arguments have here; when made, for a weight or a word that is none, and for an option
        that there is not.

    Notes
    -----
    Called as ``{call}``.
    Formula, shapes, units, gradient flow and source are those of {function}.
    A weight (number, list, array, tensor) becomes a buffer, an ``nn.Parameter`` a parameter;
    numbers and lists take torch's default dtype. Under autocast the loss is computed in float32 or
    wider all the same.
    """

    names: ClassVar[Mapping[str, str]] = {"logits": "input", "targets": "target"}
    _options: tuple[tuple[str, str], ...]  # what the function calls them, and what they are here
    _by_class: dict[str, float]  # those that came with their classes, and what the others have

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        found = self._bound(args, options)
        if "size_average" in found:
            found["reduction"] = named_reduction(
                found.pop("size_average"), found.pop("reduce"), found["reduction"]
            )
        there = {here: there for there, here in self.names.items()}
        self._by_class = {}
        self._options = tuple((there.get(name, name), name) for name in found)
        for name, value in found.items():
            if there.get(name, name) == "class_weight" and is_batch(value, name):
                self._buffers.pop(name, None)  # which a class of torch has made
                setattr(self, name, value)
            else:
                self._keep(name, value, self._signature.parameters[name])
                if not isinstance(value, torch.Tensor) and by_class(value):
                    self._by_class[there.get(name, name)] = ABSENT.get(name, 1.0)

    def _keep(self, name: str, value: Any, parameter: inspect.Parameter) -> None:
        """Keep a weight as a buffer or parameter, any other option as an attribute."""
        is_weight = parameter.annotation is Any  # others say what number or word
        if isinstance(value, torch.nn.Parameter):
            if name in self._buffers:  # which a class of torch has made
                del self._buffers[name]
            self.register_parameter(name, value)
        elif is_weight and value is None:
            self.register_buffer(name, None)
        elif is_weight and value is not parameter.default:
            self.register_buffer(name, weight_of(name, value))
        else:
            setattr(self, name, value)

    @classmethod
    def _facts(cls) -> dict[str, str]:
        given = list(inspect.signature(cls.forward).parameters.values())[1:]  # without self
        plain = [parameter.replace(annotation=parameter.empty) for parameter in given]
        return {**super()._facts(), "call": f"criterion{inspect.Signature(plain)}"}

    def _read(self) -> dict[str, Any]:
        """Return the options as they are now, by the names that they have in the function."""
        own, found = self.__dict__, {}
        buffers = own["_buffers"]
        for there, here in self._options:
            # by `getattr` a buffer takes ten times as long
            if here in own:
                found[there] = own[here]
            else:
                found[there] = buffers[here] if here in buffers else getattr(self, here)
        return found

    def _classes(self, batch: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """Return how many classes or labels a batch has."""
        axis = options.get("axis")
        return batch[0].shape[-1 if axis is None else axis]

    def _call(self, batch: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call the function; errors give the arguments the names that they have here."""
        if self._by_class:
            self._fill(batch, options)
        function = type(self).function
        if _is_autocast():
            function = functools.partial(without_autocast, function)
        try:
            return function(*batch, **options)
        except (TypeError, ValueError) as error:
            if is_compiling():
                raise
            raise renamed(error, self.names) from None

    def _fill(self, batch: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Give numbers that came with their classes to the classes that were left out."""
        for name, default in self._by_class.items():
            if options[name] is None or options[name].ndim != 1:
                continue
            if options.get("shards") is not None:  # the batch does not say how many classes
                options[name] = dict(enumerate(options[name].tolist()))
            else:
                options[name] = filled(options[name], self._classes(batch, options), default)

    def extra_repr(self) -> str:
        """Return the options that were given or changed."""
        values = {here: getattr(self, here) for _, here in self._options}
        shown = self._configured(values).items()
        return ", ".join(f"{name}={_shown(value)}" for name, value in shown)


def without_autocast(function: Callable[..., Any], *batch: Any, **options: Any) -> Any:
    """Call a function with autocast off: the library chooses its own precision."""
    kind = batch[0].device.type
    # asked first: the meta device has none
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return function(*batch, **options)
    with torch.autocast(kind, enabled=False):
        return function(*batch, **options)


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


def _shown(value: Any) -> str:
    """Return an option as repr shows it: small tensors in numbers, others by their shape."""
    if not isinstance(value, torch.Tensor):
        return repr(value)
    if value.numel() > 12 or value.is_meta:
        return str(tuple(value.shape))
    return str(value.double().round(decimals=4).tolist())
