"""The last part of the memo: the policy whole, the hashes that vouch for it, all decisions, what was not assessed."""

from __future__ import annotations

from collections.abc import Iterator

from signals.memo.blocks import (
    Block,
    Column,
    Field,
    Fields,
    Heading,
    Items,
    Line,
    Paragraph,
    Row,
    Source,
    Table,
    code,
    line,
    name,
    soft,
    strong,
)
from signals.memo.decided import call_line
from signals.memo.rows import DecisionLine, Memo


def record(memo: Memo) -> Iterator[Block]:
    """Policy, hashes, decisions, limits."""
    yield Heading(2, "Policy, hashes and limits")
    yield Heading(3, "Policy")
    yield Paragraph(line(name(memo.policy_name), ", file ", code(memo.policy_file), ", whole:"))
    yield Source(memo.policy_text, "yaml")
    yield Heading(3, "Hashes")
    head = line(code(memo.audit_head)) if memo.audit_head else line("nothing was recorded when this memo was written")
    yield Fields(
        (
            Field("Policy", line(code(memo.policy_hash))),
            Field("Evidence", line(code(memo.evidence_hash))),
            *([Field("Verdict", line(code(memo.verdict_hash)))] if memo.verdict_hash else []),
            Field("Audit head", head),
            Field("As of", line(code(memo.as_of_exact))),
        )
    )
    yield Paragraph(
        line(
            soft("The audit head shows any later change of what had been recorded by then to whoever keeps this memo.")
        )
    )
    yield from _decisions(memo)
    yield Heading(3, "Not assessed")
    yield Items(tuple(line(one) for one in memo.not_assessed) or (line("Nothing that the verdict knows of."),))


def _decisions(memo: Memo) -> Iterator[Block]:
    if not memo.decisions:
        return
    yield Heading(3, "Decisions")
    columns = (
        Column("Decided", 26), Column("By", 11), Column("Second person", 11), Column("Because", 22),
        Column("When", 12), Column("Outcome", 18),
    )  # fmt: skip
    yield Table("Decisions", columns, tuple(_row(one) for one in memo.decisions))
    entries = [
        line(f"{title} ", code(entry))
        for one in memo.decisions
        for title, entry in (
            (f"Decision of {one.at}:", one.entry),
            ("Its override:", one.override_entry),
            ("Its outcome:", one.turned_entry),
        )
        if entry
    ]
    if entries:
        yield Paragraph(line("Their entries in the audit chain:"))
        yield Items(tuple(entries))


def _row(one: DecisionLine) -> Row:
    stale = line(strong(f" Stale: {' '.join(one.stale)}")) if one.stale else ()
    due = line(soft(f" ({one.due})")) if one.due else ()
    told: Line = line("–")
    if one.turned:
        told = line(strong(one.turned), f", said {one.turned_by}: {one.turned_because}")
    cells = (call_line(one), line(one.by), line(one.second or "–"), line(one.because, due, stale), line(one.at), told)
    return Row(cells)
