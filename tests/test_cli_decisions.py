"""Recording, listing, ending and checking decisions on the command line, and the core functions behind it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from debt_kit import NOW, OPEN, STORIES, Made, made, orders

from signals.asking import Case, memory_of
from signals.cli import cli
from signals.debt import debts
from signals.decisions import Wanted, as_decided, find, log, log_csv, log_json, turn_out
from signals.model import Call, Decision, SignalsError, Verdict, digest
from signals.policy import verdict_json
from signals.review import load, moment_of, policy_of, record, review, store_of
from signals.roles import Person

SOON = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
AGAINST: dict[Call, Call] = {"ship": "hold", "hold": "ship", "rollback": "ship"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A pulled project in which nobody has decided anything. Nobody may write to it."""
    one = made(tmp_path_factory.mktemp("decided") / "project")
    for story in STORIES:
        review(story.id, one.project)
    return one


@pytest.fixture
def project(fresh: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A copy of it that a test may write to."""
    monkeypatch.delenv("SIGNALS_STORE", raising=False)
    return Made(Path(shutil.copytree(fresh.folder, tmp_path / "copy")))


def run(project: Made, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--project", str(project.folder)])


def other_call(project: Made, release: str = "mid") -> tuple[Call, Call]:
    """What the verdict says, and something else."""
    says = review(release, project.project).verdict.call
    return says, AGAINST[says]


def override(project: Made, release: str = "mid", **given: Any) -> Decision:
    """Recorded as the core does it."""
    found = review(release, project.project)
    said: dict[str, Any] = {"by": "Ann", "because": "we know", "second": "Bo",
                            "until": datetime.now(UTC) + timedelta(days=3)}  # fmt: skip
    return record(found, AGAINST[found.verdict.call], **{**said, **given})


def expire(project: Made, entry: str) -> None:
    """Let an override have run out: a decision of long ago, through the store, with entries of its own."""
    store = store_of(project.project)
    decision = next(one for one in store.decisions() if one.entry == entry)
    (beside,) = [one for one in store.recorded()[1] if one.decision == entry]
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    store.decide(replace(decision, at=long_ago, token=""), replace(beside, at=long_ago, until=long_ago))


# --- record ---------------------------------------------------------------------------------------------------------


def test_as_recommended(project: Made) -> None:
    says, _ = other_call(project)
    done = run(project, "decide", "mid", says, "--by", "Ann", "--because", "as it says")
    assert done.exit_code == 0, done.output
    assert f"mid: {says}, as recommended, by Ann; decision 1, audit entry sha256:" in done.stdout
    assert store_of(project.project).recorded()[1] == ()


def test_an_override_without_a_date_gets_one_clear_error(project: Made) -> None:
    _, against = other_call(project)
    words = ("decide", "mid", against, "--by", "Ann", "--because", "we know", "--second", "Bo")
    done = run(project, *words)
    assert done.exit_code == 2
    assert done.stdout == ""
    told = "an override needs a date: when it ends, or when somebody looks at it again. "
    assert done.stderr == told + "Give --until YYYY-MM-DD or --follow-up YYYY-MM-DD\n"
    assert store_of(project.project).decisions() == ()
    assert store_of(project.project).audit_head().endswith("0" * 64)


@pytest.mark.parametrize("option, field", [("--until", "until"), ("--follow-up", "follow_up")])
def test_an_override_is_three_records(project: Made, option: str, field: str) -> None:
    says, against = other_call(project)
    words = ("decide", "mid", against, "--by", "Ann", "--because", "we know", "--second", "Bo", option, SOON)
    done = run(project, *words)
    assert done.exit_code == 0, done.output
    assert f"mid: {against}, override of {says}, " in done.stdout
    assert SOON in done.stdout
    (decision,), (beside,), outcomes = store_of(project.project).recorded()
    assert outcomes == ()
    assert (beside.decision, beside.recommended, beside.second) == (decision.entry, says, "Bo")
    assert beside.verdict_hash == decision.verdict_hash
    assert store_of(project.project).verdict_text(beside.verdict_hash) is not None
    assert getattr(beside, field) == beside.due
    assert beside.due == datetime.combine(date.fromisoformat(SOON), datetime.min.time(), UTC) + timedelta(
        hours=23, minutes=59, seconds=59
    )
    assert run(project, "audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    "extra, says",
    [
        (["--second", " ANN ", "--until", SOON], "somebody else than Ann"),
        (["--second", "Bo", "--until", "2026-01-01"], "2026-01-01 is not in the future"),
        (["--second", "Bo", "--until", "soon"], "'soon' is no date"),
        (["--second", "Bo", "--until", SOON, "--follow-up", SOON], "one date"),
    ],
)
def test_what_an_override_lacks_is_named(project: Made, extra: list[str], says: str) -> None:
    _, against = other_call(project)
    done = run(project, "decide", "mid", against, "--by", "Ann", "--because", "we know", *extra)
    assert done.exit_code == 2
    assert says in done.stderr
    assert store_of(project.project).decisions() == ()


def test_the_recommendation_is_the_verdict_as_it_stood(project: Made) -> None:
    found = review("mid", project.project)
    decision = record(found, found.verdict.call, "Ann", "as it says")
    assert decision.verdict_hash == digest(verdict_json(found.verdict, found.explanation))
    rows = json.loads(store_of(project.project).verdict_text(decision.verdict_hash) or "")["evidence"]["units"]
    # Users of both arms over 14 days, scores, grades.
    assert rows == {"orders": 2 * 14 * 400, "golden": 2 * 60, "ratings": 2 * 55 * 3}


def test_who_is_signed_in_decides_and_a_viewer_does_not(project: Made) -> None:
    found = review("mid", project.project)
    made_ = record(found, found.verdict.call, "somebody else", "as it says", person=Person("Ada <a@x.org>", "reviewer"))
    assert made_.by == "Ada <a@x.org>"
    with pytest.raises(SignalsError, match="may not record a decision"):
        record(found, found.verdict.call, "Ada", "as it says", person=Person("Ada", "viewer"))
    with pytest.raises(SignalsError, match="may not record an outcome"):
        turn_out(project.project, made_, "good", "Ada", "seen", person=Person("Ada", "viewer"))
    with pytest.raises(SignalsError, match="somebody else"):
        override(project, by="x", second="ADA", person=Person("Ada <a@x.org>", "editor"))
    assert len(store_of(project.project).decisions()) == 1
    assert turn_out(project.project, made_, "good", "x", "seen", person=Person("Eve", "reviewer")).by == "Eve"


def test_a_decision_is_recorded_on_the_verdict_of_now(project: Made) -> None:
    """Under an easier policy, or on a day before the harm was seen, an override would be as recommended."""
    says, against = other_call(project, "open")
    earlier = run(project, "decide", "open", says, "--by", "A", "--because", "x", "--as-of", "2026-11-10T00:00Z")
    assert earlier.exit_code == 2
    assert "No such option" in earlier.stderr
    mine = project.folder / "mine.yaml"
    mine.write_text(policy_of(project.project).text, encoding="utf-8")
    for other in ({"policy": mine}, {"as_of": datetime.now(UTC)}):
        found = review("open", project.project, **other)
        for call in (says, against):
            with pytest.raises(SignalsError, match="the verdict of now under the project's own policy"):
                record(found, call, "Ann", "we know", "Bo" if call != found.verdict.call else "")
    assert store_of(project.project).decisions() == ()


def test_a_call_that_turned_since_they_looked_is_not_decided_on(project: Made) -> None:
    found = review("mid", project.project)
    assert found.verdict.call == "hold"
    file = project.folder / "data" / "orders.csv"
    file.write_text(re.sub(r"(?m)^([\d-]+,mid-new,\d+,)\d+", r"\g<1>0", file.read_text("utf-8")), encoding="utf-8")
    project.pull()
    with pytest.raises(SignalsError, match="has changed since you looked: it is rollback now and was hold"):
        record(found, "hold", "Ann", "as it said")
    assert store_of(project.project).decisions() == ()


def test_a_form_that_is_sent_twice_counts_once(project: Made) -> None:
    ends = datetime.now(UTC) + timedelta(days=3)
    first = override(project, token="one form", until=ends)
    assert override(project, token="one form", until=ends) == first
    for other in ({"until": ends + timedelta(days=1)}, {"until": None, "follow_up": ends}):
        with pytest.raises(SignalsError, match="recorded already, with another date"):
            override(project, token="one form", **other)
    assert len(store_of(project.project).recorded()[1]) == 1
    assert override(project, token="another form").number == 2


# --- the log --------------------------------------------------------------------------------------------------------


def test_the_log_says_what_who_why_and_how_it_stands(project: Made) -> None:
    assert "No decision is recorded yet" in run(project, "decisions").stdout
    says, against = other_call(project)
    made_ = override(project)
    review_old = review("old", project.project)
    record(review_old, review_old.verdict.call, "Jon", "fine")
    text = " ".join(run(project, "decisions").stdout.split())
    assert text.startswith("2 decisions, 1 override. #2 ")
    assert f"#{made_.number} {against.upper()} mid OVERRIDE" in text
    assert f"Ann: override of {says.upper()}, with Bo, until" in text
    assert "“we know”" in text
    assert "STALE" not in text
    assert "#2" not in run(project, "decisions", "mid").stdout
    assert "#2" not in run(project, "decisions", "--overrides").stdout
    assert "#1" not in run(project, "decisions", "--by", "JON").stdout
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert run(project, "decisions", "--since", tomorrow).stdout.strip() == "No decision matches."
    assert "#1" in run(project, "decisions", "--since", datetime.now(UTC).date().isoformat()).stdout
    assert "No decision matches" in run(project, "decisions", "late").stdout
    wrong = run(project, "decisions", "mids")
    assert wrong.exit_code == 2
    assert "'mid'" in wrong.stderr


def test_the_verdict_shows_the_decision_that_counts(project: Made) -> None:
    override(project)
    found = review("mid", project.project)
    record(found, found.verdict.call, "Jon", "after all", "Eve")
    text = run(project, "verdict", "mid").stdout
    assert "Decided (1 earlier decision):" in text
    assert "Jon: as recommended, with Eve" in text
    assert "Decided:" not in run(project, "verdict", "old").stdout


def test_an_expired_override_is_shown_as_such_everywhere(project: Made) -> None:
    expire(project, override(project).entry)
    assert "override expired" in " ".join(run(project, "status").stdout.split())
    text = " ".join(run(project, "decisions").stdout.split())
    assert "EXPIRED" in text
    assert "expired on 2 Jan 2026" in text
    assert [one.status for one in log(project.project)] == ["expired", "superseded"]
    (debt,) = [one for one in debts(project.project, now=NOW) if one.kind == "override-expired"]
    assert (debt.severity, debt.subject, debt.since) == ("high", "mid", datetime(2026, 1, 2, tzinfo=UTC))
    assert "expired on 2 Jan 2026" in debt.what
    assert "signals outcome 2 good|bad" in debt.remedy


@pytest.mark.parametrize("way", ["outcome", "decision"])
def test_an_outcome_or_a_new_decision_pays_the_debt(project: Made, way: str) -> None:
    expire(project, override(project).entry)
    if way == "outcome":
        assert run(project, "outcome", "2", "bad", "--by", "Eve", "--because", "churn rose").exit_code == 0
    else:
        found = review("mid", project.project)
        record(found, found.verdict.call, "Ann", "as it says")
    assert "override expired" not in " ".join(run(project, "status").stdout.split())
    assert [one for one in debts(project.project, now=datetime.now(UTC)) if one.kind == "override-expired"] == []


def test_an_outcome_is_given_by_number_and_by_entry(project: Made) -> None:
    made_ = override(project)
    done = run(project, "outcome", "1", "bad", "--by", "Eve", "--because", "churn rose; see https://x.example/1")
    assert done.exit_code == 0, done.output
    assert "turned out bad, says Eve" in done.stdout
    again = run(project, "outcome", made_.entry[7:20], "good", "--by", "Eve", "--because", "it fell again")
    assert again.exit_code == 0, again.output
    text = " ".join(run(project, "decisions").stdout.split())
    assert text.index("it fell again") < text.index("churn rose; see https://x.example/1")
    assert "turned out good" in text
    assert "1 of 1 decision went against the verdict: 1 turned out good, 0 bad" in " ".join(
        run(project, "track").stdout.split()
    )
    assert json.loads(run(project, "track", "--json").stdout)["overrides"]["good"] == 1
    assert run(project, "audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    "words, says",
    [
        (["7", "good", "--by", "Eve", "--because", "x"], "there is no decision '7'. Known: 1 to 1"),
        (["abcdef", "good", "--by", "Eve", "--because", "x"], "there is no decision 'abcdef'"),
        (["1", "good", "--by", " ", "--because", " "], "an outcome needs who says so"),
        (["1", "fine", "--by", "Eve", "--because", "x"], "fine"),
    ],
)
def test_an_outcome_that_cannot_be_recorded_is_one_clear_line(project: Made, words: list[str], says: str) -> None:
    override(project)
    done = run(project, "outcome", *words)
    assert done.exit_code == 2
    assert says in done.stderr
    assert store_of(project.project).recorded()[2] == ()


def test_nothing_is_found_before_anything_is_recorded(project: Made) -> None:
    with pytest.raises(SignalsError, match="no decision is recorded yet"):
        find(project.project, "1")


# --- stale ----------------------------------------------------------------------------------------------------------


def test_new_evidence_and_a_new_policy_make_a_decision_stale(project: Made) -> None:
    decision = override(project, "open")
    assert log(project.project)[0].looked
    assert log(project.project)[0].stale is None
    longer = [replace(one, users=4_000, days=27) if one is OPEN else one for one in STORIES]
    (project.folder / "data" / "orders.csv").write_text(orders(longer), encoding="utf-8")
    project.pull()
    (standing,) = review("open", project.project).standings
    assert standing.stale is not None
    assert standing.stale == log(project.project)[0].stale
    assert standing.stale.sources == (("orders", 2 * 25 * 400, 2 * 27 * 4_000),)
    assert [name for name, _ in standing.stale.readings] == ["done"]
    assert review("open", project.project).stale == {decision.entry: standing.stale.words}
    assert "STALE" in run(project, "decisions").stdout
    assert "STALE" in run(project, "verdict", "open").stdout

    policy = project.folder / "hierarchy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("margin: 0.2", "margin: 0.3"), encoding="utf-8")
    project.project = load(project.folder)
    changed = log(project.project)[0].stale
    assert changed is not None
    assert changed.policy is not None
    assert changed.policy[1] == policy_of(project.project).hash.removeprefix("sha256:")[:12]
    assert "stars: unclear then, flat now, margin 0.20 points then, 0.30 points now" in " ".join(changed.words)
    # Asked under the policy of then, or at another moment, a review compares nothing.
    assert not review("open", project.project, as_of=datetime.now(UTC)).standings[0].looked
    # What was decided on is made anew under its own policy.
    assert as_decided(project.project, decision)[0].policy.hash == decision.policy_hash


def test_evidence_that_does_not_count_makes_nothing_stale(project: Made) -> None:
    """Of another release, or from after the moment that a closed release is judged at."""
    until, after = [
        orders([replace(one, users=users) if one is OPEN else replace(one, days=days) for one in STORIES])
        for users, days in ((400, 15), (4_000, 22))
    ]
    (project.folder / "data" / "orders.csv").write_text(until, encoding="utf-8")
    project.pull()
    override(project)
    (project.folder / "data" / "orders.csv").write_text(after, encoding="utf-8")
    project.pull()
    assert log(project.project)[0].stale is None


def test_a_pull_that_was_mended_without_news_makes_nothing_stale(project: Made) -> None:
    """The source is found unchanged, so that its pull has no row of its own."""
    override(project, "open")
    policy = project.folder / "hierarchy.yaml"
    # Not beside the age: the evidence of the open release is past it by now, and nothing more could go wrong with it.
    trusted = policy.read_text(encoding="utf-8").replace("{max_age: 3d}", "{last_pull: true}")
    policy.write_text(trusted, encoding="utf-8")
    project.pull()
    override(project, "open")
    file = project.folder / "data" / "orders.csv"
    whole = file.read_bytes()
    file.write_bytes(b"nothing\n")
    project.pull()
    assert log(project.project)[0].stale is not None
    file.write_bytes(whole)
    project.pull()
    assert review("open", project.project).standings[0].stale is None
    assert log(project.project)[0].stale is None


def test_the_log_and_the_review_agree_when_all_evidence_is_gone(project: Made) -> None:
    override(project, "open")
    sources = project.folder / "data" / "sources.yaml"
    sources.write_text(
        re.sub(r"(id: open, .*?control: )[^,]+(, candidate: )[^,}]+", r"\1gone-a\2gone-b", sources.read_text("utf-8")),
        encoding="utf-8",
    )
    project.project = load(project.folder)
    seen = review("open", project.project)
    assert {one.state for one in seen.verdict.readings.values()} == {"missing"}
    (listed,) = log(project.project)
    assert (listed.looked, listed.stale) == (True, seen.standings[0].stale)
    assert listed.stale is not None


def test_what_is_kept_may_be_dropped_by_somebody_else_meanwhile(project: Made) -> None:
    """Another thread that lists the log forgets other moments of open releases."""

    class Forgetful(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            pass

    store = store_of(project.project)
    asker = memory_of(project.project, store).asker(policy_of(project.project))
    asker.kept = Forgetful()
    asker.readings.found = Forgetful()
    release = next(one for one in project.project.releases if one.id == "mid")
    assert isinstance(asker.verdict(Case(release, moment_of(release, None), True, 1, None, "")), Verdict)


def test_the_verdict_of_then_is_made_again(project: Made) -> None:
    decision = override(project, "open")
    again, moved = as_decided(project.project, decision)
    assert moved is None
    kept = json.loads(store_of(project.project).verdict_text(decision.verdict_hash) or "")
    fresh = verdict_json(again.verdict)
    assert {name: kept[name] for name in fresh} == json.loads(json.dumps(fresh))
    lines = (project.folder / "data" / "orders.csv").read_text(encoding="utf-8").replace(",400,", ",401,")
    (project.folder / "data" / "orders.csv").write_text(lines, encoding="utf-8")
    project.pull()
    moved = as_decided(project.project, decision)[1]
    assert moved is not None
    assert [name for name, _ in moved.readings] == ["done"]


def test_what_no_verdict_can_be_made_of_is_said_not_to_be_compared(project: Made) -> None:
    override(project)
    sources = project.folder / "data" / "sources.yaml"
    kept = [line for line in sources.read_text(encoding="utf-8").splitlines() if "id: mid," not in line]
    sources.write_text("\n".join(kept), encoding="utf-8")
    assert "Not compared with today" in run(project, "decisions").stdout
    (project.folder / "hierarchy.yaml").write_text("schema: 1\n", encoding="utf-8")
    assert run(project, "decisions").exit_code == 0


# --- the whole log as a file ----------------------------------------------------------------------------------------

HOSTILE = (
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "  =1", "\n=1", "\uff1d1", "x;=1+1", 'x";=1', "x|@y",
    '"=1', "'=1", "<b>", "a,b", "\u202egpj.exe", "\x1b[31mred",
)  # fmt: skip


def test_no_cell_of_the_csv_is_a_formula_and_json_keeps_every_text(project: Made) -> None:
    found = review("mid", project.project)
    for text in HOSTILE:
        record(found, found.verdict.call, text.strip() or "x", text)
    turn_out(project.project, find(project.project, "1"), "bad", "=who", "=evil()")
    written = run(project, "decisions", "--csv").stdout_bytes.decode()
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert len(rows) == len(HOSTILE)
    for row in rows:
        for cell in row.values():
            assert not cell.lstrip(" \"'").startswith(("=", "+", "-", "@", "\uff1d")) or "'" in cell[:3]
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert not any(sign in cell for sign in "\n\r\t\x1b\u202e")
            for part in cell.split(";")[1:] + cell.split("|")[1:]:
                assert not part.lstrip(' "').startswith(("=", "@"))
    assert rows[-1]["because"] == "'=1+1"
    assert rows[-1]["outcome_because"] == "'=evil()"
    exact = json.loads(run(project, "decisions", "--json").stdout)
    assert [one["because"] for one in reversed(exact)] == [text.strip() for text in HOSTILE]
    assert exact[-1]["outcomes"][0]["because"] == "=evil()"
    assert list(exact[0])[:4] == ["number", "release", "call", "recommended"]
    assert "\x1b" not in run(project, "decisions").stdout


def test_filters_take_what_they_say(project: Made) -> None:
    override(project)
    expire(project, override(project, "old").entry)
    found = log(project.project, look=False)
    assert not any(one.looked for one in found)
    assert [one.decision.number for one in found if Wanted(release="mid").takes(one)] == [1]
    assert [one.decision.number for one in found if Wanted(statuses=("expired",)).takes(one)] == [3]
    assert [one.decision.number for one in found if Wanted(statuses=("open",)).takes(one)] == [1]
    assert not [one for one in found if Wanted(with_outcome=True).takes(one)]
    assert len([one for one in found if Wanted(call=AGAINST[found[0].decision.recommended]).takes(one)]) >= 1
    assert log_json(found)[0]["stale"] is None
    assert log_csv(()).count("\r\n") == 1


def test_two_formats_at_once_are_refused(project: Made) -> None:
    assert run(project, "decisions", "--csv", "--json").exit_code == 2


# --- the chain ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, says",
    [
        ("UPDATE decision SET because = 'nobody knows'", "decision 1 on mid: differs from its audit entry (because)"),
        (
            "UPDATE \"override\" SET until = '2030-01-01 00:00:00'",
            "override 1 on mid: differs from its audit entry (until)",
        ),
        (
            "UPDATE decision_outcome SET outcome = 'good'",
            "outcome 1, good by Eve: differs from its audit entry (outcome)",
        ),
        ('DELETE FROM "override"', "an override on mid by Ann was deleted"),
        ("UPDATE verdict SET call = 'ship'", "differs from what it says (call)"),
    ],
)
def test_a_row_that_is_changed_in_the_database_is_named(project: Made, change: str, says: str) -> None:
    override(project)
    assert run(project, "outcome", "1", "bad", "--by", "Eve", "--because", "churn rose").exit_code == 0
    assert run(project, "audit", "verify").exit_code == 0
    with sqlite3.connect(project.database) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(change)
    tampered = run(project, "audit", "verify")
    assert tampered.exit_code == 2
    assert says in tampered.stderr
    assert len(tampered.stderr.strip().splitlines()) == 1


def test_the_head_that_a_memo_prints_is_the_newest_entry(project: Made) -> None:
    found = review("mid", project.project)
    before = found.audit_head
    decision = record(found, found.verdict.call, "Ann", "as it says")
    assert found.audit_head == decision.entry != before
    assert f"head {decision.entry}" in run(project, "audit", "verify").stdout


def test_a_chain_that_was_rewritten_does_not_hold_the_head_that_was_kept(project: Made) -> None:
    found = review("mid", project.project)
    first = record(found, found.verdict.call, "Ann", "as it says").entry
    kept = record(found, found.verdict.call, "Ann", "again").entry
    for head in (first, kept, kept[:15], kept.removeprefix("sha256:").upper()[:8], "sha256:" + "0" * 64):
        assert run(project, "audit", "verify", "--head", head).exit_code == 0, head
    assert "no head of the chain" in run(project, "audit", "verify", "--head", "sha256:zz").stderr
    with sqlite3.connect(project.database) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("DELETE FROM audit WHERE hash = ?", (kept,))
        database.execute("DELETE FROM decision WHERE entry = ?", (kept,))
    assert run(project, "audit", "verify").exit_code == 0
    done = run(project, "audit", "verify", "--head", kept)
    assert done.exit_code == 2
    assert done.stderr == (
        f"the chain does not hold the entry {kept}: it was rewritten or cut off since that head was kept\n"
    )
