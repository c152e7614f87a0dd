"""The lines that take what helped into a program of one's own."""

from importlib.util import find_spec

from weightedce.comparison.ways import Aim

FRAMEWORKS = ("torch", "keras", "jax", "tensorflow")
NAMES = {  # of the function, PyTorch's class, and Keras's
    "cross_entropy": ("CrossEntropyLoss", "SparseCategoricalCrossentropy"),
    "focal_loss": ("FocalLoss", "CategoricalFocalCrossentropy"),
    "logit_adjusted_cross_entropy": ("LogitAdjustedCrossEntropyLoss", "LogitAdjustedCrossentropy"),
}
KERAS = {"focal_loss": ("alpha=1.0",)}  # .25 is the default of Keras; its labels are one-hot
CALLS = {  # by training: the function and its options
    "plain": ("cross_entropy", ()),
    "weighted": ("cross_entropy", ("class_weight",)),
    "focal": ("focal_loss", ("gamma",)),
    "weighted focal": ("focal_loss", ("gamma", "class_weight")),
    "logit-adjusted": ("logit_adjusted_cross_entropy", ("prior", "tau")),
}


def at_hand() -> str:
    """Return the first framework that is installed, PyTorch if none is."""
    return next((name for name in FRAMEWORKS if find_spec(name)), FRAMEWORKS[0])


def lines(training: str, by_cost: bool, aim: Aim, library: str) -> str:
    """Return the program's lines: the loss, and the decision where it is not the largest logit."""
    function, names = CALLS[training]
    values = {"gamma": "2.0", "tau": "1.0", "class_weight": aim.weights, "prior": aim.prior}
    options = [f"{name}={_written(values[name])}" for name in names]
    given = list(options)
    if (library, function) == ("torch", "cross_entropy"):  # which calls it as PyTorch does
        given = [text.removeprefix("class_") for text in given]
    if library in ("lightgbm", "xgboost"):
        arguments = ", ".join([function, f"classes={len(aim.costs)}", *given])
        written = [
            f"from weightedce import {function}",
            "from weightedce.boosting import Objective",
            f"objective = Objective({arguments})",
        ]
    elif library in ("torch", "keras"):
        name = NAMES[function][library == "keras"]
        if library == "keras":
            given += [*KERAS.get(function, ()), "from_logits=True"]
        written = [
            f"from weightedce.{library} import {name}",
            f"loss = {name}({', '.join(given)})",
        ]
    else:
        written = [
            f"from weightedce import {function}",
            f"loss = {function}({', '.join(['logits', 'labels', *given])})",
        ]
    if by_cost:
        written += _decision(function, options, aim)
    return "\n".join(written)


def _decision(function: str, options: list[str], aim: Aim) -> list[str]:
    """Return the lines that decide by probabilities: of NumPy's arrays, after training."""
    if function == "cross_entropy" and not options:
        probabilities = ["probabilities = softmax(logits, axis=-1)"]
    else:
        taken = ", ".join([function, "logits", *options])
        probabilities = [
            f"from weightedce import {function}, undo_loss",
            f"probabilities = softmax(undo_loss({taken}), axis=-1)",
        ]
    matrix = [[_short(x) for x in row] for row in aim.matrix.tolist()]
    costs = ", ".join(f"[{', '.join(row)}]" for row in matrix)
    return [
        "",
        "# after training, of the logits as a NumPy array",
        "from scipy.special import softmax",
        "from weightedce import minimum_cost",
        *probabilities,
        f"decided = minimum_cost(probabilities, [{costs}])",
    ]


def _written(value: object) -> str:
    return f"[{', '.join(_short(x) for x in value)}]" if isinstance(value, list) else str(value)


def _short(number: float) -> str:
    return f"{number:.6g}"
