"""Releases that were decided again, and what a policy's calls on them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low

from signals.model import Call, Outcome, Release, SignalsError, Verdict
from signals.words import CALL_WORDS, plural

MOST_TOLD = 5
"""Flips that a sentence names; the rest are counted."""


@dataclass(frozen=True)
class Replayed:
    """One release under several policies.

    ``then`` is the verdict, on today's record of the evidence, of the policy that people decided under; of a release
    that nobody decided, of the version that was the newest at that moment. It is None when there was none.
    """

    release: Release
    as_of: datetime
    open: bool  # neither decided nor closed: judged as of now
    decided: Call | None  # what people decided
    recommended: Call | None  # what the verdict said that they saw
    outcome: Outcome
    verdicts: tuple[Verdict | SignalsError, ...]  # one per policy; an error says why there is none
    then: Verdict | SignalsError | None
    changed: bool = False  # the store's evidence up to that moment is not any more what people saw
    days: tuple[int | None, ...] = ()  # per policy: the first day (1 is the day of the start) with SHIP or ROLLBACK

    def call(self, which: int) -> Call | None:
        """What a policy says; None when it cannot be replayed."""
        return _call(self.verdicts[which])

    @property
    def call_then(self) -> Call | None:
        """What the policy of then says, or said if it cannot be replayed."""
        return _call(self.then) or self.recommended


@dataclass(frozen=True)
class Summary:
    """One policy over all replayed releases. A harm is a release that turned out bad, a win one that was good."""

    releases: int
    ships: int
    holds: int
    rollbacks: int
    failed: int  # could not be replayed
    missed_harms: int  # shipped, and bad
    caught_harms: int  # held or rolled back, and bad
    blocked_wins: int  # held or rolled back, and good
    shipped_wins: int  # shipped, and good
    unknown: int  # decided by the policy, and nobody knows how it turned out
    flips: int  # other than the policy of then
    median_days: (
        int | None
    )  # to SHIP or ROLLBACK; None when not asked for, or when half of the releases never get there
    never: int  # releases without SHIP or ROLLBACK up to their decision, when days were asked for


def summary(rows: Sequence[Replayed], which: int) -> Summary:
    """Count what one policy does with the replayed releases."""
    calls = [(row.call(which), row) for row in rows]
    known = [(call, row) for call, row in calls if call is not None]

    def count(shipped: bool, outcome: Outcome) -> int:
        return sum((call == "ship") == shipped and row.outcome == outcome for call, row in known)

    timed = [row.days[which] for _, row in known if row.days]
    return Summary(
        releases=len(calls),
        ships=sum(call == "ship" for call, _ in known),
        holds=sum(call == "hold" for call, _ in known),
        rollbacks=sum(call == "rollback" for call, _ in known),
        failed=len(calls) - len(known),
        missed_harms=count(shipped=True, outcome="bad"),
        caught_harms=count(shipped=False, outcome="bad"),
        blocked_wins=count(shipped=False, outcome="good"),
        shipped_wins=count(shipped=True, outcome="good"),
        unknown=sum(row.outcome == "unknown" for _, row in known),
        flips=sum(row.call_then not in (None, call) for call, row in known),
        median_days=_median(timed),
        never=sum(day is None for day in timed),
    )


def flips(rows: Sequence[Replayed], which: int, against: int) -> tuple[Replayed, ...]:
    """The releases that two of the policies decide differently."""
    both = [row for row in rows if row.call(which) is not None and row.call(against) is not None]
    return tuple(row for row in both if row.call(which) != row.call(against))


def sentence(rows: Sequence[Replayed], which: int = 0, against: int | None = None, other: str = "") -> str:
    """What a policy changes, for a standup.

    Args:
        rows: As ``replay`` gives them.
        which: The policy.
        against: The one that it is compared with; None compares with the policy of then.
        other: How that one is called.
    """

    def before(row: Replayed) -> Call | None:
        return row.call_then if against is None else row.call(against)

    other = other or ("the policies of then" if against is None else "the other policy")
    both = [(before(row), row.call(which), row) for row in rows]
    compared = [(old, new, row) for old, new, row in both if old is not None and new is not None]
    changed = [
        f"{row.release.id} from {CALL_WORDS[old]} to {CALL_WORDS[new]}{_meaning(old, new, row.outcome)}"
        for old, new, row in compared
        if old != new
    ]
    many = plural(len(compared), "past releases")
    if not compared:
        said = f"No release can be compared with {other}."
    elif changed:
        more = [f"{len(changed) - MOST_TOLD} more"] if changed[MOST_TOLD:] else []
        told = "; ".join([*changed[:MOST_TOLD], *more])
        said = f"This policy decides {len(changed)} of {many} otherwise than {other}: {told}."
    else:
        said = f"This policy decides all of {many} as {other} {'did' if against is None else 'does'}."
    was = _score([(old, row) for old, _, row in compared]) if compared else None
    now = _score([(new, row) for _, new, row in compared] if compared else [(new, row) for _, new, row in both])
    return " ".join([said, *_record(now, was)])


def _record(now: tuple[int, int, int, int], was: tuple[int, int, int, int] | None) -> list[str]:
    """How it does where the outcome is known."""
    told = [
        f"{part} {now[at]} of {now[at + 1]} {what}" + (f" ({was[at]} before)" if was else "")
        for part, at, what in (("ships", 0, "that turned out bad"), ("stops", 2, "that turned out good"))
        if now[at + 1]
    ]
    return [f"It {' and '.join(told)}."] if told else []


def _meaning(old: Call, new: Call, outcome: Outcome) -> str:
    """What the flip of one release would have meant, where it is known how it turned out."""
    if outcome == "unknown" or (old == "ship") == (new == "ship"):
        return ""
    words = {
        ("good", True): "a win shipped",
        ("good", False): "a win blocked",
        ("bad", True): "a harm shipped",
        ("bad", False): "a harm caught",
    }
    return f" ({words[outcome, new == 'ship']})"


def _score(calls: Sequence[tuple[Call | None, Replayed]]) -> tuple[int, int, int, int]:
    """Harms shipped, harms, wins stopped, wins; releases without a call are left out."""
    bad = [call for call, row in calls if call is not None and row.outcome == "bad"]
    good = [call for call, row in calls if call is not None and row.outcome == "good"]
    return sum(call == "ship" for call in bad), len(bad), sum(call != "ship" for call in good), len(good)


def _call(found: Verdict | SignalsError | None) -> Call | None:
    return found.call if isinstance(found, Verdict) else None


def _median(days: Sequence[int | None]) -> int | None:
    """The lower median, a release that was never decided being later than any other."""
    if not days:
        return None
    found = median_low([float("inf") if day is None else day for day in days])
    return None if found == float("inf") else int(found)
