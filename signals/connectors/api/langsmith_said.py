"""Feedback of LangSmith's runs: evaluators' as outputs with words, people's as sayings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from signals.connectors.api.langsmith_rows import (
    erred,
    experiment_row,
    failed,
    giver,
    item_of,
    judge_of,
    output_length,
    run_row,
    unfinished,
    value_of,
    variant_of,
)
from signals.connectors.api.paging import Row
from signals.connectors.api.spool import Spool
from signals.connectors.api.values import AGAIN, FAILED, grade_of, names_meant, score_of
from signals.connectors.base import Tally
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import dig, moment, recoded, scalar, selected
from signals.connectors.said import Saying
from signals.model import ScoreError, SignalsError, Source
from signals.strictyaml import suggest

NO_OUTPUT = "about a whole experiment or project, and no one answer"
COMPARED = "says which of several answers is better, and not how good one is"
OTHER_COMPARISON = "not of the comparison that the source names"
A_STEP = "about a step inside of a trace, and not its answer"
NO_RUN = "about a run that was not fetched: older than `since:`, or deleted"
UNFINISHED = "the run is still in progress"
WORDS = "no score but text"
NOBODY = "no user is named as its author"
KINDS = {"item_score": ("judge", "api"), "rating": ("person",), "feedback": ("api",)}

Judge = tuple[tuple[str, str], ...]
Scorer = tuple[str, Judge, bool]


@dataclass(frozen=True)
class Book:
    """What was fetched, with everything joined."""

    spool: Spool
    source: Source

    @property
    def shape(self) -> str:
        """The kind of records that the source brings."""
        return str(self.source.options["shape"])

    @property
    def comparison(self) -> str | None:
        """The comparison that is read, where one is."""
        return (scalar(self.source.options.get("comparison")) or "").lower() or None

    @cached_property
    def experiments(self) -> Mapping[str | None, dict[str, Any]]:
        """By id."""
        return {str(row["id"]): experiment_row(row) for row in self.spool.rows("session")}

    def runs(self) -> Iterator[dict[str, Any]]:
        """All runs, by time; those of an experiment that was replaced by one of the same name are not asked for."""
        for row in self.spool.rows("run"):
            run = self.run(row)
            if run["project_id"] is None or run["project_id"] in self.experiments:
                yield run

    def run(self, row: Row) -> dict[str, Any]:
        """A run with its experiment and its example."""
        run = run_row(row)
        experiment = self.experiments.get(run["project_id"]) or experiment_row(None)
        name = scalar(run.get("reference_example_id"))
        example = self.spool.row(f"example {experiment['dataset']}", name) if name else None
        return {**run, "experiment": experiment, "example": example or {}}

    def said(self, tally: Tally | None = None) -> Iterator[tuple[dict[str, Any], Row]]:
        """Run and feedback, for what the shape's givers said of one answer; the rest is counted."""
        metric = self.source.options.get("metric")
        for session in self.experiments:
            for feedback in self.spool.rows(f"feedback {session}"):
                named = metric in (None, _key(feedback))
                if giver(feedback) not in KINDS[self.shape] or not (named or self.shape == "item_score"):
                    continue  # of judges the other names are met, too, to say which there are
                root = self._root(feedback)
                run = self.run(root or {"project_id": session})
                if not selected({**run, "feedback": feedback}, self.source):
                    continue
                why = self._unfit(feedback, root)
                if why is None:
                    yield run, feedback
                elif tally is not None and named:
                    tally.rows_read += 1
                    tally.set_aside(why, self.arm(run), fault=False, example=_place(feedback))

    def _root(self, feedback: Row) -> Row | None:
        """The run of the answer: the one that was scored, else the first one of its trace."""
        names = [name for key in ("run_id", "trace_id") if (name := scalar(feedback.get(key)))]
        return next((row for name in names if (row := self.spool.row("run", name))), None)

    def _unfit(self, feedback: Row, root: Row | None) -> str | None:
        """Why a feedback is about nothing that is compared."""
        compared = scalar(feedback.get("comparative_experiment_id"))
        if compared is None and feedback.get("feedback_group_id"):
            compared = "unknown"
        if compared != self.comparison:
            return OTHER_COMPARISON if self.comparison else COMPARED
        if scalar(feedback.get("run_id")) is None:
            return NO_OUTPUT
        if root is None:
            return NO_RUN
        if self.shape != "feedback" and scalar(feedback.get("run_id")) != scalar(root.get("id")):
            return A_STEP
        return None

    def variant(self, run: Row) -> str | None:
        """The variant's name before ``values:``."""
        path = self.source.map.get("variant")
        if path:
            return scalar(dig(run, path))
        return scalar(self.source.options.get("variant")) or variant_of(run)

    def arm(self, run: Row) -> str | None:
        """The variant."""
        return recoded(self.variant(run), self.source, "variant", None)

    def mapped(self, run: Row, field: str) -> str | None:
        """What ``map:`` leads to."""
        path = self.source.map.get(field)
        return scalar(dig(run, path)) if path else None

    def time(self, row: Row, key: str) -> datetime | None:
        """A time of the server."""
        return moment(scalar(row.get(key)), self.source, "the server's answer")


def _key(feedback: Row) -> str:
    return scalar(feedback.get("key")) or ""


def _place(feedback: Row) -> str:
    return f"feedback {_key(feedback)} of run {feedback.get('run_id')}"


# --- judges ---------------------------------------------------------------------------------------------------------


def outputs(book: Book, tally: Tally) -> Iterator[Output]:
    """Every answer of an experiment, and every other one that was scored.

    Raises:
        SignalsError: When several evaluators gave scores and the source does not say which one is meant.
    """
    found: dict[str, list[Row]] = {}
    asked: dict[str | None, dict[Scorer, None]] = {}
    for run, feedback in book.said(tally):
        found.setdefault(str(run["id"]), []).append(feedback)
        scorer = (_key(feedback), judge_of(feedback), giver(feedback) == "judge")
        asked.setdefault(run["project_id"], {})[scorer] = None
    _one_name({scorer for scorers in asked.values() for scorer in scorers}, book)
    whole = "experiments" in book.source.options and not book.comparison  # there every run was to be judged
    for run in book.runs():
        rows = found.get(str(run["id"]), [])
        if not rows and not whole:
            continue
        if unfinished(run):
            if selected(run, book.source):
                tally.rows_read += 1
                tally.set_aside(UNFINISHED, book.arm(run), fault=False, example=f"run {run['id']}")
            continue
        words = _words(run, rows, book, tally)
        expected = [Word(name, None, None, dict(who), graded) for name, who, graded in asked.get(run["project_id"], ())]
        yield Output(
            row=run,
            file=f"run {run['id']}",
            item=item_of(run),
            variant=variant_of(run),
            words=words,
            failed=failed(run),
            expected=expected if whole else words,
            at=book.time(run, "start_time"),
            length=output_length(run),
            asked=run.get("inputs"),
        )


def _one_name(scorers: set[Scorer], book: Book) -> None:
    """Code that counts words and a model that judges are both evaluators: nobody but the user can tell them apart."""
    names = {name for name, _, graded in scorers if graded}
    if book.source.options.get("metric") is None and len(names) > 1:
        what = f"source {book.source.name!r}: several evaluators gave scores, and each of them could be the judge"
        raise SignalsError(what, f"Choose one with `metric:`. {suggest('', names)}")


def _words(run: Row, rows: list[Row], book: Book, tally: Tally) -> list[Word]:
    newest: dict[tuple[str, Judge], Row] = {}
    for row in rows:  # by time
        key = _key(row), judge_of(row)
        if key in newest and book.source.options.get("metric") in (None, key[0]):
            tally.rows_read += 1
            tally.set_aside(AGAIN, book.arm(run), fault=False, example=_place(row))
        newest[key] = row
    words = []
    for (name, who), row in newest.items():
        value, error = _score(row, book.source)
        words.append(Word(name, value, error, dict(who), giver(row) == "judge", book.time(row, "created_at")))
    return words


def _score(feedback: Row, source: Source) -> tuple[float | None, ScoreError | None]:
    return (None, "judge_error") if erred(feedback) else score_of(value_of(feedback), source)


# --- people ---------------------------------------------------------------------------------------------------------


def sayings(book: Book, tally: Tally) -> Iterator[Saying]:
    """What people said of answers; with ``impressions: true`` also the answers that nobody said anything of.

    Raises:
        SignalsError: When it cannot be told which name is meant.
    """
    said = ((_key(feedback), _thumb(feedback, book)) for _, feedback in book.said())
    pairs = [pair for pair in said if pair[1] is not None]
    wanted = names_meant(pairs, book.shape, book.source)
    if not pairs and book.source.options.get("impressions"):  # else every answer would pass for one that nobody liked
        what = f"source {book.source.name!r}: nobody said anything under the name that is asked for"
        raise SignalsError(what, "Check `metric:`, `projects:` and `since:`")
    rated: set[str] = set()
    for run, feedback in book.said(tally):
        why = None
        if value_of(feedback) is None:
            why = WORDS  # a note
        elif _key(feedback) not in wanted:
            continue
        elif book.shape == "rating" and not _author(feedback) and "rater" not in book.source.map:
            why = NOBODY
        elif book.shape == "rating" and failed(run):
            why = FAILED
        if why:
            tally.rows_read += 1
            tally.set_aside(why, book.arm(run), fault=why != WORDS, example=_place(feedback))
            continue
        rated.add(str(run["id"]))
        row = {**run, "feedback": feedback}
        yield Saying(_place(feedback), _texts(row, feedback, book), book.time(feedback, "created_at"), row)
    for run in book.runs() if book.source.options.get("impressions") else ():
        if str(run["id"]) in rated or failed(run) or unfinished(run) or not selected(run, book.source):
            continue
        texts = {"variant": book.variant(run), "value": None, "response": str(run["id"]),
                 "user": book.mapped(run, "user")}  # fmt: skip
        yield Saying(f"run {run['id']}", texts, book.time(run, "start_time"), run)


def _thumb(feedback: Row, book: Book) -> Any:
    """The value as ``names_meant`` looks at it: the server makes 1 and 0 of true and false."""
    value = value_of(feedback)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return bool(value) if book.shape == "feedback" and number and value in (0, 1) else value


def _author(feedback: Row) -> str | None:
    names = (scalar(dig(feedback, f"feedback_source.{key}")) for key in ("user_id", "ls_user_id"))
    return next((name for name in names if name), None)


def _texts(row: Row, feedback: Row, book: Book) -> Mapping[str, str | None]:
    shared = {"variant": book.variant(row), "value": grade_of(value_of(feedback))}
    if book.shape == "feedback":
        # The run is the answer, also when the thumb hangs on one of its steps.
        return {**shared, "response": scalar(row.get("id")), "user": book.mapped(row, "user")}
    item = book.mapped(row, "item") if "item" in book.source.map else item_of(row)
    rater = book.mapped(row, "rater") if "rater" in book.source.map else _author(feedback)
    return {**shared, "item": item, "rater": rater, "dimension": _key(feedback)}
