"""What a module is made of: the signature, the words and the names of its function and of torch."""

import inspect
import re
from typing import Any

import pytest

torch = pytest.importorskip("torch")
import weightedce.torch as modules  # noqa: E402
from libraries import LONG  # noqa: E402
from weightedce import losses  # noqa: E402
from weightedce.objects import family, stub  # noqa: E402
from weightedce.objects.docstring import entries, sections  # noqa: E402
from weightedce.torch import families  # noqa: E402
from weightedce.torch.loss import Loss  # noqa: E402

CLASSES = {name: getattr(modules, name) for name in modules.__all__}
REQUIRED = {"prior": [0.5, 0.5], "counts": [3, 1], "total": 4, "cost_matrix": [[0, 1], [9, 0]]}
every = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


def made(cls, **options):
    needed = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty
    ]
    return cls(**{name: REQUIRED[name] for name in needed}, **options)


@every
def test_no_name_hides_one_of_torch(cls):
    theirs = set(dir(torch.nn.Module()))
    ours = {name for base in cls.__mro__ if issubclass(base, Loss) for name in vars(base)}
    ours |= set(inspect.signature(cls).parameters)
    ours |= set(vars(made(cls))) - set(vars(torch.nn.Module()))
    hidden = {name for name in ours & theirs if not name.startswith("__")}
    hidden -= {"_apply", "_load_from_state_dict"}  # a state has its own way, and calls torch's
    assert hidden == {"forward", "extra_repr"}  # these are there to be written


@every
def test_options_are_no_attributes_of_the_class(cls):
    assert not [name for name in inspect.signature(cls).parameters if name in vars(cls)]


def test_parameters_are_those_of_the_module():
    assert list(modules.CrossEntropyLoss().parameters()) == []
    weight = torch.nn.Parameter(torch.ones(3))
    criterion = modules.CrossEntropyLoss(weight=weight).requires_grad_()
    assert list(criterion.parameters()) == [weight]
    torch.optim.SGD(criterion.parameters(), lr=0.1).zero_grad()


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "BCEWithLogitsLoss"])
def test_it_is_an_instance_of_the_class_of_torch_with_its_attributes(name):
    weight = torch.tensor([1.0, 2.0])
    mine, peer = getattr(modules, name)(weight), getattr(torch.nn, name)(weight)
    assert isinstance(mine, type(peer))
    for option in inspect.signature(type(peer)).parameters:
        assert hasattr(mine, option) is hasattr(peer, option), option
        if hasattr(peer, option):
            same = getattr(mine, option) == getattr(peer, option)
            assert same.all() if option == "weight" else same
    assert mine.weight is weight
    assert dict(mine.named_buffers()).keys() == dict(peer.named_buffers()).keys()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: modules.CrossEntropyLoss(class_weight=[1, 2]),
            "CrossEntropyLoss: there is no option 'class_weight': expected weight, got",
        ),
        (
            lambda: modules.BCEWithLogitsLoss(class_weight=[1, 2]),
            "there is no option 'class_weight': expected pos_weight, got class_weight=[1, 2]",
        ),
        (
            lambda: modules.FocalLoss(weight=[1, 2]),
            "FocalLoss: there is no option 'weight': expected class_weight, got weight=[1, 2]",
        ),
        (
            lambda: modules.FocalLoss(alpha=0.25),
            "there is no option 'alpha': expected class_weight, got alpha=0.25",
        ),
        (
            lambda: modules.TverskyLoss(alpha=0.3),
            "there is no option 'alpha': expected fp_weight, got alpha=0.3",
        ),
        (
            lambda: modules.TverskyLoss(beta=0.3),
            "there is no option 'beta': expected fn_weight, got beta=0.3",
        ),
        (lambda: modules.FocalLoss(ignore_class=0), "expected ignore_index, got ignore_class=0"),
        (lambda: modules.FocalLoss(gama=1.0), "expected gamma, got gama=1.0"),
        (
            lambda: modules.FocalLoss(qqq=1),
            "there is no option 'qqq': expected one of gamma, axis, class_weight, ignore_index,",
        ),
        (
            lambda: modules.FocalLoss(2.0),
            "FocalLoss: expected nothing by position and the rest by name, such as gamma=2.0, got",
        ),
        (
            lambda: modules.ExpectedCostLoss([[0, 1], [9, 0]], 1),
            "expected cost_matrix by position and the rest by name, such as axis=1, got 2",
        ),
        (
            lambda: modules.LogitAdjustedCrossEntropyLoss(),
            "LogitAdjustedCrossEntropyLoss: missing a required argument: 'prior'",
        ),
    ],
)
def test_an_option_that_there_is_not_names_the_one_that_is_meant(make, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("cls", "option"),
    [
        ("FocalLoss", "reduction"),
        ("DiceLoss", "smoothing_weight"),
        ("CrossEntropyLoss", "reduction"),
    ],
)
def test_a_word_that_is_none_is_refused_at_once(cls, option):
    with pytest.raises(ValueError, match=f"^{option}: expected one of .*, got 'avg'"):
        CLASSES[cls](**{option: "avg"})


def test_repr_shows_what_was_given_default_or_not():
    assert repr(modules.FocalLoss()) == "FocalLoss()"
    assert repr(modules.FocalLoss(gamma=2.0)) == "FocalLoss(gamma=2.0)"
    assert repr(modules.CrossEntropyLoss(None, ignore_index=-100)) == (
        "CrossEntropyLoss(weight=None, ignore_index=-100)"
    )
    criterion = modules.FocalLoss()
    criterion.reduction = "sum"
    assert repr(criterion) == "FocalLoss(reduction='sum')"


@every
def test_a_class_has_all_options_of_its_function_and_says_what_they_do(cls):
    mine = inspect.signature(cls).parameters
    batch = {"state", "training", *inspect.signature(cls.forward).parameters}  # or the module's
    here = {cls.names.get(name, name) for name in inspect.signature(cls.function).parameters}
    left_out = (
        {"axis"}
        if issubclass(cls, (torch.nn.CrossEntropyLoss, torch.nn.BCEWithLogitsLoss))
        else set()
    )
    assert here - batch - left_out <= set(mine)
    said = sections(cls.__doc__)
    described = entries(said["Parameters"])
    assert list(described) == list(mine)
    assert all(entry.text for entry in described.values())
    assert "Called as ``criterion(input, " in said["Notes"]
    assert f"`weightedce.{cls.function.__name__}`" in said["Raises"]


def tomorrow(
    logits: Any,
    targets: Any,
    *,
    strength: float = 3.0,
    axis: int = -1,
    class_weight: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str = "mean",
) -> Any:
    """Do what nobody has thought of yet.

    Parameters
    ----------
    logits, targets, axis, class_weight, sample_weight, mask, reduction
        As in `cross_entropy`.
    strength : float
        How much of it.
    """
    loss = losses.cross_entropy(
        logits,
        targets,
        axis=axis,
        class_weight=class_weight,
        sample_weight=sample_weight,
        mask=mask,
        reduction=reduction,
    )
    return strength * loss


def test_a_loss_of_tomorrow_has_its_class(monkeypatch):
    monkeypatch.setattr(losses, "tomorrow", tomorrow, raising=False)
    monkeypatch.setattr(losses, "__all__", [*losses.__all__, "tomorrow"])
    written = [cls for name, cls in CLASSES.items() if name != "FocalLoss"]
    classes = family.with_the_rest(written, "here", families.family, family.camel_case)
    assert set(classes) == {*CLASSES, "Tomorrow"}
    cls = classes["Tomorrow"]
    options = ["strength", "axis", "class_weight", "reduction"]
    assert list(inspect.signature(cls).parameters) == options
    assert "strength : float\n    How much of it." in cls.__doc__
    assert cls.__doc__.startswith("Do what nobody has thought of yet.\n")
    z, y = torch.randn(2, 3, 4), torch.tensor([[0, 1, 2, 0], [2, 1, 0, 0]])
    expected = 2 * losses.cross_entropy(z, y, axis=1, class_weight=[1.0, 2.0, 3.0])
    assert cls(strength=2.0, class_weight=[1, 2, 3])(z, y) == expected


def test_an_option_of_tomorrow_reaches_a_class_that_is_written_out():
    class Written(
        families.LogitsLoss, function=tomorrow, order="weight", without=["axis"], strength=1.0
    ):
        """Has an order of its own."""

        names = {**families.LogitsLoss.names, "class_weight": "weight"}  # noqa: RUF012
        more: int = 0

    signature = inspect.signature(Written)
    assert list(signature.parameters) == ["weight", "strength", "reduction", "more"]
    assert signature.parameters["strength"].default == 1.0
    assert not hasattr(Written, "more")


def test_what_a_subclass_declares_is_its_own():
    class Mine(modules.FocalLoss):
        temperature: float = 2.0

    assert Mine.temperature == 2.0
    assert inspect.signature(Mine) == inspect.signature(modules.FocalLoss)


def test_the_stub_is_up_to_date():
    written = stub.path(modules).read_text(encoding="utf-8")
    assert written == stub.stub(modules), "run: nox -s stubs"


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "FocalLoss", *["BCEWithLogitsLoss"] * LONG])
def test_it_is_made_in_compiled_code_and_exported(name):
    z = torch.randn(4, 3)
    y = torch.rand(4, 3) if name == "BCEWithLogitsLoss" else torch.tensor([0, 1, 2, 0])
    expected = CLASSES[name](reduction="sum")(z, y)

    def made_inside(z, y):
        return CLASSES[name](reduction="sum")(z, y)

    compiled = torch.compile(made_inside, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(z, y), expected)
    exported = torch.export.export(CLASSES[name](reduction="sum"), (z, y)).module()
    torch.testing.assert_close(exported(z, y), expected)
