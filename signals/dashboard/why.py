"""The cards beside a verdict: why the signals disagree, how sure the call is, what would flip it, what would settle it.

Every text goes through ``escape``; nothing here decides or computes.
"""

from __future__ import annotations

from html import escape

from signals.dashboard.marks import call_word, with_code
from signals.dashboard.steps import steps
from signals.memo.explained import AGREED
from signals.memo.phrases import NO_FLIP, NO_STEADINESS, SETTLES, SETTLES_NOT, WATERFALL_LEGEND
from signals.memo.rows import CarrierLine, CauseLine, CollectionLine, Explained, FlipLine, PairLine

CARRIERS = 5  # items in the open; the others behind one line


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
    """The flips under their title, to stand in a card."""
    shown = found.flips[:listed]
    of = f'<span class="small">{len(shown)} of {len(found.flips)}</span>' if len(shown) < len(found.flips) else ""
    lines = "".join(_flip(line) for line in shown) or f'<p class="small">{escape(NO_FLIP)}</p>'
    return f"<h2>What would flip it{of}</h2>{lines}"


def _flip(line: FlipLine) -> str:
    inside = f' <span class="small">({escape(line.inside)})</span>' if line.inside else ""
    return f'<p class="flips-line">{escape(line.words)}: {call_word(line.to)}{inside}</p>'


def next_best(found: Explained) -> str:
    """The collection that is worth most for its price, or why none is proposed; empty when there is nothing to say."""
    if found.collections:
        line = found.collections[0]
        title = f"Next best evidence: {line.signal}: {line.what}."
        return f'<div class="need"><p class="small"><b>{escape(title)}</b> {escape(_worth(line))}</p></div>'
    return f'<div class="need"><p class="small">{escape(found.unsettled)}</p></div>' if found.unsettled else ""


def _worth(line: CollectionLine) -> str:
    text = f"{line.price}: {line.worth}" if line.price else line.worth
    return f"{text[:1].upper()}{text[1:]}{SETTLES if line.settles else SETTLES_NOT}"


# --- the Reconcile page ---------------------------------------------------------------------------------------------


def body(found: Explained) -> str:
    """One card per contradicting pair, then how sure the call is, what would flip it and what would settle it."""
    pairs = "".join(_pair(pair, place) for place, pair in enumerate(found.pairs, 1))
    if not pairs:
        notice = f"<h2>{'Nothing to reconcile' if found.agreed == AGREED else 'Nothing was reconciled'}</h2>"
        pairs = f'<section class="card pair" role="status">{notice}<p>{escape(found.agreed)}</p></section>'
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in found.notes)
    return f'{pairs}{notes}<div class="three">{sure_card(found)}{flips_card(found)}{settle_card(found)}</div>'


def sure_card(found: Explained) -> str:
    """How often the call is made on evidence drawn anew, and what was held as it is."""
    held = "".join(f'<p class="small">{escape(line)}</p>' for line in found.held)
    sentence = f"<p>{escape(found.steadiness or NO_STEADINESS)}</p>"
    return _card("How sure the call is", f"{sentence}{held}")


def settle_card(found: Explained) -> str:
    """All collections, the best first, or why there is none."""
    lines = [f'<p class="small">{escape(found.unsettled)}</p>'] if found.unsettled else []
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
    legend = f'<div class="caption">{escape(WATERFALL_LEGEND)}</div>' if place == 1 else ""
    carriers, picture = _carriers(pair), ""
    if pair.plot:  # beside the longer column of causes there is room
        picture, carriers = f'<div class="picture">{steps(pair.plot)}{legend}{carriers}</div>', ""
    return (
        f'<section class="card pair" aria-label="{escape(pair.title)}"><h2>{escape(pair.title)}</h2>'
        f'<p class="story">{with_code(pair.story)}</p>'
        f'<div class="split{"" if picture else " one"}">{picture}<div>{_causes(pair)}{carriers}</div></div>'
        "</section>"
    )


def _causes(pair: PairLine) -> str:
    rows = "".join(_cause(line) for line in pair.causes)
    head = (
        '<thead><tr><th scope="col">Cause</th><th scope="col" class="r">Of the gap</th>'
        '<th scope="col" class="r">Share</th></tr></thead>'
    )
    name = escape(f"Causes: {pair.title}")
    return f'<table class="causes" aria-label="{name}">{head}<tbody>{rows}</tbody></table>'


def _cause(line: CauseLine) -> str:
    value, _, within = line.part.partition(" (")
    own = f" In its own unit {line.quantity}." if line.quantity != "–" else ""
    bounds = f'<span class="small">{escape(within.removesuffix(")"))}</span>' if within else ""
    tone = " counts" if line.counts else " refused" if line.refused else ""
    outcome = f'<span class="small">{escape(line.outcome)}</span>'
    return (
        f'<tr class="cause{tone}"><th scope="row">{escape(line.cause)} {outcome}'
        f'<p class="small">{with_code(line.why + own)}</p></th>'
        f'<td class="r">{escape(value)}{bounds}</td><td class="r">{escape(line.share)}</td></tr>'
    )


def _carriers(pair: PairLine) -> str:
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

    more = pair.carriers[CARRIERS:]
    others = f"<details><summary>{len(more)} more</summary>{table(more)}</details>" if more else ""
    return f"<h3>{escape(title)}</h3>{table(pair.carriers[:CARRIERS])}{others}"
