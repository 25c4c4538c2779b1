"""What stands beside the verdicts of the bundled example."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from signals.explain import _key, _memory, explain
from signals.model import Explanation, canonical, plain
from signals.review import Review, load, review

CONTRADICTING = ("tuesday-small", "tuesday-large", "search-v5", "tone-v6")


@pytest.fixture
def reviewed(demo_store: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Review]:
    monkeypatch.setenv("SIGNALS_STORE", demo_store)
    project = load(root)
    return {release.id: review(release.id, project) for release in project.releases}


def test_every_pair_adds_up_to_its_gap(reviewed: dict[str, Review]) -> None:
    pairs = [one for name in CONTRADICTING for one in reviewed[name].explanation.reconciliation]
    assert len(pairs) > 10
    for one in pairs:
        parts = [cause.part.value for cause in one.causes if cause.counts and cause.part]
        assert math.fsum(part or 0.0 for part in parts) == pytest.approx(one.gap.value, abs=1e-9)
        assert one.start.value - one.end.value == pytest.approx(one.gap.value, abs=1e-9)  # type: ignore[operator]  # both are known
        assert one.story


def test_the_overruled_signal_is_explained_first(reviewed: dict[str, Review]) -> None:
    first = reviewed["tuesday-large"].explanation.reconciliation[0]
    assert (first.signal, first.against) == ("judge", "conversion")
    bias = next(cause for cause in first.causes if cause.name == "judge_bias")
    assert bias.blamed
    assert (bias.share or 0.0) > 0.6
    # People graded the same answers and saw nothing: the reading says so too, by its own method.
    reading = reviewed["tuesday-large"].verdict.readings["judge"]
    corrected = reading.estimates["corrected"].effect
    assert bias.quantity is not None
    assert bias.quantity.value == pytest.approx((reading.effect or 0.0) - (corrected or 0.0), abs=0.01)


def test_signals_that_agree_have_no_story(reviewed: dict[str, Review]) -> None:
    assert reviewed["all-agree"].explanation.reconciliation == ()


def test_stability_is_of_the_call_that_was_made(reviewed: dict[str, Review]) -> None:
    for name, result in reviewed.items():
        sure = result.explanation.stability
        assert sure is not None
        assert math.fsum(sure.calls.values()) == pytest.approx(1.0)
        assert max(sure.calls, key=lambda call: sure.calls[call]) == result.verdict.call, name


def test_the_same_verdict_has_the_same_explanation_from_memory_store_and_anew(reviewed: dict[str, Review]) -> None:
    result = reviewed["tuesday-small"]
    first = result.explanation
    subject = result.subject
    _memory.kept.clear()
    assert explain(subject) == first  # from the store
    _memory.kept.clear()
    store = subject.lookup.store
    store.put_explanation("tuesday-small", "sha256:other", "sha256:other", Explanation())
    assert canonical(plain(explain(subject))) == canonical(plain(first))  # computed again


def test_a_time_that_moves_on_is_not_computed_again_within_a_minute(reviewed: dict[str, Review]) -> None:
    subject = replace(reviewed["all-agree"].subject, moving=True)
    on = replace(subject.verdict, as_of=subject.verdict.as_of + timedelta(seconds=20))
    late = replace(subject.verdict, as_of=subject.verdict.as_of + timedelta(minutes=2))
    assert _key(subject) == _key(replace(subject, verdict=on))
    assert _key(subject) != _key(replace(subject, verdict=late))
    # What the time changed counts at once.
    panel = replace(on.readings["panel"], state="untrusted")
    stale = replace(on, readings={**on.readings, "panel": panel})
    assert _key(subject) != _key(replace(subject, verdict=stale))


def test_past_releases_that_are_too_few_are_said(reviewed: dict[str, Review]) -> None:
    first = reviewed["tuesday-large"].explanation.reconciliation[0]
    construct = next(cause for cause in first.causes if cause.name == "construct")
    assert "it takes 10" in construct.refused
    assert construct.part is None


def test_an_explanation_that_is_stored_is_drawn_without_heavy_imports(
    reviewed: dict[str, Review], demo_store: str, root: Path
) -> None:
    assert reviewed["tuesday-large"].explanation
    code = (
        "import sys; from signals.review import review; review('tuesday-large').explanation; "
        "print([name for name in ('numpy', 'scipy', 'pandas', 'statsmodels', 'plotly') if name in sys.modules])"
    )
    environment = {"SIGNALS_STORE": demo_store, "PATH": ""}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_raters_who_are_the_rule_add_no_error_whomever_the_judge_is_held_against(
    reviewed: dict[str, Review], root: Path, tmp_path: Path
) -> None:
    def bias(result: Review, against: str) -> float:
        pair = next(one for one in result.explanation.reconciliation if (one.signal, one.against) == ("judge", against))
        part = next(cause.part for cause in pair.causes if cause.name == "judge_bias")
        assert part is not None
        assert part.high is not None
        assert part.low is not None
        return part.high - part.low

    text = (root / "hierarchy.yaml").read_text()
    assert "    kind: panel\n" in text
    # The same file again, so that nothing but the word of the panel can tell the two answers apart.
    policy = tmp_path / "hierarchy.yaml"
    policy.write_text(text.replace("    kind: panel\n", "    kind: panel\n    raters: fixed\n"))
    random, fixed = reviewed["tuesday-large"], review("tuesday-large", load(root), policy=policy)
    assert bias(fixed, "conversion") < bias(random, "conversion")
