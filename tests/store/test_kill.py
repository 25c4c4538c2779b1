"""A pull that is killed, at any moment, leaves the store as it was; run again, it gives what one clean pull gives."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from store_kit import GOLDEN, child, count_rows, dump, finish, put, scores

from signals.store import open_store

pytestmark = pytest.mark.slow

ROWS = 14_000
PULL = f"""
import sys
from store_kit import *
from signals.connectors import Tally
from signals.store import open_store
tally = Tally()
put(open_store(sys.argv[1]), announced(list(scores({ROWS}, shift=1.0)), 1000), tally=tally)
sys.stdout.write("done\\n")
"""

# Killed when the child says this, or so many seconds after it: while it opens, reads, sorts out and writes.
MOMENTS = [
    ("read 0", 0.0),
    ("read 6000", 0.0),
    ("read 13000", 0.01),
    ("storing", 0.0),
    ("storing", 0.03),
    ("storing", 0.08),
    ("storing", 0.15),
    ("storing", 0.3),
]


def kill_at(url: str, sign: str, delay: float) -> None:
    process = child(PULL, url)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == sign:
            break
    else:
        raise AssertionError(process.communicate()[1])
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_pull_leaves_the_old_state_or_the_new_one(fresh_url: Callable[[], str]) -> None:
    with open_store(fresh_url()) as clean:
        put(clean, scores(ROWS // 2))
        old = dump(clean)
        put(clean, scores(ROWS, shift=1.0))
        new = dump(clean)
    url = fresh_url()
    with open_store(url) as store:
        put(store, scores(ROWS // 2))
    pulls = 1
    for sign, delay in MOMENTS:
        kill_at(url, sign, delay)
        with open_store(url) as store:
            found = dump(store)
            assert found in (old, new), f"half a pull after {sign} + {delay} s"
            pulls += found == new
            assert len(store.pulls("golden")) == pulls
            if found == new:
                pulls += 1
                put(store, scores(ROWS // 2))  # go back, so that the next kill has something to do
                assert dump(store) == old
    assert "done" in finish(child(PULL, url))
    with open_store(url) as store:
        assert dump(store) == new


def test_a_process_killed_while_it_makes_the_tables_leaves_a_store_that_opens(fresh_url: Callable[[], str]) -> None:
    url = fresh_url()
    code = (
        "import sys, time; from signals.store import migrate\n"
        "real = migrate._upgrade\n"
        "def slow(*arguments):\n"
        "    real(*arguments); sys.stdout.write('made\\n'); sys.stdout.flush(); time.sleep(60)\n"
        "migrate._upgrade = slow\n"
        "from signals.store import open_store; open_store(sys.argv[1])\n"
    )
    process = child(code, url)
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with open_store(url) as store:
        assert count_rows(store) == 0
        assert put(store, scores(3), GOLDEN).new == 3
