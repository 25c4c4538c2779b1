"""A policy in words, as HTML: facts about it, its rules as sentences, its tests."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from signals.memo.phrases import CALL_SPOKEN, clean
from signals.model import STATES
from signals.words import moment, share

if TYPE_CHECKING:
    from signals.policy import Policy
    from signals.policy.rules import Row, Rules
    from signals.policy.testing import CaseResult


def facts_card(policy: Policy) -> str:
    """Who owns it, when it is due for review, and the hash that every verdict carries."""
    rows = [
        ("Owner", clean(policy.owner) or "nobody is named"),
        ("Review by", moment(policy.review_by) if policy.review_by else "no date is set"),
        ("Intervals", share(policy.confidence, 0)),
        ("Signals", ", ".join(clean(name) for name in policy.signals)),
        ("Hash", clean(policy.hash)),
    ]
    listed = "".join(
        f'<div class="fact"><span class="small">{name}</span><span>{escape(text)}</span></div>' for name, text in rows
    )
    return f'<section class="card" aria-label="Policy"><h2>{escape(clean(policy.name))}</h2>{listed}</section>'


def words_card(policy: Policy) -> str:
    """The rules in the order in which they are heard."""
    parts = [_rules(policy.rules)]
    parts += [
        f'<h3 class="gap">For {escape(clean(kind))} releases</h3>{_rules(rules)}'
        for kind, rules in policy.kinds.items()
    ]
    return (
        '<section class="card gap" aria-label="The hierarchy in words"><h2>In words</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Rules in words">{"".join(parts)}</div></section>'
    )


def _rules(rules: Rules) -> str:
    lines = [
        _line(f"If <code>{escape(clean(rail.when.text))}</code>: {_spoken(rail.call)}.", rail.because, "Guardrail")
        for rail in rules.guardrails
    ]
    lines += [
        _line(
            f"{escape(clean(over.put))} is heard before {escape(clean(over.above))} if "
            f"<code>{escape(clean(over.when.text))}</code>.",
            over.because,
            "Override",
        )
        for over in rules.overrides
    ]
    lines += [_line(_row(row), "", f"{rank}") for rank, row in enumerate(rules.hierarchy, 1)]
    lines.append(_line(f"If no row answers: {_spoken(rules.otherwise)}.", "", "Otherwise"))
    lines += [
        _line(f"Only if <code>{escape(clean(one.that.text))}</code>.", one.because, "To ship")
        for one in rules.ship_requires
    ]
    return "".join(lines)


def _row(row: Row) -> str:
    answers = ", ".join(f"{state}: {_spoken(row.calls[state])}" for state in STATES if state in row.calls)
    when = f", heard if <code>{escape(clean(row.when.text))}</code>" if row.when else ""
    return f"<b>{escape(clean(row.signal))}</b>{when}. {answers or 'Says nothing'}; else the next row."


def _line(text: str, because: str, tag: str) -> str:
    why = f' <span class="small">{escape(clean(because))}</span>' if because else ""
    return f'<div class="say"><span class="small">{escape(tag)}</span><p>{text}{why}</p></div>'


def _spoken(call: str) -> str:
    words = {str(key): word for key, word in CALL_SPOKEN.items()}
    return f'<b class="{escape(call)} word">{words[call]}</b>'


def tests_card(results: Sequence[CaseResult]) -> str:
    """The policy's own tests, failing first, each with what is wrong and what it left open."""
    failed = sum(not result.passed for result in results)
    count = f"{len(results) - failed} of {len(results)} pass" if results else "the policy has none"
    lines = "".join(_test(result) for result in sorted(results, key=lambda result: result.passed))
    return (
        f'<section class="card gap" aria-label="Tests of the policy"><h2>Tests<span class="small">{count}</span></h2>'
        f'<div class="scroll tests" tabindex="0" role="region" aria-label="Test results">{lines}</div></section>'
    )


def _test(result: CaseResult) -> str:
    status, mark = ("pass", "✓") if result.passed else ("fail", "✕")
    place = f" (line {result.line})" if result.line else ""
    head = f'<span class="mark {status}" aria-label="{status}">{mark}</span>{escape(clean(result.name + place))}'
    told = [*result.problems, *(f"assumed: {text}" for text in result.assumed)]
    if not told:
        return f'<div class="trouble">{head}</div>'
    lines = "".join(f'<span class="small">{escape(clean(line))}</span>' for line in told)
    return f'<details class="trouble"{"" if result.passed else " open"}><summary>{head}</summary>{lines}</details>'
