"""What a reading says, in one clause that is true of its numbers: shared by the sentence and the ways out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from signals.model import Reading, Signal
from signals.words import bounds, level, number


def title(name: str) -> str:
    """``thumbs_up`` -> ``Thumbs up``: a signal's name at the start of a sentence."""
    text = plainly(name)
    return text[:1].upper() + text[1:]


def plainly(name: str) -> str:
    """``thumbs_up`` -> ``thumbs up``; the edge of a name stays as it is, for ``_x1`` is not ``x1``."""
    return re.sub(r"(?<=[^\W_])_(?=[^\W_])", " ", name)


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def the_margin(signal: Signal, reading: Reading) -> str:
    """``the 0.5 pp margin``, ``the margin of 2 % of control (1.2 usd)``."""
    if signal.margin is None:
        return "the margin"
    text = signal.margin.text
    if signal.margin.relative:
        return f"the margin of {text.removesuffix('%')} % of control ({number(reading.margin, reading.unit)})"
    return f"the {text.removesuffix('pp')} pp margin" if text.endswith("pp") else f"the {text} margin"


def interval(reading: Reading) -> str:
    """``95 % CI −0.88 to −0.36``."""
    return f"{level(reading.confidence)} {bounds(reading.low, reading.high, reading.unit)}"


def claim(signal: Signal, reading: Reading) -> str:
    """One clause, with the numbers, without a full stop."""
    name = title(signal.name)
    if reading.state == "missing":
        return f"{name} has no evidence for this release"
    if reading.state == "untrusted":
        return f"{name} cannot be trusted: {reading.why.rstrip('.')}"
    if reading.effect is None or reading.benefit.low is None or reading.benefit.high is None:
        return f"{name} is {reading.state}: {reading.why.rstrip('.')}"
    if reading.state in ("win", "loss"):
        return _moved(name, signal, reading)
    shown = f"{name} is {reading.state}: {number(reading.effect, reading.unit, signed=True)} ({interval(reading)})"
    if reading.state == "flat":
        return f"{shown}, inside {the_margin(signal, reading)}"
    return f"{shown} {_unclear(signal, reading, reading.benefit.low, reading.benefit.high)}"


def _moved(name: str, signal: Signal, reading: Reading) -> str:
    effect, value = reading.effect or 0.0, reading.benefit.value or 0.0
    verb = "rose" if effect > 0 else "fell"
    if signal.distance:
        verb = "moved away by"
    text = f"{name} {verb} {number(abs(effect), reading.unit)} ({interval(reading)})"
    if signal.better == "lower" and not signal.distance:
        text += ", and lower is better"
    low, high, margin = reading.benefit.low, reading.benefit.high, reading.margin
    if low is None or high is None or margin is None:
        return text
    if reading.state == "win":
        # The smallest benefit first: low is the nearer end of a win, high that of a loss.
        near, far, word = low, high, "better than"
    else:
        near, far, value, word = -high, -low, -value, "worse than"
    limit = the_margin(signal, reading)
    if near > margin or signal.distance:
        return f"{text}; the whole interval is {'beyond' if signal.distance else word} {limit}"
    # That it lies on one side of zero is what makes it a win or a loss; the margin says how much of one.
    text = f"{text}; the whole interval is {'above' if effect > 0 else 'below'} zero"
    if value > margin:
        return f"{text}, the estimate {word} {limit}"
    if far > margin:
        return f"{text}, part of it beyond {limit}"
    return f"{text}, within {limit}"


def _unclear(signal: Signal, reading: Reading, low: float, high: float) -> str:
    if signal.distance and reading.margin is not None and low <= -reading.margin < high:
        return f"may lie on either side of {the_margin(signal, reading)}"
    if low > 0 or high < 0 or (reading.margin is not None and low > -reading.margin and high < reading.margin):
        return reading.why.rstrip(".")  # the interval is clear; something else is not ripe
    if reading.margin is None:
        return "crosses zero, and no margin says how much would matter"
    limit = the_margin(signal, reading)
    if low <= -reading.margin:
        return f"cannot rule out a loss beyond {limit}"
    return f"could be nothing or a gain beyond {limit}"
