"""A policy as it stands after loading: frozen, typed, its conditions compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from signals.model import Call, Reason, ReleaseKind, Signal, State
from signals.policy.conditions import Condition
from signals.policy.costs import Costs
from signals.policy.facts import Value


@dataclass(frozen=True)
class Row:
    """One row of the hierarchy. States that ``calls`` does not list let the next row speak.

    ``passed`` are the states whose answer is written as ``next``.
    """

    rule: str
    signal: str
    calls: Mapping[State, Call]
    when: Condition | None = None
    passed: frozenset[State] = frozenset()


@dataclass(frozen=True)
class Override:
    """Moves the rows of ``put`` to just above the first row of ``above`` when its condition holds."""

    rule: str
    id: str
    put: str
    above: str
    when: Condition
    because: str = ""


@dataclass(frozen=True)
class Guardrail:
    """Makes the call at least as severe as its own when its condition holds."""

    rule: str
    id: str
    when: Condition
    call: Call
    because: str = ""


@dataclass(frozen=True)
class Requirement:
    """What must hold for a SHIP to stay one."""

    rule: str
    id: str
    that: Condition
    because: str = ""


@dataclass(frozen=True)
class Rules:
    """What decides one kind of release."""

    hierarchy: tuple[Row, ...]
    otherwise: Call = "hold"
    overrides: tuple[Override, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    ship_requires: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class PolicyTest:
    """One entry of ``tests:``. ``absent`` are the facts that were given as ``null``: known not to exist."""

    name: str
    kind: ReleaseKind
    states: Mapping[str, State]
    facts: Mapping[str, Value]
    absent: frozenset[str]
    call: Call
    by: str | None = None
    reason: Reason | None = None
    overruled: tuple[str, ...] | None = None
    line: int | None = None


@dataclass(frozen=True)
class Policy:
    """One version of ``hierarchy.yaml``, known by the hash of its text."""

    name: str
    hash: str
    text: str = field(repr=False)
    file: str
    owner: str
    review_by: date | None
    confidence: float
    signals: Mapping[str, Signal]
    rules: Rules
    kinds: Mapping[str, Rules]
    tests: tuple[PolicyTest, ...]
    costs: Costs | None = None

    def for_kind(self, kind: str) -> Rules:
        """The rules for a kind of release: its own where ``kinds`` gives some, else everyone's."""
        return self.kinds.get(kind, self.rules)

    @property
    def hierarchy(self) -> tuple[Row, ...]:
        """The rows for kinds of release that have none of their own."""
        return self.rules.hierarchy

    @property
    def otherwise(self) -> Call:
        """The call when no row answers."""
        return self.rules.otherwise

    @property
    def overrides(self) -> tuple[Override, ...]:
        """In file order."""
        return self.rules.overrides

    @property
    def guardrails(self) -> tuple[Guardrail, ...]:
        """In file order."""
        return self.rules.guardrails

    @property
    def ship_requires(self) -> tuple[Requirement, ...]:
        """In file order."""
        return self.rules.ship_requires
