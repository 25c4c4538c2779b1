"""How a diagnosis is told: which rows add up to the gap, what they are called, and with which sign.

One convention for paragraph, table, picture, page and memo: an amount is a contribution to the gap as told. It is
positive where it is a part of the gap in the direction that the gap has, negative where putting the cause right would
widen the gap, whichever of the two signals is the higher one and whichever of them the cause is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from signals.model import Cause, Interval, Reconciliation, State, Verdict
from signals.words import CAUSE_WORDS, clean

SAYS: frozenset[State] = frozenset({"win", "loss", "flat"})
"""States that claim something: an unclear, untrusted or missing signal contradicts nobody."""

MUTE: Mapping[State, str] = {"unclear": "is unclear", "untrusted": "cannot be trusted", "missing": "has no evidence"}

AGREED = "No signal contradicts another, so there is nothing to explain."
NOT_DIAGNOSED = "Signals contradict each other, but no pair of them could be diagnosed."

REASONS = 3
"""Refused causes that are told with their reason; more would not be listened to. All of them are in the table."""

Sort = Literal["explains", "widens", "chance", "unexplained"]


@dataclass(frozen=True)
class Told:
    """One row.

    Attributes:
        sort: A cause that closes the gap or widens it, chance, or what no correction explains.
        name: What it is called in table and picture.
        cause: What was found.
        part: Of the gap, as told; None without a common scale.
        quantity: The same in the cause's own unit. Without a common scale: what the correction takes off its signal.
        p: With all parts of the pair taken together; None where nothing was tested.
        inside: The rows whose sum this one is.
    """

    sort: Sort
    name: str
    cause: Cause
    part: Interval | None
    quantity: Interval | None
    p: float | None
    inside: tuple[Told, ...] = ()

    @property
    def size(self) -> float:
        """The part; 0 without one."""
        return (self.part.value or 0.0) if self.part else 0.0

    @property
    def apart(self) -> bool:
        """Whether its parts are told from chance only together, so that they cannot be told apart."""
        return self.sort == "unexplained" and bool(self.inside)


def way(found: Reconciliation) -> float:
    """-1 where the gap is negative, else 1."""
    return -1.0 if (found.gap.value or 0.0) < 0 else 1.0


def turned(interval: Interval | None, sign: float) -> Interval | None:
    """The interval, its ends swapped where it is turned around."""
    if interval is None or sign > 0:
        return interval
    low, high = (None if end is None else 0.0 - end for end in (interval.high, interval.low))
    return Interval(None if interval.value is None else 0.0 - interval.value, low, high)


def rows(found: Reconciliation) -> tuple[Told, ...]:
    """The rows that add up to the gap, each sum with the rows inside it; without a common scale every correction."""
    sign = way(found)

    def row(cause: Cause, name: str = "", *, own: Interval | None = None, inside: Iterable[Told] = ()) -> Told:
        part = turned(own or cause.part, sign)
        size = (part.value or 0.0) if part else 0.0
        sort: Sort = "widens" if size < 0 else "explains"
        if cause.name in ("noise", "unexplained"):
            sort = "chance" if cause.name == "noise" else "unexplained"
        quantity = turned(cause.quantity, sign)
        return Told(sort, name or cause_name(cause, found), cause, part, quantity, cause.p_adjusted, tuple(inside))

    known = [one for one in found.causes if not one.refused]
    if found.refused:  # no gap that they could be parts of
        return tuple(
            Told("explains", cause_name(one, found), one, None,
                 turned(one.quantity, 1.0 if one.signal == found.signal else -1.0), None)
            for one in known
        )  # fmt: skip
    small = [row(one) for one in known if not one.counts and one.part is not None and one.name != "noise"]
    noise = next((one for one in known if one.name == "noise"), None)
    told = []
    for one in (one for one in known if one.counts and one.part is not None):
        if one.name == "noise":
            inside = [] if _moved(known) else small
            here = row(one, f"chance, {len(inside)} parts together" if len(inside) > 1 else "", inside=inside)
            told += [here] if inside or here.size else []
        elif one.name == "unexplained" and _moved(known):
            inside = [*small, row(one, own=one.quantity)]
            if one.blamed:
                told.append(row(one, f"unexplained rest, and {len(small)} more", inside=inside))
            else:
                whole = row(one, f"not told apart, {len(inside)} parts", inside=inside)
                told.append(replace(whole, p=noise.p_adjusted if noise else None))
        else:
            told.append(row(one))
    return tuple(told)


def _moved(known: list[Cause]) -> bool:
    """Whether what is not told from chance by itself is no chance as a sum, and stands under the unexplained rest."""
    return any(one.name == "unexplained" and one.counts and (one.evidence or not one.blamed) for one in known)


def refusals(found: Reconciliation) -> tuple[Cause, ...]:
    """Causes that evidence would allow to look at. What no evidence would allow does not apply, and is not told."""
    return tuple(one for one in found.causes if one.refused and one.remedy)


def cause_name(cause: Cause, found: Reconciliation) -> str:
    """In table and picture: ``population (judge)``; a judge's bias is that of the only judge, if there is one."""
    name = {"noise": "chance", "unexplained": "unexplained rest"}.get(cause.name, CAUSE_WORDS[cause.name])
    return f"{name} ({clean(cause.signal)})" if cause.signal and not _only_judge(cause, found) else name


def spoken_names(causes: Iterable[Cause], found: Reconciliation) -> list[str]:
    """In a sentence, each cause once: ``population of judge``, ``timing of thumbs and of conversion``."""
    owners: dict[str, list[str]] = {}
    for one in causes:
        whose = owners.setdefault(CAUSE_WORDS[one.name], [])
        if one.signal and not _only_judge(one, found):
            whose.append(f"of {clean(one.signal)}")
    return [" ".join(part for part in (name, " and ".join(whose)) if part) for name, whose in owners.items()]


def _only_judge(cause: Cause, found: Reconciliation) -> bool:
    return cause.name == "judge_bias" and sum(one.name == "judge_bias" for one in found.causes) == 1


def not_known(pairs: Sequence[Reconciliation]) -> str:
    """What could not be looked at in any pair, and what would allow it: one sentence, or nothing.

    A cause that is refused for several reasons is told with the one of the first pair.
    """
    reasons: dict[str, dict[str, str]] = {}
    for found in pairs:
        for one in refusals(found):
            pair = f"{clean(found.signal)} against {clean(found.against)}"
            reasons.setdefault(spoken_names([one], found)[0], {}).setdefault(_reason(one), pair)
    told = []
    for subject, found_in in list(reasons.items())[:REASONS]:
        reason, pair = next(iter(found_in.items()))
        told.append(f"{subject} ({f'{pair}: ' if len(found_in) > 1 else ''}{reason})")
    names = list(reasons)[REASONS:]
    more = f"; nor {', '.join(names)}" if names else ""
    return f"Not known: {'; '.join(told)}{more}." if told else ""


def uncontradicted(verdict: Verdict) -> str:
    """Why a release has no pair to explain."""
    states = {name: reading.state for name, reading in verdict.readings.items() if reading.state in SAYS}
    if len(set(states.values())) > 1:
        return NOT_DIAGNOSED
    silent = silent_decider(verdict)
    overruled = [f"{clean(name)} ({state})" for name, state in states.items() if name in verdict.overruled]
    if not silent or not overruled:
        return AGREED
    are = "is" if len(overruled) == 1 else "are"
    return f"{silent.rstrip('.')}: {' and '.join(overruled)} {are} overruled, not contradicted."


def silent_decider(verdict: Verdict) -> str:
    """That the signal which decides, or is heard first where none does, claims nothing; empty when it does."""
    heard = [step.signal for step in verdict.trace]
    first = next((name for name in (verdict.decided_by, *heard) if name in verdict.readings), None)
    if first is None or (state := verdict.readings[first].state) not in MUTE:
        return ""
    name = clean(first)
    return f"{name[:1].upper()}{name[1:]} {MUTE[state]}, so nothing can be held against it."


def _reason(cause: Cause) -> str:
    return "; ".join(part for part in (clean(cause.refused).rstrip("."), clean(cause.remedy).rstrip(".")) if part)
