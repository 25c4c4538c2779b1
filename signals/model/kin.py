"""Families of models: who is related to whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class ModelFamily:
    """Models that are related: versions of one model, a teacher and its students, what was tuned from one base.

    Attributes:
        name: As the team calls it.
        models: Version ids as the evidence spells them, of arms and of judges; ``*``, ``?`` and ``[…]`` as in globs.
    """

    name: str
    models: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these names belongs to it. Case counts: two ids that differ in case are two ids."""
        return any(fnmatchcase(name, model) for name in names if name for model in self.models)


def families_of(kin: Iterable[ModelFamily], *names: str) -> frozenset[str]:
    """Names of the families that a model belongs to, which may go by several names."""
    return frozenset(family.name for family in kin if family.has(*names))
