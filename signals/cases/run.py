"""One run of a case: write its project, pull, review, and hold the verdict against what is right."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from signals.cases.case import Case, Right, Setting
from signals.model import Call, Project, SignalsError, Verdict

if TYPE_CHECKING:
    from signals.review import Review
    from signals.store import PullReport


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes:
        case: Which.
        setting: Seed, strength, size.
        folder: The project.
        pulled: One report per source.
        review: The verdict with what it was made from; its explanation is computed when it is asked for.
        seen: The reasons that it names, as ``Right`` spells them.
        right: What is right of this release.
    """

    case: Case
    setting: Setting
    folder: Path
    pulled: tuple[PullReport, ...]
    review: Review
    seen: frozenset[str]
    right: Right

    @property
    def verdict(self) -> Verdict:
        """The verdict of the review."""
        return self.review.verdict

    @property
    def call(self) -> Call:
        """Its call."""
        return self.verdict.call

    @property
    def right_call(self) -> bool:
        """Whether the call is one that is right."""
        return self.call in self.right.calls

    @property
    def right_reason(self) -> bool:
        """Whether every group of reasons is met by one of its members."""
        return all(any(name in self.seen for name in group) for group in self.right.reasons)

    @property
    def accused(self) -> frozenset[str]:
        """Failed checks, fired guardrails and blamed causes that the case does not name: wrong accusations."""
        from signals.cases.seen import accusations

        return accusations(self.seen) - {name for group in self.right.reasons for name in group}


def run(case: Case, setting: Setting, folder: Path) -> Run:
    """Write a case into a folder, pull its evidence, and review its release.

    Args:
        case: Which.
        setting: Seed, strength, size.
        folder: Empty, or not there yet. The store is kept in it, whatever ``SIGNALS_STORE`` says: made-up evidence
            never reaches a store that people work with.

    Raises:
        SignalsError: When the folder holds files, or a source of the case cannot be read and is not meant to fail.
    """
    from signals.cases.seen import seen
    from signals.pull import pull
    from signals.review import review, store_of

    project = written(case, setting, folder)
    project = replace(project, store_url=f"sqlite:///{project.root / 'data' / 'signals.db'}")
    _lay(project)
    store = store_of(project)
    try:
        pulled = pull(project, store)
        found = review(case.release, project)
        names = seen(found)
    finally:
        store.close()
    return Run(case, setting, folder, pulled, found, names, right_of(case, setting))


def written(case: Case, setting: Setting, folder: Path) -> Project:
    """The project of a case, written into an empty folder."""
    from signals.review import load

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SignalsError(f"{folder} is not an empty folder", "Name one that is empty or not there yet")
    try:
        case.write(folder, setting)
    except OSError as error:
        raise SignalsError(f"{folder}: cannot be written: {error.strerror}", "Choose another folder") from None
    return load(folder.resolve())


def right_of(case: Case, setting: Setting) -> Right:
    """What is right of it: at strength 0 of the twin; with less evidence than the story has, what it says of that."""
    if setting.strength <= 0.0:
        return case.clean
    return case.early if setting.size < 1.0 and case.early is not None else case.wrong


def _lay(project: Project) -> None:
    """Put an empty store in place: migrating a new one would be a tenth of a run."""
    target = project.root / "data" / "signals.db"
    if not target.exists():
        target.write_bytes(_empty())


@cache
def _empty() -> bytes:
    from signals.store import open_store

    with tempfile.TemporaryDirectory(prefix="signals-") as scratch:
        path = Path(scratch) / "empty.db"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()
