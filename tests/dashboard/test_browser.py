"""The dashboard in a real Chromium: links, layout, outside requests, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from dashboard.conftest import turn_to
from pypdf import PdfReader

if TYPE_CHECKING:
    from dashboard.conftest import Server

pytestmark = pytest.mark.browser

RELEASES = (
    "tuesday-small", "tuesday-large", "all-agree", "sample-ratio", "search-v5", "orders-v3", "refund-v2", "tone-v6",
    "brief-v2", "voice-v3",
)  # fmt: skip
SCROLL = "() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollHeight - m.clientHeight, "
SCROLL += "document.documentElement.scrollHeight - innerHeight, m.scrollWidth - m.clientWidth] }"


@dataclass
class Tab:
    """A page with what it asked for and complained about."""

    page: Any
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Any]:
    contexts = []

    def go(path: str, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        tab = Tab(context.new_page())
        tab.page.on("request", lambda request: _note(tab, request.url))
        tab.page.on("console", lambda message: _hear(tab, message))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.goto(f"{server.address}/{path}")
        tab.page.wait_for_selector(".sg .card, .sg .problem, .sg.present", timeout=30_000)
        tab.page.wait_for_function("document.fonts.status === 'loaded' && window.signalsKeys")
        return tab

    yield go
    for context in contexts:
        context.close()


def _note(tab: Tab, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
        tab.outside.append(url)


def _hear(tab: Tab, message: Any) -> None:
    # A deep link makes Streamlit look for its own address below the page's path first: two harmless 404s.
    probe = "404" in message.text and "/_stcore/" in message.location.get("url", "")
    if message.type == "error" and not probe:
        tab.complaints.append(f"{message.text} {message.location}")


@pytest.mark.parametrize("release", RELEASES)
def test_the_standup_fits_one_screen(visit: Any, release: str) -> None:
    tab = visit(f"?release={release}")
    inner, outer, sideways = tab.page.evaluate(SCROLL)
    assert (inner <= 0, outer <= 0, sideways <= 0) == (True, True, True), (inner, outer, sideways)
    # Nothing is reached by scrolling inside a card either, and nothing is cut off.
    cut = "[...document.querySelectorAll('.sg .card')].filter(c => c.scrollHeight > c.clientHeight + 2).length"
    assert tab.page.evaluate(cut) == 0
    assert tab.outside == []
    assert tab.complaints == []


@pytest.mark.parametrize("release", RELEASES)
def test_the_presenter_view_fits_one_screen_in_large_type(visit: Any, release: str) -> None:
    page = visit(f"?release={release}&present=1").page
    page.wait_for_selector(".sg.present .side p")
    assert [over <= 0 for over in page.evaluate(SCROLL)] == [True, True, True], page.evaluate(SCROLL)
    sizes = page.evaluate(
        "[...document.querySelectorAll('.sg.present .room p, .sg.present .room .name, .sg.present .room b, "
        ".sg .banner.present p')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 22, "not to be read from three metres"
    assert not page.locator("[data-testid=stHeader]").is_visible()


@pytest.mark.parametrize("release", RELEASES[:4])
def test_a_phone_never_scrolls_sideways_and_has_room_for_fingers(visit: Any, release: str) -> None:
    page = visit(f"?release={release}", width=390, height=844).page
    assert page.evaluate(SCROLL)[2] <= 0
    pressed = "[data-testid=stMain] button, .sg summary, .sg .pass a, .sg .forest [role=list] .row"
    low = """(pressed) => [...document.querySelectorAll(pressed)]
      .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
      .map(e => e.outerHTML.slice(0, 120))"""
    assert page.evaluate(low, pressed) == []
    wide = (
        "[...document.querySelectorAll('.sg *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert page.evaluate(wide) == 0


def word(page: Any) -> str:
    return str(page.locator(".sg .banner .call").first.inner_text()).split("\n")[0]


def until(page: Any, said: str, **query: str) -> None:
    """Wait for the banner and the address."""
    asked = {**query}
    page.wait_for_function(
        """([word, query]) => {
          const call = document.querySelector('.sg .banner .call');
          const now = new URLSearchParams(location.search);
          return call && call.textContent.startsWith(word) && Object.entries(query).every(([k, v]) => now.get(k) === v);
        }""",
        arg=[said, asked],
    )


def test_keys_go_through_the_releases_and_back_comes_back(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    for key, said, release in (
        ("j", "SHIP", "all-agree"),
        ("k", "ROLLBACK", "tuesday-large"),
        ("ArrowLeft", "HOLD", "tuesday-small"),
        ("ArrowRight", "ROLLBACK", "tuesday-large"),
    ):
        page.keyboard.press(key)
        until(page, said, release=release)
    page.go_back()
    until(page, "HOLD", release="tuesday-small")
    assert page.get_by_role("combobox").input_value() == "tuesday-small"


def test_the_release_survives_other_pages_and_back(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    turn_to(page, "Reconcile")
    page.wait_for_selector(".sg .story")
    until(page, "ROLLBACK", release="tuesday-large")
    page.go_back()
    page.wait_for_selector(".sg .forest")
    until(page, "ROLLBACK", release="tuesday-large")
    assert page.get_by_role("combobox").input_value() == "tuesday-large"
    turn_to(page, "Policy")
    page.wait_for_selector(".cm-content, textarea")
    turn_to(page, "Verdict")
    page.wait_for_selector(".sg .forest")
    until(page, "ROLLBACK", release="tuesday-large")


def test_a_number_opens_its_reading_at_its_check(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    page.evaluate("window.same = true")
    page.locator(".sg .trouble a").first.click()
    page.wait_for_function("document.activeElement.id.startsWith('check-')")
    assert "signals?release=tuesday-large&signal=judge#check-" in page.url
    assert page.evaluate("window.same"), "the page was loaded anew"
    page.go_back()
    page.wait_for_selector(".sg .forest")
    until(page, "ROLLBACK", release="tuesday-large")
    page.locator(".sg .forest .row a").nth(1).press("Enter")
    page.wait_for_url("**/signals?release=tuesday-large&signal=panel")


@pytest.mark.parametrize("key", ["p", "f"])
def test_the_presenter_view_is_entered_driven_and_left_by_keys(visit: Any, key: str) -> None:
    page = visit("?release=tuesday-small").page
    page.keyboard.press(key)
    page.wait_for_selector(".sg.present")
    page.wait_for_selector(".st-key-leave button")
    page.keyboard.press("PageDown")
    until(page, "ROLLBACK", release="tuesday-large", present="1")
    page.keyboard.press("PageUp")
    until(page, "HOLD", release="tuesday-small", present="1")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sg .grid")
    assert "present" not in page.url
    until(page, "HOLD", release="tuesday-small")


def test_keys_open_the_list_the_export_and_the_record(visit: Any) -> None:
    page = visit("?release=tuesday-small").page
    page.keyboard.press("?")
    page.wait_for_selector(".sg.keys")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sg.keys", state="detached")
    page.keyboard.press("e")
    page.get_by_role("button", name="Markdown").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Markdown").wait_for(state="detached")
    page.wait_for_timeout(500)  # the focus goes back to where it was
    page.keyboard.press("d")
    drawer = page.get_by_role("dialog")
    drawer.wait_for()
    page.keyboard.press("j")  # somebody who records a decision is not thrown onto another release
    page.wait_for_timeout(500)
    assert word(page) == "HOLD"


def test_keys_are_left_to_who_types(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    page.get_by_role("combobox").focus()
    page.keyboard.type("jpe")
    page.wait_for_timeout(500)
    assert word(page) == "ROLLBACK"
    assert "present" not in page.url


def test_the_keyboard_meets_first_what_matters(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    stops = []
    for _ in range(24):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''"))
    wanted = ("Skip to the content", "Verdict", "Export memo", "Record decision", "1. conversion")
    places = [next(place for place, stop in enumerate(stops) if name in stop) for name in wanted]
    assert places == sorted(places)
    assert places[0] == 0


def test_the_skip_link_goes_to_the_verdict(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "verdict"


@pytest.mark.parametrize("release", ["tuesday-small", "sample-ratio"])
def test_the_printed_page_is_light_whole_and_without_controls(visit: Any, release: str) -> None:
    page = visit(f"?release={release}", scheme="dark").page
    page.wait_for_selector(".sg .way-out h2 ~ h2")
    page.emulate_media(media="print", color_scheme="dark")
    paper = page.evaluate("getComputedStyle(document.querySelector('.sg .banner .sentence')).color")
    assert paper == "rgb(26, 31, 43)"
    for gone in (".stSelectbox", ".st-key-export", ".st-key-record", "[data-testid=stHeader]"):
        assert not page.locator(gone).first.is_visible(), gone
    read = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    assert len(read.pages) <= 2
    # Where the letters of a word are kerned one by one, the reader puts spaces between them.
    words = "".join("".join(sheet.extract_text().split()) for sheet in read.pages)
    assert release in words
    assert "Whatwouldflipit" in words


def test_a_link_opens_its_release_and_choosing_changes_the_link(visit: Any) -> None:
    tab = visit("?release=all-agree")
    banner = tab.page.locator(".sg .banner .call")
    assert banner.inner_text() == "SHIP"
    tab.page.get_by_role("combobox").first.click()
    tab.page.get_by_role("option", name="tuesday-large").click()
    tab.page.wait_for_function("document.querySelector('.sg .banner .call')?.innerText === 'ROLLBACK'")
    assert tab.page.url.endswith("?release=tuesday-large")


def test_the_address_names_the_release_even_when_nobody_chose(visit: Any) -> None:
    tab = visit("")
    tab.page.wait_for_function("location.search.includes('release=')", timeout=10_000)
    assert tab.page.locator(".sg .banner").count() == 1
    shown = tab.page.evaluate("new URLSearchParams(location.search).get('release')")
    assert shown in tab.page.get_by_test_id("stSelectbox").inner_text() + tab.page.get_by_role("combobox").input_value()


def test_after_a_wrong_link_the_menu_names_the_release_that_is_shown(visit: Any) -> None:
    tab = visit("?release=nobody")
    assert "No release is called nobody" in tab.page.locator(".sg .problem").inner_text()
    shown = tab.page.locator(".sg .problem code").inner_text()
    assert shown in tab.page.get_by_test_id("stSelectbox").inner_text() + tab.page.get_by_role("combobox").input_value()


def test_the_policy_page_opens_and_asks_nobody(visit: Any) -> None:
    tab = visit("policy")
    tab.page.wait_for_selector(".cm-content, textarea")  # the bundled editor, or the field without it
    assert tab.outside == []
    assert tab.complaints == []
    turn_to(tab.page, "Verdict")
    tab.page.wait_for_selector(".sg .banner")


def test_the_colours_follow_the_readers_theme(visit: Any) -> None:
    colour = "getComputedStyle(document.querySelector('.sg .banner')).backgroundColor"
    light, dark = (visit("?release=tuesday-large", scheme=scheme).page.evaluate(colour) for scheme in ("light", "dark"))
    assert light != dark


def test_the_memo_is_downloaded_whole(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    page.get_by_role("button", name="Export memo").click()
    for button, ending in (("HTML, one file", ".html"), ("Markdown", ".md")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename == f"tuesday-large{ending}"
        text = download.value.path().read_text(encoding="utf-8")
        assert "ROLLBACK" in text
        assert "otherwise" in text
