"""What an edit of the policy decides differently."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import json_option, json_text, project_option
from signals.cli.policy import policy, policy_named
from signals.model import plain

if TYPE_CHECKING:
    from signals.workbench.edits.diff import Difference

LINES = 40
"""Lines of the textual diff that are shown; ``--json`` has all of them."""
CHANGES = 12
"""Changes that are shown in words; likewise."""


@policy.command("diff")
@click.argument("old", metavar="A")
@click.argument("new", metavar="[B]", required=False)
@click.option("--because", metavar="TEXT", help="Why protection is weakened; without a reason that is exit code 2.")
@project_option
@json_option
def policy_diff(old: str, new: str | None, because: str | None, folder: Path | None, as_json: bool) -> None:
    """Show what B decides differently from A, over every situation.

    A and B are files, or versions of the policy such as v3; B is the project's hierarchy.yaml when it is left out. The
    most alarming change comes first. Exit code 2 when B weakens protection and no reason is given.
    """
    from signals.workbench.edits.diff import compare

    found = compare(policy_named(folder, old), policy_named(folder, new))
    reason = (because or "").strip()
    if as_json:
        click.echo(json_text(_plain(found, reason)))
    else:
        for line in _shown(found, reason):
            click.echo(line)
    if found.weakens and not reason:
        click.echo("This weakens protection and needs a reason: add --because TEXT.", err=True)
        sys.exit(2)


def _shown(found: Difference, reason: str) -> list[str]:
    text = found.text.splitlines()
    lines = text[:LINES]
    if len(text) > LINES:
        lines.append(f"… and {len(text) - LINES} more lines")
    lines += [""] if lines else []
    left_out = max(0, len(found.changes) - CHANGES)
    hidden = {change.words for change in found.changes[CHANGES:]}
    lines += [line for line in found.words if line not in hidden]
    if left_out:
        lines.append(f"… and {left_out} more groups of situations that change; --json lists all.")
    return [*lines, f"Because: {reason}"] if reason else lines


def _plain(found: Difference, reason: str) -> dict[str, Any]:
    return {
        "same": found.same,
        "weakens": found.weakens,
        "strengthens": found.strengthens,
        "because": reason or None,
        "words": list(found.words),
        "changes": [plain(change) | {"weakens": change.weakens} for change in found.changes],
        "elsewhere": found.elsewhere,
        "definitions": [plain(edit) for edit in found.edits],
        "refused": list(found.refused),
        "text": found.text,
    }
