"""What a source may call a column, how times may be written, and rows that count once or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

SCORES = {"shape": "item_score", "map": {"item": "i", "variant": "v", "value": "y"}}


def values(records):
    return {r.item: r.value for r in records}


def test_the_first_filled_of_several(desk):
    desk.write("s.csv", 'i,v,new,old,"odd | name"\na,control,1, ,7\nb,control, ,2,7\nc,control,,,7\n')
    entry = {**SCORES, "path": "s.csv", "map": {**SCORES["map"], "value": "new | old"}}
    assert values(desk.read(**entry)) == {"a": 1.0, "b": 2.0, "c": None}
    entry["map"]["value"] = "nothing | old"  # one of them is enough
    assert values(desk.read(**entry)) == {"a": None, "b": 2.0, "c": None}
    entry["map"]["value"] = "odd | name"  # a name comes first
    assert values(desk.read(**entry)) == {"a": 7.0, "b": 7.0, "c": 7.0}
    entry["map"]["value"] = "nothing | nowhere"
    assert "data/s.csv: has no column 'nothing | nowhere'" in desk.fails(**entry)


CELL = {"deep": {"a.b": 3, "list": [5, {"n": 6}]}, 'q"': 1, "ticked": {"4": True, "5": False}, "no": None}


@pytest.mark.parametrize(
    "path, expected",
    [("deep.a.b", 3.0), ("deep.list.0", 5.0), ("deep.list.1.n", 6.0), ("no", None), ("deep.list.9", None)],
)
def test_paths_into_cells_that_hold_json(desk, path, expected):
    import duckdb

    desk.write("s.jsonl", json.dumps({"i": "a", "v": "control", "p": CELL}) + '\n{"i":"b","v":"control","p":{}}\n')
    desk.write("t.jsonl", json.dumps({"i": "a", "v": "control", "p": json.dumps(CELL)}) + "\n")
    quoted = json.dumps(CELL).replace('"', '""')
    desk.write("s.csv", f'i,v,p,p.x.y\na,control,"{quoted}",9\nb,control,broken{{,9\n')
    duckdb.sql(f"COPY (SELECT 'a' AS i, 'control' AS v, '{json.dumps(CELL)}' AS p) TO '{desk.data}/s.parquet'")
    for name in ("s.jsonl", "t.jsonl", "s.csv", "s.parquet"):
        entry = {**SCORES, "path": name, "map": {**SCORES["map"], "value": f"p.{path}"}}
        if path == "deep.list.9" and name in ("s.jsonl", "t.jsonl"):
            assert "has no column" in desk.fails(**entry)
        else:
            assert values(desk.read(**entry))["a"] == expected, name


def test_what_was_ticked_and_headers_that_hold_dots(desk):
    quoted = json.dumps(CELL).replace('"', '""')
    desk.write("s.csv", f'i,v,p,p.ticked\na,control,"{quoted}",9\n')
    for column, value in (("p.ticked", 9.0), ("p.deep.a.b", 3.0)):
        entry = {**SCORES, "path": "s.csv", "map": {**SCORES["map"], "value": column}}
        assert values(desk.read(**entry)) == {"a": value}
    desk.write("s.csv", f'i,v,p\na,control,"{quoted}"\n')
    entry["map"]["value"] = "p.ticked"
    assert values(desk.read(**entry)) == {"a": 4.0}


def test_structs_of_parquet(desk):
    import duckdb

    duckdb.sql(f"COPY (SELECT 'a' AS i, 'control' AS v, {{'n': {{'y': 2}}}} AS p) TO '{desk.data}/s.parquet'")
    entry = {**SCORES, "path": "s.parquet", "map": {**SCORES["map"], "value": "p.n.y"}}
    assert values(desk.read(**entry)) == {"a": 2.0}


def test_columns_that_differ_in_case_only(desk):
    desk.write("s.jsonl", '{"i":"a","v":"control","y":1,"Y":2}\n')
    assert values(desk.read(path="s.jsonl", **SCORES)) == {"a": 1.0}
    entry = {**SCORES, "path": "s.jsonl", "map": {**SCORES["map"], "length": "Y"}}
    assert "differ in case only" in desk.fails(**entry)


@pytest.mark.parametrize(
    "text, form, expected",
    [
        ("Mon Jan 05 12:00:00 PST 2026", "%a %b %d %H:%M:%S %Z %Y", "2026-01-05T20:00"),
        ("Mon Jul 06 12:00:00 PDT 2026", "%a %b %d %H:%M:%S %Z %Y", "2026-07-06T19:00"),
        ("2026/11/10 3:04:00 PM GMT-3:30", "%Y/%m/%d %I:%M:%S %p", "2026-11-10T18:34"),
        ("03/04/2026 10:00:00 UTC", "%d/%m/%Y %H:%M:%S", "2026-04-03T10:00"),
        ("03/04/2026 10:00:00 UTC", ["%Y-%m-%d", "%m/%d/%Y %H:%M:%S"], "2026-03-04T10:00"),
        ("2026-11-10T08:00:00+02:00", "%d/%m/%Y", "2026-11-10T06:00"),
        ("Mon Jan 05 12:00:00 CST 2026", "%a %b %d %H:%M:%S %Z %Y", None),
        ("yesterday", "%d/%m/%Y", None),
    ],
)
def test_forms_of_times(desk, text, form, expected):
    desk.write("s.csv", f"i,v,y,t\na,control,1,{text}\nb,control,1,2026-11-10T08:00:00Z\n")
    found = desk.read(**{**SCORES, "path": "s.csv", "map": {**SCORES["map"], "at": "t"}, "times": form})
    at = {r.item: r.at for r in found}
    assert at["b"] == datetime(2026, 11, 10, 8, tzinfo=UTC)
    assert at.get("a") == (datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None)
    assert desk.whys == ({} if expected else {"at is not a time": 1})


def test_keep_counts_what_where_does_not(desk):
    desk.write("s.csv", "i,v,y,s,n\na,control,1,done,1\nb,control,2,draft,1\nc,control,3,done,2\na,control,4,done,1\n")
    entry = {**SCORES, "path": "s.csv"}
    assert set(values(desk.read(**entry, where={"s": "done", "n": 1}))) == {"a"}
    assert desk.tally.rows_read == 2
    found = desk.read(**entry, keep={"s": "done"}, once=["i"])
    assert values(found) == {"a": 1.0, "c": 3.0}
    assert desk.tally.rows_read == 4
    assert [(entry.rows, entry.why, entry.fault) for entry in desk.tally.entries] == [
        (1, "s is none of done (first: 'draft' in data/s.csv row 3)", False),
        (1, "the same row again (same i) (first: data/s.csv row 5)", False),
    ]


def test_rows_without_an_id_are_no_copies(desk):
    desk.write("s.csv", "i,v,y,id\na,control,1,\nb,control,2,\nc,control,3,x\nd,control,4,x\n")
    assert values(desk.read(**SCORES, path="s.csv", once=["id"])) == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_an_answer_shown_is_no_thumb_whatever_it_carries(desk):
    desk.write("s.csv", "e,v,y,r\nshown,control,up,1\nrated,control,down,1\nshown,control,up,2\nrated,control,,3\n")
    [cell] = desk.read(
        path="s.csv", shape="feedback", map={"variant": "v", "value": "y", "response": "r"}, where={"e": "rated"},
        shown={"e": "shown"},
    )  # fmt: skip
    assert (cell.impressions, cell.moments.n, cell.moments.mean) == (2, 1, 0.0)
    assert list(desk.whys.values()) == [1]
