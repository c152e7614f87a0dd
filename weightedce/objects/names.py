"""The names that arguments have here, in errors that come from a function of the library."""

import re
from collections.abc import Mapping


def renamed(error: Exception, names: Mapping[str, str]) -> Exception:
    """Return the error with the argument at its head, and those it points at, by their names.

    Such as ``targets: expected values in 0..2, got targets[1] = 3; ignore_index is -1``.
    """
    name, colon, rest = str(error).partition(": ")
    pointed = re.compile(rf"\b({'|'.join(names)})(?=\[|=| is\b| that\b)")
    rest = pointed.sub(lambda found: names[found[0]], rest)
    message = f"{names.get(name, name)}{colon}{rest}"
    return error if message == str(error) else type(error)(message)
