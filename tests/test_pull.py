"""Sources into the store with the real connectors: skipping, failing apart, and logging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signals import pull as pulling
from signals.model import Project, SignalsError
from signals.project import load_project
from signals.pull import pull
from signals.store import PullReport, Store, open_store

SOURCES = """
releases:
  - {id: prompt-v7, kind: prompt, control: prompt-v6, candidate: prompt-v7, started: 2026-11-10}
sources:
  golden:
    signal: judge
    connector: table
    path: exports/golden.csv
    shape: item_score
    map: {item: ticket, variant: model, value: score}
  panel:
    signal: panel
    connector: table
    path: exports/panel/*.csv
    shape: rating
    map: {item: ticket, rater: worker, variant: model, value: score}
"""
GOLDEN = "ticket,model,score\n" + "".join(
    f"t{number},{model},{number % 5}\n" for number in range(20) for model in ("prompt-v6", "prompt-v7")
)
PANEL = "ticket,worker,model,score\nt1,ann,prompt-v6,3\nt1,ann,prompt-v7,4\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data" / "exports" / "panel").mkdir(parents=True)
    (tmp_path / "data" / "sources.yaml").write_text(SOURCES)
    (tmp_path / "data" / "exports" / "golden.csv").write_text(GOLDEN)
    (tmp_path / "data" / "exports" / "panel" / "one.csv").write_text(PANEL)
    return load_project(tmp_path)


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with open_store(project.store_url) as opened:
        yield opened


def rewrite(project: Project, old: str, new: str, file: str = "golden.csv") -> None:
    path = project.root / "data" / "exports" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def counts(report: PullReport) -> tuple[str, int, int, int, int]:
    return (report.status, report.new, report.changed, report.removed, report.unchanged)


def test_a_first_pull_reads_everything_and_a_second_nothing(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden, panel = pull(project, store)
    assert (golden.source, golden.rows_read, golden.rows_kept) == ("golden", 40, 40)
    assert counts(golden) == ("changed", 40, 0, 0, 0)
    assert counts(panel) == ("changed", 2, 0, 0, 0)
    assert store.releases() == project.releases
    found = store.evidence(project.releases[0], ["golden"])
    assert len(found.scores) == 40

    def refuse(*_: object) -> None:
        raise AssertionError("an unchanged source was read again")

    monkeypatch.setattr(type(pulling.get("table")), "read", refuse)
    again = pull(project, store)
    assert [counts(report) for report in again] == [("unchanged", 0, 0, 0, 40), ("unchanged", 0, 0, 0, 2)]
    assert store.evidence(project.releases[0], ["golden"]) == found
    last = store.last_pull("golden")
    assert last is not None
    assert last.checked > golden.checked


def test_full_reads_again_and_changes_nothing(project: Project, store: Store) -> None:
    pull(project, store)
    hash_ = store.evidence_hash(project.releases[0], ["golden", "panel"])
    lines: list[str] = []
    again = pull(project, store, full=True, progress=lines.append)
    assert [counts(report) for report in again] == [("unchanged", 0, 0, 0, 40), ("unchanged", 0, 0, 0, 2)]
    assert "golden: storing 40 records" in lines
    assert store.evidence_hash(project.releases[0], ["golden", "panel"]) == hash_


def test_an_edited_file_changes_its_source_alone(project: Project, store: Store) -> None:
    pull(project, store)
    rewrite(project, "t3,prompt-v7,3", "t3,prompt-v7,1")
    golden, panel = pull(project, store)
    assert golden.status == "changed"
    assert (golden.records, golden.unchanged) == (40, 39)
    assert panel.status == "unchanged"


def test_a_new_file_of_a_glob_is_read(project: Project, store: Store) -> None:
    pull(project, store)
    (project.root / "data" / "exports" / "panel" / "two.csv").write_text(PANEL.replace("ann", "bob"))
    _, panel = pull(project, store)
    assert (panel.status, panel.records) == ("changed", 4)


def test_another_way_to_read_the_same_file_is_noticed(project: Project, store: Store) -> None:
    pull(project, store)
    golden = replace(project.sources[0], map={**project.sources[0].map, "item": "model", "variant": "ticket"})
    first, second = pull(replace(project, sources=(golden, project.sources[1])), store)
    assert (first.status, second.status) == ("changed", "unchanged")


def test_a_new_release_reads_again_because_arms_decide_who_was_in_both(project: Project, store: Store) -> None:
    pull(project, store)
    before = pulling.definition_of(project.sources[0], project)
    other = replace(project.releases[0], id="prompt-v8", candidate="prompt-v8")
    assert pulling.definition_of(project.sources[0], replace(project, releases=(*project.releases, other))) != before
    renamed = replace(project.releases[0], owner="ann")
    assert pulling.definition_of(project.sources[0], replace(project, releases=(renamed,))) == before


def test_a_bad_source_stops_no_other_and_keeps_its_evidence(project: Project, store: Store) -> None:
    pull(project, store)
    before = store.evidence(project.releases[0], ["golden"])
    rewrite(project, "ticket,model,score", "ticket,model,points")
    (project.root / "data" / "exports" / "panel" / "two.csv").write_text(PANEL.replace("ann", "bob"))
    golden, panel = pull(project, store)
    assert golden.status == "failed"
    assert golden.error is not None
    assert "score" in golden.error
    assert (panel.status, panel.records) == ("changed", 4)
    assert store.evidence(project.releases[0], ["golden"]) == before
    assert [report.status for report in store.pulls("golden")] == ["failed", "changed"]
    rewrite(project, "ticket,model,points", "ticket,model,score")
    # The good file is the one that was pulled before: nothing to read.
    assert counts(pull(project, store)[0]) == ("unchanged", 0, 0, 0, 40)


def test_a_missing_file_is_a_failed_pull(project: Project, store: Store) -> None:
    (project.root / "data" / "exports" / "golden.csv").unlink()
    golden, panel = pull(project, store)
    assert golden.error is not None
    assert "golden.csv" in golden.error
    assert panel.status == "changed"


def test_one_source_alone(project: Project, store: Store) -> None:
    assert [report.source for report in pull(project, store, source="panel")] == ["panel"]
    assert store.last_pull("golden") is None


@pytest.mark.parametrize("what", ["source", "release"])
def test_unknown_names_are_refused_with_a_suggestion(project: Project, store: Store, what: str) -> None:
    name = {"source": "goldne", "release": "prompt-v77"}[what]
    with pytest.raises(SignalsError, match=rf"unknown {what} '{name}'. Did you mean"):
        pull(project, store, **{what: name})


def test_a_source_that_another_process_stored_meanwhile_is_looked_at_again(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our reading and our storing the file changes and somebody else pulls it."""
    pull(project, store, source="panel")

    def meddling(*arguments: object) -> PullReport:
        monkeypatch.undo()
        tally = arguments[4]
        records = list(arguments[3])  # type: ignore[call-overload] # an iterator of records

        def late() -> Iterator[object]:
            yield from records
            rewrite(project, "t3,prompt-v7,3", "t3,prompt-v7,1")
            assert pull(project, store, source="golden")[0].status == "changed"

        return store.apply(*arguments[:3], late(), tally)  # type: ignore[arg-type] # the arguments of apply

    monkeypatch.setattr(store, "apply", meddling)
    (report,) = pull(project, store, source="golden")
    assert counts(report) == ("unchanged", 0, 0, 0, 40)
    found = store.evidence(project.releases[0], ["golden"]).scores
    assert [score.value for score in found if (score.item, score.variant) == ("t3", "prompt-v7")] == [1.0]
