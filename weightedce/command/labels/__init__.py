"""Counts the labels of files of any kind, piece by piece: a file a kind, and what is common."""

from weightedce.command.labels.count import count

__all__ = ["count"]
