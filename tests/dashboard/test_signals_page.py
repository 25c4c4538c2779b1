"""The Signals page, as Streamlit runs it and in a real Chromium: every bundled reading, no evidence, hostile names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from dashboard.conftest import settled
from debt_kit import LATE, MID, POLICY, SOURCES, Made, made
from streamlit.testing.v1 import AppTest

from signals.dashboard import signals_cards, signals_charts, signals_people, signals_trust
from signals.inside import inside
from signals.model import Estimate, Interval
from signals.model.inside import (
    Confusion,
    Course,
    DayPoint,
    ItemGap,
    NamedEstimate,
    PeopleView,
    RaterView,
    SegmentView,
    SourceView,
    Step,
)
from signals.review import load, review

if TYPE_CHECKING:
    from dashboard.conftest import Server

TIMEOUT = 60  # seconds: the first run of a process imports everything; nothing is asserted about it
SIGNALS = ("conversion", "panel", "judge", "thumbs")
BAD = '<img src=x onerror=alert(1)>" onload="x\u202e'
UNFED = """\
  clicks:
    kind: feedback
    question: Thumbs?
    better: higher
    margin: 1pp
"""


def _page() -> None:
    import os
    from pathlib import Path

    from signals.dashboard import signals_page

    signals_page.page(Path(os.environ["SIGNALS_PROJECT"]))


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open the page at an address."""

    def run(project: Path, **query: str) -> AppTest:
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        app = AppTest.from_function(_page, default_timeout=TIMEOUT)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return run


def html_of(app: AppTest) -> str:
    return " ".join(block.proto.body for block in app.get("html") if "<style>" not in block.proto.body)


def words_of(app: AppTest) -> str:
    """All HTML of a page as plain text."""
    text = re.sub(r"<[^>]+>", " ", html_of(app))
    for entity, sign in (("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


def charts_of(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project with a signal that nothing feeds, and one experiment of one day."""
    policy = POLICY.replace("hierarchy:\n", f"{UNFED}hierarchy:\n")
    return made(tmp_path_factory.mktemp("signals-page") / "project", (MID, replace(LATE, days=1)), policy, SOURCES)


def test_every_bundled_reading_is_drawn(visit: Callable[..., AppTest], example: Path) -> None:
    for release in load(example).releases:
        for signal in SIGNALS:
            words = words_of(visit(example, release=release.id, signal=signal))
            assert f" {signal} " in words
            for title in ("In numbers", "Estimates side by side", "Effect so far, day by day", "Checks", "Sources"):
                assert title in words, (release.id, signal)


def test_an_experiment_shows_the_numbers_of_its_verdict(visit: Callable[..., AppTest], example: Path) -> None:
    app = visit(example, release="tuesday-large", signal="conversion")
    words = words_of(app)
    assert "LOSS conversion −0.60 pp (95 % CI −0.89 to −0.31 pp); margin 0.50 pp" in words
    assert "16 Nov 2026 −0.60 pp −0.89 to −0.31 500,318 499,641" in words
    assert "The band is valid at every day at once" in words
    assert (
        "plan=enterprise 10.0 % 50,113 v 49,933 −0.89 pp −1.84 to +0.07 −0.78 pp −1.63 to −0.02 −2.03 to +0.25" in words
    )
    assert "412 about something else" in words
    html = html_of(app)
    assert 'id="check-sample_ratio_p"' in html
    assert 'id="segment-plan=enterprise"' in html


def test_a_chart_draws_the_numbers_of_its_table(visit: Callable[..., AppTest], example: Path) -> None:
    by_day, segments = charts_of(visit(example, release="tuesday-large", signal="conversion"))
    view = inside(review("tuesday-large", load(example)), "conversion")
    drawn = by_day["data"][1]["y"]
    assert drawn == pytest.approx([100 * (point.estimate.effect or 0.0) for point in view.course.points])
    band = by_day["data"][0]["y"]
    days = len(view.course.points)
    assert band[:days] == pytest.approx([100 * (point.estimate.high or 0.0) for point in view.course.points])
    assert band[days:] == pytest.approx([100 * (point.estimate.low or 0.0) for point in reversed(view.course.points)])
    own, shrunk, adjusted = (trace for trace in segments["data"] if trace["mode"] == "markers")
    assert own["x"] == pytest.approx([100 * (row.raw.value or 0.0) for row in view.segments])
    assert shrunk["x"] == pytest.approx([100 * (row.shrunk.value or 0.0) for row in view.segments if row.shrunk])
    ends = [100 * (end or 0.0) for row in view.segments for end in (row.adjusted.low, row.adjusted.high)]
    assert adjusted["x"] == pytest.approx(ends)
    margins = sorted(shape["y0"] for shape in by_day["layout"]["shapes"] if shape["type"] == "line")
    assert margins == pytest.approx([-0.5, 0.0, 0.5])


def test_an_untrusted_reading_is_no_number_to_act_on(visit: Callable[..., AppTest], example: Path) -> None:
    words = words_of(visit(example, release="sample-ratio", signal="conversion"))
    assert "UNTRUSTED conversion Sample ratio p < 0.0001 is below 0.001. Its number, +1.40 pp" in words
    assert "has no say" in words
    assert "What to do next sample ratio : Find what loses units in one arm" in words
    assert "✕ sample ratio fail validity; the policy asks for it" in words


def test_a_judge_stands_beside_people(visit: Callable[..., AppTest], example: Path) -> None:
    app = visit(example, release="tuesday-large", signal="judge")
    words = words_of(app)
    assert "All evidence is of one day, 16 Nov 2026: there is no course to draw." in words
    assert "raw votes +8.01 pp +6.38 to +9.64 113 113" in words
    assert "corrected −0.09 pp −1.97 to +1.79 113 72" in words
    assert "0.75 (95 % CI 0.62 to 0.84) rank correlation of judge and people" in words
    assert "72 items, by what each says of the candidate. Both say the same of 24." in words
    assert "better 14 28 10 equal 1 6 3 worse 4 2 4" in words
    assert "syn-assist-016 locale=de, plan=free +25.00 pp −12.50 pp +37.50 pp 4" in words
    assert len(charts_of(app)) == 1


def test_a_panel_stands_with_its_raters(visit: Callable[..., AppTest], example: Path) -> None:
    words = words_of(visit(example, release="tuesday-large", signal="panel"))
    assert "Raters (4)" in words
    assert "411 72 −0.01 points 0.77 144 outputs ✓ no 1 of 1" in words


def test_no_evidence_never_reads_as_fine(visit: Callable[..., AppTest], small: Made) -> None:
    app = visit(small.folder, release="late", signal="clicks")
    words = words_of(app)
    assert "NO EVIDENCE clicks" in words
    assert "No source feeds it: add one with signal: clicks and shape feedback or feedback_counts" in words
    assert "No source feeds this signal." in words
    for gone in ("In numbers", "Estimates side by side", "✓"):
        assert gone not in words
    assert not charts_of(app)


def test_one_day_is_no_course(visit: Callable[..., AppTest], small: Made) -> None:
    app = visit(small.folder, release="late", signal="done")
    assert "All evidence is of one day, 13 Oct 2026: there is no course to draw." in words_of(app)
    assert "day by day as a table" not in words_of(app)


def test_an_address_that_names_no_signal_shows_the_one_that_decides(
    visit: Callable[..., AppTest], example: Path
) -> None:
    app = visit(example, release="tone-v6")
    assert app.selectbox(key="signal").value == "panel"
    wrong = visit(example, release="tone-v6", signal="<b>juge</b>")
    assert wrong.selectbox(key="signal").value == "panel"
    assert "No signal is called <b>juge</b>" in words_of(wrong)
    assert "<b>juge" not in html_of(wrong)


def test_another_signal_is_chosen_from_the_menu(visit: Callable[..., AppTest], example: Path) -> None:
    app = visit(example, release="tone-v6", signal="panel")
    app.selectbox(key="signal").set_value("thumbs").run()
    assert not app.exception
    assert " thumbs " in words_of(app)
    app.selectbox(key="release").set_value("brief-v2").run()
    assert "LOSS thumbs" in words_of(app)  # the signal stays when the release changes


def test_what_cannot_be_read_is_a_sentence(visit: Callable[..., AppTest], small: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "drift"))
    policy = (folder / "hierarchy.yaml").read_text(encoding="utf-8")
    (folder / "hierarchy.yaml").write_text(policy.replace("kind: feedback", "kind: vibes"), encoding="utf-8")
    assert "signals of kind 'vibes' are unknown" in words_of(visit(folder))
    fresh = Path(shutil.copytree(small.folder, tmp_path / "fresh", ignore=shutil.ignore_patterns("*.db*")))
    assert "nothing was ever pulled" in words_of(visit(fresh))
    assert "does not load" in words_of(visit(tmp_path / "nowhere"))


# --- parts ----------------------------------------------------------------------------------------------------------


def hostile(reading: Any) -> Any:
    one = Estimate(0.1, -0.1, 0.3, BAD, 0.95, n_control=5, n_candidate=5, warnings=(BAD,))
    estimates = {"raw": one, f"judge:{BAD}": one}
    return replace(reading, signal=BAD, question=BAD, owner=BAD, why=BAD, unit=BAD, estimates=estimates, voting="raw")


def test_hostile_names_and_reasons_are_text(example: Path) -> None:
    found = review("tuesday-large", load(example))
    view = inside(found, "conversion")
    reading = hostile(view.reading)
    one, around = reading.estimates["raw"], Interval(0.1, 0.0, 0.2)
    bad = replace(
        view,
        signal=BAD,
        reading=reading,
        estimates=(NamedEstimate(BAD, True, one), NamedEstimate(BAD, False, None, BAD)),
        segments=(SegmentView(BAD, "segment-x", 1.0, 1, 1, around, None, around, 0.1, BAD),),
        sources=(SourceView(BAD, BAD, "failed", None, error=BAD),),
        steps=(Step(BAD, BAD), Step("", f"`{BAD}")),
        course=Course((DayPoint(date(2026, 11, 1), one), DayPoint(date(2026, 11, 2), replace(one, refused=BAD)))),
    )  # fmt: skip
    people = PeopleView(
        replace(view.reading.checks["max_age"], value=None, why=BAD), (ItemGap(BAD, 0.1, 0.2, 1, ((BAD, BAD),)),), 1, 1,
        (Confusion(BAD, (BAD,), (BAD,), ((1,),), True),), BAD,
    )  # fmt: skip
    html = "".join(
        [
            signals_cards.steps_card(bad),
            signals_cards.course_table(bad.course, reading),
            signals_cards.estimates_table(bad.estimates, reading),
            signals_cards.segments_table(bad.segments, reading),
            signals_people.people_card(people),
            signals_people.items_card(people, reading),
            signals_people.raters_card([RaterView(BAD, 1, 0.1, None, 0, True)], reading),
            signals_trust.sources_card(bad.sources),
        ]
    )
    assert "<img" not in html
    assert '" onload="' not in html
    assert "\u202e" not in html
    assert html.count("&lt;img") >= 20
    for figure in (
        signals_charts.by_day(bad.course, reading, signals_charts.LIGHT),
        signals_charts.estimates((*bad.estimates, *bad.estimates), reading, signals_charts.DARK),
        signals_charts.segments(bad.segments, reading, signals_charts.LIGHT),
    ):
        assert figure is not None
        drawn = figure.to_json()
        assert "<img" not in drawn
        assert "\\u003cimg" not in drawn
    for alt in (signals_cards.course_alt(bad), signals_cards.estimates_alt(bad), signals_cards.segments_alt(bad)):
        assert "\u202e" not in alt


def test_bounds_that_nothing_is_known_of_do_not_squeeze_the_picture(example: Path) -> None:
    view = inside(review("tuesday-large", load(example)), "thumbs")
    figure = signals_charts.estimates(view.estimates, view.reading, signals_charts.LIGHT)
    assert figure is not None
    low, high = figure.layout.xaxis.range
    assert high - low < 5  # percentage points, though the widest bounds span 188
    arrows = [trace for trace in figure.data if trace.marker.symbol == ("triangle-left", "triangle-right")]
    assert len(arrows) == 1


def test_harm_is_shaded_on_the_side_where_it_is(example: Path) -> None:
    view = inside(review("tuesday-large", load(example)), "conversion")

    def shaded(reading: Any) -> tuple[float, float]:
        figure = signals_charts.by_day(view.course, reading, signals_charts.LIGHT)
        box = next(shape for shape in figure.layout.shapes if shape.type == "rect")
        return box.y0, box.y1

    assert max(shaded(view.reading)) == pytest.approx(-0.5)
    assert min(shaded(replace(view.reading, better="lower"))) == pytest.approx(0.5)


# --- in a browser ---------------------------------------------------------------------------------------------------

WIDE = """[...document.querySelectorAll('.sg, .sg *, [data-testid=stPlotlyChart]')]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).length"""


@pytest.fixture
def go(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a browser; nothing may be asked of another host, and nothing may complain."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(server: Server, path: str, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _outside(request.url, wrong))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: _hear(message, wrong))
        page.goto(f"{server.address}/{path}")
        page.wait_for_selector(".sg .card", timeout=TIMEOUT * 1000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong, wrong


def _outside(url: str, wrong: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
        wrong.append(url)


def _hear(message: Any, wrong: list[str]) -> None:
    # Streamlit looks for its health below the page's own path first, and is told 404.
    probe = "404" in message.text and "/_stcore/" in message.location.get("url", "")
    if message.type == "error" and not probe:
        wrong.append(f"{message.text} {message.location}")


@pytest.mark.browser
def test_every_bundled_reading_opens_in_a_browser(go: Callable[..., Any], server: Server, example: Path) -> None:
    page = go(server, "signals")
    for release in load(example).releases:
        for signal in SIGNALS:
            if signal == SIGNALS[0]:
                page.goto(f"{server.address}/signals?release={release.id}&signal={signal}")
            else:  # by the menu, as a reader does: to load everything anew for each takes most of the time
                page.get_by_role("combobox").last.click()
                page.get_by_role("option", name=signal, exact=True).click()
            page.locator(".sg .banner .call small", has_text=re.compile(f"^{signal}$")).wait_for(timeout=TIMEOUT * 1000)
            settled(page)
            page.wait_for_selector("#sources", timeout=TIMEOUT * 1000)
            assert page.locator(".sg .banner .call small").inner_text() == signal
            page.wait_for_function("asked => location.search === asked", arg=f"?release={release.id}&signal={signal}")
            assert page.locator("[data-testid=stException]").count() == 0
            if signal in ("conversion", "thumbs"):
                page.wait_for_selector(".st-key-by-day-chart .scatterlayer .trace", timeout=TIMEOUT * 1000)


@pytest.mark.browser
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(go: Callable[..., Any], server: Server, signal: str, scheme: str) -> None:
    page = go(server, f"signals?release=tuesday-large&signal={signal}", width=390, height=844, scheme=scheme)
    page.wait_for_selector("#sources", timeout=TIMEOUT * 1000)
    page.wait_for_load_state("networkidle")
    assert page.evaluate(WIDE) == 0
    if signal == "conversion":
        page.wait_for_selector(".st-key-by-day-chart .xtick text", timeout=TIMEOUT * 1000)
        sizes = page.eval_on_selector_all(
            ".st-key-by-day-chart text", "all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
        )
        assert min(sizes) >= 12
        ink = page.evaluate("getComputedStyle(document.querySelector('.st-key-by-day-chart .xtick text')).fill")
        assert ink == ("rgb(90, 100, 117)" if scheme == "light" else "rgb(163, 173, 189)")


@pytest.mark.browser
def test_a_link_to_a_check_goes_there_and_unfolds_it(go: Callable[..., Any], server: Server) -> None:
    page = go(server, "signals?release=tuesday-large&signal=conversion#check-novelty_p")
    page.wait_for_function(
        """() => { const row = document.getElementById('check-novelty_p'); if (!row) return false;
        const box = row.getBoundingClientRect(); return box.height > 0 && box.top > 0 && box.bottom < innerHeight; }""",
        timeout=TIMEOUT * 1000,
    )


@pytest.mark.browser
def test_charts_can_be_heard_and_are_tables_too(go: Callable[..., Any], server: Server) -> None:
    page = go(server, "signals?release=tuesday-large&signal=conversion")
    page.wait_for_selector(".st-key-segments-chart .scatterlayer", timeout=TIMEOUT * 1000)
    label = page.evaluate("document.querySelector('.st-key-by-day-chart [aria-label]').getAttribute('aria-label')")
    assert label.startswith("Effect of conversion so far, day by day: on 3 Nov 2026")
    assert page.locator(".modebar").count() == 0 or not page.locator(".modebar").first.is_visible()
    rows = page.locator("table[aria-label='By day'] tbody tr")
    assert rows.count() == 14


def test_the_as_of_time_is_the_reviews(small: Made) -> None:
    """A review of an earlier moment shows nothing of later days."""
    view = inside(review("mid", small.project, as_of=datetime(2026, 9, 25, tzinfo=UTC)), "done")
    assert max(point.day for point in view.course.points) <= date(2026, 9, 25)


@pytest.mark.browser
def test_charts_follow_a_theme_that_changes_under_them(go: Callable[..., Any], server: Server) -> None:
    page = go(server, "signals?release=tuesday-large&signal=conversion")
    page.wait_for_selector(".st-key-segments-chart .scatterlayer", timeout=TIMEOUT * 1000)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        """() => {
        const fill = (place) => getComputedStyle(document.querySelector(place)).fill;
        return fill('.st-key-by-day-chart .xtick text') === 'rgb(163, 173, 189)'
          && fill('.st-key-segments-chart .trace:nth-child(4) path') === 'rgb(232, 235, 241)'; }""",
        timeout=TIMEOUT * 1000,
    )
