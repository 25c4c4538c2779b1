"""Why the signals disagree, cause by cause."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, project_of, project_option, time_option
from signals.cli.verdicts import decided, policy_option

if TYPE_CHECKING:
    from signals.memo.rows import Explained, PairLine

KEYS = (
    "release", "call", "as_of", "reconciliation", "stability", "resampled", "flips", "next_evidence", "unsettled",
    "notes",
)  # fmt: skip
"""Of the verdict's document, what is about its explanation."""


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
        click.echo(json.dumps({key: whole[key] for key in KEYS}, indent=1, ensure_ascii=False, allow_nan=False))
        return
    from signals.memo.explained import explained_of

    click.echo(reconcile_text(explained_of(result.explanation, result.verdict)))


def reconcile_text(found: Explained) -> str:
    """The diagnosis of every pair, and what stands beside it."""
    from signals.memo.phrases import SETTLES, SETTLES_NOT
    from signals.terminal import wrap

    parts = [part for pair in found.pairs for part in _pair(pair)] or [wrap(found.agreed), ""]
    parts += [wrap(note) for note in found.notes]
    for title, lines in (
        ("How sure the call is", [found.steadiness, *found.held] if found.steadiness else []),
        ("What would flip it", [_said(line.words, line.to.upper(), line.inside) for line in found.flips]),
        (
            "What would settle it",
            [
                *([found.unsettled] if found.unsettled else []),
                *(
                    f"{_said(f'{line.signal}: {line.what}', line.worth, line.price)}"
                    f"{SETTLES if line.settles else SETTLES_NOT} {line.why}".rstrip()
                    for line in found.collections
                ),
            ],
        ),
    ):
        if lines:
            parts += [*([""] if parts[-1] else []), f"{title}:", *(wrap(line, "  ") for line in lines)]
    return "\n".join(parts).rstrip("\n")


def _pair(pair: PairLine) -> list[str]:
    from signals.terminal import table, wrap

    rows = [(line.cause, line.part, line.share, line.quantity, line.outcome) for line in pair.causes]
    why = [wrap(f"{line.cause}: {line.why}", "  ") for line in pair.causes if line.why]
    parts = [pair.title, wrap(pair.story, "  "), ""]
    parts += [table(("cause", "of the gap", "share", "in its own unit", "outcome"), rows, right=(2,)), *why, ""]
    if pair.carriers:
        items = [(line.item, line.judge, line.people, line.share) for line in pair.carriers]
        parts += [table(("item", "judge", "people", "share of the bias"), items, right=(1, 2, 3)), ""]
    return parts


def _said(what: str, then: str, more: str) -> str:
    return f"{what}{f' ({more})' if more else ''}: {then}"
