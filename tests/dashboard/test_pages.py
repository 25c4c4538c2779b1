"""The Verdict page as Streamlit runs it: what it shows, in every state that a project can be in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from dashboard.conftest import settings
from streamlit.testing.v1 import AppTest

TIMEOUT = 60  # seconds: the first run of a process imports everything; nothing is asserted about it


def shown(app: AppTest) -> str:
    """All HTML of a page as plain text."""
    bodies = [block.proto.body for block in app.get("html")]
    html = " ".join(body for body in bodies if not body.startswith(("<style>", "<script>")))
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&#x27;", "'").replace("&lt;", "<").split())


@pytest.fixture
def start(root: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    def run(project: Path, release: str | None = None) -> AppTest:
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        app = AppTest.from_file(str(root / "app.py"), default_timeout=TIMEOUT)
        if release:
            app.query_params["release"] = release
        return app.run()

    return run


@pytest.mark.parametrize(
    ("release", "word"),
    [
        ("tuesday-small", "HOLD"),
        ("tuesday-large", "ROLLBACK"),
        ("all-agree", "SHIP"),
        ("sample-ratio", "NO VERDICT YET HOLD until then"),
    ],
)
def test_each_release_of_the_example_shows_its_call(start: object, example: Path, release: str, word: str) -> None:
    app = start(example, release)  # type: ignore[operator]
    assert not app.exception
    words = shown(app)
    assert words.startswith(word)
    assert "Synthetic data" in words
    assert "Last decisions all-agree ship" in words
    assert ("Way out" in words) == word.startswith(("HOLD", "NO VERDICT"))
    assert app.selectbox(key="release").value == release


def test_without_a_link_the_menu_names_the_release_that_is_shown(start: object, example: Path) -> None:
    app = start(example)  # type: ignore[operator]
    chosen = app.selectbox(key="release").value
    assert chosen
    assert shown(app) == shown(start(example, chosen))  # type: ignore[operator]


def test_choosing_another_release_redraws_the_banner(start: object, example: Path) -> None:
    app = start(example, "all-agree")  # type: ignore[operator]
    app.selectbox(key="release").set_value("tuesday-large").run()
    assert shown(app).startswith("ROLLBACK")


def test_a_link_to_a_release_that_is_gone_says_so(start: object, example: Path) -> None:
    app = start(example, "prompt-v<b>9")  # type: ignore[operator]
    assert "No release is called prompt-v&lt;b&gt;9" in " ".join(block.proto.body for block in app.get("html"))
    app.selectbox(key="release").set_value("all-agree").run()
    assert "No release is called" not in shown(app)


def test_a_folder_without_a_project_says_what_to_run(start: object, tmp_path: Path) -> None:
    app = start(tmp_path)  # type: ignore[operator]
    assert not app.exception
    assert "does not load" in shown(app)
    assert "signals init" in shown(app)


def test_a_project_without_releases_says_what_to_add(start: object, example: Path, tmp_path: Path) -> None:
    shutil.copy(example / "hierarchy.yaml", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sources.yaml").write_text("releases: []\nsources: {}\n", encoding="utf-8")
    app = start(tmp_path)  # type: ignore[operator]
    assert not app.exception
    assert "No release is declared" in shown(app)
    assert not app.selectbox


def test_a_store_that_was_never_filled_says_pull(start: object, example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "fresh", ignore=shutil.ignore_patterns("*.db*"))
    app = start(tmp_path / "fresh", "tuesday-large")  # type: ignore[operator]
    assert not app.exception
    assert "No verdict for tuesday-large" in shown(app)
    assert "signals pull" in shown(app)


def test_a_broken_policy_names_file_line_and_remedy(start: object, example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "broken")
    policy = tmp_path / "broken" / "hierarchy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("otherwise:", "otherwize:"), encoding="utf-8")
    app = start(tmp_path / "broken", "tuesday-large")  # type: ignore[operator]
    assert not app.exception
    assert re.search(r"hierarchy\.yaml:\d+:\d+: unknown key 'otherwize'", shown(app))


def test_every_setting_is_one_that_streamlit_knows(root: Path) -> None:
    from streamlit import config

    def flat(table: dict[str, object], above: str = "") -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in table.items():
            found |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
        return found

    settings = flat(tomllib.loads((root / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
    for name in settings:
        config.get_option(name)  # Streamlit ignores a mistyped one with a warning; here it raises
    assert settings["server.address"] == "127.0.0.1"
    assert settings["browser.gatherUsageStats"] is False
    assert settings["runner.postScriptGC"] is False


def test_drawing_from_stored_numbers_imports_no_statistics(root: Path, example: Path) -> None:
    code = (
        "import json, sys\n"
        "import streamlit\n"
        # Streamlit imports more itself to read a page icon; numpy draws the evidence anew.
        "streamlit.set_page_config = lambda **settings: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        "before = set(sys.modules)\n"  # Streamlit itself imports plotly where it is installed
        "app = AppTest.from_file('app.py', default_timeout=60)\n"
        "app.query_params['release'] = 'tuesday-large'\n"
        "app.run()\n"
        "assert not app.exception and app.selectbox, app\n"
        "heavy = ('pandas', 'scipy', 'statsmodels', 'plotly', 'duckdb', 'pyarrow', 'openpyxl')\n"
        "print(json.dumps([name for name in heavy if name in set(sys.modules) - before]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=settings(example), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
