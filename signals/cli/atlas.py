"""What the policy decides in every situation, as a table and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import json_option, json_text, project_option
from signals.cli.policy import policy, policy_named
from signals.model import CALLS, RELEASE_KINDS, SignalsError

if TYPE_CHECKING:
    from signals.workbench.situations.atlas import Atlas
    from signals.workbench.situations.table import Table

ROWS = 40
"""Rows that are shown unless all are asked for."""
WORDS = 78
"""Letters of a line of words."""


@policy.command("atlas")
@click.argument("ref", metavar="[POLICY]", required=False)
@click.option("--kind", type=click.Choice(RELEASE_KINDS), help="Decide releases of this kind, by its own rules if any.")
@click.option("--all", "whole", is_flag=True, help=f"Every row of the table, not only the {ROWS} largest.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw the picture too.")
@project_option
@json_option
def policy_atlas(
    ref: str | None, kind: str | None, whole: bool, output: Path | None, folder: Path | None, as_json: bool
) -> None:
    """Decide every situation: each combination of states and of answers to the policy's comparisons.

    POLICY is a file or a version such as v3; without it, the project's hierarchy.yaml. In the table the first row that
    fits a release decides; rows that roll back stand first, then those that ship.
    """
    from signals.workbench.situations.atlas import atlas_of
    from signals.workbench.situations.table import table

    if output is not None and output.suffix.lower() != ".svg":
        raise SignalsError(f"{output}: cannot write {output.suffix or 'a file without ending'}", "Choose FILE.svg")
    rules = policy_named(folder, ref)
    atlas = atlas_of(rules, kind)
    found = table(atlas, None if whole else ROWS)
    if output is not None:
        from signals.workbench.situations.picture import picture

        _write(output, picture(atlas, standalone=True))
    if as_json:
        click.echo(json_text(_plain(atlas, found)))
    else:
        for line in _shown(atlas, found, bool(rules.kinds)):
            click.echo(line)
        if output is not None:
            click.echo(f"The picture is in {output}.")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SignalsError(f"cannot write {path}: {error.strerror}", "Give another file to --output") from None


def _shown(atlas: Atlas, found: Table, kinds: bool) -> list[str]:
    total = max(1, atlas.total)
    counts = ", ".join(f"{atlas.calls[call]:,} {call} ({100 * atlas.calls[call] / total:.1f} %)" for call in CALLS)
    states = [one.name for one in atlas.space.variables if not one.atoms]
    asked = sum(len(one.atoms) for one in atlas.space.variables)
    whose = f", for releases of kind {atlas.kind}" if atlas.kind else ", for kinds without rules of their own" * kinds
    lines = [
        f"{atlas.total:,} situations: {counts}",
        f"of {len(states)} signals ({', '.join(states)}) and {asked} comparisons{whose}",
        "",
        "The first row that fits decides.",
        "",
    ]
    by = max((len(row.by) for row in found.rows), default=2)
    for row in found.rows:
        first, *more = _wrapped(row.words)
        lines.append(f"{row.call:8}  {row.by:{min(by, 28)}}  {row.count:>{len(f'{total:,}')},}  {first}")
        indent = " " * (14 + min(by, 28) + len(f"{total:,}"))
        lines += [indent + text for text in more]
    if found.left:
        rest = ", ".join(f"{number:,} {call}" for call, number in found.left.items())
        why = "finding more takes too long" if found.cut else "--all shows every row"
        lines += ["", f"Not in these {len(found.rows)} rows: {rest} ({why})."]
    return lines


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WORDS, break_long_words=False, break_on_hyphens=False)


def _plain(atlas: Atlas, found: Table) -> dict[str, Any]:
    from signals.policy.syntax import render

    variables = atlas.space.variables
    return {
        "kind": atlas.kind,
        "situations": atlas.total,
        "calls": atlas.calls,
        "signals": [one.name for one in variables if not one.atoms],
        "comparisons": [render(atom) for one in variables for atom in one.atoms],
        "used": sorted(atlas.used),
        "answers": [
            {"call": one.call, "reason": one.reason, "by": one.by, "rule": one.rule, "situations": number}
            for one, number in sorted(atlas.answers.items(), key=lambda entry: -entry[1])
        ],
        "rows": [
            {"when": row.words, "call": row.call, "by": row.by, "rule": row.rule, "situations": row.count}
            for row in found.rows
        ],
        "left": dict(found.left),
        "cut": found.cut,
    }
