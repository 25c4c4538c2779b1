"""Numbers with units, as the policy file writes them outside conditions: margins, thresholds, given facts."""

from __future__ import annotations

import math
import re

from signals.model import Margin

_NUMBER = re.compile(r"(-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)\s?(pp|%|h|d)?")


def split(value: object) -> tuple[float, str]:
    """``"0.5pp"`` -> ``(0.5, "pp")``; a plain number has the unit ``""``.

    Raises:
        ValueError: In words for the person who wrote it.
    """
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r:.40} is not a number; write it like 0.1, 5%, 0.5pp, 6h or 3d")
        number, unit = float(match[1]), match[2] or ""
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("is not a number")  # noqa: TRY004  # pydantic turns ValueError into a placed message
    else:
        number, unit = float(value), ""
    if not math.isfinite(number):
        raise ValueError("the number is not finite")
    return number, unit


def margin(value: object) -> Margin:
    """``0.5pp`` (absolute .005), ``2%`` (of control), ``0.1``."""
    number, unit = split(value)
    if unit in ("h", "d"):
        raise ValueError("a margin is an effect, not a duration; write it like 0.5pp, 2% or 0.1")
    if number <= 0:
        raise ValueError("a margin is above 0")
    return Margin(number / 100 if unit else number, unit == "%", str(value).strip().replace(" ", ""))


def threshold(value: object, unit: str) -> float:
    """A check's threshold in base units (``signals.checks.Unit``)."""
    if unit == "yes":
        if value is True:
            return 1.0
        raise ValueError("is a yes or no: write `true`, or leave it out")
    return quantity(value, unit)


def quantity(value: object, unit: str) -> float:
    """A number of one unit in base units: ``p``, ``count``, ``seconds``, ``share``, ``number``, ``effect``."""
    number, written = split(value)
    if unit == "seconds":
        if written not in ("h", "d") and number != 0:
            raise ValueError("is a duration; write it like 6h or 3d")
        result = number * (3600.0 if written == "h" else 86_400.0)
    elif unit == "effect":
        if written not in ("", "pp"):
            raise ValueError("is an effect; write it like 0.5pp or 0.005")
        return number / 100 if written else number
    elif unit in ("share", "p"):
        if written not in ("", "%"):
            raise ValueError("is a share; write it like 0.05 or 5%")
        result = number / 100 if written else number
        if result > 1:
            raise ValueError("is at most 1 (100 %)")
    else:
        if written:
            raise ValueError("is a plain number, without a unit")
        result = number
    if result < 0 and unit != "number":
        raise ValueError("is not negative")
    return result
