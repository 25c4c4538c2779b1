"""Clusters, windows, covariate times and quantiles of user-level rows, against a plain count of the same rows."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.connectors.quantiles import ranks
from signals.model import BOTH_ARMS, INCOMPLETE, QUANTILE_STEPS, OutcomeCell, QuantileCell

ENTRY = {"path": "u.csv", "shape": "outcome", "map": {"unit": "u", "variant": "v", "value": "y"}}
TIMED = {**ENTRY, "map": {**ENTRY["map"], "at": "t"}}
CLUSTERED = {**ENTRY, "map": {**ENTRY["map"], "cluster": "c"}}
FUZZ = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ARMS = ("control", "candidate")


def third(values):
    off = np.array(values) - np.mean(values)
    return float((off**3).sum())


# --- third moments and ends -----------------------------------------------------------------------------------------


def test_zero_one_outcomes_have_an_exact_third_moment(desk):
    desk.write("u.csv", "u,v,y\n" + "".join(f"{n},control,{int(n < 7)}\n" for n in range(100)))
    for entry in (ENTRY, {**ENTRY, "grain": "unit"}):
        [cell] = desk.read(**entry)
        assert cell.moments.m3 == 7 * 93 * 86 / 10_000
        assert (cell.least, cell.most, cell.counted, cell.members) == (0.0, 1.0, "units", None)


@pytest.mark.parametrize("level", [0.0, 1e6, -1e9])
def test_a_large_level_keeps_the_third_moment(desk, level):
    values = level + np.round(np.random.default_rng(3).exponential(size=4000) * 1024) / 1024
    desk.write("u.csv", "u,v,y\n" + "".join(f"{n},control,{y!r}\n" for n, y in enumerate(values.tolist())))
    for entry in (ENTRY, {**ENTRY, "grain": "unit"}):
        [cell] = desk.read(**entry)
        assert cell.moments.m3 == pytest.approx(third(values - level), rel=1e-6)
        assert (cell.least, cell.most) == (pytest.approx(values.min()), pytest.approx(values.max()))


def test_cubes_that_leave_the_floats_are_not_given(desk):
    desk.write("u.csv", "u,v,y\na,control,1e140\nb,control,2e140\nc,control,7e140\n")
    [cell] = desk.read(**ENTRY)
    assert cell.moments.m3 is None
    assert math.isfinite(cell.moments.m2)


# --- clusters -------------------------------------------------------------------------------------------------------


def test_clusters_are_the_units_of_the_moments(desk):
    desk.write(
        "u.csv",
        "u,v,y,c\na,control,1,X\na,control,2,X\nb,control,4,X\nd,control,0,Y\n"  # X: a 3, b 4; Y: d 0
        "e,candidate,5,Z\n"
        "f,control,1,W\nf2,control,1,W\ng,candidate,1,W\n"  # W is in both arms
        "h,control,9,X\nh,control,9,Y\n"  # h is in two clusters
        "i,control,1,\n",
    )
    cells = {cell.variant: cell for cell in desk.read(**CLUSTERED)}
    control = cells["control"]
    assert (control.counted, control.members, control.moments.n) == ("clusters", 3, 2)
    m = control.moments
    assert (m.mean, m.m2, m.d_mean, m.d_m2, m.yd, m.m3) == (3.5, 24.5, 1.5, 0.5, 3.5, 0.0)
    assert (control.least, control.most) == (0.0, 7.0)
    assert cells["candidate"].members == 1
    assert [(e.variant, e.rows, e.units) for e in desk.tally.entries if e.why == BOTH_ARMS] == [
        ("candidate", 1, 1),
        ("control", 2, 1),
    ]
    assert desk.whys["unit is in two clusters"] == 2
    assert desk.whys["cluster is empty"] == 1
    aside = sum(entry.rows for entry in desk.tally.entries)
    assert (desk.tally.rows_read, desk.tally.rows_kept + aside) == (11, 11)


def test_a_unit_that_two_clusters_bring_into_both_arms_is_a_fault(desk):
    desk.write("u.csv", "u,v,y,c\na,control,1,X\na,candidate,1,Z\nb,control,2,X\nd,candidate,3,Z\na,other,1,Q\n")
    cells = {cell.variant: cell for cell in desk.read(**CLUSTERED)}
    assert {arm: cell.moments.mean for arm, cell in cells.items()} == {"control": 2, "candidate": 3, "other": 1}
    assert desk.whys == {"unit is in two clusters": 2}


def test_clusters_take_denominators_covariates_and_one_row_per_unit(desk):
    desk.write("u.csv", "u,v,y,c,d,x\na,control,1,X,2,5\nb,control,3,X,4,6\ne,control,2,Y,1,7\n")
    entry = {**CLUSTERED, "map": {**CLUSTERED["map"], "denominator": "d", "covariate": "x"}}
    [cell] = desk.read(**entry)
    m = cell.moments
    assert (m.n, m.mean, m.d_mean, m.x_mean, cell.members) == (2, 3.0, 3.5, 9.0, 3)
    assert (m.xy, m.yd, m.xd) == (4.0, 5.0, 10.0)
    assert desk.read(**entry, grain="unit") == [cell]
    desk.write("u.csv", "u,v,y,c,d,x\na,control,1,X,2,5\na,control,3,X,4,5\n")
    said = desk.fails(**entry, grain="unit")
    assert "unit 'a' is on several rows" in said
    assert "Was the same export matched twice? If not, leave `grain:` out: the rows of a unit are then summed" in said
    said = desk.fails(**entry, grain="unit", quantile=0.5)
    assert "Was the same export matched twice? If not, aggregate to one row per unit" in said
    assert "leave" not in said


def test_clusters_of_both_arms_carry_the_day_of_the_newest_unit(desk):
    rows = [f"{n},{ARMS[n % 2]},1,{n % 4},p,2026-11-{n + 1:02}T23:00:00Z" for n in range(20)]
    rows += ["0,control,1,0,q,2026-11-30T10:00:00Z"]  # a later row of a unit that is there
    rows += ["x,control,oops,0,q,2026-12-01T10:00:00Z", "y,control,1,,q,2026-12-02T10:00:00Z"]  # faults are no units
    desk.write("u.csv", "u,v,y,c,p,t\n" + "\n".join(rows))
    entry = {**CLUSTERED, "map": {**CLUSTERED["map"], "at": "t", "segment.plan": "p"}}
    found = desk.read(**entry)
    # The sum over a shop's users of three weeks says nothing of the first day, when its first user came.
    assert {(cell.variant, cell.day, cell.moments.n, cell.members) for cell in found} == {
        (arm, date(2026, 11, 20), 2, 10) for arm in ARMS
    }
    # A unit whose window is still open is no unit yet: the newest that counts is of the 13th.
    assert {cell.day for cell in desk.read(**{**entry, "where": {"p": "p"}}, window="7d")} == {date(2026, 11, 13)}
    assert {cell.day for cell in desk.read(**CLUSTERED)} == {None}


def test_an_empty_or_missing_cluster_column_is_told(desk):
    desk.write("u.csv", "u,v,y,c\na,control,1,\n")
    assert "none of the 1 rows can be used: cluster is empty" in desk.fails(**CLUSTERED)
    assert "no column 'team'" in desk.fails(**{**ENTRY, "map": {**ENTRY["map"], "cluster": "team"}})


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(ARMS), st.integers(-5, 9), st.integers(0, 4), st.integers(0, 7)),
    min_size=1, max_size=50,
)  # fmt: skip


@FUZZ
@given(rows=ROWS, stick=st.booleans())
def test_clusters_are_those_of_a_plain_count(desk, rows, stick):
    if stick:  # most units keep to one cluster and one arm
        rows = [(u, ARMS[u % 2], y, u // 2 if u % 5 else c, d) for u, _, y, c, d in rows]
    desk.write("u.csv", "u,v,y,c,t\n" + "".join(f"{u},{v},{y},{c},2026-11-1{d}T06:00:00Z\n" for u, v, y, c, d in rows))
    homes = defaultdict(set)
    for u, _, _, c, _ in rows:
        homes[u].add(c)
    good = [row for row in rows if len(homes[row[0]]) == 1]
    seen = defaultdict(set)
    for _, v, _, c, _ in good:
        seen[c].add(v)
    kept = [row for row in good if len(seen[row[3]]) == 1]
    clusters, began = defaultdict(lambda: [0, set()]), defaultdict(lambda: 9)
    for u, v, y, c, d in kept:
        one = clusters[v, c]
        one[0] += y
        one[1].add(u)
        began[v, u] = min(began[v, u], d)
    expected = defaultdict(list)
    for (v, _), (y, units) in clusters.items():
        expected[v, date(2026, 11, 10 + max(began.values()))].append((y, len(units)))
    entry = {**CLUSTERED, "map": {**CLUSTERED["map"], "at": "t"}}
    if not expected:
        assert "none of the" in desk.fails(**entry)
        return
    found = desk.read(**entry)
    assert {(cell.variant, cell.day) for cell in found} == set(expected)
    for cell in found:
        y, d = (np.array(column, dtype=float) for column in zip(*expected[cell.variant, cell.day], strict=True))
        m = cell.moments
        assert (m.n, cell.members, cell.least, cell.most) == (len(y), d.sum(), y.min(), y.max())
        for value, wanted in (
            (m.mean, y.mean()), (m.m2, y.var() * len(y)), (m.d_mean, d.mean()), (m.m3, third(y)),
            (m.yd, ((y - y.mean()) * (d - d.mean())).sum()),
        ):  # fmt: skip
            assert value == pytest.approx(wanted, abs=1e-6)
    aside = sum(entry.rows for entry in desk.tally.entries)
    assert desk.tally.rows_kept + aside == desk.tally.rows_read == len(rows)


# --- windows --------------------------------------------------------------------------------------------------------

WINDOWED = """u,v,y,t
a,control,1,2026-11-01T10:00:00Z
b,control,,2026-11-01T23:59:00Z
d,candidate,2,2026-11-08T23:59:00Z
e,candidate,3,2026-11-09T00:00:00Z
f,candidate,,2026-11-10T10:00:00Z
g,control,oops,2026-11-14T10:00:00Z
,other,,2026-11-15T00:00:01Z
"""


@pytest.mark.parametrize("more", [{}, {"grain": "unit"}])
def test_only_units_whose_window_has_ended_count(desk, more):
    desk.write("u.csv", WINDOWED)
    cells = desk.read(**TIMED, window="7d", **more)
    # The data end with the 15th: a unit of the 8th is the last whose seven days after its own are over.
    assert {(cell.variant, cell.day.day, cell.moments.mean) for cell in cells} == {
        ("control", 1, 1.0),
        ("candidate", 8, 2.0),
    }
    aside = {(e.why.split(" (first")[0], e.variant): (e.rows, e.units, e.fault) for e in desk.tally.entries if e.rows}
    assert aside == {
        (INCOMPLETE, "candidate"): (2, 2, False),
        ("value is empty (write 0 for a unit without the outcome)", "control"): (1, None, True),
        ("value is not a number", "control"): (1, None, True),
        ("unit is empty", "other"): (1, None, True),
    }
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (7, 2)
    assert {cell.day.day for cell in desk.read(**TIMED, window="143h", **more)} == {1, 8, 9}, "hours count too"
    assert "none of the 7 rows" in desk.fails(**TIMED, window="15d", **more)


def test_the_first_row_of_a_unit_opens_its_window(desk):
    desk.write(
        "u.csv",
        "u,v,y,t\na,control,,2026-11-01T10:00:00Z\na,control,5,2026-11-09T10:00:00Z\n"
        "b,control,,2026-11-09T10:00:00Z\nb,control,4,2026-11-09T11:00:00Z\n"
        "d,control,1,2026-11-10T11:00:00Z\nd,candidate,1,2026-11-10T12:00:00Z\n"  # both arms, both open
        "e,control,1,2026-11-01T11:00:00Z\ne,candidate,1,2026-11-10T12:00:00Z\n",  # both arms, one of them closed
    )
    [cell] = desk.read(**TIMED, window="7d")
    assert (cell.moments.n, cell.moments.mean, cell.day.day) == (1, 5.0, 1)
    aside = {(e.why.split(" (first")[0], e.variant): (e.rows, e.units) for e in desk.tally.entries if e.rows}
    assert aside == {
        (INCOMPLETE, "control"): (3, 2),
        (INCOMPLETE, "candidate"): (1, 1),
        (BOTH_ARMS, "control"): (1, 1),
        (BOTH_ARMS, "candidate"): (1, 1),
        ("value is empty (write 0 for a unit without the outcome)", "control"): (1, None),
    }
    assert desk.tally.rows_kept + sum(e.rows for e in desk.tally.entries) == desk.tally.rows_read == 8


@pytest.mark.parametrize("window", ["1d", None])
def test_a_window_that_nobody_waits_for_is_known_to_be_complete(desk, window):
    desk.write("u.csv", "u,v,y,t\na,control,1,2026-11-01T10:00:00Z\nb,candidate,,2026-11-09T10:00:00Z\n")
    desk.read(**TIMED, **({"window": window} if window else {}))
    looked = [entry.rows for entry in desk.tally.entries if entry.why == INCOMPLETE and entry.variant is None]
    assert looked == ([0] if window else [])


def test_windows_of_counts(desk):
    desk.write(
        "c.csv",
        "v,n,k,day\ncontrol,100,10,2026-11-01\ncandidate,90,,2026-11-01\ncandidate,80,,2026-11-09\n"
        "candidate,70,x,2026-11-09\ncontrol,60,6,2026-11-09\ncontrol,,,2026-11-09\ncontrol,50,5,2026-11-10\n",
    )
    entry = {
        "path": "c.csv", "shape": "outcome_counts", "window": "2d",
        "map": {"variant": "v", "units": "n", "successes": "k", "day": "day"},
    }  # fmt: skip
    [cell] = desk.read(**entry)
    assert (cell.moments.n, cell.moments.m3, cell.counted) == (100, 10 * 90 * 80 / 10_000, "counts")
    assert (cell.least, cell.most) == (None, None)
    aside = {(e.why.split(" (first")[0], e.variant): (e.rows, e.units, e.fault) for e in desk.tally.entries if e.rows}
    assert aside == {
        ("successes is not a number", "candidate"): (2, None, True),
        (INCOMPLETE, "candidate"): (1, 80, False),
        (INCOMPLETE, "control"): (2, 110, False),
        ("units is not a number", "control"): (1, None, True),
    }


# --- covariate times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"grain": "unit"}])
def test_a_covariate_must_come_before_exposure(desk, more):
    rows = ["a,control,1,5,2026-11-10T08:00:00Z,2026-11-09", "b,control,1,6,2026-11-10T00:00:00Z,2026-11-10",
            "d,control,1,6,2026-11-10T00:00:00Z,2026-11-12", "e,control,1,6,2026-11-10T00:00:00Z,",
            "f,control,1,6,2026-11-10T00:00:00Z,soon"]  # fmt: skip
    if not more:
        rows.append("a,control,1,5,2026-11-12T08:00:00Z,2026-11-09")
    desk.write("u.csv", "u,v,y,x,t,xt\n" + "\n".join(rows))
    entry = {
        **TIMED, "timezone": "UTC", "map": {**TIMED["map"], "covariate": "x", "covariate_at": "xt"}, **more
    }  # fmt: skip
    [cell] = desk.read(**entry)
    assert (cell.moments.n, cell.moments.x_mean) == (1, 5.0)
    assert desk.whys == {
        "covariate was measured after exposure": 2,
        "covariate_at is empty": 1,
        "covariate_at is not a time": 1,
    }
    assert desk.tally.rows_kept + sum(e.rows for e in desk.tally.entries) == desk.tally.rows_read == len(rows)
    assert "column 'xt' holds times without a zone" in desk.fails(**{**entry, "timezone": None})


# --- quantiles ------------------------------------------------------------------------------------------------------


def order_statistics(values, q):
    """What a quantile cell must hold, from the definition."""
    ordered, n = np.sort(np.array(values, dtype=float)), len(values)
    spread = math.sqrt(n * q * (1 - q))
    lows = [math.floor(round(n * q, 9) - z * spread) for z in QUANTILE_STEPS]
    highs = [math.ceil(round(n * q, 9) + z * spread) + 1 for z in QUANTILE_STEPS]
    return (
        ordered[math.ceil(round(n * q, 9)) - 1],
        tuple(ordered[rank - 1] for rank in lows if rank >= 1),
        tuple(ordered[rank - 1] for rank in highs if rank <= n),
    )


@FUZZ
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(ARMS), st.integers(-40, 40).map(lambda y: y / 8), st.sampled_from("pq")), min_size=1,
        max_size=120,
    ),
    q=st.sampled_from([0.5, 0.9, 0.07, 0.29, 0.999]),
)  # fmt: skip
def test_quantiles_are_order_statistics_of_the_units(desk, rows, q):
    desk.write("u.csv", "u,v,y,p\n" + "".join(f"{u},{v},{y},{p}\n" for u, (v, y, p) in enumerate(rows)))
    entry = {**ENTRY, "map": {**ENTRY["map"], "segment.plan": "p"}, "grain": "unit", "quantile": q}
    found = [record for record in desk.read(**entry) if isinstance(record, QuantileCell)]
    wanted = {}
    for v in {v for v, _, _ in rows}:
        wanted[v, ()] = [y for arm, y, _ in rows if arm == v]
        for p in "pq":
            some = [y for arm, y, plan in rows if (arm, plan) == (v, p)]
            if some:
                wanted[v, (("plan", p),)] = some
    assert {(cell.variant, cell.segment) for cell in found} == set(wanted)
    for cell in found:
        values = wanted[cell.variant, cell.segment]
        assert (cell.n, cell.quantile, cell.at, cell.counted) == (len(values), q, None, "units")
        value, lows, highs = order_statistics(values, q)
        assert (cell.value, cell.lows, cell.highs) == (value, lows, highs)


def test_ranks_are_exact_where_floats_are_not():
    assert 100 * 0.07 > 7
    assert ranks(100, 0.07)[0] == 7
    assert ranks(1, 0.5) == (1, [], [])


def test_quantiles_know_windows_clusters_and_the_newest_unit(desk):
    desk.write("u.csv", WINDOWED.replace("u,v,y,t", "u,v,y,t,c").replace("Z\n", "Z,X\n").replace("candidate", "x"))
    entry = {**TIMED, "map": {**TIMED["map"], "cluster": "c"}, "window": "7d", "metric": "wait"}
    entry |= {"grain": "unit", "quantile": 0.5}
    cells = [record for record in desk.read(**entry) if isinstance(record, QuantileCell)]
    assert [(c.metric, c.variant, c.n, c.value, c.counted, c.at) for c in cells] == [
        ("wait", "control", 1, 1.0, "clusters", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("wait", "x", 1, 2.0, "clusters", datetime(2026, 11, 8, 23, 59, tzinfo=UTC)),
    ]


def test_two_reads_of_sums_agree(desk):
    rng = np.random.default_rng(8)
    lines = "".join(f"{n % 3000},control,{y!r},{n % 40}\n" for n, y in enumerate(rng.lognormal(size=20_000).tolist()))
    desk.write("u.csv", "u,v,y,c\n" + lines)
    for entry in (ENTRY, {**CLUSTERED, "where": {"c": "1"}}):
        first = desk.read(**entry)
        assert first == desk.read_again()
        assert isinstance(first[0], OutcomeCell)


# --- mistakes in sources.yaml ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, said",
    [
        ({**ENTRY, "window": "7d"}, "`window:` needs map.at"),
        ({**TIMED, "window": 14}, "write it like 14d or 36h"),
        ({**TIMED, "window": "14 days"}, "write it like 14d or 36h"),
        ({**TIMED, "window": "0d"}, "above zero"),
        ({**TIMED, "quantile": 90}, "must lie between 0 and 1, such as 0.9"),
        ({**TIMED, "quantile": 1}, "must lie between 0 and 1"),
        (
            {**TIMED, "quantile": 0.9},
            "sources.yaml:23:4: `quantile:` needs `grain: unit`: rows of a unit would be summed, and a quantile of",
        ),
        ({**TIMED, "map": {**TIMED["map"], "covariate_at": "x"}}, "map.covariate_at needs map.covariate too"),
        (
            {**ENTRY, "map": {**ENTRY["map"], "covariate": "x", "covariate_at": "x"}},
            "map.covariate_at needs map.at too. Add `at: COLUMN`",
        ),
        (
            {"path": "u.csv", "shape": "outcome_counts", "window": "7d",
             "map": {"variant": "v", "units": "n", "successes": "k"}},
            "`window:` needs map.day",
        ),
        (
            {"path": "u.csv", "shape": "outcome_counts", "quantile": 0.5,
             "map": {"variant": "v", "units": "n", "successes": "k"}},
            "`quantile:` is not for shape outcome_counts",
        ),
    ],
)  # fmt: skip
def test_mistakes(desk, entry, said):
    desk.write("u.csv", "u,v,y\na,control,1\n")
    assert said in desk.fails(**entry)
