"""What PyTorch has, and formulas as they are often written with it."""

from typing import Any

from weightedce.validation.hard_points import CLASS_WEIGHTS
from weightedce.validation.peers.peer import peer

BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"


@peer("torch F.cross_entropy", "torch", CLASSES, options=CLASS_WEIGHTS, labels=True)
def cross_entropy(logits: Any, targets: Any, class_weight: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits, targets, weight=class_weight, reduction="none")


@peer("torch F.cross_entropy, probabilities", "torch", CLASSES, soft=True)
def soft_cross_entropy(logits: Any, targets: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits, targets, reduction="none")


@peer(
    "torch F.binary_cross_entropy_with_logits",
    "torch",
    BINARY,
    options={"pos_weight": [2.5, 10.0]},
)
def bce_with_logits(logits: Any, targets: Any, pos_weight: Any) -> Any:
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(
        logits, targets, pos_weight=pos_weight, reduction="none"
    )


@peer("torch F.binary_cross_entropy of sigmoid", "torch", BINARY)
def bce_of_sigmoid(logits: Any, targets: Any) -> Any:
    import torch

    probabilities = torch.sigmoid(logits)
    return torch.nn.functional.binary_cross_entropy(probabilities, targets, reduction="none")


@peer("torch F.softplus(-z)", "torch", BINARY)
def softplus(logits: Any, targets: Any) -> Any:
    import torch

    return torch.nn.functional.softplus(torch.where(targets == 1, -logits, logits))


@peer("torch: max(z, 0) - z y + log1p(exp(-|z|))", "torch", BINARY)
def stable_formula(logits: Any, targets: Any) -> Any:
    import torch

    return torch.relu(logits) - logits * targets + torch.log1p(torch.exp(-torch.abs(logits)))


@peer("torch: logsumexp(z) - z_y", "torch", CLASSES)
def logsumexp(logits: Any, targets: Any) -> Any:
    import torch

    right = torch.gather(logits, 1, targets[:, None])[:, 0]
    return torch.logsumexp(logits, dim=1) - right


@peer("torch: focal, (1 - exp(-bce)) ** 0.5 bce", "torch", "binary_focal_loss",
      options={"gamma": 0.5})  # fmt: skip
def focal(logits: Any, targets: Any) -> Any:
    import torch

    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (1 - torch.exp(-bce)) ** 0.5 * bce
