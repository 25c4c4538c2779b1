"""What a look through all rows shows: newest versions of events, what scorers said on spans of their own, names.

In memory are only names and counts: what is said of a case goes to a temporary file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.connectors.evals.braintrust_kept import Case, Kept, Said
from signals.connectors.evals.braintrust_rows import SCORER, Row
from signals.connectors.evals.output import number
from signals.connectors.jsonfile import dig, recoded, scalar, selected
from signals.model import ScoreError, Source

LATER = ("scorer_errors", "classifier_errors")  # what the SDK adds to the metadata of a case


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer said of one case: ``value`` is None exactly when ``error`` says why."""

    value: float | None
    error: ScoreError | None
    created: str = ""


@dataclass
class Look:
    """All rows of a source, looked through once. ``close`` it in the end."""

    source: Source
    scored: set[str] = field(default_factory=set)  # names of scores that some case has a number for
    named: set[str] = field(default_factory=set)  # and of those that have only errors and nulls
    gave: dict[str, set[str]] = field(default_factory=dict)  # names of scores by the scorer's function
    local: str = ""  # a file of results
    events: str = ""  # a file of events
    copies: dict[str, str] = field(default_factory=dict)  # a file of results, and the one before that says the same
    kept: Kept = field(default_factory=Kept)
    _contents: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, set[str]] = field(default_factory=dict)  # two of an experiment's inputs
    _settings: set[str] = field(default_factory=set)  # names of metadata that differ between experiments at most
    _runs: dict[str, dict[str, Any]] = field(default_factory=dict)  # metadata that all cases of an experiment share

    def close(self) -> None:
        """Let go of what was kept."""
        self.kept.close()

    def add(self, file: str, rows: Iterable[Row]) -> None:
        """Look through one file."""
        content = hashlib.sha256()
        local = False
        for row in rows:
            if row.event:
                self.events = self.events or file
                self._event(row)
                continue
            local = True
            self.local = self.local or file
            content.update(json.dumps(row.data, sort_keys=True).encode())
            if selected(row.data, self.source) and not row.failed:
                self._note(row.scores, row.broken)
        before = self._contents.setdefault(content.hexdigest(), file)
        if local and before != file:
            self.copies[file] = before

    def finish(self) -> None:
        """Bring together what was seen; call it once, after the last file."""
        runs = [set(found) for name, found in self._runs.items() if len(self._asked[name]) > 1]
        self._settings = set.intersection(*runs) if runs else set()
        for row in self.kept.bares():
            self._root(self.whole(row))
        for case in self.kept.cases():
            spans = self._of(case.trace, case.span)
            for said in spans:
                self.gave.setdefault(said.by, set()).update(said.scores)
            if case.scores is not None:
                for scores in (case.scores, *(said.scores for said in spans)):
                    self._note(scores, case.broken)
        self.kept.number()
        if self.local:
            self.gave = {name: {name} for name in self.scored}

    def is_newest(self, row: Row) -> bool:
        """Whether no newer version of the event was seen."""
        return self.kept.version(row.key) == row.version

    def whole(self, row: Row) -> Row:
        """The row, of a case that failed with the metadata that it lost.

        The SDK sends a case's metadata when its task has ended, and never when the task failed. Other runs and trials
        of the case have them: what all cases with that input say alike. What never differs inside of an experiment,
        such as the name of the prompt, is taken from its own cases.
        """
        if not _lost(row):
            return row
        case = self.kept.alike(row.content) or {}
        run = self._runs.get(row.experiment, {})
        found = {name: value for name, value in case.items() if name not in self._settings}
        found |= {name: value for name, value in run.items() if name in self._settings}
        return Row({**row.data, "metadata": found}, row.file, row.line) if found else row

    def score(self, row: Row, name: str) -> Score:
        """What was said of a case under that name."""
        if name in row.broken:  # a zero beside it is what the run was told to write
            return Score(None, "judge_error")
        if name in row.scores:
            return _read(row.scores[name])
        spans = self._of(row.trace, row.span) if row.event else []
        for said in reversed(spans):
            if name in said.scores:
                return _read(said.scores[name], said.created)
        failed = row.broken | {said.by for said in spans if said.failed}
        if any(name in self.gave.get(scorer, {name}) for scorer in failed):  # of one that never gave a score: of any
            return Score(None, "judge_error")
        # An event of a scorer that ran and gave none: it chose to. No event: nobody knows what became of it.
        chose = not row.event or any(name in self.gave.get(said.by, ()) for said in spans)
        return Score(None, "skipped" if chose else "judge_error")

    def _event(self, row: Row) -> None:
        data = row.data
        if row.root:
            self.kept.trace(row.trace)
            if _lost(row):
                self.kept.bare(row)
                return
            self._root(row)
            asked = self._asked.setdefault(row.experiment, set())
            if len(asked) < 2:  # that there are two is all that is asked
                asked.add(row.content)
            meta = data["metadata"]
            before, after = self._runs.get(row.experiment), self.kept.alike(row.content)
            self._runs[row.experiment] = _shared(before, meta)
            shared = _shared(after, meta)
            if shared is not after:
                self.kept.share(row.content, shared)
        elif dig(data, "span_attributes.type") == SCORER:
            parents = data.get("span_parents")
            above = tuple(str(one) for one in parents) if isinstance(parents, list) else ()
            by = scalar(dig(data, "span_attributes.name")) or ""
            self.kept.said(row.trace, row.key, Said(row.version, row.created, by, above, row.scores, row.failed))

    def _root(self, row: Row) -> None:
        before = self.kept.version(row.key)
        if before is not None and before > row.version:
            return
        case = None
        if selected(row.data, self.source):
            variant, item = self._final(row, "variant", row.experiment), self._final(row, "item", row.item)
            scores = None if row.failed else row.scores
            case = Case(row.created, variant, item, row.trace, row.span, scores, row.broken)
        self.kept.case(row.key, row.version, case)

    def _final(self, row: Row, what: str, otherwise: str | None) -> str | None:
        path = self.source.map.get(what)
        said = scalar(dig(row.data, path)) if path else otherwise
        return recoded(said, self.source, what, None)

    def _of(self, trace: str, root: str) -> list[Said]:
        """Spans of the scorers of a case, oldest first; not of those that scored a step inside of it."""
        return [said for said in self.kept.of(trace) if not said.parents or root in said.parents]

    def _note(self, scores: Mapping[str, Any], broken: frozenset[str]) -> None:
        for name, value in scores.items():
            (self.named if name in broken or number(value) is None else self.scored).add(name)
        self.named |= broken


def _shared(before: dict[str, Any] | None, meta: Mapping[str, Any]) -> dict[str, Any]:
    """What metadata have in common with those before; the very same object when that is all of it."""
    if before is None:
        return {name: meta[name] for name in meta if name not in LATER}
    if any(meta.get(name) != value for name, value in before.items()):
        return {name: value for name, value in before.items() if meta.get(name) == value}
    return before


def _lost(row: Row) -> bool:
    return row.event and row.root and not isinstance(row.data.get("metadata"), Mapping)


def _read(value: Any, created: str = "") -> Score:
    found = number(value)
    if found is not None:
        return Score(found, None, created)
    return Score(None, "skipped" if value is None else "judge_unparsed", created)
