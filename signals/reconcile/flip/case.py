"""One verdict with what would be if one fact were different, everything else staying as it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from signals.model import Call, Check, Reading, Release, Signal, State
from signals.policy.compiled import Trit
from signals.policy.conditions import Condition
from signals.policy.engine import settle
from signals.policy.facts import UNTRUSTED_HIDES, Facts, FactSpec, extract, registry
from signals.policy.rules import Policy, Rules
from signals.policy.syntax import Chain, Name, Number, Operand, Quantified
from signals.reconcile.flip.lines import exact
from signals.workbench.situations.grids import inner, leaves
from signals.workbench.situations.making import conditions

Affine = tuple[int, Fraction]
"""How a fact follows the one that moves: ``slope * moving + intercept``."""


@dataclass(frozen=True)
class Pair:
    """Two sides of one comparison.

    Attributes:
        left: One side.
        right: The other.
        items: The list that it is asked of; empty outside any() and all().
        facts: Full names of the facts on both sides that are no segment's own.
    """

    left: Operand
    right: Operand
    items: str
    facts: frozenset[str]


@dataclass(frozen=True)
class Own:
    """One signal whose reading has evidence, and what its facts would be.

    Attributes:
        signal: As declared.
        reading: As it is.
        low: Lower bound of its benefit; None when it has no interval.
        high: Upper bound.
        margin: In its unit.
        trusted: Whether every validity check that the policy asks for passes.
        ripe: Whether every maturity check that it asks for passes.
        believed: Its facts, those too that an untrusted reading does not have.
    """

    signal: Signal
    reading: Reading
    low: Fraction | None
    high: Fraction | None
    margin: Fraction | None
    trusted: bool
    ripe: bool
    believed: Facts

    def facts(self, state: State, *, ripe: bool) -> dict[str, Any]:
        """Its facts if it were in this state, its numbers being what they are."""
        name = self.signal.name
        hidden = {f"{name}.{key}" for key in UNTRUSTED_HIDES} if state == "untrusted" else set()
        found: dict[str, Any] = {key: value for key, value in self.believed.items() if key not in hidden}
        found[f"{name}.state"] = state
        shown = {"non_inferior": self.reading.non_inferior, "equivalent": self.reading.equivalent}
        for fact, holds in shown.items():
            found.pop(f"{name}.{fact}", None)
            if state != "untrusted" and (holds is not None or not ripe):
                found[f"{name}.{fact}"] = bool(holds) and ripe
        return found

    def facts_at(self, value: Fraction, low: Fraction, high: Fraction) -> dict[str, Any]:
        """What would be different if its benefit and its interval were these, its checks being what they are."""
        name = self.signal.name
        found: dict[str, Any] = {
            f"{name}.state": state_of(
                low, high, self.margin, trusted=self.trusted, ripe=self.ripe, distance=self.signal.distance
            ),
            f"{name}.benefit": value,
            f"{name}.benefit.low": low,
            f"{name}.benefit.high": high,
        }
        if not self.ripe:
            found |= {f"{name}.non_inferior": False, f"{name}.equivalent": False}
        elif self.margin is not None:
            found[f"{name}.non_inferior"] = low > -self.margin
            found[f"{name}.equivalent"] = low > -self.margin and high < self.margin
        if self.margin is not None:
            found[f"{name}.material"] = low >= self.margin or high <= -self.margin
        return found


@dataclass(frozen=True)
class WhatIf:
    """A release, what decides it, and its call."""

    policy: Policy
    rules: Rules
    readings: Mapping[str, Reading]
    facts: Facts
    call: Call
    pairs: tuple[Pair, ...]
    asked: frozenset[str]  # full names of the facts that some condition asks about
    specs: Mapping[str, FactSpec]
    rest: Mapping[str, Facts]  # the facts that are not this signal's
    own: Mapping[str, Own]

    _asking: dict[frozenset[str], Rules] = field(default_factory=dict, compare=False, repr=False)

    def with_facts(self, changes: Mapping[str, Any]) -> Call:
        """The call if these facts were so."""
        return settle(self._about(frozenset(changes)), {**self.facts, **changes}).call

    def with_own(self, name: str, facts: Mapping[str, Any]) -> Call:
        """The call if these were all the facts of one signal."""
        mine = frozenset(key for key in self.asked if key.startswith(f"{name}."))
        return settle(self._about(mine), {**self.rest[name], **facts}).call

    def _about(self, changed: frozenset[str]) -> Rules:
        """The rules, with every condition answered that asks about none of these facts: its answer stays what it is."""
        if changed not in self._asking:
            still = {id(one): one.holds(self.facts) for one in conditions(self.rules) if not changed & set(one.facts)}
            self._asking[changed] = fixed(self.rules, still)
        return self._asking[changed]

    def cuts(
        self,
        moving: Mapping[str, Affine],
        segment: tuple[str, int, Mapping[str, Affine]] = ("", 0, {}),
        known: Facts | None = None,
    ) -> Iterator[Fraction]:
        """Where comparisons of the policy may come out differently.

        Args:
            moving: The facts that move, by full name.
            segment: A list, the place of a segment in it, and what of that segment moves.
            known: Facts that stay where they are (default: those of the release).
        """
        known = self.facts if known is None else known
        items, number, mine = segment
        for pair in self.pairs:
            if not (pair.facts & moving.keys() or (pair.items and pair.items == items)):
                continue
            elements: Any = known.get(pair.items, ()) if pair.items else ({},)
            for place, one in enumerate(elements):
                local = mine if (pair.items, place) == (items, number) else {}
                left = _affine(pair.left, moving, local, known, one)
                right = _affine(pair.right, moving, local, known, one)
                if left and right and left[0] != right[0]:
                    yield (right[1] - left[1]) / (left[0] - right[0])


def fixed(rules: Rules, answers: Mapping[int, Trit]) -> Rules:
    """The rules with some conditions, by their ``id()``, answered."""

    def answer(condition: Condition) -> Condition:
        if id(condition) not in answers:
            return condition
        found = answers[id(condition)]
        return replace(condition, holds=lambda _facts: found)

    return replace(
        rules,
        hierarchy=tuple(row if row.when is None else replace(row, when=answer(row.when)) for row in rules.hierarchy),
        overrides=tuple(replace(rule, when=answer(rule.when)) for rule in rules.overrides),
        guardrails=tuple(replace(rule, when=answer(rule.when)) for rule in rules.guardrails),
        ship_requires=tuple(replace(rule, that=answer(rule.that)) for rule in rules.ship_requires),
    )


def what_if(policy: Policy, release: Release, readings: Mapping[str, Reading], as_of: datetime) -> WhatIf:
    """The verdict as it is, ready to be asked what would be."""
    rules = policy.for_kind(release.kind)
    facts = extract(policy.signals, readings, release, as_of)
    asked = {fact for condition in conditions(rules) for fact in condition.facts}
    own = {}
    for name, signal in policy.signals.items():
        reading = readings.get(name)
        if reading is None or reading.state == "missing":
            continue
        one = _own(signal, reading, release, as_of)
        # A reading whose state does not follow from its numbers was not made from them: nothing is said about it.
        found = state_of(one.low, one.high, one.margin, trusted=one.trusted, ripe=one.ripe, distance=signal.distance)
        if found == reading.state:
            own[name] = one
    rest = {name: {key: value for key, value in facts.items() if not key.startswith(f"{name}.")}
            for name in policy.signals}  # fmt: skip
    pairs = tuple(pair for condition in conditions(rules) for pair in _pairs(condition.tree))
    call = settle(rules, facts).call
    specs = registry(policy.signals)
    return WhatIf(policy, rules, readings, facts, call, pairs, frozenset(asked), specs, rest, own)


def _own(signal: Signal, reading: Reading, release: Release, as_of: datetime) -> Own:
    believed = extract({signal.name: signal}, {signal.name: replace(reading, state="unclear")}, release, as_of)
    return Own(
        signal, reading, exact(reading.benefit.low), exact(reading.benefit.high), exact(reading.margin),
        passing(reading.checks.values(), "validity"), passing(reading.checks.values(), "maturity"),
        {key: value for key, value in believed.items() if key.startswith(f"{signal.name}.")},
    )  # fmt: skip


def passing(checks: Iterable[Check], sort: str) -> bool:
    """Whether all checks of a sort pass that the policy asks for."""
    return all(check.status == "pass" for check in checks if check.required and check.sort == sort)


def state_of(
    low: Fraction | None,
    high: Fraction | None,
    margin: Fraction | None,
    *,
    trusted: bool,
    ripe: bool,
    distance: bool = False,
) -> State:
    """The state of a reading with evidence in both arms, from its interval and its checks: as readings are made."""
    if not trusted or low is None or high is None:
        return "untrusted"
    if distance and margin is not None:
        return "loss" if high <= -margin else "flat" if ripe and low > -margin else "unclear"
    if high < 0:
        return "loss"
    if not ripe:
        return "unclear"
    if low > 0:
        return "win"
    return "flat" if margin is not None and low > -margin and high < margin else "unclear"


def _pairs(tree: Any) -> Iterator[Pair]:
    for leaf in leaves(tree):
        if isinstance(leaf, Quantified):
            yield from (pair for one in inner(leaf.body) for pair in _neighbours(one, leaf.items.key))
        else:
            yield from _neighbours(leaf, "")


def _neighbours(node: Any, items: str) -> Iterator[Pair]:
    if isinstance(node, Chain):
        for left, right in itertools.pairwise(node.operands):
            outer = {one.key for one in (left, right) if isinstance(one, Name) and not one.local}
            yield Pair(left, right, items, frozenset(outer))


def _affine(
    operand: Operand, moving: Mapping[str, Affine], mine: Mapping[str, Affine], known: Facts, element: Facts
) -> Affine | None:
    if isinstance(operand, Number):
        return 0, Fraction(operand.value)
    if not isinstance(operand, Name):
        return None
    found = mine.get(operand.text) if operand.local else moving.get(operand.key)
    if found is None:
        value = exact(element.get(operand.text) if operand.local else known.get(operand.key))
        if value is None:
            return None
        found = (0, value)
    return (-found[0], -found[1]) if operand.negative else found
