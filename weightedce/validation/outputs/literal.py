"""Text that others wrote, printed as it stands: no markup, and no character that commands."""

import unicodedata

# A terminal obeys Cc, XML refuses Cc, Cs and Cn, and Cf turns the line around it.
COMMANDS = frozenset(("Cc", "Cf", "Cn", "Cs", "Zl", "Zp"))
JOINERS = "\u200c\u200d"  # Cf too, and part of words and of emoji


def literal(text: str, keep: str = "") -> str:
    r"""Return ``text`` with what controls, and is not in ``keep``, escaped: ``\x1b``, ``\u202e``.

    What a label file, a path, a column or the exception of a loss holds comes through here on its
    way to a terminal, HTML or XML.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c in keep or c in JOINERS or unicodedata.category(c) not in COMMANDS else _escape(c)
        for c in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
