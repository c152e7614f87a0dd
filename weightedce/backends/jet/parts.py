"""Sums and products of derivatives, where None is 0 and 1.0 spares a pass."""

from weightedce.backends.handed import Array


def total(a: Array, b: Array) -> Array:
    """Return the sum of two derivatives."""
    if a is None:
        return b
    return a if b is None else a + b


def product(derivative: Array, factor: Array) -> Array:
    """Return a derivative times a factor, and spare the pass where one is 1."""
    if derivative is None or factor is None:
        return None
    if type(derivative) is float and derivative == 1.0:
        return factor
    return derivative if type(factor) is float and factor == 1.0 else derivative * factor


def square(derivative: Array) -> Array:
    """Return the square of a derivative."""
    return derivative * derivative


def negative(derivative: Array) -> Array:
    """Return minus a derivative."""
    return None if derivative is None else -derivative
