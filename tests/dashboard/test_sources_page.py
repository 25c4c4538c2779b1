"""The Sources page, as Streamlit runs it and in a real Chromium: every source, every debt, no secret, both sizes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from dashboard.conftest import serve, settings, settled, turn_to
from debt_kit import LATE, MID, NOW, OLD, OPEN, POLICY, SOURCES, Made, made
from streamlit.testing.v1 import AppTest

from signals.dashboard import sources
from signals.debt import TITLES, Debt, SourceHealth, survey
from signals.model import SetAside
from signals.review import load

if TYPE_CHECKING:
    from dashboard.conftest import Server

TIMEOUT = 60  # seconds: the first run of a process imports everything; nothing is asserted about it
ADDRESS = "postgresql://analyst7:geheim@127.0.0.1:1/eval?sslkey=topsecret"
WAREHOUSE = """\
  warehouse:
    signal: done
    connector: table
    url: ${DEBT_URL}
    query: select variant, users, good, day from orders
    shape: outcome_counts
    map: {variant: variant, units: users, successes: good, day: day}
"""


def shown(html: str) -> str:
    """HTML as plain text."""
    text = re.sub(r"<[^>]+>", " ", html)
    for entity, sign in (("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


def page_of(app: AppTest) -> str:
    """All HTML of a page as plain text."""
    return shown(" ".join(block.proto.body for block in app.get("html")))


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], AppTest]:
    """Open the page."""

    def run(project: Path) -> AppTest:
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        app = AppTest.from_function(_page, default_timeout=TIMEOUT).run()
        assert not app.exception
        return app

    return run


def _page() -> None:
    import os
    from pathlib import Path

    from signals.dashboard import sources

    sources.page(Path(os.environ["SIGNALS_PROJECT"]))


@pytest.fixture(scope="module")
def owing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A project that owes much: a source that cannot be reached, a new judge, few labels, an overdue policy."""
    today = datetime.now(UTC).date()  # the page is drawn as of the clock
    late = replace(LATE, version="v2")
    last = replace(OPEN, version="v2", days=15, labels=5, taste=0.2, made="")
    stories = [replace(one, started=one.started + (today - NOW.date())) for one in (OLD, MID, late, last)]
    policy = POLICY.replace("2027-06-01", f"{today - timedelta(days=50)}").replace("    owner: growth\n", "")
    policy = policy.replace(" margin: 0.2,", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBT_URL", ADDRESS)
        return made(tmp_path_factory.mktemp("owing") / "project", stories, policy, SOURCES + WAREHOUSE)


def test_the_example_shows_every_source_and_its_debts(visit: Callable[[Path], AppTest], example: Path) -> None:
    words = page_of(visit(example))
    project = load(example)
    for source in project.sources:
        assert f"{source.name} {source.signal} · {source.connector} · nothing due" in words
    assert "Synthetic data" in words
    assert "6,015 of 6,021 read 6 26 Oct 2026" in words
    assert "4 rows set aside of reply-v4: an earlier thumb for the same response" in words
    assert "Not known: how old the golden set of judge is" in words


def test_the_page_tells_what_the_survey_found(visit: Callable[[Path], AppTest], owing: Made) -> None:
    words = page_of(visit(owing.folder))
    found = survey(owing.project)
    assert len(found.debts) >= 8
    card = bare(shown(sources.debts_card(found.debts)))
    for debt in found.debts:
        assert f"{TITLES[debt.kind]} · {debt.subject}" in words
        for text in (debt.what.removeprefix("not known: "), debt.remedy, debt.why):
            assert bare(text) in card
    order = [words.index(tag) for tag in (" high ", " medium ")]
    assert order == sorted(order)
    assert "✕ 1 failing" in words


def bare(text: str) -> str:
    """Without spaces and the marks of code: tags stand where these were."""
    return "".join(text.replace("`", "").split())


def test_no_secret_reaches_the_page(visit: Callable[[Path], AppTest], owing: Made) -> None:
    html = " ".join(block.proto.body for block in visit(owing.folder).get("html"))
    assert "warehouse" in html
    for secret in ("geheim", "topsecret", "analyst7"):
        assert secret not in html


def test_a_folder_without_a_project_says_what_to_run(visit: Callable[[Path], AppTest], tmp_path: Path) -> None:
    words = page_of(visit(tmp_path))
    assert "does not load" in words
    assert "signals init" in words


def test_a_policy_that_does_not_load_is_named(visit: Callable[[Path], AppTest], owing: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(owing.folder, tmp_path / "broken"))
    (folder / "hierarchy.yaml").write_text("schema: 1\nnaem: x\n")
    assert re.search(r"hierarchy\.yaml:2:1: unknown key 'naem'", page_of(visit(folder)))


def test_a_store_that_was_never_filled_says_pull(visit: Callable[[Path], AppTest], owing: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(owing.folder, tmp_path / "fresh", ignore=shutil.ignore_patterns("*.db*")))
    words = page_of(visit(folder))
    assert "Nothing was ever pulled: 4 sources are declared." in words
    assert "✕ 4 never pulled" in words
    assert "never pulled it was never pulled – – – –" in words


def test_a_project_without_sources_says_what_to_add(visit: Callable[[Path], AppTest], tmp_path: Path) -> None:
    empty = made(tmp_path / "empty", (), sources="  {}\n", pulled=False)
    assert "No source is declared: add one under sources:" in page_of(visit(empty.folder))


def test_hostile_names_and_reasons_are_text() -> None:
    bad = "<img src=x onerror=alert(1)>\u202e"
    aside = tuple(SetAside(row + 1, f"{bad}{row}", bad) for row in range(6))
    one = SourceHealth(bad, bad, bad, "failing", bad, NOW, 10, 3, aside, NOW, NOW)
    debt = Debt("no-owner", "low", bad, f"not known: {bad} `x", bad, f"`{bad}`", NOW, bad)
    html = sources.sources_card([one]) + sources.debts_card([debt] * 9)
    assert "<img" not in html
    assert "\u202e" not in html
    assert "3 more reasons" in shown(html)
    assert "9 low, 9 not known" in shown(html)  # folded away when there are many


def test_evidence_known_by_its_day_has_no_time_of_day() -> None:
    midnight = NOW.replace(hour=0)
    one = SourceHealth("a", "b", "table", "fine", "", NOW, 1, 1, (), midnight)
    assert "20 Nov 2026 20 Nov 2026 12:00 UTC" in shown(sources.sources_card([one]))


def test_drawing_from_stored_numbers_imports_no_statistics(root: Path, owing: Made) -> None:
    survey(owing.project)  # the first time computes
    code = (
        "import json, sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "before = set(sys.modules)\n"  # Streamlit itself imports plotly where it is installed
        "page = 'import os; from pathlib import Path; from signals.dashboard import sources; '\n"
        "page += 'sources.page(Path(os.environ[\"SIGNALS_PROJECT\"]))'\n"
        "app = AppTest.from_string(page, default_timeout=60).run()\n"
        "assert not app.exception and app.get('html'), app\n"
        "heavy = ('pandas', 'scipy', 'statsmodels', 'plotly', 'duckdb', 'pyarrow', 'openpyxl')\n"
        "print(json.dumps([name for name in heavy if name in set(sys.modules) - before]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=settings(owing.folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


# --- in a browser ---------------------------------------------------------------------------------------------------

SCROLL = "() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollHeight - m.clientHeight, "
SCROLL += "m.scrollWidth - m.clientWidth] }"
WIDE = "[...document.querySelectorAll('.sg *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"


@pytest.fixture(scope="module")
def owing_server(root: Path, owing: Made) -> Iterator[Server]:
    """The dashboard over the project that owes much."""
    yield from serve(root, owing.folder)


@pytest.fixture
def go(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open the page in a browser; nothing may be asked of another host, and nothing may complain."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(server: Server, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _outside(request.url, wrong))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{server.address}/sources")
        page.wait_for_selector(".sg .debts", timeout=60_000)
        settled(page)
        page.wait_for_function("document.fonts.status === 'loaded'")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def _outside(url: str, wrong: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
        wrong.append(url)


@pytest.mark.browser
def test_the_example_fits_one_screen(go: Callable[..., Any], server: Server) -> None:
    page = go(server)
    assert page.evaluate(SCROLL)[0] <= 0
    assert page.locator(".sg table.stock tbody").count() == 9
    turn_to(page, "Policy")
    page.wait_for_selector(".cm-content, textarea")
    turn_to(page, "Sources")
    page.wait_for_selector(".sg .debts")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways_and_sees_the_debts_first(
    go: Callable[..., Any], owing_server: Server, scheme: str
) -> None:
    page = go(owing_server, width=390, height=844, scheme=scheme)
    assert page.evaluate(SCROLL)[1] <= 0
    assert page.evaluate(WIDE) == 0
    debts, table = (page.locator(place).bounding_box()["y"] for place in (".sg .debts", ".sg table.stock"))
    assert debts < table
    assert page.locator(".sg table.stock td[data-name='Rows kept']").first.is_visible()


@pytest.mark.browser
def test_a_wide_screen_has_both_side_by_side_and_nothing_cut(go: Callable[..., Any], owing_server: Server) -> None:
    page = go(owing_server)
    assert page.evaluate(SCROLL)[1] <= 0
    assert page.evaluate(WIDE) == 0
    left, right = (page.locator(place).bounding_box() for place in (".sg table.stock", ".sg .debts"))
    assert left["x"] + left["width"] <= right["x"]
    cut = "[...document.querySelectorAll('.sg td, .sg th')].filter(c => c.scrollWidth > c.clientWidth + 1).length"
    assert page.evaluate(cut) == 0


@pytest.mark.browser
def test_the_colours_follow_the_readers_theme(go: Callable[..., Any], owing_server: Server) -> None:
    colour = "getComputedStyle(document.querySelector('.sg .debt.rollback .tag')).color"
    light, dark = (go(owing_server, scheme=scheme).evaluate(colour) for scheme in ("light", "dark"))
    assert light != dark


@pytest.mark.browser
def test_folded_debts_open_by_keyboard(go: Callable[..., Any], owing_server: Server) -> None:
    page = go(owing_server)
    folded = page.locator(".sg .debts > details")
    assert folded.count() == 1
    folded.locator("summary").first.focus()
    page.keyboard.press("Enter")
    folded.locator(".debt").first.wait_for()
