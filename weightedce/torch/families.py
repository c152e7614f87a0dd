"""What the modules of one kind of loss share: how they are called, where their classes are."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

from weightedce.call.dtypes import library
from weightedce.call.sides import linked
from weightedce.torch.loss import Loss, whole
from weightedce.torch.tensors import is_tensor, target_of


class LogitsLoss(Loss):
    """A loss of logits and targets."""

    @whole
    def forward(
        self,
        input: torch.Tensor,  # noqa: A002 - torch's name
        target: Any,
        *,
        sample_weight: Any = None,
        mask: Any = None,
    ) -> Any:
        """Return the loss of a batch of logits and targets."""
        check_tensor(input)
        options = self._for(input, target)
        options["sample_weight"], options["mask"] = sample_weight, mask
        return self._call((input, target), options)

    def _for(self, logits: torch.Tensor, target: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return the options of the function for a batch."""
        return self._read()


class ClassLoss(LogitsLoss):
    """A loss over classes.

    Parameters
    ----------
    axis : int, optional
        The class axis of the input. Default: torch's, 1, or 0 for logits of one axis.
    """

    axis: int | None = None

    def _for(self, logits: torch.Tensor, target: Any) -> dict[str, Any]:
        options = super()._for(logits, target)
        if options["axis"] is None:
            options["axis"] = self._class_axis(logits, target)
        return options

    def _class_axis(self, logits: torch.Tensor, _: Any) -> int | None:
        return class_axis(logits)


class CountsLoss(LogitsLoss):
    """A loss of soft counts, of yes/no targets or of classes.

    Parameters
    ----------
    axis : int, optional
        Of a softmax the class axis of the input; default: torch's, 1, or 0 for logits of one axis.
        Of a sigmoid the label axis: one loss for each label along it; default: all elements are
        one problem.
    """

    def _for(self, logits: torch.Tensor, target: Any) -> dict[str, Any]:
        options = super()._for(logits, target)
        if options["axis"] is None and logits.ndim:
            axis, given = class_axis(logits), target_of(target, logits)
            library("input", logits)
            library("target", given)
            link, _ = linked(options["link"], logits, given, axis)
            if link == "softmax":
                options |= {"axis": axis, "link": link}
        return options


def family(function: Callable[..., Any]) -> type[LogitsLoss]:
    """Return what the class of a function inherits."""
    options = inspect.signature(function).parameters
    if "link" in options:
        return CountsLoss
    return ClassLoss if "class_weight" in options else LogitsLoss


def check_tensor(logits: Any) -> None:
    """Refuse logits that are no tensor."""
    if not is_tensor(logits):
        raise TypeError(f"input: expected a tensor, got {type(logits).__qualname__}")
    if logits.is_nested:  # without a shape to look at
        library("input", logits)


def class_axis(logits: torch.Tensor) -> int:
    """Return the class axis by torch's convention: (N, K, ...), or (K,) without a batch."""
    if not logits.ndim:
        raise ValueError("input: expected shape (K,), (N, K) or (N, K, ...), got one number")
    return 1 if logits.ndim > 1 else 0
