"""docs/study.md: the page is a template, and every number in it is read from the results."""

from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from study import plan, ranks, tables
from study.trainings import TRAININGS

TITLES = {
    "balanced_accuracy": "Balanced accuracy",
    "balanced_accuracy_moved": "Balanced accuracy, every threshold moved",
    "average_precision": "PR-AUC",
    "log_loss": "Log loss",
    "cost": "Cost",
}


def text(results: pd.DataFrame) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown
    )
    environment.filters["and"] = listed
    binary = results[results["classes"] == 2].drop_duplicates("table")
    classes = results[results["classes"] > 2].drop_duplicates("table")
    return environment.get_template("page.md.j2").render(
        found={
            score: {model: ranks.compared(results, score, model) for model in plan.MODELS}
            for score in TITLES
        },
        several=several(results),
        each=each(results),
        titles=TITLES,
        trainings=TRAININGS,
        binary=binary,
        classes=classes,
        plan=plan,
        tables=tables,
        level=ranks.LEVEL,
        moved=ranks.MOVED,
    )


def listed(names: list[str]) -> str:
    """Return names as a sentence has them."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def several(results: pd.DataFrame) -> list[dict[str, Any]]:
    """Return mean ranks and means of the tables with more classes, the network's best first."""
    found = {m: ranks.values(results, "balanced_accuracy", m, binary=False) for m in plan.MODELS}
    lines = []
    for name in found["network"]:
        line: dict[str, Any] = {"name": name, "booster": None}
        for model, values in found.items():
            if name in values:
                line[model] = values[name].mean()
                line[f"{model}_rank"] = values.rank(axis=1, ascending=False)[name].mean()
        lines.append(line)
    return sorted(lines, key=lambda line: line["network_rank"])


def each(results: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a line for each table, by the network's balanced accuracy."""
    lines = []
    for binary in (True, False):
        values = ranks.values(results, "balanced_accuracy", "network", binary)
        for table, row in values.iterrows():
            about = results[results["table"] == table].iloc[0]
            others = row.drop(["plain", ranks.MOVED])
            lines.append(
                {
                    "table": table,
                    "rows": int(about["rows"]),
                    "rare": int(about["rare"]),
                    "plain": row["plain"],
                    "moved": row[ranks.MOVED],
                    "weighted": row["weighted"],
                    "adjusted": row["logit-adjusted"],
                    "best": others.max(),
                    "name": others.idxmax(),
                }
            )
    return lines
