"""What a value in an Inspect log is worth: a score, or the reason why there is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.connectors.evals.inspect_scores import Scores
from signals.model import Source


def word(value: Any, values: dict[str, Any] | None = None, scorer: str = "model_graded_qa", **score: Any) -> Any:
    judges: Any = {scorer: ({}, True)}
    source = Source("src", "sig", "inspect", {}, values=values or {})
    found = Scores(source).words({"scores": {scorer: {"value": value, **score}}}, judges)
    return [(one.scorer.removeprefix(scorer), one.value, one.error) for one in found]


@pytest.mark.parametrize(
    ("value", "ours"),
    [("C", 1.0), ("P", 0.5), ("I", 0.0), ("N", 0.0), ("c", 1.0), (True, 1.0), (False, 0.0), (0.25, 0.25), (3, 3.0),
     ("yes", 1.0), ("no", 0.0), ("0.7", 0.7), (0, 0.0)],
)  # fmt: skip
def test_values_that_are_scores(value, ours):
    assert word(value) == [("", ours, None)]


@pytest.mark.parametrize(
    ("score", "error"),
    [
        ({"value": math.nan, "reason": "grader_failed"}, "judge_unparsed"),
        ({"value": math.nan, "explanation": "Grade not found in model output: hm"}, "judge_unparsed"),
        ({"value": math.nan, "reason": "scoring_failed"}, "judge_error"),
        ({"value": math.nan}, "judge_error"),
        ({"value": "I", "explanation": "Grade not found in model output: hm"}, "judge_unparsed"),
        ({"value": math.inf}, "judge_unparsed"),
        ({"value": "excellent"}, "judge_unparsed"),
        ({"value": "nan"}, "judge_unparsed"),
        ({"value": 10**400}, "judge_unparsed"),
        ({"value": [[1]]}, "judge_unparsed"),
        ({"value": None}, "skipped"),
    ],
)
def test_values_that_are_none(score, error):
    assert [(value, why) for _, value, why in word(**score)] == [(None, error)]


def test_a_missing_grade_that_somebody_gave_by_hand_counts():
    history = [{"value": "I"}, {"value": "C"}]
    assert word("C", explanation="Grade not found in model output: hm", history=history) == [("", 1.0, None)]


def test_scores_with_several_values():
    assert word({"a": 1, "b": None, "c": "P"}) == [(".a", 1.0, None), (".b", None, "skipped"), (".c", 0.5, None)]
    assert word([True, 0.5]) == [(".0", 1.0, None), (".1", 0.5, None)]


def test_labels_may_be_recoded():
    values = {"value": {"P": 0.75, "N": None, "good": 1, "true": 0.5}}
    assert [word(one, values)[0][1:] for one in ("P", "N", "good", "C", True)] == [
        (0.75, None), (None, "judge_unparsed"), (1.0, None), (1.0, None), (0.5, None),
    ]  # fmt: skip
    assert word("P", {"P": 0.75}) == [("", 0.75, None)]


def test_what_was_no_judgement_is_not_made_one_by_a_recoding():
    values = {"value": {"I": 0, "nan": 0}}
    assert word("I", values, explanation="Grade not found in model output: hm") == [("", None, "judge_unparsed")]
    assert word(math.nan, values) == [("", None, "judge_error")]


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none() | st.sampled_from(["C", "P", "I", "N"]))
def test_every_value_is_a_finite_score_or_an_error(value):
    ((_, ours, error),) = word(value)
    assert (ours is None) == (error is not None)
    assert ours is None or math.isfinite(ours)
    if isinstance(value, (bool, float)) and math.isfinite(value):
        assert ours == value
