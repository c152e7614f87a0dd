"""What to compare: which losses, libraries, modes, dtypes, how many drawn batches."""

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from typing import Any

from weightedce.validation import catalog, hard_points, oracle, peers, strategies
from weightedce.validation.cases import Case
from weightedce.validation.libraries import KINDS, NAMES
from weightedce.validation.problems import CaseProblem, Group

DTYPES = ("float64", "float32", "bfloat16")
DRAWN_ROWS = 16
MODES = tuple(dict.fromkeys(mode for kind in KINDS for mode in kind.modes))


@dataclass(frozen=True)
class Plan:
    """The options of a run.

    Parameters
    ----------
    libraries, losses, dtypes : tuple of str
        What to compare; losses by name.
    modes : tuple of str
        Names of modes, ``"all"``, or nothing for those whose compilers are quick.
    device : str
        ``"cpu"``, or what the libraries call their accelerator.
    examples : int
        Batches to draw for each set of options of each loss, besides the fixed ones.
    seed : int
        Of the drawn batches.
    tolerance : float, optional
        Allowed ulp in place of 8; all other limits keep their proportion to it.
    peers : bool
        Compare the libraries' own functions of the same meaning as well.
    """

    libraries: tuple[str, ...] = NAMES
    losses: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DTYPES
    modes: tuple[str, ...] = ()
    device: str = "cpu"
    examples: int = 2
    seed: int = 0
    tolerance: float | None = None
    peers: bool = False

    def __post_init__(self) -> None:
        known("--library", self.libraries, NAMES)
        known("--loss", self.losses, tuple(catalog.losses()))
        known("--dtype", self.dtypes, DTYPES)
        known("--mode", self.modes, (*MODES, "all"))
        if self.examples < 0:
            raise ValueError(f"--examples: expected 0 or more, got {self.examples}")
        if self.tolerance is not None and not self.tolerance > 0:
            raise ValueError(f"--tolerance: expected more than 0 ulp, got {self.tolerance:g}")

    def takes_mode(self, mode: str, slow: Iterable[str]) -> bool:
        """Return whether to run a mode, given which modes of its library are slow."""
        if not self.modes:
            return mode not in slow
        return "all" in self.modes or mode in self.modes

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain values."""
        return asdict(self)

    def tasks(self) -> list["Task"]:
        """Return the work, in the order of the report, with all batches drawn."""
        defined = set(catalog.losses()) - set(catalog.undefined())
        losses = [name for name in self.losses or catalog.losses() if name in defined]
        tasks = []
        for loss in losses:
            drawn = {
                name: self._draw(loss, name, case)
                for name, case in hard_points.cases(loss).items()
                if name.startswith(hard_points.FULL)
            }
            tasks += [Task(self, "loss", loss, dtype, drawn) for dtype in self.dtypes]
        if self.peers:
            tasks += [
                Task(self, "peer", name, dtype, {})
                for name, peer in peers.PEERS.items()
                if not self.losses or peer.loss in self.losses
                for dtype in self.dtypes
                if dtype != "bfloat16"  # what a peer promises there, it does not say
            ]
        return tasks

    def _draw(self, loss: str, name: str, case: Case) -> list[Case]:
        """Draw batches; the simplest one, which hypothesis tries first, is left out."""
        if not self.examples:
            return []
        seed = zlib.crc32(f"{loss} {name} {self.seed}".encode())
        return strategies.drawn(strategies.like(case, DRAWN_ROWS), self.examples + 1, seed)[1:]


@dataclass(frozen=True)
class Task:
    """One function in one dtype: what a process works on at a time."""

    plan: Plan
    kind: str  # "loss" or "peer"
    name: str
    dtype: str
    drawn: dict[str, list[Case]]

    def groups(self) -> list[Group]:
        """Return the batches, laid out so that few of them must be compiled."""
        if self.kind == "peer":
            return peers.PEERS[self.name].groups(self.dtype, self.plan.tolerance)
        groups = []
        for name, case in hard_points.cases(self.name).items():
            rows = 0 if self.name in oracle.MULTICLASS else hard_points.ROWS
            rows = max(rows, len(case.logits)) if case.mask is not None else 0
            batches = {f"fixed, {name}": case}
            batches |= {f"drawn {i}, {name}": x for i, x in enumerate(self.drawn.get(name, ()), 1)}
            problems = [
                CaseProblem(title, batch.rounded(self.dtype), rows, self.plan.tolerance)
                for title, batch in batches.items()
            ]
            reach = hard_points.reach(name, self.dtype)
            groups.append(self._group(problems, reach))
            if name == hard_points.FINITE and "reduction" in problems[0].constants():
                summed = [replace(x, name=f"{x.name}, summed", reduction="sum") for x in problems]
                groups.append(replace(self._group(summed, reach), orders=(1,)))
        return groups

    def _group(self, problems: list[CaseProblem], reach: str) -> Group:
        function = problems[0].function
        return Group(self.name, self.name, problems, function, self.dtype, reach=reach)


def known(option: str, given: Iterable[str], names: Iterable[str]) -> None:
    """Refuse what is no name, and say which may be meant."""
    for name in given:
        if name not in names:
            begun = [x for x in names if name and x.startswith(name.lower())]
            near = begun or get_close_matches(name.lower(), names, 1, cutoff=0.5)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{option}: expected one of {', '.join(names)}, got {name!r}{meant}")
