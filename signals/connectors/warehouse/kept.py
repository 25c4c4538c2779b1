"""``reread: 3d``: the moments of earlier days are kept from the last pull; only newer days are computed again.

Every exposure is still looked at, so that a unit's first day and a unit of both arms are always right: what is spared
are the outcomes of earlier days, which cost most. A day that now has other numbers of units than it had (exposures
that came late, units that changed sides since) is computed again too. **Outcomes of earlier days that came late or were
mended are not seen** until ``signals pull --full``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from signals.connectors.api.paging import Page, Row
from signals.connectors.api.spool import Spool, spooled
from signals.connectors.warehouse.query import GOOD, Days, Query
from signals.model import Project, Source

FORM = 1
KIND = "day"

Counts = dict[tuple[Any, ...], int]


def by_day(
    source: Source,
    project: Project,
    build: Callable[[bool, Days | None], Query],
    ask: Callable[[Query], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """The rows of the grouped query, those of unchanged earlier days from the last pull.

    Args:
        source: With its variables filled in; ``reread`` is in seconds.
        project: Says where the days are kept, and which releases there are.
        build: The query: whether outcomes are measured or units only counted, and of which days.
        ask: Its rows, with the names of variants.
    """
    counted = ask(build(False, None))
    units: dict[str, Counts] = defaultdict(dict)
    rows_of: dict[tuple[Any, ...], int] = {}  # a unit's later exposures are rows too, and change no moments
    for row in counted:
        if row["bad"] == GOOD:
            units[row["day"].isoformat()][_key(row)] = row["units"]
            rows_of[row["day"], *_key(row)] = row["rows"]

    def fetch(spool: Spool) -> None:
        kept = {row["day"]: row["rows"] for row in spool.rows(KIND)}

        def pages(_following: str | None, begin: datetime | None) -> Iterator[Page]:
            days = None
            if begin is not None:
                since = begin.astimezone(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
                old = {day for day in {*kept, *units} if datetime.fromisoformat(day) < since}
                other = sorted(day for day in old if _counts(kept.get(day, [])) != units.get(day, {}))
                days = Days(since, tuple(date.fromisoformat(day) for day in other))
            fresh: dict[str, list[dict[str, Any]]] = defaultdict(list)
            if days:
                # Nothing may be left of them, and what is kept goes. The day that `since` begins is looked at from its
                # first moment, which may be before `begin`: the spool itself would leave it.
                again = {*other, *(day for day in kept if datetime.fromisoformat(day) >= days.since)}
                fresh |= {day: [] for day in sorted(again)}
            for row in ask(build(True, days)):
                if row["bad"] == GOOD:
                    fresh[row["day"].isoformat()].append({**row, "day": row["day"].isoformat()})
            yield Page([{"day": day, "rows": rows} for day, rows in sorted(fresh.items())], None)

        spool.gather(KIND, pages, _name, _at)

    about = {
        "form": FORM, "options": {key: value for key, value in source.options.items() if key != "reread"},
        "map": source.map, "where": source.where, "values": source.values, "timezone": source.timezone,
        "arms": sorted({pair for release in project.releases for pair in release.pairs}),
    }  # fmt: skip
    with spooled(source, project, about, fetch) as spool:
        cells = [row for day in spool.rows(KIND) for row in day["rows"]]
    good = [{**row, "day": date.fromisoformat(row["day"])} for row in cells]
    good = [{**row, "rows": rows_of.get((row["day"], *_key(row)), row["rows"])} for row in good]
    return [*good, *(row for row in counted if row["bad"] != GOOD)]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["v"], *(row[name] for name in sorted(row) if name.startswith("s") and name[1:].isdigit()))


def _counts(rows: list[dict[str, Any]]) -> Counts:
    return {_key(row): row["units"] for row in rows}


def _name(row: Row) -> Any:
    return row["day"]


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(row["day"]).replace(tzinfo=UTC)
