"""The track record: how each signal, and the policy, did over past releases."""

from __future__ import annotations

from signals.stats.alarm import Alarm
from signals.track.asdata import track_json
from signals.track.measure import track_record
from signals.track.phrases import beside_left, decimals, gap_lines, pair_notes, pair_refusals, rate, rate_refusals
from signals.track.record import (
    Counted,
    GapTrend,
    LeftOut,
    Pair,
    PolicyRecord,
    Rate,
    SignalRecord,
    TrackRecord,
)

__all__ = [
    "Alarm", "Counted", "GapTrend", "LeftOut", "Pair", "PolicyRecord", "Rate", "SignalRecord", "TrackRecord",
    "beside_left", "decimals", "gap_lines", "pair_notes", "pair_refusals", "rate", "rate_refusals", "track_json",
    "track_record",
]  # fmt: skip
