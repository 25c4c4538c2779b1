"""The ``promptfoo`` connector: judge scores from promptfoo's JSON export.

The tool writes 0 where nothing was judged: for a model call that failed, for a grader that failed, for a grader whose
answer could not be parsed. Those are errors here and never scores. The row's own ``score`` mixes all assertions and
is never read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.entries import check_common, check_recoding
from signals.connectors.env import resolved
from signals.connectors.jsonfile import dig, id_like, load_json, moment, paths_of, recoded, scalar, selected
from signals.connectors.lines import EMPTY_SEGMENT, content_hash, record_id
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.connectors.shapes import check_map, segment_dimensions
from signals.model import ItemScore, Problem, Project, Record, ScoreError, SignalsError, Source, digest
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.connectors.options import Entry

FIELDS = ("item", "variant", "cluster", "length", "content", "made", "leaked")
GRADED = frozenset(
    ("g-eval", "factuality", "answer-relevance", "context-faithfulness", "context-recall", "context-relevance",
     "conversation-relevance", "pi", "trajectory:goal-success")
)  # fmt: skip
ERROR_ROW = 2  # ``failureReason``: 0 none, 1 an assertion failed, 2 the run itself failed
UNPARSED = re.compile(r"could not (extract|parse)|not in json|malformed|invalid json|failed to parse", re.IGNORECASE)


@dataclass
class _Run:
    """One export file."""

    file: InputFile
    eval_id: str
    version: str
    at: datetime | None
    rows: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Judged:
    """One row with its place in the order of repeats."""

    run: _Run
    row: Mapping[str, Any]
    item: str
    variant: str
    repeat: int


class Promptfoo:
    """promptfoo's JSON export (``promptfoo eval -o FILE.json``)."""

    name = "promptfoo"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import PromptfooEntry

        return PromptfooEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        problems = check_common(source, document, loc)
        problems += check_map(document, loc, source.map, (), FIELDS)
        problems += check_recoding(source, document, loc, FIELDS)
        if source.values and not any(isinstance(value, dict) for value in source.values.values()):
            what = "`values:` needs the field that it recodes"
            problems.append(document.problem((*loc, "values"), what, "Write {variant: {theirs: ours}}", key=True))
        return tuple(problems)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every judged output as an ``ItemScore`` per scorer."""
        filled = resolved(source, project)
        runs = _runs(filled, project, tally)
        names = _scorers(runs, filled)
        judged = _place(runs, filled, tally)
        for output in judged:
            tally.rows_kept += 1
            for assertion, score, error in _scores(output.row, names):
                yield _record(output, assertion, score, error, filled)
        tally.require_rows(filled, runs[0].file.name if len(runs) == 1 else str(project.sources_path))


def _runs(source: Source, project: Project, tally: Tally) -> list[_Run]:
    """The exports, oldest first. A second file of the same eval is the same evidence again."""
    runs: dict[str, _Run] = {}
    for file in input_files(source, project):
        data = load_json(file)
        results = data.get("results") if isinstance(data, dict) else None
        rows = results.get("results") if isinstance(results, dict) else None
        if not isinstance(data, dict) or not isinstance(results, dict) or not isinstance(rows, list):
            remedy = "Export with `promptfoo eval -o FILE.json` or `promptfoo export`"
            raise SignalsError("is not a promptfoo JSON export: it has no results.results", remedy, file=file.name)
        meta = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
        written = scalar(dig(meta, "evaluationCreatedAt")) or scalar(results.get("timestamp"))
        eval_id = scalar(data.get("evalId")) or file.name
        version = scalar(dig(meta, "promptfooVersion")) or ""
        run = _Run(file, eval_id, version, moment(written, source, file.name))
        run.rows = [row for row in rows if isinstance(row, Mapping) and selected(row, source)]
        tally.rows_read += len(run.rows)
        if len(rows) != sum(isinstance(row, Mapping) for row in rows):
            raise SignalsError("results.results holds something that is no row", "Export it again", file=file.name)
        if eval_id in runs:
            why = "the same eval was read from another file already"
            tally.set_aside(why, rows=len(run.rows), example=f"{eval_id} in {file.name}")
            continue
        runs[eval_id] = run
    return sorted(runs.values(), key=lambda run: (run.at is None, str(run.at), run.eval_id))


def _place(runs: list[_Run], source: Source, tally: Tally) -> Iterator[_Judged]:
    """Give each row its item, variant and repeat: the tool numbers neither items nor repeats."""
    item_path = source.map.get("item") or _default_item(runs)
    for key, path in {**source.map, "item": item_path}.items():
        _check_path(runs, key, path)
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        prompts: dict[str, set[Any]] = {}
        for row in sorted(run.rows, key=lambda row: (_order(row.get("promptIdx")), _order(row.get("testIdx")))):
            item = recoded(scalar(dig(row, item_path)), source, "item", None)
            variant = recoded(_variant(row, source), source, "variant", None)
            if item is None or variant is None:
                why = f"{'item' if item is None else 'variant'} is empty"
                tally.set_aside(why, variant, example=f"{item_path if item is None else 'variant'} in {run.file.name}")
                continue
            prompt = prompts.setdefault(variant, set())
            prompt.add(row.get("promptIdx"))
            if len(prompt) > 1:
                raise SignalsError(
                    f"source {source.name!r}: several prompts ran under the variant {variant!r}",
                    "Add `variant: prompt.label` to `map:`, or select one with `where: {promptIdx: 0}`",
                    file=run.file.name,
                )
            pair = (variant, item)
            repeat = counts.get(pair, 0)
            counts[pair] = repeat + 1
            yield _Judged(run, row, item, variant, repeat)


def _check_path(runs: list[_Run], key: str, path: str) -> None:
    """A path that no row has is a typo, and would read as one empty label for all."""
    rows = [row for run in runs for row in run.rows]
    if rows and not any(dig(row, path) is not None for row in rows):
        first = ("vars", "metadata", "testCase", "provider", "prompt")
        known = [known for known in paths_of(rows[0]) if known.split(".")[0] in first]
        raise SignalsError(f"no row has {path!r} (map.{key})", suggest(path, known), file=runs[0].file.name)


def _order(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _default_item(runs: list[_Run]) -> str:
    """Where the item's id stands when the source does not say."""
    for run in runs:
        for row in run.rows[:1]:
            for base in ("testCase.metadata", "metadata", "vars", "testCase.vars"):
                key = id_like(dig(row, base))
                if key is not None:
                    return f"{base}.{key}"
            raise SignalsError(
                "rows carry nothing that names their item",
                "Add `item: vars.NAME` (or metadata.NAME, testCase.description) to `map:`",
                file=run.file.name,
            )
    return "vars.id"


def _variant(row: Mapping[str, Any], source: Source) -> str | None:
    path = source.map.get("variant")
    if path:
        return scalar(dig(row, path))
    return scalar(dig(row, "provider.label")) or scalar(dig(row, "provider.id")) or scalar(row.get("provider"))


# --- scores ---------------------------------------------------------------------------------------------------------

Assertion = Mapping[str, Any]


def _components(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The results of single assertions; sets of assertions are opened."""

    def opened(parts: Any) -> Iterator[Mapping[str, Any]]:
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, Mapping):
                if isinstance(part.get("assertion"), Mapping):
                    yield part
                else:
                    yield from opened(part.get("componentResults"))

    return list(opened(dig(row, "gradingResult.componentResults")))


def _asserted(row: Mapping[str, Any]) -> list[Assertion]:
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


def _scorers(runs: list[_Run], source: Source) -> dict[str, Assertion]:
    """The scorers to read, with one assertion each: ``metric:``, else every assertion that a model grades."""
    wanted = source.options.get("metric")
    seen: dict[str, Assertion] = {}
    found: dict[str, Assertion] = {}
    for run in runs:
        for row in run.rows:
            for assertion in [*(part["assertion"] for part in _components(row)), *_asserted(row)]:
                name = scorer_name(assertion)
                seen.setdefault(name, assertion)
                if name == wanted or (wanted is None and is_judge(assertion)):
                    found.setdefault(name, assertion)
    if not found and any(run.rows for run in runs):
        file = runs[0].file.name
        if wanted is not None:
            raise SignalsError(
                f"source {source.name!r}: no assertion has metric {wanted!r}", suggest(wanted, seen), file=file
            )
        what = f"source {source.name!r}: no assertion is graded by a model"
        raise SignalsError(what, f"Name one with `metric:`. {suggest('', seen)}".strip(), file=file)
    return found


def _scores(
    row: Mapping[str, Any], names: Mapping[str, Assertion]
) -> Iterator[tuple[Assertion, float | None, ScoreError | None]]:
    """(assertion, value, error) of each scorer that judged, or should have judged, this row."""
    asked = [assertion for assertion in _asserted(row) if scorer_name(assertion) in names]
    if _failed(row):
        for assertion in asked or list(names.values()):
            yield assertion, None, "system_error"
        return
    judged = [part for part in _components(row) if scorer_name(part["assertion"]) in names]
    for part in judged:
        value, error = _value(part)
        yield part["assertion"], value, error
    present = {scorer_name(part["assertion"]) for part in judged}
    for assertion in asked or ([] if judged else list(names.values())):
        if scorer_name(assertion) not in present:
            yield assertion, None, "judge_error"


def _failed(row: Mapping[str, Any]) -> bool:
    """Whether the run failed, so that there was no output to judge."""
    return (
        row.get("failureReason") == ERROR_ROW
        or bool(dig(row, "response.error"))
        or (not isinstance(row.get("gradingResult"), Mapping) and bool(row.get("error")))
    )


def _value(part: Mapping[str, Any]) -> tuple[float | None, ScoreError | None]:
    reason = str(part.get("reason") or "")
    score = part.get("score")
    unparsed = bool(UNPARSED.search(reason))
    if dig(part, "metadata.graderError"):
        return None, "judge_unparsed" if unparsed else "judge_error"
    if unparsed and not score:  # exports of older versions carry no mark but the reason
        return None, "judge_unparsed"
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        return None, "judge_unparsed"
    return float(score), None


def fingerprint(assertion: Assertion, row: Mapping[str, Any], version: str) -> str:
    """Identity of the judge: name, type, rubric, threshold, grader and prompt, tool version.

    The rubric is the text as written in the test, before variables are filled in, so that it is the same for all items
    that share it.
    """
    grader = assertion.get("provider") or dig(row, "testCase.options.provider") or dig(row, "prompt.config.provider")
    prompt = assertion.get("rubricPrompt") or dig(row, "testCase.options.rubricPrompt")
    return digest(
        {
            "scorer": scorer_name(assertion),
            "type": str(assertion.get("type")),
            "rubric": repr(assertion.get("value")),
            "threshold": repr(assertion.get("threshold")),
            "grader": repr(grader),
            "prompt": repr(prompt),
            "tool": f"promptfoo {version}",
        }
    )


def _record(
    output: _Judged, assertion: Assertion, score: float | None, error: ScoreError | None, source: Source
) -> ItemScore:
    row, run = output.row, output.run
    name = scorer_name(assertion)
    stated = source.options.get("scorer_version")
    judge = str(stated) if stated else fingerprint(assertion, row, run.version)
    return ItemScore(
        record=record_id(output.item, output.variant, name, judge, output.repeat),
        item=output.item,
        variant=output.variant,
        scorer=name,
        value=score,
        error=error,
        fingerprint=judge,
        repeat=output.repeat,
        cluster=scalar(dig(row, source.map["cluster"])) or "" if "cluster" in source.map else "",
        segment=tuple(
            (
                name,
                recoded(scalar(dig(row, source.map[f"segment.{name}"])), source, f"segment.{name}", None)
                or EMPTY_SEGMENT,
            )
            for name in segment_dimensions(source.map)
        ),
        at=run.at,
        length=_length(output, source),
        content=_content(row, source),
        made=_made(output, source),
        leaked=_leaked(output, source),
    )


def _mapped(output: _Judged, source: Source, field: str) -> str | None:
    """What the row says of a field that ``map:`` names."""
    path = source.map.get(field)
    return recoded(scalar(dig(output.row, path)), source, field, None) if path else None


def _length(output: _Judged, source: Source) -> float | None:
    """Characters of the output, unless ``map:`` names another length."""
    if "length" not in source.map:
        text = dig(output.row, "response.output")
        return float(len(text)) if isinstance(text, str) else None
    said = _mapped(output, source, "length")
    try:
        number = None if said is None else float(said)
    except ValueError:
        number = math.nan
    if number is not None and not 0 <= number < math.inf:
        raise _unreadable(output, source, "length", said, "Map a number of at least 0, or leave it out")
    return number


def _content(row: Mapping[str, Any], source: Source) -> str:
    """Hash of what the item asks: its variables, unless ``map:`` names something else."""
    asked = dig(row, source.map.get("content") or "vars")
    return content_hash(json.dumps(asked, sort_keys=True, ensure_ascii=False)) if asked else ""


def _made(output: _Judged, source: Source) -> datetime | None:
    said = _mapped(output, source, "made")
    found = moment(said, source, output.run.file.name)
    if said is not None and found is None:
        raise _unreadable(output, source, "made", said, "Map an ISO time such as 2026-11-10T09:00:00Z")
    return found


def _leaked(output: _Judged, source: Source) -> bool | None:
    said = _mapped(output, source, "leaked")
    if said is None:
        return None
    if said.lower() not in ("true", "false", "1", "0"):
        raise _unreadable(output, source, "leaked", said, "Recode it: values: {leaked: {yes: true}}")
    return said.lower() in ("true", "1")


def _unreadable(output: _Judged, source: Source, field: str, said: str | None, remedy: str) -> SignalsError:
    what = f"item {output.item!r}: {source.map[field]!r} (map.{field}) holds {str(said)[:40]!r}"
    return SignalsError(what, remedy, file=output.run.file.name)
