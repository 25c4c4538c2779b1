"""One signal in depth: the verdict's own numbers to the last digit, and what to do where there are none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debt_kit import LATE, MID, POLICY, SOURCES, Made, made

from signals.inside import depth, depth_key, inside
from signals.model import Project, SignalsError, plain
from signals.model.inside import Depth, check_anchor, segment_anchor
from signals.review import Review, load, review, store_of

SIGNALS = ("conversion", "panel", "judge", "thumbs")


@pytest.fixture(scope="module")
def bundled(demo_store: str, root: Path) -> Iterator[Project]:
    """The example with its evidence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", demo_store)
        yield load(root)


@pytest.fixture(scope="module")
def reviews(bundled: Project) -> dict[str, Review]:
    """Every bundled release, reviewed."""
    return {release.id: review(release.id, bundled) for release in bundled.releases}


@pytest.mark.parametrize("signal", SIGNALS)
def test_numbers_are_those_of_the_verdict(signal: str, reviews: dict[str, Review]) -> None:
    for found in reviews.values():
        view = inside(found, signal)
        reading = found.verdict.readings[signal]
        assert view.reading is reading
        by_name = {row.name: row.estimate for row in view.estimates if row.estimate is not None}
        assert by_name == dict(reading.estimates)
        assert [row.name for row in view.estimates if row.votes] == [reading.voting] == [view.estimates[0].name]
        assert [(row.name, row.raw, row.shrunk, row.adjusted) for row in view.segments] == [
            (one.name, one.benefit, one.shrunk, one.adjusted) for one in reading.segments
        ]
        assert {row.check.name: row.check for row in view.checks} == dict(reading.checks)
        assert json.loads(json.dumps(plain(view), allow_nan=False))["reading"]["effect"] == reading.effect


@pytest.mark.parametrize("signal", ["conversion", "thumbs"])
def test_the_last_day_is_the_reading(signal: str, reviews: dict[str, Review]) -> None:
    for found in reviews.values():
        view = inside(found, signal)
        last = view.course.points[-1].estimate
        reading = found.verdict.readings[signal]
        assert (last.effect, last.low, last.high, last.p_value) == (
            reading.effect, reading.low, reading.high, reading.p_value,
        )  # fmt: skip
        assert (last.n_control, last.n_candidate) == (reading.n_control, reading.n_candidate)
        assert view.course.band == ("any-time" if signal == "conversion" else "one look")
        sizes = [point.estimate.n_control for point in view.course.points]
        assert sizes == sorted(sizes)
        assert len(sizes) == view.course.days == 14 == len(set(sizes))


def test_segments_have_the_units_of_their_numbers(reviews: dict[str, Review]) -> None:
    view = inside(reviews["tuesday-large"], "conversion")
    assert sum(row.n_control for row in view.segments if row.name.startswith("plan=")) == view.reading.n_control
    assert sum(row.n_candidate for row in view.segments if row.name.startswith("locale=")) == view.reading.n_candidate


def test_a_judge_has_people_and_a_panel_has_raters(reviews: dict[str, Review]) -> None:
    judge, panel = (inside(reviews["tuesday-large"], name) for name in ("judge", "panel"))
    assert judge.raters is None
    assert panel.people is None
    assert judge.people is not None
    assert panel.raters is not None
    assert judge.people.agreement == judge.reading.checks["human_agreement"]
    assert judge.people.compared == judge.reading.checks["min_overlap"].value == judge.people.confusion[0].total
    assert len(panel.raters) == panel.reading.checks["min_raters"].value
    gaps = [one.gap for one in judge.people.items]
    assert [abs(gap) for gap in gaps] == sorted((abs(gap) for gap in gaps), reverse=True)


def test_an_untrusted_signal_says_what_to_mend_first(reviews: dict[str, Review]) -> None:
    view = inside(reviews["sample-ratio"], "conversion")
    assert view.reading.state == "untrusted"
    assert view.checks[0].check.name == "sample_ratio_p"
    assert view.checks[0].check.status == "fail"
    assert [step.about for step in view.steps] == ["sample_ratio_p"]  # and not once more as the verdict's way out
    assert view.steps[0].text == view.checks[0].remedy


def test_an_unclear_signal_says_how_much_more(reviews: dict[str, Review]) -> None:
    view = inside(reviews["tuesday-small"], "conversion")
    assert len(view.steps) == len(view.needs) == 1
    assert "more users, by 15 Jan 2027" in view.steps[0].text
    assert not inside(reviews["all-agree"], "conversion").steps


def test_what_is_not_there_says_why(reviews: dict[str, Review]) -> None:
    view = inside(reviews["tuesday-large"], "conversion")
    assert [(row.name, row.why_not) for row in view.estimates if row.estimate is None] == [
        ("cuped", "the covariate is missing")
    ]


def test_kept_depth_is_not_computed_again(reviews: dict[str, Review]) -> None:
    found = reviews["all-agree"]
    kept = Depth(raters=())
    assert inside(found, "panel", kept).raters == ()
    assert depth_key(found, "panel") != depth_key(found, "judge")
    assert depth_key(found, "panel") == depth_key(review("all-agree", found.project), "panel")
    assert depth_key(found, "panel") != depth_key(reviews["tuesday-large"], "panel")


def test_a_signal_that_is_not_declared_is_named(reviews: dict[str, Review]) -> None:
    with pytest.raises(SignalsError, match=r"no signal is called 'jugde'. Did you mean 'judge'\?"):
        inside(reviews["all-agree"], "jugde")
    with pytest.raises(SignalsError, match="no signal is called 'jugde'"):
        depth_key(reviews["all-agree"], "jugde")


def test_anchors_are_stable_and_fit_an_address() -> None:
    assert check_anchor("sample_ratio_p") == "check-sample_ratio_p"
    assert segment_anchor("plan=enterprise") == "segment-plan=enterprise"
    hostile = segment_anchor('plan="><img src=x>')
    assert hostile.startswith("segment-plan=---img-src=x--")
    assert segment_anchor("a b") != segment_anchor("a-b")
    assert all(sign.isascii() and (sign.isalnum() or sign in "_=.-") for sign in segment_anchor("größe=ü" + "x" * 9000))
    assert len(segment_anchor("x" * 9000)) < 120


# --- where evidence is wanting ---------------------------------------------------------------------------------------

MORE = """\
  clicks:
    kind: feedback
    question: Thumbs?
    better: higher
    margin: 1pp
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small project with a signal that nothing feeds and a release that nothing is known of."""
    policy = POLICY.replace("hierarchy:\n", f"{MORE}hierarchy:\n").replace(
        "trust: {max_age: 3d}", "trust: {full_weeks: 9}"
    )
    found = made(tmp_path_factory.mktemp("inside") / "project", (MID, LATE), policy, SOURCES)
    sources = found.folder / "data" / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    ghost = (
        "  - {id: ghost, kind: prompt, control: nobody, candidate: nothing, started: 2026-10-13,"
        " as_of: 2026-10-27T09:00:00Z}\n"
    )
    sources.write_text(text.replace("releases:\n", f"releases:\n{ghost}"), encoding="utf-8")
    found.pull()
    return found


def test_no_source_says_what_to_declare(small: Made) -> None:
    view = inside(review("late", small.project), "clicks")
    assert view.reading.state == "missing"
    assert view.sources == ()
    assert view.course.points == ()
    (step,) = view.steps
    assert step.text == (
        "No source feeds it: add one with `signal: clicks` and shape feedback or feedback_counts under `sources:` in "
        "`sources.yaml`, then run `signals pull`."
    )
    assert depth_key(review("late", small.project), "clicks") is None


@pytest.mark.parametrize(("signal", "source"), [("done", "orders"), ("stars", "ratings"), ("score", "golden")])
def test_a_release_that_nothing_is_known_of_is_missing_everywhere(small: Made, signal: str, source: str) -> None:
    view = inside(review("ghost", small.project), signal)
    assert view.reading.state == "missing"
    assert [(one.name, one.pull, one.rows) for one in view.sources] == [(source, "fine", 0)]
    assert view.steps[0].text.startswith("Its sources have no rows about nobody or nothing.")
    assert not view.course.points
    assert view.course.why_not
    json.dumps(plain(view), allow_nan=False)


def test_a_failed_pull_is_the_first_thing_to_mend(small: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "broken"))
    broken = Made(folder)
    (folder / "data" / "orders.csv").write_text("no,such,columns\n1,2,3\n", encoding="utf-8")
    broken.pull()
    view = inside(review("late", broken.project), "done")
    assert view.sources[0].pull == "failed"
    assert view.sources[0].rows > 0  # older evidence still speaks
    assert view.steps[0].about == "orders"
    assert view.steps[0].text.startswith("The last pull failed: ")


def test_an_immature_reading_says_what_to_wait_for(small: Made) -> None:
    view = inside(review("late", small.project), "done")
    assert ("full_weeks", "Wait for the week to end: weekdays and weekends behave differently.") in [
        (step.about, step.text) for step in view.steps
    ]


def test_a_source_pulled_meanwhile_is_not_mixed_into_an_older_review(small: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "moving"))
    moving = Made(folder)
    before = review("late", moving.project)
    orders = next(folder.rglob("orders.csv"))
    rows = orders.read_text(encoding="utf-8").splitlines()
    orders.write_text("\n".join(row for row in rows if "2026-10-14" not in row), encoding="utf-8")
    moving.pull()
    with pytest.raises(SignalsError, match="was pulled while this was computed"):
        depth(before, "done")
    assert len(depth(review("late", moving.project), "done").course.points) == 13


def test_evidence_after_the_as_of_time_is_not_in_the_course(small: Made) -> None:
    early = review("late", small.project, as_of=datetime(2026, 10, 18, 12, tzinfo=UTC))
    view = inside(early, "done")
    assert f"{view.course.points[-1].day}" == "2026-10-18"
    assert view.course.points[-1].estimate.effect == view.reading.effect


def test_a_family_shares_its_error_rate_by_day_too(bundled: Project) -> None:
    """The interval of every day is widened as the reading's is."""
    release = replace(next(one for one in bundled.releases if one.id == "all-agree"), family="spring")
    twin = replace(release, id="twin", candidate="help-v5")
    others = tuple(one for one in bundled.releases if one.id != release.id)
    found = review("all-agree", replace(bundled, releases=(*others, release, twin)))
    view = inside(found, "conversion")
    assert "2 candidates at once" in view.reading.method
    assert view.course.points[-1].estimate.low == view.reading.low


def test_the_store_knows_no_more_after_looking(small: Made) -> None:
    """Looking is not recording."""
    before = store_of(small.project).audit_head()
    inside(review("late", small.project), "score")
    assert store_of(small.project).audit_head() == before
