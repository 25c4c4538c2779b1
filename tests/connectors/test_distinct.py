"""Units that are there once, and third moments in one look at the rows: against plain Python."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.connectors import aggregate, distinct

NUMBERS = st.one_of(st.integers(-50, 50), st.integers(-(2**63), 2**63 - 1))
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database():
    with duckdb.connect() as connection:
        yield connection


def ask(database, values, kind):
    database.execute(f"CREATE OR REPLACE TEMP TABLE units (u {kind})")
    if values:
        database.executemany("INSERT INTO units VALUES (?)", [[value] for value in values])
    return distinct.all_distinct(database, "SELECT u FROM units")


@SLOW
@given(values=st.lists(st.one_of(st.none(), NUMBERS), max_size=40), room=st.sampled_from([8, 16, 1 << 26]))
def test_whole_numbers_are_told_apart_however_little_room_there_is(database, monkeypatch, values, room):
    monkeypatch.setattr(distinct, "AT_ONCE", room)
    monkeypatch.setattr(distinct, "LOOKS", (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41))
    known = [value for value in values if value is not None]
    assert ask(database, values, "BIGINT") == (len(set(known)) == len(known))


@SLOW
@given(values=st.lists(st.one_of(st.none(), st.text("ab\u00e9", max_size=4)), max_size=30))
def test_texts_are_told_apart(database, values):
    known = [value for value in values if value is not None]
    assert ask(database, values, "VARCHAR") == (len(set(known)) == len(known))


def test_what_cannot_be_told_quickly_is_left_to_be_counted(database, monkeypatch):
    assert not ask(database, [1.5, 2.5], "DOUBLE")
    monkeypatch.setattr(distinct, "AT_ONCE", 1)
    assert not ask(database, list(range(distinct.LOOKS[-1])), "INTEGER")


def moments(database, groups):
    database.execute("CREATE OR REPLACE TEMP TABLE rows_in (g INTEGER, y DOUBLE)")
    for number, values in enumerate(groups):
        database.executemany("INSERT INTO rows_in VALUES (?, ?)", [[number, float(value)] for value in values])
    found = aggregate.groups(
        database, "SELECT * FROM rows_in", ["g"], covariate=False, denominator=False, summed=False, file="f"
    )
    return [group.moments.m3 for group in found]


@pytest.mark.parametrize(
    "means",
    [(0, 0.5), (0, 5e6), (1e9, 1e9 + 1), (-3e4, 3e4, 0)],
    ids=["near", "far from the first rows", "far from nothing", "either side"],
)
def test_third_moments_are_exact_wherever_the_groups_lie(database, means):
    rng = np.random.default_rng(7)
    groups = [mean + np.round(rng.exponential(2, 300), 3) for mean in means]
    for m3, values in zip(moments(database, groups), groups, strict=True):
        off = values - values.mean()
        assert m3 == pytest.approx((off**3).sum(), rel=1e-6 if abs(values.mean()) > 1e6 else 1e-9)


def test_first_rows_that_are_zero_or_one_promise_nothing(database, monkeypatch):
    monkeypatch.setattr(aggregate, "SAMPLE", 10)
    groups = [[0, 1, 1, 0, 1, 0, 0, 0, 1, 1], [0, 1, 2.5, 9, 0, 0], [4, 4, 4]]
    found = moments(database, groups)
    for m3, values in zip(found, groups, strict=True):
        off = np.array(values) - np.mean(values)
        assert m3 == pytest.approx((off**3).sum(), rel=1e-9, abs=1e-9)


def test_one_look_is_enough_when_no_group_is_far(database, monkeypatch):
    monkeypatch.setattr(aggregate, "_cubes", lambda *_: pytest.fail("looked at the rows again"))
    assert moments(database, [[0, 2, 5.5, 7], [1, 3, 3, 20], [6, 6]])[2] == 0.0
