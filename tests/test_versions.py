"""Versions of the policy: nothing is saved that does not load, nothing is written over, nothing is lost."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from versions_kit import EDITED, POLICY, project_in

from signals import saving
from signals.model import Project, SignalsError
from signals.policyfile import LEFT, text_hash
from signals.review import store_of
from signals.saving import FOUND, OUTSIDE
from signals.versions import ConflictError, Version, current, find, history, resolve, save


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_in(tmp_path)


def put(project: Project, text: str, *, base: str | None = None, by: str = "Ann", because: str = "a reason") -> Version:
    return save(project, text, base=current(project)[1] if base is None else base, by=by, because=because)


def file_of(project: Project) -> str:
    return project.policy_path.read_bytes().decode()


def test_a_save_writes_the_file_exactly_and_records_who_and_why(project: Project) -> None:
    saved = put(project, EDITED, by="  Ann ", because="people agree more")
    assert file_of(project) == EDITED
    assert (saved.number, saved.hash, saved.parent) == (2, text_hash(EDITED), text_hash(POLICY))
    assert (saved.by, saved.because, saved.text) == ("Ann", "people agree more", EDITED)
    newest, first = history(project)
    assert newest == saved
    assert (first.number, first.text, first.parent, first.because) == (1, POLICY, None, FOUND)
    assert current(project) == (EDITED, saved.hash)
    assert store_of(project).verify_audit() == []
    assert not list(project.root.glob(f".*{LEFT}"))


def test_a_weakening_is_marked_and_a_strengthening_is_not(project: Project) -> None:
    stronger = put(project, EDITED)
    weaker = put(project, EDITED.replace("loss: rollback", "loss: hold"))
    assert (stronger.weakens, weaker.weakens) == (False, True)
    assert [version.weakens for version in history(project)] == [True, False, False]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"text": POLICY}, "nothing changed"),
        ({"text": "schema: 1\nname: [\n"}, "not valid YAML"),
        ({"text": POLICY.replace("score.n", "scor.n")}, "score"),
        ({"text": "  "}, "a text"),
        ({"text": EDITED + "# a\0b"}, "NUL"),
        ({"text": EDITED + "# \ud83d"}, "half a character"),
        ({"by": " "}, "who saves it"),
        ({"because": "\n"}, "a reason"),
        ({"because": "a\0b"}, "NUL"),
        ({"by": "\udc00"}, "half a character"),
        ({"because": "x" * 10_001}, "at most 10,000"),
    ],
)
def test_what_cannot_be_saved_changes_nothing(project: Project, change: dict[str, str], says: str) -> None:
    first = put(project, EDITED)
    put(project, POLICY)
    before = history(project)
    with pytest.raises(SignalsError, match=re.escape(says)):
        save(project, change.get("text", EDITED), base=text_hash(POLICY), by=change.get("by", "Ann"),
             because=change.get("because", "why"))  # fmt: skip
    assert history(project) == before
    assert file_of(project) == POLICY
    assert first in before


def test_going_back_is_a_new_version_of_an_old_text(project: Project) -> None:
    put(project, EDITED)
    back = put(project, POLICY, because="it was better before")
    assert [(one.number, one.hash) for one in history(project)] == [
        (3, text_hash(POLICY)), (2, text_hash(EDITED)), (1, text_hash(POLICY)),
    ]  # fmt: skip
    assert find(project, text_hash(POLICY)[7:15]) == back
    assert store_of(project).verify_audit() == []


# --- two editors ----------------------------------------------------------------------------------------------------


def test_the_second_editor_is_told_and_gets_both_edits_joined(project: Project) -> None:
    base = current(project)[1]
    mine = POLICY.replace("# bob: 0", "# bob: 1")
    first = put(project, EDITED, by="Ann", because="people agree more")
    with pytest.raises(ConflictError, match="v2 by Ann") as caught:
        put(project, mine, base=base, by="Bob")
    told = caught.value
    assert (told.who, told.why, told.when) == ("Ann", "people agree more", first.at)
    assert (told.base_text, told.theirs, told.base) == (POLICY, EDITED, first.hash)
    assert told.merged == EDITED.replace("# bob: 0", "# bob: 1")
    assert file_of(project) == EDITED
    assert history(project)[0] == first
    joined = put(project, told.merged, base=told.base, by="Bob")
    assert (joined.number, joined.parent, file_of(project)) == (3, first.hash, told.merged)


def test_edits_of_the_same_line_are_not_joined(project: Project) -> None:
    base = current(project)[1]
    put(project, EDITED)
    with pytest.raises(ConflictError) as caught:
        put(project, POLICY.replace("score.n >= 100", "score.n >= 300"), base=base)
    assert caught.value.merged is None
    assert caught.value.theirs == EDITED


def test_an_edit_outside_becomes_a_version_before_it_is_written_over(project: Project) -> None:
    put(project, EDITED)
    outside = EDITED.replace("# bob: 0", "# bob: by hand")
    project.policy_path.write_text(outside)
    saved = put(project, outside.replace("# ann: 0", "# ann: 1"))
    newest, between, *_ = history(project)
    assert newest == saved
    assert (between.text, between.because, between.by, between.parent) == (
        outside, OUTSIDE, "unknown", text_hash(EDITED),
    )  # fmt: skip
    assert newest.parent == between.hash


def test_an_edit_outside_that_the_editor_did_not_see_is_a_conflict_and_is_kept(project: Project) -> None:
    base = put(project, EDITED).hash
    outside = EDITED.replace("# bob: 0", "# bob: by hand")
    project.policy_path.write_text(outside)
    with pytest.raises(ConflictError) as caught:
        put(project, EDITED.replace("# ann: 0", "# ann: 1"), base=base)
    assert caught.value.theirs == outside
    assert caught.value.merged == outside.replace("# ann: 0", "# ann: 1")
    assert file_of(project) == outside
    assert history(project)[0].text == outside
    put(project, caught.value.merged, base=caught.value.base)
    assert file_of(project) == caught.value.merged


def test_a_text_outside_that_does_not_load_is_kept_too(project: Project) -> None:
    put(project, EDITED)
    project.policy_path.write_text("half a fi")
    saved = put(project, POLICY)
    assert [one.text for one in history(project)] == [POLICY, "half a fi", EDITED, POLICY]
    assert saved.parent == text_hash("half a fi")
    assert not history(project)[1].weakens
    with pytest.raises(SignalsError):
        resolve(project, "v3")


def test_an_edit_by_hand_is_recorded_with_its_reason(project: Project) -> None:
    first = put(project, EDITED)
    weaker = EDITED.replace("loss: rollback", "loss: hold")
    project.policy_path.write_text(weaker)
    saved = put(project, weaker, base=first.hash, by="Bob", because="too strict")
    assert (saved.number, saved.by, saved.parent, saved.weakens) == (3, "Bob", first.hash, True)
    assert len(history(project)) == 3
    with pytest.raises(SignalsError, match="nothing changed: this is v3"):
        put(project, weaker)


def test_the_first_save_of_the_file_as_it_stands(project: Project) -> None:
    saved = put(project, POLICY)
    assert (saved.number, saved.parent, saved.because) == (1, None, "a reason")
    assert history(project) == (saved,)


def test_another_machine_with_the_same_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    one, two = (project_in(tmp_path / name, url) for name in ("one", "two"))
    base = current(two)[1]
    theirs = put(one, EDITED)
    with pytest.raises(ConflictError) as caught:
        put(two, POLICY.replace("# bob: 0", "# bob: 1"), base=base)
    assert caught.value.version == theirs
    with pytest.raises(ConflictError):
        put(two, POLICY, base=base)  # nor may it quietly bring the old text back
    assert file_of(two) == POLICY
    assert put(two, caught.value.merged or "", base=caught.value.base).number == 3
    assert "# bob: 1" in file_of(two)
    # What the first machine saved can be fetched by saving it again there.
    with pytest.raises(ConflictError):
        put(one, EDITED.replace("# ann: 0", "# ann: 9"))
    assert put(one, file_of(two)).number == 3
    assert file_of(one) == file_of(two)


def test_a_save_that_was_stopped_before_it_wrote_is_finished_by_trying_again(project: Project) -> None:
    saved = put(project, EDITED)
    project.policy_path.write_text(POLICY)
    assert put(project, EDITED) == saved
    assert file_of(project) == EDITED
    assert len(history(project)) == 2


def test_a_slow_save_does_not_write_over_a_newer_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between recording and writing, somebody else saw the version in the history and saved on top of it."""
    newer = EDITED.replace("# bob: 0", "# bob: 1")
    real = saving._in_force

    def slow(*arguments: Any) -> None:
        monkeypatch.setattr(saving, "_in_force", real)
        put(project, newer, base=text_hash(EDITED), by="Bob")
        real(*arguments)

    monkeypatch.setattr(saving, "_in_force", slow)
    assert put(project, EDITED).number == 2
    assert file_of(project) == newer
    assert history(project)[0].text == newer


def test_an_edit_outside_in_the_very_moment_is_left_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    real = saving._in_force

    def slow(*arguments: Any) -> None:
        project.policy_path.write_text("by hand")
        real(*arguments)

    monkeypatch.setattr(saving, "_in_force", slow)
    with pytest.raises(SignalsError, match="your text is kept as v2"):
        put(project, EDITED)
    assert file_of(project) == "by hand"
    assert history(project)[0].text == EDITED


def test_a_file_that_is_gone_comes_back(project: Project) -> None:
    saved = put(project, EDITED)
    project.policy_path.unlink()
    with pytest.raises(ConflictError):
        put(project, POLICY, base=text_hash(POLICY))
    assert put(project, POLICY, base=saved.hash).number == 3
    assert file_of(project) == POLICY


# --- the file -------------------------------------------------------------------------------------------------------


def test_windows_line_ends_and_the_mark_stay(project: Project) -> None:
    project.policy_path.write_bytes(b"\xef\xbb\xbf" + POLICY.replace("\n", "\r\n").encode())
    saved = put(project, EDITED)
    assert project.policy_path.read_bytes() == b"\xef\xbb\xbf" + EDITED.replace("\n", "\r\n").encode()
    assert saved.hash == current(project)[1]
    with pytest.raises(SignalsError, match="nothing changed"):
        put(project, EDITED)


def test_mixed_line_ends_are_written_as_given(project: Project) -> None:
    mixed = EDITED.replace("\n", "\r\n", 3)
    put(project, mixed)
    assert file_of(project) == mixed
    put(project, POLICY)
    assert file_of(project) == POLICY


def test_the_mode_and_a_link_stay(project: Project) -> None:
    real = project.root / "elsewhere" / "policy.yaml"
    real.parent.mkdir()
    project.policy_path.rename(real)
    real.chmod(0o640)
    project.policy_path.symlink_to(Path("elsewhere") / "policy.yaml")
    put(project, EDITED)
    assert project.policy_path.is_symlink()
    assert real.read_text() == EDITED
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_left_overs_of_stopped_saves_are_removed_when_they_are_old(project: Project) -> None:
    old, new = (project.root / f".hierarchy.yaml.{name}{LEFT}" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    put(project, EDITED)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_leaves_everything_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SignalsError, match="cannot be written: No space left"):
        put(project, EDITED)
    assert history(project) == ()
    assert file_of(project) == POLICY
    assert not list(project.root.glob(f".*{LEFT}"))


def test_a_read_only_file_is_refused(project: Project) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    project.policy_path.chmod(0o444)
    with pytest.raises(SignalsError, match="read-only"):
        put(project, EDITED)


# --- naming one -----------------------------------------------------------------------------------------------------


def test_versions_are_found_by_number_and_hash(project: Project) -> None:
    saved = put(project, EDITED)
    for ref in (2, "2", "v2", "V2", saved.hash, saved.hash[:12], saved.hash[7:13]):
        assert find(project, ref) == saved
    for ref in ("v9", "0", "vv2", "", "zzzz", saved.hash[7:10], "sha256:"):
        with pytest.raises(SignalsError, match="no version"):
            find(project, ref)


def test_without_versions_it_says_so(project: Project) -> None:
    assert history(project) == ()
    with pytest.raises(SignalsError, match="none was saved yet"):
        find(project, "v1")


def test_a_policy_is_named_by_file_by_version_or_by_the_hash_of_a_decision(project: Project) -> None:
    put(project, EDITED)
    file = project.root / "other.yaml"
    file.write_text(POLICY.replace("name: tiny", "name: other"))
    assert resolve(project, str(file)).name == "other"
    assert resolve(project, "v1").text == POLICY
    assert resolve(project, "v1").file == "hierarchy.yaml (v1)"
    kept = POLICY.replace("# ann: 0", "# ann: decided")
    store_of(project).put_policy(text_hash(kept), "tiny", kept)
    assert resolve(project, text_hash(kept)[7:20]).text == kept
    with pytest.raises(SignalsError, match=r"nowhere.yaml: no such file, and there is no version"):
        resolve(project, "nowhere.yaml")
