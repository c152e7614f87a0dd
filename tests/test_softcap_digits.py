"""Far beyond the cap of `linear_cross_entropy` its slope is small, and keeps its digits."""

import mpmath as mp
import numpy as np
import pytest

import weightedce as w
from libraries import LONG, MODES

WAYS = [(x, e) for x in ("sum", "none") for e in (0.0, 2.0**-40)]
CAPS = (-20.0, -10.0, -3.0, -0.25, 0.0, 0.1, 0.6, 5.0, 9.0, 10.0, 30.0)  # 30: 4e-26


@mp.workdps(60)
def exact(z, order):
    """Return a derivative of log(1 + exp(tanh z)), the loss of the other class."""
    return float(mp.diff(lambda x: mp.log(1 + mp.exp(mp.tanh(x))), mp.mpf(z), order))


@pytest.mark.parametrize(("reduction", "smoothing"), WAYS if LONG else WAYS[::3])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("library", "mode"),
    [pytest.param(*x, id=f"{x[0].name}-{x[1]}") for x in MODES if x[0].differentiable],
)
def test_derivatives(library, mode, order, smoothing, reduction):
    if order not in library.orders(mode):
        pytest.skip("the mode has no such derivative")
    if order == 2 and library.name == "tensorflow" and mode != "eager" and not LONG:
        pytest.skip("the graph of eager TensorFlow's second derivative takes ten seconds to write")
    if mode == "compile" and not LONG:
        pytest.skip("a minute of a C++ compiler")
    if mode != "eager" and (smoothing or reduction == "none") and (order, mode) != (1, "jit"):
        pytest.skip("the composed form and the fast one are compiled once each")
    z = np.array(CAPS, "float32")[:, None]

    def loss(hidden, labels, weight):
        return w.linear_cross_entropy(
            hidden, weight, labels, softcap=1.0, label_smoothing=smoothing,
            reduction=reduction,
        )  # fmt: skip

    given = [np.ones(len(CAPS), int), np.array([[1.0], [0.0]])]
    found = library.evaluate(mode, loss, z, given, order, "float32")
    got = np.asarray(found[0] if order == 2 else found, "float64").ravel()
    wanted = np.array([exact(float(x), order) for x in z[:, 0]])
    off = abs(got - wanted) / np.spacing(np.abs(wanted).astype("float32"))
    assert np.max(off) <= 16, dict(zip(CAPS, zip(got, wanted, off, strict=True), strict=True))
