"""What every page in docs/losses gets when the pages are built: the names of its loss, and sliders.

So a page of a new loss has them too: the names come from the classes, and sliders are there as soon
as `_static/curves.js` has the loss.
"""

from pathlib import Path

import weightedce
import weightedce.keras
import weightedce.torch

BEFORE = "\n## When to use it"
CURVES = (Path(__file__).parent / "_static" / "curves.js").read_text(encoding="utf-8")
SLIDERS = """
## Move it

```{raw} html
<div class="curves" data-loss="NAME"><noscript>The sliders need JavaScript.</noscript></div>
```
"""


def called(name: str) -> str:
    """Say what the loss is called as a function and as an object of PyTorch and Keras."""
    function = getattr(weightedce, name)
    says = [f"the function {{py:func}}`~weightedce.{name}`, for every library"]
    for module, what in ((weightedce.torch, "PyTorch module"), (weightedce.keras, "Keras loss")):
        classes = [x for x in module.__all__ if getattr(module, x).function is function]
        roles = " and ".join(f"{{py:class}}`~{module.__name__}.{x}`" for x in classes)
        if classes:
            says.append(f"the {what}{'es' * (len(classes) > 1)} {roles}")
    return f"\nIts names: {'; '.join(says)}.\n"


def complete(_, docname: str, source: list[str]) -> None:
    """Put the names and the sliders into a page of a loss."""
    folder, _, name = docname.rpartition("/")
    if folder == "losses" and hasattr(weightedce, name):
        sliders = SLIDERS.replace("NAME", name) if f"  {name}: {{" in CURVES else ""
        source[0] = source[0].replace(BEFORE, called(name) + sliders + BEFORE, 1)


def setup(app):
    app.connect("source-read", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
