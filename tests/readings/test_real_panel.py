"""Panels of public data sets: agreement as published, and readings of pairs of systems."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from reading_kit import AS_OF, evidence, margin, measured, signal

from signals.model import Evidence, Preference, Rating
from signals.readings import measure, read
from signals.stats.agreement import alpha_interval, krippendorff_alpha

EXPERTS = ("expert1", "expert2", "expert3")
CROWD = ("crowd1", "crowd2", "crowd3", "crowd4", "crowd5")
DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")


@pytest.fixture(scope="module")
def summeval(shared: Path) -> list[dict[str, str]]:
    with (shared / "data/summeval_human/summeval_human_ratings.csv").open() as file:
        return list(csv.DictReader(file))


def graded(rows: list[dict[str, str]], raters: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    for row in rows:
        for rater in raters:
            yield (row["doc_id"], row["system"], row["dimension"]), float(row[rater])


def ratings(rows: list[dict[str, str]], raters: tuple[str, ...]) -> Evidence:
    """Both systems' grades; which grade the rater gave first is not known."""
    found = [
        Rating(
            f"{row['doc_id']}/{row['system']}/{rater}/{row['dimension']}",
            row["doc_id"],
            rater,
            row["system"],
            float(row[rater]),
            row["dimension"],
        )
        for row in rows
        if row["system"] in ("M20", "M9")
        for rater in raters
    ]
    return of("M20", "M9", ratings=tuple(found))


def of(control: str, candidate: str, **fields: object) -> Evidence:
    found = evidence(**fields)
    return replace(found, release=replace(found.release, control=control, candidate=candidate))


def test_summeval_agreement(summeval: list[dict[str, str]]) -> None:
    """All twelve systems and four questions pooled, interval level."""
    by_group = {}
    for name, raters in (("experts", EXPERTS), ("crowd", CROWD)):
        found = alpha_interval(graded(summeval, raters), "interval", lambda unit: unit[0])
        assert found is not None
        assert found.clusters == 100
        by_group[name] = found
    assert round(by_group["experts"].value, 4) == 0.7334
    assert round(by_group["crowd"].value, 4) == 0.4459
    # A hundred documents tell the two groups apart.
    assert by_group["crowd"].high < by_group["experts"].low  # type: ignore[operator]


@pytest.mark.parametrize(
    "dimension, alpha", [("coherence", 0.576), ("consistency", 0.899), ("fluency", 0.738), ("relevance", 0.494)]
)
def test_summeval_experts_by_question(summeval: list[dict[str, str]], dimension: str, alpha: float) -> None:
    rows = [row for row in summeval if row["dimension"] == dimension]
    assert krippendorff_alpha(graded(rows, EXPERTS), "interval") == pytest.approx(alpha, abs=1e-3)


def test_every_question_of_the_form_has_its_estimate(summeval: list[dict[str, str]]) -> None:
    found = ratings(summeval, EXPERTS)
    unnamed = measure(signal("panel"), found)
    assert set(unnamed.estimates) == {"raw", *(f"dimension:{name}" for name in DIMENSIONS)}
    assert read(signal("panel"), unnamed, AS_OF).state == "untrusted"
    named = measure(signal("panel", dimension="coherence"), found)
    assert named.estimates["raw"] == unnamed.estimates["dimension:coherence"]
    means = {name: unnamed.estimates[f"dimension:{name}"].effect for name in DIMENSIONS}
    for name in DIMENSIONS:
        by_system = [
            sum(float(row[rater]) for row in summeval if row["system"] == system and row["dimension"] == name
                for rater in EXPERTS) / 300
            for system in ("M20", "M9")
        ]  # fmt: skip
        assert means[name] == pytest.approx(by_system[1] - by_system[0])


def test_summeval_coherence_by_who_is_better(summeval: list[dict[str, str]]) -> None:
    s = signal("panel", dimension="coherence", estimate="superiority", raters="fixed", margin=margin(0.1))
    numbers = measure(s, ratings(summeval, EXPERTS))
    reading = read(s, numbers, AS_OF)
    assert (reading.state, reading.unit) == ("loss", "net preference")
    grade = {
        (row["system"], row["doc_id"], rater): int(row[rater])
        for row in summeval
        if row["dimension"] == "coherence"
        for rater in EXPERTS
    }
    gaps = [grade["M9", *key] - value for (system, *key), value in grade.items() if system == "M20"]
    assert len(gaps) == 300
    assert reading.effect == pytest.approx(sum((gap > 0) - (gap < 0) for gap in gaps) / 300)
    assert measured(numbers, "agreement_low") < measured(numbers, "agreement")  # type: ignore[operator]
    assert measured(numbers, "max_straight_lining") == 0


def test_pandalm_annotators(shared: Path) -> None:
    answers = []
    with (shared / "data/pandalm_testset/pandalm_labels.csv").open() as file:
        for row in csv.DictReader(file):
            for rater in ("annotator1", "annotator2", "annotator3"):
                choice = {"1": "left", "2": "right", "0": "tie"}[row[rater]]
                left, right = row["response1_system"], row["response2_system"]
                answers.append(Preference(f"{row['idx']}/{rater}", row["idx"], rater, left, right, choice))  # type: ignore[arg-type]
    numbers = measure(signal("panel"), of("bloom-7b", "llama-7b", preferences=tuple(answers)))
    raw = numbers.estimates["raw"]
    assert -1 <= raw.low < raw.effect == pytest.approx(0.3904, abs=1e-4)  # type: ignore[operator]
    assert any("only 3 raters" in warning for warning in raw.warnings)
    assert measured(numbers, "agreement") > 0.5  # type: ignore[operator]
    assert measured(numbers, "agreement_low") > 0.4  # type: ignore[operator]
