"""Saving under kill and under two savers at once, on SQLite and PostgreSQL: no edit is lost, none is half there."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from versions_kit import EDITED, POLICY, child, finish, project_in

from signals.model import Project
from signals.policyfile import text_hash
from signals.review import store_of
from signals.versions import current, history, save

pytestmark = pytest.mark.slow

_numbers = count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A function that gives the address of another empty store each time."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'store{next(_numbers)}.db'}"
    address = request.getfixturevalue("postgres_server")

    def create() -> str:
        import psycopg

        name = f"saving{next(_numbers)}"
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{address}/postgres?options=-csearch_path%3D{name}"

    return create


# --- kill -----------------------------------------------------------------------------------------------------------

SAVE = """
import sys, time
from versions_kit import EDITED
from signals import saving
from signals.review import load
from signals.store.versions import VersionLog
from signals.versions import current, save
project, moment = load(sys.argv[1]), sys.argv[2]
def announced(real, before):
    def run(*arguments, **options):
        if before: say()
        result = real(*arguments, **options)
        if not before: say()
        return result
    return run
def say():
    sys.stdout.write("now\\n"); sys.stdout.flush(); time.sleep(60)
if moment == "prepared": saving._recorded = announced(saving._recorded, True)
if moment == "recording": VersionLog.add = announced(VersionLog.add, False)
if moment == "recorded": saving._in_force = announced(saving._in_force, True)
if moment == "replacing": saving.put_in_place = announced(saving.put_in_place, True)
if moment == "replaced": saving.put_in_place = announced(saving.put_in_place, False)
if moment == "anywhere": sys.stdout.write("now\\n"); sys.stdout.flush()
save(project, EDITED, base=current(project)[1], by="Ann", because="people agree more")
sys.stdout.write("done\\n")
"""

AFTER = {"prepared": False, "recording": False, "recorded": True, "replacing": True, "replaced": True}
"""Moments at which a save is stopped; whether the version must be there already."""


def kill_at(project: Project, moment: str, delay: float = 0.0) -> None:
    process = child(SAVE, str(project.root), moment)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n", process.communicate()[1]
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def look(project: Project) -> tuple[bool, bool]:
    """Whether the edit's version, and the file, are there after a kill: each wholly or not at all."""
    text, _ = current(project)
    assert text in (POLICY, EDITED), "half a file"
    saved = [version for version in history(project) if version.text == EDITED]
    assert [(one.by, one.because) for one in saved] in ([], [("Ann", "people agree more")])
    assert text == POLICY or saved, "the file is new, and nobody knows who wrote it and why"
    assert store_of(project).verify_audit() == []
    return bool(saved), text == EDITED


@pytest.mark.parametrize("moment", AFTER)
def test_a_save_killed_at_a_chosen_moment_loses_nothing(
    moment: str, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    project = project_in(tmp_path / "project", fresh_url())
    kill_at(project, moment)
    assert look(project) == (AFTER[moment], moment == "replaced")
    if moment != "replaced":
        saved = save(project, EDITED, base=text_hash(POLICY), by="Ann", because="people agree more")
        assert (saved.number, look(project)) == (2, (True, True))


def test_saves_killed_at_random_moments_lose_nothing(fresh_url: Callable[[], str], tmp_path: Path) -> None:
    rng = random.Random(20261123)
    seen = set()
    for number in range(12):
        project = project_in(tmp_path / f"project{number}", fresh_url())
        kill_at(project, "anywhere", 0.05 * number + rng.uniform(0, 0.05))
        seen.add(look(project))
        if not look(project)[1]:
            save(project, EDITED, base=text_hash(POLICY), by="Ann", because="people agree more")
        assert look(project) == (True, True)
        assert len(history(project)) == 2
    assert (False, False) in seen


# --- two at once ----------------------------------------------------------------------------------------------------

RIVAL = """
import sys
from signals.model import SignalsError
from signals.review import load
from signals.versions import ConflictError, current, save
project, me, rounds = load(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True); sys.stdin.readline()
conflicts = 0
for turn in range(1, rounds + 1):
    old = "# " + me + ": " + str(turn - 1)
    text, base = current(project)
    text = text.replace(old + "\\n", "# " + me + ": " + str(turn) + "\\n")
    while True:
        try:
            save(project, text, base=base, by=me, because=str(turn))
            break
        except ConflictError as told:
            conflicts += 1
            assert told.who != me and told.merged is not None, (told.who, me)
            text, base = told.merged, told.base
print(conflicts)
"""


@pytest.mark.parametrize("machines", [1, 2])
def test_two_savers_at_once_both_keep_every_edit(machines: int, fresh_url: Callable[[], str], tmp_path: Path) -> None:
    """In one folder, and from two folders over one store."""
    rounds, url = 8, fresh_url()
    folders = [tmp_path / f"machine{number % machines}" for number in range(2)]
    projects = [project_in(folder, url) for folder in folders]
    processes = [
        child(RIVAL, str(folder), name, str(rounds)) for folder, name in zip(folders, ("ann", "bob"), strict=True)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    conflicts = [int(finish(process)) for process in processes]
    versions = history(projects[0])
    assert {(one.by, one.because) for one in versions if one.by != "unknown"} == {
        (name, str(turn)) for name in ("ann", "bob") for turn in range(1, rounds + 1)
    }
    assert len(versions) == 2 * rounds + 1
    # Each version was made from the one before it: nobody wrote over an edit that they had not seen.
    assert [one.parent for one in versions[:-1]] == [one.hash for one in versions[1:]]
    newest = versions[0]
    assert f"# ann: {rounds}\n" in newest.text
    assert f"# bob: {rounds}\n" in newest.text
    assert newest.text in [current(project)[0] for project in projects]
    assert store_of(projects[0]).verify_audit() == []
    # In one folder it is chance how often they meet; from two, the other's file is always behind.
    assert machines == 1 or sum(conflicts) > 0
