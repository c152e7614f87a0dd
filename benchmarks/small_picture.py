"""Draw the small batches of a run: ``python small_picture.py [JSON]``, by default the docs'."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullLocator

from tables import size
from targets import SMALL

HERE = Path(__file__).parent.parent / "docs" / "_static" / "bench"
TITLES = {"ce": "cross-entropy", "bce": "binary cross-entropy"}
LINES = {("function", "training"): ("#0072B2", "o"), ("module", "training"): ("#D55E00", "s")}
TICKS = (0.25, 0.5, 1, 2, 4)


def draw(axis: Any, rows: list[dict[str, Any]], family: str) -> None:
    """Draw the ratios of a training step over the sizes, and the targets."""
    mine = [row for row in rows if row["family"] == family and row["threads"] == 1]
    sizes = list(dict.fromkeys(tuple(row["size"]) for row in mine))
    for (name, what), (colour, mark) in LINES.items():
        found = {
            tuple(row["size"]): row["ratio"]
            for row in mine
            if (row["name"], row["what"]) == (name, what)
        }
        places = range(len(sizes))
        axis.plot(places, [found[x] for x in sizes], mark, color=colour, label=name, markersize=6)
    for place, aim in enumerate(SMALL[family]):
        axis.plot([place - 0.3, place + 0.3], [aim, aim], color="black", linewidth=1.6)
    axis.axhline(1, color="#555555", linewidth=1.2, zorder=0)
    axis.set_yscale("log")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(plt.FixedLocator(TICKS))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axis.set_ylim(0.2, 5)
    axis.set_xticks(range(len(sizes)), [size({"size": x}) for x in sizes], rotation=45, ha="right")
    axis.tick_params(labelsize=9)
    axis.set_title(TITLES[family], fontsize=11)
    axis.grid(axis="y", color="#eeeeee", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def main(source: Path) -> None:
    rows = [
        row
        for row in json.loads(source.read_text("utf-8"))["rows"]
        if row["section"] == "small" and "ratio" in row
    ]
    if not rows:
        return
    widths = {"width_ratios": [2, 1]}
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), sharey=True, gridspec_kw=widths)
    for axis, family in zip(axes, TITLES, strict=True):
        draw(axis, rows, family)
    axes[0].plot([], [], color="black", linewidth=1.6, label="target")
    axes[0].legend(frameon=False, fontsize=9)
    axes[0].set_ylabel("a training step, ours ÷ torch's", fontsize=10)
    shown = [
        row["ratio"]
        for row in rows
        if row["family"] in TITLES and (row["what"], row["threads"]) == ("training", 1)
    ]
    said = f"{min(shown):.1f} to {max(shown):.1f} times torch's own"
    figure.suptitle(f"On one thread a training step takes {said}", fontsize=12)
    figure.tight_layout(w_pad=1.5)
    with matplotlib.rc_context({"svg.hashsalt": "small"}):  # the same figures, the same file
        figure.savefig(HERE / "small.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "bench.json")
