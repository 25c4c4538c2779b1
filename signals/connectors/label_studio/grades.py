"""Answers of raters as grades or sides, and the scale of a question as the project's form gives it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from signals.connectors.entries import recoding
from signals.connectors.jsonfile import recoded
from signals.model import Source

GRADED = {"rating": "value", "preference": "choice"}
SIDES = ("left", "right", "tie")
RECODE = "Recode it in `values:`"
MOST_STARS = "5"
"""What a Rating has that does not say how many."""
TOO_MANY = 10_000


def grade(text: str, source: Source, shape: str) -> float | str | None:
    """An answer as a number (rating) or a side (preference); None when it is neither."""
    ours = recoded(text, source, GRADED[shape], GRADED[shape])
    if ours is None:
        return None
    if shape == "preference":
        return ours.lower() if ours.lower() in SIDES else None
    return _number(ours)


@dataclass(frozen=True)
class Control:
    """A part of the form that gives grades: stars from 1 to ``high``, or a number between two ends."""

    stars: bool
    low: float
    high: float


def controls(form: str) -> dict[str, Control]:
    """The graded questions of a form, by their names; a number without both ends has no scale.

    Args:
        form: ``label_config`` of a project. One that cannot be read has no questions.
    """
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", form, re.IGNORECASE):  # nothing of the tool's; may be made to blow up
        return {}
    try:
        root = ET.fromstring(form)  # noqa: S314  (entities were refused)
    except (ET.ParseError, ValueError, RecursionError):
        return {}
    found: dict[str, Control] = {}
    for node in root.iter():
        kind, told = str(node.tag).lower(), {key.lower(): text for key, text in node.attrib.items()}
        low: float | None = 1.0
        if kind == "rating":
            high = _number(told.get("maxrating", MOST_STARS))
        elif kind == "number":
            low, high = _number(told.get("min", "")), _number(told.get("max", ""))
        else:
            continue
        if low is not None and high is not None and low < high and told.get("name"):
            found[told["name"]] = Control(kind == "rating", low, high)
    return found


def scales(form: str, source: Source) -> Mapping[str, tuple[float, float]]:
    """The ends of the grades that a form allows, by question, after ``values:``."""
    return {name: scale for name, control in controls(form).items() if (scale := _scale(control, source)) is not None}


def _scale(control: Control, source: Source) -> tuple[float, float] | None:
    if not recoding(source, GRADED["rating"], GRADED["rating"]):
        return control.low, control.high
    if not control.stars or control.high > TOO_MANY:
        return None  # numbers that become other numbers: the ends say nothing
    given = [grade(str(star), source, "rating") for star in range(1, int(control.high) + 1)]
    grades = [value for value in given if isinstance(value, float)]
    return (min(grades), max(grades)) if grades and min(grades) < max(grades) else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
