"""The catalogue of checks: names, what they measure, when they pass, and why the default is what it is.

One source of truth: the policy's ``trust:`` keys, the facts of conditions, the readings and ``docs/checks.md`` all come
from it (``python -m signals.checks`` prints the page).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from signals.model import SIGNAL_KINDS, SignalKind

Unit = Literal["p", "count", "seconds", "share", "yes", "number"]


@dataclass(frozen=True)
class CheckSpec:
    """One check. ``passes`` says how the number is compared with the threshold.

    A check that the policy asks for and that fails, or cannot be computed, makes the reading ``untrusted``
    (validity) or turns ``win`` and ``flat`` into ``unclear`` (maturity). One that the policy does not ask for is held
    against ``default`` and can only warn; without a default it is only reported. ``reason`` says why the default is
    what it is, or why there is none; ``source`` where the method or the figure comes from. ``remedy`` is what to do
    when it does not pass, ``absent`` what to do when there is no number, where that is something else. ``past`` is of
    checks that are measured from past releases, and only where a policy asks for them.
    """

    name: str
    kinds: tuple[SignalKind, ...]
    unit: Unit
    passes: Literal[">=", "<="]
    default: float | None
    meaning: str
    remedy: str
    reason: str
    source: str = ""
    sort: Literal["validity", "maturity"] = "validity"
    absent: str = ""
    past: bool = False

    def todo(self, *, known: bool) -> str:
        """What to do about a check that does not pass, its number being known or not."""
        return self.remedy if known or not self.absent else self.absent


DAY = 86_400.0
ALL = SIGNAL_KINDS
READ: tuple[SignalKind, ...] = ("judge", "panel", "experiment", "feedback")
PAIRED: tuple[SignalKind, ...] = ("judge", "panel")
LIVE: tuple[SignalKind, ...] = ("experiment",)

KOHAVI = "Kohavi, Tang and Xu 2020"
SIMULATED = "our simulations"
CONVENTION = "our convention"

SEGMENTS = "Declare `segments:` on the signal and map each as `segment.NAME` in its source; two or more must have data."
TEN_CLOSED = "Keep past releases in sources.yaml, closed by an `as_of` or a decision: it takes ten that measured both."
GRADED_TWICE = "Have several raters grade the same outputs, among them some that clearly differ in quality."

CATALOGUE: tuple[CheckSpec, ...] = (
    # --- all kinds ---
    CheckSpec(
        "max_age", ALL, "seconds", "<=", None, "time since the newest evidence",
        "Pull again, or run the evaluation again.",
        "how fast evidence goes stale is for the team to say", CONVENTION,
        absent="Map `at`, the time of each record, in the source.",
    ),
    CheckSpec(
        "last_pull", ALL, "yes", ">=", 1, "whether the last pull of each of its sources succeeded",
        "Run `signals pull` and mend what it names: until then older evidence speaks.",
        "evidence that can no longer be refreshed must not pass for fresh", CONVENTION,
    ),
    CheckSpec(
        "max_set_aside", ALL, "share", "<=", 0.1, "share of rows that could not be used",
        "Look at the set-aside rows on the Signals page and repair the export.",
        "rows lost to a fault are seldom lost at random; one in ten can turn an effect of ordinary size", CONVENTION,
    ),
    CheckSpec(
        "heterogeneity_p", READ, "p", ">=", 0.01, "p-value of equal effects in all segments (Cochran's Q)",
        "Read the segments: one number does not describe them.",
        "segments that do not differ warn in one release in a hundred", "Cochran 1954, Biometrics 10:101",
        absent=SEGMENTS,
    ),
    CheckSpec(
        "max_reversals", READ, "count", "<=", 0,
        "dimensions along which every segment's effect has the other sign than the whole, or one sign while the whole "
        "shows no effect (Simpson)",
        "Compare like with like: the arms hold another mix of segments.",
        "a reversal means that the mix, not the candidate, made the number", "Simpson 1951, JRSS B 13:238",
        absent=SEGMENTS,
    ),
    CheckSpec(
        "max_sources", ("experiment", "feedback"), "count", "<=", 1, "sources that bring units of this release",
        "Feed one source per signal, or make sure that no unit is in two of them and allow as many.",
        "only the numbers of a source are kept, not its units: one that is in two sources would count twice",
        CONVENTION,
    ),
    CheckSpec(
        "track_correlation", READ, "number", ">=", None,
        "correlation of this signal's true effects with those of the signal that it is held `against:`, over past "
        "releases, the noise of both taken out",
        "Let slower evidence decide, and find out what the signal rewards now: it has stopped going where that goes.",
        "how close is close enough is for the team to say; at 0.5 the two go the same way in two releases of three",
        "Tripuraneni and others 2023, arXiv:2309.07893", absent=TEN_CLOSED, past=True,
    ),
    # --- experiment ---
    CheckSpec(
        "sample_ratio_p", LIVE, "p", ">=", 0.001,
        "p-value of the split of units between the arms against the planned split",
        "Find what loses units in one arm (redirects, bots, logging) before reading any effect.",
        "units are seldom lost at random; 0.001 because every release is tested", f"{KOHAVI}, ch. 21",
    ),
    CheckSpec(
        "sample_ratio_sequential_p", LIVE, "p", ">=", 0.001,
        "p-value of the split that stays valid when it is looked at every day",
        "Find what loses units in one arm (redirects, bots, logging) before reading any effect.",
        "a chi-square test that is looked at daily alarms far more often than its level says",
        "Lindon and Malek 2022, NeurIPS",
    ),
    CheckSpec(
        "sample_ratio_day_p", LIVE, "p", ">=", 0.001,
        "p-value of the planned split on every single day, corrected for the number of days",
        "Look at the days that are off: a partial outage or a ramp hides in an even total.",
        "as sample_ratio_p; Bonferroni over days", f"{KOHAVI}, ch. 21",
    ),
    CheckSpec(
        "sample_ratio_segment_p", LIVE, "p", ">=", 0.001,
        "p-value of the planned split in every segment, corrected for the number of segments",
        "Look at the segments that are off: one client or locale may lose units.",
        "as sample_ratio_p; Bonferroni over segments", f"{KOHAVI}, ch. 21",
    ),
    CheckSpec(
        "min_units", LIVE, "count", ">=", 100, "units in the smaller arm", "Wait for more units.",
        "below 100 the normal approximation of a skewed mean is not to be relied on", SIMULATED,
    ),
    CheckSpec(
        "min_clusters", LIVE, "count", ">=", 10, "clusters in the smaller arm, where clusters were randomised",
        "Randomise more clusters, or smaller ones.",
        "the spread between fewer than ten clusters is known too roughly for any interval",
        "MacKinnon, Nielsen and Webb 2023, J. Econometrics 232:272",
    ),
    CheckSpec(
        "both_arms", LIVE, "share", "<=", 0.01, "share of units that were seen in both arms",
        "Fix the assignment: a unit must stay in its arm.",
        "a few are bots and shared devices; one in a hundred is a fault of the assignment", f"{KOHAVI}, ch. 3",
    ),
    CheckSpec(
        "max_outlier_leverage", LIVE, "number", "<=", 0.5,
        "how many standard errors the effect moves when the most extreme unit is left out",
        "Look at that unit: a bot or a reseller? Cap the outcome at the source, for both arms alike.",
        "one unit that moves the effect by half a standard error can carry a result", SIMULATED,
    ),
    CheckSpec(
        "max_skew", LIVE, "number", "<=", 0.15, "skewness of the estimated difference",
        "Balance the arms, cap the outcome at the source, or wait for more units.",
        "a symmetric interval around a skewed estimate misses on one side: 93.5 % are covered at 0.15, 83 % at 1",
        SIMULATED,
    ),
    CheckSpec(
        "covariate_balance_p", LIVE, "p", ">=", 0.001,
        "p-value of equal covariates in both arms: what was measured before exposure cannot differ by more than chance",
        "Check that the covariate ends before the unit's first exposure.",
        "a covariate that the candidate has moved hides part of its effect; 0.001 because every release is tested",
        "Deng, Xu, Kohavi and Walker 2013, WSDM",
    ),
    CheckSpec(
        "full_weeks", LIVE, "number", ">=", None, "whole weeks that both arms have run",
        "Wait for the week to end: weekdays and weekends behave differently.",
        "how many weeks a product needs is for the team to say", f"{KOHAVI}, ch. 17", "maturity",
    ),
    CheckSpec(
        "outcome_complete", LIVE, "share", ">=", None, "share of units whose outcome window has ended",
        "Wait until the windows end; only units whose window has ended count.",
        "units whose window is open do not count, so the effect is right at any share", KOHAVI, "maturity",
    ),
    CheckSpec(
        "outcome_known", LIVE, "share", ">=", 0.5,
        "share of requests whose outcome is ever known; of the worst route of an arm that takes 5 % of its requests",
        "Close the loop: ask for the outcome of a random sample of that route's requests.",
        "below one half, those nobody heard of outvote the others: no effect is left that they could not undo",
        "Manski 1990, Am. Econ. Review 80:319",
        absent="Give every request a row, leave the value of those nobody heard of empty, and say `empty: unknown`.",
    ),
    CheckSpec(
        "max_overconfidence", LIVE, "share", "<=", 0.05,
        "by how much a router at least overestimates success on its worst route (lower 95 % bound of mean forecast "
        "less share realised, over known outcomes)",
        "Recalibrate the router on outcomes of the path it chose, or send what it is sure of elsewhere until it is.",
        "a router that is off by one request in twenty on a route sends them by a wrong map",
        "Van Calster and others 2019, BMC Medicine 17:230",
        absent="Map `predicted`, the success that the router expected, and `assigned`, the route it chose.",
    ),
    CheckSpec(
        "novelty_p", LIVE, "p", ">=", 0.01, "p-value of a trend of the effect over the days on which units began",
        "Run longer: early users may react to the change itself.",
        "an effect without a trend warns in one release in a hundred", f"{KOHAVI}, ch. 23", "maturity",
    ),
    # --- judge and panel ---
    CheckSpec(
        "min_items", PAIRED, "count", ">=", 30, "items that both arms have", "Score more items.",
        "below 30 the interval is too wide to decide anything of ordinary size", CONVENTION,
    ),
    CheckSpec(
        "paired", PAIRED, "share", ">=", 0.9, "share of items that both arms have",
        "Run both variants on the same items.",
        "items that only one arm answered are seldom missing at random", CONVENTION,
    ),
    # --- judge ---
    CheckSpec(
        "same_judge", ("judge",), "yes", ">=", 1, "whether one judge version scored both arms",
        "Score both arms again with one judge.",
        "a new judge's habit looks exactly like an effect", CONVENTION,
        absent="Map `scorer_version`, which judge gave each score, in the source.",
    ),
    CheckSpec(
        "independent_judge", ("judge",), "yes", ">=", 1,
        "whether no judge belongs to a model family of either arm, as `kin:` in `data/sources.yaml` declares",
        "Score both arms again with a judge of another family, or let people decide.",
        "models grade answers of their own kind above what people say of them",
        "Panickssery, Bowman and Feng 2024, arXiv:2404.13076",
        absent="Under `kin:` in data/sources.yaml list the models of each family: both arms, and every judge by its "
        "version (`scorer_version`).",
    ),
    CheckSpec(
        "max_error_rate", ("judge",), "share", "<=", 0.05,
        "share of judgements that failed or could not be parsed, in the worse arm", "Re-run the failed judgements.",
        "long or odd answers fail more often: what is left is no longer the golden set", CONVENTION,
    ),
    CheckSpec(
        "coverage", ("judge", "experiment"), "share", ">=", None,
        "share of traffic whose segment has at least one golden item; of an experiment, whose segment has an interval",
        "Declare the traffic mix (a source of shape traffic_mix) and add evidence from the segments that are missing.",
        "needs a declared traffic mix, which not every team has", "Kish 1965, Survey Sampling",
    ),
    CheckSpec(
        "max_mix_shift", ("judge",), "share", "<=", None,
        "share of the items that at least would have to be of other segments to look like traffic (lower 95 % bound of "
        "the total variation distance)",
        "Draw the set anew from recent traffic, or let the reweighted number vote.",
        "a set may hold more of what is rare on purpose; how far it may stand from traffic is for the team to say",
        "Devroye and Lugosi 2001, Combinatorial Methods in Density Estimation, ch. 5",
        absent="Declare the traffic mix (a source of shape traffic_mix) and map the same segments in both.",
    ),
    CheckSpec(
        "min_effective_items", ("judge",), "count", ">=", 30,
        "items that would give the reweighted estimate's precision at equal weights (Kish)",
        "Add items to the segments that carry the largest weights.",
        "as min_items, after what the weights cost", "Kish 1965, Survey Sampling",
    ),
    CheckSpec(
        "human_agreement", ("judge",), "number", ">=", None,
        "Spearman correlation of judge and human scores over outputs that both scored",
        "Have people rate more of the golden set, or repair the rubric.",
        "needs human grades of the same outputs; how much is enough is for the team to say", CONVENTION,
    ),
    CheckSpec(
        "min_overlap", ("judge",), "count", ">=", 50, "items that people graded under both variants",
        "Have people grade more items of the golden set, under both variants.",
        "with fewer labels the corrected interval rests on too few differences", SIMULATED,
    ),
    CheckSpec(
        "label_balance_p", ("judge",), "p", ">=", 0.01,
        "p-value of equal judge differences on items that people graded and on the others",
        "Draw the items that people grade at random, or grade every segment.",
        "the correction speaks for the whole set only if the graded items could have been any",
        "Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453",
    ),
    CheckSpec(
        "judge_bias_p", ("judge",), "p", ">=", 0.05,
        "p-value of no difference between judge and people on the effect, over items that both have",
        "Let the corrected estimate vote, or repair the judge.",
        "a judge that sees an effect people do not see decides by its own taste; 0.05 because a missed bias costs more "
        "than a second look", "Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453",
    ),
    CheckSpec(
        "judge_drift_p", ("judge",), "p", ">=", 0.01,
        "p-value of equal scores by two judge versions of the same outputs (anchors)",
        "Score both arms with one version, and correct the new one against people again.",
        "a judge that did not change warns in one release in a hundred", CONVENTION,
    ),
    CheckSpec(
        "max_length_bias", ("judge",), "number", "<=", 0.5,
        "size of the Spearman correlation of score difference and length difference over items",
        "Judge answers of like length, or ask the judge to ignore length and test that it does.",
        "above one half, length alone orders the answers about as well as the judge does",
        "Dubois, Galambosi, Liang and Hashimoto 2024, arXiv:2404.04475",
        absent="Map `length`, the length of each output, in the source.",
    ),
    CheckSpec(
        "max_ceiling", ("judge",), "share", "<=", 0.8, "share of items on which both arms have the highest score",
        "Add harder items: these can show a loss but no gain.",
        "with four of five items at the top only one in five can tell the variants apart", CONVENTION,
    ),
    CheckSpec(
        "max_golden_age", ("judge",), "seconds", "<=", 365 * DAY, "age of the median item of the golden set",
        "Add items from recent traffic.",
        "a year is longer than most products stay the same", CONVENTION,
        absent="Map `made`, the time when an item was written, in the source.",
    ),
    CheckSpec(
        "max_duplicates", ("judge",), "share", "<=", 0.05, "share of items that ask the same as another item",
        "Remove the copies, or put them into one cluster.",
        "copies count as independent and make the interval too narrow", CONVENTION,
        absent="Map `content`, what each item asks, in the source.",
    ),
    CheckSpec(
        "max_leaked", ("judge",), "share", "<=", 0.0, "share of items known to be in a training set",
        "Remove the leaked items.",
        "an item that was trained on measures memory", CONVENTION,
        absent="Map `leaked`, whether an item is known to be in a training set, in the source.",
    ),
    # --- panel ---
    CheckSpec(
        "min_raters", ("panel",), "count", ">=", 2, "raters who rated both arms", "Ask more raters.",
        "with one rater, that rater's taste cannot be told from the effect", SIMULATED,
    ),
    CheckSpec(
        "agreement", ("panel",), "number", ">=", None, "Krippendorff's alpha between raters",
        "Clarify the instructions, or train the raters.",
        "matters of taste have low agreement honestly; how much is enough is for the team to say",
        "Krippendorff 2011, Computing Krippendorff's Alpha-Reliability", absent=GRADED_TWICE,
    ),
    CheckSpec(
        "agreement_low", ("panel",), "number", ">=", None, "lower bound of the 95 % interval of Krippendorff's alpha",
        "Have more items rated by several raters.",
        "as agreement", "jackknife over items; our simulations, docs/coverage.md",
    ),
    CheckSpec(
        "ac2", ("panel",), "number", ">=", None, "Gwet's AC2 between raters",
        "Clarify the instructions, or train the raters.",
        "as agreement; it stays meaningful when nearly all grades are equal, where alpha falls to 0",
        "Gwet 2008, BJMSP 61:29", absent=GRADED_TWICE,
    ),
    CheckSpec(
        "max_straight_lining", ("panel",), "share", "<=", 0.05,
        "share of raters who gave one grade to nearly everything while others did not",
        "Look at those raters' answers, and ask them again.",
        "one such rater in twenty pulls every difference a twentieth towards zero", CONVENTION,
    ),
    CheckSpec(
        "self_consistency", ("panel",), "number", ">=", None,
        "agreement of raters with themselves on outputs that they graded twice (alpha)",
        "Clarify the instructions: raters who do not agree with themselves cannot agree with others.",
        "needs repeats; it bounds the agreement between raters from above", "Krippendorff 2011",
        absent="Have each rater grade ten outputs or more a second time, some of which clearly differ in quality.",
    ),
    CheckSpec(
        "order_bias_p", ("panel",), "p", ">=", 0.01,
        "p-value of no effect of the order in which the variants were shown",
        "Randomise the order, and show each pair in both.",
        "a panel without an order effect warns in one release in a hundred", CONVENTION,
    ),
    CheckSpec(
        "gold_accuracy", ("panel",), "share", ">=", 0.7, "share of right answers on gold items, of the worst rater",
        "Train that rater, or leave those answers out.",
        "below seven in ten a rater adds more noise than signal on questions with one right answer", CONVENTION,
        absent="Mix in gold items, whose right answer is known: map `expected` in the source.",
    ),
    # --- feedback ---
    CheckSpec(
        "response_rate_shift_p", ("feedback",), "p", ">=", 0.01,
        "p-value of a difference in how often people respond at all",
        "When people respond at another rate, those who respond are other people: look at the bounds.",
        "equal response rates warn in one release in a hundred", "Lee 2009, Rev. Econ. Studies 76:1071",
    ),
    CheckSpec(
        "min_responses", ("feedback",), "count", ">=", 100, "responses in the smaller arm", "Wait for more responses.",
        "below 100 the interval is wider than 20 percentage points", CONVENTION,
    ),
    CheckSpec(
        "max_user_share", ("feedback",), "share", "<=", 0.05, "share of an arm's responses given by its loudest user",
        "Look at that user; count people, not clicks.",
        "one voice in twenty is no longer one of a crowd", CONVENTION,
    ),
    CheckSpec(
        "min_effective_share", ("feedback",), "share", ">=", 0.1,
        "independent responses over responses, in the worse arm, when all responses of one user are alike",
        "Look at the users who respond most; count people, not clicks.",
        "below one in ten, a few users speak for the arm", "Kish 1965, Survey Sampling",
    ),
    CheckSpec(
        "tipping_share", ("feedback",), "share", ">=", None,
        "share of the candidate's silent users who would have to disagree with those who responded to turn the sign",
        "Ask a random sample of silent users.",
        "how much silence to bet on is for the team to say", "Manski 1990, Am. Econ. Review 80:319",
    ),
    CheckSpec(
        "response_trend_p", ("feedback",), "p", ">=", None,
        "p-value of a response rate that does not fall over past releases and this one (one-sided)",
        "Find out who no longer responds, and ask a random sample of users: an ever narrower group speaks.",
        "measured only where the policy asks; at 0.01 a rate that does not fall fails in one release in a hundred",
        "t test of a straight line; our simulations, docs/track.md",
        absent="Map `impressions`, how often people could respond, and keep ten past releases in sources.yaml.",
        past=True,
    ),
    CheckSpec(
        "responder_mix_shift", ("feedback",), "share", "<=", None,
        "share of those who respond that would have to be others for the mix of the first windows of past releases, "
        "less what chance alone could make",
        "Weight responses to the mix of users, or ask a random sample: other people respond than used to.",
        "measured only where the policy asks; how far responders may move is for the team to say",
        "total variation distance; its noise floor is simulated",
        absent="Declare `segments` on the signal, map each as `segment.NAME`, and keep ten past releases in "
        "sources.yaml.",
        past=True,
    ),
    # --- drift ---
    CheckSpec(
        "min_vectors", ("drift",), "count", ">=", 100, "vectors in the smaller window",
        "Sample more vectors per window.",
        "below 100 the interval of eight directions is wider than 0.1 even where nothing has moved", SIMULATED,
    ),
    CheckSpec(
        "same_model", ("drift",), "yes", ">=", 1, "whether one embedding model made the vectors of both windows",
        "Embed the reference window again with the model of today.",
        "vectors of two models have nothing in common, whatever their lengths", CONVENTION,
        absent="Map `model`, which embedding model made each vector, in the source.",
    ),
    CheckSpec(
        "kept_spread", ("drift",), "share", ">=", 0.5,
        "share of the vectors' spread along the directions that are compared",
        "Sample more vectors: ten in the smaller window carry one direction more.",
        "with less than half, most of what could move is not looked at", CONVENTION,
    ),
    CheckSpec(
        "mmd_p", ("drift",), "p", ">=", 0.01,
        "p-value of equal distributions in both windows (maximum mean discrepancy, 499 permutations)",
        "Look at both windows: what came in has another spread or shape, which the distance of means does not show.",
        "windows alike warn in one comparison in a hundred", "Gretton and others 2012, JMLR 13:723",
    ),
    CheckSpec(
        "max_psi", ("drift",), "number", "<=", 0.25,
        "population stability index of the traffic mix of the two windows",
        "Look at the segments whose shares moved.",
        "credit scoring calls 0.1 to 0.25 a moderate shift and more a major one", CONVENTION,
        absent="Declare a source of shape traffic_mix with `window` and `segment.NAME`, with a mix for both windows.",
    ),
    CheckSpec(
        "slow_trend_p", ("experiment", "drift"), "p", ">=", 0.05,
        "chance that windows without a trend would ever raise this alarm in a year of weekly looks (cumulative sum of "
        "sequential ranks): of the distance from the reference, or of a watched outcome getting worse",
        "Look at the windows in a row: each step is small, and they go one way.",
        "one stable year in twenty alarms", "McDonald 1990, Naval Research Logistics 37:627", "maturity",
        absent="Give ten weeks or more: map `at` or `window` (a drift signal), the day (an experiment of a `watch`).",
    ),
)  # fmt: skip

BY_NAME: dict[str, CheckSpec] = {spec.name: spec for spec in CATALOGUE}

OF_THE_PAST = frozenset(spec.name for spec in CATALOGUE if spec.past)
"""Checks that are measured from past releases, not from the one under review."""


def checks_of(kind: SignalKind) -> tuple[CheckSpec, ...]:
    """The checks that a signal of this kind may be asked for."""
    return tuple(spec for spec in CATALOGUE if kind in spec.kinds)


# --- docs/checks.md -------------------------------------------------------------------------------------------------

_TITLES: dict[tuple[SignalKind, ...], str] = {
    ALL: "Every kind of signal", READ: "Every kind that has segments", LIVE: "Experiment", PAIRED: "Judge and panel",
}  # fmt: skip
_HEAD = """\
# Checks

A check is one number that says whether evidence may be believed. A policy asks for it under `trust:`, with a threshold
of its own. One that is asked for and that fails, or cannot be computed, makes the reading `untrusted` when its sort is
**validity**; when it is **maturity**, it turns `win` and `flat` into `unclear`, while a `loss` stands. A check that the
policy does not ask for is held against the default below and can only warn; without one (“yours”) it is only reported.

Every check is a fact as well: a condition may ask for `SIGNAL.NAME`, its measured number.
"""
_FOOT = """\
Kohavi, Tang and Xu 2020 is *Trustworthy Online Controlled Experiments* (Cambridge University Press). This page is made
from the code by `python -m signals.checks > docs/checks.md`.
"""
_COLUMNS = ("check", "what it measures", "passes when", "sort", "why that default", "source", "what to do")


def page() -> str:
    """The text of ``docs/checks.md``: one table per kind of signal, one row per check."""
    parts = [_HEAD]
    for kinds in dict.fromkeys(spec.kinds for spec in CATALOGUE):
        rows = [_row(spec) for spec in CATALOGUE if spec.kinds == kinds]
        title = _TITLES.get(kinds) or " and ".join(kinds).capitalize()
        parts.append("\n".join([f"## {title}", "", _line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *rows, ""]))
    return "\n".join([*parts, _FOOT])


def _row(spec: CheckSpec) -> str:
    source = f"[{SIMULATED}](coverage.md)" if spec.source == SIMULATED else spec.source
    todo = f"{spec.remedy} Without a number: {spec.absent}" if spec.absent else spec.remedy
    return _line((f"`{spec.name}`", spec.meaning, _passes(spec), spec.sort, spec.reason, source, todo))


def _passes(spec: CheckSpec) -> str:
    """The comparison with the default, as a policy would write it."""
    if spec.unit == "yes":
        return "`true`"
    sign = {">=": "≥", "<=": "≤"}[spec.passes]
    if spec.default is None:
        return f"{sign} yours"
    if spec.unit == "seconds":
        return f"{sign} `{spec.default / DAY:g}d`"
    return f"{sign} `{100 * spec.default:g}%`" if spec.unit == "share" else f"{sign} `{spec.default:g}`"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
