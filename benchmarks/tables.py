"""The tables that a run's JSON gives, as text for ``bench.py`` and ``publish.py``."""

import statistics
from collections.abc import Callable
from typing import Any

import targets
from work import BINARY

SMALL = {
    "ce": "cross-entropy with class weights, to `torch.nn.CrossEntropyLoss`",
    "bce": "binary cross-entropy with `pos_weight`, to `torch.nn.BCEWithLogitsLoss`",
    "others": "other losses as modules, a training step, to `torch.nn.CrossEntropyLoss`",
}
Found = dict[str, Any]
Table = tuple[str, list[str], list[list[str]]]  # title, header, body
FAMILIES = {
    "bce": "binary cross-entropy",
    "ce": "cross-entropy",
    "smoothed ce": "cross-entropy, smoothed labels",
    "ce of distributions": "cross-entropy of distributions",
    "linear": "linear cross-entropy",
}


def size(row: Found) -> str:
    return "\u00a0×\u00a0".join(f"{n:,}" for n in row["size"]) if "size" in row else "all"


def loss(row: Found) -> str:
    return FAMILIES.get(row.get("family", "all"), row.get("family", "all"))


def number(x: float) -> str:
    """Return three digits, without an exponent."""
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}"


def reason(row: Found) -> str:
    return f"failed: {row['error']}" if "error" in row else f"skipped: {row.get('skipped')}"


def good(rows: list[Found], section: str) -> list[Found]:
    return [
        row for row in rows if row["section"] == section and not {"error", "skipped"} & row.keys()
    ]


def against_target(ratio: float, target: float | None) -> str:
    if target is None:
        return "–"
    return f"{target:g}, {targets.verdict(ratio, target)}"


def peers(found: Found) -> list[Table]:
    """Return a table for each mode."""
    header = ["loss", "size", "dtype", "peer", "ours, ms", "peer, ms", "ratio", "quartiles"]
    made: dict[str, Table] = {}
    first: dict[tuple[Any, ...], str] = {}
    for row in found["rows"]:
        if row["section"] != "peer":
            continue
        table = made.setdefault(row["mode"], (row["mode"], [*header, "target"], []))
        start = [loss(row), size(row), row.get("dtype", "all")]
        if "ratio" not in row:
            table[2].append([*start, reason(row), *[""] * 5])
            continue
        key = (row["mode"], row["family"], *row["size"], row["dtype"])
        main = first.setdefault(key, row["against"]) == row["against"]
        target = targets.ratio(row["mode"], row["family"], tuple(row["size"]), row["dtype"])
        low, high = row["quartiles"]
        table[2].append(
            [
                *start,
                f"`{row['against']}`",
                number(1e3 * row["ours_s"]),
                number(1e3 * row["other_s"]),
                f"**{row['ratio']:.2f}**",
                f"{low:.2f}–{high:.2f}",
                against_target(row["ratio"], target if main else None),
            ]
        )
    return list(made.values())


def losses(found: Found) -> list[Table]:
    """Return a table of losses by modes."""
    rows = [row for row in found["rows"] if row["section"] == "loss"]
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    names = list(dict.fromkeys(row["loss"] for row in rows if "loss" in row))
    cells = {(row.get("loss"), row["mode"]): row for row in rows}

    def cell(name: str, mode: str) -> str:
        row = cells.get((name, mode), {"skipped": "not reached"})
        return f"{row['ratio']:.2f}" if "ratio" in row else reason(row).partition(":")[0]

    body = [[f"`{name}`", *(cell(name, mode) for mode in modes)] for name in names]
    return [("every loss, to the peer of its family", ["loss", *modes], body)] if body else []


def limits(found: Found) -> list[Table]:
    """Return how far each is from moving the data, and from exp and log1p alone."""
    cells: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in good(found["rows"], "limit"):
        key = (row["mode"], loss(row), size(row))
        cells.setdefault(key, {})["ours"] = number(1e3 * row["ours_s"])
        name = "move" if row["against"].startswith("read") else "alone"
        cells[key][name] = f"{row['ratio']:.3g}"
    header = ["mode", "loss", "size", "ours, ms", "÷ read and write", "÷ exp + log1p"]
    body = [[*key, cell["ours"], cell["move"], cell["alone"]] for key, cell in cells.items()]
    return [("distance to the limit, float32", header, body)] if body else []


def growth(found: Found) -> list[Table]:
    """Return the cost per element at both ends."""
    times = {
        (row["mode"], row["size"][0]): (row["ours_s"], row["other_s"])
        for row in reversed(good(found["rows"], "peer"))  # the first peer of each stays
        if row["family"] == "bce" and row["dtype"] == "float32"
    }
    small, large = BINARY[1][0], BINARY[2][0]
    header = ["mode", f"ours, ns at {small:,}", f"ours, ns at {large:,}", "growth", "peer's growth"]
    body = []
    for mode in dict.fromkeys(row["mode"] for row in good(found["rows"], "peer")):
        if (mode, small) in times and (mode, large) in times:
            a = [1e9 * x / small for x in times[mode, small]]
            b = [1e9 * x / large for x in times[mode, large]]
            grown = b[0] / a[0]
            numbers = [f"{a[0]:.2f}", f"{b[0]:.2f}", f"{grown:.2f}", f"{b[1] / a[1]:.2f}"]
            body.append([mode, *numbers, against_target(grown, targets.GROWTH)])
    return [("cost per element, binary cross-entropy", [*header, "target"], body)] if body else []


def memory(found: Found) -> list[Table]:
    """Return the peaks in multiples of the logits."""
    cells: dict[tuple[str, ...], dict[str, float]] = {}
    for row in good(found["rows"], "memory"):
        key = (row["mode"], loss(row), size(row))
        cells.setdefault(key, {})[row["who"]] = row["peak_bytes"] / row["logits_bytes"]
    body = []
    for (mode, name, shape), cell in cells.items():
        aimed = targets.MEMORY if (mode, name) == ("torch eager", FAMILIES["ce"]) else None
        pair = [f"{cell[who]:.2f}" if who in cell else "failed" for who in ("ours", "peer")]
        said = against_target(cell["ours"], aimed) if "ours" in cell else "–"
        body.append([mode, name, shape, *pair, said])
    header = ["mode", "loss", "size", "ours", "peer", "target"]
    return [("peak memory beyond the inputs, in multiples of the logits", header, body)] * bool(
        body
    )


def first(found: Found) -> list[Table]:
    """Return the first calls."""
    times: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for row in good(found["rows"], "first"):
        key = (row["mode"], loss(row), size(row))
        times.setdefault(key, {}).setdefault(row["who"], []).append(row["first_s"])
    body = []
    for key, cell in times.items():
        pair = [statistics.median(cell[who]) if who in cell else None for who in ("ours", "peer")]
        body.append([*key, *("failed" if x is None else number(1e3 * x) for x in pair)])
    header = ["mode", "loss", "size", "ours, ms", "peer, ms"]
    return [("first call, compiling included", header, body)] if body else []


def imports(found: Found) -> list[Table]:
    """Return the times of imports."""
    body = []
    for row in good(found["rows"], "imports"):
        low, high = (1e3 * x for x in row["quartiles"])
        body.append([row["what"], f"{1e3 * row['s']:.1f}", f"{low:.1f}–{high:.1f}"])
    return [("import", ["what", "ms", "quartiles"], body)] if body else []


def failed(found: Found) -> list[Table]:
    """Return what is missing and why."""
    names = ("mode", "loss", "family", "size", "who", "what")
    body = [
        [row["section"], " ".join(str(row[x]) for x in names if x in row), reason(row)]
        for row in found["rows"]
        if {"error", "skipped"} & row.keys()
    ]
    return [("failed or skipped", ["section", "what", "reason"], body)] if body else []


def machine(found: Found) -> list[Table]:
    """Return the machine, versions and load."""
    about = dict(found["machine"])
    versions = ", ".join(f"{name} {number}" for name, number in about.pop("versions").items())
    start, end = about.pop("load")
    options = found["options"]
    body = [
        ["processor", f"{about['processor']}, {about['cores']} cores; {about['vectors']}"],
        ["memory", f"{about['memory_gib']} GiB"],
        ["system", about["system"]],
        ["Python", about["python"]],
        ["packages", versions],
        ["commit", f"`{about['commit']}`"],
        ["device", about.get("gpu", options["device"])],
        ["date", f"{about['date']}; {about['minutes']:.0f} minutes"],
        ["each comparison", f"{options['seconds']:g} s, at least 9 rounds"],
        ["load average (1, 5, 15 min)", f"{start} at the start, {end} at the end"],
    ]
    return [("the machine", ["what", "of this run"], body)]


def small(found: Found) -> list[Table]:
    """Return small batches in eager PyTorch: losses by sizes."""
    made: list[Table] = []
    rows = good(found["rows"], "small")
    for family in dict.fromkeys(row["family"] for row in rows):
        mine = [row for row in rows if row["family"] == family]
        sizes = list(dict.fromkeys(tuple(row["size"]) for row in mine))
        header = ["what", "threads", *(size({"size": x}) for x in sizes)]
        body = []
        keys = dict.fromkeys((row["name"], row["what"], row["threads"]) for row in mine)
        for key in keys:
            cells = {
                tuple(row["size"]): f"{row['ratio']:.2f}"
                for row in mine
                if (row["name"], row["what"], row["threads"]) == key
            }
            name = key[0] if family == "others" else f"{key[0]}, {key[1]}"
            body.append([name, str(key[2]), *(cells.get(x, "–") for x in sizes)])
        peer = {
            tuple(row["size"]): number(1e6 * row["other_s"])
            for row in reversed(mine)
            if (row["what"], row["threads"]) == ("training", 1)
        }
        body.append(["torch's own, µs, training", "1", *(peer.get(x, "–") for x in sizes)])
        body.append(["target", "", *(f"{x:g}" for x in targets.SMALL[family])])
        made.append((SMALL[family], header, body))
    if made:
        about = found.get("small", found["machine"])
        start, end = about["load"]
        said = [
            ["processor", f"{about['processor']}, {about['cores']} cores"],
            ["commit, date", f"`{about['commit']}`, {about['date']}"],
            ["load average (1, 5, 15 min)", f"{start} at the start, {end} at the end"],
        ]
        made.append(("the machine, small batches", ["what", "of this run"], said))
    return made


TABLES: dict[str, Callable[[Found], list[Table]]] = {
    "small": small,
    "ratios": peers,
    "losses": losses,
    "limits": limits,
    "growth": growth,
    "memory": memory,
    "first": first,
    "imports": imports,
    "failed": failed,
    "machine": machine,
}


def tables(found: Found) -> dict[str, list[Table]]:
    """Return the tables of a run by name."""
    return {name: make(found) for name, make in TABLES.items()}
