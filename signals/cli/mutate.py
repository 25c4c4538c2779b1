"""Whether the policy's own tests would catch a careless edit of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signals.cli.base import json_option, json_text, project_option
from signals.cli.policy import policy, policy_named

if TYPE_CHECKING:
    from signals.workbench.edits.mutate import MutationReport


@policy.command("mutate")
@click.argument("ref", metavar="[POLICY]", required=False)
@project_option
@json_option
def policy_mutate(ref: str | None, folder: Path | None, as_json: bool) -> None:
    """Weaken the policy in every single step and see which steps its own tests catch.

    POLICY is a file or a version such as v3; without it, the project's hierarchy.yaml. Each step that no test catches
    comes with a test that does, ready to paste. Exit code 0 when all are caught, else 2; also 2, without a score, when
    the policy is too large for every step to be looked at.
    """
    from signals.workbench.edits.mutate import mutate

    rules = policy_named(folder, ref)
    report = mutate(rules)
    if as_json:
        click.echo(json_text(_plain(report)))
    else:
        for line in _shown(report, rules.file):
            click.echo(line)
    if report.survivors or report.refused:
        sys.exit(2)


def _shown(report: MutationReport, file: str) -> list[str]:
    counted, survivors = len(report.counted), report.survivors
    fates = [mutant.fate for mutant in report.mutants]
    others = f"{fates.count('stricter')} more only make it stricter, {fates.count('equivalent')} change no call"
    if report.refused:
        lines = [f"{file}: no score: {report.refused}."]
    elif report.score is None:
        lines = [f"{file}: no single step weakens this policy ({others})."]
    else:
        caught = counted - len(survivors)
        # Rounded down: a policy with a survivor never reads as 100 %.
        percent = int(100 * caught / counted)
        lines = [f"{file}: its tests catch {caught} of {counted} weakenings, {percent} % ({others})."]
    lines += [f"Left out, because it fails on the policy as it is: test “{name}”." for name in report.failing]
    for mutant in survivors:
        shows = mutant.shows or "no situation that shows it can be said as a test"
        lines += ["", f"{file}:{mutant.place}: {mutant.what}", f"  {shows}"]
    if report.tests:
        lines += [
            "",
            "# These tests catch them; paste under `tests:` what you agree with, and give each a better name:",
        ]
        lines += report.tests.rstrip("\n").splitlines()
    return lines


def _plain(report: MutationReport) -> dict[str, Any]:
    return {
        "score": report.score,
        "refused": report.refused or None,
        "counted": len(report.counted),
        "killed": len(report.counted) - len(report.survivors),
        "failing": list(report.failing),
        "mutants": [
            {
                "what": mutant.what, "line": mutant.line, "column": mutant.column, "fate": mutant.fate,
                "killer": mutant.killer, "situations": mutant.situations, "shows": mutant.shows,
                "proposed_test": mutant.proposed_test,
            }
            for mutant in report.mutants
        ],
        "tests": report.tests,
    }  # fmt: skip
