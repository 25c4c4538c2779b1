"""The ``statsig`` connector: results of an experiment as counts, from Statsig's Console API or its saved answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from signals.connectors.api.access import secret
from signals.connectors.api.arms import cells, pick, saved
from signals.connectors.api.client import Client, StatusError, client, named
from signals.connectors.api.keys import check_server, require_rows
from signals.connectors.api.statsig_said import (
    ALL_UNITS,
    LISTS,
    PER_DAY,
    Answers,
    Pulse,
    Row,
    metric_names,
    parts,
    sort_of,
)
from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.jsonfile import scalar
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.shapes import check_map
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

PER_MINUTE = 60  # 900 in 15 minutes are allowed
VERSION = "20240601"
EXPERIMENT = "/console/v1/experiments/{}"
PULSE = "/console/v1/experiments/{}/pulse_results"
METRIC = "/console/v1/metrics/{}"
PLAIN = {
    "cuped": "false", "confidence": "95", "applyBonferroniPerVariant": "false", "applyBonferroniPerMetric": "false",
    "applyBenjaminiHochbergPerMetric": "false", "applyBenjaminiHochbergPerVariant": "false",
}  # fmt: skip
"""What makes an answer one of unadjusted means with a 95 % interval."""


class Statsig:
    """Statsig's Console API, or saved answers of it."""

    name = "statsig"
    shapes: tuple[str, ...] = ("outcome_counts",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import StatsigEntry

        return StatsigEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        options = source.options
        problems = check_common(source, document, loc)
        problems += check_server(source, document, loc, secret=("token",), own=("experiment",))
        problems += check_map(document, loc, source.map, (), ("variant",), segments=False)
        problems += check_recoding(source, document, loc, ("variant",))
        needed = {
            "url": (("experiment", "which experiment"), ("token", "how to sign in")),
            "path": (("control", "which group is the control"), ("test", "which group is compared with it")),
        }
        for place, keys in needed.items():
            for key, thing in keys:
                if place in options and key not in options:
                    what = f"source {source.name!r} does not say {thing}"
                    problems.append(document.problem(loc, what, f"Add `{key}:`", key=True))
        if "path" in options and isinstance(options.get("test"), list):
            what = "a saved answer compares one group with the control"
            problems.append(document.problem((*loc, "test"), what, "Name one group, and make a source of each answer"))
        if "url" in options and "cuped" in options:
            what = "`cuped:` is for saved answers: a server is asked for unadjusted ones"
            problems.append(document.problem((*loc, "cuped"), what, "Leave it out", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents; None for a server."""
        if "url" in source.options:
            return None
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """One cell per group."""
        filled = resolved(source, project)
        try:
            if "path" in filled.options:
                answers = _answers(input_files(filled, project), filled)
            else:
                key = str(secret(filled, "token"))
                headers = {"STATSIG-API-KEY": key, "STATSIG-API-VERSION": VERSION}
                with client(filled, source, project, headers=headers, per_minute=PER_MINUTE) as api:
                    answers = _fetch(api, filled)
            yield from cells(parts(answers, filled), filled, project, tally)
        except StatusError:
            raise
        except SignalsError as error:
            raise named(error, filled, project) from None
        require_rows(tally, filled, project, "Wait until Statsig has computed the results")


# --- the server -----------------------------------------------------------------------------------------------------


def _fetch(api: Client, source: Source) -> Answers:
    """The comparison of every test group with the control, and what the metric is where its id does not say it."""
    options = source.options
    experiment = quote(str(options["experiment"]), safe="")
    control, tests = _groups(_data(api.get(EXPERIMENT.format(experiment))), options)
    answers = Answers()
    for test in tests:
        asked = {"control": control["id"], "test": test["id"], **PLAIN}
        answers.pulses.append(Pulse(control, test, _data(api.get(PULSE.format(experiment), asked))))
    names = {key: name for pulse in answers.pulses for key, name in metric_names(pulse.data).items()}
    metric = pick(options.get("metric"), names)
    if metric.rpartition("::")[2] not in (*ALL_UNITS, *PER_DAY) and not sort_of(metric, {}):
        answers.metrics[metric] = _data(api.get(METRIC.format(quote(metric, safe=""))))
    return answers


def _groups(experiment: Row, options: Mapping[str, Any]) -> tuple[Row, list[Row]]:
    """The control group and the groups to compare with it: those that the source names, else all others."""
    listed = experiment.get("groups")
    groups = [one for one in listed if isinstance(one, Mapping) and scalar(one.get("id"))] if isinstance(
        listed, list) else []  # fmt: skip
    known = ", ".join(str(one.get("name")) for one in groups)
    if len(groups) < 2:
        raise SignalsError("the experiment has fewer than two groups", "Check `experiment:` and that it was started")

    def named_so(wanted: str, key: str) -> Row:
        found = [one for one in groups if wanted in (one["id"], one.get("name"))]
        if len(found) != 1:
            raise SignalsError(f"`{key}:` {wanted!r} is no group of the experiment", f"Its groups: {known}")
        return found[0]

    if options.get("control"):
        control = named_so(str(options["control"]), "control")
    else:
        marked = [one for one in groups if one.get("isControl") is True] or [
            one for one in groups if str(one.get("name")).casefold() == "control"
        ]
        if len(marked) != 1:
            raise SignalsError("nothing says which group is the control", f"Add `control:`. The groups: {known}")
        control = marked[0]
    given = options.get("test")
    wanted = [given] if isinstance(given, str) else given
    tests = [named_so(str(one), "test") for one in wanted] if wanted else [one for one in groups if one is not control]
    if any(one is control for one in tests):
        raise SignalsError(f"the group {control['name']!r} would be compared with itself", "Check `test:`")
    return control, list({str(one["id"]): one for one in tests}.values())


def _data(answer: Any) -> Row:
    found = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(found, Mapping):
        raise SignalsError(
            "the server's answer holds no 'data'", "Check `url:`: it must lead to https://statsigapi.net"
        )
    return found


# --- files ----------------------------------------------------------------------------------------------------------


def _answers(files: Iterable[InputFile], source: Source) -> Answers:
    """One saved comparison, and definitions of metrics where they were saved too."""
    options = source.options
    answers = Answers(raw=options.get("cuped") is False)
    control, test = ({"id": str(options[key]), "name": str(options[key])} for key in ("control", "test"))
    first = ""
    for file, answer in saved(files):
        data = answer.get("data")
        if isinstance(data, Mapping) and any(isinstance(data.get(key), list) for key in LISTS):
            if answers.pulses:
                what = f"{first} and {file} are both results, and neither says of which groups"
                raise SignalsError(what, "Make a source of each, or name one of them in `path:`")
            first = file
            answers.pulses.append(Pulse(control, test, data))
        elif isinstance(data, Mapping) and isinstance(data.get("id"), str) and "type" in data:
            answers.metrics[data["id"]] = data
        else:
            remedy = "Save the answers of pulse_results, and of /console/v1/metrics/ID for metrics of a warehouse"
            raise SignalsError("is no answer of Statsig's API", remedy, file=file)
    if not answers.pulses:
        raise SignalsError("no file holds results", "Save the answer of /console/v1/experiments/ID/pulse_results")
    return answers
