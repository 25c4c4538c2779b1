"""The ``inspect`` connector: scores from the logs of Inspect AI.

Single samples are read, never the log's own means over epochs: those leave out epochs that failed and do not say so. A
log may end well without a single sample that was scored, so nothing is taken from its status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.env import resolved
from signals.connectors.evals.inspect_log import Log, read_log, samples
from signals.connectors.evals.inspect_rows import about, answer, asked, row, settings
from signals.connectors.evals.inspect_scores import Judges, Scores, check_values
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.output import Output, Word
from signals.connectors.evals.runs import Arms
from signals.connectors.jsonfile import dig, moment, recoded, scalar, selected
from signals.connectors.paths import files_fingerprint, input_files
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

COPY = "the same sample was read from another file already"
RETRIED = "a retry of the task has run it again"
INVALID = "the sample was invalidated"
UNSCORED = "the sample has no score"
NOT_KEPT = "the log keeps no samples"
NOT_RUN = "the run ended before the sample did"


class Inspect:
    """Inspect AI's logs (``.eval`` and ``.json``)."""

    name = "inspect"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import RunEntry

        return RunEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        problems = check_entry(source, document, loc, value=True)
        return (*problems, *check_values(source, document, loc))

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every sample as an ``ItemScore`` per score that a model gave, or for the one that ``metric:`` names."""
        filled = resolved(source, project)
        files = input_files(filled, project)
        reading = _Reading(filled, tally)
        yield from item_scores(reading.outputs([read_log(file) for file in files]), filled, tally, thing="sample")
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))


Key = tuple[str, int]  # a sample of a task: id and epoch


@dataclass
class _Run:
    """One log while it is read."""

    log: Log
    said: Mapping[str, Any]  # of all its samples
    stated: str | None  # the variant, where the log names one
    ended: datetime | None
    judges: Judges
    known: dict[str, Word] = field(default_factory=dict)  # who scored any of its samples
    failed: list[Output] = field(default_factory=list)  # until all of those are known
    met: bool = False  # whether a sample of it was selected


@dataclass
class _Owner:
    """Which log a sample is taken from, and what it said when there is a second copy of that log."""

    eval_id: str
    file: str
    said: dict[str, tuple[float | None, str | None]]


class _Reading:
    """What must be remembered from one log to the next."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._scores = Scores(source)
        self._arms = Arms(source)
        self._tasks: dict[str | None, str] = {}  # variant -> the task it is read from
        self._slots: dict[tuple[str, str], dict[tuple[str, str], int]] = {}  # (variant, item) -> sample -> its repeat
        self._ends: dict[tuple[str, str], int] = {}

    def outputs(self, logs: list[Log]) -> Iterator[Output]:
        """The samples of all logs, task by task, oldest first; of a task that was run again the newest come first."""
        runs = [(self._run(log), self._moment(log.eval.get("created"), log)) for log in logs]
        tasks: dict[str, list[tuple[_Run, datetime]]] = {}
        for run, created in runs:
            tasks.setdefault(run.log.task_id, []).append((run, created or datetime.min.replace(tzinfo=UTC)))
        for _, attempts in sorted(tasks.items(), key=lambda task: (min(at for _, at in task[1]), task[0])):
            attempts.sort(key=lambda one: (one[0].log.eval_id, one[0].log.file.name))
            attempts.sort(key=lambda one: one[1], reverse=True)
            yield from self._task([run for run, _ in attempts])
        if logs:
            self._scores.complain(logs[0].file.name)

    def _run(self, log: Log) -> _Run:
        said = about(log)
        stated = scalar(dig(said, "log.metadata.variant")) or scalar(dig(log.eval, "task_args.variant"))
        ended = self._moment(dig(log.header, "stats.completed_at") or log.eval.get("created"), log)
        return _Run(log, said, stated, ended, Judges(log))

    def _moment(self, value: Any, log: Log) -> datetime | None:
        return moment(scalar(value), self._source, log.file.name)

    def _task(self, runs: list[_Run]) -> Iterator[Output]:
        owners: dict[Key, _Owner] = {}
        copies = len({run.log.eval_id for run in runs}) < len(runs)
        for run in runs:
            marked = False
            for sample in samples(run.log):
                key = scalar(sample.get("id")) or "", sample["epoch"]
                marked |= bool(sample.get("invalidation"))
                output = self._sample(run, sample, key, owners, copies)
                if output is None:
                    continue
                if output.failed:
                    run.failed.append(output)
                    continue
                run.known.update({word.scorer: word for word in output.words})
                yield output
            if run.log.header.get("invalidated") is True and not marked:
                what = "is marked as invalidated, and none of its samples says that it is the one"
                raise SignalsError(what, "Run it again, or leave it out", file=run.log.file.name)
            for output in run.failed:
                yield replace(output, expected=tuple(run.known.values()))
            run.failed.clear()
        self._not_there(runs[0], owners)

    def _sample(
        self, run: _Run, sample: Mapping[str, Any], key: Key, owners: dict[Key, _Owner], copies: bool
    ) -> Output | None:
        """The sample as an output; None when it is not read or does not count, which is then told."""
        one, log = row(sample, run.said), run.log
        again = key in owners
        owner = owners.setdefault(key, _Owner(log.eval_id, log.file.name, {}))
        if not selected(one, self._source):
            return None
        variant = self._variant(run, one)
        words = self._scores.words(sample, run.judges)
        why, fault = "", False
        if owner.eval_id != log.eval_id:
            why = RETRIED
        elif sample.get("invalidation"):
            why = INVALID
        elif again:
            words = self._fresh(words, owner, key, log)
            why, fault = ("", False) if words else (COPY, True)
        elif not words and not sample.get("error"):
            why, fault = UNSCORED, not dig(log.header, "results.scores")
        if why:
            self._tally.rows_read += 1
            self._tally.set_aside(why, variant, fault=fault, example=f"{key[0]} in {log.file.name}")
            return None
        if copies:
            owner.said.update({word.scorer: (word.value, word.error) for word in words})
        return self._output(run, one, sample, words, variant)

    def _output(
        self, run: _Run, one: Mapping[str, Any], sample: Mapping[str, Any], words: list[Word], variant: str | None
    ) -> Output:
        item = scalar(dig(one, self._source.map.get("item", "id")))
        text = answer(sample)
        return Output(
            row=one,
            file=run.log.file.name,
            item=item,
            variant=run.stated or scalar(run.log.eval.get("model")),
            words=words,
            failed=bool(sample.get("error")),
            expected=words,  # whom a scorer kept out of is not for that scorer, and no failure
            repeat=self._repeat(run.log, variant, recoded(item, self._source, "item", None), sample),
            at=self._moment(sample.get("completed_at"), run.log) or run.ended,
            length=None if text is None else float(len(text)),
            asked=asked(sample),
        )

    def _fresh(self, words: list[Word], before: _Owner, key: Key, log: Log) -> list[Word]:
        """What a second copy of a log adds: scorers that the first one lacks, when it was scored again."""
        for word in words:
            if before.said.get(word.scorer, (word.value, word.error)) != (word.value, word.error):
                what = f"its sample {key[0]!r}, epoch {key[1]}, has another {word.scorer} than {before.file}"
                remedy = "Both are logs of one eval: keep the one that counts"
                raise SignalsError(what, remedy, file=log.file.name)
        return [word for word in words if word.scorer not in before.said]

    def _variant(self, run: _Run, one: Mapping[str, Any]) -> str | None:
        """The variant of a row. Logs that do not name theirs must be alike to pass for one."""
        source, log = self._source, run.log
        model = scalar(log.eval.get("model"))
        if not run.met and (run.stated is None or source.options.get("variant")):
            self._arms.variant(model, settings(run.said), log.file.name)
        run.met = True
        variant = self._named(run, one)
        task = scalar(log.eval.get("task")) or ""
        if "item" not in source.map and self._tasks.setdefault(variant, task) != task:
            what = f"source {source.name!r}: {variant!r} ran two tasks, {self._tasks[variant]!r} and {task!r}"
            remedy = (
                "Their samples may share ids. Select one (where: {eval.task: NAME}), or map the item (item: log.item)"
            )
            raise SignalsError(what, remedy, file=log.file.name)
        return variant

    def _named(self, run: _Run, one: Mapping[str, Any]) -> str | None:
        """What ``map.variant`` says, else the source's ``variant:``, else the log, which names its model at least."""
        path, stated = self._source.map.get("variant"), self._source.options.get("variant")
        own = run.stated or scalar(run.log.eval.get("model"))
        said = scalar(dig(one, path)) if path else str(stated) if stated else own
        return recoded(said, self._source, "variant", None)

    def _repeat(self, log: Log, variant: str | None, item: str | None, sample: Mapping[str, Any]) -> int:
        """The epoch, from 0; after those of other runs and samples of the same item."""
        if variant is None or item is None:
            return 0
        slots = self._slots.setdefault((variant, item), {})
        mine = log.task_id, scalar(sample.get("id")) or ""
        if mine not in slots:
            slots[mine] = self._ends.get((variant, item), 0)
            self._ends[variant, item] = slots[mine] + log.epochs
        return int(slots[mine] + sample["epoch"] - 1)

    # --- what does not count ----------------------------------------------------------------------------------------

    def _not_there(self, run: _Run, owners: Mapping[Key, _Owner]) -> None:
        """Samples that were to be run and are in none of the task's logs."""
        log = run.log
        planned = log.planned or ([] if owners else [""])
        absent = ((name, epoch) for name in planned for epoch in range(1, log.epochs + 1))
        rows = (row({"id": name, "epoch": epoch}, run.said) for name, epoch in absent if (name, epoch) not in owners)
        counts = Counter(self._named(run, one) for one in rows if selected(one, self._source))
        ended = log.status == "success"
        why = f"{NOT_RUN} (status {log.status})" if not ended else NOT_KEPT if not owners else "the sample was not run"
        said = scalar(dig(log.header, "error.message"))
        example = f"{log.file.name}: {said.splitlines()[0][:80]}" if said else log.file.name
        for variant, count in counts.items():
            self._tally.rows_read += count
            self._tally.set_aside(why, variant, count, fault=not ended or not owners, example=example)
