"""Inspect's log files: an archive with one entry per sample (``.eval``), or one JSON document (``.json``).

The archive's entries are packed with Zstandard in current logs and with deflate in older ones. The standard library
reads the former only from Python 3.14 on, so its directory is taken from there and the entries are unpacked here.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from signals.connectors.jsonfile import MAX_BYTES, dig, load_json, scalar
from signals.connectors.paths import InputFile
from signals.model import SignalsError

VERSION = 2
"""Of the log format. Samples of later ones lie in pieces, which read as whole ones would be misread."""

MOST = 1_000_000
"""Samples or epochs of one log: what says more is no log."""

LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, …, length of the name, length of the extra field
SAMPLE = re.compile(r"samples/.+_epoch_\d+\.json")
AGAIN = "Copy it again, or read it with `inspect log dump` and write it anew"


@dataclass(frozen=True)
class Log:
    """What a log says of its run; its samples are read one by one."""

    file: InputFile
    header: Mapping[str, Any]  # without samples and reductions
    packed: bool  # an archive

    @property
    def eval(self) -> Mapping[str, Any]:
        """The run's own part of the header."""
        found: Mapping[str, Any] = self.header["eval"]
        return found

    @property
    def status(self) -> str:
        """``success``, ``error``, ``cancelled``; ``started`` when the run never ended."""
        return scalar(self.header.get("status")) or "started"

    @property
    def eval_id(self) -> str:
        """The run's id: the same in a copy in the other format. Old logs have none."""
        return scalar(self.eval.get("eval_id")) or f"{self.eval.get('run_id')}/{self.task_id}"

    @property
    def task_id(self) -> str:
        """Id of what was to be run: a retry has the same."""
        return scalar(self.eval.get("task_id")) or scalar(self.eval.get("run_id")) or self.file.name

    @property
    def epochs(self) -> int:
        """How often each sample was to run."""
        said = dig(self.eval, "config.epochs")
        return said if _counts(said) else 1

    @property
    def planned(self) -> list[str] | None:
        """Ids of the samples that were to be run; None when the log does not say which.

        Where a run took a part of its data set only, the ids may be those of the whole.
        """
        said = dig(self.eval, "dataset.sample_ids")
        if not isinstance(said, list):
            return None
        ids = [scalar(one) or "" for one in said]
        limit, chosen = dig(self.eval, "config.limit"), dig(self.eval, "config.sample_id")
        if _counts(limit):
            ids = ids[:limit]
        elif isinstance(limit, list) and [isinstance(end, int) for end in limit] == [True, True]:
            ids = ids[limit[0] : limit[1]] if len(ids) > limit[1] - limit[0] else ids
        if chosen is not None:
            names = {scalar(one) for one in (chosen if isinstance(chosen, list) else [chosen])}
            ids = [one for one in ids if one in names] or ids
        total = dig(self.header, "results.total_samples")
        return ids if total in (None, len(ids) * self.epochs) and len(ids) * self.epochs <= MOST else None


def _counts(said: Any) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 < said <= MOST


def read_log(file: InputFile) -> Log:
    """The log without its samples.

    Raises:
        SignalsError: When it is cut off, damaged, another kind of file, or of a format that is not known.
    """
    packed = _is_archive(file)
    if packed:
        with _Archive(file) as archive:
            name = next((name for name in ("header.json", "_journal/start.json") if name in archive), None)
            header = archive.json(name) if name else None
    elif file.path.name.lower().endswith(".eval") and file.path.stat().st_size:
        raise SignalsError("is not an Inspect log: an .eval file is an archive", AGAIN, file=file.name)
    else:
        header = load_json(file)
    if not isinstance(header, Mapping) or not isinstance(header.get("eval"), Mapping) or "version" not in header:
        remedy = "Give the .eval or .json files of the log folder (`inspect eval --log-dir DIR`)"
        raise SignalsError("is not an Inspect log: it has no `version` and `eval`", remedy, file=file.name)
    if header["version"] != VERSION:
        what = f"is an Inspect log of format {str(header['version'])[:20]}, and format {VERSION} is what can be read"
        raise SignalsError(what, "Convert it with `inspect log convert`", file=file.name)
    kept = {key: value for key, value in header.items() if key not in ("samples", "reductions")}
    return Log(file, kept, packed)


def samples(log: Log) -> Iterator[Mapping[str, Any]]:
    """The samples of a log as the file holds them; of an archive one at a time.

    Raises:
        SignalsError: When one is damaged, too large, or no sample.
    """
    if log.packed:
        with _Archive(log.file) as archive:
            for name in archive.names:
                if SAMPLE.fullmatch(name):
                    yield _checked(archive.json(name), name, log)
        return
    data = load_json(log.file)
    found = data.get("samples") if isinstance(data, Mapping) else None
    for number, sample in enumerate(found if isinstance(found, list) else []):
        yield _checked(sample, f"samples[{number}]", log)


def _checked(sample: Any, name: str, log: Log) -> Mapping[str, Any]:
    epoch = sample.get("epoch") if isinstance(sample, Mapping) else None
    if not isinstance(sample, Mapping) or not _counts(epoch):
        raise SignalsError(f"{name[:80]!r} is no sample: it has no `epoch`", AGAIN, file=log.file.name)
    return sample


def _is_archive(file: InputFile) -> bool:
    if file.member is not None:
        if file.plain.endswith(".eval"):
            remedy = "Unpack the archive: a log is one itself"
            raise SignalsError("is a log inside a zip archive", remedy, file=file.name)
        return False
    try:
        with file.path.open("rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError as error:
        raise SignalsError(f"cannot be read: {error.strerror}", file=file.name) from None


class _Archive:
    """A zip file whose entries may be packed with Zstandard."""

    def __init__(self, file: InputFile) -> None:
        self._file = file

    def __enter__(self) -> _Archive:
        try:
            self._stream: IO[bytes] = self._file.path.open("rb")
        except OSError as error:
            raise SignalsError(f"cannot be read: {error.strerror}", file=self._file.name) from None
        try:
            with zipfile.ZipFile(self._stream) as archive:
                self._entries = {info.filename: info for info in archive.infolist()}  # an entry written twice: the last
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError):
            self._stream.close()
            raise SignalsError("ends too early: half-written log", AGAIN, file=self._file.name) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @property
    def names(self) -> list[str]:
        """Of the entries, in the order of the directory."""
        return list(self._entries)

    def json(self, name: str) -> Any:
        """The data of an entry."""
        raw = self._bytes(self._entries[name])
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):  # not UTF-8, no JSON, numbers of thousands of digits
            raise self._fault(name, "is not valid JSON") from None

    def _bytes(self, info: zipfile.ZipInfo) -> bytes:
        if max(info.file_size, info.compress_size) > MAX_BYTES:
            raise self._fault(info.filename, f"holds more than the {MAX_BYTES:,} bytes that are read at once")
        if info.flag_bits & 1:
            raise self._fault(info.filename, "is encrypted")
        try:
            self._stream.seek(info.header_offset)
            signature, name, extra = LOCAL_HEADER.unpack(self._stream.read(LOCAL_HEADER.size))
            self._stream.seek(name + extra, 1)
            packed = self._stream.read(info.compress_size)
        except (OSError, ValueError, struct.error):
            raise self._fault(info.filename, "is damaged") from None
        data = self._unpacked(packed, info) if signature == b"PK\x03\x04" else b""
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise self._fault(info.filename, "is damaged")
        return data

    def _unpacked(self, packed: bytes, info: zipfile.ZipInfo) -> bytes:
        """At most one byte more than the directory promises: what is longer is damaged, however long it is."""
        limit = info.file_size + 1
        if info.compress_type == zipfile.ZIP_STORED:
            return packed
        if info.compress_type == zipfile.ZIP_DEFLATED:
            try:
                return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit)
            except zlib.error:
                raise self._fault(info.filename, "is damaged") from None
        if info.compress_type == 93:
            import zstandard

            try:
                with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
                    return reader.read(limit)
            except zstandard.ZstdError:
                raise self._fault(info.filename, "is damaged") from None
        raise self._fault(info.filename, f"is packed by method {info.compress_type}, which cannot be read")

    def _fault(self, name: str, what: str) -> SignalsError:
        return SignalsError(f"its entry {name[:80]!r} {what}", AGAIN, file=self._file.name)
