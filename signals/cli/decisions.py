"""What people decided: record it, list it, say how it turned out, and check that nobody changed the record."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option
from signals.model import CALLS, TURNED, SignalsError
from signals.words import clean

if TYPE_CHECKING:
    from signals.model import Call, Turned


@cli.command()
@click.argument("release")
@click.argument("call", type=click.Choice(CALLS))
@click.option("--by", required=True, metavar="WHO", help="Who decides.")
@click.option("--because", required=True, metavar="TEXT", help="Why.")
@click.option("--second", default="", metavar="WHO", help="Who else agrees; needed to decide against the verdict.")
@click.option(
    "--until", metavar="DATE", help="When a decision against the verdict ends: 2026-12-01, its last second UTC."
)
@click.option("--follow-up", metavar="DATE", help="Or when somebody looks at it again.")
@project_option
def decide(
    release: str, call: Call, by: str, because: str, second: str, until: str | None, follow_up: str | None,
    folder: Path | None,
) -> None:  # fmt: skip
    """Record what people decided about RELEASE.

    Against the verdict it is an override: that takes a second person, and a date when it ends or is looked at again.
    """
    from signals.choices import day_end
    from signals.review import record, review

    ends, looks = (day_end(text) if text is not None else None for text in (until, follow_up))
    result = review(release, project_of(folder))
    made = record(result, call, by, because, second, until=ends, follow_up=looks)
    mark = "as recommended"
    if made.override:
        day = f"until {ends:%Y-%m-%d}" if ends else f"to be followed up on {looks:%Y-%m-%d}"
        mark = f"override of {made.recommended}, {day}"
    where = f"decision {made.number}, audit entry {made.entry[:15]}"
    click.echo(f"{clean(release)}: {made.call}, {mark}, by {clean(made.by)}; {where}")


@cli.command()
@click.argument("release", required=False)
@click.option("--overrides", is_flag=True, help="Only decisions against the verdict.")
@click.option("--since", metavar="DATE", help="Only those recorded on this day (UTC) or later.")
@click.option("--by", default="", metavar="WHO", help="Only those of this person.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV for spreadsheets.")
@json_option
@project_option
def decisions(
    release: str | None, overrides: bool, since: str | None, by: str, as_csv: bool, as_json: bool, folder: Path | None
) -> None:
    """List what people decided, the newest first: who, why, how it stands, what has changed since.

    Without filters, --csv and --json are the whole log.
    """
    from signals.decisions import Wanted, log, log_csv, log_json
    from signals.terminal_decisions import log_text

    if as_csv and as_json:
        raise SignalsError("--csv and --json are two formats", "Leave one of them out")
    project = project_of(folder)
    wanted = Wanted(release=release or "", by=by, overrides=overrides, since=_since(since))
    found = log(project, wanted)
    if release and not found and release not in {one.decision.release for one in log(project, look=False)}:
        from signals.review import find_release

        find_release(project, release)
    if as_csv:
        click.echo(log_csv(found), nl=False)
    elif as_json:
        click.echo(json_text(log_json(found)))
    else:
        click.echo(log_text(found, filtered=wanted != Wanted()))


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    from signals.choices import day_end

    end = day_end(text)
    return datetime.combine(end.date(), time(), UTC) if len(text.strip()) == len("2026-12-01") else end


@cli.command()
@click.argument("decision")
@click.argument("outcome", type=click.Choice(TURNED))
@click.option("--by", required=True, metavar="WHO", help="Who says so.")
@click.option("--because", required=True, metavar="TEXT", help="The evidence.")
@project_option
def outcome(decision: str, outcome: Turned, by: str, because: str, folder: Path | None) -> None:
    """Say how DECISION turned out: its number, or the beginning of its audit entry.

    Told again, the newest counts, and all stay in the record.
    """
    from signals.decisions import find, turn_out

    project = project_of(folder)
    made = find(project, decision)
    told = turn_out(project, made, outcome, by, because)
    click.echo(
        f"decision {made.number} ({clean(made.release)}, {made.call}): turned out {told.outcome}, "
        f"says {clean(told.by)}; audit entry {told.entry[:15]}"
    )


@cli.group()
def audit() -> None:
    """The record of decisions."""


@audit.command("verify")
@click.option("--head", default="", metavar="HASH", help="A head that was kept, as a memo prints it, or its beginning.")
@project_option
def audit_verify(head: str, folder: Path | None) -> None:
    """Check the hash chain; exit 2 and name the entry and the column when something was changed.

    With --head the chain also has to hold that entry: one that was rewritten or cut off since does not.
    """
    from signals.review import store_of

    store = store_of(project_of(folder))
    problems = store.verify_audit(head)
    for problem in problems:
        click.echo(clean(problem), err=True)
    if problems:
        sys.exit(2)
    click.echo(f"The audit chain is whole; head {store.audit_head() or '(empty)'}")
