"""Cells of tables that no screen breaks into towers: they get a width, and code gets joints.

A call in a cell may break after a dot, an underscore, a bracket or a comma and inside CamelCase,
and nowhere else; a word after an underscore, and a number not from its deviation. A cell with more
than a few words is kept wide enough for them; the table scrolls where that does not fit. On the
whole page long code has the same joints, and an option of a command breaks nowhere.
"""

import re

CELL = re.compile(r"<(t[dh])\b([^>]*)>(.*?)</t[dh]>", re.S)
CODE = re.compile(r'(<span class="pre">)([^<]*)(</span>)')
JOINT = re.compile(r"(?<=[._(,=])(?=\w|&quot;)|(?<=[a-z]{3})(?=[A-Z][a-z]{3})")
TEXT = re.compile(r"(?<=>)[^<]+|^[^<]+")
UNDERSCORE = re.compile(r"(?<=\w_)(?=\w)")
OPTION = re.compile(r'<span class="pre">(?=--\w)')
TITLE = re.compile(r"(<h1>)(.*?)(<a |</h1>)", re.S)
TAG = re.compile(r"<[^>]+>|&\w+;")
LONG = 24  # characters


def jointed(code: re.Match) -> str:
    return code[1] + JOINT.sub("<wbr>", code[2]) + code[3]


def jointed_if_long(code: re.Match) -> str:
    return jointed(code) if len(code[2]) > LONG else code[0]


def widened(cell: re.Match) -> str:
    name, attributes, content = cell.groups()
    if name == "td" and len(TAG.sub("", content).strip()) > LONG:
        content = f'<div class="long">{content}</div>'
    content = content.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")
    content = TEXT.sub(lambda text: UNDERSCORE.sub("<wbr>", text[0]), CODE.sub(jointed, content))
    return f"<{name}{attributes}>{content}</{name}>"


def complete(app, pagename, templatename, context, doctree):
    if "body" in context and not pagename.startswith("_modules"):
        body = CODE.sub(jointed_if_long, CELL.sub(widened, context["body"]))
        body = TITLE.sub(jointed, body)
        context["body"] = OPTION.sub('<span class="pre option">', body)
    for side in ("prev", "next"):
        if context.get(side):
            context[side]["title"] = UNDERSCORE.sub("<wbr>", context[side]["title"])


def setup(app):
    app.connect("html-page-context", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
