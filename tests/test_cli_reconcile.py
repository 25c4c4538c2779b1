"""``signals reconcile``, and what ``signals verdict`` and ``signals memo`` say beside the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from signals.cli import cli


@pytest.fixture
def run(root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the bundled example, with a store that holds it."""
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    monkeypatch.setenv("SIGNALS_PROJECT", str(root))

    def command(*words: str) -> Result:
        return CliRunner().invoke(cli, list(words))

    return command


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("release", ["tuesday-small", "tuesday-large"])
def test_both_standups_say_how_sure_they_are_and_why_the_judge_is_louder(run: Any, release: str) -> None:
    told = flat(run("verdict", release).stdout)
    assert "Drawn anew 10,000 times, the evidence gives " in told
    assert "is judge bias: judge is kinder to the candidate than people are" in told
    assert "What would flip it:" in told
    pairs = flat(run("reconcile", release).stdout).count(" apart (95 % CI ")
    assert told.count(" apart (95 % CI ") == min(pairs, 2)
    assert (f"and {pairs - 2} more pairs" in told) is (pairs > 3)


def test_the_parts_of_the_json_add_up_to_the_gap(run: Any) -> None:
    result = run("reconcile", "tuesday-large", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["release"], found["call"]) == ("tuesday-large", "rollback")
    assert sum(found["stability"].values()) == pytest.approx(1.0)
    assert found["flips"]
    for pair in found["reconciliation"]:
        parts = [cause["part"]["value"] for cause in pair["causes"] if cause["counts"]]
        assert sum(parts) == pytest.approx(pair["gap"]["value"], abs=1e-9)
        assert pair["story"]
    assert found["reconciliation"] == json.loads(run("verdict", "tuesday-large", "--json").stdout)["reconciliation"]


def test_what_is_not_repeated_is_said_once_and_empty_columns_are_left_out(run: Any) -> None:
    from signals.cli.reconcile import REPEATED, reconcile_text
    from signals.memo.rows import CauseLine, Explained, PairLine

    note = CauseLine("judge bias", "part", "+13 pp", "", "", "", "p 0.03 by itself", "3 raters graded 60 items.")
    pair = PairLine(
        "judge (win) against panel (loss)", "Far apart.", "no margin", None, "off its signal", (note,), (), ""
    )
    found = Explained((pair, pair, pair), "", "", "", (), (), (), "", ())
    text = reconcile_text(found)
    assert (text.count(REPEATED), text.count("3 raters graded")) == (1, 1)
    assert text.index("3 raters graded") < text.index(REPEATED)
    assert "adjusted p" not in text
    assert "share" not in text
    assert REPEATED not in reconcile_text(Explained((pair,), "", "", "", (), (), (), "", ()))
    whole = run("reconcile", "tuesday-large").stdout
    assert "share  adjusted p" in whole
    assert "(correlation " in flat(whole)


def test_signals_that_agree_have_nothing_to_explain(run: Any) -> None:
    text = run("reconcile", "all-agree").stdout
    assert text.startswith("No signal contradicts another, so there is nothing to explain.\n")
    assert "Why they disagree" not in run("verdict", "all-agree").stdout


def test_a_verdict_that_nobody_may_believe_is_not_called_sure(run: Any) -> None:
    assert "Drawn anew" not in run("verdict", "sample-ratio").stdout
    assert "That is no certainty: what would decide cannot be trusted, however often it is drawn." in flat(
        run("reconcile", "sample-ratio").stdout
    )


def test_the_memo_holds_the_explanation(run: Any, tmp_path: Path) -> None:
    for ending in ("md", "html"):
        assert run("memo", "tuesday-small", "-o", str(tmp_path / f"memo.{ending}")).exit_code == 0
        text = (tmp_path / f"memo.{ending}").read_text(encoding="utf-8")
        for title in ("Why they disagree", "How sure the call is", "What would settle it"):
            assert title in text
        assert "not looked at" not in text


def test_an_unknown_release_is_the_callers_mistake(run: Any) -> None:
    result = run("reconcile", "tuesday-larg")
    assert result.exit_code == 2
    assert "tuesday-large" in result.stderr
