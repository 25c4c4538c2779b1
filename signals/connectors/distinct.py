"""Whether every row of a DuckDB query is another unit: quickly, and in memory that does not grow with the rows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
AT_ONCE = 1 << 26
"""Bytes of ids that are sorted in one go; what does not fit is divided, at the price of one more look at the column."""
LOOKS = (1, 2, 3, 5, 7, 11, 13, 17)
"""In how many parts ids are divided: by primes, since ids that are all even, or all end in 0, are common."""
ONE_AT_A_TIME = threading.Lock()
"""Sources are read side by side, but two lists of ids need not be held at once."""


def all_distinct(connection: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """True when the column ``u`` of the rows holds nothing twice, NULL aside; False when it does or when that is open.

    Whole numbers within 4 billion of each other are sorted as they are. Of others and of texts their 64-bit
    hashes are: when no hash is there twice, nothing is. The other way round two units may share a hash, so a False is
    a reason to count.

    Args:
        connection: Where the rows are.
        rows: SQL that selects ``u``.
    """
    import numpy as np

    described = connection.execute(f"DESCRIBE SELECT u FROM ({rows})").fetchone()  # noqa: S608  (the caller's)
    if not described or described[1] not in (*WHOLE, "VARCHAR"):
        return False
    key, spread, width = "hash(u)", "hash(u)", 8
    if described[1] in WHOLE:
        ends = connection.execute(f"SELECT min(u), max(u) FROM ({rows})").fetchone()  # noqa: S608  (the caller's)
        if not ends or ends[0] is None:
            return True
        low, high = int(ends[0]), int(ends[1])
        if high - low < 1 << 32:
            key, spread, width = f"CAST(u - ({low}) AS UINTEGER)", f"(u - ({low}))", 4
    counted = connection.execute(f"SELECT count(u) FROM ({rows})").fetchone()  # noqa: S608  (the caller's)
    needed = -(-int(counted[0] if counted else 0) * width // AT_ONCE)
    looks = next((some for some in LOOKS if some >= needed), None)
    if looks is None:
        return False
    for look in range(looks):
        some = f"AND {spread} % {looks} = {look}" if looks > 1 else ""
        with ONE_AT_A_TIME:
            found = connection.execute(f"SELECT {key} AS k FROM ({rows}) WHERE u IS NOT NULL {some}").fetchnumpy()  # noqa: S608  (numbers)
            keys = np.ma.getdata(found["k"])
            keys.sort()
            if bool((keys[1:] == keys[:-1]).any()):
                return False
    return True
