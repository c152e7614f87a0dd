"""What a loss costs an accelerator beside torch's own: kernels, bytes, memory, waits.

Counted on meta tensors, which take the same way as those of a GPU. An operator counts as one
kernel, which reads its arguments and writes what it returns once.
"""

import weakref
from itertools import chain

import pytest

import weightedce as w

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("triton", reason="Triton is not installed")

from torch.nn import functional as F  # noqa: E402, N812 - as torch calls it
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_iter  # noqa: E402

from weightedce import torch as modules  # noqa: E402
from weightedce.backends.torch.operators import library  # noqa: E402
from weightedce.backends.torch.passes import launch as passes  # noqa: E402

WAITS = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero")
HALF = torch.bfloat16


def tensors_of(*trees):
    return [x for x in chain.from_iterable(map(tree_iter, trees)) if isinstance(x, torch.Tensor)]


def place_of(x):
    return x.untyped_storage()._cdata


def size_of(x):
    """Return the bytes that are read or written; none of one number, once of what is expanded."""
    whole = x.numel() * x.element_size() if x.numel() > 1 else 0
    return min(whole, x.untyped_storage().nbytes())


class Cost(TorchDispatchMode):
    """What is launched, moved and held while it is entered, beyond the inputs."""

    def __init__(self, inputs):
        super().__init__()
        self.kernels = self.moved = self.held = self.most = self.waits = 0
        self.seen = {place_of(x) for x in inputs}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        name, read, made = func.overloadpacket.__name__, tensors_of(args, kwargs), tensors_of(found)
        self.waits += name in WAITS
        known = {place_of(x) for x in read}
        is_view = not func._schema.is_mutable and all(place_of(x) in known for x in made)
        if not is_view and "empty" not in name:
            self.kernels += 1
            self.moved += sum(map(size_of, read + made))
        for x in made:
            if place_of(x) not in self.seen:
                self._hold(x.untyped_storage())
        return found

    def _hold(self, storage):
        place, size = storage._cdata, storage.nbytes()
        self.seen.add(place)
        self.held += size
        self.most = max(self.most, self.held)
        weakref.finalize(storage, self._let_go, place, size)

    def _let_go(self, place, size):
        self.seen.discard(place)
        self.held -= size


def cost(loss, inputs):
    tensors = inputs()
    found = Cost(tensors)
    with found:
        loss(*tensors).backward()
    assert tensors[0].grad.shape == tensors[0].shape
    return found


def empty(*shape, dtype=torch.float32, grad=False):
    return torch.empty(shape, device="meta", dtype=dtype, requires_grad=grad)


def rows(n, k, dtype=torch.float32):
    return lambda: (empty(n, k, dtype=dtype, grad=True), empty(n, dtype=torch.int64), empty(k))


def shares(n, k):
    return lambda: (empty(n, k, grad=True), empty(n, k), empty(k))


def elements(n, dtype=torch.float32):
    return lambda: (empty(n, dtype=dtype, grad=True), empty(n, dtype=dtype), empty(1))


def bce(z, y, _):
    return F.binary_cross_entropy_with_logits(z, y)


def ce(z, y, _):
    return F.cross_entropy(z, y)


def focal(z, y, _):
    """The formula of detection libraries."""
    p = torch.sigmoid(z)
    loss = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    mixed = p * y + (1 - p) * (1 - y)
    return ((0.25 * y + 0.75 * (1 - y)) * loss * (1 - mixed) ** 2).mean()


def weighted(z, y, weight, **options):
    return w.cross_entropy(z, y, class_weight=weight, reduction="weighted_mean", **options)


# inputs, ours, torch's, and the most bytes and memory as a share of torch's
CASES = {
    "binary": (elements(4 * 10**6), lambda z, y, _: w.binary_cross_entropy(z, y), bce, 1.0, 0.6),
    "binary, weight": (
        elements(4 * 10**6),
        lambda z, y, _: w.binary_cross_entropy(z, y, pos_weight=9.0),
        lambda z, y, p: F.binary_cross_entropy_with_logits(z, y, pos_weight=p),
        0.35,
        0.6,
    ),
    "binary, bfloat16": (
        elements(4 * 10**6, HALF), lambda z, y, _: w.binary_cross_entropy(z, y), bce, 1.0, 1.0,
    ),
    "binary, none": (
        elements(4 * 10**6),
        lambda z, y, _: w.binary_cross_entropy(z, y, reduction="none").sum(),
        lambda z, y, _: F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(),
        1.0,
        1.0,
    ),
    "binary focal": (
        elements(4 * 10**6), lambda z, y, _: w.binary_focal_loss(z, y, alpha=0.25), focal, 0.2, 0.3,
    ),
    "asymmetric": (elements(4 * 10**6), lambda z, y, _: w.asymmetric_loss(z, y), focal, 0.2, 0.3),
    "labels": (rows(8192, 1000), lambda z, y, _: w.cross_entropy(z, y), ce, 0.8, 0.6),
    "labels, weight": (
        rows(8192, 1000), weighted, lambda z, y, p: F.cross_entropy(z, y, weight=p), 0.8, 0.6,
    ),
    "labels, module": (
        rows(8192, 1000), lambda z, y, _: modules.CrossEntropyLoss()(z, y), ce, 0.8, 0.6,
    ),
    "labels, bfloat16": (rows(1024, 32000, HALF), lambda z, y, _: w.cross_entropy(z, y), ce, 1, 1),
    "smoothed": (
        rows(8192, 1000),
        lambda z, y, p: weighted(z, y, p, label_smoothing=0.1, smoothing_weight="class"),
        lambda z, y, p: F.cross_entropy(z, y, weight=p, label_smoothing=0.1),
        0.5,
        0.5,
    ),
    "distributions": (shares(8192, 1000), lambda z, q, _: w.cross_entropy(z, q), ce, 0.8, 0.8),
    "focal": (rows(8192, 1000), lambda z, y, _: w.focal_loss(z, y), ce, 1.0, 1.0),
    "few labels": (rows(64, 10), lambda z, y, _: w.cross_entropy(z, y), ce, 1.0, 1.0),
    "few elements": (elements(32), lambda z, y, _: w.binary_cross_entropy(z, y), bce, 1.0, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_loss_costs_an_accelerator_no_more_than_its_limit(name):
    inputs, ours, peer, most_moved, most_held = CASES[name]
    mine, theirs = cost(ours, inputs), cost(peer, inputs)
    assert mine.waits == 0
    assert mine.kernels <= 2 * theirs.kernels
    assert mine.moved <= most_moved * theirs.moved
    assert mine.most <= most_held * theirs.most


# Without Triton: the most bytes and memory of the passes themselves, as a share of torch's.
IN_PASSES = {
    "labels": (2.5, 0.7),
    "labels, weight": (2.5, 0.7),
    "focal": (2.5, 0.7),
    "binary focal": (2.1, 1.4),
    "asymmetric": (3.3, 2.0),
}


@pytest.mark.parametrize("name", IN_PASSES)
def test_passes_without_triton_cost_no_more_than_their_limit(name, monkeypatch):
    for operator, kind in library.KINDS.items():
        for room, more in ((operator, 0), (f"{operator}_slope", 3)):
            form = getattr(passes, room, None)

            def seen(*given, form=form, kind=kind, more=more):  # by the counter, not as one kernel
                return form(*given[:more], kind(*given[more:]))

            monkeypatch.setitem(library.OPERATIONS, room, seen)
    inputs, ours, peer, *_ = CASES[name]
    mine, theirs = cost(ours, inputs), cost(peer, inputs)
    assert mine.waits == 0
    assert mine.kernels > 10
    assert mine.moved <= IN_PASSES[name][0] * theirs.moved
    assert mine.most <= IN_PASSES[name][1] * theirs.most


def test_what_is_counted():
    x = empty(1000, grad=True)
    found = Cost([x])
    with found:
        y = x.view(10, 100).t() * 2.0  # one kernel: reads and writes 4,000 bytes
        assert (found.kernels, found.moved, found.held) == (1, 8000, 4000)
        y.add_(1.0)  # in place: the same again, and no memory
        del y
        assert (found.kernels, found.moved, found.held, found.most) == (2, 16000, 0, 4000)


if __name__ == "__main__":  # the figures of docs/on-a-gpu.md
    for name, (inputs, ours, peer, *_) in CASES.items():
        mine, theirs = cost(ours, inputs), cost(peer, inputs)
        launched = f"kernels {mine.kernels} / {theirs.kernels:2}"
        moved, held = mine.moved / theirs.moved, mine.most / theirs.most
        print(f"{name:18} {launched}, bytes {moved:.2f}, memory {held:.2f}")
