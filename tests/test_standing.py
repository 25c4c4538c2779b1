"""Where decisions stand, and what has changed since the verdicts that they were made on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signals.model import Decision, DecisionOutcome, Override
from signals.standing import Stale, Standing, override_record, stale, standings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)


def decision(number: int, call: str = "ship", recommended: str = "hold", release: str = "r") -> Decision:
    return Decision(
        release, call, recommended, "Ann", "why", NOW, "v", "p", "Bo", f"e{number}", number  # type: ignore[arg-type]
    )  # fmt: skip


def override(of: Decision, until: datetime | None = DUE, follow_up: datetime | None = None) -> Override:
    return Override(
        of.entry, of.release, of.call, of.recommended, "v", "Ann", "Bo", "why", NOW, until, follow_up, f"o{of.number}"
    )


def told(of: Decision, outcome: str = "good", entry: str = "t") -> DecisionOutcome:
    return DecisionOutcome(of.entry, outcome, "Eve", "seen", NOW, entry)  # type: ignore[arg-type]


def one(made: Decision, beside: tuple[Override, ...], now: datetime, *turned: DecisionOutcome) -> Standing:
    (found,) = standings([made], beside, turned, now)
    return found


# --- standing -------------------------------------------------------------------------------------------------------


def test_as_recommended_stands() -> None:
    found = one(decision(1, "hold"), (), NOW)
    assert (found.status, found.words, found.until) == ("stands", "as recommended, with Bo", "")


def test_an_override_is_open_until_its_last_second_and_expired_after_it() -> None:
    made = decision(1)
    assert one(made, (override(made),), DUE).status == "open"
    assert one(made, (override(made),), DUE).words == "override of HOLD, with Bo, until 1 Dec 2026"
    late = one(made, (override(made),), DUE + timedelta(seconds=1))
    assert late.status == "expired"
    assert late.words == "override of HOLD, with Bo, expired on 1 Dec 2026"


def test_a_follow_up_runs_out_too() -> None:
    made = decision(1)
    beside = override(made, None, DUE)
    assert one(made, (beside,), NOW).until == "follow-up on 1 Dec 2026"
    late = one(made, (beside,), DUE + timedelta(days=1))
    assert (late.status, late.until) == ("expired", "expired: follow-up was due on 1 Dec 2026")


def test_an_outcome_closes_an_override_and_the_newest_counts() -> None:
    made = decision(1)
    found = one(made, (override(made),), DUE + timedelta(days=9), told(made, "bad", "t2"), told(made, "good", "t1"))
    assert found.status == "closed"
    assert found.outcome is not None
    assert (found.outcome.outcome, len(found.outcomes)) == ("bad", 2)
    assert found.words.endswith("turned out bad")
    assert "expired" not in found.words


def test_a_later_decision_on_the_same_release_supersedes_and_both_stay() -> None:
    other, first, second = decision(3, release="other"), decision(1), decision(2, "hold")
    found = standings([other, second, first], [override(other), override(first)], [], DUE + timedelta(days=1))
    assert [one.status for one in found] == ["expired", "stands", "superseded"]
    assert [one.superseded_by for one in found] == [None, None, 2]
    assert "superseded by decision 2" in found[2].words


def test_an_override_from_before_overrides_had_a_record_never_expires() -> None:
    found = one(decision(1), (), NOW + timedelta(days=9999))
    assert (found.status, found.until) == ("open", "no date")


def test_what_was_looked_at_is_told_apart_from_what_was_not() -> None:
    first, second = decision(1, "hold", release="a"), decision(2, "hold", release="b")
    changed = Stale("hold", "ship")
    found = standings([second, first], [], [], NOW, {first.entry: changed})
    assert [(one.looked, one.stale) for one in found] == [(False, None), (True, changed)]
    assert standings([first], [], [], NOW, {first.entry: None})[0].looked


def test_overrides_are_counted_by_their_newest_outcome() -> None:
    good, bad, late, kept = decision(1), decision(2, release="b"), decision(3, release="c"), decision(4, "hold")
    found = standings(
        [kept, late, bad, good], [override(one) for one in (good, bad, late)],
        [told(bad, "bad"), told(bad, "good"), told(good)], DUE + timedelta(days=1),
    )  # fmt: skip
    record = override_record(found)
    assert (record.overrides, record.good, record.bad, record.expired, record.decisions) == (3, 1, 1, 1, 4)
    assert record.words == (
        "3 of 4 decisions went against the verdict: 1 turned out good, 1 bad, 1 nobody has told yet. "
        "1 expired, without an outcome or a new decision."
    )
    assert override_record(()).words == "Nobody has gone against a verdict in 0 decisions."


# --- stale ----------------------------------------------------------------------------------------------------------

THEN: dict[str, Any] = {
    "call": "hold",
    "readings": {
        "conversion": {"state": "flat", "effect": 0.001, "low": -0.002, "high": 0.004, "unit": "pp", "margin": 0.005,
                       "n_control": 100, "n_candidate": 101, "sources": ["orders"]},
        "judge": {"state": "win", "effect": 0.08, "low": 0.05, "high": 0.11, "unit": "pp", "margin": 0.02,
                  "n_control": 60, "n_candidate": 60, "sources": ["golden"]},
    },
    "policy": {"name": "p", "hash": "sha256:aaaaaaaaaaaaaaaa"},
    "evidence": {"hash": "sha256:e1", "units": {"orders": 201, "golden": 120}},
    "as_of": "2026-11-17T09:00:00Z",
}  # fmt: skip


def now(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(THEN), **changes}


def test_the_same_verdict_at_another_time_is_not_stale() -> None:
    assert stale(THEN, now(as_of="2026-12-17T09:00:00Z")) is None


def test_new_evidence_and_the_readings_that_it_moved_are_named() -> None:
    today = now(call="rollback", evidence={"hash": "sha256:e2", "units": {"orders": 4_000, "golden": 125, "more": 3}})
    today["readings"]["conversion"] |= {
        "state": "loss",
        "effect": -0.02,
        "low": -0.029,
        "high": -0.011,
        "sources": ["orders", "more"],
    }
    found = stale(THEN, today)
    assert found is not None
    assert found.policy is None
    assert found.sources == (("more", None, 3), ("orders", 201, 4_000))
    assert found.words == (
        "The verdict is ROLLBACK now and was HOLD.",
        "conversion: flat then, loss now, +0.10 pp (−0.20 to +0.40) then, −2.00 pp (−2.90 to −1.10) now.",
        "Other evidence in more (not heard then, 3 now), orders (201 then, 4,000 now).",
    )


def test_another_policy_is_named_by_its_version() -> None:
    today = now(policy={"name": "p", "hash": "sha256:bbbbbbbbbbbbbbbbbbbb"}, evidence={**THEN["evidence"], "hash": "x"})
    today["readings"]["judge"]["margin"] = 0.1
    found = stale(THEN, today, {"sha256:bbbbbbbbbbbbbbbbbbbb": 7})
    assert found is not None
    assert found.policy == ("aaaaaaaaaaaa", "version 7 (bbbbbbbbbbbb)")
    # Another policy may read other signals, so that the hash of all evidence says nothing about evidence.
    assert not found.evidence
    assert found.words == (
        "The call is HOLD still.",
        "The policy has changed: aaaaaaaaaaaa then, version 7 (bbbbbbbbbbbb) now.",
        "judge: margin 2.00 pp then, 10.00 pp now.",
    )


def test_evidence_that_moved_no_number_is_no_news() -> None:
    """It is about another release, or newer than the as-of time: the hash alone does not tell."""
    other = {"hash": "sha256:e2", "units": {"orders": 999, "golden": 120}}
    assert stale(THEN, now(evidence=other)) is None


@pytest.mark.parametrize(
    "change, says",
    [
        ({"n_candidate": 140}, "judge: n 60 and 60 then, 60 and 140 now"),
        ({"state": "untrusted"}, "judge: win then, untrusted now"),
        ({"segments": [{"name": "plan=pro", "effect": 0.1, "low": 0.0, "high": 0.2}]}, "judge: other segments."),
        ({"estimates": {"raw": {"effect": 0.1}}}, "judge: other estimates beside what votes."),
        ({"effect": None, "low": None, "high": None}, "+8.00 pp (+5.00 to +11.00) then, no number now"),
    ],
)
def test_each_kind_of_change_of_a_reading_is_told(change: dict[str, Any], says: str) -> None:
    today = now()
    today["readings"]["judge"] |= change
    found = stale(THEN, today)
    assert found is not None
    assert says in " ".join(found.words)


def test_a_signal_that_came_or_went_is_told() -> None:
    today = now()
    today["readings"] = {"conversion": today["readings"]["conversion"], "panel": today["readings"]["judge"]}
    found = stale(THEN, today)
    assert found is not None
    assert found.readings == (("panel", "not in the policy then"), ("judge", "no longer in the policy"))


def test_an_older_verdict_is_held_against_what_it_says_alone() -> None:
    assert stale({"call": "hold"}, now()) is None
    old = {name: value for name, value in THEN.items() if name != "evidence"} | {"evidence": {"hash": "sha256:e1"}}
    assert stale(old, now()) is None
    found = stale({"call": "ship"}, now())
    assert found is not None
    assert (found.was, found.now) == ("ship", "hold")


def test_a_call_that_another_rule_makes_is_told() -> None:
    made = {"rule": "hierarchy[0]", "decided_by": "conversion", "reason": "decided"}
    was = {**THEN, **made}
    assert stale(was, now(**made)) is None
    for change, says in (
        ({"rule": "guardrails[0]", "decided_by": "floor"}, "by conversion hierarchy[0] then, and is by floor guard"),
        ({"decided_by": None}, "by conversion hierarchy[0] then, and is by hierarchy[0] now."),
        ({"reason": "unclear"}, "hierarchy[0] (decided) then, and is by conversion hierarchy[0] (unclear) now."),
    ):
        found = stale(was, now(**{**made, **change}))
        assert found is not None
        assert found.words[0] == "The call is HOLD still."
        assert says in found.words[1]
    assert stale(THEN, now(**made)) is None  # an older verdict does not say


def test_a_long_list_is_cut_with_its_number() -> None:
    found = Stale("hold", "hold", readings=tuple((f"s{n}", "moved") for n in range(5)))
    assert "s2: moved; and 2 more." in found.words[1]


def test_records_do_not_change_under_a_standing() -> None:
    made = decision(1)
    assert one(replace(made, second=""), (override(made),), NOW).words == "override of HOLD, until 1 Dec 2026"
