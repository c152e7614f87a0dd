"""Every loss as a module: the function's numbers, weights as buffers, torch's machinery."""

import copy
import doctest
import inspect
import io
import pickle
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import weightedce  # noqa: E402
import weightedce.torch as modules  # noqa: E402
from libraries import LONG  # noqa: E402
from weightedce.torch import bce_with_logits, cross_entropy  # noqa: E402
from weightedce.torch.loss import Loss  # noqa: E402

OTHERS = {  # what takes no logits, what keeps a state: tests of their own
    modules.LinearCrossEntropyLoss,
    modules.ConstrainedBinaryCrossEntropyLoss,
    modules.ConstrainedCrossEntropyLoss,
}
CLASSES = {
    cls.function.__name__: cls
    for cls in vars(modules).values()
    if isinstance(cls, type) and issubclass(cls, Loss) and cls not in OTHERS
}
REQUIRED = {
    "logit_adjusted_cross_entropy": {"prior": [0.5, 0.375, 0.125]},
    "balanced_softmax_cross_entropy": {"counts": [500, 31, 2]},
    "ldam_cross_entropy": {"counts": [81, 16, 1]},
    "seesaw_loss": {"counts": [81, 16, 1]},
    "distribution_balanced_loss": {"counts": [90, 9, 1], "total": 100},
    "vector_scaling_cross_entropy": {"scale": [1.0, 0.5, 2.0], "shift": [0.0, -1.5, 2.25]},
    "expected_cost": {"cost_matrix": [[0, 1.1, 2.3], [5.7, 0, 1], [9.1, 1, -1]]},
    "confusion_cross_entropy": {"tp": 1, "tn": 0.25, "fp": 1, "fn": [9.0, 3.0, 1.0]},
}


def has_classes(name):
    return "pos_weight" not in inspect.signature(getattr(weightedce, name)).parameters


def make(name, **more):
    """Return a module with weights, and the function with the same options."""
    function = getattr(weightedce, name)
    options = {**REQUIRED.get(name, {}), **more}
    if has_classes(name):
        options["class_weight"] = [1.0, 2.0, 4.0]
        if name == "cross_entropy":  # torch calls it weight, and smooths otherwise
            weight = options.pop("class_weight")
            return CLASSES[name](weight=weight, **options), lambda z, y, **batch: function(
                z, y, class_weight=weight, reduction="weighted_mean", **batch, **options
            )
    else:
        options["pos_weight"] = [2.5, 10.0, 5.0]
    return CLASSES[name](**options), lambda z, y, **batch: function(z, y, **batch, **options)


def batch(name, n=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 3, generator=generator)
    labels = torch.randint(0, 3, (n,), generator=generator)
    targets = labels if has_classes(name) else torch.nn.functional.one_hot(labels, 3).float()
    return z, targets


@pytest.fixture(params=sorted(CLASSES))
def name(request):
    return request.param


def test_every_public_loss_has_a_module():
    assert {*CLASSES, "linear_cross_entropy"} == set(weightedce.losses.__all__)
    assert {cls.__name__ for cls in CLASSES.values()} <= set(modules.__all__)


def test_the_module_is_the_function(name):
    module, function = make(name)
    z, y = batch(name)
    torch.testing.assert_close(module(z, y), function(z, y), rtol=0, atol=0)
    given = {"sample_weight": torch.arange(6.0), "mask": torch.arange(6) % 3 > 0}
    torch.testing.assert_close(module(z, y, **given), function(z, y, **given), rtol=0, atol=0)


def test_classes_are_on_axis_1(name):
    if not has_classes(name):
        pytest.skip("has no class axis")
    module, _ = make(name)
    z, y = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    flat = module(z.permute(0, 2, 3, 1).reshape(-1, 3), y.reshape(-1))
    torch.testing.assert_close(module(z, y), flat)
    torch.testing.assert_close(
        module(z[0, :, 0, 0], y[0, 0, 0]), module(z[:1, :, 0, 0], y[:1, 0, 0])
    )


def test_binary_expected_cost_has_no_class_axis():
    module = modules.ExpectedCostLoss([[0, 1], [9, 0]])
    z, y = torch.tensor([2.0, -1.0]), torch.tensor([0, 1])
    assert module(z, y) == weightedce.expected_cost(z, y, [[0, 1], [9, 0]])
    z = torch.randn(2, 2, 3)  # two classes on axis 1
    y = torch.randint(0, 2, (2, 3))
    expected = weightedce.expected_cost(z, y, [[0, 1], [9, 0]], axis=1)
    torch.testing.assert_close(module(z, y), expected)


def test_weights_are_buffers_that_follow(name):
    module, _ = make(name)
    buffers = dict(module.named_buffers())
    assert buffers
    assert set(module.state_dict()) == set(buffers)
    assert all(b.dtype == torch.float64 for b in copy.deepcopy(module).double().buffers())
    assert all(b.is_meta for b in copy.deepcopy(module).to("meta").buffers())
    other = copy.deepcopy(module)
    for buffer in other.buffers():
        buffer.zero_()
    other.load_state_dict(module.state_dict())
    z, y = batch(name)
    assert module(z, y) == other(z, y)


@pytest.mark.parametrize(
    "weight",
    [
        [1, 2, 4],
        (1.0, 2.0, 4.0),
        np.array([1, 2, 4]),
        np.array([1.0, 2.0, 4.0]),
        torch.tensor([1, 2, 4]),
        torch.tensor([1.0, 2.0, 4.0]),
    ],
)
def test_weights_of_every_kind(weight):
    z, y = batch("focal_loss")
    expected = weightedce.focal_loss(z, y, class_weight=[1.0, 2.0, 4.0])
    module = modules.FocalLoss(class_weight=weight)
    assert module.class_weight.is_floating_point()
    assert module(z, y) == expected


def test_one_number_is_a_weight_too():
    z, y = batch("binary_cross_entropy")
    module = modules.BCEWithLogitsLoss(pos_weight=3)
    assert module.pos_weight.shape == ()
    assert module(z, y) == weightedce.binary_cross_entropy(z, y, pos_weight=3)


def test_a_parameter_is_learned():
    module = modules.FocalLoss(class_weight=torch.nn.Parameter(torch.ones(3)))
    assert [name for name, _ in module.named_parameters()] == ["class_weight"]
    module(*batch("focal_loss")).backward()
    assert module.class_weight.grad.all()


def test_repr_shows_the_configuration():
    module = modules.FocalLoss(gamma=1.5, class_weight=[1, 2, 4], reduction="sum")
    assert repr(module) == "FocalLoss(gamma=1.5, class_weight=[1.0, 2.0, 4.0], reduction='sum')"
    assert repr(modules.CrossEntropyLoss()) == "CrossEntropyLoss()"
    assert repr(modules.CrossEntropyLoss(torch.ones(1000))) == "CrossEntropyLoss(weight=(1000,))"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"gama": 1.0},
            TypeError,
            "FocalLoss: there is no option 'gama': expected gamma, got gama=1.0",
        ),
        ({"class_weight": [1.0, -2.0]}, ValueError, "class_weight: expected finite numbers >= 0"),
        ({"class_weight": "balanced"}, ValueError, "class_weight: expected numbers, a dict"),
        (
            {"class_weight": [[1.0], [1.0, 2.0]]},
            ValueError,
            "class_weight: expected numbers in row",
        ),
        ({"class_weight": {"a": 1.0}}, TypeError, "class_weight: expected numbers for classes 0, "),
        ({"class_weight": torch.ones(2) * 1j}, TypeError, "class_weight: expected real numbers"),
    ],
)
def test_bad_options_are_refused_at_once(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        modules.FocalLoss(**options)


def test_pickle_and_save(name):
    module, _ = make(name)
    z, y = batch(name)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for other in (pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False)):
        assert repr(other) == repr(module)
        assert other(z, y) == module(z, y)


def test_autocast_changes_nothing(name):
    module, _ = make(name)
    z, y = batch(name)
    expected = module(z, y)
    with torch.autocast("cpu", torch.bfloat16):
        assert module(z, y) == expected
        half = module(z.bfloat16(), y)
    assert half.dtype == torch.float32


def test_func_transforms(name):
    module, _ = make(name)
    z, y = batch(name)
    x = z.clone().requires_grad_()
    module(x, y).backward()
    torch.testing.assert_close(torch.func.grad(module)(z, y), x.grad)
    stacked, targets = torch.stack([z, -z]), torch.stack([y, y])
    expected = torch.stack([module(z, y), module(-z, y)])
    torch.testing.assert_close(torch.func.vmap(module)(stacked, targets), expected)
    state = {k: v * 2 for k, v in module.state_dict().items()}
    other = torch.func.functional_call(module, state, (z, y))
    copied = copy.deepcopy(module)
    copied.load_state_dict(state)
    torch.testing.assert_close(other, copied(z, y))


class WithTemperature(modules.CrossEntropyLoss):
    """A subclass with arguments of its own."""

    def __init__(self, weight=None, temperature=2.0):
        super().__init__(weight=weight)
        self.temperature = temperature

    def forward(self, input, target, **batch):  # noqa: A002
        return super().forward(input / self.temperature, target, **batch)


class Passing(modules.FocalLoss):
    """A subclass that hands on what it gets."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)


class Bare(modules.FocalLoss):
    """A subclass with nothing of its own."""


def test_subclasses_keep_their_own_arguments():
    z, y = batch("cross_entropy")
    warm = WithTemperature([1.0, 2.0, 4.0], temperature=3.0)
    assert warm(z, y) == modules.CrossEntropyLoss([1.0, 2.0, 4.0])(z / 3.0, y)
    assert list(inspect.signature(WithTemperature).parameters) == ["weight", "temperature"]
    assert list(inspect.signature(Passing).parameters) == ["args", "options"]
    for cls in (Passing, Bare):
        module = cls(gamma=1.0, class_weight=[1.0, 2.0, 4.0])
        assert module(z, y) == weightedce.focal_loss(z, y, gamma=1.0, class_weight=[1.0, 2.0, 4.0])
        assert repr(module) == f"{cls.__name__}(gamma=1.0, class_weight=[1.0, 2.0, 4.0])"
    for module in (warm, Passing(gamma=1.0)):
        assert pickle.loads(pickle.dumps(module))(z, y) == copy.deepcopy(module)(z, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: m.CrossEntropyLoss([1, 2])(torch.ones(2, 3), torch.zeros(2).long()),
            ValueError,
            "weight: expected one number for each of the 3 classes, got shape (2,)",
        ),
        (
            lambda m: m.CrossEntropyLoss([2])(torch.ones(2, 3), torch.zeros(2).long()),
            ValueError,
            "weight: expected one number for each",
        ),
        (
            lambda m: m.CrossEntropyLoss()(torch.ones(2, 3), torch.ones(2, 3).long()),
            TypeError,
            "target: expected floating-point probabilities, since it has the shape of the input",
        ),
        (
            lambda m: m.FocalLoss()(torch.ones(2, 3), torch.tensor([0, 3])),
            ValueError,
            "target: expected values in 0..2, got target[1] = 3",
        ),
        (
            lambda m: m.CrossEntropyLoss()(torch.ones(2, 3).int(), torch.zeros(2).long()),
            TypeError,
            "input: expected dtype",
        ),
        (
            lambda m: m.FocalLoss()([[1.0, 2.0]], torch.zeros(1).long()),
            TypeError,
            "input: expected a tensor, got list",
        ),
        (
            lambda m: m.CrossEntropyLoss()(torch.tensor(1.0), torch.tensor(0)),
            ValueError,
            "input: expected shape (K,)",
        ),
        (
            lambda m: m.FocalLoss(class_weight=np.array([1.0, -1.0])),
            None,
            "class_weight: expected finite numbers >= 0",
        ),
    ],
)
def test_errors_have_the_names_of_the_module(call, error, message):
    with pytest.raises(error or ValueError, match=re.escape(message)):
        call(modules)


COMPILED = ["cross_entropy", "binary_cross_entropy", *["expected_cost", "tversky_loss"] * LONG]
AGAIN = COMPILED if LONG else COMPILED[1:]  # what the other ways do is the same for each


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name):
    module, _ = make(name)
    z, y = batch(name)
    expected = module(z, y)
    torch.testing.assert_close(torch.compile(module, fullgraph=True)(z, y), expected)
    if name not in AGAIN:
        return
    module.compile(fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(module(z, y, sample_weight=torch.ones(6)), expected)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(module(z, y, sample_weight=torch.ones(6)), expected)


def test_compiled_with_a_weight_for_each_element():
    module = modules.BCEWithLogitsLoss(pos_weight=torch.rand(6, 3), reduction="none")
    z, y = batch("binary_cross_entropy")
    torch.testing.assert_close(torch.compile(module, fullgraph=True)(z, y), module(z, y))


def test_examples_in_the_docstrings():
    for module, examples in ((bce_with_logits, 3), (cross_entropy, 5)):
        assert doctest.testmod(module) == (0, examples)
