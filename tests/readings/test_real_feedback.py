"""A public survey with randomised wordings: thumbs, impressions and much silence, from file to reading."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from signals import review
from signals.model import Reading
from signals.pull import pull
from signals.review import load, store_of

GOOD = "If you searched for '...', would this article be a good result?"
CLICK = "Would you click on this page when searching for '...'?"
RELEVANT = "If you searched for '...', would this article be relevant?"
READ = "If someone searched for '...', would they want to read this article?"

SOURCES = """\
store: sqlite:///data/signals.db
releases:
  - {{id: wording, kind: prompt, control: first, candidate: second, started: 2017-08-01}}
sources:
  survey:
    signal: thumbs
    connector: table
    path: {path}
    allow_outside: true
    shape: feedback
    map: {{variant: question, value: choice, user: session_id}}
    values:
      variant: {{"{first}": first, "{second}": second}}
      value: {{"yes": up, "no": down, unsure: null, dismiss: null, timeout: null}}
"""

POLICY = """\
schema: 1
name: wording
signals:
  thumbs:
    kind: feedback
    question: Do people say yes?
    better: higher
    margin: 1pp
hierarchy:
  - {signal: thumbs, win: ship, loss: rollback}
otherwise: hold
"""


@pytest.fixture
def survey(shared: Path) -> Path:
    return shared / "data" / "wikimedia_relevance_survey" / "survey_impressions.csv.gz"


def read(survey: Path, folder: Path, first: str, second: str) -> Reading:
    (folder / "data").mkdir()
    (folder / "hierarchy.yaml").write_text(POLICY)
    (folder / "data" / "sources.yaml").write_text(SOURCES.format(path=survey, first=first, second=second))
    project = load(folder)
    reports = pull(project, store_of(project))
    assert not [report.error for report in reports if report.error]
    return review("wording", project).verdict.readings["thumbs"]


def sessions(survey: Path, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """(yes, yes or no, shown) of each session of either wording, without those that saw both."""
    seen: dict[str, dict[str, list[int]]] = defaultdict(dict)
    with gzip.open(survey, "rt") as file:
        for row in csv.DictReader(file):
            if row["question"] in (first, second):
                sums = seen[row["session_id"]].setdefault(row["question"], [0, 0, 0])
                sums[0] += row["choice"] == "yes"
                sums[1] += row["choice"] in ("yes", "no")
                sums[2] += 1
    once = [each for each in seen.values() if len(each) == 1]
    arms = (np.array([each[name] for each in once if name in each]) for name in (first, second))
    return next(arms), next(arms)


def test_asking_for_a_click_gets_fewer_answers_and_fewer_yes(survey: Path, tmp_path: Path) -> None:
    reading = read(survey, tmp_path, GOOD, CLICK)
    good, click = sessions(survey, GOOD, CLICK)
    per_response, per_shown = reading.estimates["per_response"], reading.estimates["per_impression"]
    yes = [float(arm[:, 0].sum() / arm[:, 1].sum()) for arm in (good, click)]
    assert (per_response.n_control, per_response.n_candidate) == (good[:, 1].sum(), click[:, 1].sum())
    assert (per_response.control, per_response.candidate) == pytest.approx(yes)
    assert per_response.effect == pytest.approx(-0.13, abs=0.01)
    assert reading.state == "loss"
    assert per_response.low is not None
    assert per_response.high is not None
    assert -0.18 < per_response.low < per_response.high < -0.08
    assert per_shown.high is not None
    assert per_shown.high < 0
    # Resampling whole sessions gives the same spread.
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(400):
        picked = [arm[rng.integers(0, len(arm), len(arm))].sum(axis=0) for arm in (good, click)]
        draws.append(picked[1][0] / picked[1][1] - picked[0][0] / picked[0][1])
    assert per_response.se == pytest.approx(np.std(draws), rel=0.12)


def test_the_response_rate_moves_with_the_wording(survey: Path, tmp_path: Path) -> None:
    reading = read(survey, tmp_path, GOOD, CLICK)
    good, click = sessions(survey, GOOD, CLICK)
    check = reading.checks["response_rate_shift_p"]
    assert check.value is not None
    rates = [float(arm[:, 1].sum() / arm[:, 2].sum()) for arm in (good, click)]
    assert rates == pytest.approx([0.231, 0.208], abs=0.001)
    assert 0.0005 < check.value < 0.01
    assert check.status == "warn"
    # Three of four are silent: nothing is certain of all, something of those who answer either way.
    manski, lee = reading.estimates["manski"], reading.estimates["lee"]
    assert manski.low is not None
    assert manski.high is not None
    assert manski.low < -0.7 < 0.7 < manski.high
    assert lee.low is not None
    assert lee.high is not None
    assert lee.low < per(reading) < lee.high < 0.01
    tipping = reading.checks["tipping_share"]
    assert tipping.value == pytest.approx(
        -per(reading) * click[:, 2].sum() / (click[:, 2] - click[:, 1]).sum(), rel=0.01
    )


def per(reading: Reading) -> float:
    effect = reading.estimates["per_response"].effect
    assert effect is not None
    return effect


def test_like_wordings_are_alike(survey: Path, tmp_path: Path) -> None:
    reading = read(survey, tmp_path, GOOD, READ)
    assert reading.state == "unclear"
    assert reading.checks["response_rate_shift_p"].status == "pass"
