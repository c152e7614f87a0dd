"""Formulas of docstrings, which are in LaTeX, as a terminal can show them."""

import re

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "Delta": "Δ", "epsilon": "ε", "pi": "π",
    "sigma": "σ", "tau": "τ", "zeta": "ζ", "sum": "Σ", "cdot": "·", "dots": "...", "ge": "≥",
    "le": "≤", "in": "∈", "infty": "∞", "log": "log ", "exp": "exp ", "max": "max", "min": "min",
    "quad": "~", "qquad": "~", "iota": "ι", "lambda": "λ", "mid": "|",
}  # fmt: skip
SIZES = ("bigl", "bigr", "Bigl", "Bigr", "left", "right", "big", "Big")


def readable(latex: str) -> str:
    r"""Return a formula without commands: ``\frac{a}{b}`` is ``(a) / (b)``."""
    text = " ".join(latex.split())
    text = re.sub(r"\\(?:mathrm|mathbf|text|operatorname)\{([^{}]*)\}", r"\1", text)
    text = re.sub(rf"\\(?:{'|'.join(SIZES)})(?![a-z])", "", text)
    text = re.sub(r"\\[,;: !]", " ", text).replace("\\\\", ";  ").replace("&", "")
    text = re.sub(r"\\([a-zA-Z]+)", lambda found: SYMBOLS.get(found[1], found[1]), text)
    for _ in range(3):  # from the innermost outwards
        text = re.sub(r"frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)", text)
        text = re.sub(r"([_^])\{(\S|[a-zA-Z]+)\}", r"\1\2", text)
        text = re.sub(r"([_^])\{([^{}]*)\}", r"\1(\2)", text)
    text = text.replace(r"\{", "{").replace(r"\}", "}").replace("#", "number of ")
    text = re.sub(r" *([)\],])", r"\1", re.sub(r"([(\[]) +", r"\1", re.sub(r" +", " ", text)))
    return re.sub(r" ?~ ?", "   ", text).strip()
