"""Comparing without storing, and threads of one process that write in turns."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from store_kit import GOLDEN, dump, put, scores

from signals.connectors import Tally
from signals.model import SignalsError
from signals.store import Store, engine, open_store


def counts(report: object) -> tuple[object, ...]:
    return tuple(getattr(report, name) for name in ("status", "new", "changed", "removed", "unchanged", "records"))


def compared(store: Store, records: list[object]) -> object:
    tally = Tally()
    tally.rows_read = tally.rows_kept = len(records)
    return store.compare(GOLDEN, records, tally)


def test_comparing_tells_what_storing_would_do_and_does_not_do_it(fresh_url: Callable[[], str]) -> None:
    with open_store(fresh_url()) as store:
        fresh = compared(store, scores(60))
        assert counts(fresh) == ("changed", 60, 0, 0, 0, 60)
        assert store.pulls() == ()
        put(store, scores(60))
        before = dump(store)
        steps = [scores(60), scores(80, shift=1.0), scores(60)[10:], scores(30)[::2]]
        for records in steps:
            seen = compared(store, records)
            assert dump(store) == before
            assert len(store.pulls()) == 1
            with open_store(fresh_url()) as other:
                put(other, scores(60))
                stored = put(other, records)
            assert counts(seen) == counts(stored)
            assert seen.content == stored.content
        assert counts(compared(store, steps[1])) == ("changed", 20, 20, 0, 40, 80)


def test_a_reading_that_fails_while_it_is_compared_leaves_nothing_behind(fresh_url: Callable[[], str]) -> None:
    def broken() -> object:
        yield from scores(6_000)
        raise SignalsError("cut off")

    with open_store(fresh_url()) as store:
        put(store, scores(10))
        before = dump(store)
        for _ in range(3):
            with pytest.raises(SignalsError, match="cut off"):
                store.compare(GOLDEN, broken(), Tally())
        assert dump(store) == before
        assert counts(compared(store, scores(10)))[0] == "unchanged"


def test_threads_wait_for_each_other_however_long_it_takes(
    fresh_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself would give up after its busy time, here 50 ms."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    with open_store(fresh_url()) as store:
        held = threading.Event()

        def hold() -> None:
            with store.database.write("releases"):
                held.set()
                time.sleep(0.6)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        assert put(store, scores(10)).new == 10
        thread.join()
