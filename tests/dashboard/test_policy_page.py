"""The Policy page as Streamlit runs it, with the plain text field: edit, look, save, find it again, meet others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dashboard.conftest import settings
from streamlit.testing.v1 import AppTest

from signals.dashboard import policy_editor
from signals.review import load
from signals.versions import current, history, save

TIMEOUT = 60  # seconds: the first run of a process imports everything; nothing is asserted about it
ROW = "when: judge.human_agreement >= 0.5"
STRICTER = "when: judge.human_agreement >= 0.6"
TEST = "{conversion: flat, panel: flat, judge: win, judge.human_agreement: 0.5, thumbs: flat}"
TEST_TOO = TEST.replace("0.5", "0.6")


def shown(app: AppTest) -> str:
    """All HTML of a page as plain text."""
    html = " ".join(block.proto.body for block in app.get("html") if not block.proto.body.startswith("<style>"))
    text = re.sub(r"<[^>]+>", " ", html)
    for entity, sign in (("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


@pytest.fixture
def project(example: Path, tmp_path: Path) -> Path:
    """A copy of the pulled example that a test may write to."""
    return Path(shutil.copytree(example, tmp_path / "project"))


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], AppTest]:
    """Open the page in a browser of its own, without the bundle."""

    def run(project: Path) -> AppTest:
        monkeypatch.setattr(policy_editor, "BUNDLE", tmp_path / "none")
        monkeypatch.setenv("SIGNALS_PROJECT", str(project))
        monkeypatch.delenv("SIGNALS_STORE", raising=False)
        app = AppTest.from_function(_page, default_timeout=TIMEOUT).run()
        assert not app.exception
        return app

    return run


def _page() -> None:
    import os
    from pathlib import Path

    from signals.dashboard import policy

    policy.page(Path(os.environ["SIGNALS_PROJECT"]))


def text_of(app: AppTest) -> str:
    return app.text_area[0].value or ""


def write(app: AppTest, text: str) -> None:
    app.text_area[0].set_value(text).run()
    assert not app.exception


def change(app: AppTest, old: str, new: str) -> None:
    before = text_of(app)
    assert old in before
    write(app, before.replace(old, new))


def keep(app: AppTest, by: str, because: str) -> None:
    """Press save, name who and why, and save."""
    app.button(key="policy-save").click().run()
    app.text_input(key="policy-by").set_value(by)
    app.text_area(key="policy-because").set_value(because)
    app.button(key="policy-save-now").click().run()
    assert not app.exception


def tab(app: AppTest, name: str) -> None:
    """Open a tab: only what is open is drawn."""
    app.session_state["policy-tabs-draft" if "Unsaved draft" in shown(app) else "policy-tabs-saved"] = name
    app.run()
    assert not app.exception


# --- reading --------------------------------------------------------------------------------------------------------


def test_an_untouched_page_says_what_it_is_for_and_the_policy_in_words(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    app = visit(project)
    assert text_of(app) == (project / "hierarchy.yaml").read_text(encoding="utf-8")
    words = shown(app)
    for said in ("Nothing is edited", "No problems", "Owner", "Review by", "sha256:", "In words", "roll back"):
        assert said in words
    assert re.search(r"All \d+ of its tests pass", words)
    assert app.button(key="policy-save").disabled
    assert "flips" not in words


def test_an_error_is_told_with_its_place_and_everything_else_waits(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    app = visit(project)
    change(app, ROW, STRICTER)
    assert "This edit flips 1 of" in shown(app)
    change(app, "otherwise: hold", "otherwize: hold")
    words = shown(app)
    assert re.search(r"line \d+:1: unknown key 'otherwize'", words)
    assert "Did you mean 'otherwise'?" in words
    assert "The draft does not load" in words
    assert "This waits for a draft that loads." in words
    for stale in ("flips", "SHIP", "situations", "tests pass"):
        assert stale not in words
    assert app.button(key="policy-save").disabled
    assert "It does not load" in words


def test_the_edit_shows_what_flips_before_anything_is_saved(visit: Callable[[Path], AppTest], project: Path) -> None:
    app = visit(project)
    change(app, ROW, STRICTER)
    words = shown(app)
    assert words.index("This edit flips 1 of 10 releases") < words.index("Situations")
    assert re.search(r"search-v5 SHIP → HOLD turned out bad: the edit would not have shipped it", words)
    assert "Strengthens protection" in words
    assert re.search(r"In \d[\d,]* of \d[\d,]* situations the call changes", words)
    assert (project / "hierarchy.yaml").read_text(encoding="utf-8").count(ROW) == 1
    tab(app, "Releases")
    assert "1 of 10 flip." in shown(app)
    assert "tuesday-large" in shown(app)


def test_a_failing_test_is_named_and_stops_the_save(visit: Callable[[Path], AppTest], project: Path) -> None:
    app = visit(project)
    change(app, ROW, STRICTER)
    words = shown(app)
    assert "test fails: a judge that people agree with may ship" in words
    assert re.search(r"Cannot be saved yet: 1 of its \d+ tests fails\.", words)
    assert app.button(key="policy-save").disabled
    change(app, TEST, TEST_TOO)
    assert not app.button(key="policy-save").disabled


def test_what_the_tests_would_not_notice_is_shown_on_request(visit: Callable[[Path], AppTest], project: Path) -> None:
    """The shipped policy catches every weakening; without one of its tests it does not, and the page proposes one."""
    app = visit(project)
    tab(app, "Tests")
    assert "Would its tests notice?" not in shown(app)
    app.button(key="policy-weaken").click().run()
    assert "100 %" in shown(app)
    text = text_of(app)
    start = text.index("  - name: thumbs down hold what nobody else minds")
    write(app, text[:start] + text[text.index("  - name: nothing is better, so nothing ships") :])
    tab(app, "Tests")
    assert "Would its tests notice?" not in shown(app)  # that was another text
    app.button(key="policy-weaken").click().run()
    assert "Would its tests notice?" in shown(app)
    assert "100 %" not in shown(app).split("Would its tests notice?")[1]
    assert any("thumbs: loss" in block.value for block in app.code)


def test_a_signal_that_a_source_feeds_cannot_be_saved_away(visit: Callable[[Path], AppTest], project: Path) -> None:
    app = visit(project)
    write(app, text_of(app).replace("thumbs", "likes"))
    words = shown(app)
    assert "feeds the signal 'thumbs', which hierarchy.yaml does not declare" in words
    assert "sources.yaml" in words
    assert "Cannot be saved yet: A source feeds a signal that it does not have." in words
    assert app.button(key="policy-save").disabled


def test_one_release_under_the_draft_stands_beside_the_saved_verdict(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    app = visit(project)
    change(app, ROW, STRICTER)
    tab(app, "Open release")
    app.selectbox(key="policy-release").set_value("search-v5").run()
    words = shown(app)
    assert re.search(r"Under the draft HOLD .* Under the saved policy SHIP ", words)
    app.selectbox(key="policy-release").set_value("all-agree").run()
    assert "Under the draft as under the saved policy SHIP" in shown(app)


# --- saving ---------------------------------------------------------------------------------------------------------


def test_a_save_needs_name_and_reason_and_stands_in_the_history(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    app = visit(project)
    before = text_of(app)
    change(app, ROW, STRICTER)
    change(app, TEST, TEST_TOO)
    keep(app, "mara", "  ")
    assert "A version needs your name and a reason." in shown(app)
    assert (project / "hierarchy.yaml").read_text(encoding="utf-8") == before
    app.text_area(key="policy-because").set_value("The judge has to agree with people more often.")
    app.button(key="policy-save-now").click().run()
    assert "Saved as version 2." in shown(app)
    saved = before.replace(ROW, STRICTER).replace(TEST, TEST_TOO)
    assert (project / "hierarchy.yaml").read_text(encoding="utf-8") == saved
    assert "Nothing is edited" in shown(app)
    tab(app, "History")
    words = shown(app)
    assert "What version 2 changed" in words
    assert "Strengthens protection" in words
    assert STRICTER in words
    assert app.radio(key="policy-version").options[0].startswith("**Version 2** · ")
    newest = history(load(project))[0]
    assert (newest.by, newest.because) == ("mara", "The judge has to agree with people more often.")
    app.selectbox(key="policy-version-release").set_value("search-v5").run()
    assert "HOLD" in shown(app)
    app.radio(key="policy-version").set_value(1).run()
    app.selectbox(key="policy-version-release").set_value("search-v5").run()
    assert re.search(r"first version.* SHIP ", shown(app))
    app.button(key="policy-version-open").click().run()
    assert text_of(app) == before
    assert "Unsaved draft" in shown(app)


def test_a_weakening_asks_for_its_reason_in_plain_words(visit: Callable[[Path], AppTest], project: Path) -> None:
    app = visit(project)
    kept = text_of(app).split("# Situations that everyone agrees on.")[0]  # its own tests hold what is dropped here
    dropped = "  - {that: panel.non_inferior, because: Never ship what people may find worse.}\n"
    assert dropped in kept
    write(app, kept.replace(dropped, ""))
    assert "Weakens protection" in shown(app)
    app.button(key="policy-save").click().run()
    label = app.text_area(key="policy-because").label
    assert re.fullmatch(r"This edit lets [\d,]+ more situations ship\. Why is that right\?", label)


def test_the_other_editor_is_told_and_both_edits_are_joined(visit: Callable[[Path], AppTest], project: Path) -> None:
    mara, ben = visit(project), visit(project)
    change(mara, "owner: release-council", "owner: mara")
    change(ben, "because: An unclear test is not a green one.", "because: Unclear is not green.")
    keep(mara, "mara", "I own it now")
    ben.button(key="policy-save").click().run()
    words = shown(ben)
    assert "The policy has changed since you opened it" in words
    assert re.search(r"Version 2, .* by mara: “I own it now”\. Your draft is kept\.", words)
    assert "fit into one text" in words
    assert "owner: mara" in words
    assert "because: Unclear is not green." in words
    assert "because: Unclear is not green." in text_of(ben)
    assert ben.button(key="policy-save").disabled
    ben.button(key="way-merged").click().run()
    assert "owner: mara" in text_of(ben)
    assert "because: Unclear is not green." in text_of(ben)
    keep(ben, "ben", "shorter")
    assert "Saved as version 3." in shown(ben)
    assert "owner: mara" in (project / "hierarchy.yaml").read_text(encoding="utf-8")


def test_two_edits_of_one_line_leave_the_choice_to_people(visit: Callable[[Path], AppTest], project: Path) -> None:
    mara, ben = visit(project), visit(project)
    change(mara, "owner: release-council", "owner: mara")
    change(ben, "owner: release-council", "owner: ben")
    keep(mara, "mara", "mine")
    ben.run()  # the next look at the page tells it, before anybody saves
    assert "you have to choose" in shown(ben)
    assert not [button for button in ben.button if button.key == "way-merged"]
    ben.button(key="way-mine").click().run()
    assert "owner: ben" in text_of(ben)
    keep(ben, "ben", "no, mine")
    assert [one.by for one in history(load(project))][:2] == ["ben", "mara"]
    change(mara, "owner: mara", "owner: mara-again")
    mara.button(key="way-theirs").click().run()
    assert "owner: ben" in text_of(mara)
    assert "Nothing is edited" in shown(mara)


def test_two_people_who_make_the_same_edit_agree(visit: Callable[[Path], AppTest], project: Path) -> None:
    mara, ben = visit(project), visit(project)
    for app in (mara, ben):
        change(app, "owner: release-council", "owner: both")
    keep(mara, "mara", "mine")
    ben.run()
    assert "has changed since" not in shown(ben)
    assert "Nothing is edited" in shown(ben)


def test_a_file_that_changed_outside_is_told_and_an_untouched_draft_follows_it(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    edited, untouched = visit(project), visit(project)
    change(edited, "owner: release-council", "owner: mara")
    file = project / "hierarchy.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("review_by: 2027-02-01", "review_by: 2027-03-01"), encoding="utf-8"
    )
    edited.run()
    assert "The file was edited elsewhere." in shown(edited)
    assert "owner: mara" in text_of(edited)
    untouched.run()
    assert "review_by: 2027-03-01" in text_of(untouched)
    assert "Unsaved draft" not in shown(untouched)


def test_a_file_that_is_behind_the_newest_version_is_told_and_written(
    visit: Callable[[Path], AppTest], project: Path
) -> None:
    before, found = current(load(project))
    save(load(project), before.replace("owner: release-council", "owner: mara"), base=found, by="mara", because="mine")
    (project / "hierarchy.yaml").write_text(before, encoding="utf-8")  # as on a machine that shares the store
    app = visit(project)
    assert "here is older than version 2 by mara" in shown(app)
    assert "owner: mara" in text_of(app)
    app.button(key="catch-up").click().run()
    assert "older than" not in shown(app)
    assert "owner: mara" in (project / "hierarchy.yaml").read_text(encoding="utf-8")


def test_discarding_goes_back_to_what_is_saved(visit: Callable[[Path], AppTest], project: Path) -> None:
    app = visit(project)
    before = text_of(app)
    change(app, ROW, STRICTER)
    app.button(key="policy-discard").click().run()
    assert text_of(app) == before
    assert "Nothing is edited" in shown(app)


def test_windows_line_ends_are_kept(visit: Callable[[Path], AppTest], project: Path) -> None:
    file = project / "hierarchy.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    app = visit(project)
    assert "Unsaved draft" not in shown(app)
    write(app, text_of(app).replace("\r\n", "\n").replace("owner: release-council", "owner: mara"))
    keep(app, "mara", "mine")
    raw = file.read_bytes()
    assert b"owner: mara\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")


# --- what else may be there -----------------------------------------------------------------------------------------


def test_a_saved_policy_that_does_not_load_can_be_mended_here(visit: Callable[[Path], AppTest], project: Path) -> None:
    file = project / "hierarchy.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("otherwise:", "otherwize:"), encoding="utf-8")
    app = visit(project)
    assert re.search(r"line \d+:1: unknown key 'otherwize'", shown(app))
    write(app, good)
    words = shown(app)
    assert "The saved policy does not load" in words
    assert not app.button(key="policy-save").disabled
    keep(app, "mara", "mended")
    assert file.read_text(encoding="utf-8") == good


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"]
)
def test_hostile_text_stays_text(visit: Callable[[Path], AppTest], project: Path, evil: str) -> None:
    app = visit(project)
    change(app, "because: An unclear test is not a green one.", f"because: '{evil}'")
    change(app, "name: everyone agrees", f"name: '{evil}'")
    keep(app, evil, evil)
    assert "Saved as version 2." in shown(app)
    tab(app, "History")
    raw = " ".join(block.proto.body for block in app.get("html") if not block.proto.body.startswith("<style>"))
    assert "<script>" not in raw
    assert "<img" not in raw
    label = app.radio(key="policy-version").options[0]
    assert "](" not in label.replace("\\", "~")
    change(app, f"because: '{evil}'", f"because: '{evil}{evil}'")
    change(app, "schema: 1", f"schema: '{evil}'")
    raw = " ".join(block.proto.body for block in app.get("html") if not block.proto.body.startswith("<style>"))
    assert "<script>" not in raw
    assert "<img" not in raw


@pytest.mark.parametrize(
    "text",
    ["", "a", "- [" * 300, "x: &a [*a]", "\t", "schema: 1\n# " + "x" * 63_000, "'" + "y" * 100_000, "\u2028: \x07",
     "- a\n" * 300_000],
)  # fmt: skip
def test_any_text_is_answered(visit: Callable[[Path], AppTest], project: Path, text: str) -> None:
    app = visit(project)
    write(app, text)
    assert app.button(key="policy-save").disabled
    assert "The draft does not load" in shown(app)


def test_the_page_opens_without_heavy_imports(root: Path, example: Path) -> None:
    code = (
        "import json, sys\n"
        "import streamlit\n"
        # Streamlit imports numpy itself to read any page icon; everything else must do without.
        "streamlit.set_page_config = lambda **settings: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        "before = set(sys.modules)\n"  # Streamlit itself imports plotly where it is installed
        "def page():\n"
        "    import os\n"
        "    from pathlib import Path\n"
        "    from signals.dashboard import policy\n"
        "    policy.page(Path(os.environ['SIGNALS_PROJECT']))\n"
        "app = AppTest.from_function(page, default_timeout=60).run()\n"
        "assert not app.exception and app.button, app\n"
        "heavy = ('pandas', 'numpy', 'scipy', 'statsmodels', 'plotly', 'duckdb', 'pyarrow', 'openpyxl')\n"
        "print(json.dumps([name for name in heavy if name in set(sys.modules) - before]))\n"
    )
    (example.parent / "heavy.py").write_text(code, encoding="utf-8")  # AppTest reads the source of its function
    environment = {**settings(example), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "heavy.py"], cwd=example.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
