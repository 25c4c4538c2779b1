"""Past releases out of the store: read as of then, in order, none dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signals.model import Project
from signals.past import (
    OPEN,
    PastRelease,
    came_with,
    in_margins,
    independent,
    past,
    relate,
    shares_evidence,
    without_margin,
)
from signals.review import load, policy_of, review
from tests.track_kit import make


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        return make(tmp_path_factory.mktemp("many") / "project", releases=16)


@pytest.fixture(scope="module")
def found(many: Project) -> tuple[PastRelease, ...]:
    return past(many, policy_of(many))


def test_every_release_is_there_in_order_as_review_reads_it(many: Project, found: tuple[PastRelease, ...]) -> None:
    assert [one.release.id for one in found] == [f"r{number:02}" for number in range(16)]
    for one in found[:-1]:
        then = review(one.release.id, many).verdict
        assert (one.verdict, one.as_of, one.refused) == (then, then.as_of, "")
        assert one.readings == then.readings
        decides = [row.signal for row in then.trace if row.role == "decides"]
        assert one.decider == (decides[0] if decides else None)


def test_an_open_release_is_named_and_says_nothing(found: tuple[PastRelease, ...]) -> None:
    last = found[-1]
    assert (last.refused, last.readings, last.verdict, last.state("judge")) == (OPEN, {}, None, None)


def test_a_diagnosis_sees_only_what_was_over_by_then(many: Project, found: tuple[PastRelease, ...]) -> None:
    policy, subject = policy_of(many), found[8].release
    before = past(many, policy, before=subject)
    assert [one.release.id for one in before] == [f"r{number:02}" for number in range(8)]
    twin = replace(subject, id="twin")
    assert past(many, policy, before=twin) == before  # what started the same day is not past
    moment = found[4].as_of
    until = past(many, policy, before=subject, until=moment)
    assert [one.release.id for one in until] == [f"r{number:02}" for number in range(5)]
    assert past(many, policy, before=subject, newest=3) == before[-3:]
    assert past(many, policy, until=datetime(2020, 1, 1, tzinfo=UTC)) == ()


def test_what_shares_evidence_counts_once(found: tuple[PastRelease, ...]) -> None:
    kept, aside = independent(found)
    assert [one.release.id for one in aside] == ["r01"]  # of the family of r00
    assert {one.release.id for one in (*kept, *aside)} == {one.release.id for one in found if not one.refused}
    twin = replace(found[3], release=replace(found[3].release, id="again"))
    assert independent([*found, twin])[1] == (found[1], twin)


def test_a_release_whose_evidence_is_gone_is_named(many: Project, tmp_path: Path) -> None:
    import shutil

    from signals.pull import pull
    from signals.review import store_of

    shutil.copytree(many.root, tmp_path / "lost", ignore=shutil.ignore_patterns("*.db*"))
    for name in ("golden", "orders", "thumbs"):
        path = tmp_path / "lost" / "data" / f"{name}.csv"
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "r5a" not in line
                                and "r5b" not in line))  # fmt: skip
    project = load(tmp_path / "lost")
    pull(project, store_of(project))
    lost = {one.release.id: one.refused for one in past(project, policy_of(project)) if one.refused}
    assert set(lost) == {"r05", "r15"}
    assert "no evidence of 'r05'" in lost["r05"]


def test_a_store_that_was_never_filled_is_said_of_every_release(many: Project, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(many.root, tmp_path / "empty", ignore=shutil.ignore_patterns("*.db*"))
    project = load(tmp_path / "empty")
    assert all(one.refused for one in past(project, policy_of(project)))


# --- what it comes to -----------------------------------------------------------------------------------------------


def test_benefits_are_counted_in_margins(found: tuple[PastRelease, ...]) -> None:
    reading = found[0].readings["judge"]
    value, variance = in_margins(reading) or (0.0, 0.0)
    assert reading.benefit.value is not None
    assert reading.margin == 0.02
    assert value == pytest.approx(reading.benefit.value / 0.02)
    voting = reading.estimates[reading.voting]
    assert variance == pytest.approx(((voting.se or 0) / 0.02) ** 2)
    assert in_margins(replace(reading, state="untrusted")) is None
    assert in_margins(replace(reading, margin=None)) is None
    assert in_margins(None) is None


def test_two_signals_are_related_over_independent_releases(many: Project, found: tuple[PastRelease, ...]) -> None:
    signals = policy_of(many).signals
    relation = relate(found, signals, "judge", "conversion")
    assert relation.n == 14  # sixteen less the open one and the second of a family
    assert relation.correlation.low is not None
    assert relation.correlation.low > 0.3
    assert relate(found[:9], signals, "judge", "conversion").refused == "8 past releases have both, and it takes 10"
    bare = {**signals, "judge": replace(signals["judge"], margin=None)}
    assert relate(found, bare, "judge", "conversion").refused == "judge declares no margin to count benefits in"
    assert without_margin(signals, "judge", "conversion") == ""
    assert signals["conversion"].metric is not None
    wait = replace(signals["conversion"], metric=replace(signals["conversion"].metric, type="quantile", quantile=0.9))
    refused = relate(found, {**signals, "conversion": replace(wait, looks="continuous")}, "judge", "conversion").refused
    assert refused.startswith("conversion is a quantile looked at any day")
    assert not relate(found, {**signals, "conversion": replace(wait, looks="fixed")}, "judge", "conversion").refused


def test_kinds_that_measure_the_same_share_their_errors() -> None:
    assert shares_evidence("judge", "panel")
    assert shares_evidence("feedback", "experiment")
    assert not shares_evidence("judge", "experiment")


def test_how_often_a_win_came_with_a_win(found: tuple[PastRelease, ...]) -> None:
    kept, _ = independent(found)
    pairs = [(one.state("judge"), one.state("conversion")) for one in kept]
    wins = [theirs == "win" for mine, theirs in pairs if mine == "win"]
    told = came_with(found, "judge", "win", "conversion", "win")
    assert (told.releases, told.of, told.times) == (14, len(wins), sum(wins))
    assert told.words.startswith(
        f"In 14 past releases, a judge win came with a conversion win {sum(wins)} of {len(wins)} times (95 % CI "
    )
    few = came_with(found[:6], "judge", "win", "conversion", "win")
    assert few.low is None
    assert few.words == "5 past releases heard both judge and conversion, and it takes 10."
    never = came_with(found, "judge", "missing", "conversion", "win")
    assert never.words == "In 14 past releases that heard both, judge was never missing."


def test_the_example_has_ten(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    project = load(root)
    found = past(project, policy_of(project))
    assert len(found) == 10
    assert not [one for one in found if one.refused]
    subject = next(one.release for one in found if one.release.id == "tuesday-large")
    assert len(past(project, policy_of(project), before=subject)) == 8
