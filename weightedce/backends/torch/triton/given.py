"""What kernels are given, in tuples with names: where things are in memory, and numbers.

None is what is not there; a kernel is compiled for what is.
"""

from typing import Any, NamedTuple


class Rows(NamedTuple):
    """What belongs to the rows of a loss over classes; each step is from one row to the next."""

    targets: Any
    class_weight: Any
    class_step: Any  # 0: one weight for all
    sample_weight: Any
    sample_step: Any  # for so many rows each number stands
    mask: Any
    mask_step: Any
    ignore: Any
    weight: Any  # of all classes


class Sides(NamedTuple):
    """What belongs to the elements of a binary loss."""

    targets: Any
    pos_weight: Any
    neg_weight: Any
    labels: Any  # how many
    inner: Any  # numbers between two labels
    sample_weight: Any
    sample_step: Any
    mask: Any
    mask_step: Any
    ignore: Any
    pos: Any  # weights of all labels
    neg: Any
    smoothing: Any


class Bent(NamedTuple):
    """What is done to the logits first: ``scale_k * factor * cap * tanh(z / cap) + shift_k``."""

    cap: Any
    factor: Any
    scale: Any
    by_label: Any  # not None: the scale is that of the label
    shift: Any  # (2, K): what float32 holds of it, and what is left


class Tail(NamedTuple):
    """What is made of -log p: by the form that a kernel is compiled for."""

    number: Any  # the exponent, or the weight of 1 - p
    root: Any  # of p, that is taken to number * root
    margin: Any  # of each class
    z_loss: Any
