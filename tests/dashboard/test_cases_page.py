"""The Cases page and its doors: a case opens as a release, on every page, and nothing of it reaches the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from signals.cases.suite import cases

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def app(root: Path, example: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("SIGNALS_PROJECT", str(example))

    def made(**query: str) -> AppTest:
        page = AppTest.from_file(str(root / "app.py"), default_timeout=60)
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return made


def html(page: AppTest) -> str:
    return " ".join(str(one.value) for one in page.get("html"))


def _page() -> None:
    from signals.dashboard import casebook

    casebook.page()


def test_every_case_has_two_doors() -> None:
    page = AppTest.from_function(_page, default_timeout=60).run()
    for case in cases():
        assert f"{case.number}. {case.title}" in html(page)
        assert {f"open-{case.slug}", f"twin-{case.slug}"} <= {str(one.key) for one in page.button}


@pytest.mark.parametrize(("name", "call"), [("tuesday-standup", "ROLLBACK"), ("tuesday-standup-twin", "SHIP")])
def test_a_link_opens_a_case_and_leaving_it_shows_the_project(
    app: Callable[..., AppTest], example: Path, name: str, call: str
) -> None:
    before = (example / "data" / "signals.db").read_bytes()
    page = app(case=name)
    assert not page.exception
    assert f'<span class="call">{call}' in html(page) or f">{call}<" in html(page)
    assert "Case 3: The Tuesday standup" in html(page)
    assert ("the clean twin" in html(page)) == name.endswith("-twin")
    page.button(key="leave-case").click().run()
    assert "Case 3" not in html(page)
    assert page.query_params.get("case") is None
    assert (example / "data" / "signals.db").read_bytes() == before


def test_a_case_that_does_not_exist_is_said_and_the_project_shown(app: Callable[..., AppTest]) -> None:
    page = app(case="tuesday-standpu")
    assert "no case is called" in html(page)
    assert "tuesday-standup" in html(page)
    assert not page.exception
