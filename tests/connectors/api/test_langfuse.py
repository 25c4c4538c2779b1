"""Langfuse: one list of scores for judges, people and users; items and variants come from experiments or traces."""

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

from signals.connectors.api import langfuse
from signals.connectors.api.langfuse_rows import score_row
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store
from signals.strictyaml import parse

ARMS = ("control", "candidate")
FILES = [f"langfuse_{arm}.page{page}.json" for arm in ARMS for page in (1, 2)]


def recorded(folder: Any) -> list[dict[str, Any]]:
    return [row for name in FILES for row in json.loads((folder / name).read_text())["data"]]


def item(arm: str, number: int) -> dict[str, Any]:
    """An item of an experiment, as the API's own definition has it; the candidate failed on number 7."""
    return {
        "id": f"span-{arm}-{number}", "traceId": f"tr-{arm}-{number}", "experimentId": f"exp-{arm}",
        "startTime": f"2026-10-31T{number // 60:02}:{number % 60:02}:00Z", "environment": "sdk-experiment",
        "level": "ERROR" if (arm, number) == ("candidate", 7) else "DEFAULT", "experimentName": arm,
        "experimentItemId": f"ticket-{number:03}", "experimentItemMetadata": {"lang": ["en", "de", "fr"][number % 3]},
    }  # fmt: skip


def items(count: int = 16) -> list[dict[str, Any]]:
    return [item(arm, number) for arm in ARMS for number in range(count)]


def observation(arm: str, number: int, child: bool = False) -> dict[str, Any]:
    return {
        "id": f"span-{arm}-{number}{'-x' if child else ''}", "traceId": f"tr-{arm}-{number}", "type": "SPAN",
        "startTime": f"2026-11-01T{number // 60:02}:{number % 60:02}:00Z", "level": "DEFAULT",
        "userId": f"user-{arm}-{number}", "parentObservationId": f"span-{arm}-{number}" if child else None,
        "release": None if child else arm, "tags": ["chat"], "metadata": {"plan": "pro"}, "version": None,
        "sessionId": None, "traceName": "chat", "environment": "production",
    }  # fmt: skip


class Cloud:
    """The part of Langfuse that is asked. ``version`` 2 is a server that was not upgraded."""

    def __init__(self, desk: Any, server: Any, version: int = 3, page: int = 30) -> None:
        self.server, self.version, self.page = server, version, page
        self.scores, self.items = recorded(desk.files), items()
        self.observations = [observation(arm, n, child) for arm in ARMS for n in range(16) for child in (False, True)]
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        rows = {
            langfuse.SCORES_3: self.scores if self.version == 3 else None, langfuse.ITEMS: self.items,
            langfuse.SCORES_2: self.scores if self.version == 2 else None,
            langfuse.OBSERVATIONS: self.observations if self.version == 3 else None,
            langfuse.TRACES: self.observations if self.version == 2 else None,
        }[asked.path]  # fmt: skip
        if rows is None:
            return self.server.Answer({"message": "not here"}, 404)
        query = asked.query
        if asked.path == langfuse.SCORES_3:
            assert query["fields"] == "details,subject,annotation"
            rows = [r for r in rows if r["source"] in query["source"].split(",")]
        if asked.path == langfuse.TRACES:
            rows = [{**r, "id": r["traceId"], "timestamp": r["startTime"], "name": "chat"}
                    for r in rows if not r["parentObservationId"]]  # fmt: skip
        if "name" in query:
            rows = [r for r in rows if r["name"] == query["name"]]
        begin = query.get("fromTimestamp") or query.get("fromStartTime") or ""
        rows = [r for r in rows if (r.get("timestamp") or r.get("startTime")) >= begin]
        if asked.path in (langfuse.SCORES_2, langfuse.TRACES):
            number = int(query["page"])
            some = rows[(number - 1) * self.page : number * self.page]
            pages = -(-len(rows) // self.page)
            if asked.path == langfuse.SCORES_2:
                some = [old(row) for row in some]
            meta = {"page": number, "limit": self.page, "totalItems": len(rows), "totalPages": pages}
            return self.server.Answer({"data": some, "meta": meta})
        first = int(query.get("cursor", "c0")[1:])
        more = {"cursor": f"c{first + self.page}"} if first + self.page < len(rows) else {}
        return self.server.Answer({"data": rows[first : first + self.page], "meta": more})


def old(row: dict[str, Any]) -> dict[str, Any]:
    """The same score as version 2 of the API gives it."""
    row = dict(row)
    subject = row.pop("subject")
    row |= {
        "traceId": subject["id"],
        "observationId": None,
        "trace": {"userId": "user-" + subject["id"][3:], "tags": []},
    }
    if row["dataType"] == "BOOLEAN":
        row |= {"value": int(row["value"]), "stringValue": str(row["value"])}
    return row


@pytest.fixture
def cloud(desk, server, monkeypatch):
    monkeypatch.setenv("PUBLIC", "pk-lf-12345")
    monkeypatch.setenv("SECRET", "sk-lf-secret-12345")
    return Cloud(desk, server)


SERVER = {"url": "${SERVER_URL}", "public_key": "${PUBLIC}", "secret_key": "${SECRET}"}
JUDGE = {**SERVER, "experiments": ["control", "candidate"]}
THUMBS = {**SERVER, "shape": "feedback", "traces": True, "since": "2026-11-01", "map": {"variant": "trace.release"}}


@pytest.fixture
def pages(desk):
    desk.copy(*FILES)
    desk.write("langfuse_items.json", json.dumps({"data": items(), "meta": {}}))
    return desk


PAGES = {"path": "langfuse_*.json", "map": {"segment.lang": "experiment.experimentItemMetadata.lang"}}


def scores(records: list[Any]) -> dict[tuple[str, str], Any]:
    return {(r.variant, r.item): r.error or r.value for r in records}


def expected_scores(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    found = {}
    for row in rows:
        if row["source"] == "EVAL":
            _, arm, number = row["subject"]["id"].split("-")
            failed = (arm, number) == ("candidate", "7")
            found[arm, f"ticket-{int(number):03}"] = "system_error" if failed else row["value"]
    return found


def edited(desk: Any, change: Any, name: str = FILES[0]) -> None:
    data = json.loads((desk.data / name).read_text())
    change(data["data"])
    (desk.data / name).write_text(json.dumps(data))


def own(rows: list[dict[str, Any]], name: str, number: int) -> dict[str, Any]:
    return next(r for r in rows if r["name"] == name and r["subject"]["id"].endswith(f"-{number}"))


# --- judges ---------------------------------------------------------------------------------------------------------


def test_scores_of_experiments(pages):
    records = pages.read("langfuse", **PAGES)
    wanted = expected_scores(recorded(pages.files))
    assert scores(records) == wanted
    assert Counter(r.error for r in records) == {None: 31, "system_error": 1}
    assert {r.scorer for r in records} == {"helpfulness"}
    assert len({r.fingerprint for r in records}) == 1
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert (pages.tally.rows_read, pages.tally.rows_kept) == (32, 32)
    assert [r.record for r in pages.read_again()] == [r.record for r in records]


def test_full_pages(desk, shared):
    found = []
    for path in (shared / "exports" / "langfuse_shape").glob("*.json"):
        desk.write(path.name, path.read_bytes())
        found += json.loads(path.read_text())["data"]
    desk.write("items.json", json.dumps({"data": items(60), "meta": {}}))
    records = desk.read("langfuse", path="*.json")
    wanted = expected_scores(found)
    assert scores(records) == wanted
    assert len(wanted) == 120
    pairs = [
        (wanted["control", name], wanted["candidate", name]) for name in {name for _, name in wanted} - {"ticket-007"}
    ]
    got = scores(records)
    apart = [got["candidate", name] - got["control", name] for name in {n for _, n in got} - {"ticket-007"}]
    assert mean(apart) == pytest.approx(mean(b - a for a, b in pairs))
    assert len(desk.read("langfuse", path="*.json", shape="rating")) == 119
    cells = desk.read("langfuse", path="*.json", shape="feedback")
    assert {(c.variant, c.moments.n) for c in cells} == {("control", 22), ("candidate", 29)}


def test_an_item_without_a_score_is_an_error_of_its_judge(pages):
    edited(pages, lambda rows: rows.remove(own(rows, "helpfulness", 3)))
    found = scores(pages.read("langfuse", **PAGES))
    assert found["control", "ticket-003"] == "judge_error"
    assert Counter(value for value in found.values() if isinstance(value, str)) == {"judge_error": 1, "system_error": 1}


def test_scores_that_are_about_no_answer(pages):
    def change(rows: Any) -> None:
        base = own(rows, "helpfulness", 0)
        for number, about in enumerate(
            (
                {"subject": {"kind": "session", "id": "s"}}, {"subject": {"kind": "experiment", "id": "exp-control"}},
                {"subject": {"kind": "observation", "id": "o", "traceId": "tr-control-0"}}, {"dataType": "TEXT"},
                {"dataType": "CORRECTION"}, {"subject": {"kind": "trace", "id": "tr-production"}},
            )
        ):  # fmt: skip
            rows.append({**base, "id": f"extra-{number}", "value": 0.0, **about})

    edited(pages, change)
    records = pages.read("langfuse", **PAGES)
    assert scores(records) == expected_scores(recorded(pages.files))
    assert pages.whys == {
        "about a whole session or experiment, and no one answer": 2, "no score but text": 2,
        "about a step inside of a trace, and not its answer": 1, "not of the experiments that the source names": 1,
    }  # fmt: skip
    assert not any(entry.fault for entry in pages.tally.entries)


def test_a_score_of_the_items_own_span_is_about_the_item(pages):
    def change(rows: Any) -> None:
        own(rows, "helpfulness", 0)["subject"] = {
            "kind": "observation",
            "id": "span-control-0",
            "traceId": "tr-control-0",
        }

    edited(pages, change)
    assert scores(pages.read("langfuse", **PAGES)) == expected_scores(recorded(pages.files))


def test_the_newest_score_counts_and_another_version_is_another_judge(pages):
    def change(rows: Any) -> None:
        later = {"id": "later", "timestamp": "2026-11-05T00:00:00Z", "value": 0.125}
        rows.insert(0, {**own(rows, "helpfulness", 0), **later})
        rows.append({**own(rows, "helpfulness", 1), **later, "id": "other", "metadata": {"judge_version": "judge-v2"}})

    edited(pages, change)
    records = pages.read("langfuse", **PAGES)
    assert [r.value for r in records if (r.variant, r.item) == ("control", "ticket-000")] == [0.125]
    both = [r for r in records if (r.variant, r.item) == ("control", "ticket-001") and not r.error]
    assert {r.value for r in both} == {0.591, 0.125}
    assert len({r.fingerprint for r in both}) == 2
    assert pages.whys == {"the same judge scored it again later": 1}


def test_scores_by_the_api_are_read_when_they_are_named(pages):
    def change(rows: Any) -> None:
        for row in rows:
            if row["name"] == "helpfulness":
                row |= {"source": "API", "name": "own-judge", "dataType": "CATEGORICAL", "value": "good"}

    for name in FILES:
        edited(pages, change, name)
    assert "no score was given by a model" in pages.fails("langfuse", **PAGES)
    records = pages.read("langfuse", **PAGES, metric="own-judge", values={"value": {"good": 1}})
    assert {r.value for r in records} == {1.0, None}
    assert {r.error for r in pages.read("langfuse", **PAGES, metric="own-judge")} == {"judge_unparsed", "system_error"}


def test_without_experiments_the_source_says_what_is_what(desk):
    desk.copy(*FILES)
    records = desk.read("langfuse", path="langfuse_control.*.json", variant="control", map={"item": "subject.id"})
    assert {(r.variant, r.item) for r in records} == {("control", f"tr-control-{n}") for n in range(16)}
    for name in FILES[:2]:
        edited(desk, lambda rows: [r.setdefault("metadata", {}).update(item_id=r["id"][-2:]) for r in rows], name)
    records = desk.read("langfuse", path="langfuse_control.*.json", variant="control")
    assert {r.item for r in records} == {f"-{n}"[-2:] for n in range(16)}
    assert "none of the 16 rows can be used: item is empty" in desk.fails(
        "langfuse", path="langfuse_candidate.*.json", variant="candidate"
    )


# --- people ---------------------------------------------------------------------------------------------------------


def test_annotations_are_ratings_when_somebody_is_their_author(pages):
    def change(rows: Any) -> None:
        del own(rows, "quality", 0)["authorUserId"]

    edited(pages, change)
    records = pages.read("langfuse", shape="rating", scale=[1, 5], **PAGES)
    assert len(records) == 30
    assert {(r.dimension, r.rater, r.status) for r in records} == {("quality", "u-alice", "submitted")}
    assert pages.whys == {
        "an annotation without an author may be a program's": 1,
        "the application failed, so there was no answer to rate": 1,
    }
    values = {(r.variant, r.item): r.value for r in records}
    assert values["control", "ticket-003"] == own(recorded(pages.files), "quality", 3)["value"]


def test_thumbs_by_trace(desk, cloud):
    cells = desk.read("langfuse", **{**THUMBS, "map": {"variant": "trace.release", "user": "trace.userId"}})
    said = {arm: [r["value"] for r in cloud.scores if r["source"] == "API" and arm in r["id"]] for arm in ARMS}
    assert {(c.variant, c.moments.n, c.moments.mean, c.impressions) for c in cells} == {
        (arm, len(said[arm]), mean(said[arm]), None) for arm in ARMS
    }
    assert {c.users_known for c in cells} == {True}
    cells = desk.read("langfuse", **THUMBS, impressions=True)
    assert {(c.variant, c.moments.n, c.impressions, c.users_known) for c in cells} == {
        (arm, len(said[arm]), 16, False) for arm in ARMS
    }
    asked = [a.query for a in cloud.server.asked if a.path == langfuse.OBSERVATIONS]
    assert asked[0]["fields"] == "core,basic,metadata,trace_context"
    assert asked[0]["fromStartTime"] == "2026-11-01T00:00:00Z"
    assert asked[0]["toStartTime"] == "2026-11-22T12:20:00Z"


def test_numbers_can_be_thumbs(desk, cloud):
    for row in cloud.scores:
        if row["source"] == "API":
            row |= {"dataType": "NUMERIC", "value": 1 if row["value"] else -1}
    assert "no name has values that are a feedback. Choose one with `metric:`. Known: user-feedback" in desk.fails(
        "langfuse", **THUMBS
    )
    assert sum(c.moments.n for c in desk.read("langfuse", **THUMBS, metric="user-feedback")) == 17


# --- the server -----------------------------------------------------------------------------------------------------


def test_the_server_says_what_the_pages_say(pages, cloud, server):
    from_pages = pages.read("langfuse", **PAGES)
    from_server = pages.read("langfuse", **JUDGE, map=PAGES["map"])
    assert [(r.record, r.value, r.error, r.at) for r in from_server] == [
        (r.record, r.value, r.error, r.at) for r in from_pages
    ]
    first, *rest = [asked for asked in server.asked if asked.path == langfuse.SCORES_3]
    assert (first.query["source"], first.query["limit"], "cursor" in first.query) == ("EVAL,API", "100", False)
    assert [asked.query["cursor"] for asked in rest] == ["c30"]
    (only, _) = [asked.query for asked in server.asked if asked.path == langfuse.ITEMS]
    assert (only["experimentName"], only["fromStartTime"]) == ("control,candidate", "2020-01-01T00:00:00Z")
    assert server.asked[0].headers["authorization"].startswith("Basic cGstbGYt")


def test_a_server_without_version_3_is_asked_for_version_2(desk, server, cloud):
    new = desk.read("langfuse", **JUDGE)
    cloud.version = 2
    before = len(server.asked)
    assert desk.read("langfuse", **JUDGE) == new
    paths = [asked.path for asked in server.asked[before:]]
    assert paths.count(langfuse.SCORES_3) == 1
    assert paths.count(langfuse.SCORES_2) == 3
    cells = desk.read("langfuse", **{**THUMBS, "map": {"variant": "trace.release", "user": "trace.userId"}})
    assert sum(c.moments.n for c in cells) == 17
    assert {c.users_known for c in cells} == {True}


def test_categories_and_subjects_of_version_2():
    base = {"id": "1", "traceId": "t", "observationId": None, "value": 3}
    assert score_row({**base, "dataType": "CATEGORICAL", "stringValue": "good"})["value"] == "good"
    assert score_row({**base, "dataType": "BOOLEAN", "stringValue": "False", "value": 0})["value"] is False
    assert score_row({**base, "dataType": "NUMERIC", "stringValue": None})["value"] == 3
    assert score_row(base)["subject"] == {"kind": "trace", "id": "t"}
    assert score_row({**base, "observationId": "o"})["subject"] == {"kind": "observation", "id": "o", "traceId": "t"}
    assert score_row({"id": "1", "sessionId": "s"})["subject"] == {"kind": "session", "id": "s"}
    assert score_row({"id": "1", "datasetRunId": "r"})["subject"] == {"kind": "experiment", "id": "r"}
    assert score_row({"id": "1"})["subject"] is None


def puller(desk: Any, **entry: Any) -> Any:
    desk.sources(src={"signal": "judge", "connector": "langfuse", **entry})
    project = load_project(desk.root)
    store = open_store(project.store_url)
    return lambda **keys: pull(project, store, **keys)[0]


@pytest.mark.parametrize("version", [2, 3])
def test_a_pull_that_dies_goes_on_and_an_edit_changes_its_record(desk, cloud, server, version, clock):
    cloud.version, cloud.page = version, 10
    again = puller(desk, **JUDGE)
    alive = 8 if version == 3 else 7
    server.faults.extend([None] * alive)
    server.faults.extend([server.Answer(dead=True)] * 30)
    assert again().status == "failed"
    server.faults.clear()
    server.asked.clear()
    assert again().new == 32
    paths = [asked.path for asked in server.asked]
    assert set(paths) == {langfuse.SCORES_3 if version == 3 else langfuse.SCORES_2}, "the items are there already"
    assert server.asked[0].query.get("cursor" if version == 3 else "page") not in (None, "c0", "1")
    assert again().status == "unchanged"
    next(row for row in cloud.scores if row["source"] == "EVAL")["value"] = 0.125
    report = again()
    assert (report.new, report.changed, report.removed) == (0, 1, 0)
    assert sum(clock.slept) > 0, "thirty requests a minute"


def test_reading_again_only_what_is_new(desk, cloud, server):
    again = puller(desk, **JUDGE, reread="1h")
    assert again().new == 32
    server.asked.clear()
    assert again().status == "unchanged"
    only, _ = [asked.query for asked in server.asked if asked.path == langfuse.SCORES_3]
    assert only["fromTimestamp"] == "2026-10-31T23:15:00Z"
    (only,) = [asked.query for asked in server.asked if asked.path == langfuse.ITEMS][:1]
    assert only["fromStartTime"] == "2026-10-30T23:15:00Z"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"secret_key": "sk-lf-1"}, "`secret_key:` is a secret and stands in this file"),
        ({"secret_key": None}, "does not say how to sign in"),
        ({"experiments": ["a,b"]}, "holds a comma"),
        ({"shape": "feedback", "impressions": True}, "`impressions:` needs the traces"),
        ({"traces": True}, "`traces:` needs to know from which day on"),
        ({"impressions": True}, "`impressions:` is for shape feedback"),
        ({"since": "yesterday"}, "since"),
        ({"path": "x.json"}, "has both `url:` and `path:`"),
    ],
)
def test_mistakes_are_told(desk, cloud, entry, says):
    given = {key: value for key, value in {**JUDGE, **entry}.items() if value is not None}
    assert says in desk.fails("langfuse", **given)


def test_what_the_server_refuses(desk, cloud, server):
    server.answer = lambda asked: server.Answer({"message": "Invalid credentials"}, 401)
    message = desk.fails("langfuse", **JUDGE)
    assert "${SERVER_URL}/api/public/experiment-items refuses with status 401: Invalid credentials" in message
    server.answer = lambda asked: server.Answer({}, 404)
    message = desk.fails("langfuse", **JUDGE)
    assert "source 'src': the server has no experiments in its API: it is older than Langfuse 4. Leave" in message
    assert "${SERVER_URL}/api/public/v2/scores refuses with status 404. Check `url:`" in desk.fails(
        "langfuse", **SERVER
    )
    server.answer = lambda asked: server.Answer({"rows": []})
    assert "the server's answer holds no list of rows. Check `url:`" in desk.fails("langfuse", **JUDGE)
    server.answer = lambda asked: server.Answer({"data": [{"traceId": None}], "meta": {}})
    assert "the server's list of items holds a row without an id" in desk.fails("langfuse", **JUDGE)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty (0 bytes)"),
        ("cut.json", '{"data": [{"id": ', "half-written JSON"),
        ("foreign.json", '{"results": []}', "is no page of Langfuse's API"),
        ("rows.json", '{"data": [{"a": 1}], "meta": {}}', "is no page of Langfuse's API"),
        ("more.json", '{"data": [], "meta": {"cursor": "x"}}', "says that more pages follow"),
        ("old.json", '{"data": [], "meta": {"page": 1, "totalPages": 2}}', "says that more pages follow"),
        ("id.json", '{"data": [{"dataType": "NUMERIC"}], "meta": {}}', "holds a score without an id"),
        ("none.json", '{"data": [], "meta": {}}', "0 rows"),
    ],
)
def test_bad_files(desk, name, text, says):
    desk.write(name, text)
    assert says in desk.fails("langfuse", path=name)


def test_the_same_score_in_two_pages_counts_once_in_its_newest_form(pages):
    row = copy.deepcopy(own(recorded(pages.files), "helpfulness", 0)) | {
        "value": 0.125,
        "updatedAt": "2026-11-09T00:00:00Z",
    }
    pages.write("langfuse_a.json", json.dumps({"data": [row], "meta": {}}))
    found = pages.read("langfuse", **PAGES)
    assert scores(found)["control", "ticket-000"] == 0.125
    assert len(found) == 32


# --- the docs -------------------------------------------------------------------------------------------------------


def test_the_entries_of_the_docs_work(desk, cloud, server, monkeypatch):
    for variable, value in (("URL", server.url), ("PUBLIC_KEY", "pk-lf-1"), ("SECRET_KEY", "sk-lf-1")):
        monkeypatch.setenv(f"LANGFUSE_{variable}", value)
    for row in cloud.items:
        row["experimentName"] = {"control": "prompt-v6", "candidate": "prompt-v7"}[row["experimentName"]]
    for row in cloud.observations:
        row["startTime"] = row["startTime"].replace("11-01", "11-11")
    for row in cloud.scores:
        row["timestamp"] = row["timestamp"].replace("11-01", "11-11")
    for name in FILES:
        desk.write(f"exports/langfuse/{name}", (desk.files / name).read_bytes())
    desk.write("exports/langfuse/items.json", json.dumps({"data": cloud.items, "meta": {}}))
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "langfuse.md").read_text()
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for name, entry in parse(textwrap.dedent(block), "docs").data.items():
            desk.sources(**{name: dict(entry)})
            found[name] = desk.read_again()
    assert set(found) == {"golden-set", "panel-week-47", "thumbs", "golden-set-files"}
    assert [(r.record, r.value) for r in found["golden-set"]] == [
        (r.record, r.value) for r in found["golden-set-files"]
    ]
    assert {r.variant for r in found["golden-set"]} == {"prompt-v6", "prompt-v7"}
    assert (len(found["golden-set"]), len(found["panel-week-47"])) == (32, 31)
    assert {(c.variant, c.impressions, c.users_known) for c in found["thumbs"]} == {(arm, 16, True) for arm in ARMS}
