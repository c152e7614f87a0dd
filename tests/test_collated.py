"""Targets as a data loader collates them: lists of columns, lists of rows."""

import numpy as np
import pytest

import weightedce as w
from libraries import LIBRARIES, LONG

Z = np.random.default_rng(0).normal(size=(4, 3))
Y = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0.0]])
Q = Y / Y.sum(1, keepdims=True)
LOSSES = {
    "binary": (w.binary_cross_entropy, Y),
    "distribution": (w.cross_entropy, Q),
    "linear": (lambda z, y: w.linear_cross_entropy(z[:, :2], z[:3, :2], y), Q),
    "cost": (lambda z, y: w.expected_cost(z, y, [[0, 1], [9, 0]]), Y),
    "dice": (w.dice_loss, Y),
}


@pytest.mark.parametrize("name", LOSSES)
def test_columns_and_rows_are_the_array(library, name):
    loss, targets = LOSSES[name]
    z, y = library.array(Z), library.array(targets)
    expected = pytest.approx(float(loss(z, y)), rel=1e-15)  # a small batch adds up in its own order
    columns = [library.array(targets[:, k]) for k in range(3)]
    rows = [library.array(row) for row in targets]
    assert float(loss(z, columns)) == expected
    assert float(loss(z, tuple(rows))) == expected


@pytest.mark.parametrize("name", LOSSES)
def test_what_may_be_either_is_refused(library, name):
    loss, targets = LOSSES[name]
    square = [library.array(row) for row in targets[:3]]
    with pytest.raises(ValueError, match=r"^targets: .*rows or columns.*torch.stack\(labels, dim"):
        loss(library.array(Z[:3]), square)


@pytest.mark.skipif("torch" not in LIBRARIES, reason="no torch")
@pytest.mark.parametrize("name", ["BCEWithLogitsLoss", "CrossEntropyLoss", "BinaryFocalLoss"])
def test_what_the_loader_of_torch_makes_of_rows(name):
    torch = LIBRARIES["torch"].torch
    import weightedce.torch as wt

    criterion = getattr(wt, name)()
    targets = Q if name == "CrossEntropyLoss" else Y
    dataset = [(torch.tensor(z), row.tolist()) for z, row in zip(Z, targets, strict=True)]
    [(logits, labels)] = torch.utils.data.DataLoader(dataset, batch_size=4)
    assert isinstance(labels, list)
    expected = criterion(logits, torch.tensor(targets)).item()
    assert criterion(logits, labels).item() == pytest.approx(expected, rel=1e-15)
    with pytest.raises(ValueError, match=r"^target: .*rows or columns"):
        criterion(logits[:3], [x[:3] for x in labels])


@pytest.mark.skipif("torch" not in LIBRARIES, reason="no torch")
@pytest.mark.parametrize("dynamic", [None, True])
def test_lists_of_labels_in_compiled_code(dynamic):
    torch = LIBRARIES["torch"].torch
    labels = torch.tensor([0, 1, 2, 0])
    ways = {
        "tensors": lambda z, y: w.cross_entropy(z, list(y)),
        "symbols": lambda z, y: w.cross_entropy(z, y.tolist()),
        "arrays": lambda z, y: w.cross_entropy(z, [np.array(i) for i in (0, 1, 2, 0)]),
        "numbers": lambda z, y: w.cross_entropy(z, [0, 1, 2, 0]),
    }
    taken = list(ways) if LONG else ["symbols"] if dynamic else ["tensors"]
    for way in [ways[name] for name in taken]:
        compiled = torch.compile(way, fullgraph=True, backend="eager", dynamic=dynamic)
        z = torch.tensor(Z)
        torch.testing.assert_close(compiled(z, labels), w.cross_entropy(z, labels))
