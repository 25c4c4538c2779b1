"""What makes tomorrow's disagreement likely."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option, time_option
from signals.model import plain, utc

if TYPE_CHECKING:
    from signals.debt import Debt, Survey

SEVERITIES = ("high", "medium", "low")


@cli.command()
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Exit with 10 when a debt this severe, or more so, stands."
)
@project_option
@time_option
@json_option
def debt(fail_on: str | None, folder: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """List what makes the next disagreement likely, and what to do about it."""
    from signals.debt import survey

    found = survey(project_of(folder), now=as_of)
    if as_json:
        click.echo(json_text(_plain(found)))
    else:
        click.echo(_text(found))
    if fail_on and any(SEVERITIES.index(one.severity) <= SEVERITIES.index(fail_on) for one in found.debts):
        sys.exit(10)


def _plain(found: Survey) -> dict[str, Any]:
    return {
        "policy": found.policy,
        "as_of": utc(found.now),
        "debts": [{**plain(one), "known": one.known} for one in found.debts],
        "sources": plain(found.sources),
    }


def _text(found: Survey) -> str:
    from signals.words import moment

    parts = [f"{_counts(found.debts)}  policy {found.policy}  as of {moment(found.now)}"]
    for severity in SEVERITIES:
        mine = [one for one in found.debts if one.severity == severity]
        if mine:
            parts += ["", severity.upper(), *(_entry(one) for one in mine)]
    if not found.debts:
        parts += ["", "Nothing that these rules look at makes a disagreement likely. docs/debt.md says what they are."]
    return "\n".join(parts)


def _counts(debts: Sequence[Debt]) -> str:
    if not debts:
        return "No debt."
    counts = [f"{count} {name}" for name in SEVERITIES if (count := sum(one.severity == name for one in debts))]
    unknown = sum(not one.known for one in debts)
    return f"{', '.join(counts)}{f' ({unknown} not known)' if unknown else ''}."


def _entry(one: Debt) -> str:
    from signals.debt import TITLES
    from signals.terminal import wrap
    from signals.words import moment

    about = [TITLES[one.kind], one.subject]
    about += [f"owner {one.owner}"] if one.owner else []
    about += [f"since {moment(one.since.date())}"] if one.since else []
    what = one.what if one.known else one.what[:1].upper() + one.what[1:]
    lines = [
        wrap(" · ".join(about), "  "), wrap(what, "    "), wrap(f"Why: {one.why}", "    "),
        wrap(f"Do: {one.remedy}", "    "),
    ]  # fmt: skip
    return "\n".join(lines)
