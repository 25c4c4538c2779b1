"""Sources before they count: would they work, and which connectors there are."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option
from signals.cli.evidence import board
from signals.model import plain

if TYPE_CHECKING:
    from signals.sources import Lack, SourceCheck

RELEASES = 3
"""Releases in the open; ``--json`` has all."""


@cli.group()
def sources() -> None:
    """Look over the sources: would each work, what does it lack?"""


@sources.command()
@project_option
@click.option("--source", metavar="S", help="Only this source.")
@json_option
def check(folder: Path | None, source: str | None, as_json: bool) -> None:
    """Read each source without storing anything, and hold it against the policy.

    Tells whether it would work, what it has about which release, and what it lacks for which check. Exits with 2 when
    a source does not work; what it lacks is no failure.
    """
    from signals.sources import check_sources
    from signals.terminal_pulls import NO_SOURCES

    project = project_of(folder)
    with board(project, source) as watch:
        found = check_sources(project, source=source, watch=watch)
    if as_json:
        click.echo(json_text([plain(one) for one in found]))
    elif not found:
        click.echo(NO_SOURCES)
    else:
        click.echo("\n\n".join([*(_text(one) for one in found), _summary(found)]))
    if not all(one.works for one in found):
        sys.exit(2)


@sources.command("list")
@json_option
def list_connectors(as_json: bool) -> None:
    """List the connectors that there are, and the records that each brings."""
    from signals.sources import known_connectors
    from signals.terminal_pulls import fitted, fold

    found = known_connectors()
    if as_json:
        click.echo(json.dumps([plain(one) for one in found], indent=1))
        return
    rows = [
        (one.connector, one.package or "built in", "not usable" if one.problem else ", ".join(one.shapes))
        for one in found
    ]
    click.echo(fitted(("connector", "from", "shapes"), rows))
    for one in found:
        if one.problem:
            click.echo(fold(one.problem), err=True)


def _text(one: SourceCheck) -> str:
    from signals.terminal_pulls import REASONS, aside, fold
    from signals.words import clean, count, plural

    head = (
        f"{clean(one.source)}: {'works' if one.works else 'DOES NOT WORK'} ({one.connector}, for {clean(one.signal)})"
    )
    if not one.works:
        return "\n".join([head, *(fold(clean(line), "  ") for line in one.problem.splitlines())])
    lost = sum(entry.rows for entry in one.set_aside)
    lines = [
        head,
        fold(
            f"{plural(one.rows_read, 'rows')} read, {count(one.rows_kept)} kept, {count(lost)} set aside, "
            f"{one.seconds:,.1f} s", "  ",
        ),
    ]  # fmt: skip
    entries = sorted((entry for entry in one.set_aside if entry.rows), key=lambda entry: -entry.rows)
    lines += [fold(f"set aside: {aside(entry)}", "  ") for entry in entries[:REASONS]]
    for brought in one.brings[:RELEASES]:
        (control, theirs), (candidate, ours) = brought.control, brought.candidate
        items = f"; {count(brought.items[0])} of {count(brought.items[1])} items in both" if brought.items else ""
        text = f"{clean(candidate)} {count(ours)}, {clean(control)} {count(theirs)} {one.unit}{items}"
        lines.append(fold(f"{clean(brought.release)}: {text}", "  "))
    if one.brings[RELEASES:]:
        lines.append(f"  and {plural(len(one.brings) - RELEASES, 'more releases')}")
    if one.others:
        names = list(one.others)
        more = f" and {len(names) - RELEASES} more" if names[RELEASES:] else ""
        lines.append(fold(f"of no release: {', '.join(clean(name) for name in names[:RELEASES])}{more}", "  "))
    lines += [fold(_lack(lack), "  ") for lack in one.lacks if lack.asked]
    rest = [lack for lack in one.lacks if not lack.asked]
    if rest:
        lines.append(fold("the policy does not ask for: " + "; ".join(_unasked(lack) for lack in rest), "  "))
    return "\n".join(lines)


def _lack(lack: Lack) -> str:
    return f"lacks: {lack.what}; {lack.asked}. {lack.remedy}.".replace("..", ".")


def _unasked(lack: Lack) -> str:
    checks = f" ({', '.join(lack.checks)})" if lack.checks else ""
    remedy = lack.remedy.partition(",")[0] if lack.remedy.startswith(("Map ", "Set ")) else ""
    return f"{lack.what}{checks}{f': {remedy[:1].lower()}{remedy[1:]}' if remedy else ''}"


def _summary(found: Sequence[SourceCheck]) -> str:
    from signals.terminal_pulls import fold
    from signals.words import plural

    bad = sum(not one.works for one in found)
    lacking = sum(any(lack.asked for lack in one.lacks) for one in found)
    works = f"{len(found) - bad} work, {bad} {'does' if bad == 1 else 'do'} not" if bad else "all work"
    told = f"; {lacking} {'lacks' if lacking == 1 else 'lack'} something that the policy asks for" if lacking else ""
    return fold(f"{plural(len(found), 'sources')}: {works}{told}. Nothing was stored.")
