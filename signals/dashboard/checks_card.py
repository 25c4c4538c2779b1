"""The checks: what fails first, each with its number, its limit and a link to its reading."""

from __future__ import annotations

from html import escape

from signals.dashboard import links
from signals.dashboard.marks import folded, linked
from signals.memo import Memo
from signals.memo.phrases import STATUS_MARKS, STATUS_WORDS
from signals.memo.rows import CheckLine

LISTED = 5  # checks of a signal that stand in the open when they pass; fewer where trouble needs the room
TROUBLES = 4  # that stand in the open
COLUMNS = 4  # signals beside each other; with more of them only how many checks pass is said


def checks_card(memo: Memo, *, whole: bool) -> str:
    """Failing checks first, each on a line of its own; those that pass, or have no limit, in one column per signal."""
    tally = [f"{STATUS_MARKS[status]} {number} {status}" for status, number in memo.check_counts]
    counts = " · ".join([*tally, *([f"{len(memo.neutral)} not asked for"] if memo.neutral else [])])
    gone = [line.signal for line in memo.readings if line.state == "missing"]
    troubled = [line for line in memo.troubled if line.signal not in gone and not _idle(line)]
    said = [(_trouble(line, memo.release), f"{line.signal}: {line.title}") for line in troubled]
    said += [(_no_evidence(signal, memo), signal) for signal in gone]
    lines = "".join(html for html, _ in said[:TROUBLES])
    more = folded([html for html, _ in said[TROUBLES:]], [name for _, name in said[TROUBLES:]])
    many = sum(
        any(line.signal == one.signal and line.status == "pass" for line in memo.checks) for one in memo.readings
    )
    listed = 0 if many > COLUMNS else max(LISTED - max(0, min(len(said), TROUBLES) - 2), 1)
    passing = "".join(_passing(line.signal, memo, listed) for line in memo.readings)
    none = "" if memo.checks else '<p class="small">No check was made.</p>'
    return (
        f'<section class="card checks{" whole" if whole else ""}" aria-label="Checks">'
        f'<h2>Checks<span class="small">{escape(counts)}</span></h2>{none}{lines}{more}'
        f'<div class="passes">{passing}</div></section>'
    )


def _idle(line: CheckLine) -> bool:
    """Unknown, and nobody asked for it: no trouble, said in its signal's column."""
    return line.status == "unknown" and not line.required


def _trouble(line: CheckLine, release: str) -> str:
    asked = " (the policy asks for it)" if line.required else ""
    told = (
        f": {escape(line.told)}{asked}"
        if line.status == "unknown"  # the title says already that there is no number
        else f', {escape(line.number)}<span class="small"> {escape(line.detail)}{asked}</span>'
    )
    name = f"<b>{escape(line.signal)}: {escape(line.title)} {STATUS_WORDS[line.status]}</b>"
    return (
        f'<div class="trouble"><span class="mark {line.status}" aria-hidden="true">{STATUS_MARKS[line.status]}</span>'
        f"{linked(links.reading(release, line.signal, line.name), name)}{told}</div>"
    )


def _no_evidence(signal: str, memo: Memo) -> str:
    count = sum(line.signal == signal for line in memo.checks)
    many = f"its {count} checks cannot be computed" if count else "nothing to check"
    name = linked(links.reading(memo.release, signal), f"<b>{escape(signal)}: no evidence</b>")
    return (
        f'<div class="trouble"><span class="mark soft" aria-hidden="true">{STATUS_MARKS["unknown"]}</span>'
        f'{name}<span class="small"> {many}</span></div>'
    )


def _passing(signal: str, memo: Memo, listed: int) -> str:
    """What the policy asked for and got, line by line; everything else that is no trouble behind one line."""
    mine = [line for line in memo.checks if line.signal == signal]
    if not any(line.status == "pass" for line in mine):
        return ""
    kept_asked = [line for line in mine if line.status == "pass" and line.required]
    asked = "".join(_pass(line, memo.release) for line in kept_asked[:listed])
    others = kept_asked[listed:]
    others += [line for line in mine if not line.required and (line.status == "pass" or _idle(line))]
    kept = sum(line.status == "pass" and line.limited for line in others)
    said = [f"{kept} more pass" if asked else f"{kept} pass"] if kept else []
    said += [f"{len(others) - kept} not asked for"] if len(others) > kept else []
    more = (
        f'<details><summary>{", ".join(said)}</summary><div role="list" aria-label="{escape(signal)}: other checks">'
        f"{''.join(_pass(line, memo.release) for line in others)}</div></details>"
        if others
        else ""
    )
    shown = f'<div role="list" aria-label="{escape(signal)}: checks that the policy asks for">{asked}</div>'
    return f'<div class="column"><b>{escape(signal)}</b>{shown if asked else ""}{more}</div>'


def _pass(line: CheckLine, release: str) -> str:
    # A tick would say that somebody set a limit and it was kept.
    judged = line.status == "pass" and line.limited
    word, mark = ("passes", "✓") if judged else ("has no limit" if line.status == "pass" else "is not known", "·")
    told = f": {line.told}" if line.status == "unknown" else f", {line.told}"
    spoken = f"{line.signal}: {line.title} {word}{told}"
    tone = "pass" if judged else "soft"
    inside = (
        f'<span class="mark {tone}">{mark}</span>'
        f'<span class="what">{escape(line.title)}</span><span class="much">{escape(line.number)}</span>'
    )
    link = linked(links.reading(release, line.signal, line.name), inside, spoken)
    return f'<div class="pass" role="listitem" title="{escape(spoken)}">{link}</div>'
