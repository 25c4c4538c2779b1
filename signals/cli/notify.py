"""Telling receivers of a new or changed verdict, by hand and after each pull."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.model import Project
    from signals.sharing.notify import Told


@cli.command()
@click.argument("release", required=False)
@project_option
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be sent to whom; send nothing.")
@json_option
def notify(release: str | None, folder: Path | None, dry: bool, as_json: bool) -> None:
    """Tell the receivers in data/sources.yaml of verdicts that are new to them.

    `signals pull` does the same at its end. Exits with 2 when something did not arrive; the next pull tries it again.
    """
    from signals.sharing.notify import notify as tell

    project = project_of(folder)
    if not project.receivers:
        raise SignalsError("nobody is to be told", "Add `notify:` to data/sources.yaml: docs/webhooks.md")
    found = []
    for one in tell(project, release=release, dry=dry):
        found.append(one)
        if not as_json:
            click.echo(one)
    if as_json:
        click.echo(json_text([plain(one) for one in found]))
    elif not found:
        click.echo("No receiver is told of this release." if release else "No release is left to tell of.")
    if any(one.outcome in ("failed", "waits") for one in found):
        sys.exit(2)


def after_pull(project: Project) -> None:
    """Tell the receivers what changed, on stderr what became of it; a failure is told and stops nothing."""
    if not project.receivers:
        return
    from signals.cli.files import announced
    from signals.sharing.notify import notify as tell

    found: list[Told] = []
    wrong: SignalsError | None = None
    try:
        with announced("Telling the receivers"):
            found.extend(tell(project))
    except SignalsError as error:
        wrong = error
    for one in found:
        if one.outcome not in ("same", "off"):
            click.echo(f"{'warning: ' if one.outcome in ('failed', 'waits') else ''}{one}", err=True)
    if wrong is not None:
        click.echo(f"warning: not everybody could be told of the verdicts: {wrong}", err=True)


def owed_lines(project: Project) -> list[str]:
    """What receivers should know and do not, one line each."""
    if not project.receivers:
        return []
    from signals.review import store_of
    from signals.sharing.notify import owed
    from signals.store.notices import Notices

    return owed(project, Notices(store_of(project).database).all())
