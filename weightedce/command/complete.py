"""What a shell offers when somebody presses Tab."""

from collections.abc import Callable, Iterable

from weightedce.validation import catalog
from weightedce.validation.libraries import NAMES
from weightedce.validation.plan import DTYPES, MODES


def _offering(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    def offered(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return offered


losses = _offering(catalog.losses)
libraries = _offering(lambda: NAMES)
dtypes = _offering(lambda: DTYPES)
modes = _offering(lambda: (*MODES, "all"))
