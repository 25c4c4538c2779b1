"""The words that the policy editor offers and explains: all of them, from where they are defined."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.checks import checks_of
from signals.dashboard.policy_draft import as_in_file
from signals.dashboard.policy_words import GRAMMAR, signals_of, words
from signals.model import CALLS, SIGNAL_KINDS, STATES, SignalKind
from signals.policy import parse_policy
from signals.policy.facts import registry
from signals.policy.schema import READABLE, json_schema
from signals.policy.syntax import RESERVED

SIGNALS: dict[str, SignalKind] = {"clicks": "experiment", "people": "panel", "judge": "judge", "thumbs": "feedback"}


def entries(place: str) -> dict[str, list[object]]:
    return {entry[0]: entry for entry in words(SIGNALS)["places"][place]}


def test_every_key_of_the_schema_is_offered_where_it_belongs_and_says_what_it_means() -> None:
    schema = json_schema()
    shapes = schema["$defs"]
    assert set(entries("")) == set(schema["properties"])
    for place, shape in {
        "hierarchy": "RowShape", "overrides": "OverrideShape", "guardrails": "GuardrailShape",
        "ship_requires": "RequirementShape", "kinds.*": "KindShape", "tests": "TestShape", "tests.expect": "Expected",
        "signals.*#judge": "Judge", "signals.*#panel": "Panel", "signals.*#experiment": "Experiment",
        "signals.*#feedback": "Feedback", "signals.*.metric#experiment": "MetricShape",
    }.items():  # fmt: skip
        assert set(entries(place)) == set(shapes[shape]["properties"]), place
    for place, listed in words(SIGNALS)["places"].items():
        for name, kind, told, *_ in listed:
            assert kind, (place, name)
            assert told, f"{place}.{name} has no description in signals/policy/schema.py"


def test_choices_are_those_of_the_schema() -> None:
    assert entries("hierarchy")["win"][3] == ["ship", "hold", "rollback", "next"]
    assert entries("hierarchy")["untrusted"][3] == ["hold", "rollback", "next"]
    assert entries("")["otherwise"][3] == list(CALLS)
    assert set(entries("signals.*#judge")["kind"][3]) == set(READABLE)
    assert entries("signals.*#judge")["estimate"][3] == ["raw", "reweighted", "corrected"]
    assert entries("signals.*#panel")["estimate"][3] == ["raw", "superiority"]
    assert "kind" in entries("signals.*")
    assert "metric" not in entries("signals.*")


@pytest.mark.parametrize("kind", READABLE)
def test_every_check_of_a_kind_is_offered_under_trust(kind: SignalKind) -> None:
    assert list(entries(f"signals.*.trust#{kind}")) == [spec.name for spec in checks_of(kind)]


def test_facts_are_those_of_the_registry(root: Path) -> None:
    policy = parse_policy((root / "hierarchy.yaml").read_text(encoding="utf-8"))
    sent = words({name: signal.kind for name, signal in policy.signals.items()})
    offered = {entry[0] for entry in sent["release"]}
    for name, kind in sent["signals"].items():
        offered |= {f"{name}.{entry[0]}" for entry in sent["facts"][kind]}
    assert offered == set(registry(policy.signals))


def test_states_calls_and_grammar_are_whole() -> None:
    sent = words(SIGNALS)
    assert [state for state, _ in sent["states"]] == list(STATES)
    assert [call for call, _ in sent["calls"]] == list(CALLS)
    spoken = {"and", "or", "not", "is", "has", "any", "all"}
    assert spoken <= set(GRAMMAR)
    assert spoken <= RESERVED.keys()


def test_the_words_are_plain_data() -> None:
    sent = words(SIGNALS)
    assert json.loads(json.dumps(sent)) == sent
    # The checks once per kind and not once per signal: fifty signals add little to what three have.
    assert len(json.dumps(words({f"s{number}": "judge" for number in range(50)}))) < 60_000


def test_signals_are_read_from_a_draft_that_does_not_load(root: Path) -> None:
    text = (root / "hierarchy.yaml").read_text(encoding="utf-8")
    found = signals_of(text.replace("otherwise:", "otherwize:"))
    assert found == {"conversion": "experiment", "panel": "panel", "judge": "judge", "thumbs": "feedback"}
    assert signals_of(text + "\nkinds: {") is None
    assert signals_of("signals: {a: {kind: judge}, b: {kind: oracle}, c: 1, d: {kind: [x]}}") == {"a": "judge"}
    assert signals_of("- signals") is None


@given(st.text(alphabet="signal: {}[]-\n#'\"kindjuge,&*!\t", max_size=80))
def test_any_draft_has_words(text: str) -> None:
    found = signals_of(text)
    assert found is None or set(found.values()) <= set(SIGNAL_KINDS)


@given(st.lists(st.text(alphabet="ab é", max_size=4), max_size=5))
def test_the_browser_changes_no_line_end(lines: list[str]) -> None:
    for end in ("\n", "\r\n"):
        file = end.join(lines)
        assert as_in_file("\n".join(lines), file) == file
        edited = "\n".join([*lines, "more"])
        windows = end == "\r\n" and len(lines) > 1
        assert as_in_file(edited, file) == (edited.replace("\n", "\r\n") if windows else edited)


def test_a_file_with_both_line_ends_is_left_alone_until_it_is_edited() -> None:
    assert as_in_file("a\nb\nc", "a\r\nb\nc") == "a\r\nb\nc"
    assert as_in_file("a\nb\nd", "a\r\nb\nc") == "a\nb\nd"


def test_half_a_character_becomes_a_whole_one() -> None:
    assert as_in_file("a\ud800b\n", "a\n") == "a\ufffdb\n"


def test_the_editor_finds_its_place_in_half_typed_text(root: Path) -> None:
    """The part that must run in the browser, under Node's own test runner."""
    if not (node := shutil.which("node")):
        pytest.skip("no Node on this machine")
    folder = root / "signals" / "dashboard" / "editor"
    done = subprocess.run([node, "--test"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_packages_are_pinned_and_name_no_host(root: Path) -> None:
    folder = root / "signals" / "dashboard" / "editor"
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    for versions in (wanted["dependencies"], wanted["devDependencies"]):
        assert all(version[0].isdigit() for version in versions.values()), "an exact version, so that builds repeat"
    assert "codemirror" not in wanted["dependencies"]  # its newest version is another, older program
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    for name, package in json.loads(lock)["packages"].items():
        assert not name or package["integrity"].startswith("sha512-"), name
