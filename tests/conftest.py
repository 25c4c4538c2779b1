"""Fixtures that more than one folder uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

pytest_plugins = ["tests.postgres"]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: who drives a browser or a server waits for it a quarter of the time."""
    return (os.cpu_count() or 1) + 1


ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is folded to the terminal, and a run in the background has none: say how wide it is."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data kept beside the checkout; tests that use it skip when it is absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("real data sets are not beside this checkout")
    return path


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a store that holds the bundled example, pulled once per worker, with its numbers computed."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'signals.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNALS_STORE", url)
        from signals.pull import pull
        from signals.review import load, review, store_of

        project = load(ROOT)
        reports = pull(project, store_of(project))
        assert not [report.error for report in reports if report.error]
        for release in project.releases:
            review(release.id, project)
        store_of(project).close()  # what was written is in the one file then, which tests copy
    return url
