"""Numbers that are known from public data sets, at the level of the estimators."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import ItemScore, Metric, OutcomeCell, Preference, Rating
from signals.readings import measure, read
from signals.stats.moments import from_arrays


def of(control: str, candidate: str, **fields: object):  # type: ignore[no-untyped-def]
    found = evidence(**fields)
    return replace(found, release=replace(found.release, control=control, candidate=candidate))


@pytest.fixture(scope="module")
def cookie_cats(shared: Path) -> tuple[OutcomeCell, ...]:
    values: dict[str, list[bool]] = {"gate_30": [], "gate_40": []}
    with (shared / "data/cookie_cats/cookie_cats.csv").open() as file:
        for row in csv.DictReader(file):
            values[row["version"]].append(row["retention_7"] == "True")
    return tuple(OutcomeCell("retention_7", arm, (), None, from_arrays(v)) for arm, v in values.items())


@pytest.mark.parametrize("threshold, state", [(0.01, "untrusted"), (0.001, "loss")])
def test_cookie_cats(cookie_cats: tuple[OutcomeCell, ...], threshold: float, state: str) -> None:
    s = signal(
        "experiment",
        metric=Metric("retention_7", "proportion"),
        margin=margin(0.005),
        trust={"sample_ratio_p": threshold},
    )
    reading = read(s, measure(s, of("gate_30", "gate_40", outcomes=cookie_cats)), AS_OF)
    assert reading.state == state
    assert [round(100 * v, 2) for v in (reading.effect, reading.low, reading.high)] == [-0.82, -1.33, -0.31]  # type: ignore[operator]
    assert round(reading.checks["sample_ratio_p"].value, 4) == 0.0086  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def experts(shared: Path) -> tuple[Rating, ...]:
    found = []
    with (shared / "data/summeval_human/summeval_human_ratings.csv").open() as file:
        for row in csv.DictReader(file):
            for rater in ("expert1", "expert2", "expert3"):
                key = f"{row['doc_id']}/{row['system']}/{rater}/{row['dimension']}"
                found.append(Rating(key, row["doc_id"], rater, row["system"], float(row[rater]), row["dimension"]))
    return tuple(found)


@pytest.fixture(scope="module")
def gpt4(shared: Path) -> tuple[ItemScore, ...]:
    found = []
    path = shared / "data/summeval_llm_judges/summeval_llm_judge_scores_rts.csv.gz"
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            if row["judge"] != "gpt-4-0314":
                continue
            value = float(row["score"]) if row["score"] not in ("", "nan", "NaN") else None
            key = f"{row['doc_id']}/{row['system']}/{row['dimension']}"
            error = None if value is not None else "judge_unparsed"
            found.append(ItemScore(key, row["doc_id"], row["system"], row["dimension"], value, error, row["judge"]))  # type: ignore[arg-type]
    return tuple(found)


def test_summeval_experts_whose_word_is_the_rule(experts: tuple[Rating, ...]) -> None:
    s = signal("panel", dimension="coherence", margin=margin(0.1), raters="fixed")
    reading = read(s, measure(s, of("M20", "M9", ratings=experts)), AS_OF)
    assert (reading.state, reading.effect) == ("loss", pytest.approx(-1.25))
    assert reading.checks["min_items"].value == 100
    assert reading.checks["paired"].value == 1


def test_summeval_experts_as_a_sample_of_experts(experts: tuple[Rating, ...]) -> None:
    """Three experts who differ by a factor of two and a half do not settle what a fourth would say."""
    s = signal("panel", dimension="coherence", margin=margin(0.1))
    numbers = measure(s, of("M20", "M9", ratings=experts))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.effect) == ("unclear", pytest.approx(-1.25))
    assert any("every rater's mean is below 0" in warning for warning in reading.warnings)
    # Textbook analysis of variance of the same 100 x 3 table.
    assert [round(numbers.components[part], 3) for part in ("item", "rater", "residual")] == [1.334, 0.400, 0.857]


def test_summeval_judge(gpt4: tuple[ItemScore, ...], experts: tuple[Rating, ...]) -> None:
    s = signal("judge", scorer="coherence", margin=margin(0.1))
    coherence = tuple(one for one in experts if one.dimension == "coherence")
    numbers = measure(s, of("M20", "M9", scores=gpt4, human=coherence))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.effect) == ("win", pytest.approx(1.46))
    assert measured(numbers, "human_agreement") < 0.1  # type: ignore[operator]


def test_pandalm(shared: Path) -> None:
    answers = []
    with (shared / "data/pandalm_testset/pandalm_labels.csv").open() as file:
        for row in csv.DictReader(file):
            for rater in ("annotator1", "annotator2", "annotator3"):
                choice = {"1": "left", "2": "right", "0": "tie"}[row[rater]]
                left, right = row["response1_system"], row["response2_system"]
                answers.append(Preference(f"{row['idx']}/{rater}", row["idx"], rater, left, right, choice))  # type: ignore[arg-type]
    s = signal("panel", margin=margin(0.1))
    numbers = measure(s, of("bloom-7b", "llama-7b", preferences=tuple(answers)))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.effect) == ("win", pytest.approx(0.3904, abs=1e-4))
    assert (reading.checks["min_items"].value, reading.unit) == (111, "net preference")
