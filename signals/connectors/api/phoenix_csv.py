"""The CSV that Phoenix exports of an experiment: one row per run, with eight columns or more per evaluator."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator
from typing import Any

from signals.connectors.filekind import not_utf8, open_text
from signals.connectors.paths import InputFile
from signals.model import SignalsError

LONGEST = 64_000_000
NEEDED = ("example_id", "repetition_number", "start_time", "error")
KIND = "_annotator_kind"
FIELDS = ("label", "score", "explanation", "metadata", "annotator_kind", "trace_id", "error", "start_time", "end_time")


def csv_runs(file: InputFile) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The runs in the form of the JSON export, each with its example's metadata, which that one leaves out.

    Raises:
        SignalsError: When it is no such file, or not a whole one.
    """
    csv.field_size_limit(max(LONGEST, csv.field_size_limit()))
    try:
        with open_text(file) as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, None)
            if header is None:
                raise SignalsError("is empty (0 bytes)", "Export it again", file=file.name)
            missing = [name for name in NEEDED if name not in header]
            if missing:
                what = f"is no CSV export of an experiment: it has no column {missing[0]!r}"
                raise SignalsError(what, "Save the answer of experiments/ID/csv", file=file.name)
            names = [name.removeprefix("annotation_").removesuffix(KIND) for name in header
                     if name.startswith("annotation_") and name.endswith(KIND)]  # fmt: skip
            for cells in reader:
                if len(cells) != len(header):
                    what = f"ends too early or is damaged: {len(cells)} cells under {len(header)} columns"
                    raise SignalsError(what, "Export it again", file=file.name, line=reader.line_num)
                yield _run(dict(zip(header, cells, strict=True)), names, file, reader.line_num)
    except csv.Error as error:
        raise SignalsError(f"is no complete CSV: {error}", "Export it again", file=file.name) from None
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except (OSError, EOFError, zlib.error) as error:
        raise SignalsError(f"cannot be read: {error}", "Export it again", file=file.name) from None


def _run(row: dict[str, str], names: list[str], file: InputFile, line: int) -> tuple[dict[str, Any], dict[str, Any]]:
    if not row["repetition_number"].isdecimal():
        what = f"repetition_number is {row['repetition_number'][:40]!r}"
        raise SignalsError(what, "Export it again", file=file.name, line=line)
    run: dict[str, Any] = {name: row.get(name) or None for name in ("error", "start_time", "end_time", "trace_id")}
    run |= {
        "example_id": row["example_id"],
        "repetition_number": int(row["repetition_number"]),
        "input": _json(row.get("input")),
        "reference_output": _json(row.get("reference_output")),
        "output": _json(row.get("output")),
        "annotations": [_note(row, name) for name in names if row[f"annotation_{name}{KIND}"]],
    }
    metadata = _json(row.get("metadata"))
    return run, metadata if isinstance(metadata, dict) else {}


def _note(row: dict[str, str], name: str) -> dict[str, Any]:
    note: dict[str, Any] = {key: row.get(f"annotation_{name}_{key}") or None for key in FIELDS}
    return {**note, "name": name, "score": _number(note["score"]), "metadata": _json(note["metadata"])}


def _number(text: str | None) -> Any:
    """The score; what is no number stays text, to be told as such."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _json(text: str | None) -> Any:
    """Objects and lists are written as JSON, texts as they are."""
    if text and text[0] in "{[":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return text or None
