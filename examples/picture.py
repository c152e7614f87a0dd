"""One picture: what the loss did to the errors."""

from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PLAIN, OTHER = "#999999", "#0072B2"  # told apart by lightness too


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
