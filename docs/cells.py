"""Cells of tables that no screen breaks into towers: they get a width, and code gets joints.

A call in a cell may break after a dot, an underscore, a bracket or a comma, and nowhere else. A
cell with more than a few words is kept wide enough for them; the table scrolls where that does not
fit.
"""

import re

CELL = re.compile(r"<td([^>]*)>(.*?)</td>", re.S)
CODE = re.compile(r'(<span class="pre">)([^<]*)(</span>)')
JOINT = re.compile(r"(?<=[._(,=])(?=\w)")
TITLE = re.compile(r"(<h1>)(.*?)(<a |</h1>)", re.S)
TAG = re.compile(r"<[^>]+>|&\w+;")
LONG = 24  # characters


def jointed(code: re.Match) -> str:
    return code[1] + JOINT.sub("<wbr>", code[2]) + code[3]


def widened(cell: re.Match) -> str:
    attributes, content = cell.groups()
    if len(TAG.sub("", content).strip()) > LONG:
        content = f'<div class="long">{content}</div>'
    return f"<td{attributes}>{CODE.sub(jointed, content)}</td>"


def complete(app, pagename, templatename, context, doctree):
    if "body" in context and not pagename.startswith("_modules"):
        context["body"] = TITLE.sub(jointed, CELL.sub(widened, context["body"]))


def setup(app):
    app.connect("html-page-context", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
