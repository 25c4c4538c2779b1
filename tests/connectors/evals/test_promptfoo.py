"""promptfoo exports: failed work is an error, never a score."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from signals.strictyaml import parse

BOTH = {
    "path": "promptfoo_*.json",
    "map": {"segment.lang": "testCase.metadata.lang", "item": "testCase.metadata.item_id"},
}


def lift(records: list[Any], *, errors_as_zero: bool) -> float:
    """Mean over items of candidate minus control, repeats averaged first."""
    by: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.value is not None or errors_as_zero:
            by[record.item][record.variant].append(record.value or 0.0)
    return mean(mean(arms["candidate"]) - mean(arms["control"]) for arms in by.values() if len(arms) == 2)


def arm_difference(records: list[Any]) -> float:
    means = {
        arm: mean(r.value for r in records if r.variant == arm and r.value is not None)
        for arm in ("control", "candidate")
    }
    return means["candidate"] - means["control"]


def test_errors_are_not_scores(desk):
    desk.copy("promptfoo_control.json", "promptfoo_candidate.json")
    records = desk.read("promptfoo", **BOTH)
    errors = Counter((r.variant, r.item, r.error) for r in records if r.error)
    assert errors == {
        ("candidate", "ticket-007", "system_error"): 2,
        ("control", "ticket-011", "judge_unparsed"): 2,
        ("candidate", "ticket-011", "judge_unparsed"): 2,
        ("control", "ticket-023", "judge_error"): 2,
        ("candidate", "ticket-023", "judge_error"): 2,
    }
    assert all((r.value is None) == (r.error is not None) for r in records)
    assert len(records) == desk.tally.rows_read == desk.tally.rows_kept == 240
    # 0.0368 with errors left out of each arm, 0.0255 with the zeros that the export holds.
    assert round(arm_difference(records), 4) == 0.0368
    assert round(lift(records, errors_as_zero=True), 4) == 0.0255


def test_repeats_items_and_judge(desk):
    desk.copy("promptfoo_control.json", "promptfoo_candidate.json")
    records = desk.read("promptfoo", **BOTH)
    assert Counter(r.repeat for r in records) == {0: 120, 1: 120}
    assert len({(r.item, r.variant, r.repeat) for r in records}) == 240
    assert len({r.record for r in records}) == 240
    assert len({r.fingerprint for r in records}) == 1, "error rows were judged by the same judge"
    assert {r.scorer for r in records} == {"helpfulness"}
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert all(r.at.utcoffset().total_seconds() == 0 for r in records)
    assert [r.record for r in desk.read_again()] == [r.record for r in records]


def test_item_is_found_without_map(desk):
    desk.copy("promptfoo_control.json")
    assert {r.item for r in desk.read("promptfoo", path="promptfoo_control.json")} == {
        f"ticket-{n:03}" for n in range(60)
    }


def edited(desk, change, name="edited.json"):
    data = json.loads((desk.files / "promptfoo_control.json").read_text())
    change(data)
    desk.write(name, json.dumps(data))


def test_another_rubric_is_another_judge(desk):
    desk.copy("promptfoo_control.json")

    def change(data):
        data["evalId"] = "other"
        for row in data["results"]["results"]:
            row["provider"]["label"] = "candidate"
            for part in [
                *row["testCase"]["assert"],
                *(c["assertion"] for c in row["gradingResult"]["componentResults"]),
            ]:
                if part["type"] == "llm-rubric":
                    part["value"] = "Is kind"

    edited(desk, change)
    prints = {r.variant: r.fingerprint for r in desk.read("promptfoo", path="*.json")}
    assert prints["control"] != prints["candidate"]
    stated = {r.fingerprint for r in desk.read("promptfoo", path="*.json", scorer_version="judge-3")}
    assert stated == {"judge-3"}


def test_two_rubrics_of_one_name_are_two_judges(desk):
    def change(data):
        for row in data["results"]["results"]:
            asserted, graded = row["testCase"]["assert"], row["gradingResult"]["componentResults"]
            asserted += [{**one, "value": "Is kind"} for one in asserted if one["type"] == "llm-rubric"]
            graded += [
                {**one, "assertion": {**one["assertion"], "value": "Is kind"}}
                for one in graded
                if one["assertion"]["type"] == "llm-rubric"
            ]

    edited(desk, change)
    records = desk.read("promptfoo", path="edited.json")
    assert (len(records), len({r.record for r in records}), len({r.fingerprint for r in records})) == (240, 240, 2)


def test_the_same_eval_twice_counts_once(desk):
    desk.copy("promptfoo_control.json")
    edited(desk, lambda data: None, "copy.json")
    assert len(desk.read("promptfoo", path="*.json")) == 120
    assert desk.whys == {"the same eval was read from another file already": 120}
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (240, 120)


def test_metric_names_the_score(desk):
    desk.copy("promptfoo_control.json")
    assert {r.scorer for r in desk.read("promptfoo", path="*.json", metric="on_topic")} == {"on_topic"}
    assert "Did you mean 'helpfulness'?" in desk.fails("promptfoo", path="*.json", metric="helpfulnes")


def test_old_exports_mark_a_grader_failure_by_its_reason_only(desk):
    def change(data):
        for row in data["results"]["results"]:
            row.pop("failureReason")
            for part in row["gradingResult"]["componentResults"]:
                part.pop("metadata", None)

    edited(desk, change)
    records = desk.read("promptfoo", path="edited.json")
    assert Counter(r.error for r in records if r.item == "ticket-011") == {"judge_unparsed": 2}


def test_a_judgement_that_is_missing_is_an_error(desk):
    def change(data):
        data["results"]["results"][0]["gradingResult"]["componentResults"] = []

    edited(desk, change)
    assert Counter(r.error for r in desk.read("promptfoo", path="edited.json"))["judge_error"] == 3


def test_a_failed_run_with_a_score_is_still_a_failed_run(desk):
    def change(data):
        data["results"]["results"][0]["failureReason"] = 2

    edited(desk, change)
    records = desk.read("promptfoo", path="edited.json")
    assert records[0].error == "system_error"


def test_two_prompts_under_one_provider_need_a_map(desk):
    def change(data):
        for row in data["results"]["results"]:
            row["promptIdx"] = row["testIdx"] % 2
            row["prompt"] = {"label": f"prompt {row['promptIdx']}"}

    edited(desk, change)
    assert "several prompts ran under the variant 'control'" in desk.fails("promptfoo", path="edited.json")
    records = desk.read("promptfoo", path="edited.json", map={"variant": "prompt.label"})
    assert {r.variant for r in records} == {"prompt 0", "prompt 1"}
    recoded = desk.read(
        "promptfoo", path="edited.json", map={"variant": "prompt.label"}, values={"variant": {"prompt 0": "control"}}
    )
    assert {r.variant for r in recoded} == {"control", "prompt 1"}
    assert len(desk.read("promptfoo", path="edited.json", where={"promptIdx": 1})) == 60


def test_cut_off_and_foreign_files(desk):
    whole = (desk.files / "promptfoo_control.json").read_bytes()
    desk.write("cut.json", whole[: len(whole) // 2])
    message = desk.fails("promptfoo", path="cut.json")
    assert message.startswith("data/cut.json:1:")
    assert "half-written JSON" in message
    desk.write("other.json", "[1, 2]")
    assert "is not a promptfoo JSON export" in desk.fails("promptfoo", path="other.json")
    desk.write("deep.json", "[" * 200_000)
    assert "data/deep.json" in desk.fails("promptfoo", path="deep.json")
    desk.write("latin.json", '{"a": "\xe9"}'.encode("latin-1"))
    assert "is not UTF-8" in desk.fails("promptfoo", path="latin.json")
    desk.copy("promptfoo_control.json")
    message = desk.fails("promptfoo", path="promptfoo_control.json", map={"item": "testCase.metadata.item_ids"})
    assert "no row has 'testCase.metadata.item_ids' (map.item). Did you mean 'testCase.metadata.item_id'?" in message
    message = desk.fails("promptfoo", path="promptfoo_control.json", map={"segment.lang": "testCase.metadata.lan"})
    assert "Did you mean 'testCase.metadata.lang'?" in message


def test_full_exports(desk, shared):
    for arm in ("control", "candidate", "both"):
        desk.write(f"{arm}.json", (shared / "exports" / "promptfoo" / f"{arm}.json").read_bytes())
    apart = desk.read("promptfoo", path="c*.json")
    assert round(arm_difference(apart), 4) == 0.0368
    assert round(lift(apart, errors_as_zero=True), 4) == 0.0255
    assert all(r.length for r in apart if r.error != "system_error")
    assert all(r.content for r in apart)
    together = desk.read("promptfoo", path="both.json")
    assert len(together) == 240
    assert round(arm_difference(together), 4) == 0.0368
    # Two runs of the same items are repeats.
    assert Counter(r.repeat for r in desk.read("promptfoo", path="*.json")) == {0: 120, 1: 120, 2: 120, 3: 120}


def test_what_the_export_says_of_an_item(desk):
    def change(data):
        for row in data["results"]["results"]:
            number = int(row["testCase"]["metadata"]["item_id"].split("-")[1])
            row["vars"] = {"ticket": "Where is my order?" if number < 2 else f"Question {number}", "tone": "kind"}
            row["response"] = {"output": "Grüße" if number else {"text": "an object has no characters"}}

    edited(desk, change)
    records = desk.read("promptfoo", path="edited.json", map={"item": "testCase.metadata.item_id"})
    assert {(r.item == "ticket-000", r.length) for r in records} == {(True, None), (False, 5.0)}
    asked = {r.item: r.content for r in records}
    assert len(set(asked.values())) == 59
    assert asked["ticket-000"] == asked["ticket-001"]
    assert {len(content) for content in asked.values()} == {16}
    assert {(r.made, r.leaked) for r in records} == {(None, None)}
    desk.copy("promptfoo_control.json")
    bare = desk.read("promptfoo", path="promptfoo_control.json")
    assert {(r.length, r.content) for r in bare} == {(None, "")}, "an export without outputs and variables"


def told(desk, **said):
    def change(data):
        for number, row in enumerate(data["results"]["results"]):
            row["testCase"]["metadata"] |= {"tokens": 7 + number % 2, "since": "2026-01-02", "seen": "no"} | said

    edited(desk, change)
    paths = {"length": "tokens", "made": "since", "leaked": "seen"}
    return {
        "path": "edited.json", "timezone": "UTC", "values": {"leaked": {"no": False}},
        "map": {field: f"testCase.metadata.{name}" for field, name in paths.items()} | {"content": "vars.question"},
    }  # fmt: skip


def test_fields_of_the_test_may_say_it_instead(desk):
    entry = told(desk)
    entry["map"]["content"] = "testCase.metadata.since"
    records = desk.read("promptfoo", **entry)
    assert {r.length for r in records} == {7.0, 8.0}
    assert {(r.made.isoformat(), r.leaked) for r in records} == {("2026-01-02T00:00:00+00:00", False)}
    assert len({r.content for r in records}) == 1


def test_what_the_test_says_must_be_readable(desk):
    for said, word in (
        ({"tokens": "many"}, "(map.length) holds 'many'. Map a number"),
        ({"since": "long ago"}, "(map.made) holds 'long ago'. Map an ISO time"),
        ({"seen": "perhaps"}, "(map.leaked) holds 'perhaps'. Recode it"),
    ):
        entry = told(desk, **said)
        del entry["map"]["content"]
        message = desk.fails("promptfoo", **entry)
        assert message.startswith("data/edited.json: item 'ticket-000'")
        assert word in message


def as_lines(desk, name="promptfoo_candidate.json"):
    rows = json.loads((desk.files / name).read_text())["results"]["results"]
    return "".join(json.dumps(row) + "\n" for row in rows)


def scores(records):
    return sorted((r.item, r.variant, r.repeat, r.value, r.error) for r in records)


def test_json_lines_say_the_same_but_for_the_time(desk):
    desk.copy("promptfoo_candidate.json")
    whole = desk.read("promptfoo", path="promptfoo_candidate.json")
    desk.write("rows.jsonl", as_lines(desk))
    lines = desk.read("promptfoo", path="rows.jsonl")
    assert scores(lines) == scores(whole)
    assert {r.at for r in lines} == {None}
    desk.write("rows.jsonl.gz", gzip.compress(as_lines(desk).encode()))
    assert scores(desk.read("promptfoo", path="rows.jsonl.gz")) == scores(whole)


def test_broken_json_lines_are_told_with_their_line(desk):
    text = as_lines(desk)
    desk.write("cut.jsonl", text[: len(text) * 2 // 3])
    message = desk.fails("promptfoo", path="cut.jsonl")
    assert "half-written JSON" in message
    assert message.startswith(f"data/cut.jsonl:{text[: len(text) * 2 // 3].count(chr(10)) + 1}:")
    desk.write("other.jsonl", '{"a": 1}\n')
    assert "data/other.jsonl:1: is no row of promptfoo's JSON lines" in desk.fails("promptfoo", path="other.jsonl")
    desk.write("list.jsonl", "[1]\n")
    assert "data/list.jsonl:1: the line is no JSON object" in desk.fails("promptfoo", path="list.jsonl")
    desk.write("none.jsonl", "\n\n")
    assert "is empty (0 rows)" in desk.fails("promptfoo", path="none.jsonl")
    desk.write("torn.jsonl.gz", gzip.compress(text.encode())[:2000])
    assert "data/torn.jsonl.gz: cannot be read" in desk.fails("promptfoo", path="torn.jsonl.gz")


def test_the_full_lines_and_the_full_json_are_one_evidence(desk, shared):
    for ending in ("json", "jsonl"):
        desk.write(f"both.{ending}", (shared / "exports" / "promptfoo" / f"both.{ending}").read_bytes())
    lines = desk.read("promptfoo", path="both.jsonl")
    assert round(arm_difference(lines), 4) == 0.0368
    assert round(lift(lines, errors_as_zero=True), 4) == 0.0255
    assert scores(lines) == scores(desk.read("promptfoo", path="both.json"))
    assert len(desk.read("promptfoo", path="both.*")) == 240
    assert desk.whys == {"the same row was read from another file already": 240}
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (480, 240)


def test_the_entries_of_the_page_work(desk):
    page = Path(__file__).parents[3] / "docs" / "connectors" / "promptfoo.md"
    blocks = [block.split("```")[0] for block in page.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 2
    for arm in ("control", "candidate"):
        data = json.loads((desk.files / f"promptfoo_{arm}.json").read_text())
        for row in data["results"]["results"]:
            row["vars"] = {"ticket_id": row["testCase"]["metadata"]["item_id"]}
            row["metadata"] = {"plan": "pro"}
        desk.write(f"exports/promptfoo/{arm}.json", json.dumps(data))
    for block in blocks:
        for entry in parse(block, "docs").data.values():
            assert len(desk.read(**{key: entry[key] for key in entry if key != "signal"})) == 240
