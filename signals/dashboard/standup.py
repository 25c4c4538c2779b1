"""What the Verdict page shows of a release, kept until something that it follows from changes.

A standup is forty people who open one page: what was made for the first of them serves the others. Each time the texts
of the project and the state of the store are looked at, which takes a fraction of a millisecond; a verdict is never
shown after its policy, its evidence or its decisions have changed.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from signals.dashboard import cards
from signals.dashboard.subject import signal_of
from signals.memo import Memo
from signals.model import Project

if TYPE_CHECKING:
    from signals.model import Decision, DecisionOutcome, Override
    from signals.review import Review

MOVING = 5.0
"""Seconds that a verdict as of now stands: its ages and its as-of time are shown in whole minutes at the finest."""

KEPT = 64
"""Releases that are kept in memory; a mature project declares more, and nobody looks at all of them in one morning."""


State = tuple[object, ...]


@dataclass(frozen=True)
class Standup:
    """A release as the page shows it.

    Attributes:
        found: The verdict with what it was made from.
        memo: It in words; without its explanation as long as that is being made.
        state: What it follows from, as it was before it was made.
    """

    found: Review
    memo: Memo
    state: State

    @cached_property
    def screen(self) -> tuple[str, str, str]:
        """Banner, what is compared, and the cards as HTML: written once for everybody who looks."""
        banner = cards.banner(self.memo, signal_of(self.found.verdict))
        return banner, cards.wrap(cards.meta(self.memo)), cards.wrap(cards.body(self.memo))

    @cached_property
    def recorded(self) -> tuple[tuple[Decision, ...], tuple[Override, ...], tuple[DecisionOutcome, ...]]:
        """All that people decided; with one more of it the state is another, and this is read again."""
        from signals.review import store_of

        return store_of(self.found.project).recorded()


class _Kept:
    """What was made, the oldest forgotten first; threads share it, and one of them makes what several ask for."""

    def __init__(self) -> None:
        self.guard = Lock()
        self.made: dict[tuple[str, str], tuple[float, Standup]] = {}
        self.making: dict[tuple[str, str], Lock] = {}

    def get(self, key: tuple[str, str], state: State, *, moving: bool) -> Standup | None:
        with self.guard:
            when, made = self.made.get(key, (0.0, None))
        fresh = not moving or time.monotonic() - when < MOVING
        return made if made is not None and fresh and made.state == state else None

    def put(self, key: tuple[str, str], made: Standup) -> None:
        with self.guard:
            self.made.pop(key, None)
            self.made[key] = (time.monotonic(), made)
            while len(self.made) > KEPT:
                self.made.pop(next(iter(self.made)))

    def lock(self, key: tuple[str, str]) -> Lock:
        with self.guard:
            return self.making.setdefault(key, Lock())


_kept = _Kept()


def project_in(root: Path) -> Project:
    """The project in a folder, read again when its text or the environment has changed.

    Raises:
        SignalsError: When it does not load.
    """
    from signals.project import SOURCES
    from signals.strictyaml import read_text

    return _loaded(root, read_text(root / SOURCES), tuple(sorted(os.environ.items())))


@lru_cache(maxsize=4)
def _loaded(root: Path, *_made_from: object) -> Project:
    """Kept by what a project is made from: its text and the environment are the reason to read it again."""
    from signals.review import load

    return load(root)


def warm(root: Path) -> None:
    """Make what the page shows of the newest release, for those who come first.

    Raises:
        SignalsError: When there is no such page.
    """
    project = project_in(root)
    if project.releases:
        asked = Asked(project, project.newest.id)
        if asked.at_hand() is None:
            asked.explained(asked.verdict())


class Asked:
    """One release that a page is about to show."""

    def __init__(self, project: Project, release: str) -> None:
        self.project = project
        self.release = release
        self.key = (str(project.root), release)
        self.moving = any(one.id == release and one.as_of is None for one in project.releases)

    def at_hand(self) -> Standup | None:
        """It with its explanation, when nothing has changed since it was made."""
        return _kept.get(self.key, self._state(), moving=self.moving)

    def verdict(self) -> Standup:
        """It without its explanation; seconds where evidence has changed.

        Raises:
            SignalsError: As ``review``.
        """
        from signals.review import review

        state = self._state()
        found = review(self.release, self.project)
        return Standup(found, found.memo(explained=False), state)

    def explained(self, first: Standup) -> Standup:
        """The same with its explanation; seconds where evidence or policy has changed.

        Raises:
            SignalsError: When it cannot be explained.
        """
        with _kept.lock(self.key):  # forty who ask at once wait for one answer
            return self.at_hand() or self._made(first)

    def _made(self, first: Standup) -> Standup:
        made = replace(first, memo=first.found.memo())
        if made.found.policy.text in made.state and made.state == self._state():  # nothing changed meanwhile
            _kept.put(self.key, made)
        return made

    def _state(self) -> State:
        """All that a verdict follows from, but the time: the project as it was read, the policy, and the store."""
        from signals.review import store_of
        from signals.strictyaml import read_text

        with store_of(self.project).look() as look:
            pulled = look.last_attempts([source.name for source in self.project.sources])
            held = look.newest_pull(), pulled, look.audit_head()
        return self.project, read_text(self.project.policy_path), *held
