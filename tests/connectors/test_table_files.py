"""Kinds of files, and every way in which one can be wrong: one line that names file, place and remedy."""

from __future__ import annotations

import gzip
import os

import pytest

SCORES = {"shape": "item_score", "map": {"item": "i", "variant": "v", "value": "y"}}
OUTCOME = {"shape": "outcome", "map": {"unit": "i", "variant": "v", "value": "y"}}
CSV = "i,v,y\na,control,1\nb,candidate,0\n"


def items(records):
    return [(r.item, r.variant, r.value) for r in records]


EXPECTED = [("a", "control", 1.0), ("b", "candidate", 0.0)]


def test_kinds(desk):
    import duckdb
    import openpyxl

    desk.write("s.csv", CSV)
    desk.write("s.tsv", CSV.replace(",", "\t"))
    desk.write("s.jsonl", '{"i":"a","v":"control","y":1}\n\n{"i":"b","v":"candidate","y":0}\n')
    desk.write("bom.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode())
    desk.write("s.csv.gz", gzip.compress(CSV.encode()))
    desk.write("semicolon.csv", CSV.replace(",", ";"))
    duckdb.sql(f"COPY (SELECT * FROM '{desk.data}/s.csv') TO '{desk.data}/s.parquet'")
    book = openpyxl.Workbook()
    book.active.append(["nothing", "here"])
    page = book.create_sheet("scores")
    for row in (["i", "v", "y", None], ["a", "control", 1.0], [None, None, None], ["b", "candidate", False]):
        page.append(row)
    book.save(desk.data / "s.xlsx")
    for name in ("s.csv", "s.tsv", "s.jsonl", "bom.csv", "s.csv.gz", "s.parquet"):
        assert items(desk.read(path=name, **SCORES)) == EXPECTED, name
        assert sum(r.moments.n for r in desk.read(path=name, **OUTCOME)) == 2, name
    assert items(desk.read(path="s.xlsx", sheet="scores", **SCORES)) == EXPECTED
    assert "has no column" in desk.fails(path="s.xlsx", **SCORES)
    assert "Did you mean 'scores'?" in desk.fails(path="s.xlsx", sheet="score", **SCORES)
    assert items(desk.read(path="semicolon.csv", delimiter=";", **SCORES)) == EXPECTED
    assert 'Set `delimiter: ";"`' in desk.fails(path="semicolon.csv", **SCORES)


def test_glob_takes_all_files_in_order(desk):
    desk.write("part/2.csv", "v,y,i\ncandidate,0,b\n")  # other column order
    desk.write("part/1.csv", "i,v,y,more\na,control,1,x\n")
    assert items(desk.read(path="part/*.csv", **SCORES)) == EXPECTED
    assert items(desk.read(path="**/[12].csv", **SCORES)) == EXPECTED
    assert "no file matches 'part/*.tsv'" in desk.fails(path="part/*.tsv", **SCORES)
    desk.write("part/3.csv", "i,v,why\na,control,1\n")
    assert desk.fails(path="part/*.csv", **SCORES).startswith("data/part/3.csv: has no column 'y'")


def test_nested_json_lines(desk):
    desk.write("s.jsonl", '{"i":"a","v":"control"}\n' + '{"i":"b","v":"control","r":{"y":1,"z.z":2}}\n' * 1)
    entry = {"shape": "item_score", "map": {"item": "i", "variant": "v", "value": "r.y"}}
    assert [(r.item, r.value, r.error) for r in desk.read(path="s.jsonl", **entry)] == [
        ("a", None, "judge_unparsed"),
        ("b", 1.0, None),
    ]
    entry["map"]["value"] = "r.x"
    assert "has no column 'r.x'. Did you mean 'r.y'?" in desk.fails(path="s.jsonl", **entry)


def test_a_key_that_only_late_lines_have(desk):
    desk.write("s.jsonl", '{"i":"a","v":"control"}\n' * 1500 + '{"i":"b","v":"control","y":1}\n')
    assert ("b", "control", 1.0) in items(desk.read(path="s.jsonl", **SCORES))


HOSTILE = ['a"b', "x'; DROP TABLE rows; --", "c1", "rows", "sélection", "a,b", "SELECT", "$.y", "y\\"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(desk, name):
    import csv
    import io
    import json

    out = io.StringIO()
    csv.writer(out).writerows([["i", name, "y"], ["a", "control", "1"]])
    file = "it's [1] * %.csv"
    desk.write(file, out.getvalue())
    desk.write("it's.jsonl", json.dumps({"i": "a", name: "control", "y": 1}))
    entry = {"shape": "item_score", "map": {"item": "i", "variant": name, "value": "y"}}
    assert items(desk.read(path=file, **entry)) == [("a", "control", 1.0)]
    assert items(desk.read(path="it's.jsonl", **entry)) == [("a", "control", 1.0)]
    assert items(desk.read(path=file, **entry, values={"1'": 7, "variant": 1} | {"1": 0.5})) == [("a", "control", 0.5)]


BAD = {
    "missing.csv": (None, "no such file data/missing.csv"),
    "empty.csv": (b"", "data/empty.csv: is empty"),
    "header.csv": (b"i,v,y\n", "data/header.csv: source 'src': 0 rows"),
    "latin.csv": ("i,v,y\na,control,1\nb,caf\xe9,1\n".encode("latin-1"), "data/latin.csv:3: is not UTF-8 text"),
    "utf16.csv": (CSV.encode("utf-16"), "data/utf16.csv:1: is not UTF-8 text"),
    "twice.csv": (b"i,v,y,y\na,control,1,2\n", "data/twice.csv: has two columns named 'y'. Rename"),
    "ragged.csv": (b"i,v,y\na,control,1\nb,control,1,2\n", "data/ragged.csv:3: has another number of columns here (4"),
    "short.csv": (b"i,v,y\na,control,1\nb,con", "data/short.csv:3: has another number of columns here (2"),
    "quote.csv": (b'i,v,y\na,control,1\n"b,control,1\n', "data/quote.csv:3: has a quote here that never ends"),
    "column.csv": (b"i,v,valu\na,control,1\n", "data/column.csv: has no column 'y'. Known: i, v, valu"),
    "half.jsonl": (b'{"i":"a","v":"control","y":1}\n{"i":"b","v', "data/half.jsonl:2: is not valid JSON here"),
    "list.jsonl": (b"[1]\n", "data/list.jsonl:1: holds no JSON object here"),
    "half.parquet": (b"PAR1" + b"\0" * 500, "data/half.parquet: is half-written Parquet"),
    "text.parquet": (b"i,v,y\n", "data/text.parquet: ends in .parquet but is text inside"),
    "broken.parquet": (b"PAR1" + b"\0" * 500 + b"PAR1", "data/broken.parquet: cannot be read"),
    "parquet.csv": (b"PAR1" + b"\0" * 500, "data/parquet.csv: ends in .csv but is Parquet inside"),
    "text.xlsx": (b"i,v,y\n", "data/text.xlsx: ends in .xlsx but is text inside"),
    "half.xlsx": (b"PK\x03\x04" + b"\0" * 100, "data/half.xlsx: cannot be read as .xlsx"),
    "half.csv.gz": (gzip.compress(CSV.encode() * 5000)[:60], "data/half.csv.gz: "),
    "s.doc": (b"x", "data/s.doc: no table ends in '.doc'"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_files(desk, name):
    content, message = BAD[name]
    if content is not None:
        desk.write(name, content)
    for entry in (SCORES, OUTCOME):
        found = desk.fails(path=name, **entry)
        assert message in found
        assert "Traceback" not in found
        assert str(desk.root) not in found.replace(str(desk.root / "data" / "sources.yaml"), "")


LF_IN_CRLF = "mixes Windows (CRLF) and Unix (LF) line ends, first here. Save it with one kind"


@pytest.mark.parametrize(
    "content, message",
    [
        (b"i,v,y\r\na,control,1\nb,control,1\r\n", f"2: {LF_IN_CRLF}"),
        (b"i,v,y\na,control,1\r\nb,control,1\n", "2: mixes Unix (LF) and Windows (CRLF) line ends"),
        (b"i,v,y\r\na,control,1\rb,control,1\r\n", "2: mixes Windows (CRLF) and old Mac (CR) line ends"),
        # Line ends inside quotes are text, whatever their kind, but count as lines.
        (b'i,v,y\r\n"a\n""b""\n",control,1\r\n"",control,"2"\nb,control,1\r\n', f"5: {LF_IN_CRLF}"),
        (b"i,v,y\r\n" + b"a,control,1\r\n" * 300_000 + b"b,control,1\nc,control,1\r\n", f"300002: {LF_IN_CRLF}"),
        # A quote that is out of place is the fault here, not the line end behind it.
        (b'i,v,y\r\n"a,control,1\r\n"b\n",control,1\r\n', "2: has a quote here that never ends"),
    ],
)
def test_mixed_line_ends_name_the_first_line_that_differs(desk, content, message):
    for name, data in (("m.csv", content), ("m.csv.gz", gzip.compress(content, 1))):
        desk.write(name, data)
        for entry in (SCORES, OUTCOME):
            assert desk.fails(path=name, **entry).startswith(f"data/{name}:{message}")


@pytest.mark.parametrize("end, inner", [("\r\n", "\n"), ("\n", "\r\n")])
def test_line_ends_inside_quotes_may_differ(desk, end, inner):
    desk.write("q.csv", f'i,v,y{end}"a{inner}b",control,1{end}c,control,0{end}')
    assert items(desk.read(path="q.csv", **SCORES)) == [(f"a{inner}b", "control", 1.0), ("c", "control", 0.0)]


def test_bad_bytes_far_down_name_their_line(desk):
    desk.write("far.csv", CSV.encode() + b"c,control,1\n" * 30_000 + b"d,\xff,1\n")
    for entry in (SCORES, OUTCOME):
        assert desk.fails(path="far.csv", **entry).startswith("data/far.csv:30004: is not UTF-8 text")
    desk.write("far.jsonl", b'{"i":"a","v":"control","y":1}\n' * 30_000 + b'{"i":"b",')
    assert "data/far.jsonl:30001: is not valid JSON" in desk.fails(path="far.jsonl", **OUTCOME)


@pytest.mark.parametrize("entry", [SCORES, OUTCOME])
def test_times_without_zone_need_one(desk, entry):
    desk.write("t.csv", "i,v,y,t\na,control,1,2026-11-10T00:30:00\nb,control,1,2026-11-10T00:30:00Z\n")
    entry = {"path": "t.csv", **entry, "map": {**entry["map"], "at": "t"}}
    message = desk.fails(**entry)
    assert "column 't' holds times without a zone (such as '2026-11-10T00:30:00')" in message
    assert "`timezone:`" in message
    days = {str(r.day if hasattr(r, "day") else r.at.date()) for r in desk.read(**entry, timezone="Europe/Berlin")}
    assert days == {"2026-11-09", "2026-11-10"}
    days = {str(r.day if hasattr(r, "day") else r.at.date()) for r in desk.read(**entry, timezone="UTC")}
    assert days == {"2026-11-10"}


def test_times_of_parquet(desk):
    import duckdb

    duckdb.sql("SET TimeZone='UTC'")
    for cast, zone, day in (
        ("TIMESTAMPTZ '2026-11-10 00:30:00+02'", None, "2026-11-09"),
        ("TIMESTAMP '2026-11-10 00:30:00'", "Asia/Tokyo", "2026-11-09"),
        ("DATE '2026-11-10'", "UTC", "2026-11-10"),
    ):
        duckdb.sql(f"COPY (SELECT 'a' AS i, 'control' AS v, true AS y, {cast} AS t) TO '{desk.data}/t.parquet'")
        entry = {"path": "t.parquet", **OUTCOME, "map": {**OUTCOME["map"], "at": "t"}}
        [record] = desk.read(**entry, **({"timezone": zone} if zone else {}))
        assert str(record.day) == day
        if zone:
            assert "holds times without a zone" in desk.fails(**entry)


def test_nothing_outside_the_folder(desk):
    outside = desk.root / "secret.csv"
    outside.write_text(CSV)
    (desk.data / "link.csv").symlink_to(outside)
    (desk.data / "up").symlink_to(desk.root)
    desk.write("in.csv", CSV)
    (desk.data / "fine.csv").symlink_to(desk.data / "in.csv")
    assert "leaves the folder of this file" in desk.fails(path="../secret.csv", **SCORES)
    assert "leaves the folder of this file" in desk.fails(path=str(outside), **SCORES)
    for path in ("link.csv", "up/secret.csv", "up/*.csv", "l*.csv"):
        assert "lies outside data" in desk.fails(path=path, **SCORES), path
    assert len(desk.read(path="fine.csv", **SCORES)) == 2
    assert len(desk.read(path="../secret.csv", allow_outside=True, **SCORES)) == 2
    assert "is a folder" in desk.fails(path="up/data", allow_outside=True, **SCORES)


def test_variables_cannot_lead_outside(desk, monkeypatch):
    monkeypatch.setenv("WHERE", "../secret.csv")
    (desk.root / "secret.csv").write_text(CSV)
    assert "lies outside data" in desk.fails(path="${WHERE}", **SCORES)


def test_a_pipe_is_no_file(desk):
    os.mkfifo(desk.data / "pipe.csv")
    assert "no such file" in desk.fails(path="pipe.csv", **SCORES)


def test_fingerprint_follows_content_and_name(desk):
    from signals import connectors
    from signals.project import load_project

    def fingerprint():
        project = load_project(desk.root)
        return connectors.get("table").fingerprint(project.sources[0], project)

    desk.write("a.csv", CSV)
    desk.sources(src={"signal": "s", "connector": "table", "path": "*.csv", **SCORES})
    first = fingerprint()
    assert first == fingerprint()
    desk.write("a.csv", CSV + "c,control,1\n")
    second = fingerprint()
    desk.write("b.csv", CSV)
    assert len({first, second, fingerprint()}) == 3
    assert first.startswith("sha256:")
