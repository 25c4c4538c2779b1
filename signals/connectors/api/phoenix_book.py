"""What was read from Phoenix, put together: whose run a span is of, which item and variant a run is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from signals.connectors.api.phoenix_rows import (
    Note,
    Row,
    item_of,
    joined,
    note,
    opened,
    span_id,
    trace_of,
    variant_of,
)
from signals.connectors.api.spool import Spool
from signals.connectors.jsonfile import ID_NAMES, dig, moment, recoded, scalar, selected
from signals.model import Source

ON_SPANS = ("annotation", "trace_annotation")
"""Kinds of rows in the spool, beside ``experiment``, ``run``, ``example`` and ``span``."""


def run_name(run: Row) -> str:
    """The id of a run in the spool: what the server calls it is not in the list that holds the scores."""
    return f"{run.get('experiment_id')} {run.get('example_id')} {run.get('repetition_number'):06}"


def example_name(version: object, name: object) -> str:
    """The id of an example in the spool: what it holds may differ between versions of its dataset."""
    return f"{version or ''} {name}"


@dataclass
class Book:
    """Everything that one source reads."""

    spool: Spool
    source: Source
    experiments: dict[str, Row] = field(default_factory=dict)
    _run_of: dict[str, str] = field(default_factory=dict)  # trace -> run
    _root_of: dict[str, str] = field(default_factory=dict)  # trace -> span
    _items: dict[str, str] = field(default_factory=dict)  # example -> what its metadata call it
    _before: dict[tuple[str | None, str], int] = field(default_factory=dict)  # repeats in earlier experiments

    def __post_init__(self) -> None:
        self.experiments = {str(one.get("id")): one for one in self.spool.rows("experiment")}
        first: dict[str, str] = {}  # stands in where the first span's parent is elsewhere
        for span in self.spool.rows("span"):
            trace, name = str(trace_of(span)), str(span_id(span))
            (self._root_of if span.get("parent_id") is None else first).setdefault(trace, name)
        self._root_of = {**first, **self._root_of}
        for example in self.spool.rows("example"):  # an id that only one version of the dataset has names it in all
            metadata = example.get("metadata")
            found = next((text for key in ID_NAMES if (text := scalar(dig(metadata, key)))), None)
            if found:
                self._items[str(example.get("id"))] = found
        most: dict[tuple[str | None, str], int] = {}
        for run in self.spool.rows("run"):
            if scalar(run.get("trace_id")):
                self._run_of[str(run["trace_id"])] = run_name(run)
            row = self._of_run(run)
            if selected(row, self.source):
                group = self.arm(row), str(run.get("experiment_id"))
                most[group] = max(most.get(group, 0), int(run["repetition_number"]))
        sums: dict[str | None, int] = {}
        for variant, name in sorted(most, key=lambda group: (self._made(group[1]), group)):
            self._before[variant, name] = sums.get(variant, 0)
            sums[variant] = sums.get(variant, 0) + most[variant, name]

    def _made(self, experiment: str) -> str:
        """When an experiment was made, as text that sorts."""
        said = scalar(self.experiments.get(experiment, {}).get("created_at"))
        return str(moment(said, self.source, "an experiment"))

    # --- rows -----------------------------------------------------------------------------------------------------

    def _of_run(self, run: Row) -> dict[str, Any]:
        experiment = self.experiments.get(str(run.get("experiment_id")), {})
        name = run.get("example_id")
        example = self.spool.row("example", example_name(experiment.get("dataset_version_id"), name))
        root = self._span(self._root_of.get(str(run.get("trace_id"))))
        return joined(
            run=run, experiment=experiment, example=example or self.spool.row("example", example_name("", name)),
            span=root, root=root,
        )  # fmt: skip

    def _span(self, name: str | None) -> dict[str, Any] | None:
        found = self.spool.row("span", name) if name else None
        return opened(found) if found else None

    def of_span(self, name: str) -> dict[str, Any]:
        """A span with all that belongs to it."""
        span = self._span(name) or {}
        trace = str(trace_of(span))
        run = self.spool.row("run", self._run_of[trace]) if trace in self._run_of else None
        row = self._of_run(run) if run else joined(root=self._span(self._root_of.get(trace)))
        return {**row, "span": span}

    def runs(self, *, people: bool = False) -> Iterator[tuple[dict[str, Any], list[Note]]]:
        """The runs with what evaluators said of them; those that ``where:`` selects, unless people are asked for."""
        for run in self.spool.rows("run"):
            row = self._of_run(run)
            if people or selected(row, self.source):
                found = [note(one, self.source) for one in run.get("annotations") or ()]
                yield row, [one for one in found if one is not None]

    def notes(self, *, people: bool = False) -> Iterator[tuple[dict[str, Any], Note]]:
        """The annotations of spans and traces, with the span that they are on: a trace's is its first one."""
        for kind in ON_SPANS:
            for said in self.spool.rows(kind):
                one = note(said, self.source)
                if one is None:
                    continue
                row = self.of_span(str(said.get("span_id") or self._root_of.get(str(said.get("trace_id")))))
                if people or selected(row, self.source):
                    yield row, one

    def roots(self) -> Iterator[dict[str, Any]]:
        """The first span of every trace: each is an answer."""
        for span in self.spool.rows("span"):
            if self._root_of.get(str(trace_of(span))) == span_id(span):
                row = self.of_span(str(span_id(span)))
                if selected(row, self.source):
                    yield row

    # --- what a row is --------------------------------------------------------------------------------------------

    def name(self, run: Row) -> str:
        """The id of a run."""
        return run_name(run)

    def inner(self, row: Row) -> bool:
        """Whether the row's span is a step on the way, and not the answer."""
        return bool(row["span"]) and span_id(row["span"]) != span_id(row["root"])

    def answer(self, row: Row) -> str | None:
        """The answer that a user saw: the trace, also when the thumb hangs on one of its parts."""
        traced = trace_of(row["span"]) or scalar(row["run"].get("trace_id"))
        return traced or (run_name(row["run"]) if row["run"] else None)

    def item(self, row: Row) -> str | None:
        """The item, when ``map:`` does not say it."""
        return item_of(row, self._items)

    def repeat(self, row: Row) -> int:
        """Which of several outputs for the item: an experiment that runs a variant again goes on counting."""
        before = self._before[self.arm(row), str(row["run"].get("experiment_id"))]
        return before + int(row["run"]["repetition_number"]) - 1

    def mapped(self, row: Row, name: str) -> str | None:
        """What ``map:`` leads to."""
        path = self.source.map.get(name)
        return scalar(dig(row, path)) if path else None

    def default_variant(self, row: Row) -> str | None:
        """The variant as the tool says."""
        return variant_of(row)

    def variant(self, row: Row) -> str | None:
        """The variant's name before ``values:``."""
        if "variant" in self.source.map:
            return self.mapped(row, "variant")
        return scalar(self.source.options.get("variant")) or variant_of(row)

    def arm(self, row: Row) -> str | None:
        """The variant."""
        return recoded(self.variant(row), self.source, "variant", None)

    def place(self, row: Row) -> str:
        """Where it was read, for examples."""
        if not row["run"]:
            return f"span {span_id(row['span'])}"
        name = row["experiment"].get("name") or row["run"].get("experiment_id")
        return f"{row['run'].get('example_id')} (repetition {row['run'].get('repetition_number')}) of {name}"
