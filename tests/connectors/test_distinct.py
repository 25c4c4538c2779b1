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
@given(values=st.lists(st.one_of(st.none(), NUMBERS), max_size=40))
def test_whole_numbers_are_told_apart(database, values):
    known = [value for value in values if value is not None]
    assert ask(database, values, "BIGINT") == (len(set(known)) == len(known))


@SLOW
@given(values=st.lists(st.one_of(st.none(), st.text("ab\u00e9", max_size=4)), max_size=30))
def test_texts_are_told_apart(database, values):
    known = [value for value in values if value is not None]
    assert ask(database, values, "VARCHAR") == (len(set(known)) == len(known))


@SLOW
@given(data=st.data(), bits=st.sampled_from([32, 64]), room=st.sampled_from([1, 3, 1 << 20]))
def test_keys_are_told_apart_however_many_chunks_they_come_in(monkeypatch, data, bits, room):
    keys = st.one_of(st.integers(0, 2**bits - 1), st.sampled_from([0, 1, 2**bits - 1, 2 ** (bits - 8)]))
    chunks = data.draw(st.lists(st.lists(keys, max_size=12, unique=True).map(sorted), max_size=8))
    monkeypatch.setattr(distinct, "CHUNK", room)
    every = [key for chunk in chunks for key in chunk]
    arrays = iter([np.array(chunk, dtype=f"uint{bits}") for chunk in chunks])
    assert distinct._distinct(arrays, bits) == (len(set(every)) == len(every))


@pytest.mark.parametrize(
    "unit", ["i", "i * 65536", "i * 5000000000", "'user-' || i"], ids=["dense", "even", "far", "text"]
)
def test_units_that_come_in_several_chunks(database, monkeypatch, unit):
    monkeypatch.setattr(distinct, "CHUNK", 1 << 12)
    rows = f"SELECT {unit} AS u FROM range(60000) AS numbers(i)"
    assert distinct.all_distinct(database, rows)
    # The last is the eighth again, far from it.
    assert not distinct.all_distinct(database, rows.replace("range(60000)", "(SELECT range % 59992 FROM range(60000))"))
    assert database.execute("SELECT 1").fetchall() == [(1,)]  # the connection is free again


def test_what_cannot_be_told_quickly_is_left_to_be_counted(database):
    assert not ask(database, [1.5, 2.5], "DOUBLE")


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
