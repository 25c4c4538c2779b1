"""OTLP/JSON documents: spans and evaluation events, in the specification's encoding and in protobuf's own.

The specification writes ids in hex and enums as numbers; protobuf's JSON writes base64 and names. Both may write 64-bit
numbers as text, and keys in either case. An evaluation comes as a log record, as an event of a span, or as a span of
its own below the one that it judges.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from signals.connectors.cells import LAST_YEAR
from signals.connectors.filekind import open_binary
from signals.connectors.jsonfile import load_json, scalar
from signals.connectors.jsonlines import LONGEST, json_lines
from signals.connectors.lines import EPOCH
from signals.connectors.paths import InputFile
from signals.model import SignalsError

EVALUATION = "gen_ai.evaluation.result"
RESPONSE = "gen_ai.response.id"
FAILED = ("2", "STATUS_CODE_ERROR")
SIGNALS = {"resourceLogs": "resource_logs", "resourceSpans": "resource_spans", "resourceMetrics": "resource_metrics"}
REMEDY = "Write OTLP/JSON: with the collector's file exporter, or an SDK's OTLP JSON exporter"

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document was read."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Span:
    """One operation. ``row`` holds its name, attributes, status, scope and resource: what ``span.`` paths lead into."""

    place: Place
    trace: bytes
    span: bytes
    parent: bytes  # empty for the root of a trace
    at: datetime | None
    failed: bool
    response: str | None
    row: Node


@dataclass(frozen=True, slots=True)
class Event:
    """One evaluation: ``row`` holds the event, its scope and its resource. An id that is not given is empty."""

    place: Place
    trace: bytes
    span: bytes
    at: datetime | None
    row: Node

    @property
    def attributes(self) -> Node:
        """Its attributes."""
        found: Node = self.row["event"]["attributes"]
        return found

    @property
    def response(self) -> str | None:
        """The id of the response that it judges."""
        return scalar(self.attributes.get(RESPONSE))

    @property
    def name(self) -> str | None:
        """What was evaluated."""
        return scalar(self.attributes.get("gen_ai.evaluation.name"))

    @property
    def error(self) -> str | None:
        """Why there is no score."""
        return scalar(self.attributes.get("error.type"))


def read(file: InputFile, *, again: bool = False) -> Iterator[Span | Event]:
    """All spans and evaluation events of a file, in the order in which they were written.

    Args:
        file: Plain or packed.
        again: Whether it was read before, so that nothing can be wrong with it: only the events are given.

    Raises:
        SignalsError: When the file cannot be read, is cut off, or holds no OTLP/JSON.
    """
    for line, document in _documents(file, again):
        yield from _records(document, Place(file.name, line), again)


def _documents(file: InputFile, again: bool) -> Iterator[tuple[int | None, Node]]:
    """One document per line, or one (or a list of them) in the whole file."""
    if _by_line(file):
        yield from _lines_with_events(file) if again else json_lines(file)
        return
    data = load_json(file)
    for one in data if isinstance(data, list) else [data]:
        if not isinstance(one, Mapping):
            raise SignalsError("is no OTLP/JSON: it holds no JSON object", REMEDY, file=file.name)
        yield None, one


def _lines_with_events(file: InputFile) -> Iterator[tuple[int, Node]]:
    """The lines that may hold an event: traces are mostly spans, and parsing is what takes time."""
    mark = EVALUATION.encode()
    with open_binary(file) as stream:
        for number, raw in enumerate(stream, 1):
            if mark in raw or b"\\u00" in raw:  # or the mark is spelled with escapes
                yield number, json.loads(raw.decode("utf-8-sig"))


def _by_line(file: InputFile) -> bool:
    """Whether the first line is a whole document."""
    try:
        with open_binary(file) as stream:
            first = next((line for line in iter(lambda: stream.readline(LONGEST), b"") if line.strip()), b"")
        return isinstance(json.loads(first), Mapping)
    except (OSError, EOFError, zlib.error):
        return True  # reading it will say what is wrong
    except (ValueError, RecursionError):
        return False


def _records(document: Node, place: Place, again: bool) -> Iterator[Span | Event]:
    if document and not any(name in document for names in SIGNALS.items() for name in names):
        raise SignalsError(
            "is no OTLP/JSON: it has neither resourceLogs nor resourceSpans", REMEDY, file=place.file, line=place.line
        )
    for whole in _parts(document, "resourceLogs", place):
        resource = _resource(whole, place)
        for part in _parts(whole, "scopeLogs", place):
            scope = _scope(part, place)
            for record in _parts(part, "logRecords", place):
                named = _get(record, "eventName")
                attributes = _attributes(record, place) if not named or named == EVALUATION else {}
                if EVALUATION in (named, attributes.get("event.name")):
                    at = _time(record, "timeUnixNano") or _time(record, "observedTimeUnixNano")
                    yield _event(record, _id(record, "spanId"), at, place, scope, resource)
    for whole in _parts(document, "resourceSpans", place):
        resource = _resource(whole, place)
        for part in _parts(whole, "scopeSpans", place):
            scope = _scope(part, place)
            for span in _parts(part, "spans", place):
                yield from _span(span, place, scope, resource, again)


def _span(span: Node, place: Place, scope: Node, resource: Node, again: bool) -> Iterator[Span | Event]:
    """A span, unless it is read again, with its events; or the evaluation that it stands for."""
    at = _time(span, "startTimeUnixNano") or _time(span, "endTimeUnixNano")
    own = _id(span, "spanId")
    if span.get("name") == EVALUATION:
        yield _event(span, _id(span, "parentSpanId"), at, place, scope, resource)
        return
    if not again:
        yield _operation(span, own, at, place, scope, resource)
    for event in _parts(span, "events", place):
        if event.get("name") == EVALUATION:
            inside = {**event, "traceId": _get(span, "traceId")}
            yield _event(inside, own, _time(event, "timeUnixNano") or at, place, scope, resource)


def _operation(span: Node, own: bytes, at: datetime | None, place: Place, scope: Node, resource: Node) -> Span:
    trace = _id(span, "traceId")
    if not trace or not own:
        raise SignalsError("a span has no traceId or no spanId", "Export it again", file=place.file, line=place.line)
    attributes = _attributes(span, place)
    found = _get(span, "status")
    status: Node = found if isinstance(found, Mapping) else {}
    failed = str(status.get("code")) in FAILED or bool(attributes.get("error.type"))
    row = {"name": span.get("name"), "traceId": trace.hex(), "spanId": own.hex(), "attributes": attributes,
           "status": status, "scope": scope, "resource": resource}  # fmt: skip
    return Span(place, trace, own, _id(span, "parentSpanId"), at, failed, scalar(attributes.get(RESPONSE)), row)


def _event(record: Node, span: bytes, at: datetime | None, place: Place, scope: Node, resource: Node) -> Event:
    trace = _id(record, "traceId")
    event = {"traceId": trace.hex(), "spanId": span.hex(), "attributes": _attributes(record, place),
             "body": _value(_get(record, "body"), place)}  # fmt: skip
    return Event(place, trace, span, at, {"event": event, "scope": scope, "resource": resource})


# --- the encoding ---------------------------------------------------------------------------------------------------


def _get(node: Node, key: str) -> Any:
    """A field by its JSON name, else by its name in the protocol's schema."""
    found = node.get(key)
    return node.get(_snake(key)) if found is None else found


@cache
def _snake(key: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in key)


def _parts(node: Node, key: str, place: Place) -> list[Node]:
    found = _get(node, key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
        raise SignalsError(f"{key} is no list of objects", REMEDY, file=place.file, line=place.line)
    return found


def _scope(node: Node, place: Place) -> Node:
    found = node.get("scope")
    scope: Node = found if isinstance(found, Mapping) else {}
    return {"name": scope.get("name"), "version": scope.get("version"), "attributes": _attributes(scope, place)}


def _resource(node: Node, place: Place) -> Node:
    found = node.get("resource")
    return {"attributes": _attributes(found if isinstance(found, Mapping) else {}, place)}


def _attributes(node: Node, place: Place) -> dict[str, Any]:
    return {str(part.get("key")): _value(part.get("value"), place) for part in _parts(node, "attributes", place)}


def _value(value: Any, place: Place) -> Any:
    """An attribute's value: text, truth value, number, list or object; None when it is empty or bytes."""
    if not isinstance(value, dict) or not value:
        return None
    kind, held = next(iter(value.items()))
    name = kind.removesuffix("_value").removesuffix("Value")
    if name in ("array", "kvlist"):
        inside = held if isinstance(held, Mapping) else {}
        if name == "array":
            return [_value(one, place) for one in _parts(inside, "values", place)]
        return {str(part.get("key")): _value(part.get("value"), place) for part in _parts(inside, "values", place)}
    if name == "string":  # halves of characters are no text, and no file or database takes them
        return held if not isinstance(held, str) or held.isascii() else held.encode("utf-8", "replace").decode()
    if name == "bool":
        return held
    try:
        return int(held) if name == "int" else float(held) if name == "double" else None
    except (TypeError, ValueError):
        return None


LENGTHS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def _id(node: Node, key: str) -> bytes:
    """An id, from hex or base64; empty when there is none (all zeros mean that, too)."""
    text = _get(node, key)
    if not isinstance(text, str):
        return b""
    found = text.encode("utf-8", "replace")  # whatever it is, two that are the same still meet
    try:
        if len(text) == 2 * LENGTHS[key]:
            found = bytes.fromhex(text)
        elif len(text) == 4 * ((LENGTHS[key] + 2) // 3):
            found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        pass
    return found if found.strip(b"\0") else b""


def _time(node: Node, key: str) -> datetime | None:
    """Nanoseconds since 1970; None when they are missing, 0 or no time."""
    try:
        micros = int(_get(node, key)) // 1000
    except (TypeError, ValueError, OverflowError):
        return None
    return EPOCH + timedelta(microseconds=micros) if 0 < micros <= LAST_YEAR else None
