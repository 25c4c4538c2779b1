"""Who judged in an Inspect log, which variant and which item a sample is of."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.connectors.evals.inspect_logs import ARMS, BOTH, as_eval, changed, log_of, replaced


@pytest.fixture
def logs(desk):
    for arm in ARMS:
        desk.write(f"inspect/{arm}.eval", (desk.files / "inspect" / f"{arm}.eval").read_bytes())
    return desk


def test_who_is_a_judge(logs):
    def name(log):
        for one in (*log["results"]["scores"], *log["eval"]["scorers"]):
            params = one.get("params", one.get("options"))
            if "rubric_0_1" in (one["name"], one.get("scorer")):
                params["grader_model"] = "openai/judge"

    for arm in ARMS:
        replaced(logs, name, arm)
    assert {one.scorer for one in logs.read("inspect", path=BOTH)} == {"model_graded_qa", "rubric_0_1"}


@pytest.mark.parametrize(
    "change",
    [
        lambda log, params: params.update(template="Is it kind?"),
        lambda log, params: params.update(partial_credit=False),
        lambda log, params: params["model"].update(model="mockllm/judge-2"),
        lambda log, params: log["eval"]["packages"].update(inspect_ai="0.3.286"),
    ],
)
def test_another_judge_is_another_fingerprint(logs, change):
    def apply(log):
        for one in (log["results"]["scores"][0], log["eval"]["scorers"][0]):
            change(log, one.get("params", one.get("options")))

    replaced(logs, apply)
    assert len({one.fingerprint for one in logs.read("inspect", path=BOTH)}) == 2


def test_a_judge_without_a_model_of_its_own_is_the_role_or_the_model_itself(logs):
    def drop(log, roles=None):
        log["eval"]["model_roles"] = roles
        for one in (log["results"]["scores"][0], log["eval"]["scorers"][0]):
            one.get("params", one.get("options"))["model"] = None

    def judges():
        return {one.fingerprint for one in logs.read("inspect", path=BOTH)}

    for arm in ARMS:
        replaced(logs, drop, arm)
    assert len(judges()) == 2, "each arm grades itself"
    for arm in ARMS:
        replaced(logs, lambda log: drop(log, {"grader": {"model": "mockllm/judge"}}), arm)
    assert len(judges()) == 1


def test_an_address_in_a_parameter_is_no_identity(logs):
    for number, arm in enumerate(ARMS):
        replaced(
            logs,
            lambda log, number=number: log["results"]["scores"][0]["params"].update(
                include_history=f"<function history at 0x7f00{number}>"
            ),
            arm,
        )
    assert len({one.fingerprint for one in logs.read("inspect", path=BOTH)}) == 1


def relabel(log):
    for sample in log["samples"]:
        for score in sample["scores"].values():
            score["value"] = "bad" if score["value"] == "I" else "so\ngood"


def test_labels_that_nobody_knows_are_refused(logs):
    for arm in ARMS:
        replaced(logs, relabel, arm)
    message = logs.fails("inspect", path=BOTH)
    assert "no value of 'model_graded_qa' is a number (the first is 'so\\ngood')" in message
    assert "values: {value: {'so\\ngood': 1}}" in message
    records = logs.read("inspect", path=BOTH, values={"value": {"so\ngood": 1, "bad": 0}})
    assert {one.value for one in records} == {1.0, 0.0, None}
    message = logs.fails("inspect", path=BOTH, values={"value": {"good": "fine"}})
    assert "'fine' is no score" in message


# --- which variant, which item --------------------------------------------------------------------------------------


def nameless(log, **task_args):
    log["eval"] |= {"metadata": None, "task_args": task_args, "model": "openai/gpt", "tags": ["nightly", "v1"]}
    log |= {"metadata": None, "tags": None}


def test_without_a_name_the_model_is_the_variant(logs):
    replaced(logs, nameless)
    assert {one.variant for one in logs.read("inspect", path="inspect/control.eval")} == {"openai/gpt"}
    tagged = {"variant": "log.tags"}, {"variant": {"nightly, v1": "v1"}}
    assert {r.variant for r in logs.read("inspect", path="inspect/control.eval", map=tagged[0], values=tagged[1])} == {
        "v1"
    }
    stated = logs.read("inspect", path="inspect/control.eval", variant="v6")
    assert {one.variant for one in stated} == {"v6"}


def test_two_prompts_on_one_model_do_not_pass_for_one_variant(logs):
    replaced(logs, lambda log: nameless(log, prompt="v6"))
    replaced(logs, lambda log: nameless(log, prompt="v7"), "candidate")
    message = logs.fails("inspect", path=BOTH)
    assert "two runs of the variant 'openai/gpt' differ in eval.task_args.prompt" in message
    records = logs.read("inspect", path=BOTH, map={"variant": "eval.task_args.prompt"})
    assert {one.variant for one in records} == {"v6", "v7"}
    replaced(
        logs, lambda log: (nameless(log), log["plan"]["steps"].append({"solver": "s", "params": {"t": "be brief"}}))
    )
    replaced(logs, nameless, "candidate")
    message = logs.fails("inspect", path=BOTH)
    assert "differ in plan.s.t" in message
    records = logs.read("inspect", path="inspect/control.eval", map={"variant": "plan.s.t"})
    assert {one.variant for one in records} == {"be brief"}


def test_two_tasks_may_share_ids(logs):
    def task(log):
        log["eval"] |= {"eval_id": "e", "task_id": "t", "task": "returns"}

    logs.write("inspect/other.eval", as_eval(changed(log_of(logs), task)))
    message = logs.fails("inspect", path=BOTH)
    assert "'control' ran two tasks, 'support' and 'returns'" in message
    assert len(logs.read("inspect", path=BOTH, where={"eval.task": "support"})) == 100
    records = logs.read("inspect", path=BOTH, map={"item": "log.item"})
    assert Counter(one.item.split("/")[0] for one in records) == {"support": 100, "returns": 50}


def test_messages_that_ask_the_same_are_the_same_content(logs):
    def ask(log):
        for number, sample in enumerate(log["samples"]):
            sample["input"] = [{"id": f"new{number}", "role": "user", "content": "attachment://a"}]
            sample["attachments"] = {"a": "Where is it? " * 20}
            sample["output"]["completion"] = "attachment://a"

    replaced(logs, ask)
    records = logs.read("inspect", path="inspect/control.eval")
    assert len({one.content for one in records}) == 1
    assert {one.length for one in records} == {260.0}
