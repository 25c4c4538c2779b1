"""The cards beside a verdict: why the signals disagree, how sure the call is, what would flip it, what would settle it.

Every text goes through ``escape``; nothing here decides or computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from signals.dashboard.marks import call_word, with_code
from signals.dashboard.steps import steps
from signals.memo.phrases import NO_FLIP, NO_STEADINESS, ONLY_FAR, PARTS_LEGEND, WATERFALL_LEGEND
from signals.memo.rows import CarrierLine, CauseLine, CollectionLine, Explained, FlipLine, PairLine
from signals.told import NOT_DIAGNOSED
from signals.words import SETTLED_MEANS


def flips_card(found: Explained, listed: int | None = None, *, collections: bool = False) -> str:
    """What would make another call.

    Args:
        found: What stands beside the verdict.
        listed: How many flips stand in the card; all without it.
        collections: Also the next best evidence, where no other card has it.
    """
    more = next_best(found) if collections else ""
    return f'<section class="card flips" aria-label="What would flip it">{flips(found, listed)}{more}</section>'


def flips(found: Explained, listed: int | None = None) -> str:
    """The flips under their title, to stand in a card; what is not listed, and the far-fetched, behind one line."""
    far = [line for line in found.flips if line.far]
    near = [line for line in found.flips if not line.far]
    shown = near if listed is None else _both_ways(near, listed)
    rest = [line for line in near if line not in shown]
    lines = "".join(_flip(line) for line in shown)
    if not shown:
        lines = f'<p class="small">{escape(ONLY_FAR if far else NO_FLIP)}</p>'
    folded = [*rest, *far]
    if folded:
        said = f"and {len(folded)} more" if shown else f"{len(folded)}"
        which = (
            (", far-fetched" if shown else " far-fetched") if not rest else f", {len(far)} far-fetched" if far else ""
        )
        lines += f'<details class="more"><summary>{said}{which}</summary>{"".join(map(_flip, folded))}</details>'
    return f"<h2>What would flip it</h2>{lines}"


def _both_ways(near: Sequence[FlipLine], room: int) -> list[FlipLine]:
    """The likeliest flips; the last place goes to the likeliest of another call, where there is one."""
    shown = list(near[:room])
    others = [line for line in near[room:] if line.to not in {one.to for one in shown}]
    return [*shown[:-1], others[0]] if others and room > 1 else shown


def _flip(line: FlipLine) -> str:
    inside = f' <span class="small">({escape(line.inside)})</span>' if line.inside else ""
    return f'<p class="flips-line">{escape(line.words)}: {call_word(line.to)}{inside}</p>'


def next_best(found: Explained) -> str:
    """The collection that is worth most for its price, or why none is proposed; empty when there is nothing to say."""
    if found.collections:
        line = found.collections[0]
        title = f"Next best evidence, to settle the call: {line.signal}: {line.what}."
        means, said = escape(SETTLED_MEANS), escape(_worth(line))
        return f'<div class="need"><p class="small" title="{means}"><b>{escape(title)}</b> {said}</p></div>'
    return f'<div class="need"><p class="small">{escape(found.unsettled)}</p></div>' if found.unsettled else ""


def _worth(line: CollectionLine) -> str:
    text = f"{line.price}: {line.worth}" if line.price else line.worth
    return f"{text[:1].upper()}{text[1:]}"


# --- the Reconcile page ---------------------------------------------------------------------------------------------


def body(found: Explained) -> str:
    """One card per contradicting pair, then how sure the call is, what would flip it and what would settle it."""
    pairs = "".join(_pair(pair, place) for place, pair in enumerate(found.pairs, 1))
    first = f'<p class="first">{escape(found.first)}</p>' if pairs and found.first else ""
    if not pairs:
        notice = f"<h2>{'Nothing was reconciled' if found.first == NOT_DIAGNOSED else 'Nothing to reconcile'}</h2>"
        pairs = f'<section class="card pair" role="status">{notice}<p>{escape(found.first)}</p></section>'
    below = (*([found.not_known] if found.not_known else []), *found.notes)
    notes = "".join(f'<p class="small">{with_code(note)}</p>' for note in below)
    return f'{first}{pairs}{notes}<div class="three">{sure_card(found)}{flips_card(found)}{settle_card(found)}</div>'


def sure_card(found: Explained) -> str:
    """How often the call is made on evidence drawn anew, and what was held as it is."""
    held = "".join(f'<p class="small">{escape(line)}</p>' for line in found.held)
    sentence = f"<p>{escape(found.steadiness or NO_STEADINESS)}</p>"
    return _card("How sure the call is", f"{sentence}{held}")


def settle_card(found: Explained) -> str:
    """All collections, the best first, or why there is none."""
    lines = [f'<p class="small">{escape(found.unsettled)}</p>'] if found.unsettled else []
    lines += [f'<p class="small">{escape(SETTLED_MEANS)}</p>'] if found.collections else []
    lines += [
        f'<div class="need"><p><b>{escape(f"{line.signal}: {line.what}")}</b></p>'
        f'<p class="small">{escape(f"{_worth(line)} {line.why}".strip())}</p></div>'
        for line in found.collections
    ]
    listed = (
        "".join(lines)
        or '<p class="small">Nothing is proposed: the call neither waits for evidence nor is it shaky.</p>'
    )
    return _card("What would settle it", listed)


def _card(title: str, inside: str) -> str:
    return f'<section class="card" aria-label="{escape(title)}"><h2>{escape(title)}</h2>{inside}</section>'


def _pair(pair: PairLine, place: int) -> str:
    legend = f'<p class="caption">{escape(WATERFALL_LEGEND)}</p>' if place == 1 else ""
    signs = f'<p class="caption">{escape(PARTS_LEGEND)}</p>' if place == 1 and pair.plot else ""
    picture = f'<div class="picture">{steps(pair.plot)}{legend}</div>' if pair.plot else ""
    return (
        f'<section class="card pair" aria-label="{escape(pair.title)}"><h2>{escape(pair.title)}</h2>'
        f'<p class="story">{with_code(pair.story)}</p>'
        f'<div class="split{"" if picture else " one"}">{picture}<div>{_causes(pair)}{signs}</div></div>'
        f"{_carriers(pair)}{_made(pair)}</section>"
    )


def _causes(pair: PairLine) -> str:
    whole = not pair.refused  # without a gap in margins there is no share of it, and no sum to hold a part against
    rows = "".join(_cause(line, whole) for line in pair.causes)
    measured = escape(f"{pair.measured[:1].upper()}{pair.measured[1:]}")
    more = '<th scope="col" class="r">Share</th><th scope="col" class="r">Adjusted p</th>' if whole else ""
    head = f'<thead><tr><th scope="col">Cause</th><th scope="col" class="r">{measured}</th>{more}</tr></thead>'
    name = escape(f"Causes: {pair.title}")
    return f'<table class="causes" aria-label="{name}">{head}<tbody>{rows}</tbody></table>'


def _cause(line: CauseLine, whole: bool) -> str:
    bounds = f'<span class="small">{escape(line.within)}</span>' if line.within else ""
    outcome = f' <span class="small">{escape(line.outcome)}</span>' if line.outcome else ""
    more = f'<td class="r">{escape(line.share)}</td><td class="r">{escape(line.p)}</td>' if whole else ""
    return (
        f'<tr class="cause {line.place}"><th scope="row">{escape(line.cause)}{outcome}</th>'
        f'<td class="r">{escape(line.value)}{bounds}</td>{more}</tr>'
    )


def _made(pair: PairLine) -> str:
    """What each number was made from, behind one line: at a standup it is asked for, not read out."""
    lines = "".join(
        f'<p class="small"><b>{escape(line.cause)}</b>: {with_code(line.why)}</p>' for line in pair.causes if line.why
    )
    return f"<details><summary>What the numbers were made from</summary>{lines}</details>" if lines else ""


def _carriers(pair: PairLine) -> str:
    """The heaviest items in two halves, side by side where there is room."""
    if not pair.carriers:
        return ""
    title = f"Items that carry the bias of {pair.biased}" if pair.biased else "Items that carry the bias"
    head = (
        '<thead><tr><th scope="col">Item</th><th scope="col" class="r">Judge</th><th scope="col" class="r">People</th>'
        '<th scope="col" class="r">Share of the bias</th></tr></thead>'
    )

    def table(lines: tuple[CarrierLine, ...]) -> str:
        rows = "".join(
            f'<tr><th scope="row">{escape(line.item)}</th><td class="r">{escape(line.judge)}</td>'
            f'<td class="r">{escape(line.people)}</td><td class="r">{escape(line.share)}</td></tr>'
            for line in lines
        )
        return f'<table class="carriers" aria-label="{escape(title)}">{head}<tbody>{rows}</tbody></table>'

    half = (len(pair.carriers) + 1) // 2
    halves = "".join(table(lines) for lines in (pair.carriers[:half], pair.carriers[half:]) if lines)
    return f'<div class="carry"><h3>{escape(title)}</h3><div class="split">{halves}</div></div>'
