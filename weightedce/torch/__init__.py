"""The losses as PyTorch modules: an import and a name are all that changes in a training script.

`CrossEntropyLoss`, `BCEWithLogitsLoss` and `LinearCrossEntropyLoss` take the arguments of torch's
own classes, and more by name. Each hands its options to a function of the library: no formula is
here. Losses that say nothing of their own have a class all the same, named after the function.
"""

from weightedce.backends.missing import needed_by

with needed_by("weightedce.torch"):
    import torch  # noqa: F401 before every file here

from weightedce.objects.family import camel_case, with_the_rest
from weightedce.torch.bce_with_logits import BCEWithLogitsLoss
from weightedce.torch.constrained import (
    ConstrainedBinaryCrossEntropyLoss,
    ConstrainedCrossEntropyLoss,
)
from weightedce.torch.cross_entropy import CrossEntropyLoss
from weightedce.torch.expected_cost import ExpectedCostLoss
from weightedce.torch.families import family
from weightedce.torch.linear_cross_entropy import LinearCrossEntropyLoss

_classes = with_the_rest(
    [
        BCEWithLogitsLoss,
        ConstrainedBinaryCrossEntropyLoss,
        ConstrainedCrossEntropyLoss,
        CrossEntropyLoss,
        ExpectedCostLoss,
        LinearCrossEntropyLoss,
    ],
    module=__name__,
    family=family,
    named=lambda name: f"{camel_case(name.removesuffix('_loss'))}Loss",
)
globals().update(_classes)  # type checkers read them in __init__.pyi
__all__ = list(_classes)
