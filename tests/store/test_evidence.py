"""What a reading may look at: two arms, up to a moment, with a count of the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from store_kit import GOLDEN, RELEASE, START, put, scores

from signals.connectors import Tally
from signals.model import (
    FeedbackCell,
    MixShare,
    Moments,
    OutcomeCell,
    Preference,
    QuantileCell,
    Rating,
    Record,
    SetAside,
)
from signals.store import Store

OLD, NEW = RELEASE.arms


def cell(variant: str, day: int | None, n: int, metric: str = "converted") -> OutcomeCell:
    return OutcomeCell(metric, variant, (), date(2026, 11, day) if day else None, Moments(n, 0.5, 1.0))


def test_other_variants_are_left_out_and_counted(store: Store) -> None:
    put(store, scores(12, variants=(OLD, NEW, "prompt-v5")))
    found = store.evidence(RELEASE, ["golden"])
    assert {score.variant for score in found.scores} == {OLD, NEW}
    assert len(found.scores) == 8
    assert found.set_aside == ()
    assert store.elsewhere(RELEASE, ["golden"]) == {("prompt-v5",): 4}


def test_evidence_of_other_variants_changes_neither_hash_nor_notes(store: Store) -> None:
    mine = scores(12)
    put(store, mine)
    hash_, own = store.evidence_hash(RELEASE, ["golden"]), store.evidence(RELEASE, ["golden"]).sources[0].own_rows
    put(store, [*mine, *scores(12, variants=("prompt-v5",))])
    assert store.evidence_hash(RELEASE, ["golden"]) == hash_
    assert store.evidence(RELEASE, ["golden"]).sources[0].own_rows == own == 12
    other = replace(RELEASE, control="prompt-v5", candidate="prompt-v6")
    assert store.evidence_hash(other, ["golden"]) != hash_
    put(store, [*scores(12, shift=0.1), *scores(12, variants=("prompt-v5",))])
    assert store.evidence_hash(RELEASE, ["golden"]) != hash_


def test_until_looks_at_the_release_alone(store: Store) -> None:
    late = replace(scores(1)[0], record="late", variant="prompt-v5", at=START + timedelta(days=9))
    put(store, [*scores(4), late])
    assert not store.cut(RELEASE, ["golden"], START + timedelta(days=1))
    whole = store.evidence_hash(RELEASE, ["golden"])
    assert store.evidence_hash(RELEASE, ["golden"], START + timedelta(days=1)) == whole


def test_cells_of_other_variants_count_as_their_units_and_responses(store: Store) -> None:
    thumbs = FeedbackCell("prompt-v5", (), None, 100, True, Moments(10, 1.0, 0.0, d_mean=2.5, d_m2=0.0))
    put(store, [cell(OLD, 10, 50), cell("prompt-v4", 10, 70), cell("prompt-v4", 11, 5), thumbs])
    found = store.evidence(RELEASE, ["golden"])
    assert store.elsewhere(RELEASE, ["golden"]) == {("prompt-v4",): 75, ("prompt-v5",): 25}
    assert found.outcomes == (cell(OLD, 10, 50),)
    assert found.feedback == ()


def test_a_preference_counts_only_between_exactly_the_two_arms(store: Store) -> None:
    pairs = [(OLD, NEW), (NEW, OLD), (OLD, OLD), (NEW, "prompt-v5"), ("prompt-v5", NEW), ("a", "b")]
    put(store, [Preference(f"p{n}", "i", "ann", *pair, "left") for n, pair in enumerate(pairs)])
    found = store.evidence(RELEASE, ["golden"])
    assert [preference.record for preference in found.preferences] == ["p0", "p1"]
    assert store.elsewhere(RELEASE, ["golden"]) == {("prompt-v5", NEW): 2, (OLD, OLD): 1, ("a", "b"): 1}


def test_faults_of_the_pull_are_shown_for_the_arms_and_for_no_arm(store: Store) -> None:
    other = replace(GOLDEN, name="other")
    for source, rows in ((GOLDEN, 3), (other, 4)):
        tally = Tally()
        tally.rows_read = 20
        tally.set_aside("value is text", None, rows)
        tally.set_aside("value is text", NEW, 1)
        tally.set_aside("value is text", "prompt-v5", 9)
        tally.set_aside("seen twice", NEW, rows, units=2)
        put(store, scores(2), source, tally=tally)
    found = store.evidence(RELEASE, ["golden", "other"])
    assert found.set_aside == (
        SetAside(7, "seen twice", NEW, units=4), SetAside(7, "value is text"), SetAside(2, "value is text", NEW),
    )  # fmt: skip
    assert [(note.name, note.connector, note.rows_read) for note in found.sources] == [
        ("golden", "table", 20), ("other", "table", 20),
    ]  # fmt: skip


def test_only_the_named_sources_count_and_people_stay_apart(store: Store) -> None:
    put(store, scores(2))
    ratings = [Rating(f"r{n}", "i", "ann", variant, 4.0) for n, variant in enumerate((OLD, NEW, "prompt-v5"))]
    put(store, ratings, replace(GOLDEN, name="panel"))
    put(store, scores(9), replace(GOLDEN, name="elsewhere"))
    found = store.evidence(RELEASE, ["golden"], ["panel"])
    assert (len(found.scores), found.ratings) == (2, ())
    assert [rating.record for rating in found.human] == ["r0", "r1"]
    # The panel's own leftovers belong to the panel's reading.
    assert found.set_aside == ()
    assert [note.name for note in found.sources] == ["golden"]
    assert store.evidence(RELEASE, ["nowhere"]) == store.evidence(RELEASE, [])


def test_records_come_in_one_order_on_every_engine(store: Store) -> None:
    ids = ["b", "a", "B", "Ä", "_", "10", "9", "é", "a b", "a-b", "ab"]
    put(store, [replace(scores(1)[0], record=one) for one in ids])
    assert [score.record for score in store.evidence(RELEASE, ["golden"]).scores] == sorted(ids)


def test_until_leaves_out_later_records_and_later_days(store: Store) -> None:
    timeless = replace(scores(1)[0], record="timeless", at=None)
    mix = MixShare("m", (("plan", "pro"),), 1.0)
    records: list[Record] = [
        *scores(10), timeless, mix, cell(OLD, 9, 1), cell(OLD, 10, 2), cell(OLD, 11, 3), cell(OLD, None, 4),
    ]  # fmt: skip
    put(store, records)
    found = store.evidence(RELEASE, ["golden"], until=START + timedelta(minutes=3))
    assert [score.record for score in found.scores] == ["r0", "r1", "r2", "r3", "timeless"]
    # The day of `until` has begun: its cell cannot be split and stays.
    assert [outcome.moments.n for outcome in found.outcomes] == [4, 1, 2]
    assert found.mix == (mix,)


def test_until_is_part_of_the_hash_only_when_it_leaves_something_out(store: Store) -> None:
    put(store, scores(10))
    whole = store.evidence_hash(RELEASE, ["golden"])
    last = START + timedelta(minutes=9)
    for later in (last, last + timedelta(days=400)):
        assert not store.cut(RELEASE, ["golden"], later)
        assert store.evidence_hash(RELEASE, ["golden"], later) == whole
    early = last - timedelta(minutes=2)
    assert store.cut(RELEASE, ["golden"], early)
    assert store.evidence_hash(RELEASE, ["golden"], early) != whole
    # Between two records nothing changes, so neither does the hash.
    assert store.evidence_hash(RELEASE, ["golden"], early + timedelta(seconds=30)) == store.evidence_hash(
        RELEASE, ["golden"], early
    )
    assert store.evidence_hash(RELEASE, ["golden"], early - timedelta(minutes=1)) != store.evidence_hash(
        RELEASE, ["golden"], early
    )
    long_ago = START - timedelta(days=1)
    assert store.evidence(RELEASE, ["golden"], until=long_ago).scores == ()


def quantile(variant: str, minutes: int | None = None, value: float = 2.0) -> QuantileCell:
    at = None if minutes is None else START + timedelta(minutes=minutes)
    return QuantileCell("converted", variant, (), 0.9, 40, value, (1.0,), (3.0, 4.0), at)


def test_quantiles_belong_to_their_arm_and_to_the_moment_of_their_newest_unit(store: Store) -> None:
    put(store, [cell(OLD, 10, 40), quantile(OLD, 3), quantile(NEW, 9), quantile("prompt-v5", 1)])
    assert store.evidence(RELEASE, ["golden"]).quantiles == (quantile(OLD, 3), quantile(NEW, 9))
    until = START + timedelta(minutes=5)
    assert store.cut(RELEASE, ["golden"], until)
    found = store.evidence(RELEASE, ["golden"], until=until)
    assert (found.quantiles, found.outcomes) == ((quantile(OLD, 3),), (cell(OLD, 10, 40),))
    assert store.evidence_hash(RELEASE, ["golden"], until) != store.evidence_hash(RELEASE, ["golden"])
    whole = store.evidence_hash(RELEASE, ["golden"])
    put(store, [cell(OLD, 10, 40), quantile(OLD, 3), quantile(NEW, 9, 2.5)])
    assert store.evidence_hash(RELEASE, ["golden"]) != whole


def test_quantiles_say_again_what_the_cells_count(store: Store) -> None:
    clusters = replace(cell("prompt-v5", 10, 4), counted="clusters", members=90)
    put(store, [cell(OLD, 10, 40), quantile(OLD, 3), clusters, quantile("prompt-v5", 3), quantile("prompt-v4")])
    assert store.elsewhere(RELEASE, ["golden"]) == {("prompt-v5",): 90}


def test_a_quantile_that_cannot_be_stored_loses_no_rows(store: Store) -> None:
    report = put(store, [cell(OLD, 10, 40), replace(quantile(OLD), lows=(float("nan"),))])
    assert (report.records, report.set_aside) == (1, ())


def test_a_day_is_cut_when_it_begins_after_until(store: Store) -> None:
    put(store, [cell(OLD, 10, 1), cell(NEW, 11, 1)])
    assert not store.cut(RELEASE, ["golden"], START + timedelta(days=1))
    assert store.cut(RELEASE, ["golden"], START)


def test_the_hash_follows_content_roles_and_names(store: Store) -> None:
    put(store, scores(4))
    put(store, scores(4), replace(GOLDEN, name="panel"))
    hashes = [
        store.evidence_hash(RELEASE, ["golden"]),
        store.evidence_hash(RELEASE, ["panel"]),
        store.evidence_hash(RELEASE, ["golden", "panel"]),
        store.evidence_hash(RELEASE, ["golden"], human_sources=["panel"]),
        store.evidence_hash(RELEASE, ["golden", "never-pulled"]),
        store.evidence_hash(RELEASE, []),
    ]
    assert len(set(hashes)) == len(hashes)
    assert store.evidence_hash(RELEASE, ["panel", "golden"]) == hashes[2]
    put(store, scores(4, shift=1.0))
    assert store.evidence_hash(RELEASE, ["golden"]) != hashes[0]
    put(store, scores(4))
    assert store.evidence_hash(RELEASE, ["golden"]) == hashes[0]


def test_a_snapshot_is_hash_and_evidence_of_one_moment(store: Store) -> None:
    put(store, scores(4))
    hash_, found = store.snapshot(RELEASE, ["golden"], until=START)
    assert hash_ == store.evidence_hash(RELEASE, ["golden"], START)
    assert found == store.evidence(RELEASE, ["golden"], until=START)
