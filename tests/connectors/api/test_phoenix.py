"""Phoenix: a failed run is judged all the same, judges are filed under CODE, and scores do not say whose run it is."""

from __future__ import annotations

import csv
import json
import random
import re
import textwrap
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals import connectors
from signals.connectors import Tally
from signals.connectors.api import phoenix, phoenix_fetch
from signals.connectors.api.phoenix_book import Book
from signals.connectors.api.phoenix_rows import opened
from signals.connectors.api.phoenix_said import outputs, sayings
from signals.connectors.api.spool import unspooled
from signals.connectors.evals.judged import item_scores
from signals.model import SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.store import open_store
from signals.strictyaml import parse
from tests.connectors.api.test_api_junk import GONE, JUNK, nodes, put

ARMS = ("control", "candidate")
WHAT = ("experiment", "meta", "runs", "spans", "span_annotations")
FILES = [*(f"{arm}.{what}.json" for arm in ARMS for what in WHAT), "dataset.examples.json"]
JUDGE = {"path": "*.json", "metric": "helpfulness", "map": {"segment.lang": "example.metadata.lang"}}
FAILED = "the application failed, so there was no answer to rate"


def load(folder: Any, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


def expected(folder: Any, scorer: str) -> dict[tuple[str, str, int], Any]:
    """Computed from the raw answers: what counts as the judge's word, and why there is none."""
    items = {e["id"]: e["metadata"]["item_id"] for e in load(folder, "dataset.examples")["data"]["examples"]}
    found: dict[tuple[str, str, int], Any] = {}
    for arm in ARMS:
        for run in load(folder, f"{arm}.experiment"):
            (own,) = [one for one in run["annotations"] if one["name"] == scorer]
            word = "system_error" if run["error"] else "judge_error" if own["error"] else own["score"]
            found[arm, items[run["example_id"]], run["repetition_number"] - 1] = word
    return found


def effect(scores: dict[tuple[str, str, int], Any]) -> tuple[float, int]:
    """Mean of paired differences of the items' means over repeats, and how many pairs."""
    means = {
        (arm, item): mean(own)
        for arm, item, _ in scores
        if (own := [v for (a, i, _), v in scores.items() if (a, i) == (arm, item) and isinstance(v, float)])
    }
    items = sorted({item for arm, item in means if arm == "control"} & {i for a, i in means if a == "candidate"})
    return mean(means["candidate", item] - means["control", item] for item in items), len(items)


def scores(records: list[Any]) -> dict[tuple[str, str, int], Any]:
    found = {(r.variant, r.item, r.repeat): r.error or r.value for r in records}
    assert len(found) == len(records)
    return found


@pytest.fixture
def files(desk):
    for name in FILES:
        desk.write(name, (desk.files / "phoenix" / name).read_bytes())
    return desk


def edited(desk: Any, name: str, change: Any) -> Any:
    path = desk.data / f"{name}.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return data


def word(run: dict[str, Any], name: str = "helpfulness") -> dict[str, Any]:
    return next(one for one in run["annotations"] if one["name"] == name)


# --- judges ---------------------------------------------------------------------------------------------------------


def test_scores_and_errors(files):
    records = files.read("phoenix", **JUDGE)
    assert scores(records) == expected(files.data, "helpfulness")
    assert Counter(r.error for r in records) == {None: 26, "judge_error": 4, "system_error": 2}
    assert len(records) == files.tally.rows_read == files.tally.rows_kept == 32
    assert {r.scorer for r in records} == {"helpfulness"}
    assert all((r.value is None) == (r.error is not None) for r in records)
    assert {dict(r.segment)["lang"] for r in records} == {"en", "de", "fr"}
    assert len({r.content for r in records}) == 8
    assert all((r.length is None) == (r.error == "system_error") for r in records)
    assert files.whys == {}
    assert [r.record for r in files.read_again()] == [r.record for r in records]


def test_the_score_of_a_failed_run_never_counts(files):
    """The tool keeps it, and its own mean has it: 0.758 on an answer that was never given."""
    runs = [run for run in load(files.data, "candidate.experiment") if run["error"]]
    assert [word(run)["score"] for run in runs] == [0.758, 0.758]
    records = [r for r in files.read("phoenix", **JUDGE) if (r.variant, r.item) == ("candidate", "ticket-007")]
    assert [(r.repeat, r.value, r.error) for r in records] == [(0, None, "system_error"), (1, None, "system_error")]
    spans = files.read("phoenix", path="*.json")
    assert [r.error for r in spans if (r.variant, r.item) == ("candidate", "ticket-007")] == ["system_error"]


def test_which_kind_a_judge_is_of(files):
    """Without a word on it only those count that the tool files under LLM: here an annotation of spans."""
    (name,) = {r.scorer for r in files.read("phoenix", path="*.json")}
    assert name == "hallucination"
    not_asked = "no scorer that is read was asked to judge it"
    assert files.whys == {not_asked: 16}, "it looked at the first run of each item only"
    assert not any(entry.fault for entry in files.tally.entries)
    both = files.read("phoenix", path="*.json", kinds={"helpfulness": "LLM"})
    assert Counter(r.scorer for r in both) == {"helpfulness": 32, "hallucination": 16}
    kinds = {"helpfulness": "LLM", "hallucination": "CODE"}
    assert {r.scorer for r in files.read("phoenix", path="*.json", kinds=kinds)} == {"helpfulness"}
    message = files.fails("phoenix", path="*.experiment.json", variant="v6")
    assert "no score was given by a model. Name one with `metric:`. Known: helpfulness, on_topic" in message


def test_who_judged_is_told_by_versions_and_models(files):
    one = {r.fingerprint for r in files.read("phoenix", **JUDGE)}
    assert len(one) == 1, "the experiment's metadata say judge-v1"

    def other(meta: Any) -> None:
        meta["data"]["metadata"]["judge_version"] = "judge-v2"

    edited(files, "candidate.meta", other)
    assert len({r.fingerprint for r in files.read("phoenix", **JUDGE)}) == 2
    for arm in ARMS:
        edited(files, f"{arm}.meta", lambda meta: meta["data"]["metadata"].pop("judge_version"))
    assert {r.fingerprint for r in files.read("phoenix", **JUDGE)} == {""}, "a name tells no two judges apart"

    def model(runs: Any) -> None:
        for run in runs:
            if not word(run)["error"]:
                word(run)["metadata"] = {"model": "judge-model"}

    for arm in ARMS:
        edited(files, f"{arm}.experiment", model)
    records = files.read("phoenix", **JUDGE)
    assert len({r.fingerprint for r in records}) == 1, "errors do not say the model, and are that judge's"
    assert "" not in {r.fingerprint for r in records}
    assert {r.fingerprint for r in files.read("phoenix", **JUDGE, scorer_version="mine")} == {"mine"}


def test_an_evaluator_that_said_nothing_failed(files):
    def change(runs: Any) -> None:
        runs[0]["annotations"] = [word(runs[0], "on_topic")]
        runs[1]["annotations"] = []
        for run in runs:
            if run["error"]:
                run["annotations"] = []

    edited(files, "candidate.experiment", change)
    found = scores(files.read("phoenix", **JUDGE))
    assert [found["candidate", "ticket-000", repeat] for repeat in (0, 1)] == ["judge_error"] * 2
    assert [found["candidate", "ticket-007", repeat] for repeat in (0, 1)] == ["system_error"] * 2


def test_an_experiment_that_was_not_judged_is_set_aside(files):
    edited(files, "control.experiment", lambda runs: [run.update(annotations=[]) for run in runs])
    records = files.read("phoenix", **JUDGE)
    assert {r.variant for r in records} == {"candidate"}
    assert files.whys == {"no evaluator was asked about the run": 8, "no scorer that is read was asked to judge it": 8}
    assert not any(entry.fault for entry in files.tally.entries)


def test_words_as_scores(files):
    said: list[Any] = ["yes", "Fail", "so-so", None, float("nan"), True]

    def change(runs: Any) -> None:
        for run, value in zip(runs, said, strict=False):
            word(run).update(score=None, label=value if isinstance(value, str) else None)
            if not isinstance(value, str):
                word(run)["score"] = value

    edited(files, "control.experiment", change)
    got = scores(files.read("phoenix", **JUDGE))
    keys = [("control", f"ticket-{number // 2:03}", number % 2) for number in range(6)]
    assert [got[key] for key in keys] == [1.0, 0.0, "judge_unparsed", "judge_unparsed", "judge_unparsed", 1.0]
    assert scores(files.read("phoenix", **JUDGE, values={"value": {"so-so": 0.5}}))[keys[2]] == 0.5


def test_an_experiment_that_runs_a_variant_again_makes_more_repeats(files):
    before = files.read("phoenix", **JUDGE)
    for name in WHAT[:3]:
        path = files.data / f"control.{name}.json"
        text = (
            path.read_text()
            .replace("RXhwZXJpbWVudDox", "RXhwZXJpbWVudDo5")
            .replace("2026-11-22T10:0", "2026-11-23T10:0")
        )
        files.write(f"again.{name}.json", text.replace('"trace_id":"', '"trace_id":"f'))
    after = files.read("phoenix", **JUDGE)
    assert {r.record for r in before} < {r.record for r in after}
    again = {(r.item, r.repeat) for r in after} - {(r.item, r.repeat) for r in before}
    assert {repeat for _, repeat in again} == {2, 3}
    assert len(after) == 48
    only = files.read("phoenix", **JUDGE, where={"experiment.id": ["RXhwZXJpbWVudDo5", "RXhwZXJpbWVudDoy"]})
    assert {r.repeat for r in only} == {0, 1}, "what is not selected takes no number"


def test_a_step_inside_of_a_run_is_not_its_answer(files):
    def step(spans: Any) -> None:
        spans.append(spans[0] | {"id": "x", "context": {**spans[0]["context"], "span_id": "f" * 16},
                                 "parent_id": spans[0]["context"]["span_id"]})  # fmt: skip

    def note(notes: Any) -> None:
        for kind, name in (("LLM", "hallucination"), ("HUMAN", "quality")):
            one = next(one for one in notes if one["name"] == name)
            notes.append(one | {"id": f"new {kind}", "span_id": "f" * 16, "identifier": "other"})

    edited(files, "control.spans", step)
    edited(files, "control.span_annotations", note)
    records = files.read("phoenix", path="*.json", metric="hallucination")
    assert Counter(r.variant for r in records) == {"control": 8, "candidate": 8}
    assert files.whys["about a step inside of a run, and not its answer"] == 1
    ratings = files.read("phoenix", path="*.json", shape="rating")
    assert "other" not in {r.rater for r in ratings}
    assert files.whys == {"about a step inside of a run, and not its answer": 1, FAILED: 2}


def test_a_trace_annotation_is_about_the_answer_and_the_newest_counts(files):
    def change(notes: Any) -> None:
        (span,) = [one for one in load(files.data, "control.spans") if one["context"]["span_id"] == notes[0]["span_id"]]
        one = next(one for one in notes if one["name"] == "hallucination" and one["span_id"] == notes[0]["span_id"])
        later = {k: v for k, v in one.items() if k != "span_id"} | {
            "id": "0 later", "trace_id": span["context"]["trace_id"], "updated_at": "2026-11-22T11:00:00+00:00",
            "result": {"score": 0.125, "label": None, "explanation": None},
        }  # fmt: skip
        notes.append(later)

    edited(files, "control.span_annotations", change)
    records = files.read("phoenix", path="*.json", metric="hallucination")
    assert len(records) == 16
    assert [r.value for r in records if r.value == 0.125] == [0.125]
    assert files.whys["the same judge scored it again later"] == 1


def test_an_example_without_a_name_is_its_own(files):
    before = files.read("phoenix", **JUDGE)
    edited(files, "dataset.examples", lambda data: data["data"]["examples"][0]["metadata"].pop("item_id"))
    after = files.read("phoenix", **JUDGE)
    assert Counter(r.item[:8] for r in after) == {"ticket-0": 28, "RGF0YXNl": 4}
    assert [r for r in after if r.item[:6] == "ticket"] == [r for r in before if r.item != "ticket-000"]
    files.read("phoenix", **{**JUDGE, "map": {"item": "example.metadata.item_id"}})
    assert files.whys == {"item is empty": 4}
    older = load(files.data, "dataset.examples")
    older["data"]["version_id"] = "older"
    older["data"]["examples"][0]["metadata"]["item_id"] = "ticket-000"
    files.write("older.json", json.dumps(older))
    assert files.read("phoenix", **JUDGE) == before, "what another version of the dataset calls it"


def test_the_keys_of_the_source_go_first(files):
    mapping = {"variant": "experiment.id", "item": "example.input.question", "cluster": "example.metadata.tier"}
    records = files.read("phoenix", **{**JUDGE, "map": mapping}, values={"variant": {"RXhwZXJpbWVudDox": "v6"}})
    assert {r.variant for r in records} == {"v6", "RXhwZXJpbWVudDoy"}
    assert {r.cluster for r in records} == {"free", "pro"}
    assert "Ticket 000: how do I handle refund?" in {r.item for r in records}
    where = {"experiment.name": "control", "example.metadata.lang": ["en", "de"]}
    records = files.read("phoenix", **JUDGE, where=where)
    assert {(r.variant, dict(r.segment)["lang"]) for r in records} == {("control", "en"), ("control", "de")}
    message = files.fails("phoenix", **{**JUDGE, "map": {"segment.lang": "example.metadata.lnag"}})
    assert "no run or span has 'example.metadata.lnag' (map.segment.lang). Did you mean" in message


# --- people ---------------------------------------------------------------------------------------------------------


def human(folder: Any, name: str) -> list[tuple[str, bool, dict[str, Any]]]:
    """Arm, whether the run failed, the annotation: from the raw answers."""
    found = []
    for arm in ARMS:
        bad = {run["trace_id"] for run in load(folder, f"{arm}.experiment") if run["error"]}
        traces = {s["context"]["span_id"]: s["context"]["trace_id"] for s in load(folder, f"{arm}.spans")}
        notes = load(folder, f"{arm}.span_annotations")
        found += [(arm, traces[one["span_id"]] in bad, one) for one in notes if one["name"] == name]
    return found


def test_ratings(files):
    records = files.read("phoenix", path="*.json", shape="rating", scale=[1, 5])
    wanted = Counter(
        (arm, one["identifier"], one["result"]["score"]) for arm, bad, one in human(files.data, "quality") if not bad
    )
    assert Counter((r.variant, r.rater, r.value) for r in records) == wanted
    assert {(r.dimension, r.status, r.attempt) for r in records} == {("quality", "submitted", 1)}
    assert {r.item for r in records} == {item for _, item, _ in expected(files.data, "helpfulness")}
    assert files.whys == {FAILED: 2}
    assert (files.tally.rows_read, files.tally.rows_kept) == (32, 30)
    assert [r.record for r in files.read_again()] == [r.record for r in records]
    message = files.fails("phoenix", path="*.json", shape="rating", metric="qualty")
    assert "nobody said anything under the name 'qualty'. Did you mean 'quality'?" in message


def test_who_rated(files):
    """The key's owner is not who had the opinion; whoever used the tool's own pages is."""

    def change(notes: Any) -> None:
        own = [one for one in notes if one["name"] == "quality"]
        own[0].update(identifier="", user_id="VXNlcjox", source="API")
        own[1].update(identifier="", user_id="VXNlcjoy", source="APP")
        own[2].update(identifier="carol", user_id="VXNlcjox", source="API")

    edited(files, "control.span_annotations", change)
    raters = {r.rater for r in files.read("phoenix", path="*.json", shape="rating") if r.variant == "control"}
    assert raters == {"alice", "bob", "carol", "VXNlcjoy"}
    assert files.whys == {FAILED: 2, "rater is empty": 1}
    mapped = files.read("phoenix", path="*.json", shape="rating", map={"rater": "annotation.metadata.rater"})
    assert {r.rater for r in mapped} == {"alice", "bob"}
    via = files.read("phoenix", path="*.json", shape="rating", where={"annotation.source": "APP"})
    assert [(r.rater, r.item[:7]) for r in via] == [("VXNlcjoy", "ticket-")]


def test_an_evaluators_human_word_is_a_rating_too(files):
    def change(runs: Any) -> None:
        for run in runs:
            run["annotations"].append({**word(run), "name": "panel", "annotator_kind": "HUMAN", "score": 4.0,
                                       "error": None, "metadata": {"rater": "dora"}})  # fmt: skip

    edited(files, "control.experiment", change)
    mapping = {"rater": "annotation.metadata.rater"}
    records = files.read("phoenix", path="*.json", shape="rating", metric="panel", map=mapping)
    assert {(r.variant, r.rater, r.value) for r in records} == {("control", "dora", 4.0)}
    assert "panel" not in {r.scorer for r in files.read("phoenix", path="*.json", kinds={"helpfulness": "LLM"})}


def test_notes_and_empty_annotations_grade_nothing(files):
    def change(notes: Any) -> None:
        one = next(one for one in notes if one["name"] == "quality")
        empty = {"label": None, "score": None, "explanation": "read this"}
        notes.append(one | {"id": "a", "name": "note", "identifier": "px-span-note:1", "result": empty})
        notes.append(one | {"id": "b", "identifier": "carol", "result": empty})
        notes.append(one | {"id": "c", "identifier": "dora", "result": None})
        notes.append(one | {"id": "d", "name": "remark", "identifier": "dora", "result": empty})

    edited(files, "control.span_annotations", change)
    ratings = files.read("phoenix", path="*.json", shape="rating")
    assert {r.rater for r in ratings} == {"alice", "bob"}
    assert files.whys == {FAILED: 2, "neither a score nor a label": 2}
    cells = files.read("phoenix", path="*.json", shape="feedback")
    assert {cell.impressions for cell in cells} == {None}, "an empty annotation is no answer that was shown"


def test_thumbs(files):
    cells = files.read("phoenix", path="*.json", shape="feedback")
    raw = human(files.data, "user_feedback")
    for cell in cells:
        own = [one["result"]["score"] for arm, _, one in raw if arm == cell.variant]
        assert (cell.moments.n, cell.moments.mean) == (len(own), mean(own))
        assert (cell.impressions, cell.users_known) == (None, False)
    assert len(cells) == 2
    assert files.whys == {}
    shown = files.read("phoenix", path="*.json", shape="feedback", impressions=True)
    rated = {one["span_id"] for _, _, one in raw}
    lost = [s for s in load(files.data, "candidate.spans") if s["status_code"] == "ERROR"]
    silent = sum(span["context"]["span_id"] not in rated for span in lost)
    assert {(c.variant, c.impressions) for c in shown} == {("control", 16), ("candidate", 16 - silent)}
    assert {(c.variant, c.moments.n) for c in shown} == {(c.variant, c.moments.n) for c in cells}


@pytest.mark.parametrize(
    ("result", "up"),
    [
        ({"label": "thumbs-down", "score": None}, 0),
        ({"label": None, "score": -1}, 0),
        ({"label": None, "score": 1}, 1),
        ({"label": "True", "score": 1.0}, 1),
        ({"label": "thumbs-up", "score": 0.98}, 1),
        ({"label": "liked", "score": None}, 1),
    ],
)
def test_how_thumbs_are_written(files, result, up):
    def change(notes: Any) -> None:
        own = [one for one in notes if one["name"] == "user_feedback"]
        for one in own[1:]:
            notes.remove(one)
        own[0]["result"] = result

    edited(files, "control.span_annotations", change)
    values = {"values": {"value": {"liked": "up"}}} if result["label"] == "liked" else {}
    cells = files.read("phoenix", path="*.json", shape="feedback", metric="user_feedback", **values)
    assert [(c.moments.n, c.moments.mean) for c in cells if c.variant == "control"] == [(1, up)]


def test_spans_of_an_application(desk):
    """No experiment: the span says which variant and item it is of, one flattened, one as JSON text."""
    flat = {"input.value": "Q", "output.value": "An answer", "metadata.item_id": "t1", "metadata.variant": "control"}
    packed = {"input.value": "Q", "metadata": json.dumps({"item_id": "t1", "variant": "candidate"})}
    bare = {"input.value": "Q"}
    spans, notes = [], []
    for number, attributes in enumerate((flat, packed, bare)):
        spans += [
            {"context": {"trace_id": f"t{number}", "span_id": f"s{number}{step}"}, "status_code": "OK",
             "parent_id": f"s{number}False" if step else None, "attributes": bare if step else attributes,
             "start_time": f"2026-11-16T09:00:0{number}+00:00"}
            for step in (False, True)
        ]  # fmt: skip
        notes.append({"id": f"n{number}", "name": "ok", "annotator_kind": "LLM", "span_id": f"s{number}True",
                      "identifier": "j1", "result": {"score": 0.5}, "updated_at": "2026-11-17T00:00:00Z"})  # fmt: skip
    desk.write("spans.json", json.dumps(spans))
    desk.write("notes.json", json.dumps(notes))
    records = desk.read("phoenix", path="*.json")
    assert [(r.variant, r.item, r.value) for r in records] == [("control", "t1", 0.5), ("candidate", "t1", 0.5)]
    assert desk.whys == {"variant is empty": 1}
    (hashed,) = {r.item for r in desk.read("phoenix", path="*.json", variant="v6") if r.item != "t1"}
    assert hashed.startswith("input ")
    assert opened({"attributes": {"metadata": "{broken"}})["attributes"]["metadata"] == "{broken"
    spans[2]["status_code"] = "ERROR"  # the first step of the second one's trace
    desk.write("spans.json", json.dumps(spans))
    assert [r.error for r in desk.read("phoenix", path="*.json")] == [None, "system_error"]


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_csv_says_what_the_json_says(files):
    before = files.read("phoenix", **JUDGE)
    (files.data / "dataset.examples.json").unlink()
    for arm in ARMS:
        (files.data / f"{arm}.experiment.json").unlink()
        name = f"{arm}.experiment.csv"
        files.write(name, (files.files / "phoenix" / name).read_bytes())
    assert files.read("phoenix", **{**JUDGE, "path": "c*.*"}) == before
    alone = files.read("phoenix", path="control.experiment.csv", metric="helpfulness", variant="v6")
    assert {(r.variant, r.item, r.repeat, r.value) for r in alone} == {
        ("v6", r.item, r.repeat, r.value) for r in before if r.variant == "control"
    }


def test_two_exports_of_one_run_are_one(files):
    before = files.read("phoenix", **JUDGE)

    def newer(runs: Any) -> None:
        word(runs[0]).update(score=0.25, end_time="2026-11-23T00:00:00+00:00")

    for name in ("a.json", "z.json"):
        files.write(name, json.dumps(load(files.data, "control.experiment")))
        edited(files, name.removesuffix(".json"), newer)
        after = files.read("phoenix", **JUDGE)
        assert {r.record for r in after} == {r.record for r in before}
        assert [(r.item, r.value) for r in after if r not in before] == [("ticket-000", 0.25)]
        (files.data / name).unlink()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("empty.json", "", "is empty (0 bytes)"),
        ("cut.json", '[{"example_id": "x", ', "half-written JSON"),
        ("latin.json", b'["\xe9"]', "is not UTF-8 text"),
        ("foreign.json", '{"results": []}', "is no answer of Phoenix with runs, spans or annotations"),
        ("list.json", "[1]", "holds something that is no object"),
        ("text.json", '"x"', "is no answer of Phoenix"),
        ("none.json", "[]", "none of its files holds runs or spans"),
        ("page.json", '{"data": [{"context": {"span_id": "1"}}], "next_cursor": "x"}', "says that more spans follow"),
        ("run.json", '[{"example_id": "x", "annotations": []}]', "without a repetition number or a start"),
        ("odd.json", '[{"example_id": "x", "annotations": [1], "repetition_number": 1, "start_time": "x"}]',
         "`annotations` holds something that is no annotation"),
        ("examples.json", '{"data": {"examples": [1]}}', "`examples` holds something that is no example"),
        ("a.csv", "", "is empty (0 bytes)"),
        ("b.csv", "x,y\n1,2\n", "is no CSV export of an experiment: it has no column 'example_id'"),
        ("c.csv", "example_id,repetition_number,start_time,error\nx,1\n", "c.csv:2: ends too early or is damaged"),
        ("d.csv", "example_id,repetition_number,start_time,error\nx,1,2026,\"", "is no complete CSV"),
        ("e.csv", "example_id,repetition_number,start_time,error\nx,one,2026,\n", "repetition_number is 'one'"),
        ("f.csv", b"example_id,repetition_number,start_time,error\n\xe9,1,2026,\n", "is not UTF-8 text"),
    ],
)  # fmt: skip
def test_bad_files(desk, name, text, says):
    desk.write(name, text)
    assert says in desk.fails("phoenix", path=name)


def test_what_is_missing_is_told(files):
    message = files.fails("phoenix", **{**JUDGE, "path": "*.experiment.json", "map": {}})
    assert "holds runs, and no file says of which experiment they are (32 in all)" in message
    assert "or write `variant: NAME`" in message
    message = files.fails("phoenix", path="*.*_*.json")
    assert "none of its files holds runs or spans" in message
    (files.data / "control.spans.json").unlink()
    message = files.fails("phoenix", path="*.json")
    assert "annotations name 8 spans or traces that no file has. Save the answers of projects/NAME/spans" in message


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_files_says_nothing(files, random: random.Random):
    wanted = [files.read("phoenix", **keys) for keys in (JUDGE, {"path": "*.json", "shape": "rating"})]
    for old in FILES:
        data = load(files.data, old.removesuffix(".json"))
        if isinstance(data, list):
            random.shuffle(data)
        (files.data / old).unlink()
        files.write(f"{old[:-5]}-{random.randrange(10**9)}.json", json.dumps(data))
    found = [files.read("phoenix", **keys) for keys in (JUDGE, {"path": "*.json", "shape": "rating"})]
    for path in files.data.glob("*-*.json"):
        path.unlink()
    for name in FILES:
        files.write(name, (files.files / "phoenix" / name).read_bytes())
    assert found == wanted


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shape=st.sampled_from(["item_score", "rating", "feedback"]), server=st.booleans())
def test_junk_in_an_answer(desk, data, shape, server):
    """Records or one clear line, never a traceback; of files and of a server that answers the same."""
    answers = {name: json.loads((desk.files / "phoenix" / name).read_text()) for name in FILES}
    for answer in answers.values():
        del (answer if isinstance(answer, list) else answer["data"].get("examples", []))[4:]
    for _ in range(data.draw(st.integers(1, 4))):
        answer = answers[data.draw(st.sampled_from(FILES))]
        places = nodes(answer)
        if places:
            put(answer, data.draw(st.sampled_from(places)), data.draw(st.sampled_from([*JUNK, GONE])))
    for name, answer in answers.items():
        desk.write(name, json.dumps(answer))
    records, problems = [], []
    try:
        if server:
            records = list(answered(desk, answers, shape))
        else:
            records = desk.read("phoenix", path="*.json", shape=shape, kinds={"helpfulness": "LLM"})
    except SignalsError as error:
        problems = [str(problem) for problem in error.problems]
    assert not any("\n" in problem for problem in problems)
    assert all((r.value is None) == (r.error is not None) for r in records if shape == "item_score")


def answered(desk: Any, answers: dict[str, Any], shape: str) -> list[Any]:
    """Read from a server that gives these answers, without a network between."""

    class Api:
        @staticmethod
        def get(path: str, params: dict[str, Any] | None = None) -> Any:
            arm = "candidate" if "RXhwZXJpbWVudDoy" in path or "2bd037554a21" in path else "control"
            last = path.rpartition("/")[2]
            names = {"json": "experiment", "spans": "spans", "span_annotations": "span_annotations"}
            if last == "examples":
                return answers["dataset.examples.json"]
            if last == "trace_annotations":
                return {"data": [], "next_cursor": None}
            answer = answers[f"{arm}.{names.get(last, 'meta')}.json"]
            return {"data": answer} if last.startswith("span") else answer

    desk.sources(src={"signal": "s", "connector": "phoenix", "url": "${X:-http://127.0.0.1:1}", "shape": shape,
                      "experiments": ["RXhwZXJpbWVudDox", "RXhwZXJpbWVudDoy"]})  # fmt: skip
    (source,) = load_project(desk.root).sources
    with unspooled(lambda spool: phoenix_fetch.fetch(Api, source, spool)) as spool:
        book = Book(spool, source)
        if shape == "item_score":
            return list(item_scores(outputs(book, Tally()), source, Tally()))
        return list(sayings(book, Tally())) and []


def test_full_export(desk, shared):
    folder = shared / "exports" / "phoenix"
    for path in folder.glob("*.*.*"):
        desk.write(path.name, path.read_bytes())
    judge = {"path": "*.*.*", "metric": "helpfulness"}
    wanted = expected(folder, "helpfulness")
    found = scores(desk.read("phoenix", **judge))
    assert found == wanted
    assert Counter((arm, word if isinstance(word, str) else None) for (arm, _, _), word in found.items()) == {
        ("control", None): 118, ("control", "judge_error"): 2,
        ("candidate", None): 116, ("candidate", "judge_error"): 2, ("candidate", "system_error"): 2,
    }  # fmt: skip
    assert effect(found) == effect(wanted)
    assert (round(effect(found)[0], 4), effect(found)[1]) == (0.0447, 58)
    with (folder / "candidate.experiment.csv").open(newline="") as stream:
        table = [row["annotation_helpfulness_score"] for row in csv.DictReader(stream) if not row["error"]]
    kept = [value for (arm, _, _), value in found.items() if arm == "candidate" and isinstance(value, float)]
    assert sorted(kept) == sorted(float(text) for text in table if text)
    spans = desk.read("phoenix", path="*.*.*", metric="hallucination")
    assert Counter((r.variant, r.error) for r in spans) == {
        ("control", None): 60, ("candidate", None): 59, ("candidate", "system_error"): 1,
    }  # fmt: skip
    ratings = desk.read("phoenix", path="*.*.*", shape="rating", scale=[1, 5])
    assert Counter((r.variant, r.rater) for r in ratings) == {
        ("control", "alice"): 60, ("control", "bob"): 60, ("candidate", "alice"): 59, ("candidate", "bob"): 59,
    }  # fmt: skip
    assert desk.whys == {FAILED: 2}
    cells = desk.read("phoenix", path="*.*.*", shape="feedback")
    assert {(c.variant, c.moments.n, round(c.moments.mean * c.moments.n)) for c in cells} == {
        ("control", 22, 15), ("candidate", 29, 15),
    }  # fmt: skip
    desk.write("openapi.json", (folder / "openapi.json").read_bytes())
    assert "openapi.json: is no answer of Phoenix" in desk.fails("phoenix", **{**judge, "path": "*.json"})


# --- the server -----------------------------------------------------------------------------------------------------

DATASET, VERSION = "RGF0YXNldDox", "RGF0YXNldFZlcnNpb246MQ=="
PROJECTS = {"Experiment-94f69d2d162f23df3a003050": "control", "Experiment-2bd037554a21b66b57e78333": "candidate"}


class Instance:
    """The part of a Phoenix server that is asked, over the recorded answers; newest first and paged as it does."""

    def __init__(self, desk: Any, server: Any, page: int = 5) -> None:
        self.server, self.page, self.forget = server, page, False
        folder = desk.files / "phoenix"
        self.metas = [load(folder, f"{arm}.meta")["data"] for arm in reversed(ARMS)]
        self.runs = {meta["id"]: load(folder, f"{meta['name']}.experiment") for meta in self.metas}
        self.examples = load(folder, "dataset.examples")
        self.spans = {name: load(folder, f"{arm}.spans") for name, arm in PROJECTS.items()}
        self.notes = {name: load(folder, f"{arm}.span_annotations") for name, arm in PROJECTS.items()}
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        body = self.body(asked, asked.path.removeprefix("/v1/").split("/"))
        return body if isinstance(body, self.server.Answer) else self.server.Answer(body)

    def body(self, asked: Any, parts: list[str]) -> Any:
        match parts:
            case ["datasets"]:
                known = asked.query["name"] in ("support", "sup")  # the server takes a part of the name, too
                return {"data": [{"id": DATASET, "name": "support"}] if known else [], "next_cursor": None}
            case ["datasets", _, "experiments"]:
                return self.paged(self.metas, asked)
            case ["datasets", _, "examples"]:
                assert asked.query["version_id"] == VERSION
                return self.examples
            case ["experiments", name]:
                return {"data": next(meta for meta in self.metas if meta["id"] == name)}
            case ["experiments", name, "json"]:
                return self.runs[name] or self.server.Answer(b"Experiment has no runs", 404)
            case ["projects", name, "spans"]:
                if name not in self.spans:
                    return self.server.Answer(b"Project with name nope not found", 404)
                since = asked.query.get("start_time", "")
                return self.paged([one for one in self.spans[name] if one["start_time"] >= since], asked)
            case ["projects", name, "span_annotations"]:
                wanted = {value for key, value in asked.pairs if key == "span_ids"}
                assert 0 < len(wanted) <= phoenix_fetch.AT_ONCE
                return self.paged([one for one in self.notes[name] if one["span_id"] in wanted], asked)
            case ["projects", _, "trace_annotations"]:
                assert "trace_ids" in asked.query
                return {"data": [], "next_cursor": None}
        raise AssertionError(asked.path)

    def paged(self, rows: list[Any], asked: Any) -> Any:
        if self.forget and "cursor" in asked.query:
            return self.server.Answer(b"Invalid cursor", 422)
        first = int(asked.query.get("cursor", 0))
        rest = first + min(self.page, int(asked.query["limit"]))
        return {"data": rows[first:rest], "next_cursor": str(rest) if rest < len(rows) else None}


SERVER = {"url": "${SERVER_URL}", "dataset": "support", "metric": "helpfulness"}
LANG = {"map": {"segment.lang": "example.metadata.lang"}}


@pytest.fixture
def instance(desk, server):
    return Instance(desk, server)


class Puller:
    def __init__(self, desk: Any, **entry: Any) -> None:
        desk.sources(src={"signal": "judge", "connector": "phoenix", **SERVER, **entry})
        self.project = load_project(desk.root)
        self.store = open_store(self.project.store_url)

    def pull(self, **keys: Any) -> Any:
        (report,) = pull(self.project, self.store, **keys)
        return report

    @property
    def scores(self) -> dict[tuple[str, str, int], Any]:
        return scores(list(self.store.evidence(self.project.releases[0], ["src"]).scores))

    @property
    def kept(self) -> list[Any]:
        return list(self.project.root.glob("data/*.pages/*.db"))


@pytest.mark.parametrize(
    "keys",
    [{"metric": "helpfulness"}, {"metric": "hallucination"}, {"shape": "rating", "scale": [1, 5]},
     {"shape": "feedback", "impressions": True}],
)  # fmt: skip
def test_the_server_says_what_the_files_say(files, instance, server, keys):
    wanted = files.read("phoenix", path="*.json", **LANG, **keys)
    whys = files.whys
    spans = {"spans": True} if keys.get("metric") == "hallucination" else {}
    assert files.read("phoenix", url="${SERVER_URL}", dataset="support", **LANG, **keys, **spans) == wanted
    assert files.whys == whys
    assert "authorization" not in server.asked[0].headers
    assert server.paths.count("/v1/experiments/RXhwZXJpbWVudDox/json") == 1
    if keys.get("metric") == "helpfulness":
        assert not [path for path in server.paths if "projects" in path], "spans are asked for when they matter"


def test_many_spans_are_asked_for_in_parts(files, instance, server, monkeypatch):
    monkeypatch.setattr(phoenix_fetch, "AT_ONCE", 7)
    keys: dict[str, Any] = {"shape": "rating", "map": {"item": "span.attributes.input.value"}, "variant": "control"}
    (project, _) = PROJECTS
    records = files.read("phoenix", url="${SERVER_URL}", project=project, **keys)
    asked = [one for one in server.asked if one.path.endswith("/span_annotations")]
    ids = [value for one in asked if "cursor" not in one.query for key, value in one.pairs if key == "span_ids"]
    assert sorted(ids) == sorted(one["context"]["span_id"] for one in instance.spans[project])
    assert len([one for one in asked if "cursor" not in one.query]) == 3
    assert len(records) == 16


def test_which_experiments_are_read(desk, instance, server):
    assert {r.variant for r in desk.read("phoenix", **SERVER, experiments=["control"])} == {"control"}
    ids = ["RXhwZXJpbWVudDox", "RXhwZXJpbWVudDoy"]
    assert {r.variant for r in desk.read("phoenix", **{**SERVER, "dataset": DATASET}, experiments=ids)} == set(ARMS)
    server.asked.clear()
    without = {key: value for key, value in SERVER.items() if key != "dataset"}
    assert {r.variant for r in desk.read("phoenix", **without, experiments=ids)} == set(ARMS)
    assert not [path for path in server.paths if path.endswith("/experiments")]


def test_an_experiment_without_runs_or_traces_is_no_error(files, instance, server):
    empty = instance.metas[0] | {"id": "RXhwZXJpbWVudDo5", "name": "new", "successful_run_count": 0,
                                 "failed_run_count": 0, "project_name": "Experiment-none"}  # fmt: skip
    instance.metas.insert(0, empty)
    before = files.read("phoenix", **JUDGE)
    assert files.read("phoenix", **SERVER, **LANG) == before
    instance.spans.pop("Experiment-2bd037554a21b66b57e78333")  # it ran without tracing
    records = files.read("phoenix", url="${SERVER_URL}", dataset="support", shape="rating")
    assert {r.variant for r in records} == {"control"}


def test_credentials_are_sent_and_kept_secret(desk, instance, server, monkeypatch):
    monkeypatch.setenv("TOKEN", "tok-12345")
    desk.read("phoenix", **SERVER, token="${TOKEN}")
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer tok-12345"}
    server.answer = lambda _asked: server.Answer({"detail": "no tok-12345"}, 401)
    assert "tok-12345" not in desk.fails("phoenix", **SERVER, token="${TOKEN}")


def test_faults_on_the_way_change_nothing(desk, instance, server, clock):
    clean = desk.read("phoenix", **SERVER)
    cut = server.Answer(instance.runs["RXhwZXJpbWVudDox"], cut=800, short=True)
    server.faults.extend([None, server.Answer({}, 429, {"Retry-After": "1"}), None, server.Answer({}, 500), cut, cut,
                          server.Answer(dead=True)])  # fmt: skip
    assert desk.read("phoenix", **SERVER) == clean
    assert len(clock.slept) == 5


def test_a_cursor_that_repeats_is_refused(desk, instance, server):
    page = server.Answer({"data": instance.metas, "next_cursor": "5"})
    server.faults.extend([None, page, page])
    assert "experiments: the server gives the same page cursor again" in desk.fails("phoenix", **SERVER)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"dataset": "sup"}, "the server has no dataset 'sup'"),
        ({"experiments": ["contrl"]}, "the dataset has no experiment 'contrl'. Did you mean 'control'?"),
        ({"project": "nope"}, "/v1/projects/nope/spans refuses with status 404"),
        ({"url": "https://phoenix.example"}, "`url:` is written out"),
        ({"token": "abc"}, "`token:` is a secret and stands in this file. Write token: ${NAME}"),
        ({"path": "x.json"}, "has both `url:` and `path:`"),
        ({"scale": [1, 5]}, "`scale:` is for shape rating"),
        ({"shape": "rating", "spans": True}, "`spans:` is for shape item_score"),
        ({"kinds": {"helpfulness": "JUDGE"}}, "kinds"),
        ({"variant": "v6", "map": {"variant": "experiment.name"}}, "the variant is said twice"),
        ({"map": {"rater": "x"}}, "unknown field 'rater' in map"),
        ({"metric": "helpfullness"}, "no score is called 'helpfullness'. Did you mean 'helpfulness'?"),
    ],
)
def test_mistakes_are_told(desk, instance, entry, says):
    assert says in desk.fails("phoenix", **{**SERVER, **entry})


def test_an_entry_needs_an_input_and_something_to_read(desk, instance):
    assert "needs `url:` or `path:`" in desk.fails("phoenix")
    assert "does not say what to read" in desk.fails("phoenix", url="${SERVER_URL}")
    assert "`dataset:` is for a server" in desk.fails("phoenix", path="x.json", dataset="1")
    message = desk.fails("phoenix", url="${SERVER_URL}", experiments=["control"])
    assert "'control' is no id of an experiment. Name its `dataset:` too" in message


@pytest.mark.parametrize("body", [[], {"data": 1}, {"data": {}}, {"rows": []}, [{"example_id": 1}]])
def test_answers_of_another_form_are_refused(desk, instance, server, body):
    for path in ("/v1/datasets", f"/v1/datasets/{DATASET}/experiments", "/v1/experiments/RXhwZXJpbWVudDox/json"):
        answer = instance.answer
        server.answer = lambda asked, path=path, answer=answer: (
            server.Answer(body) if asked.path == path else answer(asked)
        )
        if body == [] and path.endswith("json"):
            continue
        assert "source 'src'" in desk.fails("phoenix", **SERVER), path
    server.answer = lambda _asked: server.Answer(b"<html></html>", headers={"Content-Type": "text/html"})
    assert "answers with a web page" in desk.fails("phoenix", **SERVER)


def test_pulling_twice_changes_nothing_and_an_edit_changes_its_record(desk, instance):
    puller = Puller(desk)
    first = puller.pull()
    assert (first.status, first.new) == ("changed", 32), first.error
    assert not puller.kept, "when a pull has ended nothing is kept"
    second = puller.pull()
    assert (second.status, second.new, second.changed, second.removed) == ("unchanged", 0, 0, 0)
    word(instance.runs["RXhwZXJpbWVudDox"][0])["score"] = 0.125
    third = puller.pull()
    assert (third.new, third.changed, third.removed, third.unchanged) == (0, 1, 0, 31)
    assert puller.scores["control", "ticket-000", 0] == 0.125


def test_a_pull_that_dies_goes_on(desk, instance, server, clock):
    keys = {"metric": "hallucination", "spans": True}
    whole = Puller(desk, **keys).pull()
    count = len(server.asked)
    for after in (4, 7, 10, count - 2):
        server.asked.clear()
        puller = Puller(desk, **keys, experiments=["control", "candidate"], per_minute=500 + after)
        server.faults.extend([None] * after)
        server.faults.extend([server.Answer(dead=True)] * 50)
        report = puller.pull()
        assert report.status == "failed"
        assert "the next pull goes on where this one stopped" in (report.error or "")
        server.faults.clear()
        before = {(one.path, one.pairs) for one in server.asked[:after]}
        server.asked.clear()
        report = puller.pull()
        assert (report.error, report.content) == (None, whole.content)
        again = before & {(one.path, one.pairs) for one in server.asked}
        assert not {path for path, _ in again} - {"/v1/datasets"}, "what came is not asked for again"


def test_a_cursor_that_the_server_forgot(desk, instance, server):
    puller = Puller(desk, metric="hallucination", spans=True)
    server.faults.extend([None] * 7 + [server.Answer(dead=True)] * 50)
    assert puller.pull().status == "failed"
    server.faults.clear()
    instance.forget, instance.page = True, 1000
    assert puller.pull().records == 16


def test_reading_again_only_what_is_new(desk, instance, server):
    (project, _) = PROJECTS
    keys = {"project": project, "variant": "control", "reread": "1h", "metric": "hallucination", "dataset": None}
    entry = {key: value for key, value in {**SERVER, **keys}.items() if value is not None}
    desk.sources(src={"signal": "judge", "connector": "phoenix", **entry})
    puller = Puller.__new__(Puller)
    puller.project = load_project(desk.root)
    puller.store = open_store(puller.project.store_url)
    for number, span in enumerate(instance.spans[project]):
        span["start_time"] = f"2026-11-{20 - number:02}T09:00:00+00:00"
    noted = {one["span_id"] for one in instance.notes[project] if one["name"] == "hallucination"}
    order = [s["context"]["span_id"] for s in instance.spans[project] if s["context"]["span_id"] in noted]
    assert puller.pull().new == 8
    server.asked.clear()
    assert puller.pull().status == "unchanged"
    assert {one.query.get("start_time", "")[:10] for one in server.asked if one.path.endswith("/spans")} == {
        "2026-11-20"
    }

    def say(span: str, score: float) -> None:
        one = next(one for one in instance.notes[project] if one["span_id"] == span and one["name"] == "hallucination")
        one["result"] = {"score": score, "label": None}

    say(order[0], 0.125)
    say(order[-1], 0.0625)
    report = puller.pull()
    assert (report.new, report.changed, report.removed) == (0, 1, 0), "older ones: as documented, not seen"
    assert puller.pull(full=True).changed == 1
    instance.notes[project] = [one for one in instance.notes[project] if one["span_id"] != order[0]]
    assert puller.pull().removed == 1, "what the server no longer has is gone"


def test_the_connector_is_registered():
    assert isinstance(connectors.get("phoenix"), phoenix.Phoenix)


# --- the docs -------------------------------------------------------------------------------------------------------


def documented() -> dict[str, Any]:
    """The entries of the page, by name."""
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "phoenix.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return {name: entry for block in blocks for name, entry in parse(textwrap.dedent(block), "docs").data.items()}


def test_the_entries_of_the_docs_work(desk, instance, server, monkeypatch):
    monkeypatch.setenv("PHOENIX_URL", server.url)
    monkeypatch.setenv("PHOENIX_API_KEY", "tok-12345")
    for meta in instance.metas:
        arm = {"control": "prompt-v6", "candidate": "prompt-v7"}[meta["name"]]
        meta.update(name=arm, metadata={**meta["metadata"], "variant": arm})
    instance.runs = {meta["id"]: instance.runs[meta["id"]] for meta in instance.metas}
    (one, two) = PROJECTS
    instance.spans["assistant"] = instance.spans[one] + instance.spans[two]
    instance.notes["assistant"] = instance.notes[one] + instance.notes[two]
    for number, span in enumerate(instance.spans["assistant"]):
        release = "control" if number < 16 else "candidate"
        span["attributes"] |= {"metadata.release": release, "user.id": f"user-{number}"}
    for name in FILES:
        text = (desk.files / "phoenix" / name).read_text()
        text = text.replace('"variant":"control"', '"variant":"prompt-v6"')
        desk.write(f"exports/phoenix/{name}", text.replace('"variant":"candidate"', '"variant":"prompt-v7"'))
    entries = documented()
    assert set(entries) == {"golden-set", "panel-week-47", "thumbs", "golden-set-files"}
    found = {}
    for name, entry in entries.items():
        desk.sources(**{name: dict(entry)})
        found[name] = desk.read_again()
    assert found["golden-set"] == found["golden-set-files"]
    assert (len(found["golden-set"]), {r.dimension for r in found["panel-week-47"]}) == (32, {"quality"})
    assert {r.variant for r in found["golden-set"]} == {"prompt-v6", "prompt-v7"}
    assert {(c.variant, c.impressions, c.users_known) for c in found["thumbs"]} >= {("control", 16, True)}
