"""Critical-difference diagrams: mean ranks on a line, and bars over what chance may have parted."""

import io
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.ranks import Comparison

INK, GREY, BLUE, RED = "#222222", "#8c8c8c", "#0072B2", "#D55E00"  # told apart by the colour-blind
STYLE = {"svg.hashsalt": "weightedce", "font.size": 10}
LINE = 0.34  # inches
POINT = re.compile(r"([ML] -?\d+\.\d\d)\d* (-?\d+\.\d\d)\d*")  # to a hundredth of a pixel


def write(comparisons: list[Comparison], path: Path, of: str) -> None:
    """Write one picture of the models of a score; ``of`` says of which results it is."""
    rows = [(len(one.losses) + 1) // 2 for one in comparisons]
    with mpl.rc_context(STYLE):
        heights = [LINE * (n + 4) for n in rows]
        figure = Figure(figsize=(8.4, sum(heights)), layout="constrained")
        axes = figure.subplots(len(rows), squeeze=False, height_ratios=heights)[:, 0]
        for axis, one in zip(axes, comparisons, strict=True):
            draw(axis, one)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Description": of})
    lines = [line.rstrip() for line in POINT.sub(r"\1 \2", text.getvalue()).splitlines()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(axis: Axes, found: Comparison) -> None:
    """Draw mean ranks: best left, the reference in bold; blue is surely better, red worse."""
    ranks = [one.rank for one in found.losses]
    k, half = len(ranks), (len(ranks) + 1) // 2
    bars = cliques(ranks, found.critical)
    depth = 0.32 * (len(bars) + 1)
    axis.plot([1, k], [0, 0], color=INK, linewidth=1)
    for rank in range(1, k + 1):
        axis.plot([rank, rank], [0, 0.12], color=INK, linewidth=1)
        if rank in (1, k) or (rank % 2 == 1 and k - rank > 1):
            axis.text(rank, 0.25, str(rank), ha="center", va="bottom", color=INK)
    edge = 0.02 * k
    for place, one in enumerate(found.losses):
        left = place < half
        below = depth + 1 + (place if left else k - 1 - place)
        end = 1 - edge if left else k + edge
        sure = BLUE if one in found.better else RED if one in found.worse else INK
        axis.plot([one.rank, one.rank, end], [0, -below, -below], color=GREY, linewidth=0.8)
        axis.plot(one.rank, 0, "o", color=sure, markersize=4)
        axis.text(
            1 - 2 * edge if left else k + 2 * edge,
            -below,
            f"{one.name}  {one.rank:.1f}" if left else f"{one.rank:.1f}  {one.name}",
            ha="right" if left else "left",
            va="center",
            color=sure,
            fontweight="bold" if one.name == found.reference else "normal",
        )
    for place, (first, last) in enumerate(bars):
        y = -0.32 * (place + 1)
        axis.plot([first - edge / 2, last + edge / 2], [y, y], color=INK, linewidth=2.6)
    middle = (1 + k) / 2
    axis.plot([1, 1 + found.critical], [1.5, 1.5], "|-", color=INK, linewidth=1)
    axis.text(1 + found.critical + edge, 1.5, f"critical difference {found.critical:.1f}",
              va="center", color=INK)  # fmt: skip
    axis.text(middle, 2.5, f"{found.model}, {found.tables} tables", ha="center", color=INK)
    axis.set_xlim(1 - 0.45 * k, k + 0.45 * k)
    axis.set_ylim(-(depth + half + 0.8), 3.1)
    axis.set_axis_off()


def cliques(ranks: list[float], critical: float) -> list[tuple[float, float]]:
    """Return the longest stretches of ranks that are no further apart than the difference."""
    found: list[tuple[float, float]] = []
    for first in ranks:
        last = max(rank for rank in ranks if rank - first <= critical)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
