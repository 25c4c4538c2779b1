"""All that is known of one decided release: what the sentence and the ways out are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signals.model import Reading, Release, RuleOutcome, State
from signals.policy.engine import Outcome
from signals.policy.facts import Facts
from signals.policy.rules import Policy, Rules


@dataclass(frozen=True)
class Case:
    """A release with its readings, and what the engine made of them."""

    policy: Policy
    rules: Rules
    release: Release
    readings: Mapping[str, Reading]
    as_of: datetime
    facts: Facts
    outcome: Outcome
    guardrails: tuple[RuleOutcome, ...]
    ship_requires: tuple[RuleOutcome, ...]

    def state(self, signal: str) -> State:
        """Of a signal; missing when it has no reading."""
        reading = self.readings.get(signal)
        return reading.state if reading else "missing"
