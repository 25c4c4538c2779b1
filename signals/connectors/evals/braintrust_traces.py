"""What a look through all rows shows: newest versions of events, what scorers said on spans of their own, names.

Held per case: a few ids, times and scores, whatever the inputs and outputs are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.connectors.evals.braintrust_rows import SCORER, Row
from signals.connectors.evals.output import number
from signals.connectors.jsonfile import dig, recoded, scalar, selected
from signals.model import ScoreError, Source

LATER = ("scorer_errors", "classifier_errors")  # what the SDK adds to the metadata of a case


@dataclass(frozen=True, slots=True)
class _Root:
    """The newest version of a case's own span."""

    created: str
    group: tuple[str | None, str | None]  # variant and item
    trace: str
    span: str
    scores: Mapping[str, Any] | None  # None: the run failed, and nothing that was said of it counts
    broken: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Said:
    """The newest version of a scorer's span."""

    version: int
    created: str
    by: str  # name of the scorer's function
    parents: tuple[str, ...]
    scores: Mapping[str, Any]
    failed: bool


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer said of one case: ``value`` is None exactly when ``error`` says why."""

    value: float | None
    error: ScoreError | None
    created: str = ""


@dataclass
class Look:
    """All rows of a source, looked through once."""

    source: Source
    scored: set[str] = field(default_factory=set)  # names of scores that some case has a number for
    named: set[str] = field(default_factory=set)  # and of those that have only errors and nulls
    gave: dict[str, set[str]] = field(default_factory=dict)  # names of scores by the scorer's function
    local: str = ""  # a file of results
    events: str = ""  # a file of events
    copies: dict[str, str] = field(default_factory=dict)  # a file of results, and the one before that says the same
    repeats: dict[str, int] = field(default_factory=dict)  # which trial of its item an event is
    _versions: dict[str, int] = field(default_factory=dict)  # of the cases' own spans
    _roots: dict[str, _Root] = field(default_factory=dict)
    _traces: set[str] = field(default_factory=set)  # that have a root
    _spans: dict[str, dict[str, _Said]] = field(default_factory=dict)  # by trace and event
    _contents: dict[str, str] = field(default_factory=dict)
    _bare: list[Row] = field(default_factory=list)  # cases without metadata
    _asked: dict[str, set[str]] = field(default_factory=dict)  # two of an experiment's inputs
    _settings: set[str] = field(default_factory=set)  # names of metadata that differ between experiments at most
    _alike: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # metadata that cases share

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
        runs = [
            set(found) for (kind, name), found in self._alike.items() if kind == "run" and len(self._asked[name]) > 1
        ]
        self._settings = set.intersection(*runs) if runs else set()
        for row in self._bare:
            self._root(self.whole(row))
        groups: dict[tuple[str | None, str | None], list[tuple[str, str]]] = {}
        for key, root in self._roots.items():
            groups.setdefault(root.group, []).append((root.created, key))
            spans = self._of(root.trace, root.span)
            for said in spans:
                self.gave.setdefault(said.by, set()).update(said.scores)
            if root.scores is not None:
                for scores in (root.scores, *(said.scores for said in spans)):
                    self._note(scores, root.broken)
        for group in groups.values():
            self.repeats.update({key: place for place, (_, key) in enumerate(sorted(group))})
        if self.local:
            self.gave = {name: {name} for name in self.scored}

    @property
    def orphans(self) -> list[str]:
        """Traces that have scores and no root span."""
        return sorted(self._spans.keys() - self._traces)

    def is_newest(self, row: Row) -> bool:
        """Whether no newer version of the event was seen."""
        return self._versions[row.key] == row.version

    def whole(self, row: Row) -> Row:
        """The row, of a case that failed with the metadata that it lost.

        The SDK sends a case's metadata when its task has ended, and never when the task failed. Other runs and trials
        of the case have them: what all cases with that input say alike. What never differs inside of an experiment,
        such as the name of the prompt, is taken from its own cases.
        """
        if not _lost(row):
            return row
        case = self._alike.get(("input", row.content), {})
        run = self._alike.get(("run", row.experiment), {})
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
            self._traces.add(row.trace)
            if _lost(row):
                self._bare.append(row)
                return
            self._root(row)
            asked = self._asked.setdefault(row.experiment, set())
            if len(asked) < 2:  # that there are two is all that is asked
                asked.add(row.content)
            meta = data["metadata"]
            for key in (("run", row.experiment), ("input", row.content)):
                before = self._alike.get(key)
                if before is None:
                    self._alike[key] = {name: meta[name] for name in meta if name not in LATER}
                elif any(meta.get(name) != value for name, value in before.items()):
                    self._alike[key] = {name: value for name, value in before.items() if meta.get(name) == value}
        elif dig(data, "span_attributes.type") == SCORER:
            spans = self._spans.setdefault(row.trace, {})
            seen = spans.get(row.key)
            if seen is None or seen.version < row.version:
                parents = data.get("span_parents")
                above = tuple(str(one) for one in parents) if isinstance(parents, list) else ()
                by = scalar(dig(data, "span_attributes.name")) or ""
                spans[row.key] = _Said(row.version, row.created, by, above, row.scores, row.failed)

    def _root(self, row: Row) -> None:
        if self._versions.setdefault(row.key, row.version) > row.version:
            return
        self._versions[row.key] = row.version
        self._roots.pop(row.key, None)
        if selected(row.data, self.source):
            group = self._final(row, "variant", row.experiment), self._final(row, "item", row.item)
            scores = None if row.failed else row.scores
            self._roots[row.key] = _Root(row.created, group, row.trace, row.span, scores, row.broken)

    def _final(self, row: Row, what: str, otherwise: str | None) -> str | None:
        path = self.source.map.get(what)
        said = scalar(dig(row.data, path)) if path else otherwise
        return recoded(said, self.source, what, None)

    def _of(self, trace: str, root: str) -> list[_Said]:
        """Spans of the scorers of a case, oldest first; not of those that scored a step inside of it."""
        spans = self._spans.get(trace, {}).values()
        found = (said for said in spans if not said.parents or root in said.parents)
        return sorted(found, key=lambda said: (said.created, said.by))

    def _note(self, scores: Mapping[str, Any], broken: frozenset[str]) -> None:
        for name, value in scores.items():
            (self.named if name in broken or number(value) is None else self.scored).add(name)
        self.named |= broken


def _lost(row: Row) -> bool:
    return row.event and row.root and not isinstance(row.data.get("metadata"), Mapping)


def _read(value: Any, created: str = "") -> Score:
    found = number(value)
    if found is not None:
        return Score(found, None, created)
    return Score(None, "skipped" if value is None else "judge_unparsed", created)
