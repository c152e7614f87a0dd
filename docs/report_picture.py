"""Draw a report of `weightedce validate` as the terminal shows it.

`python docs/report_picture.py [report.json]`, from a run of its own unless a report is given.
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from weightedce.validation import runner
from weightedce.validation.outputs import terminal
from weightedce.validation.plan import Plan
from weightedce.validation.report import Report, read_json

PATH = Path(__file__).parent / "_static" / "validate.svg"
COLUMNS = 116
PLAN = Plan(
    libraries=("numpy", "torch", "jax"),
    losses=("binary_cross_entropy", "focal_loss", "vector_scaling_cross_entropy"),
    dtypes=("float64", "bfloat16"),
)
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # rich's would come from the network


def drawn(report: Report) -> str:
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), markup=False, emoji=False, highlight=False
    )
    terminal.show(report, console)
    text = console.export_svg(
        title="weightedce validate", theme=DEFAULT_TERMINAL_THEME, unique_id="validate"
    )
    return FONT.sub("", text).replace("Fira Code", "DejaVu Sans Mono")


if __name__ == "__main__":
    report = read_json(Path(sys.argv[1])) if sys.argv[1:] else runner.validate(PLAN, jobs=2)
    lines = (line.strip() for line in drawn(report).splitlines())
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")
