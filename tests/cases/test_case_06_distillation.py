"""Case 6: everything that is cheap to ask says ship; people on the rare intents, kinship and the leak say why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals.cases.c06_distillation import CASE, INTENTS, LEAKED, TAIL
from signals.cases.case import Setting
from signals.cases.naive import calls
from signals.cases.run import Run, run


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(CASE, Setting(1, strength=0.0), tmp_path_factory.mktemp("twin"))


def test_the_average_holds_and_the_tail_does_not(tmp_path: Path) -> None:
    found = run(CASE, Setting(1), tmp_path)
    assert (found.call, found.right_reason, found.accused) == ("rollback", True, frozenset())
    panel, judge = found.verdict.readings["panel"], found.verdict.readings["judge"]
    worse = {one.name.partition("=")[2] for one in panel.segments if (one.adjusted.high or 0.0) < -0.15}
    assert worse == set(TAIL)
    assert len(panel.segments) == len(INTENTS)
    assert judge.state == "untrusted"
    assert judge.checks["independent_judge"].why == "judge atlas-judge-2 is kin of atlas-xl and atlas-mini (atlas)"
    assert judge.checks["max_leaked"].value == pytest.approx(LEAKED, abs=0.07)
    raw, rest = judge.estimates["raw"], judge.estimates["not_leaked"]
    assert raw.effect is not None
    assert rest.effect is not None
    assert 0.02 < rest.effect < raw.effect - 0.01  # what is left without the leak is the kinship
    assert set(calls(found.verdict).values()) == {"ship"}


def test_the_twin_ships_with_nothing_but_another_judge_no_leak_and_no_damage(twin: Run) -> None:
    assert (twin.call, twin.right_reason, twin.accused) == ("ship", True, frozenset())
    checks = twin.verdict.readings["judge"].checks
    assert (checks["independent_judge"].value, checks["max_leaked"].value) == (1.0, 0.0)


def test_a_small_fault_is_held_by_the_judge_before_people_can_see_it(tmp_path: Path) -> None:
    found = run(CASE, Setting(1, strength=0.2), tmp_path)
    assert found.call == "hold"
    assert {"check:judge.independent_judge", "check:judge.max_leaked"} <= found.seen
    assert "guardrail:no-intent-left-behind" not in found.seen


def test_what_kin_does_not_clear_is_not_independent(twin: Run) -> None:
    """The twin, with its declaration of kin cut short or corrected: not even it ships then."""
    from signals.review import review

    path = twin.folder / "data" / "sources.yaml"
    written = path.read_text(encoding="utf-8")
    line = "  boreal: [boreal-*]"
    assert line in written
    edits = {
        written[: written.index("kin:")] + written[written.index("releases:") :]: None,  # nobody says who is related
        written.replace(line, ""): None,  # nobody knows the judge
        written.replace(line, "  boreal: [boreal-*, atlas-mini]"): 0.0,  # the student learnt from both families
    }
    for text, value in edits.items():
        path.write_text(text, encoding="utf-8")
        verdict = review(CASE.release, twin.folder).verdict
        assert verdict.readings["judge"].checks["independent_judge"].value == value
        assert (verdict.call, verdict.decided_by, verdict.reason) == ("hold", "judge.non_inferior", "cannot-evaluate")
    path.write_text(written, encoding="utf-8")
    assert review(CASE.release, twin.folder).verdict.call == "ship"
