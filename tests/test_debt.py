"""Debts: each kind in a project that has it, and not in the matched one that has not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from debt_kit import LATE, MID, NOW, OLD, OPEN, POLICY, SOURCES, STORIES, Made, every, made
from decided_kit import decided_then
from hypothesis import given
from hypothesis import strategies as st

from signals.debt import KINDS, SEVERITIES, TITLES, Debt, Kind, debts, masked, survey
from signals.debt.feeds import GAPS, RHYTHM
from signals.debt.judge import ENOUGH_ANCHORS, USABLE
from signals.debt.owed import urgent_first
from signals.model import SignalsError
from signals.readings import judge_checks, judge_corrected
from signals.review import load, parsed, review, store_of

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""When a pull is noted that a pull of the test itself, at the time of the clock, is to follow."""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project without any debt at ``NOW``. Nobody may write to it."""
    return made(tmp_path_factory.mktemp("healthy") / "project")


@pytest.fixture
def project(healthy: Made, tmp_path: Path) -> Made:
    """A copy of it that a test may write to."""
    return Made(Path(shutil.copytree(healthy.folder, tmp_path / "copy")))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Made]:
    """Make a project of other evidence."""
    return lambda *given, **named: made(tmp_path / "made", *given, **named)


def found(one: Made, kind: Kind, policy: str | None = None, now: datetime = NOW) -> list[Debt]:
    """The debts of one kind."""
    rules = parsed(policy, "hierarchy.yaml") if policy else None
    return [debt for debt in debts(one.project, rules, now) if debt.kind == kind]


def only(one: Made, kind: Kind, policy: str | None = None, now: datetime = NOW) -> Debt:
    """The one debt of that kind."""
    (debt,) = found(one, kind, policy, now)
    return debt


def with_row(text: str, policy: str = POLICY) -> str:
    """The policy with another row under the others."""
    return policy.replace("otherwise:", f"  - {text}\notherwise:")


def test_a_healthy_project_owes_nothing(healthy: Made) -> None:
    seen = survey(healthy.project, now=NOW)
    assert seen.debts == ()
    assert [one.status for one in seen.sources] == ["fine", "fine", "fine"]
    assert seen.now == NOW


def test_the_same_moment_gives_the_same_debts(project: Made) -> None:
    policy = parsed(POLICY.replace("owner: evals", "owner: ''").replace("review_by: 2027-06-01", ""), "p.yaml")
    assert survey(project.project, policy, NOW) == survey(load(project.folder), policy, NOW)


# --- what the policy shows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "due, severity, says",
    [
        ("2026-12-05", None, ""),
        ("2026-12-03", "low", "due for review in 13 days, by 3 Dec 2026"),
        ("2026-11-20", "low", "due for review today"),
        ("2026-11-19", "medium", "was due for review by 19 Nov 2026, 1 day ago"),
        ("2026-08-22", "medium", "90 days ago"),
        ("2026-08-21", "high", "91 days ago"),
    ],
)
def test_a_policy_past_its_review(healthy: Made, due: str, severity: str | None, says: str) -> None:
    policy = POLICY.replace("2027-06-01", due)
    if severity is None:
        assert not found(healthy, "policy-review", policy)
        return
    debt = only(healthy, "policy-review", policy)
    assert (debt.severity, debt.owner, debt.subject) == (severity, "council", "policy")
    assert says in debt.what
    late = severity != "low"
    assert debt.since == (datetime.combine(date.fromisoformat(due), datetime.min.time(), UTC) if late else None)


def test_a_policy_without_a_review_date_is_not_known_to_be_fine(healthy: Made) -> None:
    debt = only(healthy, "policy-review", POLICY.replace("review_by: 2027-06-01\n", ""))
    assert not debt.known
    assert debt.severity == "low"


def test_signals_and_policies_without_an_owner(healthy: Made) -> None:
    assert only(healthy, "no-owner", POLICY.replace("    owner: growth\n", "")).subject == "done"
    debt = only(healthy, "no-owner", POLICY.replace("owner: council\n", ""))
    assert (debt.subject, debt.severity, debt.owner) == ("policy", "medium", "")
    unranked = POLICY.replace("  - {signal: stars, loss: rollback}\n", "").replace(" owner: people,", "")
    assert only(healthy, "no-owner", unranked).severity == "low"
    asked = unranked + "guardrails:\n  - {id: liked, when: stars is loss, call: rollback}\n"
    assert only(healthy, "no-owner", asked).severity == "medium"  # a condition asks about it, so it can change a call


def test_a_ranked_signal_without_a_margin(healthy: Made) -> None:
    without = POLICY.replace(" margin: 0.2,", "")
    assert only(healthy, "no-margin", without).subject == "stars"
    assert not found(healthy, "no-margin", without.replace("  - {signal: stars, loss: rollback}\n", ""))
    elsewhere = without.replace("  - {signal: stars, loss: rollback}\n", "")
    elsewhere += "kinds:\n  model:\n    hierarchy: [{signal: stars, loss: rollback}]\n"
    assert only(healthy, "no-margin", elsewhere).subject == "stars"  # another kind of release ranks it


def test_a_declared_signal_that_no_source_feeds(healthy: Made) -> None:
    thumbs = "  thumbs: {kind: feedback, owner: us, question: Up?, better: higher, margin: 1pp}\nhierarchy:"
    declared = POLICY.replace("hierarchy:", thumbs)
    assert only(healthy, "signal-unfed", declared).severity == "low"
    ranked = with_row("{signal: thumbs, loss: hold}", declared)
    debt = only(healthy, "signal-unfed", ranked)
    assert (debt.severity, debt.subject, debt.owner) == ("high", "thumbs", "us")
    assert "signal: thumbs" in debt.remedy
    assert not found(healthy, "never-heard", ranked)  # that nobody hears it follows


# --- sources --------------------------------------------------------------------------------------------------------


def test_a_source_that_fails_since_its_first_failure(project: Made) -> None:
    project.pulled_on("orders", [LONG_AGO])
    (project.folder / "data" / "orders.csv").unlink()
    project.pull()
    first = store_of(project.project).pulls("orders", 1)[0].started
    project.pull()
    later = datetime.now(UTC) + timedelta(seconds=1)
    debt = only(project, "source-failing", now=later)
    assert (debt.severity, debt.subject, debt.owner, debt.since) == ("high", "orders", "growth", first)
    assert "like the 1 before it" in debt.what
    assert "still speaks" in debt.what  # what was read before
    assert "signals pull --source orders" in debt.remedy
    status = {one.name: one.status for one in survey(project.project, now=later).sources}
    assert status["orders"] == "failing"
    (orders,) = (one for one in survey(project.project, now=later).sources if one.name == "orders")
    assert (orders.kept, orders.pulled) == (134, LONG_AGO)  # of the last good pull


def test_a_source_that_works_again_is_no_debt(project: Made) -> None:
    project.pulled_on("orders", [LONG_AGO])
    orders = project.folder / "data" / "orders.csv"
    text = orders.read_text()
    orders.unlink()
    project.pull()
    assert found(project, "source-failing")
    assert review("open", project.project, as_of=NOW).verdict.readings["done"].checks["last_pull"].status == "warn"
    orders.write_text(text)  # just what the last good pull has read: it is noted on that pull
    project.pull()
    assert not found(project, "source-failing")
    assert review("open", project.project, as_of=NOW).verdict.readings["done"].checks["last_pull"].status == "pass"


def test_an_unranked_signal_makes_a_failing_source_less_urgent(project: Made) -> None:
    project.pulled_on("orders", [LONG_AGO])
    (project.folder / "data" / "orders.csv").unlink()
    project.pull()
    policy = POLICY.replace("  - {signal: done, win: ship, loss: rollback}\n", "")
    assert only(project, "source-failing", policy).severity == "medium"


def test_a_source_that_was_never_pulled(healthy: Made, project: Made) -> None:
    extra = SOURCES.split("  golden:")[0].replace("  orders:", "  fresh:")
    path = project.folder / "data" / "sources.yaml"
    path.write_text(path.read_text() + extra)
    project.project = load(project.folder)
    debt = only(project, "source-failing")
    assert (debt.subject, debt.since) == ("fresh", None)
    assert "never pulled" in debt.what
    assert not found(healthy, "source-failing")


def test_when_nothing_was_ever_pulled_one_line_says_so(make: Callable[..., Made]) -> None:
    seen = debts(make(pulled=False).project, now=NOW)
    assert [(debt.kind, debt.severity) for debt in seen] == [("source-failing", "high"), ("unjudged", "high")]
    assert seen[0].what == "Nothing was ever pulled: 3 sources are declared."
    assert not seen[1].known


def test_a_source_that_is_silent_beyond_the_max_age_of_its_signal(project: Made, healthy: Made) -> None:
    """The experiment's last day is 20 November and three days are allowed: silent from the end of the 23rd on."""
    end = datetime(2026, 11, 24, tzinfo=UTC)
    assert not found(healthy, "source-silent", now=end)
    late = end + timedelta(hours=1)
    debt = only(project, "source-silent", now=late)
    assert (debt.severity, debt.subject, debt.since) == ("high", "orders", end)
    assert "3 days" in debt.what
    assert "signals pull" in debt.remedy  # nobody has looked since NOW, four days ago
    project.pulled_on("orders", [late - timedelta(hours=2)])
    assert "tool writes nothing new" in only(project, "source-silent", now=late).remedy  # somebody has


def test_what_no_open_release_waits_for_is_not_late(make: Callable[..., Made]) -> None:
    closed = make((OLD, MID, LATE))
    later = NOW + timedelta(days=300)
    assert not found(closed, "source-silent", now=later)
    assert {one.status for one in survey(closed.project, now=later).sources} == {"nothing due"}


def test_a_source_of_past_releases_only_is_not_waited_for(healthy: Made, project: Made) -> None:
    data = project.folder / "data"
    rows = (data / "orders.csv").read_text().splitlines()
    (data / "orders.csv").write_text("\n".join([rows[0], *(row for row in rows if "open-" in row)]) + "\n")
    (data / "past.csv").write_text("\n".join(row for row in rows if "open-" not in row) + "\n")
    past = SOURCES.split("  golden:")[0].replace("orders", "past")
    (data / "sources.yaml").write_text((data / "sources.yaml").read_text() + past)
    project.pull()
    late = NOW + timedelta(days=10)
    assert only(project, "source-silent", now=late).subject == "orders"
    status = {one.name: one.status for one in survey(project.project, now=late).sources}
    assert status["past"] == "nothing due"


NO_AGE = POLICY.replace("trust: {max_age: 3d}", "trust: {}")


def test_without_max_age_a_source_is_silent_beyond_its_rhythm(project: Made) -> None:
    """Weekly pulls with new rows: silent when none came for three weeks."""
    weekly = [NOW - timedelta(weeks=week) for week in range(GAPS, -1, -1)]
    project.pulled_on("orders", weekly)
    edge = NOW + RHYTHM * timedelta(weeks=1)
    assert not found(project, "source-silent", NO_AGE, edge)
    debt = only(project, "source-silent", NO_AGE, edge + timedelta(minutes=1))
    assert (debt.severity, debt.since) == ("high", edge)
    assert "usually brings some every 7 days" in debt.what


def test_without_max_age_and_rhythm_silence_is_not_known(project: Made) -> None:
    debt = only(project, "source-silent", NO_AGE)
    assert not debt.known
    assert debt.severity == "low"
    assert "max_age" in debt.remedy
    project.pulled_on("orders", [NOW - timedelta(days=day) for day in range(GAPS, -1, -1)])
    assert not found(project, "source-silent", NO_AGE)


def test_several_pulls_of_one_day_are_no_rhythm(project: Made) -> None:
    project.pulled_on("orders", [NOW - timedelta(minutes=minute) for minute in range(GAPS, -1, -1)])
    assert not found(project, "source-silent", NO_AGE, NOW + timedelta(days=2))
    assert found(project, "source-silent", NO_AGE, NOW + timedelta(days=3, minutes=1))


def test_a_source_that_no_signal_reads(project: Made, healthy: Made) -> None:
    path = project.folder / "data" / "sources.yaml"
    path.write_text(path.read_text().replace("signal: stars", "signal: star"))
    project.project = load(project.folder)
    debt = only(project, "source-idle")
    assert (debt.severity, debt.subject) == ("high", "ratings")
    assert "'star'" in debt.what
    assert not found(healthy, "source-idle")


def test_a_source_that_is_about_no_release(project: Made) -> None:
    rows = (project.folder / "data" / "ratings.csv").read_text()
    (project.folder / "data" / "other.csv").write_text(rows.replace("-old,", "-x,").replace("-new,", "-y,"))
    path = project.folder / "data" / "sources.yaml"
    more = SOURCES[SOURCES.index("  ratings:") :].replace("ratings", "elsewhere", 1).replace("ratings.csv", "other.csv")
    path.write_text(path.read_text() + more)
    project.pull()
    debt = only(project, "source-idle")
    assert (debt.severity, debt.subject) == ("low", "elsewhere")
    assert "is about late-x, late-y, mid-x and 5 others" in debt.what


# --- judges ---------------------------------------------------------------------------------------------------------


def test_a_golden_set_older_than_its_limit(make: Callable[..., Made], healthy: Made) -> None:
    old = make(every(STORIES, made="2025-11-01T00:00:00Z"))
    debt = only(old, "golden-set-old")
    assert (debt.severity, debt.subject, debt.owner) == ("medium", "score", "evals")
    assert debt.since == datetime(2026, 11, 1, tzinfo=UTC)  # a year after, the catalogue's limit
    assert "was 384 days old at open" in debt.what
    asked = POLICY.replace("trust: {max_age: 60d}\nhierarchy", "trust: {max_age: 60d, max_golden_age: 400d}\nhierarchy")
    soon = only(old, "golden-set-old", asked)  # 400 days are over on 6 December
    assert (soon.severity, soon.known) == ("low", True)
    assert "will be too old on 6 Dec 2026" in soon.what
    assert only(old, "golden-set-old", asked.replace("400d", "380d")).severity == "high"
    assert not found(old, "golden-set-old", asked.replace("400d", "500d"))
    assert not found(healthy, "golden-set-old")


def test_a_golden_set_ages_until_now_and_not_until_its_last_run(make: Callable[..., Made]) -> None:
    """The check measures the age at the newest score, 3 November; the release is open and read on the 20th."""
    one = make(every(STORIES, made="2025-11-15T00:00:00Z"))
    assert found(one, "golden-set-old")[0].severity == "medium"


def test_a_golden_set_without_dates_is_not_known(make: Callable[..., Made]) -> None:
    debt = only(make(every(STORIES, made="")), "golden-set-old")
    assert not debt.known
    assert "`made`" in debt.remedy


@pytest.mark.parametrize("anchors, says", [(0, "no output was scored by both"), (9, "only 9 outputs were")])
def test_a_judge_that_changed_without_anchors(make: Callable[..., Made], anchors: int, says: str) -> None:
    one = make((OLD, MID, LATE, replace(OPEN, version="v2")))
    if anchors:  # 4 items in both arms and one output more
        golden = one.folder / "data" / "golden.csv"
        rows = [row for row in golden.read_text().splitlines() if row.startswith("i") and "open-" in row][:anchors]
        more = [row.replace(",v2,", ",v1,").replace("T08:00", "T12:00") for row in rows]
        golden.write_text(golden.read_text() + "\n".join(more) + "\n")
        one.pull()
    debt = only(one, "judge-changed")
    assert (debt.severity, debt.subject, debt.known) == ("high", "score", True)
    assert "from judge v1 to v2 between late and open" in debt.what
    assert says in debt.what
    assert debt.since == datetime(2026, 11, 3, 8, tzinfo=UTC)


def test_anchors_make_a_change_of_judge_harmless(make: Callable[..., Made], healthy: Made) -> None:
    items = ENOUGH_ANCHORS // 2  # in both arms
    one = make((OLD, MID, LATE, replace(OPEN, version="v2", anchored_by="v1", anchors=items)))
    assert not found(one, "judge-changed")
    assert not found(healthy, "judge-changed")


def test_a_judge_that_changed_before_closed_releases_is_less_urgent(make: Callable[..., Made]) -> None:
    one = make((OLD, MID, replace(LATE, version="v2"), replace(OPEN, version="v2")))
    debt = only(one, "judge-changed")
    assert debt.severity == "medium"
    assert "between mid and late" in debt.what
    before = datetime(2026, 10, 10, tzinfo=UTC)  # as of then nothing had changed yet
    assert not found(one, "judge-changed", now=before)


def test_a_judge_that_changed_between_the_arms(make: Callable[..., Made]) -> None:
    debt = only(make((OLD, MID, LATE, replace(OPEN, version="v2", control_version="v1"))), "judge-changed")
    assert "from judge v1 to v2 within open" in debt.what


def test_a_judge_that_does_not_say_its_version_is_not_known(make: Callable[..., Made]) -> None:
    debt = only(make(every(STORIES, version="")), "judge-changed")
    assert not debt.known
    assert "does not say which judge version scored" in debt.what
    assert debt.severity == "medium"


def test_a_version_per_item_cannot_be_compared_over_other_items(make: Callable[..., Made]) -> None:
    one = make((LATE, OPEN))
    golden = one.folder / "data" / "golden.csv"
    rows = [row.split(",") for row in golden.read_text().splitlines()]
    for row in rows[1:]:
        row[4] = f"rubric-{row[0]}"
    text = "\n".join(",".join(row) for row in rows) + "\n"
    golden.write_text(text)
    one.pull()
    assert not found(one, "judge-changed")  # the same items with the same rubrics
    golden.write_text("\n".join(",".join([f"n{row[0]}", *row[1:4], f"n{row[4]}", *row[5:]]) if "open-" in row[1]
                                else ",".join(row) for row in rows) + "\n")  # fmt: skip
    one.pull()
    debt = only(one, "judge-changed")
    assert not debt.known
    assert "each item has a rubric" in debt.what


def test_two_sources_may_call_one_judge_by_two_names(make: Callable[..., Made]) -> None:
    more = SOURCES[SOURCES.index("  golden:") : SOURCES.index("  ratings:")]
    sources = SOURCES.replace("golden*.csv", "golden.csv") + more.replace("golden:", "second:").replace(
        "golden*", "other"
    )
    one = make((OLD, MID, LATE, replace(OPEN, version="sha256:0123456789abcdef")), sources=sources, pulled=False)
    golden = one.folder / "data" / "golden.csv"
    head, *rows = golden.read_text().splitlines()
    golden.write_text("\n".join([head, *(row for row in rows if "open-" not in row)]) + "\n")
    (one.folder / "data" / "other.csv").write_text("\n".join([head, *(row for row in rows if "open-" in row)]) + "\n")
    one.pull()
    debt = only(one, "judge-changed")
    assert not debt.known
    assert "golden calls it v1, and second calls it sha256:01234567" in debt.what


@pytest.mark.parametrize("labels, fails", [(USABLE - 1, True), (USABLE, False), (0, True)])
def test_an_overlap_too_small_to_correct_the_judge(make: Callable[..., Made], labels: int, fails: bool) -> None:
    one = make((replace(OPEN, labels=labels or 1), ) if labels else (replace(OPEN, labels=1),))  # fmt: skip
    if not labels:
        (one.folder / "data" / "ratings.csv").write_text("item,rater,variant,stars,at\nz,r1,open-new,3,2026-11-03\n")
        one.pull()
    assert bool(found(one, "overlap-small")) == fails
    if fails:
        debt = only(one, "overlap-small")
        assert (debt.severity, debt.subject) == ("medium", "score")
        assert f"{labels} items" in debt.what or not labels
        votes = POLICY.replace("human_scale: [1, 5]", "human_scale: [1, 5]\n    estimate: corrected")
        assert only(one, "overlap-small", votes).severity == "high"


def test_the_policys_own_overlap_counts_when_it_asks_for_more(healthy: Made) -> None:
    asked = POLICY.replace("trust: {max_age: 60d}\nhierarchy", "trust: {max_age: 60d, min_overlap: 56}\nhierarchy")
    debt = only(healthy, "overlap-small", asked)
    assert "graded 55 items under both variants, and 56 are needed" in debt.what
    assert debt.since == datetime(2026, 9, 15, 12, tzinfo=UTC)  # in every reading since the oldest release
    assert not found(healthy, "check-warns", asked)  # told once
    assert not found(healthy, "overlap-small", asked.replace("56", "55"))


def test_a_correction_that_is_refused_although_people_graded_enough(healthy: Made) -> None:
    debt = only(healthy, "overlap-small", POLICY.replace("    human_scale: [1, 5]\n", ""))
    assert "human_scale" in debt.what
    assert "refusal" in debt.remedy


def test_the_thresholds_are_those_of_the_readings() -> None:
    assert ENOUGH_ANCHORS == judge_checks.ENOUGH_ANCHORS
    assert USABLE == judge_corrected.USABLE


# --- over time ------------------------------------------------------------------------------------------------------


def test_a_check_that_warns_week_after_week_of_an_open_release(make: Callable[..., Made]) -> None:
    one = make((OLD, MID, LATE, replace(OPEN, items=25, labels=25)))
    debt = next(debt for debt in found(one, "check-warns") if "min_items" in debt.what and debt.subject == "score")
    assert debt.severity == "medium"
    assert "has warned in 3 readings in a row (1 release)" in debt.what  # 20, 13 and 6 November; not scored before
    assert debt.since == datetime(2026, 11, 6, 23, 59, 59, tzinfo=UTC)
    assert debt.remedy == "Score more items."
    early = datetime(2026, 11, 13, 12, tzinfo=UTC)  # two readings are no habit
    assert not [debt for debt in found(one, "check-warns", now=early) if "min_items" in debt.what]


def test_a_check_that_warns_release_after_release(make: Callable[..., Made]) -> None:
    one = make((replace(OLD, taste=0.0), *every((MID, LATE, replace(OPEN, closed=14)), taste=0.2)))
    debt = next(debt for debt in found(one, "check-warns") if "judge_bias_p" in debt.what)
    assert "in 3 readings in a row (3 releases)" in debt.what
    assert debt.since == datetime(2026, 10, 6, 12, tzinfo=UTC)
    assert "corrected" in debt.remedy


def test_one_reading_that_passes_ends_the_row(make: Callable[..., Made]) -> None:
    one = make((*every((OLD, MID), taste=0.2), LATE, replace(OPEN, closed=14, taste=0.2)))
    assert not [debt for debt in found(one, "check-warns") if "judge_bias_p" in debt.what]


def test_releases_judged_on_one_day_are_no_habit(make: Callable[..., Made]) -> None:
    same = [replace(OPEN, id=name, closed=14, taste=0.2) for name in ("one", "two", "three")]
    assert not found(make(same), "check-warns")


def test_a_check_that_fails_is_worse_than_one_that_warns(healthy: Made) -> None:
    asked = POLICY.replace("trust: {max_age: 3d}", "trust: {max_age: 3d, min_units: 1000000}")
    debt = only(healthy, "check-warns", asked)
    assert debt.severity == "high"
    assert "has failed in" in debt.what
    assert "has no say" in debt.why


def test_a_check_that_the_policy_asks_for_and_that_nobody_can_compute(healthy: Made) -> None:
    asked = POLICY.replace("trust: {max_age: 3d}", "trust: {max_age: 3d, outcome_complete: 90%}")
    debt = only(healthy, "check-warns", asked)
    assert not debt.known
    assert debt.severity == "high"
    assert "outcome_complete" in debt.what


def test_a_signal_that_no_release_ever_heard(healthy: Made) -> None:
    never = POLICY.replace("trust: {max_age: 3d}", "trust: {max_age: 3d, min_units: 1000000}")
    debt = only(healthy, "never-heard", never)
    assert (debt.subject, debt.severity) == ("done", "medium")
    assert "in 4 releases: untrusted in 4" in debt.what
    assert debt.since == datetime(2026, 9, 1, tzinfo=UTC)
    silenced = POLICY.replace("{signal: score, win: ship}", "{signal: score, when: score.n > 1000, win: ship}")
    assert "silenced in 4" in only(healthy, "never-heard", silenced).what
    once = POLICY.replace("{signal: score, win: ship}", "{signal: score, when: release.age > 20d, win: ship}")
    assert not found(healthy, "never-heard", once)  # the open release is old enough


def test_a_release_that_cannot_be_read_is_a_line_of_its_own(project: Made, healthy: Made) -> None:
    path = project.folder / "data" / "sources.yaml"
    path.write_text(path.read_text().replace("candidate: open-new", "candidate: Open-New"))
    project.project = load(project.folder)
    debt = only(project, "unjudged")
    assert (debt.severity, debt.subject, debt.known) == ("high", "open", False)
    assert "'open-new'" in debt.what
    assert not found(healthy, "unjudged")


def test_without_a_release_little_can_be_said(make: Callable[..., Made]) -> None:
    debt = only(make((), pulled=False), "unjudged")
    assert (debt.severity, debt.known) == ("low", False)


# --- moments --------------------------------------------------------------------------------------------------------


def test_a_decided_release_is_not_waited_for(project: Made) -> None:
    late = NOW + timedelta(days=30)
    assert found(project, "source-silent", now=late)
    result = review("open", project.project, as_of=NOW)
    decision = decided_then(result, {"call": result.verdict.call})
    later = max(late, decision.at + timedelta(days=1))
    assert not found(project, "source-silent", now=later)


def test_releases_that_had_not_begun_do_not_count(healthy: Made) -> None:
    seen = survey(healthy.project, now=datetime(2026, 9, 20, 12, tzinfo=UTC))
    assert {one.status for one in seen.sources} == {"nothing due"}  # the old one is closed, the others come later


def test_a_moment_without_a_zone_is_refused(healthy: Made) -> None:
    with pytest.raises(SignalsError, match="no zone"):
        debts(healthy.project, now=NOW.replace(tzinfo=None))


# --- order and addresses --------------------------------------------------------------------------------------------


DEBTS = st.builds(
    Debt, st.sampled_from(KINDS), st.sampled_from(SEVERITIES), st.sampled_from("abc"),
    st.sampled_from(["not known: x", "y"]), st.just(""), st.just(""),
    st.sampled_from([None, NOW, NOW - timedelta(days=1)]),
)  # fmt: skip


@given(st.lists(DEBTS, max_size=12), st.randoms())
def test_the_order_does_not_depend_on_how_debts_were_found(some: list[Debt], chance: object) -> None:
    ordered = urgent_first(some)
    chance.shuffle(some)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert urgent_first(some) == ordered
    ranks = [SEVERITIES.index(one.severity) for one in ordered]
    assert ranks == sorted(ranks)
    for severity in SEVERITIES:
        known = [one.known for one in ordered if one.severity == severity]
        assert known == sorted(known, reverse=True)  # what is known before what is not


def test_every_kind_has_a_title() -> None:
    assert set(TITLES) == set(KINDS)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("at postgresql://ann:pw@db.example/eval?key=k1 now", "at postgresql://db.example/eval now"),
        ("'https://api.example/x?token=t#frag'", "'https://api.example/x'"),
        ("s3://bucket/a/b.csv", "s3://bucket/a/b.csv"),
        ("https://ann:p/w@host/x", "https://host/x"),
        ("https://ann:p@w@host/x", "https://host/x"),
        ("no address: 12:30, a/b?c", "no address: 12:30, a/b?c"),
    ],
)
def test_addresses_lose_users_passwords_and_queries(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text("abzAZ09:/@?#.=&", max_size=12), st.text("abz09", min_size=4, max_size=8))
def test_no_password_survives(junk: str, host: str) -> None:
    secret = "GEHEIM"
    assert secret not in masked(f"failed: postgresql://u{junk.replace('?', '').replace('#', '')}:{secret}@{host}/db")
    assert secret not in masked(f"failed: https://{host}/x?token={secret}&{junk}")
