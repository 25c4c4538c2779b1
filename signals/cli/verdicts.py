"""The main job: the verdict on a release, and its memo."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option, time_option
from signals.model import Project, SignalsError

if TYPE_CHECKING:
    from signals.review import Review

EXIT = {"ship": 0, "hold": 10, "rollback": 20}
FORMATS = ("text", "json", "github", "slack", "junit")

policy_option = click.option(
    "--policy", metavar="FILE|VERSION", help="Decide by this file or saved version instead of hierarchy.yaml."
)


def decided(release: str, project: Project, policy: str | None, as_of: datetime | None) -> Review:
    """The verdict under the project's policy, or under the one that ``--policy`` names."""
    from signals.review import review

    if policy is None:
        return review(release, project, as_of=as_of)
    from signals.versions import resolve

    return review(release, project, policy=resolve(project, policy), as_of=as_of)


@cli.command()
@click.argument("release")
@project_option
@policy_option
@time_option
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="text (default), json, github, slack or junit: docs/ci.md."
)
@json_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write into this file, at one stroke."
)
def verdict(
    release: str,
    folder: Path | None,
    policy: str | None,
    as_of: datetime | None,
    form: str | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Decide RELEASE. Exit code 0 ship, 10 hold, 20 rollback, whatever the format."""
    if as_json and form not in (None, "json"):
        raise SignalsError(f"--json means --format json, and --format is {form}", "Leave one of them out")
    result = decided(release, project_of(folder), policy, as_of)
    text = written(result, "json" if as_json else form or "text")
    if output is None:
        click.echo(text, nl=False)
    else:
        from signals.cli.files import write_bytes

        write_bytes(output, text.encode())
        click.echo(f"{output}: {len(text.encode()):,} bytes")
    sys.exit(EXIT[result.verdict.call])


def written(result: Review, form: str) -> str:
    """The verdict in one of ``FORMATS``, with a line break at its end."""
    if form == "text":
        from signals.terminal import verdict_text
        from signals.terminal_decisions import decided_text

        return verdict_text(result.verdict, result.explanation) + decided_text(result.standings) + "\n"
    if form == "json":
        from signals.policy import verdict_json

        document = verdict_json(result.verdict, result.explanation)
        return json_text(document) + "\n"
    from signals import sharing

    return sharing.FORMATS[form](result.verdict, result.memo())


@cli.command()
@click.argument("release")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False),
    help="FILE.md, FILE.html, FILE.pdf or FILE.docx: docs/memo.md.",
)  # fmt: skip
@project_option
@policy_option
@time_option
def memo(release: str, output: Path, folder: Path | None, policy: str | None, as_of: datetime | None) -> None:
    """Write the decision memo of RELEASE."""
    from signals.cli.files import announced, write_bytes
    from signals.memo import WRITERS

    write = WRITERS.get(output.suffix.lower())
    if write is None:
        raise SignalsError(
            f"{output}: cannot write {output.suffix or 'a file without ending'}", f"Choose {', '.join(WRITERS)}"
        )
    with announced(f"Writing {output}"):
        found = decided(release, project_of(folder), policy, as_of)
        content = write(found.memo())
        write_bytes(output, content)
    click.echo(f"{output}: {len(content):,} bytes")
