"""The one grouped query: exposures to units, units to their outcomes, both to moments. Nothing smaller comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from signals.connectors.warehouse.aggregates import LOST, aggregates
from signals.connectors.warehouse.coding import LABEL_BITS, STEP, Labels, Variants
from signals.connectors.warehouse.definition import Definition, Measure
from signals.connectors.warehouse.exposures import Exposures, Fault
from signals.connectors.warehouse.fields import (
    ORDERED,
    column,
    filtered,
    from_micros,
    micros,
    no_number,
    number,
    utc,
)
from signals.model import SignalsError

if TYPE_CHECKING:
    import ibis

    from signals.connectors.warehouse.exposures import Opened

GOOD, CROSSED, OPEN, STRAY, DIFFERS = 0, -1, -2, -3, -4
"""Codes of ``bad``: a unit that counts, one of several arms, one whose window has not ended, one in two clusters, one
whose covariate differs between its rows."""


@dataclass(frozen=True)
class Query:
    """The expression and what its rows mean.

    Rows have ``bad`` (a code, or the number of a fault), ``v`` and ``w`` (numbers of the variant, and of the other one
    of a crossed unit: see ``Variants``), ``s0`` … (labels; ``code`` with ``Labels``), ``day``, counts ``units``,
    ``rows``, ``low_rows`` (those in the first variant of its component), ``members``, ``lost_…`` (rows of a measure
    that hold no number), and the ``aggregates``. Where rows are units, ``v`` is the variant itself and there is no
    ``w``, ``rows`` or ``low_rows``.
    """

    table: ibis.Table
    units: ibis.Table  # before they are grouped: for verification
    ids: ibis.Table  # of all rows
    faults: tuple[Fault, ...]
    dimensions: tuple[str, ...]
    whole: Mapping[str, bool]
    clustered: bool
    summed: bool  # whether an outcome may be the sum of several rows
    lost: tuple[tuple[str, str], ...]  # column -> why

    def of_outcome(self, place: int) -> Query:
        """The query as if there were only the outcome of that place."""
        after = str(place) if place else ""
        others = [(name, why) for name, why in self.lost if not name.startswith(LOST)]
        own = [(LOST, why) for name, why in self.lost if name == LOST + after]
        return replace(self, whole={**self.whole, "y": self.whole[f"y{after}"]}, lost=(*own, *others))


@dataclass(frozen=True)
class Days:
    """The first days (UTC, without zone) to look at: all from ``since`` on, and some before."""

    since: datetime
    before: tuple[date, ...] = ()

    @property
    def first(self) -> datetime:
        """The first moment of all of them."""
        return min([self.since, *(datetime.combine(day, time()) for day in self.before)])


def build(
    definition: Definition,
    opened: Opened,
    dialect: str,
    zone: str | None,
    variants: Variants,
    cutoff: datetime | None,
    days: Days | None = None,
    labels: Labels | None = None,
    *,
    clean: bool = False,
) -> Query:
    """The query of a definition.

    Args:
        definition: What is asked for.
        opened: Opens a relation.
        dialect: Ibis' name of the engine.
        zone: The zone of times that have none; None when nothing is declared.
        variants: Those that are there.
        cutoff: From which moment on a unit's window has not ended (UTC, without zone); None without a window.
        days: Only units first seen on these days; every exposure is looked at for that, outcomes are not.
        labels: Their numbers: the query then gives ``code`` in the place of ``s0`` ….
        clean: That no row has a fault, as was found before: the query need not look again.

    Raises:
        SignalsError: For a column that is not there, or that holds something else.
    """
    import ibis

    source = Exposures(definition, opened, dialect, zone)
    rows, faults = source.rows()
    if clean:
        rows = rows.mutate(bad=ibis.literal(GOOD).cast("int16"))
    made = _Builder(definition, opened, dialect, zone, variants, days, labels)
    numbered = made.numbered(rows)
    units = numbered if definition.rows_are_units else made.grouped(numbered)  # of clusters that they are in
    if days is not None:
        units = units.filter(made.looked_at(units.t))
    lost = []
    homes: dict[tuple[Any, ...], list[Measure]] = {}
    for measure in definition.measures:
        if measure.relation is not None:
            homes.setdefault((measure.relation, measure.unit, measure.at), []).append(measure)
            if measure.value is not None:
                why = f"{measure.name} in {measure.relation.label} is empty, or not a number"
                lost.append((f"lost_{measure.column}", why))
    sums = [made.measured(units, measures) for measures in homes.values()]
    units = made.joined(units, sums)
    units = made.judged(units, cutoff, [number for number, fault in enumerate(faults, 1) if fault.excused])
    clustered = definition.cluster is not None
    final = made.clusters(units) if clustered else units
    whole = source.whole()
    table = made.moments(final, tuple(name for name, _ in lost), whole)
    return Query(
        table, rows, source.source.select(u=source.unit), faults, source.dimensions, whole, clustered,
        clustered or not definition.rows_are_units, tuple(lost),
    )  # fmt: skip


class _Builder:
    """The steps of one query."""

    def __init__(
        self, definition: Definition, opened: Opened, dialect: str, zone: str | None, variants: Variants,
        days: Days | None, coded: Labels | None,
    ) -> None:  # fmt: skip
        self.definition, self.opened, self.dialect, self.zone = definition, opened, dialect, zone
        self.variants, self.days, self.coded = variants, days, coded
        self.labels = ["code"] if coded else [f"s{number}" for number in range(len(definition.segments))]
        self.numbers = [measure.column for measure in definition.measures]
        self.keys = ["k", "u"] if variants.several else ["u"]

    def looked_at(self, first: ibis.Column) -> ibis.Column:
        """Whether a unit's first exposure is on one of the days."""
        import ibis

        assert self.days is not None  # noqa: S101  (the caller asks only then)
        late: ibis.Column = first >= ibis.literal(self.days.since, type=first.type())
        return late | first.date().isin(list(self.days.before)) if self.days.before else late

    def numbered(self, rows: ibis.Table) -> ibis.Table:
        """Rows with the variant's number in place of its name, and its component ``k`` if there are several."""
        import ibis

        branches = [(rows.v == name, number) for name, number in self.variants.numbers.items()]
        found = rows.mutate(v=ibis.cases(*branches, else_=ibis.null("int32")).cast("int32"))
        if self.coded is not None:
            found = found.mutate(first=micros(found.t) * (1 << LABEL_BITS) + self.coded.number(found))
        return found.mutate(k=(found.v // STEP).cast("int32")) if self.variants.several else found

    def grouped(self, rows: ibis.Table) -> ibis.Table:
        """One row per unit and component, of the rows without a fault."""
        rows = rows.filter(rows.bad == GOOD)
        sums: dict[str, Any] = {"rows": rows.count(), "v": rows.v.min(), "w": rows.v.max()}
        # Whether a row is of the first variant of its component splits the rows of a crossed unit between its arms.
        sums["low_rows"] = rows.count(where=rows.v % STEP == 0)
        if self.definition.cluster is not None:
            sums |= {"c": rows.c.min(), "c_high": rows.c.max()}
        sums |= {name: rows[name].sum() for name in self.numbers if name != "x" and name in rows.columns}
        if "x" in rows.columns:  # one number per unit, known before the start: every row must tell the same
            sums |= {"x": rows.x.min(), "x_high": rows.x.max()}
        if self.coded is None:
            sums |= {"t": rows.t.min()} | self._first(rows)
            return rows.group_by(self.keys).agg(**sums).mutate(bad=self._good())
        units = rows.group_by(self.keys).agg(first=rows.first.min(), **sums).mutate(bad=self._good())
        named = {"t": from_micros(units.first >> LABEL_BITS), "code": units.first & ((1 << LABEL_BITS) - 1)}
        return units.mutate(**named).drop("first")

    def _good(self) -> ibis.Column:
        import ibis

        return ibis.literal(GOOD).cast("int16")

    def _first(self, rows: ibis.Table) -> dict[str, Any]:
        """The labels of the earliest row; of several at that moment the smallest, so that order changes nothing."""
        import ibis

        order = (["t"] if self.definition.at is not None else []) + self.labels
        if self.dialect in ORDERED:
            return {name: rows[name].first(order_by=[rows[key] for key in order]) for name in self.labels}
        key = ibis.struct({name: rows[name] for name in order})
        return {name: rows[name].argmin(key) for name in self.labels}

    def measured(self, units: ibis.Table, measures: Sequence[Measure]) -> ibis.Table:
        """The measures that come from one table of its own, of the units that have rows there: one join for all."""
        import ibis

        first = measures[0]
        assert first.relation is not None  # noqa: S101  (the caller asks for those only)
        at = first.relation.label
        facts = filtered(self.opened(first.relation), first.relation)
        unit = column(facts, first.unit, at)
        self._same_kind(units.u, unit, first.unit, at)
        taken: dict[str, Any] = {"u": unit, "ft": utc(column(facts, first.at, at), first.at, self.zone, self.dialect)}
        for measure in measures:
            if measure.value is not None:
                raw = column(facts, measure.value, at)
                value, name = number(raw, measure.value), measure.column
                taken |= {f"f{name}": value, f"no_{name}": no_number(raw, value, self.dialect)}
        facts = facts.select(**taken)
        # Each side of the first exposure is taken as far as any measure looks.
        before = max((measure.before for measure in measures if measure.before is not None), default=None)
        if self.days is not None:  # spares the engine the days that can match no unit
            earliest = self.days.first - timedelta(seconds=before or 0.0)
            facts = facts.filter(facts.ft >= ibis.literal(earliest, type=facts.ft.type()))
        after = [measure.window for measure in measures if measure.before is None]
        # A view, so that the query names the units once and engines group the exposures once.
        both = facts.join(units.view().select(*self.keys, "t"), "u")
        inside = both.ft >= (both.t - ibis.interval(seconds=round(before)) if before is not None else both.t)
        if not after:
            inside &= both.ft < both.t
        elif all(window is not None for window in after):
            inside &= both.ft < both.t + ibis.interval(seconds=round(max(filter(None, after))))
        both = both.filter(inside)
        sums: dict[str, Any] = {}
        for measure in measures:
            sums |= self._per_unit(both, measure)
        return both.group_by(self.keys).agg(**sums)

    def joined(self, units: ibis.Table, measured: Sequence[ibis.Table]) -> ibis.Table:
        """Units with what was measured of them; of a unit without any rows, every measure is 0."""
        for sums in measured:
            names = [name for name in sums.columns if name not in self.keys]
            units = units.left_join(sums, self.keys).select(units, **{name: sums[name].coalesce(0) for name in names})
        return units

    @staticmethod
    def _per_unit(both: ibis.Table, measure: Measure) -> dict[str, Any]:
        """One number per unit of the joined rows (NULL: nothing counts), and how many rows hold no number."""
        import ibis

        name = measure.column
        its = both.ft < both.t if measure.before is not None else both.ft >= both.t
        if measure.before is not None:
            its &= both.ft >= both.t - ibis.interval(seconds=round(measure.before))
        elif measure.window is not None:
            its &= both.ft < both.t + ibis.interval(seconds=round(measure.window))
        if measure.value is None:
            found = both.u.count(where=its)
            return {name: ((found > 0).ifelse(1, 0) if measure.per_unit == "any" else found).cast("float64")}
        value, lost = both[f"f{name}"], both[f"no_{name}"]
        counted = its & ~lost
        if measure.per_unit == "any":
            made = (value != 0).ifelse(1, 0).max(where=counted).cast("float64")  # PostgreSQL takes 1.0 for a numeric
        elif measure.per_unit == "count":
            made = value.count(where=counted).cast("float64")
        else:
            made = value.sum(where=counted)
        return {name: made, f"lost_{name}": both.u.count(where=its & lost)}

    @staticmethod
    def _same_kind(ours: ibis.Column, theirs: ibis.Column, name: str, at: str) -> None:
        first, second = ours.type(), theirs.type()
        if first.is_integer() != second.is_integer() or first.is_string() != second.is_string():
            what = f"{name!r} in {at} is {second}, and the exposures' unit is {first}"
            raise SignalsError(
                what, "Units must be of one type: write one like the other, in the table or in a `query:` (with `url:`)"
            )

    def judged(self, units: ibis.Table, cutoff: datetime | None, excused: Sequence[int]) -> ibis.Table:
        """What only whole units tell: crossed, in two clusters, not ended yet."""
        import ibis

        if self.definition.rows_are_units:
            units = units.mutate(
                w=units.v, rows=ibis.literal(1).cast("int64"), low_rows=(units.v % STEP == 0).ifelse(1, 0).cast("int64")
            )
            if "c" in units.columns:
                units = units.mutate(c_high=units.c)
        good = units.bad == GOOD
        branches = []
        if cutoff is not None:
            may_be_open = units.bad.isin([GOOD, *excused])  # an outcome may be missing while the window is open
            branches.append((may_be_open & (units.t >= ibis.literal(cutoff, type=units.t.type())), OPEN))
        if "c" in units.columns:
            branches.append((good & (units.c != units.c_high), STRAY))
        elif not self.definition.rows_are_units:  # what was randomised is the cluster: it is looked at there
            branches.append((good & (units.v != units.w), CROSSED))
        if "x_high" in units.columns:
            branches.append((good & (units.x != units.x_high), DIFFERS))
        return units.mutate(bad=ibis.cases(*branches, else_=units.bad).cast("int16")) if branches else units

    def clusters(self, units: ibis.Table) -> ibis.Table:
        """Units summed by cluster: a denominator of its own, or the number of units; the newest unit's time."""
        good = units.bad == GOOD
        # Units that cannot count are kept apart by why, and by variant: their clusters do not matter.
        keyed = units.mutate(c=good.ifelse(units.c, None), fv=good.ifelse(None, units.v))
        sums: dict[str, Any] = {name: keyed[name].sum() for name in ("rows", "low_rows")}
        sums |= {"members": keyed.count(), "v": keyed.v.min(), "w": keyed.w.max()}
        sums |= {name: keyed[name].sum() for name in self.numbers}
        sums |= {name: keyed[name].sum() for name in keyed.columns if name.startswith("lost_")}
        if "d" not in self.numbers:
            sums["d"] = keyed.count().cast("float64")
        if self.definition.at is not None:
            sums["t"] = keyed.t.max()
        sums |= self._first(keyed)
        found = keyed.group_by([*(["k"] if self.variants.several else []), "bad", "c", "fv"]).agg(**sums).drop("fv")
        crossed = (found.bad == GOOD) & (found.v != found.w)
        return found.mutate(bad=crossed.ifelse(CROSSED, found.bad).cast("int16"))

    def moments(self, units: ibis.Table, lost: tuple[str, ...], whole: Mapping[str, bool]) -> ibis.Table:
        """The last step: by code, variant, labels and day."""
        clustered, timed = "members" in units.columns, self.definition.at is not None
        names = [*self.numbers, *(["d"] if clustered and "d" not in self.numbers else [])]
        good = units.bad == GOOD
        keys = {"bad": units.bad, "v": units.v, "w": (units.bad < GOOD).ifelse(units.w, None)}
        keys |= {name: good.ifelse(units[name], None) for name in self.labels}
        if timed and not clustered:
            keys["day"] = good.ifelse(units.t.date(), None)
        kept = units.mutate(**keys, **{name: good.ifelse(units[name], None) for name in names})
        sums: dict[str, Any] = {"units": kept.count(), "rows": kept.rows.sum(), "low_rows": kept.low_rows.sum()}
        sums |= {name: kept[name].sum() for name in lost}
        if clustered:
            sums |= {"members": kept.members.sum()} | ({"last": kept.t.max()} if timed else {})
        return kept.group_by(list(keys)).agg(**sums, **aggregates(kept, names, whole, self.dialect))
