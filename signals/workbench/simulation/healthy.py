"""The numbers of checks where nothing is wrong with the evidence."""

from __future__ import annotations

from collections.abc import Mapping

from signals.checks import DAY, checks_of
from signals.model import Signal
from signals.workbench.simulation.design import FOLLOW_N, Design

WEEKS = 2.0

HEALTHY: Mapping[str, float | None] = {
    "max_age": 0.0, "last_pull": 1.0, "max_set_aside": 0.0, "heterogeneity_p": None, "max_reversals": None,
    "max_sources": 1.0, "sample_ratio_p": 0.5, "sample_ratio_sequential_p": 0.5, "sample_ratio_day_p": 0.5,
    "sample_ratio_segment_p": 0.5, "min_units": None, "min_clusters": None, "both_arms": 0.0,
    "max_outlier_leverage": 0.0, "max_skew": 0.0, "covariate_balance_p": 0.5, "full_weeks": WEEKS,
    "outcome_known": 1.0, "max_overconfidence": 0.0, "max_mix_shift": 0.0,
    "outcome_complete": 1.0, "novelty_p": 0.5, "min_items": None, "paired": 1.0, "same_judge": 1.0,
    "independent_judge": 1.0,
    "max_error_rate": 0.0, "coverage": 1.0, "min_effective_items": None, "human_agreement": 0.7, "min_overlap": None,
    "label_balance_p": 0.5, "judge_bias_p": 0.5, "judge_drift_p": 0.5, "max_length_bias": 0.0, "max_ceiling": 0.0,
    "max_golden_age": 30 * DAY, "max_duplicates": 0.0, "max_leaked": 0.0, "min_raters": None, "agreement": 0.7,
    "agreement_low": 0.6, "ac2": 0.7, "max_straight_lining": 0.0, "self_consistency": 0.8, "order_bias_p": 0.5,
    "gold_accuracy": 1.0, "response_rate_shift_p": 0.5, "min_responses": None, "max_user_share": 0.0,
    "min_effective_share": 1.0, "tipping_share": 1.0,
    "min_vectors": None, "same_model": 1.0, "kept_spread": 1.0, "mmd_p": 0.5, "max_psi": 0.0, "slow_trend_p": 1.0,
    "track_correlation": 0.7, "response_trend_p": 0.5, "responder_mix_shift": 0.0,
}  # fmt: skip
"""The number of each check where nothing is wrong; None: it follows from the size, or is drawn."""


def healthy(signal: Signal, made: Design, raters: int) -> dict[str, float | None]:
    """Every check passes: healthy numbers, or the policy's own threshold where that asks for more."""
    found: dict[str, float | None] = {}
    for spec in checks_of(signal.kind):
        value, asked = HEALTHY[spec.name], signal.trust.get(spec.name)
        if spec.name in FOLLOW_N and spec.name != "min_clusters":
            value = min(made.n_control, made.n_candidate)
        elif spec.name == "min_raters":
            value = float(made.panel.raters if made.panel else max(raters, asked or 0.0))
        elif asked is not None:
            usual = asked if value is None else value
            value = max(usual, asked) if spec.passes == ">=" else min(usual, asked)
        found[spec.name] = value
    return found
