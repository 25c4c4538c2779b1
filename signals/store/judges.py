"""Which judge versions scored what, counted by the database: no score is read for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from signals.store.tables import item_score


@dataclass(frozen=True)
class JudgeVersion:
    """The scores that one version of a judge gave to the outputs of one variant, in one source.

    Attributes:
        source: Where they come from.
        scorer: The judge's name.
        fingerprint: Its version; empty when the source does not say.
        variant: Whose outputs.
        items: How many different items.
        first: Time of the oldest score; None when the source has no times.
        last: Time of the newest.
    """

    source: str
    scorer: str
    fingerprint: str
    variant: str
    items: int
    first: datetime | None
    last: datetime | None


def versions(connection: Connection, sources: Sequence[str], until: datetime) -> tuple[JudgeVersion, ...]:
    """Every judge version in these sources, one entry per source, scorer, version and variant, in that order."""
    t = item_score.c
    names = (t.source, t.scorer, t.fingerprint, t.variant)
    counts = (func.count(t.item.distinct()), func.min(t.at), func.max(t.at))
    asked = select(*names, *counts).where(*_counted(sources, until)).group_by(*names).order_by(*names)
    return tuple(JudgeVersion(*row) for row in connection.execute(asked))


def anchors(
    connection: Connection, sources: Sequence[str], scorer: str, old: Collection[str], new: Collection[str],
    until: datetime, variants: Collection[str] | None = None,
) -> int:  # fmt: skip
    """How many outputs (item and variant) both an old and a new version of the judge scored; of these variants, if any.

    Args:
        connection: An open transaction.
        sources: Where the scores come from.
        scorer: The judge's name.
        old: Fingerprints.
        new: Other fingerprints.
        until: Scores that are newer do not count.
        variants: Whose outputs; everyone's when None.
    """
    t = item_score.c
    both = [func.max(case((t.fingerprint.in_(sorted(some)), 1), else_=0)) == 1 for some in (old, new)]
    outputs = (
        select(t.item)
        .where(*_counted(sources, until), t.scorer == scorer, t.fingerprint.in_(sorted({*old, *new})))
        .where(*(() if variants is None else (t.variant.in_(sorted(variants)),)))
        .group_by(t.item, t.variant)
        .having(*both)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(outputs)).scalar_one())


def _counted(sources: Sequence[str], until: datetime) -> tuple[ColumnElement[bool], ...]:
    t = item_score.c
    return t.source.in_(sources), t.value.is_not(None), or_(t.at.is_(None), t.at <= until)
