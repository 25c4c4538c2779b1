"""Assessments of MLflow's traces: judges' as outputs with words, people's as sayings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.connectors.api.mlflow_rows import (
    JUDGES,
    Assessment,
    Trace,
    assessments,
    failed,
    inputs,
    item_of,
    item_tag,
    output_length,
    source_run,
    unfinished,
    variant_of,
)
from signals.connectors.api.values import AGAIN, FAILED, grade_of, names_meant, score_of
from signals.connectors.base import Tally
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import dig, moment, recoded, scalar, selected
from signals.connectors.said import Saying
from signals.model import ScoreError, Source

UNFINISHED = "the trace is still in progress"
UNJUDGED = "no judge was asked about the trace"
CORRECTION = "put in the place of another score, by somebody who had seen that one"
SUPERSEDED = "no longer valid: another one was put in its place"

Judge = tuple[tuple[str, str], ...]
Scorer = tuple[str, Judge, bool]


# --- judges ---------------------------------------------------------------------------------------------------------


@dataclass
class _Known:
    """Who judged: a judge's error does not say which judge it was, its other scores do."""

    peers: dict[tuple[str, ...], dict[Judge, None]] = field(default_factory=dict)

    def note(self, one: Assessment, run: str | None) -> None:
        for key in self._keys(one, run) if one.kind in JUDGES else ():
            self.peers.setdefault(key, {})[judge(one)] = None

    def who(self, one: Assessment, run: str | None) -> tuple[Judge, bool]:
        """The judge of a score (or of an error), and whether a model is behind it."""
        if one.kind in JUDGES:
            return judge(one), True
        peers = next((self.peers[key] for key in self._keys(one, run) if key in self.peers), None)
        return (min(peers), True) if one.error and peers else (judge(one), False)

    @staticmethod
    def _keys(one: Assessment, run: str | None) -> list[tuple[str, ...]]:
        """The closest kin first: the same run, the same code of the scorer, the same name."""
        return [("run", run or "", one.name), ("code", one.digest, one.name), ("name", one.name)]


def judge(one: Assessment) -> Judge:
    """What makes the judge itself and no other: its model, the tool's hash of the scorer, the version it states."""
    return (("source", one.who or ""), *one.said_by)


def outputs(traces: Iterable[Trace], source: Source, tally: Tally) -> Iterator[Output]:
    """Every finished trace that a judge was asked about.

    Args:
        traces: By time; gone through twice.
        source: With its variables filled in.
        tally: Counts what is not passed on.
    """
    known = _Known()
    asked: dict[str, dict[Scorer, None]] = {}
    for trace in traces:
        for one in assessments(trace, source):
            if one.kind != "HUMAN":
                known.note(one, source_run(trace))
    for trace in traces:  # errors can be told only now
        run = source_run(trace)
        for one in assessments(trace, source) if run else ():
            if one.kind != "HUMAN":
                asked.setdefault(str(run), {})[(one.name, *known.who(one, run))] = None
    name = _tag(traces, source)
    for trace in traces:
        yield from _output(trace, name, known, asked, source, tally)


def _output(
    trace: Trace, name: str | None, known: _Known, asked: Mapping[str, Iterable[Scorer]], source: Source, tally: Tally
) -> Iterator[Output]:
    if not selected(trace, source):
        return
    run, place = source_run(trace), f"trace {trace.get('trace_id')}"
    given = [one for one in assessments(trace, source) if one.kind != "HUMAN"]
    expected = [Word(scorer, None, None, dict(who), graded) for scorer, who, graded in asked.get(run or "", ())]
    if unfinished(trace) or not (given or expected):
        tally.rows_read += 1
        tally.set_aside(UNFINISHED if unfinished(trace) else UNJUDGED, _arm(trace, source), fault=False, example=place)
        return
    newest: dict[tuple[str, Judge], Assessment] = {}
    for one in given:
        key = one.name, known.who(one, run)[0]
        before = newest.get(key)
        if before is not None:
            tally.rows_read += 1
            tally.set_aside(AGAIN, _arm(trace, source), fault=False, example=place)
        if before is None or one.valid or not before.valid:
            newest[key] = one
    words = [_word(one, who, known.who(one, run)[1], source) for (_, who), one in newest.items()]
    yield Output(
        row=trace,
        file=place,
        item=item_of(trace, name),
        variant=variant_of(trace),
        words=words,
        failed=failed(trace),
        expected=expected or words,  # outside a run nobody knows who was asked but did not answer
        at=moment(scalar(trace.get("request_time")), source, place),
        length=output_length(trace),
        asked=inputs(trace),
    )


def _word(one: Assessment, who: Judge, graded: bool, source: Source) -> Word:
    value, error = _value(one, source)
    return Word(one.name, value, error, dict(who), graded, one.at)


def _value(one: Assessment, source: Source) -> tuple[float | None, ScoreError | None]:
    if one.error:
        return None, "judge_error"
    if not one.valid:
        return None, "skipped"  # somebody took it back: what stands in its place is no word of this judge
    return score_of(one.value, source)


# --- people ---------------------------------------------------------------------------------------------------------


def sayings(traces: Iterable[Trace], shape: str, source: Source, tally: Tally) -> Iterator[Saying]:
    """What people said of the traces, and for thumbs with ``impressions: true`` also where they said nothing.

    Raises:
        SignalsError: When it cannot be told which of the names is meant.
    """
    wanted = names_meant(_said(traces, source), shape, source)
    silent = bool(source.options.get("impressions"))
    tag = _tag(traces, source)
    for trace in traces:
        if not selected(trace, source):
            continue
        texts = _about(trace, tag, shape, source)
        said = False
        for one in assessments(trace, source):
            if one.kind != "HUMAN" or one.name not in wanted:
                continue
            place = f"{one.name} by {one.who} of {trace.get('trace_id')}"
            why = SUPERSEDED if not one.valid else CORRECTION if one.overrides else None
            lost = shape == "rating" and failed(trace)
            if why or lost:
                tally.rows_read += 1
                tally.set_aside(why or FAILED, _arm(trace, source), fault=not why, example=place)
                continue
            said = True
            yield Saying(place, {**texts, **_by(one, shape, trace, source)}, one.at, trace)
        if silent and not said and not failed(trace) and not unfinished(trace):
            user = _mapped(trace, "user", source)
            yield Saying(
                str(trace.get("trace_id")), {**texts, "value": None, "user": user}, _time(trace, source), trace
            )


def _said(traces: Iterable[Trace], source: Source) -> Iterator[tuple[str, Any]]:
    for trace in traces:
        for one in assessments(trace, source) if selected(trace, source) else ():
            if one.kind == "HUMAN" and one.valid and not one.overrides:
                yield one.name, one.value


def _about(trace: Trace, tag: str | None, shape: str, source: Source) -> dict[str, str | None]:
    variant = _variant(trace, source)
    if shape == "feedback":
        return {"variant": variant, "response": scalar(trace.get("trace_id"))}
    return {"variant": variant, "item": _mapped(trace, "item", source) if "item" in source.map else item_of(trace, tag)}


def _by(one: Assessment, shape: str, trace: Trace, source: Source) -> dict[str, str | None]:
    role = "rater" if shape == "rating" else "user"
    who = _mapped(trace, role, source) if role in source.map else one.who
    return {"value": grade_of(one.value), role: who, **({"dimension": one.name} if shape == "rating" else {})}


def _mapped(trace: Trace, name: str, source: Source) -> str | None:
    path = source.map.get(name)
    return scalar(dig(trace, path)) if path else None


def _time(trace: Trace, source: Source) -> Any:
    return moment(scalar(trace.get("request_time")), source, "a trace")


def _tag(traces: Iterable[Trace], source: Source) -> str | None:
    """The tag that names items, by the first trace that has one."""
    return next((tag for trace in traces if (tag := item_tag(trace)) and selected(trace, source)), None)


def _variant(trace: Trace, source: Source) -> str | None:
    """The variant's name before ``values:``."""
    if "variant" in source.map:
        return _mapped(trace, "variant", source)
    return scalar(source.options.get("variant")) or variant_of(trace)


def _arm(trace: Trace, source: Source) -> str | None:
    return recoded(_variant(trace, source), source, "variant", None)
