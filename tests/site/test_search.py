"""Search finds guides first."""

import pytest

FIRST = {
    "class weights": ["Which loss?"],
    "imbalanced": ["Which loss?"],
    "threshold": ["Calibration", "Why weights move the decision", "Which loss?"],
    "focal_loss": ["focal_loss"],
    "LightGBM": ["Boosting, and other solvers of second order", "Boosted trees: LightGBM"],
    "install": ["Install"],
}

DONE = "/found|matching/"  # what Sphinx writes when it has looked everywhere


@pytest.mark.parametrize("query", FIRST)
def test_first_result(page, address, query):
    page.goto(f"{address}/search.html?q={query.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function(
        f"() => {DONE}.test(document.querySelector('#search-results p').textContent)"
    )
    titles = page.locator("#search-results li a").all_text_contents()
    assert titles
    assert titles[0] in FIRST[query], titles[:6]
