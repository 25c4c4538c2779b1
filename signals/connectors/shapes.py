"""The record shapes that ``shape:`` may name, and the fields that ``map:`` may or must give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from signals.model import Problem, Source
from signals.strictyaml import Document, Loc, suggest

SEGMENT = re.compile(r"segment\.[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Shape:
    """One shape: required and optional fields of ``map:``; ``graded`` is the field that bare ``values:`` recode."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    graded: str | None
    aggregated: bool = False  # never read row by row
    segments: bool = True
    one_of: tuple[tuple[str, ...], ...] = ()  # at least one of these sets

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields, segments aside."""
        return self.required + self.optional + tuple(name for names in self.one_of for name in names)


SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            "item_score", ("item", "variant", "value"),
            ("scorer", "scorer_version", "repeat", "error", "cluster", "at", "length", "content", "made", "leaked"),
            "value",
        ),
        Shape(
            "rating", ("item", "rater", "variant", "value"), ("dimension", "attempt", "status", "at", "expected"),
            "value",
        ),
        Shape(
            "preference", ("item", "rater", "left", "right", "choice"), ("dimension", "status", "at", "expected"),
            "choice",
        ),
        Shape(
            "outcome", ("unit", "variant", "value"),
            ("denominator", "covariate", "covariate_at", "cluster", "at", "predicted", "assigned"),
            "value", aggregated=True,
        ),
        Shape(
            "outcome_counts", ("variant", "units"), ("day",), None, aggregated=True,
            one_of=(("successes",), ("mean", "sd")),
        ),
        Shape("feedback", ("variant", "value"), ("user", "response", "at"), "value", aggregated=True),
        Shape("feedback_counts", ("variant", "impressions", "responses", "positives"), ("day",), None, aggregated=True),
        Shape("traffic_mix", ("share",), ("value_share", "window"), None),
        Shape(
            "embedding", ("vector",), ("item", "at", "model"), None, segments=False,
            one_of=(("variant",), ("window",)),
        ),
    )
}  # fmt: skip


def metric_name(source: Source) -> str:
    """What cells call their metric: the option ``metric``, else the signal that the source feeds."""
    return str(source.options.get("metric") or source.signal)


def segment_dimensions(mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The dimensions that ``segment.*`` keys name, sorted."""
    return tuple(sorted(key.removeprefix("segment.") for key in mapping if key.startswith("segment.")))


def check_map(
    document: Document,
    loc: Loc,
    mapping: Mapping[str, str],
    required: tuple[str, ...],
    known: tuple[str, ...],
    *,
    segments: bool = True,
) -> list[Problem]:
    """Unknown and missing fields of the ``map:`` at ``(*loc, "map")``."""
    problems: list[Problem] = []
    place = (*loc, "map")
    for key, theirs in mapping.items():
        here = (*place, key)
        if key.startswith("segment.") or key == "segment":
            if not segments:
                problems.append(document.problem(here, f"{key!r} is not a field of this shape", key=True))
            elif not SEGMENT.fullmatch(key):
                problems.append(
                    document.problem(
                        here, f"{key!r} is not a segment", "Write segment.NAME: letters, digits, _", key=True
                    )
                )
        elif key not in known:
            remedy = suggest(key, (*known, "segment.NAME") if segments else known)
            problems.append(document.problem(here, f"unknown field {key!r} in map", remedy, key=True))
        if not theirs or "\0" in theirs:
            problems.append(document.problem(here, f"map.{key} names no column"))
    problems += [
        document.problem(place, f"map: field {key!r} is missing", f"Add `{key}: COLUMN` to `map:`", key=True)
        for key in required
        if key not in mapping
    ]
    return problems
