"""Runs of tools whose exports need not say which variant they are of: two variants must not pass for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from signals.connectors.jsonfile import recoded, scalar
from signals.model import SignalsError, Source


class Arms:
    """The settings that each variant ran with."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._settings: dict[str, tuple[Mapping[str, str], str]] = {}

    def variant(self, otherwise: str | None, settings: Mapping[str, str], file: str) -> str | None:
        """The variant of a run; None when ``map.variant`` says it row by row: nothing is held against that.

        Args:
            otherwise: The variant as the tool says; the source's ``variant:`` goes first.
            settings: What the run ran with: path (as ``map:`` would name it) to value.
            file: Where the run was read, for messages.

        Raises:
            SignalsError: When nothing says which variant it is, or an earlier run of that variant had other settings.
        """
        if "variant" in self._source.map:
            return None
        stated = self._source.options.get("variant")
        variant = recoded(str(stated) if stated else otherwise, self._source, "variant", None)
        name = f"source {self._source.name!r}"
        if variant is None:
            example = next(iter(settings), "PATH")
            remedy = f"Write `variant: NAME` in a source of its own for each variant, or map it (variant: {example})"
            raise SignalsError(f"{name}: nothing says which variant this run is of", remedy, file=file)
        first, before = self._settings.setdefault(variant, (settings, file))
        for path in sorted({*first, *settings}):
            if first.get(path) != settings.get(path):
                what = f"{name}: two runs of the variant {variant!r} differ in {path}"
                seen = f"{_shown(first.get(path))} in {before}, {_shown(settings.get(path))} here"
                one = "give each run a source of its own" if stated else "map what they share"
                remedy = f"Map the variant to what tells them apart (variant: {path}). If they are one variant, {one}"
                raise SignalsError(f"{what} ({seen})", remedy, file=file)
        return otherwise


def _shown(value: str | None) -> str:
    return "nothing" if value is None else repr(value[:40])


def flat(data: Any, path: str) -> Iterator[tuple[str, str]]:
    """The scalars in settings, lists as text, each with its path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from flat(value, f"{path}.{key}")
    else:
        text = scalar(data) if not isinstance(data, list) else repr(data)
        if text is not None:
            yield path, text
