"""The dashboard in a real Chromium: links, layout, outside requests, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from dashboard.conftest import Server

pytestmark = pytest.mark.browser

RELEASES = ("tuesday-small", "tuesday-large", "all-agree", "sample-ratio")
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
        tab.page.wait_for_selector(".sg .card, .sg .problem", timeout=30_000)
        tab.page.wait_for_function("document.fonts.status === 'loaded'")
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
def test_a_phone_never_scrolls_sideways(visit: Any, release: str) -> None:
    tab = visit(f"?release={release}", width=390, height=844)
    assert tab.page.evaluate(SCROLL)[2] <= 0
    wide = (
        "[...document.querySelectorAll('.sg *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert tab.page.evaluate(wide) == 0


def test_a_link_opens_its_release_and_choosing_changes_the_link(visit: Any) -> None:
    tab = visit("?release=all-agree")
    banner = tab.page.locator(".sg .banner .call")
    assert banner.inner_text() == "SHIP"
    tab.page.get_by_role("combobox").first.click()
    tab.page.get_by_role("option", name="tuesday-large").click()
    tab.page.wait_for_function("document.querySelector('.sg .banner .call').innerText === 'ROLLBACK'")
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
    tab.page.get_by_role("link", name="Verdict").click()
    tab.page.wait_for_selector(".sg .banner")


def test_the_colours_follow_the_readers_theme(visit: Any) -> None:
    colour = "getComputedStyle(document.querySelector('.sg .banner')).backgroundColor"
    light, dark = (visit("?release=tuesday-large", scheme=scheme).page.evaluate(colour) for scheme in ("light", "dark"))
    assert light != dark


def test_forest_rows_are_reached_by_keyboard(visit: Any) -> None:
    page = visit("?release=tuesday-large").page
    labels = []
    for _ in range(25):
        page.keyboard.press("Tab")
        labels.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText")
        )
    rows = [label for label in labels if label and "margin" in label and label[0].isdigit()]
    assert len(rows) >= 4
    assert any("Export memo" in (label or "") for label in labels)


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
