"""Connectors of others, found by the entry point group ``signals.connectors`` of installed packages.

Nobody looks for them before a source names a connector that is not built in. One that is broken costs its own source
and no other: it is stood in for by a connector that says what is wrong whenever it is asked to read.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from signals.connectors.base import Connector, Keeps, Tally
from signals.connectors.shapes import SHAPES
from signals.connectors.stopping import StoppedError
from signals.model import Problem, Project, Record, SignalsError, Source
from signals.strictyaml import Document, Loc

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from signals.connectors.options import Entry

GROUP = "signals.connectors"
METHODS = ("entry", "check", "fingerprint", "read")
RECORDS: tuple[type[Any], ...] = get_args(Record)

T = TypeVar("T")


@dataclass(frozen=True)
class Registered:
    """One entry point: the name that ``connector:`` would use, the package that brings it, and where it leads."""

    name: str
    package: str  # with its version
    point: EntryPoint


def registered() -> tuple[Registered, ...]:
    """Every entry point of the group, by name and package."""
    return _registered(tuple(sys.path))


@lru_cache(maxsize=4)
def _registered(_path: tuple[str, ...]) -> tuple[Registered, ...]:
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=GROUP):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "a package without a name"
        found.append(Registered(point.name, package, point))
    return tuple(sorted(found, key=lambda one: (one.name, one.package, one.point.value)))


def plugin(name: str) -> Plugin | None:
    """The connector that an installed package registers under this name; None when none does."""
    return _plugin(name, tuple(sys.path))


@lru_cache(maxsize=64)
def _plugin(name: str, path: tuple[str, ...]) -> Plugin | None:
    mine = [one for one in _registered(path) if one.name == name]
    if not mine:
        return None
    packages = " and ".join(dict.fromkeys(one.package for one in mine))
    if len(mine) > 1:
        what = f"the connector {name!r} is registered {len(mine)} times, by {packages}"
        return Plugin(Broken(name, SignalsError(what, "Uninstall all but one")), packages)
    try:
        connector = _loaded(mine[0])
    except SignalsError as error:
        return Plugin(Broken(name, error), packages)
    return KeepingPlugin(connector, packages) if isinstance(connector, Keeps) else Plugin(connector, packages)


def _loaded(one: Registered) -> Connector:
    """What the entry point leads to, made and looked over.

    Raises:
        SignalsError: When it cannot be imported, or does not keep the protocol.
    """
    who = f"the connector {one.name!r} of {one.package}"
    remedy = "Ask its authors, or uninstall it"
    try:
        found = one.point.load()
        connector = found() if isinstance(found, type) else found
        missing = [name for name in METHODS if not callable(getattr(connector, name, None))]
        model = None if missing else connector.entry()
        said, shapes = getattr(connector, "name", None), getattr(connector, "shapes", None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything, and must break nothing else
        raise SignalsError(f"{who} cannot be loaded: {_told(error)}", remedy) from None
    if missing:
        raise SignalsError(f"{who} has no method {missing[0]!r}", remedy)
    from signals.connectors.options import Entry

    if not (isinstance(model, type) and issubclass(model, Entry)):
        raise SignalsError(f"{who}: entry() gives no subclass of Entry", remedy)
    if said != one.name:
        raise SignalsError(f"{who} calls itself {said!r}", remedy)
    if not (isinstance(shapes, tuple) and shapes and all(shape in SHAPES for shape in shapes)):
        raise SignalsError(f"{who}: shapes {shapes!r} must be a tuple of {', '.join(SHAPES)}", remedy)
    made: Connector = connector
    return made


class Broken:
    """Stands in for a connector that cannot be used: its sources fail when they are read, and say why."""

    shapes: tuple[str, ...] = ()

    def __init__(self, name: str, error: SignalsError) -> None:
        self.name, self.error = name, error

    def entry(self) -> type[Entry]:
        """Any keys: nobody knows which ones it has."""
        from signals.connectors.options import Entry

        class Anything(Entry, extra="allow"):
            pass

        return Anything

    def check(self, _source: Source, _document: Document, _loc: Loc) -> tuple[Problem, ...]:
        """Nothing can be said."""
        return ()

    def fingerprint(self, _source: Source, _project: Project) -> str | None:
        """Refuse."""
        raise self.error

    def read(self, _source: Source, _project: Project, _tally: Tally) -> Iterator[Record]:
        """Refuse."""
        raise self.error


class Plugin:
    """A connector of others: what it raises becomes one line, and what it gives is looked at."""

    def __init__(self, connector: Connector, package: str) -> None:
        self.name, self.shapes, self.package = connector.name, connector.shapes, package
        self._connector = connector
        self._unchecked: dict[str, SignalsError] = {}  # by source: what stopped it from looking at the keys

    @property
    def error(self) -> SignalsError | None:
        """Why it cannot be used at all; None when it can."""
        return self._connector.error if isinstance(self._connector, Broken) else None

    def entry(self) -> type[Entry]:
        """The model of its entry in sources.yaml."""
        return self._connector.entry()

    def check(self, source: Source, document: Document, loc: Loc) -> tuple[Problem, ...]:
        """What is wrong with the source's own keys; when it cannot tell, the source fails as it is read."""
        try:
            found = self._asked(source, lambda: tuple(self._connector.check(source, document, loc)))
        except SignalsError as error:
            self._unchecked[source.name] = error
            return ()
        self._unchecked.pop(source.name, None)
        return found

    def fingerprint(self, source: Source, project: Project) -> str | None:
        """As its own."""
        if source.name in self._unchecked:
            raise self._unchecked[source.name]
        return self._asked(source, lambda: self._connector.fingerprint(source, project))

    def read(self, source: Source, project: Project, tally: Tally) -> Iterator[Record]:
        """Its records, as long as they are records."""
        stream = self._asked(source, lambda: iter(self._connector.read(source, project, tally)))
        end = object()
        while (record := self._asked(source, lambda: next(stream, end))) is not end:
            if not isinstance(record, RECORDS):
                what = f"{self._who(source)} gives a {type(record).__name__} instead of a record"
                raise SignalsError(what, "Tell its authors")
            yield record

    def _who(self, source: Source) -> str:
        return f"source {source.name!r}: the connector {self.name!r} of {self.package}"

    def _asked(self, source: Source, question: Callable[[], T]) -> T:
        try:
            return question()
        except (SignalsError, StoppedError):
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything, and must break nothing else
            raise SignalsError(f"{self._who(source)} failed: {_told(error)}", "Tell its authors") from None


class KeepingPlugin(Plugin):
    """One that keeps what a server said between pulls."""

    def forget(self, source: Source, project: Project) -> None:
        """As its own."""
        if isinstance(self._connector, Keeps):
            keeper = self._connector
            self._asked(source, lambda: keeper.forget(source, project))


def _told(error: BaseException) -> str:
    """The error and its innermost place, in one line."""
    said = " ".join(str(error).split())[:300]
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if not frame.filename.startswith("<")), None)
    ours = last is None or Path(last.filename).parent == Path(__file__).parent or "importlib" in last.filename
    where = "" if ours or last is None else f" ({Path(last.filename).name}, line {last.lineno})"
    return f"{type(error).__name__}{f': {said}' if said else ''}{where}"
