"""What a warehouse source asks for, as plain frozen values: exposures, and what is measured of each unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signals.connectors.shapes import segment_dimensions
from signals.model import Source

MEASURES = {"outcome": "y", "covariate": "x", "denominator": "d"}
"""Keys of the entry that name a measure, and the letters of the columns that hold it."""


@dataclass(frozen=True)
class Relation:
    """A table or view by its (dotted) name, or a SELECT; with a filter: column -> value or list of values."""

    table: str | None
    query: str | None
    where: tuple[tuple[str, Any], ...] = ()

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.table or "the query"


@dataclass(frozen=True)
class Measure:
    """One number per unit.

    ``relation`` is None for a column of the exposures. Otherwise its rows from ``before`` seconds before the unit's
    first exposure (a covariate), or from the first exposure on for ``window`` seconds (None: without end), are put
    together by ``per_unit``: their sum, whether any is not 0, or how many there are. ``place`` tells several outcomes
    of one query apart.
    """

    name: str
    relation: Relation | None
    unit: str
    at: str
    value: str | None
    window: float | None = None
    before: float | None = None
    per_unit: str = "sum"
    place: int = 0

    @property
    def column(self) -> str:
        """The column that holds it: ``y``, ``y1`` …, ``x`` or ``d``."""
        return MEASURES[self.name] + (str(self.place) if self.place else "")


@dataclass(frozen=True)
class Definition:
    """The whole of it. ``unit`` to ``cluster`` are columns of the exposures; ``segments`` is dimension -> column."""

    exposures: Relation
    unit: str
    variant: str
    at: str | None
    cluster: str | None
    segments: tuple[tuple[str, str], ...]
    measures: tuple[Measure, ...]
    one_row_per_unit: bool
    until: str | None
    recode: Mapping[str, Mapping[str, Any]]

    @property
    def outcome(self) -> Measure:
        """The measure that every definition has (the first of them)."""
        return self.measures[0]

    @property
    def outcomes(self) -> tuple[Measure, ...]:
        """The outcomes: one, or several that one query measures."""
        return tuple(measure for measure in self.measures if measure.name == "outcome")

    @property
    def without_outcome(self) -> Definition:
        """All of it but which number the outcome is. Definitions that are alike here can be measured by one query."""
        blank = replace(self.outcome, value=None, per_unit="")
        return replace(self, measures=(blank, *self.measures[1:]))

    def with_outcomes(self, others: Sequence[Definition]) -> Definition:
        """This one, and the outcomes of others that are alike but for them."""
        more = (replace(other.outcome, place=place) for place, other in enumerate(others, 1))
        return replace(self, measures=(self.outcome, *more, *self.measures[1:]))

    @property
    def rows_are_units(self) -> bool:
        """One row per unit and nothing to join: rows need no grouping before they are counted."""
        return (
            self.one_row_per_unit and bool(self.measures) and all(measure.relation is None for measure in self.measures)
        )


def definition_of(source: Source) -> Definition:
    """The definition in a source whose variables are filled in.

    A measure without a table of its own is a column of the exposures. One that names the outcome's table takes the
    outcome's unit, time and filter where it names none, and ``per_unit`` if it names its value, too.
    """
    options = source.options
    exposures = dict(options["exposures"])
    every = (*_filter(exposures.get("where")), *_filter(source.where))
    main = _measure("outcome", dict(options["outcome"]), exposures, None)
    others = [
        _measure(name, dict(options[name]), exposures, main)
        for name in MEASURES
        if name != "outcome" and name in options
    ]
    return Definition(
        exposures=Relation(exposures.get("table"), exposures.get("query"), every),
        unit=exposures["unit"],
        variant=exposures["variant"],
        at=exposures.get("at"),
        cluster=source.map.get("cluster"),
        segments=tuple((name, source.map[f"segment.{name}"]) for name in segment_dimensions(source.map)),
        measures=(main, *others),
        one_row_per_unit=options.get("grain") == "unit",
        until=options["outcome"].get("until"),
        recode={key: value for key, value in source.values.items() if isinstance(value, Mapping)},
    )


def _filter(where: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in (where or {}).items())


def _measure(name: str, given: dict[str, Any], exposures: dict[str, Any], main: Measure | None) -> Measure:
    unit, at, where = given.get("unit"), given.get("at"), given.get("where")
    relation, per_unit = None, given.get("per_unit")
    if "table" in given or "query" in given:
        home = main.relation if main else None
        same = home is not None and (home.table, home.query) == (given.get("table"), given.get("query"))
        if main and home and same:
            unit, at = unit or main.unit, at or main.at
            where = dict(home.where) if where is None else where
            if given.get("value") == main.value:  # the same number, of another time
                per_unit = per_unit or main.per_unit
        relation = Relation(given.get("table"), given.get("query"), _filter(where))
    window = given.get("window")
    if window is None and main is not None and "before" not in given:
        window = main.window  # the denominator counts in the outcome's own window
    return Measure(
        name, relation, unit or exposures["unit"], at or "", given.get("value"), window, given.get("before"),
        per_unit or "sum",
    )  # fmt: skip
