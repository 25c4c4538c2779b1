"""Public data sets with known answers, from files to verdict by the ordinary path."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from signals import review
from signals.model import Verdict
from signals.pull import pull
from signals.review import load, store_of


def decide(folder: Path, policy: str, sources: str, release: str) -> Verdict:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "hierarchy.yaml").write_text(policy)
    (folder / "data" / "sources.yaml").write_text(sources)
    project = load(folder)
    reports = pull(project, store_of(project))
    assert not [report.error for report in reports if report.error]
    return review(release, project).verdict


COOKIE_SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {{id: gates, kind: decoding, control: gate_30, candidate: gate_40, started: 2026-01-01}}
sources:
  players:
    signal: retention
    connector: table
    path: {path}
    allow_outside: true
    shape: outcome
    grain: unit
    map: {{unit: userid, variant: version, value: retention_7}}
"""

COOKIE_POLICY = """\
schema: 1
name: cookie-cats
signals:
  retention:
    kind: experiment
    question: Do players come back after a week?
    metric: {{name: retention_7, type: proportion}}
    better: higher
    margin: 0.5pp
    looks: fixed
    trust: {{sample_ratio_p: {threshold}}}
hierarchy:
  - {{signal: retention, win: ship, loss: rollback, untrusted: hold}}
otherwise: hold
"""


@pytest.mark.parametrize(
    "threshold, state, call, reason",
    [(0.001, "loss", "rollback", "decided"), (0.01, "untrusted", "hold", "untrusted")],
)
def test_cookie_cats(shared: Path, tmp_path: Path, threshold: float, state: str, call: str, reason: str) -> None:
    sources = COOKIE_SOURCES.format(path=shared / "data" / "cookie_cats" / "cookie_cats.csv")
    verdict = decide(tmp_path, COOKIE_POLICY.format(threshold=threshold), sources, "gates")
    reading = verdict.readings["retention"]
    assert [round(100 * number, 2) for number in (reading.effect, reading.low, reading.high)] == [-0.82, -1.33, -0.31]
    assert reading.checks["sample_ratio_p"].value == pytest.approx(0.0086, abs=5e-5)
    assert (reading.n_control, reading.n_candidate) == (44_700, 45_489)
    assert (reading.state, verdict.call, verdict.reason) == (state, call, reason)


SUMMEVAL_SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {{id: summaries, kind: model, control: M20, candidate: M9, started: 2026-01-01}}
sources:
  experts:
    signal: experts
    connector: table
    path: {human}
    allow_outside: true
    shape: rating
    where: {{dimension: coherence}}
    wide: {{rater: [expert1, expert2, expert3]}}
    map: {{item: doc_id, variant: system, dimension: dimension}}
  gpt-4:
    signal: judge
    connector: table
    path: {judge}
    allow_outside: true
    shape: item_score
    where: {{dimension: coherence, judge: gpt-4-0314}}
    map: {{item: doc_id, variant: system, scorer: judge, value: score}}
"""

SUMMEVAL_POLICY = """\
schema: 1
name: summeval
signals:
  experts:
    kind: panel
    question: Do the three experts find the summary coherent?
    better: higher
    margin: 0.1
    raters: {raters}
  judge:
    kind: judge
    question: Does GPT-4?
    better: higher
    margin: 0.1
hierarchy:
  - {{signal: {first}, win: ship, loss: rollback}}
  - {{signal: {second}, win: ship, loss: rollback}}
otherwise: hold
"""


@pytest.fixture
def summaries(shared: Path) -> str:
    data = shared / "data"
    human = data / "summeval_human" / "summeval_human_ratings.csv"
    judge = data / "summeval_llm_judges" / "summeval_llm_judge_scores_rts.csv.gz"
    with gzip.open(judge, "rt") as rows:
        assert next(csv.reader(rows)) == ["doc_id", "system", "dimension", "judge", "score"]
    return SUMMEVAL_SOURCES.format(human=human, judge=judge)


def test_summeval_experts_overrule_the_judge(summaries: str, tmp_path: Path) -> None:
    policy = SUMMEVAL_POLICY.format(first="experts", second="judge", raters="fixed")
    verdict = decide(tmp_path, policy, summaries, "summaries")
    experts, judge = verdict.readings["experts"], verdict.readings["judge"]
    assert (experts.effect, experts.state) == (pytest.approx(-1.25, abs=0.005), "loss")
    assert (judge.effect, judge.state) == (pytest.approx(1.46, abs=0.005), "win")
    assert (verdict.call, verdict.decided_by, verdict.overruled) == ("rollback", "experts", ("judge",))


def test_summeval_with_the_rows_swapped_ships(summaries: str, tmp_path: Path) -> None:
    policy = SUMMEVAL_POLICY.format(first="judge", second="experts", raters="fixed")
    verdict = decide(tmp_path, policy, summaries, "summaries")
    assert (verdict.call, verdict.decided_by, verdict.overruled) == ("ship", "judge", ("experts",))


def test_three_experts_cannot_speak_for_all_experts(summaries: str, tmp_path: Path) -> None:
    """Their means are -0.8, -2.0 and -1.0: as a sample of raters that leaves the sign of the mean open."""
    policy = SUMMEVAL_POLICY.format(first="experts", second="judge", raters="random")
    verdict = decide(tmp_path, policy, summaries, "summaries")
    experts = verdict.readings["experts"]
    assert experts.state == "unclear"
    assert experts.low is not None
    assert experts.high is not None
    assert experts.low < -2.5 < 0 < experts.high


PANDALM_SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {{id: llama, kind: model, control: bloom-7b, candidate: llama-7b, started: 2026-01-01}}
sources:
  annotators:
    signal: people
    connector: table
    path: {path}
    allow_outside: true
    shape: preference
    wide: {{rater: [annotator1, annotator2, annotator3]}}
    values: {{choice: {{"1": left, "2": right, "0": tie}}}}
    map: {{item: idx, left: response1_system, right: response2_system}}
"""

PANDALM_POLICY = """\
schema: 1
name: pandalm
signals:
  people: {kind: panel, question: Which answer is better?, better: higher, margin: 0.05}
hierarchy:
  - {signal: people, win: ship, loss: rollback}
otherwise: hold
"""


def test_pandalm_preferences(shared: Path, tmp_path: Path) -> None:
    sources = PANDALM_SOURCES.format(path=shared / "data" / "pandalm_testset" / "pandalm_labels.csv")
    verdict = decide(tmp_path, PANDALM_POLICY, sources, "llama")
    people = verdict.readings["people"]
    assert (people.unit, people.state, verdict.call) == ("net preference", "win", "ship")
    assert people.effect == pytest.approx(0.39, abs=0.005)
