"""Flips in words: one clause each, to be read aloud at the standup."""

from __future__ import annotations

import math
from collections.abc import Sequence

from signals.checks import CheckSpec
from signals.model import Call, Reading, Signal, State
from signals.policy.wording import listed, plainly
from signals.reconcile.flip.lines import Crossing
from signals.words import duration, number, plural, quantity, share


def decimals(unit: str, value: float) -> tuple[int, int]:
    """How many decimals an effect has at least, as it is written elsewhere, and what it is multiplied with."""
    if unit == "pp":
        return 2, 100
    text = number(value, unit, bare=True)
    return (len(text.partition(".")[2]), 1)


def owned(name: str) -> str:
    """``conversion's``, ``thumbs'``."""
    name = plainly(name)
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def effect(value: float, unit: str, digits: int, *, bare: bool = False, signed: bool = True) -> str:
    """An effect with so many decimals: ``−0.39 pp``."""
    shown = f"{100 * value if unit == 'pp' else value:{'+' if signed else ''},.{digits}f}"
    if float(shown.replace(",", "")) == 0:
        shown = shown.lstrip("+-")
    shown = shown.replace("-", "−")
    return shown if bare or not unit else f"{shown} {unit}"


def shifted(
    signal: Signal, reading: Reading, crossing: Crossing, beyond: float, digits: int, inside: bool | None
) -> str:
    """``if conversion's loss were no worse than −0.39 pp (now −2.00): hold``.

    Args:
        signal: Whose effect.
        reading: Its reading.
        crossing: Where the call changes.
        beyond: The benefit past it that is told.
        digits: Decimals of that.
        inside: Whether the crossing lies in the interval; None when nothing hangs on that.
    """
    now = reading.benefit.value or 0.0
    there, here = _two(signal.sign * beyond, signal.sign * now, reading.unit, digits)
    better = crossing.direction == "above"
    if crossing.direction == "is":
        said = f"effect were exactly {there}"
    elif reading.state == "loss" and now < 0 and beyond < 0:
        said = f"loss were no worse than {there}" if better else f"loss were {there} or worse"
    elif reading.state == "win" and now > 0 and beyond > 0:
        said = f"gain were {there} or better" if better else f"gain were no better than {there}"
    else:
        said = f"effect were {there} or {'more' if better == (signal.sign > 0) else 'less'}"
    ends = _ends(signal, reading, crossing, beyond, digits, inside)
    return f"if {owned(signal.name)} {said} (now {here}{ends}): {crossing.to}"


def _ends(signal: Signal, reading: Reading, crossing: Crossing, beyond: float, digits: int, inside: bool | None) -> str:
    """The end of the interval, where as it is written elsewhere the value would seem to lie on its other side."""
    low, high, unit = reading.benefit.low, reading.benefit.high, reading.unit
    if inside is None or low is None or high is None:
        return ""

    def rounded(end: float, more: int = 0) -> float:
        places, scale = decimals(unit, end)
        return round(scale * end, max(places, more)) / scale

    if (rounded(low) <= beyond <= rounded(high)) == inside:
        return ""
    end = high if crossing.direction == "above" else low
    for more in range(digits, digits + 8):
        if (rounded(end, more) > beyond) == (end > beyond) and rounded(end, more) != beyond:
            break
    return f", its interval to {effect(signal.sign * end, unit, more, bare=True)}"


def bound(signal: Signal, reading: Reading, key: str, crossing: Crossing, beyond: float, digits: int) -> str:
    """``if only the upper end of conversion's interval were +0.01 pp (now −0.31): hold``; it is the effect's own."""
    now = (reading.benefit.low if key == "low" else reading.benefit.high) or 0.0
    there, here = _two(signal.sign * beyond, signal.sign * now, reading.unit, digits)
    end = "lower" if (key == "low") == (signal.sign > 0) else "upper"
    return f"if only the {end} end of {owned(signal.name)} interval were {there} (now {here}): {crossing.to}"


def segment(
    signal: Signal, reading: Reading, name: str, fact: str, now: float, crossing: Crossing, beyond: float, digits: int
) -> str:
    """``if conversion in plan=enterprise did 0.49 pp worse: rollback``, with the number that then meets its limit."""
    steps = (100 if reading.unit == "pp" else 1) * 10**digits
    by = effect(math.ceil(abs(beyond - now) * steps - 1e-6) / steps, reading.unit, digits, signed=False)
    how = "better" if beyond > now else "worse"
    label = {"benefit": "benefit", "low": "lower bound", "high": "upper bound", "adjusted.low": "adjusted lower bound",
             "adjusted.high": "adjusted upper bound", "shrunk": "shrunk benefit", "shrunk.low": "shrunk lower bound",
             "shrunk.high": "shrunk upper bound"}[fact]  # fmt: skip
    there, here = _two(beyond, now, reading.unit, digits)
    of = "its" if signal.sign > 0 or fact in ("benefit", "shrunk") else "its benefit's"
    return f"if {plainly(signal.name)} in {name} did {by} {how} ({of} {label} {there} instead of {here}): {crossing.to}"


def share_of(
    signal: Signal, reading: Reading, name: str, now: float, crossing: Crossing, beyond: float, digits: int
) -> str:
    """``if plan=enterprise were 5.1 % of conversion's users (now 4.2 %): rollback``."""
    of = f"{owned(signal.name)} {reading.counted or 'units'}"
    return f"if {name} were {share(beyond, digits)} of {of} (now {share(now, digits)}): {crossing.to}"


def _two(there: float, here: float, unit: str, digits: int) -> tuple[str, str]:
    """Two effects that are written differently, the second without its unit."""
    for more in range(digits, digits + 8):
        one, two = effect(there, unit, more), effect(here, unit, more, bare=True)
        if effect(there, unit, more, bare=True) != two:
            return one, two
    return one, two


# --- checks and other numbers ---------------------------------------------------------------------------------------

_TOGETHER = {
    "human_agreement": "if people agreed with {name} at {there} instead of {here}",
    "agreement": "if {owned} raters agreed at {there} instead of {here}",
    "agreement_low": "if the lower bound of {owned} rater agreement were {there} instead of {here}",
    "ac2": "if {owned} raters agreed at {there} (AC2) instead of {here}",
    "self_consistency": "if {owned} raters agreed with themselves at {there} instead of {here}",
    "gold_accuracy": "if {owned} worst rater were right on {there} of the gold items instead of {here}",
    "max_sources": "if {there} fed {name} instead of {here}",
    "full_weeks": "if {name} had run for {there} instead of {here}",
    "min_items": "if {name} had {there} instead of {here}",
    "min_effective_items": "if {name} had {there} effective items instead of {here}",
    "min_overlap": "if people had graded {there} of {owned} items instead of {here}",
    "min_raters": "if {name} had {there} instead of {here}",
    "min_units": "if {name} had {there} in the smaller arm instead of {here}",
    "min_clusters": "if {name} had {there} in the smaller arm instead of {here}",
    "min_responses": "if {name} had {there} in the smaller arm instead of {here}",
    "n": "if {name} had {there} instead of {here}",
    "power": "if {owned} power at the margin were {there} instead of {here}",
    "mde": "if {name} could detect an effect of {there} instead of {here}",
}  # fmt: skip


def label(check: str) -> str:
    """``sample-ratio`` for ``sample_ratio_p``, ``error-rate`` for ``max_error_rate``."""
    return check.removeprefix("min_").removeprefix("max_").removesuffix("_p").replace("_", "-")


_NOUNS = {"max_sources": "sources", "full_weeks": "whole weeks", "min_items": "items", "min_raters": "raters",
          "min_clusters": "clusters", "min_responses": "responses"}  # fmt: skip
SPECIAL = frozenset({*_TOGETHER, "age"})
"""Numbers that are told as numbers, though a check asks for them too."""


def numeric(name: str, fact: str, reading: Reading, crossing: Crossing, shown: tuple[str, str]) -> str:
    """A number that is not an effect.

    Args:
        name: Of the signal.
        fact: Without the signal's name.
        reading: Its reading.
        crossing: Where the call changes.
        shown: In words: the number past the crossing, and the number now.
    """
    there, here = shown
    noun = (reading.counted or "units") if fact in ("min_units", "n") else _NOUNS.get(fact)
    if noun:
        there = plural(float(crossing.at), noun)
    if crossing.direction == "is":
        there = f"exactly {there}"
    if fact == "age":
        return f"if {owned(name)} newest evidence were {_limit(crossing)} old (now {here}): {crossing.to}"
    text = _TOGETHER.get(fact) or f"if {{owned}} {label(fact)} were {{there}} instead of {{here}}"
    said = text.format(name=plainly(name), owned=owned(name), there=there, here=here)
    return f"{said}: {crossing.to}"


def _limit(crossing: Crossing) -> str:
    """A duration that the call changes at: exactly there when the crossing is closed, else just past it."""
    how = {"above": "at least" if crossing.closed else "more than",
           "below": "at most" if crossing.closed else "less than", "is": "exactly"}[crossing.direction]  # fmt: skip
    return f"{how} {duration(float(crossing.at))}"


def measure(value: float, unit: str, digits: int) -> str:
    """A check's number with so many decimals, where it has any."""
    if unit == "share":
        return share(value, digits)
    if unit in ("p", "count", "seconds", "yes"):
        return f"{value:,.{digits}f}" if unit == "count" and value != round(value) else quantity(value, unit)
    return f"{value:,.{digits}f}".replace("-", "−")


def status(name: str, spec: CheckSpec, value: float, limit: float, *, fails: bool, to: Call) -> str:
    """``if conversion's sample-ratio check failed (p-value below 0.001, now 0.41): hold``."""
    said = f"if {owned(name)} {label(spec.name)} check {'failed' if fails else 'passed'}"
    if spec.unit == "yes":
        return f"{said}: {to}"
    under = (spec.passes == ">=") == fails
    how = ("below" if under else "above") if fails else ("at most" if under else "at least")
    what = "p-value " if spec.unit == "p" else ""
    return f"{said} ({what}{how} {quantity(limit, spec.unit)}, now {quantity(value, spec.unit)}): {to}"


def known(name: str, fact: str, region: str, to: Call) -> str:
    """A number that does not exist: ``if judge's human-agreement were known and at least 0.60: ship``."""
    more = f" and {region}" if region else ""
    what = "agreement with people" if fact == "human_agreement" else label(fact)
    return f"if {owned(name)} {what} were known{more}: {to}"


# --- states ---------------------------------------------------------------------------------------------------------

_STATES: dict[State, str] = {"win": "a win", "loss": "a loss", "flat": "flat", "unclear": "unclear"}


def believed(name: str, now: State, state: State, *, as_it_stands: bool, quiet: Sequence[str], to: Call) -> str:
    """``if panel were there and were a win: ship``; ``if thumbs could be trusted, flat as its numbers stand: hold``."""
    if as_it_stands:
        said = f"if {plainly(name)} could be trusted, {_STATES[state]} as its numbers stand"
    else:
        said = (
            f"if {plainly(name)} {'were there' if now == 'missing' else 'could be trusted'} and were {_STATES[state]}"
        )
    if quiet:
        said += f", and {'guardrail' if len(quiet) == 1 else 'guardrails'} {listed(quiet)} did not fire"
    return f"{said}: {to}"


def release_age(now: float, crossing: Crossing) -> str:
    """``if the release were at least 14 days old (now 9.4 days): hold``."""
    return f"if the release were {_limit(crossing)} old (now {duration(now)}): {crossing.to}"
