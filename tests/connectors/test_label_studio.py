"""Label Studio exports: skipped, empty and repeated annotations keep their meaning."""

from __future__ import annotations

import json
from collections import Counter

NAMES = [f"label_studio_{name}.json" for name in ("rating_control", "rating_candidate", "pairwise")]


def test_ratings(desk):
    desk.copy(*NAMES)
    records = desk.read("label_studio", path="label_studio_rating_*.json", map={"segment.plan": "tier"})
    assert len(records) == desk.tally.rows_read == desk.tally.rows_kept == 303
    skipped = [(r.variant, r.item, r.rater) for r in records if r.status == "skipped"]
    assert sorted(skipped) == [("candidate", "ticket-012", "3"), ("control", "ticket-012", "3")]
    assert all((r.value is None) == (r.status == "skipped") for r in records)
    twice = [(r.variant, r.item, r.rater) for r in records if r.attempt == 2]
    assert sorted(twice) == [("candidate", "ticket-001", "2"), ("control", "ticket-001", "2")]
    assert {r.dimension for r in records} == {"quality"}, "the question with several choices is no grade"
    assert {dict(r.segment)["plan"] for r in records} == {"free", "pro"}
    assert len({r.record for r in records}) == 303
    assert all(r.at is not None and r.at.utcoffset().total_seconds() == 0 for r in records)


def test_pairwise_needs_to_know_what_empty_means(desk):
    desk.copy(*NAMES)
    entry = {"path": "label_studio_pairwise.json", "shape": "preference"}
    assert "9 annotations have no choice" in desk.fails("label_studio", **entry)
    assert "empty: tie" in desk.fails("label_studio", **entry)
    ties = desk.read("label_studio", **entry, empty="tie")
    assert Counter(r.choice for r in ties)["tie"] == 9
    skips = desk.read("label_studio", **entry, empty="skip")
    assert Counter(r.status for r in skips) == {"submitted": 111, "skipped": 9}
    assert len(skips) == 120
    assert {(r.left, r.right) for r in skips} == {("control", "candidate"), ("candidate", "control")}


def edited(desk, change, name="label_studio_rating_control.json"):
    data = json.loads((desk.files / name).read_text())
    change(data)
    desk.write("edited.json", json.dumps(data))


def test_raters_may_be_objects_and_drafts_do_not_count(desk):
    def change(data):
        for task in data:
            task["drafts"] = [{"result": [{"from_name": "quality", "type": "rating", "value": {"rating": 1}}]}]
            for note in task["annotations"]:
                note["completed_by"] = {"id": note["completed_by"], "email": "x@example.com"}

    edited(desk, change)
    records = desk.read("label_studio", path="edited.json")
    assert len(records) == 152
    assert {r.rater for r in records} == {"1", "2", "3", "4"}


def test_recoding_choices_and_scale(desk):
    def change(data):
        for task in data:
            for note in task["annotations"]:
                note["result"] = [{"from_name": "tone", "type": "choices", "value": {"choices": ["good"]}}]

    edited(desk, change)
    assert "no question has answers that are a value" in desk.fails("label_studio", path="edited.json")
    records = desk.read("label_studio", path="edited.json", values={"good": 2})
    assert {r.value for r in records if r.value is not None} == {2.0}
    desk.read("label_studio", path="edited.json", values={"good": 9}, scale=[1, 5])
    assert desk.whys == {"value is outside the scale 1 to 5": 151}


def test_a_grade_that_is_missing_is_skipped_and_a_double_one_set_aside(desk):
    def change(data):
        data[0]["annotations"][0]["result"] = []
        data[1]["annotations"][0]["result"] *= 2

    edited(desk, change)
    records = desk.read("label_studio", path="edited.json")
    assert sum(r.status == "skipped" for r in records) == 2
    assert desk.whys == {"several answers to one question": 1}


def test_junk_in_the_list_of_annotations_is_counted(desk):
    def change(data):
        data[0]["annotations"].append("junk")
        data[1]["annotations"] = 7

    edited(desk, change)
    desk.read("label_studio", path="edited.json")
    assert desk.whys == {"annotation is no object": 2}


def test_gold_items_name_their_answer_in_the_task(desk):
    def change(data):
        for number, task in enumerate(data):
            task["data"]["gold"] = 5 if number == 0 else None
            for note in task["annotations"]:
                note["ground_truth"] = True  # set on every import: it says nothing

    edited(desk, change)
    entry = {"path": "edited.json", "map": {"expected": "data.gold"}}
    records = desk.read("label_studio", **entry)
    gold = {r.item for r in records if r.expected == 5.0}
    assert len(gold) == 1
    assert {r.expected for r in records if r.item not in gold} == {None}
    assert len(records) == 152, "a gold item is graded like any other"
    assert "holds '5', which is no value. The scale runs from 0 to 4" in desk.fails(
        "label_studio", **entry, scale=[0, 4]
    )
    edited(desk, lambda data: data[0]["data"].update(gold="top"))
    message = desk.fails("label_studio", **entry)
    assert "data.gold' (map.expected) holds 'top', which is no value. Recode it in `values:`" in message
    assert {r.expected for r in desk.read("label_studio", **entry, values={"expected": {"top": 5}})} == {None, 5.0}
    assert "no task has 'data.gld' (map.expected)" in desk.fails(
        "label_studio", path="edited.json", map={"expected": "data.gld"}
    )


def test_gold_pairs_and_forms_with_several_questions(desk):
    def change(data):
        for task in data:
            task["data"]["best"] = "A"
            for note in task["annotations"]:
                note["result"] += [{**part, "from_name": "second"} for part in note["result"]]

    edited(desk, change)
    entry = {"path": "edited.json", "map": {"expected": "data.best"}, "values": {"A": 4}}
    assert "map.expected answers one question, and the form has several" in desk.fails("label_studio", **entry)
    records = desk.read("label_studio", **entry, dimension="second")
    assert {r.expected for r in records} == {4.0}
    desk.copy("label_studio_pairwise.json")
    data = json.loads((desk.files / "label_studio_pairwise.json").read_text())
    data[0]["data"]["best"] = "RIGHT"
    desk.write("pairs.json", json.dumps(data))
    pairs = desk.read("label_studio", path="pairs.json", shape="preference", empty="tie", map={"expected": "data.best"})
    assert {p.expected for p in pairs} == {None, "right"}


def test_wrong_exports(desk):
    desk.write("min.json", '[{"id": 1, "quality": [{"rating": 4}], "item_id": "a"}]')
    assert "not JSON-MIN" in desk.fails("label_studio", path="min.json")
    desk.write("object.json", "{}")
    assert "is not a Label Studio JSON export" in desk.fails("label_studio", path="object.json")
    desk.write("none.json", "[]")
    assert "0 rows" in desk.fails("label_studio", path="none.json")
    desk.copy(NAMES[0])
    message = desk.fails("label_studio", path=NAMES[0], map={"variant": "data.varant"})
    assert "Did you mean 'data.variant'?" in message


def test_full_exports(desk, shared):
    for name in ("rating_control", "rating_candidate", "pairwise"):
        desk.write(f"{name}.json", (shared / "exports" / "label_studio" / f"{name}.json").read_bytes())
    assert len(desk.read("label_studio", path="rating_*.json", dimension="quality")) == 303
    assert len(desk.read("label_studio", path="pairwise.json", shape="preference", empty="tie")) == 120
