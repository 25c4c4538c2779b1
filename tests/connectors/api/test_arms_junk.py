"""Whatever stands in a saved answer of an experiment platform, there are finite counts or one clear line."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.model import SignalsError

JUNK = (None, True, 0, -1.5, 1e308, 10**400, 1e-200, 0.5, "", "x", "NaN", "a\0b", [], [1], {}, {"a": 1}, [[{}]])
GONE = object()


def analysis(total: float, units: int, sd: float) -> list[dict[str, Any]]:
    return [{"engine": "frequentist", "numerator": total, "denominator": units, "mean": total / units, "stddev": sd}]


ANSWERS: dict[str, dict[str, Any]] = {
    "growthbook": {
        "results.json": {"result": {
            "experimentId": "e", "phase": "0", "dimension": {"type": "experiment", "id": "country"},
            "settings": {"regressionAdjustmentEnabled": False, "goals": [{"metricId": "m", "overrides": {}}]},
            "results": [{"dimension": country, "metrics": [{"metricId": "m", "variations": [
                {"variationId": "a", "users": 40, "analyses": analysis(90.5, 40, 2.25)},
                {"variationId": "b", "users": 41, "analyses": analysis(99.5, 41, 2.5)},
            ]}]} for country in ("DE", "FR")],
        }},
        "experiment.json": {"experiment": {"id": "e", "type": "standard", "settings": {}, "variations": [
            {"variationId": "a", "key": "0", "name": "control"}, {"variationId": "b", "key": "1", "name": "candidate"},
        ]}},
        "metric.json": {"metric": {"id": "m", "name": "Money", "type": "revenue", "sql": {"denominatorMetricId": ""}}},
    },
    "statsig": {
        "pulse.json": {"data": {"ds": "2026-11-20", "primaryMetrics": [{
            "metricID": "m::user_warehouse", "metricName": "m", "absoluteChange": 0.25,
            "confidenceIntervalDelta": 1.959963984540054 * math.hypot(0.06, 0.08), "testUnits": 1460,
            "controlUnits": 1511, "testMean": 2.5, "controlMean": 2.25, "testStd": 0.06, "controlStd": 0.08,
        }], "secondaryMetrics": []}},
        "metric.json": {"data": {
            "id": "m::user_warehouse", "type": "user_warehouse", "warehouseNative": {"aggregation": "sum"},
        }},
    },
}  # fmt: skip
ENTRY: dict[str, dict[str, Any]] = {
    "growthbook": {"map": {"segment.country": "dimension"}},
    "statsig": {"control": "control", "test": "candidate", "cuped": False},
}


def nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in it."""
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [found for key in keys for found in ((*path, key), *nodes(data[key], (*path, key)))]


def put(data: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    if value is GONE:
        del data[path[-1]]
    else:
        data[path[-1]] = copy.deepcopy(value)


def read(desk: Any, tool: str, answers: dict[str, Any]) -> list[Any]:
    for name, answer in answers.items():
        desk.write(f"{tool}/{name}", json.dumps(answer))
    try:
        return list(desk.read(tool, path=f"{tool}/*.json", **ENTRY[tool]))
    except SignalsError as error:
        problems = [str(problem) for problem in error.problems]
    assert not any("\n" in problem for problem in problems)
    assert all("src" in problem or f"{tool}/" in problem for problem in problems)
    return []


@pytest.mark.parametrize("tool", ANSWERS)
def test_the_answers_are_good_before_they_are_spoiled(desk, tool):
    cells = read(desk, tool, ANSWERS[tool])
    assert {cell.variant for cell in cells} == {"control", "candidate"}


@pytest.mark.parametrize("tool", ANSWERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_junk_in_an_answer(desk, tool, data):
    answers = copy.deepcopy(ANSWERS[tool])
    for _ in range(data.draw(st.integers(1, 3))):
        answer = answers[data.draw(st.sampled_from(sorted(answers)))]
        if places := nodes(answer):
            put(answer, data.draw(st.sampled_from(places)), data.draw(st.sampled_from([*JUNK, GONE])))
    for cell in read(desk, tool, answers):
        made = cell.moments
        assert cell.variant
        assert made.n > 0
        assert math.isfinite(made.mean)
        assert math.isfinite(made.m2)
        assert made.m2 >= 0
    assert desk.tally.rows_kept <= desk.tally.rows_read
