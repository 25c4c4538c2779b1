"""Thumbs as per-user moments, with and without what was shown."""

from __future__ import annotations

from datetime import date

import pytest

from signals.model import BOTH_ARMS, Moments

PLAIN = {"path": "f.csv", "shape": "feedback", "map": {"variant": "v", "value": "y"}}
USERS = {**PLAIN, "map": {**PLAIN["map"], "user": "u", "response": "r", "at": "t"}}


@pytest.mark.parametrize(
    "words",
    [("up", "down"), ("1", "0"), ("1", "-1"), ("+1", "-1"), ("true", "false"), ("True", "False"), ("1.0", "0.0")],
)
def test_words_for_a_thumb(desk, words):
    up, down = words
    desk.write("f.csv", f"v,y\ncontrol,{up}\ncontrol,{up}\ncontrol,{down}\n")
    [cell] = desk.read(**PLAIN)
    assert (cell.moments.n, round(cell.moments.mean * 3)) == (3, 2)
    assert (cell.moments.d_mean, cell.moments.d_m2, cell.users_known, cell.impressions) == (1.0, 0.0, False, None)


def test_unknown_words_are_set_aside_or_recoded(desk):
    desk.write("f.csv", "v,y\ncontrol,up\ncontrol,meh\ncontrol,NaN\n")
    [cell] = desk.read(**PLAIN)
    assert desk.whys == {"value is neither up nor down (recode it in `values:`)": 1}
    assert cell.impressions == 2
    [cell] = desk.read(**PLAIN, values={"meh": "down"})
    assert (cell.moments.n, cell.moments.mean) == (2, 0.5)


def test_zero_beside_minus_one_is_asked_about(desk):
    desk.write("f.csv", "v,y\ncontrol,1\ncontrol,0\ncontrol,-1\n")
    assert "holds both 0 and -1" in desk.fails(**PLAIN)
    [cell] = desk.read(**PLAIN, values={"0": None})
    assert (cell.impressions, cell.moments.n) == (3, 2)


def test_impressions_are_known_from_the_first_empty_row_on(desk):
    desk.write("f.csv", "v,y\ncontrol,up\ncontrol,\ncandidate,down\ncandidate,up\n")
    cells = {c.variant: c for c in desk.read(**PLAIN)}
    assert (cells["control"].impressions, cells["control"].moments.n) == (2, 1)
    assert (cells["candidate"].impressions, cells["candidate"].moments.n) == (2, 2)
    desk.write("f.csv", "v,y\ncontrol,up\ncandidate,down\n")
    assert {c.impressions for c in desk.read(**PLAIN)} == {None}


def test_users(desk):
    desk.write(
        "f.csv",
        "v,y,u,r,t\n"
        "control,,ann,r1,2026-11-10T08:00:00Z\n"
        "control,down,ann,r1,2026-11-10T08:01:00Z\n"  # changed her mind
        "control,up,ann,r1,2026-11-11T08:02:00Z\n"
        "control,up,ann,r2,2026-11-11T09:00:00Z\n"
        "control,,bob,r3,2026-11-10T09:00:00Z\n"
        "candidate,up,cat,r4,2026-11-10T09:00:00Z\n"
        "control,up,dan,r5,2026-11-10T09:00:00Z\n"
        "candidate,up,dan,r6,2026-11-10T09:00:00Z\n",
    )
    cells = {(c.variant, c.day): c for c in desk.read(**USERS)}
    control = cells["control", date(2026, 11, 10)]
    # ann: 2 up of 2 answers shown to her; bob: none of 1.
    assert control.moments == Moments(2, 1.0, 2.0, 1.5, 0.5, 1.0, 1.0, 2.0, 2.0, 1.0, m3=0.0)
    assert (control.impressions, control.top_user_share, control.users_known) == (3, 1.0, True)
    assert {(e.why, e.variant, e.rows, e.fault) for e in desk.tally.entries} == {
        (BOTH_ARMS, "control", 1, True),
        (BOTH_ARMS, "candidate", 1, True),
        ("an earlier thumb for the same response (the last one counts)", "control", 1, False),
    }
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (8, 5)


@pytest.mark.parametrize("response", [True, False])
def test_rows_of_users_in_both_arms_are_all_counted(desk, response):
    desk.write(
        "f.csv",
        "v,y,u,r\n"
        "control,up,dan,r1\ncontrol,down,dan,r1\ncontrol,,dan,r2\ncandidate,up,dan,r3\ncandidate,up,dan,r4\n"
        "control,up,eve,r5\ncontrol,down,eve,r5\ncontrol,meh,eve,r6\ncandidate,up,fay,r7\ncandidate,up,,r8\n",
    )
    columns = {"variant": "v", "value": "y", "user": "u"} | ({"response": "r"} if response else {})
    desk.read(path="f.csv", shape="feedback", map=columns)
    both = {e.variant: (e.rows, e.units) for e in desk.tally.entries if e.why == BOTH_ARMS}
    assert both == {"control": (3, 1), "candidate": (2, 1)}
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (10, 2 if response else 3)
    assert desk.tally.rows_kept + sum(e.rows for e in desk.tally.entries) == desk.tally.rows_read


def test_without_times_the_last_row_counts(desk):
    desk.write("f.csv", "v,y,r\n" + "control,up,r1\n" * 50 + "control,down,r1\n")
    entry = {**PLAIN, "map": {**PLAIN["map"], "response": "r"}}
    [cell] = desk.read(**entry)
    assert (cell.moments.n, cell.moments.mean) == (1, 0.0)
    assert (desk.tally.rows_read, desk.tally.rows_kept) == (51, 1)


def test_counts(desk):
    desk.write(
        "f.csv", "v,i,n,k\ncontrol,100,10,7\ncontrol,50,5,3\ncandidate,,4,1\ncandidate,10,4,5\ncandidate,3,4,1\n"
    )
    columns = {"variant": "v", "impressions": "i", "responses": "n", "positives": "k"}
    cells = {c.variant: c for c in desk.read(path="f.csv", shape="feedback_counts", map=columns)}
    assert (cells["control"].impressions, cells["candidate"].impressions) == (150, None)
    moments = cells["control"].moments
    assert (moments.n, moments.mean, moments.d_mean) == (15, pytest.approx(10 / 15), 1.0)
    assert moments.m2 == pytest.approx(10 * 5 / 15)
    assert desk.whys == {"positives is more than responses": 1, "responses is more than impressions": 1}


def test_warehouse_thumbs(desk, shared):
    for name in ("feedback.csv", "feedback.parquet"):
        desk.write(name, (shared / "exports" / "warehouse" / name).read_bytes())
    columns = {
        "variant": "variation_id", "value": "thumb", "user": "user_id", "response": "trace_id", "at": "timestamp",
        "segment.lang": "lang",
    }  # fmt: skip
    from_csv = desk.read(path="feedback.csv", shape="feedback", map=columns)
    assert from_csv == desk.read(path="feedback.parquet", shape="feedback", map=columns)
    assert sum(c.impressions for c in from_csv) == 7490
    assert round(sum(c.moments.n * c.moments.d_mean for c in from_csv)) == 860
    assert round(sum(c.moments.n * c.moments.mean for c in from_csv)) == 519
