"""The policy: check, test and show ``hierarchy.yaml``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, json_text, project_of, project_option
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.policy import CaseResult, Policy
    from signals.workbench.lint.findings import Finding


@cli.group()
def policy() -> None:
    """Check, test and show hierarchy.yaml."""


policy_argument = click.argument("ref", metavar="[POLICY]", required=False)
"""A file or a version such as v3; without it, the project's hierarchy.yaml."""


def policy_named(folder: Path | None, ref: str | None) -> Policy:
    """The policy that a command means: a file, a version of the project's, or the project's own file.

    A file needs no readable project.

    Raises:
        SignalsError: When it is none of them, or does not load.
    """
    from signals.policy import load_policy

    if ref is None:
        from signals.starter import folder_of

        return load_policy(folder_of(folder or click.get_current_context().find_root().obj) / "hierarchy.yaml")
    if Path(ref).is_file() or Path(ref).suffix in (".yaml", ".yml"):
        return load_policy(ref)
    from signals.versions import resolve

    return resolve(project_of(folder), ref)


@policy.command("check")
@policy_argument
@project_option
@json_option
def policy_check(ref: str | None, folder: Path | None, as_json: bool) -> None:
    """Load strictly, run the policy's own tests, and look for rules that do not do what they say.

    Exit code 2 on any problem of loading, any failing test and any finding that is an error; warnings are printed.
    """
    from signals.policy import run_tests
    from signals.workbench.lint.findings import lint

    try:
        rules = policy_named(folder, ref)
    except SignalsError as error:
        if not as_json:
            raise
        head = {
            "file": error.problems[0].file or str(ref or "hierarchy.yaml"),
            "ok": False,
            "problems": [plain(problem) for problem in error.problems],
        }
        click.echo(json_text(head))
        sys.exit(2)
    results = run_tests(rules)
    found = lint(rules, datetime.now(UTC).date())
    ok = all(result.passed for result in results) and all(one.severity != "error" for one in found)
    if as_json:
        checked = {
            "file": rules.file,
            "ok": ok,
            "hash": rules.hash,
            "tests": [{"name": one.name, "line": one.line, "problems": list(one.problems)} for one in results],
            "findings": [plain(one) for one in found],
        }
        click.echo(json_text(checked))
    else:
        for one in (*(result for result in results if not result.passed), *found):
            click.echo(str(one))
        click.echo(f"{_tested(rules, results)}, {_counted(found)}, {rules.hash[:15]}")
    if not ok:
        sys.exit(2)


def _tested(rules: Policy, results: Sequence[CaseResult]) -> str:
    passed = sum(result.passed for result in results)
    return f"{rules.file}: {len(rules.signals)} signals, {passed} of {len(results)} tests pass"


def _counted(found: Sequence[Finding]) -> str:
    errors = sum(one.severity == "error" for one in found)
    from signals.words import plural

    amounts = ((errors, "errors"), (len(found) - errors, "warnings"))
    counts = [plural(number, word) for number, word in amounts if number]
    return " and ".join(counts) or "nothing found"


@policy.command("test")
@policy_argument
@project_option
def policy_test(ref: str | None, folder: Path | None) -> None:
    """Run the policy's own tests and say what each assumed."""
    from signals.policy import run_tests

    rules = policy_named(folder, ref)
    results = run_tests(rules)
    for result in results:
        click.echo(str(result))
    click.echo(f"{_tested(rules, results)}, {rules.hash[:15]}")
    if not all(result.passed for result in results):
        sys.exit(2)


@policy.command("show")
@policy_argument
@project_option
@json_option
def policy_show(ref: str | None, folder: Path | None, as_json: bool) -> None:
    """Say the policy in words."""
    from signals.policy import describe

    rules = policy_named(folder, ref)
    if as_json:
        head = {"name": rules.name, "hash": rules.hash, "owner": rules.owner, "text": rules.text}
        click.echo(json_text(plain(head)))
    else:
        click.echo(describe(rules))
