"""What the cells of one arm of a feedback signal add up to, and who stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signals.model import Evidence, FeedbackCell, Measure, Moments
from signals.stats.difference import RefusedError
from signals.stats.missing import from_counts
from signals.stats.moments import merge
from signals.stats.rates import kish

LOUD = 0.05

NOT_SHOWN = "the source does not know how many answers were shown"


@dataclass(frozen=True)
class Arm:
    """What one arm's cells add up to."""

    moments: Moments  # y = positives, d = responses, x = impressions; of users, or of responses when users are unknown
    users_known: bool
    responses: float
    positives: float
    impressions: int | None
    loudest: float | None  # responses of the user who gave most in one cell; None when users are not known

    @property
    def n(self) -> int:
        """Responses, whole."""
        return round(self.responses)

    @property
    def by_person(self) -> bool:
        """Whether users are known with what each was shown."""
        return self.users_known and self.moments.x_mean is not None and self.moments.xd is not None

    def per_answer(self, users: bool) -> Moments:
        """Moments over users where ``users`` and what each was shown are known, else over single answers shown.

        Raises:
            RefusedError: When it is not known what was shown, or the counts contradict each other.
        """
        if self.impressions is None:
            raise RefusedError(NOT_SHOWN)
        if users and self.by_person:
            return self.moments
        return from_counts(self.positives, self.responses, self.impressions)

    def per_response(self, users: bool) -> Moments:
        """Moments over users, or over single responses."""
        if users:
            return self.moments
        n = self.n
        rate = min(1.0, max(0.0, self.positives / n)) if n else 0.0
        return Moments(n, rate, n * rate * (1.0 - rate), d_mean=1.0, d_m2=0.0, yd=0.0)

    def independent(self) -> float:
        """Responses that there would be if all of one user's were alike."""
        m = self.moments
        return kish(m.n, m.d_mean, m.d_m2) if m.d_mean is not None and m.d_m2 is not None else self.responses

    def counts(self) -> tuple[int, int, int]:
        """Positives, responses and answers shown, whole.

        Raises:
            RefusedError: When it is not known what was shown.
        """
        if self.impressions is None:
            raise RefusedError(NOT_SHOWN)
        return round(self.positives), self.n, self.impressions


def add_up(cells: Sequence[FeedbackCell]) -> Arm:
    """The cells of one arm as one."""
    moments = merge(cell.moments for cell in cells)
    counts = [cell.impressions for cell in cells]
    shown = [count for count in counts if count is not None]
    known = bool(cells) and all(cell.users_known for cell in cells)
    loud = [(cell.top_user_share or 0.0) * cell.moments.n * (cell.moments.d_mean or 0.0) for cell in cells]
    return Arm(
        moments,
        known,
        moments.n * (moments.d_mean if moments.d_mean is not None else 1.0),
        moments.n * moments.mean,
        sum(shown) if cells and len(shown) == len(counts) else None,
        max(loud, default=0.0) if known and any(cell.top_user_share is not None for cell in cells) else None,
    )


def loud_users(evidence: Evidence, arms: tuple[Arm, Arm]) -> list[str]:
    """One user who gave more than 5 % of an arm's responses; at least, as cells may hold other days of the same one."""
    found = []
    for name, arm in zip(evidence.release.arms, arms, strict=True):
        share = arm.loudest / arm.responses if arm.loudest and arm.responses else 0.0
        if share > LOUD:
            found.append(f"one user gave {100 * share:.0f} % of the responses to {name}")
    return found


def floods(evidence: Evidence, arms: tuple[Arm, Arm]) -> tuple[Measure, Measure]:
    """``max_user_share`` and ``min_effective_share``, of the worse arm."""
    names = evidence.release.arms
    if not all(arm.n for arm in arms):
        why = "an arm has no responses"
    elif not all(arm.users_known for arm in arms):
        why = "users are not known"
    else:
        why = ""
    loudest = [(arm.loudest / arm.responses, name) for arm, name in zip(arms, names, strict=True) if arm.loudest]
    if why or len(loudest) < len(arms):
        share = Measure("max_user_share", None, why or "the source does not say who responds most")
    else:
        most, name = max(loudest)
        share = Measure("max_user_share", most, f"by one user of {name}")
    if why:
        return share, Measure("min_effective_share", None, why)
    effective = [(arm.independent() / arm.responses, arm, name) for arm, name in zip(arms, names, strict=True)]
    least, arm, name = min(effective, key=lambda entry: (entry[0], entry[2]))
    worth = f"{arm.n:,} responses to {name} are worth {arm.independent():,.0f} when one user's are all alike"
    return share, Measure("min_effective_share", least, worth)
