"""One sources.yaml with many kinds of source at once feeds one release, and its verdict names them all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli

FILES = Path(__file__).parent / "connectors" / "files"
ARMS = ("control", "candidate")

POLICY = """
schema: 1
name: every-tool
owner: release-council
signals:
  conversion:
    kind: experiment
    question: Do people who get the candidate finish what they came for?
    metric: {name: converted, type: proportion}
    better: higher
    margin: 0.5pp
    looks: continuous
    segments: [plan]
  panel:
    {kind: panel, question: "Do people, blind to the variant, prefer the candidate?", better: higher, margin: 0.1,
     owner: panel-desk}
  judge:
    {kind: judge, question: "Does the golden set, scored by judges of four tools, improve?", better: higher,
     margin: 0.02, estimate: raw, scorer: helpfulness, segments: [lang], human_scale: [1, 5]}
  rubric:
    {kind: judge, question: "And by the rubric?", better: higher, margin: 0.02, estimate: raw, scorer: rubric_0_1}
  events:
    {kind: judge, question: "And as it happens?", better: higher, margin: 0.02, estimate: raw, scorer: Helpfulness}
  benchmark: {kind: judge, question: "Is the candidate still as able?", better: higher, margin: 5pp, estimate: raw}
  resolution:
    kind: experiment
    question: Do people who get the candidate need nobody else?
    metric: {name: resolved, type: proportion}
    better: higher
    margin: 1pp
    looks: continuous
  thumbs: {kind: feedback, question: "Do people who rate an answer like it?", better: higher, margin: 1pp}
hierarchy:
  - {signal: conversion, win: ship, loss: rollback}
  - {signal: panel, win: ship, loss: rollback}
  - {signal: judge, win: ship, loss: hold}
  - {signal: rubric, win: ship, loss: hold}
  - {signal: events, win: ship, loss: hold}
  - {signal: thumbs, loss: hold}
otherwise: hold
ship_requires:
  - {that: benchmark.non_inferior, because: A release must not unlearn anything.}
"""

LANG = "segment.lang"
OTEL = {"variant": "span.resource.attributes.service.version", LANG: "span.attributes.app.lang"}
LANGFUSE = {"connector": "langfuse", "path": "langfuse/*.json"}
SOURCES = {
    "promptfoo-runs": {
        "signal": "judge", "connector": "promptfoo", "path": "promptfoo/*.json",
        "map": {LANG: "testCase.metadata.lang"},
    },
    "inspect-logs": {
        "signal": "rubric", "connector": "inspect", "path": "inspect/*.eval", "metric": "rubric_0_1",
        "scorer_version": "rubric-1", "map": {LANG: "metadata.lang"},
    },
    "deepeval-runs": {
        "signal": "events", "connector": "deepeval", "path": "deepeval/*/*.json", "timezone": "UTC",
        "map": {LANG: "metadata.lang"},
    },
    "braintrust-runs": {
        "signal": "judge", "connector": "braintrust", "path": "braintrust/c*[le].json", "scorer_version": "rubric-1",
        "where": {"summary.project_name": "support"}, "map": {LANG: "metadata.lang"},
    },
    "judge-events": {
        "signal": "events", "connector": "otel", "path": "otel/*.jsonl", "metric": "Helpfulness",
        "map": {"item": "span.attributes.app.item_id", **OTEL},
    },
    "mlflow-saved": {
        "signal": "judge", "connector": "mlflow", "path": "mlflow_*.json", "metric": "helpfulness",
        "map": {"item": "tags.item_id", LANG: "tags.lang"},
    },
    "langfuse-saved": {"signal": "judge", **LANGFUSE, "metric": "helpfulness"},
    "phoenix-saved": {
        "signal": "judge", "connector": "phoenix", "path": "phoenix/*.json", "metric": "helpfulness",
        "kinds": {"helpfulness": "LLM"}, "map": {LANG: "example.metadata.lang"},
    },
    "lm-eval-samples": {
        "signal": "benchmark", "connector": "lm_eval", "path": "lm_eval/**/samples_support_mc_*.jsonl",
        "metric": "acc,none", "map": {"variant": "results.config.model_args.variant"},
    },
    "label-studio-panel": {
        "signal": "panel", "connector": "label_studio", "path": "label_studio_rating_*.json", "scale": [1, 5],
    },
    "sheet-of-the-panel": {
        "signal": "panel", "connector": "table", "path": "panel.csv", "shape": "rating", "scale": [1, 5],
        "map": {"item": "ticket", "rater": "worker", "variant": "model", "value": "score", "dimension": "question"},
    },
    "langfuse-annotations": {"signal": "panel", **LANGFUSE, "shape": "rating", "metric": "quality", "scale": [1, 5]},
    "thumb-events": {
        "signal": "thumbs", "connector": "otel", "path": "otel/*.jsonl", "shape": "feedback", "metric": "user_thumb",
        "map": OTEL,
    },
    "thumbs-by-hand": {
        "signal": "thumbs", "connector": "table", "path": "thumbs.csv", "shape": "feedback",
        "map": {"variant": "model", "value": "thumb", "user": "user_id", "response": "answer", "at": "at"},
    },
    "orders": {
        "signal": "conversion", "connector": "table", "path": "users.csv", "shape": "outcome", "grain": "unit",
        "map": {"unit": "user_id", "variant": "arm", "value": "converted", "at": "first_seen", "segment.plan": "plan"},
    },
    "warehouse-tables": {
        "signal": "resolution", "connector": "warehouse",
        "exposures": {"table": "users.csv", "unit": "user_id", "variant": "arm", "at": "first_seen"},
        "outcome": {
            "table": "events.csv", "unit": "user_id", "at": "at", "value": "resolved", "window": "3d",
            "per_unit": "any",
        },
        "map": {"segment.plan": "plan"},
    },
}  # fmt: skip
"""Sixteen sources of eleven tools."""


def langfuse_items() -> str:
    """Pages of scores say neither what was asked nor that a run failed: the pages of the experiments do."""
    rows = [
        {
            "id": f"span-{arm}-{n}", "traceId": f"tr-{arm}-{n}", "experimentId": arm, "experimentName": arm,
            "startTime": f"2026-10-31T00:{n:02}:00Z", "level": "ERROR" if (arm, n) == ("candidate", 7) else "DEFAULT",
            "experimentItemId": f"ticket-{n:03}",
        }
        for arm in ARMS for n in range(16)
    ]  # fmt: skip
    return json.dumps({"data": rows, "meta": {}})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    data = folder / "data"
    (data / "langfuse").mkdir(parents=True)
    (folder / "hierarchy.yaml").write_text(POLICY)
    for name in ("inspect", "deepeval", "lm_eval", "otel", "braintrust", "phoenix"):
        shutil.copytree(FILES / name, data / name)
    for path in FILES.glob("*.json"):
        folder_of = data / "langfuse" if path.name.startswith("langfuse") else data
        shutil.copy(path, folder_of / path.name)
    (data / "promptfoo").mkdir()
    for arm in ARMS:
        (data / f"promptfoo_{arm}.json").rename(data / "promptfoo" / f"{arm}.json")
    (data / "langfuse" / "items.json").write_text(langfuse_items())
    rows = ["ticket,worker,model,score,question"]
    rows += [
        f"ticket-{ticket:03},w{rater},{arm},{1 + (ticket * 7 + rater + (arm == 'candidate')) % 5},quality"
        for ticket in range(60)
        for rater in range(3)
        for arm in ARMS
    ]
    (data / "panel.csv").write_text("\n".join(rows) + "\n")
    rows = ["model,thumb,user_id,answer,at"]
    users, events = ["user_id,arm,converted,first_seen,plan"], ["user_id,at,resolved"]
    for number in range(4000):
        arm, day = ARMS[number % 2], f"2026-11-{10 + number // 2 % 7}T09:00:00Z"
        thumb = "" if number % 9 else ("up" if number % 27 else "down")
        rows.append(f"{arm},{thumb},u{number},a{number},{day}")
        converted = number // 2 % 20 < (3 if arm == "candidate" else 2)
        users.append(f"u{number},{arm},{int(converted)},{day},{'pro' if number % 3 else 'free'}")
        if number % 5:
            events.append(f"u{number},{day.replace('T09', 'T10')},{int(number % 7 > 2)}")
    events.append("u0,2026-11-23T10:00:00Z,0")  # the tables are loaded up to here
    (data / "events.csv").write_text("\n".join(events) + "\n")
    (data / "thumbs.csv").write_text("\n".join(rows) + "\n")
    (data / "users.csv").write_text("\n".join(users) + "\n")
    release = {
        "id": "assistant-v7", "kind": "prompt", "control": "control", "candidate": "candidate",
        "started": "2026-11-10", "owner": "assistant-team", "as_of": "2026-11-24T09:00:00Z",
    }  # fmt: skip
    (data / "sources.yaml").write_text(json.dumps({"releases": [release], "sources": SOURCES}, indent=1))
    return folder


def run(root: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--project", str(root)])


@pytest.fixture(scope="module")
def pulled(root: Path) -> list[dict[str, object]]:
    done = run(root, "pull", "--json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def verdict(root: Path) -> dict[str, dict[str, dict[str, object]]]:
    done = run(root, "verdict", "assistant-v7", "--json")
    assert done.exit_code in (0, 10, 20), done.output
    found: dict[str, dict[str, dict[str, object]]] = json.loads(done.stdout)
    return found


def test_at_least_eight_kinds_feed_one_release(pulled: list[dict[str, object]]) -> None:
    kinds = {(entry["connector"], entry.get("shape")) for entry in SOURCES.values()}
    assert len({connector for connector, _ in kinds}) >= 8
    assert {report["source"] for report in pulled} == SOURCES.keys()
    assert {report["error"] for report in pulled} == {None}
    lost = {str(report["source"]): int(str(report["rows_read"])) - int(str(report["rows_kept"])) for report in pulled}
    assert {name: rows for name, rows in lost.items() if rows} == {"langfuse-annotations": 1}, (
        "people graded a failed run"
    )


def test_pulling_again_changes_nothing(root: Path, pulled: list[dict[str, object]]) -> None:
    before = verdict(root)
    for words in (("pull", "--json"), ("pull", "--json", "--full")):
        again = run(root, *words)
        assert again.exit_code == 0, again.output
        for report in json.loads(again.stdout):
            assert (report["new"], report["changed"], report["removed"]) == (0, 0, 0), report
    after = verdict(root)
    assert after["evidence"] == before["evidence"]
    assert after["readings"].keys() == before["readings"].keys()
    for name, reading in before["readings"].items():
        assert {key: after["readings"][name][key] for key in reading if key != "checks"} == {
            key: value for key, value in reading.items() if key != "checks"
        }


def test_the_verdict_names_every_source(root: Path, pulled: list[dict[str, object]]) -> None:
    found = verdict(root)
    by_signal: dict[str, list[str]] = {}
    for name, entry in sorted(SOURCES.items()):
        by_signal.setdefault(str(entry["signal"]), []).append(name)
    assert {name: reading["sources"] for name, reading in found["readings"].items()} == by_signal
    said = " ".join(run(root, "verdict", "assistant-v7").output.split())
    heard = said.partition("Heard from:")[2].partition("Beside what votes:")[0]
    for signal, names in by_signal.items():
        assert f"{signal}: {', '.join(names)}" in heard


def test_the_memo_names_every_source_and_its_tool(root: Path, pulled: list[dict[str, object]]) -> None:
    target = root / "memo.md"
    done = run(root, "memo", "assistant-v7", "-o", str(target))
    assert done.exit_code == 0, done.output
    text = target.read_text()
    assert str(verdict(root)["sentence"]) in text.replace("\\", "")
    rows = {tuple(cell.strip() for cell in line.split("|")[1:3]) for line in text.splitlines() if line[:1] == "|"}
    for name, entry in SOURCES.items():
        tool = str(entry["connector"]).replace("_", "\\_")
        assert (f"`{entry['signal']}`", f"`{name}` {tool}") in rows


def test_what_failed_in_any_tool_is_in_no_reading(root: Path, pulled: list[dict[str, object]]) -> None:
    """Every judge that was asked about ticket 7 or 23 met a failure: neither is among the items of the judge."""
    readings = verdict(root)["readings"]
    whys = {(name, entry["why"]) for name, reading in readings.items() for entry in reading["set_aside"]}  # type: ignore[attr-defined]
    for signal in ("judge", "rubric", "events"):
        assert (signal, "no score: judge error") in whys
    assert ("judge", "no score: system error") in whys
    assert readings["judge"]["n_control"] == readings["judge"]["n_candidate"] == 58
    assert readings["rubric"]["n_control"] == readings["rubric"]["n_candidate"] == 23


def test_a_member_of_a_jury_is_not_called_by_sixty_four_signs(root: Path, pulled: list[dict[str, object]]) -> None:
    said = run(root, "verdict", "assistant-v7").output
    assert "events, judge " in said
    assert not any(len(word) > 40 for word in said.replace(":", " ").split())


def test_the_sources_page_has_a_row_for_each(root: Path, pulled: list[dict[str, object]]) -> None:
    from signals.dashboard.sources import sources_card
    from signals.debt import survey
    from signals.project import load_project

    shown = sources_card(survey(load_project(root)).sources)
    for name, entry in SOURCES.items():
        assert f"<b>{name}</b>" in shown
        assert f"{entry['signal']} · {entry['connector']}" in shown
