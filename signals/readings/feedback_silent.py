"""What those who gave no thumb could change: response rates, bounds, and how few of them turn the sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from signals.model import Estimate, Measure, Moments
from signals.readings.common import nothing, refusal
from signals.readings.feedback_arms import NOT_SHOWN, Arm
from signals.stats.difference import RefusedError
from signals.stats.missing import Bounds, lee, manski, tipping
from signals.stats.rates import FEW, outcome, rate_difference

SAYS: dict[str, str] = {
    "manski": "positives per answer shown if the silent may think anything (Manski)",
    "lee": "positives per response of those who would respond under either variant (Lee)",
}
BOUNDS: dict[str, Callable[[Moments, Moments, float], Bounds]] = {"manski": manski, "lee": lee}


def bounds(kind: Literal["manski", "lee"], arms: tuple[Arm, Arm], users: bool, confidence: float) -> Estimate:
    """Bounds as an estimate: its interval holds the effect wherever in the set it lies, and there is no effect.

    ``arms`` are (control, candidate).
    """
    control, candidate = arms
    counts = (control.n, candidate.n)
    if not all(counts):
        return nothing(confidence, counts)
    try:
        found = BOUNDS[kind](candidate.per_answer(users), control.per_answer(users), confidence)
    except RefusedError as refused:
        return refusal(str(refused), confidence, counts)
    ends = f"{100 * found.least:+.2f} to {100 * found.most:+.2f} pp"
    warnings = []
    if not users:
        warnings.append("users are not known: one who responds often counts as several")
    elif not all(arm.by_person for arm in arms):
        warnings.append("what each user was shown is not known: one who sees much counts as several")
    if kind == "lee" and found.independent < FEW:
        few = f"{found.independent:,.0f} independent users gave the rarer thumb in an arm"
        warnings.append(f"{few}: the bounds may be too narrow")
    return Estimate(
        found.least if found.least == found.most else None,
        found.low,
        found.high,
        f"{SAYS[kind]}: {ends} before chance, interval of Imbens and Manski",
        confidence,
        n_control=counts[0],
        n_candidate=counts[1],
        warnings=tuple(warnings),
    )


def response_rate_shift(arms: tuple[Arm, Arm], users: bool, confidence: float) -> Measure:
    """p-value of equal response rates: by user where users and their impressions are known, else a score test."""
    name = "response_rate_shift_p"
    control, candidate = arms
    if not control.impressions or not candidate.impressions:
        return Measure(name, None, NOT_SHOWN)
    rates = (control.responses / control.impressions, candidate.responses / candidate.impressions)
    shown = f"{100 * rates[0]:.2f} % and {100 * rates[1]:.2f} % responded"
    try:
        new, old = (outcome(arm.per_answer(users), "shown", d=1.0) for arm in (candidate, control))
        return Measure(name, rate_difference(new, old, confidence).difference.p_value, shown)
    except RefusedError as refused:
        return Measure(name, None, str(refused))


def tipping_share(arms: tuple[Arm, Arm]) -> Measure:
    """How large a share of the candidate's silent answers would turn the sign of the difference per response."""
    control, candidate = arms
    try:
        # What the control was shown has no part in it: its silent are taken to be like its responders.
        found = tipping(candidate.counts(), (round(control.positives), control.n, control.n))
    except RefusedError as refused:
        return Measure("tipping_share", None, str(refused))
    if found.needed is None:
        return Measure(
            "tipping_share",
            1.0,
            f"the sign stays even if all of the candidate's {found.silent:,} silent answers go against its responders",
        )
    text = (
        f"if {found.needed:,} of the candidate's {found.silent:,} silent answers went against its responders and the "
        "rest were like them, the sign would turn"
    )
    return Measure("tipping_share", found.share, text)
