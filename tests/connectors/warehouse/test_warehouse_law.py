"""Whatever the rows and the keys: cells are what a plain loop over the rows in Python makes of them."""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.connectors import Tally, get
from signals.model import BOTH_ARMS, INCOMPLETE, OutcomeCell, SignalsError
from signals.project import load_project

from .warehouse_kit import by_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARMS = ("a", "b", "c", "d")
HOUR = 3600.0

times = st.one_of(
    st.sampled_from([0, 12, 24, 24, 36, 48, 72]).map(lambda hours: NOON + timedelta(hours=hours)),
    st.integers(-96 * 60, 96 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)
numbers = st.sampled_from([0.0, 1.0, 1.0, 2.5, -3.25, 10.0, 1e6, None, math.nan, math.inf])
exposure = st.tuples(
    st.sampled_from([1, 1, 2, 3, 4, 5, 6, None]), st.sampled_from([*ARMS, *ARMS, "", None]), st.none() | times | times,
    st.sampled_from(["p", "q", "", None]), st.sampled_from(["eu", None]), st.sampled_from(["x", "y", "x", "y", None]),
    st.sampled_from([True, True, True, False, None]),
)  # fmt: skip
EXPOSURE = ("user", "arm", "ts", "plan", "area", "team", "live")
fact = st.tuples(
    st.sampled_from([1, 2, 3, 4, 5, 6, 7, None]), st.none() | times | times | times, numbers,
    st.sampled_from([0, 1, 2, 5, None]), st.sampled_from(["paid", "paid", "refund", None]),
)  # fmt: skip
FACT = ("user", "ts", "amount", "qty", "event")
hours = st.sampled_from([12, 24, 36, 72])


@dataclass(frozen=True)
class Asked:
    """One measure: its table (0 or 1), and its keys as they stand in the entry."""

    table: int
    keys: dict[str, Any]


@st.composite
def measures(draw: st.DrawFn, name: str) -> Asked:
    keys: dict[str, Any] = {}
    per = draw(st.sampled_from([None, "sum", "any", "count"]))
    if per is not None:
        keys["per_unit"] = per
    if per in (None, "sum") or draw(st.booleans()):
        keys["value"] = draw(st.sampled_from(["amount", "qty"]))
    if name == "covariate":
        keys["before"] = draw(hours)
    elif draw(st.booleans()):
        keys["window"] = draw(hours)
    wanted = draw(st.sampled_from(["", "paid", ["paid", "refund"], [None, "paid"], None]))
    if wanted != "":
        keys["where"] = {"event": wanted}
    return Asked(draw(st.integers(0, 1)), keys)


@dataclass(frozen=True)
class World:
    exposures: list[tuple[Any, ...]]
    facts: list[list[tuple[Any, ...]]]
    releases: list[tuple[str, str]]
    asked: dict[str, Asked]
    segments: tuple[str, ...]
    cluster: bool
    until: datetime | None


@st.composite
def worlds(draw: st.DrawFn) -> World:
    releases = draw(st.sampled_from([
        [("a", "b")], [("a", "b"), ("b", "c")], [("a", "b"), ("a", "c"), ("a", "d")], [("a", "b"), ("c", "d")],
        [("c", "b"), ("d", "a"), ("b", "d")],
    ]))  # fmt: skip
    asked = {"outcome": draw(measures("outcome"))}
    for name in ("covariate", "denominator"):
        if draw(st.booleans()):
            asked[name] = draw(measures(name))
    return World(
        draw(st.lists(exposure, min_size=1, max_size=25)),
        [draw(st.lists(fact, max_size=25)), draw(st.lists(fact, max_size=15))],
        releases, asked, draw(st.sampled_from([(), ("plan",), ("area", "plan")])), draw(st.booleans()),
        draw(st.sampled_from([None, NOON + timedelta(days=30), NOON + timedelta(days=2)])),
    )  # fmt: skip


def put(world: World, folder: Path) -> None:
    """The files and the entry of a world."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    when, text = pa.timestamp("us", tz="UTC"), pa.string()
    tables: list[tuple[str, tuple[str, ...], list[tuple[Any, ...]], list[Any]]] = []
    tables += [("seen", EXPOSURE, world.exposures, [pa.int64(), text, when, text, text, text, pa.bool_()])]
    for number, rows in enumerate(world.facts):
        tables.append((f"facts{number}", FACT, rows, [pa.int64(), when, pa.float64(), pa.int32(), text]))
    data = folder / "data"
    data.mkdir()
    for name, columns, rows, kinds in tables:
        arrays = [pa.array([row[i] for row in rows], type=kind) for i, kind in enumerate(kinds)]
        pq.write_table(pa.table(arrays, names=list(columns)), data / f"{name}.parquet")
    entry: dict[str, Any] = {
        "signal": "conversion", "connector": "warehouse",
        "exposures": {
            "table": "seen.parquet", "unit": "user", "variant": "arm", "at": "ts", "where": {"live": [True, None]}
        },
        "map": {f"segment.{name}": name for name in world.segments} | ({"cluster": "team"} if world.cluster else {}),
    }  # fmt: skip
    for name, asked in world.asked.items():
        keys = {key: f"{value}h" if key in ("window", "before") else value for key, value in asked.keys.items()}
        entry[name] = {"table": f"facts{asked.table}.parquet", "unit": "user", "at": "ts", **keys}
    if world.until is not None:
        entry["outcome"]["until"] = world.until.isoformat()
    releases = [
        {"id": f"r{number}", "kind": "prompt", "control": one, "candidate": two, "started": "2026-03-01"}
        for number, (one, two) in enumerate(world.releases)
    ]
    text_of = json.dumps({"releases": releases, "sources": {"orders": entry}})  # YAML is a superset of it
    (data / "sources.yaml").write_text(text_of.replace('"2026-03-01"', "2026-03-01"), encoding="utf-8")


Numbers = dict[str, float]
Key = tuple[str, tuple[str, ...], date | None]


def home(arm: str, releases: list[tuple[str, str]]) -> frozenset[str]:
    """All variants that are compared with this one, directly or not."""
    found = {arm}
    while True:
        more = found | {one for pair in releases if found & set(pair) for one in pair}
        if more == found:
            return frozenset(found)
        found = more


def measured(world: World, name: str, user: int, first: datetime) -> tuple[float, int]:
    """A unit's number, and how many rows hold none."""
    asked = world.asked[name].keys
    window = asked.get("window", world.asked["outcome"].keys.get("window") if name == "denominator" else None)
    kept: list[float] = []
    rows = lost = 0
    for row in world.facts[world.asked[name].table]:
        one = dict(zip(FACT, row, strict=True))
        if one["user"] != user or one["ts"] is None:
            continue
        where = asked.get("where")
        if where is None and name != "outcome" and world.asked[name].table == world.asked["outcome"].table:
            where = world.asked["outcome"].keys.get("where")
        if where is not None:
            wanted = where["event"] if isinstance(where["event"], list) else [where["event"]]
            if one["event"] not in wanted:
                continue
        since = (one["ts"] - first).total_seconds()
        if name == "covariate":
            inside = -asked["before"] * HOUR <= since < 0
        else:
            inside = since >= 0 and (window is None or since < window * HOUR)
        if not inside:
            continue
        rows += 1
        value = one[asked["value"]] if "value" in asked else 1.0
        if value is None or not math.isfinite(value):
            lost += 1
        else:
            kept.append(float(value))
    per = asked.get("per_unit") or ("sum" if "value" in asked else "count")
    if per == "any":
        return float(any(kept)), lost
    return (math.fsum(kept) if per == "sum" else float(len(kept))), lost


def counted(world: World) -> tuple[dict[Key, Numbers], dict[str, int], dict[str, int], dict[str, int]]:  # noqa: C901  (one loop, read from top to bottom)
    """Moments by cell; by variant rows without a number, units of both arms and open units."""
    seen: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in world.exposures:
        one = dict(zip(EXPOSURE, row, strict=True))
        if one["live"] is False or None in (one["user"], one["ts"]) or not one["arm"]:
            continue
        if world.cluster and one["team"] is None:
            continue
        seen[home(one["arm"], world.releases), one["user"]].append(one)
    ends = [
        window for name in ("outcome", "denominator")
        if name in world.asked and (window := world.asked[name].keys.get("window")) is not None
    ]  # fmt: skip
    cutoff = None
    if "window" in world.asked["outcome"].keys:
        tables = {world.asked[name].table for name in ("outcome", "denominator") if name in world.asked}
        start = datetime(1970, 1, 1, tzinfo=UTC)
        ends_of = [max((row[1] for row in world.facts[one] if row[1] is not None), default=start) for one in tables]
        loaded = world.until or min(ends_of)
        cutoff = (loaded - timedelta(hours=max(ends))).replace(hour=0, minute=0, second=0, microsecond=0)
    units: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    lost: dict[str, int] = defaultdict(int)
    crossed: dict[str, int] = defaultdict(int)
    late: dict[str, int] = defaultdict(int)
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for (component, user), rows in seen.items():
        first = min(row["ts"] for row in rows)
        arms = sorted({row["arm"] for row in rows})
        if cutoff is not None and first >= cutoff:
            for arm in {arms[0], arms[-1]}:
                late[arm] += 1
            continue
        labels = min(
            tuple(row[name] or "(empty)" for name in world.segments) for row in rows if row["ts"] == first
        )  # fmt: skip
        one = {"arms": arms, "first": first, "labels": labels, "user": user}
        if world.cluster:
            teams = {row["team"] for row in rows}
            if len(teams) == 1:
                groups[component, teams.pop()].append(one)
        elif len(arms) > 1:
            crossed[arms[0]] += 1
            crossed[arms[-1]] += 1
        else:
            units[arms[0], labels, first.date()].append(one)
    for members in groups.values():
        arms = sorted({arm for one in members for arm in one["arms"]})
        if len(arms) > 1:
            crossed[arms[0]] += 1
            crossed[arms[-1]] += 1
            continue
        first = min(one["first"] for one in members)
        labels = min(one["labels"] for one in members if one["first"] == first)
        units[arms[0], labels, max(one["first"] for one in members).date()].append({"members": members})
    newest = max((key[2] for key in units), default=None)
    cells: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for (arm, labels, day), several in units.items():
        for one in several:
            members = one.get("members", [one])
            numbers_of: dict[str, float] = {"members": len(members)}
            if world.cluster and "denominator" not in world.asked:
                numbers_of["denominator"] = len(members)
            for name in world.asked:
                found = [measured(world, name, each["user"], each["first"]) for each in members]
                numbers_of[name] = math.fsum(value for value, _ in found)
                if "value" in world.asked[name].keys:
                    lost[arm] += sum(number for _, number in found)
            cells[arm, labels, newest if world.cluster else day].append(numbers_of)
    return {key: moments(rows) for key, rows in cells.items()}, lost, crossed, late


def moments(rows: list[dict[str, float]]) -> Numbers:
    n = len(rows)
    mean = {name: math.fsum(row[name] for row in rows) / n for name in rows[0]}
    short = {"outcome": "", "covariate": "x_", "denominator": "d_"}
    found: Numbers = {"n": n, "members": sum(row["members"] for row in rows)}
    for name, begin in short.items():
        if name in mean:
            found[f"{begin}mean"] = mean[name]
            found[f"{begin}m2"] = math.fsum((row[name] - mean[name]) ** 2 for row in rows)
    for one, other, name in (
        ("covariate", "outcome", "xy"), ("outcome", "denominator", "yd"), ("covariate", "denominator", "xd")
    ):  # fmt: skip
        if one in mean and other in mean:
            found[name] = math.fsum((row[one] - mean[one]) * (row[other] - mean[other]) for row in rows)
    found["m3"] = math.fsum((row["outcome"] - mean["outcome"]) ** 3 for row in rows)
    found |= {"least": min(row["outcome"] for row in rows), "most": max(row["outcome"] for row in rows)}
    return found


def compare(world: World, cells: list[OutcomeCell], tally: Tally) -> None:  # noqa: C901
    wanted, lost, crossed, late = counted(world)
    found = by_key(cells)
    assert set(found) == set(wanted)
    for key, numbers_of in wanted.items():
        cell = found[key]
        assert cell.moments.n == numbers_of["n"], key
        assert cell.members == (numbers_of["members"] if world.cluster else None), key
        for name, value in numbers_of.items():
            if name in ("n", "members"):
                continue
            mine = getattr(cell if name in ("least", "most") else cell.moments, name)
            if name == "m3" and mine is None:
                continue
            largest = max(abs(numbers_of[end]) for end in ("least", "most"))
            size = {"m3": largest**3, "m2": largest**2}.get(name, 1.0)
            if name in ("x_m2", "d_m2", "xy", "yd", "xd"):
                size = 1e12
            assert math.isclose(mine, value, rel_tol=1e-8, abs_tol=1e-9 * (size + 1) * numbers_of["n"]), (key, name)
        for name in ("x_mean", "d_mean", "xy", "yd", "xd"):
            assert (getattr(cell.moments, name) is None) == (name not in numbers_of), (key, name)
    told: dict[str, int] = defaultdict(int)
    both: dict[str, int] = defaultdict(int)
    opened: dict[str, int] = defaultdict(int)
    for one in tally.entries:
        if "or not a number" in one.why:
            told[str(one.variant)] += one.rows
        elif one.why == BOTH_ARMS:
            both[str(one.variant)] += one.units or 0
        elif one.why == INCOMPLETE:
            opened[str(one.variant)] += one.units or 0
    assert {key: value for key, value in lost.items() if value} == {key: value for key, value in told.items() if value}
    assert dict(both) == dict(crossed)
    opened.pop("None", None)  # looked for, and not found
    assert dict(opened) == dict(late)
    live = [row for row in world.exposures if row[-1] is not False]
    assert tally.rows_read == len(live)
    aside = sum(one.rows for one in tally.entries if "or not a number" not in one.why)
    assert tally.rows_kept + aside == len(live)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_cells_are_what_a_loop_makes_of_the_rows(world: World) -> None:
    live = [row for row in world.exposures if row[-1] is not False]
    if not live:
        return
    with tempfile.TemporaryDirectory() as folder:
        put(world, Path(folder))
        of = load_project(Path(folder))
        tally = Tally()
        try:
            cells = list(get("warehouse").read(of.sources[0], of, tally))
        except SignalsError as error:
            assert "rows can be used" in str(error) or "no window has ended" in str(error)  # noqa: PT017  (which worlds raise it is looked at below)
            assert not tally.rows_kept
            cells = []
    compare(world, [cell for cell in cells if isinstance(cell, OutcomeCell)], tally)
