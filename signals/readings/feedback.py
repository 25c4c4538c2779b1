"""Thumbs: share of positives among responses, and among all answers that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from signals.model import Estimate, Evidence, FeedbackCell, Measure, Moments, Numbers, Signal
from signals.readings.common import Tray, day_span, estimate, per_day, refusal, set_aside_share
from signals.readings.segments import by_level, segment_estimates
from signals.stats.difference import Difference, RefusedError
from signals.stats.means import ratio_difference
from signals.stats.moments import merge
from signals.stats.proportion import score, score_interval
from signals.stats.difference import two_sided_p

FEW = 10
LOUD = 0.05


def measure(signal: Signal, evidence: Evidence) -> Numbers:
    """Numbers of a feedback signal: ``per_response`` always, ``per_impression`` when both arms know what was shown."""
    raise NotImplementedError
