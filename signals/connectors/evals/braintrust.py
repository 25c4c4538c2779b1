"""The ``braintrust`` connector: scores from results of Braintrust's ``Eval``, or from saved events of its experiments.

Neither says whether a model or code gave a score, so a source reads one score, by name when there are several. Where
work failed there may be a zero, which is no score. In events the scores stand on the spans of the scorers; the span
of the case itself carries what was logged by hand, and such zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signals.connectors.base import Tally
from signals.connectors.env import resolved
from signals.connectors.evals.braintrust_rows import Row, rows_of
from signals.connectors.evals.braintrust_traces import Look
from signals.connectors.evals.judged import check_entry, item_scores
from signals.connectors.evals.output import Output, Word
from signals.connectors.evals.runs import Arms
from signals.connectors.jsonfile import dig, moment, scalar, selected
from signals.connectors.known import Known, key_of
from signals.connectors.paths import InputFile, files_fingerprint, input_files
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from signals.connectors.options import Entry

NAMED = re.compile(r"\[experiment_?name=(.+)\]", re.IGNORECASE)

COPY = "the same results were read from another file already"
OLDER = "a newer version of the event was read"
AGAIN = "the same event was read already"
ORPHAN = "the case's own span is not in the files"


class Braintrust:
    """Results of ``Eval`` as JSON, or events of experiments (``/v1/experiment/ID/fetch``, ``/btql``)."""

    name = "braintrust"
    shapes: tuple[str, ...] = ("item_score",)

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        from signals.connectors.options import RunEntry

        return RunEntry

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's keys."""
        return check_entry(source, document, loc)

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """Hash of the files' names and contents."""
        return files_fingerprint(input_files(resolved(source, project), project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Every case as an ``ItemScore`` of the one score that is read."""
        filled = resolved(source, project)
        files = input_files(filled, project)
        yield from item_scores(_outputs(files, filled, tally), filled, tally, thing="case")
        tally.require_rows(filled, files[0].name if len(files) == 1 else str(project.sources_path))


@dataclass
class _Reading:
    """What the second look needs of the first, and what it has met so far."""

    source: Source
    look: Look
    names: list[str]  # of the scores
    arms: Arms
    runs: dict[tuple[str, str], str | None] = field(default_factory=dict)  # variant by file and experiment
    given: Known = field(default_factory=Known)  # events


def _outputs(files: list[InputFile], source: Source, tally: Tally) -> Iterator[Output]:
    """The cases of all files, in their order; read twice: only the whole says what is an event's newest version."""
    with closing(Look(source)) as look:
        yield from _looked(look, files, source, tally)


def _looked(look: Look, files: list[InputFile], source: Source, tally: Tally) -> Iterator[Output]:
    for file in files:
        look.add(file.name, rows_of(file))
    look.finish()
    if look.local and look.events:
        what = f"source {source.name!r}: {look.local} holds results of Eval, and {look.events} holds events"
        raise SignalsError(what, "They may be of one run: keep the events, or give each kind a source of its own")
    reading = _Reading(source, look, _names(look, source), Arms(source))
    for file in files:
        for row in map(look.whole, rows_of(file)):
            if (row.event and not row.root) or not selected(row.data, source):
                continue
            why = _not_read(row, reading)
            if why:
                tally.rows_read += 1
                tally.set_aside(why, fault=why != OLDER, example=row.place)
            else:
                yield _output(row, reading)
    orphans, first = look.kept.orphans()
    if orphans and not source.where:
        tally.rows_read += orphans
        tally.set_aside(ORPHAN, rows=orphans, example=f"trace {first.partition('/')[2]}")


def _names(look: Look, source: Source) -> list[str]:
    """Of the scores to read; of all when ``metric:`` names one that does not exist, so that they can be suggested."""
    metric = source.options.get("metric")
    known = look.scored | look.named
    if metric is not None:
        return [str(metric)] if metric in known else sorted(known)
    found = sorted(look.scored or look.named)
    if len(found) > 1:
        what = (
            f"source {source.name!r}: there are several scores ({', '.join(found[:8])}), and nothing says which of them"
        )
        raise SignalsError(
            f"{what} a model gave", "Say which one is read: `metric: NAME`", file=look.local or look.events
        )
    return found


def _not_read(row: Row, reading: _Reading) -> str:
    if not row.event:
        return COPY if row.file.name in reading.look.copies else ""
    if not reading.look.is_newest(row):
        return OLDER
    return AGAIN if reading.given.meet(key_of(row.key)) else ""


def _output(row: Row, reading: _Reading) -> Output:
    source, look = reading.source, reading.look
    run = (row.experiment if row.event else row.file.name, row.experiment)
    if run not in reading.runs:
        name, settings = _run(row)
        reading.runs[run] = reading.arms.variant(name, settings, row.file.name)
    if "item" not in source.map and row.named:
        _one_input(row, run[0], reading)
    words = []
    for name in reading.names:
        said = look.score(row, name)
        at = moment(said.created or None, source, row.file.name)
        # Nothing is known of a judge: not even its name tells it from another, and `scorer_version:` must.
        words.append(Word(name, said.value, said.error, {}, graded=source.options.get("metric") is None, at=at))
    text = row.data.get("output")
    return Output(
        row=row.data,
        file=row.file.name,
        line=row.line,
        item=row.item,
        variant=reading.runs[run],
        words=words,
        failed=row.failed,
        repeat=look.kept.repeat(row.key) if row.event else None,
        at=moment(row.created or None, source, row.file.name) if row.event else None,
        length=float(len(text)) if isinstance(text, str) else None,
        asked=row.data.get("input"),
    )


def _run(row: Row) -> tuple[str | None, Mapping[str, str]]:
    """The variant as the run says, and what must be the same in two runs of one variant.

    A run that was kept local and got no name of its own is called like the project: that is the name of all of them.
    """
    if row.event:
        return row.experiment or None, {"experiment_id": row.experiment}
    said = dig(row.data, "summary.experiment_name") or dig(row.data, "summary.experimentName")
    kept = dig(row.data, "summary.experiment_id") or dig(row.data, "summary.experimentId")
    name = scalar(said) or ""
    given = NAMED.search(name)
    if given:
        name = given[1]
    elif not kept:
        return None, {}
    return name, {"summary.experiment_name": name}


def _one_input(row: Row, run: str, reading: _Reading) -> None:
    """An id that several inputs of a run share names no item."""
    if reading.look.kept.first(run, f"{row.named} {row.item}", row.content) != row.content:
        remedy = (
            "Map what names the item in every run: `item: metadata.NAME`, or `item: input` for a text that was asked"
        )
        raise SignalsError(
            f"{row.named} {row.item!r} stands for several inputs", remedy, file=row.file.name, line=row.line
        )
