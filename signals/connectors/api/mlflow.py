"""The ``mlflow`` connector: what judges and people said of traces, from a tracking server or from its saved answers.

Judges, panels and thumbs share one list of assessments per trace. The judge still runs over a trace that failed, and
what it says counts in the tool's own means; here it never does. An error of a judge is filed under CODE; what a person
put in the place of a judge's score stays out of the judge's series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.api.access import basic, bearer, secret
from signals.connectors.api.client import Client, StatusError, client
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.mlflow_files import fill
from signals.connectors.api.mlflow_rows import run_row, source_run
from signals.connectors.api.mlflow_said import outputs, sayings
from signals.connectors.api.paging import Page, Row, by_cursor
from signals.connectors.api.spool import Spool, forget, spooled, unspooled
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.evals import judged
from signals.connectors.jsonfile import moment, scalar
from signals.connectors.paths import files_fingerprint, input_files
from signals.connectors.said import records
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 600
PAGE = 500
TRACES = "/api/3.0/mlflow/traces/search"
RUN = "/api/2.0/mlflow/runs/get"
EXPERIMENT = "/api/2.0/mlflow/experiments/get-by-name"
FIELDS = {
    "item_score": judged.FIELDS,
    "rating": ("item", "variant", "rater"),
    "feedback": ("variant", "user"),
}
ONLY_FOR = {"scale": ("rating",), "impressions": ("feedback",), "scorer_version": ("item_score",)}


class Mlflow:
    """An MLflow tracking server (3.x), or saved answers of its REST API."""

    name = "mlflow"
    shapes: tuple[str, ...] = ("item_score", "rating", "feedback")

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import MlflowEntry

        return MlflowEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options, shape = source.options, str(source.options["shape"])
        problems = check_common(source, document, loc)
        problems += check_server(
            source, document, loc, secret=("token", "user", "password"), own=("experiment", "filter")
        )
        problems += check_map(document, loc, source.map, (), FIELDS[shape])
        problems += check_recoding(source, document, loc, (*FIELDS[shape], "value"))
        for key, only in ONLY_FOR.items():
            if key in options and shape not in only:
                what = f"`{key}:` is for shape {only[0]}"
                problems.append(document.problem((*loc, key), what, "Leave it out", key=True))
        if "url" in options and "experiment" not in options:
            what = f"source {source.name!r} does not say which experiment"
            problems.append(document.problem(loc, what, "Add `experiment:` with its name or its id", key=True))
        if ("user" in options) != ("password" in options):
            problems.append(document.problem(loc, "`user:` and `password:` go together", "Give both", key=True))
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
        """Every judgement as an ``ItemScore``, every rating as a ``Rating``, or thumbs as cells."""
        filled = resolved(source, project)
        shape = str(filled.options["shape"])
        with _spool(filled, source, project) as spool:
            rows = Traces(spool)
            if shape == "item_score":
                yield from judged.item_scores(outputs(rows, filled, tally), filled, tally, thing="trace")
            else:
                known = "user" in filled.map or not filled.options.get("impressions")
                without = () if known else ("user",)
                yield from records(sayings(rows, shape, filled, tally), shape, filled, project, tally, without=without)
        require_rows(tally, filled, project, "Check `experiment:`, `filter:` and `shape:`")


class Traces:
    """The traces with their runs, as often as they are asked for."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._runs: dict[str | None, dict[str, Any]] = {None: run_row(None)}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for trace in self._spool.rows("trace"):
            name = source_run(trace)
            if name not in self._runs:
                self._runs[name] = run_row(self._spool.row("run", str(name)))
            yield {**trace, "run": self._runs[name]}


def _spool(filled: Source, written: Source, project: Project) -> AbstractContextManager[Spool]:
    if "path" in filled.options:
        files = input_files(filled, project)
        return unspooled(lambda spool: fill(spool, files, filled))
    about = {key: filled.options.get(key) for key in ("url", "experiment", "filter", "reread")}
    runs = needs_runs(filled)

    def fetch(spool: Spool) -> None:
        with client(filled, written, project, headers=_headers(filled), per_minute=PER_MINUTE) as api:
            _fetch(api, filled, spool, runs=runs)

    return spooled(filled, project, {"connector": "mlflow", **about, "runs": runs}, fetch)


def needs_runs(source: Source) -> bool:
    """Whether anything that is read stands in a trace's run."""
    told = "variant" in source.map or "variant" in source.options
    return not told or any(path.startswith("run.") for path in (*source.map.values(), *source.where))


def _headers(source: Source) -> dict[str, str]:
    token, user, password = (secret(source, key) for key in ("token", "user", "password"))
    if token:
        return bearer(token)
    return basic(user, password) if user and password else {}


def _fetch(api: Client, source: Source, spool: Spool, *, runs: bool) -> None:
    """All traces of the experiments, and each run that one of them names."""
    wanted = [
        {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": _experiment(api, name)}}
        for name in _listed(source.options["experiment"])
    ]

    def pages(start: str | None, since: datetime | None) -> Iterator[Page]:
        newer = [f"attributes.timestamp_ms >= {int(since.timestamp() * 1000)}"] if since else []
        told = " AND ".join([*([str(source.options["filter"])] if source.options.get("filter") else []), *newer])
        body = {"locations": wanted, "max_results": PAGE, "order_by": ["timestamp_ms ASC"]}

        def ask(token: str | None) -> Any:
            return api.post(TRACES, {**body, **({"filter": told} if told else {}),
                                     **({"page_token": token} if token else {})})  # fmt: skip

        return by_cursor(ask, _traces, lambda answer: answer.get("next_page_token"), start=start, what="traces")

    spool.gather("trace", pages, lambda trace: trace.get("trace_id"), lambda trace: _when(trace, source))
    for trace in spool.rows("trace") if runs else ():
        run = source_run(trace)
        if run and not spool.fresh("run", run):
            spool.add("run", run, _run(api, run))


def _experiment(api: Client, name: str) -> str:
    """The id of an experiment that is given by its id or its name."""
    if name.isdecimal():
        return name
    found = api.get(EXPERIMENT, {"experiment_name": name})
    return str(found["experiment"]["experiment_id"])


def _listed(given: Any) -> list[str]:
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def _traces(answer: Any) -> list[Row]:
    """The traces of an answer; the server leaves the key out when there are none."""
    found = answer.get("traces", []) if isinstance(answer, Mapping) else None
    if not isinstance(found, list):
        raise SignalsError("the server's answer is no list of traces", "Check `url:`: it must lead to MLflow 3")
    return found


def _when(trace: Row, source: Source) -> datetime | None:
    return moment(scalar(trace.get("request_time")), source, "the server's answer")


def _run(api: Client, run: str) -> Row:
    """A run, empty when it was deleted: its traces stay."""
    try:
        found = api.get(RUN, {"run_id": run})
    except StatusError as error:
        if error.status != 404:
            raise
        return {}
    known = found.get("run") if isinstance(found, Mapping) else None
    return known if isinstance(known, Mapping) else {}
