"""Two pictures: what the loss did to the errors, and to the ranking of the rows."""

from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

PLAIN, OTHER = "#999999", "#0072B2"  # told apart by lightness too
MORE = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


class Errors(NamedTuple):
    """What a trained network got wrong on the test set."""

    missed: int
    false_alarms: int


def draw(
    path: Path, plain: Errors, other: Errors, *, loss: str, rare: int, common: int, note: str
) -> None:
    """Two kinds of error, two bars each: plain loss, then the other loss."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 5), sharey=True)
    kinds = (
        (f"Missed, of {rare} rare cases", plain.missed, other.missed, rare),
        (
            f"False alarms, of {common} common cases",
            plain.false_alarms,
            other.false_alarms,
            common,
        ),
    )
    highest = max(count / total for _, *counts, total in kinds for count in counts)
    for axis, (title, *counts, total) in zip(axes, kinds, strict=True):
        bars = axis.bar(
            ("plain loss", f"{loss} loss"),
            [count / total for count in counts],
            width=0.62,
            color=(PLAIN, OTHER),
        )
        labels = [f"{count} ({count / total:.0%})" for count in counts]
        axis.bar_label(bars, labels, padding=4, fontsize=18, fontweight="bold")
        axis.set_title(title, fontsize=14)
        axis.set_ylim(0, 1.2 * highest or 1)
        axis.set_yticks([])
        axis.tick_params(bottom=False, labelsize=13)
        axis.spines[["left", "top", "right"]].set_visible(False)
    cause = "With class weights" if loss == "weighted" else f"With {loss} loss"
    figure.suptitle(
        f"{cause}: {other.missed} rare cases missed instead of {plain.missed},\n"
        f"{other.false_alarms} false alarms instead of {plain.false_alarms}",
        fontsize=17,
        fontweight="bold",
    )
    figure.text(0.5, 0.02, note, ha="center", fontsize=9.5, color="#555555")
    figure.tight_layout(rect=(0.01, 0.05, 0.99, 0.99), w_pad=3)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def curves(path: Path, margins: dict[str, np.ndarray], labels: np.ndarray, note: str) -> None:
    """Draw precision against recall at every threshold; a dot is where a loss decides by itself."""
    figure, axis = plt.subplots(figsize=(7.5, 5))
    for (loss, margin), colour in zip(margins.items(), (PLAIN, OTHER, *MORE), strict=False):
        precision, recall, _ = precision_recall_curve(labels, margin)
        area = average_precision_score(labels, margin)
        axis.plot(recall, precision, color=colour, label=f"{loss}, area {area:.3f}")
        alarmed = margin > 0
        if alarmed.any():
            at = labels[alarmed].sum() / labels.sum(), labels[alarmed].mean()
            axis.plot(*at, "o", color=colour, markersize=9)
    axis.set_xlabel("recall: rare cases that are found", fontsize=12)
    axis.set_ylabel("precision: alarms that are right", fontsize=12)
    axis.set_xlim(0, 1.02)
    axis.set_ylim(0, 1.02)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=11)
    figure.suptitle(
        "Every threshold of each loss; a dot is its own", fontsize=15, fontweight="bold"
    )
    figure.text(0.5, 0.01, note, ha="center", fontsize=9.5, color="#555555")
    figure.tight_layout(rect=(0.01, 0.03, 0.99, 1))
    figure.savefig(path, dpi=150)
    plt.close(figure)
