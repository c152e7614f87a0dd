"""The blocks of docs/boosting.md run, in one file and in order, and print what the page says."""

from test_quick_starts import DOCS, Page
from test_quick_starts import test_page as check

PAGE = DOCS / "boosting.md"


def test_the_page_on_boosting(tmp_path):
    check(PAGE, Page(), tmp_path)
