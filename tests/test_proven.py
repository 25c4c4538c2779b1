"""What its past says of a signal: from which releases, as of when, and only where a policy asks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from signals.model import Check, Project, SignalsError
from signals.past import in_margins, past, relate
from signals.policy import Policy, parse_policy
from signals.proven import with_past
from signals.replay import replay
from signals.review import find_release, load, numbers_of, policy_of, record, review
from signals.stats.proxy import relation
from tests.track_kit import POLICY, make

PROVEN = POLICY.replace(
    "    question: Do they like it?\n",
    "    question: Do they like it?\n    against: conversion\n"
    "    trust: {track_correlation: 0.5, response_trend_p: 0.01, max_age: 3d}\n",
).replace("    question: Does the golden set improve?\n", "    question: Does it?\n    against: conversion\n")
RELEASES = 17


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Sixteen closed releases and an open one; the second is of the first one's family."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        found = make(tmp_path_factory.mktemp("proven") / "project", releases=RELEASES)
        past(found, policy_of(found))  # the numbers are the same under every policy below: once is enough
        return found


@pytest.fixture
def project(made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy that a test may change, with the policy that asks."""
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    shutil.copytree(made.root, tmp_path / "copy")
    (tmp_path / "copy" / "hierarchy.yaml").write_text(PROVEN, encoding="utf-8")
    return load(tmp_path / "copy")


def policy(old: str = "", new: str = "") -> Policy:
    assert old in PROVEN
    return parse_policy(PROVEN.replace(old, new), "h.yaml")


def check(project: Project, release: str, name: str = "track_correlation", *, of: Policy | None = None) -> Check:
    return review(release, project, policy=of).verdict.readings["thumbs"].checks[name]


def test_it_is_the_relation_of_the_past_releases_measured_by_hand(project: Project) -> None:
    """The readings of every earlier release by themselves, under a policy that asks nothing of the past."""
    plain = parse_policy(POLICY, "h.yaml")
    kept = [f"r{number:02}" for number in range(15) if number != 1]  # the second shares its control with the first
    found = [review(name, project, policy=plain).verdict.readings for name in kept]
    x, y = ([in_margins(one[name]) or (0.0, 0.0) for one in found] for name in ("thumbs", "conversion"))
    hand = relation([a for a, _ in x], [b for b, _ in y], [v for _, v in x], [v for _, v in y], shared=True)
    seen = check(project, "r15")
    assert (seen.value, seen.low, seen.high) == (
        hand.correlation.value, hand.correlation.low, hand.correlation.high,
    )  # fmt: skip
    assert (seen.status, seen.required) == ("pass", True)
    assert seen.detail.startswith("with conversion, over 14 past releases (95 % CI ")


def test_the_reconciliation_and_the_track_record_say_the_same(project: Project) -> None:
    subject = find_release(project, "r15")
    rules = policy_of(project)
    seen = relate(past(project, rules, before=subject, until=subject.as_of), rules.signals, "thumbs", "conversion")
    assert check(project, "r15").value == seen.correlation.value


def test_below_ten_releases_nothing_is_said_and_the_signal_has_no_vote(project: Project) -> None:
    verdict = review("r10", project).verdict
    thumbs = verdict.readings["thumbs"]
    assert (thumbs.state, thumbs.checks["track_correlation"].status) == ("untrusted", "unknown")
    assert "9 past releases have both, and it takes 10" in thumbs.why
    assert "9 past releases have a response rate, and it takes 10" in thumbs.why
    assert review("r11", project).verdict.readings["thumbs"].state != "untrusted"


def test_nothing_of_the_future_counts(project: Project) -> None:
    """Later releases, however they turned out, leave the check of an earlier one as it was."""
    before = check(project, "r12")
    assert "over 11 past releases" in before.detail
    orders = project.root / "data" / "orders.csv"
    head, *rows = orders.read_text(encoding="utf-8").splitlines()
    changed = [
        f"{row.split(',')[0]},200000,{90_000 if row.split(',')[0].endswith('a') else 10_000},{row.split(',')[3]}"
        if int(row[1:].split("a")[0].split("b")[0]) >= 12 else row
        for row in rows
    ]  # fmt: skip
    orders.write_text("\n".join([head, *changed]) + "\n", encoding="utf-8")
    from signals.pull import pull
    from signals.review import store_of

    pull(project, store_of(project))
    assert check(project, "r12") == before
    assert check(project, "r16").value != check(project, "r12").value


def test_a_release_that_closes_later_is_not_known_yet(project: Project) -> None:
    """Read as of two weeks earlier, the release that closed in between has not happened."""
    subject = find_release(project, "r15")
    assert subject.as_of is not None
    sources = project.root / "data" / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if "id: r14" in one)
    late = line.replace(line.split("as_of: ")[1].split("}")[0], f"{subject.as_of.date()}T10:00:00Z")
    sources.write_text(text.replace(line, late), encoding="utf-8")
    assert "over 13 past releases" in check(load(project.root), "r15").detail


def test_a_decision_makes_a_release_past_from_its_moment_on(project: Project) -> None:
    sources = project.root / "data" / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if "id: r05" in one)
    sources.write_text(text.replace(line, line.split(", as_of")[0] + "}"), encoding="utf-8")
    opened = load(project.root)
    assert ["over 13 past" in check(opened, "r15").detail, "over 14 past" in check(opened, "r16").detail] == [
        True,
        True,
    ]
    now = review("r05", opened)
    record(now, now.verdict.call, "Ann", "as recommended")
    assert "over 15 past releases" in check(opened, "r16").detail  # open, so as of now
    assert "over 13 past releases" in check(opened, "r15").detail  # closed a year before anybody decided


def test_past_readings_need_no_record_of_their_own_but_all_else(project: Project) -> None:
    """The first ten had no record, and all were old when they closed; one that lacks responses stays out."""
    assert check(project, "r15").value is not None
    few = policy("track_correlation: 0.5,", "track_correlation: 0.5, min_responses: 9001,")
    assert check(project, "r15", of=few).why.endswith("0 past releases have both, and it takes 10")


def test_a_response_rate_that_falls_from_release_to_release_is_seen(project: Project) -> None:
    assert check(project, "r15", "response_trend_p").status == "pass"
    thumbs = project.root / "data" / "thumbs.csv"
    head, *rows = thumbs.read_text(encoding="utf-8").splitlines()
    falling = []
    for row in rows:
        variant, shown, rated, up, day = row.split(",")
        less = 0.95 ** int(variant[1:-1])
        falling.append(f"{variant},{shown},{round(int(rated) * less)},{round(int(up) * less)},{day}")
    thumbs.write_text("\n".join([head, *falling]) + "\n", encoding="utf-8")
    from signals.pull import pull
    from signals.review import store_of

    pull(project, store_of(project))
    seen = check(project, "r15", "response_trend_p")
    assert seen.status == "fail"
    assert seen.detail == "10.0 % responded in the first of 15 windows, 4.6 % in this one"


def test_who_responds_takes_segments(project: Project) -> None:
    asked = policy("trust: {track_correlation: 0.5,", "trust: {responder_mix_shift: 10%,")
    assert check(project, "r15", "responder_mix_shift", of=asked).why.endswith("the signal declares no segments")
    named = policy("trust: {track_correlation: 0.5,", "segments: [plan]\n    trust: {responder_mix_shift: 10%,")
    seen = check(project, "r15", "responder_mix_shift", of=named)
    assert "0 past releases have responders by plan, and it takes 10" in seen.why


def test_where_nobody_asks_nothing_is_looked_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = parse_policy(POLICY, "h.yaml")
    release = find_release(project, "r15")
    numbers, moment = numbers_of(project, plain, release)
    monkeypatch.setattr("signals.asking.memory_of", lambda *_: pytest.fail("looked up"))
    assert with_past(project, plain, release, moment, numbers) is numbers
    assert check(project, "r15", of=plain).why == "track correlation is not known: it was not measured"


def test_a_condition_alone_asks_for_it(project: Project) -> None:
    trust = "    trust: {track_correlation: 0.5, response_trend_p: 0.01, max_age: 3d}\n"
    gated = PROVEN.replace(trust, "").replace(
        "{signal: thumbs, loss: hold}",
        "{signal: thumbs, when: thumbs.track_correlation >= 0.999, win: ship, loss: hold, flat: hold, unclear: hold}",
    )
    verdict = review("r15", project, policy=parse_policy(gated, "h.yaml")).verdict
    seen = verdict.readings["thumbs"].checks["track_correlation"]
    assert (seen.status, seen.threshold) == ("pass", None)
    assert seen.value is not None
    row = next(one for one in verdict.trace if one.signal == "thumbs")
    assert (row.role == "silenced") == (seen.value < 0.999)


def test_a_replay_says_what_a_review_says(project: Project) -> None:
    rows = replay(project, [policy_of(project)])
    for row in rows:
        (verdict,) = row.verdicts
        assert not isinstance(verdict, SignalsError)
        if not row.open:
            assert verdict == review(row.release.id, project).verdict


def test_an_edit_of_what_it_is_held_against_is_read_anew(project: Project) -> None:
    """Readings are kept between policies; one held against another signal is another reading."""
    first = check(project, "r15")
    other = check(
        project, "r15", of=policy("it?\n    against: conversion\n    trust", "it?\n    against: judge\n    trust")
    )
    assert other.detail.startswith("with judge")
    assert other.value != first.value
    found = replay(project, [policy_of(project), policy("track_correlation: 0.5", "track_correlation: 0.99999")])
    states = [
        tuple(one.readings["thumbs"].checks["track_correlation"].threshold for one in row.verdicts if not isinstance(
            one, SignalsError)) for row in found
    ]  # fmt: skip
    assert set(states) == {(0.5, 0.99999)}
