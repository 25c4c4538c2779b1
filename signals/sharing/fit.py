"""What makes a text fit where the length is limited: cut at a word, whole lines left out, never in silence."""

from __future__ import annotations

from collections.abc import Sequence

from signals.words import clean, count

NAME = 120
"""Characters of a name that came from outside: of a release, a signal, a person."""
SENTENCE = 1_000
"""Characters of a sentence that holds such names."""


def short(text: object, most: int = SENTENCE) -> str:
    """Text on one line, cut at a word where it is longer than ``most`` characters, with an ellipsis."""
    words = clean(text)
    if size(words) <= most:
        return words
    head = words.encode("utf-16-le")[: 2 * (most - 1)].decode("utf-16-le", "ignore")
    start = head.rfind(" ")
    return f"{head[:start] if start > len(head) // 2 else head}…"


def sentences(*clauses: object) -> str:
    """Clauses as sentences, one after the other: each with a capital and a full stop; empty ones are left out."""
    return " ".join(_sentence(clean(clause)) for clause in clauses if clause)


def _sentence(text: str) -> str:
    first = text.partition(" ")[0]
    head = text[:1] if "." in first.rstrip(".") else text[:1].upper()  # conversion.segments is a name
    return f"{head}{text[1:]}{'' if text[-1:] in '.!?…' else '.'}"


def name(text: object) -> str:
    """A name, cut to ``NAME`` characters."""
    return short(text, NAME)


def size(text: str) -> int:
    """Length as the services count it: what lies beyond the basic plane counts twice."""
    return len(text.encode("utf-16-le")) // 2


def within(lines: Sequence[str], most: int, left: str) -> list[str]:
    """As many lines as fit, from the first on.

    Args:
        lines: Each without its line break.
        most: Characters that they may have together, line breaks included.
        left: The last line when some do not fit; ``{}`` in it is how many.
    """
    total = sum(size(line) + 1 for line in lines)
    if total <= most:
        return list(lines)
    kept: list[str] = []
    room = most - size(left) - 12
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        kept.append(line)
    return [*kept, left.format(count(len(lines) - len(kept)))]
