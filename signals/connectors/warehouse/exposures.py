"""The rows of the exposures: their columns under our names, and what is wrong with a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from signals.connectors.cells import LAST_YEAR
from signals.connectors.lines import EPOCH
from signals.connectors.warehouse.definition import MEASURES, Definition, Relation
from signals.connectors.warehouse.fields import column, filtered, label, no_number, number, segment, utc

if TYPE_CHECKING:
    import ibis

    Opened = Callable[[Relation], ibis.Table]

FIRST_TIME, LAST_TIME = EPOCH.replace(tzinfo=None), datetime(2200, 1, 1)  # noqa: DTZ001  (UTC, as all times here)
assert (LAST_TIME - FIRST_TIME).total_seconds() * 1e6 == LAST_YEAR  # noqa: S101  (two spellings of one bound)


class Exposures:
    """The exposures of a definition, opened and filtered."""

    def __init__(self, definition: Definition, opened: Opened, dialect: str, zone: str | None) -> None:
        self.definition, self.dialect, self.zone = definition, dialect, zone
        self.dimensions = tuple(name for name, _ in definition.segments)
        self.source = filtered(opened(definition.exposures), definition.exposures)

    def rows(self) -> tuple[ibis.Table, tuple[str, ...]]:
        """One row per row: u, v, t, s0 …, c, y, x, d and ``bad``: 0, or the number of the first fault; and the faults.

        Raises:
            SignalsError: For a column that is not there, or that holds something else.
        """
        import ibis

        definition = self.definition
        made: dict[str, Any] = {"u": self._column(definition.unit)}
        made["v"] = label(self._column(definition.variant), definition.recode.get("variant"))
        faults = [("unit is empty", made["u"].isnull()), ("variant is empty", made["v"].isnull())]
        if definition.at is not None:
            made["t"] = time = utc(self._column(definition.at), definition.at, self.zone, self.dialect)
            late = time >= ibis.literal(LAST_TIME, type=time.type())
            early = time < ibis.literal(FIRST_TIME, type=time.type())
            faults += [("at is empty", time.isnull()), ("at is not a time", early | late)]
        for number_, (name, theirs) in enumerate(definition.segments):
            made[f"s{number_}"] = segment(self._column(theirs), definition.recode.get(f"segment.{name}"))
        if definition.cluster is not None:
            made["c"] = label(self._column(definition.cluster), None)
            faults.append(("cluster is empty", made["c"].isnull()))
        for measure in definition.measures:
            if measure.relation is None:
                raw = self._column(str(measure.value))
                value = number(raw, str(measure.value))
                made[MEASURES[measure.name]] = value
                faults.append((f"{measure.name} is empty, or not a number", no_number(raw, value)))
        branches = [(test, code) for code, (_, test) in enumerate(faults, 1)]
        made["bad"] = ibis.cases(*branches, else_=0).cast("int16")
        return self.source.select(**made), tuple(why for why, _ in faults)

    def _column(self, name: str) -> ibis.Column:
        return column(self.source, name, self.definition.exposures.label)
