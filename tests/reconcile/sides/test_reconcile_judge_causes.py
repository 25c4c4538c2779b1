"""Judges that disagree for a known reason: the diagnosis names it, its parts are right, and it blames nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from signals import review
from signals.pull import pull
from signals.review import Review, load, store_of
from tests.reconcile.sides.judge_causes_kit import (
    BIAS,
    BOTH,
    CONSTRUCT,
    NOISE,
    PANEL,
    POPULATION,
    World,
    diagnosed,
    largest,
    part,
    tally,
)
from tests.test_real_data import PANDALM_SOURCES, SUMMEVAL_POLICY, SUMMEVAL_SOURCES

SEEDS = range(200)
NAMED = ("population", "judge_bias")


@pytest.mark.parametrize(
    "world, cause", [(POPULATION, "population"), (BIAS, "judge_bias"), (NOISE, "noise"), (CONSTRUCT, "unexplained")]
)
def test_the_true_cause_is_the_largest(world: World, cause: str) -> None:
    for seed in (2, 3):
        found = diagnosed(world, seed)
        assert largest(found).name == cause
        parts = [one.part.value or 0.0 for one in found.causes if one.counts and one.part]
        assert sum(parts) == pytest.approx(found.gap.value, abs=1e-9)


def test_parts_are_near_the_truth_and_their_signs_are() -> None:
    """The judge overrates by four margins, and the golden set by 3.2: both are taken off the start."""
    found = diagnosed(BOTH, 3)
    for name, truth in BOTH.parts.items():
        interval = part(found, name).part
        assert interval is not None
        assert interval.low is not None
        assert interval.high is not None
        assert interval.value == pytest.approx(truth, abs=1.5)
        assert interval.high - interval.low < 5.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "world, causes",
    [
        (POPULATION, ("population",)),
        (BIAS, ("judge_bias",)),
        (BOTH, ("population", "judge_bias")),
        (NOISE, ("noise",)),
        (CONSTRUCT, ("unexplained",)),
    ],
)
def test_over_two_hundred_releases(world: World, causes: tuple[str, ...]) -> None:
    """A share of 5 % over 200 releases has a Monte Carlo error of 1.5 points: three of them are allowed for coverage.

    Over 750 releases of which both are true the intervals of population, bias and the rest cover 96.5, 95.1 and 94.1 %,
    and with a bias that differs from plan to plan 95.7, 94.3 and 96.3 % (Monte Carlo error .8).
    """
    seen = tally(world, SEEDS)
    assert seen["sum"] < 1e-9
    assert sum(seen[f"largest {name}"] for name in causes) >= 0.9
    for name in NAMED:
        assert 0.95 - 0.046 <= seen[f"covers {name}"] <= 0.95 + 0.046
        if name not in causes:
            assert seen[f"blames {name}"] <= 0.05
        else:
            assert seen[f"blames {name}"] >= 0.9
    assert 0.95 - 0.046 <= seen["covers unexplained"] <= 0.95 + 0.046
    if "unexplained" not in causes:
        assert seen["blames unexplained"] <= 0.05 + 0.046  # exactly 5 % where every other cause is true


@pytest.mark.slow
@pytest.mark.parametrize("panel_shares", [None, (0.3, 0.4, 0.3)])
def test_against_a_panel_of_some_of_the_items(panel_shares: tuple[float, float, float] | None) -> None:
    """People graded 60 of 300 items, like the golden set or not: the judge's bias is found, and no population."""
    world = World(
        quality=(0.3, 0.0, -0.3), bias=(0.4, 0.4, 0.4), graded=60, golden=(0.5, 0.3, 0.2), panel_shares=panel_shares
    )
    blamed = dict.fromkeys(("population", "judge_bias", "unexplained"), 0)
    for seed in range(60):
        found = diagnosed(world, seed, PANEL)
        assert found.unit == "points"
        for name in blamed:
            blamed[name] += part(found, name).blamed
    assert blamed["judge_bias"] >= 54
    assert blamed["unexplained"] <= 6
    if panel_shares is None:
        assert blamed["population"] <= 6


def project(folder: Path, policy: str, sources: str, release: str) -> Review:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "hierarchy.yaml").write_text(policy)
    (folder / "data" / "sources.yaml").write_text(sources)
    found = load(folder)
    reports = pull(found, store_of(found))
    assert not [report.error for report in reports if report.error]
    return review(release, found)


def test_summeval_gap_is_the_judges_bias(shared: Path, tmp_path: Path) -> None:
    """GPT-4 finds the summaries more coherent, the experts less: their grades of the same texts explain it all."""
    human = shared / "data" / "summeval_human" / "summeval_human_ratings.csv"
    judge = shared / "data" / "summeval_llm_judges" / "summeval_llm_judge_scores_rts.csv.gz"
    policy = SUMMEVAL_POLICY.format(first="experts", second="judge", raters="fixed")
    found = project(tmp_path, policy, SUMMEVAL_SOURCES.format(human=human, judge=judge), "summaries")
    (pair,) = found.explanation.reconciliation
    assert (pair.signal, pair.against, pair.unit) == ("judge", "experts", "points")
    assert pair.start.value == pytest.approx(1.46, abs=0.005)
    assert pair.end.value == pytest.approx(-1.25, abs=0.005)
    bias = part(pair, "judge_bias")
    assert bias.blamed
    assert bias.share is not None
    assert bias.share > 0.9
    assert part(pair, "unexplained").part is not None
    assert not part(pair, "unexplained").blamed
    assert len(pair.carriers) == 10
    for one in pair.carriers:
        assert one.judge > one.people
        assert one.share > 0.01
    assert [one.share for one in pair.carriers] == sorted((one.share for one in pair.carriers), reverse=True)


JUDGED = """\
  gpt:
    signal: judge
    connector: table
    path: {scores}
    allow_outside: true
    shape: item_score
    map: {{item: item, variant: variant, value: score}}
"""

AGREEING = """\
schema: 1
name: pandalm
signals:
  people: {kind: panel, question: Which answer is better?, better: higher, margin: 0.05}
  judge: {kind: judge, question: Which one does the judge prefer?, better: higher, margin: 5pp}
hierarchy:
  - {signal: people, win: ship, loss: rollback}
  - {signal: judge, win: ship, loss: rollback}
otherwise: hold
"""


def test_pandalm_judge_that_agrees_has_no_story(shared: Path, tmp_path: Path) -> None:
    """People and GPT-3.5 both prefer llama to bloom: nothing contradicts, so nothing is diagnosed."""
    labels = shared / "data" / "pandalm_testset" / "pandalm_labels.csv"
    scores = tmp_path / "judge.csv"
    with labels.open() as rows, scores.open("w", newline="") as made:
        out = csv.writer(made)
        out.writerow(["item", "variant", "score"])
        for row in csv.DictReader(rows):
            gain = {"1": (1.0, 0.0), "2": (0.0, 1.0)}.get(row["gpt35_turbo_judge"], (0.5, 0.5))
            for system, score in zip((row["response1_system"], row["response2_system"]), gain, strict=True):
                if {row["response1_system"], row["response2_system"]} == {"bloom-7b", "llama-7b"}:
                    out.writerow([row["idx"], system, score])
    sources = PANDALM_SOURCES.format(path=labels) + JUDGED.format(scores=scores)
    found = project(tmp_path, AGREEING, sources, "llama")
    assert [found.verdict.readings[name].state for name in ("people", "judge")] == ["win", "win"]
    assert found.explanation.reconciliation == ()
