"""`CrossEntropyLoss`: torch's own class, argument by argument."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from weightedce import losses
from weightedce.torch.families import LogitsLoss, check_tensor, class_axis
from weightedce.torch.loss import whole
from weightedce.torch.tensors import target_of


class CrossEntropyLoss(
    LogitsLoss,
    torch.nn.CrossEntropyLoss,
    function=losses.cross_entropy,
    order="weight size_average ignore_index reduce reduction label_smoothing",
    without=["axis"],
    ignore_index=-100,
    smoothing_weight="class",
    target_range="any",
):
    r"""``torch.nn.CrossEntropyLoss`` by its arguments, shapes and numbers, and what it lacks.

    Changing the import changes no finite number. For labels y or a distribution q over K classes

    .. math:: l = -\sum_k w_k \, \bigl((1 - e) q_k + e/K\bigr) \log p_k, \quad
        p = \mathrm{softmax}(z)

    in nats, with class weights w and label smoothing e.

    Parameters
    ----------
    weight : number, list, array or tensor, optional
        Class weights, shape (K,).
    size_average, reduce : bool, optional
        Deprecated by torch: use ``reduction``.
    ignore_index : int, several, or None
        Examples with this label are removed. Labels only; of a distribution NaN.
    reduction : {"mean", "sum", "none", "weighted_mean", "total"}
        ``"mean"`` is torch's: for labels the sum / the sum of the weights of the kept examples
        (``sample_weight`` included), for a distribution the sum / the number of examples. The
        others are those of `weightedce.cross_entropy`.
    smoothing_weight : {"class", "target"}
        ``"class"`` is torch's: each class's share of the smoothed target has its own weight. See
        `weightedce.cross_entropy` for the other.
    target_range : {"any", "unit"}
        ``"any"`` is torch's: a distribution may hold any numbers. ``"unit"`` refuses what is
        outside [0, 1].

    Notes
    -----
    Shapes: input (K,), (N, K) or (N, K, d1, ...); target without the axis of K for labels of any
    integer dtype, or of the shape of the input for a distribution; ``sample_weight`` and ``mask``
    align with the leading axes of the labels.

    Differences from torch: where nothing is left (all ignored, weights 0, an empty batch)
    ``"mean"`` is 0 with gradient 0, not NaN; NaN in an ignored example does not reach the
    gradient; infinite logits give the limit; a label out of range is a ValueError that names
    it, or NaN in compiled code and on an accelerator, not an abort; float16 and bfloat16 give a
    float32 loss; integers of any width are labels. It is an instance of torch's class, and takes
    ``torch.compile``, ``torch.export`` and what traces, not ``torch.jit.script``.

    Gradients flow to the input, a distribution and the weights.

    Examples
    --------
    >>> import torch
    >>> criterion = CrossEntropyLoss(weight=[1.0, 5.0, 5.0])
    >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    >>> criterion(logits, torch.tensor([0, 1]))
    tensor(1.8481)
    >>> criterion(logits, torch.tensor([0, 1]), sample_weight=torch.tensor([1.0, 0.0]))
    tensor(0.2395)
    """

    names: ClassVar[Mapping[str, str]] = {**LogitsLoss.names, "class_weight": "weight"}
    size_average: bool | None = None
    reduce: bool | None = None

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
        target = target_of(target, input)
        options = self._read()
        shape, given = input.shape, target.shape
        rank = len(shape)
        axis = 1 if rank > 1 else class_axis(input)
        if len(given) == rank:
            if given[axis] == 1 and shape[axis] != 1:
                target = target.squeeze(axis)  # labels that keep the axis of the classes
                given = target.shape
            elif given == shape and not target.is_floating_point():
                raise TypeError(
                    f"target: expected floating-point probabilities, since it has the shape of the "
                    f"input, {tuple(shape)}, got dtype {target.dtype}: labels have no class axis"
                )
        labels = len(given) == rank - 1
        weight = options["class_weight"]
        sizes: Any = getattr(weight, "shape", ())
        # not by `in`, which torch.compile answers wrongly for sizes that it keeps symbolic
        odd = len(sizes) and (sizes[0] if len(sizes) == 1 else weight.numel()) != shape[axis]
        if odd and not self._by_class and options["shards"] is None:
            raise ValueError(
                f"weight: expected one number for each of the {shape[axis]} classes, got "
                f"shape {tuple(sizes)}"
            )
        if labels and options["reduction"] == "mean":
            options["reduction"] = "weighted_mean"
        ignored = options["ignore_index"]
        if not labels and isinstance(ignored, int) and ignored < 0:  # torch's, of labels
            options["ignore_index"] = None
        options["axis"], options["sample_weight"], options["mask"] = axis, sample_weight, mask
        return self._call((input, target), options)
