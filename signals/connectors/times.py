"""Times that are not written like 2026-11-10T08:00:00Z: in a form that the source says, with zones that are certain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from signals.connectors.duck import literal

ZONES = {"PST": -480, "PDT": -420}
"""Minutes east of UTC. Other abbreviations mean several zones (CST, IST, BST), so they make no time."""
ZONE = r"\b(PST|PDT|(?:UTC|GMT)(?:[+-]\d{1,2}(?::\d{2})?)?)\b"
ABBREVIATION = re.compile(r"\s*%Z")


def local(moment: str, zone: str | None) -> str:
    """SQL: microseconds since 1970 of a timestamp that was written in a zone (UTC when None)."""
    if zone in (None, "UTC"):
        return f"epoch_us({moment})"
    return f"epoch_us({moment} AT TIME ZONE {literal(str(zone))})"


def formatted(text: str, formats: str | Sequence[str], zone: str | None, otherwise: str, naive: str) -> tuple[str, str]:
    """SQL of a time in one of several forms, as ``Cells.micros`` gives it.

    Args:
        text: SQL of the text.
        formats: As ``strptime`` takes them. A zone may stand anywhere in the text: PST, PDT, UTC, GMT, GMT+2.
        zone: Of texts that name none.
        otherwise: SQL of the microseconds of a text that is in none of the forms.
        naive: SQL that tells whether such a text has no zone where the source names none.
    """
    listed = [formats] if isinstance(formats, str) else list(formats)
    wanted = [" ".join(ABBREVIATION.sub("", one).split()) for one in listed]
    token = f"regexp_extract({text}, {literal(ZONE)}, 1)"
    bare = f"trim(regexp_replace(regexp_replace({text}, {literal(ZONE)}, ''), '\\s+', ' ', 'g'))"
    moment = f"try_strptime({bare}, [{', '.join(literal(one) for one in wanted)}])"
    hours = f"coalesce(TRY_CAST(regexp_extract({token}, '([+-]\\d+)', 1) AS INTEGER), 0) * 60"
    minutes = f"coalesce(TRY_CAST(regexp_extract({token}, ':(\\d+)', 1) AS INTEGER), 0)"
    east = f"({hours} + CASE WHEN contains({token}, '-') THEN -{minutes} ELSE {minutes} END)"
    for name, shift in ZONES.items():
        east = f"(CASE {token} WHEN {literal(name)} THEN {shift} ELSE {east} END)"
    micros = (
        f"(CASE WHEN {moment} IS NULL THEN {otherwise} WHEN {token} <> '' "
        f"THEN epoch_us({moment}) - {east} * 60000000::BIGINT ELSE {local(moment, zone)} END)"
    )
    if zone:
        return micros, "false"
    return micros, f"(CASE WHEN {moment} IS NULL THEN {naive} ELSE coalesce({token}, '') = '' END)"
