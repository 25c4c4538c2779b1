"""Measured numbers that are not effects, each with everything that is that number and the state that it would give."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from signals.checks import CheckSpec, checks_of
from signals.reconcile.flip import words
from signals.reconcile.flip.case import Affine, Own, WhatIf, passing, state_of
from signals.reconcile.flip.lines import Line, exact
from signals.reconcile.flip.rank import placed
from signals.words import p_value
from signals.workbench.situations.grids import limits

WHOLE = frozenset({"full_weeks"})
BROKEN = frozenset({"min_effective_items"})  # a count by its unit, but of equivalents: 87.3 items
OTHERS = {"n": "count", "power": "share", "mde": "effect", "p_value": "p"}
PAIRED = ("judge", "panel")
AGREEMENT = frozenset({"human_agreement", "agreement", "agreement_low", "ac2", "self_consistency", "track_correlation"})
OF_ITEMS = frozenset({"min_effective_items", "min_overlap"})  # no more of them than items


@dataclass(frozen=True)
class Knob:
    """One measured number, and everything that is that number.

    Attributes:
        own: Whose.
        fact: Its name without the signal's.
        keys: Full names of the facts that are this number.
        spec: The check that measures it; None of other numbers.
        unit: As of ``signals.checks.Unit``; ``effect`` is one in the signal's unit.
    """

    own: Own
    fact: str
    keys: tuple[str, ...]
    spec: CheckSpec | None
    unit: str

    @property
    def key(self) -> str:
        """The fact's full name."""
        return f"{self.own.signal.name}.{self.fact}"

    @property
    def now(self) -> Fraction | None:
        """Its value; yes is 1."""
        found: Any = self.own.believed.get(self.keys[0])
        return Fraction(found) if isinstance(found, bool) else exact(found)

    @property
    def whole(self) -> bool:
        """Whether it can only be a whole number."""
        counted = self.fact in WHOLE or (self.unit == "count" and self.fact not in BROKEN)
        return counted and (self.now is None or self.now.denominator == 1)

    @property
    def limit(self) -> Fraction | None:
        """The threshold that the policy's trust sets; None when it sets none."""
        found = self.own.signal.trust.get(self.spec.name) if self.spec else None
        return None if found is None else Fraction(found)

    @property
    def measure(self) -> str:
        """Its unit, or ``agreement`` for what lies between -1 and 1."""
        return "agreement" if self.fact in AGREEMENT else self.unit

    def within(self, at: float) -> tuple[bool | None, bool, float]:
        """Whether a value lies inside its interval (None without one), at an end, and how many standard errors away."""
        check = self.own.reading.checks.get(self.spec.name) if self.spec else None
        if check is None or check.value is None or check.low is None or check.high is None or check.high <= check.low:
            return None, False, math.inf
        return *placed(at, check.low, check.high), abs(at - check.value) / ((check.high - check.low) / 3.92)

    def passes(self, value: Fraction) -> bool:
        """Whether the policy's trust is content with it."""
        if self.spec is None or self.limit is None:
            return True
        return value >= self.limit if self.spec.passes == ">=" else value <= self.limit

    def facts(self, value: Fraction) -> dict[str, Any]:
        """All facts of the signal, had this been measured."""
        own, spec = self.own, self.spec
        trusted, ripe = own.trusted, own.ripe
        if spec is not None and self.limit is not None:
            others = [check for check in own.reading.checks.values() if check.name != spec.name]
            if spec.sort == "validity":
                trusted = self.passes(value) and passing(others, "validity")
            else:
                ripe = self.passes(value) and passing(others, "maturity")
        state = state_of(own.low, own.high, own.margin, trusted=trusted, ripe=ripe, distance=own.signal.distance)
        measured = bool(value) if self.unit == "yes" else value
        return own.facts(state, ripe=ripe) | dict.fromkeys(self.keys, measured)

    def line(self, case: WhatIf) -> Line:
        """Its values, and the call at each; from 0 when it does not exist."""
        moving: dict[str, Affine] = dict.fromkeys(self.keys, (1, Fraction(0)))
        cuts = set(case.cuts(moving, known={**case.facts, **self.own.believed}))
        if self.limit is not None:
            cuts.add(self.limit)
        now = self.now
        low, high = map(exact, limits(case.specs[self.key]))
        if self.unit == "effect":
            low = Fraction(0)
        elif self.fact == "n" and self.own.signal.kind not in PAIRED:
            low = Fraction(2)  # one in each arm: a reading without one of them is missing
        elif self.fact in OF_ITEMS and (items := exact(self.own.believed.get(f"{self.own.signal.name}.n"))) is not None:
            high = items if high is None else min(high, items)
        if now is not None:
            low, high = None if low is None else min(low, now), None if high is None else max(high, now)
        name = self.own.signal.name
        return Line(
            now or Fraction(0), tuple(sorted(cuts)), lambda value: case.with_own(name, self.facts(value)), low, high,
            self.whole,
        )  # fmt: skip

    def places(self, at: float) -> tuple[int, int]:
        """Decimals that it is written with at least, and the scale that they are of."""
        if self.unit == "effect":
            return words.decimals(self.own.reading.unit, at)
        if self.unit == "share":
            return 1, 100
        if self.unit == "p":
            return (max(2, 1 - math.floor(math.log10(at))) if at > 0.0 else 3), 1
        if self.whole or self.unit == "seconds":
            return 0, 1
        return (1 if self.unit == "count" else 2), 1

    def text(self, value: float, digits: int) -> str:
        """The number in words."""
        if self.unit == "effect":
            return words.effect(value, self.own.reading.unit, digits, signed=False)
        if self.unit == "p" and value >= 0.0001:
            return p_value(value)
        return words.measure(value, self.unit, digits)

    def texts(self, there: float, here: float, digits: int) -> tuple[str, str]:
        """Two numbers in words, with enough digits to tell them apart."""
        for more in range(digits, digits + 8):
            found = self.text(there, more), self.text(here, more)
            if found[0] != found[1]:
                break
        return found


def knobs(case: WhatIf) -> Iterator[Knob]:
    """Every number that the policy's trust or a condition asks about, of signals that have evidence."""
    for own in case.own.values():
        name, kind = own.signal.name, own.signal.kind
        items = own.believed.get(f"{name}.min_items") if kind in PAIRED else None
        tied = items is not None and items == own.believed.get(f"{name}.n")
        for spec in checks_of(kind):
            fact, keys = spec.name, [f"{name}.{spec.name}"]
            if spec.name == "max_age":  # both are the time since the newest evidence
                fact, keys = "age", [f"{name}.age", *keys]
            elif spec.name == "min_items" and tied:  # both are the items that both arms have
                keys.append(f"{name}.n")
            if spec.name in own.signal.trust or case.asked & set(keys):
                yield Knob(own, fact, tuple(keys), spec, spec.unit)
        for fact, unit in OTHERS.items():
            key = f"{name}.{fact}"
            # What an untrusted reading does not have stays hidden whatever it were.
            if key in case.asked and key in case.facts and not (fact == "n" and tied):
                yield Knob(own, fact, (key,), None, unit)
