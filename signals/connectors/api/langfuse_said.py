"""Scores of Langfuse: judges' as outputs with words, people's as sayings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signals.connectors.api.langfuse_rows import SCORES, failed, item_of, joined, trace_of, variant_of
from signals.connectors.api.paging import Row
from signals.connectors.api.spool import Spool
from signals.connectors.api.values import AGAIN, FAILED, grade_of, names_meant, score_of
from signals.connectors.base import Tally
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import dig, moment, recoded, scalar, selected
from signals.connectors.said import Saying
from signals.model import Source

NO_OUTPUT = "about a whole session or experiment, and no one answer"
A_STEP = "about a step inside of a trace, and not its answer"
NOT_OF = "not of the experiments that the source names"
WORDS = "no score but text"
NOBODY = "an annotation without an author may be a program's"
KINDS = {"item_score": ("EVAL", "API"), "rating": ("ANNOTATION",), "feedback": ("API",)}

Key = tuple[str, str]


@dataclass(frozen=True)
class Book:
    """What was fetched, with everything joined."""

    spool: Spool
    source: Source

    @property
    def shape(self) -> str:
        """The kind of records that the source brings."""
        return str(self.source.options["shape"])

    def row(self, score: Row) -> dict[str, Any]:
        """A score with its item and trace."""
        trace = trace_of(score)
        found = (self.spool.row("item", trace), self.spool.row("trace", trace)) if trace else (None, None)
        return joined(score, *found)

    def scores(self, tally: Tally | None = None) -> Iterator[dict[str, Any]]:
        """The scores of the shape's sources that are about one answer, by time; the others are counted."""
        experiments = next(self.spool.rows("item"), None) is not None
        for score in self.spool.rows("score"):
            if score.get("source") not in KINDS[self.shape]:
                continue
            metric = self.source.options.get("metric")
            if metric is not None and score.get("name") != metric and self.shape != "item_score":
                continue
            row = self.row(score)
            if not selected(row, self.source):
                continue
            why = _unfit(row, experiments=experiments)
            if why is None:
                yield row
            elif tally is not None:
                tally.rows_read += 1
                tally.set_aside(why, self.arm(row), fault=False, example=_place(row))

    def variant(self, row: Row) -> str | None:
        """The variant's name before ``values:``."""
        path = self.source.map.get("variant")
        if path:
            return scalar(dig(row, path))
        return scalar(self.source.options.get("variant")) or variant_of(row)

    def arm(self, row: Row) -> str | None:
        """The variant."""
        return recoded(self.variant(row), self.source, "variant", None)

    def mapped(self, row: Row, field: str) -> str | None:
        """What ``map:`` leads to."""
        path = self.source.map.get(field)
        return scalar(dig(row, path)) if path else None

    def time(self, text: Any) -> datetime | None:
        """A time of the server."""
        return moment(scalar(text), self.source, "a score")


def _unfit(row: Row, *, experiments: bool) -> str | None:
    """Why a score is about nothing that is compared."""
    if row.get("dataType") not in SCORES:
        return WORDS
    if dig(row, "subject.kind") not in ("trace", "observation"):
        return NO_OUTPUT
    item = row["experiment"]
    if experiments and not item:
        return NOT_OF
    if item and dig(row, "subject.kind") == "observation" and item.get("id") != dig(row, "subject.id"):
        return A_STEP
    return None


def _key(row: Row) -> Key:
    """What was scored: an experiment's item is its trace, whichever of the two the score hangs on."""
    if row["experiment"]:
        return "trace", str(trace_of(row))
    return str(dig(row, "subject.kind")), str(dig(row, "subject.id"))


def _name(row: Row) -> str:
    return scalar(row.get("name")) or ""


def _place(row: Row) -> str:
    return f"score {row.get('name')} of {dig(row, 'subject.kind')} {dig(row, 'subject.id')}"


# --- judges ---------------------------------------------------------------------------------------------------------


def outputs(book: Book, tally: Tally) -> Iterator[Output]:
    """Every answer that was scored, and every item of an experiment."""
    found: dict[Key, list[dict[str, Any]]] = {}
    asked: dict[str | None, dict[tuple[str, tuple[tuple[str, str], ...], bool], None]] = {}
    for item in book.spool.rows("item"):  # also those that no judge said anything about
        found[("trace", str(item["traceId"]))] = []
    for row in book.scores(tally):
        found.setdefault(_key(row), []).append(row)
        if row["experiment"]:
            asked.setdefault(variant_of(row), {})[(_name(row), _judge(row), row["source"] == "EVAL")] = None
    for (kind, name), rows in found.items():
        bare = {"subject": {"kind": kind, "id": name}, "dataType": None}
        whole = rows[0] if rows else book.row(bare)
        if not rows and not selected(whole, book.source):
            continue
        words = _words(rows, book, tally)
        expected = [Word(scorer, None, None, dict(who), graded)
                    for scorer, who, graded in asked.get(variant_of(whole), ())]  # fmt: skip
        yield Output(
            row=whole,
            file=f"{kind} {name}",
            item=item_of(whole),
            variant=variant_of(whole),
            words=words,
            failed=failed(whole),
            expected=expected if whole["experiment"] else words,
            at=book.time(dig(whole, "experiment.startTime") or dig(whole, "trace.timestamp")),
        )


def _words(rows: list[dict[str, Any]], book: Book, tally: Tally) -> list[Word]:
    newest: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Any]] = {}
    for row in rows:
        key = _name(row), _judge(row)
        if key in newest:
            tally.rows_read += 1
            tally.set_aside(AGAIN, book.arm(row), fault=False, example=_place(row))
        newest[key] = row
    words = []
    for (name, who), row in newest.items():
        value, error = score_of(row.get("value"), book.source)
        words.append(Word(name, value, error, dict(who), row["source"] == "EVAL", book.time(row.get("timestamp"))))
    return words


def _judge(row: Row) -> tuple[tuple[str, str], ...]:
    """What Langfuse says of a judge: next to nothing. Its version when the score's metadata hold one."""
    told = {"source": row.get("source"), "config": row.get("configId"),
            "version": dig(row.get("metadata"), "judge_version")}  # fmt: skip
    return tuple((key, str(value)) for key, value in told.items() if value is not None)


# --- people ---------------------------------------------------------------------------------------------------------


def sayings(book: Book, tally: Tally) -> Iterator[Saying]:
    """What people said of answers; with ``impressions: true`` also the answers that nobody said anything of.

    Raises:
        SignalsError: When it cannot be told which name is meant.
    """
    pairs = ((_name(row), row.get("value")) for row in book.scores())
    wanted = names_meant(pairs, book.shape, book.source)
    said: set[str | None] = set()
    for row in book.scores(tally):
        if _name(row) not in wanted:
            continue
        why = None
        if book.shape == "rating" and not scalar(row.get("authorUserId")):
            why = NOBODY
        elif book.shape == "rating" and failed(row):
            why = FAILED
        if why:
            tally.rows_read += 1
            tally.set_aside(why, book.arm(row), example=_place(row))
            continue
        said.add(trace_of(row))
        yield Saying(_place(row), _texts(row, book), book.time(row.get("timestamp")), row)
    for trace in book.spool.rows("trace") if book.source.options.get("impressions") else ():
        row = book.row({"subject": {"kind": "trace", "id": trace["id"]}})
        if trace["id"] in said or failed(row) or not selected(row, book.source):
            continue
        texts = {"variant": book.variant(row), "value": None, "response": str(trace["id"]),
                 "user": book.mapped(row, "user")}  # fmt: skip
        yield Saying(f"trace {trace['id']}", texts, book.time(trace.get("timestamp")), row)


def _texts(row: Row, book: Book) -> Mapping[str, str | None]:
    shared = {"variant": book.variant(row), "value": grade_of(row.get("value"))}
    if book.shape == "feedback":
        # The trace is the answer, also when the thumb hangs on one of its parts.
        return {**shared, "response": trace_of(row), "user": book.mapped(row, "user")}
    item = book.mapped(row, "item") if "item" in book.source.map else item_of(row)
    rater = book.mapped(row, "rater") if "rater" in book.source.map else scalar(row.get("authorUserId"))
    return {**shared, "item": item, "rater": rater, "dimension": _name(row)}
