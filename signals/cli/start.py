"""Starting: a new project, the bundled example, the dashboard."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from threading import Thread

import click

from signals.cli.base import cli, project_of, project_option
from signals.cli.evidence import pull_all
from signals.model import SignalsError
from signals.starter import PRESETS

PORT = 8501


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--preset",
    default="release-week",
    show_default=True,
    metavar="NAME",
    help=f"Policy to start from: {', '.join(PRESETS)}.",
)
def init(folder: Path, preset: str) -> None:
    """Start a project in FOLDER: a policy to edit and a sources file to fill."""
    from signals.starter import start

    for path in start(folder, preset):
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

    project = project_of(folder or click.get_current_context().find_root().obj or example())
    pull_all(project)
    click.echo()
    for release in project.releases:
        result = review(release.id, project)
        click.echo(one_line(result.verdict, result.explanation))
    click.echo(f"\nOne in full: signals verdict {project.releases[0].id} --project {_shown(project.root)}")
    if not no_serve:
        _serve(project.root, port)


def _shown(path: Path) -> str:
    return "." if path == Path.cwd() else str(path)


@cli.command()
@click.option("--port", default=PORT, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Other than loopback needs sign-in.")
@click.option("--open-to-network", is_flag=True, help="Listen there without sign-in: whoever reaches it may do all.")
@project_option
def serve(port: int, address: str, open_to_network: bool, folder: Path | None) -> None:
    """Open the dashboard."""
    from signals.starter import SOURCES_FILE, folder_of
    from signals.strictyaml import read_text

    root = folder_of(folder or click.get_current_context().find_root().obj)
    # Not the whole project, which takes half a second: the page reads it while the browser is still loading, and says
    # what is wrong with it.
    read_text(root / SOURCES_FILE)
    _serve(root, port, address, meant=open_to_network)


def _serve(root: Path, port: int, address: str = "127.0.0.1", *, meant: bool = False) -> None:
    from signals import doors, roles
    from signals.starter import app

    secrets = (root / doors.SECRETS).resolve()
    auth = doors.read_auth([secrets])
    sign_in = doors.check(auth) if auth is not None else None
    doors.stay_shut(address, sign_in, meant=meant)
    if sign_in is not None:
        roles.load_access(root / roles.ACCESS)

    if _listens((address, port)):
        raise SignalsError(f"port {port} is in use", "Choose another with --port")
    script = app()
    place = sign_in.origin.replace("{port}", str(port)) if sign_in else f"http://{address}:{port}"
    click.echo(f"Dashboard: {place} (Ctrl+C stops it)")
    if sign_in is not None:
        click.echo(f"It listens at {address}:{port}. People sign in; {roles.ACCESS} says who may do what.")
    elif meant:
        click.echo("Nobody has to sign in: whoever reaches this address may read, decide and change the policy.")
    words = [
        "run", str(script), f"--server.port={port}", f"--server.address={address}", "--server.headless=true",
        "--server.fileWatcherType=none", f"--secrets.files={secrets}",
    ]  # fmt: skip
    words += [f"--server.allowedHosts={name}" for name in doors.hosts(sign_in)]
    os.environ["SIGNALS_PROJECT"] = str(root.resolve())
    os.environ.pop(doors.OPEN, None)
    if meant:
        os.environ[doors.OPEN] = "1"
    sys.stdout.flush()
    os.chdir(script.parent)  # Streamlit looks for its settings here
    # In this process: what it has loaded serves the pages, and whoever stops the command stops the server.
    gc.disable()  # until the first page is made: what is loaded until then stays
    from streamlit.web import cli

    Thread(target=_warm, args=(root.resolve(), (address, port)), daemon=True).start()
    cli.main(words, prog_name="streamlit")


def _listens(server: tuple[str, int]) -> bool:
    import socket

    try:
        socket.create_connection(server, timeout=1).close()
    except OSError:
        return False
    return True


def _warm(root: Path, server: tuple[str, int]) -> None:
    """Make the page that is asked for first, while the browser is still loading."""
    import time

    for _ in range(200):  # not before the server listens: the two would hold each other up
        if _listens(server):
            break
        time.sleep(0.02)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 10)  # the browser, which is being sent the page's own files, waits less for its turn
    try:
        from signals.dashboard import standup

        standup.warm(root)
    except SignalsError as error:  # the page says it too, when it is drawn
        click.echo(str(error), err=True)
    finally:
        sys.setswitchinterval(usual)
        gc.freeze()
        gc.enable()
