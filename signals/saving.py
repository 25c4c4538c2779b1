"""Saving a text as the policy without losing anybody's edit.

The file ``hierarchy.yaml`` is what decides; the store keeps every text that was saved, with its entry in the audit
chain. A save first records the version and then puts the file in place, each under the store's write lock, so that a
process that is stopped at any moment leaves the old file whole, or the new one with its version. What the file holds
without a version (somebody used another editor) becomes a version before anything is written over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from signals.model import Project, SignalsError
from signals.policy import run_tests
from signals.policyfile import Standing, discard, prepare, put_in_place, standing
from signals.review import misplaced, parsed, store_of
from signals.roles import Person, require, who
from signals.store import Store, Version

if TYPE_CHECKING:
    from signals.policy import Policy

OUTSIDE = "edited outside Signals"
FOUND = "as it stood when the first version was saved"
NOBODY = "unknown"

ATTEMPTS = 20  # looks at a file and a store that somebody keeps changing; each takes a fraction of a second
MAX_WORDS = 10_000  # characters of a name or a reason


class ConflictError(SignalsError):
    """Somebody else's text stands where the editor's base stood. Nothing was written, and nothing is lost.

    ``base_text`` is the text that the editor started from (None when the store never saw it), ``theirs`` the text that
    is newer, with ``who``, ``when`` and ``why``. ``merged`` joins both edits, None when they touch the same lines.
    To save over theirs with open eyes, save with ``base`` (its hash).
    """

    def __init__(self, theirs: Version, base_text: str | None, merged: str | None) -> None:
        when = f"{theirs.at:%Y-%m-%d %H:%M} UTC"
        super().__init__(
            f"the policy changed since you began: v{theirs.number} by {theirs.by}, {when}: {theirs.because}",
            f"Join the two, then save with base v{theirs.number}",
        )
        self.version = theirs
        self.base_text = base_text
        self.merged = merged

    @property
    def theirs(self) -> str:
        """The newer text."""
        return self.version.text

    @property
    def base(self) -> str:
        """Hash of the newer text: what the next attempt starts from."""
        return self.version.hash

    @property
    def who(self) -> str:
        """Who saved it; ``unknown`` when it was edited outside Signals."""
        return self.version.by

    @property
    def when(self) -> datetime:
        """When it was saved, or first seen here."""
        return self.version.at

    @property
    def why(self) -> str:
        """Their reason."""
        return self.version.because


@dataclass(frozen=True)
class _Draft:
    """A version to be recorded."""

    text: str
    name: str
    parent: str | None
    by: str
    because: str
    weakens: bool


@dataclass(frozen=True)
class _Plan:
    """What a save does, given the file and the newest version: what it records, whose edit stops it, what it writes."""

    drafts: tuple[_Draft, ...]
    conflict: bool  # with the last draft, or with the newest version when there is none
    write: bool


def save(
    project: Project, text: str, *, base: str | None, by: str, because: str, person: Person | None = None
) -> Version:
    """Save a text as the policy: a new version in the store, and the file written exactly so.

    Comments and layout are kept, and so are Windows line ends when the file has them. Saving an older text again
    makes a new version with the same hash. A text that stands in the file already, and that no version knows, is
    recorded without writing.

    Args:
        project: Whose policy.
        text: The whole new text.
        base: Hash of the text that the editor started from.
        by: Who saves; when ``person`` is given, it is that person, whatever is written here.
        because: Why.
        person: Who signed in; None when nobody has to.

    Raises:
        ConflictError: When the file or the newest version is not ``base`` any more.
        SignalsError: When the person may not save the policy, the text does not load, one of its own tests fails, a
            source would lose its signal, nothing changed, who or why is missing, or the file cannot be written.
    """
    require(person, "editor", "save the policy")
    by, because = _said(who(person, by), "who saves it"), _said(because, "a reason")
    _said(text, "a text", most=None)
    store = store_of(project)
    text = standing(project.policy_path).in_style(text)
    policy = parsed(text, project.policy_path.name)
    _fits(project, policy)
    for _ in range(ATTEMPTS):
        file, versions = standing(project.policy_path), store.versions()
        plan = _plan(file, versions, policy, base, by, because)
        ready = prepare(file, text) if plan.write else None
        try:
            saved = _recorded(store, file, versions, plan)
            if saved is None:
                continue  # somebody saved, or edited the file, while we looked: look again
            if plan.conflict:
                raise _conflict(store, file, versions, saved, base, text)
            if ready is not None:
                _in_force(store, file, ready, saved)
            return saved
        finally:
            discard(ready)
    raise SignalsError(f"{project.policy_path.name} keeps changing while it is saved", "Try again")


def _fits(project: Project, policy: Policy) -> None:
    """A policy that breaks its own tests, or that the sources do not fit, is not put in force."""
    failing = [result for result in run_tests(policy) if not result.passed]
    if failing:
        place = f" (line {failing[0].line})" if failing[0].line else ""
        count = f"{len(failing)} of the policy's {len(policy.tests)} tests fail"
        raise SignalsError(
            f"{count}, first “{failing[0].name}”{place}: {failing[0].problems[0]}",
            "Change the rule, or the test with it",
        )
    problems = misplaced(project, policy)
    if problems:
        raise SignalsError(problems)


def _said(words: str, what: str, most: int | None = MAX_WORDS) -> str:
    words = words.strip() if most else words
    if not words.strip():
        raise SignalsError(f"a version needs {what}", "Give --by WHO and --because TEXT")
    if "\0" in words or not _whole(words):
        raise SignalsError(f"{what} holds a NUL character or half a character", "Type it again")
    if most and len(words) > most:
        raise SignalsError(f"{what} is {len(words):,} characters; at most {most:,}", "Say it shorter")
    return words


def _whole(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plan(
    file: Standing, versions: tuple[Version, ...], policy: Policy, base: str | None, by: str, because: str
) -> _Plan:
    """Decide without writing.

    ``base`` must be the newest text there is. That is the file's, when the file is the newest version or nobody's
    version; it is the newest version's, when the file is an older one (another machine saved into the shared store,
    or a save was stopped before it wrote).
    """
    newest = versions[0].hash if versions else None
    unknown = file.hash is not None and all(version.hash != file.hash for version in versions)
    if file.hash == policy.hash and file.hash == newest:
        raise SignalsError(f"nothing changed: this is v{versions[0].number} already", "Edit it first")
    if file.hash == policy.hash:
        agreed = newest is None or base == newest or (unknown and base == file.hash)
        drafts = [_draft(policy, newest, versions, by, because)] if agreed else []
        return _Plan(tuple(drafts), not agreed, write=False)
    found = []
    if unknown and file.text is not None:
        found.append(_outside(file.text, newest, versions))
        newest = file.hash
    elif policy.hash == newest:
        return _Plan((), conflict=False, write=True)  # recorded already: only the file is behind
    if newest is not None and base != newest:
        return _Plan(tuple(found), conflict=True, write=False)
    earlier = (file.text or "", *(version.text for version in versions)) if unknown else _texts(versions)
    weakens = _weakens(earlier, policy)
    draft = _Draft(policy.text, policy.name, newest, by, because, weakens)
    return _Plan((*found, draft), conflict=False, write=True)


def _draft(policy: Policy, parent: str | None, versions: tuple[Version, ...], by: str, because: str) -> _Draft:
    return _Draft(policy.text, policy.name, parent, by, because, _weakens(_texts(versions), policy))


def _outside(text: str, parent: str | None, versions: tuple[Version, ...]) -> _Draft:
    """What stands in the file and nobody saved here; it is kept even when it does not load."""
    because = OUTSIDE if versions else FOUND
    try:
        policy = parsed(text, "hierarchy.yaml")
    except SignalsError:
        return _Draft(text, "", parent, NOBODY, because, weakens=False)
    return _Draft(text, policy.name, parent, NOBODY, because, _weakens(_texts(versions), policy))


def _texts(versions: tuple[Version, ...]) -> tuple[str, ...]:
    return tuple(version.text for version in versions)


def _weakens(earlier: tuple[str, ...], policy: Policy) -> bool:
    """Whether the policy protects less than the newest earlier text that loads; without one it cannot."""
    from signals.workbench.edits.diff import compare

    for text in earlier:
        try:
            old = parsed(text, policy.file)
        except SignalsError:
            continue
        try:
            return compare(old, policy).weakens
        except SignalsError:
            return True  # nobody can show that it does not
    return False


def _recorded(store: Store, file: Standing, versions: tuple[Version, ...], plan: _Plan) -> Version | None:
    """Record the plan's versions under the lock; the last one, or the newest there was. None when it came too late."""
    with store.version_log() as log:
        newest = log.newest()
        if (newest.number if newest else 0) != (versions[0].number if versions else 0) or standing(file.path) != file:
            return None
        saved = newest
        for draft in plan.drafts:
            saved = log.add(
                draft.text, draft.name, parent=draft.parent, by=draft.by, because=draft.because, weakens=draft.weakens
            )
    assert saved is not None  # noqa: S101 - a plan without drafts has a newest version to write or to give way to
    return saved


def _in_force(store: Store, file: Standing, ready: Path, saved: Version) -> None:
    """Put the file in place, unless somebody has saved a newer version in the meantime (who then writes the file)."""
    with store.version_log() as log:
        newest = log.newest()
        if newest is None or newest.number != saved.number:
            return
        if standing(file.path) != file:
            raise SignalsError(
                f"{file.path.name} was edited outside Signals at the same moment, and was left as it is; your text is "
                f"kept as v{saved.number}",
                "Look at both, then save again",
            )
        try:
            put_in_place(ready, file)
        except SignalsError as error:
            raise SignalsError(f"{error} Your text is kept as v{saved.number}") from None


def _conflict(
    store: Store, file: Standing, versions: tuple[Version, ...], theirs: Version, base: str | None, mine: str
) -> ConflictError:
    from signals.workbench.edits.merge import merge

    texts = {version.hash: version.text for version in versions}
    if file.hash is not None and file.text is not None:
        texts[file.hash] = file.text
    old = texts.get(base or "") or (store.policy_text(base) if base else None)
    return ConflictError(theirs, old, merge(old, mine, theirs.text) if old is not None else None)
