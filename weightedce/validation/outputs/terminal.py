"""The report in the terminal: a heat-map, the worst of each loss, and what fails."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weightedce.validation.cells import Cell
from weightedce.validation.outputs import words
from weightedce.validation.outputs.comparison import Comparison
from weightedce.validation.report import Report, worst

SHOWN = 10  # failing inputs; the rest is in --json and --html


def show(report: Report, console: Console, *, every_cell: bool = False) -> None:
    """Print the report."""
    if not report.cells:
        for problem in report.problems:
            console.print(f"[bold red]✗ {escape(problem)}[/]", highlight=False, soft_wrap=True)
        return
    for kind, title in (("loss", "Losses"), ("peer", "Peers, the libraries' own functions")):
        cells = [cell for cell in report.cells if cell.kind == kind]
        if cells:
            console.print(_heat_map(cells, f"{title}: worst error in ulp"))
            if kind == "peer" and not every_cell:
                console.print(_findings(cells))
            else:
                console.print(_table(cells, every_cell=every_cell))
    console.print(
        "[green]green[/]: within a quarter of what is allowed; [yellow]yellow[/]: within it; "
        "[bold red]✗ red[/]: beyond it; –: the mode has no such derivative"
    )
    _failures(report, console)
    for name, state in report.libraries.items():
        console.print(f"{name}: {escape(state)}", highlight=False)
    for problem in report.problems:
        console.print(f"[bold red]✗ {escape(problem)}[/]", highlight=False)
    bad = len(report.failing)
    ours = sum(cell.kind == "loss" for cell in report.cells)
    verdict = "[bold green]passed[/]" if report.ok else "[bold red]FAILED[/]"
    peers = f", {len(report.peers_off)} cells of peers off" if report.peers_off else ""
    console.print(
        f"{verdict}: {report.comparisons:,} numbers compared in {report.seconds:.0f} s, "
        f"{bad} of {ours} cells fail{peers}",
        highlight=False,
    )


def show_comparison(found: Comparison, console: Console) -> None:
    """Print what changed since an older report."""
    console.rule("since the older report")
    for line in found.versions:
        console.print(line, highlight=False)
    for line in found.worse:
        console.print(f"[bold red]✗ {escape(line)}[/]", highlight=False)
    for line in found.better:
        console.print(f"[green]{escape(line)}[/]", highlight=False)
    if not found.worse:
        console.print("[bold green]nothing got worse[/]")


def _heat_map(cells: list[Cell], title: str) -> Table:
    table = Table(title=title, header_style="bold")
    table.add_column("function", overflow="fold")
    columns = words.columns(cells)
    for library, mode in columns:
        table.add_column(f"{library}\n{mode}", justify="right", no_wrap=True)
    for call in dict.fromkeys(cell.call for cell in cells):
        row = []
        for column in columns:
            found = worst(c for c in cells if (c.call, c.library, c.mode) == (call, *column))
            row.append("" if found is None else _coloured(found))
        table.add_row(call, *row)
    return table


def _coloured(cell: Cell) -> str:
    style = "bold white on red" if cell.bad else "green" if cell.share <= 0.25 else "yellow"
    return f"[{style}]{words.label(cell)}[/]"


def _table(cells: list[Cell], *, every_cell: bool) -> Table:
    """Return the worst number of each function, or of every cell, and where it occurred."""
    table = Table(header_style="bold")
    for name in ("function", "worst in", "ulp", "allowed", "where"):
        table.add_column(name, justify="right" if name in ("ulp", "allowed") else "left",
                         overflow="fold")  # fmt: skip
    rows = cells
    if not every_cell:
        calls = dict.fromkeys(cell.call for cell in cells)
        found = [worst(cell for cell in cells if cell.call == call) for call in calls]
        rows = [cell for cell in found if cell is not None]
    for cell in rows:
        where = f"{cell.library} {cell.mode} {cell.dtype} {cell.order}"
        if cell.worst is None:
            table.add_row(cell.call, where, words.label(cell), "", escape(cell.message))
            continue
        example = f"{cell.worst.batch}: {words.given(cell.worst)}"
        limit = words.number(cell.worst.allowed)
        table.add_row(cell.call, where, _coloured(cell), limit, escape(_short(example)))
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
            table.add_row(call, order, "", escape(off[0].message), "", "", "")
            continue
        finding = shown.failing
        where = f"{shown.library} {shown.mode} {shown.dtype}"
        numbers = (f"{finding.got:.12g}", f"{finding.exact:.12g}", words.number(found.ulp))
        table.add_row(call, order, where, escape(_short(words.given(finding))), *numbers)
    return table


def _failures(report: Report, console: Console) -> None:
    """Print a failing input of each, our losses only: of peers the table tells enough."""
    for cell in report.failing[:SHOWN]:
        version = report.libraries.get(cell.library, "")
        console.print(f"\n[bold red]✗ {escape(words.title(cell, version))}[/]", highlight=False)
        for line in words.failure(cell):
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if len(report.failing) > SHOWN:
        more = len(report.failing) - SHOWN
        console.print(f"\n... and {more} more cells; --html and --json have them all.")
    if report.failing:
        console.print()


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
