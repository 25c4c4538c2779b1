"""The policy: check, test and show ``hierarchy.yaml``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signals.cli.base import cli, json_option, project_option
from signals.model import SignalsError, plain

if TYPE_CHECKING:
    from signals.policy import CaseResult, Policy
    from signals.workbench.lint.findings import Finding


@cli.group()
def policy() -> None:
    """Check, test and show hierarchy.yaml."""


policy_argument = click.argument("file", required=False, type=click.Path(path_type=Path))


def policy_path(folder: Path | None, file: Path | None) -> Path:
    """The file given, else the project's: the policy commands work without a readable data/sources.yaml."""
    from signals.review import folder_of

    return file or folder_of(folder or click.get_current_context().find_root().obj) / "hierarchy.yaml"


@policy.command("check")
@policy_argument
@project_option
@json_option
def policy_check(file: Path | None, folder: Path | None, as_json: bool) -> None:
    """Load strictly, run the policy's own tests, and look for rules that do not do what they say.

    Exit code 2 on any problem of loading, any failing test and any finding that is an error; warnings are printed.
    """
    from signals.policy import load_policy, run_tests
    from signals.workbench.lint.findings import lint

    path = policy_path(folder, file)
    try:
        rules = load_policy(path)
    except SignalsError as error:
        if not as_json:
            raise
        head = {"file": str(path), "ok": False, "problems": [plain(problem) for problem in error.problems]}
        click.echo(json.dumps(head, indent=1, ensure_ascii=False))
        sys.exit(2)
    results = run_tests(rules)
    found = lint(rules, datetime.now(UTC).date())
    ok = all(result.passed for result in results) and all(one.severity != "error" for one in found)
    if as_json:
        checked = {
            "file": str(path),
            "ok": ok,
            "hash": rules.hash,
            "tests": [{"name": one.name, "line": one.line, "problems": list(one.problems)} for one in results],
            "findings": [plain(one) for one in found],
        }
        click.echo(json.dumps(checked, indent=1, ensure_ascii=False))
    else:
        for one in (*(result for result in results if not result.passed), *found):
            click.echo(str(one))
        click.echo(f"{_tested(path, rules, results)}, {_counted(found)}, {rules.hash[:15]}")
    if not ok:
        sys.exit(2)


def _tested(path: Path, rules: Policy, results: Sequence[CaseResult]) -> str:
    passed = sum(result.passed for result in results)
    return f"{path}: {len(rules.signals)} signals, {passed} of {len(results)} tests pass"


def _counted(found: Sequence[Finding]) -> str:
    errors = sum(one.severity == "error" for one in found)
    from signals.words import plural

    amounts = ((errors, "errors"), (len(found) - errors, "warnings"))
    counts = [plural(number, word) for number, word in amounts if number]
    return " and ".join(counts) or "nothing found"


@policy.command("test")
@policy_argument
@project_option
def policy_test(file: Path | None, folder: Path | None) -> None:
    """Run the policy's own tests and say what each assumed."""
    from signals.policy import load_policy, run_tests

    path = policy_path(folder, file)
    rules = load_policy(path)
    results = run_tests(rules)
    for result in results:
        click.echo(str(result))
    click.echo(f"{_tested(path, rules, results)}, {rules.hash[:15]}")
    if not all(result.passed for result in results):
        sys.exit(2)


@policy.command("show")
@policy_argument
@project_option
@json_option
def policy_show(file: Path | None, folder: Path | None, as_json: bool) -> None:
    """Say the policy in words."""
    from signals.policy import describe, load_policy

    rules = load_policy(policy_path(folder, file))
    if as_json:
        head = {"name": rules.name, "hash": rules.hash, "owner": rules.owner, "text": rules.text}
        click.echo(json.dumps(plain(head), indent=1, ensure_ascii=False))
    else:
        click.echo(describe(rules))
