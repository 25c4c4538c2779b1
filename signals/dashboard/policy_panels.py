"""What stands beside the editor, as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from signals.dashboard.policy_check import Checked, Flip, Mark
from signals.memo.phrases import clean
from signals.model import Call, Outcome, SignalsError
from signals.words import CALL_WORDS, count, plural

if TYPE_CHECKING:
    from signals.workbench.edits.definitions import Definition
    from signals.workbench.edits.diff import Change, Difference
    from signals.workbench.edits.mutate import MutationReport

SHOWN = 4  # flips in the headline; the rest is under their own tab
LISTED = 60  # changes and lines of a list that anyone could still read
LONG = 400  # characters of a line of a diff
COMPARED = 300_000  # characters of a text that is compared line by line: several times what any policy may have
OUTCOME_WORDS: dict[Outcome, str] = {
    "good": "turned out good", "bad": "turned out bad", "unknown": "outcome not known",
}  # fmt: skip
WAITS = "This waits for a draft that loads."


def weakening(difference: Difference | None) -> str:
    """What the edit lets through, in one sentence; empty when it lets nothing through."""
    if difference is None or not difference.weakens:
        return ""
    more = sum(one.count for one in difference.changes if one.after == "ship" and one.before != "ship")
    if more:
        return f"This edit lets {plural(more, 'more situations')} ship."
    return "This edit weakens protection."


def call_tag(call: Call | None, *, filled: bool = False) -> str:
    """A call in its colour and in words."""
    if call is None:
        return '<span class="tag none">NO VERDICT</span>'
    return f'<span class="tag {call}{" filled" if filled else ""}">{CALL_WORDS[call]}</span>'


def badge(difference: Difference) -> str:
    """Whether the edit weakens or strengthens protection."""
    if difference.weakens:
        both = " and strengthens it elsewhere" if difference.strengthens else ""
        return f'<span class="tag rollback filled">Weakens protection{both}</span>'
    if difference.strengthens:
        return '<span class="tag ship">Strengthens protection</span>'
    return ""


def card(title: str, *parts: str, small: str = "", tone: str = "") -> str:
    """A card with a heading; ``parts`` are HTML already."""
    title = clean(title)
    note = f'<span class="small">{escape(clean(small))}</span>' if small else ""
    head = f"<h2>{escape(title)}{note}</h2>"
    return f'<section class="card {tone}" aria-label="{escape(title)}">{head}{"".join(parts)}</section>'


def line(text: str) -> str:
    """One paragraph of plain text."""
    return f"<p>{escape(clean(text))}</p>"


# --- the headline ---------------------------------------------------------------------------------------------------


def untouched(checked: Checked) -> str:
    """What the page is for, while nothing is edited."""
    return card(
        "Nothing is edited",
        line(
            "Edit the policy here. Before you save, every past release and every situation that the edit decides "
            "differently stands here."
        ),
        _tests_line(checked),
    )


def waiting(checked: Checked) -> str:
    """The draft does not load."""
    return card(
        "The draft does not load",
        line(f"{plural(checked.errors, 'problems')} below the editor. What the draft decides is shown when it loads."),
        tone="headline hold",
    )


def headline(rows: Sequence[Flip] | SignalsError, difference: Difference | None, checked: Checked) -> str:
    """What the edit flips, in the order of alarm: past releases, situations, tests."""
    parts = []
    if isinstance(rows, SignalsError):
        title, tone = "What the edit decides", ""
        parts.append(line(f"Releases cannot be decided again: {rows}"))
    else:
        flipped = [row for row in rows if row.differs]
        title = f"This edit flips {len(flipped)} of {plural(len(rows), 'releases')}"
        if not rows:
            title = "No release is known yet"
        tone = f"headline {flipped[0].after or 'hold'}" if flipped else "headline none"
        parts.append(f'<div role="list">{"".join(flip_row(row) for row in flipped[:SHOWN])}</div>')
        if flipped[SHOWN:]:
            parts.append(f'<p class="small">{len(flipped) - SHOWN} more under Releases.</p>')
    return card(title, *parts, _situations(difference), _tests_line(checked), tone=tone)


def _situations(difference: Difference | None) -> str:
    if difference is None:
        return line("The saved policy does not load, so there is nothing to compare the draft with.")
    if difference.same:
        return line("Every situation is decided as before.")
    return f'<p class="told">{badge(difference)} {escape(_many(difference))}</p>'


def _many(difference: Difference) -> str:
    """In how many situations the call changes, and what else does."""
    many = sum(one.count for one in difference.changes)
    totals = {one.kind: one.total for one in difference.changes}
    of = f"of {plural(sum(totals.values()), 'situations')}" if totals else ""
    parts = [f"In {count(many)} {of} the call changes."] if many else []
    if difference.edits and many:
        parts.append(f"{plural(len(difference.edits), 'other changes')}.")
    elif difference.edits:
        more = len(difference.edits) - 1
        wanted = "weakens" if difference.weakens else "strengthens" if difference.strengthens else "changes"
        first = next((edit for edit in difference.edits if edit.direction == wanted), difference.edits[0])
        told = clean(first.words)
        told = told if badge(difference) else f"Changes: {told}"
        parts.append(told + (f", and {plural(more, 'more changes')}." if more else "."))
    if difference.refused:
        parts.append("Some situations cannot be compared.")
    if not parts:
        parts.append(f"No call changes; in {plural(difference.elsewhere, 'situations')} another rule makes it.")
    return " ".join(parts)


def _tests_line(checked: Checked) -> str:
    total, failed = len(checked.tests), len(checked.failed)
    if not total:
        return '<p class="small">The policy has no tests of its own.</p>'
    if failed:
        return f'<p class="bad">{failed} of its {plural(total, "tests")} {"fails" if failed == 1 else "fail"}.</p>'
    return f'<p class="small">All {total} of its tests pass.</p>'


def flip_row(row: Flip) -> str:
    """One release: what was, what would be, how it turned out."""
    if row.differs:
        calls = f"{call_tag(row.before)} <span aria-label='becomes'>→</span> {call_tag(row.after, filled=True)}"
    else:
        calls = call_tag(row.after)
    told = "; ".join(part for part in (_outcome(row), _decider(row)) if part)
    return (
        f'<div class="flip" role="listitem"><b>{escape(clean(row.release))}</b><span class="calls">{calls}</span>'
        f'<span class="small">{escape(clean(told))}</span></div>'
    )


def _outcome(row: Flip) -> str:
    """How it turned out, and what the edit would have done about it."""
    if row.open:
        return "still open"
    told = OUTCOME_WORDS[row.outcome]
    if row.outcome != "unknown" and row.before and row.after and "ship" in (row.before, row.after) and row.differs:
        told += f": the edit would {'' if row.after == 'ship' else 'not '}have shipped it"
    return told + (f"; people decided {CALL_WORDS[row.decided]}" if row.decided else "")


def _decider(row: Flip) -> str:
    """Who decides under the draft, and who did before."""
    if row.why:
        return row.why
    return _who(row.by_before, row.by_after)


def _who(before: str, after: str) -> str:
    now = "no row answers" if after == "otherwise" else f"{after} decides"
    then = "no row answered" if before == "otherwise" else before
    return now if after == before else f"{now}, before {then}"


# --- the tabs -------------------------------------------------------------------------------------------------------


def changes(difference: Difference | None) -> str:
    """Every group of situations that changes, most alarming first, and the definitions that do."""
    if difference is None or difference.same:
        return _situations(difference)
    parts = [line(one) for one in difference.refused]
    if difference.changes:
        rows = "".join(_change(one) for one in difference.changes[:LISTED])
        more = len(difference.changes) - LISTED
        rest = f'<p class="small">{more} more groups of situations.</p>' if more > 0 else ""
        parts.append(f'<h3>Situations</h3><div role="list">{rows}</div>{rest}')
    if difference.edits:
        rows = "".join(_edit(one) for one in difference.edits[:LISTED])
        parts.append(f'<h3 class="gap">Definitions and tests</h3><div role="list">{rows}</div>')
    if difference.elsewhere:
        many = plural(difference.elsewhere, "situations")
        parts.append(f'<p class="small">In {many} the call stays and another rule makes it.</p>')
    return "".join(parts)


def _change(one: Change) -> str:
    calls = f"{call_tag(one.before)} <span aria-label='becomes'>→</span> {call_tag(one.after, filled=True)}"
    kind = f" of releases of kind {one.kind}" if one.kind else ""
    many = f"{count(one.count)} of {plural(one.total, 'situations')}{kind}"
    who = _who(*one.by)
    most = f" (in {count(one.where_count)} of them)" if one.where_count != one.count else ""
    return (
        f'<div class="flip" role="listitem"><span class="calls">{calls}</span><span class="small">{escape(many)}</span>'
        f'<span class="wide">{escape(clean(one.where + most))} <span class="small">· {escape(clean(who))}</span>'
        "</span></div>"
    )


def _edit(one: Definition) -> str:
    tone = {"weakens": "rollback filled", "strengthens": "ship"}.get(one.direction, "none")
    tag = f'<span class="tag {tone}">{escape(one.direction.capitalize())}</span>'
    return f'<div class="flip" role="listitem"><span class="wide">{tag} {escape(clean(one.words))}</span></div>'


def releases(rows: Sequence[Flip] | SignalsError) -> str:
    """Every past release under both policies, those that flip first."""
    if isinstance(rows, SignalsError):
        return line(f"Releases cannot be decided again: {rows}")
    if not rows:
        return line("No release is known yet.")
    flipped = sum(row.differs for row in rows)
    told = f"{flipped} of {count(len(rows))} flip." if flipped else f"None of {count(len(rows))} flips."
    return f'<p class="told">{told}</p><div role="list">{"".join(flip_row(row) for row in rows)}</div>'


def problem_list(marks: Sequence[Mark]) -> str:
    """The problems in words, where there is no editor that shows them at their lines."""
    if not marks:
        return '<p class="small" role="status">No problems.</p>'
    rows = []
    for mark in marks:
        sign, status = ("✕", "fail") if mark.severity == "error" else ("!", "warn")
        place = ":".join(str(part) for part in (mark.line, mark.column) if part is not None)
        where = f"line {place}: " if place else ""
        rows.append(
            f'<div class="trouble"><span class="mark {status}" aria-label="{mark.severity}">{sign}</span>'
            f'{escape(clean(where + mark.what))} <span class="small">{escape(clean(mark.remedy))}</span></div>'
        )
    return f'<div role="status" aria-label="Problems">{"".join(rows)}</div>'


def _first_line(hunk: str) -> str:
    """``@@ -51,5 +51,6 @@`` -> ``51``: where the new text differs."""
    return hunk.split("+", 1)[-1].split(" ", 1)[0].split(",", 1)[0]


# --- texts side by side ---------------------------------------------------------------------------------------------


def text_diff(old: str, new: str, label: str) -> str:
    """What changed between two texts, line by line, with three lines around it."""
    if max(len(old), len(new)) > COMPARED:
        return line("The texts are too long to be compared line by line.")
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    rows = []
    for one in list(lines)[2:]:
        kind = {"+": "added", "-": "removed", "@": "place"}.get(one[:1], "")
        word = {"added": "added: ", "removed": "removed: "}.get(kind, "")
        spoken = f'<span class="unseen">{word}</span>' if word else ""
        shown = f"line {_first_line(one)}" if kind == "place" else one if len(one) <= LONG else one[:LONG] + " …"
        rows.append(f'<div class="{kind}">{spoken}{escape(clean(shown, lines=True)) or " "}</div>')
    body = "".join(rows) or '<div class="place">The texts are the same.</div>'
    return f'<div class="diff" role="region" tabindex="0" aria-label="{escape(clean(label))}">{body}</div>'


def weakenings(report: MutationReport) -> str:
    """How many weakenings the policy's tests catch, and each that they do not."""
    missed, counted = len(report.survivors), len(report.counted)
    if report.refused:
        told = f'<p class="fail">No score: {escape(clean(report.refused))}.</p>'
    elif report.score is None:
        told = "<p>No single step weakens this policy.</p>"
    else:
        percent = int(100 * (counted - missed) / counted)  # rounded down: a survivor never reads as 100 %
        told = f"<p>Its tests catch {count(counted - missed)} of {plural(counted, 'weakenings')}, {percent} %.</p>"
    told += "".join(
        f'<div class="trouble"><span class="mark fail" aria-label="not caught">✕</span>'
        f'{escape(clean(f"{one.what} (line {one.line})"))}<span class="small">{escape(clean(one.shows))}</span></div>'
        for one in report.survivors[:LISTED]
    )
    return card("Would its tests notice?", told)
