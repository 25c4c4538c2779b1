"""The ``deepeval`` connector: metric scores from the test runs that DeepEval writes to its results folder.

Only ``metricsData`` of each test case is read. The file's ``metricsScores`` leave out what failed, so their places do
not match the cases'.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.env import resolved
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.output import Output, Word, number
from signals.connectors.evals.runs import Arms, flat
from signals.connectors.jsonfile import dig, id_like, load_json, moment, scalar, selected
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.model import Problem, Project, Record, ScoreError, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

STAMP = re.compile(r"test_run_(\d{8})_(\d{6})(?:_(\d+))?\.json")
KIND = re.compile(r" [\[(]((?:Conversational |Arena )?GEval|(?:Conversational)?DAG)[\])]$")
ORDINAL = re.compile(r"(?:conversational_)?test_case_\d+|.*\[[A-Za-z_]+\d+\]")
UNPARSED = re.compile(
    r"invalid json|not valid json|could not (extract|parse)|failed to parse|jsondecode", re.IGNORECASE
)
NO_OUTPUT = re.compile(r"'(actual_output|turns)'.*cannot be")
CASES = ("testCases", "conversationalTestCases")

Case = Mapping[str, Any]


class DeepEval:
    """DeepEval's test runs (``DEEPEVAL_RESULTS_FOLDER=DIR``: ``test_run_….json``)."""

    name = "deepeval"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import RunEntry

        return RunEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        return check_entry(source, document, loc)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every test case as an ``ItemScore`` per metric that a model grades, or for the one that ``metric:`` names."""
        filled = resolved(source, project)
        files = input_files(filled, project)
        yield from item_scores(_outputs(files, filled, tally), filled, tally, thing="test case")
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))


@dataclass(frozen=True)
class _Run:
    """What a file says of all its test cases."""

    file: InputFile
    about: Mapping[str, Any]  # what stands beside the cases: identifier, hyperparameters
    variant: str | None
    at: datetime | None
    metrics: Mapping[str, Word]  # by the names that the file gives them; asked and not yet answered
    rubrics: Mapping[str, str]  # of the metrics that log theirs


def _outputs(files: Iterable[InputFile], source: Source, tally: Tally) -> Iterator[Output]:
    """The test cases of all files, oldest first; a second copy of a run is the same evidence again."""
    arms = Arms(source)
    seen: dict[str, str] = {}
    for file in sorted(files, key=_order):
        data = _loaded(file)
        about = {key: value for key, value in data.items() if key not in (*CASES, "metricsScores")}
        content = _content(data)
        before = seen.setdefault(content, file.name)
        for kind in CASES:
            cases = [case for case in data.get(kind) or [] if selected({**about, **case}, source)]
            if not cases:
                continue
            if before != file.name:
                tally.rows_read += len(cases)
                why = "the same test run was read from another file already"
                tally.set_aside(why, rows=len(cases), example=f"{before} and {file.name}")
                continue
            yield from _of(_run(file, about, cases, arms, source), cases, source)


def _order(file: InputFile) -> tuple[bool, str, int, str]:
    stamp = STAMP.match(PurePath(file.name).name)
    return (stamp is None, stamp[1] + stamp[2] if stamp else "", int(stamp[3] or 1) if stamp else 0, file.name)


def _content(data: Mapping[str, Any]) -> str:
    """Hash of a run, which may hold NaN."""
    whole = {key: data.get(key) for key in (*CASES, "identifier", "hyperparameters")}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _loaded(file: InputFile) -> Mapping[str, Any]:
    data = load_json(file)
    told = {kind: data[kind] or [] for kind in CASES if kind in data} if isinstance(data, dict) else {}
    if not isinstance(data, dict) or not told or not all(isinstance(cases, list) for cases in told.values()):
        remedy = "Set DEEPEVAL_RESULTS_FOLDER and take the test_run_….json files that DeepEval writes there"
        raise SignalsError("is not a test run of DeepEval: it has no testCases", remedy, file=file.name)
    if not all(isinstance(case, Mapping) for cases in told.values() for case in cases):
        raise SignalsError("testCases holds something that is no test case", "Export it again", file=file.name)
    return data


def _run(file: InputFile, about: Mapping[str, Any], cases: list[Case], arms: Arms, source: Source) -> _Run:
    settings = dict(flat(about.get("hyperparameters"), "hyperparameters"))
    variant = arms.variant(scalar(about.get("identifier")), settings, file.name)
    rubrics: dict[str, str] = {}
    for case in cases:
        for said in _metrics(case):
            rubric = rubric_of(said)
            if rubric:
                rubrics.setdefault(str(said["name"]), rubric)
    metrics: dict[str, Word] = {}
    for case in cases:
        for said in _metrics(case):
            word = _word(said, rubrics, source)
            metrics.setdefault(str(said["name"]), replace(word, value=None, error="skipped"))
    return _Run(file, about, variant, _written(file, source), metrics, rubrics)


def _written(file: InputFile, source: Source) -> datetime | None:
    """When the run was written: only the file's name says so, as local time, which needs the source's ``timezone:``."""
    stamp = STAMP.match(PurePath(file.name).name)
    if stamp is None or source.timezone is None:
        return None
    return moment(f"{stamp[1]}T{stamp[2]}", source, file.name)


def _of(run: _Run, cases: Iterable[Case], source: Source) -> Iterator[Output]:
    path: str | None = None
    inputs: dict[str, str] = {}
    for case in cases:
        item = None
        if "item" not in source.map:
            path = path or _default_item(case)
            item = scalar(dig(case, path))
            _one_input(item, path, case, inputs, run.file)
        yield _output(run, case, item, source)


def _default_item(case: Case) -> str:
    """Where a test case's id stands when the source does not say."""
    key = id_like(case.get("metadata"))
    return f"metadata.{key}" if key else "name"


def _one_input(item: str | None, path: str, case: Case, inputs: dict[str, str], file: InputFile) -> None:
    """A name that the tool numbered, or that several inputs share, names no item."""
    remedy = "Map what names the item in every run: `item: metadata.NAME`, or `item: input` for the text that was asked"
    if item is None:
        return
    if path == "name" and ORDINAL.fullmatch(item):
        what = f"the test case {item!r} has no name but its place in the run, which may be another item's in the next"
        raise SignalsError(what, f"{remedy} (`item: name` if the places never change)", file=file.name)
    asked = repr(_asked(case))
    if inputs.setdefault(item, asked) != asked:
        raise SignalsError(f"{path} {item!r} stands for several inputs", remedy, file=file.name)


def _output(run: _Run, case: Case, item: str | None, source: Source) -> Output:
    said = [(str(one["name"]), _word(one, run.rubrics, source)) for one in _metrics(case)]
    names = {name for name, _ in said}
    # DeepEval drops a metric from a case that lacks what the metric needs; the other cases tell that it was asked.
    dropped = [word for name, word in run.metrics.items() if name not in names]
    return Output(
        row={**run.about, **case},
        file=run.file.name,
        item=item,
        variant=run.variant,
        words=[*(word for _, word in said), *dropped],
        failed=str(dig(case, "trace.status")).upper() == "ERRORED",
        at=run.at,
        length=_length(case),
        asked=_asked(case),
    )


def _asked(case: Case) -> Any:
    return case.get("input") or case.get("scenario")


def _length(case: Case) -> float | None:
    """Characters of the output; of a conversation, those of the assistant's turns."""
    text, turns = case.get("actualOutput"), case.get("turns")
    if isinstance(turns, list):
        said = [turn.get("content") for turn in turns if isinstance(turn, Mapping) and turn.get("role") == "assistant"]
        return float(sum(len(part) for part in said if isinstance(part, str)))
    return float(len(text)) if isinstance(text, str) else None


# --- metrics --------------------------------------------------------------------------------------------------------


def _metrics(case: Case) -> list[Mapping[str, Any]]:
    found = case.get("metricsData")
    parts = found if isinstance(found, list) else []
    return [part for part in parts if isinstance(part, Mapping) and scalar(part.get("name"))]


def scorer_name(name: str, metric: Any = None) -> str:
    """The metric's name as its author wrote it: the kind that DeepEval adds is left out, unless ``metric:`` has it."""
    return name if name == metric else KIND.sub("", name)


def rubric_of(said: Mapping[str, Any]) -> str:
    """Criteria, steps and rubric that a GEval metric logs, without the score that follows them."""
    logs = said.get("verboseLogs")
    if not isinstance(logs, str) or not logs.startswith("Criteria:"):
        return ""
    return logs[: logs.rfind("\nScore: ") + 1].strip()


def _word(said: Mapping[str, Any], rubrics: Mapping[str, str], source: Source) -> Word:
    name = str(said["name"])
    kind = KIND.search(name)
    value, error = _value(said)
    judge = {
        "kind": kind[1] if kind else "",
        "model": str(said.get("evaluationModel")),
        "rubric": rubric_of(said) or rubrics.get(name, ""),
        "threshold": repr(said.get("threshold")),
        "strict": repr(said.get("strictMode")),
        "tool": "deepeval",
    }
    graded = bool(said.get("evaluationModel"))
    return Word(scorer_name(name, source.options.get("metric")), value, error, judge, graded)


def _value(said: Mapping[str, Any]) -> tuple[float | None, ScoreError | None]:
    """The score; a metric that failed keeps the logs of the case before it, so its logs are never read for one."""
    error = said.get("error")
    if error:
        if NO_OUTPUT.search(str(error)):
            return None, "system_error"
        return None, "judge_unparsed" if UNPARSED.search(str(error)) else "judge_error"
    value = number(said.get("score"))
    return value, None if value is not None else "judge_unparsed"
