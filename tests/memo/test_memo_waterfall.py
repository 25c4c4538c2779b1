"""The waterfall's geometry, its shapes and its words."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
import reconciled
from hypothesis import assume, given
from hypothesis import strategies as st

from signals.memo import Palette, waterfall, waterfall_svg
from signals.memo.waterfall import Waterfall
from signals.model import Cause, Interval, Reconciliation

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("population", "value", "judge_bias", "response", "timing", "construct", "noise", "unexplained")
PAIRS = [
    reconciled.judge_against_conversion, reconciled.judge_against_panel, reconciled.chance_only, reconciled.widened,
]  # fmt: skip

value = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
half = st.floats(min_value=0, max_value=1e6)


@st.composite
def pairs(draw: Any) -> Reconciliation:
    """Any diagnosis whose counted parts sum to its gap."""
    causes, start = [], draw(value)
    for name in NAMES:
        counts = name in ("noise", "unexplained") or draw(st.booleans())
        causes.append(reconciled.cause(name, "s", draw(value), draw(half), counts=counts))
    gap = math.fsum(one.part.value for one in causes if one.counts and one.part)
    return Reconciliation(
        "s", "t", ("win", "loss"), "margins", reconciled.around(start, draw(half)),
        reconciled.around(start - gap, draw(half)), reconciled.around(gap, 1.0), tuple(causes),
    )  # fmt: skip


def drawn(found: Reconciliation) -> Waterfall:
    plot = waterfall(found)
    assert plot is not None
    return plot


@given(pairs())
def test_the_steps_lead_from_the_first_number_to_the_second(found: Reconciliation) -> None:
    plot = drawn(found)
    first, *middle, last = plot.steps
    assert (first.begin, first.end, last.begin) == (0.0, found.start.value, 0.0)
    at = first.end
    for step in middle:
        assert step.begin == at  # each begins where the one before it ended
        at = step.end
    size = max(1.0, *(abs(step.begin) + abs(step.end) for step in plot.steps))
    assert at == pytest.approx(last.end, abs=1e-9 * size)
    counted = [one for one in found.causes if one.counts and one.part and one.part.value]
    assert [one.part.value for one in counted if one.part] == pytest.approx(
        [step.begin - step.end for step in middle], abs=1e-9 * size
    )


@given(pairs())
def test_every_bar_is_whole_and_only_whiskers_are_cut(found: Reconciliation) -> None:
    plot = drawn(found)
    assert plot.low <= 0.0 <= plot.high
    for step in plot.steps:
        at = plot.drawn(step)
        assert plot.low <= min(step.begin, step.end) <= max(step.begin, step.end) <= plot.high
        assert 0.0 <= at.left <= at.right <= 1.0
        assert at.end in (at.left, at.right)
        assert at.low is not None and at.high is not None and at.low <= at.end <= at.high  # noqa: PT018  # one law
        assert at.cut_low == (step.low is not None and step.low < plot.low)
        assert at.cut_high == (step.high is not None and step.high > plot.high)
    ET.fromstring(waterfall_svg(plot))
    assert waterfall_svg(plot) == waterfall_svg(plot)


@given(pairs())
def test_a_bar_is_as_long_as_its_part(found: Reconciliation) -> None:
    plot = drawn(found)
    span = plot.high - plot.low
    assume(span > 1e-6)
    for step in plot.steps:
        at = plot.drawn(step)
        assert (at.right - at.left) * span == pytest.approx(abs(step.end - step.begin), abs=1e-9 * span)


def test_the_interval_of_a_part_stands_around_the_end_of_its_bar() -> None:
    step = drawn(reconciled.judge_against_conversion()).steps[1]  # population: 1.5 give or take 0.9, off 4.0
    assert (step.begin, step.end) == (4.0, 2.5)
    assert (step.low, step.high) == (pytest.approx(1.6), pytest.approx(3.4))
    assert step.interval == "+0.60 to +2.4"  # of the part, told as a part of the gap


def test_only_what_counts_is_a_step() -> None:
    plot = drawn(reconciled.judge_against_conversion())
    assert [(step.sort, step.label) for step in plot.steps] == [
        ("start", "judge"), ("explains", "population (judge)"), ("explains", "judge bias"), ("chance", "chance"),
        ("unexplained", "unexplained rest"), ("end", "conversion"),
    ]  # fmt: skip
    assert [step.amount for step in plot.steps] == [
        "+4.0 margins", "+1.5 (31 %)", "+2.0 (41 %)", "+0.20 (4 %)", "+1.1 (24 %)", "−0.84 margins",
    ]  # fmt: skip


def test_a_correction_that_widens_the_gap_is_hollow_and_response_is_at_most() -> None:
    plot = drawn(reconciled.widened())
    population, response = plot.steps[1:3]
    assert (population.sort, population.amount) == ("widens", "−0.80 (−27 %)")
    assert "widens the gap" in population.spoken
    assert (response.sort, response.amount) == ("explains", "at most +4.5 (150 %)")


def test_seen_from_below_the_steps_go_up() -> None:
    plot = drawn(reconciled.chance_only())
    assert [step.sort for step in plot.steps] == ["start", "chance", "end"]
    assert plot.steps[1].end > plot.steps[1].begin
    assert plot.steps[1].amount == "+2.2 (100 %)"  # a part of the gap all the same
    assert "can be chance: response (thumbs), unexplained rest" in plot.steps[1].spoken


def test_parts_that_cannot_be_told_apart_are_one_dashed_step() -> None:
    found = reconciled.judge_against_conversion()
    causes = tuple(replace(one, blamed=False) if one.name == "unexplained" else one for one in found.causes)
    step = drawn(replace(found, causes=causes)).steps[-2]
    assert (step.sort, step.label) == ("unexplained", "not told apart, 2 parts")
    assert step.spoken.endswith("more than chance only together: timing (conversion), unexplained rest")


@pytest.mark.parametrize(
    "found",
    [
        reconciled.no_scale(),
        replace(reconciled.chance_only(), start=reconciled.NONE),
        replace(reconciled.chance_only(), end=Interval(math.inf, 0.0, math.inf)),
        replace(reconciled.chance_only(), start=Interval(1e308, 0.0, 1e308), end=Interval(-1e308, 0.0, 0.0)),
    ],
)
def test_what_has_no_scale_or_no_finite_number_is_not_drawn(found: Reconciliation) -> None:
    assert waterfall(found) is None


def test_without_an_interval_there_is_no_whisker() -> None:
    bare = Interval(-2.2, None, None)
    found = replace(reconciled.chance_only(), causes=(Cause("noise", "", part=bare, counts=True),))
    step = drawn(found).steps[1]
    assert (step.low, step.interval) == (None, "")


def test_sorts_differ_in_shape_not_only_in_colour() -> None:
    grey = Palette(*["#000000"] * 8)
    shapes = {}
    for found in (reconciled.judge_against_conversion(), reconciled.widened()):
        plot = drawn(found)
        for step, group in zip(plot.steps, waterfall_svg(plot, grey).split("<g>")[1:], strict=True):
            bar = "".join(re.findall(r"<(?:rect|line)[^>]*>", group)[: 2 if step.sort == "chance" else 1])
            shapes[step.sort] = re.sub(r' (?:x\d?|y\d?|width)="[^"]*"', "", bar).replace(
                "var(--focus,#2f5fd6)", "#000000"
            )
    assert shapes.pop("end") == shapes["start"]
    shapes.pop("explains")  # filled too: it is told from both ends by its label and its place
    assert len(set(shapes.values())) == 4


@pytest.mark.parametrize("make", PAIRS)
def test_the_picture_says_its_numbers_in_words(make: Any) -> None:
    plot = drawn(make())
    root = ET.fromstring(waterfall_svg(plot, prefix="pair-1"))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "pair-1-title pair-1-desc")
    described = root.findtext(f"{SVG}desc") or ""
    for step in plot.steps:
        assert step.spoken in described
        assert step.amount in described


def test_hostile_names_stay_text() -> None:
    evil = '<script>alert("x")</script> & \x00\u202egnp.exe'
    found = replace(reconciled.judge_against_conversion(), signal=evil, against='" onload="x')
    svg = waterfall_svg(drawn(found))
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "g", "rect", "line", "text", "path",
    }  # fmt: skip
    assert "\u202e" not in svg
    assert "<script" not in svg
