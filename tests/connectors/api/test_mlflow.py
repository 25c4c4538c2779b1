"""MLflow: judges, panels and thumbs share one list of assessments, and a failed trace is judged all the same."""

from __future__ import annotations

import copy
import json
import re
import textwrap
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from signals import connectors
from signals.connectors.api import mlflow
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store
from signals.strictyaml import parse

ARMS = ("control", "candidate")
FILES = [f"mlflow_{arm}.{what}.json" for arm in ARMS for what in ("traces", "run")]
JUDGE = {"path": "mlflow_*.json", "map": {"segment.lang": "tags.lang"}}


def raw(folder: Any, name: str = "mlflow_{}") -> dict[str, list[dict[str, Any]]]:
    return {arm: json.loads((folder / f"{name.format(arm)}.traces.json").read_text())["traces"] for arm in ARMS}


def given(trace: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in trace["assessments"] if one["assessment_name"] == name]


def expected_scores(traces: dict[str, list[dict[str, Any]]]) -> dict[tuple[str, str], Any]:
    """Computed from the raw answers: what counts as the judge's word, and why there is none."""
    found: dict[tuple[str, str], Any] = {}
    for arm, listed in traces.items():
        for trace in listed:
            (own,) = [one for one in given(trace, "helpfulness") if one["source"]["source_type"] != "HUMAN"]
            value = own["feedback"]["value"]
            if not own["valid"]:
                value = "skipped"
            if "error" in own["feedback"]:
                value = "judge_error"
            found[arm, trace["tags"]["item_id"]] = "system_error" if trace["state"] == "ERROR" else value
    return found


def effect(scores: dict[tuple[str, str], Any]) -> tuple[float, int]:
    """Mean of paired differences over the items that both arms have a score of."""
    items = {item for _, item in scores}
    pairs = [(scores["control", item], scores["candidate", item]) for item in sorted(items)]
    differences = [b - a for a, b in pairs if isinstance(a, float) and isinstance(b, float)]
    return mean(differences), len(differences)


def scores(records: list[Any]) -> dict[tuple[str, str], Any]:
    return {(r.variant, r.item): r.error or r.value for r in records}


@pytest.fixture
def files(desk):
    desk.copy(*FILES)
    return desk


def edited(desk: Any, change: Any, arm: str = "control") -> None:
    path = desk.data / f"mlflow_{arm}.traces.json"
    data = json.loads(path.read_text())
    change({trace["tags"]["item_id"]: trace for trace in data["traces"]})
    path.write_text(json.dumps(data))


# --- judges ---------------------------------------------------------------------------------------------------------


def test_scores_and_errors(files):
    records = files.read("mlflow", **JUDGE)
    assert scores(records) == expected_scores(raw(files.data))
    assert Counter(r.error for r in records) == {None: 19, "skipped": 2, "judge_error": 2, "system_error": 1}
    assert len(records) == files.tally.rows_read == files.tally.rows_kept == 24
    assert {r.scorer for r in records} == {"helpfulness"}
    assert all((r.value is None) == (r.error is not None) for r in records)
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert len({r.content for r in records}) == 12
    assert all(r.length for r in records if r.error != "system_error")
    assert [r.record for r in files.read_again()] == [r.record for r in records]


def test_the_score_of_a_failed_run_never_counts(files):
    """The tool's own mean has it: 0.758 on an answer that was never given."""
    (trace,) = [one for one in raw(files.data)["candidate"] if one["state"] == "ERROR"]
    assert given(trace, "helpfulness")[0]["feedback"]["value"] == 0.758
    (record,) = [r for r in files.read("mlflow", **JUDGE) if r.item == "ticket-007" and r.variant == "candidate"]
    assert (record.value, record.error) == (None, "system_error")


def test_what_a_person_put_in_its_place_is_no_word_of_the_judge(files):
    found = {(r.variant, r.item): r for r in files.read("mlflow", **JUDGE)}
    for arm in ARMS:
        assert (found[arm, "ticket-003"].value, found[arm, "ticket-003"].error) == (None, "skipped")
    assert 0.9 not in {r.value for r in found.values()}
    assert not files.whys


def test_an_error_is_filed_under_code_and_belongs_to_the_judge(files):
    records = files.read("mlflow", **JUDGE)
    assert {r.item for r in records if r.error == "judge_error"} == {"ticket-023"}
    assert len({r.fingerprint for r in records}) == 1


def test_another_judge_is_another_fingerprint(files):
    before = {r.fingerprint for r in files.read("mlflow", **JUDGE)}

    def change(traces: Any) -> None:
        for trace in traces.values():
            for one in given(trace, "helpfulness"):
                if one["source"]["source_type"] == "LLM_JUDGE":
                    one["source"]["source_id"] = "local:/judge-v2"

    edited(files, change, "candidate")
    after = {(r.variant, r.fingerprint) for r in files.read("mlflow", **JUDGE)}
    assert len(after) == 2, "errors too are those of the judge of their own run"
    assert {print_ for arm, print_ in after if arm == "control"} == before
    stated = {r.fingerprint for r in files.read("mlflow", **JUDGE, scorer_version="mine")}
    assert stated == {"mine"}


def test_a_newer_score_of_the_same_judge_counts_and_two_judges_are_a_jury(files):
    def change(traces: Any) -> None:
        for item, who in (("ticket-000", None), ("ticket-001", "other:/judge")):
            again = copy.deepcopy(given(traces[item], "helpfulness")[0])
            again |= {"assessment_id": "a-new", "create_time": "2026-11-22T12:00:00.000Z", "feedback": {"value": 0.125}}
            again["source"]["source_id"] = who or again["source"]["source_id"]
            traces[item]["assessments"].insert(0, again)

    edited(files, change)
    found = Counter((r.item, r.value) for r in files.read("mlflow", **JUDGE) if r.variant == "control")
    assert found["ticket-000", 0.125] == 1
    assert sum(count for (item, _), count in found.items() if item == "ticket-000") == 1
    assert {value for item, value in found if item == "ticket-001"} == {0.591, 0.125}
    why = "the same judge scored it again later"
    assert files.whys == {why: 1}
    assert not any(entry.fault for entry in files.tally.entries)


def test_words_as_scores(files):
    def change(traces: Any) -> None:
        for number, item in enumerate(sorted(set(traces) - {"ticket-003", "ticket-007", "ticket-023"})):
            value = ["yes", "no", "so-so", [1], None, True, "NO", "nan", 0.25][number]
            given(traces[item], "helpfulness")[0]["feedback"] = {"value": value}

    edited(files, change)
    edited(files, change, "candidate")
    kinds = Counter(r.error or r.value for r in files.read("mlflow", **JUDGE) if r.variant == "control")
    assert {key: kinds[key] for key in (1.0, 0.0, 0.25, "judge_unparsed", "skipped", "judge_error")} == {
        1.0: 2, 0.0: 2, 0.25: 1, "judge_unparsed": 4, "skipped": 1, "judge_error": 1,
    }  # fmt: skip
    recoded = files.read("mlflow", **JUDGE, values={"value": {"so-so": 0.5}})
    assert 0.5 in {r.value for r in recoded}


def test_code_is_read_when_it_is_named(files):
    records = files.read("mlflow", **JUDGE, metric="on_topic")
    assert {r.scorer for r in records} == {"on_topic"}
    assert {r.value for r in records} == {0.0, 1.0, None}
    assert Counter(r.error for r in records) == {None: 23, "system_error": 1}


def test_silence_is_an_error_in_a_run_and_none_outside(files):
    def change(traces: Any) -> None:
        for item in ("ticket-000", "ticket-001", "ticket-002"):
            traces[item]["assessments"] = [
                one for one in traces[item]["assessments"] if one["assessment_name"] == "on_topic"
            ]
        for item in ("ticket-001", "ticket-002"):
            del traces[item]["trace_metadata"]["mlflow.sourceRun"]
            traces[item]["tags"]["variant"] = "control"
        traces["ticket-002"]["assessments"] = []
        traces["ticket-005"]["state"] = "IN_PROGRESS"

    edited(files, change)
    found = scores(files.read("mlflow", **JUDGE))
    assert found["control", "ticket-000"] == "judge_error"
    assert not {("control", f"ticket-{n:03}") for n in (1, 2, 5)} & set(found)
    assert files.whys == {
        "no judge was asked about the trace": 1, "no scorer that is read was asked to judge it": 1,
        "the trace is still in progress": 1,
    }  # fmt: skip
    assert not any(entry.fault for entry in files.tally.entries)


def test_without_a_tag_the_whole_input_is_the_item(files):
    def change(traces: Any) -> None:
        for trace in traces.values():
            del trace["tags"]["item_id"]
        metadata = traces["ticket-001"]["trace_metadata"]
        metadata["mlflow.traceInputs"] = metadata["mlflow.traceInputs"][:20]

    named = scores(files.read("mlflow", **JUDGE))
    for arm in ARMS:
        edited(files, change, arm)
    hashed = files.read("mlflow", **JUDGE)
    assert files.whys == {"item is empty": 2}, "a cut input may be that of many items"
    assert sorted(str(r.error or r.value) for r in hashed) == sorted(
        str(value) for (_, item), value in named.items() if item != "ticket-001"
    )
    assert len({r.item for r in hashed}) == 11


def test_the_keys_of_the_source_go_first(files):
    files.write("variant.json", json.dumps({"traces": [raw(files.data)["control"][0]]}))
    (one,) = files.read("mlflow", path="variant.json", variant="v6")
    assert one.variant == "v6"
    records = files.read("mlflow", **JUDGE, where={"run.tags.variant": "control", "tags.lang": ["en", "de"]})
    assert {r.variant for r in records} == {"control"}
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de"}
    mapping = {"variant": "run.info.run_name", "item": "trace_id"}
    records = files.read("mlflow", path="mlflow_*.json", map=mapping, values={"variant": {"control": "v6"}})
    assert {r.variant for r in records} == {"v6", "candidate"}
    assert len({r.item for r in records}) == 24


# --- people ---------------------------------------------------------------------------------------------------------


def test_ratings(files):
    records = files.read("mlflow", shape="rating", scale=[1, 5], **JUDGE)
    wanted = {
        (arm, trace["tags"]["item_id"], one["source"]["source_id"], one["feedback"]["value"])
        for arm, listed in raw(files.data).items()
        for trace in listed
        if trace["state"] == "OK"
        for one in given(trace, "quality")
    }
    assert {(r.variant, r.item, r.rater, r.value) for r in records} == wanted
    assert {(r.dimension, r.status, r.attempt) for r in records} == {("quality", "submitted", 1)}
    failed = "the application failed, so there was no answer to rate"
    assert files.whys == {
        failed: len(given(next(t for t in raw(files.data)["candidate"] if t["state"] == "ERROR"), "quality"))
    }
    assert files.tally.rows_read == files.tally.rows_kept + files.whys[failed]
    assert len({r.record for r in records}) == len(records)
    assert [r.record for r in files.read_again()] == [r.record for r in records]


def test_expectations_and_corrections_are_no_ratings(files):
    message = files.fails("mlflow", shape="rating", metric="expected_response", path="mlflow_*.json")
    assert "nobody said anything under the name 'expected_response'" in message

    def change(traces: Any) -> None:
        rating = copy.deepcopy(given(traces["ticket-000"], "quality")[0])
        traces["ticket-000"]["assessments"].append(rating | {"assessment_name": "helpfulness", "assessment_id": "a-1"})

    edited(files, change)
    records = files.read("mlflow", shape="rating", metric="helpfulness", path="mlflow_*.json")
    assert [(r.item, r.dimension) for r in records] == [("ticket-000", "helpfulness")]
    assert files.whys == {"put in the place of another score, by somebody who had seen that one": 2}
    assert not any(entry.fault for entry in files.tally.entries)


def test_a_rating_that_was_taken_back(files):
    edited(files, lambda traces: given(traces["ticket-000"], "quality")[0].update(valid=False))
    before = len(files.read("mlflow", shape="rating", **JUDGE))
    assert files.whys["no longer valid: another one was put in its place"] == 1
    files.copy(*FILES)
    assert len(files.read("mlflow", shape="rating", **JUDGE)) == before + 1


def test_second_ratings_are_attempts(files):
    def change(traces: Any) -> None:
        again = copy.deepcopy(given(traces["ticket-000"], "quality")[0])
        traces["ticket-000"]["assessments"].append(
            again | {"assessment_id": "a-9", "create_time": "2026-11-22T12:00:00Z", "feedback": {"value": 1.0}}
        )

    edited(files, change)
    twice = [r for r in files.read("mlflow", shape="rating", **JUDGE) if r.attempt == 2]
    assert [(r.item, r.value) for r in twice] == [("ticket-000", 1.0)]


def test_answers_that_are_no_grades(files):
    def change(traces: Any) -> None:
        given(traces["ticket-000"], "quality")[0]["feedback"]["value"] = [1, 2]
        given(traces["ticket-001"], "quality")[0]["feedback"]["value"] = 9
        given(traces["ticket-002"], "quality")[0]["feedback"]["value"] = None

    edited(files, change)
    records = files.read("mlflow", shape="rating", metric="quality", scale=[1, 5], path="mlflow_*.json")
    assert files.whys["value is not a number"] == 1
    assert files.whys["value is outside the scale 1 to 5"] == 1
    assert [(r.item, r.value) for r in records if r.status == "skipped"] == [("ticket-002", None)]
    assert "quality by alice@example.com of tr-" in next(e.why for e in files.tally.entries if "number" in e.why)


def test_thumbs(files):
    cells = files.read("mlflow", shape="feedback", path="mlflow_*.json")
    traces = raw(files.data)
    said = {
        arm: {
            one["source"]["source_id"]: one["feedback"]["value"] for t in traces[arm] for one in given(t, "thumbs_up")
        }
        for arm in ARMS
    }
    both = set(said["control"]) & set(said["candidate"])
    for cell in cells:
        own = [value for user, value in said[cell.variant].items() if user not in both]
        assert (cell.moments.n, cell.moments.mean) == (len(own), mean(own))
        assert (cell.impressions, cell.users_known) == (None, True)
    assert {cell.variant for cell in cells} == set(ARMS)
    assert files.whys == ({"unit was seen in both arms": 2 * len(both)} if both else {})


def test_impressions_when_every_trace_was_shown(files):
    def change(traces: Any) -> None:
        traces["ticket-000"]["assessments"] = []
        traces["ticket-000"]["state"] = "ERROR"

    edited(files, change)
    cells = files.read("mlflow", shape="feedback", impressions=True, path="mlflow_*.json")
    assert {(cell.variant, cell.impressions, cell.users_known) for cell in cells} == {
        ("control", 11, False), ("candidate", 12, False),
    }  # fmt: skip
    user = {"user": "trace_metadata.mlflow.user"}
    assert "unit was seen in both arms" in files.fails(
        "mlflow", shape="feedback", impressions=True, path="mlflow_*.json", map=user
    ), "one user did it all"


def test_which_name_is_meant(files):
    def change(traces: Any) -> None:
        traces["ticket-000"]["assessments"].append(
            copy.deepcopy(given(traces["ticket-023"], "thumbs_up")[0]) | {"assessment_name": "solved"}
        )

    edited(files, change)
    message = files.fails("mlflow", shape="feedback", path="mlflow_*.json")
    assert "several names could be thumbs. Choose one with `metric:`. Known: solved, thumbs_up" in message
    assert len(files.read("mlflow", shape="feedback", metric="solved", path="mlflow_*.json")) == 1
    message = files.fails("mlflow", shape="rating", metric="qualty", path="mlflow_*.json")
    assert "nobody said anything under the name 'qualty'. Did you mean 'quality'?" in message


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty (0 bytes)"),
        ("cut.json", '{"traces": [{"trace_id": "tr-1", ', "half-written JSON"),
        ("latin.json", b'{"traces": "\xe9"}', "is not UTF-8 text"),
        ("foreign.json", '{"results": []}', "is no answer of MLflow: it has neither traces nor a run"),
        ("list.json", "[1]", "is no answer of MLflow"),
        ("old.json", '{"traces": [{"request_id": "1"}]}', "holds something that is no trace of MLflow 3"),
        ("run.json", '{"run": {"info": {}}}', "holds a run without an id"),
        ("page.json", '{"traces": [], "next_page_token": "x"}', "says that more traces follow"),
        ("none.json", '{"traces": []}', "0 rows"),
    ],
)
def test_bad_files(desk, name, text, says):
    desk.write(name, text)
    assert says in desk.fails("mlflow", path=name)


def test_runs_that_are_missing_are_told(files):
    message = files.fails("mlflow", path="mlflow_*.traces.json")
    assert "names 2 runs that no file describes (such as 33bb50f05b164e79abcf4d9dc19cb927)" in message
    files.write(
        "runs.json", json.dumps({"A": "33bb50f05b164e79abcf4d9dc19cb927", "B": "ecddf3e4afef4a2e85c77b8d6f85c262"})
    )
    assert {r.variant for r in files.read("mlflow", path="*[rm][ul][nf]*s.json")} == {"A", "B"}


@pytest.mark.parametrize("name", ["mlflow_again.json", "mlflow_later.json"])
def test_two_exports_of_one_trace_are_one(files, name):
    before = files.read("mlflow", **JUDGE)
    trace = copy.deepcopy(raw(files.data)["control"][0])
    given(trace, "helpfulness")[0] |= {"last_update_time": "2026-11-23T00:00:00Z", "feedback": {"value": 0.25}}
    files.write(name, json.dumps({"traces": [trace]}))
    after = files.read("mlflow", **JUDGE)
    assert {r.record for r in after} == {r.record for r in before}
    assert [(r.item, r.value) for r in after if r not in before] == [(trace["tags"]["item_id"], 0.25)]


def test_full_export(desk, shared):
    folder = shared / "exports" / "mlflow"
    for path in folder.glob("*.json"):
        desk.write(path.name, path.read_bytes())
    records = desk.read("mlflow", path="*.json")
    wanted = expected_scores(raw(folder, "{}"))
    assert scores(records) == wanted
    assert Counter((r.variant, r.error) for r in records) == {
        ("control", None): 58, ("control", "skipped"): 1, ("control", "judge_error"): 1,
        ("candidate", None): 57, ("candidate", "skipped"): 1, ("candidate", "judge_error"): 1,
        ("candidate", "system_error"): 1,
    }  # fmt: skip
    assert effect(scores(records)) == effect(wanted)
    assert effect(wanted)[1] == 57
    ratings = desk.read("mlflow", path="*.json", shape="rating")
    assert Counter(r.rater.partition("@")[0] for r in ratings) == {"alice": 119, "bob": 119, "carol": 59}
    cells = desk.read("mlflow", path="*.json", shape="feedback", impressions=True)
    assert {(c.variant, c.impressions, c.moments.n) for c in cells} == {("control", 60, 17), ("candidate", 60, 22)}


# --- the server -----------------------------------------------------------------------------------------------------


class Tracking:
    """The part of a tracking server that is asked, over the recorded traces."""

    def __init__(self, desk: Any, server: Any, page: int = 5) -> None:
        self.server, self.page = server, page
        self.traces = [trace for listed in raw(desk.files).values() for trace in listed]
        self.traces.sort(key=lambda trace: trace["request_time"])
        runs = [json.loads((desk.files / f"mlflow_{arm}.run.json").read_text()) for arm in ARMS]
        self.runs = {run["run"]["info"]["run_id"]: run for run in runs}
        self.forget = False
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        if asked.path == mlflow.EXPERIMENT:
            known = asked.query["experiment_name"] != "suport"
            return self.server.Answer(
                {"experiment": {"experiment_id": "1"}} if known else {"message": "none"}, 200 if known else 404
            )
        if asked.path == mlflow.RUN:
            run = self.runs.get(asked.query["run_id"])
            return self.server.Answer(run or {"message": "no run"}, 200 if run else 404)
        assert asked.path == mlflow.TRACES
        first = int(asked.body.get("page_token") or 0)
        if self.forget and first:
            return self.server.Answer({"error_code": "INVALID_PARAMETER_VALUE", "message": "bad token"}, 400)
        listed = self.traces
        newer = asked.body.get("filter", "").partition("timestamp_ms >= ")[2]
        if newer:
            from datetime import datetime

            listed = [t for t in listed if datetime.fromisoformat(t["request_time"]).timestamp() * 1000 >= int(newer)]
        rest = listed[first : first + self.page]
        more = {"next_page_token": str(first + self.page)} if first + self.page < len(listed) else {}
        return self.server.Answer({"traces": rest, **more} if rest else {})

    @property
    def searches(self) -> list[Any]:
        return [asked.body for asked in self.server.asked if asked.path == mlflow.TRACES]


SERVER = {"url": "${SERVER_URL}", "experiment": "support", "map": {"segment.lang": "tags.lang"}}


@pytest.fixture
def tracking(desk, server):
    return Tracking(desk, server)


class Puller:
    def __init__(self, desk: Any, **entry: Any) -> None:
        desk.sources(src={"signal": "judge", "connector": "mlflow", **SERVER, **entry})
        self.project = load_project(desk.root)
        self.store = open_store(self.project.store_url)
        self.release = self.project.releases[0]

    def pull(self, **keys: Any) -> Any:
        (report,) = pull(self.project, self.store, **keys)
        return report

    @property
    def scores(self) -> dict[tuple[str, str], Any]:
        return scores(list(self.store.evidence(self.release, ["src"]).scores))

    @property
    def kept(self) -> list[Any]:
        return list(self.project.root.glob("data/*.pages/*.db"))


def test_the_server_says_what_the_files_say(desk, tracking, server):
    desk.copy(*FILES)
    from_files = desk.read("mlflow", **JUDGE)
    from_server = desk.read("mlflow", **SERVER)
    assert from_server == from_files
    assert [body.get("page_token") for body in tracking.searches] == [None, "5", "10", "15", "20"]
    assert {tuple(body["order_by"]) for body in tracking.searches} == {("timestamp_ms ASC",)}
    assert server.paths.count(mlflow.RUN) == 2
    assert tracking.searches[0]["locations"] == [
        {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "1"}}
    ]
    assert "authorization" not in server.asked[0].headers


def test_credentials_and_filters_are_sent(desk, tracking, server, monkeypatch):
    monkeypatch.setenv("TOKEN", "tok-123")
    desk.read("mlflow", **SERVER, token="${TOKEN}", filter="tags.env = 'prod'")
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer tok-123"}
    assert {body["filter"] for body in tracking.searches} == {"tags.env = 'prod'"}
    monkeypatch.setenv("PASSWORD", "pw-123")
    monkeypatch.setenv("NAME", "me")
    desk.read("mlflow", **{**SERVER, "experiment": ["1", "2"]}, user="${NAME}", password="${PASSWORD}")
    assert server.asked[-1].headers["authorization"] == "Basic bWU6cHctMTIz"
    assert len(tracking.searches[-1]["locations"]) == 2


def test_runs_are_asked_for_only_when_they_say_something(desk, tracking, server):
    desk.read("mlflow", **{**SERVER, "map": {"variant": "trace_metadata.mlflow.sourceRun"}})
    assert mlflow.RUN not in server.paths
    tracking.runs.popitem()
    records = desk.read("mlflow", **SERVER)
    assert len(records) == 12
    assert desk.whys == {"variant is empty": 12}, "a deleted run"


def test_faults_on_the_way_change_nothing(desk, tracking, server, clock):
    clean = desk.read("mlflow", **SERVER)
    server.faults.extend(
        [None, None, server.Answer({}, 429, {"Retry-After": "1"}), server.Answer({"traces": [1, 2]}, cut=8, short=True),
         server.Answer({}, 500), server.Answer(dead=True)]
    )  # fmt: skip
    assert desk.read("mlflow", **SERVER) == clean
    assert len(clock.slept) == 4


def test_a_token_that_repeats_is_refused(desk, tracking, server):
    page = server.Answer({"traces": tracking.traces[:5], "next_page_token": "5"})
    server.faults.extend([None, None, page])
    message = desk.fails("mlflow", **SERVER)
    assert "source 'src': traces: the server gives the same page cursor again" in message
    assert "sources.yaml" in message


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"experiment": "suport"}, "refuses with status 404: none. Check `url:`"),
        ({"url": "${NO_URL}"}, "environment variable NO_URL is not set"),
        ({"url": "https://mlflow.example"}, "`url:` is written out"),
        ({"token": "abc"}, "`token:` is a secret and stands in this file. Write token: ${NAME}"),
        ({"token": "${TOKEN:-abc}"}, "`token:` is a secret"),
        ({"user": "${NAME}"}, "`user:` and `password:` go together"),
        ({"path": "x.json"}, "has both `url:` and `path:`"),
        ({"scale": [1, 5]}, "`scale:` is for shape rating"),
        ({"variant": "v6", "map": {"variant": "tags.v"}}, "the variant is said twice"),
        ({"map": {"rater": "x"}}, "unknown field 'rater' in map"),
        ({"reread": "soon"}, "is a duration"),
    ],
)
def test_mistakes_are_told(desk, tracking, entry, says):
    assert says in desk.fails("mlflow", **{**SERVER, **entry})


def test_what_the_server_has_not_is_told_once(desk, tracking):
    message = desk.fails("mlflow", **{**SERVER, "map": {}}, shape="rating", metric="qualty")
    assert message.count("source 'src': ") == 1
    message = desk.fails("mlflow", **{**SERVER, "map": {"item": "tags.itm"}})
    assert message.endswith("no trace has 'tags.itm' (map.item). Did you mean 'tags.item_id'?")
    tracking.traces = []
    message = desk.fails("mlflow", **SERVER)
    assert "source 'src': the server has nothing of this kind. Check `experiment:`, `filter:` and `shape:`" in message
    assert "0 rows match `where:`" in desk.fails("mlflow", **SERVER, where={"tags.lang": "xx"})


def test_an_entry_needs_an_input_and_an_experiment(desk):
    assert "needs `url:` or `path:`" in desk.fails("mlflow")
    assert "does not say which experiment" in desk.fails("mlflow", url="${SERVER_URL}")
    assert "`experiment:` is for a server" in desk.fails("mlflow", path="x.json", experiment="1")
    assert "`reread:` is for a server" in desk.fails("mlflow", path="x.json", reread="1d")


def test_pulling_twice_changes_nothing_and_an_edit_changes_its_record(desk, tracking):
    puller = Puller(desk)
    first = puller.pull()
    assert (first.status, first.new) == ("changed", 24), first.error
    assert not puller.kept, "when a pull has ended nothing is kept"
    second = puller.pull()
    assert (second.status, second.new, second.changed, second.removed) == ("unchanged", 0, 0, 0)
    given(tracking.traces[0], "helpfulness")[0]["feedback"]["value"] = 0.125
    third = puller.pull()
    assert (third.new, third.changed, third.removed, third.unchanged) == (0, 1, 0, 23)
    assert 0.125 in puller.scores.values()


def dies(server: Any, after: int) -> None:
    """From its request number ``after`` on the server only hangs up."""
    server.faults.extend([None] * after)
    server.faults.extend([server.Answer(dead=True)] * 50)


def test_a_pull_that_dies_goes_on(desk, tracking, server, clock):
    whole = Puller(desk).pull()
    server.asked.clear()
    puller = Puller(desk, filter="tags.x = 'y'")
    dies(server, after=3)
    report = puller.pull()
    assert report.status == "failed"
    assert "breaks off in the middle of its answer" in (report.error or "")
    assert "the next pull goes on where this one stopped" in (report.error or "")
    assert len(puller.kept) == 1
    assert (puller.kept[0].stat().st_mode & 0o077, puller.kept[0].parent.stat().st_mode & 0o077) == (0, 0)
    assert len(puller.scores) == 24, "the evidence of the last good pull stays"
    server.faults.clear()
    server.asked.clear()
    report = puller.pull()
    assert report.error is None
    assert [body["page_token"] for body in tracking.searches] == ["10", "15", "20"], "the first two pages were kept"
    assert (report.content, report.records) == (whole.content, 24)
    assert not puller.kept


def test_a_pull_that_dies_among_the_runs_goes_on(desk, tracking, server):
    puller = Puller(desk)
    dies(server, after=7)  # the experiment, five pages, one run
    assert puller.pull().status == "failed"
    server.faults.clear()
    server.asked.clear()
    assert puller.pull().records == 24
    assert server.paths == [mlflow.EXPERIMENT, mlflow.RUN]


def test_what_is_too_old_or_for_other_keys_is_thrown_away(desk, tracking, server, clock):
    for change in ("age", "filter", "token", "damage"):
        puller = Puller(desk)
        dies(server, after=3)
        puller.pull()
        server.faults.clear()
        server.asked.clear()
        if change == "age":
            clock.now += 7 * 3600
        elif change == "filter":
            puller = Puller(desk, filter="tags.x = 'y'")
        elif change == "damage":
            puller.kept[0].write_bytes(b"no database" * 100)
        tracking.forget = change == "token"
        if change == "token":  # the server does not know the token any more
            tracking.page = 100
        assert puller.pull().records == 24, change
        tokens = [body.get("page_token") for body in tracking.searches]
        assert tokens == (["10", None] if change == "token" else [None, "5", "10", "15", "20"])
        tracking.forget, tracking.page = False, 5


def test_reading_again_only_what_is_new(desk, tracking, server):
    puller = Puller(desk, reread="1h")
    assert puller.pull().new == 24
    assert len(puller.kept) == 1
    for trace in tracking.traces[:12]:  # the control's run was a day earlier
        trace["request_time"] = trace["request_time"].replace("11-22", "11-21")
    assert puller.pull(full=True).error is None
    server.asked.clear()
    assert puller.pull().status == "unchanged"
    newest = max(trace["request_time"] for trace in tracking.traces)
    assert "attributes.timestamp_ms >= 17953384" in tracking.searches[0]["filter"], newest
    assert [body.get("page_token") for body in tracking.searches] == [None, "5", "10"], "half of the pages"
    given(tracking.traces[-1], "helpfulness")[0]["feedback"]["value"] = 0.125
    given(tracking.traces[0], "helpfulness")[0]["feedback"]["value"] = 0.0625
    report = puller.pull()
    assert (report.new, report.changed, report.removed) == (0, 1, 0)
    assert 0.125 in puller.scores.values()
    assert 0.0625 not in puller.scores.values(), "older than the window: as documented, not seen"
    assert puller.pull(full=True).changed == 1
    assert 0.0625 in puller.scores.values()
    gone = tracking.traces.pop()
    report = puller.pull()
    assert (report.removed, report.changed) == (1, 0), "what the server no longer has is gone"
    assert ("candidate", gone["tags"]["item_id"]) not in puller.scores


def test_a_window_that_dies_goes_on_and_loses_nothing(desk, tracking, server):
    puller = Puller(desk, reread="1h")
    late, tracking.traces = tracking.traces[18:], tracking.traces[:18]
    assert puller.pull().new == 18
    tracking.traces = tracking.traces + late
    dies(server, after=3)
    assert puller.pull().status == "failed"
    server.faults.clear()
    assert puller.pull().new == 6
    assert len(puller.scores) == 24


def test_two_processes_do_not_share_what_is_kept(desk, tracking):
    puller = Puller(desk)
    from signals.connectors.api import spool

    path = spool.spool_path(puller.project.sources[0], puller.project)
    held = spool._opened(path)
    assert held is not None
    assert puller.pull().records == 24
    held.close()
    assert path.exists(), "it belongs to the other one"


def test_the_connector_is_registered():
    assert isinstance(connectors.get("mlflow"), mlflow.Mlflow)


# --- the docs -------------------------------------------------------------------------------------------------------


def documented() -> dict[str, Any]:
    """The entries of the page, by name."""
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "mlflow.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return {name: entry for block in blocks for name, entry in parse(textwrap.dedent(block), "docs").data.items()}


def test_the_entries_of_the_docs_work(desk, tracking, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_URL", server.url)
    monkeypatch.setenv("MLFLOW_TOKEN", "tok-12345")
    for number, trace in enumerate(tracking.traces):
        trace["tags"]["release"] = "control" if "33bb50" in trace["trace_metadata"]["mlflow.sourceRun"] else "candidate"
        trace["trace_metadata"]["mlflow.trace.user"] = f"user-{number}"
    for name in FILES:
        desk.write(f"exports/mlflow/{name}", (desk.files / name).read_bytes())
    entries = documented()
    assert set(entries) == {"golden-set", "panel-week-47", "thumbs", "golden-set-files"}
    found = {}
    for name, entry in entries.items():
        desk.sources(**{name: dict(entry)})
        found[name] = desk.read_again()
    assert found["golden-set"] == found["golden-set-files"]
    assert (len(found["golden-set"]), {r.dimension for r in found["panel-week-47"]}) == (24, {"quality"})
    assert {(c.variant, c.impressions, c.users_known) for c in found["thumbs"]} == {
        ("control", 12, True), ("candidate", 12, True),
    }  # fmt: skip
