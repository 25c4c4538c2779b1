"""One debt: what will make signals disagree tomorrow, why it matters, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Kind = Literal[
    "unjudged", "override-expired", "source-failing", "source-silent", "source-idle", "signal-unfed", "never-heard",
    "check-warns", "judge-changed", "overlap-small", "golden-set-old", "no-margin", "policy-review", "no-owner",
]  # fmt: skip
Severity = Literal["high", "medium", "low"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind, the most urgent first among debts of one severity."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

TITLES: Mapping[Kind, str] = {
    "unjudged": "Releases",
    "override-expired": "Expired override",
    "source-failing": "Failing source",
    "source-silent": "New rows",
    "source-idle": "Unused source",
    "signal-unfed": "Signal without source",
    "never-heard": "Unheard signal",
    "check-warns": "Check over time",
    "judge-changed": "Judge version",
    "overlap-small": "People's labels",
    "golden-set-old": "Golden set",
    "no-margin": "Margin",
    "policy-review": "Policy review",
    "no-owner": "Owner",
}
"""What each kind is about, in two or three words: a heading that also fits what is not known."""

NOT_KNOWN = "not known: "
"""How ``what`` begins when a kind could not be judged: no data never reads as fine."""


@dataclass(frozen=True)
class Debt:
    """One thing that makes tomorrow's disagreement likely.

    Attributes:
        kind: Which rule found it.
        severity: ``high``: the next verdict may already rest on it. ``medium``: it weakens one. ``low``: keep an eye
            on it, or it is not known.
        subject: The signal, the source, the release, or ``policy``.
        what: One sentence; begins with "not known: " when it could not be judged.
        why: One sentence: why it matters.
        remedy: What to do.
        since: From when on, as far as that is known (UTC).
        owner: Who can do it; empty when nobody is named.
    """

    kind: Kind
    severity: Severity
    subject: str
    what: str
    why: str
    remedy: str
    since: datetime | None = None
    owner: str = ""

    @property
    def known(self) -> bool:
        """False when this line says that something could not be judged."""
        return not self.what.startswith(NOT_KNOWN)


def urgent_first(found: Iterable[Debt]) -> tuple[Debt, ...]:
    """By severity; then what is known before what is not; then by kind, the oldest first, and by name."""
    return tuple(
        sorted(
            found,
            key=lambda one: (
                SEVERITIES.index(one.severity), not one.known, KINDS.index(one.kind),
                one.since.timestamp() if one.since else float("inf"), one.subject, one.what,
            ),
        )
    )  # fmt: skip


_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s'\"]*@)?([^\s?#'\"]*)(?:[?#][^\s'\"]*)?")


def masked(text: str) -> str:
    """The text with every address cut down to where it leads: no user, no password, no query.

    >>> masked("cannot reach postgresql://ann:geheim@db.example/eval?key=k1: refused")
    'cannot reach postgresql://db.example/eval refused'
    """
    return _ADDRESS.sub(r"\1\2", text)


def sentence(text: str) -> str:
    """With a full stop; a name that it begins with keeps its case."""
    return f"{text.strip()}{'' if text.strip().endswith(('.', '?', '!')) else '.'}"
