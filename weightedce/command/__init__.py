"""The command line: one file a command."""

from weightedce.backends.missing import needed_by

with needed_by("the command"):
    from weightedce.command.app import app

__all__ = ["app"]
