"""A verdict put into words: the one source of them for every form of the memo and for the page.

Text from outside is cleaned here (one line, no control characters) and escaped by whoever writes it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from signals.checks import BY_NAME
from signals.memo import phrases
from signals.memo.decided import decision_lines
from signals.memo.explained import explained_of
from signals.memo.forest import forest
from signals.memo.phrases import clean
from signals.memo.rows import (
    CheckLine,
    HeardLine,
    Memo,
    NeedLine,
    ReadingLine,
    RuleLine,
    SegmentLine,
    SetAsideLine,
    SourceLine,
)
from signals.model import (
    Decision,
    DecisionOutcome,
    Estimate,
    Explanation,
    Override,
    Reading,
    RuleOutcome,
    Verdict,
    utc,
)
from signals.words import (
    LONGEST,
    STATE_WORDS,
    bounds,
    count,
    duration,
    estimate_title,
    level,
    lift,
    moment,
    number,
    p_value,
    share,
    shorten,
)


def memo_of(
    verdict: Verdict,
    policy_text: str,
    decisions: Iterable[Decision] = (),
    policy_file: str = "hierarchy.yaml",
    explanation: Explanation | None = None,
    *,
    overrides: Iterable[Override] = (),
    outcomes: Iterable[DecisionOutcome] = (),
    stale: Mapping[str, Sequence[str]] = MappingProxyType({}),
    verdict_hash: str = "",
    audit_head: str = "",
) -> Memo:
    """Put a verdict into words.

    Args:
        verdict: What the policy made of the readings.
        policy_text: The policy file as it was read; it goes into the memo whole.
        decisions: What was recorded; those about other releases are left out.
        policy_file: The policy's file name.
        explanation: Why the signals disagree, how sure the call is, what would settle it; without it the memo says
            that nobody looked.
        overrides: The records of decisions against their recommendation; only their dates and entries are new.
        outcomes: How decisions turned out; of each decision the newest counts.
        stale: By entry of a decision, what has changed since it was made, in clauses.
        verdict_hash: Of the verdict as JSON, as the store keeps it.
        audit_head: Newest entry of the audit chain, which shows any change made after this memo was written.

    Returns:
        Rows in a fixed order: signals as the hierarchy was walked, checks worst first.
    """
    release = verdict.release
    plot = forest(verdict)
    ranked = [row.signal for row in plot.rows]
    readings = sorted(verdict.readings.values(), key=lambda reading: ranked.index(clean(reading.signal)))
    ranks = {step.signal for step in verdict.trace}
    decided, moments = decision_lines(verdict, decisions, overrides, outcomes, stale)
    return Memo(
        release=clean(release.id),
        kind=clean(release.kind),
        control=clean(release.against),
        candidate=clean(release.candidate),
        started=moment(release.started),
        owner=clean(release.owner),
        synthetic=release.synthetic,
        call=verdict.call,
        word=phrases.headline(verdict),
        decides=verdict.reason != "untrusted",
        sentence=clean(verdict.sentence),
        decided_by=phrases.decided_by(verdict),
        unheard=tuple(
            f"{clean(reading.signal)} is {STATE_WORDS[reading.state]}: {clean(reading.why)}"
            for reading in readings
            if reading.state in ("untrusted", "missing") and reading.signal in ranks
            if clean(reading.why) not in clean(verdict.sentence)  # said already
        ),
        readings=tuple(_reading(reading) for reading in readings),
        plot=plot,
        heard=_heard(verdict),
        rules=_rules(verdict),
        checks=_checks(readings),
        segments=_segments(readings),
        needs=tuple(
            NeedLine(
                clean(need.signal),
                clean(need.what),
                clean(need.why),
                moment(need.by) if need.by else "",
                clean(need.owner),
            )
            for need in verdict.needs
        ),
        set_aside=tuple(
            SetAsideLine(clean(reading.signal), count(row.rows), clean(row.why), clean(row.variant or ""), row.fault)
            for reading in readings
            for row in reading.set_aside
            if row.rows
        ),
        sources=tuple(
            SourceLine(
                clean(reading.signal),
                clean(note.name),
                clean(note.connector),
                moment(note.pulled_at),
                clean(note.content),
                f"{count(note.rows_kept)} of {count(note.rows_read)}",
            )
            for reading in readings
            for note in reading.sources
        ),
        not_assessed=_not_assessed(verdict, readings, explanation),
        decisions=decided,
        policy_name=clean(verdict.policy_name),
        policy_file=clean(policy_file),
        policy_hash=clean(verdict.policy_hash),
        policy_text="\n".join(shorten(line, LONGEST) for line in clean(policy_text, lines=True).split("\n")),
        evidence_hash=clean(verdict.evidence_hash),
        as_of=moment(verdict.as_of),
        as_of_exact=utc(verdict.as_of),
        explained=None if explanation is None else explained_of(explanation, verdict),
        verdict_hash=clean(verdict_hash),
        audit_head=clean(audit_head) if audit_head.removeprefix("sha256:").strip("0") else "",
        dated=utc(max((verdict.as_of, *moments))),
    )


def _reading(reading: Reading) -> ReadingLine:
    unit = clean(reading.unit)

    def interval(low: float | None, high: float | None, confidence: float, unit: str = unit) -> str:
        if low is None or high is None:
            return "no interval"
        return f"{level(confidence)} {bounds(low, high, unit)}{f' {unit}' if unit else ''}"

    def other(estimate: Estimate) -> str:
        if estimate.refused:
            return f"refused, {clean(estimate.refused)}"
        own = clean(estimate.unit) or unit
        shown = interval(estimate.low, estimate.high, estimate.confidence, own)
        value = "" if estimate.effect is None else f"{number(estimate.effect, own, signed=True)} "
        doubts = "".join(f"; {clean(warning)}" for warning in estimate.warnings)
        return f"{value}({shown}), {clean(estimate.method)}{doubts}"

    voting = reading.estimates.get(reading.voting)
    gone = reading.state == "missing"
    refused = f": {clean(voting.refused)}" if voting and voting.refused else ""
    others = tuple(
        f"{clean(estimate_title(name))}: {other(estimate)}"
        for name, estimate in sorted(reading.estimates.items())
        if name != reading.voting
    )
    return ReadingLine(
        signal=clean(reading.signal),
        kind=clean(reading.kind),
        question=clean(reading.question),
        state=STATE_WORDS[reading.state],
        why=clean(reading.why),
        effect=number(None if gone else reading.effect, unit, signed=True),
        interval="no evidence" if gone else interval(reading.low, reading.high, reading.confidence) + refused,
        relative=lift(voting.relative) if voting else "",
        margin=number(reading.margin, unit),
        better=f"{reading.better} is better",
        n="–" if gone else phrases.sample(reading),
        p=p_value(reading.p_value),
        power=share(reading.power, 0),
        mde=number(reading.mde, unit),
        non_inferior={True: "yes", False: "no", None: "not known"}[reading.non_inferior],
        age=duration(reading.age),
        method=clean(reading.method),
        voting=clean(reading.voting),
        others=others,
        warnings=tuple(clean(warning) for warning in reading.warnings),
        owner=clean(reading.owner),
    )


def _heard(verdict: Verdict) -> tuple[HeardLine, ...]:
    return tuple(
        HeardLine(
            role=step.role,
            tag=phrases.ROLE_TAGS[step.role],
            signal=clean(step.signal),
            state=STATE_WORDS[step.state],
            says=step.says,
            why=clean(step.why),
            rule=clean(step.rule),
            moved_by=clean(step.moved_by or ""),
            overruled=step.signal in verdict.overruled and step.role not in ("decides", "agrees"),
        )
        for step in verdict.trace
    )


def _rules(verdict: Verdict) -> tuple[RuleLine, ...]:
    # What a SHIP would have to meet says nothing about a call that never was one.
    asked = verdict.call == "ship" or verdict.reason in ("ship-requires", "cannot-evaluate")

    def line(sort: str, rule: RuleOutcome, *, quiet: bool, words: tuple[str, str]) -> RuleLine:
        unknown = f"cannot be evaluated: {', '.join(clean(fact) for fact in rule.unknown)} not known"
        outcome = unknown if rule.holds is None else words[0] if rule.holds else words[1]
        return RuleLine(
            sort,
            clean(rule.id),
            outcome,
            rule.call,
            clean(rule.condition),
            clean(rule.because),
            clean(rule.why),
            rule.holds is not quiet and (asked or sort != "ship requirement"),
        )

    return (
        *(line("guardrail", rule, quiet=False, words=("fires", "quiet")) for rule in verdict.guardrails),
        *(line("override", rule, quiet=False, words=("applies", "does not apply")) for rule in verdict.overrides),
        *(line("ship requirement", rule, quiet=True, words=("met", "not met")) for rule in verdict.ship_requires),
    )


def _checks(readings: list[Reading]) -> tuple[CheckLine, ...]:
    lines = [
        CheckLine(
            signal=clean(reading.signal),
            name=clean(check.name),
            title=phrases.check_title(check.name),
            status=check.status,
            number=phrases.check_number(check),
            why=clean(check.why),
            detail=phrases.check_detail(check),
            told=phrases.check_told(check),
            sort=check.sort,
            required=check.required,
            limited=check.threshold is not None,
            remedy=BY_NAME[check.name].todo(known=check.value is not None) if check.name in BY_NAME else "",
        )
        for reading in readings
        for check in reading.checks.values()
    ]
    # Those that nothing was held against come last, and of them those without a number.
    order = phrases.STATUS_ORDER
    return tuple(
        sorted(
            lines,
            key=lambda line: (line.neutral, -order.index(line.status) if line.neutral else order.index(line.status)),
        )
    )


def _segments(readings: list[Reading]) -> tuple[SegmentLine, ...]:
    def span(low: float | None, high: float | None, unit: str) -> str:
        return bounds(low, high, unit) + (f" {unit}" if unit and low is not None and high is not None else "")

    return tuple(
        SegmentLine(
            clean(reading.signal),
            clean(one.name),
            share(one.share),
            number(one.effect, clean(reading.unit), signed=True),
            span(one.low, one.high, clean(reading.unit)),
            span(one.adjusted.low, one.adjusted.high, clean(reading.unit)),
            f"{number(one.shrunk.value, clean(reading.unit), signed=True)} "
            f"({bounds(one.shrunk.low, one.shrunk.high, clean(reading.unit))})"
            if one.shrunk
            else "–",
            clean(one.refused or ""),
        )
        for reading in readings
        for one in reading.segments
    )


def _not_assessed(verdict: Verdict, readings: list[Reading], explanation: Explanation | None) -> tuple[str, ...]:
    lines = []
    if explanation is None:
        lines.append("Why the signals disagree, how sure the call is and what would flip it: not looked at.")
    elif explanation.stability is None:
        lines.append("How sure the call is: the evidence could not be drawn anew.")
    lines += _independent(readings, explanation)
    for reading in readings:
        name = clean(reading.signal)
        if reading.state in ("missing", "untrusted"):
            lines.append(f"{name} is {STATE_WORDS[reading.state]} and was not heard: {clean(reading.why)}")
        if reading.kind == "judge" and reading.voting == "raw" and reading.state != "missing":
            beside = [which for which in ("reweighted", "corrected") if which in reading.estimates]
            lines.append(
                f"{name}: the raw score votes; it is neither reweighted to traffic nor corrected against people"
                + (f" (beside it: {' and '.join(beside)})." if beside else ".")
            )
        lines += [
            f"{name}: the {clean(estimate_title(kind))} estimate was refused: {clean(estimate.refused)}"
            for kind, estimate in sorted(reading.estimates.items())
            if estimate.refused
        ]
        lines += [
            f"{name}: {phrases.check_title(check.name)} is not known: {phrases.unknown_reason(clean(check.why))}"
            for check in reading.checks.values()
            if check.status == "unknown" and check.required
        ]
        if reading.state != "missing":
            quiet = [c.name for c in reading.checks.values() if c.status == "unknown" and not c.required]
            titles = ", ".join(phrases.check_title(check) for check in quiet)
            lines += [f"{name}: not known, and not asked for by the policy: {titles}"] if quiet else []
        if reading.kind == "experiment" and not reading.segments and reading.state != "missing":
            lines.append(f"{name}: effects within segments were not looked at.")
        lines += [f"{name}, segment {clean(one.name)}: {clean(one.refused)}" for one in reading.segments if one.refused]
    lines += [
        f"{rule.sort} {rule.id} {rule.outcome}." for rule in _rules(verdict) if "cannot be evaluated" in rule.outcome
    ]
    return tuple(f"{line.rstrip('.')}." for line in lines)


def _independent(readings: list[Reading], explanation: Explanation | None) -> list[str]:
    """Signals that may count the same users, and whose errors are drawn as if they did not."""
    if explanation is None or explanation.stability is None:
        return []
    users = [one.signal for one in readings if one.kind in ("experiment", "feedback") and one.state != "missing"]
    together = {frozenset(pair[:2]) for pair in explanation.stability.correlated}
    apart = [one for one in users if any(frozenset((one, other)) not in together for other in users if other != one)]
    if not apart:
        return []
    names = f"{', '.join(clean(one) for one in apart[:-1])} and {clean(apart[-1])}"
    return [f"{names} may count the same users; how sure the call is takes their errors as independent."]
