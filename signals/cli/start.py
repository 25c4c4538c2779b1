"""Starting: a new project, the bundled example, the dashboard."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from signals.cli.base import cli, project_of, project_option
from signals.cli.evidence import pull_all
from signals.model import SignalsError

PORT = 8501


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--preset",
    default="release-week",
    show_default=True,
    metavar="NAME",
    help="Policy to start from: release-week, people-first, metrics-first, do-no-harm, cheaper-same-quality, "
    "offline-only.",
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
@click.option("--address", default="127.0.0.1", show_default=True, help="Anything but loopback is open to the network.")
@project_option
def serve(port: int, address: str, folder: Path | None) -> None:
    """Open the dashboard."""
    _serve(project_of(folder).root, port, address)


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
