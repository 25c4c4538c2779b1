"""The ``growthbook`` connector: results of an experiment as counts, from GrowthBook's API or its saved answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from signals.connectors.api.access import bearer, secret
from signals.connectors.api.arms import cells, saved
from signals.connectors.api.client import Client, StatusError, client, named
from signals.connectors.api.growthbook_said import Answers, metric_ids, parts
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.jsonfile import dig, scalar
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.shapes import check_map, segment_dimensions
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 60  # what the API allows
EXPERIMENT = "/api/v1/experiments/{}"
RESULTS = "/api/v1/experiments/{}/results"
METRIC = "/api/v1/metrics/{}"
FACT_METRIC = "/api/v1/fact-metrics/{}"
FACT = "fact__"  # how ids of fact metrics begin
DAYS = "pre:date"
PREFIX = re.compile(r"/api(/v1)?/?$")
"""What GrowthBook's own documentation writes at the end of an address, and the paths here begin with."""


class GrowthBook:
    """GrowthBook Cloud or a server of one's own, or saved answers of its API."""

    name = "growthbook"
    shapes: tuple[str, ...] = ("outcome_counts",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import GrowthBookEntry

        return GrowthBookEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options = source.options
        problems = check_common(source, document, loc)
        problems += check_server(source, document, loc, secret=("token",), own=("experiment", "phase", "dimension"))
        problems += check_map(document, loc, source.map, (), ("variant",))
        problems += check_recoding(source, document, loc, ("variant", "dimension"))
        for key, what, remedy in (
            ("experiment", "does not say which experiment", "Add `experiment:` with its id, such as exp_123"),
            ("token", "does not say how to sign in", "Add `token:` with a variable that holds the secret key"),
        ):
            if "url" in options and key not in options:
                problems.append(document.problem(loc, f"source {source.name!r} {what}", remedy, key=True))
        dimension, dimensions = str(options.get("dimension", "")), segment_dimensions(source.map)
        if dimension.startswith("pre:") and dimension != DAYS:
            what = f"`dimension: {dimension}` is not known before a unit is exposed"
            problems.append(document.problem((*loc, "dimension"), what, f"Only {DAYS} and dimensions of units are"))
        if dimensions and (dimension == DAYS or ("url" in options and not dimension)):
            what = "a segment needs results by that dimension"
            remedy = "Give `dimension:` the dimension of the segment, such as exp:country"
            problems.append(document.problem((*loc, "map"), what, remedy, key=True))
        if len(dimensions) > 1 or any(source.map[f"segment.{name}"] != "dimension" for name in dimensions):
            what = "results are divided by one dimension, whose value is `dimension`"
            problems.append(document.problem((*loc, "map"), what, "Write one `segment.NAME: dimension`", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a server."""
        if "url" in source.options:
            return None
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """One cell per variation, segment and first day."""
        filled = resolved(source, project)
        try:
            if "path" in filled.options:
                answers = _answers(input_files(filled, project))
            else:
                base = PREFIX.sub("", str(filled.options["url"]))
                headers = bearer(str(secret(filled, "token")))
                rooted = replace(filled, options={**filled.options, "url": base})
                with client(rooted, source, project, headers=headers, per_minute=PER_MINUTE) as api:
                    answers = _fetch(api, filled, project)
            yield from cells(parts(answers, filled), filled, project, tally)
        except StatusError:
            raise
        except SignalsError as error:
            raise named(error, filled, project) from None
        require_rows(tally, filled, project, "Let GrowthBook analyse the experiment first")


# --- the server -----------------------------------------------------------------------------------------------------


def _fetch(api: Client, source: Source, project: Project) -> Answers:
    """The newest results, the experiment, and the definitions of the metrics that may be the one."""
    options = source.options
    experiment = quote(str(options["experiment"]), safe="")
    phase = options.get("phase")
    asked = {"phase": None if phase is None else str(phase), "dimension": options.get("dimension")}
    try:
        result = _held(api.get(RESULTS.format(experiment), asked), "result")
    except StatusError as error:
        _no_results(error, source, project)
    if options.get("dimension") and dig(result, "dimension.type") in (None, "none"):
        what = f"the server gives results that are not divided by {options['dimension']!r}"
        raise SignalsError(what, "Let GrowthBook analyse the experiment by this dimension first")
    ids, wanted = metric_ids(result), options.get("metric")
    answers = Answers(result, _held(api.get(EXPERIMENT.format(experiment)), "experiment"))
    for name in [wanted] if wanted in ids else ids:
        answers.metrics[name] = _metric(api, name)
    return answers


def _metric(api: Client, name: str) -> Mapping[str, Any]:
    """The definition of a metric, empty when it was deleted: its results stay."""
    fact = name.startswith(FACT)
    path = (FACT_METRIC if fact else METRIC).format(quote(name.partition("?")[0], safe=""))
    try:
        return _held(api.get(path), "factMetric" if fact else "metric")
    except StatusError as error:
        if error.status != 404:
            raise
        return {}


def _no_results(error: StatusError, source: Source, project: Project) -> NoReturn:
    """The server answers 400 or 404 when the experiment was never analysed in this way."""
    if error.status not in (400, 404):
        raise error
    divided = f" by {source.options['dimension']!r}" if source.options.get("dimension") else ""
    remedy = f"Check `experiment:` and `phase:`, and let GrowthBook analyse the experiment{divided} first"
    what = error.problems[0].what if isinstance(error.problems[0], Problem) else str(error)
    raise StatusError(error.status, what, remedy, file=str(project.sources_path), line=source.line) from None


def _held(answer: Any, key: str) -> Mapping[str, Any]:
    found = answer.get(key) if isinstance(answer, Mapping) else None
    if not isinstance(found, Mapping):
        raise SignalsError(f"the server's answer holds no {key!r}", "Check `url:`: it must lead to GrowthBook's API")
    return found


# --- files ----------------------------------------------------------------------------------------------------------


def _answers(files: Iterable[InputFile]) -> Answers:
    """Saved answers of one experiment: its results, and the experiment and its metrics where they were saved too."""
    results: dict[tuple[str, ...], tuple[str, Mapping[str, Any]]] = {}
    experiments: dict[str, Mapping[str, Any]] = {}
    metrics: dict[str, Mapping[str, Any]] = {}
    for file, data in saved(files):
        known = False
        if isinstance(result := data.get("result"), Mapping) and isinstance(result.get("results"), list):
            known = True
            key = tuple(str(dig(result, path)) for path in ("experimentId", "phase", "dimension.type", "dimension.id"))
            if key not in results or str(results[key][1].get("dateUpdated")) < str(result.get("dateUpdated")):
                results[key] = file, result
        if isinstance(one := data.get("experiment"), Mapping):
            known, experiments[str(one.get("id"))] = True, one
        for form in ("metric", "factMetric"):
            if isinstance(one := data.get(form), Mapping):
                known, metrics[str(one.get("id"))] = True, one
        if not known:
            remedy = "Save the answers of /api/v1/experiments/ID/results and /api/v1/experiments/ID"
            raise SignalsError("is no answer of GrowthBook's API", remedy, file=file)
    if not results:
        raise SignalsError("no file holds results", "Save the answer of /api/v1/experiments/ID/results")
    if len(results) > 1:
        (one_file, _), (other, _), *_ = results.values()
        what = f"{one_file} and {other} are of other experiments, phases or dimensions: their units would count twice"
        raise SignalsError(what, "Make a source of each, or name one of them in `path:`")
    _, result = next(iter(results.values()))
    return Answers(
        result,
        experiments.get(scalar(result.get("experimentId")) or "", {}),
        {name: metrics.get(name.partition("?")[0], {}) for name in metric_ids(result)},
    )
