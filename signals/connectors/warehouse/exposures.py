"""The rows of the exposures: their columns under our names, and what is wrong with a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.cells import LAST_YEAR
from signals.connectors.lines import EPOCH
from signals.connectors.warehouse.definition import Definition, Relation
from signals.connectors.warehouse.fields import (
    column,
    filtered,
    is_whole,
    label,
    no_number,
    number,
    segment,
    utc,
)

if TYPE_CHECKING:
    import ibis

    Opened = Callable[[Relation], ibis.Table]

FIRST_TIME, LAST_TIME = EPOCH.replace(tzinfo=None), datetime(2200, 1, 1)  # noqa: DTZ001  (UTC, as all times here)
assert (LAST_TIME - FIRST_TIME).total_seconds() * 1e6 == LAST_YEAR  # noqa: S101  (two spellings of one bound)


@dataclass(frozen=True)
class Fault:
    """Why a row does not count.

    ``place`` is that of the outcome that it lacks, None when it lacks something else. A row that is ``excused`` may
    wait for its number: its unit's window is still open.
    """

    why: str
    place: int | None = None
    excused: bool = False


class Exposures:
    """The exposures of a definition, opened and filtered."""

    def __init__(self, definition: Definition, opened: Opened, dialect: str, zone: str | None) -> None:
        self.definition, self.dialect, self.zone = definition, dialect, zone
        self.dimensions = tuple(name for name, _ in definition.segments)
        self.opened = opened
        self.source = filtered(opened(definition.exposures), definition.exposures)

    @property
    def unit(self) -> ibis.Column:
        """The column of the unit."""
        return self._column(self.definition.unit)

    def rows(self, *, as_written: bool = False) -> tuple[ibis.Table, tuple[Fault, ...]]:
        """One row per row: u, v, t, s0 …, c, y (y1 …), x, d and ``bad`` (0, or the number of a fault); the faults.

        With ``as_written`` variant and labels are the texts that are there: see ``named``.

        Raises:
            SignalsError: For a column that is not there, or that holds something else.
        """
        import ibis

        definition = self.definition
        made: dict[str, Any] = {"u": self.unit}
        variant = label(self._column(definition.variant), definition.recode.get("variant"))
        made["v"] = self._column(definition.variant) if as_written else variant
        faults = [(Fault("unit is empty"), made["u"].isnull()), (Fault("variant is empty"), variant.isnull())]
        if definition.at is not None:
            made["t"] = time = utc(self._column(definition.at), definition.at, self.zone, self.dialect)
            late = time >= ibis.literal(LAST_TIME, type=time.type())
            early = time < ibis.literal(FIRST_TIME, type=time.type())
            faults += [(Fault("at is empty"), time.isnull()), (Fault("at is not a time"), early | late)]
        for number_, (name, theirs) in enumerate(definition.segments):
            raw = self._column(theirs)
            made[f"s{number_}"] = raw if as_written else segment(raw, definition.recode.get(f"segment.{name}"))
        if definition.cluster is not None:
            made["c"] = label(self._column(definition.cluster), None)
            faults.append((Fault("cluster is empty"), made["c"].isnull()))
        for measure in definition.measures:
            if measure.relation is None:
                raw = self._column(str(measure.value))
                value = number(raw, str(measure.value))
                made[measure.column] = value
                outcome = measure.name == "outcome"
                what = f"{measure.name} is empty, or not a number"
                fault = Fault(what, measure.place if outcome else None, excused=measure.name != "covariate")
                faults.append((fault, no_number(raw, value, self.dialect)))
        branches = [(test, code) for code, (_, test) in enumerate(faults, 1)]
        made["bad"] = ibis.cases(*branches, else_=0).cast("int16")
        return self.source.select(**made), tuple(fault for fault, _ in faults)

    def all_texts(self) -> bool:
        """Whether variant and labels are written as texts."""
        columns = [self.definition.variant, *(theirs for _, theirs in self.definition.segments)]
        return all(self._column(name).type().is_string() for name in columns)

    def named(self, written: ibis.Table) -> dict[str, ibis.Column]:
        """Variant and labels of a table that has them as they are written."""
        recode = self.definition.recode
        found = {"v": label(written.v, recode.get("variant"))}
        for number_, name in enumerate(self.dimensions):
            found[f"s{number_}"] = segment(written[f"s{number_}"], recode.get(f"segment.{name}"))
        return found

    def whole(self) -> dict[str, bool]:
        """Whether the sums of each measure are exact in whatever order they are made, by its column."""
        found = {}
        for measure in self.definition.measures:
            exact = measure.per_unit != "sum" or measure.value is None
            if not exact:
                table = self.source if measure.relation is None else self.opened(measure.relation)
                exact = is_whole(table[str(measure.value)])
            found[measure.column] = exact
        return found

    def _column(self, name: str) -> ibis.Column:
        return column(self.source, name, self.definition.exposures.label)
