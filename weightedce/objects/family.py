"""The classes that nobody wrote: those of losses of which a framework has nothing to add."""

import inspect
import types
from collections.abc import Callable, Iterable
from typing import Any

from weightedce import losses
from weightedce.objects.from_function import FromFunction

CAPITALS = {"ldam": "LDAM"}


def with_the_rest(
    written: Iterable[type[FromFunction]],
    module: str,
    family: Callable[[Callable[..., Any]], type[FromFunction]],
    named: Callable[[str], str],
) -> dict[str, type[FromFunction]]:
    """Return the classes of all losses by name: the ``written`` ones and one for each other.

    ``family`` says what the class of a function inherits, ``named`` what it is called.
    """
    classes = {cls.__name__: cls for cls in written}
    there = {cls.function for cls in classes.values()}
    for name in losses.__all__:
        function = getattr(losses, name)
        if function in there or [*inspect.signature(function).parameters][:1] != ["logits"]:
            continue
        made = types.new_class(
            named(name),
            (family(function),),
            {"function": function},
            lambda namespace: namespace.update(__module__=module),
        )
        classes[made.__name__] = made
    return dict(sorted(classes.items()))


def camel_case(name: str) -> str:
    """Return ``a_b`` as ``AB``."""
    return "".join(CAPITALS.get(part, part.capitalize()) for part in name.split("_"))
