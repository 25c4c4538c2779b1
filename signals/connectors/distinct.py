"""Whether every row of a DuckDB query is another unit: in one look at them, and memory that does not grow with them."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import numpy as np

    Keys = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
CHUNK = 1 << 20
"""Keys that are sorted in one go: what a processor keeps near it. Up to so many, nothing goes to the disk."""
PARTS = 256
"""In how many parts sorted chunks are put together again: one is in memory at a time."""
MIX = 2_654_435_769
"""Odd, so that multiplying by it is one to one below 2^32; and it scatters ids that follow each other."""
ONE_AT_A_TIME = threading.Lock()
"""Sources are read side by side, but two lists of ids need not be held at once."""


def all_distinct(connection: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """True when the column ``u`` of the rows holds nothing twice, NULL aside; False when it does or when that is open.

    Whole numbers within 4 billion of each other are compared as they are. Of others and of texts their 64-bit
    hashes are: when no hash is there twice, nothing is. The other way round two units may share a hash, so a False is
    a reason to count.

    The rows are read once, as they come. Many are sorted in chunks, which go to a temporary file (4 or 8 bytes a row);
    every part of the range of keys is then taken out of all chunks and sorted again.

    Args:
        connection: Where the rows are.
        rows: SQL that selects ``u``.

    Raises:
        OSError: When the temporary folder has no room.
    """
    kind = connection.execute(f"DESCRIBE SELECT u FROM ({rows})").fetchall()[0][1]  # noqa: S608  (the caller's)
    if kind not in (*WHOLE, "VARCHAR"):
        return False
    key, bits = "hash(u)", 64
    if kind in WHOLE:
        low, high = connection.execute(f"SELECT min(u), max(u) FROM ({rows})").fetchall()[0]  # noqa: S608  (the caller's)
        if low is None:
            return True
        if high - low < 1 << 32:
            key, bits = f"CAST(u - ({low}) AS UINTEGER)", 32
    with ONE_AT_A_TIME:
        found = connection.sql(f"SELECT {key} AS k FROM ({rows}) WHERE u IS NOT NULL")  # noqa: S608  (numbers)
        with closing(found.to_arrow_reader(CHUNK)) as reader:  # the connection is free again, however soon we know
            return _distinct(_chunks(reader, bits), bits)


def _chunks(batches: Iterable[Any], bits: int) -> Iterator[Keys]:
    """The keys as they come, sorted within each array."""
    import numpy as np

    for batch in batches:
        keys = batch.column(0).to_numpy(zero_copy_only=False)
        keys = keys * np.uint32(MIX) if bits == 32 else keys.copy()
        keys.sort()
        yield keys


def _distinct(chunks: Iterator[Keys], bits: int) -> bool:
    """Whether no key is there twice.

    Args:
        chunks: Sorted arrays of unsigned whole numbers, spread over their whole range.
        bits: Of the numbers.
    """
    import numpy as np

    width = bits // 8
    step = 1 << (bits - (PARTS - 1).bit_length())
    cuts = np.array([part * step for part in range(1, PARTS)], dtype=f"uint{bits}")
    places: list[Any] = []  # of each chunk: where in the file its parts begin, and where the last one ends
    written = 0
    with tempfile.TemporaryFile(prefix="signals-", buffering=0) as file:
        alone: Keys | None = None  # the first chunk, until there is another
        for keys in chunks:
            if _twice(keys):
                return False
            if not len(keys):
                continue
            inside = np.concatenate([[0], np.searchsorted(keys, cuts), [len(keys)]])
            places.append(written + inside * width)
            written += len(keys) * width
            if len(places) == 1:
                alone = keys
                continue
            for some in (keys,) if alone is None else (alone, keys):
                file.write(some.data)
            alone = None
        if len(places) <= 1:
            return True
        together = max(1, PARTS * CHUNK * width // written)
        for part in range(0, PARTS, together):
            end = min(part + together, PARTS)
            slices = [os.pread(file.fileno(), int(at[end] - at[part]), int(at[part])) for at in places]
            keys = np.frombuffer(bytearray().join(slices), dtype=f"uint{bits}")
            keys.sort()
            if _twice(keys):
                return False
    return True


def _twice(keys: Keys) -> bool:
    """Whether sorted keys hold one twice."""
    return bool((keys[1:] == keys[:-1]).any())
