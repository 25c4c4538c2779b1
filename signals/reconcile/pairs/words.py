"""A diagnosis as one paragraph that a standup can read aloud.

The order is that of an argument: what the two signals say and how far apart that is, what of it is explained, what can
be chance, what is left, and what could not be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.model import Cause, CauseName, Interval, Reading, Reconciliation
from signals.policy.wording import listed
from signals.words import CAUSE_WORDS, bounds, clean, level, number, share

TOLD_REFUSALS = 3
"""Refused causes that are told with their reason; more would not be listened to. All of them are in the table."""

# What a correction says of its signal, by whether it puts the signal's number down (it read too high) or up.
_SAYS: Mapping[CauseName, tuple[str, str]] = {
    "population": (
        "{signal} speaks for a mix of cases that flatters the candidate",
        "{signal} speaks for a mix of cases that hurts the candidate",
    ),
    "value": ("counting value instead of heads lowers {signal}", "counting value instead of heads raises {signal}"),
    "judge_bias": (
        "{signal} is kinder to the candidate than people are",
        "{signal} is harsher on the candidate than people are",
    ),
    "response": (
        "who chooses to answer can flatter the candidate in {signal} by that much",
        "who chooses to answer can hurt the candidate in {signal} by that much",
    ),
    "timing": (
        "{signal} reads higher over its own days than over the days to compare",
        "{signal} reads lower over its own days than over the days to compare",
    ),
}


def story(found: Reconciliation, readings: Mapping[str, Reading] | None = None) -> str:
    """One paragraph about a contradicting pair.

    Args:
        found: The diagnosis.
        readings: Of the release: with them both numbers are also told in their own units, and intervals with their
            level. Without them the numbers stand on the pair's scale alone.

    Returns:
        Plain text in one line; names and clauses that come from evidence are cleaned, not escaped.
    """
    teller = _Teller(found, readings or {})
    parts = [teller.opening()]
    if found.refused:
        parts += [f"The gap cannot be apportioned: {clean(found.refused).rstrip('.')}.", teller.by_themselves()]
    else:
        parts += [teller.explained(), teller.widening(), teller.chance(), teller.left()]
    parts.append(teller.not_known())
    return " ".join(part for part in parts if part)


class _Teller:
    """The sentences of one story."""

    def __init__(self, found: Reconciliation, readings: Mapping[str, Reading]) -> None:
        self.found, self.readings = found, readings
        reading = readings.get(found.signal)
        self.level = level(reading.confidence) if reading else "interval"
        gap = found.gap.value or 0.0
        self.way = -1.0 if gap < 0 else 1.0  # parts are told as they close the gap, whichever signal is the higher
        self.counted = [one for one in found.causes if one.counts and one.part is not None and one.part.value]
        self.blamed = [one for one in self.counted if one.blamed and one.name not in ("noise", "unexplained")]

    def opening(self) -> str:
        """What each says, and how far apart they are."""
        found = self.found
        one, two = self._says(found.signal, found.start, 0), self._says(found.against, found.end, 1)
        gap = found.gap
        if found.refused or gap.value is None:
            return f"{_upper(one)} and {two}."
        if gap.low is not None and gap.high is not None:
            low, high = sorted((self.way * gap.low, self.way * gap.high))
            within = f" ({self.level} {bounds(low, high, found.unit)})"
        else:
            within = ""
        return f"{_upper(one)} and {two}: {number(abs(gap.value), found.unit)} apart{within}."

    def _says(self, signal: str, scaled: Interval, which: int) -> str:
        reading, state = self.readings.get(signal), self.found.said[which]
        on_scale = "" if scaled.value is None else number(scaled.value, self.found.unit, signed=True)
        if reading is None or reading.effect is None:
            own, on_scale = on_scale, ""
        else:
            own = number(reading.effect, clean(reading.unit), signed=True)
        if not own:
            return f"{_name(signal)} is a {state}"
        beside = f", {on_scale}" if on_scale and on_scale != own else ""
        return f"{_name(signal)} says {own} ({state}{beside})"

    def explained(self) -> str:
        """The causes that are told from chance and close the gap, the largest first."""
        closing = sorted((one for one in self.blamed if self._size(one) > 0), key=lambda one: -self._size(one))
        if not closing:
            return ""
        told = [f"{self._much(one)} is {CAUSE_WORDS[one.name]}: {self._clause(one)}" for one in closing]
        return f"Of that, {'; '.join(told)}."

    def widening(self) -> str:
        """The causes that are told from chance and hide a part of the gap."""
        told = [
            f"{_upper(CAUSE_WORDS[one.name])} goes the other way: {self._clause(one)}, and putting that right widens "
            f"the gap by {_most(one)}{number(-self._size(one), self.found.unit)}{self._within(one, -self.way)}."
            for one in self.blamed
            if self._size(one) < 0
        ]
        return " ".join(told)

    def chance(self) -> str:
        """What is not told from chance."""
        noise = next((one for one in self.found.causes if one.name == "noise"), None)
        if noise is None:
            return ""
        if noise.blamed:
            gap = self.found.gap
            if gap.low is not None and gap.high is not None and not gap.low <= 0.0 <= gap.high:
                return "The gap is more than chance, but no single cause of it is told from chance."
            return f"All of the gap can be chance{self._looked_at()}."
        if noise.part is None or not noise.part.value:
            return ""
        pooled = [one for one in self._tested() if not one.counts]
        names = self._names(pooled)
        size, unit = self._size(noise), self.found.unit
        if not names:
            rest = "The rest" if size > 0 else "What they take too much"
            return f"{rest}, {number(abs(size), unit)}{_share(noise)}, can be chance."
        many = len(names) > 1
        alone = "are" if many else "is"
        also = ", with what is left," if any(one.name == "unexplained" for one in pooled) else ""
        if size > 0:
            comes = f"come{'' if many else 's'}{also} to {number(size, unit)}{_share(noise)}"
        else:
            comes = f"would widen the gap{also} by {number(-size, unit)}"
        return f"{_upper(listed(names))} {alone} not told from chance and {comes}."

    def _looked_at(self) -> str:
        names = self._names(self._tested())
        return (
            f"; {listed(names)} {'were' if len(names) > 1 else 'was'} looked at and not told from it" if names else ""
        )

    @staticmethod
    def _names(causes: list[Cause]) -> list[str]:
        return list(dict.fromkeys(CAUSE_WORDS[one.name] for one in causes if one.name != "unexplained"))

    def _tested(self) -> list[Cause]:
        return [one for one in self.found.causes if one.name != "noise" and one.part is not None]

    def left(self) -> str:
        """What no correction takes away."""
        rest = next((one for one in self.counted if one.name == "unexplained"), None)
        if rest is None:
            return ""
        size, unit = self._size(rest), self.found.unit
        much = f"{number(abs(size), unit)}{self._bracket(rest)}"
        if not rest.blamed:  # several parts that are told from chance only as a sum
            names = self._names([one for one in self._tested() if not one.counts])
            of = f" ({', '.join(names)})" if names else ""
            what = f"What is left, {much}," if self.blamed else "The gap"
            return f"{what} is more than chance, but no single cause of it{of} is told from chance."
        if size < 0:
            much = f"{number(-size, unit)} too much{self._within(rest, -self.way)}"
            return f"Together they take away more than the gap: {much}, which no correction explains."
        corrected = any(one.name not in ("noise", "unexplained") for one in self._tested())
        if not corrected:
            return "None of it is explained: no correction could be made."
        return f"What is left, {much}, no correction explains."

    def by_themselves(self) -> str:
        """Corrections in their own units, where the pair has no common scale."""
        told = []
        for one in self.found.causes:
            if one.quantity is None or one.quantity.value is None:
                continue
            unit = clean(one.unit)
            within = self._interval(one.quantity, unit, 1.0)
            within = f" ({self.level} {within})" if within else ""
            quantity = f"{_most(one)}{number(one.quantity.value, unit, signed=True)}{within}"
            told.append(f"{_subject(one)} {quantity}")
        return f"Each in its own unit: {'; '.join(told)}." if told else ""

    def not_known(self) -> str:
        """What was refused, and what would allow it; what nothing would allow does not apply, and is not told."""
        refused = [one for one in self.found.causes if one.refused and one.remedy]
        if not refused:
            return ""
        told = [f"{_subject(one)} ({_reason(one)})" for one in refused[:TOLD_REFUSALS]]
        names = [_subject(one) for one in refused[TOLD_REFUSALS:]]
        more = f"; nor {listed(names)}" if names else ""
        return f"Not known: {'; '.join(told)}{more}."

    def _size(self, cause: Cause) -> float:
        """The part, positive where it closes the gap."""
        value = cause.part.value if cause.part else None
        return self.way * (value or 0.0)

    def _much(self, cause: Cause) -> str:
        return f"{_most(cause)}{number(self._size(cause), self.found.unit)}{self._bracket(cause)}"

    def _bracket(self, cause: Cause) -> str:
        inside = [text for text in (_percent(cause), self._interval(cause.part, self.found.unit, self.way)) if text]
        return f" ({', '.join(inside)})" if inside else ""

    def _within(self, cause: Cause, way: float) -> str:
        text = self._interval(cause.part, self.found.unit, way)
        return f" ({text})" if text else ""

    def _interval(self, part: Interval | None, unit: str, way: float) -> str:
        if part is None or part.low is None or part.high is None:
            return ""
        low, high = sorted((way * part.low, way * part.high))
        return bounds(low, high, unit)

    def _clause(self, cause: Cause) -> str:
        """What the cause says of its signal, in the direction that its part has."""
        if cause.name not in _SAYS:
            return (
                clean(cause.evidence)
                or f"{_name(self.found.signal)} and {_name(self.found.against)} measure different things"
            )
        value = (cause.part.value if cause.part else None) or 0.0
        high = value > 0 if cause.signal == self.found.signal else value < 0
        return _SAYS[cause.name][0 if high else 1].format(signal=_name(cause.signal))


def _name(signal: str) -> str:
    return clean(signal)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(cause: Cause) -> str:
    return "" if cause.share is None else share(cause.share, 0)


def _share(cause: Cause) -> str:
    text = _percent(cause)
    return f" ({text})" if text else ""


def _most(cause: Cause) -> str:
    """Who answered is known only within bounds: the correction takes the end that closes the gap."""
    return "at most " if cause.name == "response" else ""


def _subject(cause: Cause) -> str:
    if cause.name == "judge_bias":
        return f"bias of {_name(cause.signal)}"
    return f"{CAUSE_WORDS[cause.name]} of {_name(cause.signal)}" if cause.signal else CAUSE_WORDS[cause.name]


def _reason(cause: Cause) -> str:
    return "; ".join(part for part in (clean(cause.refused).rstrip("."), clean(cause.remedy).rstrip(".")) if part)
