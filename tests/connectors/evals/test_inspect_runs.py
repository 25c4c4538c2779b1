"""Which of Inspect's runs and samples count: a copy once, the newest of retries, nothing of what failed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.connectors.evals.inspect_logs import (
    ARMS,
    BOTH,
    as_eval,
    as_json,
    changed,
    find,
    log_of,
    replaced,
    retried,
)


@pytest.fixture
def logs(desk):
    for arm in ARMS:
        desk.write(f"inspect/{arm}.eval", (desk.files / "inspect" / f"{arm}.eval").read_bytes())
    return desk


def test_both_formats_say_the_same_and_count_once(logs):
    whole = logs.read("inspect", path=BOTH)
    logs.write("inspect/control.json", as_json(log_of(logs)))
    assert logs.read("inspect", path="inspect/control.json") == [one for one in whole if one.variant == "control"]
    assert logs.read("inspect", path="inspect/*.*") == whole
    assert logs.whys == {"the same sample was read from another file already": 50}
    assert (logs.tally.rows_read, logs.tally.rows_kept) == (150, 100)


def test_two_copies_that_disagree_are_refused(logs):
    def edit(log):
        find(log, "ticket-003")["scores"]["model_graded_qa"]["value"] = "P"

    logs.write("inspect/control-2.eval", as_eval(changed(log_of(logs), edit)))
    message = logs.fails("inspect", path=BOTH)
    assert "'ticket-003', epoch 1, has another model_graded_qa than data/inspect/control-2.eval" in message


def test_a_copy_that_was_scored_again_adds_its_scorer(logs):
    def rescore(log):
        for sample in log["samples"]:
            sample["scores"] = {"model_graded_fact": {"value": "C"}, **sample["scores"]}

    logs.write("inspect/control2.eval", as_eval(changed(log_of(logs), rescore)))
    records = logs.read("inspect", path=BOTH)
    counts = Counter((one.variant, one.scorer) for one in records)
    assert counts["control", "model_graded_fact"] == counts["control", "model_graded_qa"] == 50
    assert {one.repeat for one in records} == {0, 1}
    assert logs.whys == {}


def test_an_edit_changes_its_record_and_no_other(logs):
    before = logs.read("inspect", path=BOTH)

    def edit(log):
        score = find(log, "ticket-011")["scores"]["model_graded_qa"]
        score["history"] = [{"value": score["value"]}, {"value": "C", "provenance": {"author": "ada"}}]
        score["history"].append({"value": "UNCHANGED", "explanation": "see above"})
        score["value"] = "C"

    replaced(logs, edit)
    after = logs.read("inspect", path=BOTH)
    new = {one.record: one for one in after}
    assert new.keys() == {one.record for one in before}
    different = [(one, new[one.record]) for one in before if new[one.record] != one]
    assert [(old.item, old.repeat, old.error, new.value) for old, new in different] == [
        ("ticket-011", 0, "judge_unparsed", 1.0)
    ]


def test_a_retry_replaces_what_it_ran_again(logs):
    def mend(log):
        for sample in log["samples"]:
            if sample.pop("error", None):
                sample["scores"] = {"model_graded_qa": {"value": "P"}}

    again = changed(retried(log_of(logs, "candidate"), {"ticket-007", "ticket-008"}), mend)
    logs.write("inspect/a-later.eval", as_eval(again))
    records = logs.read("inspect", path=BOTH)
    assert Counter(one.variant for one in records) == {"control": 50, "candidate": 50}
    seven = [one.value for one in records if (one.item, one.variant) == ("ticket-007", "candidate")]
    assert seven == [0.5, 0.5]
    assert logs.whys == {"a retry of the task has run it again": 4}
    assert {one.repeat for one in records} == {0, 1}


def test_another_run_of_a_variant_is_more_repeats(logs):
    def later(log):
        log["eval"] |= {"eval_id": "other", "task_id": "other", "created": "2026-11-24T08:00:00+00:00"}

    before = logs.read("inspect", path=BOTH)
    logs.write("inspect/a.eval", as_eval(changed(log_of(logs), later)))
    records = logs.read("inspect", path=BOTH)
    assert Counter((one.variant, one.repeat) for one in records) == {
        ("control", 0): 25, ("control", 1): 25, ("control", 2): 25, ("control", 3): 25,
        ("candidate", 0): 25, ("candidate", 1): 25,
    }  # fmt: skip
    assert {one.record for one in before} < {one.record for one in records}


def test_several_samples_of_one_item_are_repeats(logs):
    def group(log):
        for sample in log["samples"]:
            sample["metadata"]["thread"] = f"t{int(sample['id'][-3:]) // 5}"

    replaced(logs, group)
    records = logs.read("inspect", path="inspect/control.eval", map={"item": "metadata.thread"})
    assert Counter((one.item, one.repeat) for one in records) == {(f"t{n}", k): 1 for n in range(5) for k in range(10)}


def fail_all(log):
    log["results"] = None
    for sample in log["samples"]:
        sample["error"], sample["scores"] = {"message": "RuntimeError('no server')"}, {}


def test_success_without_a_single_score(logs):
    replaced(logs, fail_all, "candidate")
    records = logs.read("inspect", path=BOTH)
    failed = [one for one in records if one.variant == "candidate"]
    assert {(one.value, one.error, one.scorer) for one in failed} == {(None, "system_error", "model_graded_qa")}
    assert len(failed) == 50
    message = logs.fails("inspect", path="inspect/candidate.eval")
    assert "no score was given by a model" in message


def test_scores_of_a_failed_sample_never_count(logs):
    def fail(log):
        find(log, "ticket-000")["error"] = {"message": "Timeout"}

    replaced(logs, fail)
    one = next(
        r for r in logs.read("inspect", path=BOTH) if (r.item, r.variant, r.repeat) == ("ticket-000", "control", 0)
    )
    assert (one.value, one.error, one.length) == (None, "system_error", None)


def test_a_failed_sample_fails_for_the_judge_of_its_own_run(logs):
    def other_judge(log):
        for one in (log["results"]["scores"][0], log["eval"]["scorers"][0]):
            one.get("params", one.get("options"))["model"] = "mockllm/other"

    replaced(logs, other_judge, "candidate")
    records = logs.read("inspect", path=BOTH)
    prints = {arm: {one.fingerprint for one in records if one.variant == arm} for arm in ARMS}
    assert len(prints["control"]) == len(prints["candidate"]) == 1
    assert prints["control"] != prints["candidate"]


@pytest.mark.parametrize("status", ["error", "cancelled", "started"])
def test_a_run_that_stopped_counts_what_it_finished(logs, status):
    def stop(log):
        log["status"], log["results"] = status, None
        log["error"] = {"message": "boom\nat line 3"}
        log["samples"] = log["samples"][:30]

    replaced(logs, stop)
    records = logs.read("inspect", path=BOTH)
    assert Counter(one.variant for one in records) == {"control": 30, "candidate": 50}
    assert logs.whys == {f"the run ended before the sample did (status {status})": 20}
    (entry,) = logs.tally.entries
    assert (entry.variant, entry.fault) == ("control", True)
    assert "boom)" in entry.why
    assert "line 3" not in entry.why


@pytest.mark.parametrize(
    ("config", "planned"),
    [
        ({"limit": 20}, 20),
        ({"limit": [5, 25]}, 20),
        ({"sample_id": [f"ticket-{number:03}" for number in range(16)]}, 16),
        ({"sample_id": "ticket-00*"}, 25),
    ],
)
def test_a_part_of_the_data_set_was_to_be_run(logs, config, planned):
    def stop(log):
        log["status"], log["results"] = "cancelled", None
        log["eval"]["config"] |= config
        log["samples"] = [one for one in log["samples"] if "ticket-005" <= one["id"] < "ticket-015"]

    replaced(logs, stop)
    logs.read("inspect", path=BOTH)
    assert logs.whys == {"the run ended before the sample did (status cancelled)": 2 * (planned - 10)}


def test_a_run_that_says_how_many_but_not_which(logs):
    replaced(logs, lambda log: log.update(samples=[one for one in log["samples"] if one["id"] < "ticket-010"]))
    assert len(logs.read("inspect", path="inspect/control.eval")) == 20
    assert logs.whys == {"the sample was not run": 30}
    assert not any(entry.fault for entry in logs.tally.entries), "it was a success: somebody stopped early on purpose"
    replaced(logs, lambda log: (log["results"].update(total_samples=20), log.update(samples=log["samples"][:20])))
    logs.read("inspect", path="inspect/control.eval")
    assert logs.whys == {}


def test_a_run_that_never_ended_has_no_header(logs):
    log = {**log_of(logs), "samples": log_of(logs)["samples"][:10]}
    log = {key: value for key, value in log.items() if key in ("version", "eval", "plan", "samples")}
    logs.write("inspect/control.eval", as_eval(log, header="_journal/start.json"))
    assert Counter(one.variant for one in logs.read("inspect", path=BOTH)) == {"control": 10, "candidate": 50}
    assert logs.whys == {"the run ended before the sample did (status started)": 40}


def test_a_log_without_samples(logs):
    def forget(log):
        log["samples"] = None

    replaced(logs, forget)
    assert {one.variant for one in logs.read("inspect", path=BOTH)} == {"candidate"}
    assert logs.whys == {"the log keeps no samples": 50}
    message = logs.fails("inspect", path="inspect/control.eval")
    assert "none of the 50 rows can be used: the log keeps no samples" in message


def test_invalidated_samples_do_not_count(logs):
    def invalidate(log):
        log["invalidated"] = True
        find(log, "ticket-005")["invalidation"] = {"author": "ada", "reason": "leaked"}

    replaced(logs, invalidate)
    records = logs.read("inspect", path=BOTH)
    assert [r.repeat for r in records if (r.item, r.variant) == ("ticket-005", "control")] == [1]
    assert logs.whys == {"the sample was invalidated": 1}
    replaced(logs, lambda log: log.update(invalidated=True))
    assert "is marked as invalidated" in logs.fails("inspect", path=BOTH)


def test_a_sample_that_was_not_scored_is_no_judgement(logs):
    """A scorer that has nothing to say of a sample leaves no trace; so does an eval that was run without scoring."""

    def decline(log):
        find(log, "ticket-001")["scores"] = {"rubric_0_1": {"value": 0.5}}
        find(log, "ticket-002")["scores"] = {}

    replaced(logs, decline)
    records = logs.read("inspect", path=BOTH)
    assert len(records) == 98
    assert logs.whys == {"the sample has no score": 1, "no scorer that is read was asked to judge it": 1}
    assert not any(entry.fault for entry in logs.tally.entries)

    def unscored(log):
        log["results"] = None
        for sample in log["samples"]:
            sample["scores"] = {}

    replaced(logs, unscored)
    assert Counter(one.variant for one in logs.read("inspect", path=BOTH)) == {"candidate": 50}
    assert [(entry.rows, entry.fault) for entry in logs.tally.entries] == [(50, True)]
