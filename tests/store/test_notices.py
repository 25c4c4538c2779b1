"""News is claimed by one process; what it did is kept."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from store_kit import RELEASE

from signals.store import Store, open_store
from signals.store.notices import LEASE, Claim, Notices

NOW = datetime(2026, 11, 17, 9, tzinfo=UTC)


@pytest.fixture
def notices(url: str) -> Notices:
    return Notices(open_store(url).database)


def claimed(notices: Notices, news: str = "news", now: datetime = NOW) -> Claim:
    claim = notices.claim("a", RELEASE.id, "receiver 1", news, now)
    assert isinstance(claim, Claim)
    return claim


def test_one_claims_and_the_other_leaves_a_mark(notices: Notices) -> None:
    claim = claimed(notices)
    assert notices.claim("a", RELEASE.id, "receiver 1", "other", NOW) == "busy"
    assert isinstance(notices.claim("b", RELEASE.id, "receiver 2", "news", NOW), Claim)
    assert notices.arrived(claim, "news", "id-1", NOW) is True
    assert notices.claim("a", RELEASE.id, "receiver 1", "news", NOW) == "same"
    again = claimed(notices, "other")
    assert (again.sent, again.sent_id) == ("news", "id-1")
    assert notices.arrived(again, "other", "id-2", NOW) is False


def test_failures_are_counted_until_it_arrives(notices: Notices) -> None:
    for number in (1, 2):
        assert notices.failed(claimed(notices), "refused", NOW) is False
        (row,) = notices.all()
        assert (row.sent, row.tries, row.error, row.tried_at) == (None, number, "refused", NOW)
    notices.arrived(claimed(notices), "news", "id-1", NOW)
    (row,) = notices.all()
    assert (row.sent, row.sent_id, row.sent_at, row.tries, row.error) == ("news", "id-1", NOW, 0, None)


def test_news_that_was_taken_back_is_owed_no_more(notices: Notices) -> None:
    notices.arrived(claimed(notices), "news", "id-1", NOW)
    notices.failed(claimed(notices, "other"), "refused", NOW)
    assert notices.claim("a", RELEASE.id, "receiver 1", "news", NOW) == "same"
    (row,) = notices.all()
    assert (row.sent, row.error, row.tries) == ("news", None, 0)


def test_a_claim_that_ran_out_is_taken_over_and_its_owner_changes_nothing(notices: Notices) -> None:
    first = claimed(notices)
    assert notices.claim("a", RELEASE.id, "receiver 1", "news", NOW + LEASE - timedelta(seconds=1)) == "busy"
    second = claimed(notices, now=NOW + LEASE + timedelta(seconds=1))
    assert notices.failed(first, "too late", NOW) is False
    assert notices.claim("a", RELEASE.id, "receiver 1", "news", NOW + LEASE + timedelta(seconds=2)) == "busy"
    notices.arrived(second, "news", "id-2", NOW)
    (row,) = notices.all()
    assert (row.sent_id, row.error) == ("id-2", None)


def test_a_claim_that_is_given_back_is_free(notices: Notices) -> None:
    notices.drop(claimed(notices))
    notices.drop(claimed(notices), "not explained")
    (row,) = notices.all()
    assert (row.error, row.tries) == ("not explained", 0)
    notices.drop(claimed(notices))
    (row,) = notices.all()
    assert row.error == "not explained"  # it is owed still


def test_what_was_not_tried_is_owed_until_the_address_knows(notices: Notices) -> None:
    notices.missed("a", RELEASE.id, "receiver 1", "news", "the receiver is ill")
    (row,) = notices.all()
    assert (row.sent, row.tries, row.error, row.tried_at) == (None, 0, "the receiver is ill", None)
    notices.arrived(claimed(notices), "news", "id-1", NOW)
    notices.missed("a", RELEASE.id, "receiver 1", "news", "another process was faster")
    (row,) = notices.all()
    assert (row.sent, row.error) == ("news", None)
    notices.missed("a", RELEASE.id, "receiver 1", None, "the policy does not load")
    (row,) = notices.all()
    assert (row.sent, row.error) == ("news", "the policy does not load")
    assert notices.known(claimed(notices, "seen too early")) is False
    (row,) = notices.all()
    assert (row.sent, row.error) == ("news", None)


def test_of_many_at_once_one_sends(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    ready = threading.Barrier(len(stores))
    found: list[object] = []

    def race(store: Store) -> None:
        ready.wait()
        found.append(Notices(store.database).claim("a", RELEASE.id, "receiver 1", "news", NOW))

    threads = [threading.Thread(target=race, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, Claim) for one in found) == [False, False, False, True]
    assert [one for one in found if not isinstance(one, Claim)] == ["busy"] * 3
    for store in stores:
        store.close()
