"""Files larger than memory: what is met and kept on the way goes to the disk, and nothing comes out differently."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.connectors import Tally, duck, known
from signals.connectors.duck import TooLittleError
from signals.connectors.enough import with_enough
from signals.connectors.known import Known, key_of
from signals.connectors.said import Places
from signals.model import SignalsError

FEW = settings(max_examples=60, deadline=None)


@FEW
@given(keys=st.lists(st.integers(0, 9), max_size=60), room=st.integers(0, 12))
def test_keys_are_counted_alike_in_memory_and_on_the_disk(keys, room):
    met, counts = Known(room), Counter()
    for key in keys:
        assert met.times(key_of(key)) == counts[key]
        assert met.meet(key_of(key)) == counts[key]
        counts[key] += 1
    assert (met._base is not None) == (len(counts) > room)


def test_memory_does_not_grow_with_the_keys():
    met = Known(10)
    for key in range(1_000):
        assert met.meet(key_of(key)) == 0
    assert not met._here
    assert [met.times(key_of(key)) for key in (0, 9, 10, 999, 1_000)] == [1, 1, 1, 1, 0]


def test_a_full_disk_is_told_in_one_line(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    met = Known(0)
    met.meet(key_of("first"))
    base, met._base = met._base, SimpleNamespace(execute=refuse, close=lambda: None)
    with pytest.raises(SignalsError, match="the temporary folder cannot hold what was read: database or disk is full"):
        met.meet(key_of("second"))
    base.close()
    monkeypatch.setattr(known.sqlite3, "connect", lambda *_, **__: SimpleNamespace(execute=refuse, close=refuse_not))
    with pytest.raises(SignalsError, match="the temporary folder"):
        Known(0).meet(key_of("first"))


def refuse_not() -> None:
    """Close nothing."""


@FEW
@given(places=st.lists(st.text(max_size=8), min_size=1, max_size=90), order=st.randoms())
def test_places_are_found_in_any_order(tmp_path_factory, places, order):
    kept = Places(tmp_path_factory.mktemp("places") / "places.txt")
    for place in places:
        kept.add(place)
    numbers = list(range(len(places)))
    order.shuffle(numbers)
    assert [kept[number] for number in numbers] == [places[number] for number in numbers]
    kept.close()


def row(number: int, **more: object) -> dict[str, object]:
    return {"item": f"t{number % 7}", "model": ("control", "candidate")[number % 2], "score": number % 5, **more}


TABLES = {
    "item_score": {"map": {"item": "item", "variant": "model", "value": "score"}},
    "rating": {"map": {"item": "item", "variant": "model", "value": "score", "rater": "who", "at": "at"}},
    "preference": {
        "map": {"item": "item", "left": "model", "right": "other", "choice": "side", "rater": "who", "at": "at"}
    },
}


@pytest.mark.parametrize("shape", TABLES)
def test_a_table_gives_the_same_records_when_its_keys_go_to_the_disk(desk, monkeypatch, shape):
    rows = [
        row(n, who=f"w{n % 3}", other="base", side=("left", "right")[n % 2], at=f"2026-11-1{n % 4}T08:00:00Z")
        for n in range(60)
    ]
    desk.write("rows.jsonl", "".join(json.dumps(one) + "\n" for one in [*rows, *rows[:5]]))
    entry = {"path": "rows.jsonl", "shape": shape, **TABLES[shape]}
    here = desk.read(**entry), desk.whys
    assert here[1]  # some are duplicates
    monkeypatch.setattr(known, "AT_HAND", 2)
    assert (desk.read(**entry), desk.whys) == here


def test_evaluations_give_the_same_records_when_their_keys_go_to_the_disk(desk, monkeypatch):
    desk.copy("promptfoo_control.json", "promptfoo_candidate.json")
    entry = {"connector": "promptfoo", "path": "promptfoo_*.json"}
    here = desk.read(**entry), desk.whys
    monkeypatch.setattr(known, "AT_HAND", 2)
    assert (desk.read(**entry), desk.whys) == here


def test_text_files_are_read_in_little_memory_and_parquet_is_not(desk, monkeypatch):
    asked = []
    plain = duck.connect

    def connect(*args: object, little: bool = False, **more: bool) -> object:
        connection = plain(*args, little=little, **more)
        asked.append(connection.execute("SELECT current_setting('memory_limit')").fetchone()[0])
        return connection

    monkeypatch.setattr("signals.connectors.tabular.connect", connect)
    lines = "".join(json.dumps(row(n)) + "\n" for n in range(4))
    desk.write("rows.jsonl", lines)
    duckdb.sql(
        f"COPY (FROM read_json('{desk.data / 'rows.jsonl'}')) TO '{desk.data / 'rows.parquet'}' (FORMAT parquet)"
    )
    entry = {"shape": "item_score", **TABLES["item_score"]}
    assert desk.read(path="rows.jsonl", **entry) == desk.read(path="rows.parquet", **entry)
    assert asked == ["171.6 MiB", "1.8 GiB"]


def test_what_little_memory_cannot_hold_is_read_in_more(desk, monkeypatch):
    desk.write("rows.jsonl", "".join(json.dumps(row(n)) + "\n" for n in range(12)))
    entry = {"path": "rows.jsonl", "shape": "item_score", **TABLES["item_score"]}
    whole = desk.read(**entry), desk.whys, desk.tally.rows_read
    monkeypatch.setattr(duck, "LITTLE", "1MB")
    assert (desk.read(**entry), desk.whys, desk.tally.rows_read) == whole
    monkeypatch.setattr(duck, "MEMORY", "2MB")
    assert desk.fails(**entry).startswith("data/rows.jsonl: needs more memory than 2MB to read: ")


def test_a_reading_begins_again_only_before_its_first_record():
    tally = Tally()
    tally.set_aside("before")

    def read(little: bool, first: int):
        tally.rows_read += 1
        tally.set_aside("now")
        yield from range(first)
        if little:
            raise TooLittleError("too little")
        yield "more"

    assert list(with_enough(lambda little: read(little, 0), tally)) == ["more"]
    assert tally.rows_read == 1
    assert {entry.why: entry.rows for entry in tally.entries} == {"before": 1, "now": 1}
    with pytest.raises(TooLittleError):
        list(with_enough(lambda little: read(little, 2), tally))


@pytest.mark.parametrize("order", [{}, {"at": "seen"}])
def test_thumbs_that_do_not_fit_are_spilled_and_the_last_one_counts(desk, monkeypatch, order):
    monkeypatch.setattr(duck, "LITTLE", "100MB")
    monkeypatch.setattr(duck, "FEW", 1)
    monkeypatch.setattr(duck, "MEMORY", "1MB")  # no second try
    number = 300_000
    duckdb.sql(
        "COPY (SELECT md5((i % 150000)::VARCHAR) AS said, 'u' || i % 75000 AS who, "
        "['control', 'candidate'][1 + i % 2] AS arm, if(i < 150000, 'up', if(i % 3 = 0, '', 'down')) AS thumb, "
        "if(i < 150000, '2026-11-10T08:00:00Z', '2026-11-10T09:00:00Z') AS seen "
        f"FROM range({number}) t(i)) TO '{desk.data / 'thumbs.jsonl'}' (FORMAT json)"
    )
    entry = {"map": {"variant": "arm", "value": "thumb", "response": "said", "user": "who", **order}}
    cells = desk.read(path="thumbs.jsonl", shape="feedback", **entry)
    ups = {"control": 0, "candidate": 0}
    for place in range(150_000):
        ups[("control", "candidate")[place % 2]] += (place + 150_000) % 3 == 0
    assert {cell.variant: (cell.impressions, round(cell.moments.mean * cell.moments.n)) for cell in cells} == {
        arm: (75_000, ups[arm]) for arm in ups
    }
    assert desk.whys == {"an earlier thumb for the same response (the last one counts)": 100_000}


@pytest.mark.parametrize("grain", [{}, {"grain": "unit"}])
def test_units_that_do_not_fit_are_spilled_and_counted_right(desk, monkeypatch, grain):
    monkeypatch.setattr(duck, "LITTLE", "140MB")
    number = 400_000
    duckdb.sql(
        "COPY (SELECT md5(i::VARCHAR) AS who, ['control', 'candidate'][1 + i % 2] AS arm, (i % 5 = 0)::INT AS won, "
        f"'2026-11-10T08:00:00Z' AS seen FROM range({number}) t(i)) TO '{desk.data / 'users.jsonl'}' (FORMAT json)"
    )
    entry = {"map": {"unit": "who", "variant": "arm", "value": "won", "at": "seen"}, **grain}
    cells = desk.read(path="users.jsonl", shape="outcome", **entry)
    assert {cell.variant: (cell.moments.n, cell.moments.mean) for cell in cells} == {
        "control": (number // 2, 0.2), "candidate": (number // 2, 0.2)
    }  # fmt: skip
