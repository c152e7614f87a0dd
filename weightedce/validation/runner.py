"""Runs a plan in processes of its own, and puts the report together."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from weightedce.validation import catalog, grid
from weightedce.validation.cells import UNSUPPORTED, Cell
from weightedce.validation.libraries import Library, installed
from weightedce.validation.peers import PEERS
from weightedce.validation.plan import Plan, Task
from weightedce.validation.report import Report, versions


def validate(
    plan: Plan,
    *,
    jobs: int = 0,
    asked: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Compare everything that a plan names.

    Parameters
    ----------
    plan : Plan
        What to compare.
    jobs : int
        Processes to work in; 0: in this one.
    asked : tuple of str
        Libraries that must be there.
    progress : callable
        Called with how many tasks are done, and of how many.

    Returns
    -------
    Report
        The same one for the same plan and versions, except for its ``seconds``.
    """
    start = time.monotonic()
    tasks = plan.tasks()  # drawn before any library is imported: what is drawn depends on nothing
    progress = progress or _no_progress
    progress(0, len(tasks))
    cells = []
    if jobs:
        results = _in_processes(tasks, jobs, plan, progress)
        present, absent = next(results)
        for found in results:
            cells += found
    else:
        present, absent = presence(plan)
        for done, task in enumerate(tasks, 1):
            cells += work(task)
            progress(done, len(tasks))
    return Report(
        cells,
        plan.to_dict(),
        present | absent,
        _problems(plan, cells, absent, asked),
        versions(),
        round(time.monotonic() - start, 1),
    )


def _no_progress(done: int, total: int) -> None:
    """Show nothing."""


def work(task: Task) -> list[Cell]:
    """Return the cells of one task, in every library and mode of its plan."""
    libraries, _ = _libraries(task.plan.libraries, task.plan.device)
    cells = []
    groups = task.groups()
    names = dict.fromkeys(group.call for group in groups)
    calls = [[group for group in groups if group.call == name] for name in names]
    for library in _of_task(task, libraries):
        for mode in library.modes:
            if task.plan.takes_mode(mode, library.slow):
                for same in calls:
                    cells += grid.run(same, library, mode)
    return [cell for cell in cells if cell.comparisons or cell.bad or cell.status == UNSUPPORTED]


def presence(plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
    """Return the versions of the libraries that are there, and why the others are not."""
    libraries, absent = _libraries(plan.libraries, plan.device)
    present = {name: library.version for name, library in libraries.items()}
    if plan.peers:
        for package in sorted({peer.package for peer in PEERS.values() if peer.package}):
            if find_spec(package) is None:
                absent[package] = "not installed"
            else:
                present[package] = metadata.version(package)
    return present, absent


def _of_task(task: Task, libraries: dict[str, Library]) -> list[Library]:
    if task.kind == "loss":
        return list(libraries.values())
    peer = PEERS[task.name]
    if peer.package and find_spec(peer.package) is None:
        return []
    name = _keras_backend() if peer.library == "keras" else peer.library
    return [libraries[name]] if name in libraries else []


def _keras_backend() -> str:
    return str(import_module("keras").backend.backend())


@cache
def _libraries(names: tuple[str, ...], device: str) -> tuple[dict[str, Library], dict[str, str]]:
    return installed(names, device)


def _problems(
    plan: Plan, cells: list[Cell], absent: dict[str, str], asked: tuple[str, ...]
) -> list[str]:
    """Return what fails a run besides its cells."""
    if not any(cell.comparisons for cell in cells if cell.kind == "loss"):
        reasons = "; ".join(f"{name}: {why}" for name, why in absent.items())
        return [f"nothing was compared{f' ({reasons})' if reasons else ''}"]
    found = [f"{name}: {absent[name]}" for name in asked if name in absent]
    found += [
        f"{loss}: no definition in the oracle, so nothing is known about it"
        for loss in catalog.undefined()
        if not plan.losses or loss in plan.losses
    ]
    return found


def _in_processes(
    tasks: list[Task],
    jobs: int,
    plan: Plan,
    progress: Callable[[int, int], None],
) -> Iterator[Any]:
    """Yield what is present, then the cells of each task in order."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(
            jobs,
            multiprocessing.get_context("spawn"),
            initializer=_quiet,
            initargs=(folder,),
        ) as pool,
    ):
        first = pool.submit(presence, plan)
        futures = [pool.submit(work, task) for task in tasks]
        try:
            yield first.result()
            for done, _ in enumerate(as_completed(futures), 1):
                progress(done, len(tasks))
            for future in futures:
                yield future.result()
        except BrokenProcessPool:
            said = [path.read_text(errors="replace") for path in Path(folder).iterdir()]
            last = " / ".join(text.strip().splitlines()[-1] for text in said if text.strip())
            raise RuntimeError(
                f"a worker process died; try --jobs 1 and one --library at a time to see which "
                f"library it was; it last said: {last or 'nothing'}"
            ) from None


def _quiet(folder: str) -> None:
    """Send what libraries log, from C++ too, to a file: it would run through the progress bar."""
    log = Path(folder) / f"{os.getpid()}.txt"
    handle = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
