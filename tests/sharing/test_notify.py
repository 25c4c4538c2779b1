"""News is told once to each receiver, kept when it does not arrive, and never stops a pull."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sharing.conftest import Answer, Folder, Receiver, Time

from signals.cli import cli
from signals.model import SignalsError
from signals.review import load
from signals.sharing import notify as module
from signals.sharing.notify import Told, notify
from signals.store import notices

JSON = "  - {url: '${HOOK}', secret: '${HOOK_SECRET}', releases: [tuesday-large, all-agree]}\n"
SLACK = "  - {url: '${HOOK}', format: slack, releases: [all-agree]}\n"


def outcomes(root: Path, **more: Any) -> list[tuple[str, str]]:
    return [(one.release, one.outcome) for one in notify(load(root), **more)]


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_news_is_told_once(folder: Folder, receiver: Receiver) -> None:
    root = folder.tells(JSON)
    assert outcomes(root) == [("tuesday-large", "sent"), ("all-agree", "sent")]
    assert outcomes(root) == [("tuesday-large", "same"), ("all-agree", "same")]
    first, second = receiver.got
    assert first.said["type"] == "verdict.new"
    data = first.said["data"]
    assert (data["release"], data["call"], data["decided_by"]) == ("tuesday-large", "rollback", "conversion")
    assert data["before"] is None
    assert data["readings"]["conversion"]["state"] == "loss"
    assert data["policy"]["hash"].startswith("sha256:")
    assert second.said["data"]["call"] == "ship"
    assert first.headers["webhook-id"] != second.headers["webhook-id"]


def test_a_changed_call_is_news_and_says_what_it_was(folder: Folder, receiver: Receiver) -> None:
    root = folder.tells(JSON)
    outcomes(root)
    folder.decides("loss: rollback, untrusted", "loss: hold, untrusted")
    assert outcomes(root) == [("tuesday-large", "sent"), ("all-agree", "same")]
    said = receiver.got[-1].said
    assert said["type"] == "verdict.changed"
    assert said["data"]["call"] == "hold"
    assert said["data"]["before"] == {
        "call": "rollback", "decided_by": "conversion", "reason": "decided", "rule": "hierarchy[0]"
    }  # fmt: skip


def test_a_call_that_comes_back_has_another_id(folder: Folder, receiver: Receiver) -> None:
    """A receiver that drops doubles by their id must still hear of the third change."""
    root = folder.tells(JSON)
    policy = (folder.root / "hierarchy.yaml").read_text()
    outcomes(root, release="tuesday-large")
    folder.decides("loss: rollback, untrusted", "loss: hold, untrusted")
    outcomes(root, release="tuesday-large")
    (folder.root / "hierarchy.yaml").write_text(policy)
    outcomes(root, release="tuesday-large")
    assert [got.said["data"]["call"] for got in receiver.got] == ["rollback", "hold", "rollback"]
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 3


def test_a_failed_delivery_is_kept_shown_and_made_good_by_the_next_pull(
    folder: Folder, receiver: Receiver, clock: Time
) -> None:
    root = str(folder.tells(JSON))
    receiver.always = Answer(500)
    failed = run("pull", "--project", root)
    assert failed.exit_code == 0, failed.output
    assert "9 sources: 9 the same as last time" in " ".join(failed.stdout.split())
    assert "warning: receiver 1 (json, ${HOOK}): tuesday-large: answers with status 500 (4 attempts)" in failed.stderr
    assert "all-agree was not tried" in failed.stderr
    assert len(receiver.got) == 4
    status = run("status", "--project", root)
    assert "tuesday-large was not delivered (1 try, last " in status.stdout
    assert "all-agree was not delivered (not tried): answers with status 500 (4 attempts)" in status.stdout
    receiver.always = Answer(200)
    good = run("pull", "--project", root)
    assert good.exit_code == 0
    assert "receiver 1 (json, ${HOOK}): told tuesday-large ROLLBACK" in good.stderr
    assert "warning" not in good.stderr
    assert "not delivered" not in run("status", "--project", root).stdout
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert len(set(ids[:5])) == 1  # the same news, so that a receiver that had it after all drops it
    assert "s3cr3t" not in failed.output + status.output + good.output


def test_what_failed_and_was_taken_back_is_owed_no_more(folder: Folder, receiver: Receiver, clock: Time) -> None:
    root = folder.tells(JSON)
    outcomes(root)
    policy = (folder.root / "hierarchy.yaml").read_text()
    folder.decides("loss: rollback, untrusted", "loss: hold, untrusted")
    receiver.always = Answer(400)
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "failed")]
    (folder.root / "hierarchy.yaml").write_text(policy)
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "same")]
    assert "not delivered" not in run("status", "--project", str(root)).stdout


def test_a_variable_that_is_not_set_stops_no_pull_and_is_shown(
    folder: Folder, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(folder.tells(JSON + SLACK))
    monkeypatch.delenv("HOOK_SECRET")
    pulled = run("pull", "--project", root)
    assert pulled.exit_code == 0
    assert "receiver 1 (json, ${HOOK}): secret: environment variable HOOK_SECRET is not set" in pulled.stderr
    assert "receiver 2 (slack, ${HOOK}): told all-agree SHIP" in pulled.stderr
    assert "HOOK_SECRET is not set" in run("status", "--project", root).stdout
    assert run("notify", "--project", root).exit_code == 2


def test_a_policy_that_does_not_load_stops_no_pull(folder: Folder, receiver: Receiver) -> None:
    root = folder.tells(JSON)
    (root / "hierarchy.yaml").write_text("schema: 2\n")
    pulled = run("pull", "--project", str(root))
    assert pulled.exit_code == 0
    assert "warning: receiver 1" in pulled.stderr
    assert receiver.got == []
    status = run("status", "--project", str(root)).stdout
    assert "tuesday-large was not delivered (not tried): " in status
    assert "all-agree was not delivered (not tried): " in status


def test_what_cannot_be_explained_is_owed(folder: Folder, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder.tells(SLACK)

    def refuses(*_: object) -> str:
        raise SignalsError("it cannot be explained")

    with monkeypatch.context() as patch:
        patch.setattr(module, "body_of", refuses)
        assert outcomes(root) == [("all-agree", "failed")]
    assert (
        "all-agree was not delivered (not tried): it cannot be explained"
        in run("status", "--project", str(root)).stdout
    )
    assert outcomes(root) == [("all-agree", "sent")]
    assert "not delivered" not in run("status", "--project", str(root)).stdout


def test_new_numbers_under_the_same_call_keep_the_id(folder: Folder, receiver: Receiver, clock: Time) -> None:
    """A message that arrived although no answer came is sent again after the next pull, whatever that pull brings."""
    root = folder.tells(JSON)
    receiver.always = Answer(dead=True)
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "failed")]
    export = root / "data" / "exports" / "thumbs_daily" / "tuesday-large.csv"
    export.write_text(export.read_text().replace(",9022,582,469", ",9022,583,469"))
    receiver.always = Answer(200)
    assert run("pull", "--project", str(root)).exit_code == 0
    told = [got for got in receiver.got if got.said["data"]["release"] == "tuesday-large"]
    assert len(told) == 5
    assert len({got.said["data"]["evidence"]["hash"] for got in told}) == 2
    assert len({got.headers["webhook-id"] for got in told}) == 1


@pytest.mark.parametrize("form", ["json", "slack"])
def test_a_source_that_could_not_be_pulled_is_named(folder: Folder, receiver: Receiver, form: str) -> None:
    root = folder.tells(JSON if form == "json" else SLACK)
    export = root / "data" / "exports" / "thumbs_daily" / "tuesday-large.csv"
    export.write_text("no such columns\n1\n")
    pulled = run("pull", "--project", str(root))
    assert pulled.exit_code == 2, pulled.output
    said = receiver.got[-1].said
    if form == "json":
        assert said["data"]["failed_sources"] == ["thumbs-daily"]
    else:
        assert (
            "Evidence of an earlier pull, since the last one failed: thumbs-daily." in said["blocks"][1]["text"]["text"]
        )
        assert said["text"].endswith("failed: thumbs-daily.")


def test_slack_gets_a_message_that_says_what_it_was(folder: Folder, receiver: Receiver) -> None:
    root = folder.tells(SLACK)
    outcomes(root)
    folder.decides("{signal: conversion, win: ship", "{signal: conversion, win: hold")
    outcomes(root)
    first, second = (got.said for got in receiver.got)
    assert first["text"].startswith("SHIP: all-agree.")
    assert "Before" not in first["text"]
    assert second["text"].startswith("HOLD: all-agree.")
    assert "Before: SHIP, the hierarchy answered." in second["blocks"][1]["text"]["text"]
    assert "webhook-signature" not in receiver.got[0].headers


def test_releases_whose_outcome_is_known_are_history_unless_named(folder: Folder, receiver: Receiver) -> None:
    everyone = folder.tells("  - {url: '${HOOK}', secret: '${HOOK_SECRET}'}\n")
    told = [name for name, _ in outcomes(everyone, dry=True)]
    assert told == [one.id for one in load(everyone).releases if one.outcome == "unknown"]
    assert "tuesday-large" in told
    assert "search-v5" not in told
    named = folder.tells("  - {url: '${HOOK}', secret: '${HOOK_SECRET}', releases: [search-v5]}\n")
    assert outcomes(named, dry=True) == [("search-v5", "due")]


def test_a_dry_run_sends_and_keeps_nothing(folder: Folder, receiver: Receiver) -> None:
    root = str(folder.tells(JSON))
    for _ in range(2):
        result = run("notify", "--dry-run", "--project", root)
        assert result.exit_code == 0
        assert "receiver 1 (json, ${HOOK}): would be told tuesday-large ROLLBACK" in result.stdout
    assert receiver.got == []
    found = json.loads(run("notify", "tuesday-large", "--dry-run", "--json", "--project", root).stdout)
    assert [(one["release"], one["outcome"]) for one in found] == [("tuesday-large", "due")]


def test_the_command_says_what_is_missing(folder: Folder, root: Path) -> None:
    without = run("notify", "--project", str(root))
    assert (without.exit_code, "Add `notify:`" in without.output) == (2, True)
    unknown = run("notify", "tuesday-larg", "--project", str(folder.tells(JSON)))
    assert (unknown.exit_code, "'tuesday-large'" in unknown.output) == (2, True)
    nobody = run("notify", "tuesday-small", "--project", str(folder.root))
    assert (nobody.exit_code, nobody.stdout) == (0, "No receiver is told of this release.\n")


def test_nobody_is_told_an_outdated_verdict_last(folder: Folder, receiver: Receiver) -> None:
    """While the first one is busy with another receiver, the second one tells everybody something newer."""
    root = folder.tells(JSON + "  - {url: '${HOOK}/second', secret: '${HOOK_SECRET}', releases: [tuesday-large]}\n")
    first = notify(load(root), release="tuesday-large")
    assert next(first).outcome == "sent"
    folder.decides("loss: rollback, untrusted", "loss: hold, untrusted")
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "sent"), ("tuesday-large", "sent")]
    assert [(one.outcome, one.headline) for one in first] == [("same", "HOLD")]
    to_second = [got.said["data"]["call"] for got in receiver.got if got.path.endswith("/second")]
    assert to_second == ["hold"]
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "same")] * 2


# --- several at once --------------------------------------------------------------------------------------------------


def test_two_pulls_at_once_tell_once(folder: Folder, receiver: Receiver) -> None:
    root = folder.tells(JSON)
    words = [sys.executable, "-m", "signals", "pull", "--project", str(root)]
    pulls = [
        subprocess.Popen(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True,
                         stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]  # fmt: skip
    said = [pull.communicate(timeout=300)[1] for pull in pulls]
    assert [pull.returncode for pull in pulls] == [0, 0], said
    assert sorted(got.said["data"]["release"] for got in receiver.got) == ["all-agree", "tuesday-large"], said


def test_what_changes_while_it_is_being_told_is_told_after(folder: Folder, receiver: Receiver) -> None:
    """The second one finds the first one's claim and leaves a mark; the first one looks again and tells the change."""
    root = folder.tells(JSON)
    receiver.hold = threading.Event()
    first: list[Told] = []
    sender = threading.Thread(target=lambda: first.extend(notify(load(root), release="tuesday-large")))
    sender.start()
    while not receiver.got:
        sender.join(0.01)
    folder.decides("loss: rollback, untrusted", "loss: hold, untrusted")
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "busy")]
    receiver.hold.set()
    sender.join(60)
    assert [got.said["data"]["call"] for got in receiver.got] == ["rollback", "hold"]
    assert [(one.outcome, one.headline, one.before) for one in first] == [("sent", "HOLD", "ROLLBACK")]
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "same")]


def test_the_claim_of_a_killed_process_runs_out(
    folder: Folder, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder.tells(JSON)
    script = (
        "import os\nfrom signals.review import load\nfrom signals.sharing import notify\n"
        "def killed(*_): os._exit(9)\nnotify.post = killed\n"
        f"list(notify.notify(load({str(root)!r}), release='tuesday-large'))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "busy")]
    later = notices.now() + notices.LEASE + timedelta(seconds=1)
    monkeypatch.setattr(module, "now", lambda: later)
    assert outcomes(root, release="tuesday-large") == [("tuesday-large", "sent")]
    with sqlite3.connect(tmp_path / "signals.db") as connection:
        assert connection.execute("SELECT count(*), max(claim) FROM notice").fetchone() == (1, None)
