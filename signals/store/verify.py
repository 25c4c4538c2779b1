"""Whether the record still stands: the chain against itself, and every row that it vouches for against its entry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Table, Text, select, type_coerce

from signals.model import SignalsError, canonical, digest, utc
from signals.store import tables
from signals.store.audit import GENESIS, spelled, text_hash

Body = Mapping[str, Any]

NEEDED: Mapping[str, tuple[str, ...]] = {
    "decision": ("release", "by"), "override": ("release", "by"), "outcome": ("outcome", "by"),
    "policy": ("hash", "name"), "version": ("number", "by"), "verdict": ("hash", "release", "at"),
}  # fmt: skip
"""What the body of an entry says at least, by its kind."""

BROKEN = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What comes of reading a value that nobody but somebody with full rights can have put there."""

MIN_HEAD = 8  # hexadecimal digits: as many as a memo prints at the foot of its pages


@dataclass(frozen=True)
class _Entry:
    """A valid entry of the chain."""

    place: int
    at: str
    kind: str
    body: Body


def kept_head(head: str) -> str:
    """A head that somebody kept, or its beginning, as the chain spells hashes; empty when there is none.

    Raises:
        SignalsError: When it is no hash, or too short to name one.
    """
    word = head.strip().lower().removeprefix("sha256:")
    if head and not re.fullmatch(rf"[0-9a-f]{{{MIN_HEAD},64}}", word):
        raise SignalsError(
            f"{head!r} is no head of the chain", f"Give the {MIN_HEAD} to 64 hexadecimal digits that were kept"
        )
    return f"sha256:{word}" if word else ""


def problems(connection: Connection, head: str = "") -> list[str]:
    """What does not fit, the first bad row of the chain first; empty when everything does.

    Compares each entry with its hash and with the entry before it, and decisions, overrides, outcomes, policies,
    versions of the policy and verdicts with what their entries say of them. A row that was changed is named with the
    columns that differ, and one that cannot be read is named too.

    Args:
        connection: To the store.
        head: See ``kept_head``; a chain without that entry is not the one that it was kept of.
    """
    raw = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or raw is None:
        return _problems(connection, head)
    # SQLite gives text of broken bytes no row at all, so that nothing could be named.
    usual = raw.text_factory
    raw.text_factory = _broken_too
    try:
        return _problems(connection, head)
    finally:
        raw.text_factory = usual


def _broken_too(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _problems(connection: Connection, head: str) -> list[str]:
    entries: dict[str, _Entry] = {}
    found = list(_chain(connection, entries))
    if head and not any(hash_.startswith(head) for hash_ in (GENESIS, *entries)):
        found.append(f"the chain does not hold the entry {head}: it was rewritten or cut off since that head was kept")
    for kind, table in (("decision", tables.decision), ("override", tables.override),
                        ("outcome", tables.decision_outcome)):  # fmt: skip
        found += _records(connection, kind, table, entries)
    found += _policies(connection, entries)
    found += _versions(connection, entries)
    return found + list(_verdicts(connection, entries))


def _chain(connection: Connection, entries: dict[str, _Entry]) -> Iterator[str]:
    prev, expected = GENESIS, 1
    for row in _rows(connection, tables.audit, "id"):
        name = f"audit entry {row['id']} ({row['kind']}, {row['at']})"
        if row["id"] != expected:
            yield f"{name}: entry {expected} is missing before it"
        elif row["prev"] != prev:
            yield f"{name}: does not follow the entry before it"
        try:
            if digest({key: row[key] for key in ("id", "at", "kind", "body", "prev")}) != row["hash"]:
                yield f"{name}: was changed after it was written"
            else:
                entries[row["hash"]] = _Entry(row["id"], row["at"], row["kind"], _said(row))
        except BROKEN:
            yield f"{name}: cannot be read"
        prev, expected = row["hash"], row["id"] + 1


def _said(row: Body) -> Body:
    """The body of an entry, with what entries of its kind say.

    Raises:
        ValueError, TypeError: When it is none.
    """
    body = json.loads(row["body"])
    if not isinstance(body, dict):
        raise TypeError("no object")
    named = [body.get(name) for name in NEEDED.get(row["kind"], ())]
    if not all(isinstance(value, (str, int)) for value in (*named, body.get("number", 0))):
        raise TypeError("does not name what it is about")
    return body


def _spelled(row: Body) -> dict[str, Any]:
    """The values of a row as an entry spells them; those that no entry can hold are as good as none."""
    found = {}
    for name, value in row.items():
        try:
            found[name] = json.loads(canonical(value))
        except BROKEN:
            found[name] = f"{value!r} cannot be read"
    return found


def _hash_of(text: Any) -> str:
    try:
        return text_hash(text)
    except BROKEN:
        return "cannot be read"


def _moment(value: Any) -> str:
    return spelled(value) if isinstance(value, datetime) else "cannot be read"


def _rows(connection: Connection, table: Table, *order: str) -> Iterator[Body]:
    """Every row, with times and truths as the database holds them: one that is broken must not hide the others."""
    columns = [type_coerce(one, Text).label(one.name) if _typed(one) else one for one in table.c]
    for row in connection.execute(select(*columns).order_by(*(table.c[name] for name in order))).mappings():
        yield {name: _read(table.c[name], row[name]) for name in row}


def _typed(column: Column[Any]) -> bool:
    return isinstance(column.type, (tables.UtcTime, Boolean))


def _read(column: Column[Any], value: Any) -> Any:
    """A value as the rest of the store gives it; as it stands where that cannot be."""
    if isinstance(column.type, Boolean) and value in (0, 1):
        return bool(value)
    if isinstance(column.type, tables.UtcTime) and isinstance(value, (str, datetime)):
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    return value


def _left(entries: Mapping[str, _Entry], kind: str) -> dict[str, _Entry]:
    return {hash_: entry for hash_, entry in entries.items() if entry.kind == kind}


def _differs(columns: Iterable[str]) -> str:
    return f"differs from its audit entry ({', '.join(columns)})"


def _records(connection: Connection, kind: str, table: Table, entries: Mapping[str, _Entry]) -> list[str]:
    """Decisions, overrides, outcomes: whole rows are in their entries, except what older versions did not know."""
    found = []
    left = _left(entries, kind)
    numbers = {entry.body.get("number"): hash_ for hash_, entry in left.items()} if kind == "decision" else {}
    last = 0
    for row in _rows(connection, table, "id"):
        about = f" on {row['release']}" if "release" in row else f", {row['outcome']} by {row['by']}"
        name = f"{kind} {row['id']}{about}"
        entry = left.pop(row["entry"], None)
        if entry is None:
            # A row whose entry hash was changed still carries the number of a decision that the chain knows.
            left.pop(numbers.get(row["id"], ""), None)
            found.append(f"{name}: has no valid entry of its own in the audit chain")
            continue
        said = _spelled({key: row[key] for key in row if key != "entry"})
        if kind == "decision":
            said["number"] = said.pop("id")
        expected = {"token": "", "number": row["id"], **entry.body} if kind == "decision" else dict(entry.body)
        differ = [key for key in said if said[key] != expected.get(key)]
        if differ:
            found.append(f"{name}: {_differs('id' if key == 'number' else key for key in differ)}")
        elif entry.place < last:
            found.append(f"{name}: was numbered otherwise when it was written")
        last = max(last, entry.place)
    return found + [_deleted(kind, entry.body) for entry in left.values()]


def _deleted(kind: str, body: Body) -> str:
    if kind == "outcome":
        return f"an outcome ({body['outcome']}, by {body['by']}) was deleted"
    return f"{'an' if kind == 'override' else 'a'} {kind} on {body['release']} by {body['by']} was deleted"


def _policies(connection: Connection, entries: Mapping[str, _Entry]) -> list[str]:
    found = []
    left = _left(entries, "policy")
    table = tables.policy
    for row in _rows(connection, table, "at", "hash"):
        entry = left.pop(row["entry"], None)
        said = {key: row[key] for key in ("hash", "name", "note", "by")} | {"text": _hash_of(row["text"])}
        name = f"policy {row['name']} ({row['hash']})"
        if entry is None:
            found.append(f"{name}: has no valid entry of its own in the audit chain")
            continue
        differ = [key for key in said if said[key] != entry.body.get(key)]
        differ += ["at"] if _moment(row["at"]) != entry.at else []
        if differ:
            found.append(f"{name}: {_differs(differ)}")
    return found + [f"policy {one.body['name']} ({one.body['hash']}) was deleted" for one in left.values()]


def _versions(connection: Connection, entries: Mapping[str, _Entry]) -> list[str]:
    found = []
    policy, version = tables.policy, tables.policy_version
    texts = {row["hash"]: _hash_of(row["text"]) for row in _rows(connection, policy, "hash")}
    left = _left(entries, "version")
    for row in _rows(connection, version, "number"):
        entry = left.pop(row["entry"], None)
        name = f"version {row['number']} of the policy"
        if entry is None:
            found.append(f"{name}: has no valid entry of its own in the audit chain")
            continue
        said = _spelled({key: row[key] for key in row if key != "entry"})
        differ = [key for key in said if said[key] != entry.body.get(key)]
        if differ:
            found.append(f"{name}: {_differs(differ)}")
        elif texts.get(row["hash"]) != row["hash"]:
            found.append(f"{name}: its text is not the one that was saved")
    return found + [
        f"version {one.body['number']} of the policy, by {one.body['by']}, was deleted" for one in left.values()
    ]


def _verdicts(connection: Connection, entries: Mapping[str, _Entry]) -> Iterator[str]:
    """Each stored verdict against its hash and its text; those that were decided on are to be there."""
    left = {entry.body["hash"]: entry.body for entry in _left(entries, "verdict").values()}
    table = tables.verdict
    for row in _rows(connection, table, "at", "hash"):
        name = f"verdict {row['hash']} on {row['release']}"
        body = left.pop(row["hash"], None)
        if _hash_of(row["body"]) != row["hash"]:
            yield f"{name}: was changed after it was written"
            continue
        differ = _beside(row)
        if body is not None:
            differ += [key for key in ("release", "at") if _spelled(row)[key] != body[key]]
        if differ:
            yield f"{name}: differs from what it says ({', '.join(dict.fromkeys(differ))})"
    yield from (f"verdict {hash_} on {body['release']} was deleted" for hash_, body in left.items())


def _beside(row: Mapping[Any, Any]) -> list[str]:
    """Columns of a verdict that its text contradicts; what the text does not say is not held against them."""
    try:
        said = json.loads(row["body"])
    except BROKEN:
        return []
    if not isinstance(said, dict):
        return []
    told = {
        "release": said.get("release"), "call": said.get("call"), "as_of": said.get("as_of"),
        "policy_hash": _inner(said, "policy"), "evidence_hash": _inner(said, "evidence"),
    }  # fmt: skip
    as_of = row["as_of"]
    held = {**{name: row[name] for name in told}, "as_of": utc(as_of) if isinstance(as_of, datetime) else as_of}
    return [name for name, value in told.items() if value is not None and value != held[name]]


def _inner(said: Body, section: str) -> Any:
    inner = said.get(section)
    return inner.get("hash") if isinstance(inner, dict) else None
