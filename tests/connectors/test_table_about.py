"""What rows say of their items and of right answers: length, content, made, leaked, expected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

SCORES = {
    "path": "s.csv", "shape": "item_score", "timezone": "UTC",
    "map": {"item": "i", "variant": "v", "value": "y", "length": "l", "content": "q", "made": "m", "leaked": "k"},
}  # fmt: skip
RATINGS = {
    "path": "r.csv", "shape": "rating", "scale": [1, 5],
    "map": {"item": "i", "rater": "w", "variant": "v", "value": "y", "expected": "e"},
}  # fmt: skip
PAIRS = {
    "path": "p.csv", "shape": "preference",
    "map": {"item": "i", "rater": "w", "left": "a", "right": "b", "choice": "y", "expected": "e"},
}  # fmt: skip


def test_what_a_row_says_of_its_item(desk):
    desk.write(
        "s.csv",
        "i,v,y,l,q,m,k\n1,control,.5,120,Where is my order?,2026-01-02,false\n"
        "2,control,.5,,  Where is my order?  ,,\n3,control,.5,7.5,Why?,2026-01-02T01:00:00+02:00,1\n",
    )
    first, second, third = desk.read(**SCORES)
    assert (first.length, first.made, first.leaked) == (120.0, datetime(2026, 1, 2, tzinfo=UTC), False)
    assert (second.length, second.made, second.leaked) == (None, None, None)
    assert (third.length, third.made, third.leaked) == (7.5, datetime(2026, 1, 1, 23, tzinfo=UTC), True)
    assert first.content == second.content != third.content
    assert len(first.content) == 16
    assert "order" not in first.content
    fewer = {key: value for key, value in SCORES["map"].items() if key in ("item", "variant", "value")}
    plain = desk.read(**{**SCORES, "map": fewer})[0]
    assert (plain.length, plain.content, plain.made, plain.leaked) == (None, "", None, None)


def test_what_cannot_be_read_of_an_item_is_set_aside(desk):
    desk.write(
        "s.csv",
        "i,v,y,l,q,m,k\n1,control,1,long,,,\n2,control,1,-3,,,\n3,control,1,inf,,,\n4,control,1,,,yesterday,\n"
        "5,control,1,,,,maybe\n6,control,1,,,,2\n7,control,1,,,,\n",
    )
    assert [record.item for record in desk.read(**SCORES)] == ["7"]
    assert desk.whys == {
        "length is not a number": 1, "length is negative": 1, "length is NaN or infinite": 1, "made is not a time": 1,
        "leaked is neither true nor false (recode it in `values:`)": 2,
    }  # fmt: skip
    [example] = [e.why for e in desk.tally.entries if e.why.startswith("length is not")]
    assert "(first: 'long' in data/s.csv row 2)" in example
    assert len(desk.read(**SCORES, values={"leaked": {"maybe": None}})) == 2
    desk.write("s.csv", "i,v,y,l,q,m,k\n1,control,1,,,2026-01-02,\n")
    assert "data/s.csv row 2: column 'm' holds times without a zone" in desk.fails(**{**SCORES, "timezone": None})


def test_gold_ratings(desk):
    desk.write("r.csv", "i,w,v,y,e\n1,ann,control,4,5\n2,ann,control,3,\n3,ann,control,,1\n"
                        "4,ann,control,3,good\n5,ann,control,3,9\n6,ann,control,good,good\n")  # fmt: skip
    assert [(r.item, r.value, r.expected) for r in desk.read(**RATINGS)] == [
        ("1", 4.0, 5.0), ("2", 3.0, None), ("3", None, 1.0)
    ]  # fmt: skip
    assert desk.whys == {
        "expected is not a number": 1, "expected is outside the scale 1 to 5": 1, "value is not a number": 1
    }  # fmt: skip
    for values in ({"good": 5}, {"value": {"good": 5}}):
        found = {r.item: r.expected for r in desk.read(**RATINGS, values=values)}
        assert (found["4"], found["6"]) == (5.0, 5.0), "recoded like the answers"
    apart = desk.read(**RATINGS, values={"value": {"good": 5}, "expected": {"good": 4}})
    assert {r.item: r.expected for r in apart}["6"] == 4.0


def test_gold_preferences(desk):
    desk.write("p.csv", "i,w,a,b,y,e\n1,ann,control,candidate,A,B\n2,ann,control,candidate,B,\n"
                        "3,ann,control,candidate,same,A\n4,ann,control,candidate,A,C\n")  # fmt: skip
    found = desk.read(**PAIRS, values={"A": "left", "B": "Right", "same": "tie"})
    assert [(p.choice, p.expected) for p in found] == [("left", "right"), ("right", None), ("tie", "left")]
    assert desk.whys == {"expected is none of left, right, tie (recode it in `values:`)": 1}


@pytest.mark.parametrize("field", ["length", "content", "made", "leaked"])
def test_column_names_cannot_spell_what_is_said_of_an_item(desk, field):
    desk.write("s.csv", "i,v,a,b\n1,control,1,2\n")
    entry = {"path": "s.csv", "shape": "item_score", "map": {"item": "i", "variant": "v"}}
    assert f"`wide:` cannot spread {field!r}" in desk.fails(**entry, wide={field: ["a", "b"]})
