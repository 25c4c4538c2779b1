"""``data/sources.yaml``: where evidence comes from and which releases it is about.

Read strictly and as a whole: every mistake is reported with line and column, and nothing is half-loaded. Variables in
``store`` and ``releases`` are filled in here; those of a source or a receiver only when it is read or told, so that a
secret that is missing for one of them stops neither a verdict nor the others, and never lies about in memory.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals import connectors
from signals.connectors.env import Missing, expand, problem
from signals.model import OUTCOMES, ModelFamily, Problem, Project, Release, SignalsError, Source
from signals.receivers import receivers
from signals.starter import SOURCES_FILE
from signals.strictyaml import Document, Loc, load, suggest, validate

if TYPE_CHECKING:
    from pydantic import BaseModel

DEFAULT_STORE = "sqlite:///data/signals.db"
POLICY = "hierarchy.yaml"
SOURCES = SOURCES_FILE
MOST_CONTROLS = 20
"""Of one release: each is a comparison of its own, and a bound that holds for so many says little."""


def load_project(root: Path) -> Project:
    """Read the project in the folder ``root``.

    Args:
        root: The folder with ``hierarchy.yaml`` and ``data/``.

    Raises:
        SignalsError: With one problem per mistake, in the order of the file.
    """
    path = root / SOURCES
    document = load(path)
    problems: list[Problem] = []
    top = _validated(document, _models()[0], (), problems)
    data = document.data if isinstance(document.data, dict) else {}
    releases = _releases(document, data.get("releases"), problems)
    sources = _sources(document, data.get("sources"), problems)
    kin = _kin(document, data.get("kin"), problems)
    told = receivers(document, [release.id for release in releases], problems)
    store = _expanded(document, ("store",), data.get("store", DEFAULT_STORE), problems)
    if problems or top is None:
        raise SignalsError(tuple(sorted(problems, key=lambda item: (item.line or 0, item.column or 0))))
    return Project(root, root / POLICY, path, store_url(store, root), releases, sources, told, kin)


def store_url(url: str, root: Path) -> str:
    """The store's URL with a relative SQLite path made absolute against the project's folder.

    >>> store_url("sqlite:///data/signals.db", Path("/srv/p"))
    'sqlite:////srv/p/data/signals.db'
    """
    scheme, mark, rest = url.partition(":///")
    if not mark or scheme.partition("+")[0] != "sqlite" or rest.startswith((":memory:", "file:")) or not rest:
        return url
    path, mark, query = rest.partition("?")
    return f"{scheme}:///{(root / path).absolute().as_posix()}{mark}{query}"


def shape_of(source: Source) -> str:
    """The kind of records that a source brings, as its connector says; empty when its connector cannot be used."""
    return str(source.options.get("shape") or next(iter(connectors.get(source.connector).shapes), ""))


def _models() -> tuple[type[BaseModel], type[BaseModel]]:
    """The models of the whole file and of one release."""
    from typing import Annotated, Literal

    from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

    from signals.connectors.options import Text
    from signals.model import Outcome, ReleaseKind

    strict = ConfigDict(extra="forbid", strict=True)

    class ReleaseEntry(BaseModel):
        model_config = strict
        id: Annotated[Text, Field(max_length=200)]
        kind: ReleaseKind
        control: Text | None = None
        controls: Annotated[list[Text], Field(min_length=1, max_length=MOST_CONTROLS)] | None = None
        candidate: Text
        started: Annotated[Text, AfterValidator(_is_day)]
        owner: Text | Literal[""] = ""
        as_of: Annotated[Text, AfterValidator(_is_moment)] | None = None
        synthetic: bool = False
        split: Annotated[float, AfterValidator(_is_share)] | None = None
        family: Text | Literal[""] = ""
        outcome: Annotated[Outcome, BeforeValidator(_is_outcome)] = "unknown"

    class File(BaseModel):
        model_config = strict
        store: Text = DEFAULT_STORE
        releases: list[Any] = Field(default_factory=list)
        sources: dict[str, Any] = Field(default_factory=dict)
        notify: list[Any] = Field(default_factory=list)
        kin: dict[str, Any] = Field(default_factory=dict)

    return File, ReleaseEntry


def _is_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date such as 2026-11-10") from None
    return text


def _is_moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time such as 2026-11-17T09:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("must name its zone, such as 2026-11-17T09:00:00Z")
    return text


def _is_share(number: float) -> float:
    if not 0 < number < 1:
        raise ValueError("must be the candidate's share of both arms' units, between 0 and 1, such as 0.5")
    return number


def _is_outcome(word: object) -> object:
    if word not in OUTCOMES:
        raise ValueError(f"must be how the release turned out. {suggest(str(word), OUTCOMES)}")
    return word


def _validated(document: Document, model: type[BaseModel], loc: Loc, problems: list[Problem]) -> Any:
    """The validated part of the document, or None with its problems noted."""
    try:
        return validate(document, model, loc)
    except SignalsError as error:
        problems += error.problems
        return None


def _expanded(document: Document, loc: Loc, value: Any, problems: list[Problem]) -> str:
    if not isinstance(value, str):
        return ""  # already reported by the model
    filled = expand(value)
    if isinstance(filled, Missing):
        problems.append(problem(document, loc, filled))
        return ""
    return filled


def _releases(document: Document, entries: Any, problems: list[Problem]) -> tuple[Release, ...]:
    releases: list[Release] = []
    model = _models()[1]
    problems += _declared_twice(document, entries)
    for number, _ in enumerate(entries if isinstance(entries, list) else []):
        loc: Loc = ("releases", number)
        entry = _validated(document, model, loc, problems)
        if entry is None:
            continue
        names = {
            key: _expanded(document, (*loc, key), getattr(entry, key), problems)
            for key in ("id", "candidate", "owner", "family")
        }
        controls = _controls(document, loc, entry, names["id"], problems)
        if names["candidate"] in controls:
            what = f"release {names['id']!r}: control and candidate are both {names['candidate']!r}"
            problems.append(document.problem((*loc, "candidate"), what, "A release compares two versions"))
        releases.append(
            Release(
                id=names["id"],
                kind=entry.kind,
                control=controls[0] if controls else "",
                candidate=names["candidate"],
                started=date.fromisoformat(entry.started),
                owner=names["owner"],
                as_of=datetime.fromisoformat(entry.as_of) if entry.as_of else None,
                synthetic=entry.synthetic,
                split=entry.split,
                family=names["family"],
                outcome=entry.outcome,
                other_controls=controls[1:],
            )
        )
    return tuple(releases)


def _controls(document: Document, loc: Loc, entry: Any, release: str, problems: list[Problem]) -> tuple[str, ...]:
    """The controls of a release, from ``control:`` or ``controls:``; empty when a problem was noted."""
    if entry.controls is None:
        if entry.control is None:
            what = f"release {release!r} needs `control:`, or `controls:` where it has several"
            problems.append(document.problem(loc, what, "Name the version that the candidate is compared with"))
            return ()
        return (_expanded(document, (*loc, "control"), entry.control, problems),)
    if entry.control is not None:
        what = f"release {release!r} has both `control:` and `controls:`"
        problems.append(document.problem((*loc, "controls"), what, "Keep one of them", key=True))
        return ()
    found: list[str] = []
    for number, name in enumerate(entry.controls):
        place = (*loc, "controls", number)
        one = _expanded(document, place, name, problems)
        if one in found:
            what = f"release {release!r} names the control {one!r} twice"
            problems.append(document.problem(place, what, "Name every control once"))
        found.append(one)
    if len(found) > 1 and entry.kind == "watch":
        what = f"release {release!r} is a watch, which has one reference window"
        problems.append(document.problem((*loc, "controls"), what, "Name one control", key=True))
    return tuple(found)


def _declared_twice(document: Document, entries: Any) -> list[Problem]:
    """Looked for in the text itself, so that another mistake in the same release does not hide it."""
    first: dict[str, int] = {}
    found: list[Problem] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        loc: Loc = ("releases", number, "id")
        if name in first:
            what = f"release {name!r} is declared twice (first on line {first[name]})"
            found.append(document.problem(loc, what, "Give it another id"))
        first.setdefault(name, document.place(loc)[0])
    return found


def _kin(document: Document, entries: Any, problems: list[Problem]) -> tuple[ModelFamily, ...]:
    """Families of models. One without models would read as a family that nobody belongs to."""
    found = []
    for name, models in entries.items() if isinstance(entries, dict) else ():
        loc: Loc = ("kin", name)
        listed = isinstance(models, list) and all(isinstance(one, str) and one.strip() for one in models)
        if not listed or not models or not name.strip():
            what = f"model family {name!r} needs a list of its models"
            problems.append(document.problem(loc, what, f"Write {name}: [version-1, 'version-2*']", key=True))
            continue
        filled = (_expanded(document, (*loc, number), one, problems) for number, one in enumerate(models))
        found.append(ModelFamily(name, tuple(filled)))
    return tuple(found)


def _sources(document: Document, entries: Any, problems: list[Problem]) -> tuple[Source, ...]:
    if not isinstance(entries, dict):
        return ()
    found = (_source(document, name, entry, problems) for name, entry in entries.items())
    return tuple(source for source in found if source is not None)


def _source(document: Document, name: str, entry: Any, problems: list[Problem]) -> Source | None:
    from signals.connectors.options import BASE_KEYS

    loc: Loc = ("sources", name)
    if not isinstance(entry, dict):
        problems.append(
            document.problem(loc, f"source {name!r} needs keys", "Add `signal:` and `connector:`", key=True)
        )
        return None
    if not name.strip() or len(name) > 200 or any(ord(char) < 32 for char in name):
        problems.append(document.problem(loc, "a source needs a short name of one line", key=True))
    kind = entry.get("connector")
    if kind is None:
        problems.append(document.problem(loc, "key 'connector' is missing", _known_connectors(), key=True))
        return None
    try:
        connector = connectors.get(str(kind))
    except SignalsError as error:
        (one,) = error.problems
        problems.append(document.problem((*loc, "connector"), one.what, one.remedy))
        return None
    valid = _validated(document, connector.entry(), loc, problems)
    if valid is None:
        return None
    values = valid.model_dump(by_alias=True, exclude_none=True)
    options = {key: value for key, value in values.items() if key not in BASE_KEYS}
    source = Source(
        name=name,
        signal=valid.signal,
        connector=kind,
        options=options,
        map=valid.mapping,
        where=valid.where,
        values=valid.values,
        timezone=valid.timezone,
        line=document.place(loc, key=True)[0],
    )
    problems += connector.check(source, document, loc)
    return source


def _known_connectors() -> str:
    return f"Add `connector:`, one of {', '.join(connectors.names())}"
