"""Would a source work, what of which release does it bring, and what does it lack for which check of the policy?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from signals import connectors
from signals.checks import BY_NAME
from signals.model import Project, Record, Release, SetAside, Signal, Source
from signals.project import shape_of
from signals.pull import Watch
from signals.pull.dry import Reading, dry_pull
from signals.review import misplaced, policy_of
from signals.sources.gaps import MIX, PEOPLE, Gap, gaps
from signals.sources.profile import Profile
from signals.strictyaml import Document, load, suggest

WHERE = "data/sources.yaml"


@dataclass(frozen=True)
class Lack:
    """One thing that a source does not bring.

    Attributes:
        what: In a few words.
        checks: Which checks cannot be computed without it.
        asked: What the policy asks of it, empty when nothing: ``the policy asks for same_judge: untrusted``.
        remedy: What to do.
    """

    what: str
    checks: tuple[str, ...]
    asked: str
    remedy: str


@dataclass(frozen=True)
class Brings:
    """What a source has about one release. ``items`` are those of both arms, and those of any."""

    release: str
    control: tuple[str, int]
    candidate: tuple[str, int]
    items: tuple[int, int] | None


@dataclass(frozen=True)
class SourceCheck:
    """One source. ``problem`` says why it does not work."""

    source: str
    signal: str
    connector: str
    works: bool
    problem: str
    rows_read: int
    rows_kept: int
    records: int
    seconds: float
    set_aside: tuple[SetAside, ...]
    unit: str
    brings: tuple[Brings, ...]
    others: Mapping[str, int]  # variants that no release names
    lacks: tuple[Lack, ...]


def check_sources(
    project: Project, *, source: str | None = None, watch: Watch | None = None
) -> tuple[SourceCheck, ...]:
    """Read every source, store nothing, and hold what comes against the policy.

    Args:
        project: Releases, sources, policy.
        source: Only this source. Whether people rated the items of a judge is then not looked at.
        watch: Told of every step.

    Raises:
        SignalsError: An unknown source, a store that fails, or a policy that does not load.
    """
    signals = policy_of(project).signals
    arms = frozenset(arm for release in project.releases for arm in release.variants)
    profiles = {one.name: Profile(arms) for one in project.sources if source in (None, one.name)}

    def look(one: Source, records: Iterator[Record]) -> Iterator[Record]:
        profiles[one.name] = Profile(arms)
        return profiles[one.name].watch(records)

    readings = dry_pull(project, source=source, watch=watch, look=look)
    bench = _Bench(project, signals, profiles, alone=source is not None)
    return tuple(bench.checked(reading) for reading in readings)


class _Bench:
    """What all sources are held against."""

    def __init__(
        self, project: Project, signals: Mapping[str, Signal], profiles: Mapping[str, Profile], *, alone: bool
    ) -> None:
        self.project, self.signals, self.profiles, self.alone = project, signals, profiles, alone
        self.document: Document = load(project.sources_path)
        self.policy = policy_of(project).text
        self.unheard = {one.line: str(one) for one in misplaced(project, policy_of(project))}

    def checked(self, reading: Reading) -> SourceCheck:
        source, report, profile = reading.source, reading.report, self.profiles[reading.source.name]
        problem = report.error or self.unheard.get(source.line, "")
        lacks: list[Lack] = []
        brings: tuple[Brings, ...] = ()
        if not problem:
            brings = tuple(self._brings(profile))
            lacks = list(self._lacks(source, profile, report.set_aside))
        return SourceCheck(
            source=source.name, signal=source.signal, connector=source.connector, works=not problem, problem=problem,
            rows_read=report.rows_read, rows_kept=report.rows_kept, records=report.records, seconds=report.seconds,
            set_aside=report.set_aside, unit=_unit(profile), brings=brings,
            others={name: count for name, count in sorted(profile.variants.items()) if name not in profile.arms},
            lacks=tuple(lacks),
        )  # fmt: skip

    def _brings(self, profile: Profile) -> Iterator[Brings]:
        for release in self.project.releases:
            for control, candidate in release.pairs:
                counts = profile.variants[control], profile.variants[candidate]
                if any(counts):
                    pairs = profile.pairs(control, candidate) if profile.items else None
                    yield Brings(release.id, (control, counts[0]), (candidate, counts[1]), pairs)

    def _lacks(self, source: Source, profile: Profile, set_aside: Sequence[SetAside]) -> Iterator[Lack]:
        signal = self.signals[source.signal]
        if profile.variants and not profile.count:
            yield _no_arm(profile, self.project.releases)
            return
        found = [*gaps(profile, signal, tuple(set_aside)), *self._between(profile, signal)]
        for gap in found:
            asked = self._asked(gap, signal)
            yield Lack(gap.what, gap.checks, asked, self._remedy(gap, source))

    def _between(self, profile: Profile, signal: Signal) -> Iterator[Gap]:
        """What a judge needs of other sources: the same scorer, people's ratings of its items, the traffic mix."""
        if profile.kinds["OutcomeCell"] and signal.estimate == "reweighted" and not self.alone:
            yield from self._mix(signal, ("coverage",))
        if not profile.kinds["ItemScore"] or self.alone:
            return
        fellows = [self.profiles[other.name] for other in self.project.sources if other.signal == signal.name]
        scorers = sorted({name for fellow in fellows for name in fellow.scorers})
        if signal.scorer is None and len(profile.scorers) == 1 < len(scorers):
            what = f"the sources of {signal.name} have {len(scorers)} scorers ({', '.join(scorers[:4])})"
            remedy = f"Set `scorer:` on {signal.name} in the policy, or feed a signal for each"
            yield Gap(f"{what} and the policy names none", remedy=remedy, refused=True)
        panels = [
            other for other in self.project.sources
            if (known := self.signals.get(other.signal)) is not None and known.kind == "panel"
        ]  # fmt: skip
        rated = [self.profiles[other.name] for other in panels]
        outputs = {(arm, item) for arm, items in profile.items.items() for item in items}
        shared = any((arm, item) in outputs for one in rated for arm, items in one.items.items() for item in items)
        if not panels:
            remedy = "Have people rate some of the same items: a source for a panel, with the same item and variant ids"
            yield Gap("no human ratings", PEOPLE, remedy=remedy, estimates=("corrected",))
        elif not shared and any(one.count for one in rated):
            example = next(one.example for one in rated if one.count)
            what = f"people rated none of these outputs (items like {profile.example!r}; people's like {example!r})"
            yield Gap(what, PEOPLE, remedy="Map `item` to the same ids in both sources", estimates=("corrected",))
        yield from self._mix(signal, MIX)

    def _mix(self, signal: Signal, checks: tuple[str, ...]) -> Iterator[Gap]:
        if not any(other.signal == signal.name and shape_of(other) == "traffic_mix" for other in self.project.sources):
            remedy = f"Add a source of shape traffic_mix for {signal.name}"
            yield Gap("no traffic mix", checks, remedy=remedy, estimates=("reweighted",))

    def _asked(self, gap: Gap, signal: Signal) -> str:
        """What the policy asks for that cannot be computed, and what becomes of the reading."""
        if gap.refused:
            return "there is no effect without it"
        if signal.estimate in gap.estimates:
            return f"the policy lets the {signal.estimate.replace('_', ' ')} estimate vote: there is none"
        trusted = [name for name in gap.checks if name in signal.trust]
        for sort, becomes in (("validity", "untrusted"), ("maturity", "unclear")):
            names = [name for name in trusted if BY_NAME[name].sort == sort]
            if names:
                return f"the policy asks for {', '.join(names)}: {signal.name} is {becomes} without"
        named = [name for name in gap.checks if re.search(rf"\b{re.escape(signal.name)}\.{name}\b", self.policy)]
        if named:
            return f"a condition of the policy looks at {', '.join(named)}: unknown"
        return "the policy declares it" if gap.fields and gap.fields[0].startswith("segment.") else ""

    def _remedy(self, gap: Gap, source: Source) -> str:
        connector = connectors.get(source.connector)
        for name in gap.fields:
            if self._takes(source, name):
                return f"Map `{name}`, {gap.meaning}"
        for name in gap.fields:
            if name in connector.entry().model_fields:
                known = "Set `impressions: true`" if name == "impressions" else f"Set `{name}:`"
                return f"{known}, {gap.meaning}"
        if gap.remedy or not gap.fields:
            return gap.remedy
        if "at" in gap.fields and source.timezone is None:
            return "If the times of the export name no zone, set `timezone:`; else use a source that has times"
        return f"The {source.connector} connector reads none here: use a source that has it ({gap.meaning})"

    def _takes(self, source: Source, name: str) -> bool:
        """Whether the connector takes this field in ``map:``: it is asked, as when the file is loaded."""
        connector = connectors.get(source.connector)
        loc = ("sources", source.name)
        more = replace(source, map={**source.map, name: "x"})
        return len(connector.check(more, self.document, loc)) <= len(connector.check(source, self.document, loc))


def _no_arm(profile: Profile, releases: Sequence[Release]) -> Lack:
    """The source names variants, and no release does."""
    names = sorted(profile.variants)
    arms = sorted({arm for release in releases for arm in release.variants})
    what = f"feeds no release: it has the variants {', '.join(names[:4])}{' …' if len(names) > 4 else ''}"
    if not arms:
        return Lack(what, (), "no release is declared", f"Add one under `releases:` in {WHERE}")
    near = suggest(names[0], arms)
    return Lack(
        what, (), "no release names one of them", f"Recode them: `values: {{variant: {{{names[0]}: …}}}}`. {near}"
    )


UNITS = {
    "ItemScore": "scores", "Rating": "ratings", "Preference": "choices", "OutcomeCell": "units",
    "FeedbackCell": "responses", "EmbeddingSample": "vectors", "MixShare": "shares", "QuantileCell": "quantiles",
    "RoutedCell": "routes",
}  # fmt: skip


def _unit(profile: Profile) -> str:
    known = [kind for kind in UNITS if profile.kinds[kind]]
    return UNITS[known[0]] if known else "records"
