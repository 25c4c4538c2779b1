"""Whether a judge is related to what it judges.

Models grade their own answers, and those of models alike, above what people say of them (Panickssery, Bowman and Feng
2024, arXiv:2404.13076; Wataoka, Takahashi and Ri 2024, arXiv:2410.21819). Who is related to whom cannot be measured
from scores: the team declares it, and what it has not declared is unknown, never independent.
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.model import Evidence, Measure, ModelFamily, families_of
from signals.readings.judged import Judged
from signals.words import plural

NAME = "independent_judge"
SHOWN = 3


def independent_judge(judged: Judged, evidence: Evidence) -> Measure:
    """Whether no judge whose scores count belongs to a model family of any arm.

    A judge goes by the version that gave the score or by the scorer's name, whichever a family lists. One related judge
    is a certain answer; that none is, can be said only when both arms and every judge are in a family.
    """
    if not judged.kept:
        return Measure(NAME, None, "nothing was judged")
    kin = evidence.kin
    if not kin:
        return Measure(NAME, None, "`kin:` in data/sources.yaml declares no model families")
    arms = {arm: families_of(kin, arm) for arm in evidence.release.variants}
    judges = sorted({(score.fingerprint, score.scorer) for score in judged.kept})
    related = [said for judge in judges if (said := _related(judge, _of(kin, judge), arms))]
    if related:
        return Measure(NAME, 0.0, _list(related))
    strangers = [arm for arm, families in arms.items() if not families]
    strangers += [f"judge {_name(judge)}" for judge in judges if not _of(kin, judge)]
    if strangers:
        return Measure(NAME, None, f"in no family under `kin:`: {_list(strangers)}")
    return Measure(NAME, 1.0, f"{plural(len(judges), 'judges')} of another family than the arms")


def _related(judge: tuple[str, str], families: frozenset[str], arms: Mapping[str, frozenset[str]]) -> str:
    """Whose kin a judge is, and by which families; empty when nobody's."""
    whose = [arm for arm in arms if families & arms[arm]]
    shared = sorted({name for arm in whose for name in families & arms[arm]})
    return f"judge {_name(judge)} is kin of {' and '.join(whose)} ({', '.join(shared)})" if whose else ""


def _of(kin: tuple[ModelFamily, ...], judge: tuple[str, str]) -> frozenset[str]:
    return families_of(kin, *judge)


def _name(judge: tuple[str, str]) -> str:
    """Its version; of a version that is only a hash, as tools make it, enough to tell it by, and the scorer."""
    version, scorer = judge
    if version.startswith("sha256:"):
        return f"{scorer or 'without a name'} {version[7:15]}"
    return version or scorer or "without a name"


def _list(said: list[str]) -> str:
    more = f" and {len(said) - SHOWN:,} more" if len(said) > SHOWN else ""
    return ", ".join(said[:SHOWN]) + more
