"""``signals inside``: what people read, what programs read, and what a typo gets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli


@pytest.fixture
def run(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch):
    """Run the command on the bundled example."""
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    return lambda *words: command(*words, "--project", str(root))


def command(*words: str) -> Result:
    return CliRunner().invoke(cli, ["inside", *words])


@pytest.mark.parametrize("signal", ["conversion", "panel", "judge", "thumbs"])
def test_every_line_fits_a_terminal(run, signal: str) -> None:
    result = run("tuesday-small", signal)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_judge_is_told_with_its_people(run) -> None:
    said = " ".join(run("tuesday-large", "judge").stdout.split())
    assert said.startswith("WIN judge of tuesday-large +8.01 pp (95 % CI +6.38 to +9.64), margin 2.00 pp")
    assert "raw (votes) +8.01 pp +6.38 to +9.64 113 113" in said
    assert "corrected −0.09 pp −1.97 to +1.79 113 72" in said
    assert "0.75 (95 % CI 0.62 to 0.84), Spearman over 144 outputs" in said
    assert "syn-assist-016 +25.00 pp −12.50 pp +37.50 pp 4" in said
    assert "! judge bias: < 0.0001, asks ≥ 0.05." in said
    assert "Let the corrected estimate vote, or repair the judge." in said


def test_an_untrusted_experiment_says_what_to_do_and_how_it_grew(run) -> None:
    said = " ".join(run("sample-ratio", "conversion").stdout.split())
    assert "UNTRUSTED conversion of sample-ratio" in said
    assert "What to do next: sample ratio: Find what loses units in one arm" in said
    assert "9 Nov 2026 +1.40 pp +0.49 to +2.31 98,616" in said
    assert "The intervals hold at every day at once." in said


def test_a_panel_has_its_raters(run) -> None:
    said = " ".join(run("tuesday-large", "panel").stdout.split())
    assert re.search(r"411 72 −0\.01 points 0\.77 no 1 of 1", said)
    assert "there is no course to draw" in said


def test_json_is_the_same_view(run) -> None:
    found = json.loads(run("tuesday-large", "thumbs", "--json").stdout)
    assert found["signal"] == "thumbs"
    assert found["course"]["points"][-1]["estimate"]["effect"] == found["reading"]["effect"]
    assert found["estimates"][0]["name"] == "per_response"
    assert run("tuesday-large", "thumbs", "--json").stdout == run("tuesday-large", "thumbs", "--json").stdout


def test_a_typo_is_answered_in_one_line(run) -> None:
    result = run("tuesday-large", "jugde")
    assert result.exit_code == 2
    assert result.stderr == "no signal is called 'jugde'. Did you mean 'judge'?\n"
