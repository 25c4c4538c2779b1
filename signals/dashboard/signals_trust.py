"""The cards of the Signals page about trust: checks, what was set aside, and where the evidence comes from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.marks import with_code
from signals.dashboard.signals_tables import Cell, card, folded, sentence, small, table, within
from signals.memo import Memo
from signals.memo.phrases import clean
from signals.memo.rows import CheckLine, SetAsideLine
from signals.model.inside import CheckView, SourceView
from signals.words import count, moment, plural

FEW_LEFT = 12
"""Rows of a table that stand in the open; more go behind one line."""

PULLED = {"fine": ("pass", "✓", "pulled"), "failed": ("fail", "✕", "failed"), "never": ("unknown", "?", "never pulled")}


def checks_card(checks: Sequence[CheckView], lines: Sequence[CheckLine]) -> str:
    """Every check with its number and limit, what it means and what to do; trouble first.

    What passes unasked, and what nobody set a limit for, is behind one line each.
    """
    words = {line.name: line for line in lines}
    rows = [(view, words[view.check.name]) for view in checks if view.check.name in words]
    judged = [(view, line) for view, line in rows if not line.neutral]
    idle = [(view, line) for view, line in rows if line.neutral]
    counts = " · ".join(
        f"{sum(line.status == status for _, line in judged)} {status}"
        for status in ("fail", "unknown", "warn", "pass")
        if any(line.status == status for _, line in judged)
    )
    open_ = [(view, line) for view, line in judged if line.required or line.status != "pass"]
    passing = [(view, line) for view, line in judged if not line.required and line.status == "pass"]
    body = _checks("Checks", open_) if open_ else ""
    if passing:
        body += folded(
            f"{len(passing)} more pass that the policy does not ask for", _checks("Others that pass", passing)
        )
    if idle:
        body += folded(f"{len(idle)} not asked for: nobody set a limit", _checks("Checks without a limit", idle))
    return card(f'Checks<span class="small">{escape(counts)}</span>', body, anchor="checks", raw=True)


def _checks(title: str, rows: Sequence[tuple[CheckView, CheckLine]]) -> str:
    def cells(view: CheckView, line: CheckLine) -> tuple[Cell, ...]:
        status = "soft" if line.neutral else line.status
        mark = f'<span class="mark {status}" aria-hidden="true">{line.mark}</span>'
        asked = "the policy asks for it" if line.required else "nobody asked for it"
        sort = f"{view.check.sort}; {asked}"
        has_interval = view.check.low is not None and "interval" not in line.detail
        span = small(f"95 % CI {within(view.check.low, view.check.high)}" if has_interval else "")
        pressing = line.status != "pass" and not line.neutral
        todo = (
            f"<b>{with_code(line.remedy)}</b>" if pressing else f'<span class="small">{with_code(line.remedy)}</span>'
        )
        told = small(line.detail or (line.why if line.status == "unknown" else ""))
        return (
            ("Check", f"{mark}<b>{escape(line.title)}</b> {escape(line.outcome)}{small(sort)}"),
            ("Number and limit", f"{escape(line.number)}{span}{told}"),
            ("What it means", f'<span class="small">{sentence(view.meaning)}</span>'),
            ("If it does not pass", todo),
        )  # fmt: skip

    anchors = [view.anchor for view, _ in rows]
    return table(title, [cells(view, line) for view, line in rows], anchors=anchors, kind="checks-table")


def set_aside_card(memo: Memo, signal: str) -> str:
    """Rows that do not count, and why; faults first."""
    mine = sorted((line for line in memo.set_aside if line.signal == signal), key=lambda line: not line.fault)
    if not mine:
        return card("Set aside", '<p class="small">No row was set aside.</p>', anchor="set-aside")
    rows: list[tuple[Cell, ...]] = [
        (
            ("Why", escape(line.why) + _variant(line)),
            ("Rows", line.rows),
            ("Sort", "fault" if line.fault else "about something else"),
        )
        for line in mine
    ]  # fmt: skip
    rest = rows[FEW_LEFT:]
    more = folded(f"{len(rest)} more reasons", table("More reasons", rest, right=(1,))) if rest else ""
    return card("Set aside", table("Set aside", rows[:FEW_LEFT], right=(1,)) + more, anchor="set-aside")


def _variant(line: SetAsideLine) -> str:
    told = not line.variant or line.variant in line.why
    return "" if told else small(line.variant)


def sources_card(sources: Sequence[SourceView]) -> str:
    """Where the evidence comes from and how its last pull went."""
    if not sources:
        return card("Sources", '<p class="small">No source feeds this signal.</p>', anchor="sources")

    def cells(one: SourceView) -> tuple[Cell, ...]:
        status, mark, word = PULLED[one.pull]
        sign = f'<span class="mark {status}" aria-hidden="true">{mark}</span>'
        first = one.error.splitlines()[0] if one.error else ""
        why = small(clean(first))
        return (
            ("Source", f"<b>{escape(clean(one.name))}</b>{small(clean(one.connector))}"),
            ("Last pull", f"{sign}{word}{small(moment(one.pulled_at))}{why}"),
            ("About this release", plural(one.rows, "rows")),
            ("Kept", f"{count(one.rows_kept)} of {count(one.rows_read)}"),
        )  # fmt: skip

    return card("Sources", table("Sources", [cells(one) for one in sources], right=(2, 3)), anchor="sources")
