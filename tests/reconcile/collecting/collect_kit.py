"""Releases whose numbers are written by hand, made ready for asking what to collect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from signals.model import Estimate, Measure, Numbers, Release, Verdict
from signals.policy import Policy, decide, parse_policy
from signals.readings import read
from signals.reconcile.collecting.collect import collections
from signals.reconcile.draws import Resampling, resampling
from signals.reconcile.stability import stability

AS_OF = datetime(2026, 11, 17, 9, tzinfo=UTC)
RELEASE = Release("r", "prompt", "old", "new", date(2026, 11, 3))
Z = 1.959963984540054

REVENUE = """\
  revenue:
    kind: experiment
    metric: {name: usd, type: mean}
    better: higher
    margin: 0.5
"""
SPEED = REVENUE.replace("revenue", "speed").replace("usd", "ms")
PEOPLE = """\
  people:
    kind: panel
    better: higher
    margin: 0.1
    trust: {min_items: 50}
"""
JUDGE = """\
  judge:
    kind: judge
    better: higher
    margin: 2pp
"""


def policy_of(signals: str, rules: str) -> Policy:
    return parse_policy(f"schema: 1\nname: p\nowner: council\nsignals:\n{signals}{rules}", "h.yaml")


def mean(
    name: str, effect: float, se: float, n: int = 20_000, rate: float | None = 1000.0, **measures: float | None
) -> Numbers:
    """An experiment on a mean, both arms of ``n`` units, at one look."""
    voting = Estimate(
        effect, effect - Z * se, effect + Z * se, "Welch", 0.95, se=se, df=None, p_value=None, control=10.0,
        n_control=n, n_candidate=n,
    )  # fmt: skip
    return Numbers(
        name, "experiment", "usd", "raw", {"raw": voting}, _measures({"min_units": n, **measures}),
        first_at=datetime(2026, 11, 3, 12, tzinfo=UTC), last_at=datetime(2026, 11, 16, 12, tzinfo=UTC),
        counted="users", rate_per_day=rate,
    )  # fmt: skip


def panel(name: str, effect: float, parts: tuple[float, float, float], items: int, raters: int) -> Numbers:
    """A panel whose raters all grade all items; ``parts`` are the variances of item, rater and the rest."""
    item, rater, residual = parts
    se = math.sqrt(item / items + rater / raters + residual / (items * raters))
    voting = Estimate(
        effect, effect - 2.2 * se, effect + 2.2 * se, "items and raters random, mean over items, Satterthwaite t(20.0)",
        0.95, se=se, df=20.0, control=3.0, n_control=items, n_candidate=items,
    )  # fmt: skip
    return Numbers(
        name, "panel", "points", "raw", {"raw": voting},
        _measures({"min_items": items, "min_raters": raters, "paired": 1.0}), last_at=AS_OF, counted="items",
        components={"item": item, "rater": rater, "residual": residual},
    )  # fmt: skip


def judge(
    name: str, effect: float, se: float, items: int, *, voting: str = "raw", human: Estimate | None = None,
    components: Mapping[str, float] | None = None, **measures: float | None,
) -> Numbers:  # fmt: skip
    """A judge; one that people correct comes with people's own estimate."""
    one = Estimate(
        effect, effect - Z * se, effect + Z * se, "paired", 0.95, se=se, df=items - 1.0, control=0.7,
        n_control=items, n_candidate=items,
    )  # fmt: skip
    estimates = {voting: one, **({"human": human} if human else {})}
    return Numbers(
        name, "judge", "pp", voting, estimates, _measures({"min_items": items, "paired": 1.0, **measures}),
        last_at=AS_OF, counted="items", components=components or {},
    )  # fmt: skip


def _measures(values: Mapping[str, Any]) -> tuple[Measure, ...]:
    return tuple(Measure(name, value, "given") for name, value in values.items())


@dataclass(frozen=True)
class Case:
    """A policy and the numbers of one release."""

    policy: Policy
    numbers: Mapping[str, Numbers]
    release: Release = RELEASE

    @property
    def given(self) -> Resampling:
        return resampling(self.policy, self.release, self.numbers, AS_OF)

    @property
    def verdict(self) -> Verdict:
        readings = {name: read(one, self.numbers.get(name), AS_OF) for name, one in self.policy.signals.items()}
        return decide(self.policy, self.release, readings, AS_OF, "sha256:none")

    def collections(self) -> Any:
        given = self.given
        return collections(given, self.verdict, stability(given))

    def priced(self, costs: str) -> Case:
        """With prices: ``people: {item: 12}``."""
        return replace(self, policy=parse_policy(self.policy.text + f"costs: {{currency: EUR, {costs}}}\n", "h.yaml"))


def case(signals: str, rules: str, *numbers: Numbers) -> Case:
    return Case(policy_of(signals, rules), {one.signal: one for one in numbers})
