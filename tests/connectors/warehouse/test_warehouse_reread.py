"""``reread:``: what is kept of earlier days, and what makes a day be computed again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from signals.connectors import get
from signals.model import SignalsError

from .test_warehouse_files import FORTNIGHT, WEEK, parquet
from .warehouse_kit import ENTRY, START, Shop, assert_same, moments, project, read, shop, units_of

REREAD = ENTRY.format(exposures="exposures.parquet", orders="orders.parquet") + "    reread: 2d\n"
OLD = START + timedelta(days=1)


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    parquet(tmp_path / "data", shop())
    cells, _ = read(project(tmp_path, REREAD))
    assert_same(cells, moments(units_of(shop(), window=WEEK, before=FORTNIGHT)))
    return tmp_path


def again(folder: Path, rows: Shop) -> None:
    """What a second pull gives is what a first one would."""
    parquet(folder / "data", rows)
    cells, tally = read(project(folder, REREAD))
    assert_same(cells, moments(units_of(rows, window=WEEK, before=FORTNIGHT)))
    fresh, told = read(project(folder, REREAD.replace("    reread: 2d\n", "")))
    assert cells == fresh
    assert tally.entries == told.entries
    assert (tally.rows_read, tally.rows_kept) == (told.rows_read, told.rows_kept)


def test_pulling_twice_changes_nothing(pulled: Path) -> None:
    again(pulled, shop())


def test_new_days_are_added(tmp_path: Path) -> None:
    rows = shop()
    half = START + timedelta(days=5)
    early = Shop([row for row in rows.exposures if row[2] is None or row[2] < half], rows.orders)
    parquet(tmp_path / "data", early)
    read(project(tmp_path, REREAD))
    again(tmp_path, rows)


def test_an_exposure_that_came_late_is_seen(pulled: Path) -> None:
    rows = shop()
    again(pulled, Shop([*rows.exposures, (7777, "candidate", OLD, "pro", "team-1", "x")], rows.orders))


def test_a_unit_that_changes_sides_later_is_left_out_of_its_old_day(pulled: Path) -> None:
    rows = shop()
    user, _, *rest = next(row for row in rows.exposures if row[1] == "control" and row[2] < OLD and row[0] < 400)
    again(pulled, Shop([*rows.exposures, (user, "candidate", START + timedelta(days=12), *rest[1:])], rows.orders))


def test_a_day_that_is_gone_is_gone(pulled: Path) -> None:
    rows = shop()
    again(pulled, Shop([row for row in rows.exposures if row[2] is None or row[2] > OLD], rows.orders))


def test_an_order_of_an_old_day_is_not_seen_until_all_is_read(pulled: Path) -> None:
    rows = shop()
    before = moments(units_of(rows, window=WEEK, before=FORTNIGHT))
    user, _, at, *_ = min((row for row in rows.exposures if row[1] == "control" and row[2]), key=lambda row: row[2])
    late = Shop(rows.exposures, [*rows.orders, (user, at + timedelta(hours=1), 5000.0, 1, "paid")])
    parquet(pulled / "data", late)
    of = project(pulled, REREAD)
    assert_same(read(of)[0], before)
    get("warehouse").forget(of.sources[0], of)  # type: ignore[attr-defined] # it keeps
    assert_same(read(of)[0], moments(units_of(late, window=WEEK, before=FORTNIGHT)))


def test_an_order_of_a_new_day_is_seen(pulled: Path) -> None:
    rows = shop()
    user, _, at, *_ = max(
        (row for row in rows.exposures if row[1] == "control" and row[2] and row[-1] == "x"), key=lambda row: row[2]
    )
    again(pulled, Shop(rows.exposures, [*rows.orders, (user, at + timedelta(hours=1), 5000.0, 1, "paid")]))


def test_another_definition_begins_anew(pulled: Path) -> None:
    of = project(pulled, REREAD.replace("window: 7d", "window: 2d"))
    assert_same(read(of)[0], moments(units_of(shop(), window=2 * 86_400.0, before=FORTNIGHT)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((", window: 7d", ""), "`reread:` needs a `window:` of the outcome"),
        (("map: {", "map: {cluster: team, "), "`reread:` needs units that were randomised one by one"),
    ],
)
def test_where_it_would_be_wrong_it_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(SignalsError) as caught:
        project(tmp_path, REREAD.replace(*change))
    assert message in str(caught.value)
