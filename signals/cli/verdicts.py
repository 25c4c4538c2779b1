"""The main job: the verdict on a release, its memo, what people decided, and whether the record still stands."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, project_of, project_option, time_option
from signals.model import CALLS, Project, SignalsError

if TYPE_CHECKING:
    from signals.review import Review

EXIT = {"ship": 0, "hold": 10, "rollback": 20}

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
@json_option
def verdict(release: str, folder: Path | None, policy: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Decide RELEASE. Exit code 0 ship, 10 hold, 20 rollback."""
    result = decided(release, project_of(folder), policy, as_of)
    if as_json:
        from signals.policy import verdict_json

        document = verdict_json(result.verdict, result.explanation)
        click.echo(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from signals.terminal import verdict_text

        click.echo(verdict_text(result.verdict, result.explanation))
    sys.exit(EXIT[result.verdict.call])


@cli.command()
@click.argument("release")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.md or FILE.html"
)
@project_option
@policy_option
@time_option
def memo(release: str, output: Path, folder: Path | None, policy: str | None, as_of: datetime | None) -> None:
    """Write the decision memo of RELEASE."""
    from signals.memo import WRITERS, memo_of

    write = WRITERS.get(output.suffix.lower())
    if write is None:
        raise SignalsError(
            f"{output}: cannot write {output.suffix or 'a file without ending'}", f"Choose {' or '.join(WRITERS)}"
        )
    result = decided(release, project_of(folder), policy, as_of)
    text = write(memo_of(result.verdict, result.policy.text, result.decisions, result.policy.file, result.explanation))
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise SignalsError(f"{output}: cannot be written: {error.strerror}", "Choose another place") from None
    click.echo(f"{output}: {len(text.encode()):,} bytes")


@cli.command()
@click.argument("release")
@click.argument("call", type=click.Choice(CALLS))
@click.option("--by", required=True, metavar="WHO", help="Who decides.")
@click.option("--because", required=True, metavar="TEXT", help="Why.")
@click.option("--second", default="", metavar="WHO", help="Who else agrees; needed to decide against the verdict.")
@project_option
@time_option
def decide(
    release: str, call: str, by: str, because: str, second: str, folder: Path | None, as_of: datetime | None
) -> None:
    """Record what people decided about RELEASE."""
    from signals.policy import verdict_json
    from signals.review import record, review

    result = review(release, project_of(folder), as_of=as_of)
    document = verdict_json(result.verdict, result.explanation)
    decision = record(result, call, by, because, second, document)  # type: ignore[arg-type]  # click checked the choice
    mark = f"override of {decision.recommended}" if decision.override else "as recommended"
    click.echo(f"{release}: {decision.call}, {mark}, by {decision.by}; audit entry {decision.entry[:15]}")


@cli.group()
def audit() -> None:
    """The record of decisions."""


@audit.command("verify")
@project_option
def audit_verify(folder: Path | None) -> None:
    """Check the hash chain; exit 2 and name the entry when something was changed."""
    from signals.review import store_of

    store = store_of(project_of(folder))
    problems = store.verify_audit()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(2)
    click.echo(f"The audit chain is whole; head {store.audit_head() or '(empty)'}")
