"""Draw the ratios of a run: ``python picture.py [JSON]``, by default those of the docs."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

import targets
from modes import MODES

HERE = Path(__file__).parent.parent / "docs" / "_static" / "bench"
# Okabe and Ito's colours, told apart by the colour-blind; the marks differ too.
MARKS = (("o", "#0072B2"), ("s", "#D55E00"), ("^", "#009E73"))
PANELS = {
    "bce": ("binary cross-entropy", ("32", "100,000", "4,000,000")),
    "ce": ("cross-entropy", ("65,536 × 10", "8,192 × 1,000", "1,024 × 32,000")),
}
FINE = (0.1, 0.2, 0.5, 1, 2, 5, 10)
COARSE = (0.001, 0.01, 0.1, 1, 10, 100)
WIDE = 60  # highest to lowest: from here on fine ticks would touch


def points(rows: list[dict[str, Any]], family: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of a family against its first peer in float32, by mode and size."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        wanted = row["section"] == "peer" and row.get("family") == family and "ratio" in row
        if wanted and row["dtype"] == "float32":
            found.setdefault((row["mode"], " × ".join(f"{n:,}" for n in row["size"])), row)
    return found


def draw(axis: Any, rows: list[dict[str, Any]], family: str) -> None:
    """Draw a family: a line of marks for each mode and size."""
    title, sizes = PANELS[family]
    for (mode, size), row in points(rows, family).items():
        place = list(MODES).index(mode) + 0.25 * (sizes.index(size) - 1)
        mark, colour = MARKS[sizes.index(size)]
        low, high = row["quartiles"]
        axis.plot([low, high], [place, place], color=colour, linewidth=1.6, zorder=2)
        axis.plot(row["ratio"], place, mark, color=colour, markersize=5.5, zorder=3)
        aim = targets.ratio(mode, family, tuple(row["size"]), "float32")
        axis.plot([aim, aim], [place - 0.11, place + 0.11], color="black", linewidth=1.8, zorder=4)
    for place in range(1, len(MODES)):
        axis.axhline(place - 0.5, color="#e5e5e5", linewidth=0.8, zorder=0)
    axis.axvline(1, color="#555555", linewidth=1.2, zorder=1)
    axis.set_xscale("log")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.grid(axis="x", color="#eeeeee", linewidth=0.8)
    axis.set_axisbelow(True)
    low, high = axis.get_xlim()
    low, high = min(low, 0.4), max(high, 2.5)
    axis.set_xlim(low, high)
    axis.xaxis.set_major_locator(plt.FixedLocator(COARSE if high / low > WIDE else FINE))
    axis.set_title(title, fontsize=11, pad=18)
    for text, place, side in (("← faster  ", 1, "right"), ("  slower →", 1, "left")):
        above = axis.get_xaxis_transform()
        axis.text(place, 1.02, text, ha=side, transform=above, fontsize=9, color="#555555")
    axis.set_xlabel("time, ours ÷ the peer's", fontsize=10)
    axis.set_yticks(range(len(MODES)), list(MODES), fontsize=9.5)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=9)
    axis.spines[["top", "right", "left"]].set_visible(False)
    handles = [
        Line2D([], [], marker=mark, color=colour, markersize=5.5, linewidth=1.6, label=size)
        for size, (mark, colour) in zip(sizes, MARKS, strict=True)
    ]
    aim = {
        "marker": "|",
        "color": "black",
        "linestyle": "",
        "markersize": 8,
        "markeredgewidth": 1.8,
    }
    handles.append(Line2D([], [], label="target", **aim))
    handles.append(Line2D([], [], label="the peer", color="#555555", linewidth=1.2))
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.45, -0.13),
        ncols=2,
        frameon=False,
        fontsize=9,
    )


def main(source: Path) -> None:
    rows = json.loads(source.read_text("utf-8"))["rows"]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(8.4, 5.4), sharey=True)
    for axis, family in zip(axes, PANELS, strict=True):
        draw(axis, rows, family)
    axes[0].set_ylim(len(MODES) - 0.5, -0.5)
    figure.tight_layout(w_pad=1.5)
    HERE.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "bench"}):  # the same figures, the same file
        figure.savefig(HERE / "ratios.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "bench.json")
