"""Who may do what: the roles, what ``access.yaml`` gives to whom, and the question that every write asks first.

``access.yaml`` stands beside ``hierarchy.yaml`` and matters only where people sign in to the dashboard. It is read
again for every question, so that a role that is taken away is gone at the next redraw and inside each write.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from signals.model import Problem, SignalsError
from signals.strictyaml import Document, parse, read_text, validate
from signals.words import clean

if TYPE_CHECKING:
    from pydantic import BaseModel

Role = Literal["viewer", "reviewer", "editor"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may

ACCESS = "access.yaml"
KEEPERS = f"those who keep {ACCESS}"

MAX_NAME = 60  # characters of a name from a provider that are shown and recorded
MAX_ADDRESS = 254  # characters of an e-mail address that can be delivered to
SKEW = timedelta(minutes=5)  # how far a provider's clock may be ahead of ours

# Plain addresses only: no quotes, comments or letters beyond ASCII, which two programs, or two people, could read
# differently. Who has another address is given a role by group.
_LOCAL = r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_DOMAIN = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
_ADDRESS = re.compile(f"{_LOCAL}@{_DOMAIN}")
_ANYBODY_AT = re.compile(rf"\*@{_DOMAIN}")


@dataclass(frozen=True)
class Person:
    """Somebody who signed in and has a role.

    ``name`` is how records name the person: ``Ada Lovelace <ada@example.com>``. ``role`` is the one that the page was
    drawn with; with ``access``, ``require`` reads it again from that file, for these ``claims``.
    """

    name: str
    role: Role
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    access: Path | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Access:
    """What ``access.yaml`` says."""

    emails: Mapping[Role, tuple[str, ...]]  # addresses and ``*@domain``, in lower case
    groups: Mapping[Role, tuple[str, ...]]  # exactly as the provider writes them
    claim: str  # where the provider says the groups
    ask: str  # whom to ask for a role; empty when the file does not say
    assume_verified: bool  # believe an e-mail of which the provider does not say whether it is verified
    hours: int  # how long a sign-in lasts


NOBODY = Access({}, {}, "", "", assume_verified=False, hours=12)


def may(held: Role, needed: Role) -> bool:
    """Whether one role includes another."""
    return ROLES.index(held) >= ROLES.index(needed)


def require(person: Person | None, role: Role, what: str) -> None:
    """Pass when the person may do what needs this role; every write asks this before it changes anything.

    Args:
        person: Who wants it. None means that nobody has to sign in: the command line, a dashboard without sign-in.
        role: The least role that may do it.
        what: What is wanted, as read after "may not": ``record a decision``.

    Raises:
        SignalsError: When the role is not enough, was taken away since the page was drawn, or the sign-in has ended.
    """
    if person is None:
        return
    now: Role | None = person.role
    why, ask = "", KEEPERS
    if person.access is not None:
        access = load_access(person.access)
        now, why = role_of(access, person.claims)
        ask = access.ask or KEEPERS
    if now is not None and may(now, role):
        return
    what = f"{person.name} may not {what}"
    if now is None:
        raise SignalsError(f"{what}: {why}", f"Ask {ask}")
    raise SignalsError(f"{what} as {now}: it takes the role {role}", f"Ask {ask}")


def who(person: Person | None, typed: str) -> str:
    """Who is recorded: the person who signed in, whatever was typed; what was typed when nobody has to sign in."""
    return typed if person is None else person.name


# --- what a provider says about somebody ----------------------------------------------------------------------------


def role_of(access: Access, claims: Mapping[str, Any], now: datetime | None = None) -> tuple[Role | None, str]:
    """The role of somebody who signed in, the highest that the e-mail or a group gives.

    Args:
        access: Who may do what.
        claims: What the provider said of them when they signed in.
        now: The moment of the question (UTC); default: now.

    Returns:
        The role and an empty text, or None and why there is none.
    """
    ended = _ended(claims, access.hours, now or datetime.now(UTC))
    if ended:
        return None, ended
    if not isinstance(claims.get("sub"), str) or not claims["sub"].strip():
        return None, "the provider does not say who signed in (no subject)"
    if claims.get("email_verified") is not None and not _verified(claims, assume=False):
        return None, f"the provider says that {_told(claims.get('email'), MAX_ADDRESS) or 'the e-mail'} is not verified"
    address = address_of(claims, access.assume_verified)
    groups = _groups(claims, access.claim)
    for role in reversed(ROLES):
        named = address is not None and any(matches(pattern, address) for pattern in access.emails.get(role, ()))
        if named or groups.intersection(access.groups.get(role, ())):
            return role, ""
    without = "" if address else ", and the provider has verified no plain e-mail address"
    return None, f"nothing in {ACCESS} gives this person a role{without}"


def _ended(claims: Mapping[str, Any], hours: int, now: datetime) -> str:
    """Why the sign-in does not count any more; empty when it does."""
    issued = claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, (int, float)):
        return "the provider does not say when they signed in"
    age = timedelta(seconds=now.timestamp() - issued) if abs(issued) < 1e11 else timedelta(days=-1)
    if age < -SKEW:
        return "the provider's clock is ahead of this one"
    return f"the sign-in has ended (it lasts {hours} h)" if age > timedelta(hours=hours) else ""


def has_ended(access: Access, claims: Mapping[str, Any]) -> bool:
    """Whether signing in again is what helps."""
    return bool(_ended(claims, access.hours, datetime.now(UTC)))


def _verified(claims: Mapping[str, Any], *, assume: bool) -> bool:
    said = claims.get("email_verified")
    return assume if said is None else said is True or said == "true"


def address_of(claims: Mapping[str, Any], assume_verified: bool) -> str | None:
    """The verified e-mail address in lower case; None when there is none, or one that is not plain."""
    email = claims.get("email")
    if not isinstance(email, str) or not _verified(claims, assume=assume_verified):
        return None
    return plain_address(email)


def plain_address(text: str) -> str | None:
    """An address in lower case; None when it is not plain ASCII of the form ``name@domain``.

    >>> plain_address("Ada+Standup@Example.com")
    'ada+standup@example.com'
    >>> plain_address("ada@example.com@example.org") is None
    True
    """
    if len(text) > MAX_ADDRESS or not text.isascii():
        return None
    lower = text.lower()
    return lower if _ADDRESS.fullmatch(lower) else None


def matches(pattern: str, address: str) -> bool:
    """Whether an entry of ``access.yaml`` means this address; both are in lower case and checked already.

    >>> matches("*@example.com", "a@example.com"), matches("*@example.com", "a@sub.example.com")
    (True, False)
    """
    if pattern.startswith("*@"):
        return address.rpartition("@")[2] == pattern[2:]
    return address == pattern


def _groups(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The groups that the provider says: under the claim of that name, else along its dotted path."""
    if not claim:
        return frozenset()
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return frozenset([found])
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, (list, tuple)) else frozenset()


def name_of(access: Access, claims: Mapping[str, Any]) -> str:
    """How records name somebody: name and verified e-mail, or name and the provider's subject without one.

    The part between ``<`` and ``>`` is the identity; the name before it cannot hold these signs.
    """
    address = address_of(claims, access.assume_verified)
    identity = address or f"subject {_told(claims.get('sub'), 255) or 'unknown'}"
    name = _told(claims.get("name") or claims.get("preferred_username"), MAX_NAME)
    return f"{name} <{identity}>" if name else f"<{identity}>"


def _told(value: object, most: int) -> str:
    """A provider's words on one line: no angle brackets, nothing invisible, not longer than ``most`` characters."""
    if not isinstance(value, str):
        return ""
    seen = "".join(sign for sign in clean(value) if sign not in "<>\ufffd" and unicodedata.category(sign) != "Cf")
    return " ".join(seen.split())[:most].strip()


# --- access.yaml ----------------------------------------------------------------------------------------------------


def load_access(path: Path) -> Access:
    """Read who may do what.

    Raises:
        SignalsError: With line, column and what to do; also when the file is not there.
    """
    if not path.exists():
        raise SignalsError(
            "no such file, so nobody who signs in has a role", "Write who may do what: see docs/sign-in.md", file=ACCESS
        )
    return parse_access(read_text(path), path.name)


@lru_cache(maxsize=8)
def parse_access(text: str, file: str = ACCESS) -> Access:
    """Read the text of ``access.yaml``; ``file`` is the name that messages use.

    Raises:
        SignalsError: One problem per mistake, each at its line and column.
    """
    try:
        document = parse(text, file)
    except SignalsError as error:
        raise (_quotes(error, text) or error) from None
    top: Any = validate(document, _model())
    problems: list[Problem] = []
    emails: dict[Role, tuple[str, ...]] = {}
    groups: dict[Role, tuple[str, ...]] = {}
    for role in ROLES:
        written = getattr(top, role)
        emails[role] = tuple(entry.lower() for entry in written if entry.isascii())
        problems += _entries(document, role, written)
        groups[role] = tuple(getattr(top.groups, role)) if top.groups else ()
        empty = [number for number, group in enumerate(groups[role]) if not group.strip()]
        problems += [document.problem(("groups", role, number), "an empty group") for number in empty]
    if not problems and not any(emails.values()) and not any(groups.values()):
        problems.append(document.problem((), "gives nobody a role", 'Add one, such as `editor: ["ada@example.com"]`'))
    if problems:
        raise SignalsError(tuple(sorted(problems, key=lambda one: (one.line or 0, one.column or 0))))
    claim = top.groups.claim if top.groups else ""
    return Access(emails, groups, claim, clean(top.ask), top.assume_verified, top.sign_in_hours)


def _quotes(error: SignalsError, text: str) -> SignalsError | None:
    """A better word for the mistake that everybody makes once: YAML reads a bare ``*`` as something else."""
    first, lines = error.problems[0], text.splitlines()
    line = lines[first.line - 1] if first.line and first.line <= len(lines) else ""
    bare = re.search(r"(?<![\"'\w])\*", line)
    if bare is None:
        return None
    what = "a * outside quotes means something else in YAML"
    return SignalsError(what, 'Write "*@example.com"', file=first.file, line=first.line, column=bare.start() + 1)


def _entries(document: Document, role: Role, written: Iterable[str]) -> list[Problem]:
    """What is wrong with the addresses of a role."""
    problems = []
    for number, entry in enumerate(written):
        lower = entry.lower()
        remedy = "Write ada@example.com for one person, *@example.com for everybody at a domain"
        if not entry.isascii():
            odd = next(sign for sign in entry if not sign.isascii())
            what = f"holds {unicodedata.name(odd, 'a character')} (U+{ord(odd):04X}), not a letter of a plain address"
        elif _ANYBODY_AT.fullmatch(lower) or ("*" not in lower and plain_address(lower)):
            continue
        elif "*" in lower:
            what = "a * stands only for everything before the @, and the domain is written out"
        else:
            what = "is not an e-mail address"
        problems.append(document.problem((role, number), f"{entry!r:.60}: {what}", remedy))
    return problems


@lru_cache(maxsize=1)
def _model() -> type[BaseModel]:
    from typing import Annotated

    from pydantic import BaseModel, ConfigDict, Field

    strict = ConfigDict(extra="forbid", strict=True)

    class Groups(BaseModel):
        model_config = strict
        claim: Annotated[str, Field(min_length=1, max_length=200)]
        viewer: list[str] = Field(default_factory=list)
        reviewer: list[str] = Field(default_factory=list)
        editor: list[str] = Field(default_factory=list)

    class File(BaseModel):
        model_config = strict
        viewer: list[str] = Field(default_factory=list)
        reviewer: list[str] = Field(default_factory=list)
        editor: list[str] = Field(default_factory=list)
        groups: Groups | None = None
        ask: Annotated[str, Field(max_length=200)] = ""
        assume_verified: bool = False
        sign_in_hours: Annotated[int, Field(ge=1, le=720)] = 12

    return File
