"""Put a run into the docs: its JSON, tables and picture. ``python publish.py [JSON]``."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import picture
import small_picture
from tables import Table, tables

SMALL = "small"
FOLDER = Path(__file__).parent.parent / "docs" / "_static" / "bench"


def markdown(table: Table, named: bool) -> str:
    """Return a table in Markdown, with its title if there are more of them."""
    title, header, body = table
    lines = [header, ["---"] * len(header), *body]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"### {title}\n\n{text}" if named else text


def renewed(found: dict[str, Any]) -> dict[str, Any]:
    """Return the run of the docs with the small batches of another one, and their machine."""
    old: dict[str, Any] = json.loads((FOLDER / "bench.json").read_text("utf-8"))
    others = [row for row in old["rows"] if row["section"] != SMALL]
    return old | {"small": found["machine"], "rows": [*found["rows"], *others]}


def main(source: Path) -> None:
    found = json.loads(source.read_text("utf-8"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    if source != FOLDER / "bench.json":
        shutil.copyfile(source, FOLDER / "bench.json")
    for name, some in tables(found).items():
        parts = [markdown(table, named=len(some) > 1) for table in some]
        (FOLDER / f"{name}.md").write_text("\n".join(parts) or "Nothing.\n", "utf-8")
    picture.main(FOLDER / "bench.json")
    small_picture.main(FOLDER / "bench.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "bench.json")
