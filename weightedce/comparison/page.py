"""One HTML page that needs nothing else: verdict, table, pictures, lines to paste."""

from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from weightedce.comparison import pictures
from weightedce.comparison.trial import Trial
from weightedce.comparison.verdict import advised, sentence
from weightedce.comparison.words import COLUMNS, cells

PICTURES = {
    pictures.costs: "What a loss saves, and what chance alone would do",
    pictures.mistakes: "Missed rare rows against false alarms: most ways slide along one curve",
    pictures.curves: "Precision against recall: how rows are ranked, at any threshold",
    pictures.reliability: "Weights bend the probabilities, and are taken out again",
}


def write(trial: Trial, path: Path, pasted: dict[str, str]) -> None:
    """Write the page; ``pasted`` has the lines of the best way of each model."""
    environment = Environment(
        loader=PackageLoader("weightedce.comparison", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["zipped"] = lambda numbers, names: list(zip(names, numbers, strict=True))
    sections = [
        {
            "model": model,
            "sentence": sentence(trial, model),
            "best": advised(trial, model),
            "rows": cells(trial, model),
            "pasted": pasted[model],
            "pictures": [(title, Markup(draw(trial, model))) for draw, title in PICTURES.items()],
        }
        for model in trial.found
    ]
    text = environment.get_template("page.html.j2").render(
        trial=trial, table=trial.table, sections=sections, columns=COLUMNS
    )
    path.write_text(text + "\n", encoding="utf-8")
