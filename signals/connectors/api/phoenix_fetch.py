"""What a Phoenix server is asked for: experiments with their runs and examples, spans, and annotations of spans."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from signals.connectors.api.client import Client, StatusError
from signals.connectors.api.paging import Page, Row, by_cursor
from signals.connectors.api.phoenix_book import example_name, run_name
from signals.connectors.api.phoenix_rows import span_id, trace_of
from signals.connectors.api.spool import Spool
from signals.connectors.jsonfile import moment, scalar
from signals.model import SignalsError, Source
from signals.strictyaml import suggest

PAGE = 100  # spans hold whole inputs and outputs
NOTES = 1000
AT_ONCE = 50  # ids in one address

Part = TypeVar("Part")


def is_id(text: str, kind: str) -> bool:
    """Whether a text is an id of the server, which is the kind and a number in base64."""
    try:
        said = b64decode(text, validate=True).decode("ascii")
    except (Base64Error, UnicodeDecodeError, ValueError):
        return False
    return said.removeprefix(f"{kind}:").isdecimal() and said.startswith(f"{kind}:")


def fetch(api: Client, source: Source, spool: Spool) -> None:
    """Everything that the source names.

    Raises:
        SignalsError: When the server has no such dataset, experiment or project.
    """
    options = source.options
    projects = [str(options["project"])] if "project" in options else []
    if "dataset" in options or "experiments" in options:
        experiments = _experiments(api, source, spool)
        _runs(api, experiments, spool)
        if options.get("spans") or options["shape"] != "item_score":
            traced = [scalar(one.get("project_name")) for one in experiments if _ran(one)]
            projects += [name for name in traced if name and name not in projects]
    if projects:
        _spans(api, projects, source, spool)
        _notes(api, projects, source, spool)


def _data(answer: Any) -> list[Row]:
    return _listed(answer.get("data") if isinstance(answer, Mapping) else None)


def _listed(rows: Any) -> list[Row]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise SignalsError("the server's answer is no list of objects", "Check `url:`: it must lead to Phoenix")
    return rows


def _one(answer: Any) -> Row:
    found = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(found, Mapping):
        raise SignalsError("the server's answer holds no data", "Check `url:`: it must lead to Phoenix")
    return found


def _next(answer: Any) -> Any:
    return answer.get("next_cursor") if isinstance(answer, Mapping) else None


def _never(_row: Row) -> None:
    """For lists that are small and asked for whole in every pull."""


# --- experiments ----------------------------------------------------------------------------------------------------


def _experiments(api: Client, source: Source, spool: Spool) -> list[Row]:
    """Those that the source names, all of the dataset when it names none."""
    wanted = [str(one) for one in source.options.get("experiments") or ()]

    def pages(start: str | None, _since: datetime | None) -> Iterator[Page]:
        if "dataset" not in source.options:
            yield Page([_one(api.get(f"/v1/experiments/{quote(name, safe='')}")) for name in wanted], None)
            return
        path = f"/v1/datasets/{_dataset(api, str(source.options['dataset']))}/experiments"

        def ask(cursor: str | None) -> Any:
            return api.get(path, {"limit": PAGE, "cursor": cursor})

        yield from by_cursor(ask, _data, _next, start=start, what="experiments")

    spool.gather("listed", pages, lambda one: one.get("id"), _never)
    listed: list[Row] = list(spool.rows("listed"))
    for name in wanted:
        if not any(name in (one.get("id"), one.get("name")) for one in listed):
            known = [str(one.get("name")) for one in listed]
            raise SignalsError(f"the dataset has no experiment {name!r}", suggest(name, known) or "It has none")
    chosen = [one for one in listed if not wanted or one.get("id") in wanted or one.get("name") in wanted]
    spool.gather("experiment", lambda _start, _since: iter([Page(chosen, None)]), lambda one: one.get("id"), _never)
    return chosen


def _dataset(api: Client, name: str) -> str:
    """The id of a dataset that is given by its id or its name."""
    if is_id(name, "Dataset"):
        return quote(name, safe="")
    found = [one for one in _data(api.get("/v1/datasets", {"name": name, "limit": PAGE})) if one.get("name") == name]
    if not found:
        raise SignalsError(f"the server has no dataset {name!r}", "Check `dataset:`: its name or its id")
    return quote(str(found[0]["id"]), safe="")


def _runs(api: Client, experiments: Sequence[Row], spool: Spool) -> None:
    """The runs with their scores, and what the examples' metadata say, which the runs leave out."""

    def runs(experiment: Row, _cursor: str | None) -> Iterator[Page]:
        name = str(experiment["id"])
        answer = api.get(f"/v1/experiments/{quote(name, safe='')}/json")
        if not isinstance(answer, list) or not all(_is_run(one) for one in answer):
            raise SignalsError("the server's answer is no list of runs", "Check `url:`: it must lead to Phoenix")
        yield Page([{**one, "experiment_id": name} for one in answer], None)

    def examples(version: tuple[str, str], _cursor: str | None) -> Iterator[Page]:
        dataset, number = version
        answer = _one(api.get(f"/v1/datasets/{quote(dataset, safe='')}/examples", {"version_id": number or None}))
        yield Page([{**one, "version": number} for one in _listed(answer.get("examples"))], None)

    made = [one for one in experiments if _ran(one)]
    versions = sorted({(str(one.get("dataset_id")), scalar(one.get("dataset_version_id")) or "") for one in made})
    spool.gather("run", _chained(made, runs), run_name, _never)
    spool.gather(
        "example", _chained(versions, examples), lambda one: example_name(one.get("version"), one.get("id")), _never
    )


def _ran(experiment: Row) -> bool:
    """Whether it has a run: of one without any the server refuses the list."""
    counts = [experiment.get(f"{kind}_run_count") for kind in ("successful", "failed")]
    return not all(isinstance(count, int) for count in counts) or any(counts)


def _is_run(one: Any) -> bool:
    return (
        isinstance(one, Mapping)
        and bool(scalar(one.get("example_id")))
        and isinstance(one.get("repetition_number"), int)
        and isinstance(one.get("annotations"), list)
        and all(isinstance(note, Mapping) for note in one["annotations"])
    )


# --- spans ----------------------------------------------------------------------------------------------------------


def _spans(api: Client, projects: Sequence[str], source: Source, spool: Spool) -> None:
    def pages(start: str | None, since: datetime | None) -> Iterator[Page]:
        def of(project: str, first: str | None) -> Iterator[Page]:
            path = f"/v1/projects/{quote(project, safe='')}/spans"
            newer = since.isoformat() if since else None

            def ask(cursor: str | None) -> Any:
                return api.get(path, {"limit": PAGE, "cursor": cursor, "start_time": newer})

            try:
                yield from by_cursor(ask, _data, _next, start=first, what="spans")
            except StatusError as error:
                if error.status != 404 or project == source.options.get("project"):
                    raise
                yield Page([], None)  # an experiment that ran without tracing names a project that does not exist

        def named(page: Page, project: str) -> Page:
            return Page([{**row, "project": project} for row in page.rows], page.following)

        return _chained(projects, lambda project, first: (named(page, project) for page in of(project, first)))(
            start, since
        )

    spool.gather("span", pages, span_id, lambda span: _start(span, source))


def _start(span: Row, source: Source) -> datetime | None:
    return moment(scalar(span.get("start_time")), source, "the server's answer")


def _notes(api: Client, projects: Sequence[str], source: Source, spool: Spool) -> None:
    """What was said of each span and each trace. An annotation is as old as its span: late ones come with it."""
    for kind, path, key in (
        ("annotation", "span_annotations", "span_id"),
        ("trace_annotation", "trace_annotations", "trace_id"),
    ):
        starts: dict[str, datetime | None] = {}
        of: dict[str, list[str]] = {project: [] for project in projects}
        for span in spool.rows("span"):
            target = str(span_id(span) if key == "span_id" else trace_of(span))
            if target not in starts and span.get("project") in of:
                starts[target] = _start(span, source)
                of[str(span["project"])].append(target)
        _of_targets(api, spool, kind, path, key, of, starts)


def _of_targets(
    api: Client,
    spool: Spool,
    kind: str,
    path: str,
    key: str,
    of: Mapping[str, Sequence[str]],
    starts: Mapping[str, datetime | None],
) -> None:
    def pages(start: str | None, since: datetime | None) -> Iterator[Page]:
        newer = {
            project: [name for name in names if since is None or (at := starts[name]) is None or at >= since]
            for project, names in of.items()
        }
        parts = [
            (project, names[first : first + AT_ONCE])
            for project, names in newer.items()
            for first in range(0, len(names), AT_ONCE)
        ]

        def ask_all(part: tuple[str, list[str]], first: str | None) -> Iterator[Page]:
            project, names = part

            def ask(cursor: str | None) -> Any:
                where = f"/v1/projects/{quote(project, safe='')}/{path}"
                return api.get(where, {f"{key}s": names, "limit": NOTES, "cursor": cursor})

            return by_cursor(ask, _data, _next, start=first, what="annotations")

        return _chained(parts, ask_all)(start, since)

    spool.gather(kind, pages, lambda row: f"{row.get(key)} {row.get('id')}", lambda row: starts.get(str(row.get(key))))


def _chained(
    parts: Sequence[Part], pages: Callable[[Part, str | None], Iterator[Page]]
) -> Callable[[str | None, datetime | None], Iterator[Page]]:
    """Several lists as one: where the rest begins is the number of a list and the cursor in it."""

    def whole(start: str | None, _since: datetime | None) -> Iterator[Page]:
        number, _, cursor = (start or "0 ").partition(" ")
        for place in range(int(number), len(parts)):
            for page in pages(parts[place], cursor or None):
                rest = f"{place + 1} " if place + 1 < len(parts) else None
                yield Page(page.rows, rest if page.following is None else f"{place} {page.following}")
            cursor = ""

    return whole
