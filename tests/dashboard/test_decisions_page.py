"""The Decisions page: as Streamlit runs it, and in a real Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dashboard.conftest import Server, serve, signals, turn_to
from streamlit.testing.v1 import AppTest

from signals.dashboard import track_cards
from signals.dashboard.gap_picture import gap_plot
from signals.model import Project
from signals.past import past
from signals.review import policy_of
from signals.track import TrackRecord, track_record
from tests.track_kit import make


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        return make(tmp_path_factory.mktemp("many") / "project", releases=26, drift=5.0, after=14)


@pytest.fixture(scope="module")
def record(many: Project) -> TrackRecord:
    return track_record(many)


def shown(app: AppTest) -> str:
    html = " ".join(block.proto.body for block in app.get("html") if not block.proto.body.startswith("<style>"))
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def start(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(project: Path) -> AppTest:
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        code = (
            "from pathlib import Path\nfrom signals.dashboard import decisions\n"
            f"decisions.page(Path({str(project)!r}))\n"
        )
        return AppTest.from_string(code, default_timeout=60).run()

    return run


def test_the_example_shows_decisions_and_says_what_is_missing(start: Any, example: Path) -> None:
    app = start(example)
    assert not app.exception
    words = shown(app)
    assert "1 decision #1 SHIP all-agree" in words
    assert "mara · as recommended “as the verdict says”" in words
    assert "Overrides. Nobody has gone against a verdict in 1 decision." in words
    assert "Synthetic data" in words
    assert "Missing: the outcome of" in words
    assert "Shares take 10 releases with a known outcome" in words
    assert "not followed: 9 past releases have both, and it takes 10" in words
    assert "People said ship" in words


def test_a_long_record_shows_shares_and_the_alarm(start: Any, many: Project) -> None:
    app = start(many.root)
    assert not app.exception
    words = shown(app)
    assert "No decision is recorded yet. Open a release and press" in words
    assert "ALARM: judge has promised more than conversion delivered since r1" in words
    assert "conversion and judge" in words
    assert "r25: it is still open" in words


def test_a_folder_without_a_project_says_so(start: Any, tmp_path: Path) -> None:
    app = start(tmp_path)
    assert not app.exception
    assert "does not load" in shown(app)


def test_a_broken_policy_is_said(start: Any, example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "broken")
    policy = tmp_path / "broken" / "hierarchy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("otherwise:", "otherwize:"), encoding="utf-8")
    app = start(tmp_path / "broken")
    assert not app.exception
    assert "The track record cannot be made" in shown(app)
    assert "otherwize" in shown(app)


def test_every_gap_is_a_dot_and_every_sum_a_column(record: TrackRecord) -> None:
    judge = next(one.gap for one in record.signals if one.signal == "judge")
    assert judge is not None
    assert judge.alarm is not None
    assert judge.alarm.since is not None
    drawn = gap_plot(judge)
    after = len(judge.gaps) - judge.alarm.since
    assert drawn.count('class="dot after"') == after
    assert drawn.count('class="dot"') == len(judge.gaps) - after
    over = sum(one >= judge.alarm.limit for one in judge.alarm.path)
    assert drawn.count('class="column over"') == over > 0
    assert drawn.count('class="column') == len(judge.gaps)
    places = [float(one) for one in re.findall(r"(?:left|top):(-?[\d.]+)%", drawn)]
    assert all(0 <= one <= 100 for one in places)
    assert "limit 4.59" in drawn


def test_names_cannot_inject(many: Project) -> None:
    from dataclasses import replace

    bad = '<img src=x onerror="alert(1)">'
    releases = [
        replace(one, release=replace(one.release, id=f"{bad}{place}"))
        for place, one in enumerate(past(many, policy_of(many)))
    ]
    found = track_record(policy=policy_of(many), releases=releases)
    html = track_cards.head(found) + track_cards.body(found)
    assert "<img" not in html
    assert "&lt;img" in html


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(root: Path, many: Project) -> Iterator[Server]:
    done = signals(
        many.root, "decide", "r03", "hold", "--by", "mara", "--because", "we know", "--second", "jon", "--until",
        f"{(datetime.now(UTC) + timedelta(days=200)).date()}", root=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield from serve(root, many.root)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_the_page_fits_its_width_and_asks_nobody(
    browser: Any, served: Server, size: tuple[int, int], scheme: str
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    outside: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if _foreign(request.url) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{served.address}/decisions")
    page.wait_for_selector(".sg .gapcard", timeout=60_000)
    sideways = (
        "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
    )
    assert page.evaluate(sideways) <= 0
    wide = (
        "[...document.querySelectorAll('.sg *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert page.evaluate(wide) == 0
    # The picture survives the page's sanitiser: dots and columns have a size and lie in their panel.
    dots = "[...document.querySelectorAll('.sg .panel .dot')].filter(e => e.getBoundingClientRect().width > 4).length"
    assert page.evaluate(dots) == 48
    assert page.locator(".sg .panel .column.over").count() > 0
    assert page.locator(".sg .tag.rollback.filled", has_text="Alarm").count() == 1
    assert page.get_by_role("alert").count() == 1
    assert page.get_by_role("img", name=re.compile("gap between judge and conversion")).count() == 1
    said = page.get_by_role("article", name="Decision 1").inner_text()
    assert "HOLD r03 Override of ROLLBACK" in " ".join(said.split())
    assert "with jon, until " in said
    assert outside == []
    assert complaints == []
    context.close()


@pytest.mark.browser
def test_the_menu_leads_there(browser: Any, served: Server) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{served.address}/policy")
    turn_to(page, "Decisions")
    page.wait_for_selector(".sg .gapcard", timeout=60_000)
    assert page.url.endswith("/decisions")
    context.close()


def _foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"
