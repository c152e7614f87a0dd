"""PyTorch: a DTensor of logits whose classes are on an axis of a mesh, and perhaps its rows."""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.across import across
from weightedce.backends.torch.shards import GRADIENT


class Layout(NamedTuple):
    """How a batch lies on a mesh."""

    mesh: Any
    placements: Sequence[Any]  # of the logits
    axis: int  # of the classes
    classes: int  # the axis of the mesh that they are on
    shape: Sequence[int]  # of the loss of each example, on all devices

    @property
    def devices(self) -> Any:
        """Return the processes that the classes of my rows are on."""
        return self.mesh.get_group(self.classes)

    @property
    def rows(self) -> list[int]:
        """Return the axes of the mesh that rows are on."""
        there = enumerate(self.placements)
        return [i for i, x in there if x.is_shard() and i != self.classes]

    def part(self, name: str, array: Any, of_logits: bool | None) -> Any:
        """Return my part of an array for all devices; of what is none, itself."""
        if not isinstance(array, torch.Tensor):
            return array
        if torch.is_grad_enabled() and array.requires_grad:
            raise NotImplementedError(f"{name}: {GRADIENT}")
        tensors = sys.modules["torch.distributed.tensor"]
        if of_logits is None:
            return array.full_tensor() if isinstance(array, tensors.DTensor) else array
        places = [self._place(x, array, of_logits) for x in self.placements]
        if isinstance(array, tensors.DTensor):
            return array.redistribute(self.mesh, places).to_local()
        return tensors.distribute_tensor(array, self.mesh, places, src_data_rank=None).to_local()

    def _place(self, placement: Any, array: Array, of_logits: bool) -> Any:
        """Return where an array lies that goes along with the logits, or with the loss."""
        tensors = sys.modules["torch.distributed.tensor"]
        if not placement.is_shard():
            return placement
        along = placement.dim
        row = along - (along > self.axis)
        length = self.shape[row] if along != self.axis else 0
        if not of_logits:
            if along == self.axis:
                return tensors.Replicate()
            along = row
        # one for all is everywhere, but a single row is on a single device
        one = along >= array.ndim or array.shape[along] == 1 != length
        return tensors.Replicate() if one else tensors.Shard(along)

    def own(self, logits: Array) -> Array:
        """Return my part of the logits, whose gradient lies as they do."""
        return logits.to_local()

    def added(self, sums: Array) -> Array:
        """Return sums over the rows of all devices, whose gradient each device has for its own."""
        for axis in self.rows:
            sums = across(sums, self.mesh.get_group(axis), "sum")
        return sums

    def joined(self, found: Array, apart: bool) -> Array:
        """Return a loss that is the same on all devices, or the losses of my rows, as a DTensor."""
        tensors = sys.modules["torch.distributed.tensor"]
        if not apart:
            places = [tensors.Replicate()] * self.mesh.ndim
            return tensors.DTensor.from_local(found, self.mesh, places, run_check=False)
        whole = torch.empty(self.shape, device="meta")
        places = [self._place(x, whole, False) for x in self.placements]
        return tensors.DTensor.from_local(
            found, self.mesh, places, run_check=False, shape=whole.shape, stride=whole.stride()
        )


def layout(logits: Array, axis: Any) -> Layout | None:
    """Return how logits lie whose classes are on an axis of a mesh; None: they are not."""
    if type(logits) is torch.Tensor:  # torch.compile takes a tenth of a second for the line below
        return None
    tensors = sys.modules.get("torch.distributed.tensor")
    if tensors is None or not isinstance(logits, tensors.DTensor) or type(axis) is not int:
        return None
    if not -logits.ndim <= axis < logits.ndim:
        return None
    axis %= logits.ndim
    mesh, placements = logits.device_mesh, logits.placements
    classes = [i for i, x in enumerate(placements) if x.is_shard(axis)]
    if not classes:
        return None
    kinds = tensors.Shard, tensors.Replicate
    if len(classes) > 1 or any(type(x) not in kinds for x in placements):
        raise ValueError(
            f"logits: expected the classes of a DTensor on one axis of its mesh, and Shard or "
            f"Replicate on the others, got {placements} for axis {axis}"
        )
    shape = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    return Layout(mesh, placements, axis, classes[0], shape)
