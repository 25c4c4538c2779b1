"""The plot's geometry, its shapes and its words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from memo.verdicts import conversion, judge, reading, trace, untrusted, verdict

from signals.memo import Palette, forest, forest_svg, forest_text
from signals.memo.forest import FARTHEST, WIDEST, WIDEST_DECIDER
from signals.model import Interval, Reading, TraceRow, Verdict

SVG = "{http://www.w3.org/2000/svg}"


def only(one: Reading, role: str = "decides") -> Verdict:
    step = TraceRow("hierarchy[0]", one.signal, one.state, "rollback", role, "")  # type: ignore[arg-type]
    return verdict(readings={one.signal: one}, trace=(step,), overruled=(one.signal,) if role == "overruled" else ())


def test_rows_stand_in_the_order_walked_and_unranked_signals_come_last() -> None:
    cost = reading("cost", "flat", 0.001, 0.002)
    base = verdict()
    shuffled = {name: base.readings[name] for name in ("thumbs", "judge", "panel", "conversion")}
    plot = forest(replace(base, readings={"cost": cost, **shuffled}))
    assert [(row.rank, row.signal) for row in plot.rows] == [
        (1, "conversion"), (2, "panel"), (3, "judge"), (4, "thumbs"), (None, "cost"),
    ]  # fmt: skip


def test_the_axis_counts_in_each_signals_own_margin() -> None:
    plot = forest(verdict())
    by_name = {row.signal: row for row in plot.rows}
    assert by_name["conversion"].mid == -0.0042 / 0.005
    assert by_name["judge"].mid == 4.0
    assert plot.axis.at(-1) < plot.axis.at(0) < plot.axis.at(1)


def test_a_signal_where_lower_is_better_is_drawn_by_benefit_but_keeps_its_own_numbers() -> None:
    cost = reading(
        "cost", "loss", 0.02, 0.005, unit="USD", better="lower", benefit=Interval(-0.02, -0.025, -0.015), margin=0.01
    )
    row = forest(only(cost)).rows[0]
    assert row.mid == -2.0
    assert row.effect.startswith("+")
    assert "lower is better" in row.caption


def test_an_interval_beyond_the_axis_is_cut_and_marked_but_its_estimate_is_always_drawn() -> None:
    plot = forest(only(conversion("win", 0.05, 0.04), "silent"))  # 10 margins, from 2 to 18
    bar = plot.bar(plot.rows[0])
    assert bar is not None
    assert bar.point is not None
    assert (bar.cut_left, bar.cut_right, bar.right) == (False, True, 1.0)
    assert 0.9 < bar.point < 0.99  # clear of the arrowhead
    root = ET.fromstring(forest_svg(plot))
    assert len(root.findall(f".//{SVG}polygon")) == 1
    assert len(root.findall(f".//{SVG}circle")) == 1
    assert forest_text(plot).splitlines()[1].endswith("▶")


def test_the_interval_that_decides_is_shown_further_than_the_others() -> None:
    one = conversion("win", 0.04, 0.01)  # 8 margins, from 6 to 10
    decides, silent = (forest(only(one, role)) for role in ("decides", "silent"))
    shown, cut = decides.bar(decides.rows[0]), silent.bar(silent.rows[0])
    assert shown is not None
    assert cut is not None
    assert not shown.cut_right
    assert cut.cut_right
    assert WIDEST < 10 < decides.axis.high < WIDEST_DECIDER


def test_an_absurd_estimate_does_not_stretch_the_axis_without_end() -> None:
    plot = forest(only(conversion("win", 1e300, 1e299)))
    bar = plot.bar(plot.rows[0])
    assert bar is not None
    assert (bar.point, bar.cut_right) == (None, True)
    assert FARTHEST < plot.axis.high < 2 * FARTHEST


def test_nothing_to_draw_is_said_in_words_never_as_a_flat_bar() -> None:
    cases = {
        "no evidence": reading("s", "missing", None, 0.0),
        "no margin, so not on this axis": reading("s", "win", 0.1, 0.05, margin=None),
        "no interval": reading("s", "unclear", 0.1, 0.05, benefit=Interval(0.1, None, None), low=None, high=None),
        "no finite interval": reading("s", "unclear", 0.1, 0.05, benefit=Interval(0.1, float("-inf"), float("inf"))),
    }
    for words, one in cases.items():
        plot = forest(only(one, "silent"))
        assert plot.bar(plot.rows[0]) is None
        assert words in forest_svg(plot)
        assert words in forest_text(plot)
        assert words in plot.rows[0].spoken


def test_a_refused_interval_gives_its_reason() -> None:
    one = reading("s", "unclear", 0.1, 0.05, benefit=Interval(0.1, None, None))
    refused = replace(one.estimates["raw"], refused="only 3 clusters")
    row = forest(only(replace(one, estimates={"raw": refused}), "silent")).rows[0]
    assert row.note == "no interval: only 3 clusters"


def test_roles_differ_in_shape_not_only_in_colour() -> None:
    grey = Palette(*["#000000"] * 8)
    drawn = {}
    for role in ("decides", "agrees", "overruled", "silent"):
        drawn[role] = forest_svg(forest(only(conversion(), role)), grey).split("<g>")[1].split("<rect")[-1]
    drawn["untrusted"] = forest_svg(forest(untrusted()), grey).split("<g>")[1].split("<rect")[-1]
    assert len(set(drawn.values())) == 5
    assert "stroke-dasharray" in drawn["untrusted"]
    assert "fill:none" in drawn["overruled"]


def test_an_untrusted_decider_is_not_drawn_as_if_it_decided() -> None:
    assert forest(untrusted()).rows[0].mark == "untrusted"


def test_the_picture_says_its_numbers_in_words() -> None:
    root = ET.fromstring(forest_svg(forest(verdict())))
    described = root.findtext(f"{SVG}desc") or ""
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "forest-title forest-desc"
    for words in ("−0.42 pp", "95 % CI −0.54 to −0.30", "decides", "judge: win", "overruled", "margin 0.50 pp"):
        assert words in described


def test_hostile_names_stay_text() -> None:
    evil = '<script>alert("x")</script> & \x00\u202egnp.exe'
    svg = forest_svg(forest(only(reading(evil, "win", 0.01, 0.002, counted='" onload="x'))))
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "g", "rect", "line", "text", "circle", "polygon",
    }  # fmt: skip
    assert "\u202e" not in svg
    assert "<script" not in svg


def test_no_signals_at_all_still_draws() -> None:
    plot = forest(verdict(readings={}, trace=()))
    ET.fromstring(forest_svg(plot))
    assert forest_text(plot) == "no signals"


def test_one_signal_in_two_rows_is_drawn_once_with_its_strongest_role() -> None:
    steps = (
        TraceRow("hierarchy[0]", "judge", "win", None, "silenced", ""),
        *trace()[:1],
        TraceRow("hierarchy[2]", "judge", "win", "ship", "overruled", ""),
    )
    plot = forest(verdict(readings={"judge": judge(), "conversion": conversion()}, trace=steps))
    assert [(row.signal, row.mark) for row in plot.rows] == [("judge", "overruled"), ("conversion", "decides")]


number = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(number, number, number), max_size=4), st.floats(min_value=0, allow_infinity=False))
def test_any_numbers_give_valid_svg_inside_the_frame(values: list[tuple[float, float, float]], margin: float) -> None:
    readings = {
        f"s{place}": reading(f"s{place}", "win", 0.1, 0.1, benefit=Interval(*three), margin=margin)
        for place, three in enumerate(values)
    }
    plot = forest(verdict(readings=readings, trace=()))
    root = ET.fromstring(forest_svg(plot))
    for shape in root.iter(f"{SVG}rect"):
        assert float(shape.get("x", "0")) >= 0
        assert float(shape.get("width", "0")) >= 0
    assert forest_svg(plot) == forest_svg(plot)
    assert max((len(line) for line in forest_text(plot).splitlines()), default=0) < 90


def test_a_signal_that_was_silenced_though_it_points_elsewhere_is_hollow() -> None:
    steps = (*trace()[:1], TraceRow("hierarchy[1]", "judge", "win", None, "silenced", "0.52 is below 0.60"))
    plot = forest(verdict(readings={"conversion": conversion(), "judge": judge()}, trace=steps, overruled=("judge",)))
    assert [(row.mark, row.tone) for row in plot.rows] == [("decides", "rollback"), ("overruled", "ship")]
    assert "may not speak, overruled" in plot.rows[1].spoken
