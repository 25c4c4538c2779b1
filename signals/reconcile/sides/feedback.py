"""The side of thumbs: who was asked, who chose to answer, and what the effect settles at.

*Response* is what the choice to rate could account for at most. One variant has more ratings per answer shown; if it
made people rate who would else be silent, and silenced nobody (monotone selection: Lee 2009, Review of Economic Studies
76:1071-1102), its ratings are those of people who rate either way, and of others. The others are taken to be of the one
sort, satisfied or not, that brings the effect towards the signal that it is held against: that end of Lee's bounds. The
bound has a kink where both variants have the same response rate; see ``signals.reconcile.sides.feedback_shape``.
"""

from __future__ import annotations

from signals.model import Correction, Evidence, Numbers, Signal
from signals.readings.feedback_arms import NOT_SHOWN
from signals.reconcile.sides.base import Mix, Other, Side
from signals.reconcile.sides.cells import dated, days_of, side_from, voting_of
from signals.reconcile.sides.dual import Dual
from signals.reconcile.sides.feedback_shape import Per, Shape, Thumbs, arms_of, responses_of
from signals.reconcile.sides.overlap import Later, Weighting, later_of, mix_of, named_by_all, weighting_of
from signals.stats.difference import RefusedError
from signals.stats.rates import FEWEST
from signals.words import count, p_value, share

__all__ = ["days_of", "feedback_mix", "feedback_side"]

SHOWN_REMEDY = "pull how many answers were shown"


def feedback_mix(signal: Signal, evidence: Evidence) -> Mix | None:
    """Shares of the answers shown (of responses where those are not known), both arms together, by segment.

    None when no dimension is named by all cells.
    """
    cells = [cell for arm in arms_of(evidence) for cell in arm]
    if any(cell.impressions is None for cell in cells):
        return mix_of(f"{signal.name}'s ratings", [(cell.segment, responses_of(cell)) for cell in cells])
    return mix_of(
        f"everyone who was shown an answer ({signal.name})",
        [(cell.segment, float(cell.impressions or 0)) for cell in cells],
    )


def feedback_side(signal: Signal, evidence: Evidence, numbers: Numbers, other: Other) -> Side:
    """The effect of thumbs as it votes, and under its corrections for population, response and timing.

    Args:
        signal: Of kind feedback.
        evidence: Its own.
        numbers: Its reading's, from the same evidence.
        other: The signal that it is held against: its mix is the population, its days limit those that are compared,
            and the response is corrected towards it.

    Raises:
        RefusedError: When the number that votes has no interval, or is not of this evidence.
    """
    voting_of(numbers)
    if numbers.voting not in ("per_response", "per_impression"):
        raise RefusedError(f"{numbers.voting} is no rate of thumbs")
    per: Per = "per_impression" if numbers.voting == "per_impression" else "per_response"
    thumbs = Thumbs(arms_of(evidence), per)
    later, timing = _timing(signal, thumbs, other)
    weighting, by_impressions, weighted = _population(signal, thumbs, later, other)
    dimensions = weighting.dimensions if weighting else ()
    totals = thumbs.totals(frozenset(later.days) if later else frozenset(), dimensions)
    shape = Shape(per, weighting, by_impressions, other.toward, totals)
    every = (weighted, _response(signal, thumbs, numbers, other, shape), timing)
    able = [one for one in every if not one.refused]
    refused = [one for one in every if one.refused]

    def value(mask: int, *, slopes: bool = False) -> Dual:
        names = {one.cause for bit, one in enumerate(able) if mask >> bit & 1}
        return shape.effect(
            late="timing" in names, population="population" in names, response="response" in names, slopes=slopes
        )

    return side_from(signal, numbers, totals, able, refused, value, lambda mask: value(mask, slopes=True))


# --- corrections ----------------------------------------------------------------------------------------------------


def _timing(signal: Signal, thumbs: Thumbs, other: Other) -> tuple[Later | None, Correction]:
    days = dated(thumbs.cells)
    later: Later | tuple[str, str]
    if not days:
        later = "its cells carry no day", "map `at` (`day` where the source counts)"
    else:
        later = later_of(days, other)
    if isinstance(later, Later):
        part = Thumbs(tuple([c for c in arm if c.day in later.days] for arm in thumbs.arms), thumbs.per)  # type: ignore[arg-type]  # two arms
        least = part.independent()
        if least < FEWEST:
            later = (
                f"{later.words}: {least:,.0f} independent people gave an arm's rarer thumb; {FEWEST:.0f} are needed",
                "more ratings or days",
            )
    if not isinstance(later, Later):
        why, remedy = later
        return None, Correction("timing", signal.name, refused=why, remedy=remedy)
    whose = "users who came" if thumbs.users else "ratings given"
    of = sum(responses_of(cell) for cell in part.cells), sum(responses_of(cell) for cell in thumbs.cells)
    return later, Correction("timing", signal.name, f"{whose} {later.words}: {count(of[0])} of {count(of[1])} ratings")


def _population(
    signal: Signal, thumbs: Thumbs, later: Later | None, other: Other
) -> tuple[Weighting | None, bool, Correction]:
    """Segments weighted to whom the other signal speaks for, else to everyone who was shown an answer.

    Returns:
        The weights; whether they are the shares of the answers shown, and so have errors of their own; the correction.
    """

    def refused(why: str, remedy: str) -> tuple[None, bool, Correction]:
        return None, False, Correction("population", signal.name, refused=why, remedy=remedy)

    named = named_by_all(cell.segment for cell in thumbs.cells)
    if not named:
        return refused("the thumbs carry no segments", "map `segment.*` in their source")
    shared = tuple(name for name in other.mix.dimensions if name in named) if other.mix else ()
    mix = other.mix.over(shared) if other.mix and shared else None
    by_impressions = mix is None
    if mix is None and thumbs.per == "per_response" and thumbs.shown:
        mix = thumbs.shown_by(tuple(name for name in named if name in signal.segments) or named)
    if mix is None:
        why, remedy = other.why_no_mix
        if other.mix is not None:
            have = " and ".join(other.mix.dimensions)
            why, remedy = f"of {other.mix.of} only {have} is known", f"map `segment.{other.mix.dimensions[0]}`"
        if thumbs.per == "per_response" and not why:
            why, remedy = NOT_SHOWN, SHOWN_REMEDY
        return refused(why or "whom the other signal speaks for is not known", remedy or "the same segments in both")
    found = weighting_of(mix, lambda dimensions: thumbs.sizes(dimensions, later), "ratings")
    if not isinstance(found, Weighting):
        return refused(*found)
    by = " and ".join(found.dimensions)
    said = f"ratings weighted by {by} to {mix.of}{found.left}"
    return found, by_impressions, Correction("population", signal.name, said)


def _response(signal: Signal, thumbs: Thumbs, numbers: Numbers, other: Other, shape: Shape) -> Correction:
    def refused(why: str, remedy: str) -> Correction:
        return Correction("response", signal.name, refused=why, remedy=remedy)

    if thumbs.per == "per_impression":
        return refused("everyone who was shown an answer counts already", "nothing: it cannot be due to who rates")
    if not thumbs.shown:
        return refused(thumbs.why_not_shown, SHOWN_REMEDY)
    lee = numbers.estimates.get("lee")
    if lee is None or lee.refused:
        return refused(lee.refused or "" if lee else "no bounds were computed", "more ratings of the rarer thumb")
    (d0, x0), (d1, x1) = (
        (sum(map(responses_of, arm)), sum(float(c.impressions or 0) for c in arm)) for arm in thumbs.arms
    )
    r0, r1 = d0 / x0, d1 / x1
    more = r1 > r0
    who, high, low = ("candidate", r1, r0) if more else ("control", r0, r1)
    # Trimming the satisfied of the arm with more ratings lowers that arm, and so on.
    satisfied = (other.toward < 0.0) == more
    who_gave = "all of the extra ones were" if satisfied else "none of the extra ones was"
    extra = 100.0 * (high / low - 1.0)
    by = f"{extra:.{0 if extra >= 10.0 else 1}f} % more ratings for the {who}"
    if extra < 0.05:
        by = "as many ratings for both"
    rates = f"{share(r1)} of the candidate's answers rated, {share(r0)} of the control's"
    measures = {one.name: one for one in numbers.measures}
    shift = measures.get("response_rate_shift_p")
    p = f", p = {p_value(shift.value)}".replace("= <", "<") if shift is not None and shift.value is not None else ""
    said = f"{by} ({rates}{p}); at most this, if {who_gave} satisfied"
    if shape.more[0] != shape.more[1]:
        said += f"; on the later days the {'control' if more else 'candidate'} has more, and its extra ones go there"
    tip = measures.get("tipping_share")
    if tip is not None and tip.value is not None:
        said += f"; {tip.why}"
    return Correction("response", signal.name, said)
