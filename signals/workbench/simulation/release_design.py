"""The designs of a release, from the numbers that the store keeps of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from signals.checks import checks_of
from signals.model import Estimate, Numbers, SegmentEstimate, Signal
from signals.policy import Policy
from signals.workbench.simulation.design import (
    LIVE,
    UNPAIRED,
    Crossed,
    Design,
    SegmentDesign,
    always_reach,
    critical,
    each,
    rule_of,
)

ALIKE = 0.02  # how far a standard error may be from that of counts for the counts to be drawn
CROSSED = "items and raters random"  # how the panel's crossed layout begins its method


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


def _design(signal: Signal, numbers: Numbers, voting: Estimate, as_of: datetime, family: int, source: str) -> Design:
    made = Design(
        signal.name,
        "normal",
        rule_of(signal),
        voting.n_control,
        voting.n_candidate,
        None,
        control=voting.control,
        family=family,
        grows=signal.kind in UNPAIRED,
        days=_days(numbers),
        checks=_checks(signal, numbers, as_of),
        unit=numbers.unit,
        counted=numbers.counted,
        source=source,
    )
    if voting.low is None or voting.high is None:
        return replace(made, refused=voting.refused or f"the {numbers.voting} estimate has no interval")
    if any(name.startswith("versus ") for name in numbers.estimates):
        return replace(made, refused="it is compared with the best of several controls, whose joint error is not known")
    half = (voting.high - voting.low) / 2.0
    # An interval without width has no reach of its own, whatever its standard error says.
    reach = (half / voting.se if voting.se else 0.0) or critical(voting.confidence, voting.df)
    se, df = half / reach, voting.df
    if signal.metric is not None and signal.metric.type == "quantile" and made.rule == "always":
        made = replace(made, by_arm=True)
        se, df = half / always_reach(signal, made, signal.confidence, made.n), None
    made = replace(made, se=se, df=df, bounded=numbers.unit == "net preference", once=_once(signal, reach, df))
    if signal.kind == "panel":
        made = _panel(made, signal, numbers, voting)
    elif signal.kind in LIVE:
        made = _live(made, signal, numbers, voting)
    else:
        made = replace(made, floor=numbers.components.get("rater_error", 0.0) if numbers.voting == "corrected" else 0.0)
    return replace(made, segments=_segments(made, signal, numbers), once_joint=_once_joint(made, numbers))


def _once(signal: Signal, reach: float, df: float | None) -> float | None:
    if rule_of(signal) != "planned":
        return None
    from signals.stats.tails import two_sided_p

    return 1.0 - two_sided_p(reach, df)


def _once_joint(made: Design, numbers: Numbers) -> float | None:
    """As ``once``, of the adjusted bounds: every segment's are as much wider than its plain ones."""
    if made.once is None:
        return None
    from signals.stats.tails import two_sided_p

    for one in numbers.segments:
        if None not in (one.low, one.high, one.adjusted_low, one.adjusted_high) and one.high != one.low:
            times = (one.adjusted_high - one.adjusted_low) / (one.high - one.low)  # type: ignore[operator]  # just seen
            return 1.0 - two_sided_p(times * critical(made.once))
    return None


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
        df=None if quantile or score else made.df or max(1.0, units - 2.0),
        control_se=spread * math.sqrt(n1 / (n0 + n1)),
    )


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
        se = math.sqrt(p * (1.0 - p) * (1.0 / one.n_control + 1.0 / one.n_candidate) / made.worth)
        # Whether an always-valid interval has the events it needs is asked again at every size and look.
        return replace(found, se=se, refused=found.refused and made.rule != "always")
    if one.low is None or one.high is None or one.adjusted_low is None or one.adjusted_high is None:
        return found
    half, far = (one.high - one.low) / 2.0, (one.adjusted_high - one.adjusted_low) / 2.0
    if made.rule == "always":
        n = float(one.n_control + one.n_candidate)
        reach = always_reach(signal, made, signal.confidence, n, parts)
        return replace(found, se=half / reach, df=None if made.by_arm else n - 2.0)
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

    def above(inverse: float) -> float:
        return critical(far, 1.0 / inverse) / critical(near, 1.0 / inverse) - ratio

    # In 1/df the ratio is nearly a straight line: false position, the stale end halved (Dowell and Jarratt 1971).
    (low, under), (high, over) = ((inverse, above(inverse)) for inverse in (1e-6, 1.0))
    if over <= 0.0:
        return 1.0
    if under >= 0.0:
        return 1e6
    side = 0.0
    for _ in range(60):
        inverse = (low * over - high * under) / (over - under)
        found = above(inverse)
        if abs(found) < 1e-13 * ratio:
            break
        if found < 0.0:
            low, under, over = inverse, found, over / 2.0 if side < 0.0 else over
        else:
            high, over, under = inverse, found, under / 2.0 if side > 0.0 else under
        side = found
    return 1.0 / inverse
