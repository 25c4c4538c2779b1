"""DeepEval's test runs: what failed is no score, and a place in a run is no item."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.connectors.evals.deepeval import rubric_of, scorer_name
from signals.strictyaml import parse

RUNS = {"control": "test_run_20261122_101007.json", "candidate": "test_run_20261122_101010.json"}
BOTH = "deepeval/*/*.json"
DOCS = Path(__file__).parents[3] / "docs" / "connectors" / "deepeval.md"


@pytest.fixture
def runs(desk):
    for arm, name in RUNS.items():
        desk.write(f"deepeval/{arm}/{name}", (desk.files / "deepeval" / arm / name).read_bytes())
    return desk


def edit(desk, arm, change, name=None):
    """The fixture of an arm with a change, in its own place or under another name."""
    data = json.loads((desk.files / "deepeval" / arm / RUNS[arm]).read_text())
    change(data)
    desk.write(name or f"deepeval/{arm}/{RUNS[arm]}", json.dumps(data))


def by_hand(data: dict[str, Any], metric: str) -> dict[str, float]:
    """Item to score, straight from a file's metricsData."""
    return {
        case["metadata"]["item_id"]: one["score"]
        for case in data["testCases"]
        for one in case["metricsData"]
        if one["name"] == metric and "error" not in one
    }


def lift(records) -> float:
    arms: dict[str, dict[str, float]] = {"control": {}, "candidate": {}}
    for record in records:
        if record.value is not None:
            arms[record.variant][record.item] = record.value
    return mean(arms["candidate"][item] - arms["control"][item] for item in arms["control"].keys() & arms["candidate"])


def test_a_failed_metric_is_an_error_and_no_score(runs):
    records = runs.read("deepeval", path=BOTH)
    assert Counter((r.variant, r.item, r.error) for r in records if r.error) == {
        ("control", "ticket-023", "judge_error"): 1,
        ("candidate", "ticket-023", "judge_error"): 1,
    }
    assert all((r.value is None) == (r.error is not None) for r in records)
    assert len(records) == runs.tally.rows_read == runs.tally.rows_kept == 60
    assert {r.scorer for r in records} == {"Helpfulness"}
    assert len({r.fingerprint for r in records}) == 1, "the error rows were judged by the same judge"
    assert len({r.record for r in records}) == 60
    assert runs.read_again() == records


def test_scores_are_those_of_the_cases_and_not_of_the_lists_without_the_failed(runs):
    def only_here(data):
        case = data["testCases"][2]["metricsData"][0]
        del case["score"]
        case["error"] = "TimeoutError: no answer"

    edit(runs, "candidate", only_here)
    data = {arm: json.loads((runs.data / "deepeval" / arm / name).read_text()) for arm, name in RUNS.items()}
    hand = {arm: by_hand(one, "Helpfulness [GEval]") for arm, one in data.items()}
    paired = hand["control"].keys() & hand["candidate"].keys()
    records = runs.read("deepeval", path=BOTH)
    assert lift(records) == pytest.approx(mean(hand["candidate"][i] - hand["control"][i] for i in paired))
    assert len(paired) == 28
    for arm in RUNS:
        edit(runs, arm, lambda one: one.pop("metricsScores"))
    edit(runs, "candidate", lambda one: (only_here(one), one.pop("metricsScores")))
    assert [(r.item, r.value) for r in runs.read("deepeval", path=BOTH)] == [(r.item, r.value) for r in records]


def test_the_full_exports(desk, shared):
    data = {}
    for arm, name in RUNS.items():
        raw = (shared / "exports" / "deepeval" / arm / name).read_bytes()
        desk.write(f"deepeval/{arm}/{name}", raw)
        data[arm] = json.loads(raw)
    records = desk.read("deepeval", path=BOTH)
    hand = {arm: by_hand(one, "Helpfulness [GEval]") for arm, one in data.items()}
    assert {arm: len(scores) for arm, scores in hand.items()} == {"control": 59, "candidate": 59}
    assert Counter((r.variant, r.error) for r in records) == {
        ("control", None): 59, ("candidate", None): 59, ("control", "judge_error"): 1, ("candidate", "judge_error"): 1,
    }  # fmt: skip
    assert {(r.variant, r.item): r.value for r in records if not r.error} == {
        (arm, item): score for arm, scores in hand.items() for item, score in scores.items()
    }
    assert round(lift(records), 4) == 0.0492
    topic = desk.read("deepeval", path=BOTH, metric="On topic")
    assert round(lift(topic), 4) == 0.0833
    assert not any(r.error for r in topic)


def test_a_run_that_the_user_knows_failed_was_never_judged(runs):
    """The tool is handed outputs and scores whatever text it gets: only the user's own mark tells."""

    def mark(data):
        for case in data["testCases"]:
            failed = case["metadata"]["item_id"] == "ticket-007"
            case["metadata"]["error"] = {"message": "timeout"} if failed else None

    edit(runs, "candidate", mark)
    records = runs.read("deepeval", path="deepeval/candidate/*.json", map={"error": "metadata.error"})
    assert [(r.item, r.error) for r in records if r.error == "system_error"] == [("ticket-007", "system_error")]
    edit(runs, "candidate", lambda data: None)
    message = runs.fails("deepeval", path="deepeval/candidate/*.json", map={"error": "metadata.eror"})
    assert "no test case has 'metadata.eror' (map.error)" in message


def test_a_traced_run_that_failed_is_a_system_error(runs):
    def change(data):
        data["testCases"][0] |= {"trace": {"status": "ERRORED"}, "metricsData": []}
        data["testCases"][1]["trace"] = {"status": "ERRORED"}

    edit(runs, "control", change)
    records = runs.read("deepeval", path="deepeval/control/*.json")
    assert [r.error for r in records[:3]] == ["system_error", "system_error", None]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("ValueError: Evaluation LLM outputted an invalid JSON. Please use a better model.", "judge_unparsed"),
        ("RuntimeError: judge backend exploded", "judge_error"),
        ("MissingTestCaseParamsError: 'actual_output' cannot be empty for the 'x' metric", "system_error"),
    ],
)
def test_what_an_error_means(runs, said, word):
    def change(data):
        # The tool keeps a score beside an error in none of its versions; if one did, the error would count.
        data["testCases"][0]["metricsData"][0]["error"] = said

    edit(runs, "control", change)
    first = runs.read("deepeval", path="deepeval/control/*.json")[0]
    assert (first.value, first.error) == (None, word)


def test_a_score_that_is_no_number_is_unparsed(runs):
    def change(data):
        for number, value in enumerate((float("nan"), None, "0.9")):
            data["testCases"][number]["metricsData"][0]["score"] = value

    edit(runs, "control", change)
    assert [r.error for r in runs.read("deepeval", path="deepeval/control/*.json")[:4]] == ["judge_unparsed"] * 3 + [
        None
    ]


def test_a_metric_that_was_dropped_from_a_case_is_skipped(runs):
    edit(runs, "control", lambda data: data["testCases"][0].update(metricsData=[]))
    first = runs.read("deepeval", path="deepeval/control/*.json")[0]
    assert (first.item, first.value, first.error) == ("ticket-000", None, "skipped")


def test_metric_is_named_with_or_without_its_kind(runs):
    for metric in ("Helpfulness", "Helpfulness [GEval]"):
        assert {r.scorer for r in runs.read("deepeval", path=BOTH, metric=metric)} == {metric}
    assert "no score is called 'Helpfulnes'. Did you mean 'Helpfulness'?" in runs.fails(
        "deepeval", path=BOTH, metric="Helpfulnes"
    )


@given(st.text(min_size=1).filter(lambda name: not name.endswith(("]", ")"))))
def test_the_kind_is_all_that_leaves_a_name(name):
    assert scorer_name(name) == name
    for kind in ("[GEval]", "(GEval)", "[DAG]", "[Conversational GEval]", "[ConversationalDAG]"):
        assert scorer_name(f"{name} {kind}") == name
        assert scorer_name(f"{name} {kind}", f"{name} {kind}") == f"{name} {kind}"
    assert scorer_name(f"{name} [other]") == f"{name} [other]"


@pytest.mark.parametrize(
    ("field", "value"), [("evaluationModel", "judge-v2"), ("threshold", 0.7), ("strictMode", True)]
)
def test_another_model_threshold_or_mode_is_another_judge(runs, field, value):
    def change(data):
        for case in data["testCases"]:
            case["metricsData"][0][field] = value

    edit(runs, "candidate", change)
    prints = {r.variant: r.fingerprint for r in runs.read("deepeval", path=BOTH)}
    assert prints["control"] != prints["candidate"]
    assert {r.fingerprint for r in runs.read("deepeval", path=BOTH, scorer_version="j-2")} == {"j-2"}


def test_the_rubric_is_the_judges_and_the_logged_score_is_not(runs):
    def change(data):
        for case in data["testCases"]:
            logs = case["metricsData"][0]["verboseLogs"]
            case["metricsData"][0]["verboseLogs"] = logs.replace("Check the answer helps", "Check the answer is kind")
        data["testCases"][3]["metricsData"][0].pop("verboseLogs")  # failed before anything was logged

    edit(runs, "candidate", change)
    prints = {arm: {r.fingerprint for r in runs.read("deepeval", path=BOTH) if r.variant == arm} for arm in RUNS}
    assert [len(found) for found in prints.values()] == [1, 1]
    assert prints["control"] != prints["candidate"]
    assert rubric_of({"verboseLogs": "Criteria:\nScore: kind\n \nRubric:\nNone \n \nScore: 0.3"}).endswith("None")
    assert rubric_of({"verboseLogs": "Claims:\n[]"}) == ""


# --- items, variants, times -----------------------------------------------------------------------------------------


def test_the_item_is_the_name_when_metadata_has_none(runs):
    edit(runs, "control", lambda data: [case.pop("metadata") for case in data["testCases"]])
    assert runs.read("deepeval", path="deepeval/control/*.json")[7].item == "ticket-007"


@pytest.mark.parametrize("name", ["test_case_{}", "test_answers[case{}]"])
def test_a_place_in_the_run_is_no_item(runs, name):
    def change(data):
        for number, case in enumerate(data["testCases"]):
            case.pop("metadata")
            case["name"] = name.format(number)

    edit(runs, "control", change)
    message = runs.fails("deepeval", path="deepeval/control/*.json")
    assert message.startswith(f"data/deepeval/control/{RUNS['control']}: the test case '{name.format(0)}' has no name")
    assert "`item: input`" in message
    records = runs.read("deepeval", path="deepeval/control/*.json", map={"item": "input"})
    assert records[0].item == "Ticket 000: how do I handle refund?"
    assert runs.read("deepeval", path="deepeval/control/*.json", map={"item": "name"})[0].item == name.format(0)


def test_one_name_for_several_inputs_is_no_item(runs):
    def change(data):
        for case in data["testCases"]:
            case.pop("metadata")
            case["name"] = "test_answers"

    edit(runs, "control", change)
    assert "name 'test_answers' stands for several inputs" in runs.fails("deepeval", path="deepeval/control/*.json")


def test_runs_of_one_variant_are_repeats_and_a_copy_is_none(runs):
    edit(runs, "control", lambda data: data.update(runDuration=2.0), "deepeval/control/copy.json")
    assert len(runs.read("deepeval", path="deepeval/control/*.json")) == 30
    assert runs.whys == {"the same test run was read from another file already": 30}
    assert (runs.tally.rows_read, runs.tally.rows_kept) == (60, 30)

    (runs.data / "deepeval/control/copy.json").unlink()
    for number, score in ((10, 0.2), (2, 0.1)):

        def again(data, score=score):
            data["testCases"][0]["metricsData"][0]["score"] = score

        edit(runs, "control", again, f"deepeval/control/test_run_20261122_101007_{number}.json")
    records = runs.read("deepeval", path="deepeval/control/*.json")
    assert Counter(r.repeat for r in records) == {0: 30, 1: 30, 2: 30}
    assert [r.value for r in records if r.item == "ticket-000"] == [0.7, 0.1, 0.2], "runs of one second are numbered"


def nameless(data):
    data.pop("identifier")
    data.pop("hyperparameters")


def test_a_run_that_names_no_variant_takes_the_sources(runs):
    for arm in RUNS:
        edit(runs, arm, nameless)
    message = runs.fails("deepeval", path=BOTH)
    assert "nothing says which variant this run is of. Write `variant: NAME` in a source of its own" in message
    entry = {"path": "deepeval/candidate/*.json", "variant": "A", "values": {"variant": {"A": "candidate"}}}
    assert {r.variant for r in runs.read("deepeval", **entry)} == {"candidate"}


def test_two_settings_under_one_name_are_not_one_variant(runs):
    for arm in RUNS:
        edit(runs, arm, lambda data: data.update(identifier="nightly"))
    message = runs.fails("deepeval", path=BOTH)
    assert "two runs of the variant 'nightly' differ in hyperparameters.variant ('control' in " in message
    assert "variant: hyperparameters.variant" in message
    told = runs.read("deepeval", path=BOTH, map={"variant": "hyperparameters.variant"})
    assert {r.variant for r in told} == set(RUNS)
    stated = runs.fails("deepeval", path=BOTH, variant="control")
    assert "two runs of the variant 'control' differ" in stated
    assert "give each run a source of its own" in stated
    assert len(runs.read("deepeval", path=BOTH, map={"variant": "identifier"})) == 60


def test_the_variant_is_said_once(runs):
    from signals.model import SignalsError

    with pytest.raises(SignalsError, match="the variant is said twice"):
        runs.read("deepeval", path=BOTH, variant="a", map={"variant": "identifier"})


def test_only_a_declared_zone_makes_the_files_name_a_time(runs):
    assert {r.at for r in runs.read("deepeval", path=BOTH)} == {None}
    records = runs.read("deepeval", path=BOTH, timezone="Europe/Berlin")
    assert {r.variant: r.at.isoformat() for r in records} == {
        "control": "2026-11-22T09:10:07+00:00", "candidate": "2026-11-22T09:10:10+00:00",
    }  # fmt: skip
    edit(runs, "control", lambda data: None, "deepeval/renamed.json")
    assert {r.at for r in runs.read("deepeval", path="deepeval/renamed.json", timezone="UTC")} == {None}


def test_conversations_are_cases_too(runs):
    def change(data):
        turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
        data["conversationalTestCases"] = [
            {"name": f"talk {n}", "turns": turns, "scenario": f"s{n}", "metricsData": case["metricsData"]}
            for n, case in enumerate(data["testCases"][:2])
        ]
        data["testCases"] = []

    edit(runs, "control", change)
    records = runs.read("deepeval", path="deepeval/control/*.json")
    assert [(r.item, r.value, r.length) for r in records] == [("talk 0", 0.7, 5.0), ("talk 1", 0.6, 5.0)]
    assert len({r.content for r in records}) == 2


def test_segments_and_where(runs):
    entry = {"path": BOTH, "map": {"segment.lang": "metadata.lang"}, "where": {"metadata.tier": "pro"}}
    records = runs.read("deepeval", **entry)
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert len(runs.read("deepeval", path=BOTH, where={"identifier": "control"})) == 30


def test_an_edit_changes_only_its_record(runs):
    before = {r.record: r for r in runs.read("deepeval", path=BOTH)}

    def change(data):
        data["testCases"][4]["metricsData"][0]["score"] = 0.05

    edit(runs, "control", change)
    after = {r.record: r for r in runs.read("deepeval", path=BOTH)}
    assert before.keys() == after.keys()
    assert [after[key].item for key in after if after[key] != before[key]] == ["ticket-004"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b'{"testCases": [{"name": "a"', "half-written JSON"),
        (b"[1, 2]", "is not a test run of DeepEval: it has no testCases"),
        (b'{"results": {"results": []}}', "is not a test run of DeepEval"),
        (b'{"testCases": {"a": 1}}', "is not a test run of DeepEval"),
        (b'{"testCases": [1]}', "holds something that is no test case"),
        (b'{"testCases": []}', "0 rows"),
        ('{"testCases": "\xe9"}'.encode("latin-1"), "is not UTF-8 text"),
        (b"SQLite format 3\x00\xff\xfe", "is not UTF-8 text"),
        (b'{"identifier": "a", "testCases": [{"name": "x", "metricsData": null}]}', "no score was given by a model"),
        (
            b'{"identifier": "a", "testCases": [{"name": "x", "metricsData": [3, {"name": null}]}]}',
            "no score was given",
        ),
    ],
)
def test_bad_files_are_told_in_one_line(desk, content, says):
    desk.write("run.json", content)
    message = desk.fails("deepeval", path="run.json")
    assert says in message
    assert "data/run.json" in message


def test_the_entries_of_the_page_work(runs):
    blocks = [block.split("```")[0] for block in DOCS.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 2
    for arm, name in RUNS.items():
        runs.write(f"exports/deepeval/{arm}/{name}", (runs.files / "deepeval" / arm / name).read_bytes())
    for block in blocks:
        for entry in parse(block, "docs").data.values():
            assert len(runs.read(**{key: entry[key] for key in entry if key != "signal"})) in (30, 60)
