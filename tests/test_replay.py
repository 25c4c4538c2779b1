"""Past releases decided again: as `review` decides them, as of then, and no row lost."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from decided_kit import decided_then
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.model import Decision, Override, Project, SignalsError, Verdict
from signals.policy import Policy
from signals.pull import pull
from signals.replay import Replayed, flips, replay, sentence, summary
from signals.review import load, parsed, policy_of, review, store_of

POLICY = """\
schema: 1
name: tiny
signals:
  done:
    kind: experiment
    question: Done?
    metric: {name: done, type: proportion}
    better: higher
    margin: 2pp
    trust: {max_age: 2d}
hierarchy:
  - {signal: done, win: ship, loss: rollback}
otherwise: hold
"""
SOURCES = """\
store: sqlite:///signals.db
releases:
  - {id: old, kind: prompt, control: a, candidate: b, started: 2026-09-01, outcome: bad}
  - {id: new, kind: prompt, control: c, candidate: d, started: 2026-09-01, as_of: 2026-09-10T12:00:00Z, family: f}
  - {id: third, kind: prompt, control: c, candidate: e, started: 2026-09-01, as_of: 2026-09-10T12:00:00Z, family: f}
sources:
  orders:
    signal: done
    connector: table
    path: orders.csv
    shape: outcome_counts
    map: {variant: variant, units: users, successes: good, day: day}
"""


def rows(better: dict[str, float], last: int = 10) -> str:
    """Users and successes per day and variant; a variant's rate rises by its number of points."""
    lines = ["day,variant,users,good"]
    lines += [
        f"2026-09-{day:02},{variant},400,{round(400 * (0.3 + lift))}"
        for day in range(1, last + 1)
        for variant, lift in better.items()
    ]
    return "\n".join(lines) + "\n"


LIFTS = {"a": 0.0, "b": 0.1, "c": 0.0, "d": -0.08, "e": 0.0}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three small releases, pulled."""
    (tmp_path / "data").mkdir()
    (tmp_path / "hierarchy.yaml").write_text(POLICY)
    (tmp_path / "data" / "sources.yaml").write_text(SOURCES)
    (tmp_path / "data" / "orders.csv").write_text(rows(LIFTS))
    return pulled(tmp_path)


def pulled(folder: Path) -> Project:
    found = load(folder)
    assert not [report.error for report in pull(found, store_of(found)) if report.error]
    return found


def edited(project: Project, old: str, new: str) -> Policy:
    text = policy_of(project).text
    assert old in text
    return parsed(text.replace(old, new), "edited")


def by_id(found: tuple[Replayed, ...]) -> dict[str, Replayed]:
    return {row.release.id: row for row in found}


def decided_at(project: Project, release: str, call: str, at: datetime, policy_hash: str = "sha256:p") -> None:
    """A decision as an earlier version of the store may hold it: without its verdict."""
    made = Decision(release, call, "hold", "ann", "why", at, "sha256:v", policy_hash, "bo")  # type: ignore[arg-type]
    beside = Override("", release, made.call, "hold", "sha256:v", "ann", "bo", "why", at, at)
    store_of(project).decide(made, beside if made.override else None)


# --- as review decides ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(root: Path, demo_store: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The bundled example over a copy of its store."""
    folder = tmp_path_factory.mktemp("replayed")
    (folder / "data").mkdir()
    shutil.copy(root / "hierarchy.yaml", folder)
    text = (root / "data" / "sources.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("store:"))
    (folder / "data" / "sources.yaml").write_text(text.replace(line, "store: sqlite:///signals.db"))
    with sqlite3.connect(demo_store.removeprefix("sqlite:///")) as connection:
        connection.execute("VACUUM INTO ?", [str(folder / "signals.db")])
    return load(folder)


EDITS = st.fixed_dictionaries(
    {
        "human_agreement >= 0.5,": st.sampled_from([0.2, 0.5, 0.551, 0.6, 0.76, 0.9]).map(
            "human_agreement >= {},".format
        ),
        "margin: 0.5pp": st.sampled_from([0.05, 0.2, 0.5, 1, 3]).map("margin: {}pp".format),
        "margin: 0.1 ": st.sampled_from([0.01, 0.1, 0.4]).map("margin: {} ".format),
        "min_units: 2000": st.sampled_from([0, 100_000, 900_000]).map("min_units: {}".format),
        "max_age: 3d": st.sampled_from(["1h", "3d"]).map("max_age: {}".format),
        "sample_ratio_p: 0.001": st.sampled_from([0.0, 0.001, 0.5]).map("sample_ratio_p: {}".format),
        "estimate: raw ": st.sampled_from(["raw ", "corrected "]).map("estimate: {}".format),
        "otherwise: hold": st.sampled_from(["hold", "ship", "rollback"]).map("otherwise: {}".format),
        "- {signal: panel, win: ship, loss: rollback}": st.sampled_from(
            ["- {signal: panel, win: ship, loss: hold}", "- {signal: panel, flat: ship, unclear: rollback}"]
        ),
        "share >= 5%": st.sampled_from(["share >= 5%", "share >= 0%"]),
    }
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, min_size=1, max_size=2))
def test_every_row_is_what_review_says(example: Project, edits: list[dict[str, str]]) -> None:
    """Random edits of thresholds and rows, several side by side, over what is kept from the edits before."""
    text = policy_of(example).text.split("\ntests:")[0]
    policies = []
    for edit in edits:
        changed = text
        for old, new in edit.items():
            assert old in text
            changed = changed.replace(old, new)
        policies.append(parsed(changed, "edited"))
    for row in replay(example, policies):
        for policy, found in zip(policies, row.verdicts, strict=True):
            assert found == review(row.release.id, example, policy=policy, as_of=row.as_of).verdict


def test_no_release_is_missing_and_each_is_judged_at_its_own_moment(example: Project) -> None:
    found = by_id(replay(example, [policy_of(example)]))
    assert set(found) == {release.id for release in example.releases}
    assert all(row.as_of == row.release.as_of and not row.open for row in found.values())
    assert {row.decided for row in found.values()} == {None}
    only = replay(example, [policy_of(example)], releases=["all-agree"])
    assert only == (found["all-agree"],)
    with pytest.raises(SignalsError, match="all-agree"):
        replay(example, [policy_of(example)], releases=["all-agre"])


def test_the_first_decisive_day_is_found_by_asking_every_day(example: Project) -> None:
    policies = [policy_of(example), edited(example, "win: ship, loss: rollback, untrusted", "loss: hold, untrusted")]
    told: list[tuple[int, int]] = []
    names = ["all-agree", "tuesday-large", "brief-v2"]
    found = by_id(
        replay(example, policies, releases=names, days=True, progress=lambda done, of: told.append((done, of)))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    for name in names:
        row = found[name]
        for which, policy in enumerate(policies):
            first = None
            for number in range((row.as_of.date() - row.release.started).days + 1):
                end = datetime.combine(row.release.started + timedelta(days=number), time(23, 59, 59), UTC)
                call = review(name, example, policy=policy, as_of=min(end, row.as_of)).verdict.call
                if first is None and call != "hold":
                    first = number + 1
            assert row.days[which] == first, (name, which)
    assert found["brief-v2"].days == (None, None)
    assert found["tuesday-large"].days == (2, None)


# --- as of then -----------------------------------------------------------------------------------------------------


def test_evidence_newer_than_the_decision_does_not_count(project: Project) -> None:
    at = datetime(2026, 9, 6, 9, 30, tzinfo=UTC)
    then = review("old", project, as_of=at)
    decided_then(then, {"verdict": 1})
    (project.root / "data" / "orders.csv").write_text(rows(LIFTS) + "2026-09-20,b,90000,1\n2026-09-20,a,90000,90000\n")
    later = pulled(project.root)
    row = by_id(replay(later, [policy_of(later)]))["old"]
    assert (row.as_of, row.open, row.decided, row.recommended) == (at, False, "ship", "ship")
    assert row.verdicts[0] == review("old", later, as_of=at).verdict
    assert row.call(0) == "ship"
    assert row.verdicts[0].readings["done"].n == 2 * 6 * 400
    assert review("old", later, as_of=datetime(2026, 9, 21, tzinfo=UTC)).verdict.call == "rollback"


def test_the_newest_decision_counts_and_one_without_its_verdict_counts_as_of_its_time(project: Project) -> None:
    decided_at(project, "old", "hold", datetime(2026, 9, 3, tzinfo=UTC))
    decided_at(project, "old", "ship", datetime(2026, 9, 5, 1, 2, 3, 456, tzinfo=UTC))
    row = by_id(replay(project, [policy_of(project)]))["old"]
    assert row.as_of == datetime(2026, 9, 5, 1, 2, 3, tzinfo=UTC)
    assert (row.decided, row.recommended) == ("ship", "hold")
    assert isinstance(row.then, SignalsError)
    assert "not in the store" in str(row.then)
    assert row.call_then == "hold"


def test_a_release_that_is_neither_decided_nor_closed_is_judged_now_and_marked(project: Project) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    row = by_id(replay(project, [policy_of(project)]))["old"]
    assert row.open
    assert before <= row.as_of <= datetime.now(UTC)
    assert row.verdicts[0].readings["done"].state == "untrusted"  # its evidence is old by now
    again = by_id(replay(project, [policy_of(project)]))["old"]
    assert again.verdicts[0] == review("old", project, as_of=again.as_of).verdict


# --- nothing is dropped, nothing kills the table --------------------------------------------------------------------


def test_a_release_that_is_no_longer_listed_is_replayed_as_before(project: Project) -> None:
    before = by_id(replay(project, [policy_of(project)]))
    path = project.root / "data" / "sources.yaml"
    lines = [line for line in SOURCES.splitlines(keepends=True) if "id: new" not in line and "id: third" not in line]
    path.write_text("".join(lines))
    for now in (load(project.root), pulled(project.root)):
        after = by_id(replay(now, [policy_of(now)]))
        assert set(after) == {"old", "new", "third"}
        for name in ("new", "third"):
            # The error rate that it shared with its family is the one of then.
            mine, theirs = after[name].verdicts[0].readings["done"], before[name].verdicts[0].readings["done"]
            assert (mine.low, mine.high, mine.n) == (theirs.low, theirs.high, theirs.n)
            assert after[name].call(0) == before[name].call(0)


def test_a_release_whose_evidence_is_gone_is_a_row_that_says_so(project: Project) -> None:
    (project.root / "data" / "orders.csv").write_text(rows({"a": 0.0, "b": 0.1}))
    now = pulled(project.root)
    found = by_id(replay(now, [policy_of(now)], days=True))
    assert set(found) == {"old", "new", "third"}
    for name in ("new", "third"):
        assert isinstance(found[name].verdicts[0], SignalsError)
        assert f"no evidence of '{name}' as of 2026-09-10T12:00:00Z" in str(found[name].verdicts[0])
        assert (found[name].call(0), found[name].days) == (None, (None,))
    assert isinstance(found["old"].verdicts[0], Verdict)
    assert summary(tuple(found.values()), 0).failed == 2


def test_a_policy_whose_signals_nobody_feeds_says_so_in_every_row(project: Project) -> None:
    other = edited(project, "done", "sales")
    found = replay(project, [other, policy_of(project)])
    assert all("no source feeds a signal of this policy (sales)" in str(row.verdicts[0]) for row in found)
    assert all(isinstance(row.verdicts[1], Verdict) for row in found)


def test_an_empty_store_is_said_in_every_row(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "hierarchy.yaml").write_text(POLICY)
    (tmp_path / "data" / "sources.yaml").write_text(SOURCES)
    project = load(tmp_path)
    found = replay(project, [policy_of(project)])
    assert len(found) == 3
    assert all("nothing was ever pulled" in str(row.verdicts[0]) for row in found)
    assert "No release can be compared" in sentence(found)


def test_a_decision_from_before_the_start_is_a_row_that_says_so(project: Project) -> None:
    decided_at(project, "old", "ship", datetime(2026, 8, 1, tzinfo=UTC))
    row = by_id(replay(project, [policy_of(project)], days=True))["old"]
    assert "before release old started" in str(row.verdicts[0])


def test_a_pull_is_seen_at_once(project: Project) -> None:
    first = by_id(replay(project, [policy_of(project)]))["new"]
    assert first.call(0) == "rollback"
    (project.root / "data" / "orders.csv").write_text(rows({**LIFTS, "d": 0.12}))
    again = pulled(project.root)
    assert by_id(replay(again, [policy_of(again)]))["new"].call(0) == "ship"


# --- the policy of then ---------------------------------------------------------------------------------------------


def test_the_policy_that_people_decided_under_is_asked_again(project: Project) -> None:
    at = datetime(2026, 9, 6, 9, 30, tzinfo=UTC)
    strict = edited(project, "win: ship", "win: hold")
    then = review("old", project, policy=strict, as_of=at)
    assert decided_then(then, {"verdict": 1}).call == "hold"
    found = replay(project, [policy_of(project)])
    row = by_id(found)["old"]
    assert isinstance(row.then, Verdict)
    assert (row.then.policy_hash, row.call_then, row.call(0), row.changed) == (strict.hash, "hold", "ship", False)
    assert summary(found, 0).flips == 1
    assert "otherwise than the policies of then: old from HOLD to SHIP (a harm shipped)" in sentence(found)
    # The evidence up to that moment is corrected afterwards: the verdict of then cannot be had again.
    (project.root / "data" / "orders.csv").write_text(rows({**LIFTS, "b": 0.0}))
    again = pulled(project.root)
    row = by_id(replay(again, [policy_of(again)]))["old"]
    assert (row.changed, row.recommended, row.call_then) == (True, "hold", "hold")


def test_without_a_decision_the_version_of_that_moment_is_the_policy_of_then(project: Project) -> None:
    assert by_id(replay(project, [policy_of(project)]))["old"].then is None
    with store_of(project).version_log() as log:
        log.add(POLICY, "tiny", parent=None, by="ann", because="first", weakens=False)
    found = by_id(replay(project, [policy_of(project)]))
    assert found["old"].then == found["old"].verdicts[0]  # judged now, under the newest version
    assert found["new"].then is None  # closed before any version was saved


# --- what it comes to -----------------------------------------------------------------------------------------------

CASES = [  # (call, outcome, call of then, days)
    ("ship", "bad", "hold", 3),
    ("ship", "good", "ship", 5),
    ("ship", "unknown", None, 9),
    ("hold", "bad", "hold", None),
    ("hold", "good", "ship", None),
    ("rollback", "bad", "rollback", 2),
    ("rollback", "good", "hold", 4),
    (None, "bad", "ship", None),
]


@pytest.fixture
def counted(project: Project) -> tuple[Replayed, ...]:
    """Rows with known calls."""
    row = replay(project, [policy_of(project)])[0]
    verdict = row.verdicts[0]
    assert isinstance(verdict, Verdict)
    made = []
    for number, (call, outcome, then, days) in enumerate(CASES):
        mine = SignalsError("gone") if call is None else replace(verdict, call=call)
        other = replace(verdict, call="ship")
        release = replace(row.release, id=f"r{number}", outcome=outcome)
        made.append(
            replace(row, release=release, outcome=outcome, verdicts=(mine, other), days=(days, 1),
                    then=None if then is None else replace(verdict, call=then))
        )  # fmt: skip
    return tuple(made)


def test_the_summary_counts_as_a_hand_does(counted: tuple[Replayed, ...]) -> None:
    found = summary(counted, 0)
    assert (found.releases, found.ships, found.holds, found.rollbacks, found.failed) == (8, 3, 2, 2, 1)
    assert (found.missed_harms, found.caught_harms) == (1, 2)
    assert (found.blocked_wins, found.shipped_wins, found.unknown) == (2, 1, 1)
    assert found.flips == 3
    # 2, 3, 4, 5, 9 and two that were never decided: the one in the middle is 5.
    assert (found.median_days, found.never) == (5, 2)
    other = summary(counted, 1)
    assert (other.ships, other.missed_harms, other.shipped_wins, other.median_days) == (8, 4, 3, 1)
    assert [row.release.id for row in flips(counted, 0, 1)] == ["r3", "r4", "r5", "r6"]


def test_days_count_only_when_they_were_asked_for(counted: tuple[Replayed, ...]) -> None:
    plain = summary([replace(row, days=()) for row in counted], 0)
    assert (plain.median_days, plain.never) == (None, 0)
    late = [replace(row, days=(None, None)) for row in counted]
    assert summary(late, 0).median_days is None
    assert summary([], 0).releases == 0


def test_the_sentence_says_what_flips_and_what_it_costs(counted: tuple[Replayed, ...]) -> None:
    said = sentence(counted, 0, 1, "the current policy")
    assert said == (
        "This policy decides 4 of 7 past releases otherwise than the current policy: r3 from SHIP to HOLD (a harm "
        "caught); r4 from SHIP to HOLD (a win blocked); r5 from SHIP to ROLLBACK (a harm caught); r6 from SHIP to "
        "ROLLBACK (a win blocked). It ships 1 of 3 that turned out bad (3 before) and stops 2 of 3 that turned out "
        "good (0 before)."
    )
    assert sentence(counted, 1, 1) == (
        "This policy decides all of 8 past releases as the other policy does. It ships 4 of 4 that turned out bad "
        "(4 before) and stops 0 of 3 that turned out good (0 before)."
    )
