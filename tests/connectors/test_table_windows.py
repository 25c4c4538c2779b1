"""Mixes and vectors of several windows, and vectors of several models, in one table."""

from __future__ import annotations

import json


def test_each_window_of_a_mix_adds_up_by_itself(desk):
    desk.write("m.csv", "week,plan,n\nw1,free,60\nw1,pro,40\nw2,free,300\nw2,pro,100\nw2,pro,5\n,pro,5\n")
    mapping = {"share": "n", "window": "week", "segment.plan": "plan"}
    records = desk.read(path="m.csv", shape="traffic_mix", map=mapping)
    found = {(one.window, dict(one.segment)["plan"]): one.share for one in records}
    assert found == {("w1", "free"): 0.6, ("w1", "pro"): 0.4, ("w2", "free"): 0.75, ("w2", "pro"): 0.25}
    assert len({one.record for one in records}) == 4
    why = sorted(entry.why for entry in desk.tally.entries)
    assert [one.partition(" (")[0] for one in why] == ["duplicate of a segment", "window is empty"]
    desk.write("m.csv", "week,plan,n\nw1,free,0.6\nw1,pro,0.4\nw2,free,0.7\n")
    assert "adds up to 0.7" in desk.fails(path="m.csv", shape="traffic_mix", map=mapping)


def test_two_models_may_make_vectors_of_two_lengths(desk):
    rows = [
        {"w": "w1", "q": "a", "e": [1, 2], "by": "small"},
        {"w": "w1", "q": "a", "e": [1, 2, 3], "by": "large"},  # the same text, embedded again
        {"w": "w1", "q": "b", "e": [1, 2, 3], "by": "small"},
    ]
    desk.write("e.jsonl", "\n".join(json.dumps(row) for row in rows))
    mapping = {"window": "w", "item": "q", "vector": "e", "model": "by"}
    records = desk.read(path="e.jsonl", shape="embedding", map=mapping)
    assert [(one.window, one.variant, one.model, one.vector) for one in records] == [
        ("w1", "", "small", (1.0, 2.0)), ("w1", "", "large", (1.0, 2.0, 3.0)),
    ]  # fmt: skip
    (entry,) = desk.tally.entries
    assert entry.why.startswith("vector has 3 numbers where the first of small has 2")
