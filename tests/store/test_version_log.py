"""Versions of the policy in the store: numbered, append-only, and vouched for by the audit chain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import exc, text
from store_kit import GOLDEN, RELEASE, START, child, finish, put, scores

from signals.store import Store, open_store
from signals.store.audit import text_hash

FIRST, SECOND = "schema: 1\n# é\n", "schema: 1\n# two\n"


def add(store: Store, words: str, **said: Any) -> Any:
    with store.version_log() as log:
        parent = log.newest()
        given = {"by": "ann", "because": "a reason", "weakens": False} | said
        return log.add(words, "release-week", parent=parent.hash if parent else None, **given)


def filled(store: Store) -> None:
    add(store, FIRST)
    add(store, SECOND, by="bob", weakens=True)
    add(store, FIRST, because="back")


def test_versions_come_back_newest_first_with_their_texts(store: Store) -> None:
    assert store.versions() == ()
    before = datetime.now(UTC).replace(microsecond=0)
    first, second = add(store, FIRST), add(store, SECOND, weakens=True)
    again = add(store, FIRST, because="back")
    assert store.versions() == (again, second, first)
    assert [one.number for one in store.versions()] == [3, 2, 1]
    assert [one.parent for one in store.versions()] == [second.hash, first.hash, None]
    assert again.hash == first.hash == text_hash(FIRST)
    assert before <= first.at <= datetime.now(UTC)
    assert (first.at.microsecond, first.at.tzinfo, second.weakens) == (0, UTC, True)
    assert store.policy_text(second.hash) == SECOND
    assert again.entry == store.audit_head()
    assert store.verify_audit() == []


def test_a_version_of_a_text_that_a_decision_kept_already(store: Store) -> None:
    store.put_policy(text_hash(FIRST), "release-week", FIRST, "", "carol")
    assert add(store, FIRST).text == FIRST
    assert store.verify_audit() == []
    assert store.policy_hashes(text_hash(FIRST)[:12]) == (text_hash(FIRST),)
    assert store.policy_hashes("sha256:%") == store.policy_hashes("nothing") == ()


def test_an_error_in_the_block_records_nothing(store: Store) -> None:
    def half() -> None:
        with store.version_log() as log:
            log.add(FIRST, "p", parent=None, by="ann", because="why", weakens=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert store.versions() == ()
    assert store.policy_text(text_hash(FIRST)) is None
    assert store.verify_audit() == []


@pytest.mark.parametrize(
    "change", ["UPDATE {0} SET at = at", "DELETE FROM {0} WHERE number = 2", "TRUNCATE {0}", "REPLACE"]
)
def test_the_database_refuses_changes(store: Store, change: str) -> None:
    filled(store)
    if change == "REPLACE":
        if not store.database.sqlite:
            pytest.skip("PostgreSQL has no INSERT OR REPLACE")
        change = "INSERT OR REPLACE INTO {0} SELECT * FROM {0} WHERE number = 2"
    elif change.startswith("TRUNCATE") and store.database.sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(exc.DBAPIError, match="append-only"), store.database.write("test") as connection:
        connection.execute(text(change.format("policy_version")))
    assert store.verify_audit() == []


@pytest.mark.parametrize(
    "tampering, problem",
    [
        ("UPDATE policy_version SET because = 'nobody knows' WHERE number = 2", "version 2 of the policy: differs"),
        ("UPDATE policy_version SET by = 'eve' WHERE number = 3", "version 3 of the policy: differs"),
        ("UPDATE policy_version SET weakens = NOT weakens WHERE number = 2", "version 2 of the policy: differs"),
        ("UPDATE policy_version SET parent = NULL WHERE number = 3", "version 3 of the policy: differs"),
        ("UPDATE policy_version SET number = 9 WHERE number = 3", "version 9 of the policy: differs"),
        ("DELETE FROM policy_version WHERE number = 2", "version 2 of the policy, by bob, was deleted"),
        ("DELETE FROM policy_version", "version 1 of the policy, by ann, was deleted"),
        ("UPDATE policy SET text = 'schema: 2' WHERE text LIKE '%two%'", "policy release-week"),
        ("UPDATE policy_version SET entry = 'sha256:0' WHERE number = 1", "version 1 of the policy: has no valid"),
        (
            "INSERT INTO policy_version SELECT 4, hash, NULL, by, by, at, weakens, 'x' FROM policy_version LIMIT 1",
            "version 4 of the policy: has no valid entry",
        ),
    ],
)
def test_tampering_is_named(store: Store, tampering: str, problem: str) -> None:
    filled(store)
    assert store.verify_audit() == []
    with store.database.write("test") as connection:  # what somebody with full rights can do first
        on_sqlite = store.database.sqlite
        for name in ("no_update", "no_delete") if on_sqlite else ("no_change", "no_truncate"):
            of = "" if on_sqlite else " ON policy_version"
            connection.execute(text(f"DROP TRIGGER policy_version_{name}{of}"))
    with store.database.write("test") as connection:
        connection.execute(text(tampering))
    found = store.verify_audit()
    assert found
    assert problem in found[0]


def test_processes_that_save_at_once_get_numbers_of_their_own(url: str) -> None:
    open_store(url).close()
    code = (
        "import sys; from signals.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "for turn in range(20):\n"
        "    with store.version_log() as log:\n"
        "        log.add(f'text {sys.argv[2]} {turn}', 'p', parent=None, by=sys.argv[2], because='x', weakens=False)\n"
    )
    for process in [child(code, url, str(number)) for number in range(3)]:
        finish(process)
    with open_store(url) as store:
        assert [one.number for one in store.versions()] == list(range(60, 0, -1))
        assert store.verify_audit() == []


def test_a_look_sees_one_moment_and_the_same_as_the_store(store: Store) -> None:
    put(store, scores(6))
    with store.look() as look:
        before = look.newest_pull()
        held = look.contents(["golden"])
        assert look.last_attempts(["golden", "other"]) == {"golden": ("changed", "")}
        assert look.evidence_hash(RELEASE, ["golden"], held=held) == store.evidence_hash(RELEASE, ["golden"])
    store.record_failure(GOLDEN, "d", START, "is down")
    with store.look() as look:
        assert look.newest_pull() == before + 1
        assert look.last_attempts(["golden"]) == {"golden": ("failed", "is down")}


def test_the_moments_of_stored_verdicts(store: Store) -> None:
    first = store.put_verdict("prompt-v7", "p", "sha256:e", "hold", {"a": 1}, START)
    assert store.verdicts_seen([first, "sha256:none", first]) == {first: (START, "sha256:e")}
    assert store.verdicts_seen([]) == {}
