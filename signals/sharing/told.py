"""What every form of sharing tells, taken from the memo: rows in the open and how many stay in the memo."""

from __future__ import annotations

from dataclasses import dataclass

from signals.memo import Memo
from signals.memo.phrases import ONLY_FAR
from signals.memo.rows import CheckLine, DecisionLine, FlipLine, HeardLine, ReadingLine, RuleLine
from signals.words import CALL_WORDS

FLIPS = 4
"""Flips in the open."""
CHECKS = 6
"""Checks in the open, worst first."""
STORIES = 2
"""Pairs whose disagreement is told."""


@dataclass(frozen=True)
class SignalLine:
    """One signal with what became of it."""

    reading: ReadingLine
    role: str  # "Decides"; empty when the hierarchy has no row for it


def decided(one: DecisionLine) -> tuple[str, str]:
    """What people decided: the call with how it stands to the verdict, and then who, when, why and what since."""
    mark = f"override of {CALL_WORDS[one.recommended]}" if one.override else "as the verdict said"
    second = f" with {one.second}" if one.second else ""
    after = [
        f"{one.due[:1].upper()}{one.due[1:]}." if one.due else "",
        _ended(f"Turned out {one.turned}, said {one.turned_by}: {one.turned_because}") if one.turned else "",
        f"Stale: {' '.join(one.stale)}" if one.stale else "",
    ]
    because = _ended(one.because) if any(after) else one.because
    rest = " ".join(part for part in (f"by {one.by}{second}, {one.at}. {because}", *after) if part)
    return f"Decided: {CALL_WORDS[one.call]} ({mark})", rest


def _ended(text: str) -> str:
    """A sentence that another one follows."""
    return text if text[-1:] in ".!?…" else f"{text}."


def title(memo: Memo) -> str:
    """``ROLLBACK``, or ``NO VERDICT YET (HOLD)``."""
    return memo.word if memo.decides else f"{memo.word} ({CALL_WORDS[memo.call]})"


def signal_lines(memo: Memo) -> list[SignalLine]:
    """The signals as the hierarchy was walked, each with the role of its first row."""
    roles: dict[str, HeardLine] = {}
    for line in memo.heard:
        roles.setdefault(line.signal, line)
    return [SignalLine(one, roles[one.signal].tag if one.signal in roles else "") for one in memo.readings]


def steadiness(memo: Memo) -> str:
    """How sure the call is; empty when nobody looked, or when it would be no certainty."""
    return memo.explained.steadiness if memo.explained and memo.decides else ""


def near_flips(memo: Memo) -> list[FlipLine]:
    """The flips that are not far-fetched, the most plausible first."""
    return [line for line in memo.explained.flips if not line.far] if memo.explained else []


def only_far(memo: Memo) -> str:
    """What is said where every flip is far-fetched."""
    return ONLY_FAR if memo.explained and memo.explained.flips and not near_flips(memo) else ""


def stories(memo: Memo) -> list[str]:
    """Why the first signals disagree, one paragraph per pair."""
    if memo.explained is None:
        return []
    told = [memo.explained.first, *(pair.story for pair in memo.explained.pairs[:STORIES])]
    return [line for line in told if line]


def outcome(line: RuleLine) -> str:
    """What came of a rule, with its call where it made one: ``fires: ROLLBACK``."""
    made = line.call is not None and not line.outcome.startswith("cannot be evaluated")
    return f"{line.outcome}: {CALL_WORDS[line.call]}" if made and line.call else line.outcome


def troubled(memo: Memo) -> list[CheckLine]:
    """Checks that did not pass, worst first, without those of a signal that has no evidence: its state says it."""
    missing = {line.signal for line in memo.readings if line.state == "missing"}
    return [line for line in memo.troubled if line.signal not in missing]
