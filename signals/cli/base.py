"""What every command shares: the group, the options, the project, how mistakes are shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from signals.model import SignalsError

if TYPE_CHECKING:
    from signals.model import Project


class Mistake(click.ClickException):
    """The caller's mistake: one line per problem on stderr, no traceback."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file or sys.stderr)


class Commands(click.Group):
    """A group whose commands may raise ``SignalsError``."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SignalsError as error:
            raise Mistake(str(error)) from None


def main() -> None:
    """The console script."""
    cli(prog_name="signals")


def project_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let every command take ``--project`` after its name too."""
    return click.option(
        "--project",
        "folder",
        type=click.Path(path_type=Path),
        help="Folder with hierarchy.yaml and data/ (default: $SIGNALS_PROJECT, else here).",
    )(command)


UNSEEN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def json_text(document: Any) -> str:
    """As JSON, readable in a terminal: what a terminal would obey or hide stands in its escaped form."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def time_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--as-of``: evidence newer than this does not count."""
    return click.option(
        "--as-of", callback=_time, metavar="TIME", help="Judge as of this moment, like 2026-11-17T09:00Z."
    )(command)


def _time(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time; write it like 2026-11-17T09:00Z") from None
    if moment.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no zone; write it like 2026-11-17T09:00Z")
    return moment.astimezone(UTC)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="signals-verdict", prog_name="signals")
@click.option("--project", "folder", type=click.Path(path_type=Path), help="Folder with hierarchy.yaml and data/.")
@click.pass_context
def cli(context: click.Context, folder: Path | None) -> None:
    """Settle release-week arguments by a written policy: SHIP, HOLD or ROLLBACK."""
    context.obj = folder


def project_of(folder: Path | None) -> Project:
    """The project of ``--project``, given after the command's name or before it."""
    from signals.review import load

    return load(folder or click.get_current_context().obj)
