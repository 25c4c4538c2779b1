"""Presets for people's grades: MTurk, Prolific and Google Forms, held against their own files read another way."""

from __future__ import annotations

import csv
import json
import statistics
from datetime import UTC, datetime, timedelta

import pytest

MTURK = {
    "preset": "mturk", "path": "mturk_[12].csv", "scale": [1, 5],
    "map": {"item": "Input.item_id", "variant": "Input.variant", "value": "Answer.quality.label"},
}  # fmt: skip
PROLIFIC = {
    "preset": "prolific", "path": "prolific.csv", "scale": [1, 7],
    "map": {"item": "META_item", "variant": "META_variant", "value": "grade"},
}  # fmt: skip
SIDES = {
    f"Question {n}: how helpful is this answer, all in all? [Answer {side}]": (f"q{n}", arm)
    for n in (1, 2, 3, 4)
    for side, arm in (("X", "control"), ("Y", "candidate"))
}
FORMS = {
    "preset": "google_forms", "path": "google_forms.csv", "scale": [1, 5],
    "wide": {
        "item": {header: item for header, (item, _) in SIDES.items()},
        "variant": {header: arm for header, (_, arm) in SIDES.items()},
    },
}  # fmt: skip


def table(desk, name):
    with (desk.files / "presets" / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def put(desk, *names):
    for name in names:
        desk.write(name, (desk.files / "presets" / name).read_bytes())


def means(ratings):
    return {
        arm: statistics.fmean(r.value for r in ratings if r.variant == arm and r.value is not None)
        for arm in ("control", "candidate")
    }


def test_mturk(desk):
    put(desk, "mturk_1.csv", "mturk_2.csv")
    rows = table(desk, "mturk_1.csv") + table(desk, "mturk_2.csv")
    once = {row["AssignmentId"]: row for row in rows}
    kept = [row for row in once.values() if row["AssignmentStatus"] != "Rejected"]
    rejected = sum(row["AssignmentStatus"] == "Rejected" for row in rows)
    found = desk.read(**MTURK)
    assert {(r.item, r.rater, r.variant, r.value) for r in found} == {
        (row["Input.item_id"], row["WorkerId"], row["Input.variant"], float(row["Answer.quality.label"]))
        for row in kept
    }
    assert len(found) == len(kept) < len(once) < len(rows)
    assert desk.whys == {
        "AssignmentStatus is none of Approved, Submitted": rejected,
        "the same row again (same AssignmentId)": len(rows) - rejected - len(kept),
    }
    assert desk.tally.rows_read == len(rows)
    assert desk.tally.rows_kept == len(kept)
    assert not any(entry.fault for entry in desk.tally.entries)
    arms = {arm: [float(r["Answer.quality.label"]) for r in kept if r["Input.variant"] == arm] for arm in means(found)}
    assert means(found) == pytest.approx({arm: statistics.fmean(values) for arm, values in arms.items()})
    # A rejected assignment was planted with the worst grade: with them the candidate would look worse.
    with_all = desk.read(**MTURK, keep={})
    assert len(with_all) == len(once)
    assert means(with_all) != means(found)


def test_mturk_times_of_both_halves_of_the_year(desk):
    put(desk, "mturk_1.csv")
    at = {(r.item, r.rater, r.variant): r.at for r in desk.read(**{**MTURK, "path": "mturk_1.csv"})}
    zones = set()
    for row in table(desk, "mturk_1.csv"):
        key = (row["Input.item_id"], row["WorkerId"], row["Input.variant"])
        *rest, zone, year = row["SubmitTime"].split()
        local = datetime.strptime(" ".join([*rest, year]), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        zones.add(zone)
        if key in at:
            assert at[key] == local + timedelta(hours={"PST": 8, "PDT": 7}[zone])
    assert zones == {"PST", "PDT"}
    text = (desk.files / "presets" / "mturk_1.csv").read_text(encoding="utf-8").replace(" PST ", " CST ")
    desk.write("mturk_1.csv", text)  # no zone that is certain
    assert all(r.at < datetime(2026, 11, 1, 9, tzinfo=UTC) for r in desk.read(**{**MTURK, "path": "mturk_1.csv"}))
    assert desk.whys["at is not a time"] > 0


def test_mturk_answers_in_one_json(desk):
    put(desk, "mturk_crowd.csv")
    entry = {**MTURK, "path": "mturk_crowd.csv", "map": {**MTURK["map"], "value": "Answer.taskAnswers.0.quality"}}
    expected = {}
    for row in table(desk, "mturk_crowd.csv"):
        if row["AssignmentStatus"] != "Rejected":
            quality = json.loads(row["Answer.taskAnswers"])[0]["quality"]
            ticked = [float(key) for key, value in quality.items() if value]
            key = (row["Input.item_id"], row["WorkerId"], row["Input.variant"])
            expected[key] = ticked[0] if ticked else None
    found = {(r.item, r.rater, r.variant): r.value for r in desk.read(**entry)}
    assert found == expected
    assert [r.status for r in desk.read_again() if r.value is None] == ["skipped"]
    two = (desk.files / "presets" / "mturk_crowd.csv").read_text(encoding="utf-8")
    desk.write("mturk_crowd.csv", two.replace('""1"": false', '""1"": true'))  # two boxes of one question
    desk.read_again()
    assert desk.whys["value is not a number"] > 0


def test_prolific(desk):
    put(desk, "prolific.csv")
    rows = table(desk, "prolific.csv")
    kept = [row for row in rows if row["Status"] in ("APPROVED", "AWAITING REVIEW")]
    first = {(row["Participant id"], row["META_item"], row["META_variant"]): row for row in reversed(kept)}
    found = desk.read(**PROLIFIC)
    assert {(r.rater, r.item, r.variant): r.value for r in found} == {k: float(r["grade"]) for k, r in first.items()}
    assert all(r.attempt == 1 for r in found)
    assert desk.whys == {
        "Status | status | submission_status is none of APPROVED, AWAITING REVIEW": len(rows) - len(kept),
        "the same row again (same participant_id | Participant id | PROLIFIC_PID, META_item, META_variant)": 1,
    }
    assert desk.tally.rows_read == len(rows)
    again = desk.read(**PROLIFIC, once=[])
    assert max(r.attempt for r in again) == 2


def test_prolific_responses_have_no_status(desk):
    put(desk, "prolific_responses.jsonl")
    entry = {
        **PROLIFIC, "path": "prolific_responses.jsonl",
        "map": {
            "item": "metadata.META_item", "variant": "metadata.META_variant", "value": "response.answer.0.value",
        },
    }  # fmt: skip
    assert "has no column 'Status | status | submission_status'" in desk.fails(**entry)
    found = desk.read(**entry, keep={})
    lines = (desk.files / "presets" / "prolific_responses.jsonl").read_text().splitlines()
    assert {(r.rater, r.item, r.variant): r.value for r in found} == {
        (row["participant_id"], row["metadata"]["META_item"], row["metadata"]["META_variant"]): float(
            row["response"]["answer"][0]["value"]
        )
        for row in map(json.loads, lines)
    }


def test_google_forms(desk):
    put(desk, "google_forms.csv")
    expected = {}
    for row in table(desk, "google_forms.csv"):
        for header, (item, arm) in SIDES.items():
            expected[row["Email Address"], item, arm] = row[header]
    found = desk.read(**FORMS)
    assert {(r.rater, r.item, r.variant): r.value for r in found} == {
        key: float(text) if text else None for key, text in expected.items() if text != "4, 5"
    }
    assert desk.whys == {"value is not a number": 1}
    assert desk.tally.rows_read == 40
    # 23:30 in GMT+1 is 22:30 in UTC; the fourth answer came after midnight.
    assert sorted({r.at for r in found}) == [
        datetime(2026, 11, 10, 22, 30, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(5)
    ]


def test_google_forms_sheet_asks_for_month_and_zone(desk):
    put(desk, "google_forms_sheet.csv")
    entry = {**FORMS, "path": "google_forms_sheet.csv"}
    assert "is the day or the month first? Add `times:" in desk.fails(**entry)
    entry["times"] = "%m/%d/%Y %H:%M:%S"
    assert "holds times without a zone" in desk.fails(**entry)
    found = desk.read(**entry, timezone="Europe/Berlin")
    assert min(r.at for r in found) == datetime(2026, 11, 10, 22, 30, tzinfo=UTC)
    assert len(found) == 39
    without = desk.read(**{**entry, "map": {"at": None}})
    assert len(without) == 39
    assert {r.at for r in without} == {None}


def test_answers_without_addresses_have_no_rater(desk):
    text = (desk.files / "presets" / "google_forms.csv").read_text(encoding="utf-8")
    desk.write("google_forms.csv", text.replace("Email Address", "Nickname"))
    assert "has no column 'Email Address | Email address | Username'" in desk.fails(**FORMS)
    assert len(desk.read(**FORMS, map={"rater": "Nickname"})) == 39


def test_reading_twice_and_an_edit(desk):
    put(desk, "mturk_1.csv", "mturk_2.csv")
    first = desk.read(**MTURK)
    assert desk.read_again() == first
    path = desk.data / "mturk_2.csv"
    lines = path.read_bytes().decode().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if '"Approved"' in line and n > 10)
    row = next(csv.reader([lines[number]]))
    row[-3] = "5" if row[-3] != "5" else "1"
    lines[number] = ",".join(f'"{cell}"' for cell in row) + "\r\n"
    path.write_bytes("".join(lines).encode())
    second = desk.read_again()
    assert {r.record for r in first} == {r.record for r in second}
    assert sum(a != b for a, b in zip(first, second, strict=True)) == 1


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"preset": "mturkk"}, "is no preset. Did you mean 'mturk'?"),
        ({"preset": ["mturk"]}, "is no preset. Did you mean 'mturk'?"),
        ({"preset": "mturk", "map": ["a"]}, "map"),
        ({**MTURK, "shape": "outcome"}, "preset 'mturk' cannot give shape 'outcome'. It gives rating or preference"),
        ({**MTURK, "map": {"item": "i"}}, "map: field 'value' is missing"),
        ({**MTURK, "times": "%H:%M"}, "day, month and year"),
        ({**MTURK, "times": "%Q"}, "day, month and year"),
        ({**FORMS, "wide": {"item": {"a": "1"}, "variant": {"b": "2"}}}, "with the same columns"),
        ({**FORMS, "wide": {"item": ["a"], "variant": {"a": "2"}}}, "with the same columns"),
        ({**FORMS, "wide": {"item": {}}}, "`wide:` names no column for item"),
    ],
)
def test_mistakes_are_named_at_their_place(desk, entry, message):
    found = desk.fails(**{"path": "x.csv", **entry})
    assert message in found
    assert "sources.yaml:" in found
