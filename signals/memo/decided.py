"""What people did with a verdict, in words: decision, override and outcome are three records and one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from signals.memo.blocks import Line, Run, code, line, soft, strong
from signals.memo.phrases import clean, short_hash
from signals.memo.rows import DecisionLine
from signals.model import Decision, DecisionOutcome, Override, Verdict
from signals.words import CALL_WORDS, moment


def decision_lines(
    verdict: Verdict,
    decisions: Iterable[Decision],
    overrides: Iterable[Override] = (),
    outcomes: Iterable[DecisionOutcome] = (),
    stale: Mapping[str, Sequence[str]] | None = None,
) -> tuple[tuple[DecisionLine, ...], tuple[datetime, ...]]:
    """One line for each decision about the verdict's release, in the order given, and the moments they name.

    Args:
        verdict: The verdict that the memo is about.
        decisions: What was recorded; those about other releases are left out.
        overrides: Records of decisions against their recommendation.
        outcomes: How decisions turned out; of each decision the newest counts.
        stale: By entry of a decision, what has changed since it was made, in clauses.
    """
    against = {one.decision: one for one in overrides}
    newest: dict[str, DecisionOutcome] = {}
    for told in sorted(outcomes, key=lambda one: one.at):
        newest[told.decision] = told
    lines, moments = [], []
    for one in decisions:
        if one.release != verdict.release.id:
            continue
        override, outcome = against.get(one.entry), newest.get(one.entry)
        moments += [one.at, *([outcome.at] if outcome else [])]
        lines.append(
            DecisionLine(
                call=one.call,
                recommended=one.recommended,
                override=one.override,
                by=clean(one.by),
                second=clean(one.second),
                because=clean(one.because),
                at=moment(one.at),
                other_policy="" if one.policy_hash == verdict.policy_hash else short_hash(one.policy_hash),
                entry=clean(one.entry),
                number=f"no. {one.number}" if one.number else "",
                due=_due(override),
                override_entry=clean(override.entry) if override else "",
                turned=outcome.outcome if outcome else "",
                turned_by=f"{clean(outcome.by)}, {moment(outcome.at)}" if outcome else "",
                turned_because=clean(outcome.because) if outcome else "",
                turned_entry=clean(outcome.entry) if outcome else "",
                stale=tuple(clean(why) for why in (stale or {}).get(one.entry, ())),
            )
        )
    return tuple(lines), tuple(moments)


def call_line(one: DecisionLine) -> Line:
    """What was decided, and how it stands to what was recommended; an override is marked wherever it appears."""
    call = strong(CALL_WORDS[one.call])
    beside = (
        (Run(f"Override of {CALL_WORDS[one.recommended]}", "tag"),) if one.override else line("as the verdict said")
    )
    other = line(", decided under another policy (", code(one.other_policy), ")") if one.other_policy else ()
    number = line(soft(f" ({one.number})")) if one.number else ()
    return line(call, " ", beside, other, number)


def _due(override: Override | None) -> str:
    if override is None or override.due is None:
        return ""
    day = moment(override.due.date())
    return f"holds until {day}" if override.until else f"to be followed up on {day}"
