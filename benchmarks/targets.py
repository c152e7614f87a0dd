"""What the project aims at: the median ratio, ours to the peer's, on two cores in float32."""

from work import BINARY, CLASSES

MODES: dict[str, dict[str, tuple[float, ...]]] = {
    "torch eager": {"bce": (1.3, 1.1, 0.9), "ce": (1.0, 0.75, 0.8)},
    "torch.compile": {"bce": (1.0, 1.0, 1.0), "ce": (1.0, 0.9, 0.9)},
    "jax.jit": {"bce": (0.5, 0.5, 0.4), "ce": (0.9, 0.65, 1.0)},
    "tf.function": {"bce": (1.0, 0.9, 0.9), "ce": (1.0, 1.0, 1.0)},
    "tf.function(jit_compile)": {"bce": (1.0, 1.0, 1.0), "ce": (1.0, 1.0, 1.0)},
    "TensorFlow eager": {"bce": (1.0, 1.0, 1.0), "ce": (1.0, 1.0, 1.0)},
    "NumPy value": {"bce": (1.5, 1.0, 0.7), "ce": (1.0, 0.7, 0.7)},
}
SMALL: dict[str, tuple[float, ...]] = {  # eager PyTorch, by the sizes of `small`
    "ce": (2.5, 2.0, 1.5, 2.0, 1.0, 1.5, 1.2, 1.0),
    "bce": (1.7, 1.5, 1.3, 1.1),
    "others": (3.0, 3.0),
}
FOCAL = 1.0
SOFT = 1.0  # distributions, and labels that are smoothed
MEMORY = 1.1  # times the logits, cross-entropy in torch eager
GROWTH = 1.3  # of the cost per element, from 100,000 to 4,000,000


def ratio(mode: str, family: str, size: tuple[int, ...], dtype: str) -> float | None:
    """Return the target of a comparison with the peer, or None."""
    if dtype != "float32":
        return None
    if "focal" in family:
        return FOCAL
    if family in ("smoothed ce", "ce of distributions"):
        return SOFT
    sizes = BINARY if len(size) == 1 else CLASSES
    return MODES[mode][family][sizes.index(size)] if family in MODES[mode] else None


def verdict(found: float, target: float | None) -> str:
    """Return ``met`` or ``missed``, of what the table shows."""
    if target is None:
        return ""
    return "met" if round(found, 2) <= target else "missed"
