"""What people said, gathered by a connector from any tool, as ratings or thumbs: counted as rows of a table are.

Attempts, scales, recodings, users in both arms, the last thumb of a response: all that has one home, the table's. The
rows go there through a file of the read's own scratch folder, in the order in which the connector gives them.
"""

from __future__ import annotations

import csv
import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.connectors.base import Tally
from signals.connectors.jsonfile import dig, paths_of, scalar
from signals.connectors.shapes import segment_dimensions
from signals.model import Project, Record, SignalsError, Source
from signals.strictyaml import suggest

if TYPE_CHECKING:
    from signals.connectors.tabular import Rows

FIELDS: Mapping[str, tuple[str, ...]] = {
    "rating": ("item", "rater", "variant", "value", "dimension", "at"),
    "feedback": ("variant", "value", "user", "response", "at"),
}

BLOCK = 32
"""Places that are read together."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that somebody said.

    Attributes:
        place: Where, for examples: ids of the tool.
        texts: Fields of the shape as the tool wrote them (before ``values:``): None is empty.
        at: When.
        row: As the tool wrote it: paths of segments lead into it.
    """

    place: str
    texts: Mapping[str, str | None]
    at: datetime | None
    row: Mapping[str, Any]


def records(
    sayings: Iterable[Saying],
    shape: str,
    source: Source,
    project: Project,
    tally: Tally,
    *,
    without: tuple[str, ...] = (),
) -> Iterator[Record]:
    """Ratings, or cells of thumbs.

    Args:
        sayings: Those that ``where:`` selects; in an order that does not change from pull to pull.
        shape: ``rating`` or ``feedback``.
        source: With its variables filled in.
        project: Its releases say whose users saw both arms.
        tally: Counts one row per saying.
        without: Fields that this source does not know for all its rows.

    Raises:
        SignalsError: For a path of ``map:`` that no row has, or values that cannot be read.
    """
    from signals.connectors import people, thumbs
    from signals.connectors.cells import Cells
    from signals.connectors.enough import with_enough
    from signals.connectors.shapes import SHAPES
    from signals.connectors.tabular import open_rows

    names = [name for name in FIELDS[shape] if name not in without]
    segments = [f"segment.{name}" for name in segment_dimensions(source.map)]
    with (
        tempfile.TemporaryDirectory(prefix="signals-") as folder,
        closing(Places(Path(folder) / "places.txt")) as places,
    ):
        target = Path(folder) / "said.csv"
        _write(target, sayings, names, segments, source, places)
        options = {"path": str(target), "allow_outside": True, "shape": shape}
        if "scale" in source.options:
            options["scale"] = source.options["scale"]
        mapping = {name: name for name in (*names, *segments)}
        table = replace(source, options=options, map=mapping, where={}, timezone="UTC")

        def read(little: bool) -> Iterator[Record]:
            with open_rows(table, table, project, list(mapping), numbered=True, little=little) as rows:
                cells = Cells(table, SHAPES[shape], _placed(rows, places, source))
                yield from people.ratings(cells, tally) if shape == "rating" else thumbs.feedback(cells, project, tally)

        yield from with_enough(read, tally)


class Places:
    """Where each row was said, kept in a file: there may be millions, and hardly any is ever shown.

    First give all of them with ``add``; then look them up. ``close`` it in the end.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._starts = array("Q")  # of every block in the file
        self._count = 0
        self._block, self._lines = -1, list[bytes]()

    def add(self, place: str) -> None:
        """The place of the next row."""
        if self._count % BLOCK == 0:
            self._starts.append(self._file.tell())
        self._count += 1
        self._file.write(json.dumps(place).encode() + b"\n")

    def __getitem__(self, number: int) -> str:
        """The place of a row, from 0."""
        block, line = divmod(number, BLOCK)
        if block != self._block:
            self._file.seek(self._starts[block])
            self._block, self._lines = block, list(islice(self._file, BLOCK))
        return str(json.loads(self._lines[line]))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _write(
    target: Path, sayings: Iterable[Saying], names: list[str], segments: list[str], source: Source, places: Places
) -> None:
    """Write the rows, header first, and their places."""
    met = Met(source)
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*names, *segments])
        for saying in sayings:
            met.note(saying.row)
            texts = {**saying.texts, "at": saying.at.isoformat() if saying.at else None}
            labels = [scalar(dig(saying.row, source.map[name])) for name in segments]
            writer.writerow([_cell(text) for text in (*(texts.get(name) for name in names), *labels)])
            places.add(saying.place)
    met.complain("row")


def _cell(text: str | None) -> str:
    return "" if text is None else text.replace("\0", "")


@dataclass
class Met:
    """Which paths of ``map:`` some row has: one that none has is a typo, and would read as empty everywhere."""

    source: Source
    paths: set[str] = field(default_factory=set)
    first: Mapping[str, Any] | None = None

    def note(self, row: Mapping[str, Any]) -> None:
        """Look at one row."""
        if self.first is None:
            self.first = row
        if len(self.paths) < len(self.source.map):
            self.paths |= {key for key, path in self.source.map.items() if dig(row, path) is not None}

    def complain(self, thing: str) -> None:
        """Say which path no row has.

        Raises:
            SignalsError: With a suggestion.
        """
        for key, path in self.source.map.items() if self.first is not None else ():
            if key not in self.paths:
                what = f"source {self.source.name!r}: no {thing} has {path!r} (map.{key})"
                raise SignalsError(what, suggest(path, list(paths_of(self.first))))


def _placed(rows: Rows, places: Places, source: Source) -> Rows:
    """The open file, with the tool's own ids for places."""
    from signals.connectors.tabular import Rows

    class Placed(Rows):
        def place(self, file: int, row: int | None = None) -> str:
            return self.names[file] if row is None else places[row - 1]

    label = [f"source {source.name!r}"]
    return Placed(rows.connection, rows.alias, rows.types, label, rows.first_row, rows.joined)
