"""Every connector has a page, every page is listed, and what it tells to copy is accepted word by word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signals.connectors import BUILT_IN, get
from signals.project import load_project

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "connectors").glob("*.md"))
SHARED = {"servers"}
"""Pages that are no connector's."""


def entries(page: Path) -> list[str]:
    """The blocks to copy below ``sources:``."""
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in blocks if block.startswith("  ")]


def test_every_connector_is_where_it_is_said_to_be() -> None:
    assert {name: get(name).name for name in BUILT_IN} == {name: name for name in BUILT_IN}


def test_every_connector_has_a_page_or_a_part_of_one() -> None:
    main = (DOCS / "connectors.md").read_text(encoding="utf-8")
    pages = {page.stem for page in PAGES} - SHARED
    parts = set(re.findall(r"^## `(\w+)`$", main, re.MULTILINE))
    assert BUILT_IN.keys() <= pages | parts, "a connector without a page"
    assert not pages & parts, "described twice"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_is_in_the_list(page: Path) -> None:
    assert f"(connectors/{page.name})" in (DOCS / "connectors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in SHARED], ids=lambda page: page.stem)
def test_what_a_page_tells_to_copy_is_accepted(page: Path, tmp_path: Path) -> None:
    blocks = entries(page)
    assert blocks, "nothing to copy"
    (tmp_path / "data").mkdir()
    for block in blocks:
        (tmp_path / "data" / "sources.yaml").write_text("sources:\n" + block, encoding="utf-8")
        assert load_project(tmp_path).sources


@pytest.mark.parametrize("page", [DOCS / "connectors.md", *PAGES], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = page if not name else (page.parent / name)
        assert found.is_file(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, target


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_page_explains_every_key_of_its_entries(name: str) -> None:
    from signals.connectors.options import Entry

    page = DOCS / "connectors" / f"{name}.md"
    text = (page if page.is_file() else DOCS / "connectors.md").read_text(encoding="utf-8")
    keys = {field.alias or key for key, field in get(name).entry().model_fields.items()}
    own = keys - {field.alias or key for key, field in Entry.model_fields.items()}
    assert {key for key in own if not re.search(rf"`{key}[`:]|\b{key}:", text)} == set()
