"""Evaluation events of OpenTelemetry: joined to their spans, whatever the encoding and whoever wrote them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from signals.connectors.otel.documents import Event, Place, Span, _records
from signals.strictyaml import parse

DOCS = Path(__file__).parents[2] / "docs" / "connectors" / "otel.md"

NAME, SCORE, LABEL = "gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"
VARIANT = "span.resource.attributes.service.version"
JUDGE: dict[str, Any] = {
    "path": "otel/*",
    "metric": "Helpfulness",
    "map": {"item": "span.attributes.app.item_id", "variant": VARIANT, "segment.lang": "span.attributes.app.lang"},
}
THUMBS: dict[str, Any] = {
    "path": "otel/*",
    "shape": "feedback",
    "metric": "user_thumb",
    "map": {"variant": VARIANT, "segment.lang": "span.attributes.app.lang"},
}
FILES = [f"{arm}.{kind}.jsonl" for arm in ("control", "candidate") for kind in ("logs", "traces")]


def put(desk: Any, folder: Path | None = None) -> None:
    for name in FILES:
        desk.write(f"otel/{name}", ((folder or desk.files / "otel") / name).read_bytes())


# --- documents made here --------------------------------------------------------------------------------------------


def value(of: Any) -> dict[str, Any]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {kinds[type(of)]: str(of) if type(of) is int else of}


def given(of: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(one)} for key, one in of.items()]


def ids(number: int) -> dict[str, str]:
    return {"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}"}


def span(number: int, item: str, arm: str, *, events: Any = (), **keys: Any) -> dict[str, Any]:
    of = {"app.item_id": item, "gen_ai.operation.name": "chat", "user.id": f"user {number}", **keys.pop("of", {})}
    about = {**ids(number), "name": "chat bot", "startTimeUnixNano": "1795342559000000000", "status": {}, **keys}
    whole = {**about, "attributes": given(of), "events": list(events)}
    return {"resourceSpans": [{"resource": {"attributes": given({"service.version": arm})},
                               "scopeSpans": [{"scope": {"name": "bot"}, "spans": [whole]}]}]}  # fmt: skip


def record(score: Any = None, name: str = "kind", **of: Any) -> dict[str, Any]:
    """The attributes of one evaluation; ``error__type=…`` is ``error.type``."""
    scored = {} if score is None else {SCORE: score}
    return {NAME: name, **scored, **{key.replace("__", "."): one for key, one in of.items()}}


def log(number: int | None, of: dict[str, Any], *, version: str | None = "j1", **keys: Any) -> dict[str, Any]:
    scope = {"name": "evaluator"} | ({"version": version} if version else {})
    where = {} if number is None else ids(number)
    whole = {"timeUnixNano": "1795342559000000000", "eventName": "gen_ai.evaluation.result", **where, **keys}
    part = {"scope": scope, "logRecords": [{**whole, "attributes": given(of)}]}
    return {"resourceLogs": [{"resource": {"attributes": given({"service.name": "judges"})}, "scopeLogs": [part]}]}


ONE: dict[str, Any] = {"path": "otel/*", "map": {"item": "span.attributes.app.item_id", "variant": VARIANT}}


def write(desk: Any, *documents: dict[str, Any], name: str = "all.jsonl") -> None:
    desk.write(f"otel/{name}", "".join(json.dumps(one) + "\n" for one in documents))


def scores(records: list[Any]) -> list[tuple[Any, ...]]:
    return sorted((r.item, r.variant, r.repeat, r.value, r.error) for r in records)


# --- what the exporter wrote ----------------------------------------------------------------------------------------


def plain(folder: Path) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Events (flat attributes, with the variant) and spans by id, read without any of our code."""
    events, spans = [], {}
    for name in FILES:
        for line in (folder / name).read_text().splitlines():
            document = json.loads(line)
            for whole in document.get("resourceLogs", []) + document.get("resourceSpans", []):
                arm = {a["key"]: a["value"].get("stringValue") for a in whole["resource"]["attributes"]}
                for part in whole.get("scopeLogs", []) + whole.get("scopeSpans", []):
                    for one in part.get("logRecords", []) + part.get("spans", []):
                        flat = {a["key"]: next(iter(a["value"].values())) for a in one["attributes"]}
                        flat |= {"variant": arm["service.version"], "span": one["traceId"] + one["spanId"]}
                        flat["time"] = one.get("timeUnixNano") or one.get("observedTimeUnixNano")
                        if "resourceLogs" in document:
                            events.append(flat)
                        else:
                            spans[flat["span"]] = flat
    return events, spans


def paired(scored: list[tuple[str, str, float]]) -> float:
    by: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for item, variant, one in scored:
        by[item][variant].append(one)
    return mean(mean(arms["candidate"]) - mean(arms["control"]) for arms in by.values() if len(arms) == 2)


@pytest.mark.parametrize("full", [False, True])
def test_judge_events_find_their_spans(desk: Any, full: bool, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue("shared") / "exports" / "otel" if full else desk.files / "otel"
    put(desk, folder)
    records = desk.read("otel", **JUDGE)
    events, spans = plain(folder)
    judged = [(spans[e["span"]]["app.item_id"], e["variant"], e) for e in events if e[NAME] == "Helpfulness"]
    assert len(records) == len(judged) == desk.tally.rows_read == desk.tally.rows_kept == (120 if full else 48)
    assert [r.item for r in records if r.error] == ["ticket-023"] * 2
    assert {r.error for r in records} == {None, "judge_error"}
    assert {(r.item, r.variant): r.value for r in records} == {(i, v): e.get(SCORE) for i, v, e in judged}
    ours = paired([(r.item, r.variant, r.value) for r in records if r.value is not None])
    assert ours == pytest.approx(paired([(i, v, e[SCORE]) for i, v, e in judged if SCORE in e]), abs=1e-12)
    if full:
        assert round(ours, 4) == 0.0411
        zeros = paired([(r.item, r.variant, r.value or 0.0) for r in records])
        assert round(zeros, 4) == 0.0404, "the failed judgements as zeros would say something else"
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert len({r.fingerprint for r in records}) == 1
    assert {r.repeat for r in records} == {0}
    assert desk.read_again() == records


def test_times_fall_back_to_when_the_event_was_seen(desk: Any) -> None:
    put(desk)
    records = {(r.item, r.variant): r.at for r in desk.read("otel", **JUDGE)}
    events, spans = plain(desk.files / "otel")
    for event in events:
        if event[NAME] == "Helpfulness":
            micros = int(event["time"]) // 1000
            at = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
            assert records[spans[event["span"]]["app.item_id"], event["variant"]] == at


@pytest.mark.parametrize("full", [False, True])
def test_thumbs_come_with_the_answers_that_were_shown(desk: Any, full: bool, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue("shared") / "exports" / "otel" if full else desk.files / "otel"
    put(desk, folder)
    cells = desk.read("otel", **THUMBS)
    events, spans = plain(folder)
    thumbs = [(e["variant"], spans[e["span"]]["app.lang"], e[SCORE]) for e in events if e[NAME] == "user_thumb"]
    for cell in cells:
        lang = dict(cell.segment)["lang"]
        mine = [score for variant, of, score in thumbs if (variant, of) == (cell.variant, lang)]
        shown = sum((s["variant"], s["app.lang"]) == (cell.variant, lang) for s in spans.values())
        assert (cell.impressions, cell.moments.n) == (shown, len(mine))
        assert cell.moments.mean == pytest.approx(mean(mine))
        assert cell.day is not None
    assert len(cells) == 6
    if full:
        totals: Counter[tuple[str, str]] = Counter()
        for cell in cells:
            up = round(cell.moments.n * cell.moments.mean)
            totals.update({(cell.variant, "n"): cell.moments.n, (cell.variant, "up"): up})
            totals.update({(cell.variant, "shown"): cell.impressions})
        assert totals == {
            ("control", "n"): 22, ("control", "up"): 15, ("control", "shown"): 60,
            ("candidate", "n"): 29, ("candidate", "up"): 15, ("candidate", "shown"): 60,
        }  # fmt: skip
        assert (desk.tally.rows_read, desk.tally.rows_kept) == (171, 171)
    assert desk.read_again() == cells


def test_users_of_both_arms_count_in_neither(desk: Any) -> None:
    put(desk)
    assert "unit was seen in both arms" in desk.fails(
        "otel", **{**THUMBS, "map": {**THUMBS["map"], "user": "span.attributes.user.id"}}
    )


def test_logs_alone_know_no_impressions(desk: Any) -> None:
    put(desk)
    entry = {**THUMBS, "path": "otel/*.logs.jsonl", "map": {"variant": "resource.attributes.service.version"}}
    assert "map.variant reads 'resource.attributes.service.version', which answers" in desk.fails("otel", **entry)
    cells = desk.read("otel", **entry, impressions=False)
    assert {(c.impressions, c.day is None) for c in cells} == {(None, False)}
    shares = {"values": {"variant": {"control": "control"}, "value": {"0.0": None}}}
    cells = desk.read("otel", **entry, impressions=False, **shares)
    assert {(c.impressions, c.moments.mean) for c in cells} == {(None, 1.0)}, "recoded to nothing is not shown"
    stated = {**THUMBS, "path": "otel/control.logs.jsonl", "map": {}, "variant": "control"}
    assert "the files hold no spans, so nobody knows which answers were shown" in desk.fails("otel", **stated)


def test_a_failed_run_has_no_score_and_shows_no_answer(desk: Any) -> None:
    put(desk)
    path = desk.data / "otel" / "candidate.traces.jsonl"
    lines = path.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if "ticket-007" in line)
    before = {dict(c.segment)["lang"]: c for c in desk.read("otel", **THUMBS) if c.variant == "candidate"}
    for failed in ('"status":{"code":2}', '"status":{"code":"STATUS_CODE_ERROR"}'):
        path.write_text("\n".join([*lines[:at], lines[at].replace('"status":{}', failed), *lines[at + 1 :]]))
        records = desk.read("otel", **JUDGE)
        assert [(r.item, r.variant, r.value) for r in records if r.error == "system_error"] == [
            ("ticket-007", "candidate", None)
        ]
        assert Counter(r.error for r in records) == {None: 45, "judge_error": 2, "system_error": 1}
        after = {dict(c.segment)["lang"]: c for c in desk.read("otel", **THUMBS) if c.variant == "candidate"}
        changed = [lang for lang in before if before[lang] != after[lang]]
        assert len(changed) == 1
        lang = changed[0]
        assert after[lang].impressions == before[lang].impressions - 1
        assert after[lang].moments.n == before[lang].moments.n - 1
        assert desk.whys == {"the run failed: there was no answer to rate": 1}


# --- encodings ------------------------------------------------------------------------------------------------------


def as_protobuf(node: Any) -> Any:
    """The same document as protobuf's own JSON: base64 ids, names of enums."""
    if isinstance(node, list):
        return [as_protobuf(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: as_protobuf(one) for key, one in node.items()}
    for key in ("traceId", "spanId", "parentSpanId"):
        if found.get(key):
            found[key] = base64.b64encode(bytes.fromhex(found[key])).decode()
    if found.get("code") == 2:
        found["code"] = "STATUS_CODE_ERROR"
    for key, names in (("kind", {1: "SPAN_KIND_INTERNAL"}), ("severityNumber", {9: "SEVERITY_NUMBER_INFO"})):
        if found.get(key) in names:
            found[key] = names[found[key]]
    return found


def snaked(node: Any) -> Any:
    """With the names of fields as the schema spells them."""
    if isinstance(node, list):
        return [snaked(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): snaked(one) for key, one in node.items()}


@pytest.mark.parametrize("how", ["protobuf", "protobuf, names of the schema", "gzip", "one document", "a list"])
def test_every_encoding_says_the_same(desk: Any, how: str) -> None:
    put(desk)
    judge, thumbs = desk.read("otel", **JUDGE), desk.read("otel", **THUMBS)
    for name in FILES:
        path = desk.data / "otel" / name
        documents = [json.loads(line) for line in path.read_text().splitlines()]
        path.unlink()
        if how.startswith("protobuf"):
            documents = [as_protobuf(one) for one in documents]
            documents = [snaked(one) for one in documents] if "schema" in how else documents
            write(desk, *documents, name=name)
        elif how == "gzip":
            text = "".join(json.dumps(one) + "\n" for one in documents)
            desk.write(f"otel/{name}.gz", gzip.compress(text.encode()))
        elif how == "a list":
            desk.write(f"otel/{name.replace('jsonl', 'json')}", json.dumps(documents, indent=1))
        else:
            key = "resourceLogs" if "logs" in name else "resourceSpans"
            whole = {key: [part for one in documents for part in one[key]]}
            desk.write(f"otel/{name.replace('jsonl', 'json')}", json.dumps(whole, indent=1))
    assert desk.read("otel", **JUDGE) == judge
    assert desk.read("otel", **THUMBS) == thumbs


@drawn(trace=st.binary(min_size=16, max_size=16), own=st.binary(min_size=8, max_size=8), time=st.integers(0, 2**64))
def test_ids_and_times_are_the_same_in_hex_and_in_base64(trace: bytes, own: bytes, time: int) -> None:
    def read(document: dict[str, Any]) -> list[Span | Event]:
        return list(_records(document, Place("f", 1), again=False))

    said: dict[str, Any] = {
        "traceId": trace.hex(),
        "spanId": own.hex(),
        "timeUnixNano": str(time),
        "observedTimeUnixNano": time,
    }
    document = log(None, record(0.5), **said)
    [one] = read(document)
    assert [one] == read(as_protobuf(document)) == read(snaked(as_protobuf(document)))
    assert one.trace == (trace if any(trace) else b"")
    assert one.span == (own if any(own) else b"")
    since = None if one.at is None else one.at - datetime(1970, 1, 1, tzinfo=UTC)
    assert since is None or since // timedelta(microseconds=1) == time // 1000


def test_span_events_and_spans_of_evaluations_are_events(desk: Any) -> None:
    event = {
        "name": "gen_ai.evaluation.result",
        "timeUnixNano": "1795342559123456789",
        "attributes": given(record(0.5)),
    }
    below = span(1, "unused", "control", name="gen_ai.evaluation.result", of=record(0.75))
    held = below["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    held |= {"traceId": ids(2)["traceId"], "parentSpanId": ids(2)["spanId"]}
    write(desk, span(0, "i0", "control", events=[event]), below, span(2, "i2", "candidate"))
    records = desk.read("otel", **ONE)
    assert scores(records) == [("i0", "control", 0, 0.5, None), ("i2", "candidate", 0, 0.75, None)]
    assert records[0].at == datetime(2026, 11, 22, 10, 15, 59, 123456, UTC)
    old = log(0, {**record(0.25), "event.name": "gen_ai.evaluation.result"}, eventName="")
    write(desk, span(0, "i0", "control"), old)
    assert scores(desk.read("otel", **ONE)) == [("i0", "control", 0, 0.25, None)]


# --- which span -----------------------------------------------------------------------------------------------------


def response(number: int, item: str, arm: str = "control", named: str = "r", **keys: Any) -> dict[str, Any]:
    return span(number, item, arm, of={"gen_ai.response.id": f"{named}{number}"}, **keys)


def test_an_evaluator_with_its_own_span_names_the_response(desk: Any) -> None:
    spans = [response(0, "i0"), response(1, "i1", "candidate")]
    mine = span(7, "none", "judges", of={"gen_ai.response.id": "grader"})
    told = {"gen_ai.response.id": "r1"}
    write(desk, *spans, mine, log(None, {**record(0.1), **told}), log(7, {**record(0.2), **told}))
    assert scores(desk.read("otel", **ONE)) == [("i1", "candidate", 0, 0.1, None), ("i1", "candidate", 1, 0.2, None)]


def test_events_without_their_span_are_set_aside(desk: Any) -> None:
    same = [response(0, "i0"), response(1, "i1"), span(2, "i2", "control", of={"gen_ai.response.id": "r1"})]
    write(
        desk, *same,
        log(0, record(0.5)), log(9, record(0.6)), log(None, record(0.7)),
        log(None, {**record(0.8), "gen_ai.response.id": "r1"}), log(0, {**record(0.9), "gen_ai.response.id": "gone"}),
    )  # fmt: skip
    assert scores(desk.read("otel", **ONE)) == [("i0", "control", 0, 0.5, None)]
    assert desk.whys == {
        "the span that it judges is not in the files": 1, "it names neither a span nor a response": 1,
        "several spans have its response id": 1,
        "its span has another response id than it has, and no span has its own": 1,
    }  # fmt: skip
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (5, 1)


def test_the_root_of_the_trace_may_know_the_item(desk: Any) -> None:
    root = span(0, "i0", "control")
    child = span(1, "", "control", parentSpanId=ids(0)["spanId"])
    held = child["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    held["traceId"] = ids(0)["traceId"]
    event = log(1, record(0.5), traceId=ids(0)["traceId"])
    no_span = log(0, record(0.75), spanId="")
    write(desk, root, child, event, no_span)
    entry = {**ONE, "map": {"item": "root.attributes.app.item_id", "variant": VARIANT}}
    assert scores(desk.read("otel", **entry)) == [("i0", "control", 0, 0.5, None), ("i0", "control", 1, 0.75, None)]


def test_the_same_event_again_is_no_repeat(desk: Any) -> None:
    write(desk, span(0, "i0", "control"), log(0, record(0.5)), span(0, "i0", "control"), log(0, record(0.5)))
    assert len(desk.read("otel", **ONE)) == 1
    assert desk.whys == {"the same event was read already": 1}
    write(desk, span(0, "i0", "control"), log(0, record(0.5)), span(0, "i0", "control", status={"code": 2}))
    assert scores(desk.read("otel", **ONE)) == [("i0", "control", 0, None, "system_error")]
    later = log(0, record(0.7), timeUnixNano="1795342560000000000")
    write(desk, span(0, "i0", "control"), log(0, record(0.5)), later)
    assert scores(desk.read("otel", **ONE)) == [("i0", "control", 0, 0.5, None), ("i0", "control", 1, 0.7, None)]


# --- scores ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (record(0), (0.0, None)),
        (record(3), (3.0, None)),
        (record(True), (1.0, None)),
        (record("NaN"), (None, "judge_unparsed")),
        (record(), (None, "judge_unparsed")),
        (record(error__type="timeout"), (None, "judge_error")),
        (record(0.0, error__type="timeout"), (None, "judge_error")),
        (record(**{LABEL: "pass"}), (None, "judge_unparsed")),
    ],
)
def test_only_a_number_is_a_score(desk: Any, of: dict[str, Any], expected: tuple[Any, Any]) -> None:
    write(desk, span(0, "i0", "control"), span(1, "i1", "control"), log(0, of), log(1, record(0.5)))
    first = next(r for r in desk.read("otel", **ONE) if r.item == "i0")
    assert (first.value, first.error) == expected


def test_labels_are_scores_when_values_says_so(desk: Any) -> None:
    labels = [span(0, "i0", "control"), log(0, record(**{LABEL: "pass"})), span(1, "i1", "control"),
              log(1, record(**{LABEL: "fail"}))]  # fmt: skip
    write(desk, *labels)
    message = desk.fails("otel", **ONE)
    assert "the events hold labels and no scores ('fail', 'pass'). Give each a number" in message
    for values in ({"pass": 1, "fail": 0}, {"value": {"pass": 1, "fail": 0}}):
        assert [r.value for r in desk.read("otel", **ONE, values=values)] == [1.0, 0.0]
    write(desk, labels[0], log(0, record(0.5, **{LABEL: "pass"})))
    named = {**ONE, "map": {**ONE["map"], "value": f"event.attributes.{LABEL}"}}
    assert [r.value for r in desk.read("otel", **named, values={"pass": 1})] == [1.0]
    assert [r.value for r in desk.read("otel", **ONE, values={"pass": 1})] == [0.5]


def test_which_evaluation_must_be_said_when_there_are_several(desk: Any) -> None:
    put(desk)
    entry = {key: one for key, one in JUDGE.items() if key != "metric"}
    assert "several evaluations. Name the one to read with `metric:`. Known: Helpfulness, user_thumb" in desk.fails(
        "otel", **entry
    )
    assert "no evaluation is called 'Helpfulnes'. Did you mean 'Helpfulness'?" in desk.fails(
        "otel", **entry, metric="Helpfulnes"
    )
    assert {r.scorer for r in desk.read("otel", **entry, where={f"event.attributes.{NAME}": "Helpfulness"})} == {
        "Helpfulness"
    }


def test_the_judge_is_what_the_event_says_of_it(desk: Any) -> None:
    def prints(*logs: dict[str, Any], **keys: Any) -> list[str]:
        write(desk, span(0, "i0", "control"), span(1, "i1", "control"), *logs)
        return [r.fingerprint for r in desk.read("otel", **ONE, **keys)]

    one, other = prints(log(0, record(0.5)), log(1, record(0.5), version="j2"))
    assert one != other
    assert prints(log(0, record(0.5), version=None), log(1, record(0.5), version=None)) == ["", ""]
    told = [log(n, record(0.5, app__judge__version=v), version=None) for n, v in enumerate(("a", "b"))]
    assert len({*prints(*told), ""}) == 3
    assert prints(*told, scorer_version="j-3") == ["j-3", "j-3"]
    write(desk, span(0, "i0", "control"), *told[:1])
    mapped = {**ONE, "map": {**ONE["map"], "scorer_version": "event.attributes.app.judge.version"}}
    assert desk.read("otel", **mapped)[0].fingerprint not in ("", one, other)


# --- people ---------------------------------------------------------------------------------------------------------


def test_ratings_carry_their_rater(desk: Any) -> None:
    def rating(number: int, name: str, rater: str, score: Any, **keys: Any) -> dict[str, Any]:
        return log(number, record(score, name, app__rater=rater), **keys)

    failed = span(1, "i1", "candidate", status={"code": 2})
    write(
        desk, span(0, "i0", "control"), failed,
        rating(0, "tone", "ann", 4), rating(0, "tone", "bob", 2), rating(0, "clarity", "ann", 5),
        rating(0, "tone", "ann", 3, timeUnixNano="1795342560000000000"), rating(1, "tone", "ann", 1),
        rating(0, "tone", "cat", None), rating(0, "other", "", 1),
    )  # fmt: skip
    entry = {**ONE, "shape": "rating", "metric": ["tone", "clarity"], "scale": [1, 5],
             "map": {**ONE["map"], "rater": "event.attributes.app.rater"}}  # fmt: skip
    records = desk.read("otel", **entry)
    assert sorted((r.rater, r.dimension, r.attempt, r.status, r.value) for r in records) == [
        ("ann", "clarity", 1, "submitted", 5.0), ("ann", "tone", 1, "submitted", 4.0),
        ("ann", "tone", 2, "submitted", 3.0), ("bob", "tone", 1, "submitted", 2.0), ("cat", "tone", 1, "skipped", None),
    ]  # fmt: skip
    assert desk.whys == {"the run failed: there was no answer to rate": 1}
    assert desk.read_again() == records


def thumb(number: int, score: Any, **keys: Any) -> dict[str, Any]:
    return log(number, record(score, "thumb"), **keys)


FEED: dict[str, Any] = {
    "path": "otel/*",
    "shape": "feedback",
    "map": {"variant": VARIANT, "user": "span.attributes.user.id"},
}


def test_the_last_thumb_counts_and_errors_are_no_thumbs(desk: Any) -> None:
    write(
        desk, *(span(n, f"i{n}", "control") for n in range(4)),
        thumb(0, 1, timeUnixNano="1795342560000000000"), thumb(0, 0, timeUnixNano="1795342561000000000"),
        thumb(1, 1), thumb(2, None), log(3, record(None, "thumb", error__type="x")),
    )  # fmt: skip
    [cell] = desk.read("otel", **FEED)
    assert (cell.impressions, cell.moments.n, cell.users_known) == (4, 4, True)
    assert (cell.moments.d_mean, cell.moments.mean) == (0.5, 0.25)
    assert desk.whys == {
        "an earlier thumb for the same response (the last one counts)": 1,
        "the event holds neither a score nor a label": 1, "the event holds an error and no rating": 1,
    }  # fmt: skip


def test_which_spans_are_answers_must_be_said_when_a_trace_has_several(desk: Any) -> None:
    agent = span(0, "i0", "control", name="agent", of={"gen_ai.operation.name": "invoke_agent"})
    chat = span(1, "i0", "control", parentSpanId=ids(0)["spanId"])
    chat["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = ids(0)["traceId"]
    tool = span(2, "i0", "control", of={"gen_ai.operation.name": "execute_tool"})
    write(desk, agent, chat, tool, thumb(1, 1, traceId=ids(0)["traceId"]))
    message = desk.fails("otel", **FEED)
    assert "has several generative spans. Say which spans are answers that people see" in message
    [cell] = desk.read("otel", **FEED, shown={"span.name": "agent"})
    assert (cell.impressions, cell.moments.n, cell.moments.mean) == (1, 1, 1.0)
    assert "no span is what `shown:` says" in desk.fails("otel", **FEED, shown={"span.name": "agnt"})
    write(desk, tool, thumb(2, 1))
    assert "no span is a generative one" in desk.fails("otel", **FEED)


def test_a_thumb_on_another_span_of_the_trace_is_about_its_answer(desk: Any) -> None:
    root = span(0, "", "front", name="POST /ask", of={"gen_ai.operation.name": "none"})
    chat = span(1, "i0", "control", parentSpanId=ids(0)["spanId"], of={"app.env": "prod"})
    chat["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = ids(0)["traceId"]
    other = span(2, "i1", "front", of={"gen_ai.operation.name": "none"})
    write(desk, root, chat, other, thumb(0, 1), thumb(2, 1))
    [cell] = desk.read("otel", **FEED)
    assert (cell.variant, cell.impressions, cell.moments.n, cell.moments.mean) == ("control", 1, 1, 1.0)
    assert desk.whys == {"the span that it rates is none of the answers shown": 1}
    assert desk.read("otel", **FEED, where={"span.attributes.app.env": "prod"}) == [cell]
    [stated] = desk.read("otel", **{**FEED, "map": {}}, variant="v7")
    assert (stated.variant, stated.impressions, stated.moments.n) == ("v7", 1, 1)


def test_where_selects_thumbs_and_answers_alike(desk: Any) -> None:
    spans = [span(n, f"i{n}", "control", of={"app.env": "prod" if n else "test"}) for n in range(3)]
    write(desk, *spans, thumb(0, 1), thumb(1, 0))
    [cell] = desk.read("otel", **FEED, where={"span.attributes.app.env": "prod"})
    assert (cell.impressions, cell.moments.mean, desk.tally.rows_read) == (2, 0.0, 3)
    message = desk.fails("otel", **FEED, where={"resource.attributes.service.name": "judges"})
    assert "selects thumbs, and not the answers that were shown" in message


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"map": {"item": "app.item_id", "variant": VARIANT}}, "'app.item_id' leads nowhere. Paths begin with event."),
        ({"map": {"item": "span.attributes.app.item"}, "variant": "v"}, "Did you mean 'span.attributes.app.item_id'?"),
        ({"map": {"variant": VARIANT}}, "map: field 'item' is missing"),
        ({"map": {"item": "span.name"}}, "map: field 'variant' is missing"),
        ({"variant": "v"}, "the variant is said twice"),
        ({"metric": ["a", "b"]}, "reads one evaluation, and `metric:` lists several"),
        ({"impressions": False}, "`impressions:` is for shape feedback"),
        ({"where": {"service": "x"}}, "'service' leads nowhere"),
        ({"shape": "feedback", "map": {"variant": VARIANT}, "shown": {"name": "x"}}, "'name' is no path into a span"),
        ({"values": {"vrsion": {"a": 1}}}, "values: unknown field 'vrsion'"),
    ],
)
def test_keys_that_cannot_be_meant(desk: Any, keys: dict[str, Any], says: str) -> None:
    write(desk, span(0, "i0", "control"), log(0, record(0.5)))
    assert says in desk.fails("otel", **{**ONE, **keys})


def test_logs_without_the_traces_that_the_map_reads(desk: Any) -> None:
    write(desk, log(0, record(0.5)))
    message = desk.fails("otel", **ONE)
    assert "the files hold no spans, and map.item reads 'span.attributes.app.item_id'" in message
    alone = {**ONE, "map": {"item": "event.attributes.app.item"}, "variant": "control"}
    write(desk, log(0, {**record(0.5), "app.item": "i0"}))
    assert scores(desk.read("otel", **alone)) == [("i0", "control", 0, 0.5, None)]
    write(desk, span(0, "i0", "control"))
    assert "the files hold no event gen_ai.evaluation.result" in desk.fails("otel", **ONE)


def test_cut_off_and_foreign_files(desk: Any) -> None:
    text = "".join(json.dumps(one) + "\n" for one in (span(0, "i0", "control"), log(0, record(0.5))))
    for content, says in (
        (text[:-40], "data/otel/x.jsonl:2:"),
        (text[:100], "half-written JSON"),
        (gzip.compress(text.encode())[:200], "its gzip packing ends too early"),
        ("", "data/otel/x.jsonl: is empty"),
        ('{"results": []}\n', "data/otel/x.jsonl:1: is no OTLP/JSON"),
        ("[1, 2]", "is no OTLP/JSON: it holds no JSON object"),
        ('{"resourceSpans": {"a": 1}}', "resourceSpans is no list of objects"),
        ('{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}]}]}]}', "a span has no traceId or no spanId"),
        ('{"a": "\xe9"}'.encode("latin-1"), "is not UTF-8 text"),
    ):
        desk.write("otel/x.jsonl", content)
        message = desk.fails("otel", **ONE)
        assert says in message, content
    desk.write("otel/x.jsonl.gz", gzip.compress(text.encode())[:-20])
    (desk.data / "otel" / "x.jsonl").unlink()
    assert "data/otel/x.jsonl.gz: cannot be read" in desk.fails("otel", **ONE)


def test_an_edit_changes_only_that_record(desk: Any) -> None:
    put(desk)
    before = {r.record: r for r in desk.read("otel", **JUDGE)}
    path = desk.data / "otel" / "control.logs.jsonl"
    assert path.read_text().count("0.657") == 1
    path.write_text(path.read_text().replace("0.657", "0.1"))
    after = {r.record: r for r in desk.read("otel", **JUDGE)}
    assert before.keys() == after.keys()
    assert [r.item for key, r in after.items() if r != before[key]] == ["ticket-000"]


def test_the_entries_of_the_page_work(desk: Any) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    entries = {name: dict(entry) for block in blocks for name, entry in parse(block, "docs").data.items()}
    assert list(entries) == ["judge-events", "thumb-events", "panel-events"]
    put(desk)
    assert len(desk.read(**entries["judge-events"])) == 48
    assert {c.impressions for c in desk.read(**entries["thumb-events"])} == {8}
    rating = log(0, {**record(4, "tone"), "app.rater": "ann"})
    write(desk, span(0, "i0", "control"), rating, log(0, {**record(2, "clarity"), "app.rater": "ann"}))
    assert {r.value for r in desk.read(**{**entries["panel-events"], "path": "otel/all.jsonl"})} == {4.0, 2.0}
