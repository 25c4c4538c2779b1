"""What makes the precision of one signal: sizes, spread, looks, checks. From a release's stored numbers, or of any size.

A design says nothing of the effect: ``draws`` puts a true effect into it and draws what a release would then show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from signals.checks import checks_of
from signals.model import Estimate, Numbers, SegmentEstimate, Signal, SignalsError
from signals.policy import Policy
from signals.stats.sequential import PLANNED_UNITS, multiplier

Law = Literal["normal", "proportion", "panel"]
Rule = Literal["once", "always", "planned"]

FOLLOW_N = ("min_units", "min_clusters", "min_items", "min_responses", "min_overlap", "min_effective_items")
"""Checks whose number grows with the sample."""

DRAWN = ("heterogeneity_p", "max_reversals")
"""Checks that are drawn with the segments; all others keep the number that the design gives them."""

LIVE = ("experiment", "feedback")
ALIKE = 0.02  # how far a standard error may be from that of counts for the counts to be drawn
CROSSED = "items and raters random"  # how the panel's crossed layout begins its method


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
        bounded: A net preference, whose interval stays within -1 and 1.
        floor: Part of the squared standard error that more units do not lower.
        panel: The components behind ``law`` panel.
        once: Confidence of the present one of several planned looks, as if it were the only one.
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
    bounded: bool = False
    floor: float = 0.0
    panel: Crossed | None = None
    once: float | None = None
    family: int = 1
    grows: bool = False
    days: float | None = None
    checks: Mapping[str, float | None] = ()  # type: ignore[assignment]  # replaced by {} below: a frozen default
    segments: tuple[SegmentDesign, ...] = ()
    unit: str = ""
    counted: str = "units"
    refused: str = ""
    source: str = ""
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "checks", dict(self.checks))

    @property
    def paired(self) -> bool:
        """Whether both arms hold the same items."""
        return not self.grows

    @property
    def n(self) -> float:
        """What the fact ``n`` counts: both arms' units, or the items that both have."""
        return min(self.n_control, self.n_candidate) if self.paired else self.n_control + self.n_candidate


def designs_of(
    policy: Policy, numbers: Mapping[str, Numbers], as_of: datetime, *, family: int = 1, source: str = "the release"
) -> dict[str, Design]:
    """The designs of a release, from what the store keeps of it.

    Args:
        policy: Which signals, and how their intervals are made.
        numbers: By signal name, as ``signals.readings.measure`` gave them.
        as_of: The moment that ages are measured from.
        family: How many candidates shared the error rate when the numbers were computed.
        source: For the words that say where a design is from.

    Returns:
        One design per signal with evidence in both arms; the others are ``missing`` in a simulation.
    """
    found = {}
    for name, signal in policy.signals.items():
        one = numbers.get(name)
        voting = one.estimates.get(one.voting) if one else None
        if one is None or voting is None or not voting.n_control or not voting.n_candidate:
            continue
        found[name] = _design(signal, one, voting, as_of, family, source)
    return found


def _design(
    signal: Signal, numbers: Numbers, voting: Estimate, as_of: datetime, family: int, source: str
) -> Design:
    made = Design(
        signal.name,
        "normal",
        rule_of(signal),
        voting.n_control,
        voting.n_candidate,
        None,
        control=voting.control,
        family=family,
        grows=signal.kind in LIVE,
        days=_days(numbers),
        checks=_checks(signal, numbers, as_of),
        unit=numbers.unit,
        counted=numbers.counted,
        source=source,
    )
    if voting.low is None or voting.high is None:
        return replace(made, refused=voting.refused or f"the {numbers.voting} estimate has no interval")
    half = (voting.high - voting.low) / 2.0
    reach = half / voting.se if voting.se else critical(voting.confidence, voting.df)
    se, df = half / reach, voting.df
    if signal.metric is not None and signal.metric.type == "quantile" and made.rule == "always":
        se, df = half / _two_arms(made, signal), None
    made = replace(made, se=se, df=df, bounded=numbers.unit == "net preference", once=_once(signal, reach, df))
    if signal.kind == "panel":
        made = _panel(made, signal, numbers, voting)
    elif signal.kind in LIVE:
        made = _live(made, signal, numbers, voting)
    else:
        made = replace(made, floor=numbers.components.get("rater_error", 0.0) if numbers.voting == "corrected" else 0.0)
    return replace(made, segments=_segments(made, signal, numbers))


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


def critical(confidence: float, df: float | None = None) -> float:
    """The two-sided critical value (imported late: it brings scipy)."""
    from signals.stats.difference import critical as value

    return value(confidence, df)


def _once(signal: Signal, reach: float, df: float | None) -> float | None:
    if rule_of(signal) != "planned":
        return None
    from signals.stats.difference import two_sided_p

    return 1.0 - two_sided_p(reach, df)


def _days(numbers: Numbers) -> float | None:
    if numbers.first_at is None or numbers.last_at is None:
        return None
    return float((numbers.last_at.date() - numbers.first_at.date()).days + 1)


def _checks(signal: Signal, numbers: Numbers, as_of: datetime) -> dict[str, float | None]:
    measured = {measure.name: measure.value for measure in numbers.measures}
    age = None if numbers.last_at is None else max(0.0, (as_of - numbers.last_at).total_seconds())
    return {
        spec.name: age if spec.name == "max_age" else measured.get(spec.name) for spec in checks_of(signal.kind)
    }  # fmt: skip


def _panel(made: Design, signal: Signal, numbers: Numbers, voting: Estimate) -> Design:
    parts, raters = numbers.components, made.checks.get("min_raters")
    known = {"item", "rater", "residual"} <= set(parts) and raters is not None and raters >= 2
    if not known or signal.raters == "fixed" or not voting.method.split("; ")[-1].startswith(CROSSED):
        return made
    panel = Crossed(parts["item"], parts["rater"], parts["residual"], round(raters or 0))
    return replace(made, law="panel", panel=panel, se=math.sqrt(panel.squared(made.n)), df=None)


def _live(made: Design, signal: Signal, numbers: Numbers, voting: Estimate) -> Design:
    """Experiments and feedback: counts where the estimate is one of counts, else a mean with an estimated spread."""
    n0, n1, p = made.n_control, made.n_candidate, made.control
    proportion = signal.metric is not None and signal.metric.type == "proportion" and numbers.voting == "raw"
    clustered = bool(made.checks.get("min_clusters"))
    by_counts = proportion and not clustered
    score = (made.rule != "always" and by_counts) or (signal.kind == "feedback" and voting.df is None)
    if p is not None and made.se and 0.0 < p < 1.0 and (by_counts or score):
        q = voting.candidate if voting.candidate is not None else p
        worth = (p * (1.0 - p) / n0 + q * (1.0 - q) / n1) / made.se**2
        if abs(worth - 1.0) < ALIKE:
            worth = 1.0
        if worth == 1.0 or not proportion:
            se = math.sqrt(p * (1.0 - p) * (1.0 / n0 + 1.0 / n1) / worth)
            return replace(made, law="proportion", se=se, df=None, worth=worth, score=score)
    level = numbers.estimates.get("raw", voting)
    spread = level.se or made.se or 0.0
    units = 2.0 * (made.checks.get("min_clusters") or 0.0) or n0 + n1
    quantile = signal.metric is not None and signal.metric.type == "quantile"
    return replace(
        made,
        df=None if quantile or score else made.df or units - 2.0,
        control_se=spread * math.sqrt(n1 / (n0 + n1)),
    )


def _two_arms(made: Design, signal: Signal) -> float:
    """How far the always-valid interval of a quantile reaches, in standard errors of the difference of equal arms.

    Each arm has half of the error rate and the two halves add up, so it is the root of two times one arm's.
    """
    half = 1.0 - (1.0 - each(made, signal.confidence)) / 2.0
    return math.sqrt(2.0) * multiplier(made.n / 2.0, half, planned_units(signal) / 2.0)


# --- segments -------------------------------------------------------------------------------------------------------


def _segments(made: Design, signal: Signal, numbers: Numbers) -> tuple[SegmentDesign, ...]:
    parts = Counter(one.name.partition("=")[0] for one in numbers.segments)
    return tuple(
        _segment(made, signal, one, parts[one.name.partition("=")[0]], len(numbers.segments))
        for one in numbers.segments
    )


def _segment(made: Design, signal: Signal, one: SegmentEstimate, parts: int, together: int) -> SegmentDesign:
    refused = one.low is None or one.high is None
    found = SegmentDesign(
        one.name, one.share, one.n_control, one.n_candidate, one.control, None, refused=refused or one.effect is None
    )
    if not one.n_control or not one.n_candidate:
        return found
    if made.law == "proportion" and one.control is not None:
        p = one.control
        return replace(found, se=math.sqrt(p * (1.0 - p) * (1.0 / one.n_control + 1.0 / one.n_candidate) / made.worth))
    if one.low is None or one.high is None or one.adjusted_low is None or one.adjusted_high is None:
        return found
    half, far = (one.high - one.low) / 2.0, (one.adjusted_high - one.adjusted_low) / 2.0
    if made.rule == "always":
        quantile = signal.metric is not None and signal.metric.type == "quantile"
        n = float(one.n_control + one.n_candidate)
        own = replace(made, n_control=one.n_control, n_candidate=one.n_candidate)
        plan = planned_units(signal) / parts
        reach = (
            _two_arms(own, replace(signal, planned_units=max(1, round(plan))))
            if quantile
            else multiplier(n, each(made, signal.confidence), plan)
        )
        return replace(found, se=half / reach, df=None if quantile else n - 2.0)
    joint = 1.0 - (1.0 - signal.confidence) / together
    if made.rule == "planned":
        return replace(found, se=half / critical(made.once or signal.confidence), df=None)
    levels = each(made, signal.confidence), each(made, joint)
    df = _df(far / half, *levels) if together > 1 else made.df
    return replace(found, se=half / critical(levels[0], df), df=df)


def _df(ratio: float, near: float, far: float) -> float | None:
    """The degrees of freedom whose t quantiles stand in this ratio; None when those of the normal do."""
    if ratio <= critical(far) / critical(near) * (1.0 + 1e-6):
        return None
    low, high = 1.0, 1e6
    for _ in range(60):
        middle = math.sqrt(low * high)
        if critical(far, middle) / critical(near, middle) > ratio:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


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
    n0, n1 = design.n_control, design.n_candidate
    # The precision of a difference goes with the harmonic mean of the arms' sizes.
    times = n / (2.0 / (1.0 / n0 + 1.0 / n1))
    se = math.sqrt(design.floor + (design.se**2 - design.floor) / times)
    if design.panel is not None:
        se = math.sqrt(design.panel.squared(n))
    return replace(
        design,
        n_control=float(n),
        n_candidate=float(n),
        se=se,
        df=None if design.df is None else max(1.0, design.df * times),
        control_se=design.control_se / math.sqrt(times),
        once=None,
        checks={name: value * times if value is not None and name in FOLLOW_N else value
                for name, value in design.checks.items()},
        segments=tuple(
            replace(
                one,
                n_control=one.n_control * times,
                n_candidate=one.n_candidate * times,
                se=None if one.se is None else one.se / math.sqrt(times),
                df=None if one.df is None else max(1.0, one.df * times),
                refused=one.refused and one.se is None,
            )
            for one in design.segments
        ),
    )  # fmt: skip
