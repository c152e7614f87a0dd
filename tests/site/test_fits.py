"""Every page fits a phone, a tablet and a desk, by day and by night.

`WEIGHTEDCE_SHOTS=folder` keeps a screenshot of each.
"""

import os
from pathlib import Path

import pytest

from conftest import PAGES

WIDTHS = (390, 768, 1400)
SHOTS = os.environ.get("WEIGHTEDCE_SHOTS")

# What sticks out of the page without a box around it, in the article, that scrolls, by its text.
STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = (e) => {
    for (let p = e; p && !p.matches('article, body'); p = p.parentElement) { // furo's page scrolls
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

# Cells of a table in which a word is broken into a tower of lines, where no joint is.
TOWERS = """() => [...document.querySelectorAll('article td, article th')].flatMap((cell) => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), towers = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of node.data.matchAll(/\\S{5,}/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 2) {
        towers.push(word[0]);
      }
    }
  }
  return towers;
}).slice(0, 3)"""

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
