"""JSON exports: read whole, with one clear line when they are cut off, and looked into by dotted paths."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from signals.connectors.entries import as_text, recoding
from signals.connectors.filekind import open_binary
from signals.connectors.paths import InputFile
from signals.model import SignalsError, Source

MAX_BYTES = 256_000_000
"""Read whole, a JSON export takes some ten times its size in memory."""

ID_NAMES = ("item_id", "item", "case_id", "ticket_id", "question_id", "example_id", "id")


def load_json(file: InputFile) -> Any:
    """The file's data.

    Raises:
        SignalsError: When it is too large, not UTF-8, or no complete JSON (with line and column).
    """
    try:
        with open_binary(file) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SignalsError(f"cannot be read: {error}", "Export it again", file=file.name) from None
    if len(raw) > MAX_BYTES:
        remedy = "Export fewer rows per file and give a glob, or JSON lines where the tool writes them"
        raise SignalsError(f"holds more than the {MAX_BYTES:,} bytes that are read at once", remedy, file=file.name)
    if not raw.strip():
        raise SignalsError("is empty (0 bytes)", "Export it again", file=file.name)
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = f"is not UTF-8 text: byte {error.start + 1} is {raw[error.start]:#04x}"
        raise SignalsError(what, "Save the file as UTF-8", file=file.name, line=line) from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(raw.rstrip()) - 1 or "Unterminated string" in error.msg
        what = "ends too early: half-written JSON" if cut else f"is not valid JSON here: {error.msg}"
        remedy = "Export it again"
        raise SignalsError(what, remedy, file=file.name, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise SignalsError("is nested too deeply", "Export it again", file=file.name) from None


def dig(data: Any, path: str) -> Any:
    """The value at a dotted path, None when there is none. A key that holds dots itself is found too."""
    if not isinstance(data, (dict, Mapping)):  # the first is told much faster
        return None
    if path in data:
        return data[path]
    cut = path.find(".")
    while cut > 0:
        if path[:cut] in data and (found := dig(data[path[:cut]], path[cut + 1 :])) is not None:
            return found
        cut = path.find(".", cut + 1)
    return None


def scalar(value: Any) -> str | None:
    """A JSON scalar as text; None for null, empty text, lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return (value.strip() or None) if isinstance(value, str) else None


def recoded(text: str | None, source: Source, field: str, graded: str | None) -> str | None:
    """The text after ``values:``."""
    if text is None:
        return None
    return recoding(source, field, graded).get(text, text)


def selected(data: Any, source: Source) -> bool:
    """Whether ``where:`` takes this row; its keys are dotted paths."""
    for path, wanted in source.where.items():
        text = scalar(dig(data, path))
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if not any(_same(text, value) for value in allowed):
            return False
    return True


def _same(text: str | None, value: Any) -> bool:
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    wanted = as_text(value) or None
    if text is None or wanted is None or text == wanted:
        return text == wanted
    try:
        return float(text) == float(wanted)
    except ValueError:
        return False


def moment(text: str | None, source: Source, file: str) -> datetime | None:
    """An ISO time as UTC; None when there is none or it is no time.

    Raises:
        SignalsError: When it has no zone and the source declares none.
    """
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        if source.timezone is None:
            remedy = "Add `timezone:` to the source: the zone they were written in, such as UTC"
            raise SignalsError(f"holds times without a zone (such as {text!r})", remedy, file=file)
        parsed = parsed.replace(tzinfo=ZoneInfo(source.timezone))
    return parsed.astimezone(UTC)


def id_like(data: Any) -> str | None:
    """The key of an object that names the item, when exactly one clearly does."""
    if not isinstance(data, Mapping):
        return None
    for name in ID_NAMES:
        if scalar(data.get(name)) is not None:
            return name
    others = [key for key in data if str(key).lower().endswith("_id") and scalar(data[key]) is not None]
    return others[0] if len(others) == 1 else None


def paths_of(data: Any, prefix: str = "", depth: int = 3) -> Iterator[str]:
    """Dotted paths of the scalars in an object, for suggestions."""
    if isinstance(data, Mapping) and depth:
        for key, value in data.items():
            if isinstance(value, Mapping):
                yield from paths_of(value, f"{prefix}{key}.", depth - 1)
            else:
                yield f"{prefix}{key}"
