"""Versions of the policy: who saved what, when and why; and saving one."""

from __future__ import annotations

import difflib
from itertools import pairwise
from pathlib import Path

import click

from signals.cli.base import json_option, json_text, project_of, project_option
from signals.cli.policy import policy
from signals.model import plain


@policy.command("log")
@project_option
@json_option
def policy_log(folder: Path | None, as_json: bool) -> None:
    """List the saved versions, newest first."""
    from signals.terminal import table
    from signals.versions import history

    versions = history(project_of(folder))
    before = {new.number: old.text for new, old in pairwise(versions)}
    lines = {version.number: _lines(before.get(version.number, ""), version.text) for version in versions}
    if as_json:
        rows = [
            {name: value for name, value in plain(version).items() if name != "text"}
            | dict(zip(("added", "removed"), lines[version.number], strict=True))
            for version in versions
        ]
        click.echo(json_text(rows))
    elif not versions:
        click.echo("No version was saved yet: `signals policy save --by WHO --because TEXT` records the policy.")
    else:
        cells = [
            (f"v{one.number}", f"{one.at:%Y-%m-%d %H:%M}", _line(one.by), "+{} −{}".format(*lines[one.number]),
             "weakens" if one.weakens else "", one.hash[7:15], _line(one.because))
            for one in versions
        ]  # fmt: skip
        click.echo(table(("version", "when (UTC)", "who", "lines", "protection", "hash", "why"), cells))


@policy.command("save")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--by", required=True, metavar="WHO", help="Who saves.")
@click.option("--because", required=True, metavar="TEXT", help="Why.")
@click.option(
    "--base", metavar="VERSION", help="The version that FILE was made from (default: hierarchy.yaml as it is)."
)
@project_option
def policy_save(file: Path | None, by: str, because: str, base: str | None, folder: Path | None) -> None:
    """Save FILE as the policy (default: record hierarchy.yaml as it stands, after an edit by hand)."""
    from signals.strictyaml import read_text
    from signals.versions import current, find, history, save

    project = project_of(folder)
    text, standing = current(project)
    if base is not None:
        start = find(project, base).hash
    elif file is not None:
        start = standing
    else:
        versions = history(project)
        start = versions[0].hash if versions else standing
    saved = save(project, text if file is None else read_text(file), base=start, by=by, because=because)
    mark = ", which protects less than before" if saved.weakens else ""
    click.echo(f"saved v{saved.number}{mark}: {saved.hash[:15]}, audit entry {saved.entry[:15]}")


def _lines(old: str, new: str) -> tuple[int, int]:
    """Lines added and removed."""
    steps = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines()).get_opcodes()
    changed = [step for step in steps if step[0] != "equal"]
    return sum(step[4] - step[3] for step in changed), sum(step[2] - step[1] for step in changed)


def _line(words: str) -> str:
    """One line without control characters: what people typed goes to a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
