"""Random numbers of a simulation: one stream per signal and purpose, so that the same draws serve every true effect.

At looks that share their data a standardised estimate is a Brownian path read at the share of information: increments
are independent, and what was seen stays seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from signals.model import SignalsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SLACK = 1e-9


def mixing(names: Sequence[str], common: float, pairs: Mapping[frozenset[str], float]) -> Array:
    """A matrix whose product with independent normals has the asked correlations, shape (signals, signals).

    Args:
        names: The signals, in order.
        common: Correlation of every pair that is not named.
        pairs: Correlations of named pairs.

    Raises:
        SignalsError: Outside -1 to 1, for unknown signals, or when no estimates can be correlated so.
    """
    wanted = np.full((len(names), len(names)), float(common))
    np.fill_diagonal(wanted, 1.0)
    place = {name: number for number, name in enumerate(names)}
    for pair, value in pairs.items():
        some = sorted(pair)
        unknown = [name for name in some if name not in place]
        if len(some) != 2 or unknown:
            text = f"{', '.join(unknown)} is not simulated" if unknown else "a correlation is between two signals"
            raise SignalsError(text, f"Signals with a design: {', '.join(names)}")
        first, second = place[some[0]], place[some[1]]
        wanted[first, second] = wanted[second, first] = value
    if not np.all(np.abs(wanted) <= 1.0):
        raise SignalsError("a correlation lies between -1 and 1", "Give a smaller one")
    if not names:
        return wanted
    values, vectors = np.linalg.eigh(wanted)
    if values.min() < -SLACK:
        raise SignalsError(
            "no estimates can be correlated like this: the correlations contradict each other",
            "Bring them nearer to 0",
        )
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


class Streams:
    """Generators by signal and purpose. Each goes on from chunk to chunk of the draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._made: dict[tuple[str, str], np.random.Generator] = {}

    def of(self, signal: str, purpose: str) -> np.random.Generator:
        """The generator of one signal and purpose: it depends on nothing else that is simulated."""
        key = (signal, purpose)
        if key not in self._made:
            self._made[key] = np.random.default_rng([self.seed, zlib.crc32(f"{signal}/{purpose}".encode())])
        return self._made[key]


class Noise:
    """The random numbers of one chunk of draws over all looks.

    Attributes:
        size: Draws.
        shares: Share of the information at each look, increasing to 1.
    """

    def __init__(self, streams: Streams, size: int, shares: Sequence[float], names: Sequence[str], mix: Array) -> None:
        self.size, self.shares = size, tuple(shares)
        self._streams = streams
        self._paths: dict[tuple[str, str], Array] = {}
        self._squares: dict[tuple[str, str], Array] = {}
        own = np.stack([self._path(name, "effect") for name in names]) if names else np.zeros((0, 1, size))
        mixed = np.tensordot(mix, own, axes=1)
        self._effects = dict(zip(names, mixed, strict=True))

    def effect(self, signal: str, look: int, *, grows: bool) -> Array:
        """Standardised noise of the benefit, correlated between signals; what does not grow keeps its last value."""
        return np.asarray(self._effects[signal][look if grows else -1])

    def normal(self, signal: str, purpose: str, look: int, *, grows: bool) -> Array:
        """Standard normals of a signal's own, shape (draws,)."""
        key = (signal, purpose)
        if key not in self._paths:
            self._paths[key] = self._path(signal, purpose)
        return np.asarray(self._paths[key][look if grows else -1])

    def square(self, signal: str, purpose: str, df: float, look: int, *, grows: bool) -> Array:
        """Chi-square over its degrees of freedom, shape (draws,). ``df`` are those of the last look.

        An estimated variance grows together with the data: sums of squares add up from look to look.
        """
        key = (signal, purpose)
        if key not in self._squares:
            rng = self._streams.of(signal, purpose)
            free = np.diff(np.array([0.0, *self.shares])) * df if grows else np.array([df])
            sums = np.cumsum([rng.chisquare(one, self.size) for one in free], axis=0)
            self._squares[key] = sums / np.cumsum(free)[:, None]
        return np.asarray(self._squares[key][look if grows else -1])

    def _path(self, signal: str, purpose: str) -> Array:
        rng = self._streams.of(signal, purpose)
        steps = np.sqrt(np.diff(np.array([0.0, *self.shares])))
        walk = np.cumsum(rng.standard_normal((len(steps), self.size)) * steps[:, None], axis=0)
        return np.asarray(walk / np.sqrt(np.array(self.shares))[:, None])
