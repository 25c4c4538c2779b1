"""Reading in little memory first, and in more where that is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from signals.connectors.base import Tally
from signals.connectors.duck import TooLittleError
from signals.model import Record


def with_enough(read: Callable[[bool], Iterator[Record]], tally: Tally) -> Iterator[Record]:
    """The records, read in little memory; in more when DuckDB could not do what comes before the first record.

    Args:
        read: Begins to read from the start; its argument says whether to keep to little memory.
        tally: What ``read`` fills; as it was, when the reading begins again.

    Raises:
        TooLittleError: When more is not enough either, or when records were given already.
    """
    before = deepcopy(vars(tally))
    given = False
    try:
        for record in read(True):
            given = True
            yield record
    except TooLittleError:
        if given:
            raise
    else:
        return
    vars(tally).update(before)
    yield from read(False)
