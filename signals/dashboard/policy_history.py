"""The versions of the policy: who changed what, when and why, and what a release would be under any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import cards, policy_check, policy_draft, policy_panels
from signals.dashboard.marks import plain
from signals.dashboard.policy_draft import Head
from signals.memo.phrases import clean
from signals.model import Project, SignalsError
from signals.words import moment

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.versions import Version

NEWEST = 200  # versions that anyone could still pick from a list


def panel(project: Project, head: Head) -> None:
    """The list of versions, and one of them in full."""
    versions = head.versions[:NEWEST]
    if not versions:
        st.html(cards.wrap(policy_panels.line("No version was saved yet: the first save starts the history.")))
        return
    by_number = {one.number: one for one in versions}
    number = st.radio(
        "Version", list(by_number), format_func=lambda one: _label(by_number[one]),
        captions=[_reason(one) for one in versions], key="policy-version", label_visibility="collapsed",
    )  # fmt: skip
    place = next((at for at, one in enumerate(versions) if one.number == number), 0)
    older = versions[place + 1] if place + 1 < len(versions) else None
    _one(project, versions[place], older, head)


def _label(version: Version) -> str:
    weak = " · :red[weakens protection]" if version.weakens else ""
    return f"**Version {version.number}** · {moment(version.at)} · {_plain(version.by) or 'nobody named'}{weak}"


def _reason(version: Version) -> str:
    return _plain(version.because) or "no reason given"


def _plain(text: str) -> str:
    """Text from outside for a label that reads Markdown."""
    return plain(clean(text)[:300])


def _one(project: Project, version: Version, older: Version | None, head: Head) -> None:
    parts = []
    if older is not None:
        parts += [
            _words(older, version, project.policy_path.name),
            policy_panels.text_diff(older.text, version.text, f"What version {version.number} changed"),
        ]
    else:
        parts.append(policy_panels.line("The first version that was kept."))
    title = f"What version {version.number} changed"
    st.html(cards.wrap(policy_panels.card(title, *parts)))
    row = st.container(horizontal=True, vertical_alignment="bottom", key="policy-version-ways")
    ids = [release.id for release in project.releases]
    release = row.selectbox("Decide under this version", ids, key="policy-version-release") if ids else None
    row.button(
        "Open in the editor", key="policy-version-open", on_click=policy_draft.put,
        args=(version.text, head.text, head.hash), disabled=version.text == head.text,
        help="Puts this text into the editor as a draft; saving it makes a new version.",
    )  # fmt: skip
    if release is not None:
        st.html(cards.wrap(_decided(project, release, version)))


def _words(older: Version, version: Version, file: str) -> str:
    """What the change decided differently, when both texts still load."""
    from signals.review import parsed

    try:
        before, after = parsed(older.text, file), parsed(version.text, file)
    except SignalsError:
        return policy_panels.line("One of the two texts does not load today, so only the lines are shown.")
    found = policy_check.difference(before, after)
    return f'<p class="told">{policy_panels.badge(found)}</p>{policy_panels.changes(found)}'


def banner(project: Project, release: str, policy: Policy) -> str:
    """The verdict of a release under a policy; a problem in words when there is none."""
    from signals.review import review

    try:
        found = review(release, project, policy=policy)
    except SignalsError as error:
        return cards.problem(f"No verdict for {release}", error)
    return cards.banner(found.memo(explained=False))


def _decided(project: Project, release: str, version: Version) -> str:
    from signals.review import parsed

    try:
        policy = parsed(version.text, project.policy_path.name)
    except SignalsError as error:
        return cards.problem(f"Version {version.number} does not load today", error)
    return banner(project, release, policy)
