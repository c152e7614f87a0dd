"""What is timed: a family of losses on one size in one dtype, and its data."""

from typing import NamedTuple

import numpy as np

import weightedce

BINARY = ((32,), (100_000,), (4_000_000,))
CLASSES = ((65_536, 10), (8_192, 1_000), (1_024, 32_000))
LARGEST = BINARY[2], CLASSES[2]
FEATURES = 64  # of the hidden layer in front of linear_cross_entropy


class Work(NamedTuple):
    """``size`` is (N,) for binary losses, (N, K) for those over classes."""

    family: str
    size: tuple[int, ...]
    dtype: str = "float32"

    @property
    def binary(self) -> bool:
        return len(self.size) == 1

    @property
    def logits(self) -> int:
        """Return the bytes of the logits."""
        return int(np.prod(self.size)) * (2 if self.dtype == "bfloat16" else 4)

    def data(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return what is differentiated (the logits), and the rest: targets and weights."""
        random = np.random.default_rng(0)
        if self.family == "linear":
            rows, classes = self.size
            shapes = (rows, FEATURES), (classes, FEATURES)
            leaves = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
            return leaves, [random.integers(0, classes, rows)]
        z = random.standard_normal(self.size, dtype=np.float32)
        if self.binary:
            y = (random.random(self.size, dtype=np.float32) < 0.1).astype(np.float32)
            return [z], [y, np.float32(9.0)]
        y: np.ndarray = random.integers(0, self.size[1], self.size[0])
        if self.family == "ce of distributions":
            y = random.random(self.size, dtype=np.float32)
            y /= y.sum(axis=1, keepdims=True)
        return [z], [y, random.uniform(0.5, 5.0, self.size[1]).astype(np.float32)]


def with_linear(works: list[Work]) -> list[Work]:
    """Add the loss that starts at the hidden layer, where this version has it."""
    if hasattr(weightedce, "linear_cross_entropy"):
        return [*works, Work("linear", CLASSES[1])]
    return works


CORE = [Work("bce", size) for size in BINARY] + [Work("ce", size) for size in CLASSES]
FOCAL = [Work("binary focal", size) for size in BINARY[1:]]
FOCAL += [Work("focal", size) for size in CLASSES[:2]]
SOFT = [
    Work(family, size) for family in ("smoothed ce", "ce of distributions") for size in CLASSES[:2]
]
HALF = [
    Work(family, size, "bfloat16")
    for family, sizes in (("bce", BINARY), ("ce", CLASSES))
    for size in sizes[1:]
]
MIDDLE = {"bce": Work("bce", BINARY[1]), "ce": Work("ce", CLASSES[1])}
MEMORY = with_linear([Work("bce", BINARY[2]), *(Work("ce", size) for size in CLASSES[1:])])
