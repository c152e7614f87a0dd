"""Every page fits a phone, a tablet and a desk, by day and by night.

`WEIGHTEDCE_SHOTS=folder` keeps a screenshot of each.
"""

import os
from pathlib import Path

import pytest

from conftest import PAGES

WIDTHS = (390, 768, 1400)
SHOTS = os.environ.get("WEIGHTEDCE_SHOTS")

# What sticks out of the page without a box around it that scrolls, by its text.
STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = (e) => {
    for (let p = e; p && p !== document.body; p = p.parentElement) {
      const style = getComputedStyle(p);
      if (style.position === 'fixed' || /auto|scroll|hidden/.test(style.overflowX)) return true;
    }
    return false;
  };
  const out = [...document.querySelectorAll('article *, header *, footer *')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && (box.right > wide + 1 || box.left < -1) && !scrolls(e);
  }).slice(0, 3).map((e) => `${e.tagName}: ${e.textContent.trim().slice(0, 60)}`);
  const scroll = document.documentElement.scrollWidth;
  return scroll > wide ? [`scrolls to ${scroll}`, ...out] : out;
}"""

# Cells of a table that break a word of code into a tower of at least five lines.
TOWERS = """() => [...document.querySelectorAll('article td, article th')].filter((e) => {
  const line = parseFloat(getComputedStyle(e).lineHeight) || 24;
  const words = e.textContent.trim().split(/\\s+/).length;
  return e.getClientRects().length && e.clientHeight / line > 5 + words;
}).slice(0, 3).map((e) => e.textContent.trim().slice(0, 60))"""

# Pictures that stay white at night: shown, without a dark twin.
WHITE = """() => [...document.querySelectorAll('article img')].filter(
  (e) => e.offsetParent && !e.classList.contains('only-dark')).map((e) => e.src)"""
BROKEN = """async () => {
  const images = [...document.querySelectorAll('article img')];
  images.forEach((e) => { e.loading = 'eager'; });
  await Promise.all(images.map((e) => e.decode().catch(() => 0)));
  return images.filter((e) => e.offsetParent && !e.naturalWidth).map((e) => e.src);
}"""


@pytest.mark.parametrize("name", PAGES)
def test_page_fits(page, address, name):
    found = []
    page.goto(f"{address}/{name}")
    found += [("broken", image) for image in page.evaluate(BROKEN)]
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        if theme == "dark":
            found += [("white at night", image) for image in page.evaluate(WHITE)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += [(width, theme, what) for what in page.evaluate(STICKS_OUT)]
            found += [(width, theme, "tower", what) for what in page.evaluate(TOWERS)]
            if SHOTS:
                shot = f"{name.removesuffix('.html').replace('/', '-')}-{width}-{theme}.png"
                page.screenshot(path=Path(SHOTS) / shot, full_page=True)
    assert not found
