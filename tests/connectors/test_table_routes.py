"""Requests that a router sent somewhere: counted by route and tenth, unknown outcomes apart from faults."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from signals.model import UNKNOWN_OUTCOME, Evidence, Metric, OutcomeCell, Release, RoutedCell, Signal
from signals.readings import measure

MAP = {"unit": "u", "variant": "v", "value": "y", "predicted": "p", "assigned": "route", "at": "t"}
ENTRY = {"path": "u.csv", "shape": "outcome", "grain": "unit", "empty": "unknown", "map": MAP}
RELEASE = Release("r1", "router", "control", "candidate", date(2026, 11, 1))
SIGNAL = Signal("sig", "experiment", "?", "higher", confidence=0.95, metric=Metric("handled", "proportion"))


def rows(seed: int = 1, n: int = 400) -> list[tuple]:
    rng = np.random.default_rng(seed)
    found = []
    for k in range(n):
        p = round(float(rng.beta(3, 1)), 3)
        y = "" if rng.random() < 0.3 else str(int(rng.random() < p))
        found.append((f"u{k}", "candidate", y, "" if k % 50 == 0 else p, ("small", "large")[k % 3 == 0], k % 9 + 1))
    return found


def text(found: list[tuple]) -> str:
    lines = (f"{u},{v},{y},{p},{route},2026-11-{day:02}T08:00:00Z" for u, v, y, p, route, day in found)
    return "u,v,y,p,route,t\n" + "\n".join(lines) + "\n"


def test_cells_against_the_rows_one_by_one(desk):
    found = rows()
    desk.write("u.csv", text(found))
    records = desk.read(**ENTRY)
    routed = {(one.route, one.tenth): one for one in records if isinstance(one, RoutedCell)}
    assert {tenth for _, tenth in routed} <= {-1, *range(10)}
    for (route, tenth), cell in routed.items():
        mine = [one for one in found if one[4] == route and tenth == (-1 if one[3] == "" else min(int(one[3] * 10), 9))]
        known = [one for one in mine if one[2]]
        assert (cell.metric, cell.variant, cell.n, cell.known) == ("sig", "candidate", len(mine), len(known))
        y = np.array([float(one[2]) for one in known])
        assert cell.realised == pytest.approx(y.mean() if len(y) else 0.0, abs=1e-9)
        if tenth < 0:
            assert (cell.predicted, cell.chance, cell.score) == (0.0, 0.0, 0.0)
            continue
        p = np.array([float(one[3]) for one in known])
        assert cell.predicted == pytest.approx(p.mean() if len(p) else 0.0, abs=1e-9)
        assert cell.spread == pytest.approx(len(p) * np.var(p - y) if len(p) else 0.0, abs=1e-7)
        assert cell.chance == pytest.approx((p * (1 - p)).sum(), abs=1e-7)
        assert cell.score == pytest.approx(((y - p) * (1 - 2 * p)).sum(), abs=1e-7)
        assert cell.score_spread == pytest.approx((p * (1 - p) * (1 - 2 * p) ** 2).sum(), abs=1e-7)
        assert cell.at == datetime(2026, 11, max(one[5] for one in mine), 8, tzinfo=UTC)
    unknown = sum(one[2] == "" for one in found)
    assert desk.whys == {UNKNOWN_OUTCOME: unknown}
    assert [entry.fault for entry in desk.tally.entries if entry.rows] == [False]
    assert sum(one.moments.n for one in records if isinstance(one, OutcomeCell)) == len(found) - unknown
    assert desk.tally.rows_read == desk.tally.rows_kept + unknown == len(found)


def test_the_same_from_parquet_and_in_any_order(desk):
    import duckdb

    found = rows()
    desk.write("u.csv", text(found))
    first = sorted(map(repr, desk.read(**ENTRY)))
    desk.write("u.csv", text(found[::-1]))
    assert sorted(map(repr, desk.read(**ENTRY))) == first
    out = desk.data / "u.parquet"
    duckdb.sql(f"copy (from read_csv('{desk.data / 'u.csv'}')) to '{out}' (format parquet)")
    assert sorted(map(repr, desk.read(**{**ENTRY, "path": "u.parquet"}))) == first


def test_without_the_word_an_empty_outcome_is_a_fault(desk):
    desk.write("u.csv", text(rows(n=40)))
    entry = {key: value for key, value in ENTRY.items() if key != "empty"}
    records = desk.read(**entry)
    assert next(iter(desk.whys)).startswith("value is empty")
    assert all(one.n == one.known for one in records if isinstance(one, RoutedCell))


def test_what_may_still_come_is_not_unknown(desk):
    desk.write(
        "u.csv",
        "u,v,y,p,route,t\n"
        "a,control,,0.9,s,2026-11-01T08:00:00Z\n"
        "b,control,1,0.9,s,2026-11-02T08:00:00Z\n"
        "c,control,,0.9,s,2026-11-10T08:00:00Z\n",
    )
    (cell,) = [one for one in desk.read(**ENTRY, window="3d") if isinstance(one, RoutedCell)]
    assert (cell.n, cell.known) == (2, 1)
    assert desk.whys[UNKNOWN_OUTCOME] == 1
    assert len(desk.whys) == 2


def test_every_outcome_known_is_not_the_same_as_nobody_looked(desk):
    desk.write("u.csv", "u,v,y,p,route,t\na,control,1,0.9,s,2026-11-01T08:00:00Z\n")
    records = desk.read(**ENTRY)
    routed = tuple(one for one in records if isinstance(one, RoutedCell))
    numbers = measure(SIGNAL, Evidence(RELEASE, outcomes=tuple(set(records) - set(routed)), routed=routed,
                                       set_aside=desk.tally.entries))  # fmt: skip
    assert {one.name: one.value for one in numbers.measures}["outcome_known"] == 1.0


@pytest.mark.parametrize(
    ("p", "y", "why"),
    [
        ("1.2", "1", "predicted is not between 0 and 1"),
        ("NaN", "1", "predicted is not between 0 and 1"),
        ("likely", "1", "predicted is not a number"),
        ("0.5", "3", "value is not between 0 and 1, and predicted is the probability of a 1"),
    ],
)
def test_no_probability_no_row(desk, p, y, why):
    desk.write("u.csv", f"u,v,y,p,route,t\na,control,{y},{p},s,2026-11-01T08:00:00Z\n" + text(rows(n=5))[16:])
    desk.read(**ENTRY)
    assert desk.whys[why] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grain": None}, "map.predicted needs `grain: unit`"),
        ({"map": {**MAP, "cluster": "c"}}, "map.predicted and map.cluster do not go together"),
        ({"empty": "zero"}, "empty"),
        ({"shape": "outcome_counts", "map": {"variant": "v", "units": "u", "successes": "y"}, "grain": None},
         "`empty:` is not for shape outcome_counts"),
    ],
)  # fmt: skip
def test_entries_that_cannot_be(desk, change, said):
    desk.write("u.csv", text(rows(n=5)))
    entry = {key: value for key, value in {**ENTRY, **change}.items() if value is not None}
    assert said in desk.fails(**entry)
