"""Evidence: pull it, see what came, list the releases."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, project_of, project_option
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.model import Project


@cli.command()
@project_option
@click.option("--source", help="Only this source.")
@click.option("--full", is_flag=True, help="Read again even what has not changed.")
@json_option
def pull(folder: Path | None, source: str | None, full: bool, as_json: bool) -> None:
    """Read every source into the store."""
    pull_all(project_of(folder), source=source, full=full, as_json=as_json)


def pull_all(project: Project, *, source: str | None = None, full: bool = False, as_json: bool = False) -> None:
    """Pull, print the table, exit 2 when a source failed."""
    from signals.pull import pull as pull_sources
    from signals.review import misplaced, policy_of, store_of
    from signals.terminal import NO_SOURCES, pull_table

    progress = sys.stderr.isatty()

    def show(line: str) -> None:
        if progress:
            click.echo(f"\r\033[K{line}", err=True, nl=False)

    reports = pull_sources(project, store_of(project), source=source, full=full, progress=show)
    show("")
    if as_json:
        click.echo(json.dumps([plain(report) for report in reports], indent=1, allow_nan=False))
    else:
        click.echo(pull_table(reports) if reports else NO_SOURCES)
    try:
        unheard = misplaced(project, policy_of(project))
    except SignalsError:
        unheard = ()  # evidence is kept whatever the policy's state; `verdict` and `policy check` report that
    for problem in unheard:
        click.echo(f"warning: {problem}", err=True)
    failed = [report for report in reports if report.error]
    for report in failed:
        click.echo(report.error, err=True)
    if failed:
        sys.exit(2)


@cli.command()
@project_option
@json_option
def status(folder: Path | None, as_json: bool) -> None:
    """Show each source: when it was pulled, what was kept, what was set aside."""
    from signals.review import store_of
    from signals.terminal import status_table

    project = project_of(folder)
    store = store_of(project)
    pulls = [(source, store.last_pull(source.name)) for source in project.sources]
    if as_json:
        rows = [{"source": source.name, "signal": source.signal, "pull": plain(last)} for source, last in pulls]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    else:
        click.echo(status_table(pulls, datetime.now(UTC)))


@cli.command()
@project_option
@json_option
def releases(folder: Path | None, as_json: bool) -> None:
    """List the releases under review."""
    from signals.terminal import table

    declared = project_of(folder).releases
    if as_json:
        click.echo(json.dumps([plain(release) for release in declared], indent=1))
    elif not declared:
        click.echo("No release is declared yet: add one under `releases:` in data/sources.yaml.")
    else:
        rows = [(r.id, r.kind, r.control, r.candidate, str(r.started), r.owner or "–") for r in declared]
        click.echo(table(("release", "kind", "control", "candidate", "started", "owner"), rows))
