"""Case 5, the flywheel that spins in place: a year of releases tuned against what is quick to measure.

Every four weeks a release pleases the judge and those who rate answers, and ships on that. In the faulty year what
pleases them drives others away: retention, known four weeks later, falls with every win, and each time fewer people
rate, of whom ever more come daily. In the twin retention rises with the thumbs, and the same people go on rating.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.cases.case import Case, Right, Setting
from signals.cases.kit import begin, days_before, rng, stamp, table

if TYPE_CHECKING:
    import numpy as np

Arms = tuple[str, str]
Row = tuple[Any, ...]

SOURCES = """

sources:
  golden-set:                          # the judge's scores, 0 to 1
    signal: judge
    connector: table
    path: exports/judge_scores.csv
    shape: item_score
    map: {item: item_id, variant: variant, value: score, scorer: judge, scorer_version: judge_version, at: scored_at}
  thumbs-weekly:                       # answers shown, rated, and rated up, by how often people come
    signal: thumbs
    connector: table
    path: exports/thumbs_weekly.csv
    shape: feedback_counts
    map:
      variant: variant
      impressions: shown
      responses: rated
      positives: thumbs_up
      day: week
      segment.activity: activity
  retention-daily:                     # users by their first day, and how many of them came back four weeks later
    signal: retention
    connector: table
    path: exports/retention_daily.csv
    shape: outcome_counts
    map: {variant: variant, units: users, successes: retained, day: first_day}
"""

PAST = 13  # releases, one every four weeks: a year
EVERY = timedelta(days=28)
CLOSED = timedelta(days=36)  # a week of first days, four weeks until the last of them can come back, a day to count
PLEASED, VARIES = 1.5, 1.5  # what a release does to those who are asked, in margins: on average, and its spread
NEWEST = 2.5  # what the release under review does to them
PASSED_ON = 0.8  # margins of retention per margin of pleasing: gained in the twin, lost in the faulty year
OTHERWISE = 0.5  # margins of each signal that the others know nothing of
MARGINS = (0.02, 0.01, 0.005)  # of judge, thumbs and retention, as the policy has them
ITEMS = 60
SHOWN = 400_000  # answers per arm
USERS = 150_000  # per arm
LIKED, KEPT = 0.62, 0.44  # at the start of the year
ACTIVITY = {"daily": (0.25, 0.12), "weekly": (0.40, 0.08), "rarely": (0.35, 0.055)}  # of the answers; of those rated
LEAVES = {"daily": 0.3, "weekly": 1.0, "rarely": 1.9}  # how fast they stop rating in the faulty year, per year


def write(folder: Path, setting: Setting) -> None:
    """Write the project."""
    random = rng(5, setting)
    drawn = random.normal(0.0, 1.0, PAST)
    # Every seed is a year of the same success: what differs is which release had how much of it.
    pleased = [*(PLEASED + VARIES * (drawn - drawn.mean()) / drawn.std()).tolist(), NEWEST]
    noise = random.normal(0.0, OTHERWISE, (PAST + 1, 3))
    releases, scores, thumbs, users = ["releases:"], [], [], []
    liked, kept = LIKED, KEPT
    for number in range(PAST + 1):
        newest = number == PAST
        start = days_before(14) - EVERY * (PAST - number)
        arms = f"test-{number + 1:02}-now", f"test-{number + 1:02}-new"
        releases.append(_declared("newest" if newest else f"release-{number + 1:02}", arms, start, newest))
        goes = 1.0, 1.0, PASSED_ON * (1.0 - 2.0 * setting.strength)
        judge, like, keep = (
            (pleased[number] * way + float(extra)) * margin
            for way, extra, margin in zip(goes, noise[number], MARGINS, strict=True)
        )
        year = setting.strength * number / PAST
        scores += _scores(random, arms, judge, start, max(ITEMS, round(ITEMS * setting.size)))
        thumbs += _thumbs(random, arms, (liked, liked + like), start, year, SHOWN * setting.size)
        back = _users(random, arms, (kept, kept + keep), start, USERS * setting.size)
        users += [] if newest else back  # of the newest nobody can have come back yet
        liked, kept = liked + like, kept + keep  # every release was shipped
    exports = begin(folder, "proxy-aware", "\n".join(releases) + SOURCES)
    table(exports / "judge_scores.csv", ("item_id", "variant", "score", "judge", "judge_version", "scored_at"), scores)
    table(exports / "thumbs_weekly.csv", ("variant", "week", "activity", "shown", "rated", "thumbs_up"), thumbs)
    table(exports / "retention_daily.csv", ("variant", "first_day", "users", "retained"), users)


def _declared(name: str, arms: Arms, start: datetime, newest: bool) -> str:
    closed = days_before(0) if newest else start + CLOSED
    return (
        f"  - {{id: {name}, kind: prompt, control: {arms[0]}, candidate: {arms[1]}, started: {start:%Y-%m-%d}, "
        f"owner: assistant-team, as_of: {stamp(closed)}, synthetic: true}}"
    )


def _scores(random: np.random.Generator, arms: Arms, effect: float, start: datetime, items: int) -> list[Row]:
    """The golden set, scored under both variants on the second day."""
    quality = 0.55 + random.normal(0.0, 0.12, items)
    at = stamp(start + timedelta(days=1))
    rows: list[Row] = []
    for arm, variant in enumerate(arms):
        found = (quality + arm * effect + random.normal(0.0, 0.06, items)).clip(0.0, 1.0)
        rows += [
            (f"syn-{item:04}", variant, f"{score:.3f}", "rubric-judge", "2025-10", at)
            for item, score in enumerate(found.tolist())
        ]
    return rows


def _thumbs(
    random: np.random.Generator, arms: Arms, liked: tuple[float, float], start: datetime, year: float, shown: float
) -> list[Row]:
    """Two weeks of thumbs. ``year`` is how much of the year has passed: that many have stopped to rate."""
    mood = float(random.normal(0.0, 0.03))  # one release is on people's minds more than another
    rows: list[Row] = []
    for variant, like in zip(arms, liked, strict=True):
        for week in range(2):
            for activity, (of_shown, rates) in ACTIVITY.items():
                seen = int(random.poisson(shown * of_shown / 2))
                rated = int(random.binomial(seen, rates * math.exp(mood - LEAVES[activity] * year)))
                up = int(random.binomial(rated, like))
                rows.append((variant, f"{start + timedelta(days=6 + 7 * week):%Y-%m-%d}", activity, seen, rated, up))
    return rows


def _users(
    random: np.random.Generator, arms: Arms, kept: tuple[float, float], start: datetime, users: float
) -> list[Row]:
    """A week of users who were new to the release, by their first day."""
    rows: list[Row] = []
    for variant, keep in zip(arms, kept, strict=True):
        for day in range(7):
            count = int(random.poisson(users / 7))
            rows.append((variant, f"{start + timedelta(days=day):%Y-%m-%d}", count, int(random.binomial(count, keep))))
    return rows


CASE = Case(
    number=5,
    slug="flywheel",
    title="The flywheel that spins in place",
    fault="For a year thumbs and judge rise, retention falls with each of their wins, and ever fewer people rate.",
    policy="proxy-aware",
    release="newest",
    write=write,
    wrong=Right(
        calls=("hold",),
        reasons=(
            ("check:thumbs.track_correlation",),
            ("check:judge.track_correlation",),
            ("check:thumbs.response_trend_p",),
            ("check:thumbs.responder_mix_shift",),
        ),
    ),
    clean=Right(calls=("ship",), reasons=(("state:judge=win", "state:thumbs=win"),)),
)
