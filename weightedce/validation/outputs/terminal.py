"""The report in the terminal: the verdict, a heat-map, the worst of each loss, and what fails.

Every text that is not ours alone is a `Text`, which holds no markup, of what `literal` leaves.
"""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from weightedce.validation.cells import Cell
from weightedce.validation.outputs import words
from weightedce.validation.outputs.comparison import Comparison
from weightedce.validation.outputs.literal import literal
from weightedce.validation.report import Report, worst

SHOWN = 10  # failing inputs; the rest is in --json and --html
RED, GREEN = "bold red", "bold green"
LEGEND = Text.assemble(
    ("green", "green"), ": within a quarter of what is allowed; ",
    ("yellow", "yellow"), ": within it; ",
    ("✗ red", RED), ": beyond it; –: the mode has no such derivative",
)  # fmt: skip


def show(report: Report, console: Console, *, every_cell: bool = False) -> None:
    """Print the report."""
    if not report.cells:
        for problem in report.problems:
            console.print(_text(f"✗ {problem}", RED), soft_wrap=True)
        return
    _verdict(report, console)
    for kind, title in (("loss", "Losses"), ("peer", "Peers, the libraries' own functions")):
        cells = [cell for cell in report.cells if cell.kind == kind]
        if cells:
            console.print(_heat_map(cells, f"{title}: worst error / allowed, in ulp"))
            if kind == "peer" and not every_cell:
                console.print(_findings(cells))
            else:
                console.print(_table(cells, every_cell=every_cell))
    console.print(LEGEND)
    for line in words.reasons(report.cells):
        console.print(_text(line))
    _failures(report, console)
    for name, state in report.libraries.items():
        console.print(_text(f"{name}: {state}"))
    for problem in report.problems:
        console.print(_text(f"✗ {problem}", RED))


def _verdict(report: Report, console: Console) -> None:
    """Print what people look for, before all tables."""
    bad = len(report.failing)
    ours = sum(cell.kind == "loss" for cell in report.cells)
    verdict = ("passed", GREEN) if report.ok else ("FAILED", RED)
    peers = f", {len(report.peers_off)} cells of peers off" if report.peers_off else ""
    numbers = f": {report.comparisons:,} numbers compared in {report.seconds:.0f} s, "
    console.print(Text.assemble(verdict, numbers, f"{bad} of {ours} cells fail{peers}"))


def show_comparison(found: Comparison, console: Console) -> None:
    """Print what changed since an older report."""
    console.rule("since the older report")
    for line in found.versions:
        console.print(_text(line))
    for line in found.worse:
        console.print(_text(f"✗ {line}", RED))
    for line in found.better:
        console.print(_text(line, "green"))
    if not found.worse:
        console.print(_text("nothing got worse", GREEN))


def _heat_map(cells: list[Cell], title: str) -> Table:
    table = Table(title=title, header_style="bold")
    table.add_column("function", overflow="fold")
    columns = words.columns(cells)
    for library, mode in columns:
        table.add_column(_text(f"{library}\n{mode}"), justify="right", no_wrap=True)
    for call in dict.fromkeys(cell.call for cell in cells):
        row = []
        for column in columns:
            found = worst(c for c in cells if (c.call, c.library, c.mode) == (call, *column))
            row.append("" if found is None else _coloured(found))
        table.add_row(_text(call), *row)
    return table


def _text(text: str, style: str = "") -> Text:
    return Text(literal(text, keep="\n"), style)


def _coloured(cell: Cell) -> Text:
    style = "bold white on red" if cell.bad else "green" if cell.share <= 0.25 else "yellow"
    return _text(words.label(cell), style)


def _table(cells: list[Cell], *, every_cell: bool) -> Table:
    """Return the worst number of each function, or of every cell, and where it occurred."""
    table = Table(header_style="bold")
    for name in ("function", "worst in", "ulp / allowed", "where"):
        table.add_column(name, justify="right" if "ulp" in name else "left", overflow="fold")
    rows = cells
    if not every_cell:
        calls = dict.fromkeys(cell.call for cell in cells)
        found = [worst(cell for cell in cells if cell.call == call) for call in calls]
        rows = [cell for cell in found if cell is not None]
    for cell in rows:
        where = f"{cell.library} {cell.mode} {cell.dtype} {cell.order}"
        if cell.worst is None:
            table.add_row(*map(_text, (cell.call, where, words.label(cell), cell.message)))
            continue
        example = f"{cell.worst.batch}: {words.given(cell.worst)}"
        table.add_row(_text(cell.call), _text(where), _coloured(cell), _text(_short(example)))
    return table


def _findings(cells: list[Cell]) -> Table:
    """Return, for each peer that is off and each order, the simplest input that shows it."""
    table = Table(title="Where peers are off", header_style="bold")
    for name in ("function", "order", "in", "simplest input", "got", "exact", "worst ulp"):
        table.add_column(name, overflow="fold")
    pairs = dict.fromkeys((cell.call, cell.order) for cell in cells if cell.bad)
    for call, order in pairs:
        off = [c for c in cells if c.bad and (c.call, c.order) == (call, order)]
        found = worst(off)
        shown = next((c for c in off if c.failing is not None), None)
        if found is None or shown is None or shown.failing is None:
            table.add_row(*map(_text, (call, order, "", off[0].message, "", "", "")))
            continue
        finding = shown.failing
        where = f"{shown.library} {shown.mode} {shown.dtype}"
        numbers = (f"{finding.got:.12g}", f"{finding.exact:.12g}", words.number(found.ulp))
        texts = (call, order, where, _short(words.given(finding)), *numbers)
        table.add_row(*map(_text, texts))
    return table


def _failures(report: Report, console: Console) -> None:
    """Print a failing input of each, our losses only: of peers the table tells enough."""
    for cell in report.failing[:SHOWN]:
        version = report.libraries.get(cell.library, "")
        console.print(_text(f"\n✗ {words.title(cell, version)}", RED))
        for line in words.failure(cell):
            console.print(_text(f"  {line}"), soft_wrap=True)
    if len(report.failing) > SHOWN:
        more = len(report.failing) - SHOWN
        console.print(_text(f"\n... and {more} more cells; --html and --json have them all."))
    if report.failing:
        console.print()


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
