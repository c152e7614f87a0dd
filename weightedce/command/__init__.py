"""The command line: one file a command."""

from weightedce.command.app import app

__all__ = ["app"]
