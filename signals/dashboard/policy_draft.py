"""The draft that somebody edits: kept in the session, so that it survives other pages and other people's saves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from signals.model import Project

if TYPE_CHECKING:
    from signals.versions import Version

KEY = "policy draft"
HALF = re.compile("[\ud800-\udfff]")  # half a character, which a browser can hold and no file can


@dataclass(frozen=True)
class Draft:
    """A text and the version of the policy that it started from.

    Attributes:
        text: As it stands in the editor, with the line ends of the file.
        base: The text when the edit began.
        base_hash: Its hash: a save goes through only while nothing is newer.
        number: Raised when the page puts another text into the editor.
        sent: The number of the editor's last message, so that its answer is not taken for that of a later one.
    """

    text: str
    base: str
    base_hash: str
    number: int = 1
    sent: int = 0

    @property
    def changed(self) -> bool:
        """Whether there is anything to save."""
        return self.text != self.base


@dataclass(frozen=True)
class Head:
    """The newest text of the policy.

    Attributes:
        text: The file's; when the file is an older version (somebody saved on another machine), the newest version's.
        hash: Of that text.
        version: The newest version, when the text is its; None for a file that was edited elsewhere, or never saved.
        behind: Whether the file here is older.
        versions: All of them, newest first.
    """

    text: str
    hash: str
    version: Version | None
    behind: bool
    versions: tuple[Version, ...]


def head_of(project: Project) -> Head:
    """Look at the file and at the versions.

    Raises:
        SignalsError: The file or the store cannot be read.
    """
    from signals.versions import current, history

    text, found = current(project)
    versions = history(project)
    newest = versions[0] if versions else None
    if newest is not None and newest.hash != found and any(one.hash == found for one in versions):
        return Head(newest.text, newest.hash, newest, behind=True, versions=versions)
    mine = newest if newest is not None and newest.hash == found else None
    return Head(text, found, mine, behind=False, versions=versions)


def draft_of(head: Head) -> Draft:
    """The draft; one that nobody touched follows the policy."""
    kept: Draft | None = st.session_state.get(KEY)
    if kept is None:
        kept = keep(Draft(head.text, head.text, head.hash))
    elif not kept.changed and kept.base_hash != head.hash:
        kept = keep(Draft(head.text, head.text, head.hash, kept.number + 1))
    elif kept.text == head.text:
        kept = keep(replace(kept, base=head.text, base_hash=head.hash))  # somebody saved the same text
    return kept


def keep(draft: Draft) -> Draft:
    """Remember it."""
    st.session_state[KEY] = draft
    return draft


def put(text: str, base: str, base_hash: str) -> None:
    """Put another text into the editor, as an edit of ``base``."""
    kept: Draft | None = st.session_state.get(KEY)
    keep(Draft(text, base, base_hash, kept.number + 1 if kept else 1))


def typed(text: str, number: int, sent: int = 0) -> None:
    """What somebody typed, unless it belongs to a text that the page has replaced since."""
    kept: Draft | None = st.session_state.get(KEY)
    if kept is not None and number == kept.number:
        keep(replace(kept, text=as_in_file(text, kept.base), sent=sent))


def as_in_file(text: str, base: str) -> str:
    """The text as a file can hold it, with the file's line ends: editors in a browser know only one kind."""
    plain = HALF.sub("\ufffd", text).replace("\r\n", "\n")
    if plain == base.replace("\r\n", "\n"):
        return base
    windows = "\r\n" in base and "\n" not in base.replace("\r\n", "")
    return plain.replace("\n", "\r\n") if windows else plain
