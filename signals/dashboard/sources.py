"""The Sources page: how each source does, and what makes the next disagreement likely. It draws a ``survey``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from signals.dashboard import cards
from signals.dashboard.marks import with_code
from signals.memo.phrases import SYNTHETIC, clean
from signals.model import Project, SetAside, SignalsError
from signals.words import count, moment, plural

if TYPE_CHECKING:
    from signals.debt import Debt, SourceHealth, Survey

MARKS = {
    "failing": ("✕", "fail"), "never pulled": ("✕", "fail"), "not used": ("✕", "fail"), "silent": ("!", "warn"),
    "not known": ("?", "unsure"), "nothing due": ("·", "soft"), "fine": ("✓", "pass"),
}  # fmt: skip
COLUMNS = ("Source", "Status", "Rows kept", "Set aside", "Newest evidence", "Last pull")
REASONS = 3
"""Reasons for setting rows aside that stand in the open."""
FOLD = 6
"""Debts from which on the low ones are folded away behind their number."""


def page(root: Path) -> None:
    """Draw the sources and the debts of the project in ``root``."""
    from signals.debt import survey
    from signals.review import load

    try:
        project = load(root)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The project in this folder does not load", error)))
        return
    try:
        found = survey(project)
    except SignalsError as error:
        st.html(cards.wrap(cards.problem("The sources cannot be looked at", error)))
        return
    st.html(cards.wrap(meta(project, found)))
    st.html(cards.wrap(f'<div class="grid stock">{sources_card(found.sources)}{debts_card(found.debts)}</div>'))


def meta(project: Project, found: Survey) -> str:
    """How many sources, as of when, under which policy."""
    mark = (
        f'<span class="synthetic" title="{escape(SYNTHETIC)}">{cards.SYNTHETIC_TAG}</span>'
        if any(release.synthetic for release in project.releases)
        else ""
    )
    told = f"{plural(len(found.sources), 'sources')} · judged at {moment(found.now)} · policy {clean(found.policy)}"
    return f'<div class="meta"><span>{escape(told)}</span>{mark}</div>'


# --- sources --------------------------------------------------------------------------------------------------------


def sources_card(sources: Sequence[SourceHealth]) -> str:
    """One row per source; under it, why rows were set aside."""
    head = "".join(f'<th scope="col"{_numeric(name)}>{name}</th>' for name in COLUMNS)
    rows = "".join(_source(one) for one in sources)
    tally = " · ".join(
        f"{number} {status}" if MARKS[status][1] == "soft" else f"{MARKS[status][0]} {number} {status}"
        for status in MARKS
        if (number := sum(one.status == status for one in sources))
    )
    table = (
        f'<table class="stock"><thead><tr>{head}</tr></thead>{rows}</table>'
        if sources
        else '<p class="small">No source is declared: add one under <code>sources:</code> in data/sources.yaml.</p>'
    )
    return (
        f'<section class="card" aria-label="Sources"><h2>Sources<span class="small">{escape(tally)}</span></h2>'
        f"{table}</section>"
    )


def _source(one: SourceHealth) -> str:
    mark, tone = MARKS[one.status]
    name = (
        f'<th scope="row"><b>{escape(clean(one.name))}</b>'
        f'<span class="small">{escape(clean(one.signal))} · {escape(clean(one.connector))}</span></th>'
    )
    since = f" · since {moment(one.since.date())}" if one.since else ""
    status = (
        f'<td class="wide" data-name="Status"><span class="mark {tone}" aria-hidden="true">{mark}</span>'
        f'<b>{escape(one.status)}</b><span class="small">{escape(clean(one.why))}{since}</span></td>'
    )
    aside = sum(entry.rows for entry in one.set_aside)
    kept = "–" if one.kept is None else f"{count(one.kept)}{_of(one.read)}"
    cells = (
        _cell("Rows kept", kept), _cell("Set aside", "–" if one.kept is None else count(aside)),
        _cell("Newest evidence", _when(one.newest)), _cell("Last pull", _when(one.pulled)),
    )  # fmt: skip
    below = f'<tr class="below"><td colspan="{len(COLUMNS)}">{_reasons(one.set_aside)}</td></tr>' if aside else ""
    return f"<tbody><tr>{name}{status}{''.join(cells)}</tr>{below}</tbody>"


def _cell(name: str, text: str) -> str:
    return f'<td data-name="{name}"{_numeric(name)}>{text}</td>'


def _numeric(name: str) -> str:
    return ' class="number"' if name in ("Rows kept", "Set aside") else ""


def _of(read: int | None) -> str:
    return "" if read is None else f'<span class="small">of {count(read)} read</span>'


def _when(when: datetime | None) -> str:
    """Day, and the time under it; evidence that is known by its day has none."""
    if when is None:
        return "–"
    day, _, clock = moment(when).partition(", ")
    known = not when.hour == when.minute == when.second == 0
    return f"{day}{f'<span class=small>{clock}</span>' if known else ''}"


def _reasons(entries: Sequence[SetAside]) -> str:
    lines = [f"{plural(entry.rows, 'rows')} set aside{_arm(entry)}: {clean(entry.why)}" for entry in entries]
    shown = "".join(f'<span class="small">{escape(line)}</span>' for line in lines[:REASONS])
    rest = lines[REASONS:]
    if not rest:
        return shown
    more = "".join(f'<span class="small">{escape(line)}</span>' for line in rest)
    return f"{shown}<details><summary>{plural(len(rest), 'more reasons')}</summary>{more}</details>"


def _arm(entry: SetAside) -> str:
    return f" of {clean(entry.variant)}" if entry.variant and entry.variant not in entry.why else ""


# --- debts ----------------------------------------------------------------------------------------------------------


def debts_card(debts: Sequence[Debt]) -> str:
    """What makes the next disagreement likely, the most urgent first, each with its remedy."""
    tally = " · ".join(
        f"{number} {severity}"
        for severity in ("high", "medium", "low")
        if (number := sum(one.severity == severity for one in debts))
    )
    if not debts:
        listed = '<p class="small">Nothing that is looked at makes a disagreement likely.</p>'
    else:
        open_ = [one for one in debts if one.severity != "low" or len(debts) <= FOLD]
        rest = debts[len(open_) :]
        listed = "".join(_debt(one) for one in open_)
        if rest:
            unknown = sum(not one.known for one in rest)
            told = f"{len(rest)} low{f', {unknown} not known' if unknown else ''}"
            listed += f"<details><summary>{told}</summary>{''.join(_debt(one) for one in rest)}</details>"
    return (
        '<section class="card debts" aria-label="What makes the next disagreement likely">'
        f'<h2>What makes the next disagreement likely<span class="small">{escape(tally)}</span></h2>{listed}</section>'
    )


def _debt(one: Debt) -> str:
    from signals.debt import NOT_KNOWN, TITLES

    tone = {"high": "rollback", "medium": "hold", "low": "none"}[one.severity]
    what = clean(one.what) if one.known else f"Not known: {clean(one.what.removeprefix(NOT_KNOWN))}"
    about = " · ".join(
        [TITLES[one.kind], clean(one.subject)]
        + ([f"since {moment(one.since.date())}"] if one.since else [])
        + ([f"owner {clean(one.owner)}"] if one.owner else [])
    )
    return (
        f'<div class="debt {tone}"><p class="small"><span class="tag {tone}">{one.severity}</span> {escape(about)}</p>'
        f'<p>{with_code(what)}</p><p class="do"><b>Do</b> {with_code(clean(one.remedy))}</p>'
        f'<p class="small">{with_code(clean(one.why))}</p></div>'
    )
