"""Where a decision stands: whether an override has run out, how it turned out, what has changed since the verdict.

Pure functions over what was recorded; nothing is looked up here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from signals.model import Call, Decision, DecisionOutcome, Override
from signals.words import CALL_WORDS, bounds, count, moment, number, plural

Status = Literal["stands", "open", "expired", "closed", "superseded"]
STATUSES: tuple[Status, ...] = get_args(Status)
"""``stands``: as recommended. Of an override: ``open`` until its date, ``expired`` after it, ``closed`` once somebody
has told how it turned out. ``superseded``: a later decision on the same release counts instead."""

SHOWN = 3
"""Readings and sources that one sentence names."""


@dataclass(frozen=True)
class Stale:
    """What has changed between the verdict that people decided on and the verdict today.

    Attributes:
        was: The call then.
        now: The call today.
        policy: Then and today, as people name them; None when it is the same text.
        sources: Name, units of evidence then, and today, of the sources of these readings that brought other evidence.
        readings: What is otherwise in which signal, in words.
        evidence: Whether the evidence behind these readings is another one.
        decided: Rule and reason then, and today, where the call was made otherwise; None when by the same.
    """

    was: Call
    now: Call
    policy: tuple[str, str] | None = None
    sources: tuple[tuple[str, int | None, int | None], ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    evidence: bool = False
    decided: tuple[str, str] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What has changed, one sentence each; whether the call has comes first."""
        word = CALL_WORDS
        turned = self.was != self.now
        told = [
            f"The verdict is {word[self.now]} now and was {word[self.was]}."
            if turned
            else f"The call is {word[self.now]} still."
        ]
        if self.decided is not None:
            told.append(f"It was decided by {self.decided[0]} then, and is by {self.decided[1]} now.")
        if self.policy is not None:
            told.append(f"The policy has changed: {self.policy[0]} then, {self.policy[1]} now.")
        if self.readings:
            told.append(f"{_some([f'{name}: {what}' for name, what in self.readings], '; ')}.")
        if self.sources:
            counts = [f"{name} ({_count(before)} then, {_count(after)} now)" for name, before, after in self.sources]
            told.append(f"Other evidence in {_some(counts, ', ')}.")
        return tuple(told)


@dataclass(frozen=True)
class Standing:
    """A decision with what belongs to it.

    Attributes:
        decision: The record.
        status: See ``STATUSES``.
        override: The record beside it; None when it was accepted, or recorded before overrides had one.
        outcomes: How it turned out, the newest telling first.
        superseded_by: Number of the later decision.
        stale: What has changed since; None when nothing has, or when it was not looked at.
        looked: Whether it was held against the verdict of today.
    """

    decision: Decision
    status: Status
    override: Override | None = None
    outcomes: tuple[DecisionOutcome, ...] = ()
    superseded_by: int | None = None
    stale: Stale | None = None
    looked: bool = False

    @property
    def outcome(self) -> DecisionOutcome | None:
        """How it turned out, as it was told last."""
        return self.outcomes[0] if self.outcomes else None

    @property
    def words(self) -> str:
        """How it stands, in one clause: ``override of HOLD, with Bo, expired on 3 Dec 2026``."""
        one = self.decision
        parts = [f"override of {CALL_WORDS[one.recommended]}" if one.override else "as recommended"]
        if one.second:
            parts.append(f"with {one.second}")
        parts += [self.until] if self.until else []
        if self.superseded_by is not None:
            parts.append(f"superseded by decision {self.superseded_by}")
        if self.outcome is not None:
            parts.append(f"turned out {self.outcome.outcome}")
        return ", ".join(parts)

    @property
    def until(self) -> str:
        """The date of an override in words: ``until 3 Dec 2026``, ``expired on 3 Dec 2026``, ``follow-up on …``."""
        if self.override is None or self.override.due is None:
            return "no date" if self.decision.override else ""
        day = moment(self.override.due.date())
        past = self.status == "expired"
        if self.override.until is not None:
            return f"expired on {day}" if past else f"until {day}"
        return f"expired: follow-up was due on {day}" if past else f"follow-up on {day}"


def standings(
    decisions: Sequence[Decision],
    overrides: Sequence[Override],
    outcomes: Sequence[DecisionOutcome],
    now: datetime,
    stale: Mapping[str, Stale | None] | None = None,
) -> tuple[Standing, ...]:
    """Each decision with what belongs to it, in the order given.

    Args:
        decisions: The newest first; of each release all of them, so that it is known which one counts.
        overrides: Of them.
        outcomes: Of them, the newest first.
        now: The moment that dates are held against (UTC).
        stale: By entry, what has changed since, of the decisions that were looked at.
    """
    beside = {one.decision: one for one in overrides}
    told: dict[str, list[DecisionOutcome]] = {}
    for outcome in outcomes:
        told.setdefault(outcome.decision, []).append(outcome)
    later: dict[str, int] = {}
    found = []
    for one in decisions:
        override, turned = beside.get(one.entry), tuple(told.get(one.entry, ()))
        by = later.get(one.release)
        later[one.release] = one.number
        looked = stale is not None and one.entry in stale
        found.append(
            Standing(
                one, _status(one, override, turned, by, now), override, turned, by,
                stale[one.entry] if looked and stale is not None else None, looked,
            )
        )  # fmt: skip
    return tuple(found)


def _status(
    decision: Decision,
    override: Override | None,
    outcomes: Sequence[DecisionOutcome],
    superseded_by: int | None,
    now: datetime,
) -> Status:
    if superseded_by is not None:
        return "superseded"
    if not decision.override:
        return "stands"
    if outcomes:
        return "closed"
    due = override.due if override else None
    return "expired" if due is not None and due < now else "open"


def as_told(decision: Decision, text: str | None) -> Mapping[str, Any]:
    """The verdict that was decided on, as JSON: as the store kept it (``text``), else what the decision says of it."""
    said: Mapping[str, Any] = {"call": decision.recommended, "policy": {"hash": decision.policy_hash}}
    return {**said, **(json.loads(text) if text else {})}


def stale(then: Mapping[str, Any], now: Mapping[str, Any], versions: Mapping[str, int] | None = None) -> Stale | None:
    """What has changed between two verdicts on one release; None when policy, call, rule and every number are the same.

    Neither time alone nor evidence that does not count (it is newer than the as-of time, or about other releases)
    changes anything; time does when evidence grew too old for a signal to be trusted.

    Args:
        then: The verdict that was decided on, as ``verdict_json`` gives it. What an older version of the tool did not
            write down is not compared.
        now: The verdict today, in the same form.
        versions: Number of each saved version of the policy, by the hash of its text.
    """
    known = versions or {}
    hashes = _of(then, "policy", "hash"), _of(now, "policy", "hash")
    policy = None
    if None not in hashes and hashes[0] != hashes[1]:
        policy = (_policy(str(hashes[0]), known), _policy(str(hashes[1]), known))
    was, today = then.get("readings") or {}, now.get("readings") or {}
    readings = []
    if was:
        for name in [*today, *(name for name in was if name not in today)]:
            what = _moved(was.get(name), today.get(name))
            if what:
                readings.append((name, what))
    calls: tuple[Call, Call] = then.get("call", now["call"]), now["call"]
    decided = _decided(then, now)
    if policy is None and not readings and calls[0] == calls[1] and decided is None:
        return None
    sources = _sources(then, now, [name for name, _ in readings])
    # Under another policy other signals are read, so that the hash of all evidence says nothing by itself.
    other = policy is None and bool(readings) and _of(then, "evidence", "hash") != _of(now, "evidence", "hash")
    return Stale(*calls, policy, sources, tuple(readings), bool(sources) or other, decided)


def _decided(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str] | None:
    """By what the call was made, then and today, where rule, decider or reason are otherwise."""
    names = ("rule", "decided_by", "reason")
    if not any(name in then and then[name] != now.get(name) for name in names):
        return None
    was, today = (" ".join(str(one.get(name) or "") for name in ("decided_by", "rule")).strip() for one in (then, now))
    if was == today:
        was, today = (f"{words} ({one.get('reason')})" for words, one in ((was, then), (today, now)))
    return was or "nothing", today or "nothing"


def _of(document: Mapping[str, Any], section: str, name: str) -> Any:
    inner = document.get(section)
    return inner.get(name) if isinstance(inner, Mapping) else None


def _policy(hash_: str, versions: Mapping[str, int]) -> str:
    short = hash_.removeprefix("sha256:")[:12]
    return f"version {versions[hash_]} ({short})" if hash_ in versions else short


def _moved(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """What is otherwise in one reading; empty when nothing is."""
    if was is None or now is None:
        return "not in the policy then" if was is None else "no longer in the policy"
    parts = []
    if was.get("state") != now.get("state"):
        parts.append(f"{was.get('state')} then, {now.get('state')} now")
    if _differ(was, now, ("effect", "low", "high")):
        parts.append(f"{_effect(was)} then, {_effect(now)} now")
    elif _differ(was, now, ("n_control", "n_candidate")):
        parts.append(f"n {_both(was)} then, {_both(now)} now")
    if was.get("margin") != now.get("margin"):
        unit = str(now.get("unit") or "")
        parts.append(f"margin {number(was.get('margin'), unit)} then, {number(now.get('margin'), unit)} now")
    if parts:
        return ", ".join(parts)
    beside = [words for words, name in (("estimates beside what votes", "estimates"), ("segments", "segments"))
              if _beside(was, name) != _beside(now, name)]  # fmt: skip
    return f"other {' and '.join(beside)}" if beside else ""


def _differ(was: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str]) -> bool:
    return any(was.get(name) != now.get(name) for name in names)


def _beside(reading: Mapping[str, Any], name: str) -> dict[Any, Any]:
    """The numbers of what stands beside the estimate that votes, without what follows from margins; in any order."""
    held = reading.get(name) or ()
    rows = held.items() if isinstance(held, Mapping) else [(row.get("name"), row) for row in held]
    return {title: [row.get(part) for part in ("effect", "low", "high")] for title, row in rows}


def _effect(reading: Mapping[str, Any]) -> str:
    unit = str(reading.get("unit") or "")
    if reading.get("effect") is None:
        return "no number"
    interval = bounds(reading.get("low"), reading.get("high"), unit)
    return f"{number(reading['effect'], unit, signed=True)} ({interval})"


def _both(reading: Mapping[str, Any]) -> str:
    return f"{count(reading.get('n_control'))} and {count(reading.get('n_candidate'))}"


def _sources(
    then: Mapping[str, Any], now: Mapping[str, Any], moved: Sequence[str]
) -> tuple[tuple[str, int | None, int | None], ...]:
    """Sources of the readings that moved that count otherwise; none when the older verdict did not write that down."""
    before, after = _of(then, "evidence", "units"), _of(now, "evidence", "units")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ()
    heard = [(one.get("readings") or {}).get(name) or {} for one in (then, now) for name in moved]
    names = sorted({source for reading in heard for source in reading.get("sources") or ()})
    return tuple((name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


def _count(units: int | None) -> str:
    return "not heard" if units is None else count(units)


def _some(parts: Sequence[str], between: str) -> str:
    rest = len(parts) - SHOWN
    return between.join(parts[:SHOWN]) + (f"{between}and {rest} more" if rest > 0 else "")


@dataclass(frozen=True)
class OverrideRecord:
    """How overrides turned out, over all that were ever recorded."""

    overrides: int
    good: int
    bad: int
    expired: int
    decisions: int

    @property
    def words(self) -> str:
        """One or two sentences."""
        if not self.overrides:
            return f"Nobody has gone against a verdict in {plural(self.decisions, 'decisions')}."
        unknown = self.overrides - self.good - self.bad
        turned = [f"{self.good} turned out good", f"{self.bad} bad", f"{unknown} nobody has told yet"]
        late = f" {self.expired} expired, without an outcome or a new decision." if self.expired else ""
        share = f"{self.overrides} of {plural(self.decisions, 'decisions')}"
        return f"{share} went against the verdict: {', '.join(turned)}.{late}"


def override_record(found: Sequence[Standing]) -> OverrideRecord:
    """Count the overrides among decisions, superseded ones too, by their newest outcome."""
    against = [one for one in found if one.decision.override]
    told = [one.outcome.outcome for one in against if one.outcome]
    late = sum(one.status == "expired" for one in against)
    return OverrideRecord(len(against), told.count("good"), told.count("bad"), late, len(found))
