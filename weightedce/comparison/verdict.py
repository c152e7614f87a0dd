"""What can be said of the scores: which way helped, by how much, and what chance would do."""

import numpy as np

from weightedce.comparison.interval import Difference, apart
from weightedce.comparison.scores import Scores
from weightedce.comparison.trial import Trial
from weightedce.comparison.ways import MOVED, PLAIN, WAYS


def mean_and_spread(measured: list[Scores], name: str, folds: int) -> tuple[float, float]:
    """Return the mean over all folds, and the deviation of the seeds' means."""
    values = np.array([getattr(one, name) for one in measured]).reshape(-1, folds)
    seeds = values.mean(axis=1)
    return float(values.mean()), float(seeds.std(ddof=1)) if len(seeds) > 1 else float("nan")


def difference(trial: Trial, model: str, way: str, other: str) -> Difference:
    """Compare the costs of two ways on the same folds: below 0 is cheaper."""
    ours, theirs = ([x.cost for x in trial.found[model][name]] for name in (way, other))
    return apart(ours, theirs, trial.folds)


def best(trial: Trial, model: str) -> str:
    """Return the way that costs least."""
    found = trial.found[model]
    return min(WAYS, key=lambda way: mean_and_spread(found[way], "cost", trial.folds)[0])


def advised(trial: Trial, model: str) -> str:
    """Return the cheapest way, or the plain one where chance may have made the difference."""
    way = best(trial, model)
    return way if difference(trial, model, way, PLAIN).sure else PLAIN


def sentence(trial: Trial, model: str) -> str:
    """Say what happened, also if nothing helped."""
    way = best(trial, model)
    against = difference(trial, model, way, PLAIN)
    if advised(trial, model) == PLAIN:
        return (
            f"{model}: no way is cheaper than plain cross-entropy beyond what chance does "
            f"(least: {way}, {_interval(against)} a row). Leave the loss as it is."
        )
    found = trial.found[model]
    n = int(trial.aim.counts[trial.table.rare])
    rest = int(trial.aim.counts.sum()) - n

    def said(name: str, of: int) -> str:
        now, before = (mean_and_spread(found[x], name, trial.folds)[0] for x in (way, PLAIN))
        return f"{now * of:.0f} instead of {before * of:.0f} of {of:,}"

    text = (
        f"{model}: {way} costs least, {_interval(against)} a row against plain cross-entropy; "
        f"{said('missed', n)} rare rows are missed, {said('false_alarms', rest)} others are "
        "false alarms."
    )
    if way != MOVED:
        beside = difference(trial, model, way, MOVED)
        text += (
            f" A moved threshold alone does as well as can be told ({_interval(beside)})."
            if not beside.sure
            else f" It is better than a moved threshold ({_interval(beside)})."
        )
    return text


def _interval(difference: Difference) -> str:
    return f"{difference.mean:+.3g} ± {difference.half_width:.2g}"
