"""Every folder of real exports is read, and what failed in a tool is in no effect of it.

The same sixty tickets went through every tool, answered and judged by the same deterministic stand-ins: so the tools
must agree on what the candidate is worth, as far as each knows. Counts of one tool alone are in its own tests.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from signals.connectors import BUILT_IN
from signals.model import Project, Reading
from signals.project import load_project
from signals.pull import pull
from signals.review import review, store_of

ARMS = ("control", "candidate")
TICKETS = [f"ticket-{number:03}" for number in range(60)]
OTEL = {"item": "span.attributes.app.item_id", "variant": "span.resource.attributes.service.version"}

FOLDERS: dict[str, dict[str, Any]] = {
    "braintrust_local": {"connector": "braintrust", "path": "braintrust_local/*.json"},
    "deepeval": {"connector": "deepeval", "path": "deepeval/*/*.json"},
    "inspect": {"connector": "inspect", "path": "inspect/*.eval", "metric": "rubric_0_1", "scorer_version": "r1"},
    "label_studio": {
        "signal": "panel", "connector": "label_studio", "path": "label_studio/rating_*[!n].json", "scale": [1, 5],
    },
    "langfuse_shape": {"connector": "langfuse", "path": "langfuse_shape/*.json"},
    "lm_eval": {
        "connector": "lm_eval", "path": "lm_eval/**/samples_support_mc_*.jsonl", "metric": "acc,none",
        "map": {"variant": "results.config.model_args.variant"},
    },
    "mlflow": {
        "connector": "mlflow", "path": "mlflow/*.json", "metric": "helpfulness", "map": {"item": "tags.item_id"},
    },
    "otel": {"connector": "otel", "path": "otel/*.jsonl", "metric": "Helpfulness", "map": OTEL},
    "phoenix": {
        "connector": "phoenix", "path": "phoenix/[cd]*.json", "metric": "helpfulness", "kinds": {"helpfulness": "LLM"},
    },
    "promptfoo": {"connector": "promptfoo", "path": "promptfoo/c*.json"},
    "warehouse": {
        "signal": "conversion", "connector": "warehouse",
        "exposures": {
            "table": "warehouse/experiment_viewed.parquet", "unit": "user_id", "variant": "variation_id",
            "at": "timestamp", "where": {"experiment_id": "support_bot_2026q4"},
        },
        "outcome": {
            "table": "warehouse/events.parquet", "unit": "user_id", "at": "timestamp", "value": "value",
            "where": {"event": "resolved"}, "window": "72h", "per_unit": "any", "until": "2026-12-01",
        },
        "map": {"segment.lang": "lang"},
    },
}  # fmt: skip
"""An entry of sources.yaml per folder; its signal is the folder's own name when it says none.

Inspect's scorer was given the variant as a parameter, so nothing but ``scorer_version`` says that it is one judge.
"""

# Tickets that a tool could not judge in some arm, and why. DeepEval judges whatever text it is given, and the service
# behind the spans did not mark the failure: neither knows of ticket-007. MLflow's judge was overruled on ticket-003.
LOST: dict[str, dict[str, str]] = {
    "braintrust_local": {"ticket-007": "system_error", "ticket-023": "judge_error", "ticket-024": "skipped"},
    "deepeval": {"ticket-023": "judge_error"},
    "inspect": {"ticket-007": "system_error", "ticket-023": "judge_error"},
    "langfuse_shape": {"ticket-007": "system_error"},
    "mlflow": {"ticket-003": "skipped", "ticket-007": "system_error", "ticket-023": "judge_error"},
    "otel": {"ticket-023": "judge_error"},
    "phoenix": {"ticket-007": "system_error", "ticket-023": "judge_error"},
    "promptfoo": {"ticket-007": "system_error", "ticket-011": "judge_unparsed", "ticket-023": "judge_error"},
}
EXACT = ("braintrust_local", "mlflow", "otel", "phoenix", "promptfoo")  # tools that show the judge's scores as they are
ROWS = {
    "braintrust_local": 240, "deepeval": 120, "inspect": 240, "langfuse_shape": 120, "lm_eval": 120, "mlflow": 120,
    "otel": 120, "phoenix": 240, "promptfoo": 240,
}  # fmt: skip

POLICY = """
schema: 1
name: every-tool
owner: tests
signals:
{signals}
  panel: {{kind: panel, question: "People?", better: higher, margin: 0.1}}
  conversion:
    {{kind: experiment, question: "Users?", better: higher, margin: 0.5pp, looks: continuous,
      metric: {{name: converted, type: proportion}}}}
hierarchy:
  - {{signal: conversion, win: ship, loss: rollback}}
otherwise: hold
"""
JUDGE = "  {name}: {{kind: judge, question: '{name}?', better: higher, margin: 0.02, estimate: raw, scorer: {scorer}}}"


def langfuse_items() -> str:
    """The pages hold scores of traces only; which item a trace is of stands on the experiments' pages."""
    rows = [
        {
            "id": f"span-{arm}-{n}", "traceId": f"tr-{arm}-{n}", "experimentId": arm, "experimentName": arm,
            "startTime": f"2026-10-31T00:{n:02}:00Z", "level": "ERROR" if (arm, n) == ("candidate", 7) else "DEFAULT",
            "experimentItemId": f"ticket-{n:03}",
        }
        for arm in ARMS for n in range(60)
    ]  # fmt: skip
    return json.dumps({"data": rows, "meta": {}})


@pytest.fixture(scope="module")
def exports(shared: Path) -> Path:
    folder = shared / "exports"
    if not folder.is_dir():
        pytest.skip("real exports are not beside this checkout")
    return folder


@pytest.fixture(scope="module")
def project(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One project that every folder feeds, each a signal of its own; pulled."""
    root = tmp_path_factory.mktemp("tools")
    data = root / "data"
    data.mkdir()
    for folder in FOLDERS:
        (data / folder).mkdir()
        for path in exports.glob(f"{folder}/**/*"):
            if path.is_file():
                target = data / path.relative_to(exports)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    (data / "langfuse_shape" / "items.json").write_text(langfuse_items())
    here = [
        folder for folder, entry in FOLDERS.items() if entry["connector"] in BUILT_IN
    ]  # its own test says who is not
    sources = {folder: {"signal": folder, **FOLDERS[folder]} for folder in here}
    release = {"id": "r1", "kind": "prompt", "control": "control", "candidate": "candidate", "started": "2026-10-01"}
    (data / "sources.yaml").write_text(json.dumps({"releases": [release], "sources": sources}))
    (root / "hierarchy.yaml").write_text(POLICY.format(signals=""))
    loaded = load_project(root)
    reports = {report.source: report for report in pull(loaded, store_of(loaded))}
    assert {name: report.error for name, report in reports.items() if report.error} == {}
    found = Counter()
    scorers: dict[str, str] = {}
    for folder in ROWS.keys() & set(here):
        scores = scores_of(loaded, folder)
        found[folder] = len(scores)
        (scorers[folder],) = {score.scorer for score in scores}
    assert found == {folder: rows for folder, rows in ROWS.items() if folder in here}
    signals = "\n".join(JUDGE.format(name=name, scorer=json.dumps(scorer)) for name, scorer in sorted(scorers.items()))
    (root / "hierarchy.yaml").write_text(POLICY.format(signals=signals))
    return load_project(root)


def scores_of(project: Project, folder: str) -> tuple[Any, ...]:
    return store_of(project).evidence(project.releases[0], [folder]).scores


@pytest.fixture(scope="module")
def readings(project: Project) -> dict[str, Reading]:
    return dict(review("r1", project).verdict.readings)


@pytest.fixture(scope="module")
def judged(exports: Path) -> dict[tuple[str, str], float]:
    """What the judge thinks of every answer, by variant and ticket: straight from files, without a connector.

    promptfoo's for all tickets that it could judge; the two others from Phoenix, whose evaluator ran over what failed.
    """
    found: dict[tuple[str, str], float] = {}
    for arm in ARMS:
        for row in json.loads((exports / "promptfoo" / f"{arm}.json").read_text())["results"]["results"]:
            parts = (row.get("gradingResult") or {}).get("componentResults") or []
            for part in parts:
                if part["assertion"]["type"] == "llm-rubric" and part["score"]:
                    found[arm, row["testCase"]["metadata"]["item_id"]] = part["score"]
        for run in json.loads((exports / "phoenix" / f"{arm}.experiment.json").read_text()):
            (said,) = (one for one in run["annotations"] if one["name"] == "helpfulness")
            if said["score"] is not None:
                ticket = f"ticket-{run['input']['question'].split()[1].rstrip(':')}"
                assert found.setdefault((arm, ticket), said["score"]) == said["score"]
    assert len(found) == 118, "all but what the judge refused"
    return found


def test_every_folder_is_read_by_a_connector(exports: Path) -> None:
    assert {path.name for path in exports.iterdir() if path.is_dir()} == FOLDERS.keys()
    missing = {folder: entry["connector"] for folder, entry in FOLDERS.items() if entry["connector"] not in BUILT_IN}
    assert missing == {}


@pytest.mark.parametrize("folder", sorted(LOST))
def test_what_failed_in_a_tool_is_kept_as_a_failure(project: Project, folder: str) -> None:
    scores = scores_of(project, folder)
    lost: dict[str, set[str]] = {}
    for score in scores:
        assert (score.value is None) == (score.error is not None)
        if score.error:
            lost.setdefault(score.item, set()).add(score.error)
    assert lost == {item: {error} for item, error in LOST[folder].items()}
    assert {score.item for score in scores} == set(TICKETS)
    if "ticket-007" in lost:
        assert {score.variant for score in scores if score.item == "ticket-007" and score.error} == {"candidate"}


@pytest.mark.parametrize("folder", EXACT)
def test_the_effect_is_that_of_what_was_judged_and_of_nothing_else(
    readings: dict[str, Reading], judged: dict[tuple[str, str], float], folder: str
) -> None:
    """Through the store and the review: the same tickets give the same effect in every tool, to the last digit."""
    reading = readings[folder]
    heard = [item for item in TICKETS if item not in LOST[folder]]
    effect = mean(judged["candidate", item] - judged["control", item] for item in heard)
    assert reading.effect == pytest.approx(effect, abs=1e-12)
    assert (reading.n_control, reading.n_candidate, reading.counted) == (len(heard), len(heard), "items")


Said = tuple[str, str, Any]  # item, variant, number


def deepeval_says(folder: Path) -> Iterator[Said]:
    for arm in ARMS:
        for path in (folder / arm).glob("test_run_*.json"):
            for case in json.loads(path.read_text())["testCases"]:
                for one in case["metricsData"]:
                    if one["name"] == "Helpfulness [GEval]":
                        yield case["metadata"]["item_id"], arm, one.get("score")


def inspect_says(folder: Path) -> Iterator[Said]:
    for path in folder.glob("*.json"):  # logs in the other format, of other runs by the same stand-ins
        log = json.loads(path.read_text())
        for sample in log["samples"]:
            said = None if sample.get("error") else sample["scores"]["rubric_0_1"]["value"]
            yield sample["id"], log["eval"]["metadata"]["variant"], said


def langfuse_says(folder: Path) -> Iterator[Said]:
    for path in folder.glob("*.json"):
        for row in json.loads(path.read_text())["data"]:
            _, arm, number = row["subject"]["id"].split("-")
            if row["source"] == "EVAL" and (arm, number) != ("candidate", "7"):
                yield f"ticket-{int(number):03}", arm, row["value"]


def lm_eval_says(folder: Path) -> Iterator[Said]:
    for arm in ARMS:
        for path in (folder / arm).glob("*/samples_support_mc_*"):
            for row in map(json.loads, path.read_text().splitlines()):
                yield row["doc_hash"], arm, row["acc"]


def label_studio_says(folder: Path) -> Iterator[Said]:
    """Grades of raters who graded both answers; of two attempts the later one counts."""
    grades: dict[tuple[str, int], dict[str, float]] = {}
    for arm in ARMS:
        for task in json.loads((folder / f"rating_{arm}.json").read_text()):
            for said in sorted(task["annotations"], key=lambda one: one["created_at"]):
                for answer in [] if said["was_cancelled"] else said["result"]:
                    if answer["type"] == "rating":
                        key = task["data"]["item_id"], said["completed_by"]
                        grades.setdefault(key, {})[arm] = answer["value"]["rating"]
    for (item, _), arms in grades.items():
        for arm, grade in arms.items() if len(arms) == 2 else ():
            yield item, arm, grade


BY_HAND = {
    "deepeval": deepeval_says, "inspect": inspect_says, "label_studio": label_studio_says,
    "langfuse_shape": langfuse_says, "lm_eval": lm_eval_says,
}  # fmt: skip
"""What the files say, for tools that show other numbers than the judge's own; without a connector."""


@pytest.mark.parametrize("folder", BY_HAND)
def test_the_effect_is_that_of_the_file(exports: Path, readings: dict[str, Reading], folder: str) -> None:
    found: dict[str, dict[str, list[float]]] = {}
    for item, arm, value in BY_HAND[folder](exports / folder):
        if value is not None and not math.isnan(value):
            found.setdefault(item, {}).setdefault(arm, []).append(value)
    paired = [mean(arms["candidate"]) - mean(arms["control"]) for arms in found.values() if len(arms) == 2]
    reading = readings[str(FOLDERS[folder].get("signal", folder))]
    assert reading.effect == pytest.approx(mean(paired), abs=1e-12)
    assert reading.n == len(paired)


def test_the_effects_of_all_tools(readings: dict[str, Reading]) -> None:
    assert {name: (reading.n, round(reading.effect or 0, 4)) for name, reading in readings.items()} == {
        "braintrust_local": (57, 0.0452),
        "deepeval": (59, 0.0492),  # scores in steps of a tenth
        "inspect": (58, 0.0349),  # the second epoch was judged otherwise
        "langfuse_shape": (59, 0.0447),
        "lm_eval": (60, 0.0833),
        "mlflow": (57, 0.0427),
        "otel": (59, 0.0411),
        "phoenix": (58, 0.0447),
        "promptfoo": (57, 0.0431),
        "panel": (60, 0.2389),
        "conversion": (2971, round(172 / 1460 - 131 / 1511, 4)),
    }


@pytest.mark.parametrize("folder", sorted(LOST))
def test_a_failure_as_a_zero_would_be_another_effect(
    project: Project, readings: dict[str, Reading], folder: str
) -> None:
    """And where failures are symmetric the mean of zeros is none, but the number of items gives it away."""
    zeros: dict[tuple[str, str], list[float]] = {}
    for score in scores_of(project, folder):
        zeros.setdefault((score.variant, score.item), []).append(score.value or 0.0)
    naive = mean(mean(zeros["candidate", item]) - mean(zeros["control", item]) for item in TICKETS)
    assert not math.isclose(naive, readings[folder].effect or 0.0, abs_tol=1e-4)
    assert readings[folder].n == 60 - len(LOST[folder])
    reasons = {entry.why.split(" (first")[0].removeprefix("no score: "): entry for entry in readings[folder].set_aside}
    assert all(any(error.replace("_", " ") in why for why in reasons) for error in LOST[folder].values()), reasons


def test_the_warehouse_counts_each_user_once_in_one_arm(project: Project, readings: dict[str, Reading]) -> None:
    """131 of 1,511 and 172 of 1,460: the first exposure wins, outcomes count from it on, users of both arms do not."""
    raw = readings["conversion"].estimates["raw"]
    assert (raw.n_control, raw.n_candidate) == (1511, 1460)
    assert (raw.control, raw.candidate) == (pytest.approx(131 / 1511), pytest.approx(172 / 1460))
    both = [entry for entry in readings["conversion"].set_aside if "both arms" in entry.why]
    assert {(entry.variant, entry.units) for entry in both} == {("control", 29), ("candidate", 29)}
    assert raw.n_control + raw.n_candidate == 3000 - 29


def test_pulling_all_of_it_again_changes_nothing(project: Project) -> None:
    for report in pull(project, store_of(project), full=True):
        assert (report.error, report.new, report.changed, report.removed) == (None, 0, 0, 0), report.source
