"""Whatever stands in an answer, there are records or one clear line: never a traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.model import SignalsError

ARMS = ("control", "candidate")
NAMES = {
    "mlflow": [f"mlflow_{arm}.{what}.json" for arm in ARMS for what in ("traces", "run")],
    "langfuse": [f"langfuse_{arm}.page{page}.json" for arm in ARMS for page in (1, 2)],
}
JUNK = (None, True, 0, -1.5, 1e308, 10**400, "", "x", "NaN", "a\0b", "2026-13-45T00:00:00Z", "2026-11-22T10:00:00", [],
        [1], {}, {"a": 1}, [[{}]])  # fmt: skip
GONE = object()


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


@pytest.mark.parametrize("tool", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), shape=st.sampled_from(["item_score", "rating", "feedback"]))
def test_junk_in_an_answer(desk, tool, data, shape):
    answers = {name: json.loads((desk.files / name).read_text()) for name in NAMES[tool]}
    for answer in answers.values():
        rows = answer.get("traces") or answer.get("data") or []
        del rows[4:]
    for _ in range(data.draw(st.integers(1, 4))):
        answer = answers[data.draw(st.sampled_from(NAMES[tool]))]
        places = nodes(answer)
        if places:
            put(answer, data.draw(st.sampled_from(places)), data.draw(st.sampled_from([*JUNK, GONE])))
    for name, answer in answers.items():
        desk.write(name, json.dumps(answer))
    records, problems = [], []
    try:
        records = desk.read(tool, path=f"{tool}_*.json", shape=shape)
    except SignalsError as error:
        problems = [str(problem) for problem in error.problems]
    assert not any("\n" in problem for problem in problems)
    assert all((r.value is None) == (r.error is not None) for r in records if shape == "item_score")
