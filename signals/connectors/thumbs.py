"""Thumbs, one by one or counted, as cells of per-user moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from signals.connectors.aggregate import from_counts, groups
from signals.connectors.base import Tally
from signals.connectors.cells import Cells
from signals.connectors.counts import counted_fault, counted_rows
from signals.connectors.shapes import segment_dimensions
from signals.connectors.units import DAY, Clean, Fault, arm_pairs, clean, exclude_both_arms
from signals.model import FeedbackCell, Moments, Project, Segment, SignalsError

UP = ("up", "1", "1.0", "+1", "true")
DOWN = ("down", "0", "0.0", "-1", "-1.0", "false")
ZERO, MINUS = ("0", "0.0"), ("-1", "-1.0")
ROWS = 1 << 39
"""More than a file has: file and row, and place and thumb, are each one number. DuckDB can spill groups that hold
numbers, and not those that hold pairs."""
SUPERSEDED = "an earlier thumb for the same response (the last one counts)"


def feedback(cells: Cells, project: Project, tally: Tally) -> Iterator[FeedbackCell]:
    """Thumbs as moments per variant, segment and the user's first day (UTC).

    An empty value is an answer that was shown and not rated. A source that holds at least one such row lists what was
    shown, so its impressions are known; a source without any lists ratings only, and its impressions are not.

    Raises:
        SignalsError: When 0 and −1 both occur: one of them may mean "not rated".
    """
    view = _clean(cells)
    known, good_rows = _summary(view, tally)
    if not good_rows:
        return
    _answers(view)
    users = cells.has("user")
    segments = ", ".join(["", *view.segment_columns])
    if users:
        segment = f", {view.first_segment()} AS s" if view.dimensions else ""
        cells.rows.connection.execute(
            "CREATE TEMP TABLE grouped AS SELECT -1 AS bad, v, u, sum(coalesce(y, 0)) AS y, count(y) AS d, "  # noqa: S608  (ours)
            f"count(*) AS x, min(us) AS us, sum(rows) AS rows, sum(spare) AS spare{segment} FROM answers GROUP BY v, u"
        )
        arm_pairs(cells, project)
        good_rows -= exclude_both_arms(cells, tally, "grouped")
        columns = ", ".join(["v", "us", "y", "d", "x", "rows", "spare", *view.unpack_segment("s")])
        source = f"(SELECT {columns} FROM grouped ANTI JOIN crossed USING (u, v))"  # noqa: S608  (our own names)
    else:
        source = f"(SELECT v, us, y, rows, spare{segments} FROM answers)"  # noqa: S608  (our own names)
    rows = f"SELECT *, {DAY} AS day FROM {source}"  # noqa: S608  (our own names)
    keys = ["v", "day", *view.segment_columns]
    tally.rows_kept += good_rows
    for variant, moment, labels, found, made in _totals(cells, rows, keys, users=users, known=known):
        shown, most, responses, spare = found
        tally.rows_kept -= int(spare)
        tally.set_aside(SUPERSEDED, variant, int(spare), fault=False)
        yield FeedbackCell(
            variant,
            view.segment(labels),
            moment if cells.has("at") else None,
            int(shown) if known else None,
            users,
            made,
            most / responses if users and responses else None,
        )


Total = tuple[str, date | None, tuple[str, ...], tuple[float, float, float, float], Moments]


def _totals(cells: Cells, rows: str, keys: list[str], *, users: bool, known: bool) -> Iterator[Total]:
    """Per group: variant, day, segment labels, (shown, the loudest user's responses, responses, spare), moments."""
    if users:
        wanted = ["sum(x)", "max(d)", "sum(d)", "sum(spare)"]
        for group in groups(
            cells.rows.connection, rows, keys, wanted, covariate=known, denominator=True, summed=True, file=cells.label
        ):
            if group.moments is not None:
                yield (*group.keys[:2], group.keys[2:], group.extra, group.moments)
        return
    by = ", ".join(keys)
    found = cells.rows.connection.execute(
        f"SELECT {by}, count(*), count(y), sum(coalesce(y, 0)), sum(spare) FROM ({rows}) GROUP BY {by} ORDER BY {by}"  # noqa: S608  (our own names)
    ).fetchall()
    for row in found:
        shown, responses, positives, spare = row[len(keys) :]
        made = counted(int(responses), int(positives))
        yield row[0], row[1], row[2 : len(keys)], (shown, responses, responses, spare), made


def _clean(cells: Cells) -> Clean:
    text = f"lower({cells.text('value')})"
    # A column of floats holds NaN where nothing was said.
    columns = {
        "y_none": f"({text} IS NULL OR {text} = 'nan')",
        "y": f"CASE WHEN {text} IN {UP} THEN 1.0::DOUBLE WHEN {text} IN {DOWN} THEN 0.0::DOUBLE END",
        "zero": f"{text} IN {ZERO}",
        "minus": f"{text} IN {MINUS}",
        "u": cells.native("user") if cells.has("user") else "NULL",
        "answer": cells.native("response") if cells.has("response") else "NULL",
        "place": f"(CAST(f AS BIGINT) * {ROWS} + r)" if needs_order(cells) else "0",
    }
    faults = [Fault("value is neither up nor down (recode it in `values:`)", "y IS NULL AND NOT y_none", "value")]
    if cells.has("user"):
        faults.append(Fault("user is empty", "u IS NULL", "user"))
    if cells.has("response"):
        faults.append(Fault("response is empty", "answer IS NULL", "response"))
    return clean(cells, columns, faults)


def needs_order(cells: Cells) -> bool:
    """Whether the order of rows says which thumb came last."""
    return cells.has("response") and not cells.has("at")


def _summary(view: Clean, tally: Tally) -> tuple[bool, int]:
    """Count rows and faults; whether impressions are known, and how many rows are good."""
    groups = view.cells.rows.connection.execute(
        "SELECT bad, v, count(*), bool_or(zero), bool_or(minus), bool_or(y_none) FROM clean GROUP BY bad, v"
    ).fetchall()
    tally.rows_read += sum(group[2] for group in groups)
    view.count(tally, [(group[0], group[1], group[2]) for group in groups if group[0] >= 0])
    good = [group for group in groups if group[0] < 0]
    if any(group[3] for group in good) and any(group[4] for group in good):
        column = view.cells.source.map["value"]
        raise SignalsError(
            f"column {column!r} holds both 0 and -1: is 0 a thumb down, or no thumb?",
            'Recode it: `values: {"0": null}` when 0 means that nothing was said',
            file=view.cells.label,
        )
    return any(group[5] for group in good), sum(group[2] for group in good)


def _answers(view: Clean) -> None:
    """Create ``answers``: one row per answer shown, with its last thumb (y is NULL without one)."""
    cells = view.cells
    labels = "".join(f", {name}" for name in view.segment_columns)
    if not cells.has("response"):
        cells.rows.connection.execute(
            f"CREATE TEMP VIEW answers AS SELECT v, u, us, y, 1 AS rows, 0 AS spare{labels} FROM clean WHERE bad < 0"  # noqa: S608
        )
        return
    order = "place" if needs_order(cells) else "us"
    segment = f", {view.first_segment()} AS s" if view.dimensions else ""
    unpacked = "".join(f", {part}" for part in view.unpack_segment("s"))
    # Rows are read first and grouped then: reading and grouping at once need more memory than little has.
    cells.rows.connection.execute(
        f"CREATE TEMP TABLE told AS SELECT v, u, answer, us, y, {order} AS turn{labels} FROM clean WHERE bad < 0"  # noqa: S608  (ours)
    )
    cells.rows.connection.execute(
        f"""
        CREATE TEMP TABLE answers AS SELECT v, u, us, CAST(last % 2 AS DOUBLE) AS y, rows, spare{unpacked} FROM (
            SELECT v, u, answer, min(us) AS us, count(*) AS rows, greatest(count(y) - 1, 0) AS spare,
                max(turn * 2 + CAST(y AS BIGINT)) FILTER (WHERE y IS NOT NULL) AS last{segment}
            FROM told GROUP BY v, u, answer
        )
        """  # noqa: S608  (our own names)
    )
    cells.rows.connection.execute("DROP TABLE told")


def counted(responses: int, positives: int) -> Moments:
    """Moments of responses that are their own units: one response each, exact."""
    return replace(from_counts(responses, positives), d_mean=1.0, d_m2=0.0, yd=0.0)


def feedback_counts(cells: Cells, tally: Tally) -> Iterator[FeedbackCell]:
    """Counted thumbs; rows of one variant, segment and day are added. An empty ``impressions`` is not known."""
    dimensions = segment_dimensions(cells.source.map)
    totals: dict[tuple[str, Segment, date | None], tuple[int | None, int, int]] = {}
    for place, variant, day_text, day, segment, (shown, responses, positives) in counted_rows(
        cells, ("impressions", "responses", "positives"), dimensions
    ):
        tally.rows_read += 1
        numbers = {"responses": responses, "positives": positives}
        if shown is not None:
            numbers["impressions"] = shown
        why = counted_fault(cells, variant, day_text, day, numbers, counts=tuple(numbers))
        given, up = int(responses or 0) if not why else 0, int(positives or 0) if not why else 0
        if not why and up > given:
            why = "positives is more than responses"
        if not why and shown is not None and given > shown:
            why = "responses is more than impressions"
        if why or variant is None:
            tally.set_aside(why or "variant is empty", variant, example=place)
            continue
        tally.rows_kept += 1
        key = (variant, segment, day)
        before = totals.get(key, (0, 0, 0))
        total = None if shown is None or before[0] is None else before[0] + int(shown)
        totals[key] = (total, before[1] + given, before[2] + up)
    for (variant, segment, day), (total, given, up) in sorted(
        totals.items(), key=lambda item: (*item[0][:2], str(item[0][2]))
    ):
        yield FeedbackCell(variant, segment, day, total, False, counted(given, up))
