"""`signals verdict --format`: where it is written, how it exits, and that the words are the memo's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli


@pytest.fixture
def run(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    monkeypatch.setenv("SIGNALS_PROJECT", str(root))
    return command


def command(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.mark.parametrize("form", ["text", "json", "github", "slack", "junit"])
def test_every_format_exits_with_the_call_and_writes_the_same_file(run, form: str, tmp_path: Path) -> None:
    shown = run("verdict", "tuesday-large", "--format", form)
    assert shown.exit_code == 20
    path = tmp_path / "out"
    path.write_text("old")
    written = run("verdict", "tuesday-large", "--format", form, "-o", str(path))
    assert written.exit_code == 20
    assert path.read_text() == shown.stdout
    assert written.stdout == f"{path}: {path.stat().st_size:,} bytes\n"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    sentence = "Conversion fell 0.60 pp (95 % CI −0.89 to −0.31)"
    assert sentence in " ".join(shown.stdout.split())


def test_json_means_format_json(run) -> None:
    assert run("verdict", "all-agree", "--json").stdout == run("verdict", "all-agree", "--format", "json").stdout
    both = run("verdict", "all-agree", "--json", "--format", "json")
    assert (both.exit_code, json.loads(both.stdout)["call"]) == (0, "ship")


@pytest.mark.parametrize(
    "words, says",
    [
        (["--json", "--format", "slack"], "--json means --format json, and --format is slack"),
        (["--format", "slak"], "slak"),
        (["--format", "junit", "-o", "nowhere/at/all.xml"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, words: list[str], says: str) -> None:
    result = run("verdict", "all-agree", *words)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


def test_an_override_is_marked_wherever_it_is_shared(
    run, root: Path, demo_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    from datetime import UTC, datetime

    from signals.model import Decision, Override
    from signals.review import load, store_of

    shutil.copy(demo_store.removeprefix("sqlite:///"), tmp_path / "signals.db")
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{tmp_path / 'signals.db'}")
    store = store_of(load(root))
    now, why = datetime.now(UTC), "see #12"
    store.decide(
        Decision("tuesday-large", "ship", "rollback", "@mara", why, now, "sha256:0", "sha256:1", "jo"),
        Override("", "tuesday-large", "ship", "rollback", "sha256:0", "@mara", "jo", why, now, now),
    )
    comment = run("verdict", "tuesday-large", "--format", "github").stdout
    assert "**Decided: SHIP (override of ROLLBACK)** by `@mara` with jo" in comment
    assert "see `#12`" in comment
    assert (
        "*Decided: SHIP (override of ROLLBACK)* by `@mara` with jo"
        in run("verdict", "tuesday-large", "--format", "slack").stdout
    )
