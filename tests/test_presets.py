"""The policies to start from: each loads, is without a finding, and its tests catch every weakening."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.presets import rules_of
from signals.cli import cli
from signals.cli.start import init
from signals.policy import Policy, load_policy, run_tests
from signals.starter import DEFAULT_PRESET, PRESETS, preset_file
from signals.workbench.edits.mutate import mutate
from signals.workbench.lint.findings import lint
from tests.policy.situations import AS_OF

every = pytest.mark.parametrize("name", PRESETS)


def preset(name: str) -> Policy:
    return load_policy(preset_file(name))


def test_every_file_is_a_preset_and_every_preset_a_file(root: Path) -> None:
    files = {path.stem for path in (root / "signals" / "presets").glob("*.yaml")}
    assert files == set(PRESETS) - {DEFAULT_PRESET}
    assert {"people-first", "metrics-first", "do-no-harm", "cheaper-same-quality", "offline-only"} <= files
    assert all(preset(name).name == name for name in PRESETS)


@every
def test_its_own_tests_pass_and_lint_finds_nothing(name: str) -> None:
    policy = preset(name)
    assert len(policy.tests) >= 10
    assert [str(result) for result in run_tests(policy) if not result.passed] == []
    assert [str(finding) for finding in lint(policy, AS_OF.date())] == []


@every
def test_its_own_tests_catch_every_weakening(name: str) -> None:
    report = mutate(preset(name))
    assert [f"{mutant.place} {mutant.what}: {mutant.shows}" for mutant in report.survivors] == []
    assert report.score == 1.0


@every
def test_it_says_what_it_is_for_and_who_owns_what(name: str) -> None:
    policy = preset(name)
    first, *lines = policy.text.splitlines()
    assert first.startswith("# yaml-language-server: $schema=")
    assert lines[0] == "#"
    assert lines[1].startswith("# ")
    assert policy.owner
    for signal in policy.signals.values():
        assert signal.question
        assert signal.owner
        assert signal.margin is not None
        assert signal.trust


@every
def test_init_writes_a_project_whose_policy_checks(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    result = CliRunner().invoke(cli, ["init", "--preset", name, str(folder)])
    assert result.exit_code == 0, result.output
    lines = (folder / "hierarchy.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=./hierarchy.schema.json"
    assert lines[1:] == preset_file(name).read_text(encoding="utf-8").splitlines()[1:]
    assert (folder / "hierarchy.schema.json").is_file()
    checked = CliRunner().invoke(cli, ["policy", "check", "--project", str(folder)])
    assert checked.exit_code == 0, checked.output
    overdue = preset(name).review_by
    if overdue is None or overdue >= datetime.now(UTC).date():
        assert len(checked.stdout.splitlines()) == 1, checked.output
    again = CliRunner().invoke(cli, ["init", "--preset", name, str(folder)])
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_without_a_name_it_is_the_shipped_policy(root: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["init", str(tmp_path / "new")]).exit_code == 0
    assert load_policy(tmp_path / "new" / "hierarchy.yaml").name == load_policy(root / "hierarchy.yaml").name


def test_a_wrong_name_lists_them_and_writes_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["init", "--preset", "people-frist", str(tmp_path / "new")])
    assert result.exit_code == 2
    assert "Did you mean 'people-first'? Choose one of release-week, people-first," in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_help_names_them_all() -> None:
    (option,) = [one for one in init.params if one.name == "preset"]
    assert all(name in option.help for name in PRESETS)  # type: ignore[attr-defined]  # options have a help text
    assert option.default == DEFAULT_PRESET


@every
def test_the_page_has_its_rules_as_they_are(name: str, root: Path) -> None:
    page = (root / "docs" / "presets.md").read_text(encoding="utf-8")
    assert f"\n## {name}\n" in page
    assert rules_of(preset(name)) in page


# --- what each of them stands for -----------------------------------------------------------------------------------


def call(name: str, **states: str) -> tuple[str, str | None]:
    from signals.policy import settle
    from signals.policy.testing import FOLLOWS

    policy = preset(name)
    facts = {f"{signal}.state": states.get(signal, "flat") for signal in policy.signals}
    facts |= {f"{key.split('.')[0]}.non_inferior": FOLLOWS[state] for key, state in facts.items() if state in FOLLOWS}  # type: ignore[index]  # states
    facts |= {f"{signal}.material": True for signal in policy.signals} | {"judge.human_agreement": 0.7}
    facts["conversion.segments"] = ({"name": "plan=a", "share": 1.0, "adjusted.high": 0.1, "margin": 0.005},)
    found = settle(policy.rules, facts)
    return found.call, found.decided_by


def test_the_same_disagreement_is_settled_as_each_of_them_says() -> None:
    """Traffic wins and people lose, and the other way round: the presets are told apart by it."""
    assert call("people-first", conversion="win", panel="loss") == ("rollback", "panel")
    assert call("metrics-first", conversion="win", panel="loss") == ("hold", "people-do-not-object")
    assert call("people-first", conversion="loss", panel="win") == ("hold", "business-loses")
    assert call("metrics-first", conversion="loss", panel="win") == ("rollback", "conversion")


def test_only_a_smaller_bill_ships_where_the_bill_is_the_point() -> None:
    assert call("cheaper-same-quality", cost="win") == ("ship", "cost")
    assert call("cheaper-same-quality", conversion="win", panel="win", judge="win")[0] == "hold"


def test_no_harm_means_every_guardrail_metric() -> None:
    assert call("do-no-harm", conversion="win") == ("ship", "conversion")
    for metric in ("complaints", "latency", "cost"):
        assert call("do-no-harm", **{"conversion": "win", metric: "loss"})[0] == "rollback"
        for state in ("unclear", "untrusted", "missing"):
            assert call("do-no-harm", **{"conversion": "win", metric: state}) == ("hold", f"{metric}.non_inferior")
