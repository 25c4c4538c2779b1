"""What stands beside a verdict, in words: why the signals disagree, how sure the call is, what would settle it."""

from __future__ import annotations

from signals.checks import BY_NAME
from signals.memo.phrases import check_title, clean
from signals.memo.rows import CarrierLine, CauseLine, CausePlace, CollectionLine, Explained, FlipLine, PairLine
from signals.memo.waterfall import waterfall
from signals.model import Carrier, Cause, Collection, Explanation, Flip, Interval, Reconciliation, Stability, Verdict
from signals.told import Told, cause_name, not_known, refusals, rows, silent_decider, turned, uncontradicted, way
from signals.words import bounds, count, duration, flip_place, number, p_value, share, steadiness, worth


def explained_of(explanation: Explanation, verdict: Verdict) -> Explained:
    """Rows in the order of the explanation; every text from outside is cleaned."""
    stability = explanation.stability
    seen: set[tuple[Carrier, ...]] = set()
    pairs = []
    for found in explanation.reconciliation:
        pairs.append(_pair(found, told=found.carriers in seen))
        if pairs[-1].carriers:
            seen.add(found.carriers)
    return Explained(
        pairs=tuple(pairs),
        first=silent_decider(verdict) if pairs else uncontradicted(verdict),
        not_known=not_known(explanation.reconciliation),
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
    if verdict.reason != "untrusted":
        return sentence
    return f"{sentence} That is no certainty: what would decide cannot be trusted, however often it is drawn."


def _pair(found: Reconciliation, *, told: bool) -> PairLine:
    """One pair; its carriers only where a judge's bias is blamed and no earlier pair ``told`` of the same ones."""
    one, two = map(clean, found.said)
    biases = _biases(found)
    unit = clean(biases[0].unit) if biases else ""
    return PairLine(
        title=f"{clean(found.signal)} ({one}) against {clean(found.against)} ({two})",
        story=clean(found.story),
        refused=_sentence(found.refused),
        plot=waterfall(found),
        measured="taken off its signal" if found.refused else f"of the gap, {clean(found.unit) or 'benefit'}",
        causes=_causes(found),
        carriers=tuple(
            CarrierLine(
                clean(item.item),
                number(item.judge, unit, signed=True),
                number(item.people, unit, signed=True),
                share(item.share, 0),
            )
            for item in (found.carriers if biases and not told else ())
        ),
        biased=clean(biases[0].signal) if len(biases) == 1 else "",
    )


def _biases(found: Reconciliation) -> list[Cause]:
    """The judges' biases that carriers carry; none where one of them is not told from chance."""
    biases = [cause for cause in found.causes if cause.name == "judge_bias" and not cause.refused]
    return biases if all(cause.blamed for cause in biases) else []


def _causes(found: Reconciliation) -> tuple[CauseLine, ...]:
    """What adds up to the gap, each sum with what is inside it, then the gap, then what could not be looked at."""
    lines = []
    for row in rows(found):
        lines.append(_line(row, found, "part"))
        lines += [_line(one, found, "inside") for one in row.inside]
    if not found.refused:
        gap, noise = turned(found.gap, way(found)), next((one for one in found.causes if one.name == "noise"), None)
        value, within = _number(gap, clean(found.unit), bare=True)
        whole = share(1.0, 0) if found.gap.value else "–"
        wide = _sentence(clean(noise.evidence).removeprefix("the gap is ")) if noise else ""
        lines.append(CauseLine("gap", "gap", value, within, whole, "", "", wide))
    for one in refusals(found):
        why = " ".join(_sentence(text) for text in (one.refused, one.remedy) if text)
        lines.append(CauseLine(cause_name(one, found), "refused", "–", "", "", "", "not known", why))
    return tuple(lines)


def _line(row: Told, found: Reconciliation, place: CausePlace) -> CauseLine:
    cause, alone = row.cause, bool(found.refused)
    unit = clean(cause.unit)
    value, within = _number(row.quantity, unit) if alone else _number(row.part, clean(found.unit), bare=True)
    most = "at most " if cause.name == "response" else ""
    own = ""
    if not alone and cause.signal and unit != clean(found.unit):
        quantity, bounded = _number(row.quantity, unit)
        own = f"In its own unit {most}{quantity}{f' ({bounded})' if bounded else ''}. "
    # Of a sum the rows inside it say what they were made from.
    evidence = "" if cause.name in ("noise", "unexplained") else _sentence(cause.evidence)
    return CauseLine(
        cause=row.name,
        place=place,
        value=f"{most}{value}",
        within=within,
        share="" if cause.share is None or place == "inside" else share(cause.share, 0),
        p="" if row.p is None else p_value(row.p),
        outcome=_outcome(row, found) if place == "part" else "",
        why=f"{own}{evidence}".strip(),
    )


def _number(interval: Interval | None, unit: str, *, bare: bool = False) -> tuple[str, str]:
    """A value and its bounds in words."""
    if interval is None or interval.value is None:
        return "–", ""
    value = number(interval.value, unit, signed=True, bare=bare)
    if interval.low is None or interval.high is None or interval.low == interval.high:
        return value, ""
    return value, bounds(interval.low, interval.high, unit)


def _outcome(row: Told, found: Reconciliation) -> str:
    cause = row.cause
    if found.refused:  # without a common scale the causes were not held against each other
        return "by itself" if cause.p_value is None else f"p {p_value(cause.p_value)} by itself"
    if row.sort == "chance":
        gap = found.gap
        covers = gap.low is None or gap.high is None or gap.low <= 0.0 <= gap.high
        return "all of the gap can be chance" if cause.blamed and covers else "not told from chance"
    return "told from chance" if cause.blamed else "more than chance only together"


def _held(stability: Stability) -> tuple[str, ...]:
    fixed = "; ".join(_fixed(stability.fixed))
    lines = [f"Held as they are: {fixed}."] if fixed else []
    drawn = "; ".join(
        f"{clean(a)} and {clean(b)} (correlation {f'{r:+.2f}'.replace('-', '−')})" for a, b, r in stability.correlated
    )
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
    way = {"above": "were above", "below": "were below", "is": "were"}[flip.direction]
    words = clean(flip.words).removesuffix(f": {flip.to}") or f"if {clean(flip.fact)} {way} {clean(flip.at)}"
    return FlipLine(words[:1].upper() + words[1:], flip.to, flip_place(flip), flip.far)


def _collection(one: Collection) -> CollectionLine:
    days = "" if one.days is None or "days" in one.what else f"about {duration(one.days * 86_400)} at the current rate"
    cost = "" if one.cost is None else f"{count(one.cost)} {clean(one.currency)}".strip()
    return CollectionLine(
        signal=clean(one.signal),
        what=clean(one.what),
        price=", ".join(part for part in (days, cost) if part),
        worth=f"{worth(one.before, one.after, settles=one.settles)}.",
        why=_sentence(one.why),
    )


def _sentence(text: str) -> str:
    """A clause, clean, that begins and ends as a sentence."""
    words = clean(text)
    words = words[:1].upper() + words[1:]
    return words if not words or words[-1] in ".!?" else f"{words}."
