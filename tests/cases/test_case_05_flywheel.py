"""Case 5: a year in which thumbs and judge rise and retention falls; both lose their vote, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.cases.c05_flywheel import CASE, NEWEST, PAST
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import Run, run
from signals.review import review


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(CASE, Setting(1), tmp_path_factory.mktemp("wrong"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(CASE, Setting(1, strength=0.0), tmp_path_factory.mktemp("clean"))


def test_both_proxies_win_and_neither_may_speak(wrong: Run) -> None:
    assert (wrong.right_call, wrong.right_reason, wrong.accused) == (True, True, frozenset())
    judge, thumbs = (wrong.verdict.readings[name] for name in ("judge", "thumbs"))
    assert min(judge.benefit.low or 0.0, thumbs.benefit.low or 0.0) > 0.0
    assert (wrong.verdict.reason, wrong.verdict.readings["retention"].state) == ("untrusted", "missing")
    correlation = thumbs.checks["track_correlation"]
    assert correlation.detail.startswith(f"with retention, over {PAST} past releases")
    assert correlation.high is not None
    assert correlation.high < 0.0
    assert "activity=daily" in thumbs.checks["responder_mix_shift"].detail
    naive = calls(wrong.verdict)
    assert {name for name, call in naive.items() if call == "ship"} == set(naive) - {"A/B only"}


def test_the_twin_ships_on_the_record_of_its_proxies(clean: Run) -> None:
    assert (clean.right_call, clean.right_reason, clean.accused) == (True, True, frozenset())
    assert clean.verdict.decided_by == "judge"
    thumbs = clean.verdict.readings["thumbs"]
    assert thumbs.benefit.value == pytest.approx(NEWEST * 0.01, abs=0.015)
    for name in ("track_correlation", "response_trend_p", "responder_mix_shift"):
        assert (thumbs.checks[name].status, thumbs.checks[name].required) == ("pass", True)


def test_in_the_year_before_retention_alone_could_speak(clean: Run, wrong: Run) -> None:
    """No proxy has a record before ten releases, in the twin neither."""
    for found in (clean, wrong):
        verdict = review("release-09", found.folder).verdict
        assert verdict.readings["judge"].state == verdict.readings["thumbs"].state == "untrusted"
        assert verdict.decided_by in ("retention", None)
    assert review("release-12", clean.folder).verdict.readings["judge"].checks["track_correlation"].status == "pass"


def test_the_same_seed_writes_the_same_files(wrong: Run, tmp_path: Path) -> None:
    CASE.write(tmp_path, Setting(1))
    for path in sorted((tmp_path / "data").rglob("*.*")):
        assert path.read_bytes() == (wrong.folder / path.relative_to(tmp_path)).read_bytes()
