"""The command ``weightedce``; what it needs comes with ``weightedce[validation]``."""

import sys
from io import TextIOWrapper

from weightedce.backends.missing import EXTRAS


def main() -> None:
    """Run the command, or say in one line what to install."""
    try:
        from weightedce.command import app
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        sys.exit(f"weightedce: {error}")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that has no "✗", nor a class's letters
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="weightedce")


if __name__ == "__main__":
    main()
