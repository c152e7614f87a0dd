"""Draw what each estimator makes of counts: `python docs/weights_picture.py`."""

import io
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

import weightedce as w

PATH = Path(__file__).parent / "_static" / "weights.svg"
CLASSES, FEWEST, MOST = 8, 1, 100_000
ESTIMATORS = {  # name to (weights of counts, colour, line, mark)
    "balanced": (w.balanced, "#0072B2", "-", "o"),
    "inverse_frequency, power=0.5": (
        lambda counts: w.inverse_frequency(counts, power=0.5),
        "#D55E00",
        "--",
        "s",
    ),
    "effective_number, beta=0.999": (
        lambda counts: w.effective_number(counts, beta=0.999),
        "#009E73",
        "-.",
        "^",
    ),
    "log_damped": (w.log_damped, "#CC79A7", ":", "D"),
}


def drawn() -> plt.Figure:
    counts = np.geomspace(FEWEST, MOST, CLASSES).round().astype(int)
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axis.axhline(1, color="#999999", linewidth=0.8)
    for name, (weights, colour, line, mark) in ESTIMATORS.items():
        axis.loglog(
            counts, weights(counts), line, marker=mark, color=colour, markersize=5, label=name
        )
    axis.set(xlabel="examples of the class", ylabel="its weight, 1 on average over the data")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9.5)
    return figure


if __name__ == "__main__":
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "weightedce"  # the same file from every run
    file = io.StringIO()
    drawn().savefig(file, format="svg", metadata={"Date": None})
    lines = (line.rstrip() for line in file.getvalue().splitlines())
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")
