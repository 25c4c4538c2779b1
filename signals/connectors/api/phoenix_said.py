"""Annotations of Phoenix: evaluators' as outputs with words, people's as sayings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any

from signals.connectors.api.phoenix_book import Book
from signals.connectors.api.phoenix_rows import Note, Row, asked, failed, judge, length, span_id
from signals.connectors.api.values import AGAIN, FAILED, grade_of, names_meant, score_of
from signals.connectors.base import Tally
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import moment, scalar, selected
from signals.connectors.said import Saying
from signals.model import ScoreError, Source

UNJUDGED = "no evaluator was asked about the run"
A_STEP = "about a step inside of a run, and not its answer"
EMPTY = "neither a score nor a label"

Judge = tuple[tuple[str, str], ...]
Scorer = tuple[str, Judge, bool]


# --- evaluators -----------------------------------------------------------------------------------------------------


@dataclass
class _Asked:
    """Who judged the runs of an experiment; an evaluator's error may not say which judge it was, its scores do."""

    scorers: dict[str, dict[Scorer, None]] = field(default_factory=dict)
    peers: dict[tuple[str, str], Judge] = field(default_factory=dict)
    several: set[tuple[str, str]] = field(default_factory=set)

    def note(self, one: Note, row: Row) -> None:
        key, who = (_experiment(row), one.name), judge(one, row["experiment"])
        if not one.error:
            if self.peers.setdefault(key, who) != who:
                self.several.add(key)
            self.scorers.setdefault(key[0], {})[one.name, who, one.kind == "LLM"] = None
        else:
            self.scorers.setdefault(key[0], {})

    def end(self, one: Note, row: Row) -> None:
        """Also those of whom only errors came."""
        key = _experiment(row), one.name
        if one.error and key not in self.peers:
            self.scorers[key[0]][one.name, judge(one, row["experiment"]), one.kind == "LLM"] = None

    def who(self, one: Note, row: Row) -> Judge:
        key = _experiment(row), one.name
        lost = one.error and key in self.peers and key not in self.several
        return self.peers[key] if lost else judge(one, row["experiment"])


def _experiment(row: Row) -> str:
    return str(row["run"].get("experiment_id"))


def outputs(book: Book, tally: Tally) -> Iterator[Output]:
    """Every run that evaluators were asked about, and every other span that one judged.

    Args:
        book: Everything that was read.
        tally: Counts what is not passed on.
    """
    known = _Asked()
    for step in (known.note, known.end):  # who else judged can be told only after all
        for row, notes in book.runs():
            for one in notes:
                if one.kind != "HUMAN":
                    step(one, row)
    of_runs, others = _on_spans(book, tally)
    for row, notes in book.runs():
        given = [one for one in (*notes, *of_runs.get(book.name(row["run"]), ())) if one.kind != "HUMAN"]
        scorers = known.scorers.get(_experiment(row), {})
        if not (given or scorers or failed(row)):
            tally.rows_read += 1
            tally.set_aside(UNJUDGED, book.arm(row), fault=False, example=book.place(row))
            continue
        expected = [Word(name, None, None, dict(who), graded) for name, who, graded in scorers]
        words = _words(given, row, known, book, tally)
        yield _output(row, words, expected or words, book, book.repeat(row))
    for row, notes in _by_span(others, book):
        words = _words(notes, row, known, book, tally)
        yield _output(row, words, words, book, None)  # nobody knows who was asked about it but did not answer


def _output(row: Row, words: list[Word], expected: list[Word], book: Book, repeat: int | None) -> Output:
    start = row["run"].get("start_time") if row["run"] else row["span"].get("start_time")
    place = book.place(row)
    return Output(
        row=row,
        file=place,
        item=book.item(row),
        variant=book.default_variant(row),
        words=words,
        failed=failed(row),
        expected=expected,
        repeat=repeat,
        at=moment(scalar(start), book.source, place),
        length=length(row),
        asked=asked(row),
    )


def _on_spans(book: Book, tally: Tally) -> tuple[dict[str, list[Note]], list[tuple[str, Note]]]:
    """Judges' annotations of spans and traces: by run, and those of other spans with the span's id."""
    of_runs: dict[str, list[Note]] = {}
    others: list[tuple[str, Note]] = []
    for row, one in book.notes():
        if one.kind == "HUMAN":
            continue
        if not row["run"]:
            others.append((str(span_id(row["span"])), one))
        elif book.inner(row):
            tally.rows_read += 1
            tally.set_aside(A_STEP, book.arm(row), fault=False, example=_place(one))
        else:
            of_runs.setdefault(book.name(row["run"]), []).append(one)
    return of_runs, others


def _by_span(others: Iterable[tuple[str, Note]], book: Book) -> Iterator[tuple[dict[str, Any], list[Note]]]:
    """Spans in the order of their ids, with what was said of each."""
    for name, group in groupby(sorted(others, key=lambda pair: pair[0]), key=lambda pair: pair[0]):
        yield book.of_span(name), [one for _, one in group]


def _words(given: Iterable[Note], row: Row, known: _Asked, book: Book, tally: Tally) -> list[Word]:
    newest: dict[tuple[str, Judge], Note] = {}
    for one in sorted(given, key=lambda one: (one.at is None, str(one.at), one.id)):
        key = one.name, known.who(one, row)
        if key in newest:
            tally.rows_read += 1
            tally.set_aside(AGAIN, book.arm(row), fault=False, example=f"{one.name} of {book.place(row)}")
        newest[key] = one
    words = []
    for (name, who), one in newest.items():
        value, error = _value(one, book.source)
        words.append(Word(name, value, error, dict(who), one.kind == "LLM", one.at))
    return words


def _value(one: Note, source: Source) -> tuple[float | None, ScoreError | None]:
    return (None, "judge_error") if one.error else score_of(one.value, source)


def _place(one: Note) -> str:
    target = one.row.get("span_id") or one.row.get("trace_id")
    return f"{one.name} of span {target}" if one.row.get("span_id") else f"{one.name} of trace {target}"


# --- people ---------------------------------------------------------------------------------------------------------


def sayings(book: Book, tally: Tally) -> Iterator[Saying]:
    """What people said of answers; with ``impressions: true`` also the answers that nobody said anything of.

    Raises:
        SignalsError: When it cannot be told which name is meant.
    """
    source = book.source
    shape = str(source.options["shape"])
    wanted = names_meant(((one.name, one.opinion) for _, one in _people(book) if one.value is not None), shape, source)
    said: set[str | None] = set()
    for row, one in _people(book):
        if one.name not in wanted:
            continue
        why = None
        if one.value is None:
            why = EMPTY
        elif shape == "rating" and row["run"] and book.inner(row):
            why = A_STEP
        elif shape == "rating" and failed(row):
            why = FAILED
        if why:
            tally.rows_read += 1
            tally.set_aside(why, book.arm(row), fault=why != A_STEP, example=_place(one))
            continue
        said.add(book.answer(row))
        yield Saying(_place(one), _texts(one, row, shape, book), one.at, row)
    for row in book.roots() if source.options.get("impressions") else ():
        if book.answer(row) in said or failed(row):
            continue
        texts = {"variant": book.variant(row), "value": None, "response": book.answer(row),
                 "user": book.mapped(row, "user")}  # fmt: skip
        at = moment(scalar(row["root"].get("start_time")), source, "a span")
        yield Saying(f"trace {book.answer(row)}", texts, at, row)


def _people(book: Book) -> Iterator[tuple[dict[str, Any], Note]]:
    """What people said of runs, and of spans and traces; only what ``where:`` selects."""
    of_runs = ((row, one) for row, notes in book.runs(people=True) for one in notes)
    for row, one in chain(of_runs, book.notes(people=True)):
        if one.kind == "HUMAN":
            whole = {**row, "annotation": one.row}
            if selected(whole, book.source):
                yield whole, one


def _texts(one: Note, row: Row, shape: str, book: Book) -> Mapping[str, str | None]:
    shared = {"variant": book.variant(row)}
    if shape == "feedback":
        opinion = one.opinion
        value = ("up" if opinion else "down") if isinstance(opinion, bool) else grade_of(opinion)
        return {**shared, "value": value, "response": book.answer(row), "user": book.mapped(row, "user")}
    rater = book.mapped(row, "rater") if "rater" in book.source.map else one.who
    item = book.mapped(row, "item") if "item" in book.source.map else book.item(row)
    return {**shared, "value": grade_of(one.value), "item": item, "rater": rater, "dimension": one.name}
