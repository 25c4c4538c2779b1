"""Versions of the policy: who saved which text, when and why, and how a person or a command names one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signals.model import Project, SignalsError
from signals.policyfile import text_hash
from signals.review import parsed, policy_of, store_of
from signals.saving import ConflictError, save
from signals.store import Version

if TYPE_CHECKING:
    from signals.policy import Policy

__all__ = ["ConflictError", "Version", "current", "find", "history", "resolve", "save"]

MIN_PREFIX = 4  # hexadecimal digits that name a hash


def history(project: Project) -> tuple[Version, ...]:
    """Every saved version, newest first."""
    return store_of(project).versions()


def current(project: Project) -> tuple[str, str]:
    """Text and hash of the policy file as it stands, whether it loads or not.

    Raises:
        SignalsError: When it cannot be read.
    """
    from signals.strictyaml import read_text

    text = read_text(project.policy_path)
    return text, text_hash(text)


def find(project: Project, ref: str | int) -> Version:
    """A version by its number (``3``, ``v3``) or the beginning of its hash; of several with that text the newest.

    Raises:
        SignalsError: When there is none, or several texts begin so.
    """
    word = str(ref).strip()
    versions = history(project)
    number = word.lower().removeprefix("v")
    if number.isascii() and number.isdigit():
        for version in versions:
            if version.number == int(number):
                return version
    start = _prefix(word)
    if start:
        alike = [version for version in versions if version.hash.startswith(start)]
        if len({version.hash for version in alike}) > 1:
            numbers = ", ".join(f"v{version.number}" for version in alike)
            raise SignalsError(f"{word!r} begins the hash of several versions: {numbers}", "Give more digits")
        if alike:
            return alike[0]
    if not versions:
        raise SignalsError(f"there is no version {word!r}: none was saved yet", "Run `signals policy save`")
    known = f"v1 to v{versions[0].number}" if versions[0].number > 1 else "v1"
    raise SignalsError(f"there is no version {word!r} of the policy", f"Known: {known}; see `signals policy log`")


def resolve(project: Project, ref: str | Path) -> Policy:
    """The policy that a command means: a file that exists, else a version, else any text that the store kept.

    Raises:
        SignalsError: When it is none of them, or does not load.
    """
    if Path(ref).exists():
        return policy_of(project, ref)
    word = str(ref)
    store = store_of(project)
    try:
        version = find(project, word)
    except SignalsError as error:
        # Policies that people decided under are kept too, whether or not they were saved as versions.
        start = _prefix(word)
        hashes = store.policy_hashes(start) if start else ()
        text = store.policy_text(hashes[0]) if len(hashes) == 1 else None
        if text is None:
            remedy = "" if store.versions() else "Check the file's name"
            raise SignalsError(
                f"{word}: no such file, and {error.problems[0].what}", remedy or error.problems[0].remedy
            ) from None
        return parsed(text, f"{project.policy_path.name} ({hashes[0][:15]})")
    return parsed(version.text, f"{project.policy_path.name} (v{version.number})")


def _prefix(word: str) -> str:
    """``sha256:`` plus the digits, when the word is the beginning of a hash."""
    digits = word.lower().removeprefix("sha256:")
    return f"sha256:{digits}" if len(digits) >= MIN_PREFIX and not digits.strip("0123456789abcdef") else ""
