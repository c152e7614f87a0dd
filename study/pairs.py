"""A loss of yes/no targets as one of two classes: of the difference of their logits."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Pairs(NamedTuple):
    """A loss whose logit is that of class 1 less that of class 0.

    So every loss trains the same network, of two outputs.
    """

    loss: Callable[..., Any]

    def __call__(self, logits: Any, labels: Any, **given: Any) -> Any:
        """Return the loss of (N, 2) logits."""
        return self.loss(logits[:, 1] - logits[:, 0], labels, **given)
