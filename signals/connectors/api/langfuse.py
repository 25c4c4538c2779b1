"""The ``langfuse`` connector: scores that judges, people and users gave, from Langfuse's API or its saved pages.

Scores come from version 3 of the API, and from version 2 where that is missing (self-hosted servers that were not
upgraded). Which item and which variant a score is about, the experiments say, or the score's or trace's own fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from signals.connectors.api import client as clients
from signals.connectors.api.access import basic, secret
from signals.connectors.api.client import Client, StatusError, client
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.langfuse_rows import score_row, trace_row
from signals.connectors.api.langfuse_said import KINDS, Book, outputs, sayings
from signals.connectors.api.paging import Page, Row, by_cursor, by_number
from signals.connectors.api.spool import Spool, forget, spooled, unspooled
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.evals import judged
from signals.connectors.jsonfile import load_json, moment, scalar
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.said import records
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 30  # what the smallest plan allows
PAGE = 100
BEGIN = "2020-01-01T00:00:00Z"  # before there were experiments
SCORES_3 = "/api/public/v3/scores"
SCORES_2 = "/api/public/v2/scores"
ITEMS = "/api/public/experiment-items"
OBSERVATIONS = "/api/public/v2/observations"
TRACES = "/api/public/traces"
OLD = "v2:"  # marks where a list of version 2 goes on
FIELDS = {
    "item_score": judged.FIELDS,
    "rating": ("item", "variant", "rater"),
    "feedback": ("variant", "user"),
}
ONLY_FOR = {"scale": ("rating",), "impressions": ("feedback",), "scorer_version": ("item_score",)}

When = Callable[[Row], datetime | None]


class Langfuse:
    """Langfuse Cloud or a server of one's own, or saved pages of its API."""

    name = "langfuse"
    shapes: tuple[str, ...] = ("item_score", "rating", "feedback")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import LangfuseEntry

        return LangfuseEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options, shape = source.options, str(source.options["shape"])
        problems = check_common(source, document, loc)
        keys = ("public_key", "secret_key")
        problems += check_server(
            source, document, loc, secret=keys, own=("experiments", "environment", "traces", "since")
        )
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], "value"))
        for key, only in ONLY_FOR.items():
            if key in options and shape not in only:
                what = f"`{key}:` is for shape {only[0]}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        if "url" in options and not all(key in options for key in keys):
            what = f"source {source.name!r} does not say how to sign in"
            problems.append(document.problem(loc, what, "Add `public_key:` and `secret_key:`", key=True))
        if options.get("impressions") and "url" in options and not options.get("traces"):
            what = "`impressions:` needs the traces, which are the answers that were shown"
            problems.append(document.problem((*loc, "impressions"), what, "Add `traces: true`", key=True))
        if options.get("traces") and "since" not in options:
            what = "`traces:` needs to know from which day on"
            problems.append(document.problem((*loc, "traces"), what, "Add `since: 2026-11-10`", key=True))
        if options.get("variant") and "variant" in source.map:
            what = "the variant is said twice: by `variant:` and in `map:`"
            problems.append(document.problem((*loc, "variant"), what, "Keep one of them", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a server."""
        if "url" in source.options:
            return None
        return files_fingerprint(input_files(resolved(source, project), project))

    def forget(self, source: Source, project: Project) -> None:
        """Throw away what earlier pulls kept of the server's answers."""
        forget(source, project)

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every judgement as an ``ItemScore``, every annotation as a ``Rating``, or thumbs as cells."""
        filled = resolved(source, project)
        shape = str(filled.options["shape"])
        with _spool(filled, source, project) as spool:
            book = Book(spool, filled)
            if shape == "item_score":
                yield from judged.item_scores(outputs(book, tally), filled, tally, thing="score")
            else:
                without = () if shape == "rating" or "user" in filled.map else ("user",)
                yield from records(sayings(book, tally), shape, filled, project, tally, without=without)
        require_rows(tally, filled, project, "Check `experiments:`, `metric:`, `environment:` and `since:`")


def _spool(filled: Source, written: Source, project: Project) -> AbstractContextManager[Spool]:
    if "path" in filled.options:
        files = input_files(filled, project)
        return unspooled(lambda spool: _fill(spool, files, filled))
    user, password = secret(filled, "public_key"), secret(filled, "secret_key")

    def fetch(spool: Spool) -> None:
        headers = basic(str(user), str(password))
        with client(filled, written, project, headers=headers, per_minute=PER_MINUTE) as api:
            _fetch(api, filled, spool)

    keys = ("url", "public_key", "experiments", "environment", "traces", "since", "reread", "metric", "shape")
    about = {key: filled.options.get(key) for key in keys}
    return spooled(filled, project, {"connector": "langfuse", **about}, fetch)


# --- the server -----------------------------------------------------------------------------------------------------


def _fetch(api: Client, source: Source, spool: Spool) -> None:
    options = source.options
    experiments = options.get("experiments")
    begin = f"{options['since']}T00:00:00Z" if options.get("since") else None
    if experiments:
        names = ",".join(experiments)
        fields = "core,dataset,metadata,itemMetadata,experimentMetadata"

        def items(start: str | None, since: datetime | None) -> Iterator[Page]:
            asked = {"experimentName": names, "fields": fields, "limit": PAGE,
                     "fromStartTime": _utc(since) or begin or BEGIN}  # fmt: skip
            found = _unless_missing(_by_cursor(api, ITEMS, asked, start, "experiment items"), start)
            if found is None:
                remedy = "Leave `experiments:` out, write the item into the scores' metadata and map `variant`"
                raise SignalsError("the server has no experiments in its API: it is older than Langfuse 4", remedy)
            return found

        spool.gather("item", items, lambda row: row.get("traceId"), _at(source, "startTime"))
    if options.get("traces"):

        def traces(start: str | None, since: datetime | None) -> Iterator[Page]:
            return _traces(api, start, _utc(since) or str(begin), options)

        spool.gather("trace", traces, lambda row: row.get("id"), _at(source, "timestamp"))

    def scores(start: str | None, since: datetime | None) -> Iterator[Page]:
        return _scores(api, start, _utc(since) or begin, options)

    spool.gather("score", scores, lambda row: row.get("id"), _at(source, "timestamp"))


def _scores(api: Client, start: str | None, begin: str | None, options: Mapping[str, Any]) -> Iterator[Page]:
    """Scores of version 3; of version 2 where the server has no other."""
    shape, metric = str(options["shape"]), options.get("metric")
    asked = {"limit": PAGE, "fromTimestamp": begin, "environment": options.get("environment")}
    if metric is not None and "," not in metric:  # a comma would make two names of it
        asked["name"] = metric
    newer = {**asked, "fields": "details,subject,annotation", "source": ",".join(KINDS[shape])}
    new = _unless_missing(_by_cursor(api, SCORES_3, newer, start, "scores"), start)
    if new is None:
        yield from _by_number(api, SCORES_2, asked, start, score_row)
        return
    for page in new:
        yield Page([score_row(row) for row in page.rows], page.following)


def _traces(api: Client, start: str | None, begin: str, options: Mapping[str, Any]) -> Iterator[Page]:
    """The first observation of each trace; the list of traces where the server has no such list."""
    shared = {"environment": options.get("environment")}
    until = datetime.fromtimestamp(clients.CLOCK.now(), UTC).replace(microsecond=0)
    asked = {**shared, "limit": PAGE, "fields": "core,basic,metadata,trace_context", "fromStartTime": begin,
             "toStartTime": _utc(until)}  # fmt: skip
    new = _unless_missing(_by_cursor(api, OBSERVATIONS, asked, start, "observations"), start)
    if new is None:
        yield from _by_number(api, TRACES, {**shared, "limit": PAGE, "fromTimestamp": begin}, start, trace_row)
        return
    for page in new:
        yield Page([trace_row(row) for row in page.rows if not row.get("parentObservationId")], page.following)


def _unless_missing(pages: Iterator[Page], start: str | None) -> Iterator[Page] | None:
    """The pages; None when the server has no such list (or did not have it when this pull began)."""
    if start is not None:
        return None if start.startswith(OLD) else pages
    try:
        return chain((next(pages),), pages)
    except StatusError as error:
        if error.status != 404:
            raise
        return None


def _by_cursor(api: Client, path: str, asked: Mapping[str, Any], start: str | None, what: str) -> Iterator[Page]:
    return by_cursor(
        lambda cursor: api.get(path, {**asked, "cursor": cursor}),
        _data, lambda answer: _meta(answer).get("cursor"), start=start, what=what,
    )  # fmt: skip


def _by_number(
    api: Client, path: str, asked: Mapping[str, Any], start: str | None, form: Callable[[Row], dict[str, Any]]
) -> Iterator[Page]:
    number = start.removeprefix(OLD) if start else None
    for page in by_number(
        lambda page: api.get(path, {**asked, "page": page}),
        _data, last=lambda answer: _meta(answer).get("totalPages"), size=PAGE, start=number, what=path,
    ):  # fmt: skip
        yield Page([form(row) for row in page.rows], page.following and OLD + page.following)


def _data(answer: Any) -> list[Row]:
    found = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise SignalsError("the server's answer holds no list of rows", "Check `url:`: it must lead to Langfuse")
    return found


def _meta(answer: Any) -> Mapping[str, Any]:
    found = answer.get("meta") if isinstance(answer, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _utc(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _at(source: Source, key: str) -> When:
    return lambda row: moment(scalar(row.get(key)), source, "the server's answer")


# --- files ----------------------------------------------------------------------------------------------------------


def _fill(spool: Spool, files: Iterable[InputFile], source: Source) -> None:
    """Read saved pages: scores of version 2 or 3, experiment items, observations or traces."""
    kinds: dict[str, tuple[int, int, str]] = {}
    edited: dict[tuple[str, str], str] = {}
    for file in files:
        data = load_json(file)
        try:
            rows = _data(data)
            kind, key, form, when = _kind(rows)
        except (SignalsError, StopIteration):
            remedy = "Save the answers of /api/public/v3/scores, and of /api/public/experiment-items"
            raise SignalsError("is no page of Langfuse's API", remedy, file=file.name) from None
        pages, ended, _ = kinds.get(kind, (0, 0, ""))
        meta = _meta(data)
        last = not meta.get("cursor") and meta.get("page", 0) >= (meta.get("totalPages") or 0)
        kinds[kind] = pages + 1, ended + last, file.name
        for given in rows:
            row = form(given)
            name = scalar(row.get(key))
            if name is None:
                raise SignalsError(f"holds a {kind} without an id", "Save the page again", file=file.name)
            version = str(row.get("updatedAt") or "")
            if (kind, name) not in edited or edited[(kind, name)] < version:
                edited[(kind, name)] = version
                spool.add(kind, name, row, _at(source, when)(row))
    for pages, ended, name in kinds.values():
        if not ended:
            what = f"says that more pages follow, and so does every other of the {pages}"
            raise SignalsError(what, "Save the following pages too", file=name)


def _kind(rows: list[Row]) -> tuple[str, str, Callable[[Row], dict[str, Any]], str]:
    """What the rows are, the key of their id, how to bring them into one form, and the key of their time."""
    if not rows:
        return "score", "id", score_row, "timestamp"
    if all("dataType" in row for row in rows):
        return "score", "id", score_row, "timestamp"
    if all("experimentItemId" in row and "traceId" in row for row in rows):
        return "item", "traceId", dict, "startTime"
    if all("traceId" in row or "userId" in row for row in rows):
        return "trace", "id", trace_row, "timestamp"
    raise SignalsError(f"unknown rows: {json.dumps(sorted(rows[0]))[:100]}")
