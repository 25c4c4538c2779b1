"""What a case is: a way in which evaluation fails a release week, as a generator of evidence with a known fault.

A case writes a project into an empty folder, as tools export it: evidence files, ``data/sources.yaml`` and the policy.
At strength 1 its fault is there in full; at strength 0 it is the **clean twin**, the same release without the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from signals.model import Call


@dataclass(frozen=True)
class Setting:
    """What is varied between two runs of a case.

    Attributes:
        seed: Same seed, same files.
        strength: Of the fault: 1 is the story, 0 the clean twin, between them the fault fades.
        size: Multiplies the amount of evidence.
    """

    seed: int = 1
    strength: float = 1.0
    size: float = 1.0


@dataclass(frozen=True)
class Right:
    """What a reader who knows the truth would say.

    Attributes:
        calls: The calls that are right; mostly one.
        reasons: Each group is met by any one of its members, and all groups have to be met. A reason is named
            ``check:SIGNAL.CHECK`` (failed), ``guardrail:ID`` (fired), ``requires:FACT`` (of ``ship_requires``, not
            met), ``state:SIGNAL=STATE`` or ``cause:NAME`` (blamed for a gap between two signals).
    """

    calls: tuple[Call, ...]
    reasons: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Case:
    """One of the twelve.

    Attributes:
        number: Its place in the casebook, from 1.
        slug: Its name on the command line and in addresses.
        title: As people call it.
        fault: What is wrong, in one sentence.
        policy: Name of the preset that its team runs (``release-week`` is the default); no case has one of its own.
        release: Id of the release under review.
        write: Writes the project into an empty folder. Nothing in it depends on the clock.
        wrong: What is right of the faulty release.
        clean: What is right of its twin.
        early: What is right of the faulty release with less evidence than the story has (size below 1), where that is
            another thing.
        strengths: Of the sweep in which the fault fades, from 0 to 1.
        story: Name of its page below ``docs/cases/``.
    """

    number: int
    slug: str
    title: str
    fault: str
    policy: str
    release: str
    write: Callable[[Path, Setting], None]
    wrong: Right
    clean: Right
    strengths: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    early: Right | None = None

    @property
    def story(self) -> str:
        """``01-sampled-at-3-am.md``."""
        return f"{self.number:02d}-{self.slug}.md"
