"""Recording in a real Chromium: a decision, an override that runs out, an outcome, the log, a row that was changed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dashboard.conftest import Server, serve, settled, signals

from signals.model import Project
from signals.review import load, store_of

SOON = (datetime.now(UTC) + timedelta(days=9)).date()

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def project(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the example that these tests may write to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SIGNALS_STORE", raising=False)
        return load(Path(shutil.copytree(example, tmp_path_factory.mktemp("drawer") / "project")))


@pytest.fixture(scope="module")
def served(root: Path, project: Project) -> Iterator[Server]:
    yield from serve(root, project.root)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield page
    assert complaints == []
    context.close()


def opened(page: Any, served: Server, release: str, *, key: bool = False) -> Any:
    """The drawer of a release."""
    page.goto(f"{served.address}/?release={release}")
    page.locator(".st-key-record button:not([disabled])").wait_for()
    page.locator(".sg .decisions, .sg .card.checks, .sg .card").first.wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget], [data-stale=true]')")
    if key:
        page.keyboard.press("d")
    else:
        page.get_by_role("button", name="Record decision").click()
    drawer = page.get_by_test_id("stDialog")
    drawer.get_by_label("Who decides").wait_for()
    return drawer


def choose_day(page: Any, drawer: Any) -> None:
    drawer.get_by_test_id("stDateInput").get_by_role("spinbutton").first.click()
    page.keyboard.type(f"{SOON:%Y%m%d}", delay=60)
    drawer.get_by_label("Why not").click()  # the day counts when the field is left


def decided(project: Project, release: str) -> list[Any]:
    return [one for one in store_of(project).decisions() if one.release == release]


def as_recommended_takes_a_name_and_a_reason(page: Any, served: Server, project: Project) -> None:
    drawer = opened(page, served, "tuesday-large", key=True)
    assert drawer.get_by_role("radio", name="ROLLBACK (as the verdict says)").is_checked()
    assert drawer.get_by_label("Second person").count() == 0
    drawer.get_by_role("button", name="Record", exact=True).click()
    drawer.get_by_text("A decision needs who decides.").wait_for()
    drawer.get_by_text("A decision needs a reason.").wait_for()
    assert decided(project, "tuesday-large") == []
    drawer.get_by_label("Who decides").fill("Ann")
    drawer.get_by_label("Why").fill('as it says <img src=x onerror="alert(1)">')
    drawer.get_by_role("button", name="Record", exact=True).dblclick()
    drawer.wait_for(state="detached")
    page.get_by_text("is recorded: ROLLBACK.").wait_for()
    (made,) = decided(project, "tuesday-large")  # and only one, though the button was pressed twice
    assert (made.by, made.call, made.override) == ("Ann", "rollback", False)
    strip = page.locator(".sg .decisions")
    strip.get_by_text("tuesday-large").wait_for()
    assert page.locator("img[src=x]").count() == 0


def an_override_asks_for_a_second_person_and_a_date(page: Any, served: Server, project: Project) -> None:
    drawer = opened(page, served, "tuesday-small")
    drawer.get_by_text("SHIP", exact=True).click()
    drawer.get_by_text("This goes against HOLD.").wait_for()
    drawer.get_by_label("Who decides").fill("Jos\u00e9")
    drawer.get_by_label("Why not HOLD").fill("we know better")
    second = drawer.get_by_label("Second person, who agrees")
    second.fill(" JOSE\u0301")
    drawer.get_by_role("button", name="Record the override of HOLD").click()
    drawer.get_by_text("The second person has to be somebody else than").wait_for()
    drawer.get_by_text("An override needs a date").wait_for()
    assert decided(project, "tuesday-small") == []
    second.fill("Bo")
    second.press("Tab")
    drawer.get_by_text("The second person has to be somebody else than").wait_for(state="detached")
    choose_day(page, drawer)
    drawer.get_by_text("An override needs a date").wait_for(state="detached")
    drawer.get_by_role("button", name="Record the override of HOLD").click()
    drawer.wait_for(state="detached")
    page.locator(".sg .decisions").get_by_text("override of HOLD").wait_for()
    (made,) = decided(project, "tuesday-small")
    (beside,) = store_of(project).recorded("tuesday-small")[1]
    assert (beside.decision, beside.second, beside.until) == (
        made.entry, "Bo", datetime(SOON.year, SOON.month, SOON.day, 23, 59, 59, tzinfo=UTC)
    )  # fmt: skip
    assert store_of(project).verify_audit() == []


def an_outcome_is_given_on_the_page_and_the_log_is_exported(
    page: Any, served: Server, project: Project, root: Path
) -> None:
    (made,) = decided(project, "tuesday-small")
    page.goto(f"{served.address}/decisions")
    page.locator(".st-key-log-kind").wait_for()
    settled(page)
    row = page.get_by_role("article", name=f"Decision {made.number}")
    row.get_by_text("Override of HOLD", exact=True).wait_for()
    page.locator(f".st-key-open-{made.number} button").click()
    drawer = page.get_by_test_id("stDialog")
    drawer.get_by_role("button", name="Record the outcome").click()
    drawer.get_by_text("An outcome needs who says so.").wait_for()
    drawer.get_by_text("Bad", exact=True).click()
    drawer.get_by_label("Who says so").fill("Eve")
    drawer.get_by_role("textbox", name="Evidence").fill("=cmd() churn rose, see https://x.example/1 <b>now</b>")
    drawer.get_by_role("button", name="Record the outcome").click()
    drawer.wait_for(state="detached")
    row.get_by_text("Turned out bad").first.wait_for()
    assert row.locator("b", has_text="now").count() == 0
    assert row.locator("a[href*='x.example']").count() == 0
    page.get_by_text("1 of 3 decisions went against the verdict: 0 turned out good, 1 bad").wait_for()

    page.get_by_role("button", name="Export log").click()
    with page.expect_download() as csv_file:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(csv_file.value.path()).read_bytes().decode(), newline="")))
    assert [one["release"] for one in rows] == ["tuesday-small", "tuesday-large", "all-agree"]
    assert rows[0]["outcome_because"].startswith("'=cmd() churn rose")
    with page.expect_download() as json_file:
        page.get_by_role("button", name="JSON").click()
    exact = json.loads(Path(json_file.value.path()).read_text(encoding="utf-8"))
    assert exact == json.loads(signals(project.root, "decisions", "--json", root=root).stdout)
    assert exact[0]["outcome_because"].startswith("=cmd() churn rose")


def the_memo_of_a_decision_is_downloaded(page: Any, served: Server, project: Project) -> None:
    (made,) = decided(project, "tuesday-small")
    page.goto(f"{served.address}/decisions")
    page.locator(".st-key-log-kind").wait_for()
    settled(page)
    page.locator(f".st-key-open-{made.number} button").click()
    drawer = page.get_by_test_id("stDialog")
    with page.expect_download() as memo:
        drawer.get_by_role("button", name="HTML").click()
    text = Path(memo.value.path()).read_text(encoding="utf-8")
    assert memo.value.suggested_filename == f"decision-{made.number}.html"
    assert "we know better" in text
    assert "Override of" in text
    assert store_of(project).audit_head() in text


def an_expired_override_is_marked_and_the_menus_find_it(page: Any, served: Server, project: Project) -> None:
    store = store_of(project)
    (made,), (beside,), _ = store.recorded("tuesday-small")
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    late = store.decide(replace(made, at=long_ago, token=""), replace(beside, at=long_ago, until=long_ago))
    page.goto(f"{served.address}/decisions")
    page.locator(".st-key-log-kind").wait_for()
    settled(page)
    row = page.get_by_role("article", name=f"Decision {late.number}")
    row.get_by_text("Expired", exact=True).wait_for()
    assert "expired on 2 Jan 2026" in row.inner_text()
    assert page.get_by_role("article").count() == 4
    settled(page)
    page.locator(".st-key-log-kind").get_by_text("Expired", exact=True).click()
    page.get_by_text("1 of 4 decisions · 1 override · 1 expired").wait_for()
    assert page.get_by_role("article").count() == 1
    settled(page)
    page.get_by_text("With outcome", exact=True).click()
    page.get_by_text("1 of 4 decisions · 1 override", exact=True).wait_for()
    assert "Superseded" in page.get_by_role("article").inner_text()
    row.wait_for(state="detached")
    page.get_by_role("article").get_by_role("link", name="tuesday-small").click()
    page.wait_for_url(f"{served.address}/?release=tuesday-small")


def a_row_changed_in_the_database_is_named(project: Project, root: Path) -> None:
    """Last: nothing is recorded on this store afterwards."""
    assert signals(project.root, "audit", "verify", root=root).returncode == 0
    with sqlite3.connect(project.root / "data" / "signals.db") as database:
        database.execute("DROP TRIGGER override_no_update")
        database.execute("UPDATE override SET second = 'nobody' WHERE id = 1")
    done = signals(project.root, "audit", "verify", root=root)
    assert done.returncode == 2
    assert done.stderr.strip() == "override 1 on tuesday-small: differs from its audit entry (second)"


def test_from_the_first_decision_to_a_row_changed_in_the_database(
    page: Any, served: Server, project: Project, root: Path
) -> None:
    """One log, step by step: each step finds what those before it wrote, so they cannot be split between workers."""
    as_recommended_takes_a_name_and_a_reason(page, served, project)
    an_override_asks_for_a_second_person_and_a_date(page, served, project)
    an_outcome_is_given_on_the_page_and_the_log_is_exported(page, served, project, root)
    the_memo_of_a_decision_is_downloaded(page, served, project)
    an_expired_override_is_marked_and_the_menus_find_it(page, served, project)
    a_row_changed_in_the_database_is_named(project, root)
