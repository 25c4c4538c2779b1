"""The command line. Exit codes: 0 ship (or done), 10 hold, 20 rollback, 2 the caller's mistake, 1 ours."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from signals.model import CALLS, SignalsError, plain

if TYPE_CHECKING:
    from signals.model import Project

EXIT = {"ship": 0, "hold": 10, "rollback": 20}
PORT = 8501


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


def _project(folder: Path | None) -> Project:
    from signals.review import load

    return load(folder or click.get_current_context().obj)


# --- the main job ---------------------------------------------------------------------------------------------------


@cli.command()
@project_option
@click.option("--source", help="Only this source.")
@click.option("--full", is_flag=True, help="Read again even what has not changed.")
@json_option
def pull(folder: Path | None, source: str | None, full: bool, as_json: bool) -> None:
    """Read every source into the store."""
    _pull(_project(folder), source=source, full=full, as_json=as_json)


def _pull(project: Project, *, source: str | None = None, full: bool = False, as_json: bool = False) -> None:
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
@click.argument("release")
@project_option
@click.option("--policy", type=click.Path(path_type=Path), help="Decide by this file instead of hierarchy.yaml.")
@time_option
@json_option
def verdict(release: str, folder: Path | None, policy: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Decide RELEASE. Exit code 0 ship, 10 hold, 20 rollback."""
    from signals.review import review

    result = review(release, _project(folder), policy=policy, as_of=as_of).verdict
    if as_json:
        from signals.policy import verdict_json

        click.echo(json.dumps(verdict_json(result), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from signals.terminal import verdict_text

        click.echo(verdict_text(result))
    sys.exit(EXIT[result.call])


@cli.command()
@click.argument("release")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.md or FILE.html"
)
@project_option
@click.option("--policy", type=click.Path(path_type=Path), help="Decide by this file instead of hierarchy.yaml.")
@time_option
def memo(release: str, output: Path, folder: Path | None, policy: Path | None, as_of: datetime | None) -> None:
    """Write the decision memo of RELEASE."""
    from signals.memo import WRITERS, memo_of
    from signals.review import review

    write = WRITERS.get(output.suffix.lower())
    if write is None:
        raise SignalsError(
            f"{output}: cannot write {output.suffix or 'a file without ending'}", f"Choose {' or '.join(WRITERS)}"
        )
    result = review(release, _project(folder), policy=policy, as_of=as_of)
    text = write(memo_of(result.verdict, result.policy.text, result.decisions, result.policy.file))
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

    result = review(release, _project(folder), as_of=as_of)
    decision = record(result, call, by, because, second, verdict_json(result.verdict))  # type: ignore[arg-type]  # click checked the choice
    mark = f"override of {decision.recommended}" if decision.override else "as recommended"
    click.echo(f"{release}: {decision.call}, {mark}, by {decision.by}; audit entry {decision.entry[:15]}")


# --- looking around -------------------------------------------------------------------------------------------------


@cli.command()
@project_option
@json_option
def status(folder: Path | None, as_json: bool) -> None:
    """Show each source: when it was pulled, what was kept, what was set aside."""
    from signals.review import store_of
    from signals.terminal import status_table

    project = _project(folder)
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

    declared = _project(folder).releases
    if as_json:
        click.echo(json.dumps([plain(release) for release in declared], indent=1))
    elif not declared:
        click.echo("No release is declared yet: add one under `releases:` in data/sources.yaml.")
    else:
        rows = [(r.id, r.kind, r.control, r.candidate, str(r.started), r.owner or "–") for r in declared]
        click.echo(table(("release", "kind", "control", "candidate", "started", "owner"), rows))


# --- the policy -----------------------------------------------------------------------------------------------------


@cli.group()
def policy() -> None:
    """Check, test and show hierarchy.yaml."""


policy_argument = click.argument("file", required=False, type=click.Path(path_type=Path))


def _policy_path(folder: Path | None, file: Path | None) -> Path:
    """The file given, else the project's: the policy commands work without a readable data/sources.yaml."""
    from signals.review import folder_of

    return file or folder_of(folder or click.get_current_context().find_root().obj) / "hierarchy.yaml"


@policy.command("check")
@policy_argument
@project_option
def policy_check(file: Path | None, folder: Path | None) -> None:
    """Load strictly, run the policy's own tests; exit 2 on any problem."""
    _run_policy_tests(_policy_path(folder, file), verbose=False)


@policy.command("test")
@policy_argument
@project_option
def policy_test(file: Path | None, folder: Path | None) -> None:
    """Run the policy's own tests and say what each assumed."""
    _run_policy_tests(_policy_path(folder, file), verbose=True)


def _run_policy_tests(path: Path, *, verbose: bool) -> None:
    from signals.policy import load_policy, run_tests

    rules = load_policy(path)
    results = run_tests(rules)
    for result in results:
        if verbose or not result.passed:
            click.echo(str(result))
    failed = sum(not result.passed for result in results)
    passed = len(results) - failed
    click.echo(f"{path}: {len(rules.signals)} signals, {passed} of {len(results)} tests pass, {rules.hash[:15]}")
    if failed:
        sys.exit(2)


@policy.command("show")
@policy_argument
@project_option
@json_option
def policy_show(file: Path | None, folder: Path | None, as_json: bool) -> None:
    """Say the policy in words."""
    from signals.policy import describe, load_policy

    rules = load_policy(_policy_path(folder, file))
    if as_json:
        head = {"name": rules.name, "hash": rules.hash, "owner": rules.owner, "text": rules.text}
        click.echo(json.dumps(plain(head), indent=1, ensure_ascii=False))
    else:
        click.echo(describe(rules))


# --- the record -----------------------------------------------------------------------------------------------------


@cli.group()
def audit() -> None:
    """The record of decisions."""


@audit.command("verify")
@project_option
def audit_verify(folder: Path | None) -> None:
    """Check the hash chain; exit 2 and name the entry when something was changed."""
    from signals.review import store_of

    store = store_of(_project(folder))
    problems = store.verify_audit()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(2)
    click.echo(f"The audit chain is whole; head {store.audit_head() or '(empty)'}")


# --- starting -------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Start a project in FOLDER: a policy to edit and a sources file to fill."""
    from signals.starter import start

    for path in start(folder):
        click.echo(f"wrote {path}")
    where = "" if folder.resolve() == Path.cwd() else f" --project {folder}"
    click.echo(f"Next: fill data/sources.yaml, then `signals pull{where}` and `signals verdict RELEASE{where}`.")


@cli.command()
@click.option("--no-serve", is_flag=True, help="Stop after the verdicts.")
@click.option("--port", default=PORT, show_default=True, help="Port of the dashboard.")
@project_option
def demo(no_serve: bool, port: int, folder: Path | None) -> None:
    """Pull the bundled example, decide its releases, show the dashboard."""
    from signals.review import review
    from signals.starter import example
    from signals.terminal import one_line

    project = _project(folder or click.get_current_context().find_root().obj or example())
    _pull(project)
    click.echo()
    for release in project.releases:
        click.echo(one_line(review(release.id, project).verdict))
    click.echo(f"\nOne in full: signals verdict {project.releases[0].id} --project {_shown(project.root)}")
    if not no_serve:
        _serve(project.root, port)


def _shown(path: Path) -> str:
    return "." if path == Path.cwd() else str(path)


@cli.command()
@click.option("--port", default=PORT, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Anything but loopback is open to the network.")
@project_option
def serve(port: int, address: str, folder: Path | None) -> None:
    """Open the dashboard."""
    _serve(_project(folder).root, port, address)


def _serve(root: Path, port: int, address: str = "127.0.0.1") -> None:
    import socket

    from signals.starter import app

    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:  # nobody listens there: just what is wanted
        pass
    else:
        raise SignalsError(f"port {port} is in use", "Choose another with --port")
    script = app()
    click.echo(f"Dashboard: http://{address}:{port} (Ctrl+C stops it)")
    command = [
        sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", f"--server.address={address}",
        "--server.headless=true", "--server.fileWatcherType=none",
    ]  # fmt: skip
    environment = {**os.environ, "SIGNALS_PROJECT": str(root.resolve())}
    sys.stdout.flush()
    os.chdir(script.parent)  # Streamlit looks for its settings here
    # Streamlit takes this process's place, so that whoever stops the command stops the server.
    os.execve(sys.executable, command, environment)  # noqa: S606  (our own words)
