"""Whether making one signal better can make the call worse, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from signals.model import SignalsError
from signals.policy.rules import Policy
from signals.workbench.lint.books import Book, loc_of, titled
from signals.workbench.lint.monotone import Worse, worse
from signals.workbench.lint.rules import Found
from signals.workbench.situations.effort import WORK, TooLargeError, effort
from signals.workbench.situations.phrases import phrase

_SHARE = WORK // 4
"""What one signal may take of the whole look."""


def not_monotone(policy: Policy, books: tuple[Book, ...]) -> Iterator[Found]:
    """One finding for each signal that had better not get better, with the shortest example."""
    for signal in policy.signals:
        for book in books:
            if signal not in book.space.levels:
                continue
            try:
                with effort(_SHARE):
                    found = worse(book.space, book.verdict, signal)
            except (SignalsError, TooLargeError):
                what = f"whether a better {signal} can make the call worse was not looked at"
                yield Found("too-entangled", ("signals", signal), what, "too many of its facts hang together")
                break
            if found is not None:
                yield _said(book, found)
                break


def _said(book: Book, found: Worse) -> Found:
    early, late = found.answers
    names = titled(book.rules)
    held = f"with {phrase(book.space, _box(found.held))}, " if found.held else ""
    kind = f" of kind {book.kind}" if book.kind else ""
    why = (
        f"{held}a release{kind} where {phrase(book.space, _box(found.before))} is decided {early.call} by "
        f"{names[early.rule]}; where {phrase(book.space, _box(found.after))}, {late.call} by {names[late.rule]}"
    )
    return Found("not-monotone", loc_of(late.rule), f"making {found.signal} better can make the call worse", why)


def _box(values: Mapping[int, int]) -> dict[int, tuple[int, ...]]:
    return {level: (value,) for level, value in values.items()}
