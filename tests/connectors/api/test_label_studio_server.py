"""Label Studio over its API: the same records as from its export, whatever happens on the way."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.connectors import get
from signals.connectors.label_studio import grades
from signals.connectors.label_studio import server as module
from signals.model import SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store

NAMES = {1: "label_studio_rating_control", 2: "label_studio_rating_candidate", 3: "label_studio_pairwise"}
FORM = (
    '<View><Text name="q" value="$question"/><Text name="a" value="$answer"/><Rating name="quality" toName="a" '
    'maxRating="5"/><Choices name="issue" toName="a" choice="multiple"><Choice value="wrong"/></Choices></View>'
)
PAIRS = '<View><Text name="left" value="$left"/><Pairwise name="pref" toName="left,right"/></View>'
PEOPLE = {1: "admin", 2: "alice", 3: "bob", 4: "carol"}
LEGACY = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2VjcmV0LXBhcnQ"
OPERATORS = {"greater": lambda a, b: a > b, "greater_or_equal": lambda a, b: a >= b}
SERVER = {"url": "${SERVER_URL}", "token": "${LS_TOKEN}", "project": [1, 2], "map": {"segment.plan": "tier"}}
FILES = {"path": "label_studio_rating_*.json", "map": {"segment.plan": "tier"}}


class Studio:
    """The part of the server that is asked: one project per recorded export."""

    def __init__(self, desk: Any, server: Any) -> None:
        self.server, self.token, self.lasts = server, LEGACY, 10**9
        self.tasks = {
            number: json.loads((desk.files / f"{name}.json").read_text(encoding="utf-8"))
            for number, name in NAMES.items()
        }
        for listed in self.tasks.values():
            for task in listed:  # left out of the recorded exports
                task["updated_at"] = f"2026-11-22T10:{10 + task['id'] % 45}:03.841713Z"
        self.forms = {1: FORM, 2: FORM, 3: PAIRS}
        self.access, self.left = 0, 0
        self.ignores_query = False
        self.spoil: Any = lambda answer: answer
        self.between: Any = lambda: None
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        if asked.path == module.REFRESH:
            assert "authorization" not in asked.headers
            if asked.body != {"refresh": PERSONAL}:
                return self.server.Answer({"detail": "Token is invalid"}, 401)
            self.access, self.left = self.access + 1, self.lasts
            return self.server.Answer(self.spoil({"access": f"access-{self.access}"}))
        if not self.admitted(asked.headers.get("authorization")):
            return self.server.Answer({"detail": "Authentication credentials were not provided."}, 401)
        if asked.path == module.USERS:
            listed = [{"id": number, "email": f"{name}@example.com"} for number, name in PEOPLE.items()]
            return self.server.Answer(self.spoil(listed))
        number = int(asked.query["project"]) if asked.path == module.TASKS else int(asked.path.split("/")[3])
        if number not in self.tasks:
            return self.server.Answer({"status_code": 404, "detail": "No Project matches the given query."}, 404)
        if asked.path == module.PROJECT.format(number):
            return self.server.Answer(self.spoil({"id": number, "label_config": self.forms[number]}))
        assert asked.path == module.TASKS
        told = self.spoil(self.page(number, asked.query))
        self.between()
        return self.server.Answer(told)

    def admitted(self, header: str | None) -> bool:
        if header == f"Token {LEGACY}":
            return True
        self.left -= 1
        return header == f"Bearer access-{self.access}" and self.left >= 0

    def page(self, number: int, asked: dict[str, str]) -> dict[str, Any]:
        query = json.loads(asked.get("query") or "{}")
        listed = self.tasks[number]
        for one in query.get("filters", {}).get("items", ()) if not self.ignores_query else ():
            name, fits = one["filter"].removeprefix("filter:tasks:"), OPERATORS[one["operator"]]
            listed = [task for task in listed if fits(task[name], one["value"])]
        size = int(asked["page_size"])
        full = asked.get("fields") == "all"
        shown = [{**task, "drafts": [{"result": [1]}]} if full else {"id": task["id"]} for task in listed[:size]]
        return {"total_annotations": 0, "total_predictions": 0, "total": len(listed), "tasks": shown}

    @property
    def starts(self) -> list[tuple[int, int]]:
        """Project and id after which a page began, for each page that was asked for."""
        found = []
        for asked in self.server.asked:
            if asked.path == module.TASKS and "query" in asked.query:
                items = json.loads(asked.query["query"])["filters"]["items"]
                last = [item["value"] for item in items if item["filter"] == "filter:tasks:id"]
                found.append((int(asked.query["project"]), last[0] if last else 0))
        return found

    def note(self, number: int = 1, task: int = 0, which: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.tasks[number][task]["annotations"][which]
        return found

    def touch(self, number: int, task: int) -> None:
        """What the server does when an annotation changes."""
        self.tasks[number][task]["updated_at"] = "2026-11-22T11:00:00.000000Z"


@pytest.fixture
def studio(desk, server, monkeypatch):
    monkeypatch.setenv("LS_TOKEN", LEGACY)
    monkeypatch.setattr(module, "PAGE", 25)
    return Studio(desk, server)


def personal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LS_TOKEN", PERSONAL)


def read(desk: Any, **entry: Any) -> list[Any]:
    return desk.read("label_studio", **{**SERVER, **entry})


def fails(desk: Any, **entry: Any) -> str:
    message = desk.fails("label_studio", **{**SERVER, **entry})
    assert LEGACY not in message
    assert PERSONAL not in message
    return message


# --- the same records ------------------------------------------------------------------------------------------------


def test_the_server_says_what_the_export_says(desk, studio, server):
    desk.copy(*(f"{name}.json" for name in NAMES.values()))
    from_files, whys = desk.read("label_studio", **FILES), desk.whys
    from_server = read(desk)
    assert from_server == from_files
    assert desk.whys == whys == {}
    assert len(from_server) == desk.tally.rows_read == desk.tally.rows_kept == 303
    sizes = {number: [task["id"] for task in studio.tasks[number]] for number in (1, 2)}
    assert studio.starts == [(n, start) for n in (1, 2) for start in (0, sizes[n][24], sizes[n][49])]
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Token {LEGACY}"}
    assert {asked.query["resolve_uri"] for asked in server.asked if asked.path == module.TASKS} == {"false"}
    pairs = {"shape": "preference", "empty": "tie", "map": {}}
    assert read(desk, project=3, **pairs) == desk.read("label_studio", path="label_studio_pairwise.json", **pairs)
    assert len(desk.read_again()) == 120


def test_counts_and_the_effect_from_the_raw_annotations(desk, studio):
    grades_: dict[tuple[str, str], list[float]] = {}
    skipped = Counter[str]()
    for number in (1, 2):
        for task in studio.tasks[number]:
            for note in task["annotations"]:
                stars = [part["value"]["rating"] for part in note["result"] if part["from_name"] == "quality"]
                if note["was_cancelled"]:
                    skipped[task["data"]["variant"]] += 1
                else:
                    grades_.setdefault((task["data"]["item_id"], task["data"]["variant"]), []).extend(stars)
    records = read(desk)
    assert Counter(r.variant for r in records if r.status == "skipped") == skipped
    assert sum(r.value is not None for r in records) == sum(len(found) for found in grades_.values()) == 301
    ours: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record.value is not None:
            ours.setdefault((record.item, record.variant), []).append(record.value)

    def effect(found: dict[tuple[str, str], list[float]]) -> float:
        items = sorted({item for item, _ in found})
        return mean(mean(found[item, "candidate"]) - mean(found[item, "control"]) for item in items)

    assert effect(ours) == effect(grades_) != 0


def test_what_the_flags_and_the_machine_say_counts_for_nothing(desk, studio):
    before = read(desk)
    for number in (1, 2):
        for task in studio.tasks[number]:
            task["predictions"] = [{"result": [{"from_name": "quality", "value": {"rating": 1}}]}]
            for note in task["annotations"]:
                note |= {"ground_truth": not note["ground_truth"], "prediction": {"id": 1}}
    assert read(desk) == before


def test_what_was_marked_before_skipping_is_no_grade(desk, studio):
    studio.note()["was_cancelled"] = True
    assert studio.note()["result"], "the stars that were given before"
    (first,) = [r for r in read(desk, project=1) if r.item == "ticket-000" and r.rater == "2"]
    assert (first.status, first.value) == ("skipped", None)


def test_raters_are_numbers_or_what_their_entry_says(desk, studio, server):
    assert {r.rater for r in read(desk)} == {"1", "2", "3", "4"}
    assert module.USERS not in server.paths
    named = read(desk, map={"rater": "completed_by.email"})
    assert {r.rater for r in named} == {f"{name}@example.com" for name in PEOPLE.values()}
    assert len(named) == 303
    for number in (1, 2):
        for task in studio.tasks[number]:
            for note in task["annotations"]:
                note["completed_by"] = {"id": note["completed_by"], "email": "x@example.com"}
    assert {r.rater for r in read(desk)} == {"1", "2", "3", "4"}
    assert {r.rater for r in read(desk, map={"rater": "completed_by.email"})} == {"x@example.com"}
    studio.note()["completed_by"] = 77
    read(desk, map={"rater": "completed_by.email"})
    assert desk.whys == {"rater is empty": 1}


# --- the form --------------------------------------------------------------------------------------------------------


def test_the_scale_is_that_of_the_form(desk, studio):
    studio.note()["result"][0]["value"]["rating"] = 9
    assert len(read(desk)) == 302
    assert desk.whys == {"value is outside the scale 1 to 5": 1}
    assert len(read(desk, scale=[1, 5])) == 302
    message = fails(desk, scale=[1, 7])
    assert (
        "source 'src': project 1: 'quality' runs from 1 to 5 by its form, and from 1 to 7 by `scale:`. "
        "Correct `scale:`, or leave it out" in message
    )
    studio.forms[2] = FORM.replace('"5"', '"10"')
    message = fails(desk)
    assert "project 2: 'quality' runs from 1 to 10 by its form, and from 1 to 5 by that of project 1" in message
    assert "Read each project as a source of its own" in message
    assert len(read(desk, project=[2])) == 151


def test_recoded_stars_have_a_recoded_scale(desk, studio):
    turned = {str(star): 6 - star for star in range(1, 6)}
    values = {r.value for r in read(desk, values=turned)}
    assert not desk.whys
    assert values <= {1.0, 2.0, 3.0, 4.0, 5.0, None}
    halves = {str(star): (star - 1) / 4 for star in range(1, 6)}
    read(desk, values=halves, scale=[0, 1])
    assert not desk.whys
    assert "runs from 0 to 1 by its form, and from 1 to 5 by `scale:`" in fails(desk, values=halves, scale=[1, 5])


def test_a_right_answer_off_the_scale_is_refused(desk, studio):
    studio.tasks[1][0]["data"]["gold"] = 6
    gold = {"expected": "data.gold"}
    assert "ticket-000: its right answer (map.expected) is 6. The scale runs from 1 to 5" in fails(
        desk, project=1, map=gold
    )
    studio.tasks[1][0]["data"]["gold"] = 5
    assert {r.expected for r in read(desk, project=1, map=gold)} == {None, 5.0}


@pytest.mark.parametrize(
    ("form", "found"),
    [
        (FORM, {"quality": (1, 5)}),
        ('<View><Rating name="a" toName="t"/></View>', {"a": (1, 5)}),
        ('<View><rating name="a" toName="t" maxrating="3"/></View>', {"a": (1, 3)}),
        ('<View><Number name="n" toName="t" min="0" max="100" slider="true"/></View>', {"n": (0, 100)}),
        ('<View><Number name="n" toName="t" max="10"/><Rating name="a" maxRating="x"/></View>', {}),
        ('<View><Rating name="a" maxRating="1"/><Rating toName="t"/><Number name="b" min="nan" max="inf"/></View>', {}),
        ('<!DOCTYPE v [<!ENTITY e "x">]><View><Rating name="a"/></View>', {}),
        ('<View><Rating name="a"', {}),
        ("", {}),
        ("None", {}),
        ("\0", {}),
    ],
)
def test_forms(form, found):
    assert {name: (control.low, control.high) for name, control in grades.controls(form).items()} == found


# --- signing in ------------------------------------------------------------------------------------------------------


def test_a_personal_token_is_changed_for_a_short_one(desk, studio, server, monkeypatch):
    clean = read(desk)
    personal(monkeypatch)
    server.asked.clear()
    assert read(desk) == clean
    assert server.paths.count(module.REFRESH) == 1
    assert server.paths[0] == module.REFRESH
    assert {asked.headers["authorization"] for asked in server.asked[1:]} == {"Bearer access-1"}


@pytest.mark.parametrize("lasts", [1, 2, 3])
def test_a_short_token_that_runs_out_is_renewed(desk, studio, server, monkeypatch, lasts):
    clean = read(desk)
    personal(monkeypatch)
    studio.lasts = lasts
    server.asked.clear()
    assert read(desk) == clean
    needed = len(server.paths) - server.paths.count(module.REFRESH)
    assert studio.access == server.paths.count(module.REFRESH) > 1
    assert needed <= 8 + studio.access, "each question is asked a second time at most"


def test_a_server_that_never_lets_us_in_is_asked_twice(desk, studio, server, monkeypatch):
    personal(monkeypatch)
    studio.lasts = 0
    message = fails(desk)
    assert "${SERVER_URL}/api/projects/1/ refuses with status 401: Authentication credentials" in message
    assert server.paths == [module.REFRESH, "/api/projects/1/"] * 2


def test_bad_credentials(desk, studio, server, monkeypatch):
    monkeypatch.setenv("LS_TOKEN", PERSONAL[:-1] + "X")
    message = desk.fails("label_studio", **SERVER)
    assert "/api/token/refresh/ refuses with status 401: Token is invalid. Check the source's credentials" in message
    assert len(server.paths) == 1
    monkeypatch.setenv("LS_TOKEN", "f" * 40)
    assert "/api/projects/1/ refuses with status 401" in desk.fails("label_studio", **SERVER)
    monkeypatch.setenv("LS_TOKEN", "two\nlines")
    assert "`token:` is empty or holds characters that no credential has" in desk.fails("label_studio", **SERVER)
    personal(monkeypatch)
    for access in (None, "", "a\nb", 7, "é"):
        studio.spoil = lambda _, access=access: {"access": access}
        assert "source 'src': the server gives no access token for `token:`" in fails(desk)


# --- the keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"path": "a.json"}, "has both `url:` and `path:`"),
        ({"url": None, "token": None, "project": None}, "needs `url:` or `path:`"),
        ({"url": None, "token": None, "path": "a.json"}, "`project:` is for a server"),
        ({"url": None, "project": None, "path": "a.json"}, "`token:` is for a server"),
        ({"token": LEGACY}, "`token:` is a secret and stands in this file"),
        ({"url": "https://labels.example.com"}, "`url:` is written out"),
        ({"project": None}, "does not say which project. Add `project:` with the number in its address"),
        ({"token": None}, "does not say how to sign in. Add `token:`"),
        ({"project": "panel"}, "is the number in the address of a project (/projects/12/data), or a list of them"),
        ({"project": [True]}, "is the number in the address of a project"),
        ({"project": []}, "is the number in the address of a project"),
        ({"project": -3}, "is the number in the address of a project"),
        ({"project": "${LS_PROJECT}"}, "`project:` is 'panel', which is no number. It is the number in the address"),
        ({"empty": "tie"}, "`empty:` is for shape preference"),
    ],
)
def test_keys(desk, studio, monkeypatch, entry, says):
    monkeypatch.setenv("LS_PROJECT", "panel")
    given_ = {key: value for key, value in {**SERVER, **entry}.items() if value is not None}
    desk.sources(src={"signal": "sig", "connector": "label_studio", **given_})
    with pytest.raises(SignalsError) as caught:
        desk.read_again()
    assert any(says in str(problem) and "\n" not in str(problem) for problem in caught.value.problems)


def test_a_project_may_be_named_by_a_variable(desk, studio, monkeypatch):
    monkeypatch.setenv("LS_PROJECT", "2")
    assert {r.variant for r in read(desk, project="${LS_PROJECT}")} == {"candidate"}
    assert studio.starts[0] == (2, 0)
    assert len(read(desk, project=["2", 1, 2])) == 303


def test_there_must_be_something_to_read(desk, studio):
    assert "/api/projects/9/ refuses with status 404: No Project matches" in fails(desk, project=9)
    for task in studio.tasks[1]:
        task["annotations"] = []
    assert "the server has nothing of this kind. Check `project:`, and that somebody has annotated it" in fails(
        desk, project=1
    )
    studio.tasks[1] = []
    assert "the server has nothing of this kind" in fails(desk, project=1, map={})
    message = fails(desk, map={"variant": "data.varant"}, project=2)
    assert "source 'src': project 2: no task has 'data.varant' (map.variant). Did you mean 'data.variant'?" in message


# --- the way ---------------------------------------------------------------------------------------------------------


def test_faults_on_the_way_change_nothing(desk, studio, server, clock, monkeypatch):
    clean = read(desk)
    personal(monkeypatch)
    server.faults.extend(
        [server.Answer({}, 503), None, server.Answer({}, 429, {"Retry-After": "3"}), None,
         server.Answer({"tasks": [1, 2]}, cut=8, short=True), server.Answer({}, 500), server.Answer(dead=True)]
    )  # fmt: skip
    assert read(desk) == clean
    assert 3.0 in clock.slept


def test_a_task_that_is_deleted_meanwhile_moves_no_other(desk, studio):
    clean = {r.record for r in read(desk)}
    gone = {studio.tasks[1][0]["data"]["item_id"]}
    studio.between = lambda: studio.tasks[1].pop(0) if len(studio.tasks[1]) == 60 else None
    records = read(desk)
    assert {r.record for r in records} == clean, "it was there when its page was asked for"
    assert len(studio.tasks[1]) == 59
    assert len(gone & {r.item for r in read(desk, project=1)}) == 0


def test_a_server_may_hand_out_smaller_pages(desk, studio, monkeypatch):
    clean = read(desk)
    page = studio.page
    monkeypatch.setattr(studio, "page", lambda number, asked: page(number, {**asked, "page_size": "7"}))
    assert read(desk) == clean


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda answer: {"tasks": 1} if "tasks" in answer else answer, "is no list of tasks"),
        (lambda answer: answer | {"total": None} if "tasks" in answer else answer, "is no list of tasks"),
        (lambda answer: [1], "is no list of tasks"),
        (lambda answer: answer | {"tasks": [7], "total": 1}, "does not list its tasks by id"),
        (
            lambda answer: answer | {"tasks": answer.get("tasks", [])[::-1], "total": 60},
            "does not list its tasks by id",
        ),
        (lambda answer: answer | {"tasks": [{"id": 1}], "total": 1}, "hands out task 1 without the answers to it"),
        (
            lambda answer: answer | {"tasks": [{"id": 1, "annotations": [{"id": 2}]}], "total": 1},
            "hands out task 1 without the answers to it",
        ),
    ],
)
def test_an_answer_in_which_something_could_be_missing_is_refused(desk, studio, spoil, says):
    studio.spoil = lambda answer: spoil(answer) if isinstance(answer, dict) else answer
    message = fails(desk)
    assert "source 'src': the server" in message
    assert says in message
    assert "Check `url:`: it must lead to Label Studio 1.x" in message


def test_a_server_that_ignores_the_question_is_refused(desk, studio):
    studio.ignores_query = True
    assert "does not list its tasks by id, as it was asked to" in fails(desk)


def test_users_that_are_no_list(desk, studio):
    studio.spoil = lambda answer: {"detail": "?"} if isinstance(answer, list) else answer
    assert "the server's answer is no list of users" in fails(desk, map={"rater": "completed_by.email"})


JUNK = (None, True, 0, -1.5, 10**400, "", "x", "NaN", "a\0b", "2026-13-45T00:00:00Z", "2026-11-22T10:00:00", [], [1],
        {}, {"a": 1}, [[{}]])  # fmt: skip


def nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [found for key in keys for found in ((*path, key), *nodes(data[key], (*path, key)))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shape=st.sampled_from(["rating", "preference"]))
def test_junk_in_an_answer(desk, studio, data, shape):
    number = 3 if shape == "preference" else 1
    listing = {"tasks": copy.deepcopy(studio.tasks[number][:3]), "total": 3}
    told = {"id": number, "label_config": studio.forms[number]}
    for answer in (listing, told):
        places = nodes(answer)
        for path in data.draw(st.lists(st.sampled_from(places), max_size=3)):
            inner: Any = answer
            try:
                for key in path[:-1]:
                    inner = inner[key]
                inner[path[-1]] = data.draw(st.sampled_from(JUNK))
            except (KeyError, IndexError, TypeError):
                continue
    studio.spoil = lambda answer: listing if "tasks" in answer else told
    entry = {"project": 3, "empty": "tie"} if shape == "preference" else {"project": 1}
    problems = []
    try:
        read(desk, shape=shape, **entry, map={"rater": "completed_by"})
    except SignalsError as error:
        problems = [str(problem) for problem in error.problems]
    assert not any("\n" in problem for problem in problems)


# --- pulls -----------------------------------------------------------------------------------------------------------


class Puller:
    def __init__(self, desk: Any, **entry: Any) -> None:
        desk.sources(src={"signal": "panel", "connector": "label_studio", **SERVER, **entry})
        self.project = load_project(desk.root)
        self.store = open_store(self.project.store_url)

    def pull(self, **keys: Any) -> Any:
        (report,) = pull(self.project, self.store, **keys)
        return report

    @property
    def ratings(self) -> dict[str, Any]:
        evidence = self.store.evidence(self.project.releases[0], ["src"])
        return {record.record: record for record in evidence.ratings}

    @property
    def kept(self) -> list[Path]:
        return list(self.project.root.glob("data/*.pages/*.db"))


def test_pulling_twice_changes_nothing_and_an_edit_only_its_record(desk, studio):
    puller = Puller(desk)
    assert puller.pull().error is None
    assert not puller.kept
    before = puller.ratings
    assert len(before) == 303
    assert puller.pull().status == "unchanged"
    studio.note(2, 5)["result"][0]["value"]["rating"] = 1 + studio.note(2, 5)["result"][0]["value"]["rating"] % 5
    studio.touch(2, 5)
    assert puller.pull().error is None
    after = puller.ratings
    assert set(after) == set(before)
    (changed,) = [record for name, record in after.items() if record != before[name]]
    assert (changed.item, changed.variant) == (studio.tasks[2][5]["data"]["item_id"], "candidate")


def test_a_pull_that_dies_goes_on_after_the_last_task(desk, studio, server, monkeypatch):
    personal(monkeypatch)
    clean = Puller(desk)
    clean.pull()
    wanted = clean.ratings
    puller = Puller(desk)
    server.asked.clear()
    server.faults.extend([None, None, None, *[server.Answer({}, 502)] * 6])  # token, form, a page, and no more
    report = puller.pull(full=True)
    assert "fails with status 502 (6 attempts)" in str(report.error)
    assert len(puller.kept) == 1
    raw = puller.kept[0].read_bytes()
    assert b"quality" in raw
    assert not any(text.encode() in raw for text in (PERSONAL, PERSONAL.split(".")[2], "access-"))
    server.asked.clear()
    assert puller.pull().error is None
    ids = [task["id"] for task in studio.tasks[1]]
    assert studio.starts[0] == (1, ids[24]), "the first page is not asked for again"
    assert puller.ratings == wanted
    assert not puller.kept


def test_with_reread_only_what_changed_is_asked_for_and_every_change_is_seen(desk, studio, server):
    puller = Puller(desk, reread="1h")
    assert puller.pull().error is None
    before = puller.ratings
    newest = max(task["updated_at"] for number in (1, 2) for task in studio.tasks[number])
    for task in studio.tasks[1][:40]:
        task["updated_at"] = task["updated_at"].replace("T10:", "T07:")
    puller.pull(full=True)
    server.asked.clear()
    studio.note(1, 3)["result"][0]["value"]["rating"] = 1 + studio.note(1, 3)["result"][0]["value"]["rating"] % 5
    studio.touch(1, 3)
    assert puller.pull().error is None
    after = puller.ratings
    assert {record.item for name, record in after.items() if record != before[name]} == {"ticket-003"}
    queries = [json.loads(a.query["query"]) for a in server.asked if "query" in a.query and a.query["project"] == "1"]
    (since,) = {item["value"] for q in queries for item in q["filters"]["items"] if item["type"] == "Datetime"}
    assert since < newest
    assert since[11:13] == "09"
    assert len(queries) == 1, "21 of 60 tasks"
    server.asked.clear()
    del studio.tasks[1][7]
    assert puller.pull().error is None
    assert puller.ratings == {name: record for name, record in after.items()
                              if (record.item, record.variant) != ("ticket-007", "control")}  # fmt: skip
    server.asked.clear()
    assert puller.pull().status == "unchanged"
    assert [start for number, start in studio.starts if number == 1] == [0]


def test_the_entries_of_the_docs(desk, studio, monkeypatch, root):
    text = (root / "docs" / "connectors" / "label_studio.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    assert len(blocks) == 2
    monkeypatch.setenv("LABEL_STUDIO_URL", studio.server.url)
    monkeypatch.setenv("LABEL_STUDIO_TOKEN", LEGACY)
    for number in (1, 2):
        for task in studio.tasks[number]:
            task["data"]["plan"] = task["data"].pop("tier")
    for number, name in NAMES.items():
        studio.forms[number + 11], studio.tasks[number + 11] = studio.forms[number], studio.tasks[number]
        desk.write(f"exports/{name.removeprefix('label_studio_')}.json", json.dumps(studio.tasks[number]))
    desk.write("sources.yaml", "sources:\n" + "".join(blocks))
    project = load_project(desk.root)
    counts = {}
    for source in project.sources:
        found = list(get("label_studio").read(source, project, desk.tally))
        counts[source.name] = len(found)
    assert counts == {"panel": 303, "side-by-side": 120, "panel-files": 303, "side-by-side-files": 120}
