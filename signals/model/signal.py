"""Signals, as the policy declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from signals.model.plain import digest, plain

SignalKind = Literal["judge", "panel", "experiment", "feedback", "drift"]
SIGNAL_KINDS: tuple[SignalKind, ...] = get_args(SignalKind)


@dataclass(frozen=True)
class Metric:
    """What an experiment measures per unit."""

    name: str
    type: Literal["proportion", "mean", "ratio", "quantile"]
    quantile: float | None = None  # which one, for quantile metrics: 0.9


@dataclass(frozen=True)
class Margin:
    """The smallest benefit or harm worth acting on: ``0.5pp`` (absolute .005), ``2%`` (of control), ``0.1``."""

    value: float
    relative: bool
    text: str

    def absolute(self, control: float | None) -> float | None:
        """The margin in the signal's unit; None when it is relative and the control level is unknown or zero."""
        if not self.relative:
            return self.value
        return abs(control) * self.value if control else None


@dataclass(frozen=True)
class Signal:
    """A named stream of evidence, declared in the policy."""

    name: str
    kind: SignalKind
    question: str
    better: Literal["higher", "lower"]
    confidence: float
    margin: Margin | None = None
    metric: Metric | None = None  # experiments only
    looks: Literal["continuous", "fixed"] | tuple[date, ...] = "fixed"
    planned_units: int | None = None  # both arms together; tunes the always-valid interval
    estimate: Literal["raw", "reweighted", "corrected", "superiority", "per_response", "per_impression"] = "raw"
    scorer: str | None = None  # judge: which scorer of a run that has several
    dimension: str | None = None  # which question of a panel's form that has several; a judge is held against it
    human_scale: tuple[float, float] | None = None  # judge: people's lowest and highest grade, read as 0 and 1
    people: Literal["alike", "mirrored", "mixed"] = "alike"  # judge: whether its panels have its own ``better``
    raters: Literal["random", "fixed"] = "random"  # panel: a sample of raters, or the very ones whose word is the rule
    segments: tuple[str, ...] = ()
    trust: Mapping[str, float] = field(default_factory=dict)  # check name -> threshold in base units
    owner: str = ""
    against: str = ""  # the slower signal that this one's past effects are held against: no part of the numbers

    @property
    def sign(self) -> int:
        """+1 when higher is better, -1 when lower is."""
        return 1 if self.better == "higher" else -1

    @property
    def distance(self) -> bool:
        """Whether its effect is a distance: never below 0, so that it can be small or large but not good."""
        return self.kind == "drift"

    def definition_hash(self) -> str:
        """Hash of the fields that change the numbers; margins, thresholds and ranks are not among them."""
        numbers = {
            "kind": self.kind, "confidence": self.confidence, "metric": plain(self.metric), "looks": plain(self.looks),
            "planned_units": self.planned_units, "estimate": self.estimate, "scorer": self.scorer,
            "dimension": self.dimension, "human_scale": self.human_scale, "people": self.people, "raters": self.raters,
            "segments": self.segments, "better": self.better,
        }  # fmt: skip
        return digest(numbers)
