"""Sources that are read row by row: one ``Line`` per row, with texts, numbers and the time already parsed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signals.connectors.base import Tally
from signals.connectors.cells import LAST_YEAR, Cells, zone_fault
from signals.connectors.shapes import segment_dimensions
from signals.model import Segment

BATCH = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EMPTY_SEGMENT = "(empty)"
TIMES = ("at", "made")


@dataclass(frozen=True, slots=True)
class Line:
    """One row. ``number`` holds the parsed numeric fields; None where the text is empty or no number."""

    place: str
    text: Mapping[str, str | None]
    number: Mapping[str, float | None]
    segment: Segment
    at: datetime | None
    bad_time: str | None  # the field that holds text which is no time
    made: datetime | None = None


def stream(cells: Cells, tally: Tally, numeric: tuple[str, ...], *, by_time: bool = False) -> Iterator[Line]:
    """The rows of the source in file order, or by time.

    Args:
        cells: The open source.
        tally: Counts the rows read.
        numeric: The fields to parse as numbers.
        by_time: Order by ``at`` (empty last), then file order.

    Raises:
        SignalsError: When times have no zone and the source declares none.
    """
    dimensions = segment_dimensions(cells.source.map)
    fields = [field for field in cells.shape.fields if cells.has(field)]
    numbers = [field for field in numeric if cells.has(field)]
    timed = cells.has("at")
    times = [cells.micros(field) if cells.has(field) else ("NULL", "false") for field in TIMES]
    selected = [
        "f", "r",
        *(f"{micros} AS us{n}, {naive} AS naive{n}" for n, (micros, naive) in enumerate(times)),
        *(f"{cells.text(field)} AS t{n}" for n, field in enumerate(fields)),
        *(f"{cells.text(f'segment.{name}')} AS s{n}" for n, name in enumerate(dimensions)),
        *(f"{cells.number(field)} AS n{n}" for n, field in enumerate(numbers)),
    ]  # fmt: skip
    order = " ORDER BY us0 NULLS LAST, f, r" if by_time and timed else ""
    sql = f"SELECT {', '.join(selected)} FROM rows WHERE {cells.where()}{order}"  # noqa: S608  (cells quotes everything)
    cursor = cells.rows.connection.execute(sql)
    first_text, first_segment = 6, 6 + len(fields)
    first_number = first_segment + len(dimensions)
    while batch := cursor.fetchmany(BATCH):
        for row in batch:
            tally.rows_read += 1
            text = dict(zip(fields, row[first_text:first_segment], strict=True))
            moments: list[datetime | None] = []
            bad_time = None
            for field, us, naive in zip(TIMES, row[2:6:2], row[3:6:2], strict=True):
                if naive:
                    raise zone_fault(cells.source.map[field], cells.rows.place(row[0], row[1]), str(text[field]))
                good = us is not None and 0 <= us <= LAST_YEAR
                moments.append(EPOCH + timedelta(microseconds=us) if good else None)
                if not good and text.get(field) is not None:
                    bad_time = bad_time or field
            yield Line(
                place=cells.rows.place(row[0], row[1]),
                text=text,
                number=dict(zip(numbers, row[first_number:], strict=True)),
                segment=tuple(
                    (name, EMPTY_SEGMENT if value is None else value)
                    for name, value in zip(dimensions, row[first_segment:first_number], strict=True)
                ),
                at=moments[0],
                bad_time=bad_time,
                made=moments[1],
            )


def missing(line: Line, fields: tuple[str, ...]) -> str | None:
    """The reason to set the line aside when one of the fields is empty or its time is no time."""
    for field in fields:
        if line.text.get(field) is None:
            return f"{field} is empty"
    return f"{line.bad_time} is not a time" if line.bad_time else None


def number_fault(line: Line, field: str, scale: list[float] | None = None) -> str | None:
    """The reason to set the line aside when the field is no finite number, or off its scale."""
    value = line.number[field]
    if value is None:
        return f"{field} is not a number"
    if not math.isfinite(value):
        return f"{field} is NaN or infinite"
    if scale and not scale[0] <= value <= scale[1]:
        return f"{field} is outside the scale {scale[0]:g} to {scale[1]:g}"
    return None


def whole(line: Line, field: str, least: int) -> int | None:
    """The field as a whole number of at least ``least``; None when it is not one."""
    value = line.number[field]
    if value is None or not math.isfinite(value) or value != int(value) or not least <= value < 2**31:
        return None
    return int(value)


def shown(line: Line, field: str) -> str:
    """Place and text of a field, for the example of a reason."""
    text = line.text.get(field)
    return line.place if text is None else f"{text[:40]!r} in {line.place}"


def content_hash(text: str | None) -> str:
    """A short hash of a text, so that duplicates are seen without keeping the text; empty without one."""
    if not text:
        return ""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def record_id(*parts: object) -> str:
    """A record's id: the same natural key gives the same id in every pull."""
    text = json.dumps(parts, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
