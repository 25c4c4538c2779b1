"""The ``langsmith`` connector: what evaluators, people and users said of runs, from LangSmith's API.

Experiments hold the runs (a run's example is the item), feedback hangs on the runs. Runs come from version 2 of the
API, and from version 1 where that is missing (self-hosted servers that were not upgraded).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from signals.connectors.api.access import secret
from signals.connectors.api.client import Client, StatusError, client
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.langsmith_said import Book, outputs, sayings
from signals.connectors.api.paging import Page, Row, by_cursor, by_offset
from signals.connectors.api.spool import Spool, forget, spooled
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.evals import judged
from signals.connectors.jsonfile import moment, scalar
from signals.connectors.said import records
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 300
RUNS_PER_MINUTE = 18  # what the service allows for lists of runs over more than a week: 3 in 10 seconds
PAGE = 100
PLAIN_PAGE = 1000  # of runs without their texts
BEGIN = "2020-01-01T00:00:00Z"  # before there were runs; version 2 of the API would give those of one day
SESSIONS = "/api/v1/sessions"
RUNS_2 = "/api/v2/runs/query"
RUNS_1 = "/api/v1/runs/query"
FEEDBACK = "/api/v1/feedback"
EXAMPLES = "/api/v1/examples"
OLD = "v1:"  # marks where a list of version 1 goes on
MISSING = (404, 405)
SELECTED = ("id", "name", "status", "start_time", "end_time", "error", "extra", "tags", "reference_example_id",
            "trace_id")  # fmt: skip
SELECTED_2 = ("metadata", "project_id", "is_root", "thread_id")
SELECTED_1 = ("session_id", "parent_run_id")
TEXTS = ("inputs", "outputs")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FIELDS = {
    "item_score": judged.FIELDS,
    "rating": ("item", "variant", "rater"),
    "feedback": ("variant", "user"),
}
ONLY_FOR = {"scale": "rating", "impressions": "feedback", "scorer_version": "item_score", "comparison": "item_score"}


class Langsmith:
    """LangSmith, in the cloud or on a server of one's own."""

    name = "langsmith"
    shapes: tuple[str, ...] = ("item_score", "rating", "feedback")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import LangsmithEntry

        return LangsmithEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options, shape = source.options, str(source.options["shape"])
        problems = check_common(source, document, loc)
        problems += check_server(source, document, loc, secret=("api_key",))
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], "value"))
        for key, only in ONLY_FOR.items():
            if key in options and shape != only:
                what = f"`{key}:` is for shape {only}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        if ("experiments" in options) == ("projects" in options):
            what = "has both `experiments:` and `projects:`" if "projects" in options else "does not say which runs"
            what = f"source {source.name!r} {what}"
            remedy = "Give `experiments:` (runs over a dataset) or `projects:` (runs of an application)"
            problems.append(document.problem(loc, what, remedy, key=True))
        if "projects" in options and "since" not in options:
            what = "`projects:` needs to know from which day on"
            problems.append(document.problem((*loc, "projects"), what, "Add `since: 2026-11-10`", key=True))
        if options.get("impressions") and "experiments" in options:
            what = "`impressions:` counts what users were shown, and an experiment is shown to nobody"
            remedy = "Leave it out, or give `projects:`"
            problems.append(document.problem((*loc, "impressions"), what, remedy, key=True))
        if options.get("variant") and "variant" in source.map:
            what = "the variant is said twice: by `variant:` and in `map:`"
            problems.append(document.problem((*loc, "variant"), what, "Keep one of them", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:  # noqa: ARG002  (the protocol's)
        """None: only asking would tell."""
        return None

    def forget(self, source: Source, project: Project) -> None:
        """Throw away what earlier pulls kept of the server's answers."""
        forget(source, project)

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every judgement as an ``ItemScore``, every annotation as a ``Rating``, or thumbs as cells."""
        filled = resolved(source, project)
        filled = replace(filled, timezone=filled.timezone or "UTC")  # some times of the API have no zone
        shape = str(filled.options["shape"])
        with _spool(filled, source, project) as spool:
            book = Book(spool, filled)
            if shape == "item_score":
                yield from judged.item_scores(outputs(book, tally), filled, tally, thing="run")
            else:
                without = () if shape == "rating" or "user" in filled.map else ("user",)
                yield from records(sayings(book, tally), shape, filled, project, tally, without=without)
        require_rows(tally, filled, project, "Check `experiments:` or `projects:`, `metric:`, `shape:` and `since:`")


def _spool(filled: Source, written: Source, project: Project) -> AbstractContextManager[Spool]:
    headers = {"X-Api-Key": str(secret(filled, "api_key"))}
    workspace = secret(filled, "workspace")
    if workspace:
        headers["X-Tenant-Id"] = workspace

    def fetch(spool: Spool) -> None:
        with (
            client(filled, written, project, headers=headers, per_minute=PER_MINUTE) as api,
            client(filled, written, project, headers=headers, per_minute=RUNS_PER_MINUTE) as lists,
        ):
            _fetch(api, lists, filled, spool)

    keys = ("url", "workspace", "experiments", "projects", "since", "reread", "shape")
    about = {key: filled.options.get(key) for key in keys}
    told = {"texts": needs(filled, TEXTS), "examples": needs(filled, ("example",)), "key": _key_asked(filled)}
    return spooled(filled, project, {"connector": "langsmith", **about, **told}, fetch)


def needs(source: Source, parts: tuple[str, ...]) -> bool:
    """Whether anything that is read stands in one of these parts of a row."""
    judges = source.options["shape"] == "item_score" and parts == TEXTS  # what was asked, and how long the answer is
    return judges or any(path.split(".")[0] in parts for path in (*source.map.values(), *source.where))


def _key_asked(source: Source) -> Any:
    """The name to ask for: of thumbs only, since of the others it is said which names there are."""
    return source.options.get("metric") if source.options["shape"] == "feedback" else None


# --- the server -----------------------------------------------------------------------------------------------------


def _fetch(api: Client, lists: Client, source: Source, spool: Spool) -> None:
    """Everything: the lists of runs by a client that has a smaller budget."""
    options = source.options
    begin = f"{options['since']}T00:00:00Z" if options.get("since") else BEGIN
    wanted = [str(name) for name in options.get("experiments") or options["projects"]]

    def asked_for(start: str | None, since: datetime | None) -> Iterator[Page]:  # noqa: ARG001  (as Pages are asked)
        yield Page([_session(api, name) for name in wanted], None)

    spool.gather("session", asked_for, lambda row: row.get("id"), lambda _row: None)
    sessions = list(spool.rows("session"))
    names = [str(session["id"]) for session in sessions]

    def runs(start: str | None, since: datetime | None) -> Iterator[Page]:
        return _runs(lists, names, start, _utc(since) or begin, texts=needs(source, TEXTS))

    # Runs first: what is said of them meanwhile is met afterwards, and no run waits for a score that was given.
    spool.gather("run", runs, lambda row: row.get("id"), lambda row: _at(row, "start_time", source))
    for name in names:

        def feedback(start: str | None, since: datetime | None, name: str = name) -> Iterator[Page]:
            newest = _utc(since) or (begin if options.get("since") else None)
            asked = {"session": name, "key": _key_asked(source), "min_created_at": newest}
            return _by_offset(api, FEEDBACK, asked, start, "feedback")

        kind = f"feedback {name}"
        spool.gather(kind, feedback, lambda row: row.get("id"), lambda row: _at(row, "created_at", source))
    if needs(source, ("example",)):
        for dataset in sorted({found for row in sessions if (found := scalar(row.get("reference_dataset_id")))}):

            def examples(start: str | None, _: datetime | None, dataset: str = dataset) -> Iterator[Page]:
                return _by_offset(api, EXAMPLES, {"dataset": dataset}, start, "examples")

            spool.gather(f"example {dataset}", examples, lambda row: row.get("id"), lambda _row: None)


def _session(api: Client, name: str) -> Row:
    """An experiment or project by its name or its id."""
    asked = {"include_stats": "false"}
    if UUID.fullmatch(name):
        found = api.get(f"{SESSIONS}/{name}", asked)
        rows = [found] if isinstance(found, Mapping) else []
    else:
        found = api.get(SESSIONS, {**asked, "name": name, "limit": PAGE})
        rows = [row for row in _rows(found) if row.get("name") == name]
    for row in rows:
        if scalar(row.get("id")):
            return row
    raise SignalsError(f"there is no experiment or project called {name[:80]!r}", "Write its whole name, or its id")


def _runs(api: Client, sessions: list[str], start: str | None, begin: str, *, texts: bool) -> Iterator[Page]:
    """The first run of each trace; from version 1 of the API where the server has no other."""
    more = TEXTS if texts else ()
    if start is None or not start.startswith(OLD):
        asked = {"project_ids": sessions, "is_root": True, "min_start_time": begin,
                 "page_size": PAGE if texts else PLAIN_PAGE,
                 "selects": [name.upper() for name in (*SELECTED, *SELECTED_2, *more)]}  # fmt: skip
        new = by_cursor(
            lambda cursor: api.post(RUNS_2, {**asked, **({"cursor": cursor} if cursor else {})}),
            lambda answer: _rows(answer, "items"), lambda answer: answer.get("next_cursor"), start=start, what="runs",
        )  # fmt: skip
        found = _unless_missing(new, start)
        if found is not None:
            yield from found
            return
    old = {"session": sessions, "is_root": True, "start_time": begin, "limit": PAGE,
           "select": [*SELECTED, *SELECTED_1, *more]}  # fmt: skip
    pages = by_cursor(
        lambda cursor: api.post(RUNS_1, {**old, **({"cursor": cursor} if cursor else {})}),
        lambda answer: _rows(answer, "runs"), _next_old, start=start and start.removeprefix(OLD), what="runs",
    )  # fmt: skip
    for page in pages:
        yield Page(page.rows, page.following and OLD + page.following)


def _unless_missing(pages: Iterator[Page], start: str | None) -> Iterator[Page] | None:
    """The pages; None when the server has no such list."""
    if start is not None:
        return pages
    try:
        return chain((next(pages),), pages)
    except StatusError as error:
        if error.status not in MISSING:
            raise
        return None


def _next_old(answer: Any) -> Any:
    """Where version 1 goes on: after an empty page it may still name a cursor."""
    cursors = answer.get("cursors")
    return cursors.get("next") if isinstance(cursors, Mapping) and answer.get("runs") else None


def _by_offset(api: Client, path: str, asked: Mapping[str, Any], start: str | None, what: str) -> Iterator[Page]:
    def ask(offset: int) -> Any:
        return api.get(path, {**asked, "limit": PAGE, "offset": offset})

    return by_offset(ask, _rows, start=start, what=what)


def _rows(answer: Any, key: str | None = None) -> list[Row]:
    found = answer if key is None else answer.get(key) if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise SignalsError("the server's answer holds no list of rows", "Check `url:`: it must lead to LangSmith")
    return found


def _utc(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _at(row: Row, key: str, source: Source) -> datetime | None:
    return moment(scalar(row.get(key)), source, "the server's answer")
