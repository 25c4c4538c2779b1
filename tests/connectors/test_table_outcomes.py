"""User-level outcomes and counts as moments."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.model import BOTH_ARMS, Moments

ENTRY = {"path": "u.csv", "shape": "outcome", "map": {"unit": "u", "variant": "v", "value": "y"}}
TIMED = {**ENTRY, "map": {**ENTRY["map"], "at": "t", "segment.plan": "p"}}


def about(n, mean, m2, m3):
    return Moments(n, pytest.approx(mean), pytest.approx(m2), m3=pytest.approx(m3))


def cells(records):
    return {(r.variant, r.segment, r.day): r.moments for r in records}


def test_rows_of_a_unit_are_summed_and_its_first_day_and_segment_stand(desk):
    desk.write(
        "u.csv",
        "u,v,y,t,p\n"
        "a,control,1,2026-11-11T00:30:00+01:00,pro\n"  # the 10th in UTC
        "a,control,1,2026-11-12T08:00:00Z,free\n"
        "b,control,0,2026-11-10T08:00:00Z,pro\n"
        "c,candidate,true,2026-11-10T08:00:00Z,\n",
    )
    found = cells(desk.read(**TIMED))
    assert found[("control", (("plan", "pro"),), date(2026, 11, 10))] == about(2, 1.0, 2.0, 0.0)
    assert found[("candidate", (("plan", "(empty)"),), date(2026, 11, 10))].mean == 1.0
    assert len(found) == 2
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (4, 4)


def test_faults_are_set_aside_by_reason_and_arm(desk):
    desk.write(
        "u.csv",
        "u,v,y,t,p\n"
        "a,control,1,2026-11-10T00:00:00Z,x\n"
        ",control,1,2026-11-10T00:00:00Z,x\n"
        "c,,1,2026-11-10T00:00:00Z,x\n"
        "d,candidate,,2026-11-10T00:00:00Z,x\n"
        "e,candidate,abc,2026-11-10T00:00:00Z,x\n"
        "f,candidate,NaN,2026-11-10T00:00:00Z,x\n"
        "g,candidate,-inf,2026-11-10T00:00:00Z,x\n"
        "h,candidate,1_000,2026-11-10T00:00:00Z,x\n"
        "i,candidate,1,yesterday,x\n"
        "j,candidate,1,,x\n"
        "k,candidate,1,3026-11-10T00:00:00Z,x\n",
    )
    assert len(desk.read(**TIMED)) == 1
    assert desk.whys == {
        "unit is empty": 1,
        "variant is empty": 1,
        "value is empty (write 0 for a unit without the outcome)": 1,
        "value is not a number": 2,
        "value is NaN or infinite": 2,
        "at is not a time": 2,
        "at is empty": 1,
    }
    by_arm = {(e.why.split(" (first")[0], e.variant): e for e in desk.tally.entries}
    assert by_arm["value is not a number", "candidate"].rows == 2
    assert "'abc' in data/u.csv" in by_arm["value is not a number", "candidate"].why
    assert all(e.fault for e in desk.tally.entries)
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (11, 1)


def test_units_in_both_arms_leave_both(desk):
    desk.releases = [desk.releases[0], {**desk.releases[0], "id": "r2", "control": "old", "candidate": "control"}]
    desk.write(
        "u.csv",
        "u,v,y\na,control,1\na,control,1\na,candidate,0\nb,control,1\nb,other,1\nc,candidate,1\nd,old,1\nd,candidate,1\n",
    )
    found = cells(desk.read(**ENTRY))
    assert {key[0]: m.n for key, m in found.items()} == {"control": 1, "candidate": 2, "old": 1, "other": 1}
    both = [(e.variant, e.rows, e.units) for e in desk.tally.entries if e.why == BOTH_ARMS]
    assert both == [("candidate", 1, 1), ("control", 2, 1)]
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (8, 5)


def test_rows_read_are_kept_or_set_aside(desk):
    events = [f"u{n % 40},{('control', 'candidate')[n % 40 < 20 or n % 3 == 0]},{n % 2}" for n in range(400)]
    desk.write("u.csv", "u,v,y\n" + "\n".join(events) + "\nu1,control,x\n,control,1\n")
    desk.read(**ENTRY)
    aside = sum(e.rows for e in desk.tally.entries)
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (402, 200)
    assert desk.tally.rows_kept + aside == desk.tally.rows_read
    both = {e.variant: e.units for e in desk.tally.entries if e.why == BOTH_ARMS}
    assert both == {"control": 20, "candidate": 20}
    assert {e.units for e in desk.tally.entries if e.why != BOTH_ARMS} == {None}


def test_grain_is_verified(desk):
    desk.write("u.csv", "u,v,y\na,control,1\nb,control,1\na,candidate,0\n")
    message = desk.fails(**ENTRY, grain="unit")
    assert "unit 'a' is on several rows" in message
    assert message.startswith("data/u.csv: ")
    desk.write("u.csv", "u,v,y\na,control,1\nb,control,1\nc,candidate,0\n")
    assert cells(desk.read(**ENTRY, grain="unit")) == cells(desk.read(**ENTRY))


@pytest.mark.parametrize("ids", [[3, 5, 9], [-4, 0, 2], [0, 1, 2**40], [7], [1.5, 2.5], ["a", "b"]])
def test_grain_is_verified_for_every_kind_of_id(desk, ids):
    import duckdb

    def write(units):
        rows = ", ".join(f"({unit!r}, 'control', 1)" for unit in units)
        duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) t(u, v, y)) TO '{desk.data}/u.parquet'")

    entry = {**ENTRY, "path": "u.parquet", "grain": "unit"}
    write(ids)
    assert desk.read(**entry)[0].moments.n == len(ids)
    write([*ids, ids[-1]])
    assert f"unit '{ids[-1]}' is on several rows (1 such units)" in desk.fails(**entry)


def test_large_mean_keeps_its_variance(desk):
    rng = random.Random(4)
    values = [1e9 + rng.random() for _ in range(5000)]
    desk.write("u.csv", "u,v,y\n" + "".join(f"{n},control,{y!r}\n" for n, y in enumerate(values)))
    for entry in (ENTRY, {**ENTRY, "grain": "unit"}):
        [record] = desk.read(**entry)
        assert record.moments.m2 == pytest.approx(np.var(np.array(values) - 1e9) * 5000, rel=1e-6)


def test_covariate_and_denominator(desk):
    rng = random.Random(5)
    rows = [(n, "control", rng.random(), rng.gauss(3, 2), rng.randint(1, 9)) for n in range(400)]
    desk.write("u.csv", "u,v,y,x,d\n" + "".join(",".join(map(repr, row)).replace("'", "") + "\n" for row in rows))
    entry = {**ENTRY, "map": {**ENTRY["map"], "covariate": "x", "denominator": "d"}}
    m = desk.read(**entry)[0].moments
    y, x, d = (np.array(column) for column in list(zip(*rows, strict=True))[2:])
    expected = {
        "mean": y.mean(), "m2": y.var() * 400, "x_mean": x.mean(), "x_m2": x.var() * 400, "d_mean": d.mean(),
        "d_m2": d.var() * 400, "xy": np.cov(x, y, ddof=0)[0, 1] * 400, "yd": np.cov(y, d, ddof=0)[0, 1] * 400,
        "xd": np.cov(x, d, ddof=0)[0, 1] * 400,
    }  # fmt: skip
    for name, value in expected.items():
        assert getattr(m, name) == pytest.approx(value, rel=1e-8, abs=1e-7), name
    desk.write("u.csv", "u,v,y,x,d\na,control,1,5,1\na,control,2,6,1\nb,control,1,5,1\nb,control,1,5,1\n")
    [record] = desk.read(**entry)
    assert (record.moments.n, record.moments.mean, record.moments.d_mean, record.moments.x_mean) == (1, 2.0, 2.0, 5.0)
    assert list(desk.whys.values()) == [2]
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (4, 2)


UNITS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(["control", "candidate"]),
        st.floats(-1e6, 1e6, allow_nan=False).map(lambda y: round(y, 3)),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=UNITS, seed=st.integers(0, 9))
def test_moments_are_those_of_the_units_in_any_row_order(desk, rows, seed):
    def text(order):
        return "u,v,y,t\n" + "".join(
            f"{u},{v},{y!r},2026-11-{1 + h // 24:02}T{h % 24:02}:00:00Z\n" for u, v, y, h in order
        )

    desk.write("u.csv", text(rows))
    entry = {**ENTRY, "map": {**ENTRY["map"], "at": "t"}}
    units = defaultdict(list)
    for u, v, y, h in rows:
        units[u, v].append((h, y))
    crossed = {u for u, v in units if (u, "control") in units and (u, "candidate") in units}
    expected = defaultdict(list)
    for (u, v), seen in units.items():
        if u not in crossed:
            expected[v, 1 + min(seen)[0] // 24].append(math.fsum(y for _, y in seen))
    if not expected:
        assert "none of the" in desk.fails(**entry)
        return
    found = desk.read(**entry)
    assert {(r.variant, r.day.day) for r in found} == set(expected)
    for record in found:
        values = np.array(expected[record.variant, record.day.day])
        assert record.moments.n == len(values)
        assert record.moments.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
        assert record.moments.m2 == pytest.approx(values.var() * len(values), rel=1e-9, abs=1e-3)
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    desk.write("u.csv", text(shuffled))
    again = {(r.variant, r.day): r.moments.n for r in desk.read(**entry)}
    assert again == {(r.variant, r.day): r.moments.n for r in found}


def test_parquet_reads_like_csv_and_twice_alike(desk):
    import duckdb

    rng = random.Random(6)
    lines = ["u,v,y,t,p"]
    for n in range(3000):
        variant = "control" if n % 700 % 2 else "candidate"
        lines.append(f"{n % 700},{variant},{rng.random()!r},2026-11-{rng.randint(1, 9):02} 10:00:00+00,p{n % 3}")
    desk.write("u.csv", "\n".join(lines))
    duckdb.sql(f"COPY (SELECT * FROM '{desk.data}/u.csv') TO '{desk.data}/u.parquet'")
    from_csv = desk.read(**TIMED)
    from_parquet = desk.read(**{**TIMED, "path": "u.parquet"})
    assert from_csv == from_parquet == desk.read_again()
    assert len(from_csv) > 20


def test_counts(desk):
    desk.write("c.csv", "v,n,k,day\ncontrol,100,10,2026-11-10\ncontrol,50,5,2026-11-10\ncandidate,10,11,2026-11-10\n"
                        "candidate,10,3,soon\ncandidate,1.5,1,2026-11-10\ncandidate,-3,1,2026-11-10\n")  # fmt: skip
    entry = {
        "path": "c.csv",
        "shape": "outcome_counts",
        "map": {"variant": "v", "units": "n", "successes": "k", "day": "day"},
    }
    [record] = desk.read(**entry)
    assert record.moments == about(150, 0.1, 150 * 0.1 * 0.9, 150 * 0.1 * 0.9 * 0.8)
    assert record.day == date(2026, 11, 10)
    assert set(desk.whys) == {
        "successes is not a whole number from 0 to units",
        "day is not a date",
        "units is not a whole number of at least 0",
    }
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (6, 2)


def test_mean_and_sample_sd(desk):
    values = [1.0, 2.0, 4.0, 9.0]
    sd = np.std(values, ddof=1)
    desk.write("c.csv", f"v,n,m,s\ncontrol,4,4.0,{float(sd)!r}\n")
    [record] = desk.read(
        path="c.csv", shape="outcome_counts", map={"variant": "v", "units": "n", "mean": "m", "sd": "s"}
    )
    assert record.moments.m2 == pytest.approx(np.var(values) * 4)
    assert record.metric == "sig"


def test_values_too_large_to_square(desk):
    desk.write("u.csv", "u,v,y\na,control,1e308\na,control,1e308\nb,control,-1e308\nc,control,1e300\n")
    assert desk.fails(**ENTRY).startswith("data/u.csv: values are too large to square")
    assert desk.fails(**{**ENTRY, "where": {"y": "1e300"}, "map": {**ENTRY["map"], "denominator": "u"}})


def test_scale_and_metric(desk):
    desk.write("u.csv", "u,v,y\na,control,1\nb,control,7\n")
    [record] = desk.read(**ENTRY, scale=[0, 5], metric="rounds")
    assert (record.metric, record.moments.n) == ("rounds", 1)
    assert desk.whys == {"value is outside the scale 0 to 5": 1}


def test_public_experiment(desk, shared):
    path = shared / "data" / "cookie_cats" / "cookie_cats.csv"
    desk.write("cats.csv", path.read_bytes())
    records = desk.read(
        path="cats.csv", shape="outcome", grain="unit",
        map={"unit": "userid", "variant": "version", "value": "retention_7"},
    )  # fmt: skip
    arms = {r.variant: r.moments for r in records}
    assert (arms["gate_30"].n, arms["gate_40"].n) == (44700, 45489)
    assert arms["gate_40"].mean - arms["gate_30"].mean == pytest.approx(-0.0082, abs=5e-5)


def test_warehouse_tables(desk, shared):
    folder = shared / "exports" / "warehouse"
    desk.write("d.csv", (folder / "daily_stats.csv").read_bytes())
    records = desk.read(
        path="d.csv", shape="outcome_counts",
        map={"variant": "variation_id", "units": "n", "successes": "converted", "day": "day", "segment.lang": "lang"},
    )  # fmt: skip
    totals = defaultdict(lambda: [0, 0.0])
    for record in records:
        totals[record.variant][0] += record.moments.n
        totals[record.variant][1] += record.moments.n * record.moments.mean
    assert len(records) == 84
    assert {arm: (n, round(k)) for arm, (n, k) in totals.items()} == {"control": (1511, 131), "candidate": (1460, 172)}
    exposed = folder / "experiment_viewed.parquet"
    desk.write("e.parquet", exposed.read_bytes())
    import duckdb

    duckdb.sql(f"COPY (SELECT *, 1 AS one FROM '{exposed}') TO '{desk.data}/e.parquet'")
    seen = desk.read(
        path="e.parquet", shape="outcome",
        map={"unit": "user_id", "variant": "variation_id", "value": "one", "at": "timestamp", "segment.lang": "lang"},
    )  # fmt: skip
    assert sum(r.moments.n for r in seen) == 2971
    assert {(e.why, e.units) for e in desk.tally.entries} == {(BOTH_ARMS, 29)}
    assert desk.tally.rows_kept + sum(e.rows for e in desk.tally.entries) == desk.tally.rows_read


@given(st.lists(st.integers(-100_000, 100_000), min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_the_order_in_which_money_is_added_does_not_show(cents: list[int], draw: random.Random) -> None:
    from signals.connectors.aggregate import snap

    amounts = [cent / 100 for cent in cents]
    mixed = draw.sample(amounts, len(amounts))
    squares, others = sum(one * one for one in amounts), sum(one * one for one in mixed)
    scale = max(squares, 1.0)
    assert snap(squares, scale) == snap(others, scale)
    assert snap(float(cents[0]) / 100, max(1.0, abs(cents[0]))) == cents[0] / 100
