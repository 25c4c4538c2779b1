"""How servers hand out a long list: by a cursor or token that each page gives for the next one, or by page numbers.

A strategy asks for one page after the other and never for ever: a cursor that comes again, a page that comes again and
a list without an end are refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signals.model import SignalsError

MAX_PAGES = 100_000
REPORT = "Try again; when it stays so, report it to the maker of the server"

Row = Mapping[str, Any]
Answer = Any
Rows = Callable[[Answer], Sequence[Row]]


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and where the rest begins: None after the last page."""

    rows: Sequence[Row]
    following: str | None


def by_cursor(
    ask: Callable[[str | None], Answer],
    rows: Rows,
    following: Callable[[Answer], Any],
    *,
    start: str | None = None,
    what: str = "the list",
) -> Iterator[Page]:
    """Pages that each say where the next one begins: cursors, and page tokens, which are the same thing.

    Args:
        ask: Gets one answer; None asks for the first page.
        rows: Of an answer.
        following: The cursor in an answer; nothing or an empty text ends the list.
        start: Where to begin: a cursor that an earlier call gave.
        what: What is listed, for messages.

    Raises:
        SignalsError: When a cursor comes again, or there is no end.
    """
    seen = {start}
    cursor = start
    for _ in range(MAX_PAGES):
        answer = ask(cursor)
        said = following(answer)
        cursor = str(said) if said not in (None, "") else None
        if cursor is not None and cursor in seen:
            raise SignalsError(f"{what}: the server gives the same page cursor again, so the list never ends", REPORT)
        seen.add(cursor)
        yield Page(rows(answer), cursor)
        if cursor is None:
            return
    raise SignalsError(f"{what}: more than {MAX_PAGES:,} pages", "Select fewer rows with the source's keys")


def by_number(
    ask: Callable[[int], Answer],
    rows: Rows,
    *,
    last: Callable[[Answer], int | None],
    size: int,
    start: str | None = None,
    first: int = 1,
    step: int = 1,
    what: str = "the list",
) -> Iterator[Page]:
    """Pages by number, or rows by offset (``first=0, step=size``).

    Args:
        ask: Gets the answer of one page number (or offset).
        rows: Of an answer.
        last: The number of the last page, when the answer says so; else one with fewer rows than ``size`` is the last.
        size: Rows per page, as asked for.
        start: Where to begin, as a page said in ``following``.
        first: The number of the first page.
        step: From one page's number to the next.
        what: What is listed, for messages.

    Raises:
        SignalsError: When the same page comes again, or there is no end.
    """
    number = first if start is None else int(start)
    before = b""
    for _ in range(MAX_PAGES):
        answer = ask(number)
        found, end = rows(answer), last(answer)
        done = len(found) < size if end is None else number >= end
        digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode("utf-8", "surrogatepass")).digest()
        if found and digest == before:
            raise SignalsError(f"{what}: the server gives the same page again, so the list never ends", REPORT)
        before = digest
        number += step
        yield Page(found, None if done or not found else str(number))
        if done or not found:
            return
    raise SignalsError(f"{what}: more than {MAX_PAGES:,} pages", "Select fewer rows with the source's keys")


def by_offset(
    ask: Callable[[int], Answer], rows: Rows, *, start: str | None = None, what: str = "the list"
) -> Iterator[Page]:
    """Rows by offset, until a page is empty: a server may hand out fewer rows than it was asked for.

    Args:
        ask: Gets the answer that begins with the row of that number, from 0.
        rows: Of an answer.
        start: Where to begin, as a page said in ``following``.
        what: What is listed, for messages.

    Raises:
        SignalsError: When the same page comes again, or there is no end.
    """
    offset = 0 if start is None else int(start)
    before = b""
    for _ in range(MAX_PAGES):
        found = rows(ask(offset))
        digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode("utf-8", "surrogatepass")).digest()
        if found and digest == before:
            raise SignalsError(f"{what}: the server gives the same page again, so the list never ends", REPORT)
        before = digest
        offset += len(found)
        yield Page(found, str(offset) if found else None)
        if not found:
            return
    raise SignalsError(f"{what}: more than {MAX_PAGES:,} pages", "Select fewer rows with the source's keys")
