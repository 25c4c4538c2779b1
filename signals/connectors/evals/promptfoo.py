"""The ``promptfoo`` connector: judge scores from promptfoo's JSON and JSON lines.

The tool writes 0 where nothing was judged: for a model call that failed, for a grader that failed, for a grader whose
answer could not be parsed. Those are errors here and never scores. The row's own ``score`` mixes all assertions and
is never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.env import resolved
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.output import Output, Word, number
from signals.connectors.jsonfile import dig, id_like, load_json, moment, scalar, selected
from signals.connectors.jsonlines import json_lines
from signals.connectors.known import Known, key_of
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.model import Problem, Project, Record, ScoreError, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

GRADED = frozenset(
    ("g-eval", "factuality", "answer-relevance", "context-faithfulness", "context-recall", "context-relevance",
     "conversation-relevance", "pi", "trajectory:goal-success")
)  # fmt: skip
ERROR_ROW = 2  # ``failureReason``: 0 none, 1 an assertion failed, 2 the run itself failed
UNPARSED = re.compile(r"could not (extract|parse)|not in json|malformed|invalid json|failed to parse", re.IGNORECASE)
LINES = ".jsonl"

Row = Mapping[str, Any]
Assertion = Mapping[str, Any]


class Promptfoo:
    """promptfoo's JSON export (``promptfoo eval -o FILE.json``), or its JSON lines (``-o FILE.jsonl``)."""

    name = "promptfoo"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import EvalEntry

        return EvalEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        return check_entry(source, document, loc)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every judged output as an ``ItemScore`` per scorer."""
        filled = resolved(source, project)
        files = input_files(filled, project)
        yield from item_scores(_outputs(files, filled, tally), filled, tally)
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))


@dataclass(frozen=True)
class _Run:
    """What an export says of its run. JSON lines say nothing: neither an id, nor a time, nor the tool's version."""

    file: InputFile
    eval_id: str = ""
    version: str = ""
    at: datetime | None = None


def _outputs(files: Iterable[InputFile], source: Source, tally: Tally) -> Iterator[Output]:
    """The rows of all runs, JSON lines as they come; a second export of the same rows is the same evidence again."""
    lines = [file for file in files if file.plain.endswith(LINES)]
    seen = Known()
    for run, rows in _runs((file for file in files if file not in lines), source, tally):
        rows.sort(key=lambda row: (_order(row.get("promptIdx")), _order(row.get("testIdx"))))
        yield from _of(run, ((None, row) for row in rows), source, tally, seen)
    for file in lines:
        yield from _of(_Run(file), json_lines(file), source, tally, seen)


def _runs(files: Iterable[InputFile], source: Source, tally: Tally) -> list[tuple[_Run, list[Row]]]:
    """The JSON exports, oldest first."""
    runs: dict[str, tuple[_Run, list[Row]]] = {}
    for file in files:
        data = load_json(file)
        results = data.get("results") if isinstance(data, dict) else None
        rows = results.get("results") if isinstance(results, dict) else None
        if not isinstance(data, dict) or not isinstance(results, dict) or not isinstance(rows, list):
            remedy = "Export with `promptfoo eval -o FILE.json` or `promptfoo export`"
            raise SignalsError("is not a promptfoo JSON export: it has no results.results", remedy, file=file.name)
        if not all(isinstance(row, Mapping) for row in rows):
            raise SignalsError("results.results holds something that is no row", "Export it again", file=file.name)
        meta = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
        written = scalar(dig(meta, "evaluationCreatedAt")) or scalar(results.get("timestamp"))
        eval_id = scalar(data.get("evalId")) or file.name
        version = scalar(dig(meta, "promptfooVersion")) or ""
        if eval_id in runs:
            again = sum(selected(row, source) for row in rows)
            tally.rows_read += again
            why = "the same eval was read from another file already"
            tally.set_aside(why, rows=again, example=f"{eval_id} in {file.name}")
            continue
        runs[eval_id] = _Run(file, eval_id, version, moment(written, source, file.name)), rows
    return sorted(runs.values(), key=lambda one: (one[0].at is None, str(one[0].at), one[0].eval_id))


def _of(
    run: _Run, rows: Iterable[tuple[int | None, Row]], source: Source, tally: Tally, seen: Known
) -> Iterator[Output]:
    """Rows of one run, with what is missing in JSON lines checked row by row."""
    prompts: dict[str, Any] = {}
    default = ""
    for line, row in rows:
        if line is not None and "testCase" not in row and "vars" not in row:
            remedy = "Write them with `promptfoo eval -o FILE.jsonl`"
            raise SignalsError("is no row of promptfoo's JSON lines", remedy, file=run.file.name, line=line)
        if not selected(row, source):
            continue
        named = scalar(row.get("id"))
        if named is not None and seen.meet(key_of(named)):
            tally.rows_read += 1
            tally.set_aside("the same row was read from another file already", example=f"{named} in {run.file.name}")
            continue
        if "item" not in source.map and not default:
            default = _default_item(row, run)
        output = _output(run, line, row, default)
        _one_prompt(output, prompts, source)
        yield output


def _order(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _default_item(row: Row, run: _Run) -> str:
    """Where the item's id stands when the source does not say."""
    for base in ("testCase.metadata", "metadata", "vars", "testCase.vars"):
        key = id_like(dig(row, base))
        if key is not None:
            return f"{base}.{key}"
    raise SignalsError(
        "rows carry nothing that names their item",
        "Add `item: vars.NAME` (or metadata.NAME, testCase.description) to `map:`",
        file=run.file.name,
    )


def _one_prompt(output: Output, prompts: dict[str, Any], source: Source) -> None:
    """Two prompts under one provider are two variants, and which is which only ``map:`` can say."""
    variant = scalar(dig(output.row, source.map["variant"])) if "variant" in source.map else output.variant
    prompt = output.row.get("promptIdx")
    if variant is not None and prompts.setdefault(variant, prompt) != prompt:
        raise SignalsError(
            f"source {source.name!r}: several prompts ran under the variant {variant!r}",
            "Add `variant: prompt.label` to `map:`, or select one with `where: {promptIdx: 0}`",
            file=output.file,
        )


def _output(run: _Run, line: int | None, row: Row, item: str) -> Output:
    text = dig(row, "response.output")
    parts = _components(row)
    said = {scorer_name(part["assertion"]) for part in parts}
    return Output(
        row=row,
        file=run.file.name,
        line=line,
        item=scalar(dig(row, item)) if item else None,
        variant=scalar(dig(row, "provider.label")) or scalar(dig(row, "provider.id")) or scalar(row.get("provider")),
        words=[_word(part, row, run) for part in parts],
        failed=_failed(row),
        expected=[Word(name, None, None, {} if name in said else judge(one, row, run.version), is_judge(one))
                  for one in _asserted(row) for name in [scorer_name(one)]],
        at=run.at,
        length=float(len(text)) if isinstance(text, str) else None,
        asked=row.get("vars"),
    )  # fmt: skip


# --- scores ---------------------------------------------------------------------------------------------------------


def _components(row: Row) -> list[Mapping[str, Any]]:
    """The results of single assertions; sets of assertions are opened."""

    def opened(parts: Any) -> Iterator[Mapping[str, Any]]:
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, Mapping):
                if isinstance(part.get("assertion"), Mapping):
                    yield part
                else:
                    yield from opened(part.get("componentResults"))

    return list(opened(dig(row, "gradingResult.componentResults")))


def _asserted(row: Row) -> list[Assertion]:
    """The assertions that the row's test asks for; sets are opened."""

    def opened(parts: Any) -> Iterator[Assertion]:
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, Mapping):
                if part.get("type") == "assert-set":
                    yield from opened(part.get("assert"))
                else:
                    yield part

    return list(opened(dig(row, "testCase.assert")))


def is_judge(assertion: Assertion) -> bool:
    """Whether a model grades this assertion."""
    kind = str(assertion.get("type") or "").removeprefix("not-")
    return kind in GRADED or kind.startswith("model-graded-") or kind.endswith("-rubric")


def scorer_name(assertion: Assertion) -> str:
    """The metric's name, else the assertion's type."""
    return scalar(assertion.get("metric")) or scalar(assertion.get("type")) or "judge"


def _failed(row: Row) -> bool:
    """Whether the run failed, so that there was no output to judge."""
    return (
        row.get("failureReason") == ERROR_ROW
        or bool(dig(row, "response.error"))
        or (not isinstance(row.get("gradingResult"), Mapping) and bool(row.get("error")))
    )


def _word(part: Mapping[str, Any], row: Row, run: _Run) -> Word:
    assertion = part["assertion"]
    value, error = _value(part)
    return Word(scorer_name(assertion), value, error, judge(assertion, row, run.version), is_judge(assertion))


def _value(part: Mapping[str, Any]) -> tuple[float | None, ScoreError | None]:
    reason = str(part.get("reason") or "")
    score = part.get("score")
    unparsed = bool(UNPARSED.search(reason))
    if dig(part, "metadata.graderError"):
        return None, "judge_unparsed" if unparsed else "judge_error"
    if unparsed and not score:  # exports of older versions carry no mark but the reason
        return None, "judge_unparsed"
    value = None if isinstance(score, bool) else number(score)
    return value, None if value is not None else "judge_unparsed"


def judge(assertion: Assertion, row: Row, version: str) -> dict[str, str]:
    """Identity of the judge: type, rubric, threshold, grader and prompt, tool version.

    The rubric is the text as written in the test, before variables are filled in, so that it is the same for all items
    that share it.
    """
    grader = assertion.get("provider") or dig(row, "testCase.options.provider") or dig(row, "prompt.config.provider")
    prompt = assertion.get("rubricPrompt") or dig(row, "testCase.options.rubricPrompt")
    return {
        "type": str(assertion.get("type")),
        "rubric": repr(assertion.get("value")),
        "threshold": repr(assertion.get("threshold")),
        "grader": repr(grader),
        "prompt": repr(prompt),
        "tool": f"promptfoo {version}",
    }
