"""Overrides and outcomes: recorded with their own entries, never changed, and any change of any column named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import exc, insert, text
from store_kit import START, child, finish

from signals.model import Decision, DecisionOutcome, Override, SignalsError, canonical, digest
from signals.store import Store, StoreError, open_store
from signals.store.tables import audit

DUE = datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)
VERDICT = {
    "release": "prompt-v7", "call": "hold", "policy": {"hash": "sha256:p"}, "evidence": {"hash": "sha256:e"},
    "as_of": "2026-11-10T08:00:00Z",
}  # fmt: skip
AS_OF = datetime(2026, 11, 10, 8, tzinfo=UTC)
DECISION = Decision("prompt-v7", "ship", "hold", "ann", "we know", START, digest(VERDICT), "sha256:p", "bob")
OVERRIDE = Override("", "prompt-v7", "ship", "hold", digest(VERDICT), "ann", "bob", "we know", START, DUE)
OUTCOME = DecisionOutcome("", "bad", "eve", "churn rose; https://x.example", START)


def filled(store: Store) -> tuple[Decision, DecisionOutcome]:
    """A policy, a verdict, an override of it, and its outcome."""
    store.put_policy("sha256:p", "release-week", "schema: 1", "first", "ann")
    store.put_verdict("prompt-v7", "sha256:p", "sha256:e", "hold", canonical(VERDICT), AS_OF)
    made = store.decide(DECISION, OVERRIDE)
    return made, store.turn_out(replace(OUTCOME, decision=made.entry))


def test_three_records_with_three_entries(store: Store) -> None:
    made, told = filled(store)
    decisions, overrides, outcomes = store.recorded("prompt-v7")
    assert decisions == (made,)
    assert overrides == (replace(OVERRIDE, decision=made.entry, entry=overrides[0].entry),)
    assert outcomes == (told,)
    assert len({made.entry, overrides[0].entry, told.entry}) == 3
    assert told.entry == store.audit_head()
    assert store.recorded("other") == ((), (), ())
    with store.database.read() as connection:
        kinds = connection.execute(text("SELECT kind FROM audit ORDER BY id")).scalars().all()
    assert kinds == ["policy", "verdict", "decision", "override", "outcome"]
    assert store.verify_audit() == []


def test_the_same_form_counts_once(store: Store) -> None:
    first = store.decide(replace(DECISION, token="t1"), OVERRIDE)
    later = datetime(2026, 11, 12, tzinfo=UTC)
    again = store.decide(
        replace(DECISION, token="t1", at=later, verdict_hash="sha256:now"), replace(OVERRIDE, at=later)
    )
    assert again == first
    assert store.recorded()[0] == (first,)
    assert len(store.recorded()[1]) == 1
    with pytest.raises(SignalsError, match="recorded already, with another because"):
        store.decide(replace(DECISION, token="t1", because="something else"), OVERRIDE)
    assert store.decide(replace(DECISION, token="t2"), OVERRIDE).number == 2
    told = [store.turn_out(replace(OUTCOME, decision=first.entry, token="o1")) for _ in range(2)]
    assert told[0] == told[1]
    assert len(store.recorded()[2]) == 1
    with pytest.raises(SignalsError, match="another outcome"):
        store.turn_out(replace(OUTCOME, decision=first.entry, token="o1", outcome="good"))
    assert store.verify_audit() == []


def test_an_outcome_is_of_a_decision_with_somebody_and_evidence(store: Store) -> None:
    made = store.decide(DECISION, OVERRIDE)
    with pytest.raises(SignalsError, match="no such decision"):
        store.turn_out(replace(OUTCOME, decision="sha256:nothing"))
    for change in ({"by": " "}, {"because": ""}, {"because": "a\0b"}, {"by": "\ud800"}):
        with pytest.raises(SignalsError, match="an outcome"):
            store.turn_out(replace(OUTCOME, decision=made.entry, **change))
    assert store.recorded()[2] == ()


@pytest.mark.parametrize("table", ["override", "decision_outcome"])
@pytest.mark.parametrize("change", ['UPDATE "{0}" SET at = at', 'DELETE FROM "{0}"', 'TRUNCATE "{0}"', "REPLACE"])
def test_the_database_refuses_changes(store: Store, table: str, change: str) -> None:
    filled(store)
    sqlite = store.database.sqlite
    if (change == "REPLACE") != sqlite and change in ("REPLACE", 'TRUNCATE "{0}"'):
        pytest.skip("the other engine's way")
    if change.startswith("TRUNCATE") and sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    if change == "REPLACE":
        change = 'INSERT OR REPLACE INTO "{0}" SELECT * FROM "{0}" WHERE id = 1'
    with pytest.raises(exc.DBAPIError, match="append-only"), store.database.write("test") as connection:
        connection.execute(text(change.format(table)))
    assert store.verify_audit() == []


COLUMNS = {
    "decision": (
        "release", "call", "recommended", "by", "because", "at", "verdict_hash", "policy_hash", "second", "token", "id",
    ),
    "override": (
        "decision", "release", "call", "recommended", "verdict_hash", "by", "second", "because", "at", "until",
        "follow_up", "id",
    ),
    "decision_outcome": ("decision", "outcome", "by", "because", "at", "token", "id"),
    "policy": ("name", "text", "note", "by", "at"),
    "verdict": ("release", "policy_hash", "evidence_hash", "call", "as_of", "at"),
}  # fmt: skip
NAMES = {"decision_outcome": "outcome"}


@pytest.mark.parametrize("table, column", [(table, column) for table in COLUMNS for column in COLUMNS[table]])
def test_each_column_that_is_changed_is_named(store: Store, table: str, column: str) -> None:
    filled(store)
    unguard(store, table)
    value = "'2020-01-01 00:00:00'" if column in ("at", "until", "follow_up", "as_of") else "'x'"
    with store.database.write("test") as connection:
        connection.execute(text(f'UPDATE "{table}" SET "{column}" = {7 if column == "id" else value}'))
    (found,) = store.verify_audit()
    assert found.startswith(NAMES.get(table, table))
    assert column in found.rpartition("(")[2] or (table, column) == ("policy", "name")


@pytest.mark.parametrize(
    "tampering, problem",
    [
        ("UPDATE \"override\" SET entry = 'sha256:0'", "override 1 on prompt-v7: has no valid entry"),
        ('DELETE FROM "override"', "an override on prompt-v7 by ann was deleted"),
        ("DELETE FROM decision_outcome", "an outcome (bad, by eve) was deleted"),
        ("UPDATE decision_outcome SET entry = 'x'", "outcome 1, bad by eve: has no valid entry"),
        ("DELETE FROM verdict", "on prompt-v7 was deleted"),
        ("UPDATE verdict SET body = '{}'", "was changed after it was written"),
        ("UPDATE audit SET body = replace(body, 'bob', 'rob') WHERE kind = 'override'", "audit entry 4 (override, "),
    ],
)
def test_tampering_is_named(store: Store, tampering: str, problem: str) -> None:
    filled(store)
    for table in ("override", "decision_outcome", "audit"):
        unguard(store, table)
    with store.database.write("test") as connection:
        connection.execute(text(tampering))
    assert any(problem in line for line in store.verify_audit())


NOTHING = "sha256:" + "0" * 64


@pytest.mark.parametrize("body", ["nonsense", "{}", "[]", "7", '{"release":[],"by":{}}', "[" * 5000])
def test_an_entry_that_fits_and_says_nothing_is_named(store: Store, body: str) -> None:
    """Somebody with full rights can give any entry a right hash."""
    row = {"id": 1, "at": "2026-11-10T08:00:00Z", "kind": "decision", "body": body, "prev": NOTHING}
    with store.database.write("test") as connection:
        connection.execute(insert(audit), {**row, "hash": digest(row)})
    assert store.verify_audit() == ["audit entry 1 (decision, 2026-11-10T08:00:00Z): cannot be read"]


@pytest.mark.parametrize(
    "table, change, problem",
    [
        ("decision", "at = 'garbage'", "decision 1 on prompt-v7: differs from its audit entry (at)"),
        ("decision", "because = x'ff00'", "decision 1 on prompt-v7: differs from its audit entry (because)"),
        (
            "decision",
            "because = CAST(x'ff61' AS TEXT)",
            "decision 1 on prompt-v7: differs from its audit entry (because)",
        ),
        ("override", "until = 5", "override 1 on prompt-v7: differs from its audit entry (until)"),
        ("decision_outcome", "at = 'zz'", "outcome 1, bad by eve: differs from its audit entry (at)"),
        ("policy", "at = 'zz'", "policy release-week (sha256:p): differs from its audit entry (at)"),
        ("policy", "text = x'ff00'", "policy release-week (sha256:p): differs from its audit entry (text)"),
        ("verdict", "as_of = 'zz'", f"verdict {digest(VERDICT)} on prompt-v7: differs from what it says (as_of)"),
        ("verdict", "at = x'00'", f"verdict {digest(VERDICT)} on prompt-v7: differs from what it says (at)"),
        ("verdict", "body = x'ff00'", f"verdict {digest(VERDICT)} on prompt-v7: was changed after it was written"),
    ],
)
def test_a_value_of_another_kind_is_named_and_hides_nothing(
    store: Store, table: str, change: str, problem: str
) -> None:
    if not store.database.sqlite:
        pytest.skip("PostgreSQL holds no value of another type")
    filled(store)
    unguard(store, table)
    with store.database.write("test") as connection:
        connection.execute(text(f'UPDATE "{table}" SET {change}'))
    assert store.verify_audit() == [problem]


@pytest.mark.parametrize("column, value", [("body", "x'ff00'"), ("at", "x'00'"), ("body", "CAST(x'ff' AS TEXT)")])
def test_an_entry_of_another_kind_of_value_is_named(store: Store, column: str, value: str) -> None:
    if not store.database.sqlite:
        pytest.skip("PostgreSQL holds no value of another type")
    filled(store)
    unguard(store, "audit")
    with store.database.write("test") as connection:
        connection.execute(text(f"UPDATE audit SET {column} = {value} WHERE id = 3"))
    first, second = store.verify_audit()
    assert first.startswith("audit entry 3 (decision, ")
    assert first.endswith(": cannot be read")
    assert second == "decision 1 on prompt-v7: has no valid entry of its own in the audit chain"
    assert len(store.decisions()) == 1


def test_a_record_with_a_time_that_is_none_is_one_line(store: Store) -> None:
    if not store.database.sqlite:
        pytest.skip("PostgreSQL holds no value of another type")
    filled(store)
    unguard(store, "decision")
    with store.database.write("test") as connection:
        connection.execute(text("UPDATE decision SET at = 'garbage'"))
    for ask in (store.decisions, store.recorded):
        with pytest.raises(StoreError, match="`signals audit verify` names it"):
            ask()


@pytest.mark.parametrize(
    "beside, says",
    [
        (None, "deciding ship is an override"),
        (replace(OVERRIDE, second=" "), "of another second"),
        (replace(OVERRIDE, until=None), "has one date"),
        (replace(OVERRIDE, follow_up=DUE), "has one date"),
        (replace(OVERRIDE, release="other"), "of another release"),
    ],
)
def test_a_decision_against_its_verdict_is_not_kept_alone(store: Store, beside: Override | None, says: str) -> None:
    with pytest.raises(SignalsError, match=says):
        store.decide(DECISION, beside)
    with pytest.raises(SignalsError, match="a decision as recommended"):
        store.decide(replace(DECISION, call="hold"), replace(OVERRIDE, call="hold"))
    with pytest.raises(SignalsError, match="needs a second person"):
        store.decide(replace(DECISION, second=""), replace(OVERRIDE, second=""))
    assert store.recorded() == ((), (), ())
    assert store.verify_audit() == []


def test_the_same_form_with_another_date_is_another_form(store: Store) -> None:
    store.decide(replace(DECISION, token="t1"), OVERRIDE)
    for other in (replace(OVERRIDE, until=START), replace(OVERRIDE, until=None, follow_up=DUE)):
        with pytest.raises(SignalsError, match="recorded already, with another date"):
            store.decide(replace(DECISION, token="t1"), other)
    assert len(store.recorded()[1]) == 1


def test_decisions_in_another_order_are_named(store: Store) -> None:
    """Which decision counts is a matter of their order: swapping two old ones must not go unseen."""
    for why in ("first", "second"):
        store.decide(replace(DECISION, because=why), OVERRIDE)
    unguard(store, "decision")
    with store.database.write("test") as connection:
        for change in ("id = 9 WHERE id = 1", "id = 1 WHERE id = 2", "id = 2 WHERE id = 9"):
            connection.execute(text(f"UPDATE decision SET {change}"))
    assert len([line for line in store.verify_audit() if "(id)" in line]) == 2


def unguard(store: Store, table: str) -> None:
    """What somebody with full rights can do first."""
    if table in ("policy", "verdict"):
        return
    names = ("no_update", "no_delete") if store.database.sqlite else ("no_change", "no_truncate")
    with store.database.write("test") as connection:
        for name in names:
            of = "" if store.database.sqlite else f' ON "{table}"'
            connection.execute(text(f"DROP TRIGGER {table}_{name}{of}"))


def test_processes_that_record_at_once_make_one_whole_chain(url: str) -> None:
    """Four people press at once, each twice: all decisions land with their overrides, and none of them twice."""
    open_store(url).close()
    code = (
        "import sys; from datetime import UTC, datetime; from signals.store import open_store\n"
        "from signals.model import Decision, DecisionOutcome, Override\n"
        "store = open_store(sys.argv[1]); who = sys.argv[2]; now = datetime.now(UTC)\n"
        "for turn in range(12):\n"
        "    for again in range(2):\n"
        "        made = store.decide(\n"
        "            Decision('r', 'ship', 'hold', who, str(turn), now, 'v', 'p', 'bo', token=f'{who}-{turn}'),\n"
        "            Override('', 'r', 'ship', 'hold', 'v', who, 'bo', str(turn), now, now))\n"
        "    store.turn_out(DecisionOutcome(made.entry, 'good', who, 'seen', now))\n"
        "shared = store.decide(Decision('r', 'hold', 'hold', 'both', 'one form', now, 'v', 'p', token='shared'))\n"
    )
    children = [child(code, url, f"person {number}") for number in range(4)]
    for process in children:
        finish(process)
    with open_store(url) as store:
        decisions, overrides, outcomes = store.recorded()
        assert (len(decisions), len(overrides), len(outcomes)) == (49, 48, 48)
        assert sorted(one.number for one in decisions) == list(range(1, 50))
        assert {one.decision for one in overrides} == {one.entry for one in decisions if one.override}
        assert store.verify_audit() == []
