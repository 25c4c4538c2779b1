"""Two edits of one text joined line by line, or not at all.

The method is the one of diff3 (Khanna, Kunal and Pierce 2007, "A formal investigation of diff3"): lines that both edits
kept are where the three texts meet, and between two meetings whoever changed something is followed. Edits that touch
the same lines, or lines next to each other, are nobody's to join: there is no merged text then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

MOST_PAIRS = 2_000_000
"""Pairs of equal lines that are compared: beyond it (thousands of equal lines) matching would take seconds."""


def merge(base: str, mine: str, theirs: str) -> str | None:
    """Both edits of ``base`` in one text; None when they touch the same lines.

    Line ends are part of the lines, so each keeps its own.
    """
    if theirs in (mine, base):
        return mine
    if mine == base:
        return theirs
    lines = [text.splitlines(keepends=True) for text in (base, mine, theirs)]
    if any(_pairs(lines[0], other) > MOST_PAIRS for other in lines[1:]):
        return None
    joined: list[str] = []
    for old, ours, other in _chunks(*lines):
        if other in (ours, old):
            joined += ours
        elif ours == old:
            joined += other
        else:
            return None
    return "".join(joined)


def _pairs(one: Sequence[str], other: Sequence[str]) -> int:
    counts = Counter(other)
    return sum(counts[line] for line in one)


def _chunks(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str], Sequence[str]]]:
    """The three texts in parts that belong together: those between lines that both edits kept, and those lines."""
    in_mine, in_theirs = _kept(base, mine), _kept(base, theirs)
    at = (0, 0, 0)
    for number in range(len(base) + 1):
        end = number == len(base)
        if not end and (number not in in_mine or number not in in_theirs):
            continue
        meets = (number, len(mine), len(theirs)) if end else (number, in_mine[number], in_theirs[number])
        yield base[at[0] : meets[0]], mine[at[1] : meets[1]], theirs[at[2] : meets[2]]
        if not end:
            yield (kept := base[number : number + 1]), kept, kept
        at = (meets[0] + 1, meets[1] + 1, meets[2] + 1)


def _kept(base: Sequence[str], edited: Sequence[str]) -> dict[int, int]:
    """Lines of ``base`` that the edit kept: their number there -> their number in the edit."""
    matcher = SequenceMatcher(None, base, edited, autojunk=False)
    return {block.a + step: block.b + step for block in matcher.get_matching_blocks() for step in range(block.size)}
