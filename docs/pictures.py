"""Draw the pictures of the losses: `nox -s pictures`. The values and gradients are the library's.

Every picture has the loss on the left and its derivative on the right, with plain cross-entropy in
grey. The losses of a whole batch have the derivatives to one positive and to one negative.
"""

import io
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch

import weightedce as wce

HERE = Path(__file__).parent / "_static" / "losses"
GREY = "#8c8c8c"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # told apart by the colour-blind
STYLES = ("-", "--", "-.", (0, (1, 1)))
POSITIVES, NEGATIVES = 5, 95
PICTURES: dict[str, Callable[[], plt.Figure]] = {}

Loss = Callable[[torch.Tensor], torch.Tensor]  # unreduced


def positive(loss: Callable = wce.binary_cross_entropy, **options: object) -> Loss:
    """Return the loss of positives."""
    return lambda z: loss(z, torch.ones_like(z), reduction="none", **options)


def negative(loss: Callable = wce.binary_cross_entropy, **options: object) -> Loss:
    """Return the loss of negatives."""
    return lambda z: loss(z, torch.zeros_like(z), reduction="none", **options)


def label(k: int, loss: Callable = wce.cross_entropy, **options: object) -> Loss:
    """Return the loss of examples of class k of two; the other logit is 0."""

    def at_margin(margin: torch.Tensor) -> torch.Tensor:
        z = [torch.zeros_like(margin), torch.zeros_like(margin)]
        z[k] = margin
        targets = torch.full(margin.shape, k, dtype=torch.int64)
        return loss(torch.stack(z, dim=1), targets, reduction="none", **options)

    return at_margin


def batch(loss: Callable, **options: object) -> tuple[Loss, Loss, Loss]:
    """Return a batch's loss by the logit of all positives, of one of them, of one negative.

    The others stay: positives at logit 0, negatives at logit -2.
    """
    targets = torch.cat([torch.ones(POSITIVES), torch.zeros(NEGATIVES)])

    def moved(first: int, last: int, z: torch.Tensor) -> torch.Tensor:
        logits = torch.where(targets == 1, 0.0, -2.0).to(z.dtype).clone()
        logits[first:last] = z
        return loss(logits, targets, **options)

    def each(first: int, last: int) -> Loss:
        return lambda zs: torch.stack([moved(first, last, z) for z in zs])

    return each(0, POSITIVES), each(0, 1), each(POSITIVES, POSITIVES + 1)


def value(loss: Loss, z: torch.Tensor) -> torch.Tensor:
    return loss(z).detach()


def gradient(loss: Loss, z: torch.Tensor) -> torch.Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(loss(z).sum(), z)[0]


def draw(x: torch.Tensor, panels: list[tuple], plain: str, names: list[str]) -> plt.Figure:
    """Draw panels of (title, x label, [numbers of each curve]), the first curve in grey."""
    figure, axes = plt.subplots(1, len(panels), figsize=(8.4, 3.5))
    for axis, (title, xlabel, curves) in zip(axes, panels, strict=True):
        axis.axhline(0, color="#cccccc", linewidth=0.8)
        axis.axvline(0, color="#cccccc", linewidth=0.8)
        for i, (name, curve) in enumerate(zip([plain, *names], curves, strict=True)):
            style = {"color": GREY, "linewidth": 3.2}
            if i:
                style = {"color": COLOURS[i - 1], "linestyle": STYLES[i - 1], "linewidth": 2}
            axis.plot(x, curve, label=name, **style)
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(xlabel, fontsize=10)
        axis.tick_params(labelsize=9)
        axis.margins(x=0)
        axis.locator_params(axis="x", nbins=6)
        axis.spines[["top", "right"]].set_visible(False)
    handles, texts = axes[0].get_legend_handles_labels()
    columns = len(texts) if sum(map(len, texts)) < 75 else (len(texts) + 1) // 2
    figure.legend(
        handles,
        texts,
        loc="lower center",
        ncols=columns,
        frameon=False,
        fontsize=9.5,
        handlelength=3,
    )
    figure.tight_layout(rect=(0, 0.09 if columns == len(texts) else 0.15, 1, 1), w_pad=2)
    return figure


def picture(
    name: str,
    xlabel: str,
    curves: dict[str, Loss],
    span: tuple[float, float] = (-6, 6),
    top: float | None = None,
    title: str = "loss",
) -> None:
    """Enter a picture of the loss and its derivative; the first curve is the grey one."""

    def figure() -> plt.Figure:
        x = torch.linspace(*span, 241, dtype=torch.float64)
        panels = [
            (title, xlabel, [value(loss, x) for loss in curves.values()]),
            ("derivative", xlabel, [gradient(loss, x) for loss in curves.values()]),
        ]
        drawn = draw(x, panels, next(iter(curves)), list(curves)[1:])
        if top is not None:
            drawn.axes[0].set_ylim(top=top)
        return drawn

    PICTURES[name] = figure


def batch_picture(name: str, curves: dict[str, tuple[Loss, Loss, Loss]]) -> None:
    """Enter a picture of a loss of 5 positives and 95 negatives."""

    def figure() -> plt.Figure:
        x = torch.linspace(-6, 6, 49, dtype=torch.float64)
        together, one, other = zip(*curves.values(), strict=True)
        panels = [
            ("loss", "logit of all 5 positives", [value(loss, x) for loss in together]),
            ("derivative", "logit of one positive", [gradient(loss, x) for loss in one]),
            ("derivative", "logit of one negative", [gradient(loss, x) for loss in other]),
        ]
        return draw(x, panels, next(iter(curves)), list(curves)[1:])

    PICTURES[name] = figure


def step(z: torch.Tensor) -> torch.Tensor:
    return torch.where(z > 0, 1.0, 0.0) + 0.0 * z


def soft(name: str, y: float) -> Loss:
    return lambda z: getattr(
        wce.soft_confusion(z[None], torch.full_like(z, y)[None], axis=-1), name
    )


PLAIN = "plain cross-entropy"
LOGIT = "logit of a positive"
MARGIN = "logit of the label, minus the other's"

picture(
    "binary_cross_entropy",
    "logit",
    {
        "positive": positive(),
        "positive, pos_weight = 4": positive(pos_weight=4.0),
        "negative, neg_weight = 0.5": negative(neg_weight=0.5),
        "positive, label_smoothing = 0.2": positive(label_smoothing=0.2),
    },
    top=12,
)
picture(
    "cross_entropy",
    MARGIN,
    {
        PLAIN: label(1),
        "class_weight = 3": label(1, class_weight=[1.0, 3.0]),
        "class_weight = 0.3": label(1, class_weight=[1.0, 0.3]),
        "label_smoothing = 0.2": label(1, label_smoothing=0.2),
    },
    top=12,
)
picture(
    "binary_focal_loss",
    LOGIT,
    {PLAIN: positive()}
    | {f"gamma = {g:g}": positive(wce.binary_focal_loss, gamma=g) for g in (0.5, 2.0, 5.0)},
)
picture(
    "focal_loss",
    MARGIN,
    {PLAIN: label(1)}
    | {f"gamma = {g:g}": label(1, wce.focal_loss, gamma=g) for g in (0.5, 2.0, 5.0)},
)
picture(
    "asymmetric_loss",
    "logit of a negative",
    {
        PLAIN: negative(),
        "gamma_neg = 1, clip = 0": negative(wce.asymmetric_loss, gamma_neg=1.0, clip=0.0),
        "gamma_neg = 4, clip = 0.05": negative(wce.asymmetric_loss),
        "gamma_neg = 4, clip = 0.2": negative(wce.asymmetric_loss, clip=0.2),
    },
)
picture(
    "poly_cross_entropy",
    MARGIN,
    {PLAIN: label(1)}
    | {f"epsilon = {e:g}": label(1, wce.poly_cross_entropy, epsilon=e) for e in (-1.0, 1.0, 4.0)},
)
picture(
    "generalized_cross_entropy",
    MARGIN,
    {PLAIN: label(1)}
    | {f"q = {q:g}": label(1, wce.generalized_cross_entropy, q=q) for q in (0.3, 0.7, 1.0)},
)
prior = partial(label, loss=wce.logit_adjusted_cross_entropy, prior=[0.9, 0.1])
picture(
    "logit_adjusted_cross_entropy",
    MARGIN,
    {
        PLAIN: label(1),
        "class of prior 0.1, tau = 1": prior(1, tau=1.0),
        "class of prior 0.1, tau = 2": prior(1, tau=2.0),
        "class of prior 0.9, tau = 1": prior(0, tau=1.0),
    },
)
counts = partial(label, loss=wce.balanced_softmax_cross_entropy)
picture(
    "balanced_softmax_cross_entropy",
    MARGIN,
    {
        PLAIN: label(1),
        "1 of 10 examples": counts(1, counts=[9, 1]),
        "1 of 100 examples": counts(1, counts=[99, 1]),
        "99 of 100 examples": counts(0, counts=[99, 1]),
    },
)
margins = partial(label, 1, wce.ldam_cross_entropy)
picture(
    "ldam_cross_entropy",
    "cosine of the label, minus the other's",
    {"no margin, scale = 30": margins(counts=[1, 1], max_margin=0.0)}
    | {f"{n} examples": margins(counts=[10, n]) for n in (10, 160, 10000)},
    span=(-0.5, 1),
)
scaled = partial(label, 1, wce.vector_scaling_cross_entropy)
picture(
    "vector_scaling_cross_entropy",
    MARGIN,
    {
        PLAIN: label(1),
        "scale = 0.5": scaled(scale=[1.0, 0.5]),
        "scale = 2": scaled(scale=[1.0, 2.0]),
        "shift = -2": scaled(shift=[0.0, -2.0]),
    },
)
rebalanced = partial(label, loss=wce.seesaw_loss)
picture(
    "seesaw_loss",
    MARGIN,
    {
        PLAIN: label(1),
        "as many of both, q = 2": rebalanced(1, counts=[1, 1]),
        "the other 100 times rarer, p = 0.8": rebalanced(1, counts=[1, 100], q=0.0),
        "both": rebalanced(1, counts=[1, 100]),
    },
)
rare = {"counts": 100, "total": 10000}
picture(
    "distribution_balanced_loss",
    "logit",
    {
        f"positive, {PLAIN}": positive(),
        "positive": lambda z: positive(wce.distribution_balanced_loss, **rare)(z[:, None]),
        f"negative, {PLAIN}": negative(),
        "negative, kappa = 1": negative(wce.distribution_balanced_loss, kappa=1.0, **rare),
    },
)
four = {"tp": 1.0, "tn": 0.2, "fp": 1.0, "fn": 3.0}
picture(
    "confusion_cross_entropy",
    "logit",
    {
        "positive, all weights 1": positive(),
        "positive, tp = 1, fn = 3": positive(wce.confusion_cross_entropy, **four),
        'the same, assignment="soft"': positive(
            wce.confusion_cross_entropy, assignment="soft", **four
        ),
        "negative, tn = 0.2, fp = 1": negative(wce.confusion_cross_entropy, **four),
    },
)
matrix = [[0.0, 1.0], [5.0, -1.0]]
picture(
    "expected_cost",
    "logit",
    {
        f"positive, {PLAIN}": positive(),
        "positive: a miss costs 5, a hit earns 1": positive(wce.expected_cost, cost_matrix=matrix),
        "positive: a miss costs 1": positive(wce.expected_cost, cost_matrix=[[0, 1], [1, 0]]),
        "negative: a false alarm costs 1": negative(wce.expected_cost, cost_matrix=matrix),
    },
)
picture(
    "soft_confusion",
    "logit",
    {
        "TP counted by decisions": step,
        "TP of a positive, FP of a negative": soft("tp", 1.0),
        "FN of a positive, TN of a negative": soft("fn", 1.0),
    },
    title="count",
)
mean = batch(wce.binary_cross_entropy)
batch_picture(
    "recall_specificity_loss",
    {f"mean {PLAIN}": mean}
    | {
        f"recall {a:g}, specificity {1 - a:.1g}": batch(
            wce.recall_specificity_loss, recall_weight=a, specificity_weight=1 - a
        )
        for a in (0.9, 0.5, 0.1)
    },
)
batch_picture(
    "tversky_loss",
    {f"mean {PLAIN}": mean}
    | {
        f"fp_weight {a:g}, fn_weight {b:g}": batch(wce.tversky_loss, fp_weight=a, fn_weight=b)
        for a, b in ((0.1, 0.9), (0.5, 0.5), (0.9, 0.1))
    },
)
batch_picture(
    "focal_tversky_loss",
    {"gamma = 1, tversky_loss": batch(wce.tversky_loss, fp_weight=0.3, fn_weight=0.7)}
    | {
        f"gamma = {name}": batch(wce.focal_tversky_loss, gamma=gamma)
        for name, gamma in (("1/2", 0.5), ("4/3", 4 / 3), ("3", 3.0))
    },
)
batch_picture(
    "f_beta_loss",
    {f"mean {PLAIN}": mean}
    | {f"beta = {b:g}": batch(wce.f_beta_loss, beta=b) for b in (2.0, 1.0, 0.5)},
)
batch_picture(
    "dice_loss",
    {
        f"mean {PLAIN}": mean,
        "dice_loss": batch(wce.dice_loss),
        "pos_weight = 5": batch(wce.dice_loss, pos_weight=5.0),
    },
)

batch_picture(
    "lovasz_loss",
    {
        f"mean {PLAIN}": mean,
        "hinge": batch(wce.lovasz_loss),
        "probability": batch(wce.lovasz_loss, errors="probability"),
    },
)


POINT = re.compile(r"([ML]) (-?\d+\.\d+) (-?\d+\.\d+)")


def rounded(point: re.Match) -> str:
    """Return a point of a path to a hundredth of a pixel, which makes the file half as large."""
    command, x, y = point.groups()
    return f"{command} {float(x):.2f} {float(y):.2f}"


def main(names: list[str]) -> None:
    matplotlib.rcParams["svg.hashsalt"] = "weightedce"  # the same file from every run
    HERE.mkdir(exist_ok=True)
    for name in names or PICTURES:
        figure = PICTURES[name]()
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        plt.close(figure)
        lines = [line.strip() for line in drawn.getvalue().splitlines()]
        text = POINT.sub(rounded, "\n".join(lines)) + "\n"
        (HERE / f"{name}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
