"""What a constraint remembers from one batch to the next."""

from typing import Any, NamedTuple, Self

from weightedce.backends import Array, backend_of, host
from weightedce.call import arguments, dtypes, options
from weightedce.call.arguments import all_known
from weightedce.call.reductions import ratio


class ConstraintState(NamedTuple):
    """Multipliers of a constraint and the running sums that they are learned from.

    A tuple of five arrays of one shape and dtype, one number each or one for each label or class:
    a tree for JAX, PyTorch and TensorFlow, so it may be the carry of ``jax.lax.scan``. The start
    is a tuple of zeros.

    Parameters
    ----------
    log_multiplier : array
        Natural logarithm of the Lagrange multiplier: 0 weighs both sides of the constraint alike,
        ``log(max_multiplier)``, at which it stops, says that the constraint cannot be met.
    met, cases : array
        Decayed sums of the examples that the constraint counts (for recall the positives), and of
        those among them that are as it wants them (for recall those that were found).
    positives, examples : array
        Decayed sums of the positives of a label, or the examples of a class, and of all.

    Examples
    --------
    >>> import numpy as np
    >>> logits, targets = np.array([2.0, -1.0, -2.0, 1.0]), np.array([1, 1, 0, 0])
    >>> loss, state = constrained_binary_cross_entropy(logits, targets, recall=0.9)
    >>> float(state.rate())  # one of two positives was found
    0.5
    >>> bool(state.log_multiplier > 0)  # too few, so positives weigh more from now on
    True
    """

    log_multiplier: Array
    met: Array
    cases: Array
    positives: Array
    examples: Array

    @classmethod
    def start(cls, labels: int | None = None) -> Self:
        """Return the start: zeros of NumPy, one number, or one for each of so many labels.

        Examples
        --------
        >>> ConstraintState.start(3).log_multiplier
        array([0., 0., 0.], dtype=float32)
        """
        shape = () if labels is None else (options.whole("labels", labels),)
        xp = host().namespace
        return cls(*(xp.zeros(shape, dtype=xp.float32) for _ in cls._fields))

    def rate(self) -> Array:
        """Return the rate that was measured last, met / cases, and 0 where nothing was counted."""
        return ratio(self.met, self.cases)


def state_beside(state: Any, logits: Array, size: Any) -> ConstraintState:
    """Return a checked state as constants beside the logits; ``size`` None: one number each."""
    backend = backend_of(logits)
    xp, shape = backend.namespace, () if size is None else (size,)
    if state is None:
        device = backend.device(logits)
        zeros = (xp.zeros(shape, dtype=xp.float32, device=device) for _ in ConstraintState._fields)
        return ConstraintState(*zeros)
    fields = ConstraintState._fields
    if not isinstance(state, tuple | list) or len(state) != len(fields):
        raise TypeError(
            f"state: expected None or a ConstraintState, the tuple ({', '.join(fields)}), got "
            f"{type(state).__qualname__}: {state!r:.80}"
        )
    found = [
        arguments.beside(f"state.{field}", given, logits, None)
        for field, given in zip(fields, state, strict=True)
    ]
    for field, array in zip(fields, found, strict=True):
        if dtypes.dtype_name(array.dtype) not in ("float32", "float64"):
            raise TypeError(
                f"state.{field}: expected float32 or float64, since it adds up small steps, got "
                f"{dtypes.dtype_name(array.dtype)}"
            )
        mine = backend.shape(array)
        if all_known(*mine, *shape) and mine != shape:
            raise ValueError(
                f"state.{field}: expected shape {arguments.shown(shape)}, got "
                f"{arguments.shown(mine)}; the start is None, or ConstraintState.start"
                f"({'' if size is None else size})"
            )
    return ConstraintState(*map(backend.detach, found))
