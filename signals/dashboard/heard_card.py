"""Who was heard, who was overruled and why: the rules that spoke, then the rows of the hierarchy."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard import links
from signals.dashboard.marks import call_word, folded, linked
from signals.memo.phrases import rule_words
from signals.memo.rows import HeardLine, RuleLine
from signals.model import Role

LINES = 6  # that stand in the open
TITLE = "Who was heard, who was overruled"
RULE_TAGS = {"guardrail": "Guardrail", "override": "Override"}

_WEIGHT: tuple[Role, ...] = ("decides", "overruled", "agrees", "silenced", "silent")


def heard_card(heard: Sequence[HeardLine], rules: Sequence[RuleLine], release: str = "") -> str:
    """Rules that spoke, then every row of the hierarchy with its role and why.

    Where there is no room for all, the rows stay that decide, were overruled or agree.
    """
    spoke = [line for line in rules if line.spoke]
    ordered = sorted(range(len(heard)), key=lambda place: (_weight(heard[place]), place))
    kept = set(ordered[: max(LINES - len(spoke[:LINES]), 0)])
    rows = "".join(_heard(line, heard, rules, release) for place, line in enumerate(heard) if place in kept)
    rest: list[RuleLine | HeardLine] = [
        *spoke[LINES:],
        *(line for place, line in enumerate(heard) if place not in kept),
    ]
    others = [_rule(line) if isinstance(line, RuleLine) else _heard(line, heard, rules, release) for line in rest]
    more = folded(others, [_name(line) for line in rest])
    none = "" if heard else '<p class="small">The hierarchy has no rows.</p>'
    quiet = _quiet([line for line in rules if not line.spoke])
    return (
        f'<section class="card heard" aria-label="{TITLE}"><h2>{TITLE}</h2>'
        f"{''.join(map(_rule, spoke[:LINES]))}{rows}{none}{more}{quiet}</section>"
    )


def reason(line: HeardLine, heard: Sequence[HeardLine], rules: Sequence[RuleLine]) -> str:
    """Why a row came to what it came to; of one that was overruled also what stands above it."""
    first, _, rest = line.why.partition("; ")
    if line.says is None or first != f"{line.state} says {line.says}" or not rest:
        return line.why
    for other in heard:
        if other.role == "decides" and rest == f"{other.signal} decides":
            return f"{other.signal} stands above it ({rule_words(other.rule)}) and decides"
    for rule in rules:
        if rest == f"{rule.id} decides":
            return (
                f"a SHIP requires {rule.id}"
                if rule.sort == "ship requirement"
                else f"the {rule.sort} {rule.id} decides"
            )
    return rest


def _weight(line: HeardLine) -> int:
    return _WEIGHT.index("overruled" if line.overruled and line.role != "decides" else line.role)


def _name(line: HeardLine | RuleLine) -> str:
    return line.id if isinstance(line, RuleLine) else line.signal


def _heard(line: HeardLine, heard: Sequence[HeardLine], rules: Sequence[RuleLine], release: str) -> str:
    says = f", says {call_word(line.says)}" if line.says else ""
    tone = (line.says or "none") if line.role in ("decides", "agrees", "overruled") else "none"
    filled = " filled" if line.role == "decides" else ""
    against = ", overruled" if line.overruled and line.role != "overruled" else ""
    moved = f" Moved here by {escape(line.moved_by)}." if line.moved_by else ""
    signal = linked(links.reading(release, line.signal) if release else "", escape(line.signal))
    why = f'<p class="small">{escape(reason(line, heard, rules))}{moved}</p>'
    return (
        f'<div class="line"><span class="tag {tone}{filled}">{escape(line.tag)}</span><div><p>{signal} is '
        f"<b>{escape(line.state)}</b>{says}{against}</p>{why}</div></div>"
    )


def _rule(line: RuleLine) -> str:
    fires = line.sort == "guardrail" and line.outcome == "fires"
    says = f", says {call_word(line.call)}" if line.call and fires else ""
    tag = RULE_TAGS.get(line.sort, "Blocks ship")
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
