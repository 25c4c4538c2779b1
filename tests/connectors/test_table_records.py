"""Row-by-row shapes of the table connector."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

SCORES = {"path": "s.csv", "shape": "item_score", "map": {"item": "i", "variant": "v", "value": "y"}}
RATINGS = {"path": "r.csv", "shape": "rating", "map": {"item": "i", "rater": "w", "variant": "v", "value": "y"}}
CHOICES = {
    "path": "p.csv", "shape": "preference", "map": {"item": "i", "rater": "w", "left": "l", "right": "r", "choice": "c"}
}  # fmt: skip


def mapped(entry, **more):
    return {**entry, "map": {**entry["map"], **{key.replace("__", "."): value for key, value in more.items()}}}


def test_scores(desk):
    desk.write(
        "s.csv",
        "i,v,y,e,p\na,control,0.5,,x\nb,control,0,rate limited,x\nc,control,,,x\nd,control,0,judge_error,x\n"
        "e,control,NaN,,x\nf,control,high,,x\n,control,1,,x\na,control,0.7,,x\ng,control,0.9,none,\n",
    )
    records = {r.item: r for r in desk.read(**mapped(SCORES, error="e", segment__plan="p"))}
    assert {item: (r.value, r.error) for item, r in records.items()} == {
        "a": (0.5, None), "b": (None, "system_error"), "c": (None, "judge_unparsed"), "d": (None, "judge_error"),
        "g": (0.9, None),
    }  # fmt: skip
    assert desk.whys == {
        "value is NaN or infinite": 1, "value is not a number": 1, "item is empty": 1,
        "duplicate of an item, variant, scorer, judge version and repeat "
        "(map `repeat` if the item ran again, map `scorer_version` if another judge scored it)": 1,
    }  # fmt: skip
    assert "'high' in data/s.csv row 7" in " ".join(e.why for e in desk.tally.entries)
    assert (records["g"].segment, records["g"].scorer, records["g"].fingerprint) == ((("plan", "(empty)"),), "y", "")
    again = {r.item: r for r in desk.read_again()}
    assert again == records


def test_repeats_scorers_and_versions(desk):
    desk.write("s.csv", "i,v,y,n,s,j,c\na,control,1,0,acc,v1,doc\na,control,0,1,acc,v1,doc\na,control,0,x,acc,v1,doc\n")
    records = desk.read(**mapped(SCORES, repeat="n", scorer="s", scorer_version="j", cluster="c"))
    assert [(r.repeat, r.scorer, r.fingerprint, r.cluster) for r in records] == [
        (0, "acc", "v1", "doc"),
        (1, "acc", "v1", "doc"),
    ]
    assert desk.whys == {"repeat is not a whole number": 1}
    [record] = desk.read(**SCORES, scorer="acc", scorer_version="v2")
    assert (record.scorer, record.fingerprint) == ("acc", "v2")


def test_two_judge_versions_of_one_output_are_no_duplicates(desk):
    desk.write("s.csv", "i,v,y,j\na,control,1,v1\na,control,0,v2\na,control,0.5,v2\na,control,0.7,\nb,control,1,v2\n")
    records = desk.read(**mapped(SCORES, scorer_version="j"))
    assert [(r.item, r.fingerprint, r.value) for r in records] == [
        ("a", "v1", 1.0), ("a", "v2", 0.0), ("a", "", 0.7), ("b", "v2", 1.0),
    ]  # fmt: skip
    assert len({r.record for r in records}) == 4
    said = "duplicate of an item, variant, scorer, judge version and repeat (map `repeat` if the item ran again)"
    assert desk.whys == {said: 1}
    # An empty cell falls back to the constant, and is then the same judge.
    records = desk.read(**mapped(SCORES, scorer_version="j"), scorer_version="v2")
    assert [(r.item, r.fingerprint, r.value) for r in records][:2] == [("a", "v1", 1.0), ("a", "v2", 0.0)]
    assert desk.whys == {said: 2}


def test_text_where_numbers_belong_is_an_error_when_all_is_text(desk):
    desk.write("s.csv", "i,v,y\na,control,good\nb,control,bad\n")
    message = desk.fails(**SCORES)
    assert message.startswith("data/s.csv: ")
    assert "none of the 2 rows can be used: value is not a number (first: 'good' in data/s.csv row 2)" in message
    assert [r.value for r in desk.read(**SCORES, values={"good": 1, "bad": 0})] == [1.0, 0.0]


def test_ratings(desk):
    desk.write(
        "r.csv",
        "i,w,v,y,t,s\n"
        "a,ann,control,5,2026-11-10T10:00:00Z,submitted\n"
        "a,ann,control,3,2026-11-10T09:00:00Z,Approved\n"  # the earlier one, later in the file
        "a,ann,control,3,2026-11-10T09:00:00Z,Approved\n"  # the same row again
        "b,ann,control,,2026-11-10T09:00:00Z,\n"
        "c,ann,control,4,2026-11-10T09:00:00Z,rejected\n"
        "d,ann,control,4,2026-11-10T09:00:00Z,pondering\n"
        "e,ann,control,9,2026-11-10T09:00:00Z,\n",
    )
    records = desk.read(**mapped(RATINGS, at="t", status="s"), scale=[1, 5])
    said = {(r.item, r.attempt): (r.value, r.status) for r in records}
    assert said == {
        ("a", 1): (3.0, "submitted"), ("a", 2): (5.0, "submitted"), ("b", 1): (None, "skipped"),
        ("c", 1): (None, "rejected"),
    }  # fmt: skip
    assert set(desk.whys) == {
        "duplicate: the same rater gave it twice (map `attempt`, or `at` to number attempts by time)",
        "status is not known (recode it to submitted, skipped or rejected)",
        "value is outside the scale 1 to 5",
    }
    assert records[0].at == datetime(2026, 11, 10, 9, tzinfo=UTC)
    recoded = desk.read(**mapped(RATINGS, at="t", status="s"), values={"status": {"pondering": "skipped"}})
    assert ("d", "skipped") in {(r.item, r.status) for r in recoded}


def test_same_rater_twice_without_times(desk):
    desk.write("r.csv", "i,w,v,y,n\na,ann,control,5,1\na,ann,control,3,2\n")
    assert len(desk.read(**RATINGS)) == 1
    assert "map `attempt`" in next(iter(desk.whys))
    assert [r.attempt for r in desk.read(**mapped(RATINGS, attempt="n"))] == [1, 2]


def test_preferences(desk):
    desk.write(
        "p.csv",
        "i,w,l,r,c\na,ann,control,candidate,1\nb,ann,control,candidate,2\nc,ann,control,candidate,0\n"
        "d,ann,control,candidate,\ne,ann,control,control,1\nf,ann,control,candidate,7\na,ann,control,candidate,1\n",
    )
    records = desk.read(**CHOICES, values={"1": "left", "2": "right", "0": "tie"})
    assert [(r.item, r.choice, r.status) for r in records] == [
        ("a", "left", "submitted"), ("b", "right", "submitted"), ("c", "tie", "submitted"), ("d", None, "skipped"),
    ]  # fmt: skip
    assert desk.tally.rows_read == 7
    assert sum(desk.whys.values()) == 3


def test_wide_columns_become_rows(desk):
    desk.write("r.csv", "i,v,q,ann,bob\na,control,coherence,5,4\nb,control,coherence,,2\n")
    records = desk.read(
        path="r.csv",
        shape="rating",
        wide={"rater": ["ann", "bob"]},
        map={"item": "i", "variant": "v", "dimension": "q"},
    )
    assert [(r.item, r.rater, r.value, r.dimension) for r in records] == [
        ("a", "ann", 5.0, "coherence"), ("a", "bob", 4.0, "coherence"), ("b", "ann", None, "coherence"),
        ("b", "bob", 2.0, "coherence"),
    ]  # fmt: skip
    assert desk.tally.rows_read == 4


@pytest.mark.parametrize("shares", ["0.6,0.4", "60,40", "1200,800"])
def test_traffic_mix(desk, shares):
    a, b = shares.split(",")
    desk.write("m.csv", f"plan,s\nfree,{a}\npro,{b}\n")
    records = desk.read(path="m.csv", shape="traffic_mix", map={"share": "s", "segment.plan": "plan"})
    assert {dict(r.segment)["plan"]: r.share for r in records} == {"free": 0.6, "pro": 0.4}


def test_traffic_mix_with_a_hole(desk):
    desk.write("m.csv", "plan,s\nfree,0.6\npro,0.1\npro,0.1\nold,-1\n")
    message = desk.fails(path="m.csv", shape="traffic_mix", map={"share": "s", "segment.plan": "plan"})
    assert "adds up to 0.7, not to 1" in message


def test_embeddings(desk):
    rows = [{"v": "control", "e": [1, 2.5]}, {"v": "control", "e": [1, 2.5]}, {"v": "control", "e": [1]},
            {"v": "control", "e": "x"}, {"v": "candidate", "e": [0.5, None]}]  # fmt: skip
    desk.write("e.jsonl", "\n".join(json.dumps(row) for row in rows))
    records = desk.read(path="e.jsonl", shape="embedding", map={"variant": "v", "vector": "e"})
    assert [r.vector for r in records] == [(1.0, 2.5), (1.0, 2.5)]
    assert len({r.record for r in records}) == 2
    assert desk.tally.rows_read - desk.tally.rows_kept == 3


def test_where_takes_rows_and_they_alone_are_read(desk):
    desk.write("s.csv", "i,v,y,exp,n\na,control,1,e1,1\nb,control,1,e2,2\nc,control,1,e1,3.0\n")
    assert [r.item for r in desk.read(**SCORES, where={"exp": "e1"})] == ["a", "c"]
    assert desk.tally.rows_read == 2
    assert [r.item for r in desk.read(**SCORES, where={"exp": ["e1", "e2"], "n": 3})] == ["c"]
    assert "0 rows match `where:`" in desk.fails(**SCORES, where={"exp": "e9"})
    assert "has no column 'exq'. Did you mean 'exp'?" in desk.fails(**SCORES, where={"exq": "e1"})


def test_summeval(desk, shared):
    folder = shared / "data"
    desk.write("h.csv", (folder / "summeval_human" / "summeval_human_ratings.csv").read_bytes())
    desk.write("j.csv.gz", (folder / "summeval_llm_judges" / "summeval_llm_judge_scores_rts.csv.gz").read_bytes())
    panel = desk.read(
        path="h.csv", shape="rating", wide={"rater": ["expert1", "expert2", "expert3"]},
        where={"dimension": "coherence"},
        map={"item": "doc_id", "variant": "system", "dimension": "dimension"},
    )  # fmt: skip
    assert len(panel) == 100 * 12 * 3
    judge = desk.read(
        path="j.csv.gz", shape="item_score", where={"dimension": "coherence", "judge": "gpt-4-0314"},
        map={"item": "doc_id", "variant": "system", "value": "score", "scorer": "judge"},
    )  # fmt: skip
    assert len(judge) + sum(desk.whys.values()) == 1200
    assert Counter(r.scorer for r in judge) == {"gpt-4-0314": len(judge)}


def test_pandalm(desk, shared):
    desk.write("p.csv", (shared / "data" / "pandalm_testset" / "pandalm_labels.csv").read_bytes())
    records = desk.read(
        path="p.csv", shape="preference", wide={"rater": ["annotator1", "annotator2", "annotator3"]},
        map={"item": "idx", "left": "response1_system", "right": "response2_system"},
        values={"1": "left", "2": "right", "0": "tie"},
    )  # fmt: skip
    assert len(records) == 999 * 3
    assert set(Counter(r.choice for r in records)) == {"left", "right", "tie"}
