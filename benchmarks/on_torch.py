"""PyTorch, eager and compiled, and its own losses."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's custom

from library import Library, add, negate
from ours import SMOOTHING


def sigmoid_focal(z, y, _):
    """Lin 2017, equation 4, from the sigmoid: the way of torchvision.ops.sigmoid_focal_loss."""
    p = torch.sigmoid(z)
    loss = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    return (loss * (1 - (p * y + (1 - p) * (1 - y))) ** 2).mean()


def softmax_focal(z, y, _):
    lp = F.log_softmax(z, -1).gather(-1, y[:, None])[:, 0]
    return (-lp * (1 - lp.exp()) ** 2).mean()


PEERS = {
    "bce": {
        "F.binary_cross_entropy_with_logits": lambda z, y, w: F.binary_cross_entropy_with_logits(
            z, y, pos_weight=w
        )
    },
    "ce": {"F.cross_entropy": lambda z, y, w: F.cross_entropy(z, y, weight=w.to(z.dtype))},
    "smoothed ce": {
        "F.cross_entropy": lambda z, y, _: F.cross_entropy(z, y, label_smoothing=SMOOTHING)
    },
    "ce of distributions": {"F.cross_entropy": lambda z, q, _: F.cross_entropy(z, q)},
    "binary focal": {"torchvision's formula": sigmoid_focal},
    "focal": {"by hand": softmax_focal},
    "linear": {"F.linear, F.cross_entropy": lambda h, w, y: F.cross_entropy(F.linear(h, w), y)},
}


class Torch(Library):
    def __init__(self, mode, device):
        self.compiled = mode == "torch.compile"
        self.place = "cuda" if device == "gpu" else "cpu"
        if device == "gpu" and not torch.cuda.is_available():
            raise RuntimeError("torch sees no GPU")

    def array(self, x, dtype=None):
        x = torch.tensor(x, device=self.place)
        return x.to(getattr(torch, dtype)) if dtype and x.is_floating_point() else x

    def fresh(self):
        torch.compiler.reset()  # or the next size would be compiled for every size

    def wait(self):
        if self.place == "cuda":
            torch.cuda.synchronize()

    def compile(self, function):
        return torch.compile(function, dynamic=False) if self.compiled else function

    def peers(self, work, rest):  # noqa: ARG002
        return PEERS[work.family]

    def step(self, loss, leaves, rest):
        loss = self.compile(loss)
        leaves = [x.detach().requires_grad_() for x in leaves]

        def call():
            for x in leaves:
                x.grad = None
            value = loss(*leaves, *rest)
            value.backward()
            self.wait()
            return value.detach(), *(x.grad for x in leaves)

        return call

    def limits(self, work, leaves, rest):
        move = self.compile(add if work.binary else negate)
        alone = self.compile(lambda z: torch.log1p(torch.exp(z)))
        (z,), y = leaves, rest[0]
        return {
            "read and write": lambda: (move(z, y), self.wait()),
            "exp + log1p": lambda: (alone(z), self.wait()),
        }

    def numbers(self, result):
        return [np.asarray(x.float().cpu()) for x in result]
