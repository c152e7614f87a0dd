"""Sphinx configuration: Markdown pages, docstrings through numpydoc, formulas as MathML."""

import sys
from pathlib import Path

import torch
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

import weightedce

sys.path.insert(0, str(Path(__file__).parent))  # for night.py and its neighbours

torch.set_num_threads(1)  # networks of the gallery are too small for more

project = "weightedce"
author = "The weightedce developers"
copyright = "The weightedce developers"
version = release = weightedce.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",  # for its directives; the formulas themselves become MathML
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "cells",
    "loss_pages",
    "night",
]
exclude_patterns = ["_build", "sg_execution_times.rst", "gallery/sg_execution_times.rst"]
myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",  # run every one of them
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib",),
    "show_memory": False,
    "min_reported_time": 1e9,  # how long it took says nothing to a reader
    "remove_config_comments": True,
}

default_role = "py:obj"  # `name` in a docstring is a reference
autodoc_typehints = "none"  # the docstrings say it in words
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"weightedce {release}"
html_static_path = ["_static"]
html_css_files = ["wide.css", "front.css", "curves.css"]
html_js_files = ["curves.js", "draw.js"]
html_search_scorer = str(Path(__file__).parent / "scorer.js")
html_domain_indices = False
html_math_renderer = "mathml"


def every_public_name_is_documented(_, env):
    """Warn, and with -W fail, for each name of ``dir(weightedce)`` without an entry."""
    documented = env.get_domain("py").objects
    for name in dir(weightedce):
        if f"weightedce.{name}" not in documented:
            logging.getLogger(__name__).warning(
                "weightedce.%s is public and has no entry in docs/api/", name
            )


def without_last_empty_lines(_, __, source):
    """Drop the empty line that doctest needs before the end of a block."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def without_members(app, what, *_):
    """Leave out what the loss objects of a framework are made of: they are called, no more."""
    return True if what == "class" and app.env.docname in ("api/keras", "api/torch") else None


def formula(translator, node):
    """Write a formula as MathML, which browsers show by themselves."""
    block = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="formula">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def setup(app):
    app.connect("env-check-consistency", every_public_name_is_documented)
    app.connect("autodoc-skip-member", without_members)
    app.connect("source-read", without_last_empty_lines)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
