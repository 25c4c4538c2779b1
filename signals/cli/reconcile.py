"""Why the signals disagree, cause by cause."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option, time_option
from signals.cli.verdicts import decided, policy_option

if TYPE_CHECKING:
    from signals.memo.rows import Explained, FlipLine, PairLine

KEYS = (
    "release", "call", "as_of", "reconciliation", "stability", "resampled", "flips", "next_evidence", "unsettled",
    "notes",
)  # fmt: skip
"""Of the verdict's document, what is about its explanation."""

REPEATED = "Notes that stand under a pair above are not repeated."


@cli.command()
@click.argument("release")
@project_option
@policy_option
@time_option
@json_option
def reconcile(release: str, folder: Path | None, policy: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Say why the signals of RELEASE disagree, how sure the call is, and what would settle it."""
    result = decided(release, project_of(folder), policy, as_of)
    if as_json:
        from signals.policy import verdict_json

        whole = verdict_json(result.verdict, result.explanation)
        click.echo(json_text({key: whole[key] for key in KEYS}))
        return
    from signals.memo.explained import explained_of

    click.echo(reconcile_text(explained_of(result.explanation, result.verdict)))


def reconcile_text(found: Explained) -> str:
    """The diagnosis of every pair, and what stands beside it."""
    from signals.terminal import wrap
    from signals.words import SETTLED_MEANS

    made: set[str] = set()
    parts = [wrap(found.first), ""] if found.first else []
    parts += [part for pair in found.pairs for part in _pair(pair, made)]
    parts += [wrap(line) for line in (found.not_known, *found.notes) if line]
    for title, lines in (
        ("How sure the call is", [found.steadiness, *found.held] if found.steadiness else []),
        ("What would flip it", [_flip(line) for line in found.flips if not line.far]),
        ("What would flip it and is far-fetched", [_flip(line) for line in found.flips if line.far]),
        (
            "What would settle it",
            [
                *([found.unsettled] if found.unsettled else []),
                *([SETTLED_MEANS] if found.collections else []),
                *(
                    f"{_said(f'{line.signal}: {line.what}', line.worth, line.price)} {line.why}".rstrip()
                    for line in found.collections
                ),
            ],
        ),
    ):
        if lines:
            parts += [*([""] if parts[-1] else []), f"{title}:", *(wrap(line, "  ") for line in lines)]
    return "\n".join(parts).rstrip("\n")


def _pair(pair: PairLine, made: set[str]) -> list[str]:
    """One pair; what its numbers were ``made`` from is said where no earlier pair said the same."""
    from signals.memo.phrases import PARTS_LEGEND
    from signals.terminal import table, wrap

    rows = [
        (f"{'  ' if line.place == 'inside' else ''}{line.cause}", line.part, line.share, line.p, line.outcome)
        for line in pair.causes
    ]
    parts = [pair.title, wrap(pair.story, "  "), ""]
    head = ("cause", pair.measured, "share", "adjusted p", "outcome")
    full = [place for place in range(len(head)) if any(row[place] for row in rows)]  # no margins: no share, nor sum
    right = [column for column, place in enumerate(full) if place in (2, 3)]
    parts.append(table([head[place] for place in full], [[row[place] for place in full] for row in rows], right=right))
    if pair.plot and PARTS_LEGEND not in made:
        made.add(PARTS_LEGEND)
        parts.append(wrap(PARTS_LEGEND, "  "))
    # Why there is no number is said after all pairs.
    why = dict.fromkeys(f"{line.cause}: {line.why}" for line in pair.causes if line.why and line.place != "refused")
    parts += [wrap(line, "  ") for line in why if line not in made]
    if REPEATED not in made and not made.isdisjoint(why):
        parts.append(wrap(REPEATED, "  "))
        made.add(REPEATED)
    parts.append("")
    made.update(why)
    if pair.carriers:
        items = [(line.item, line.judge, line.people, line.share) for line in pair.carriers]
        parts += [table(("item", "judge", "people", "share of the bias"), items, right=(1, 2, 3)), ""]
    return parts


def _flip(line: FlipLine) -> str:
    return _said(line.words, line.to.upper(), line.inside)


def _said(what: str, then: str, more: str) -> str:
    return f"{what}{f' ({more})' if more else ''}: {then}"
