"""What is done to any module of torch on an ordinary day, done to every loss object."""

import copy
import inspect
import io
import pickle

import pytest

torch = pytest.importorskip("torch")
import weightedce.torch as wt  # noqa: E402
from weightedce import ConstraintState  # noqa: E402

Z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 1])
TARGETS = torch.nn.functional.one_hot(LABELS, 3).float()
WEIGHT = torch.tensor([1.0, 2.0, 3.0])
REQUIRED = {
    "prior": [0.2, 0.3, 0.5],
    "counts": [5, 3, 1],
    "total": 7,
    "cost_matrix": [[0, 1, 2], [1, 0, 1], [3, 1, 0]],
    "recall": 0.9,
}
every = pytest.mark.parametrize("name", wt.__all__)


def made(name):
    """Return a criterion with weights, and a batch for it; what keeps a state holds it still."""
    cls = getattr(wt, name)
    options = inspect.signature(cls).parameters
    given = {name: value for name, value in REQUIRED.items() if name in options}
    given |= {n: WEIGHT for n in ("weight", "class_weight", "pos_weight") if n in options}
    given |= {"link": "softmax"} if "link" in options else {}
    if name == "LinearCrossEntropyLoss":
        return cls(**given), (Z, torch.eye(3), LABELS)
    batch = (Z, TARGETS if {"pos_weight", "threshold"} & set(options) else LABELS)
    criterion = cls(**given)
    if hasattr(criterion, "state"):
        criterion(*batch)
        criterion.eval()
    return criterion, batch


def weights_of(criterion):
    """Return what follows the dtype of the module: a state does not, it adds up small steps."""
    state = set(ConstraintState._fields)
    return [x for name, x in criterion.named_buffers() if name not in state]


def in_dtype(batch, dtype):
    return [x.to(dtype) if x.is_floating_point() else x for x in batch]


def gradient(criterion, batch):
    logits = batch[0].detach().clone().requires_grad_()
    criterion(logits, *batch[1:]).backward()
    return logits.grad


@every
def test_it_is_copied_pickled_saved_and_replicated(name):
    criterion, batch = made(name)
    expected = criterion(*batch)
    file = io.BytesIO()
    torch.save(criterion, file)
    file.seek(0)
    state = copy.deepcopy(criterion)
    for buffer in state.buffers():
        buffer.zero_()
    state.load_state_dict(criterion.state_dict())
    for other in (
        copy.deepcopy(criterion),
        pickle.loads(pickle.dumps(criterion)),
        torch.load(file, weights_only=False),
        state,
        criterion._replicate_for_data_parallel(),
    ):
        assert torch.equal(other(*batch), expected)
        assert repr(other) == repr(criterion)


@every
def test_it_follows_dtype_and_device(name):
    criterion, batch = made(name)
    expected = criterion(*batch)
    for dtype, close in ((torch.float64, 1e-6), (torch.float16, 1e-2), (torch.bfloat16, 5e-2)):
        moved = copy.deepcopy(criterion).to(dtype)
        assert {x.dtype for x in weights_of(moved)} <= {dtype}
        loss = moved(*in_dtype(batch, dtype))
        assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        torch.testing.assert_close(loss.float(), expected, rtol=close, atol=close)
        torch.testing.assert_close(moved(*batch), expected, rtol=close, atol=close)
    meta = copy.deepcopy(criterion).to("meta")
    assert {x.device.type for x in meta.buffers()} <= {"meta"}
    seen = []
    criterion.apply(seen.append)
    assert seen == [criterion]


@every
def test_transforms_and_checkpoints_give_its_gradient(name):
    criterion, batch = made(name)
    expected = gradient(criterion, batch)
    other = batch[1:]
    of_func = torch.func.grad(lambda z: criterion(z, *other))(batch[0])
    torch.testing.assert_close(of_func, expected)
    twice = torch.func.vmap(lambda z: criterion(z, *other))(torch.stack([Z, 2 * Z]))
    torch.testing.assert_close(twice[1], criterion(2 * Z, *other))
    for reentrant in (True, False):
        logits = batch[0].clone().requires_grad_()
        loss = torch.utils.checkpoint.checkpoint(criterion, logits, *other, use_reentrant=reentrant)
        loss.backward()
        torch.testing.assert_close(logits.grad, expected)


@every
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_and_a_scaler_take_it(name, dtype):
    criterion, batch = made(name)
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.autocast("cpu", dtype=dtype):
        logits = model(batch[0])
        loss = criterion(logits, *batch[1:])
    assert logits.dtype == dtype
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, criterion(logits.float(), *batch[1:]), rtol=1e-2, atol=1e-3)
    before = model.weight.detach().clone()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    assert model.weight.isfinite().all()
    assert not torch.equal(model.weight, before)
