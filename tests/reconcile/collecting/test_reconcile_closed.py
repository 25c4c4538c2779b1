"""A release that is over, or was decided, asks for no more evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signals.model import Call, Collection, Decision, Explanation, Outcome
from signals.reconcile.collecting.closed import without_proposals
from tests.reconcile.collecting.collect_kit import RELEASE

MORE = Collection("revenue", "80 more users", 80, "users", None, None, "", 0.5, 0.9, True, "")
OPEN = Explanation((), None, (), (MORE,), "")
PREFIX = "Nothing more is to be collected for this call: "


def decided(call: Call) -> Decision:
    return Decision("r", call, "hold", "Ann", "because", datetime(2026, 11, 18, 9, tzinfo=UTC), "v", "p")


@pytest.mark.parametrize("outcome, how", [("good", "well"), ("bad", "badly")])
def test_what_turned_out_is_over(outcome: Outcome, how: str) -> None:
    found = without_proposals(OPEN, replace(RELEASE, outcome=outcome), ())
    assert found.collections == ()
    assert found.unsettled == f"{PREFIX}the release is over, and it turned out {how}."


def test_the_newest_decision_stands() -> None:
    found = without_proposals(OPEN, RELEASE, (decided("ship"), decided("hold")))
    assert found == replace(OPEN, collections=(), unsettled=f"{PREFIX}SHIP was decided on 18 Nov 2026.")
    assert without_proposals(OPEN, RELEASE, (decided("hold"), decided("ship"))) == OPEN
    assert without_proposals(OPEN, RELEASE, ()) == OPEN


def test_a_sure_call_has_no_line_about_evidence() -> None:
    sure = replace(OPEN, collections=())
    assert without_proposals(sure, replace(RELEASE, outcome="good"), (decided("ship"),)) == sure


def test_the_bundled_past_releases_are_told_as_over(
    root: Path, demo_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signals.review import review

    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    assert review("search-v5", root).explanation.unsettled == f"{PREFIX}the release is over, and it turned out badly."
    assert review("tuesday-small", root).explanation.collections
