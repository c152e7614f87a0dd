"""The signature of a class from that of its function, and what is wrong with a call of it."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import Any, Literal, get_args, get_origin

Parameters = Mapping[str, Parameter]

# What a batch brings: given when an object is called, so no option of it.
BATCH = ("logits", "targets", "hidden", "weight", "bias", "sample_weight", "mask")
# What the same thing is called here: the first that a class has is meant.
MEANT = {
    "weight": ("class_weight", "pos_weight"),
    "weights": ("class_weight", "pos_weight", "weight"),
    "class_weight": ("pos_weight", "weight"),
    "class_weights": ("class_weight", "pos_weight", "weight"),
    "alpha": ("fp_weight", "class_weight", "weight", "pos_weight"),
    "beta": ("fn_weight",),
    "ignore_class": ("ignore_index",),
    "ignore_index": ("ignore_class",),
    "ignore_label": ("ignore_index", "ignore_class"),
}


def options_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the parameters of a loss but for those that belong to a batch."""
    found = inspect.signature(function).parameters
    return {name: parameter for name, parameter in found.items() if name not in BATCH}


def declared(cls: type) -> dict[str, Parameter]:
    """Take the options that a class declares out of it: annotated names with a default.

    They are read as those of a dataclass are, but do not stay on the class, where they would
    hide what the framework has by that name.
    """
    annotations = inspect.get_annotations(cls)
    names = [n for n in annotations if n in vars(cls) and not n.startswith("_")]
    taken = {}
    for name in names:
        if "ClassVar" in str(annotations[name]):
            continue
        taken[name] = Parameter(
            name, Parameter.KEYWORD_ONLY, default=vars(cls)[name], annotation=annotations[name]
        )
        delattr(cls, name)
    return taken


def signature(
    options: Parameters,
    *,
    names: Mapping[str, str],
    declared: Parameters,
    order: Iterable[str],
    defaults: Mapping[str, Any],
) -> Signature:
    """Return the signature of a class from the options of its function.

    ``names``: what options are called here. ``declared``: options of another type, and those that
    the function has not. ``order``: those that may be given by position; all others keep the
    kind and the order that they have in the function.
    """
    merged = {}
    for there, parameter in options.items():
        name = names.get(there, there)
        own = declared.get(name, parameter)
        merged[name] = parameter.replace(name=name, default=own.default, annotation=own.annotation)
    merged |= {name: p for name, p in declared.items() if name not in merged}
    merged |= {name: merged[name].replace(default=default) for name, default in defaults.items()}
    first = [merged.pop(name).replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for name in order]
    return Signature([*first, *sorted(merged.values(), key=lambda p: p.kind)])


def bound(
    signature: Signature, owner: str, args: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return every option of a call, and which were given; errors say what was meant."""
    parameters = signature.parameters
    for name, value in options.items():
        if name not in parameters:
            raise TypeError(f"{owner}: {unknown(name, value, parameters)}")
    places = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(args) > len(places):
        by_name = [name for name in parameters if name not in (*places, *options)]
        hint = f", such as {by_name[0]}={args[len(places)]!r:.40}" if by_name else ""
        raise TypeError(
            f"{owner}: expected {', '.join(places) or 'nothing'} by position and the rest by "
            f"name{hint}, got {len(args)} by position"
        )
    try:
        given = signature.bind(*args, **options)
    except TypeError as error:
        raise TypeError(f"{owner}: {error}") from None
    names = tuple(given.arguments)
    given.apply_defaults()
    for name in names:
        words, value = get_args(parameters[name].annotation), given.arguments[name]
        if get_origin(parameters[name].annotation) is Literal and value not in words:
            expected = ", ".join(map(str, words))
            raise ValueError(f"{name}: expected one of {expected}, got {value!r}")
    return given.arguments, names


def unknown(name: str, value: Any, parameters: Parameters) -> str:
    """Return what to say of an option that there is not: which one is nearest."""
    meant = [other for other in MEANT.get(name, ()) if other in parameters]
    nearest = (meant or get_close_matches(name, parameters, n=1) or [""])[0]
    there = nearest or f"one of {', '.join(parameters)}"
    return f"there is no option {name!r}: expected {there}, got {name}={value!r:.40}"
