"""Inspect logs that tests take apart, change and put together again, in both formats."""

from __future__ import annotations

import copy
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard

STORED, DEFLATED, ZSTD = 0, 8, 93
Log = dict[str, Any]
ARMS = ("control", "candidate")
BOTH = "inspect/*.eval"


def packed(data: bytes, method: int) -> bytes:
    if method == ZSTD:
        return zstandard.ZstdCompressor().compress(data)
    if method == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush()
    return data


def archive(entries: dict[str, bytes], method: int = ZSTD, *, size: int | None = None, crc: int | None = None) -> bytes:
    """A zip file; ``size`` and ``crc`` are what it says of every entry, when that is not the truth."""
    body, directory = b"", b""
    for name, data in entries.items():
        raw = packed(data, method)
        said = zlib.crc32(data) if crc is None else crc
        shared = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, said, len(raw), size or len(data), len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + shared + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        directory += name.encode()
        body += b"PK\x03\x04" + shared + name.encode() + raw
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + end


def read(path: Path) -> Log:
    """A log as one document, its samples in a list."""
    with path.open("rb") as stream, zipfile.ZipFile(stream) as directory:
        found: dict[str, Any] = {}
        for info in directory.infolist():
            stream.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", stream.read(4))
            stream.seek(name + extra, 1)
            reader = zstandard.ZstdDecompressor().stream_reader(stream.read(info.compress_size))
            found[info.filename] = json.loads(reader.read())
    samples = [data for name, data in found.items() if name.startswith("samples/")]
    return {**found["header.json"], "samples": samples}


def as_eval(log: Log, method: int = ZSTD, header: str = "header.json") -> bytes:
    head = {key: value for key, value in log.items() if key not in ("samples", "reductions")}
    entries = {header: json.dumps(head).encode()}
    for sample in log["samples"] or []:
        entries[f"samples/{sample['id']}_epoch_{sample['epoch']}.json"] = json.dumps(sample).encode()
    return archive(entries, method)


def as_json(log: Log) -> str:
    return json.dumps(log)


def changed(log: Log, change: Callable[[Log], object]) -> Log:
    """A copy that was changed."""
    other = copy.deepcopy(log)
    change(other)
    return other


def retried(log: Log, ids: set[str]) -> Log:
    """A later log of the same task, with these samples only."""

    def change(other: Log) -> None:
        other["eval"] |= {"eval_id": "again", "created": "2026-11-23T08:00:00+00:00"}
        other["samples"] = [sample for sample in other["samples"] if sample["id"] in ids]

    return changed(log, change)


def log_of(desk: Any, arm: str = "control") -> Log:
    return read(desk.files / "inspect" / f"{arm}.eval")


def replaced(desk: Any, change: Callable[[Log], object], arm: str = "control") -> None:
    """One arm's log with a change, in its place."""
    desk.write(f"inspect/{arm}.eval", as_eval(changed(log_of(desk, arm), change)))


def find(log: Log, item: str, epoch: int = 1) -> Log:
    """One of its samples."""
    return next(one for one in log["samples"] if one["id"] == item and one["epoch"] == epoch)
