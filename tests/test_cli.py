"""The command line as people and programs use it: exit codes, bytes, one line per mistake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli, main
from signals.cli.base import json_text


@pytest.fixture
def run(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch):
    """Run a command on the bundled example, with a store that holds it."""
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    monkeypatch.setenv("SIGNALS_PROJECT", str(root))
    return command


def command(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.mark.parametrize(
    "release, code, word",
    [
        ("tuesday-small", 10, "HOLD"),
        ("tuesday-large", 20, "ROLLBACK"),
        ("all-agree", 0, "SHIP"),
        ("sample-ratio", 10, "NO VERDICT YET (HOLD)"),
    ],
)
def test_verdict_says_the_call_and_exits_with_it(run, release: str, code: int, word: str) -> None:
    result = run("verdict", release)
    assert result.exit_code == code
    assert result.stdout.startswith(f"{word}  {release}: ")
    assert "[synthetic data]" in result.stdout.splitlines()[0]


def test_json_is_the_same_bytes_twice_and_is_json(root: Path, demo_store: str) -> None:
    words = [sys.executable, "-m", "signals", "verdict", "tuesday-small", "--json", "--as-of", "2026-11-17T09:00Z"]
    runs = [
        subprocess.run(words, cwd=root, capture_output=True, env={"SIGNALS_STORE": demo_store, "PATH": ""}, check=False)
        for _ in range(2)
    ]
    assert runs[0].returncode == 10
    assert runs[0].stdout == runs[1].stdout
    found = json.loads(runs[0].stdout, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert found["as_of"] == "2026-11-17T09:00:00Z"
    assert found["call"] == "hold"
    assert found["needs"][0]["signal"] == "conversion"


def test_json_keeps_the_contract(run) -> None:
    found = json.loads(run("verdict", "tuesday-large", "--json").stdout)
    for key in ("release", "call", "reason", "decided_by", "rule", "sentence", "readings", "trace", "overruled",
                "guardrails", "needs", "policy", "evidence", "as_of"):  # fmt: skip
        assert key in found
    assert sum(found["stability"].values()) == pytest.approx(1.0)
    assert found["stability"]["rollback"] > 0.95
    assert all({"fact", "now", "at", "to"} <= set(flip) for flip in found["flips"])
    assert (found["reconciliation"][0]["signal"], found["reconciliation"][0]["against"]) == ("judge", "conversion")
    assert {"next_evidence", "unsettled"} <= set(found)
    reading = found["readings"]["conversion"]
    for key in ("kind", "state", "effect", "low", "high", "unit", "margin", "confidence", "method", "n_control",
                "n_candidate", "benefit", "non_inferior", "material", "p_value", "estimates", "checks", "segments",
                "set_aside", "sources", "as_of"):  # fmt: skip
        assert key in reading
    assert found["policy"]["hash"].startswith("sha256:")
    assert found["evidence"]["hash"].startswith("sha256:")
    assert found["overruled"] == ["judge"]


def test_another_policy_decides_otherwise(run, root: Path, tmp_path: Path) -> None:
    text = (root / "hierarchy.yaml").read_text().replace("loss: rollback, untrusted", "loss: hold, untrusted")
    other = tmp_path / "gentle.yaml"
    other.write_text(text.split("\ntests:")[0])
    assert run("verdict", "tuesday-large", "--policy", str(other)).exit_code == 10


@pytest.mark.parametrize(
    "words, says",
    [
        (["verdict", "tuesday-smal"], "'tuesday-small'"),
        (["verdict", "tuesday-small", "--as-of", "yesterday"], "is not a time"),
        (["verdict", "tuesday-small", "--as-of", "2026-11-17T09:00"], "has no zone"),
        (["verdict", "tuesday-small", "--as-of", "2020-01-01T00:00Z"], "before release tuesday-small started"),
        (["verdict", "tuesday-small", "--policy", "nowhere.yaml"], "nowhere.yaml"),
        (["verdict", "tuesday-small", "--project", "nowhere"], "nowhere"),
        (["memo", "tuesday-small", "-o", "memo.xls"], "cannot write .xls"),
        (["decide", "tuesday-small", "ship", "--by", "Ann", "--because", "now"], "needs a second person"),
        (["decide", "tuesday-small", "ship", "--by", "Ann", "--because", "now", "--second", "ann"], "second person"),
        (["decide", "tuesday-small", "maybe", "--by", "Ann", "--because", "now"], "maybe"),
        (["pull", "--source", "golden-sett"], "golden-set"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, words: list[str], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_mistake_in_a_real_process_has_no_traceback(root: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "signals", "verdict", "x", "--project", str(tmp_path)]
    result = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "sources.yaml" in result.stderr


def test_pull_twice_changes_nothing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{tmp_path / 'twice.db'}")
    first = command("pull", "--json", "--source", "conversion-daily", "--project", str(root))
    second = command("pull", "--json", "--source", "conversion-daily", "--project", str(root))
    full = command("pull", "--json", "--full", "--source", "conversion-daily", "--project", str(root))
    assert json.loads(first.stdout)[0]["new"] == 7 * 252
    for again in (second, full):
        report = json.loads(again.stdout)[0]
        assert (report["new"], report["changed"], report["removed"]) == (0, 0, 0)
        assert report["status"] == "unchanged"


def test_decide_records_and_audit_notices_a_change(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    database = tmp_path / "decide.db"
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{database}")
    folder = str(root)
    assert command("pull", "--project", folder, "--source", "conversion-daily").exit_code == 0
    done = command("decide", "tuesday-large", "rollback", "--by", "Ann", "--because", "as it says", "--project", folder)
    assert done.exit_code == 0, done.output
    assert "as recommended" in done.stdout
    words = ["decide", "tuesday-large", "ship", "--by", "Ann", "--because", "a contract", "--second", "Bo"]
    override = command(*words, "--until", f"{(datetime.now(UTC) + timedelta(days=200)).date()}", "--project", folder)
    assert "override of rollback" in override.stdout
    assert command("audit", "verify", "--project", folder).exit_code == 0
    with sqlite3.connect(database) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f'drop trigger "{name}"')
        connection.execute("update decision set because = 'nobody knows' where by = 'Ann' and second = 'Bo'")
    tampered = command("audit", "verify", "--project", folder)
    assert tampered.exit_code == 2
    assert "decision" in tampered.output


def test_init_makes_a_project_that_checks_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert command("init", str(folder)).exit_code == 0
    assert command("policy", "check", "--project", str(folder)).exit_code == 0
    assert command("releases", "--project", str(folder)).exit_code == 0
    assert "No source" in command("status", "--project", str(folder)).stdout
    assert (folder / "hierarchy.schema.json").is_file()
    assert "$schema=./hierarchy.schema.json" in (folder / "hierarchy.yaml").read_text()
    assert "No source" in command("pull", "--project", str(folder)).stdout
    again = command("init", str(folder))
    assert again.exit_code == 2
    assert "exists already" in again.output


def test_policy_commands(run, root: Path, tmp_path: Path) -> None:
    assert run("policy", "check").exit_code == 0
    shown = run("policy", "show").stdout
    assert "conversion" in shown
    assert "otherwise" in shown.lower()
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        (root / "hierarchy.yaml").read_text().replace("expect: {call: rollback", "expect: {call: ship", 1)
    )
    result = run("policy", "test", str(broken))
    assert result.exit_code == 2
    assert "the Tuesday standup" in result.stdout


def test_memo_is_written_and_says_what_the_verdict_says(run, tmp_path: Path) -> None:
    for ending in ("md", "html"):
        file = tmp_path / f"memo.{ending}"
        assert run("memo", "tuesday-large", "-o", str(file)).exit_code == 0
        text = file.read_text()
        assert "ROLLBACK" in text
        assert "Conversion fell 0.60 pp" in text
        assert "ynthetic" in text
    assert run("memo", "tuesday-large", "-o", str(tmp_path / "no" / "memo.md")).exit_code == 2


def test_an_empty_store_is_not_a_verdict(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{tmp_path / 'empty.db'}")
    result = command("verdict", "tuesday-small", "--project", str(root))
    assert result.exit_code == 2
    assert "signals pull" in result.output


def test_demo_prints_a_verdict_of_every_release_and_stops(root: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "signals", "demo", "--no-serve"]
    environment = {"SIGNALS_STORE": f"sqlite:///{tmp_path / 'demo.db'}", "PATH": ""}
    result = subprocess.run(words, cwd=root, capture_output=True, text=True, env=environment, check=True)
    lines = result.stdout.splitlines()
    calls = [
        line.split("  ")[0].strip() for line in lines if line.startswith(("SHIP", "HOLD", "ROLLBACK", "NO VERDICT"))
    ]
    assert calls[:4] == ["HOLD", "ROLLBACK", "SHIP", "NO VERDICT YET (HOLD)"]
    assert calls[4:] == ["SHIP", "SHIP", "SHIP", "ROLLBACK", "HOLD", "ROLLBACK"]  # the past ones


def test_a_source_for_an_undeclared_signal_is_refused(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.db*", "__pycache__"))
    shutil.copy(root / "hierarchy.yaml", tmp_path)
    sources = tmp_path / "data" / "sources.yaml"
    sources.write_text(sources.read_text().replace("signal: thumbs", "signal: thums", 1))
    result = command("verdict", "all-agree", "--project", str(tmp_path))
    assert result.exit_code == 2
    assert "'thumbs'" in result.output
    pulled = command("pull", "--source", "conversion-daily", "--project", str(tmp_path))
    assert pulled.exit_code == 0
    assert "warning: sources.yaml:" in pulled.stderr
    sources.write_text(sources.read_text().replace("signal: thums", "signal: panel", 1))
    wrong_kind = command("verdict", "all-agree", "--project", str(tmp_path))
    assert wrong_kind.exit_code == 2
    assert "feedback_counts records, and 'panel' is of kind panel" in wrong_kind.output


def test_main_prints_mistakes_to_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["signals", "releases", "--project", "/nowhere"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "sources.yaml" in captured.err


def test_serve_answers_and_stops_when_it_is_stopped(root: Path, demo_store: str) -> None:
    import signal
    import socket
    import time
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "signals", "serve", "--port", str(port)]
    environment = {"SIGNALS_STORE": demo_store, "PATH": "", "HOME": str(root)}
    server = subprocess.Popen(words, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(240):
            try:
                health = urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).read()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.25)
        assert health == b"ok"
        second = command("serve", "--port", str(port), "--project", str(root))
        assert second.exit_code == 2
        assert "--port" in second.output
    finally:
        server.send_signal(signal.SIGINT)
        out, _ = server.communicate(timeout=30)
    assert f"http://127.0.0.1:{port}" in out
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_json_that_is_printed_says_the_same_and_steers_no_terminal() -> None:
    said = {"release": "a\u202eb\x9b31m\x7f\ud800 \\\u200b\u2028", "read": "é −0.6 pp"}
    text = json_text(said)
    assert json.loads(text) == said
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert "é −0.6 pp" in text
