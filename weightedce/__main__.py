"""The command ``weightedce``; what it needs comes with ``weightedce[validation]``."""

import sys


def main() -> None:
    """Run the command, or say in one line what to install."""
    try:
        from weightedce.command import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "weightedce":
            raise
        sys.exit(
            f"weightedce: the command needs {error.name}: pip install 'weightedce[validation]'"
        )
    app(prog_name="weightedce")


if __name__ == "__main__":
    main()
