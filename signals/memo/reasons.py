"""The part of the memo that says why: who was heard, why signals disagree, how sure the call is, what would flip it."""

from __future__ import annotations

from collections.abc import Iterator

from signals.memo import phrases
from signals.memo.blocks import (
    Block,
    Column,
    Figure,
    Heading,
    Items,
    Line,
    Paragraph,
    Row,
    Table,
    code,
    line,
    name,
    soft,
    strong,
)
from signals.memo.rows import CollectionLine, Explained, FlipLine, HeardLine, Memo, NeedLine, PairLine
from signals.memo.waterfall import Waterfall
from signals.words import CALL_WORDS, SETTLED_MEANS


def reasons(memo: Memo) -> Iterator[Block]:
    """Trace, rules, disagreement, flips and the way out."""
    yield Heading(2, "Why")
    yield from _heard(memo)
    yield from _rules(memo)
    if memo.explained:
        yield from _disagreement(memo.explained)
        yield from _sureness(memo.explained)
        yield from _settling(memo.explained)
    if memo.needs:
        yield Heading(3, "The way out")
        yield Items(tuple(_need(one) for one in memo.needs))


def spoken(plot: Waterfall) -> str:
    """The picture in words."""
    unit = f", in {plot.unit}" if plot.unit else ""
    return f"{plot.title}{unit}. {'. '.join(step.spoken for step in plot.steps)}."


def figure(pair: PairLine, place: int, caption: str = "") -> tuple[Block, ...]:
    """The waterfall of a pair, where it has one; ``place`` counts pairs from 1."""
    return (Figure(pair.plot, f"pair-{place}", spoken(pair.plot), caption),) if pair.plot else ()


def _heard(memo: Memo) -> Iterator[Block]:
    yield Heading(3, "Who was heard, who was overruled")
    if not memo.heard:
        yield Paragraph(line("The hierarchy has no rows."))
        return
    columns = (Column("Role", 16), Column("Signal", 15), Column("Says", 17), Column("Why", 34), Column("Rule", 18))
    yield Table("Who was heard", columns, tuple(_heard_row(one) for one in memo.heard))
    if memo.overruled:
        yield Paragraph(line("Overruled:"))
        yield Items(tuple(_overruled(one) for one in memo.overruled))
    else:
        yield Paragraph(line("Nobody was overruled."))


def _heard_row(one: HeardLine) -> Row:
    says: Line = line(one.state, ": ", strong(CALL_WORDS[one.says])) if one.says else line(one.state)
    moved = line(" Moved here by ", name(one.moved_by), ".") if one.moved_by else ()
    decides = one.role == "decides"
    cells = (line(strong(one.tag)), line(name(one.signal)), says, line(one.why, moved), line(code(one.rule)))
    return Row(cells, "strong" if decides else "plain")


def _overruled(one: HeardLine) -> Line:
    said = line(", said ", strong(CALL_WORDS[one.says])) if one.says else ()
    return line(name(one.signal), f", {one.state}", said, f": {one.why}")


def _rules(memo: Memo) -> Iterator[Block]:
    if not memo.rules:
        return
    yield Heading(3, "Guardrails, overrides, requirements")
    columns = (
        Column("Rule", 19), Column("Outcome", 14), Column("Condition", 22), Column("Seen", 27), Column("Because", 18),
    )  # fmt: skip
    rows = []
    for one in memo.rules:
        call = f": {CALL_WORDS[one.call]}" if one.spoke and one.call else ""
        outcome = line(strong(one.outcome), call) if one.spoke else line(one.outcome)
        rule = line(f"{one.sort} ", code(one.id))
        rows.append(Row((rule, outcome, line(code(one.condition)), line(one.why or "–"), line(one.because or "–"))))
    yield Table("Guardrails, overrides and requirements", columns, tuple(rows))


def _disagreement(explained: Explained) -> Iterator[Block]:
    yield Heading(3, "Why they disagree")
    if explained.first:
        yield Paragraph(line(explained.first))
    for place, pair in enumerate(explained.pairs, 1):
        yield Heading(4, pair.title)
        yield Paragraph(line(pair.story))
        if place == 1:
            yield from figure(pair, place, phrases.WATERFALL_LEGEND)
    if explained.pairs:
        unknown = f"{explained.not_known} " if explained.not_known else ""
        yield Paragraph(line(soft(f"{unknown}The parts of each gap are listed below, before the policy.")))
    for note in explained.notes:
        yield Paragraph(line(soft(note)))


def _sureness(explained: Explained) -> Iterator[Block]:
    yield Heading(3, "How sure the call is")
    yield Paragraph(line(explained.steadiness or phrases.NO_STEADINESS))
    for held in explained.held:
        yield Paragraph(line(soft(held)))
    near = [one for one in explained.flips if not one.far]
    far = [one for one in explained.flips if one.far]
    if near:
        yield Paragraph(line("What would flip it, everything else staying as it is:"))
        yield Items(tuple(_flip(one) for one in near))
    else:
        yield Paragraph(line(phrases.ONLY_FAR if far else phrases.NO_FLIP))
    if far:
        told = "; ".join(f"{one.words}: {CALL_WORDS[one.to]}" for one in far)
        yield Paragraph(line(soft(f"Far-fetched: {told}.")))


def _flip(one: FlipLine) -> Line:
    inside = line(soft(f" ({one.inside})")) if one.inside else ()
    return line(f"{one.words}: ", strong(CALL_WORDS[one.to]), inside)


def _settling(explained: Explained) -> Iterator[Block]:
    if not (explained.collections or explained.unsettled):
        return
    yield Heading(3, "What would settle it")
    if explained.unsettled:
        yield Paragraph(line(explained.unsettled))
    if explained.collections:
        yield Paragraph(line(SETTLED_MEANS))
        yield Items(tuple(_collection(one) for one in explained.collections))


def _collection(one: CollectionLine) -> Line:
    price = f" ({one.price})" if one.price else ""
    return line(strong(f"{one.signal}: {one.what}"), f"{price}: {one.worth} {one.why}".rstrip())


def _need(one: NeedLine) -> Line:
    by = f", by {one.by}" if one.by else ""
    owner = f", owner {one.owner}" if one.owner else ""
    return line(strong(f"{one.signal}: {one.what}"), f"{by}{owner}. {one.why}")
