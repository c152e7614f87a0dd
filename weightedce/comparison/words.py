"""The scores as cells of a table: mean and spread."""

from weightedce.comparison.trial import Trial
from weightedce.comparison.verdict import mean_and_spread

COLUMNS = {  # title: (score, as a share)
    "cost": ("cost", False),
    "missed": ("missed", True),
    "false alarms": ("false_alarms", True),
    "balanced accuracy": ("balanced_accuracy", False),
    "PR-AUC": ("average_precision", False),
    "log loss": ("log_loss", False),
}


def cells(trial: Trial, model: str) -> dict[str, list[str]]:
    """Return by way one text a column: ``.123 ± .004``, the spread that of the seeds."""
    return {
        way: [
            _cell(*mean_and_spread(measured, score, trial.folds), share)
            for score, share in COLUMNS.values()
        ]
        for way, measured in trial.found[model].items()
    }


def _cell(mean: float, spread: float, share: bool) -> str:
    text = f"{mean:.1%}" if share else f"{mean:.3f}"
    if spread != spread:  # of one seed there is none
        return text
    return f"{text} ± {100 * spread:.1f}" if share else f"{text} ± {spread:.3f}"
