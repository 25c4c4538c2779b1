"""What makes the precision of one signal: sizes, spread, looks, checks.

A design says nothing of the effect: a simulation puts a true effect into it and draws what a release would then show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from signals.model import Signal, SignalsError
from signals.stats.sequential import PLANNED_UNITS, multiplier

Law = Literal["normal", "proportion", "panel"]
Rule = Literal["once", "always", "planned"]

FOLLOW_N = ("min_units", "min_clusters", "min_items", "min_responses", "min_overlap", "min_effective_items",
            "min_vectors")  # fmt: skip
"""Checks whose number grows with the sample."""

DRAWN = ("heterogeneity_p", "max_reversals")
"""Checks that are drawn with the segments; all others keep the number that the design gives them."""

LIVE = ("experiment", "feedback")
UNPAIRED = (*LIVE, "drift")
"""Kinds whose two arms hold different units."""


@dataclass(frozen=True)
class SegmentDesign:
    """One segment. ``se`` is None where an arm has no units; ``df`` None where the spread is known."""

    name: str
    share: float
    n_control: float
    n_candidate: float
    control: float | None
    se: float | None
    df: float | None = None
    refused: bool = False

    @property
    def dimension(self) -> str:
        """``plan`` of ``plan=pro``."""
        return self.name.partition("=")[0]


@dataclass(frozen=True)
class Crossed:
    """A panel in which every rater grades every item: variance components of one value, and how many raters."""

    item: float
    rater: float
    residual: float
    raters: int

    def squared(self, items: float) -> float:
        """Squared standard error of the mean over items."""
        return self.item / items + self.rater / self.raters + self.residual / (items * self.raters)


@dataclass(frozen=True)
class Design:
    """The precision of one signal.

    Attributes:
        signal: Its name.
        law: How the estimate is drawn: ``normal`` with an estimated standard error, ``proportion`` from the counts of
            both arms, ``panel`` from items and raters.
        rule: How far the interval reaches: as at ``once``, at any look (``always``), at one of the ``planned`` looks.
        n_control: Units of the control arm; items for judge and panel.
        n_candidate: The same of the candidate.
        se: Standard error of the voting estimate, in the signal's unit; of proportions when nothing differs. None with
            ``refused``.
        df: Degrees of freedom of the standard error; None: it is known.
        control: Level of the control arm, where it is known.
        control_se: Sampling error of that level; 0 takes it as known.
        worth: Independent units per counted one (proportions): below 1 where users respond more than once.
        score: Whether the interval is the score interval of counts.
        by_arm: Whether each arm's interval takes half of the error rate and the two add up (quantiles at any look).
        bounded: A net preference, whose interval stays within -1 and 1.
        floor: Part of the squared standard error that more units do not lower.
        panel: The components behind ``law`` panel.
        once: Confidence of the present one of several planned looks, as if it were the only one.
        once_joint: The same of bounds that hold for all segments at once.
        family: How many candidates share the error rate.
        grows: Whether the sample grows from look to look; golden sets and panels are there from the first.
        days: How long the sample took, for checks of whole weeks.
        checks: Number of each check; None where it cannot be computed.
        segments: Where the policy declares some and the evidence has them.
        unit: Of the effect.
        counted: What n counts.
        refused: Why there is no interval at all.
        source: Where the design is from: ``release tuesday-small``, ``planned``.
        assumed: What it takes for granted, in words.
    """

    signal: str
    law: Law
    rule: Rule
    n_control: float
    n_candidate: float
    se: float | None
    df: float | None = None
    control: float | None = None
    control_se: float = 0.0
    worth: float = 1.0
    score: bool = False
    by_arm: bool = False
    bounded: bool = False
    floor: float = 0.0
    panel: Crossed | None = None
    once: float | None = None
    once_joint: float | None = None
    family: int = 1
    grows: bool = False
    days: float | None = None
    checks: Mapping[str, float | None] = field(default_factory=dict)
    segments: tuple[SegmentDesign, ...] = ()
    unit: str = ""
    counted: str = "units"
    refused: str = ""
    source: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether both arms hold the same items."""
        return not self.grows

    @property
    def n(self) -> float:
        """What the fact ``n`` counts: both arms' units, or the items that both have."""
        return min(self.n_control, self.n_candidate) if self.paired else self.n_control + self.n_candidate


def rule_of(signal: Signal) -> Rule:
    """How the interval of a signal allows for looks."""
    if signal.kind != "experiment" or signal.looks == "fixed":
        return "once"
    return "always" if signal.looks == "continuous" else "planned"


def planned_units(signal: Signal) -> int:
    """Where the always-valid interval of a signal is narrowest."""
    return signal.planned_units or PLANNED_UNITS


def each(design: Design, confidence: float) -> float:
    """The confidence of one candidate's interval that keeps ``confidence`` over the family."""
    return 1.0 - (1.0 - confidence) / design.family


def always_reach(signal: Signal, design: Design, confidence: float, units: float, parts: int = 1) -> float:
    """Standard errors of the difference that an interval valid at any look reaches to each side.

    Args:
        signal: Its plan.
        design: Its family, and whether arms are bounded one by one.
        confidence: Before the family has had its say.
        units: Of both arms.
        parts: In how many segments the planned units fall.
    """
    level, plan = each(design, confidence), planned_units(signal) / parts
    if not design.by_arm:
        return multiplier(units, level, plan)
    # Of equal arms, each at half of the error rate: two halves of one arm's, whose error is a root of two less.
    return math.sqrt(2.0) * multiplier(units / 2.0, 1.0 - (1.0 - level) / 2.0, plan / 2.0)


def critical(confidence: float, df: float | None = None) -> float:
    """The two-sided critical value (imported late: it brings numpy)."""
    from signals.stats.tails import critical as value

    return value(confidence, df)


# --- another size ---------------------------------------------------------------------------------------------------


def resized(design: Design, n: float) -> Design:
    """The same design with ``n`` units per arm (items for judge and panel) of the same kind of people or items.

    Standard errors go with the root of n, but for the part that the choice of raters adds; counts that checks ask for
    grow with n, and other checks keep their numbers.

    Raises:
        SignalsError: When n is below 2, or the release has no interval to start from.
    """
    if not math.isfinite(n) or n < 2:
        raise SignalsError(f"{design.signal}: {n:g} is no sample size", "Give at least 2 units per arm")
    if design.refused or design.se is None:
        raise SignalsError(
            f"{design.signal} has no interval in {design.source}: {design.refused}",
            "Plan it instead: leave the release out, or give --planned",
        )
    # The precision of a difference goes with the harmonic mean of the arms' sizes.
    now = 2.0 / (1.0 / design.n_control + 1.0 / design.n_candidate)
    return replace(scaled(replace(design, n_control=now, n_candidate=now), n / now), once=None)


def scaled(design: Design, times: float) -> Design:
    """The design with ``times`` as many units in both arms; days are kept."""
    n0, n1 = design.n_control * times, design.n_candidate * times
    if design.panel is not None:
        se: float | None = math.sqrt(design.panel.squared(min(n0, n1)))
    elif design.se is not None:
        se = math.sqrt(design.floor + (design.se**2 - design.floor) / times)
    else:
        se = None
    return replace(
        design,
        n_control=n0,
        n_candidate=n1,
        se=se,
        df=None if design.df is None else max(1.0, design.df * times),
        control_se=design.control_se / math.sqrt(times),
        checks={
            name: value * times if value is not None and name in FOLLOW_N else value
            for name, value in design.checks.items()
        },
        segments=tuple(
            replace(
                one,
                n_control=one.n_control * times,
                n_candidate=one.n_candidate * times,
                se=None if one.se is None else one.se / math.sqrt(times),
                df=None if one.df is None else max(1.0, one.df * times),
            )
            for one in design.segments
        ),
    )
