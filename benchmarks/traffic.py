"""What an eager PyTorch loss costs an accelerator beside torch's own, counted without one.

``python traffic.py`` prints kernels, bytes, memory and waits of every loss, value and gradient;
``--docs`` puts them into the docs as JSON and Markdown. Counted on meta tensors, which take the
same way as those of a GPU. An operator counts as one kernel, which reads its arguments and writes
what it returns once; what is expanded is read once, and views are free.
"""

import json
import sys
import weakref
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F  # noqa: N812 - as torch calls it
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

import weightedce as w
from weightedce import torch as modules

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


def tokens(n, d, k, dtype=torch.float32):
    def made():
        hidden, weight = (empty(m, d, dtype=dtype, grad=True) for m in (n, k))
        return hidden, empty(n, dtype=torch.int64), weight

    return made


def bce(z, y, _):
    return F.binary_cross_entropy_with_logits(z, y)


def ce(z, y, _):
    return F.cross_entropy(z, y)


def linear(hidden, y, weight):
    return F.cross_entropy(hidden @ weight.T, y)


def focal(z, y, _):
    """The formula of detection libraries."""
    p = torch.sigmoid(z)
    loss = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    mixed = p * y + (1 - p) * (1 - y)
    return ((0.25 * y + 0.75 * (1 - y)) * loss * (1 - mixed) ** 2).mean()


def weighted(z, y, weight, **options):
    return w.cross_entropy(z, y, class_weight=weight, reduction="weighted_mean", **options)


class Case(NamedTuple):
    """A loss, its inputs, and what it is beside."""

    loss: str
    batch: str
    inputs: Callable[[], tuple[Any, ...]]
    ours: Callable[..., Any]
    peer: Callable[..., Any]
    name_of_peer: str


MANY = "4,000,000 elements"
LABELS = "8,192 x 1,000 labels"
ROWS, N = rows(8192, 1000), 4 * 10**6
CE, BCE = "`F.cross_entropy`", "`F.binary_cross_entropy_with_logits`"


def of_labels(loss, **options):
    """Return the case of a loss of labels; what its options call is given the classes' numbers."""

    def ours(z, y, c):
        given = {k: x(c) if callable(x) else x for k, x in options.items()}
        return getattr(w, loss)(z, y, **given)

    return Case(loss, LABELS, ROWS, ours, ce, CE)


def of_elements(loss):
    return Case(loss, MANY, elements(N), lambda z, y, _: getattr(w, loss)(z, y), bce, BCE)


def of_tokens(n, d, k, dtype=torch.float32):
    half = ", bfloat16" if dtype == HALF else ""
    batch = f"{n:,} x {k:,} labels of {d:,} features{half}"

    def ours(hidden, y, weight):
        return w.linear_cross_entropy(hidden, weight, y)

    inputs = tokens(n, d, k, dtype)
    return Case(
        "linear_cross_entropy", batch, inputs, ours, linear, "`F.cross_entropy(h @ W.T, y)`"
    )


def of_columns(loss):
    def inputs():
        return empty(10**6, 4, grad=True), empty(10**6, 4), empty(4)

    batch = "1,000,000 x 4 elements"
    return Case(loss, batch, inputs, lambda z, y, _: getattr(w, loss)(z, y), bce, BCE)


CASES = {
    "binary": of_elements("binary_cross_entropy"),
    "binary, weight": Case(
        "binary_cross_entropy", f"{MANY}, `pos_weight`", elements(N),
        lambda z, y, _: w.binary_cross_entropy(z, y, pos_weight=9.0),
        lambda z, y, p: F.binary_cross_entropy_with_logits(z, y, pos_weight=p), BCE,
    ),
    "binary, bfloat16": of_elements("binary_cross_entropy")._replace(
        batch=f"{MANY}, bfloat16", inputs=elements(N, HALF)
    ),
    "binary, none": Case(
        "binary_cross_entropy", f"{MANY}, none added up", elements(N),
        lambda z, y, _: w.binary_cross_entropy(z, y, reduction="none").sum(),
        lambda z, y, _: F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(), BCE,
    ),
    "binary focal": Case(
        "binary_focal_loss", MANY, elements(N),
        lambda z, y, _: w.binary_focal_loss(z, y, alpha=0.25),
        focal, "the usual formula",
    ),
    "asymmetric": Case(
        "asymmetric_loss", MANY, elements(N), lambda z, y, _: w.asymmetric_loss(z, y), focal,
        "the usual focal formula",
    ),
    "labels": of_labels("cross_entropy"),
    "labels, weight": Case(
        "cross_entropy", f"{LABELS}, class weights", ROWS, weighted,
        lambda z, y, p: F.cross_entropy(z, y, weight=p), CE,
    ),
    "labels, module": Case(
        "cross_entropy", f"{LABELS}, the module", ROWS,
        lambda z, y, _: modules.CrossEntropyLoss()(z, y), ce, CE,
    ),
    "labels, bfloat16": of_labels("cross_entropy")._replace(
        batch="1,024 x 32,000 labels, bfloat16", inputs=rows(1024, 32000, HALF)
    ),
    "smoothed": Case(
        "cross_entropy", f"{LABELS}, smoothed", ROWS,
        lambda z, y, p: weighted(z, y, p, label_smoothing=0.1, smoothing_weight="class"),
        lambda z, y, p: F.cross_entropy(z, y, weight=p, label_smoothing=0.1), CE,
    ),
    "distributions": Case(
        "cross_entropy", "8,192 x 1,000 distributions", shares(8192, 1000),
        lambda z, q, _: w.cross_entropy(z, q), ce, CE,
    ),
    "focal": of_labels("focal_loss"),
    "poly": of_labels("poly_cross_entropy"),
    "prior": of_labels("logit_adjusted_cross_entropy", prior=lambda c: c),
    "counts": of_labels("balanced_softmax_cross_entropy", counts=lambda c: c),
    "margins": of_labels("ldam_cross_entropy", counts=lambda c: c),
    "scaled": of_labels("vector_scaling_cross_entropy", counts=lambda c: c, gamma=0.1, tau=1.0),
    "generalized": of_labels("generalized_cross_entropy"),
    "expected cost": of_labels("expected_cost", cost_matrix=lambda c: empty(len(c), len(c))),
    "linear": of_tokens(8192, 1024, 32000),
    "linear, large": of_tokens(8192, 4096, 128000),
    "linear, bfloat16": of_tokens(8192, 4096, 128000, HALF),
    "confusion": of_columns("confusion_cross_entropy"),
    "dice": of_columns("dice_loss"),
    "f beta": of_columns("f_beta_loss"),
    "recall": of_columns("recall_specificity_loss"),
    "tversky": of_columns("tversky_loss"),
    "focal tversky": of_columns("focal_tversky_loss"),
    "lovasz": of_columns("lovasz_loss"),
    "long tail of labels": of_columns("distribution_balanced_loss")._replace(
        ours=lambda z, y, _: w.distribution_balanced_loss(z, y, counts=[9, 5, 3, 1], total=18)
    ),
    "seesaw": of_labels("seesaw_loss", counts=lambda c: c),
    "few labels": of_labels("cross_entropy")._replace(batch="64 x 10 labels", inputs=rows(64, 10)),
    "few elements": of_elements("binary_cross_entropy")._replace(
        batch="32 elements", inputs=elements(32)
    ),
}  # fmt: skip


def both(name):
    """Return what a case costs, and its peer."""
    case = CASES[name]
    return cost(case.ours, case.inputs), cost(case.peer, case.inputs)


def counted(name):
    """Return a row of the table."""
    mine, theirs = both(name)
    case = CASES[name]
    return {
        "loss": case.loss, "batch": case.batch, "peer": case.name_of_peer,
        "kernels": [mine.kernels, theirs.kernels], "bytes": [mine.moved, theirs.moved],
        "memory": [mine.most, theirs.most], "waits": [mine.waits, theirs.waits],
    }  # fmt: skip


def share(pair):
    return f"{pair[0] / pair[1]:.2f}".removeprefix("0")


HEADER = ("loss", "batch", "beside", "kernels", "bytes", "memory", "waits")


def cells(row):
    """Return a row as the docs have it: of bytes and memory the share of torch's."""
    kernels, theirs = row["kernels"]
    shares = share(row["bytes"]), share(row["memory"])
    name = f"`{row['loss']}`"
    return name, row["batch"], row["peer"], f"{kernels} / {theirs}", *shares, str(row["waits"][0])


def markdown(table):
    lines = [HEADER, ["---"] * len(HEADER), *map(cells, table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main():
    table = [counted(name) for name in CASES]
    print(markdown(table))
    if "--docs" in sys.argv:
        folder = Path(__file__).parent.parent / "docs" / "_static" / "bench"
        found = {"torch": torch.__version__, "rows": table}
        (folder / "traffic.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        (folder / "traffic.md").write_text(markdown(table), "utf-8")


if __name__ == "__main__":
    main()
