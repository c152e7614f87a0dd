"""The class that makes an object of a function: arguments, configuration and docstring."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any, ClassVar

from weightedce.objects.docstring import docstring
from weightedce.objects.signature import bound, declared, options_of, signature


class FromFunction:
    """A loss object whose options are those of ``function``.

    A class statement says what differs::

        class Name(FromFunction, function=..., order=..., without=..., option=default):
            another_option: float = 1.0

    ``order``: the options that may be given by position, in words; by default those that
    ``plain`` has not, if the family names its plainest function. ``without``: options of the
    function, or of the family, that the class has not. Further keywords are other defaults; what is
    annotated in the body is an option that the function has not, or has with another type.
    """

    function: ClassVar[Callable[..., Any]]
    plain: ClassVar[Callable[..., Any] | None] = None
    names: ClassVar[Mapping[str, str]] = {}  # what arguments of the function are called here
    __signature__: ClassVar[Signature]
    _declared: ClassVar[Mapping[str, Parameter]] = {}
    _signature: ClassVar[Signature]  # of the class of ours, not of somebody's subclass
    _given: tuple[str, ...]

    def __init_subclass__(
        cls,
        function: Callable[..., Any] | None = None,
        order: str | None = None,
        without: Iterable[str] = (),
        **defaults: Any,
    ) -> None:
        """Take the options of the function for the arguments of the class."""
        super().__init_subclass__()
        if function is None and hasattr(cls, "function"):  # somebody's: its arguments are its own
            if "__init__" in vars(cls):
                own = list(inspect.signature(cls.__init__).parameters.values())
                cls.__signature__ = Signature(own[1:])
            return
        inherited = [vars(base).get("_declared", {}) for base in reversed(cls.__mro__[1:])]
        more: dict[str, Parameter] = {}
        for of_one in (*inherited, declared(cls)):
            more |= of_one
        cls._declared = more
        if function is None:  # a family
            return
        cls.function = staticmethod(function)
        cls._signature = cls.__signature__ = cls._signature_of(function, order, without, defaults)
        docs = [vars(base).get("__doc__") for base in cls.__mro__ if issubclass(base, FromFunction)]
        options = cls._signature.parameters
        cls.__doc__ = docstring(docs[:-1], function, options, cls.names, cls._facts())

    @classmethod
    def _facts(cls) -> dict[str, str]:
        """Return what the words in braces mean in docstrings."""
        return {"function": f"`{cls.function.__name__}`"}

    @classmethod
    def _signature_of(
        cls,
        function: Callable[..., Any],
        order: str | None,
        without: Iterable[str],
        defaults: Mapping[str, Any],
    ) -> Signature:
        options = options_of(function)
        first = [] if order is None else order.split()
        if order is None and cls.plain is not None:
            first = [name for name in options if name not in options_of(cls.plain)]
        declared = {name: p for name, p in cls._declared.items() if name not in without}
        for name in without:
            options.pop(name, None)
        return signature(
            options, names=cls.names, declared=declared, order=first, defaults=defaults
        )

    def _bound(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option of a call of the class, and keep which were given."""
        found, self._given = bound(self._signature, type(self).__name__, args, options)
        return found

    def _configured(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those ``values`` of options that were given, or are not the default now."""
        found = {}
        for name, parameter in self._signature.parameters.items():
            if name not in values:
                continue
            value, default = values[name], parameter.default
            same = value is default or (type(value) is type(default) and value == default)
            if name in self._given or not same:
                found[name] = value
        return found
