"""The stories of the bundled example, and how their totals are spread by chance. Used by make_example.py.

Nothing here is real. The totals are fixed, so the evidence shows what data/README.md says whatever the seed. Sums of
fractions are exactly rounded (``fsum``), so that every version of Python writes the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

DAYS = 14  # two whole weeks, so that every weekday counts twice in both arms
WEEKDAYS = (1.05, 1.1, 1.1, 1.05, 1.0, 0.8, 0.75)


@dataclass(frozen=True)
class Story:
    """One release: what its evidence adds up to."""

    id: str
    control: str
    candidate: str
    start: date
    users: tuple[int, int]
    converted: tuple[int, int]
    impressions: tuple[int, int]
    responses: tuple[int, int]
    positives: tuple[int, int]
    items: int  # golden items
    judge_lift: float
    wordy: bool  # the candidate writes longer answers, and the judge likes that
    panel_items: int
    up: tuple[int, ...]  # per rater: items on which the candidate's answer gets one star more
    down: tuple[int, ...]  # ... and one star less
    old_clients: int = 0  # rows of a version that is neither arm
    judge_noise: float = 0.05  # of the judge's scores: the more, the less people agree with it

    @property
    def arms(self) -> tuple[str, str]:
        """(control, candidate)."""
        return self.control, self.candidate

    @property
    def product(self) -> str:
        """The made-up product's name, as it appears in ids."""
        return self.control.split("-", maxsplit=1)[0]


STORIES = (
    Story(
        "tuesday-small", "help-v6", "help-v7", date(2026, 11, 3), (50_184, 49_921), (15_055, 14_677),
        (402_310, 400_874), (24_190, 24_131), (19_594, 19_562), 120, 0.08, True, 72, (7, 6, 6, 7), (6, 6, 7, 6), 412,
    ),
    Story(
        "tuesday-large", "assist-v6", "assist-v7", date(2026, 11, 3), (500_318, 499_641), (150_095, 146_894),
        (3_998_420, 4_003_377), (240_310, 240_182), (194_651, 194_427), 116, 0.08, True, 72, (6, 6, 7, 6), (7, 6, 6, 7),
    ),
    Story(
        "all-agree", "reply-v3", "reply-v4", date(2026, 10, 13), (50_036, 50_121), (12_009, 12_781),
        (3_004, 3_011), (1_052, 1_058), (800, 868), 112, 0.06, False, 60, (21, 20, 22), (3, 3, 2),
    ),
    Story(
        "sample-ratio", "guide-v2", "guide-v3", date(2026, 10, 27), (50_012, 48_604), (15_004, 15_262),
        (300_140, 291_655), (18_022, 17_490), (14_418, 14_009), 110, 0.04, True, 60, (8, 7, 7), (7, 7, 8),
    ),
)  # fmt: skip


# --- totals first ---------------------------------------------------------------------------------------------------


def spread(rng: Random, expected: Sequence[float], sd: Sequence[float], total: int, cap: Sequence[int]) -> list[int]:
    """Whole numbers near ``expected``, off by noise of size ``sd``, between 0 and ``cap``, that add up to ``total``."""
    noise = [rng.gauss(0, 1) * size for size in sd]
    excess = math.fsum(expected) + math.fsum(noise) - total
    weight = math.fsum(size * size for size in sd)
    drawn = [e + n - excess * s * s / weight for e, n, s in zip(expected, noise, sd, strict=True)]
    whole = [min(max(round(value), 0), top) for value, top in zip(drawn, cap, strict=True)]
    while sum(whole) != total:
        step = 1 if sum(whole) < total else -1
        at = rng.randrange(len(whole))
        if 0 <= whole[at] + step <= cap[at]:
            whole[at] += step
    return whole


def binomial(rng: Random, of: Sequence[int], rates: Sequence[float], total: int, calm: float) -> list[int]:
    """``total`` successes spread over groups of the given sizes; ``calm`` shrinks the noise (1 is binomial)."""
    scale = total / math.fsum(n * p for n, p in zip(of, rates, strict=True))
    shares = [p * scale for p in rates]
    sd = [calm * math.sqrt(n * p * (1 - p)) + 1e-9 for n, p in zip(of, shares, strict=True)]
    return spread(rng, [n * p for n, p in zip(of, shares, strict=True)], sd, total, of)


def sizes(rng: Random, weights: Sequence[float], total: int) -> list[int]:
    """``total`` units spread over groups as a random assignment would."""
    whole = math.fsum(weights)
    parts = [weight / whole for weight in weights]
    return spread(
        rng, [total * p for p in parts], [0.8 * math.sqrt(total * p) for p in parts], total, [total] * len(parts)
    )


def day_weights(story: Story) -> list[float]:
    """How busy each day is."""
    return [WEEKDAYS[(story.start + timedelta(days=day)).weekday()] for day in range(DAYS)]


def iso(moment: datetime, digits: str = "seconds") -> str:
    """UTC text with a Z."""
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
