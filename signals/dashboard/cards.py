"""The cards of the Verdict page as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from html import escape

from signals.dashboard.marks import call_word, with_code
from signals.dashboard.why import flips, flips_card, next_best
from signals.memo import Forest, Memo
from signals.memo.forest import Row
from signals.memo.phrases import CALL_SPOKEN, PLOT_LEGEND, STATUS_MARKS, STATUS_WORDS, SYNTHETIC, clean, short_hash
from signals.memo.rows import CheckLine, HeardLine, NeedLine, RuleLine
from signals.model import Decision, SignalsError
from signals.words import CALL_WORDS, moment

LAST_DECISIONS = 6
FLIPS, FLIPS_BESIDE = 5, 2  # flips that stand in their card: alone, and below the way out of a hold
LISTED = 5  # checks of a signal that stand in the open when they pass; fewer where trouble needs the room
TIGHT = 0.08  # a bar narrower than this share of the axis would vanish under a round dot
NO_CHANGE_ROOM, ZERO_ROOM = 0.1, 0.03  # shares of the axis that a margin must span for these words to fit
SYNTHETIC_TAG = "Synthetic data"


def wrap(*parts: str) -> str:
    """One block in the page's style."""
    return f'<div class="sg">{"".join(parts)}</div>'


def banner(memo: Memo) -> str:
    """The call in one word, the sentence, who decided by which rule, and who could not be heard."""
    below = "" if memo.decides else f"<small>{CALL_WORDS[memo.call]} until then</small>"
    # Drawn anew, evidence that nobody may believe gives the same HOLD every time: that is no certainty.
    steadiness = memo.explained.steadiness if memo.explained and memo.decides else ""
    stop = "" if memo.decided_by.endswith(".") else "."
    sure = f'{stop} <span class="sure">{escape(steadiness)}</span>' if steadiness else ""
    unheard = f'<p class="unheard">Not heard: {escape("; ".join(memo.unheard))}</p>' if memo.unheard else ""
    return (
        f'<section class="banner {memo.call}" role="status" aria-label="Verdict: {escape(memo.word)}">'
        f'<div class="call">{escape(memo.word)}{below}</div>'
        f'<div><p class="sentence">{escape(memo.sentence)}</p>{unheard}'
        f'<p class="small">{escape(memo.decided_by)}{sure}</p></div></section>'
    )


def meta(memo: Memo) -> str:
    """What is compared with what, as of when, under which policy."""
    synthetic = f'<span class="synthetic" title="{escape(SYNTHETIC)}">{SYNTHETIC_TAG}</span>' if memo.synthetic else ""
    return (
        f'<div class="meta"><span>{escape(memo.candidate)} against {escape(memo.control)} · evidence as of '
        f"{escape(memo.as_of)} · policy {escape(memo.policy_name)} ({escape(short_hash(memo.policy_hash))})</span>"
        f"{synthetic}</div>"
    )


def body(memo: Memo) -> str:
    """Everything below the controls: forest, who was heard, the way out, what would flip it, checks."""
    holds, found = memo.call == "hold", memo.explained
    if holds:
        beside = needs_card(memo, next_best(found) + flips(found, FLIPS_BESIDE) if found else "")
    else:
        beside = flips_card(found, FLIPS, collections=True) if found else ""
    checks = checks_card(memo, whole=not beside)
    return f'<div class="grid">{forest_card(memo.plot)}{heard_card(memo.heard, memo.rules)}{beside}{checks}</div>'


# --- forest ---------------------------------------------------------------------------------------------------------


def forest_card(plot: Forest) -> str:
    """One row per signal on one axis; on a phone the bar moves below the name."""
    rows = "".join(_forest_row(plot, row) for row in plot.rows)
    return (
        '<section class="card forest" aria-label="Signals, in units of the decision margin">'
        "<h2>Signals, in units of the decision margin</h2>"
        f'{_axis(plot)}<div role="list">{rows}</div>'
        f'<div class="caption">{escape(PLOT_LEGEND)}</div></section>'
    )


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _axis(plot: Forest) -> str:
    limit, zero, gain = (plot.axis.at(value) for value in (-1, 0, 1))
    room = zero - limit  # the axis is wide when an estimate lies far out: then the words would run into each other
    middle = "no change" if room >= NO_CHANGE_ROOM else "0" if room >= ZERO_ROOM else ""
    return (
        '<div class="row axis" aria-hidden="true"><span></span><span></span><div class="track">'
        f'<span style="right:calc(100% - {_percent(limit)});transform:translateX(6px)">limit −1</span>'
        f'<span style="left:{_percent(zero)};transform:translateX(-50%)">{middle}</span>'
        f'<span style="left:{_percent(gain)};transform:translateX(-6px)">+1</span></div><span></span></div>'
    )


def _forest_row(plot: Forest, row: Row) -> str:
    rank = "" if row.rank is None else str(row.rank)
    interval = f'<div class="small">{escape(row.interval)}</div>' if row.interval else ""
    state = f' <span class="flag">{escape(row.note)}</span>' if row.note and row.low is not None else ""
    return (
        f'<div class="row {row.mark} {row.tone or "none"}" role="listitem" tabindex="0"'
        f' aria-label="{escape(row.spoken)}" title="{escape(row.spoken)}"><span class="rank">{rank}</span>'
        f'<div><div class="name">{escape(row.signal)}{state}</div><div class="small">{escape(row.caption)}</div></div>'
        f'<div class="track" aria-hidden="true">{_track(plot, row)}</div>'
        f'<div class="numbers"><b>{escape(row.effect)}</b>{interval}</div></div>'
    )


def _track(plot: Forest, row: Row) -> str:
    limit, zero, gain = (_percent(plot.axis.at(value)) for value in (-1, 0, 1))
    ground = (
        f'<i class="harm" style="width:{limit}"></i><i class="tick" style="left:{limit}"></i>'
        f'<i class="tick zero" style="left:{zero}"></i><i class="tick" style="left:{gain}"></i>'
    )
    bar = plot.bar(row)
    if bar is None:
        return f'{ground}<div class="note"><span>{escape(row.note)}</span></div>'
    width = bar.right - bar.left
    drawn = f'<i class="bar {row.mark}" style="left:{_percent(bar.left)};width:{_percent(width)}"></i>'
    drawn += '<i class="cut left"></i>' if bar.cut_left else ""
    drawn += '<i class="cut right"></i>' if bar.cut_right else ""
    if bar.point is not None:
        tight = " tight" if width < TIGHT else ""
        drawn += f'<i class="dot {row.mark}{tight}" style="left:{_percent(bar.point)}"></i>'
    return ground + drawn


# --- who was heard --------------------------------------------------------------------------------------------------


def heard_card(heard: Sequence[HeardLine], rules: Sequence[RuleLine]) -> str:
    """Rules that spoke, then every row of the hierarchy with its role and why."""
    spoke = "".join(_rule(line) for line in rules if line.spoke)
    rows = "".join(_heard(line) for line in heard) or '<p class="small">The hierarchy has no rows.</p>'
    quiet = _quiet([line for line in rules if not line.spoke])
    return (
        '<section class="card" aria-label="Who was heard, who was overruled"><h2>Who was heard, who was overruled</h2>'
        f"{spoke}{rows}{quiet}</section>"
    )


def _heard(line: HeardLine) -> str:
    says = f", says {call_word(line.says)}" if line.says else ""
    tone = (line.says or "none") if line.role in ("decides", "agrees", "overruled") else "none"
    filled = " filled" if line.role == "decides" else ""
    against = ", overruled" if line.overruled and line.role != "overruled" else ""
    moved = f" Moved here by {escape(line.moved_by)}." if line.moved_by else ""
    return (
        f'<div class="line"><span class="tag {tone}{filled}">{escape(line.tag)}</span><div><p>{escape(line.signal)} is '
        f'<b>{escape(line.state)}</b>{says}{against}</p><p class="small">{escape(line.why)}{moved}</p></div></div>'
    )


def _rule(line: RuleLine) -> str:
    fires = line.sort == "guardrail" and line.outcome == "fires"
    says = f", says {call_word(line.call)}" if line.call and fires else ""
    tag = {"guardrail": "Guardrail", "override": "Override"}.get(line.sort, "To ship")
    tone = line.call if line.call and fires else "none" if line.sort == "override" else "hold"
    why = line.because if "cannot be evaluated" in line.outcome else f"{line.why.rstrip('.')}. {line.because}"
    return (
        f'<div class="line"><span class="tag {tone}">{tag}</span><div><p>{escape(line.id)} '
        f'<b>{escape(line.outcome)}</b>{says}</p><p class="small">{escape(why.strip())}</p></div></div>'
    )


def _quiet(rules: Sequence[RuleLine]) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for line in rules:
        groups.setdefault((line.sort, line.outcome.split(":")[0]), []).append(line.id)
    parts = [
        f'<span title="{escape(", ".join(names))}">{len(names)} {_plural(sort, names)} {escape(outcome)}</span>'
        for (sort, outcome), names in groups.items()
    ]
    return f'<div class="caption">{" · ".join(parts)}</div>' if parts else ""


def _plural(noun: str, names: Sequence[str]) -> str:
    return noun if len(names) == 1 else f"{noun}s"


# --- the way out, checks, decisions ---------------------------------------------------------------------------------


def needs_card(memo: Memo, more: str = "") -> str:
    """The ways out of a HOLD: how much of what, by when, who owns it; then what stands beside it."""
    lines = []
    for need in memo.needs:
        why = _unsaid(need, memo.sentence)
        due = " · ".join(
            part for part in (f"by {need.by}" if need.by else "", f"owner {need.owner}" if need.owner else "") if part
        )
        lines.append(
            f'<div class="need"><p><b>{escape(f"{need.signal}: {need.what}" if need.signal else need.what)}</b></p>'
            f'<p class="small">{escape(why)}{" · " if due and why else ""}<b>{escape(due)}</b></p></div>'
        )
    listed = "".join(lines) or '<p class="small">The verdict names no way out.</p>'
    return f'<section class="card way-out" aria-label="Way out of the hold"><h2>Way out</h2>{listed}{more}</section>'


def _unsaid(need: NeedLine, sentence: str) -> str:
    """Why it is needed, without a first clause that the banner says already."""
    first, _, rest = need.why.partition("; ")
    return rest[:1].upper() + rest[1:] if rest and first in sentence else need.why


def checks_card(memo: Memo, *, whole: bool) -> str:
    """Failing checks first, each on a line of its own; those that pass, or have no limit, in one column per signal."""
    tally = [f"{STATUS_MARKS[status]} {number} {status}" for status, number in memo.check_counts]
    counts = " · ".join([*tally, *([f"{len(memo.neutral)} not judged"] if memo.neutral else [])])
    gone = [line.signal for line in memo.readings if line.state == "missing"]
    lines = [_trouble(line) for line in memo.troubled if line.signal not in gone and not _idle(line)]
    lines += [_no_evidence(signal, memo) for signal in gone]
    troubled = "".join(lines)
    listed = max(LISTED - max(0, len(lines) - 2), 1)
    passing = "".join(_passing(line.signal, memo, listed) for line in memo.readings)
    none = "" if memo.checks else '<p class="small">No check was made.</p>'
    return (
        f'<section class="card checks{" whole" if whole else ""}" aria-label="Checks">'
        f'<h2>Checks<span class="small">{escape(counts)}</span></h2>{none}{troubled}'
        f'<div class="passes">{passing}</div></section>'
    )


def _idle(line: CheckLine) -> bool:
    """Unknown, and nobody asked for it: no trouble, said in its signal's column."""
    return line.status == "unknown" and not line.required


def _trouble(line: CheckLine) -> str:
    asked = " (the policy asks for it)" if line.required else ""
    told = (
        f": {escape(line.told)}{asked}"
        if line.status == "unknown"  # the title says already that there is no number
        else f', {escape(line.number)}<span class="small"> {escape(line.detail)}{asked}</span>'
    )
    return (
        f'<div class="trouble"><span class="mark {line.status}" aria-hidden="true">{STATUS_MARKS[line.status]}</span>'
        f"<b>{escape(line.signal)}: {escape(line.title)} {STATUS_WORDS[line.status]}</b>{told}</div>"
    )


def _no_evidence(signal: str, memo: Memo) -> str:
    count = sum(line.signal == signal for line in memo.checks)
    many = f"its {count} checks cannot be computed" if count else "nothing to check"
    return (
        f'<div class="trouble"><span class="mark soft" aria-hidden="true">{STATUS_MARKS["unknown"]}</span>'
        f'<b>{escape(signal)}: no evidence</b><span class="small"> {many}</span></div>'
    )


def _passing(signal: str, memo: Memo, listed: int) -> str:
    """What the policy asked for and got, line by line; everything else that is no trouble behind one line."""
    mine = [line for line in memo.checks if line.signal == signal]
    if not any(line.status == "pass" for line in mine):
        return ""
    kept_asked = [line for line in mine if line.status == "pass" and line.required]
    asked = "".join(_pass(line) for line in kept_asked[:listed])
    others = kept_asked[listed:]
    others += [line for line in mine if not line.required and (line.status == "pass" or _idle(line))]
    kept = sum(line.status == "pass" and line.limited for line in others)
    said = [f"{kept} more pass" if asked else f"{kept} pass"] if kept else []
    said += [f"{len(others) - kept} not judged"] if len(others) > kept else []
    more = (
        f'<details><summary>{", ".join(said)}</summary><div role="list" aria-label="{escape(signal)}: other checks">'
        f"{''.join(_pass(line) for line in others)}</div></details>"
        if others
        else ""
    )
    shown = f'<div role="list" aria-label="{escape(signal)}: checks that the policy asks for">{asked}</div>'
    return f'<div class="column"><b>{escape(signal)}</b>{shown if asked else ""}{more}</div>'


def _pass(line: CheckLine) -> str:
    # A tick would say that somebody set a limit and it was kept.
    judged = line.status == "pass" and line.limited
    word, mark = ("passes", "✓") if judged else ("has no limit" if line.status == "pass" else "is not known", "·")
    told = f": {line.told}" if line.status == "unknown" else f", {line.told}"
    spoken = escape(f"{line.signal}: {line.title} {word}{told}")
    tone = "pass" if judged else "soft"
    return (
        f'<div class="pass" role="listitem" title="{spoken}">'
        f'<span class="mark {tone}" aria-label="{word}">{mark}</span>'
        f'<span class="what">{escape(line.title)}</span><span class="much">{escape(line.number)}</span></div>'
    )


def decisions_strip(decisions: Sequence[Decision]) -> str:
    """The last decisions, newest first: what people did and when, and where they went against the verdict."""
    if not decisions:
        return ""
    chips = []
    for one in sorted(decisions, key=lambda one: one.at, reverse=True)[:LAST_DECISIONS]:
        against = f", verdict said {CALL_SPOKEN[one.recommended]}" if one.override else ""
        why = escape(f"{clean(one.by)}: {clean(one.because)}")
        chips.append(
            f'<span class="chip {one.call}" title="{why}">{escape(clean(one.release))} '
            f'<span class="word">{CALL_SPOKEN[one.call]}</span>{against} <span class="small">{escape(clean(one.by))}, '
            f"{moment(one.at.astimezone(UTC).date())}</span></span>"
        )
    return f'<div class="decisions" aria-label="Last decisions">Last decisions {"".join(chips)}</div>'


# --- when there is nothing to show ----------------------------------------------------------------------------------


def problem(title: str, error: SignalsError) -> str:
    """A mistake in words: one line per problem, no traceback."""
    lines = "".join(f"<p>{with_code(clean(line))}</p>" for line in error.problems)
    return f'<section class="problem" role="alert"><h2>{escape(clean(title))}</h2>{lines}</section>'


def notice(title: str, text: str) -> str:
    """An empty state: what is missing and what to run."""
    words = f"<h2>{escape(clean(title))}</h2><p>{with_code(clean(text))}</p>"
    return f'<section class="problem" role="status">{words}</section>'
