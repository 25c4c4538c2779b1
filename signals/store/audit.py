"""The audit chain: entries that each carry the hash of the one before.

A chain shows any later change to somebody who kept an earlier head: that is why memos print it. It cannot show that
the newest entries were cut off; a kept head, or a decision without its entry, does.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from signals.model import canonical, digest
from signals.store.tables import audit, decision, policy, policy_version, verdict

GENESIS = "sha256:" + "0" * 64
LOCK = "audit"


def append(connection: Connection, kind: str, body: dict[str, Any], at: datetime | None = None) -> str:
    """Add an entry inside the caller's transaction, which holds the lock ``audit``; gives the entry's hash."""
    last = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).first()
    number, prev = (last.id + 1, last.hash) if last else (1, GENESIS)
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    row = {"id": number, "at": moment, "kind": kind, "body": canonical(body), "prev": prev}
    row["hash"] = digest(row)
    connection.execute(insert(audit), row)
    return str(row["hash"])


def head(connection: Connection) -> str:
    """Hash of the newest entry."""
    found = connection.execute(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)).scalar()
    return str(found) if found else GENESIS


def text_hash(text: str) -> str:
    """``sha256:`` plus the hash of a text as it stands."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def problems(connection: Connection) -> list[str]:
    """What does not fit, the first bad row of the chain first; empty when everything does.

    Compares each entry with its hash and with the entry before it, and the decisions, policies, versions of the
    policy and verdicts with what their entries say of them.
    """
    found: list[str] = []
    bodies: dict[str, tuple[str, dict[str, Any]]] = {}
    prev, expected = GENESIS, 1
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        name = f"audit entry {row['id']} ({row['kind']}, {row['at']})"
        if row["id"] != expected:
            found.append(f"{name}: entry {expected} is missing before it")
        elif row["prev"] != prev:
            found.append(f"{name}: does not follow the entry before it")
        if digest({key: row[key] for key in ("id", "at", "kind", "body", "prev")}) != row["hash"]:
            found.append(f"{name}: was changed after it was written")
        else:
            bodies[row["hash"]] = (row["kind"], json.loads(row["body"]))
        prev, expected = row["hash"], row["id"] + 1
    found += _decisions(connection, bodies) + _policies(connection, bodies)
    return found + _versions(connection, bodies) + _verdicts(connection)


def _decisions(connection: Connection, bodies: dict[str, tuple[str, dict[str, Any]]]) -> list[str]:
    found = []
    left = {entry: body for entry, (kind, body) in bodies.items() if kind == "decision"}
    for row in connection.execute(select(decision).order_by(decision.c.id)).mappings():
        body = left.pop(row["entry"], None)
        said = json.loads(canonical({key: row[key] for key in row if key not in ("id", "entry")}))
        if body is None:
            found.append(f"decision {row['id']} on {row['release']}: has no valid entry of its own in the audit chain")
        elif body != said:
            found.append(f"decision {row['id']} on {row['release']}: differs from its audit entry")
    return found + [f"a decision on {body['release']} by {body['by']} was deleted" for body in left.values()]


def _policies(connection: Connection, bodies: dict[str, tuple[str, dict[str, Any]]]) -> list[str]:
    found = []
    left = {entry: body for entry, (kind, body) in bodies.items() if kind == "policy"}
    for row in connection.execute(select(policy).order_by(policy.c.at, policy.c.hash)).mappings():
        body = left.pop(row["entry"], None)
        said = {key: row[key] for key in ("hash", "name", "note", "by")} | {"text": text_hash(row["text"])}
        if body is None:
            found.append(f"policy {row['name']} ({row['hash']}): has no valid entry of its own in the audit chain")
        elif body != said:
            found.append(f"policy {row['name']} ({row['hash']}): differs from its audit entry")
    return found + [f"policy {body['name']} ({body['hash']}) was deleted" for body in left.values()]


def _versions(connection: Connection, bodies: dict[str, tuple[str, dict[str, Any]]]) -> list[str]:
    found = []
    texts = {row.hash: text_hash(row.text) for row in connection.execute(select(policy.c.hash, policy.c.text))}
    left = {entry: body for entry, (kind, body) in bodies.items() if kind == "version"}
    for row in connection.execute(select(policy_version).order_by(policy_version.c.number)).mappings():
        body = left.pop(row["entry"], None)
        name = f"version {row['number']} of the policy"
        if body is None:
            found.append(f"{name}: has no valid entry of its own in the audit chain")
        elif body != json.loads(canonical({key: row[key] for key in row if key != "entry"})):
            found.append(f"{name}: differs from its audit entry")
        elif texts.get(row["hash"]) != row["hash"]:
            found.append(f"{name}: its text is not the one that was saved")
    return found + [f"version {body['number']} of the policy, by {body['by']}, was deleted" for body in left.values()]


def _verdicts(connection: Connection) -> list[str]:
    return [
        f"verdict {hash_} on {release}: was changed after it was written"
        for hash_, release, body in connection.execute(
            select(verdict.c.hash, verdict.c.release, verdict.c.body).order_by(verdict.c.at, verdict.c.hash)
        )
        if text_hash(body) != hash_
    ]
