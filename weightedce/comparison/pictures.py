"""The pictures of a comparison, as SVG that a page holds, light and dark."""

import io
import re
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from weightedce.comparison.interval import SURE
from weightedce.comparison.trial import Trial
from weightedce.comparison.verdict import difference, mean_and_spread
from weightedce.comparison.ways import PLAIN, TRAININGS, WAYS

INK = "#0a0b0c"  # a colour that nothing else has: the page puts its own in its place
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "weightedce",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
}


def costs(trial: Trial, model: str) -> str:
    """Draw what each way saves against plain cross-entropy, with the interval of chance."""

    def draw(axes: Axes) -> None:
        names = [name for name in WAYS if name != PLAIN]
        for place, name in enumerate(reversed(names)):
            found = difference(trial, model, name, PLAIN)
            colour = COLOURS[2] if found.sure and found.mean < 0 else COLOURS[0]
            colour = COLOURS[1] if found.sure and found.mean > 0 else colour
            axes.errorbar(
                found.mean, place, xerr=found.half_width, fmt="o", color=colour, capsize=3
            )
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(names)), list(reversed(names)))
        axes.set_xlabel(f"cost of a row less that of plain, {SURE:.0%} interval")

    return _svg(draw, (6.4, 3.4))


def mistakes(trial: Trial, model: str) -> str:
    """Draw the rare rows that are missed against the false alarms."""

    def draw(axes: Axes) -> None:
        found = trial.found[model]
        for place, name in enumerate(WAYS):
            x, y = (
                100 * mean_and_spread(found[name], what, trial.folds)[0]
                for what in ("false_alarms", "missed")
            )
            colour = COLOURS[list(TRAININGS).index(WAYS[name].training) % len(COLOURS)]
            marker = "s" if WAYS[name].by_cost else "o"
            axes.plot(x, y, marker, color=colour, label=name, markersize=7 + (place == 0))
        axes.set_xlabel("false alarms, % of the other rows")
        axes.set_ylabel("missed, % of the rare rows")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return _svg(draw, (6.4, 3.6))


def curves(trial: Trial, model: str) -> str:
    """Draw precision against recall of the rare class, over all held-out rows of a seed."""

    def draw(axes: Axes) -> None:
        is_rare = trial.table.labels == trial.table.rare
        for (name, log_p), colour in zip(trial.held_out[model].items(), COLOURS, strict=False):
            precision, recall, _ = precision_recall_curve(is_rare, log_p[:, trial.table.rare])
            axes.plot(100 * recall, 100 * precision, color=colour, label=name, linewidth=1.4)
        axes.set_xlabel("recall of the rare class, %")
        axes.set_ylabel("precision, %")
        axes.set_ylim(0, 102)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return _svg(draw, (6.4, 3.6))


def reliability(trial: Trial, model: str) -> str:
    """Draw how often what is said to be rare is: as the model says it, and taken back."""

    def draw(axes: Axes) -> None:
        rare = trial.table.rare
        is_rare = trial.table.labels == rare
        raw = trial.raw[model]["weighted"]
        raw = raw - raw.max(axis=1, keepdims=True)
        said = np.exp(raw[:, rare]) / np.exp(raw).sum(axis=1)
        back = np.exp(trial.held_out[model]["weighted"][:, rare])
        for p, label, colour in (
            (said, "weighted, as it says", COLOURS[1]),
            (back, "weights undone", COLOURS[2]),
        ):
            edges = np.unique(np.quantile(p, np.linspace(0, 1, 11)))
            inside = np.digitize(p, edges[1:-1])
            bins = [inside == k for k in np.unique(inside)]
            points = [(p[b].mean() * 100, is_rare[b].mean() * 100) for b in bins]
            axes.plot(*np.transpose(points), "o-", color=colour, label=label, markersize=4)
        axes.plot([0, 100], [0, 100], color=INK, linewidth=0.6)
        axes.set_xlabel("said probability of the rare class, %")
        axes.set_ylabel("rare rows among them, %")
        axes.legend(frameon=False, fontsize=8)

    return _svg(draw, (6.4, 3.6))


def _svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    """Return a drawing whose ink is the text's colour on the page that holds it."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    return re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)  # the page says how wide
