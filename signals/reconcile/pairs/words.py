"""A diagnosis as one paragraph that a standup can read aloud.

The order is that of an argument: what the two signals say and how far apart that is, what of it is explained, what can
be chance, and what is left. What could not be looked at is told once for all pairs of a release (``told.not_known``).
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.model import Cause, CauseName, Interval, Reading, Reconciliation
from signals.policy.wording import listed
from signals.told import Told, rows, spoken_names, turned, way
from signals.words import CAUSE_WORDS, bounds, clean, level, number, share

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
    if found.refused:
        why = f"The gap cannot be apportioned: {clean(found.refused).rstrip('.')}."
        parts = [teller.opening(), why, teller.by_themselves()]
    else:
        parts = [teller.opening(), teller.explained(), teller.widening(), teller.chance(), teller.left()]
    return " ".join(part for part in parts if part)


class _Teller:
    """The sentences of one story."""

    def __init__(self, found: Reconciliation, readings: Mapping[str, Reading]) -> None:
        self.found, self.readings = found, readings
        reading = readings.get(found.signal)
        self.level = level(reading.confidence) if reading else "interval"
        self.rows = [row for row in rows(found) if row.part is None or row.size]
        self.causes = [row for row in self.rows if row.sort in ("explains", "widens")]
        self.noise = next((row for row in self.rows if row.sort == "chance"), None)
        self.rest = next((row for row in self.rows if row.sort == "unexplained"), None)

    def opening(self) -> str:
        """What each says, and how far apart they are."""
        found = self.found
        one, two = self._says(found.signal, found.start, 0), self._says(found.against, found.end, 1)
        gap = turned(found.gap, way(found))
        if found.refused or gap is None or gap.value is None:
            return f"{_upper(one)} and {two}."
        within = bounds(gap.low, gap.high, found.unit)
        told = "" if gap.low is None or gap.high is None else f" ({self.level} {within})"
        return f"{_upper(one)} and {two}: {number(gap.value, found.unit)} apart{told}."

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
        closing = sorted((row for row in self.causes if row.size > 0), key=lambda row: -row.size)
        if not closing:
            return ""
        told = [
            f"{_most(row.cause)}{number(row.size, self.found.unit)}{self._bracket(row)} is "
            f"{CAUSE_WORDS[row.cause.name]}: {self._clause(row.cause)}"
            for row in closing
        ]
        return f"Of that, {'; '.join(told)}."

    def widening(self) -> str:
        """The causes that are told from chance and hide a part of the gap."""
        told = [
            f"{_upper(CAUSE_WORDS[row.cause.name])} goes the other way: {self._clause(row.cause)}, and "
            f"putting that right widens the gap by {_most(row.cause)}{number(-row.size, self.found.unit)}"
            f"{self._within(row, -1.0)}."
            for row in self.causes
            if row.size < 0
        ]
        return " ".join(told)

    def chance(self) -> str:
        """What is not told from chance."""
        row = self.noise
        if row is None:
            return ""
        names = self._names(row)
        many = len(names) > 1
        if row.cause.blamed:
            gap = self.found.gap
            if gap.low is not None and gap.high is not None and not gap.low <= 0.0 <= gap.high:
                beside = "with its possible causes tested beside it, nothing of it is told from chance"
                return f"Taken alone, the gap is more than chance; {beside}."
            looked = f"; {listed(names)} {'were' if many else 'was'} looked at and not told from it" if names else ""
            return f"All of the gap can be chance{looked}."
        size, unit = row.size, self.found.unit
        if not names:
            rest = "The rest" if size > 0 else "What they take too much"
            return f"{rest}, {number(abs(size), unit)}{_share(row.cause)}, can be chance."
        also = ", with what is left," if len(row.inside) > len(self._named(row)) else ""
        if size > 0:
            comes = f"come{'' if many else 's'}{also} to {number(size, unit)}{_share(row.cause)}"
        else:
            comes = f"would widen the gap{also} by {number(-size, unit)}"
        return f"{_upper(listed(names))} {'are' if many else 'is'} not told from chance and {comes}."

    @staticmethod
    def _named(row: Told) -> list[Cause]:
        return [one.cause for one in row.inside if one.cause.name != "unexplained"]

    def _names(self, row: Told) -> list[str]:
        return spoken_names(self._named(row), self.found)

    def left(self) -> str:
        """What no correction takes away, and what cannot be told apart."""
        row = self.rest
        if row is None:
            return ""
        names, unit = self._names(row), self.found.unit
        much = f"{number(abs(row.size), unit)}{self._bracket(row)}"
        what = f"What is left, {much}," if row.size > 0 else f"What they take too much, {much},"
        if not row.cause.blamed:  # several parts that are told from chance only as a sum
            of = f" ({', '.join(names)})" if names else ""
            what = what if self.causes else "The gap"
            return f"{what} is more than chance, but no single cause of it{of} is told from chance."
        also = f"in it {'are' if len(names) > 1 else 'is'} {listed(names)}" if row.apart and names else ""
        with_others = f"; {also}, told from chance only together" if also else ""
        if row.size < 0:
            much = f"{number(-row.size, unit)} too much{self._within(row, -1.0)}"
            return f"Together they take away more than the gap: {much}, which no correction explains{with_others}."
        if not any(one.quantity is not None and one.name not in ("noise", "unexplained") for one in self.found.causes):
            return "None of it is explained: no correction could be made."
        return f"{what} no correction explains{with_others}."

    def by_themselves(self) -> str:
        """Corrections in their own units, where the pair has no common scale."""
        told = []
        for row in self.rows:
            if row.quantity is None or row.quantity.value is None:
                continue
            unit = clean(row.cause.unit)
            low, high = row.quantity.low, row.quantity.high
            within = "" if low is None or high is None else f" ({self.level} {bounds(low, high, unit)})"
            quantity = f"{_most(row.cause)}{number(row.quantity.value, unit, signed=True)}{within}"
            told.append(f"{row.name} {quantity}")
        return f"What each correction takes off its signal: {'; '.join(told)}." if told else ""

    def _bracket(self, row: Told) -> str:
        inside = [text for text in (_percent(row.cause), self._interval(row, 1.0)) if text]
        return f" ({', '.join(inside)})" if inside else ""

    def _within(self, row: Told, sign: float) -> str:
        text = self._interval(row, sign)
        return f" ({text})" if text else ""

    def _interval(self, row: Told, sign: float) -> str:
        part = turned(row.part, sign)
        if part is None or part.low is None or part.high is None:
            return ""
        return bounds(part.low, part.high, self.found.unit)

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
