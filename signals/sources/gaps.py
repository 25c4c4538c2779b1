"""What records do not hold, and which checks and estimates of a reading cannot be computed without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signals.checks import BY_NAME
from signals.model import INCOMPLETE, UNKNOWN_OUTCOME, SetAside, Signal
from signals.sources.profile import Profile

AGREEMENT = ("agreement", "agreement_low", "ac2")
BY_SEGMENT = ("heterogeneity_p", "max_reversals")
PEOPLE = ("human_agreement", "min_overlap", "label_balance_p", "judge_bias_p")
MIX = ("coverage", "min_effective_items", "max_mix_shift")
PER_UNIT = "Give one row per unit (shape outcome) instead of counts"


@dataclass(frozen=True)
class Gap:
    """Something that the records do not hold.

    Attributes:
        what: In a few words: ``no judge version``.
        checks: Names of the checks that have no number without it.
        fields: Keys of ``map:``, or of the source itself, that would bring it; the first that the connector takes.
        meaning: What such a field holds.
        remedy: What to do where no such key would help.
        estimates: Which ``estimate:`` of the signal cannot be computed.
        refused: Whether there is no effect at all without it.
    """

    what: str
    checks: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    meaning: str = ""
    remedy: str = ""
    estimates: tuple[str, ...] = ()
    refused: bool = False


def gaps(profile: Profile, signal: Signal, set_aside: tuple[SetAside, ...]) -> Iterator[Gap]:
    """Everything that the records of one source lack for the readings of its signal."""
    if profile.kinds["ItemScore"]:
        yield from _judge(profile, signal)
    if profile.kinds["Rating"] or profile.kinds["Preference"]:
        yield from _panel(profile, signal)
    if profile.kinds["OutcomeCell"] or profile.kinds["QuantileCell"]:
        yield from _experiment(profile, signal, set_aside)
    if profile.kinds["FeedbackCell"]:
        yield from _feedback(profile)
    if profile.kinds["EmbeddingSample"]:
        yield from _drift(profile)
    if profile.count and set(profile.kinds) != {"MixShare"} and signal.kind != "drift":
        yield from _segments(profile, signal)


def _judge(profile: Profile, signal: Signal) -> Iterator[Gap]:
    scorers = sorted(profile.scorers)
    if signal.scorer is None and len(scorers) > 1:
        what = f"{len(scorers)} scorers ({', '.join(scorers[:4])}) and the policy names none"
        yield Gap(what, remedy=f"Set `scorer:` on {signal.name} in the policy", refused=True)
    if signal.scorer is not None and signal.scorer not in scorers:
        what = f"no score by {signal.scorer!r}, which the policy names; it has {', '.join(scorers[:4])}"
        yield Gap(what, remedy=f"Set `scorer:` on {signal.name} to one of them", refused=True)
    if not profile.everywhere("judge"):
        some = "some scores have " if profile.known["judge"] > profile.count - profile.known["value"] else ""
        yield Gap(f"{some}no judge version", ("same_judge",), ("scorer_version",), "which judge gave a score")
    if not profile.has("at"):
        checks = ("max_age", "max_golden_age") if profile.has("made") else ("max_age",)
        yield Gap("no times", checks, ("at",), "when a score was given")
    if not profile.has("length"):
        yield Gap("no lengths", ("max_length_bias",), ("length",), "the length of an output")
    if not profile.has("content"):
        yield Gap("not known what items ask", ("max_duplicates",), ("content",), "what an item asks")
    if not profile.has("made"):
        yield Gap("no age of items", ("max_golden_age",), ("made",), "when an item was written")
    if not profile.has("leaked"):
        yield Gap("not known which items leaked", ("max_leaked",), ("leaked",), "whether an item was in a training set")
    if not profile.has("cluster"):
        yield Gap("items count as independent", (), ("cluster",), "what items belong together by, if they do")


def _panel(profile: Profile, signal: Signal) -> Iterator[Gap]:
    asked = sorted(profile.dimensions)
    if signal.dimension is None and len(asked) > 1:
        what = f"{len(asked)} dimensions ({', '.join(asked[:4])}) and the policy names none"
        yield Gap(what, remedy=f"Set `dimension:` on {signal.name} in the policy", refused=True)
    if signal.dimension is not None and signal.dimension not in asked:
        what = f"no answer about {signal.dimension!r}, which the policy names; it has {', '.join(asked[:4])}"
        yield Gap(what, ("agreement",), ("dimension",), "which question was answered", refused=True)
    if len(profile.raters) < 2:
        what = "no rater ids" if not profile.raters else "one rater"
        yield Gap(f"{what}: raters cannot be compared", ("min_raters", *AGREEMENT), ("rater",), "who rated")
    elif not profile.twice:
        remedy = BY_NAME["agreement"].absent.rstrip(".")
        yield Gap("no output was rated by two people", AGREEMENT, remedy=remedy)
    arms = profile.arms & set(profile.variants)  # one alone: the other may come from another source
    if profile.kinds["Rating"] and not profile.both and profile.raters and len(arms) > 1:
        yield Gap("no rater graded an item in both arms", remedy="Have each rater grade both", refused=True)
    if not profile.has("at"):
        checks = ("max_age", "order_bias_p") if profile.kinds["Rating"] else ("max_age",)
        yield Gap("no times", checks, ("at",), "when a rating was given")
    if profile.kinds["Preference"] and not (profile.has("left") and profile.has("right")):
        yield Gap("one arm is always on the same side", ("order_bias_p",), remedy="Swap sides at random")
    if not profile.has("again"):
        remedy = BY_NAME["self_consistency"].absent.rstrip(".")
        yield Gap("nobody graded an output twice", ("self_consistency",), remedy=remedy)
    if not profile.has("expected"):
        yield Gap("no gold items", ("gold_accuracy",), ("expected",), "the right answer of gold items")


def _experiment(profile: Profile, signal: Signal, set_aside: tuple[SetAside, ...]) -> Iterator[Gap]:
    kind = signal.metric.type if signal.metric else "mean"
    if kind == "quantile" and not profile.kinds["QuantileCell"]:
        yield Gap("no quantiles", (), ("quantile",), "which quantile", refused=True)
    if not profile.kinds["OutcomeCell"]:
        return
    if kind == "ratio" and not profile.everywhere("denominator"):
        yield Gap("no denominators: no ratio", (), ("denominator",), "what the outcome is divided by", refused=True)
    if not profile.everywhere("at") and not profile.has("clusters"):
        by_day = ("full_weeks", "novelty_p", "sample_ratio_day_p")
        checks = by_day if profile.has("at") else ("max_age", *by_day)
        yield Gap("no days", checks, ("at", "day"), "when a unit was first exposed")
    if not profile.has("covariate"):
        yield Gap(
            "no covariate (CUPED)", ("covariate_balance_p",), ("covariate",), "the outcome of a unit before exposure"
        )
    yield from _per_unit(profile, kind)
    if not profile.has("clusters"):
        yield Gap("units count as independent", ("min_clusters",), ("cluster",), "what was randomised, if not units")
    if not any(entry.why.startswith(INCOMPLETE) for entry in set_aside):
        yield Gap("no outcome window", ("outcome_complete",), ("window",), "how long an outcome may take")
    if profile.has("units"):
        yield from _routes(profile, set_aside)


def _routes(profile: Profile, set_aside: tuple[SetAside, ...]) -> Iterator[Gap]:
    if not any(entry.why.startswith(UNKNOWN_OUTCOME) for entry in set_aside):
        yield Gap("not known whose outcome nobody learned", ("outcome_known",), ("empty",), "what an empty value means")
    if not profile.has("forecast"):
        what = "which success a router expected"
        yield Gap("no forecasts of a router", ("max_overconfidence",), ("predicted",), what)


def _per_unit(profile: Profile, kind: str) -> Iterator[Gap]:
    if not profile.has("units"):
        yield Gap("counts, no units", ("both_arms", "outcome_known", "max_overconfidence"), remedy=PER_UNIT)
    if kind == "mean" and not profile.has("extremes"):
        yield Gap("no single outcomes", ("max_outlier_leverage",), remedy=PER_UNIT)
    if kind == "mean" and not profile.has("skew"):
        yield Gap("no third moments", ("max_skew",), remedy=PER_UNIT)


def _feedback(profile: Profile) -> Iterator[Gap]:
    if not profile.everywhere("impressions"):
        yield Gap(
            "no impressions: no rate per answer shown", ("response_rate_shift_p", "tipping_share"), ("impressions",),
            "how many answers were shown", "Give counts with impressions (shape feedback_counts)", ("per_impression",),
        )  # fmt: skip
    if not profile.everywhere("users"):
        yield Gap("no users: clicks count, not people", ("max_user_share", "min_effective_share"), ("user",), "who")
    elif not profile.has("loudest"):
        yield Gap("not known who responds most", ("max_user_share",), ("user",), "who responded")
    if not profile.has("at"):
        yield Gap("no days", ("max_age",), ("at", "day"), "when an answer was rated")


def _drift(profile: Profile) -> Iterator[Gap]:
    if not profile.everywhere("model"):
        yield Gap("no embedding model", ("same_model",), ("model",), "which model made a vector")
    if not profile.everywhere("at"):
        lacking = [] if profile.has("at") else ["max_age"]
        lacking += [] if profile.everywhere("window") else ["slow_trend_p"]
        yield Gap("no times", tuple(lacking), ("at",), "when a vector's text came in")


def _segments(profile: Profile, signal: Signal) -> Iterator[Gap]:
    by_segment = (*BY_SEGMENT, "sample_ratio_segment_p") if profile.kinds["OutcomeCell"] else BY_SEGMENT
    labelled = [name for name in signal.segments if len(profile.segments.get(name, ())) > 1]
    for name in signal.segments:
        labels = profile.segments.get(name, set())
        if len(labels) < 2:
            what = f"no segment {name!r}" if not labels else f"segment {name!r} has one label, {min(labels)!r}"
            checks = () if labelled else by_segment
            yield Gap(what, checks, (f"segment.{name}",), f"the {name} of a record")
    if not signal.segments:
        remedy = f"Declare `segments:` on {signal.name} in the policy, and map each as `segment.NAME`"
        yield Gap("the policy declares no segments", by_segment, remedy=remedy)
