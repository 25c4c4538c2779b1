"""LangSmith: feedback hangs on runs, runs are of experiments; evaluators, people and users share one list."""

from __future__ import annotations

import copy
import itertools
import json
import re
import textwrap
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.connectors.api import langsmith
from signals.connectors.api.langsmith_rows import giver, output_length, run_row
from signals.model import SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store
from signals.strictyaml import parse

ARMS = ("control", "candidate")
FAILED = ("candidate", 7)
BROKEN = ("control", 3)  # the judge, not the application
ANN, BOB = "0a000000-0000-4000-8000-000000000001", "0b000000-0000-4000-8000-000000000002"
COMPARED = str(uuid5(NAMESPACE_URL, "comparison"))


def name(*parts: Any) -> str:
    """An id, as the server's are."""
    return str(uuid5(NAMESPACE_URL, "/".join(map(str, parts))))


def minute(number: int, day: str = "2026-11-01", zone: str = "") -> str:
    return f"{day}T{number // 60:02}:{number % 60:02}:00.077838{zone}"


def session(arm: str) -> dict[str, Any]:
    return {
        "id": name(arm), "name": arm, "tenant_id": name("tenant"), "start_time": "2026-11-01T00:00:00",
        "extra": {"metadata": {"variant": f"prompt-{arm}", "num_repetitions": 1}, "tags": []},
        "reference_dataset_id": name("dataset"), "default_dataset_id": None, "trace_tier": "longlived",
    }  # fmt: skip


def run(arm: str, number: int, repeat: int = 0) -> dict[str, Any]:
    """A run of an experiment as version 2 of the API gives it; the candidate failed on number 7."""
    failed = (arm, number) == FAILED
    return {
        "id": name("run", arm, number, repeat), "name": "target", "run_type": "CHAIN", "is_root": True,
        "trace_id": name("run", arm, number, repeat), "project_id": name(arm), "thread_id": None, "tags": [],
        "start_time": minute(number + 60 * repeat), "end_time": minute(number + 60 * repeat + 1),
        "status": "ERROR" if failed else "SUCCESS", "error": "TimeoutError('model')" if failed else None,
        "reference_example_id": name("example", number), "inputs": {"question": f"ticket {number}?"},
        "outputs": None if failed else {"answer": "a" * (number + 1)}, "extra": {"metadata": {"revision_id": "abc"}},
        "metadata": {"revision_id": "abc", "plan": ["free", "pro"][number % 2], "user_id": f"user-{arm}-{number % 9}"},
    }  # fmt: skip


def feedback(arm: str, number: int, key: str, score: Any, kind: str = "model", **about: Any) -> dict[str, Any]:
    """A feedback as the API gives it. ``who`` is the user, ``repeat`` which run of the example."""
    who, again, repeat = about.pop("who", None), about.pop("again", 0), about.pop("repeat", 0)
    evaluator = {"__run": {"run_id": name("evaluator", arm, number, key, again)}} if kind == "model" else {}
    return {
        "id": name("feedback", arm, number, key, who, again, repeat), "key": key, "score": score, "value": None,
        "comment": None, "correction": None, "run_id": name("run", arm, number, repeat), "is_root": True,
        "trace_id": name("run", arm, number, repeat), "session_id": name(arm), "start_time": minute(number),
        "created_at": minute(number + 90 + 30 * again), "modified_at": minute(number + 90), "extra": None,
        "comparative_experiment_id": None, "feedback_group_id": None, "feedback_thread_id": None,
        "feedback_source": {"type": kind, "metadata": evaluator, "user_id": who, "user_name": None}, **about,
    }  # fmt: skip


def judged(arm: str, number: int) -> float:
    return round((number * (37 if arm == "control" else 41) % 19) / 20, 4)


def experiment(arm: str, count: int = 16) -> list[dict[str, Any]]:
    """What was said in one experiment: by a judge, by two people, and by an evaluator that broke once."""
    rows = []
    for number in range(count):
        if (arm, number) == BROKEN:
            said = {"score": None, "comment": "ValueError('no JSON')", "extra": {"error": True}}
            rows.append({**feedback(arm, number, "helpfulness", None), **said})
        else:
            rows.append(feedback(arm, number, "helpfulness", judged(arm, number)))
        rows += [feedback(arm, number, "quality", (number + extra) % 5 + 1, "app", who=who)
                 for extra, who in enumerate((ANN, BOB))]  # fmt: skip
    return rows


def example(number: int) -> dict[str, Any]:
    return {
        "id": name("example", number), "dataset_id": name("dataset"), "inputs": {"question": f"ticket {number}?"},
        "outputs": {}, "metadata": {"lang": ["en", "de", "fr"][number % 3], "ticket": f"T-{number:03}"},
        "created_at": "2026-10-02T08:00:00.5+00:00", "modified_at": None, "name": f"#{number}",
    }  # fmt: skip


class Cloud:
    """The part of LangSmith that is asked. ``version`` 1 is a server that was not upgraded."""

    def __init__(self, server: Any, page: int = 10) -> None:
        self.server, self.page, self.version = server, page, 2
        self.sessions = [session(arm) for arm in ARMS]
        self.runs = [run(arm, number) for arm in ARMS for number in range(16)]
        self.feedback = [row for arm in ARMS for row in experiment(arm)]
        self.examples = [example(number) for number in range(16)]
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        query, body = asked.query, asked.body
        if asked.path == langsmith.SESSIONS:
            return self.server.Answer([row for row in self.sessions if query["name"] in row["name"]])
        if asked.path.startswith(langsmith.SESSIONS):
            found = [row for row in self.sessions if row["id"] == asked.path.split("/")[-1]]
            return self.server.Answer(found[0] if found else {"detail": "Session not found"}, 200 if found else 404)
        if asked.path == langsmith.RUNS_2 and self.version == 2:
            begin = body.get("min_start_time") or "2026-11-22"  # as documented: of one day only, when nobody says
            found = [
                row for row in self.runs if row["project_id"] in body["project_ids"] and row["start_time"] >= begin
            ]
            first = int(body.get("cursor") or 0)
            kept = [field.lower() for field in body["selects"]]
            some = [{field: row[field] for field in row if field in kept} for row in self.cut(found, first)]
            more = str(first + self.page) if first + self.page < len(found) else None
            return self.server.Answer({"items": some, "next_cursor": more})
        if asked.path == langsmith.RUNS_1:
            found = [old(row) for row in self.runs if row["project_id"] in body["session"]]
            first = int((body.get("cursor") or "c0")[1:])
            some = [{field: row[field] for field in row if field in body["select"]} for row in self.cut(found, first)]
            return self.server.Answer({"runs": some, "cursors": {"next": f"c{first + self.page}"}})  # on the last, too
        if asked.path in (langsmith.FEEDBACK, langsmith.EXAMPLES):
            assert int(query["limit"]) <= 100
            rows = self.examples
            if asked.path == langsmith.FEEDBACK:
                rows = [row for row in self.feedback if row["session_id"] == query["session"]]
                rows = [row for row in rows if query.get("key") in (None, row["key"])]
                rows = [row for row in rows if row["created_at"] >= query.get("min_created_at", "")]
                rows = sorted(rows, key=lambda row: row["created_at"], reverse=True)
            return self.server.Answer(self.cut(rows, int(query["offset"])))
        return self.server.Answer({"detail": "Not Found"}, 404)

    def cut(self, rows: list[Any], first: int) -> list[Any]:
        return rows[first : first + self.page]

    def own(self, arm: str, number: int, key: str) -> dict[str, Any]:
        return next(row for row in self.feedback if row["key"] == key and row["run_id"] == name("run", arm, number, 0))


def old(row: dict[str, Any]) -> dict[str, Any]:
    """The same run as version 1 of the API gives it."""
    found = {**row, "session_id": row["project_id"], "status": row["status"].lower(), "parent_run_id": None}
    found["extra"] = {"metadata": row["metadata"], "runtime": {}}
    return {key: value for key, value in found.items() if key not in ("project_id", "metadata", "is_root")}


SERVER = {"url": "${SERVER_URL}", "api_key": "${API_KEY}"}
JUDGE = {**SERVER, "experiments": ["control", "candidate"]}
PANEL = {**JUDGE, "shape": "rating", "scale": [1, 5]}
THUMBS = {**SERVER, "shape": "feedback", "projects": ["chat"], "since": "2026-11-10", "metric": "user_score",
          "map": {"variant": "metadata.variant", "user": "metadata.user_id"}}  # fmt: skip


@pytest.fixture
def cloud(server, monkeypatch):
    monkeypatch.setenv("API_KEY", "lsv2_pt_secret_12345")
    return Cloud(server)


def scores(records: list[Any]) -> dict[tuple[str, str], Any]:
    return {(r.variant, r.item): r.error or r.value for r in records}


def expected() -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {(arm, name("example", n)): judged(arm, n) for arm in ARMS for n in range(16)}
    found[FAILED[0], name("example", FAILED[1])] = "system_error"
    found[BROKEN[0], name("example", BROKEN[1])] = "judge_error"
    return found


# --- judges ---------------------------------------------------------------------------------------------------------


def test_scores_of_experiments(desk, cloud):
    records = desk.read("langsmith", **JUDGE, map={"segment.plan": "metadata.plan"})
    assert scores(records) == expected()
    assert Counter(r.error for r in records) == {None: 30, "system_error": 1, "judge_error": 1}
    assert {r.scorer for r in records} == {"helpfulness"}
    assert len({r.fingerprint for r in records}) == 1
    assert {dict(r.segment)["plan"] for r in records} == {"free", "pro"}
    assert {r.repeat for r in records} == {0}
    assert {(r.item, r.length) for r in records if r.length} == {(name("example", n), n + 1.0) for n in range(16)}
    assert len({r.content for r in records}) == 16
    assert (desk.tally.rows_read, desk.tally.rows_kept, desk.whys) == (32, 32, {})
    assert [r.record for r in desk.read_again()] == [r.record for r in records]


def test_the_paired_effect_leaves_failed_work_out(desk, cloud):
    found = scores(desk.read("langsmith", **JUDGE))
    kept = [n for n in range(16) if n not in (FAILED[1], BROKEN[1])]
    wanted = mean(judged("candidate", n) - judged("control", n) for n in kept)
    pairs = [(found["control", name("example", n)], found["candidate", name("example", n)]) for n in range(16)]
    got = [b - a for a, b in pairs if not isinstance(a, str) and not isinstance(b, str)]
    assert len(got) == 14
    assert mean(got) == pytest.approx(wanted)


def test_a_judge_that_scored_a_failed_run_is_not_heard(desk, cloud):
    assert cloud.own(*FAILED, "helpfulness")["score"] is not None
    assert scores(desk.read("langsmith", **JUDGE))[FAILED[0], name("example", FAILED[1])] == "system_error"
    failed = next(row for row in cloud.runs if row["status"] == "ERROR")
    failed["status"] = "SUCCESS"  # the error alone tells, too
    assert scores(desk.read("langsmith", **JUDGE)) == expected()
    failed |= {"status": "ERROR", "error": None}
    assert scores(desk.read("langsmith", **JUDGE)) == expected()


def test_a_run_without_a_score_is_an_error_of_the_judge(desk, cloud):
    cloud.feedback.remove(cloud.own("candidate", 5, "helpfulness"))
    found = scores(desk.read("langsmith", **JUDGE))
    assert found["candidate", name("example", 5)] == "judge_error"
    cloud.feedback = [row for row in cloud.feedback if row["session_id"] == name("control")]  # never evaluated
    found = Counter(scores(desk.read("langsmith", **JUDGE)).values())
    assert (found["judge_error"], found["system_error"]) == (16, 1)


def test_a_run_that_is_not_done_is_set_aside(desk, cloud):
    cloud.runs[2] |= {"status": "PENDING", "end_time": None}
    assert len(desk.read("langsmith", **JUDGE)) == 31
    assert desk.whys == {"the run is still in progress": 1}
    assert not any(entry.fault for entry in desk.tally.entries)


def test_several_runs_of_one_example_are_repeats(desk, cloud):
    cloud.runs += [run("control", number, 1) for number in range(16)]
    cloud.feedback += [feedback("control", number, "helpfulness", 0.125, repeat=1) for number in range(16)]
    records = [r for r in desk.read("langsmith", **JUDGE) if r.variant == "control"]
    assert {(r.item, r.repeat, r.value) for r in records if not r.error} == {
        *((name("example", n), 0, judged("control", n)) for n in range(16) if n != 3),
        *((name("example", n), 1, 0.125) for n in range(16)),
    }
    before = {r.record for r in records}
    cloud.runs.reverse()
    assert {r.record for r in desk.read_again() if r.variant == "control"} == before


def test_categories_need_values(desk, cloud):
    for row in cloud.feedback:
        if row["key"] == "helpfulness" and not row["extra"]:
            row |= {"value": "good" if row["score"] > 0.4 else "poor", "score": None}
    found = Counter(r.error or r.value for r in desk.read("langsmith", **JUDGE))
    assert found == {"judge_unparsed": 30, "system_error": 1, "judge_error": 1}
    found = Counter(
        r.error or r.value for r in desk.read("langsmith", **JUDGE, values={"value": {"good": 1, "poor": 0}})
    )
    good = sum(judged(arm, n) > 0.4 for arm in ARMS for n in range(16) if (arm, n) not in (FAILED, BROKEN))
    assert found == {1.0: good, 0.0: 30 - good, "system_error": 1, "judge_error": 1}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"score": True}, 1.0), ({"score": 0}, 0.0), ({"score": None, "value": "pass"}, 1.0),
        ({"score": None, "value": 0.5}, 0.5), ({"score": 0.25, "value": "poor"}, 0.25),
        ({"score": None, "value": {"a": 1}}, "judge_unparsed"), ({"score": None}, "judge_unparsed"),
        ({"score": 0.9, "extra": {"error": True}}, "judge_error"), ({"score": None, "error": True}, "judge_error"),
        ({"score": 0.25, "correction": {"score": 1}}, 0.25),
    ],
)  # fmt: skip
def test_what_a_score_can_be(desk, cloud, said, value):
    cloud.own("control", 0, "helpfulness").update(said)
    assert scores(desk.read("langsmith", **JUDGE))["control", name("example", 0)] == value


def test_which_evaluator_is_the_judge(desk, cloud):
    cloud.feedback += [feedback(arm, n, "exact_match", 1) for arm in ARMS for n in range(16)]
    message = desk.fails("langsmith", **JUDGE)
    assert "several evaluators gave scores, and each of them could be the judge. Choose one with `metric:`" in message
    assert "exact_match, helpfulness" in message
    assert scores(desk.read("langsmith", **JUDGE, metric="helpfulness")) == expected()
    cloud.feedback.remove(cloud.own("candidate", 5, "helpfulness"))
    found = scores(desk.read("langsmith", **JUDGE, metric="helpfulness"))
    assert found["candidate", name("example", 5)] == "judge_error", "it was asked, too"
    assert "no score is called 'helpfulnes'. Did you mean 'helpfulness'?" in desk.fails(
        "langsmith", **JUDGE, metric="helpfulnes"
    )


def test_scores_by_the_api_are_read_when_they_are_named(desk, cloud):
    for row in cloud.feedback:
        if row["key"] == "helpfulness":
            row["feedback_source"] = {"type": "api", "metadata": {}, "user_id": ANN}
    assert "no score was given by a model" in desk.fails("langsmith", **JUDGE)
    assert scores(desk.read("langsmith", **JUDGE, metric="helpfulness")) == expected()
    assert "no score is called 'quality'" in desk.fails("langsmith", **JUDGE, metric="quality"), "people are no judge"


def test_the_newest_score_counts_and_another_version_is_another_judge(desk, cloud):
    cloud.feedback.insert(0, feedback("control", 0, "helpfulness", 0.125, again=1))
    later = feedback("control", 1, "helpfulness", 0.375, again=1)
    later["feedback_source"]["metadata"]["judge_version"] = "v2"
    cloud.feedback.append(later)
    records = desk.read("langsmith", **JUDGE)
    assert [r.value for r in records if (r.variant, r.item) == ("control", name("example", 0))] == [0.125]
    both = [r for r in records if (r.variant, r.item) == ("control", name("example", 1))]
    assert {r.value for r in both} == {judged("control", 1), 0.375}
    assert len({r.fingerprint for r in both}) == 2
    assert desk.whys == {"the same judge scored it again later": 1}
    assert {r.fingerprint for r in desk.read("langsmith", **JUDGE, scorer_version="v1")} == {"v1"}


def test_scores_that_are_about_no_answer(desk, cloud):
    step = name("a step")
    cloud.feedback += [
        {**feedback("control", 0, "helpfulness", 0.0, again=2), "run_id": None, "trace_id": None},
        {**feedback("control", 0, "helpfulness", 0.0, again=3), "run_id": step},
        {**feedback("control", 0, "helpfulness", 0.0, again=4), "run_id": step, "trace_id": step},
        {**feedback("control", 0, "helpfulness", 0.0, again=5), "comparative_experiment_id": COMPARED},
        {**feedback("control", 0, "helpfulness", 0.0, again=6), "feedback_group_id": name("group")},
    ]
    assert scores(desk.read("langsmith", **JUDGE)) == expected()
    assert desk.whys == {
        "about a whole experiment or project, and no one answer": 1,
        "about a step inside of a trace, and not its answer": 1,
        "about a run that was not fetched: older than `since:`, or deleted": 1,
        "says which of several answers is better, and not how good one is": 2,
    }
    assert not any(entry.fault for entry in desk.tally.entries)


def test_a_comparison_that_is_named(desk, cloud):
    for number in range(12):
        group = {"comparative_experiment_id": COMPARED, "feedback_group_id": name("group", number)}
        for arm, score in zip(ARMS, ((1, 0), (0, 1), (0.5, 0.5))[number % 3], strict=True):
            row = feedback(arm, number, "ranked", score, "api", **group)
            row["feedback_source"]["metadata"] = {"__run": {"run_id": name("comparer", number)}}
            cloud.feedback.append(row)
    cloud.feedback.append({**feedback("control", 13, "ranked", 1, again=1), "comparative_experiment_id": name("other")})
    records = desk.read("langsmith", **JUDGE, comparison=COMPARED.upper())
    assert {r.scorer for r in records} == {"ranked"}
    assert len({r.fingerprint for r in records}) == 1
    found = scores(records)
    assert len(found) == 24, "only what was compared was to be judged"
    assert found["candidate", name("example", 7)] == "system_error"
    apart = [found["candidate", name("example", n)] - found["control", name("example", n)] for n in range(12) if n != 7]
    assert Counter(apart) == {-1.0: 4, 1.0: 3, 0.0: 4}
    assert desk.whys == {"not of the comparison that the source names": 33}


def test_examples_say_what_an_item_is(desk, cloud, server):
    mapping = {"item": "example.metadata.ticket", "segment.lang": "example.metadata.lang", "made": "example.created_at"}
    records = desk.read("langsmith", **JUDGE, map=mapping)
    assert {r.item for r in records} == {f"T-{n:03}" for n in range(16)}
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert {r.made.isoformat() for r in records} == {"2026-10-02T08:00:00.500000+00:00"}
    asked = [a.query for a in server.asked if a.path == langsmith.EXAMPLES]
    assert [(query["dataset"], query["offset"]) for query in asked] == [(name("dataset"), n) for n in ("0", "10", "16")]
    server.asked.clear()
    desk.read("langsmith", **JUDGE)
    assert langsmith.EXAMPLES not in server.paths


def test_the_variant_can_be_the_experiments_metadata(desk, cloud):
    records = desk.read("langsmith", **JUDGE, map={"variant": "experiment.metadata.variant"})
    assert {r.variant for r in records} == {"prompt-control", "prompt-candidate"}
    records = desk.read("langsmith", **JUDGE, values={"variant": {"control": "v6"}}, where={"metadata.plan": "pro"})
    assert Counter(r.variant for r in records) == {"v6": 8, "candidate": 8}
    assert "no run has 'metadata.plam' (map.segment.plan). Did you mean 'metadata.plan'?" in desk.fails(
        "langsmith", **JUDGE, map={"segment.plan": "metadata.plam"}
    )


def test_a_run_without_an_example_is_set_aside(desk, cloud):
    cloud.runs[0]["reference_example_id"] = None
    assert len(desk.read("langsmith", **JUDGE)) == 31
    assert desk.whys == {"item is empty": 1}
    cloud.runs[0]["metadata"]["ticket_id"] = "T-0"
    assert "T-0" in {r.item for r in desk.read_again()}


def test_a_judge_of_an_applications_runs(desk, cloud):
    cloud.sessions[0]["name"] = "chat"
    cloud.feedback = [row for row in cloud.feedback if row["key"] == "helpfulness" and row["created_at"] < minute(98)]
    entry = {**SERVER, "projects": ["chat"], "since": "2026-10-01", "map": {"item": "id", "variant": "metadata.plan"}}
    records = desk.read("langsmith", **entry)
    assert Counter(r.error for r in records) == {None: 7, "judge_error": 1}, "the others were not to be judged"
    assert {r.variant for r in records} == {"free", "pro"}


# --- people ---------------------------------------------------------------------------------------------------------


def test_annotations_are_ratings(desk, cloud):
    cloud.feedback += [
        feedback("control", 0, "note", None, "app", who=ANN, value="too long"),
        feedback("control", 1, "quality", None, "app", who=ANN, again=1, comment="see wiki"),
        feedback("control", 2, "quality", 1, "app"),
        feedback("control", 3, "quality", 1, "app", who=ANN, again=1, comparative_experiment_id=COMPARED),
        feedback("control", 4, "remarks", None, "app", who=ANN, comment="nice"),
    ]
    assert len(desk.read("langsmith", **PANEL)) == 2 * 2 * 16 - 2
    assert desk.whys["no score but text"] == 2
    records = desk.read("langsmith", **PANEL, metric="quality")
    assert len(records) == 2 * 2 * 16 - 2
    assert {(r.dimension, r.rater, r.status) for r in records} == {("quality", who, "submitted") for who in (ANN, BOB)}
    assert {(r.variant, r.item, r.rater): r.value for r in records} == {
        (arm, name("example", n), who): (n + extra) % 5 + 1
        for arm in ARMS for n in range(16) for extra, who in enumerate((ANN, BOB)) if (arm, n) != FAILED
    }  # fmt: skip
    assert desk.whys == {
        "the application failed, so there was no answer to rate": 2, "no user is named as its author": 1,
        "no score but text": 1, "says which of several answers is better, and not how good one is": 1,
    }  # fmt: skip


def test_a_rater_who_rates_again_gives_another_attempt(desk, cloud):
    cloud.feedback.append(feedback("control", 0, "quality", 5, "app", who=ANN, again=1))
    records = [
        r
        for r in desk.read("langsmith", **PANEL)
        if (r.item, r.rater, r.variant) == (name("example", 0), ANN, "control")
    ]
    assert {(r.attempt, r.value) for r in records} == {(1, 1), (2, 5)}


def chat(cloud: Cloud) -> dict[str, list[int]]:
    """An application: runs of two variants in one project, with thumbs on some of them. Gives the thumbs by arm."""
    cloud.sessions = [{**session("chat"), "reference_dataset_id": None}]
    cloud.runs, cloud.feedback = [], []
    thumbs: dict[str, list[int]] = {arm: [] for arm in ARMS}
    for arm, number in itertools.product(ARMS, range(16)):
        row = run(arm, number) | {"project_id": name("chat"), "reference_example_id": None}
        row["start_time"] = minute(number, "2026-11-11")
        row["metadata"]["variant"] = arm
        cloud.runs.append(row)
        if number % 3 == 0:
            up = int(number % 2 == (arm == "control"))
            thumbs[arm].append(up)
            where = {"session_id": name("chat"), "created_at": minute(number + 5, "2026-11-11")}
            if number == 6:
                where["run_id"] = name("step")  # the thumb hangs on a step: its trace is the answer
            cloud.feedback.append(feedback(arm, number, "user_score", float(up), "api", **where, who=ANN))
            cloud.feedback.append(feedback(arm, number, "correct", 0.5, **where))
    return thumbs


def test_thumbs_by_run(desk, cloud, server):
    said = chat(cloud)
    cells = desk.read("langsmith", **THUMBS)
    assert {c.variant: (c.moments.d_mean * c.moments.n, c.moments.mean * c.moments.n) for c in cells} == {
        arm: (len(said[arm]), sum(said[arm])) for arm in ARMS
    }
    assert {(c.impressions, c.users_known) for c in cells} == {(None, True)}
    assert {a.query["key"] for a in server.asked if a.path == langsmith.FEEDBACK} == {"user_score"}
    assert {a.query["min_created_at"] for a in server.asked if a.path == langsmith.FEEDBACK} == {"2026-11-10T00:00:00Z"}
    (asked,) = [a.body for a in server.asked if a.path == langsmith.RUNS_2][:1]
    assert (asked["min_start_time"], asked["page_size"], "INPUTS" in asked["selects"]) == (
        "2026-11-10T00:00:00Z",
        1000,
        False,
    )


def test_thumbs_without_users_and_with_impressions(desk, cloud):
    said = chat(cloud)
    cells = desk.read("langsmith", **{**THUMBS, "map": {"variant": "metadata.variant"}}, impressions=True)
    shown = {"control": 16, "candidate": 15}  # a run that failed and was not rated was shown to nobody
    assert {(c.variant, c.moments.n, c.moments.mean, c.impressions, c.users_known) for c in cells} == {
        (arm, len(said[arm]), mean(said[arm]), shown[arm], False) for arm in ARMS
    }
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (31, 31)


def test_the_last_thumb_of_an_answer_counts(desk, cloud):
    said = chat(cloud)
    first = copy.deepcopy(next(row for row in cloud.feedback if row["key"] == "user_score"))
    cloud.feedback.append(
        {**first, "id": name("later"), "score": 1 - first["score"], "created_at": minute(300, "2026-11-11")}
    )
    cells = desk.read("langsmith", **{**THUMBS, "map": {"variant": "metadata.variant"}})
    control = next(c for c in cells if c.variant == "control")
    assert control.moments.n * control.moments.mean == pytest.approx(sum(said["control"]) + 1 - 2 * first["score"])
    assert desk.whys == {"an earlier thumb for the same response (the last one counts)": 1}


def test_which_name_is_the_thumb(desk, cloud):
    chat(cloud)
    entry = {key: value for key, value in THUMBS.items() if key != "metric"}
    assert len(desk.read("langsmith", **entry)) == 2, "the one whose values are all 1 and 0"
    for row in cloud.feedback:
        if row["key"] == "user_score":
            row |= {"score": None, "value": "good" if row["score"] else "bad"}
    assert "no name has values that are a feedback. Choose one with `metric:`. Known: user_score" in desk.fails(
        "langsmith", **entry
    )
    cells = desk.read("langsmith", **THUMBS, values={"value": {"good": "up", "bad": "down"}})
    assert {c.variant for c in cells} == set(ARMS)


def test_a_name_that_nobody_used_is_no_silence(desk, cloud):
    chat(cloud)
    entry = {**THUMBS, "metric": "user_scores"}
    assert "the server has nothing of this kind. Check" in desk.fails("langsmith", **entry)
    assert "nobody said anything under the name that is asked for" in desk.fails("langsmith", **entry, impressions=True)


def test_a_thumb_for_a_run_from_before_the_day(desk, cloud):
    chat(cloud)
    cloud.runs[0]["start_time"] = minute(0, "2026-11-09")
    desk.read("langsmith", **THUMBS)
    assert desk.whys == {"about a run that was not fetched: older than `since:`, or deleted": 1}


# --- the server -----------------------------------------------------------------------------------------------------


def test_what_is_asked(desk, cloud, server):
    desk.read("langsmith", **JUDGE, workspace="ws-77")
    assert {(a.headers["x-api-key"], a.headers["x-tenant-id"]) for a in server.asked} == {
        ("lsv2_pt_secret_12345", "ws-77")
    }
    assert "authorization" not in server.asked[0].headers
    bodies = [a.body for a in server.asked if a.path == langsmith.RUNS_2]
    assert [body.get("cursor") for body in bodies] == [None, "10", "20", "30"]
    assert {body["min_start_time"] for body in bodies} == {"2020-01-01T00:00:00Z"}, "else there are runs of a day only"
    assert all(body["is_root"] and body["page_size"] == 100 and "OUTPUTS" in body["selects"] for body in bodies)
    offsets = [a.query["offset"] for a in server.asked if a.query.get("session") == name("control")]
    assert offsets == ["0", "10", "20", "30", "40", "48"], "a short page is no end"


def test_a_server_without_version_2_is_asked_for_version_1(desk, server, cloud):
    new = desk.read("langsmith", **JUDGE, map={"segment.plan": "metadata.plan"})
    cloud.version = 1
    server.asked.clear()
    assert desk.read_again() == new
    assert server.paths.count(langsmith.RUNS_2) == 1
    assert [a.body.get("cursor") for a in server.asked if a.path == langsmith.RUNS_1] == [
        None,
        "c10",
        "c20",
        "c30",
        "c40",
    ]


def test_experiments_by_id_and_by_their_whole_name(desk, cloud):
    cloud.sessions.insert(0, {**session("control"), "id": name("longer"), "name": "control-2"})
    by_name = desk.read("langsmith", **JUDGE)
    assert desk.read("langsmith", **SERVER, experiments=[name("control"), name("candidate")]) == by_name
    message = desk.fails("langsmith", **SERVER, experiments=["contro"])
    assert "source 'src': there is no experiment or project called 'contro'. Write its whole name, or its id" in message
    assert "refuses with status 404: Session not found" not in message
    assert "refuses with status 404" in desk.fails("langsmith", **SERVER, experiments=[name("gone")])


def puller(desk: Any, **entry: Any) -> Any:
    desk.sources(src={"signal": "judge", "connector": "langsmith", **entry})
    project = load_project(desk.root)
    store = open_store(project.store_url)
    return lambda **keys: pull(project, store, **keys)[0]


@pytest.mark.parametrize("version", [1, 2])
def test_a_pull_that_dies_goes_on_and_an_edit_changes_its_record(desk, cloud, server, version):
    cloud.version = version
    again = puller(desk, **JUDGE)
    server.faults.extend([None] * (11 if version == 2 else 13))
    server.faults.extend([server.Answer(dead=True)] * 30)
    assert again().status == "failed"
    server.faults.clear()
    server.asked.clear()
    assert again().new == 32
    assert set(server.paths) == {langsmith.FEEDBACK}, "the runs are there already"
    assert (server.asked[0].query["session"], server.asked[0].query["offset"]) != (name("control"), "0")
    assert again().status == "unchanged"
    cloud.own("control", 0, "helpfulness").update(score=0.125, modified_at=minute(999))
    report = again()
    assert (report.new, report.changed, report.removed) == (0, 1, 0)


def test_lists_of_runs_have_a_budget_of_their_own(desk, cloud, server, clock):
    cloud.page, times = 1, []

    def answer(asked: Any) -> Any:
        times.append((asked.path == langsmith.RUNS_2, clock.now))
        return cloud.answer(asked)

    server.answer = answer
    assert len(desk.read("langsmith", **JUDGE)) == 32
    lists = [time for runs, time in times if runs]
    assert (len(lists), sum(clock.slept)) == (32, 60.0)
    assert all(later - first >= 60 for first, later in zip(lists, lists[18:], strict=False))
    assert len(times) - len(lists) > 90
    desk.read("langsmith", **JUDGE, per_minute=6000)
    assert sum(clock.slept) == 60.0


def test_a_pull_that_dies_among_the_runs_goes_on_there(desk, cloud, server):
    for version, cursor in ((2, "20"), (1, "c20")):
        cloud.version = version
        again = puller(desk, **JUDGE)
        again(full=True)
        server.asked.clear()
        server.faults.extend([None] * (4 if version == 2 else 5))
        server.faults.extend([server.Answer(dead=True)] * 30)
        assert again().status == "failed"
        server.faults.clear()
        server.asked.clear()
        assert again().status == "unchanged"
        assert server.asked[0].path == (langsmith.RUNS_2 if version == 2 else langsmith.RUNS_1)
        assert server.asked[0].body["cursor"] == cursor


def test_reading_again_only_what_is_new(desk, cloud, server):
    again = puller(desk, **JUDGE, reread="1h")
    assert again().new == 32
    server.asked.clear()
    assert again().status == "unchanged"
    asked = [a.body["min_start_time"] for a in server.asked if a.path == langsmith.RUNS_2]
    assert set(asked) == {"2026-10-31T23:15:00.077838Z"}
    asked = [a.query["min_created_at"] for a in server.asked if a.path == langsmith.FEEDBACK]
    assert set(asked) == {"2026-11-01T00:45:00.077838Z"}


def test_an_experiment_that_was_replaced_is_not_read(desk, cloud, server):
    for row in cloud.runs[16:]:
        row["start_time"] = row["start_time"].replace("T00", "T03")  # what is kept of the control's runs is older
    again = puller(desk, **JUDGE, reread="1h")
    assert again().new == 32
    second = name("second try")
    cloud.sessions[0]["id"] = second
    cloud.runs = cloud.runs[16:]
    for number in range(2):
        mine = {"id": name("new", number), "trace_id": name("new", number), "project_id": second}
        cloud.runs.append({**run("control", number), **mine, "start_time": minute(200)})
        row = feedback("control", number, "helpfulness", 0.5)
        cloud.feedback.append({**row, "run_id": name("new", number), "session_id": second})
    report = again()
    assert (report.changed, report.removed, report.rows_read, report.set_aside) == (2, 14, 18, ())


@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "headers": {"Retry-After": "7"}}, {"status": 500}, {"status": 502}, {"cut": 300},
     {"cut": 300, "short": True}, {"dead": True}],
)  # fmt: skip
def test_faults_are_waited_out(desk, cloud, server, clock, fault):
    wanted = desk.read("langsmith", **JUDGE, per_minute=6000)
    whole = json.dumps(cloud.feedback).encode()
    body = whole if "cut" in fault else {"detail": "busy"}
    server.faults.extend(
        [None, server.Answer(**{"body": body, **fault}), None, server.Answer(**{"body": body, **fault})]
    )
    clock.slept.clear()
    assert desk.read_again() == wanted
    assert [pause for pause in clock.slept if pause == 7.0] == ([7.0, 7.0] if fault.get("headers") else [])


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (langsmith.FEEDBACK, "feedback: the server gives the same page again, so the list never ends"),
        (langsmith.RUNS_2, "runs: the server gives the same page cursor again, so the list never ends"),
    ],
)
def test_a_page_that_repeats_is_refused(desk, cloud, server, path, says):
    repeated = cloud.feedback[:100] if path == langsmith.FEEDBACK else {"items": cloud.runs[:1], "next_cursor": "x"}
    server.answer = lambda asked: server.Answer(repeated) if asked.path == path else cloud.answer(asked)
    assert says in desk.fails("langsmith", **JUDGE)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"api_key": "lsv2_pt_1"}, "`api_key:` is a secret and stands in this file"),
        ({"api_key": None}, "api_key"),
        ({"url": "https://api.smith.langchain.com"}, "`url:` is written out"),
        ({"experiments": None}, "does not say which runs"),
        ({"projects": ["chat"]}, "has both `experiments:` and `projects:`"),
        ({"experiments": None, "projects": ["chat"]}, "`projects:` needs to know from which day on"),
        ({"shape": "feedback", "impressions": True}, "an experiment is shown to nobody"),
        ({"impressions": True}, "`impressions:` is for shape feedback"),
        ({"shape": "rating", "comparison": "x"}, "`comparison:` is for shape item_score"),
        ({"since": "yesterday"}, "since"),
        ({"path": "x.json"}, "path"),
        ({"variant": "a", "map": {"variant": "name"}}, "the variant is said twice"),
    ],
)
def test_mistakes_are_told(desk, cloud, entry, says):
    given = {key: value for key, value in {**JUDGE, **entry}.items() if value is not None}
    assert says in desk.fails("langsmith", **given)


def test_what_the_server_refuses(desk, cloud, server):
    server.answer = lambda asked: server.Answer({"detail": "Invalid token lsv2_pt_secret_12345"}, 401)
    message = desk.fails("langsmith", **JUDGE)
    assert "${SERVER_URL}/api/v1/sessions refuses with status 401: Invalid token" in message
    assert "secret" not in message
    server.answer = lambda asked: server.Answer({"rows": []})
    assert "the server's answer holds no list of rows. Check `url:`" in desk.fails("langsmith", **JUDGE)
    empty = cloud.runs, cloud.feedback
    cloud.runs, cloud.feedback = [], []
    server.answer = cloud.answer
    assert "the server has nothing of this kind. Check `experiments:`" in desk.fails("langsmith", **JUDGE)
    cloud.runs, cloud.feedback = empty
    cloud.feedback[0]["id"] = None
    assert "holds a row without an id" in desk.fails("langsmith", **JUDGE)


JUNK = (None, True, 0, -1.5, 1e308, 10**400, "", "x", "NaN", "a\0b", "2026-13-45T00:00:00Z", [], [1], {}, [[{}]])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shape=st.sampled_from(["item_score", "rating", "feedback"]))
def test_junk_in_an_answer(desk, server, monkeypatch, data, shape):
    monkeypatch.setenv("API_KEY", "lsv2_pt_secret_12345")
    cloud = Cloud(server, page=100)
    lists = {"runs": [run(arm, n) for arm in ARMS for n in (0, 7)], "sessions": [session(arm) for arm in ARMS],
             "feedback": [row for arm in ARMS for row in experiment(arm, 4)]}  # fmt: skip
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.sampled_from(lists[data.draw(st.sampled_from(sorted(lists)))]))
        field = data.draw(st.sampled_from(sorted(row)))
        row[field] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    answers = {langsmith.RUNS_2: {"items": lists["runs"]}, langsmith.FEEDBACK: lists["feedback"]}

    def answer(asked: Any) -> Any:
        if asked.path == langsmith.SESSIONS:
            return server.Answer([row for row in lists["sessions"] if row.get("name") == asked.query["name"]])
        if asked.path == langsmith.FEEDBACK and asked.query["offset"] != "0":
            return server.Answer([])
        return server.Answer(answers[asked.path])

    cloud.server.answer = answer
    records, problems = [], []
    try:
        records = desk.read("langsmith", **{**JUDGE, "shape": shape, "per_minute": 6000})
    except SignalsError as error:
        problems = [str(problem) for problem in error.problems]
    assert not any("\n" in problem for problem in problems)
    assert all((r.value is None) == (r.error is not None) for r in records if shape == "item_score")


def test_rows():
    assert giver({"feedback_source": None}) == "api"
    assert giver({"feedback_source": {"type": "auto_eval"}}) == "judge"
    assert giver({"feedback_source": {"type": "app", "metadata": {"__run": {"run_id": "1"}}}}) == "person"
    assert giver({"feedback_source": {"type": "api", "metadata": {"__run": {"run_id": "1"}}}}) == "judge"
    assert output_length({"outputs": {"a": "four"}}) == 4
    assert output_length({"outputs": {"a": "four", "b": "x"}}) is None
    assert output_length({"outputs": {"messages": []}}) is None
    assert run_row({"extra": {"metadata": {"a": 1}}, "session_id": "s", "status": "error"})["project_id"] == "s"


# --- the docs -------------------------------------------------------------------------------------------------------


def test_the_entries_of_the_docs_work(desk, cloud, server, monkeypatch):
    monkeypatch.setenv("LANGSMITH_URL", server.url)
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_pt_1")
    names = {"control": "prompt-v6-3f2a1b0c", "candidate": "prompt-v7-9d8e7f6a"}
    for row in cloud.sessions:
        row["name"] = names[row["name"]]
    production = Cloud(server)
    said = chat(production)
    production.sessions[0]["name"] = "assistant"
    for kind in ("sessions", "runs", "feedback"):
        getattr(cloud, kind).extend(getattr(production, kind))
    for row in cloud.runs:
        row["metadata"]["variant"] = {"control": "prompt-v6", "candidate": "prompt-v7"}.get(
            row["metadata"].get("variant")
        )
    server.answer = cloud.answer
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "langsmith.md").read_text()
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for title, entry in parse(textwrap.dedent(block), "docs").data.items():
            desk.sources(**{title: dict(entry)})
            found[title] = desk.read_again()
    assert set(found) == {"golden-set", "panel-week-47", "thumbs"}
    assert (
        {r.variant for r in found["golden-set"]}
        == {r.variant for r in found["panel-week-47"]}
        == {"prompt-v6", "prompt-v7"}
    )
    assert (len(found["golden-set"]), len(found["panel-week-47"])) == (32, 62)
    assert {dict(r.segment)["lang"] for r in found["golden-set"]} == {"en", "de", "fr"}
    assert sum(c.impressions for c in found["thumbs"]) == 31
    assert sum(c.moments.d_mean * c.moments.n for c in found["thumbs"]) == sum(map(len, said.values()))
