"""Braintrust's results and events: what failed is no score, whatever zero stands beside it."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.connectors.evals.braintrust import NAMED
from signals.strictyaml import parse

ARMS = ("control", "candidate")
DOCS = Path(__file__).parents[3] / "docs" / "connectors" / "braintrust.md"
FAILED = {
    ("candidate", "ticket-007", "system_error"): 2,
    ("control", "ticket-023", "judge_error"): 2,
    ("candidate", "ticket-023", "judge_error"): 2,
    ("control", "ticket-024", "skipped"): 2,
    ("candidate", "ticket-024", "skipped"): 2,
}


@pytest.fixture
def runs(desk):
    for arm in ARMS:
        desk.write(f"runs/{arm}.json", (desk.files / "braintrust" / f"{arm}.json").read_bytes())
        desk.write(f"events/{arm}.json", (desk.files / "braintrust" / f"{arm}.events.json").read_bytes())
    return desk


def edit(desk, name, change):
    path = desk.data / name
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def by_hand(raw: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Item to scores, straight from a file of results."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in raw:
        if row["error"] is None and row["scores"].get("helpfulness") is not None:
            found[row["metadata"]["id"]].append(row["scores"]["helpfulness"])
    return found


def lift(arms: dict[str, dict[str, list[float]]]) -> float:
    both = arms["control"].keys() & arms["candidate"].keys()
    return mean(mean(arms["candidate"][item]) - mean(arms["control"][item]) for item in both)


def scores(records) -> dict[str, dict[str, list[float]]]:
    arms: dict[str, dict[str, list[float]]] = {arm: defaultdict(list) for arm in ARMS}
    for record in records:
        if record.value is not None:
            arms[record.variant][record.item].append(record.value)
    return arms


def errors(records) -> Counter:
    return Counter((r.variant, r.item, r.error) for r in records if r.error)


# --- results of Eval ------------------------------------------------------------------------------------------------


def test_what_failed_is_an_error_and_what_gave_no_score_is_skipped(runs):
    records = runs.read("braintrust", path="runs/*.json")
    assert errors(records) == FAILED
    assert all((r.value is None) == (r.error is not None) for r in records)
    assert len(records) == runs.tally.rows_read == runs.tally.rows_kept == 52
    assert {r.scorer for r in records} == {"helpfulness"}
    assert Counter(r.repeat for r in records) == {0: 26, 1: 26}
    assert len({r.record for r in records}) == 52
    assert {r.fingerprint for r in records} == {""}, "nothing is known of the judge"
    assert {r.at for r in records} == {None}
    assert {r.length for r in records if r.item == "ticket-000"} == {77.0, 79.0}
    assert runs.read_again() == records


def test_the_full_exports(desk, shared):
    raw = {}
    for arm in ARMS:
        text = (shared / "exports" / "braintrust_local" / f"{arm}.json").read_bytes()
        desk.write(f"{arm}.json", text)
        raw[arm] = json.loads(text)["results"]
    records = desk.read("braintrust", path="*.json", map={"segment.lang": "metadata.lang"})
    assert errors(records) == FAILED
    assert (len(records), desk.tally.rows_read, desk.tally.rows_kept) == (240, 240, 240)
    hand = {arm: by_hand(rows) for arm, rows in raw.items()}
    assert scores(records) == hand
    assert {arm: len(items) for arm, items in hand.items()} == {"control": 58, "candidate": 57}
    assert round(lift(scores(records)), 4) == round(lift(hand), 4) == 0.0452
    for arm in ARMS:  # what the tool itself says
        said = json.loads((desk.data / f"{arm}.json").read_text())["summary"]["scores"]["helpfulness"]["score"]
        assert mean(value for found in scores(records)[arm].values() for value in found) == pytest.approx(said)
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}


def test_zeros_that_a_run_writes_for_failed_work_are_no_scores(runs):
    """`error_score_handler` gives every scorer that did not run a 0."""
    before = runs.read("braintrust", path="runs/*.json")

    def change(data):
        for row in data["results"]:
            if row["error"] or "scorer_errors" in row["metadata"]:
                row["scores"] = {"helpfulness": 0}

    for arm in ARMS:
        edit(runs, f"runs/{arm}.json", change)
    assert runs.read("braintrust", path="runs/*.json") == before


def test_the_zeros_of_a_failed_case_may_bear_the_names_of_functions(runs):
    def change(data):
        for row in data["results"]:
            if row["error"]:
                row["scores"] = {"grade_answer": 0, "grade_tone": 0}

    edit(runs, "runs/candidate.json", change)
    records = runs.read("braintrust", path="runs/*.json")
    assert {r.scorer for r in records} == {"helpfulness"}
    assert errors(records) == FAILED


def test_an_exception_written_as_an_empty_object_is_an_error(runs):
    def change(data):
        for row, said in zip(data["results"], ({}, None, "", False, "boom", {"message": "x"}), strict=False):
            row["error"] = said

    edit(runs, "runs/control.json", change)
    found = runs.read("braintrust", path="runs/control.json")[:6]
    assert [r.error for r in found] == ["system_error", None, None, None, "system_error", "system_error"]


def test_a_scorer_that_failed_under_another_name_than_its_scores_have(runs):
    """The name in `scorer_errors` is the function's; that of a score is what the function returned."""

    def change(data):
        for row in data["results"]:
            row["scores"]["exact"] = 1.0
            failed = row["metadata"].pop("scorer_errors", None)
            if failed:
                row["metadata"]["scorer_errors"] = {"grade_answer": "RuntimeError: judge refused"}

    for arm in ARMS:
        edit(runs, f"runs/{arm}.json", change)
    records = runs.read("braintrust", path="runs/*.json", metric="helpfulness")
    assert errors(records) == FAILED

    def other(data):
        for row in data["results"]:
            if "scorer_errors" in row["metadata"]:
                row["metadata"]["scorer_errors"] = {"exact": "RuntimeError"}

    for arm in ARMS:
        edit(runs, f"runs/{arm}.json", other)
    records = runs.read("braintrust", path="runs/*.json", metric="helpfulness")
    assert {r.error for r in records if r.item == "ticket-023"} == {"skipped"}, "the scorer that failed is another one"
    exact = runs.read("braintrust", path="runs/*.json", metric="exact")
    assert {r.error for r in exact if r.item == "ticket-023"} == {"judge_error"}


def test_of_several_scores_one_must_be_named(runs):
    def change(data):
        for row in data["results"]:
            row["scores"]["exact"] = True

    edit(runs, "runs/control.json", change)
    message = runs.fails("braintrust", path="runs/*.json")
    assert "there are several scores (exact, helpfulness), and nothing says which of them a model gave" in message
    assert "`metric: NAME`" in message
    assert {r.value for r in runs.read("braintrust", path="runs/control.json", metric="exact")} == {1.0}
    assert "Did you mean 'helpfulness'?" in runs.fails("braintrust", path="runs/*.json", metric="helpfulnes")


def test_values_that_are_no_numbers(runs):
    def change(data):
        for row, said in zip(data["results"], (float("nan"), "0.7", [1], None, True), strict=False):
            row["scores"] = {"helpfulness": said}

    edit(runs, "runs/control.json", change)
    found = runs.read("braintrust", path="runs/control.json")[:5]
    assert [(r.value, r.error) for r in found] == [
        (None, "judge_unparsed"), (None, "judge_unparsed"), (None, "judge_unparsed"), (None, "skipped"), (1.0, None),
    ]  # fmt: skip


def test_a_judge_that_never_answered_is_all_errors(runs):
    def change(data):
        for row in data["results"]:
            row["scores"] = {}
            row["metadata"]["scorer_errors"] = {"helpfulness": "RuntimeError"}

    edit(runs, "runs/candidate.json", change)
    records = runs.read("braintrust", path="runs/candidate.json")
    assert Counter(r.error for r in records) == {"judge_error": 24, "system_error": 2}


# --- variants and items ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["support", "", None])
def test_a_run_named_like_the_project_names_no_variant(runs, name):
    for arm in ARMS:
        edit(runs, f"runs/{arm}.json", lambda data: data["summary"].update(experiment_name=name))
    assert "nothing says which variant this run is of" in runs.fails("braintrust", path="runs/*.json")
    assert {r.variant for r in runs.read("braintrust", path="runs/control.json", variant="a")} == {"a"}


def test_a_run_that_was_sent_has_a_name_of_its_own(runs):
    for arm in ARMS:
        edit(runs, f"runs/{arm}.json", lambda data, a=arm: data["summary"].update(experiment_name=a, experiment_id="x"))
    assert {r.variant for r in runs.read("braintrust", path="runs/*.json")} == set(ARMS)
    message = runs.fails("braintrust", path="runs/*.json", variant="control")
    assert "two runs of the variant 'control' differ in summary.experiment_name" in message


def test_names_of_the_other_sdk_are_read_too(runs):
    for arm in ARMS:

        def change(data, arm=arm):
            data["summary"] = {"projectName": "support", "experimentName": f"support [experimentName={arm}]"}

        edit(runs, f"runs/{arm}.json", change)
    assert {r.variant for r in runs.read("braintrust", path="runs/*.json")} == set(ARMS)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1))
def test_a_name_is_read_as_it_was_given(name):
    assert NAMED.search(f"support [experiment_name={name}]")[1] == name


def test_the_item_is_an_id_of_the_metadata_or_of_the_data_set_or_the_input(runs):
    def without(data):
        for row in data["results"]:
            row["metadata"] = {"user_id": "u"}

    def with_set(data):
        for number, row in enumerate(data["results"]):
            row["origin"] = {"object_type": "dataset", "object_id": "d", "id": f"row-{number // 2}"}

    edit(runs, "runs/control.json", without)
    edit(runs, "runs/candidate.json", without)
    records = runs.read("braintrust", path="runs/*.json")
    assert all(r.item == f"input {r.content}" for r in records)
    assert len({r.item for r in records}) == 13
    assert len({(r.item, r.variant, r.repeat) for r in records}) == 52
    edit(runs, "runs/control.json", with_set)
    assert {r.item for r in runs.read("braintrust", path="runs/control.json")} == {f"row-{n}" for n in range(13)}


def test_an_id_that_several_inputs_share_is_refused(runs):
    def change(data):
        for row in data["results"]:
            row["metadata"]["id"] = "user-1"

    edit(runs, "runs/control.json", change)
    message = runs.fails("braintrust", path="runs/control.json")
    assert "metadata.id 'user-1' stands for several inputs" in message
    assert len({r.item for r in runs.read("braintrust", path="runs/control.json", map={"item": "input"})}) == 13


def test_a_copy_counts_once_and_lines_say_the_same(runs):
    runs.write("runs/copy.json", (runs.data / "runs/control.json").read_bytes())
    assert len(runs.read("braintrust", path="runs/*.json")) == 52
    assert runs.whys == {"the same results were read from another file already": 26}
    rows = json.loads((runs.data / "runs/control.json").read_text())["results"]
    runs.write("rows.jsonl.gz", gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    lines = runs.read("braintrust", path="rows.jsonl.gz", variant="control")
    assert lines == runs.read("braintrust", path="runs/control.json")
    runs.write("rows.json", json.dumps(rows))
    assert lines == runs.read("braintrust", path="rows.json", variant="control")


def test_an_edit_changes_only_its_record(runs):
    before = {r.record: r for r in runs.read("braintrust", path="runs/*.json")}
    edit(runs, "runs/control.json", lambda data: data["results"][4]["scores"].update(helpfulness=0.05))
    after = {r.record: r for r in runs.read("braintrust", path="runs/*.json")}
    assert before.keys() == after.keys()
    assert [(r.item, r.repeat) for key, r in after.items() if r != before[key]] == [("ticket-002", 0)]


# --- events of experiments ------------------------------------------------------------------------------------------


def same(records):
    return sorted((r.item, r.variant, r.value or 0.0, r.error or "") for r in records)


def test_events_say_the_same_as_results(runs):
    results = runs.read("braintrust", path="runs/*.json")
    records = runs.read("braintrust", path="events/*.json")
    assert same(records) == same(results)
    assert runs.tally.rows_read == runs.tally.rows_kept == 52, "a case, however many spans it has"
    assert {r.at.date().isoformat() for r in records} == {"2026-11-23"}
    assert {(r.item, r.content, r.length) for r in records} == {(r.item, r.content, r.length) for r in results}


def test_a_failed_case_lost_its_metadata_and_is_its_item_all_the_same(runs):
    """Without them it would be an item of its own, in no segment, that `where:` never finds."""
    lost = [e for e in json.loads((runs.data / "events/candidate.json").read_text())["events"] if e["is_root"]]
    assert ["metadata" in event for event in lost].count(False) == 2

    def change(data):
        for event in spans(data, "eval"):
            if "metadata" in event:
                event["metadata"] |= {"prompt": event["experiment_id"], "took": event["created"]}

    for arm in ARMS:
        edit(runs, f"events/{arm}.json", change)
    entry = {"map": {"item": "metadata.id", "variant": "metadata.prompt", "segment.lang": "metadata.lang"}}
    records = runs.read("braintrust", path="events/*.json", where={"metadata.tier": "pro"}, **entry)
    failed = [r for r in records if r.error == "system_error"]
    assert [(r.item, r.variant, r.segment) for r in failed] == [("ticket-007", "candidate", (("lang", "de"),))] * 2
    alone = runs.read("braintrust", path="events/candidate.json")
    assert Counter(r.item.split()[0] for r in alone if r.error == "system_error") == {"input": 2}, "nothing names it"
    kept = {"ticket-000", None}  # two trials of one case, and those that failed

    def few(data):
        roots = spans(data, "eval")
        traces = {e["root_span_id"] for e in roots if e.get("metadata", {}).get("id") in kept}
        data["events"] = [event for event in data["events"] if event["root_span_id"] in traces]

    edit(runs, "events/candidate.json", few)
    alone = runs.read("braintrust", path="events/candidate.json")
    assert [r.item for r in alone if not r.error] == ["ticket-000"] * 2
    assert Counter(r.item.split()[0] for r in alone if r.error == "system_error") == {"input": 2}


def test_an_experiment_that_failed_as_a_whole_is_not_taken_for_the_other(runs):
    def named(data):
        for event in spans(data, "eval"):
            if "metadata" in event:
                event["metadata"]["prompt"] = event["experiment_id"]

    def fail(data):
        data["events"] = spans(data, "eval")
        for event in data["events"]:
            event.pop("metadata", None)
            event["error"] = "the provider is down"

    edit(runs, "events/control.json", named)
    edit(runs, "events/candidate.json", fail)
    records = runs.read("braintrust", path="events/*.json", map={"variant": "metadata.prompt"})
    assert {r.variant for r in records} == {"control"}
    assert not any(r.error == "system_error" for r in records), "what failed is the other variant's"
    assert runs.whys == {"variant is empty": 26}
    records = runs.read("braintrust", path="events/*.json")
    assert {(r.variant, r.item) for r in records if r.error == "system_error"} == {
        ("candidate", r.item) for r in records
    }


def test_the_order_of_events_is_no_matter(runs):
    before = {r.record: r for r in runs.read("braintrust", path="events/*.json")}
    for arm in ARMS:
        edit(runs, f"events/{arm}.json", lambda data: random.Random(4).shuffle(data["events"]))
    assert {r.record: r for r in runs.read("braintrust", path="events/*.json")} == before
    rows = [row for arm in ARMS for row in json.loads((runs.data / f"events/{arm}.json").read_text())["events"]]
    runs.write("all.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert {r.record: r for r in runs.read("braintrust", path="all.jsonl")} == before


def spans(data, kind):
    return [event for event in data["events"] if event["span_attributes"]["type"] == kind]


def test_the_newest_version_of_an_event_counts(runs):
    before = {r.record: r for r in runs.read("braintrust", path="events/*.json")}

    def change(data):
        score, case = spans(data, "score")[0], spans(data, "eval")[3]
        data["events"] += [
            {**score, "_xact_id": "1000196000000000900", "scores": {"helpfulness": 0.111}},
            {**score, "_xact_id": "999", "scores": {"helpfulness": 0.222}},  # a smaller number, though a larger text
            {**case, "_xact_id": "1000196000000000900", "error": "withdrawn"},
        ]

    edit(runs, "events/control.json", change)
    after = {r.record: r for r in runs.read("braintrust", path="events/*.json")}
    assert before.keys() == after.keys()
    changed = [(r.item, r.value, r.error) for key, r in after.items() if r != before[key]]
    assert changed == [("ticket-000", 0.111, None), ("ticket-001", None, "system_error")]
    assert runs.whys == {"a newer version of the event was read": 1}
    assert [entry.fault for entry in runs.tally.entries] == [False], "nothing is wrong with an old version"


def test_pages_that_overlap_count_once(runs):
    runs.write("events/page2.json", (runs.data / "events/control.json").read_bytes())
    assert len(runs.read("braintrust", path="events/*.json")) == 52
    assert runs.whys == {"the same event was read already": 26}


def test_a_zero_on_the_case_itself_is_no_score_when_the_scorer_failed(runs):
    def change(data):
        for case in spans(data, "eval"):
            if case.get("error") or "scorer_errors" in case["metadata"]:
                case["scores"] = {"helpfulness": 0}

    before = runs.read("braintrust", path="events/*.json")
    for arm in ARMS:
        edit(runs, f"events/{arm}.json", change)
    assert runs.read("braintrust", path="events/*.json") == before


def test_scores_logged_by_hand_stand_on_the_case(runs):
    def change(data):
        data["events"] = spans(data, "eval")
        for number, case in enumerate(data["events"]):
            case["metadata"].pop("scorer_errors", None)
            case["scores"] = {"tone": number / 100}
            case.pop("is_root")  # as before the server had it

    edit(runs, "events/control.json", change)
    assert [r.value for r in runs.read("braintrust", path="events/control.json")] == [n / 100 for n in range(26)]


def test_a_scorer_of_a_step_says_nothing_of_the_case(runs):
    def change(data):
        task = spans(data, "task")[0]
        score = next(one for one in spans(data, "score") if one["root_span_id"] == task["root_span_id"])
        score["span_parents"] = [task["span_id"]]

    edit(runs, "events/control.json", change)
    first = runs.read("braintrust", path="events/control.json")[0]
    assert (first.item, first.value, first.error) == ("ticket-000", None, "judge_error"), "nobody judged the case"


def test_a_case_without_its_scorers_was_not_judged_and_scores_without_their_case_are_set_aside(runs):
    def change(data):
        lost = spans(data, "score")[0]
        data["events"].remove(lost)
        data["events"].remove(spans(data, "eval")[2])

    edit(runs, "events/control.json", change)
    records = runs.read("braintrust", path="events/control.json")
    assert (records[0].value, records[0].error) == (None, "judge_error")
    assert len(records) == 25
    assert runs.whys == {"the case's own span is not in the files": 1}
    assert (runs.tally.rows_read, runs.tally.rows_kept) == (26, 25)


def test_an_experiment_is_its_own_variant_until_it_is_said_which(runs):
    for arm in ARMS:

        def change(data, arm=arm):
            for event in data["events"]:
                event["experiment_id"] = f"id-{arm}"

        edit(runs, f"events/{arm}.json", change)
    assert {r.variant for r in runs.read("braintrust", path="events/*.json")} == {"id-control", "id-candidate"}
    names = {"variant": {f"id-{arm}": arm for arm in ARMS}}
    assert {r.variant for r in runs.read("braintrust", path="events/*.json", values=names)} == set(ARMS)
    message = runs.fails("braintrust", path="events/*.json", variant="control")
    assert "two runs of the variant 'control' differ in experiment_id" in message
    one = runs.read("braintrust", path="events/*.json", where={"experiment_id": "id-control"}, values=names)
    assert {r.variant for r in one} == {"control"}
    mapped = {"map": {"variant": "experiment_id"}, "values": {"variant": {"id-control": "a", "id-candidate": "a"}}}
    both = runs.read("braintrust", path="events/*.json", **mapped)
    assert Counter(r.repeat for r in both) == {0: 13, 1: 13, 2: 13, 3: 13}
    assert len({r.record for r in both}) == 52


def test_results_and_events_are_not_mixed(runs):
    runs.write("events/run.json", (runs.data / "runs/control.json").read_bytes())
    message = runs.fails("braintrust", path="events/*.json")
    assert "data/events/run.json holds results of Eval, and data/events/candidate.json holds events" in message


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b'{"results": [{"input": "a"', "half-written JSON"),
        (b'{"testCases": []}', "is neither a result of Braintrust's Eval nor a page of events"),
        (b'{"results": {"results": []}}', "is neither a result of Braintrust's Eval nor a page of events"),
        (b"3", "is neither a result"),
        (b"[3]", "holds something among its rows that is no row"),
        (b'{"results": [{"input": "a"}]}', "is neither a result of Braintrust's Eval nor an event"),
        (b'{"results": []}', "0 rows"),
        (b'{"events": []}', "0 rows"),
        (b'{"results": [{"input": "a", "scores": null, "metadata": 3}]}', "no score was given"),
        (b'{"events": [{"span_id": 3, "_xact_id": null, "experiment_id": "x", "scores": [1]}]}', "no score was given"),
        ('{"results": "\xe9"}'.encode("latin-1"), "is not UTF-8 text"),
        (b'{"results": [{"input": "a", "scores": {"s": 1}, "metadata": {"id": "i"}}], "summary": 3}', "nothing says"),
    ],
)
def test_bad_files_are_told_in_one_line(desk, content, says):
    desk.write("run.json", content)
    entry = {} if says.startswith("nothing") or b"events" in content else {"variant": "control"}
    message = desk.fails("braintrust", path="run.json", **entry)
    assert says in message
    assert "data/run.json" in message


def test_a_broken_line_is_told_with_its_number(desk):
    desk.write("rows.jsonl", '{"input": "a", "scores": {"s": 1}}\n{"a": 1}\n')
    assert "data/rows.jsonl:2: is neither a result" in desk.fails("braintrust", path="rows.jsonl", variant="a")


def test_the_entries_of_the_page_work(runs):
    blocks = [block.split("```")[0] for block in DOCS.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 3
    for arm in ARMS:
        runs.write(f"exports/braintrust/{arm}.json", (runs.data / f"runs/{arm}.json").read_bytes())
        runs.write(f"exports/braintrust-events/{arm}.json", (runs.data / f"events/{arm}.json").read_bytes())
    for block in blocks:
        for entry in parse(block, "docs").data.values():
            assert len(runs.read(**{key: entry[key] for key in entry if key != "signal"})) in (26, 52)
