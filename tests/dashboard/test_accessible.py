"""axe-core in Chromium over every page, light and dark, on a desk and in a hand: nothing serious stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dashboard.axe_run import script, violations

if TYPE_CHECKING:
    from dashboard.conftest import Server

pytestmark = pytest.mark.browser

PAGES = {
    "hold": "?release=tuesday-small",
    "untrusted": "?release=sample-ratio",
    "presenter": "?release=tuesday-large&present=1",
    "signals": "signals?release=tuesday-large&signal=judge",
    "reconcile": "reconcile?release=tuesday-large",
    "policy": "policy",
    "decisions": "decisions",
    "sources": "sources",
    "cases": "cases",
}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_a_serious_violation(browser: Any, server: Server, page: str) -> None:
    axe = script()
    if axe is None:
        pytest.skip("no npm on this machine, so no axe-core")
    found = []
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        tab = context.new_page()
        tab.goto(f"{server.address}/{PAGES[page]}")
        tab.wait_for_selector(".sg .card, .sg .problem, .sg.present, .sg .case", timeout=30_000)
        tab.wait_for_load_state("networkidle")
        for width, height in ((1440, 900), (390, 844)):  # loaded once: turning the screen costs less than loading anew
            tab.set_viewport_size({"width": width, "height": height})
            tab.wait_for_timeout(400)
            found += [f"{scheme} {width}: {line}" for line in violations(tab, axe)]
        context.close()
    assert found == []
