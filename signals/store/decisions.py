"""Decisions, overrides and outcomes: append-only rows, each with its own entry in the audit chain.

Every function runs inside a transaction of the caller; those that write need its lock ``audit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, func, insert, select

from signals.model import Decision, DecisionOutcome, Override, SignalsError, canonical, plain
from signals.store import audit, tables
from signals.store.report import StoreError

Record = TypeVar("Record", Decision, Override, DecisionOutcome)

SENT = ("at", "entry", "number", "token", "verdict_hash", "policy_hash")
"""What may differ between two sendings of one form: the moment, and the verdict that is looked at anew."""


def decide(connection: Connection, decision: Decision, override: Override | None) -> Decision:
    """Append a decision, and the override beside it; gives the decision back as it was recorded.

    A form that was recorded already (same ``token``) records nothing and gives what it recorded.

    Raises:
        SignalsError: When the same form was recorded with another content; when a decision against its verdict comes
            without a second person and a date, or one as recommended with an override beside it.
    """
    again = _sent(connection, decision)
    if again is not None:
        _same_date(connection, again, override)
        return again
    _beside(decision, override)
    vouch(connection, decision.verdict_hash)
    decision = replace(decision, number=_next(connection, tables.decision), entry="")
    made = replace(decision, entry=audit.append(connection, "decision", _body(decision), decision.at))
    row = {name: value for name, value in made.__dict__.items() if name != "number"}
    connection.execute(insert(tables.decision), {**row, "id": made.number})
    if override is not None:
        override = replace(override, decision=made.entry, entry="")
        number = _next(connection, tables.override)
        entry = audit.append(connection, "override", {**_body(override), "id": number}, override.at)
        connection.execute(insert(tables.override), {**override.__dict__, "entry": entry, "id": number})
    return made


def _beside(decision: Decision, override: Override | None) -> None:
    """Refuse an override that lacks its record, and a record that is of another decision."""
    if override is None:
        if decision.override:
            raise SignalsError(
                f"the verdict was {decision.recommended}: deciding {decision.call} is an override, which has a record",
                "Record it with a second person and a date",
            )
        return
    names = ("release", "call", "recommended", "verdict_hash", "by", "second")
    other = [name for name in names if getattr(decision, name) != getattr(override, name)]
    if not decision.override or other:
        what = f"another {' and '.join(other)}" if other else "a decision as recommended"
        raise SignalsError(f"an override belongs to its decision, and this one is of {what}", "Record them as one")
    if not override.second.strip():
        raise SignalsError("an override needs a second person", "Say who else agrees")
    if (override.until is None) == (override.follow_up is None):
        raise SignalsError("an override has one date", "Say when it ends, or when somebody looks at it again")


def _same_date(connection: Connection, decision: Decision, override: Override | None) -> None:
    """Refuse a form that was recorded with another date: nobody may take the first for what they sent."""
    if override is None:
        return
    table = tables.override
    dates = select(table.c.until, table.c.follow_up).where(table.c.decision == decision.entry)
    row = connection.execute(dates).first()
    if row is not None and tuple(row) != (override.until, override.follow_up):
        raise SignalsError("this form was recorded already, with another date", "Open it anew to record something else")


def turn_out(connection: Connection, outcome: DecisionOutcome) -> DecisionOutcome:
    """Append how a decision turned out; gives it back with the entry's hash.

    Raises:
        SignalsError: When there is no such decision, or the same form was recorded with another content.
    """
    known = select(tables.decision.c.id).where(tables.decision.c.entry == outcome.decision)
    if connection.execute(known).first() is None:
        raise SignalsError("there is no such decision", "`signals decisions` lists them")
    again = _sent(connection, outcome)
    if again is not None:
        return again
    outcome, number = replace(outcome, entry=""), _next(connection, tables.decision_outcome)
    made = replace(outcome, entry=audit.append(connection, "outcome", {**_body(outcome), "id": number}, outcome.at))
    connection.execute(insert(tables.decision_outcome), {**made.__dict__, "id": number})
    return made


def vouch(connection: Connection, verdict_hash: str) -> None:
    """Put a stored verdict into the chain, once: from then on nobody can take the recommendation away unseen."""
    row = connection.execute(select(tables.verdict).where(tables.verdict.c.hash == verdict_hash)).mappings().first()
    if row is None:
        return
    body = {"hash": verdict_hash, "release": row["release"], "at": row["at"]}
    known = select(tables.audit.c.id).where(tables.audit.c.kind == "verdict", tables.audit.c.body == canonical(body))
    if connection.execute(known).first() is None:
        audit.append(connection, "verdict", body)


def decisions(connection: Connection, release_id: str | None = None) -> tuple[Decision, ...]:
    """Decisions, the newest first; of one release when named."""
    wanted = select(tables.decision).order_by(tables.decision.c.id.desc())
    if release_id is not None:
        wanted = wanted.where(tables.decision.c.release == release_id)
    return _found(connection, wanted, _decision)


def overrides(connection: Connection, release_id: str | None = None) -> tuple[Override, ...]:
    """Overrides, the newest first; of one release when named."""
    wanted = select(tables.override).order_by(tables.override.c.id.desc())
    if release_id is not None:
        wanted = wanted.where(tables.override.c.release == release_id)
    return _found(connection, wanted, partial(_plain_row, Override))


def outcomes(connection: Connection, release_id: str | None = None) -> tuple[DecisionOutcome, ...]:
    """How decisions turned out, the newest telling first; of one release when named."""
    wanted = select(tables.decision_outcome).order_by(tables.decision_outcome.c.id.desc())
    if release_id is not None:
        about = select(tables.decision.c.entry).where(tables.decision.c.release == release_id)
        wanted = wanted.where(tables.decision_outcome.c.decision.in_(about))
    return _found(connection, wanted, partial(_plain_row, DecisionOutcome))


def _found(
    connection: Connection, wanted: Select[Any], make: Callable[[Mapping[Any, Any]], Record]
) -> tuple[Record, ...]:
    try:
        return tuple(make(row) for row in connection.execute(wanted).mappings())
    except (ValueError, TypeError):  # a time that is none: only somebody with full rights can have put it there
        what = "the decisions cannot be read: one of them was changed in the database"
        raise StoreError(what, "`signals audit verify` names it") from None


def _decision(row: Mapping[Any, Any]) -> Decision:
    return Decision(**{"number" if name == "id" else name: value for name, value in row.items()})


def _plain_row(kind: type[Record], row: Mapping[Any, Any]) -> Record:
    return kind(**{name: value for name, value in row.items() if name != "id"})


def _body(record: Record) -> dict[str, Any]:
    return {name: value for name, value in plain(record).items() if name != "entry"}


def _next(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one())


def _sent(connection: Connection, record: Record) -> Record | None:
    """What the form of this record has recorded already."""
    if not isinstance(record, (Decision, DecisionOutcome)) or not record.token:
        return None
    table = tables.decision if isinstance(record, Decision) else tables.decision_outcome
    row = connection.execute(select(table).where(table.c.token == record.token)).mappings().first()
    if row is None:
        return None
    found = _decision(row) if isinstance(record, Decision) else _plain_row(DecisionOutcome, row)
    names = [one.name for one in fields(record) if one.name not in SENT]
    differ = [name for name in names if getattr(record, name) != getattr(found, name)]
    if differ:
        raise SignalsError(
            f"this form was recorded already, with another {' and '.join(name.replace('_', ' ') for name in differ)}",
            "Open it anew to record something else",
        )
    return found  # type: ignore[return-value]  # of the same kind as the record
