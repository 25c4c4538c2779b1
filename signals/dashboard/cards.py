"""The Verdict page as HTML. Every text goes through ``escape``; nothing here decides or computes."""

from __future__ import annotations

from html import escape

from signals.dashboard import links
from signals.dashboard.checks_card import checks_card
from signals.dashboard.forest_card import forest_card
from signals.dashboard.heard_card import heard_card
from signals.dashboard.marks import folded, linked, with_code
from signals.dashboard.way_out import needs_card
from signals.dashboard.why import flips, flips_card, next_best
from signals.memo import Memo
from signals.memo.phrases import SYNTHETIC, clean, short_hash
from signals.model import SignalsError
from signals.words import CALL_WORDS

__all__ = [
    "banner", "body", "checks_card", "forest_card", "heard_card", "meta", "needs_card", "notice",
    "problem", "waiting", "wrap",
]  # fmt: skip

FLIPS, FLIPS_BESIDE = 5, 2  # flips that stand in their card: alone, and below the way out of a hold
UNHEARD = 2  # signals that could not be heard which the banner explains in the open
SYNTHETIC_TAG = "Synthetic data"


def wrap(*parts: str) -> str:
    """One block in the page's style."""
    return f'<div class="sg">{"".join(parts)}</div>'


def banner(memo: Memo, signal: str = "") -> str:
    """The call in one word, the sentence, who decided by which rule, and who could not be heard.

    Args:
        memo: The verdict in words.
        signal: Whose numbers the sentence tells: it opens that reading; empty when it tells no one signal's.
    """
    below = "" if memo.decides else f"<small>{CALL_WORDS[memo.call]} until then</small>"
    sentence = linked(links.reading(memo.release, signal) if signal else "", escape(memo.sentence))
    return (
        f'<section class="banner {memo.call}" id="verdict" tabindex="-1" aria-label="Verdict: {escape(memo.word)}">'
        f'<div class="call" role="status">{escape(memo.word)}{below}</div>'
        f'<div><p class="sentence">{sentence}</p>{_unheard(memo)}'
        f'<p class="small">{escape(memo.decided_by)}{_sure(memo)}</p></div></section>'
    )


def _sure(memo: Memo) -> str:
    # Drawn anew, evidence that nobody may believe gives the same HOLD every time: that is no certainty.
    steadiness = memo.explained.steadiness if memo.explained and memo.decides else ""
    stop = "" if memo.decided_by.endswith(".") else "."
    return f'{stop} <span class="sure">{escape(steadiness)}</span>' if steadiness else ""


def _unheard(memo: Memo) -> str:
    if not memo.unheard:
        return ""
    said, rest = memo.unheard[:UNHEARD], memo.unheard[UNHEARD:]
    more = folded([f"<p>{escape(line)}</p>" for line in rest], [line.split(" ")[0] for line in rest])
    return f'<div class="unheard">Not heard: {escape("; ".join(said))}{more}</div>'


def meta(memo: Memo) -> str:
    """What is compared with what, as of when, under which policy."""
    synthetic = f'<span class="synthetic" title="{escape(SYNTHETIC)}">{SYNTHETIC_TAG}</span>' if memo.synthetic else ""
    policy = f"policy {escape(memo.policy_name)} ({escape(short_hash(memo.policy_hash))})"
    return (
        f'<div class="meta"><span><span class="printed">{escape(memo.release)}: </span>'
        f"{escape(memo.candidate)} against {escape(memo.control)} · evidence as of "
        f"{escape(memo.as_of)} · {linked(links.release_on('policy', memo.release), policy)}</span>{synthetic}</div>"
    )


def body(memo: Memo, beside: str = "") -> str:
    """Everything below the controls: forest, who was heard, the way out, what would flip it, checks.

    Args:
        memo: The verdict in words.
        beside: What stands in the place of an explanation that is not there yet.
    """
    found = memo.explained
    if memo.call == "hold":
        beside = needs_card(memo, next_best(found) + flips(found, FLIPS_BESIDE) if found else beside)
    elif found:
        beside = flips_card(found, FLIPS, collections=True)
    elif beside:
        beside = f'<section class="card flips" aria-label="What would flip it">{beside}</section>'
    checks = checks_card(memo, whole=not beside)
    return (
        f'<div class="grid">{forest_card(memo.plot, memo.release)}{heard_card(memo.heard, memo.rules, memo.release)}'
        f"{beside}{checks}</div>"
    )


def waiting(text: str) -> str:
    """Lines that are being made, and what is being done."""
    bones = '<i class="bone"></i><i class="bone"></i><i class="bone short"></i>'
    return f'<h2>What would flip it</h2><p class="small busy" role="status">{escape(text)}</p>{bones}'


# --- when there is nothing to show ----------------------------------------------------------------------------------


def problem(title: str, error: SignalsError) -> str:
    """A mistake in words: one line per problem, no traceback."""
    lines = "".join(f"<p>{with_code(clean(line))}</p>" for line in error.problems)
    return f'<section class="problem" role="alert"><h2>{escape(clean(title))}</h2>{lines}</section>'


def notice(title: str, text: str) -> str:
    """An empty state: what is missing and what to run."""
    words = f"<h2>{escape(clean(title))}</h2><p>{with_code(clean(text))}</p>"
    return f'<section class="problem" role="status">{words}</section>'
