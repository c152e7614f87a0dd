"""What the core asks of a library where each device has a part of the classes: see `contract`."""

from collections.abc import Callable, Sequence
from typing import Any

from weightedce.backends.handed import Array, Layout, Shards


class OfShards:
    """A softmax over the classes of several devices; by default there is one."""

    name: str

    def shards(self, devices: Any, _: Array, __: int, ___: int, /) -> Shards | None:
        """Return how the classes of logits along an axis lie over devices; None if these disagree.

        By no more than one collective, which finds the highest logits too. The last argument is a
        number below 2**24 that all devices have to come with; -1 is unlike all.
        """
        raise TypeError(
            f"shards: expected None, since arrays of {self.name} are on one device, got "
            f"{devices!r:.80}"
        )

    def learns(self, _: Array, /) -> bool:
        """Tell whether a gradient to an array is wanted, which devices have to be alike in."""
        return False

    def layout(self, _: Array, __: Any, /) -> Layout | None:
        """Return how logits lie that say themselves that their classes are on several devices.

        None: they do not, or the library takes care of it.
        """
        return None

    def label_loss_of_shards(
        self, shards: Shards, logits: Array, labels: Array, outside: Array | None, axis: int, /
    ) -> Array:
        """Return ``logsumexp(z) - z_y`` over the classes of all devices, NaN for what is outside.

        Of `softmax.label_loss`, and one sum over devices of two numbers an example. Only called
        where there are `shards`, as is the next.
        """
        raise NotImplementedError

    def mass_loss_of_shards(
        self, shards: Shards, of: Callable[..., Array] | None, arrays: Sequence[Array], axis: int, /
    ) -> tuple[Array, Array | None]:
        """Return ``sum_k mass_k * of(logsumexp(z) - z_k)`` over the classes of all devices.

        ``arrays`` are the logits, the mass and what else ``of`` takes for each class; ``of`` None
        is the identity, and then ``sum_k mass_k`` comes as well. Of `mass.MassSums`.
        """
        raise NotImplementedError
