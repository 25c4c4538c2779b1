"""The ``lm_eval`` connector: per-item metrics that lm-eval (the LM Evaluation Harness) logs with ``--log_samples``.

A task's samples (``samples_TASK_TIME.jsonl``) are read line by line, whatever their size. What they do not say (model,
version of the task, time) stands in the results file of the same run beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.env import resolved
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.lm_eval_files import Run, pairs_of, run_of
from signals.connectors.evals.output import Output, Word, number
from signals.connectors.evals.runs import Arms, flat
from signals.connectors.jsonfile import ID_NAMES, dig, recoded, scalar, selected
from signals.connectors.jsonlines import json_lines
from signals.connectors.paths import InputFile, files_fingerprint
from signals.model import Problem, Project, Record, ScoreError, SignalsError, Source
from signals.strictyaml import Document, Loc, suggest

if TYPE_CHECKING:
    from signals.connectors.options import Entry

NAMED = ("peft", "delta", "pretrained", "model", "path", "engine")  # model arguments that name a model, the best first
SCORING = ("output_type", "doc_to_target", "doc_to_choice", "process_results", "metric_list", "filter_list", "repeats")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
OTHER = "has no score of the name that is read: another filter's, another task's, or not scored"
UNSCORED = "bypass"  # the metric of runs with --predict_only

Row = Mapping[str, Any]


class LmEval:
    """lm-eval's output folder (``--output_path DIR --log_samples``)."""

    name = "lm_eval"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import RunEntry

        return RunEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        return check_entry(source, document, loc)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the names and contents of the samples and of the results beside them."""
        filled = resolved(source, project)
        found = [part for pair in pairs_of(filled, project) for part in pair if part is not None]
        return files_fingerprint(list(dict.fromkeys(found)))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every document as an ``ItemScore`` for the one metric that is read."""
        filled = resolved(source, project)
        pairs = pairs_of(filled, project)
        yield from item_scores(_outputs(pairs, filled, tally), filled, tally, thing="sample")
        tally.require_rows(filled, pairs[0][0].name if len(pairs) == 1 else str(project.sources_path))


@dataclass
class _Met:
    """What was met on the way."""

    scores: set[str] = field(default_factory=set)  # every ``metric,filter``
    task: str | None = None  # the first whose scores are read
    runs: dict[tuple[str, ...], str] = field(default_factory=dict)  # file by identity
    repeats: dict[tuple[str | None, str], int] = field(default_factory=dict)  # runs by variant and task


# --- rows -----------------------------------------------------------------------------------------------------------


def _outputs(pairs: Iterable[tuple[InputFile, InputFile | None]], source: Source, tally: Tally) -> Iterator[Output]:
    """The samples of all runs, oldest run first; a second copy of a run is the same evidence again."""
    arms, met = Arms(source), _Met()
    runs = sorted(
        (run_of(*pair, source) for pair in pairs), key=lambda run: (run.at is None, str(run.at), run.file.name)
    )
    for run in runs:
        identity = (run.task, run.time, str(run.at), repr(run.arguments))
        before = met.runs.setdefault(identity, run.file.name)
        scorer = judge(run)
        repeat: int | None = None
        for line, sample in json_lines(run.file):
            row = {**sample, "task": run.task, "results": run.results}
            if not selected(row, source):
                continue
            if before != run.file.name:
                tally.rows_read += 1
                tally.set_aside("the same run was read from another file already", example=f"{before}, {run.file.name}")
                continue
            word = _word(run, row, line, source, met, scorer)
            if word is None:
                tally.rows_read += 1
                tally.set_aside(OTHER, fault=False, example=f"filter {row['filter']!r} in {run.file.name}:{line}")
                continue
            if repeat is None:
                repeat, variant = _place(run, row, source, arms, met)
            item = None if "item" in source.map else _item(run, row, met, source)
            yield _output(run, row, line, word, item, variant, repeat)
    metric = source.options.get("metric")
    if metric is not None and met.scores and metric not in met.scores:
        what = f"source {source.name!r}: no score is called {metric!r}"
        whole = sorted(score for score in met.scores if score.startswith(f"{metric},"))
        remedy = f"Write name and filter: {whole[0]!r}" if whole else suggest(str(metric), met.scores)
        raise SignalsError(what, remedy, file=runs[0].file.name)


def _place(run: Run, row: Row, source: Source, arms: Arms, met: _Met) -> tuple[int, str | None]:
    """Which repeat of its variant and task the run is, and the variant as the run itself says.

    The name that the tool gives a model is not taken: for a model whose arguments name none it is made up, and may be
    the same for two.
    """
    config = {key: dig(run.results, f"config.{key}") for key in ("model_args", "gen_kwargs", "model")}
    settings = dict(flat(config, "results.config"))
    settings |= dict(flat(run.results.get("system_instruction"), "results.system_instruction"))
    named = next((scalar(run.arguments[key]) for key in NAMED if key in run.arguments), None)
    variant = arms.variant(named, settings, run.file.name)
    said = scalar(dig(row, source.map["variant"])) if "variant" in source.map else variant
    final = recoded(said, source, "variant", None)
    repeat = met.repeats.get((final, run.task), 0)
    met.repeats[final, run.task] = repeat + 1
    return repeat, variant


def _item(run: Run, row: Row, met: _Met, source: Source) -> str:
    """The document's id, else its hash; its place (``doc_id``) changes with the set."""
    doc = row.get("doc")
    found = next((doc[name] for name in ID_NAMES if scalar(doc.get(name))), None) if isinstance(doc, Mapping) else None
    if found is None:
        said = scalar(row.get("doc_hash"))
        if said is None:
            raise SignalsError(
                "samples carry nothing that names their item", "Add `item: doc.NAME` to `map:`", file=run.file.name
            )
        return said
    met.task = met.task or run.task
    if met.task != run.task:
        what = (
            f"source {source.name!r}: the tasks {met.task!r} and {run.task!r} may use the same ids for other documents"
        )
        remedy = (
            f"Select one (where: {{task: {met.task}}}), or map the item to doc_hash, or to doc.NAME if ids never clash"
        )
        raise SignalsError(what, remedy, file=run.file.name)
    return str(scalar(found))


def _output(run: Run, row: Row, line: int, word: Word, item: str | None, variant: str | None, repeat: int) -> Output:
    doc = row.get("doc")
    asked = {key: value for key, value in doc.items() if key not in ID_NAMES} if isinstance(doc, Mapping) else doc
    return Output(
        row=row,
        file=run.file.name,
        line=line,
        item=item,
        variant=variant,
        words=[word],
        repeat=repeat,
        at=run.at,
        length=_length(row),
        asked=asked,
    )


def _length(row: Row) -> float | None:
    """Characters of a generated answer, where one answer was scored; choices have no length."""
    answers = row.get("resps")
    if not isinstance(dig(row, "arguments.gen_args_0.arg_1"), Mapping) or not isinstance(answers, list):
        return None
    one = answers[0] if len(answers) == 1 else None
    return float(len(one[0])) if isinstance(one, list) and len(one) == 1 and isinstance(one[0], str) else None


# --- scores ---------------------------------------------------------------------------------------------------------


def _word(run: Run, row: Row, line: int, source: Source, met: _Met, scorer: Mapping[str, str]) -> Word | None:
    """What the one score that is read says of the sample; None when the sample has none of that name.

    Raises:
        SignalsError: For a line that is no sample, a score that is no number per item, or several scores of which the
            source names none.
    """
    metrics, filtered = row.get("metrics"), row.get("filter")
    if not isinstance(filtered, str):
        remedy = "Write them with --log_samples, and with a newer lm-eval if they are from one"
        raise SignalsError("is no sample of lm-eval: it has no filter", remedy, file=run.file.name, line=line)
    if not isinstance(metrics, list):  # older samples do not list them
        totals = dig(run.results, "results")
        known = totals.get(run.task) if isinstance(totals, Mapping) else None
        parts = [key.rpartition(",") for key in known] if isinstance(known, Mapping) else []
        metrics = [name for name, _, ending in parts if ending == filtered and name in row]
    names = {f"{name},{filtered}": str(name) for name in metrics}
    met.scores.update(names)
    wanted = source.options.get("metric")
    if wanted is None and len(met.scores) > 1:
        what = f"source {source.name!r}: there are several scores ({', '.join(sorted(met.scores)[:8])})"
        raise SignalsError(what, "Say which one is read: `metric: NAME,FILTER`", file=run.file.name)
    key = next(iter(names), None) if wanted is None else str(wanted)
    if key is None or key not in names:
        return None
    value, error = _value(key, names[key], row, run, line)
    # Scores that code computes are read when they are named, or when there is nothing else to read.
    return Word(key, value, error, scorer, graded=wanted is None)


def _value(key: str, name: str, row: Row, run: Run, line: int) -> tuple[float | None, ScoreError | None]:
    said = row.get(name)
    if name == UNSCORED:
        what, remedy = "nothing was scored: the run was made with --predict_only", "Run it without"
        raise SignalsError(what, remedy, file=run.file.name, line=line)
    if isinstance(said, (list, Mapping)):
        what = f"{key!r} is no number per item here: it is defined for the whole task only"
        raise SignalsError(what, "Name another score with `metric:`", file=run.file.name, line=line)
    value = number(said)
    return value, None if value is not None else "judge_unparsed"


def judge(run: Run) -> dict[str, str]:
    """Identity of a task's scores: task, version, shots, what of its settings scores an answer, tool version.

    The tool's own hash of the task is left out: it changes with chat template, system instruction and ``--limit``,
    which are the variant's and not the scorer's.
    """
    config = dig(run.results, "configs")
    settings = config.get(run.task) if isinstance(config, Mapping) else None
    scoring = {key: settings.get(key) for key in SCORING} if isinstance(settings, Mapping) else {}
    return {
        "task": run.task,
        "version": repr(_of_task(run, "versions")),
        "shots": repr(_of_task(run, "n-shot")),
        "scoring": ADDRESS.sub("", json.dumps(scoring, sort_keys=True, ensure_ascii=False)),
        "tool": f"lm-eval {scalar(run.results.get('lm_eval_version')) or ''}",
    }


def _of_task(run: Run, key: str) -> Any:
    found = run.results.get(key)
    return found.get(run.task) if isinstance(found, Mapping) else None
