"""The part of the memo that holds the evidence: readings, checks, rows set aside, sources, the parts of each gap."""

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
    RowStyle,
    Table,
    code,
    line,
    name,
    soft,
    strong,
)
from signals.memo.forest import shown, spoken
from signals.memo.reasons import figure
from signals.memo.rows import CauseLine, CausePlace, CheckLine, Memo, PairLine, ReadingLine


def evidence(memo: Memo) -> Iterator[Block]:
    """Everything that was read, and what it was made from."""
    yield Heading(2, "Evidence")
    yield from _readings(memo)
    yield from _segments(memo)
    yield from _checks(memo)
    yield from _set_aside(memo)
    yield from _sources(memo)
    yield from _parts(memo)


def _readings(memo: Memo) -> Iterator[Block]:
    yield Heading(3, "Readings")
    columns = (
        Column("Signal", 12), Column("State", 11), Column("Effect", 11, right=True), Column("Interval", 22),
        Column("Margin", 10, right=True), Column("n", 15), Column("Why", 19),
    )  # fmt: skip
    yield Table("Readings", columns, tuple(
        Row((line(name(one.signal)), line(strong(one.state)), line(one.effect), line(one.interval), line(one.margin),
             line(one.n), line(one.why)))
        for one in memo.readings
    ))  # fmt: skip
    if len(memo.plot.rows) > len(shown(memo.plot).rows):
        yield Figure(memo.plot, "all", spoken(memo.plot), "All signals, in units of the decision margin.")
    for one in memo.readings:
        yield Paragraph(_made(one))
        beside = tuple(
            [line(f"Beside it, {other}.") for other in one.others]
            + [line(strong("Warning:"), f" {warning}.") for warning in one.warnings]
        )
        if beside:
            yield Items(beside)


def _made(one: ReadingLine) -> Line:
    owner = f", owner {one.owner}" if one.owner else ""
    relative = f"Effect {one.relative}. " if one.relative else ""
    return line(
        strong(one.signal), soft(f" ({one.kind}, {one.better}{owner}) "), f"{one.question} {relative}",
        f"Method: {one.method or '–'}; ", code(one.voting), f" votes. p {one.p}, power at the margin {one.power}, "
        f"smallest detectable effect {one.mde}, non-inferior: {one.non_inferior}, newest evidence {one.age} old.",
    )  # fmt: skip


def _segments(memo: Memo) -> Iterator[Block]:
    if not memo.segments:
        return
    yield Heading(3, "Segments")
    columns = (
        Column("Signal", 12), Column("Segment", 15), Column("Share", 8, right=True), Column("Effect", 11, right=True),
        Column("Interval", 18), Column("Benefit, drawn to the others", 20),
        Column("Benefit, all segments at once", 16),
    )  # fmt: skip
    yield Table("Segments", columns, tuple(
        Row((line(name(one.signal)), line(name(one.name)), line(one.share), line(one.effect), line(one.interval),
             line(one.shrunk), line(one.refused or one.adjusted)))
        for one in memo.segments
    ))  # fmt: skip


def _checks(memo: Memo) -> Iterator[Block]:
    yield Heading(3, "Checks that did not pass")
    if memo.troubled:
        yield Items(tuple(_trouble(one) for one in memo.troubled))
    else:
        passed = "All checks that have a limit pass." if memo.neutral else "All checks pass."
        yield Paragraph(line(passed if memo.checks else "No check was made."))
    if not memo.checks:
        return
    yield Heading(3, "All checks")
    columns = (
        Column("Status", 12), Column("Signal", 13), Column("Check", 18), Column("Number", 18),
        Column("Policy asks", 9), Column("Seen", 30),
    )  # fmt: skip
    yield Table("All checks", columns, tuple(
        Row((line(f"{one.mark} {one.outcome}"), line(name(one.signal)), line(one.title), line(one.number),
             line("yes" if one.required else "no"), line(one.detail or one.why)))
        for one in memo.checks
    ))  # fmt: skip


def _trouble(one: CheckLine) -> Line:
    remedy = f" ({one.remedy})" if one.remedy else ""
    said = strong(f"{one.signal}: {one.title} {phrases.STATUS_WORDS[one.status]}")
    return line(said, f": {one.told}{remedy}")


def _set_aside(memo: Memo) -> Iterator[Block]:
    yield Heading(3, "Set aside")
    if not memo.set_aside:
        yield Paragraph(line("No row was set aside."))
        return
    columns = (Column("Signal", 18), Column("Rows", 12, right=True), Column("Why", 50), Column("Variant", 20))
    yield Table("Rows set aside", columns, tuple(
        Row((line(name(one.signal)), line(one.rows), line(one.why + ("" if one.fault else " (no fault of the rows)")),
             line(name(one.variant or "–"))))
        for one in memo.set_aside
    ))  # fmt: skip


def _sources(memo: Memo) -> Iterator[Block]:
    yield Heading(3, "Sources")
    if not memo.sources:
        yield Paragraph(line("No source gave evidence."))
        return
    columns = (
        Column("Signal", 12), Column("Source", 17), Column("Pulled", 20), Column("Rows kept", 17, right=True),
        Column("Content", 34),
    )  # fmt: skip
    yield Table("Sources", columns, tuple(
        Row((line(name(one.signal)), line(name(one.name), soft(f" {one.connector}")), line(one.pulled),
             line(one.rows), line(code(one.content))))
        for one in memo.sources
    ))  # fmt: skip


def _parts(memo: Memo) -> Iterator[Block]:
    if not (memo.explained and memo.explained.pairs):
        return
    yield Heading(3, "The parts of each gap")
    yield Paragraph(line(soft(phrases.PARTS_LEGEND)))
    for place, pair in enumerate(memo.explained.pairs, 1):
        yield Heading(4, f"Parts: {pair.title}")
        if place > 1:  # the first pair's stands beside its story
            yield from figure(pair, place)
        yield _causes(pair)
        if pair.carriers:
            yield Paragraph(line(strong(f"Items that carry the bias{f' of {pair.biased}' if pair.biased else ''}")))
            yield _carriers(pair)


def _causes(pair: PairLine) -> Table:
    measured = Column(pair.measured[:1].upper() + pair.measured[1:], 18, right=True)
    if pair.refused:
        columns: tuple[Column, ...] = (Column("Cause", 24), measured, Column("Evidence", 58))
    else:
        shares = (Column("Share", 9, right=True), Column("Adjusted p", 11, right=True))
        columns = (Column("Cause", 24), measured, *shares, Column("Evidence", 38))
    return Table(f"Parts of the gap, {pair.title}", columns, tuple(_cause(one, pair) for one in pair.causes))


def _cause(one: CauseLine, pair: PairLine) -> Row:
    title = f"↳ {one.cause}" if one.place == "inside" else one.cause
    head = strong(title) if one.place in ("part", "gap") else title
    outcome = line(soft(f" ({one.outcome})")) if one.outcome else ()
    shares = () if pair.refused else (line(one.share), line(one.p))
    return Row((line(head, outcome), line(one.part), *shares, line(one.why)), _STYLES[one.place])


_STYLES: dict[CausePlace, RowStyle] = {"part": "plain", "inside": "inside", "gap": "strong", "refused": "soft"}


def _carriers(pair: PairLine) -> Table:
    columns = (
        Column("Item", 40), Column("Judge", 20, right=True), Column("People", 20, right=True),
        Column("Share of the bias", 20, right=True),
    )  # fmt: skip
    return Table(f"Items that carry the bias, {pair.title}", columns, tuple(
        Row((line(name(one.item)), line(one.judge), line(one.people), line(one.share))) for one in pair.carriers
    ))  # fmt: skip
