"""Checks of a source's keys that all connectors share."""

from __future__ import annotations

from signals.connectors.env import VARIABLE
from signals.connectors.paths import leaves_folder
from signals.model import Problem, Source
from signals.strictyaml import Document, Loc, suggest


def check_common(source: Source, document: Document, loc: Loc) -> list[Problem]:
    """Time zone and path: what can be known without reading anything."""
    problems: list[Problem] = []
    if source.timezone is not None and not known_zone(source.timezone):
        remedy = _zone_remedy(source.timezone)
        problems.append(document.problem((*loc, "timezone"), f"unknown time zone {source.timezone!r}", remedy))
    path = source.options.get("path")
    if (
        isinstance(path, str)
        and not VARIABLE.search(path)
        and not source.options.get("allow_outside")
        and leaves_folder(path)
    ):
        problems.append(
            document.problem(
                (*loc, "path"),
                f"path {path!r} leaves the folder of this file",
                "Write it relative to this file, or set `allow_outside: true`",
            )
        )
    return problems


def check_recoding(source: Source, document: Document, loc: Loc, fields: tuple[str, ...]) -> list[Problem]:
    """``values:`` is either {theirs: ours} for the graded field, or {field: {theirs: ours}}."""
    nested = {key for key, value in source.values.items() if isinstance(value, dict)}
    if nested and nested != set(source.values):
        flat = min(set(source.values) - nested)
        return [
            document.problem(
                (*loc, "values", flat),
                "`values:` mixes recodings with fields",
                "Write either {theirs: ours}, or {field: {theirs: ours}} throughout",
                key=True,
            )
        ]
    return [
        document.problem((*loc, "values", key), f"values: unknown field {key!r}", suggest(key, fields), key=True)
        for key in sorted(nested)
        if key not in fields and not key.startswith("segment.")
    ]


def known_zone(name: str) -> bool:
    """Whether the time zone database knows the name."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives OSError
        return False
    return True


def _zone_remedy(name: str) -> str:
    from zoneinfo import available_timezones

    close = suggest(name, available_timezones())
    return close if close.startswith("Did you") else "Use a name such as UTC or Europe/Berlin"


def recoding(source: Source, field: str, graded: str | None) -> dict[str, str | None]:
    """The recoding of one field: their text to our text; None empties the cell."""
    table = source.values
    if any(isinstance(value, dict) for value in table.values()):
        found = table.get(field) or {}
    else:
        found = table if field == graded else {}
    return {key: as_text(value) for key, value in found.items()}


def as_text(value: str | bool | float | None) -> str | None:
    """A scalar of sources.yaml as the text of a cell: true is 1, false is 0."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value)
