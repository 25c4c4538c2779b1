"""Events that people caused: ratings, and thumbs beside the answers that were shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from signals.connectors.base import Tally
from signals.connectors.jsonfile import dig, recoded, scalar, selected
from signals.connectors.otel.documents import Event
from signals.connectors.otel.events import Judged, judged, said
from signals.connectors.otel.spans import SIDES, Spans, only
from signals.connectors.said import Saying
from signals.model import Source

FAILED = "the run failed: there was no answer to rate"
ERROR = "the event holds an error and no rating"
EMPTY = "the event holds neither a score nor a label"
NEITHER = "`values:` says that it is neither up nor down"


def ratings(events: Iterable[Event], source: Source, spans: Spans, tally: Tally) -> Iterator[Saying]:
    """Every event as a rating; one without score and label is a skipped one."""
    for one in judged(events, source, spans, tally):
        fault = _fault(one)
        if fault:
            _aside(fault, one, source, tally)
            continue
        texts = _texts(one.row, source, ("item", "rater", "variant"))
        texts |= {"value": said(one, source), "dimension": one.name}
        yield Saying(str(one.event.place), texts, one.event.at, one.row)


def thumbs(events: Iterable[Event], source: Source, spans: Spans, tally: Tally, *, shown: bool) -> Iterator[Saying]:
    """Every answer shown as a saying without a value, then every thumb.

    Args:
        events: In the order in which they were written.
        source: With its variables filled in.
        spans: All of the source.
        tally: Counts what is set aside here.
        shown: Whether the answers shown are counted; if not, only thumbs are given.
    """
    part = only(source, SIDES)
    for answer in spans.shown() if shown else ():
        row = spans.row(answer)
        if selected(row, part):
            texts = {**_texts(row, source, ("variant", "user")), "value": None, "response": answer.key}
            yield Saying("an answer shown", texts, answer.at, row)
    for one in judged(events, source, spans, tally, answers=shown):
        text = said(one, source)
        fault = _fault(one)
        if text is None:
            fault = fault or EMPTY  # without a value it would count as an answer that nobody rated
        elif not shown and recoded(text, source, "value", "value") is None:
            fault = fault or NEITHER
        if fault:
            _aside(fault, one, source, tally)
            continue
        key = one.found.key if one.found else one.event.response or f"{one.event.trace.hex()}:{one.event.span.hex()}"
        texts = {**_texts(one.row, source, ("variant", "user")), "value": text, "response": key}
        yield Saying(str(one.event.place), texts, one.event.at, one.row)


def _fault(one: Judged) -> str | None:
    if one.found is not None and one.found.failed:
        return FAILED
    return ERROR if one.event.error is not None else None


def _texts(row: Mapping[str, Any], source: Source, fields: tuple[str, ...]) -> dict[str, str | None]:
    """What a row says of these fields; the source's own ``variant:`` holds for all rows."""
    texts = {field: scalar(dig(row, source.map[field])) for field in fields if field in source.map}
    stated = source.options.get("variant")
    return {**texts, "variant": str(stated)} if stated else texts


def _aside(why: str, one: Judged, source: Source, tally: Tally) -> None:
    tally.rows_read += 1
    variant = recoded(_texts(one.row, source, ("variant",)).get("variant"), source, "variant", None)
    tally.set_aside(why, variant, fault=why is not NEITHER, example=str(one.event.place))
