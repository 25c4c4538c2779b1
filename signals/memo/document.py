"""The memo in blocks, in the one order that every format keeps: decision, why, evidence, policy and limits.

Page one is the decision and must fit a sheet of paper whatever came from outside: what is long there is shortened with
a word about it, and stands whole further down.
"""

from __future__ import annotations

from signals.memo import phrases
from signals.memo.blocks import (
    Banner,
    Block,
    Document,
    Field,
    Fields,
    Figure,
    Heading,
    Paragraph,
    code,
    line,
    soft,
    strong,
)
from signals.memo.decided import call_line
from signals.memo.evidence import evidence
from signals.memo.forest import shown, spoken
from signals.memo.reasons import reasons
from signals.memo.record import record
from signals.memo.rows import Memo
from signals.words import CALL_WORDS, shorten

NAME, CLAUSE, SENTENCE = 60, 240, 600
"""Characters of a name, a clause and a sentence on page one."""

UNHEARD = 2
"""Signals that page one says were not heard; the others are counted."""


def document(memo: Memo) -> Document:
    """The memo in blocks. Same memo, same blocks."""
    return Document(
        title=f"Decision memo: {shorten(memo.release, NAME)}: {memo.word}",
        dated=memo.dated or memo.as_of_exact,
        foot=f"{shorten(memo.release, NAME)} · policy {phrases.short_hash(memo.policy_hash)} · "
        f"evidence {phrases.short_hash(memo.evidence_hash)}"
        + (f" · verdict {phrases.short_hash(memo.verdict_hash)}" if memo.verdict_hash else "")
        + (f" · audit {phrases.short_hash(memo.audit_head)}" if memo.audit_head else ""),
        first=_first(memo),
        rest=(*reasons(memo), *evidence(memo), *record(memo)),
    )


def _first(memo: Memo) -> tuple[Block, ...]:
    owner = f" · owner {shorten(memo.owner, NAME)}" if memo.owner else ""
    about = (
        f"{shorten(memo.candidate, NAME)} against {shorten(memo.control, NAME)} · {memo.kind} · "
        f"started {memo.started}{owner}"
    )
    made = (
        f"Evidence as of {memo.as_of} · policy {shorten(memo.policy_name, NAME)} "
        f"({phrases.short_hash(memo.policy_hash)}) · evidence {phrases.short_hash(memo.evidence_hash)}"
    )
    plot = shown(memo.plot)
    more = len(memo.plot.rows) - len(plot.rows)
    return (
        Heading(1, f"Decision memo: {shorten(memo.release, NAME)}"),
        Paragraph(line(soft(about))),
        Paragraph(line(soft(made))),
        *([Paragraph(line(strong(phrases.SYNTHETIC)), "notice")] if memo.synthetic else []),
        _banner(memo),
        Heading(2, "Signals, in units of the decision margin"),
        Figure(plot, "forest", spoken(plot), phrases.PLOT_LEGEND),
        *([Paragraph(line(soft(f"{more} more signals are drawn under Readings.")))] if more else []),
        *_decision(memo),
    )


def _banner(memo: Memo) -> Banner:
    lines = [line(strong(shorten(memo.sentence, SENTENCE))), line(soft(shorten(memo.decided_by, SENTENCE)))]
    # Evidence that nobody may believe gives the same HOLD however often it is drawn: that is no certainty.
    if memo.explained and memo.explained.steadiness and memo.decides:
        lines.append(line(soft(memo.explained.steadiness)))
    lines += [line(strong(f"Not heard: {shorten(one, CLAUSE)}")) for one in memo.unheard[:UNHEARD]]
    more = len(memo.unheard) - UNHEARD
    if more > 0:
        lines.append(line(strong(f"Not heard either: {more} more, named under Not assessed.")))
    return Banner(memo.call, memo.word, "" if memo.decides else f"until then {CALL_WORDS[memo.call]}", tuple(lines))


def _decision(memo: Memo) -> tuple[Block, ...]:
    if not memo.decisions:
        blank = ("Decided by", "Second person", "Because", "Date")
        return (
            Heading(2, "Decision and signatures"),
            Paragraph(
                line(
                    "No decision was recorded when this memo was written. A decision against "
                    f"{CALL_WORDS[memo.call]} needs a reason, a second person, and a date on which it runs out or is "
                    "looked at again."
                )
            ),
            Fields(
                (
                    Field("Decision", line("☐ SHIP   ☐ HOLD   ☐ ROLLBACK")),
                    *(Field(label, None) for label in blank),
                )
            ),
        )
    newest, *earlier = memo.decisions
    fields = [Field("Decision", call_line(newest))]
    if newest.recommended != memo.call:
        was, now = CALL_WORDS[newest.recommended], CALL_WORDS[memo.call]
        fields.append(Field("Another verdict", line(strong(f"It was decided on {was}, and this memo is of {now}."))))
    if newest.stale:
        fields.append(Field("Stale", line(strong(shorten(" ".join(newest.stale), CLAUSE)))))
    fields += [
        Field("Decided by", line(shorten(newest.by, NAME), soft(f", {newest.at}"))),
        Field("Second person", line(shorten(newest.second, NAME) or "–")),
        Field("Because", line(shorten(newest.because, 2 * CLAUSE))),
    ]
    if newest.due:
        fields.append(Field("Override", line(newest.due)))
    if newest.turned:
        said = shorten(f"{newest.turned_by}: {newest.turned_because}", CLAUSE)
        fields.append(Field("Outcome", line(strong(newest.turned), f", said {said}")))
    if newest.entry:
        fields.append(Field("Audit entry", line(code(newest.entry))))
    blocks: list[Block] = [Heading(2, "Decision and signatures"), Fields(tuple(fields))]
    if earlier:
        one = "One earlier decision stands" if len(earlier) == 1 else f"{len(earlier)} earlier decisions stand"
        blocks.append(Paragraph(line(soft(f"{one} under Decisions."))))
    return tuple(blocks)
