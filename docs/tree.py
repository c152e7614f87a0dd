"""Draw the decision tree of "Which loss?": `python docs/tree.py`, which `nox -s pictures` runs too.

Narrow enough for a phone. In the page the SVG stands as text, so its ink is the page's own and its
answers are links.
"""

from html import escape
from pathlib import Path

QUESTIONS = (  # (question, what to do where the answer is yes, the pages to go to)
    (
        "Do you know what a mistake costs?",
        "train plainly or weigh by cost, decide by",
        {"cost_threshold": "calibration", "expected_cost": "losses/expected_cost"},
    ),
    (
        "Must a recall hold, such as 95 %?",
        "weights that are found in training",
        {
            "constrained_binary_cross_entropy": "constraints",
            "constrained_cross_entropy": "constraints",
        },
    ),
    (
        "Is the aim a score of the whole set, such as F1?",
        "a ratio of soft counts, in large batches",
        {
            "recall_specificity_loss": "losses/recall_specificity_loss",
            "f_beta_loss": "losses/f_beta_loss",
            "tversky_loss": "losses/tversky_loss",
            "dice_loss": "losses/dice_loss",
        },
    ),
    (
        "May labels be wrong?",
        "a bounded loss",
        {"generalized_cross_entropy": "losses/generalized_cross_entropy"},
    ),
    (
        "Many labels a row, few of them positive?",
        "drop the easy negatives",
        {
            "asymmetric_loss": "losses/asymmetric_loss",
            "distribution_balanced_loss": "losses/distribution_balanced_loss",
        },
    ),
    (
        "Does the model fit every training example?",
        "a margin, where weights fade",
        {
            "logit_adjusted_cross_entropy": "losses/logit_adjusted_cross_entropy",
            "ldam_cross_entropy": "losses/ldam_cross_entropy",
        },
    ),
    (
        "Do the logits fill the memory?",
        "never hold them all",
        {"linear_cross_entropy": "losses/linear_cross_entropy"},
    ),
    (
        "Are nearly all examples easy?",
        "let the hard ones decide",
        {"focal_loss": "losses/focal_loss", "binary_focal_loss": "losses/binary_focal_loss"},
    ),
)
LAST = (
    "Then start with weights from your counts:",
    {
        "cross_entropy": "losses/cross_entropy",
        "binary_cross_entropy": "losses/binary_cross_entropy",
    },
)
WIDTH, LINE, BOX, GAP, INDENT = 380, 19, 30, 16, 40
LINK = 'fill="#2a6fdb" font-family="monospace"'


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="currentColor"{more}>{escape(words)}</text>'


def box(y: float, words: str) -> str:
    """Return a question in its frame."""
    size = f'x="4" y="{y}" width="{WIDTH - 8}" height="{BOX}"'
    frame = f'<rect {size} rx="8" fill="none" stroke="#888888"/>'
    return frame + text(16, y + 20, words, ' font-weight="bold"')


def links(y: float, pages: dict[str, str]) -> str:
    return "".join(
        f'<a href="{page}.html"><text x="{INDENT + 40}" y="{y + i * LINE}" {LINK}>{name}</text></a>'
        for i, (name, page) in enumerate(pages.items())
    )


def drawn() -> str:
    parts, y = [], 6.0
    for question, advice, pages in QUESTIONS:
        parts += [box(y, question), text(INDENT, y + BOX + LINE, f"yes → {advice}")]
        parts.append(links(y + BOX + 2 * LINE, pages))
        below = y + BOX + (1.5 + len(pages)) * LINE + GAP
        parts.append(f'<path d="M20 {y + BOX}V{below + 8}" stroke="#888888" fill="none"/>')
        parts.append(text(26, below + 1, "no"))
        y = below + 8
    question, pages = LAST
    parts += [box(y, question), links(y + BOX + LINE, pages)]
    height = y + BOX + (len(pages) + 0.6) * LINE
    style = 'font-family="sans-serif" font-size="13.5" role="img" aria-label="Which loss?"'
    style += ' style="max-width: 100%; height: auto"'
    view = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}"'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {view} {style}>', *parts, "</svg>", ""]
    )


if __name__ == "__main__":
    path = Path(__file__).parent / "_static" / "which-loss.svg"
    path.write_text(drawn(), encoding="utf-8")
