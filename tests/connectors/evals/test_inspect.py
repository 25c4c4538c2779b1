"""Inspect's logs: samples of every epoch, what failed is no score, a retry and a copy count once."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from signals.strictyaml import parse
from tests.connectors.evals.inspect_logs import ARMS, BOTH, find, log_of, read

DOCS = Path(__file__).parents[3] / "docs" / "connectors" / "inspect.md"
TOOL = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}


@pytest.fixture
def logs(desk):
    for arm in ARMS:
        desk.write(f"inspect/{arm}.eval", (desk.files / "inspect" / f"{arm}.eval").read_bytes())
    return desk


def by_hand(log, scorer, key=None, zeros=False):
    """Item to mean score, straight from the samples; what failed is left out, or is 0 as a careless reader takes it."""
    found: dict[str, list[float]] = {}
    for sample in log["samples"]:
        value = sample["scores"][scorer]["value"] if not sample.get("error") else None
        value = value[key] if key and value else TOOL.get(value, value)
        if value is not None and not math.isnan(value):
            found.setdefault(sample["id"], []).append(float(value))
        elif zeros:
            found.setdefault(sample["id"], []).append(0.0)
    return {item: mean(values) for item, values in found.items()}


def effect(control, candidate):
    items = control.keys() & candidate.keys()
    return len(items), round(mean(candidate[item] - control[item] for item in items), 9)


def of_records(records, variant):
    found: dict[str, list[float]] = {}
    for one in records:
        if one.variant == variant and one.value is not None:
            found.setdefault(one.item, []).append(one.value)
    return {item: mean(values) for item, values in found.items()}


def errors(records):
    return Counter((one.variant, one.item, one.error) for one in records if one.error)


def test_samples_of_both_arms(logs):
    records = logs.read("inspect", path=BOTH, map={"segment.lang": "metadata.lang"})
    assert len(records) == logs.tally.rows_read == logs.tally.rows_kept == 100
    assert logs.tally.entries == ()
    assert {one.scorer for one in records} == {"model_graded_qa"}, "the others are not known to be models"
    assert errors(records) == {
        ("control", "ticket-011", "judge_unparsed"): 2,
        ("candidate", "ticket-011", "judge_unparsed"): 2,
        ("candidate", "ticket-007", "system_error"): 2,
    }
    by_file = [by_hand(log_of(logs, arm), "model_graded_qa") for arm in ARMS]
    assert effect(*(of_records(records, arm) for arm in ARMS)) == effect(*by_file)
    assert effect(*by_file)[0] == 23
    assert Counter(one.repeat for one in records) == {0: 50, 1: 50}
    assert len({one.record for one in records}) == 100
    assert len({one.fingerprint for one in records}) == 1, "one judge in both arms"
    assert {dict(one.segment)["lang"] for one in records} == {"de", "en", "fr"}
    assert all(one.at and one.at.utcoffset().total_seconds() == 0 for one in records)
    first = next(one for one in records if (one.item, one.variant, one.repeat) == ("ticket-000", "control", 0))
    sample = find(log_of(logs), "ticket-000")
    assert (first.at.isoformat(), first.length) == (sample["completed_at"], len(sample["output"]["completion"]))
    assert first.content
    assert logs.read_again() == records


@pytest.mark.parametrize(
    ("metric", "key", "lost"),
    [
        ("rubric_0_1", None, {(arm, "ticket-023", "judge_error"): 2 for arm in ("control", "candidate")}),
        ("multi.helpfulness", "helpfulness", {}),
        ("multi.tone", "tone", {}),
    ],
)  # fmt: skip
def test_scores_that_are_named(logs, metric, key, lost):
    records = logs.read("inspect", path=BOTH, metric=metric)
    assert {one.scorer for one in records} == {metric}
    assert errors(records) == {**lost, ("candidate", "ticket-007", "system_error"): 2}
    scorer = metric.split(".")[0]
    by_file = [by_hand(log_of(logs, arm), scorer, key) for arm in ARMS]
    assert effect(*(of_records(records, arm) for arm in ARMS)) == effect(*by_file)
    assert len({one.fingerprint for one in records}) == 2, "it is given the variant as a parameter: another one per arm"
    stated = logs.read("inspect", path=BOTH, metric=metric, scorer_version="judge-v1")
    assert {one.fingerprint for one in stated} == {"judge-v1"}


@pytest.mark.parametrize("ending", ["eval", "json"])
def test_full_exports(desk, shared, ending):
    files = sorted((shared / "exports" / "inspect").glob(f"*.{ending}"))
    for file in files:
        desk.write(file.name, file.read_bytes())
    raw = [read(file) if ending == "eval" else json.loads(file.read_text()) for file in files]
    wanted = {
        None: (58, 0.086206897), "rubric_0_1": (58, 0.034896552),
        "multi.helpfulness": (59, 0.03729661), "multi.tone": (59, -0.006389831),
    }  # fmt: skip
    for metric, expected in wanted.items():
        options = {"metric": metric} if metric else {}
        records = desk.read("inspect", path=f"*.{ending}", **options)
        assert len(records) == desk.tally.rows_read == desk.tally.rows_kept == 240
        scorer, _, key = (metric or "model_graded_qa").partition(".")
        assert effect(*(of_records(records, arm) for arm in ARMS)) == effect(
            *(by_hand(log, scorer, key) for log in raw)
        )
        assert effect(*(of_records(records, arm) for arm in ARMS)) == expected
        assert effect(*(by_hand(log, scorer, key, zeros=True) for log in raw))[1] != expected[1]
        failed = Counter((one.variant, one.item) for one in records if one.error == "system_error")
        assert failed == {("candidate", "ticket-007"): 2}


def test_what_the_page_says_is_so(logs):
    text = DOCS.read_text()
    for part in text.split("```yaml\n")[1:]:
        for entry in parse("sources:\n" + part.split("```")[0], "sources.yaml").data["sources"].values():
            options = {key: value for key, value in entry.items() if key not in ("signal", "path")}
            assert logs.read(**options, path=BOTH)
