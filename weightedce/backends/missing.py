"""What to install where a library is missing: said in one line, wherever it is first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

EXTRAS = {  # what is imported: the extra of ours that brings it
    "torch": "torch",
    "jax": "jax",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "pyarrow": "parquet",
    **dict.fromkeys(("hypothesis", "jinja2", "mpmath", "rich", "typer"), "validation"),
    **dict.fromkeys(("matplotlib", "pandas", "scipy", "sklearn"), "compare"),
}


@contextmanager
def needed_by(what: str) -> Iterator[None]:
    """Say what to install if the imports inside fail for the lack of it; the ``name`` is kept.

    Raises
    ------
    ModuleNotFoundError
        Which names ``what``, the library, and the command that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:  # of a broken installation, or a fault of ours
            raise
        command = f"pip install 'weightedce[{EXTRAS[error.name]}]'"
        message = f"{what} needs {error.name}: {command}"
        raise ModuleNotFoundError(message, name=error.name) from None
