"""Projects of a Label Studio server, task by task in the order of their ids: a pull that dies goes on after the last.

The list behind the Data Manager is asked, because it can be taken up again at any task; the export is one answer that
must come whole. Tasks come by id and not by page: one that is deleted meanwhile moves no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from signals.connectors.api.access import bearer, secret
from signals.connectors.api.client import Client, client
from signals.connectors.api.paging import Page, by_cursor
from signals.connectors.api.spool import Spool, spooled
from signals.connectors.jsonfile import dig, moment, scalar
from signals.connectors.label_studio.grades import scales
from signals.connectors.label_studio.tasks import Batch, Task
from signals.model import Project, SignalsError, Source

PER_MINUTE = 300
PAGE = 50
TASKS = "/api/tasks/"
PROJECT = "/api/projects/{}/"
USERS = "/api/users/"
REFRESH = "/api/token/refresh/"
UNREAD = ("predictions", "drafts", "predictions_results", "annotations_results")
"""Parts of a task that are nobody's word, and may be large."""
NOT_THE_TOOL = "Check `url:`: it must lead to Label Studio 1.x"


@dataclass(frozen=True)
class Tasks:
    """The tasks of one project, as often as they are asked for; with the raters as objects when their ids are known."""

    spool: Spool
    project: int
    users: Mapping[str, Any] | None

    def __iter__(self) -> Iterator[Task]:
        for task in self.spool.rows(_kind(self.project)):
            notes = task.get("annotations")
            for note in notes if self.users is not None and isinstance(notes, list) else ():
                if isinstance(note, dict):
                    note["completed_by"] = self._user(note.get("completed_by"))
            yield task

    def _user(self, who: Any) -> Any:
        return who if isinstance(who, Mapping) else (self.users or {}).get(str(who), who)


@contextmanager
def batches(filled: Source, written: Source, project: Project) -> Iterator[list[Batch]]:
    """The source's projects, fetched to the end.

    Args:
        filled: With its variables filled in.
        written: As it stands in sources.yaml.
        project: Ours: says where the store is.

    Raises:
        SignalsError: When the server does not hand them out. What came until then is kept for the next pull.
    """
    numbers, people = _projects(filled, project), str(filled.map.get("rater", "")).startswith("completed_by.")
    about = {"connector": "label_studio", "url": filled.options["url"], "projects": numbers, "users": people,
             "reread": filled.options.get("reread")}  # fmt: skip

    def fetch(spool: Spool) -> None:
        token = secret(filled, "token") or ""
        personal = token.count(".") == 2  # a JSON web token; legacy ones are 40 hexadecimal digits
        headers = {} if personal else {"Authorization": f"Token {token}"}
        renew = partial(_access, token) if personal else None
        with client(filled, written, project, headers=headers, per_minute=PER_MINUTE, renew=renew) as api:
            if personal:
                api.sign_in()
            for number in numbers:
                _fetch(api, number, spool, filled)
            for user in _listed(api.get(USERS)) if people else ():
                spool.add("user", str(user.get("id")), user)

    with spooled(filled, project, about, fetch) as spool:
        users = {str(user.get("id")): user for user in spool.rows("user")} if people else None
        place = {"file": str(project.sources_path), "line": filled.line}
        yield [
            Batch(
                f"project {number}", Tasks(spool, number, users), f"source {filled.name!r}: project {number}: ", place,
                scales(str((spool.row("project", str(number)) or {}).get("label_config")), filled),
            )
            for number in numbers
        ]  # fmt: skip


def _projects(source: Source, project: Project) -> list[int]:
    """The numbers of the projects, each once."""
    for text in source.options["project"]:
        if not str(text).isdecimal():
            what = f"source {source.name!r}: `project:` is {text!r}, which is no number"
            remedy = "It is the number in the address of the project: /projects/12/data"
            raise SignalsError(what, remedy, file=str(project.sources_path), line=source.line)
    return sorted({int(text) for text in source.options["project"]})


def _access(token: str, api: Client) -> Mapping[str, str]:
    """The header with an access token, which holds for some minutes only."""
    answer = api.post(REFRESH, {"refresh": token})
    access = answer.get("access") if isinstance(answer, Mapping) else None
    if not isinstance(access, str) or not access.isascii() or not access.isprintable() or not access:
        raise SignalsError("the server gives no access token for `token:`", NOT_THE_TOOL)
    return bearer(access)


def _fetch(api: Client, number: int, spool: Spool, source: Source) -> None:
    """The form of a project, and its tasks with their annotations."""
    told = api.get(PROJECT.format(number))
    spool.add("project", str(number), {"label_config": told.get("label_config") if isinstance(told, dict) else None})
    kind = _kind(number)

    def gather() -> None:
        spool.gather(kind, partial(_pages, api, number), lambda task: task.get("id"), lambda task: _when(task, source))

    gather()
    if "reread" in source.options and spool.count(kind) != _total(api, number):
        spool.again(kind)  # some task was deleted: which one, only the whole list says
        gather()


def _kind(number: int) -> str:
    return f"task of project {number}"


def _pages(api: Client, number: int, start: str | None, since: datetime | None) -> Iterator[Page]:
    """Tasks by id. A task is as new as the last word on it: the server notes every change of an annotation there."""

    def ask(last: str | None) -> Any:
        newer = [("updated_at", "greater_or_equal", "Datetime", _stamp(since))] if since else []
        wanted = [*newer, *([("id", "greater", "Number", int(last))] if last else [])]
        names = ("filter", "operator", "type", "value")
        items = [dict(zip(names, (f"filter:tasks:{one[0]}", *one[1:]), strict=True)) for one in wanted]
        query = {"ordering": ["tasks:id"], "filters": {"conjunction": "and", "items": items}}
        asked = {"project": number, "page_size": PAGE, "fields": "all", "resolve_uri": "false"}
        answer = api.get(TASKS, {**asked, "query": json.dumps(query)})
        _check(answer, int(last or 0))
        return answer

    def following(answer: Any) -> str | None:
        tasks = answer["tasks"]
        return str(tasks[-1]["id"]) if tasks and answer["total"] > len(tasks) else None

    return by_cursor(
        ask, lambda answer: [_kept(task) for task in answer["tasks"]], following, start=start, what="tasks"
    )


def _check(answer: Any, last: int) -> None:
    """Refuse an answer in which tasks or what people said of them could be missing.

    Raises:
        SignalsError: When it is no list of tasks by id, with their annotations and the answers in them.
    """
    tasks = answer.get("tasks") if isinstance(answer, Mapping) else None
    if not isinstance(tasks, list) or not isinstance(answer.get("total"), int):
        raise SignalsError("the server's answer is no list of tasks", NOT_THE_TOOL)
    for task in tasks:
        number = task.get("id") if isinstance(task, Mapping) else None
        if not isinstance(number, int) or number <= last:
            raise SignalsError("the server does not list its tasks by id, as it was asked to", NOT_THE_TOOL)
        last = number
        notes = task.get("annotations")
        if not isinstance(notes, list) or any(isinstance(note, Mapping) and "result" not in note for note in notes):
            raise SignalsError(f"the server hands out task {number} without the answers to it", NOT_THE_TOOL)


def _kept(task: Task) -> Task:
    return {key: value for key, value in task.items() if key not in UNREAD}


def _total(api: Client, number: int) -> Any:
    """How many tasks the project has."""
    answer = api.get(TASKS, {"project": number, "page_size": 1, "resolve_uri": "false"})
    return dig(answer, "total")


def _when(task: Task, source: Source) -> datetime | None:
    return moment(scalar(task.get("updated_at")), source, "the server's answer")


def _stamp(at: datetime) -> str:
    """A time in the one form that the filter takes."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _listed(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(user, Mapping) for user in answer):
        raise SignalsError("the server's answer is no list of users", NOT_THE_TOOL)
    return answer
