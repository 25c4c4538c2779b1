"""One row per unit in Parquet is read in another way than in CSV, and gives the same."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import duckdb
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.connectors.conftest import Desk

ENTRY = {
    "shape": "outcome", "grain": "unit",
    "map": {"unit": "u", "variant": "v", "value": "y", "covariate": "x", "at": "t", "segment.plan": "p"},
}  # fmt: skip
START = datetime(2026, 11, 10, 22, tzinfo=UTC)
VALUES = st.sampled_from([0.0, 1.0, 2.5, -3.0, 1e6, None, float("nan"), float("inf")])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["control", " candidate", "candidate", "", None, "other"]),
        VALUES,
        st.sampled_from([0.0, 4.0, 7.25, None]),
        st.sampled_from([None, 0, 3, 30, 2_000_000]),  # hours after the start; the last is beyond all calendars
        st.sampled_from(["pro", " pro ", "free", "", None, "(empty)"]),
    ),
    min_size=1,
    max_size=25,
)


def as_csv(rows):
    def cell(value):
        return "" if value is None else str(value)

    lines = ["u,v,y,x,t,p", *(f"{number}," + ",".join(map(cell, row)) for number, row in enumerate(rows))]
    return "\n".join(lines) + "\n"


def moments(records):
    """Cells by their key; several of one key would be lost, so they are counted too."""
    keys = [(cell.variant, cell.segment, cell.day) for cell in records]
    assert max(Counter(keys).values(), default=1) == 1
    return {key: (cell.moments, cell.least, cell.most) for key, cell in zip(keys, records, strict=True)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, window=st.booleans())
@example(rows=[("control", 0.0, 4.0, 0, "(empty)"), ("control", 2.5, 4.0, 0, "")], window=False)
@example(rows=[("control", None, 4.0, 0, "pro"), ("other", 2.5, 4.0, None, "")], window=True)
def test_parquet_and_csv_give_the_same_cells_and_set_the_same_aside(tmp_path_factory, rows, window):
    rows = [("control", 1.0, 4.0, 0, "pro"), *rows, ("candidate", 0.0, 4.0, 72, "pro")]  # something always counts
    desk = Desk(tmp_path_factory.mktemp("units") / "project")
    times = [None if hours is None else START + timedelta(hours=hours) for *_, hours, _ in rows]
    timed = [(v, y, x, at and at.isoformat(), p) for (v, y, x, _, p), at in zip(rows, times, strict=True)]
    entry = {**ENTRY, **({"window": "1d"} if window else {})}

    desk.write("u.csv", as_csv(timed))
    written = moments(desk.read(path="u.csv", **entry))
    told = desk.tally

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE rows_of (u BIGINT, v VARCHAR, y DOUBLE, x DOUBLE, t TIMESTAMPTZ, p VARCHAR)")
        connection.executemany(
            "INSERT INTO rows_of VALUES (?, ?, ?, ?, ?, ?)", [[number, *row] for number, row in enumerate(timed)]
        )
        connection.execute(f"COPY rows_of TO '{desk.data / 'u.parquet'}' (FORMAT parquet)")
    typed = moments(desk.read(path="u.parquet", **entry))

    assert typed == written
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (told.rows_read, told.rows_kept)
    assert desk.whys == whys(told)


def whys(tally):
    found = Counter()
    for entry in tally.entries:
        found[entry.why.split(" (first: ")[0]] += entry.rows
    return dict(found)
