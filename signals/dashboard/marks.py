"""Words that every card marks in the same way. Everything is escaped here."""

from __future__ import annotations

from html import escape

from signals.memo.phrases import CALL_SPOKEN
from signals.model import Call


def call_word(call: Call | None) -> str:
    """A call in its colour; empty without one."""
    return f'<b class="{call} word">{CALL_SPOKEN[call]}</b>' if call else ""


def with_code(text: str) -> str:
    """Escaped text in which `words between backticks` are shown as code."""
    parts = escape(text).split("`")
    whole = len(parts) % 2 == 1
    return "".join(f"<code>{part}</code>" if place % 2 and whole else part for place, part in enumerate(parts))
