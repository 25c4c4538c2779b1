"""Tables of counts: rows that each stand for many units."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta

from signals.connectors.aggregate import from_counts, merge
from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.lines import EMPTY_SEGMENT
from signals.connectors.shapes import metric_name, segment_dimensions
from signals.model import INCOMPLETE, Moments, OutcomeCell, Segment

CountedRow = tuple[str, str | None, str | None, date | None, Segment, list[float | None]]


def outcome_counts(cells: Cells, tally: Tally) -> Iterator[OutcomeCell]:
    """Counted outcomes: units with successes, or with mean and sample standard deviation.

    Rows of one variant, segment and day are parts of it and are merged. With the option ``window``, only the rows of
    days whose window has ended by the last day of the source count.
    """
    dimensions = segment_dimensions(cells.source.map)
    binary = cells.has("successes")
    fields = ("units", "successes") if binary else ("units", "mean", "sd")
    closed_until = _closed_until(cells)
    if closed_until is not None:
        tally.looked_for(INCOMPLETE)
    found: dict[tuple[str, Segment, date | None], Moments] = {}
    for place, variant, day_text, day, segment, numbers in counted_rows(cells, fields, dimensions):
        tally.rows_read += 1
        still = closed_until is not None and day is not None and day > closed_until
        # What is not known yet may be empty.
        given = {name: number for name, number in zip(fields, numbers, strict=True) if not (still and number is None)}
        why = counted_fault(cells, variant, day_text, day, {"units": numbers[0], **given}, counts=fields[:1])
        made = None
        if not why and still:
            tally.set_aside(INCOMPLETE, variant, fault=False, units=int(numbers[0] or 0))
            continue
        if not why:
            why, made = _successes(numbers) if binary else _mean_sd(numbers)
        if why or made is None or variant is None:
            tally.set_aside(why or "", variant, example=place)
            continue
        tally.rows_kept += 1
        key = (variant, segment, day)
        found[key] = merge(found[key], made) if key in found else made
    for (variant, segment, day), made in sorted(
        found.items(), key=lambda item: (item[0][0], item[0][1], str(item[0][2]))
    ):
        if made.n:
            # Merged once more from the whole numbers, so that nothing was rounded on the way.
            exact = from_counts(made.n, round(made.mean * made.n)) if binary else made
            yield OutcomeCell(metric_name(cells.source), variant, segment, day, exact, counted="counts")


def _closed_until(cells: Cells) -> date | None:
    """The last day whose window has ended by the end of the source's last day; None without a window."""
    window = cells.source.options.get("window")
    if window is None:
        return None
    last = cells.rows.connection.execute(
        f"SELECT max({cells.day('day')}) FROM rows WHERE {cells.where()}"  # noqa: S608  (quoted)
    ).fetchone()
    if not last or not isinstance(last[0], date):
        return date.max  # no row has a day: each is a fault of its own
    try:
        return last[0] - timedelta(days=math.ceil(window / 86_400))
    except OverflowError:
        return date.min


def _successes(numbers: list[float | None]) -> tuple[str | None, Moments | None]:
    units, successes = (number or 0.0 for number in numbers)
    if successes != int(successes) or not 0 <= successes <= units:
        return "successes is not a whole number from 0 to units", None
    return None, from_counts(int(units), int(successes))


def _mean_sd(numbers: list[float | None]) -> tuple[str | None, Moments | None]:
    units, mean, sd = (number or 0.0 for number in numbers)
    if sd < 0:
        return "sd is negative", None
    return None, Moments(int(units), mean, sd * sd * max(units - 1, 0.0))


def counted_rows(cells: Cells, fields: tuple[str, ...], dimensions: tuple[str, ...]) -> Iterator[CountedRow]:
    """Rows of a table of counts: place, variant, day as text and as date, segment, and the numbers of ``fields``.

    A number is None where the cell is empty, and NaN where it is no number.
    """
    dated = cells.has("day")
    columns = [
        "f", "r", cells.text("variant"), cells.text("day") if dated else "NULL", cells.day("day") if dated else "NULL",
        *(f"coalesce({cells.text(f'segment.{name}')}, '{EMPTY_SEGMENT}')" for name in dimensions),
        *(
            f"CASE WHEN {cells.empty(field)} THEN NULL ELSE coalesce({cells.number(field)}, 'nan'::DOUBLE) END"
            for field in fields
        ),
    ]  # fmt: skip
    cursor = cells.rows.connection.execute(f"SELECT {', '.join(columns)} FROM rows WHERE {cells.where()}")  # noqa: S608  (quoted)
    split = 5 + len(dimensions)
    while batch := cursor.fetchmany(10_000):
        for row in batch:
            segment = tuple(zip(dimensions, row[5:split], strict=True))
            yield cells.rows.place(row[0], row[1]), row[2], row[3], row[4], segment, list(row[split:])


def counted_fault(
    cells: Cells,
    variant: str | None,
    day_text: str | None,
    day: date | None,
    numbers: dict[str, float | None],
    counts: tuple[str, ...],
) -> str | None:
    """The reason to set a row of counts aside: ``counts`` must be whole and not negative, the others finite."""
    if variant is None:
        return "variant is empty"
    if cells.has("day") and day is None:
        return "day is empty" if day_text is None else "day is not a date"
    for field, value in numbers.items():
        if value is None or not math.isfinite(value):
            return f"{field} is not a number"
        if field in counts and (value != int(value) or not 0 <= value < 2**53):
            return f"{field} is not a whole number of at least 0"
    return None
