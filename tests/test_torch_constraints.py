"""The constrained losses as PyTorch modules: the state is kept, saved, moved, and left alone."""

import copy
import io

import numpy as np
import pytest

import weightedce as w

torch = pytest.importorskip("torch")
from weightedce.constraints.state import ConstraintState  # noqa: E402
from weightedce.torch import (  # noqa: E402
    ConstrainedBinaryCrossEntropyLoss,
    ConstrainedCrossEntropyLoss,
)

FIELDS = ConstraintState._fields
GENERATOR = torch.Generator().manual_seed(0)
Z = torch.randn(6, 32, 3, generator=GENERATOR)
LABELS = torch.randint(0, 3, (6, 32), generator=GENERATOR)
Y = torch.nn.functional.one_hot(LABELS, 3).float()


def state_of(criterion):
    return torch.stack([x.double().expand(3) for x in criterion.state])


def test_each_call_is_a_step_of_the_function():
    binary = ConstrainedBinaryCrossEntropyLoss(recall=[0.9, 0.8, 0.0], axis=-1)
    classes, state, other = ConstrainedCrossEntropyLoss(precision={1: 0.7}), None, None
    for z, y, labels in zip(Z, Y, LABELS, strict=True):
        expected, state = w.constrained_binary_cross_entropy(
            z, y, state, recall=[0.9, 0.8, 0.0], axis=-1
        )
        assert binary(z, y) == expected
        expected, other = w.constrained_cross_entropy(z, labels, other, precision=[0, 0.7, 0])
        assert classes(z, labels) == expected
    assert torch.equal(state_of(binary), torch.stack(state).double())
    assert torch.equal(state_of(classes), torch.stack(other).double())


def test_in_evaluation_the_state_does_not_move():
    criterion = ConstrainedCrossEntropyLoss(recall=0.9)
    criterion(Z[0], LABELS[0])
    before = state_of(criterion)
    criterion.eval()
    first, again = criterion(Z[1], LABELS[1]), criterion(Z[1], LABELS[1])
    assert first == again
    assert torch.equal(state_of(criterion), before)
    criterion.train()(Z[1], LABELS[1])
    assert not torch.equal(state_of(criterion), before)


def test_the_state_is_saved_copied_and_loaded_by_one_that_has_seen_nothing():
    criterion = ConstrainedBinaryCrossEntropyLoss(recall=[0.9] * 3, axis=-1)
    criterion(Z[0], Y[0])
    assert set(FIELDS) <= set(criterion.state_dict())
    file = io.BytesIO()
    torch.save(criterion.state_dict(), file)
    file.seek(0)
    fresh = ConstrainedBinaryCrossEntropyLoss(recall=[0.9] * 3, axis=-1)
    fresh.load_state_dict(torch.load(file))
    for other in (fresh, copy.deepcopy(criterion)):
        assert torch.equal(state_of(other), state_of(criterion))
        other(Z[1], Y[1])
        assert not torch.equal(state_of(other), state_of(criterion))


def test_the_state_keeps_its_digits_and_moves_with_the_module():
    criterion = ConstrainedCrossEntropyLoss(recall=0.9)
    criterion(Z[0], LABELS[0])
    before = state_of(criterion)
    assert torch.equal(state_of(criterion.half()), before)
    assert {x.dtype for x in criterion.state} == {torch.float32}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert criterion(Z[1].bfloat16(), LABELS[1]).dtype == torch.float32
    assert {x.device.type for x in criterion.to("meta").state} == {"meta"}


def test_the_multiplier_is_a_constant_for_autograd():
    criterion = ConstrainedBinaryCrossEntropyLoss(recall=0.9)
    z = Z[0].clone().requires_grad_()
    for _ in range(2):  # an older graph is not kept alive, nor asked for again
        criterion(z * 2, Y[0]).backward()
    assert not any(x.requires_grad for x in criterion.state)


def test_compiled_it_keeps_the_same_state():
    eager, criterion = (ConstrainedBinaryCrossEntropyLoss(recall=0.9) for _ in range(2))
    compiled = torch.compile(criterion, fullgraph=True)
    for z, y in zip(Z[:3], Y[:3], strict=True):
        z = z.clone().requires_grad_()
        loss = compiled(z, y)
        loss.backward()
        assert torch.allclose(loss, eager(z, y))
    assert torch.allclose(state_of(criterion), state_of(eager))


def test_a_model_is_trained_to_the_recall_that_is_asked_for():
    """Two labels at once, of 5 % and of 20 % positives, with an ordinary optimiser."""
    random = np.random.default_rng(0)
    y = random.random((3000, 2)) < [0.05, 0.2]
    x = torch.tensor(random.normal(size=(3000, 2)) + 1.2 * y).float()
    y, asked = torch.tensor(y).float(), [0.95, 0.8]
    torch.manual_seed(0)
    model, steps = torch.nn.Linear(2, 2), 300
    criterion = ConstrainedBinaryCrossEntropyLoss(recall=asked, axis=-1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(0, 3000, (128,))
        optimizer.zero_grad()
        criterion(model(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    recall = (((model(x) > 0) * y).sum(dim=0) / y.sum(dim=0)).tolist()
    assert recall == pytest.approx(asked, abs=0.03)
