"""Words and folds that every card marks in the same way. Everything is escaped here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from signals.memo.phrases import CALL_SPOKEN
from signals.model import Call

_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_FOUND = re.compile(r"\\[:@]|www", re.IGNORECASE)
NAMED = 6  # of what is folded away, so many are named; a reader opens it for the others


def call_word(call: Call | None) -> str:
    """A call in its colour; empty without one."""
    return f'<b class="{call} word">{CALL_SPOKEN[call]}</b>' if call else ""


def with_code(text: str) -> str:
    """Escaped text in which `words between backticks` are shown as code; backticks around nothing stay as they are."""
    html = escape(text)
    return _CODE.sub(r"<code>\1</code>", html) if html.count("`") % 2 == 0 else html


def plain(text: str) -> str:
    """Text from outside for a label that reads Markdown: nothing in it is a link, a picture, a colour or a sign.

    Addresses and names of signs are looked for after the Markdown was read, where a backslash no longer helps; a joiner
    that nobody sees does.
    """
    escaped = "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!~$:<>|@" else sign for sign in text)
    return _FOUND.sub(lambda found: f"{found[0]}\u2060", escaped)


def linked(href: str, html: str, label: str = "") -> str:
    """HTML that opens an address of ours.

    Args:
        href: As ``links`` makes it; without one the HTML is given back as it is.
        html: Escaped already.
        label: What a screen reader says instead of it.
    """
    if label:  # in the text and not as a label: a voice that is told to press what is written finds it
        html = f'<span class="unseen">{escape(label)}</span><span aria-hidden="true">{html}</span>'
    return f'<a href="{escape(href)}">{html}</a>' if href else html


def folded(lines: Sequence[str], names: Sequence[str] = (), *, role: str = "") -> str:
    """What a card has no room for, behind one line that says how much it is: nothing is left out without a word.

    Args:
        lines: HTML, one per fact; empty without them.
        names: What they are about, as text.
        role: Of the fold's inside, where it continues a list.
    """
    if not lines:
        return ""
    about = list(dict.fromkeys(names))
    said = f": {', '.join(about[:NAMED])}{', …' if len(about) > NAMED else ''}" if about else ""
    inside = f'<div role="{role}">{"".join(lines)}</div>' if role else "".join(lines)
    return f'<details class="more"><summary>and {len(lines)} more{escape(said)}</summary>{inside}</details>'
