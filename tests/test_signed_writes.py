"""Every write asks for the role itself: called without any page, it refuses and records just as a page does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from versions_kit import EDITED, project_in

from signals import decisions
from signals.model import Project, SignalsError
from signals.review import load, record, review, store_of
from signals.roles import ROLES, Person, Role, may
from signals.versions import current, history, save

NAME = "Ada Lovelace <ada@example.com>"


@pytest.fixture
def project(root: Path, demo_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The example over a copy of its pulled store."""
    copy = tmp_path / "signals.db"
    shutil.copy(demo_store.removeprefix("sqlite:///"), copy)
    monkeypatch.setenv("SIGNALS_STORE", f"sqlite:///{copy}")
    return load(root)


def people(role: Role | None) -> Person | None:
    return Person(NAME, role) if role else None


@pytest.mark.parametrize("role", [None, *ROLES])
def test_recording_a_decision_takes_a_reviewer(project: Project, role: Role | None) -> None:
    found = review("all-agree", project)
    person, store = people(role), store_of(project)
    head = store.audit_head()
    if role is not None and not may(role, "reviewer"):
        with pytest.raises(SignalsError, match=f"{NAME} may not record a decision as viewer"):
            record(found, "ship", "typed", "as it says", person=person)
        assert store.decisions() == ()
        assert store.audit_head() == head
        return
    made = record(found, "ship", "typed", "as it says", person=person)
    assert made.by == (NAME if person else "typed")
    assert [one.by for one in store.decisions()] == [made.by]
    assert store.verify_audit() == []


def test_nobody_is_the_second_person_of_their_own_override(project: Project) -> None:
    found = review("tuesday-large", project)
    for second in ("Ada Lovelace", "ADA@example.com", NAME):
        with pytest.raises(SignalsError, match="somebody else"):
            record(found, "ship", "typed", "we know better", second, person=Person(NAME, "reviewer"))
    assert store_of(project).decisions() == ()


@pytest.mark.parametrize("role", [None, *ROLES])
def test_recording_an_outcome_takes_a_reviewer(project: Project, role: Role | None) -> None:
    made = record(review("all-agree", project), "ship", "Ann", "as it says")
    person = people(role)
    if role is not None and not may(role, "reviewer"):
        with pytest.raises(SignalsError, match="may not record an outcome as viewer"):
            decisions.turn_out(project, made, "good", "typed", "it went well", person=person)
        return
    assert decisions.turn_out(project, made, "good", "typed", "it went well", person=person).by == (
        NAME if person else "typed"
    )


@pytest.mark.parametrize("role", [None, *ROLES])
def test_saving_the_policy_takes_an_editor(tmp_path: Path, role: Role | None) -> None:
    project = project_in(tmp_path)
    before, base = current(project)
    person = people(role)
    if role is not None and not may(role, "editor"):
        with pytest.raises(SignalsError, match=f"may not save the policy as {role}: it takes the role editor"):
            save(project, EDITED, base=base, by="typed", because="why", person=person)
        assert history(project) == ()
        assert project.policy_path.read_text() == before
        return
    saved = save(project, EDITED, base=base, by="typed", because="why", person=person)
    assert saved.by == (NAME if person else "typed")
    assert store_of(project).verify_audit() == []


def test_every_write_of_the_dashboard_is_one_of_these(root: Path) -> None:
    """A new write function that a page calls has to be added above, with its role."""
    asks = {"signals/review.py": "record", "signals/decisions.py": "turn_out", "signals/saving.py": "save"}
    for path, name in asks.items():
        text = (root / path).read_text(encoding="utf-8")
        body = text.split(f"def {name}(", 1)[1].split("\ndef ", 1)[0]
        assert "require(person," in body, f"{path}: {name} does not ask for a role"
    around = ("put_policy", "put_verdict", ".decide(", "version_log", "write_text", "write_bytes", "signals.pull")
    for page in (root / "signals" / "dashboard").glob("*.py"):
        text = page.read_text(encoding="utf-8")
        assert not [word for word in around if word in text], f"{page.name} writes without asking for a role"
