"""What experiment platforms hand out: one arm of one part of an experiment as counts, and the cells made of it.

Platforms have many numbers per arm. Only three of them matter here: how many units, the mean of the outcome over those
units, and its variance over units. Their effects, intervals, p-values and chances to win are not read: the readings
compute their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from signals.connectors.aggregate import from_counts, merge
from signals.connectors.base import Tally
from signals.connectors.jsonfile import load_json
from signals.connectors.paths import InputFile
from signals.model import Moments, OutcomeCell, Project, Segment, SignalsError, Source

CLOSE = 1e-6
"""Relative difference up to which two numbers of one answer are the same number."""
ROUNDED = 1e-3
"""How far from a whole number a count may be that was divided by the units and multiplied with them again."""
LARGEST = 1e140
"""Larger numbers cannot be squared and added up."""
TOO_LARGE = "its numbers are too large to compute with"
ELSEWHERE = "the same part of the experiment is set aside in another arm"


@dataclass(frozen=True)
class Part:
    """One arm in one part of the experiment: all of it, one segment, or the units of one first day.

    Attributes:
        variant: Ours; None when the answer does not name it.
        segment: The part's segment, empty for all.
        day: First day of its units; None when that is not known.
        found: The moments over its units, or why they cannot be had.
        place: For messages.
        label: What the tool calls this part of the experiment; the same in every arm.
    """

    variant: str | None
    segment: Segment
    day: date | None
    found: Moments | str
    place: str
    label: str | None = None


def cells(parts: Iterable[Part], source: Source, project: Project, tally: Tally) -> Iterator[OutcomeCell]:
    """The parts as cells of the signal's metric; each part is a row.

    A part that cannot be used in one arm of a release is set aside in the other one too: else the two would be means
    over different people.
    """
    every = list(parts)
    other = {arm: set[str]() for release in project.releases for arm in release.variants}
    for release in project.releases:
        for arm in release.variants:
            other[arm].update(release.variants)
    bad = {(part.label, part.variant) for part in every if isinstance(part.found, str)}
    found: dict[tuple[str, Segment, date | None], Moments] = {}
    for part in every:
        tally.rows_read += 1
        if part.variant is None:
            tally.set_aside("variant is empty", example=part.place)
        elif isinstance(part.found, str):
            tally.set_aside(part.found, part.variant, example=part.place)
        elif any((part.label, arm) in bad for arm in other.get(part.variant, ())):
            tally.set_aside(ELSEWHERE, part.variant, example=part.place, units=part.found.n)
        else:
            tally.rows_kept += 1
            key = (part.variant, part.segment, part.day)
            found[key] = merge(found[key], part.found) if key in found else part.found
    for (variant, segment, day), made in sorted(
        found.items(), key=lambda item: (item[0][0], item[0][1], str(item[0][2]))
    ):
        if made.n:
            yield OutcomeCell(source.signal, variant, segment, day, made, counted="counts")


def number(value: Any) -> float | None:
    """A finite JSON number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) else None


def whole(value: float | None) -> int | None:
    """The number when it counts something; None when it is no whole number of at least 0."""
    return int(value) if value is not None and value == int(value) and 0 <= value < 2**53 else None


def same(one: float, other: float, scale: float = 0.0) -> bool:
    """Whether two numbers of an answer are the same one, in relation to the larger of them or to a scale."""
    return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE * scale)


def successes(units: int, mean: float, variance: float) -> int | None:
    """How many units have a 1, when mean and variance can only be those of zeros and ones; else None.

    Whole outcomes of at least 0 have a mean square of at least their mean, and the same one only when they are zeros
    and ones. The variance may be divided by the units or by one less.
    """
    if not 0.0 <= mean <= 1.0:
        return None
    count = round(mean * units)
    if abs(mean * units - count) > ROUNDED:
        return None
    spread = mean * (1.0 - mean)
    return count if any(same(variance, one) for one in (spread, spread * units / max(units - 1, 1))) else None


def spread_of(units: int, mean: float, deviation: float) -> Moments | str:
    """Moments of outcomes with that mean and sample standard deviation, or why there are none."""
    if abs(mean) > LARGEST or deviation > LARGEST:
        return TOO_LARGE
    return Moments(units, mean, deviation * deviation * max(units - 1, 0))


def counted(units: int, ones: int) -> Moments:
    """Moments of so many ones among units."""
    return from_counts(units, ones)


def one_variant_each(variants: Mapping[str, str | None]) -> None:
    """Refuse two arms under one name: {their id: our variant}.

    Raises:
        SignalsError: When two of them are the same variant.
    """
    seen: dict[str, str] = {}
    for theirs, ours in variants.items():
        if ours is None:
            continue
        if ours in seen:
            what = f"{seen[ours]!r} and {theirs!r} are both the variant {ours!r}"
            raise SignalsError(what, "Give them different names with `map: {variant: …}` or `values: {variant: …}`")
        seen[ours] = theirs


def pick(wanted: str | None, names: Mapping[str, str | None]) -> str:
    """The id of the metric that a source wants, by id or by name: {id: name}.

    Raises:
        SignalsError: When there is none, or more than one and nothing says which.
    """
    if not names:
        raise SignalsError("the answer holds no metric", "Add metrics to the experiment and let it be analysed")
    known = ", ".join(sorted(f"{key} ({name})" if name and name != key else key for key, name in names.items())[:12])
    if wanted is None:
        if len(names) == 1:
            return next(iter(names))
        raise SignalsError("the experiment has several metrics", f"Choose one with `metric:`. Known: {known}")
    if wanted in names:
        return wanted
    called = [key for key, name in names.items() if name == wanted]
    if len(called) == 1:
        return called[0]
    if called:
        raise SignalsError(f"{len(called)} metrics are called {wanted!r}", f"Give the id: {', '.join(sorted(called))}")
    raise SignalsError(f"there is no metric {wanted!r}", f"Known: {known}")


def saved(files: Iterable[InputFile]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """File names and the objects in them."""
    for file in files:
        data = load_json(file)
        if not isinstance(data, Mapping):
            raise SignalsError("holds no JSON object", "Save the server's answer as it is", file=file.name)
        yield file.name, data
