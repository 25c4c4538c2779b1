"""The policy: check, test and show ``hierarchy.yaml``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from signals.cli.base import cli, json_option, project_option
from signals.model import plain


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
def policy_check(file: Path | None, folder: Path | None) -> None:
    """Load strictly, run the policy's own tests; exit 2 on any problem."""
    _run_policy_tests(policy_path(folder, file), verbose=False)


@policy.command("test")
@policy_argument
@project_option
def policy_test(file: Path | None, folder: Path | None) -> None:
    """Run the policy's own tests and say what each assumed."""
    _run_policy_tests(policy_path(folder, file), verbose=True)


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

    rules = load_policy(policy_path(folder, file))
    if as_json:
        head = {"name": rules.name, "hash": rules.hash, "owner": rules.owner, "text": rules.text}
        click.echo(json.dumps(plain(head), indent=1, ensure_ascii=False))
    else:
        click.echo(describe(rules))
