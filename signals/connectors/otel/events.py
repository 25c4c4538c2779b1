"""The evaluation events that a source reads, each with the span that it judges."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signals.connectors.base import Tally
from signals.connectors.evals.output import Output, Word
from signals.connectors.jsonfile import dig, recoded, scalar, selected
from signals.connectors.known import Known
from signals.connectors.otel.documents import Event
from signals.connectors.otel.spans import Found, Spans, only
from signals.model import ScoreError, SignalsError, Source
from signals.strictyaml import suggest

AGAIN = "the same event was read already"
SCORE, LABEL = "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"
EVENT_SIDES = ("event.", "scope.", "resource.")
JUDGE = re.compile(r"(?<![a-z])(judge|evaluator|grader|scorer)(?![a-z]).*(version|model|rubric|threshold)$")


@dataclass(frozen=True, slots=True)
class Judged:
    """An event with its span; ``row`` is what the paths of ``map:`` lead into."""

    event: Event
    found: Found | None  # None: the files hold no spans
    row: Mapping[str, Any]
    name: str


def judged(
    events: Iterable[Event], source: Source, spans: Spans, tally: Tally, *, answers: bool = False
) -> Iterator[Judged]:
    """The events that ``metric:`` and ``where:`` select, each once; those without their span are set aside.

    Args:
        events: In the order in which they were written.
        source: With its variables filled in.
        spans: All of the source.
        tally: Counts what is set aside here.
        answers: Whether their span is the answer that people saw, rather than the one that they judge.

    Raises:
        SignalsError: When several evaluations are there and ``metric:`` does not say which to read, or it names none
            of them. No attribute tells a judge's score from a person's thumb.
    """
    metric = source.options.get("metric")
    wanted = None if metric is None else {metric} if isinstance(metric, str) else set(metric)
    early, names, seen = only(source, EVENT_SIDES), dict[str, Event](), Known()
    any_event = None
    for event in events:
        any_event = event
        if not selected(event.row, early):
            continue
        name = event.name or ""
        names.setdefault(name, event)
        if wanted is None and len(names) > 1:
            what = f"source {source.name!r}: the events hold several evaluations"
            raise SignalsError(
                what, f"Name the one to read with `metric:`. {suggest('', names)}", file=event.place.file
            )
        if wanted is not None and name not in wanted:
            continue
        key = _digest(event)
        found = spans.judged(event) if spans.count else None
        found = spans.rated(found) if answers and isinstance(found, Found) else found
        row = {**event.row, **spans.row(found)} if isinstance(found, Found) else event.row
        fault = AGAIN if seen.times(key) else found if isinstance(found, str) else None
        if fault is None and not selected(row, source):
            continue
        seen.meet(key)
        if fault is not None:
            tally.rows_read += 1
            tally.set_aside(fault, fault=fault is not AGAIN, example=str(event.place))
            continue
        yield Judged(event, found if isinstance(found, Found) else None, row, name)
    if any_event is None:
        remedy = "Let `path:` match the files that hold the evaluation events: logs, or traces with span events"
        raise SignalsError(f"source {source.name!r}: the files hold no event gen_ai.evaluation.result", remedy)
    missing = sorted(wanted - set(names)) if wanted else []
    if missing and names:
        what = f"source {source.name!r}: no evaluation is called {missing[0]!r}"
        raise SignalsError(what, suggest(missing[0], names), file=any_event.place.file)


def _digest(event: Event) -> bytes:
    """What makes an event itself: collectors send one again when an answer got lost."""
    about = [event.trace.hex(), event.span.hex(), event.at, event.row]
    text = json.dumps(about, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def said(one: Judged, source: Source) -> str | None:
    """What the event says, before ``values:``: its score, else its label, unless ``map.value`` names something else."""
    path = source.map.get("value")
    if path:
        return scalar(dig(one.row, path))
    score = scalar(one.event.attributes.get(SCORE))
    return score if score is not None else scalar(one.event.attributes.get(LABEL))


def outputs(events: Iterable[Event], source: Source, spans: Spans, tally: Tally) -> Iterator[Output]:
    """Every event as an output with one word.

    Raises:
        SignalsError: When there are labels and not one score.
    """
    scored, labels = False, dict[str, Event]()
    for one in judged(events, source, spans, tally):
        value, error = _score(one, source)
        scored |= value is not None
        text = said(one, source)
        if error == "judge_unparsed" and text is not None and len(labels) < 20:
            labels.setdefault(text, one.event)
        word = Word(one.name or "evaluation", value, error, _judge(one, source), at=one.event.at)
        yield Output(
            row=one.row,
            file=one.event.place.file,
            line=one.event.place.line,
            item=None,
            variant=None,
            words=[word],
            failed=one.found is not None and one.found.failed,
            at=one.event.at,
        )
    if labels and not scored:
        first = next(iter(labels))
        what = f"source {source.name!r}: the events hold labels and no scores ({', '.join(map(repr, sorted(labels)))})"
        raise SignalsError(what, f"Give each a number: `values: {{{first}: 1}}`", file=labels[first].place.file)


def _score(one: Judged, source: Source) -> tuple[float | None, ScoreError | None]:
    if one.event.error is not None:
        return None, "judge_error"
    text = recoded(said(one, source), source, "value", "value")
    value = _number(text)
    return value, None if value is not None else "judge_unparsed"


def _number(text: str | None) -> float | None:
    if text is None or "_" in text:  # Python reads 1_000 as a number
        return None
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _judge(one: Judged, source: Source) -> dict[str, str]:
    """What the event says of its judge; empty when it says nothing, so that nobody takes two judges for one.

    Conventions know no attribute for it: the scope's version, and attributes that name a judge and one of its traits,
    such as ``app.judge.version``.
    """
    path = source.map.get("scorer_version")
    if path:
        version = scalar(dig(one.row, path))
        return {} if version is None else {"version": version}
    scope = one.row["scope"]
    found = {key: str(value) for key, value in one.event.attributes.items() if JUDGE.search(key.lower())}
    if scope["version"]:
        found |= {"scope": str(scope["name"]), "scope version": str(scope["version"])}
    return found
