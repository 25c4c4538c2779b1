"""A pull into the store: idempotent, exact, all or nothing."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from store_kit import GOLDEN, RELEASE, START, child, count_rows, dump, finish, put, scores

from signals.connectors import Tally
from signals.model import (
    EmbeddingSample,
    FeedbackCell,
    ItemScore,
    MixShare,
    Moments,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Record,
    SetAside,
    SignalsError,
    Source,
)
from signals.store import PulledMeanwhileError, Store, open_store
from signals.store.records import SHAPES

TINY = 5e-324
ODD = 0.1 + 0.2


def one_of_each() -> list[Record]:
    moments = Moments(3, ODD, TINY, -1e300, 2.5, 1 / 3, 4.0, None, None, -0.25, -TINY)
    plan = (("locale", "de–AT"), ("plan", "a,b|c=d\\\"'"))
    return [
        ItemScore(
            "s1",
            "i",
            "prompt-v6",
            "helpful",
            ODD,
            None,
            "gpt;rubric",
            2,
            "thread",
            plan,
            START,
            ODD,
            "0f1e",
            START - timedelta(days=9),
            False,
        ),
        ItemScore("s2", "i", "prompt-v7", "helpful", None, "judge_error"),
        Rating(
            "r1", "i", "ann", "prompt-v7", -TINY, "tone", "submitted", 2, plan, START + timedelta(microseconds=1), 1 / 3
        ),
        Rating("r2", "i", "ann", "prompt-v6", None, status="skipped"),
        Preference("p1", "i", "bob", "prompt-v7", "prompt-v6", "tie", "tone", "submitted", 3, plan, START, "left"),
        Preference("p2", "i", "bob", "prompt-v6", "prompt-v7", None, status="rejected"),
        OutcomeCell("converted", "prompt-v6", plan, date(2026, 11, 10), moments),
        OutcomeCell("converted", "prompt-v6", (), None, Moments(1, 0.0, 0.0), -ODD, 1e308, "clusters", 2**62),
        OutcomeCell("counted", "prompt-v6", (), None, Moments(1, 0.0, 0.0), counted="counts"),
        QuantileCell("wait", "prompt-v6", plan, 0.9, 7, ODD, (-1e308, TINY), (1 / 3,), START, "clusters"),
        QuantileCell("wait", "prompt-v6", plan, 0.5, 7, ODD, (), ()),
        FeedbackCell("prompt-v7", plan, date(2026, 11, 11), 2**62, True, moments, ODD),
        FeedbackCell("prompt-v7", (), None, None, False, Moments(2, 1.0, 0.5)),
        MixShare("m1", plan, ODD, 1 / 3, "week 46"),
        EmbeddingSample("e1", "prompt-v7", (ODD, TINY, -1e308), "week 46", "i", START),
        EmbeddingSample("e2", "prompt-v7", ()),
    ]


def test_every_record_comes_back_exactly(store: Store) -> None:
    given_records = one_of_each()
    report = put(store, given_records)
    assert (report.status, report.new, report.records, report.rows_kept) == ("changed", 16, 16, 16)
    found = store.evidence(RELEASE, ["golden"], ["golden"])
    back = [*found.scores, *found.ratings, *found.preferences, *found.outcomes, *found.quantiles]
    back += [*found.feedback, *found.mix]
    with store.database.read() as connection:
        shape = SHAPES[EmbeddingSample]
        rows = connection.execute(shape.table.select().order_by(shape.table.c.record)).mappings()
        back += [shape.record([row[name] for name in shape.columns]) for row in rows]
    assert sorted(map(repr, back)) == sorted(map(repr, given_records))
    assert found.human == found.ratings
    assert {record.at.tzinfo for record in found.scores if record.at} == {UTC}


def test_the_same_again_changes_nothing(store: Store) -> None:
    first = put(store, one_of_each())
    before, hash_ = dump(store), store.evidence_hash(RELEASE, ["golden"])
    again = put(store, reversed(one_of_each()))
    assert (again.status, again.new, again.changed, again.removed, again.unchanged) == ("unchanged", 0, 0, 0, 16)
    assert again.content == first.content
    assert dump(store) == before
    assert store.evidence_hash(RELEASE, ["golden"]) == hash_
    notes = store.evidence(RELEASE, ["golden"]).sources
    assert [note.pulled_at for note in notes] == [first.started]


def test_an_edit_touches_that_record_alone(store: Store) -> None:
    put(store, scores(10))
    before = dump(store)["item_score"]
    edited = scores(10)
    edited[4] = replace(edited[4], value=99.0)
    report = put(store, edited)
    assert (report.new, report.changed, report.removed, report.unchanged) == (0, 1, 0, 9)
    after = dump(store)["item_score"]
    assert [row[1] for row, old in zip(after, before, strict=True) if row != old] == ["r4"]


def test_records_that_vanish_are_removed_and_other_sources_stay(store: Store) -> None:
    put(store, one_of_each(), replace(GOLDEN, name="other"))
    put(store, one_of_each())
    report = put(store, scores(3))
    assert (report.new, report.removed) == (3, 16)
    assert count_rows(store) == 16 + 3


def test_a_source_that_becomes_empty_is_emptied(store: Store) -> None:
    put(store, scores(3))
    report = put(store, [])
    assert (report.status, report.removed) == ("changed", 3)
    assert count_rows(store) == 0


def test_a_source_that_fails_in_the_middle_leaves_the_store_as_it_was(store: Store) -> None:
    put(store, scores(10))
    before, hash_ = dump(store), store.evidence_hash(RELEASE, ["golden"])

    def half() -> Iterator[Record]:
        yield from scores(12_000, shift=1)
        raise SignalsError("line 12001 is broken")

    tally = Tally()
    with pytest.raises(SignalsError, match="line 12001 is broken"):
        put(store, half(), tally=tally)
    assert dump(store) == before
    assert store.evidence_hash(RELEASE, ["golden"]) == hash_
    # The connection goes back clean: its temporary tables must not trip the next pull.
    assert put(store, scores(10)).status == "unchanged"


def test_what_was_set_aside_is_part_of_the_content(store: Store) -> None:
    put(store, scores(4))
    hash_ = store.evidence_hash(RELEASE, ["golden"])
    tally = Tally()
    tally.rows_read, tally.rows_kept = 6, 4
    tally.set_aside("value is text", "prompt-v6", 2)
    report = put(store, scores(4), tally=tally)
    assert (report.status, report.unchanged, report.set_aside) == (
        "changed", 4, (SetAside(2, "value is text", "prompt-v6"),),
    )  # fmt: skip
    assert store.evidence_hash(RELEASE, ["golden"]) != hash_


def test_repeated_records_count_once_and_are_reported(store: Store) -> None:
    first, second, third = scores(3)
    report = put(store, [first, replace(first, value=50.0), second, replace(first, value=60.0), third])
    assert [(entry.rows, entry.variant) for entry in report.set_aside] == [(2, "prompt-v6")]
    assert "more than once" in report.set_aside[0].why
    assert (report.records, report.rows_read, report.rows_kept) == (3, 5, 3)
    assert store.evidence(RELEASE, ["golden"]).scores[0].value == 0.0


def test_repeats_in_different_batches_are_found(store: Store) -> None:
    report = put(store, [*scores(6_000), *scores(2)])
    assert sum(entry.rows for entry in report.set_aside) == 2
    assert report.records == 6_000


def test_a_cell_that_comes_twice_is_refused(store: Store) -> None:
    cell = OutcomeCell("converted", "prompt-v6", (), date(2026, 11, 10), Moments(1, 0.0, 0.0))
    with pytest.raises(SignalsError, match=r"converted / prompt-v6 / 2026-11-10 twice"):
        put(store, [cell, replace(cell, moments=Moments(2, 1.0, 0.0))])
    assert count_rows(store) == 0


@pytest.mark.parametrize(
    "change, why",
    [
        ({"value": math.nan}, "value is nan"),
        ({"value": -math.inf}, "value is -inf"),
        ({"item": "a\0b"}, "item holds a NUL"),
        ({"scorer": "half \ud83d"}, "scorer holds half a character"),
        ({"segment": (("plan", "half \ud83d"),)}, "segment holds half a character"),
        ({"at": datetime(2026, 11, 10)}, "at has no time zone"),  # noqa: DTZ001 - the fault
        ({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))}, "outside the years"),
        ({"repeat": 2**63}, "repeat does not fit"),
    ],
)
def test_what_cannot_be_stored_truly_is_set_aside(store: Store, change: dict[str, Any], why: str) -> None:
    good, bad, _ = scores(3)
    report = put(store, [good, replace(bad, **change)])
    assert (report.records, report.rows_kept) == (1, 1)
    (entry,) = report.set_aside
    assert (entry.rows, entry.variant, entry.fault) == (1, "prompt-v7", True)
    assert why in entry.why


def test_a_cell_that_cannot_be_stored_counts_as_its_units(store: Store) -> None:
    report = put(store, [OutcomeCell("m", "prompt-v6", (), None, Moments(70, math.nan, 0.0))])
    assert [(entry.rows, entry.variant) for entry in report.set_aside] == [(70, "prompt-v6")]


def test_very_long_names_are_kept_apart(store: Store) -> None:
    long = "x" * 10_000
    records = [replace(record, record=long + record.record, item=long) for record in scores(4)]
    assert put(store, records).records == 4
    assert put(store, records).status == "unchanged"
    assert len(store.evidence(RELEASE, ["golden"]).scores) == 4


def test_times_from_other_zones_are_the_same_moment(store: Store) -> None:
    put(store, scores(3))
    moved = [replace(one, at=one.at and one.at.astimezone(timezone(timedelta(hours=-9)))) for one in scores(3)]
    assert put(store, moved).status == "unchanged"


def test_a_row_that_was_tampered_with_is_put_right(store: Store) -> None:
    put(store, scores(3))
    before = dump(store)
    with store.database.write("test") as connection:
        connection.execute(text("DELETE FROM item_score WHERE record = 'r1'"))
    assert put(store, scores(3)).new == 1
    assert dump(store) == before


def test_pulls_are_logged_and_failures_do_not_hide_the_last_good_one(store: Store) -> None:
    assert store.last_pull("golden") is None
    good = put(store, scores(3), fingerprint="sha256:1", definition="sha256:2")
    store.record_failure(GOLDEN, "sha256:2", START, "postgresql://me:s3cret@host/db is down")
    assert store.last_pull("golden") == good
    assert [report.status for report in store.pulls("golden")] == ["failed", "changed"]
    assert store.pulls("golden")[0].error == "postgresql://me:***@host/db is down"
    assert (good.first_at, good.last_at) == (START, START + timedelta(minutes=2))
    store.record_unchanged("golden")
    later = store.last_pull("golden")
    assert later is not None
    assert later.checked > good.checked
    assert replace(later, checked=good.checked) == good


def test_a_source_pulled_by_somebody_else_meanwhile_is_not_overwritten(store: Store) -> None:
    put(store, scores(3))

    def slow() -> Iterator[Record]:
        yield from scores(2)
        put(store, scores(5))

    with pytest.raises(PulledMeanwhileError):
        put(store, slow(), tally=Tally())
    assert count_rows(store) == 5


def test_reading_a_slow_source_holds_no_lock(store: Store) -> None:
    def slow() -> Iterator[Record]:
        yield from scores(6_000)  # past the first batch, so that something is staged
        put(store, scores(5), replace(GOLDEN, name="other"))
        yield from scores(6_001)[6_000:]

    assert put(store, slow(), tally=Tally()).records == 6_001
    assert count_rows(store) == 6_006


# --- properties -----------------------------------------------------------------------------------------------------

names = st.sampled_from(["prompt-v6", "prompt-v7", "prompt-v5"])
numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=8)
maybe = st.none() | numbers
segments = st.lists(st.tuples(words, words), max_size=2).map(tuple)
times = st.none() | st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is added
moments = st.builds(Moments, st.integers(0, 10**9), numbers, numbers, *[maybe] * 7)


def identity(one: Any) -> tuple[str, ...]:
    """What tells a record from others of its source."""
    if isinstance(one, OutcomeCell | FeedbackCell):
        metric = one.metric if isinstance(one, OutcomeCell) else "feedback"
        return ("cell", metric, one.variant, repr(one.segment), str(one.day))
    return (type(one).__name__, one.record)


records = st.lists(
    st.one_of(
        st.builds(ItemScore, st.sampled_from("abc"), words, names, words, maybe, segment=segments, at=times),
        st.builds(Rating, st.sampled_from("abc"), words, words, names, maybe, segment=segments, at=times),
        st.builds(Preference, st.sampled_from("abc"), words, words, names, names, st.sampled_from(["left", "tie"])),
        st.builds(OutcomeCell, words, names, segments, st.none() | st.dates(), moments),
        st.builds(FeedbackCell, names, segments, st.none() | st.dates(), st.none() | st.integers(0, 99), st.booleans(),
                  moments),
        st.builds(MixShare, st.sampled_from("abc"), segments, numbers),
        st.builds(EmbeddingSample, st.sampled_from("abc"), names, st.lists(numbers, max_size=3).map(tuple)),
    ),
    max_size=8,
    unique_by=identity,
)  # fmt: skip


turns = count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=records, second=records)
def test_what_came_before_does_not_matter(store: Store, first: list[Any], second: list[Any]) -> None:
    turn = next(turns)
    used, clean = (replace(GOLDEN, name=f"{name}{turn}") for name in ("used", "clean"))
    put(store, first, used)
    report, expected = put(store, second, used), put(store, second, clean)
    assert rows_of(store, used) == rows_of(store, clean)
    assert report.content == expected.content
    assert report.new + report.changed + report.unchanged == report.records == len(rows_of(store, used))
    one, other = (store.evidence(RELEASE, [source.name]) for source in (used, clean))
    assert replace(one, sources=()) == replace(other, sources=())


def rows_of(store: Store, source: Source) -> list[tuple[Any, ...]]:
    """A source's rows in every table, without its name."""
    return [(table, *row[1:]) for table, rows in dump(store).items() for row in rows if row[0] == source.name]


# --- several processes ----------------------------------------------------------------------------------------------


def test_processes_that_pull_at_once_lose_and_double_nothing(url: str) -> None:
    open_store(url).close()
    code = (
        "import sys; from store_kit import *; from signals.store import *\n"
        "store = open_store(sys.argv[1])\n"
        "for turn in range(4):\n"
        "    put(store, scores(300 + turn), replace_name(sys.argv[2]))\n"
        "    while True:\n"
        "        try: put(store, scores(200), replace_name('shared'))\n"
        "        except PulledMeanwhileError: continue\n"
        "        break\n"
    ).replace("replace_name(", "__import__('dataclasses').replace(GOLDEN, name=")
    children: list[subprocess.Popen[str]] = [child(code, url, f"mine{number}") for number in range(4)]
    for process in children:
        finish(process)
    with open_store(url) as store:
        rows = dump(store)["item_score"]
        assert len(rows) == 4 * 303 + 200
        for number in range(4):
            log = store.pulls(f"mine{number}")
            assert [report.new for report in log[::-1]] == [300, 1, 1, 1]
        with open_store(url) as again:
            assert put(again, scores(200), Source("shared", "judge", "table", {})).status == "unchanged"
