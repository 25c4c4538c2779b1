"""Evidence: pull it, see what came, list the releases."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, project_of, project_option
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.cli.progress import Board
    from signals.model import Project
    from signals.pull import Watch
    from signals.store import PullReport


INTERRUPTED = 130
"""Exit code of a pull that was stopped by Ctrl-C, as shells count it."""


@cli.command()
@project_option
@click.option("--source", metavar="S", help="Only this source.")
@click.option("--release", metavar="R", help="Also tell how many rows each source has about this release.")
@click.option("--full", is_flag=True, help="Read again even what has not changed.")
@click.option(
    "--dry-run", "dry", is_flag=True, help="Read, show the first records and what would change, store nothing."
)
@json_option
def pull(folder: Path | None, source: str | None, release: str | None, full: bool, dry: bool, as_json: bool) -> None:
    """Read every source into the store.

    Sources are read at the same time; one that fails keeps its last good evidence and stops no other. Ctrl-C stops:
    each source is then stored as a whole or as it was.
    """
    project = project_of(folder)
    if dry:
        dry_run(project, source=source, release=release, full=full, as_json=as_json)
    else:
        pull_all(project, source=source, release=release, full=full, as_json=as_json)


def pull_all(
    project: Project,
    *,
    source: str | None = None,
    release: str | None = None,
    full: bool = False,
    as_json: bool = False,
) -> None:
    """Pull, print the table, exit 2 when a source failed."""
    from signals.pull import pull as pull_sources
    from signals.review import find_release, store_of
    from signals.terminal_pulls import NO_SOURCES, pull_table

    store = store_of(project)
    with board(project, source, stores=True) as watch:
        reports = pull_sources(project, store, release=release, source=source, full=full, watch=watch)
    own = None
    if release is not None:
        held = store.contents([report.source for report in reports])
        subject = find_release(project, release)
        own = {name: content.own_rows(subject) for name, content in held.items()}
    if as_json:
        about = {} if own is None else {"release": release}
        rows = [
            plain(report) | about | ({} if own is None else {"of_release": own.get(report.source, 0)})
            for report in reports
        ]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    else:
        click.echo(pull_table(reports, own=own, release=release or "") if reports else NO_SOURCES)
    from signals.cli.notify import after_pull

    failed = _tell_failures(project, reports)
    after_pull(project)
    if failed:
        sys.exit(2)


def dry_run(project: Project, *, source: str | None, release: str | None, full: bool, as_json: bool) -> None:
    """Read everything, print what a pull would do; exit 2 when it would fail for a source."""
    from signals.pull.dry import dry_pull
    from signals.terminal_pulls import NO_SOURCES, first_records, pull_table, would_change

    with board(project, source) as watch:
        readings = dry_pull(project, release=release, source=source, full=full, watch=watch)
    if as_json:
        rows = [{**plain(one.report), "first": plain(dict(one.first))} for one in readings]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    elif not readings:
        click.echo(NO_SOURCES)
    else:
        for one in readings:
            about = f"{one.source.name} ({one.source.connector}, for {one.source.signal})"
            if one.report.error is None:
                click.echo(f"{about}: {would_change(one.report)}\n{first_records(one.first)}\n")
        click.echo(pull_table([one.report for one in readings], dry=True))
    if _tell_failures(project, [one.report for one in readings]):
        sys.exit(2)


def _tell_failures(project: Project, reports: Sequence[PullReport]) -> bool:
    """Warn of sources that nobody hears and print what failed; whether something did."""
    from signals.review import misplaced, policy_of

    try:
        unheard = misplaced(project, policy_of(project))
    except SignalsError:
        unheard = ()  # evidence is kept whatever the policy's state; `verdict` and `policy check` report that
    for problem in unheard:
        click.echo(f"warning: {problem}", err=True)
    failed = [report for report in reports if report.error]
    for report in failed:
        click.echo(report.error, err=True)
    return bool(failed)


@contextmanager
def board(project: Project, source: str | None, *, stores: bool = False) -> Iterator[Watch]:
    """The progress of a reading on stderr, and what is said when it is stopped."""
    from signals.cli.progress import Board

    shown = Board([one.name for one in project.sources if source in (None, one.name)])
    try:
        yield shown
    except KeyboardInterrupt:
        shown.close(keep=False)
        _interrupted(shown, stores=stores)
    finally:
        shown.close(keep=not sys.stdout.isatty())


def _interrupted(shown: Board, *, stores: bool) -> None:
    """Say what is stored and what is not, and end; readers that cannot hear that it is over go with the process."""
    from signals.pull import still_running

    ended = [name for name, step in shown.steps.items() if step is not None and step.phase == "done"]
    others = [name for name in shown.steps if name not in ended]
    told = [("Done", ended), ("As before", others)] if stores else []
    parts = [f"{word}: {', '.join(names)}." for word, names in told if names]
    click.echo(" ".join(["Stopped.", *(parts or ["Nothing was stored."])]), err=True)
    if still_running():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    sys.exit(INTERRUPTED)


@cli.command()
@project_option
@json_option
def status(folder: Path | None, as_json: bool) -> None:
    """Show each source: when it was pulled, what was kept, what was set aside; and overrides that have expired."""
    from signals.decisions import log
    from signals.review import store_of
    from signals.terminal_decisions import expired_text
    from signals.terminal_pulls import status_table

    project = project_of(folder)
    store = store_of(project)
    pulls = [(source, store.last_pull(source.name)) for source in project.sources]
    if as_json:
        rows = [{"source": source.name, "signal": source.signal, "pull": plain(last)} for source, last in pulls]
        click.echo(json.dumps(rows, indent=1, allow_nan=False))
    else:
        from signals.cli.notify import owed_lines

        click.echo(status_table(pulls, datetime.now(UTC)))
        late = expired_text(log(project, look=False))
        if late:
            click.echo(f"\n{late}")
        owed = owed_lines(project)
        if owed:
            click.echo("\n".join(["", "Not delivered (the next pull tries again):", *(f"  {line}" for line in owed)]))


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
        rows = [(r.id, r.kind, r.against, r.candidate, str(r.started), r.owner or "–") for r in declared]
        click.echo(table(("release", "kind", "control", "candidate", "started", "owner"), rows))
