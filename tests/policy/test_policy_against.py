"""`against:`: the signal that a fast signal's past is held against, and what a policy may not say of it."""

from __future__ import annotations

import pytest

from signals.checks import OF_THE_PAST
from signals.model import SignalsError
from signals.policy import Policy, parse_policy
from signals.proven import asked_of
from signals.workbench.edits.definitions import definitions

TEXT = """\
schema: 1
name: proxies
signals:
  kept: {kind: experiment, better: higher, margin: 1pp, metric: {name: kept, type: proportion}}
  judge:
    kind: judge
    better: higher
    margin: 2pp
    against: kept
    trust: {track_correlation: 0.5}
  thumbs: {kind: feedback, better: higher, margin: 1pp, segments: [plan]}
hierarchy:
  - {signal: kept, win: ship}
  - {signal: judge, win: ship}
  - {signal: thumbs, win: ship}
"""


def policy(old: str = "", new: str = "") -> Policy:
    assert old in TEXT
    return parse_policy(TEXT.replace(old, new), "h.yaml")


def test_it_reaches_the_signal_and_changes_none_of_its_numbers() -> None:
    found = policy()
    assert (found.signals["judge"].against, found.signals["kept"].against) == ("kept", "")
    without = policy("    against: kept\n    trust: {track_correlation: 0.5}\n", "")
    assert found.signals["judge"].definition_hash() == without.signals["judge"].definition_hash()


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("against: kept", "against: kepd", "9:14", "Did you mean 'kept'?"),
        ("against: kept", "against: judge", "9:14", "judge is held against itself"),
        ("    against: kept\n", "", "9:13", "does not say with which signal"),
        ("margin: 1pp, segments", "margin: 1pp, against: thumbs, segments", "11:66", "thumbs is held against itself"),
        ("type: proportion}}", "type: proportion}, against: judge}", "9:14", "kept, which is held against it in turn"),
        ("segments: [plan]", "trust: {track_correlation: 0.5}", "11:65", "does not say with which signal"),
        ("segments: [plan]", "trust: {response_trend_p: 2}", "11:83", "at most 1"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(old: str, new: str, place: str, words: str) -> None:
    with pytest.raises(SignalsError) as error:
        policy(old, new)
    assert [one for one in map(str, error.value.problems) if f":{place}:" in one and words in one], error.value.problems


def test_only_kinds_with_responders_are_asked_for_them() -> None:
    with pytest.raises(SignalsError, match="response_trend_p"):
        policy("{track_correlation: 0.5}", "{response_trend_p: 0.01}")


# --- which checks of the past are asked for -------------------------------------------------------------------------


def test_trust_and_conditions_ask_for_the_past() -> None:
    assert asked_of(policy()) == {"judge": {"track_correlation"}}
    assert asked_of(policy("    trust: {track_correlation: 0.5}\n", "")) == {}
    gated = policy("{signal: thumbs, win: ship}", "{signal: thumbs, when: thumbs.responder_mix_shift < 10%, win: ship}")
    assert asked_of(gated) == {"judge": {"track_correlation"}, "thumbs": {"responder_mix_shift"}}
    every = (
        ("overrides: [{id: o, put: judge, above: kept, when: has(thumbs.response_trend_p)}]", "response_trend_p"),
        ("guardrails: [{id: g, when: thumbs.response_trend_p < 0.01, call: hold}]", "response_trend_p"),
        ("ship_requires: [{that: not thumbs.track_correlation < 0}]", "track_correlation"),
        (
            "kinds: {model: {hierarchy: [{signal: thumbs, when: thumbs.track_correlation > 0, win: ship}]}}",
            "track_corr",
        ),
    )
    for text, check in every:
        found = asked_of(parse_policy(f"{TEXT}{text}\n", "h.yaml"))["thumbs"]
        assert len(found) == 1
        assert next(iter(found)).startswith(check)
        assert found <= OF_THE_PAST


def test_a_diff_says_what_the_past_is_held_against() -> None:
    other = policy("against: kept", "against: thumbs")
    words = [str(one) for one in definitions(policy(), other)]
    assert words == ["changes: judge: its past is held against thumbs, was held against kept"]
    stricter = policy("track_correlation: 0.5", "track_correlation: 0.7")
    assert [str(one) for one in definitions(stricter, policy())] == [
        "weakens: judge: track_correlation from 0.7 to 0.5: worse evidence is believed"
    ]
