"""What the core asks of a library where logits are a product, by blocks of rows: see `contract`."""

from collections.abc import Iterator, Sequence
from typing import Any

from weightedce.backends.handed import Array, Head


class OfLinear:
    """The loss of a linear layer, whose logits are never held all at once."""

    namespace: Any

    def linear_elements(self, _: Array, __: int, ___: int, /) -> int:
        """Return how many logits are a block, from hidden, features and classes: 98 x 128,000."""
        return 3 * 2**22

    def multiplies_half(self, _: Array, __: Array, /) -> bool:
        """Tell whether hidden and weight of half precision are multiplied as they are."""
        return False

    def linear_sums(
        self, head: Head, linear: Sequence[Any], rows: Sequence[Any], shared: Any, size: int, /
    ) -> Any:
        """Return loss, weight and count of ``head`` over logits that ``linear`` makes.

        ``linear`` is hidden (N, D), weight (V, D) and bias (V,) or None; ``rows`` have one entry a
        row of hidden; ``size`` rows are formed at a time. How a library differentiates what it
        has thrown away is its own affair.
        """
        blocks = _linear_blocks(linear, rows, size)
        sums = [head.total(logits, part, shared) for logits, part in blocks]
        return tuple(sum(column[1:], start=column[0]) for column in zip(*sums, strict=True))

    def linear_losses(
        self, head: Head, linear: Sequence[Any], rows: Sequence[Any], shared: Any, size: int, /
    ) -> Array:
        """Return the loss of each row, otherwise as `linear_sums`."""
        blocks = _linear_blocks(linear, rows, size)
        return self.namespace.concat([head.losses(z, part, shared) for z, part in blocks])


def _linear_blocks(
    linear: Sequence[Any], rows: Sequence[Any], size: int
) -> Iterator[tuple[Array, Sequence[Any]]]:
    """Yield the logits of each block, and what belongs to its rows."""
    hidden, weight, bias = linear
    count = int(hidden.shape[0])
    for start in range(0, max(count, 1), size):
        block = slice(start, min(start + size, count)), ...
        logits = hidden[block] @ weight.T
        part = [x if x is None else x[block] for x in rows]
        yield (logits if bias is None else logits + bias), part
