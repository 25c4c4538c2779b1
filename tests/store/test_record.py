"""Releases, numbers, policies, verdicts, decisions, and the chain that shows later changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import exc, text
from store_kit import RELEASE, START, child, finish

from signals.model import (
    Carrier,
    Cause,
    Collection,
    Correction,
    Decision,
    Estimate,
    Explanation,
    Flip,
    Interval,
    Measure,
    Numbers,
    PairNumbers,
    Reconciliation,
    SegmentEstimate,
    SetAside,
    SignalsError,
    SourceNote,
    Stability,
)
from signals.store import Store, open_store

NUMBERS = Numbers(
    "conversion", "experiment", "pp", "raw",
    {
        "raw": Estimate(0.1 + 0.2, -5e-324, 1 / 3, "Welch", 0.95, df=math.inf, n_control=3, warnings=("few", "odd")),
        "another": Estimate(None, None, None, "none", 0.95, refused="no units — yet"),
    },
    (Measure("sample_ratio_p", 1e-300, "split"), Measure("full_weeks", None, "no times")),
    (SegmentEstimate("plan=pro", 0.5, 1, 2, 0.1, None, None, None, None, refused="small"),),
    (SetAside(3, "broken", None, False), SetAside(9, "seen twice", "new", units=4)),
    (SourceNote("orders", "table", START, "sha256:1", 5, 4),),
    START, None, "users", 12.5, {"b": 2.0, "a": 1.0},
)  # fmt: skip
DECISION = Decision(
    "prompt-v7", "hold", "hold", "ann", "The panel was right last time: −2 % is noise.", START, "sha256:v", "sha256:p",
    "bob",
)  # fmt: skip


# --- releases and numbers -------------------------------------------------------------------------------------------


def test_releases_follow_the_file_and_past_ones_stay_known(store: Store) -> None:
    older = replace(RELEASE, id="prompt-v6", started=date(2026, 10, 1), as_of=START, synthetic=True, owner="ann")
    store.sync_releases([older, RELEASE])
    assert store.releases() == (RELEASE, older)
    store.sync_releases([replace(RELEASE, owner="bob")])
    assert store.releases() == (replace(RELEASE, owner="bob"),)
    assert store.releases(past=True) == (replace(RELEASE, owner="bob"), older)
    store.sync_releases([older])
    assert store.releases() == (older,)
    split = replace(older, split=0.2, family="autumn", outcome="bad")
    store.sync_releases([split])
    assert store.releases() == (split,)


def test_an_estimate_comes_back_exactly_and_only_under_its_key(store: Store) -> None:
    key = ("prompt-v7", "conversion", "sha256:e", "sha256:d")
    assert store.estimate(*key) is None
    store.put_estimate(*key, NUMBERS)
    back = store.estimate(*key)
    assert back == NUMBERS
    assert back is not None
    assert list(back.estimates) == ["raw", "another"]
    for place in range(4):
        assert store.estimate(*(part + "x" if n == place else part for n, part in enumerate(key))) is None
    store.put_estimate(*key, replace(NUMBERS, counted="items"))
    assert store.estimate(*key) == replace(NUMBERS, counted="items")


def test_an_estimate_that_another_version_wrote_is_computed_again(store: Store) -> None:
    key = ("prompt-v7", "conversion", "sha256:e", "sha256:d")
    store.put_estimate(*key, NUMBERS)
    with store.database.write("test") as connection:
        connection.execute(text("UPDATE estimate SET numbers = replace(numbers, 'counted', 'tallied')"))
    assert store.estimate(*key) is None


PAIR = PairNumbers(
    "judge", "conversion", (Correction("population", "judge", "117 items — weighted"),), (0.1 + 0.2, -5e-324, 1 / 3),
    ((1e-300, 0.0, 0.1), (0.0, 2.0, 0.0), (0.1, 0.0, math.inf)), (29.0, 29.0, None),
    (Correction("judge_bias", "judge", "", "no grades", "grade 20"),), (Carrier("q1", 0.5, -1.0, 0.25),),
)  # fmt: skip
EXPLANATION = Explanation(
    (
        Reconciliation(
            "judge", "conversion", ("win", "loss"), "margins", Interval(4.0, 3.0, 5.0), Interval(-1.2, None, None),
            Interval(5.2, 4.0, 6.0),
            (Cause("population", "judge", Interval(0.1, 0.0, 0.2), "pp", Interval(1.0, 0.5, 1.5), 0.2,
                   blamed=True, counts=True),
             Cause("value", "judge", refused="conversion counts people")),
            (Carrier("q1", 0.5, -1.0, 0.25),), "The judge says …",
        ),
    ),
    Stability({"ship": 0.0, "hold": 0.1, "rollback": 0.9}, 10_000, ("judge.max_age",), (("judge", "panel", 0.3),)),
    (Flip("conversion.state", "untrusted", "loss", "rollback", "is", "loss", None, "if …"),
     Flip("conversion.benefit", -0.01, 0.1 + 0.2, "hold", "above", 0.31, True, "if …")),
    (Collection("panel", "80 more items", 80, "items", None, 960.0, "EUR", 0.6, 0.91, True, "…"),),
    "", ("a note",),
)  # fmt: skip


def test_numbers_of_a_pair_come_back_exactly(store: Store) -> None:
    key = ("prompt-v7", "judge against conversion", "sha256:e", "sha256:d")
    assert store.pair(*key) is None
    store.put_estimate(*key, PAIR)
    assert store.pair(*key) == PAIR
    with store.database.write("test") as connection:
        connection.execute(text("UPDATE estimate SET numbers = replace(numbers, 'carriers', 'bearers')"))
    assert store.pair(*key) is None


def test_the_newest_explanation_takes_the_place_of_the_one_before(store: Store) -> None:
    first, second = ("prompt-v7", "sha256:e", "sha256:one"), ("prompt-v7", "sha256:e", "sha256:two")
    store.put_explanation(*first, EXPLANATION)
    assert store.explanation(*first) == EXPLANATION
    other = replace(EXPLANATION, stability=None, unsettled="nothing would")
    store.put_explanation(*second, other)
    assert store.explanation(*first) is None
    assert store.explanation(*second) == other
    store.put_explanation("prompt-v8", "sha256:e", "sha256:two", EXPLANATION)
    assert store.explanation(*second) == other


def test_estimates_of_a_release_whose_arms_change_are_dropped(store: Store) -> None:
    store.sync_releases([RELEASE])
    key = ("prompt-v7", "conversion", "sha256:e", "sha256:d")
    store.put_estimate(*key, NUMBERS)
    store.sync_releases([replace(RELEASE, owner="carol", outcome="good")])
    assert store.estimate(*key) == NUMBERS
    store.sync_releases([replace(RELEASE, control="prompt-v5")])
    assert store.estimate(*key) is None


# --- policies and verdicts ------------------------------------------------------------------------------------------


def test_a_policy_is_kept_once(store: Store) -> None:
    store.put_policy("sha256:p", "release-week", "schema: 1\n# é\n", "first", "ann")
    head = store.audit_head()
    store.put_policy("sha256:p", "release-week", "schema: 1\n# é\n", "again", "bob")
    assert store.policy_text("sha256:p") == "schema: 1\n# é\n"
    assert store.policy_text("sha256:q") is None
    assert store.audit_head() == head


def test_a_verdict_is_kept_once_under_the_hash_of_its_text(store: Store) -> None:
    first = store.put_verdict("prompt-v7", "p", "e", "hold", {"b": 1, "a": [0.1, "−"]}, START)
    again = store.put_verdict("prompt-v7", "p", "e", "hold", '{"a":[0.1,"−"],"b":1}', START)
    assert first == again
    assert store.verdict_text(first) == '{"a":[0.1,"−"],"b":1}'
    with store.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM verdict")).scalar() == 1


# --- decisions and the chain ----------------------------------------------------------------------------------------


def filled(store: Store) -> tuple[Decision, ...]:
    """A policy and three decisions."""
    store.put_policy("sha256:p", "release-week", "schema: 1", "first", "ann")
    return tuple(store.decide(replace(DECISION, because=f"reason {number}")) for number in range(3))


def test_a_decision_is_recorded_with_its_entry(store: Store) -> None:
    made = store.decide(DECISION)
    assert made == replace(DECISION, entry=store.audit_head(), number=1)
    other = store.decide(replace(DECISION, release="model-v2"))
    assert store.decisions() == (other, made)
    assert store.decisions("prompt-v7") == (made,)
    assert store.decisions("nothing") == ()
    assert store.verify_audit() == []


def test_an_empty_chain_is_whole(store: Store) -> None:
    assert store.verify_audit() == []
    assert store.audit_head() == "sha256:" + "0" * 64


@pytest.mark.parametrize("change", [{"by": " "}, {"because": ""}, {"because": "a\0b"}])
def test_a_decision_without_who_or_why_is_refused(store: Store, change: dict[str, str]) -> None:
    with pytest.raises(SignalsError, match="a decision"):
        store.decide(replace(DECISION, **change))
    assert store.decisions() == ()
    assert store.verify_audit() == []


@pytest.mark.parametrize("table", ["audit", "decision"])
@pytest.mark.parametrize(
    "change", ["UPDATE {0} SET at = at", "DELETE FROM {0} WHERE id = 2", "TRUNCATE {0}", "REPLACE"]
)
def test_the_database_refuses_changes(store: Store, table: str, change: str) -> None:
    filled(store)
    sqlite = store.database.sqlite
    if change == "REPLACE":
        if not sqlite:
            pytest.skip("PostgreSQL has no INSERT OR REPLACE")
        change = "INSERT OR REPLACE INTO {0} SELECT * FROM {0} WHERE id = 2"
    elif change.startswith("TRUNCATE") and sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(exc.DBAPIError, match="append-only"), store.database.write("test") as connection:
        connection.execute(text(change.format(table)))
    assert store.verify_audit() == []


def test_a_fork_of_the_chain_is_refused(store: Store) -> None:
    filled(store)
    fork = "INSERT INTO audit SELECT 99, at, kind, body, prev, 'x' FROM audit WHERE id = 2"
    with pytest.raises(exc.DBAPIError), store.database.write("test") as connection:
        connection.execute(text(fork))
    assert store.verify_audit() == []


def unguard(store: Store) -> None:
    """What somebody with full rights can do first."""
    with store.database.write("test") as connection:
        for table in ("audit", "decision"):
            names = ("no_update", "no_delete") if store.database.sqlite else ("no_change", "no_truncate")
            for name in names:
                of = "" if store.database.sqlite else f" ON {table}"
                connection.execute(text(f"DROP TRIGGER {table}_{name}{of}"))


@pytest.mark.parametrize(
    "tampering, problem",
    [
        ("UPDATE audit SET body = replace(body, 'reason 1', 'reason 9') WHERE id = 3", "audit entry 3 "),
        ("UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE id = 2", "audit entry 2 "),
        ("UPDATE audit SET kind = 'note' WHERE id = 4", "audit entry 4 "),
        ("DELETE FROM audit WHERE id = 2", "audit entry 3 "),
        ("DELETE FROM audit WHERE id = 1", "audit entry 2 "),
        ("DELETE FROM audit WHERE id = 4", "decision 3 "),
        ("UPDATE decision SET call = 'rollback' WHERE id = 2", "decision 2 on prompt-v7: differs"),
        ("UPDATE decision SET entry = (SELECT entry FROM decision d WHERE d.id = 1) WHERE id = 2", "decision 2 "),
        ("DELETE FROM decision WHERE id = 2", "was deleted"),
        ("UPDATE policy SET text = 'schema: 2'", "policy release-week (sha256:p): differs"),
        ("DELETE FROM policy", "policy release-week (sha256:p) was deleted"),
        ('UPDATE verdict SET body = \'{"call":"ship"}\'', "was changed after it was written"),
    ],
)
def test_tampering_is_named(store: Store, tampering: str, problem: str) -> None:
    filled(store)
    store.put_verdict("prompt-v7", "p", "e", "hold", {"call": "hold"}, START)
    assert store.verify_audit() == []
    unguard(store)
    with store.database.write("test") as connection:
        connection.execute(text(tampering))
    found = store.verify_audit()
    assert found
    assert problem in found[0]


def test_a_rewritten_chain_has_another_head(fresh_url: Callable[[], str]) -> None:
    heads = []
    for reason in ("because", "because of something else"):
        with open_store(fresh_url()) as store:
            store.decide(replace(DECISION, because=reason))
            store.decide(DECISION)
            heads.append(store.audit_head())
    assert heads[0] != heads[1]


def test_processes_that_decide_at_once_make_one_whole_chain(url: str) -> None:
    open_store(url).close()
    code = (
        "import sys; from datetime import UTC, datetime; from signals.store import open_store\n"
        "from signals.model import Decision\n"
        "store = open_store(sys.argv[1])\n"
        "for turn in range(25):\n"
        "    store.decide(Decision('r', 'hold', 'hold', sys.argv[2], str(turn), datetime.now(UTC), 'v', 'p'))\n"
    )
    children = [child(code, url, f"person {number}") for number in range(4)]
    for process in children:
        finish(process)
    with open_store(url) as store:
        made = store.decisions()
        assert len({(decision.by, decision.because) for decision in made}) == 100
        assert len({decision.entry for decision in made}) == 100
        assert store.verify_audit() == []


def test_times_come_back_in_utc(store: Store) -> None:
    store.decide(replace(DECISION, at=datetime.fromisoformat("2026-11-10T17:00:00.123456+09:00")))
    (made,) = store.decisions()
    assert made.at == datetime(2026, 11, 10, 8, 0, 0, 123456, tzinfo=UTC)
    assert made.at.tzinfo == UTC
    assert store.verify_audit() == []
