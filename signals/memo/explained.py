"""What stands beside a verdict, in words: why the signals disagree, how sure the call is, what would settle it."""

from __future__ import annotations

from signals.checks import BY_NAME
from signals.memo.phrases import check_title, clean
from signals.memo.rows import CarrierLine, CauseLine, CollectionLine, Explained, FlipLine, PairLine
from signals.memo.waterfall import cause_label, waterfall
from signals.model import Carrier, Cause, Collection, Explanation, Flip, Interval, Reconciliation, Stability, Verdict
from signals.words import bounds, chance, count, duration, number, p_value, share, steadiness

SPOKEN = ("win", "loss", "flat")
"""States that can contradict each other: the others say nothing yet."""

AGREED = "No signal contradicts another, so there is nothing to explain."
NOT_DIAGNOSED = "Signals contradict each other, but no pair of them could be diagnosed."


def explained_of(explanation: Explanation, verdict: Verdict) -> Explained:
    """Rows in the order of the explanation; every text from outside is cleaned."""
    stability = explanation.stability
    states = {reading.state for reading in verdict.readings.values() if reading.state in SPOKEN}
    seen: set[tuple[Carrier, ...]] = set()
    pairs = []
    for found in explanation.reconciliation:
        pairs.append(_pair(found, told=found.carriers in seen))
        seen.add(found.carriers)
    return Explained(
        pairs=tuple(pairs),
        agreed="" if pairs else NOT_DIAGNOSED if len(states) > 1 else AGREED,
        steadiness="" if stability is None else _steadiness(stability, verdict),
        held=() if stability is None else _held(stability),
        flips=tuple(_flip(one) for one in explanation.flips),
        collections=tuple(_collection(one) for one in explanation.collections),
        unsettled=_sentence(explanation.unsettled),
        notes=tuple(_sentence(note) for note in explanation.notes),
    )


def _steadiness(stability: Stability, verdict: Verdict) -> str:
    sentence = steadiness(stability.calls, stability.draws, verdict.call)
    # The same HOLD every time, because nobody may believe what would decide, is no certainty.
    return (
        f"{sentence} What would decide cannot be trusted, however often." if verdict.reason == "untrusted" else sentence
    )


def _pair(found: Reconciliation, *, told: bool) -> PairLine:
    """One pair; its carriers only where no earlier pair ``told`` of the same ones."""
    one, two = map(clean, found.said)
    bias = next((cause for cause in found.causes if cause.name == "judge_bias" and not cause.refused), None)
    unit = clean(bias.unit) if bias else ""
    return PairLine(
        title=f"{clean(found.signal)} ({one}) against {clean(found.against)} ({two})",
        story=clean(found.story),
        refused=_sentence(found.refused),
        plot=waterfall(found),
        causes=tuple(_cause(cause, found) for cause in found.causes),
        carriers=tuple(
            CarrierLine(
                clean(item.item),
                number(item.judge, unit, signed=True),
                number(item.people, unit, signed=True),
                share(item.share, 0),
            )
            for item in (() if told else found.carriers)
        ),
        biased=clean(bias.signal) if bias else "",
    )


def _cause(cause: Cause, found: Reconciliation) -> CauseLine:
    unit = clean(cause.unit)
    own = cause.quantity is not None and cause.name != "noise" and (unit != clean(found.unit) or cause.part is None)
    reasons = (clean(cause.refused), clean(cause.remedy)) if cause.refused else (clean(cause.evidence),)
    return CauseLine(
        cause=cause_label(cause, clean(found.signal)),
        signal=clean(cause.signal),
        part=_within(cause.part, clean(found.unit), cause),
        share=share(cause.share, 0),
        quantity=_within(cause.quantity, unit, cause) if own else "–",
        outcome=_outcome(cause, alone=bool(found.refused)),
        counts=cause.counts and bool(cause.part and cause.part.value),
        refused=bool(cause.refused),
        why=" ".join(_sentence(reason) for reason in reasons if reason),
    )


def _within(interval: Interval | None, unit: str, cause: Cause) -> str:
    if interval is None or interval.value is None:
        return "–"
    most = "at most " if cause.name == "response" else ""
    value = f"{most}{number(interval.value, unit, signed=True)}"
    if interval.low is None or interval.high is None:
        return value
    return value if interval.low == interval.high else f"{value} ({bounds(interval.low, interval.high, unit)})"


def _outcome(cause: Cause, *, alone: bool) -> str:
    if cause.refused:
        return "not known" if cause.remedy else "does not apply"
    if alone:  # without a common scale the causes were not held against each other
        return "by itself" if cause.p_value is None else f"p {p_value(cause.p_value)} by itself"
    if cause.name == "noise":
        gap = cause.quantity
        covers = gap is None or gap.low is None or gap.high is None or gap.low <= 0.0 <= gap.high
        return "all of the gap can be chance" if cause.blamed and covers else "not told from chance"
    p = "" if cause.p_value is None else f" (p {p_value(cause.p_value)})"
    if cause.blamed:
        return f"told from chance{p}"
    if cause.counts:
        return "told from chance only together with others"
    return f"not told from chance{p}"


def _held(stability: Stability) -> tuple[str, ...]:
    fixed = "; ".join(_fixed(stability.fixed))
    lines = [f"Held as they are: {fixed}."] if fixed else []
    drawn = "; ".join(f"{clean(a)} and {clean(b)} ({r:+.2f})".replace("-", "−") for a, b, r in stability.correlated)
    return (*lines, *([f"Drawn together, because they share evidence: {drawn}."] if drawn else []))


def _fixed(facts: tuple[str, ...]) -> list[str]:
    """``conversion: age, sample ratio`` for ``conversion.max_age, conversion.sample_ratio_p``; others as they are."""
    checks: dict[str, list[str]] = {}
    others = []
    for fact in facts:
        signal, _, check = clean(fact).partition(".")
        if check in BY_NAME:
            checks.setdefault(signal, []).append(check_title(check))
        else:
            others.append(clean(fact))
    return [*(f"{signal}: {', '.join(titles)}" for signal, titles in checks.items()), *others]


def _flip(flip: Flip) -> FlipLine:
    inside = {True: "in its interval", False: "beyond its interval", None: ""}[flip.inside]
    way = {"above": "were above", "below": "were below", "is": "were"}[flip.direction]
    words = clean(flip.words).removesuffix(f": {flip.to}") or f"if {clean(flip.fact)} {way} {clean(flip.at)}"
    return FlipLine(words[:1].upper() + words[1:], flip.to, inside)


def _collection(one: Collection) -> CollectionLine:
    days = "" if one.days is None or "days" in one.what else f"about {duration(one.days * 86_400)} at the current rate"
    cost = "" if one.cost is None else f"{count(one.cost)} {clean(one.currency)}".strip()
    return CollectionLine(
        signal=clean(one.signal),
        what=clean(one.what),
        price=", ".join(part for part in (days, cost) if part),
        worth=f"a settled call is then expected in {chance(one.after)} of redraws, now {chance(one.before)}",
        settles=one.settles,
        why=_sentence(one.why),
    )


def _sentence(text: str) -> str:
    """A clause, clean, that begins and ends as a sentence."""
    words = clean(text)
    words = words[:1].upper() + words[1:]
    return words if not words or words[-1] in ".!?" else f"{words}."
