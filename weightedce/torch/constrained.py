"""The losses under a constraint as PyTorch modules, which keep its state as buffers."""

from collections.abc import Callable
from typing import Any

import torch

from weightedce import constraints
from weightedce.constraints.state import ConstraintState
from weightedce.torch.families import ClassLoss, LogitsLoss

FIELDS = ConstraintState._fields


class Constrained(LogitsLoss):
    """A loss that learns its weights from what it is called with.

    Notes
    -----
    The state is kept in buffers, by the names of `weightedce.ConstraintState`: it moves with the
    module and is saved in its ``state_dict``, and ``criterion.state`` gives it. It stays float32
    under ``half()``. After ``criterion.eval()`` the loss is that of the weights as they are and
    the state does not move; so call ``criterion.train()`` and ``criterion.eval()`` beside those of
    the model, or make it a submodule of what is called. Each call in training mode is a step of
    the multipliers: call it once a batch.

    Under DDP each process has a criterion of its own. ``across=True`` adds up the decisions of all
    processes, so that they have the same multipliers; every process must then call it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in FIELDS:
            self.register_buffer(field, torch.zeros((), dtype=torch.float32))

    @property
    def state(self) -> ConstraintState:
        """The multipliers and running sums as they are now."""
        return ConstraintState(*(getattr(self, field) for field in FIELDS))

    def _call(self, batch: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call the function with the state; in training mode keep what becomes of it."""
        state: ConstraintState | None = self.state
        axis = options["axis"]
        if axis is not None and not self.log_multiplier.ndim:
            labels = batch[0].shape[axis]
            state = ConstraintState(*(x.expand(labels) for x in self.state))
        loss, after = super()._call(batch, options | {"state": state, "training": self.training})
        if self.training:
            for field, value in zip(FIELDS, after, strict=True):
                kept = getattr(self, field)
                if kept.shape == value.shape:
                    kept.copy_(value)  # in its place, where CUDA graphs and DDP look for it
                else:
                    setattr(self, field, value)
        return loss

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Any:
        """Move the state as everything moves, but leave it its dtype: it adds up small steps."""
        before = self.state
        found = super()._apply(fn, recurse)
        for field, value in zip(FIELDS, before, strict=True):
            moved = getattr(self, field)
            if moved.dtype != value.dtype:
                setattr(self, field, value.to(moved.device))
        return found

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Take the shape of what was saved: how many labels there are a batch says first."""
        for field in FIELDS:
            saved = state_dict.get(prefix + field)
            if saved is not None:
                setattr(self, field, getattr(self, field).new_zeros(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args)


class ConstrainedBinaryCrossEntropyLoss(
    Constrained,
    function=constraints.constrained_binary_cross_entropy,
    without=["state", "training"],
):
    """Binary cross-entropy with weights found for a recall, a specificity or a precision.

    Examples
    --------
    >>> import torch
    >>> criterion = ConstrainedBinaryCrossEntropyLoss(recall=0.9)
    >>> for _ in range(2):
    ...     loss = criterion(torch.tensor([2.0, -1.0, -2.0]), torch.tensor([1, 1, 0]))
    >>> criterion.log_multiplier
    tensor(0.0312)
    """


class ConstrainedCrossEntropyLoss(
    Constrained,
    ClassLoss,
    function=constraints.constrained_cross_entropy,
    without=["state", "training"],
):
    """Cross-entropy with class weights found for recalls, specificities or precisions.

    Examples
    --------
    >>> import torch
    >>> criterion = ConstrainedCrossEntropyLoss(recall={2: 0.9})
    >>> logits, labels = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 2])
    >>> loss = criterion(logits, labels)
    >>> criterion.log_multiplier
    tensor([0.0000, 0.0000, 0.0075])
    """
