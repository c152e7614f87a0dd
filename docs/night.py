"""Pictures at night: each picture of a page gets a dark twin, made when the pages are built.

The twin turns lightness round and keeps the hue: c becomes c + 255 - max - min in each channel. So
a picture is drawn once, on white, and this holds for pictures of pages to come.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

PAPER = (19, 20, 22)  # the background of furo's dark pages, where white was
INK = "#ecedee"  # what an SVG leaves uncoloured is black
SHOWN = re.compile(r'<img\b[^>]*?\ssrc="(?:\.\./)*_images/[^"]+\.(?:svg|png)"[^>]*>')
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")


def dark(rgb: np.ndarray) -> np.ndarray:
    """Return colours (..., 3) from 0 to 255 with their lightness turned round."""
    rgb = rgb.astype(float)
    turned = rgb + 255 - rgb.max(axis=-1, keepdims=True) - rgb.min(axis=-1, keepdims=True)
    paper = np.array(PAPER)
    return (paper + turned * (1 - paper / 255)).round().astype(np.uint8)


def dark_svg(text: str) -> str:
    """Turn every colour of an SVG, and the black that it does not name."""

    def turned(colour: re.Match) -> str:
        return "#" + bytes(dark(np.array(list(bytes.fromhex(colour[0][1:]))))).hex()

    text = COLOUR.sub(turned, text).replace("currentColor", INK)
    return text.replace("<svg ", f'<svg fill="{INK}" ', 1)


def write_twin(path: Path) -> None:
    """Write the dark twin beside a picture."""
    twin = twin_of(str(path))
    if path.suffix == ".svg":
        Path(twin).write_text(dark_svg(path.read_text(encoding="utf-8")), encoding="utf-8")
        return
    with Image.open(path) as picture:
        pixels = np.array(picture.convert("RGBA"))
    pixels[..., :3] = dark(pixels[..., :3])
    Image.fromarray(pixels).save(twin)


def twin_of(path: str) -> str:
    """Return where the twin of a picture is."""
    return re.sub(r"\.(svg|png)", r"-night.\1", path)


def show_twins(app, pagename, templatename, context, doctree):
    """Show the twin in place of a picture where the page is dark."""
    if "body" in context:
        context["body"] = SHOWN.sub(pair, context["body"])


def pair(image: re.Match) -> str:
    """Return both images of a picture, of which the theme shows one."""
    light = image[0]
    if "only-" in light:
        return light
    return classed(light, "only-light") + classed(twin_of(light), "only-dark")


def classed(image: str, name: str) -> str:
    """Return an image with one class more."""
    if ' class="' in image:
        return image.replace(' class="', f' class="{name} ', 1)
    return image.replace("<img", f'<img class="{name}"', 1)


def write_twins(app, exception):
    """Write the twin of every picture that pages show."""
    if exception is None and app.builder.format == "html":
        for path in (Path(app.outdir) / "_images").glob("*"):
            if path.suffix in (".svg", ".png") and not path.stem.endswith("-night"):
                write_twin(path)


def setup(app):
    app.connect("html-page-context", show_twins)
    app.connect("build-finished", write_twins)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
