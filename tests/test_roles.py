"""Roles: a pattern matches what it says and nothing more, and every write asks the file as it is now."""

from __future__ import annotations

import string
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signals.model import SignalsError
from signals.roles import (
    ACCESS,
    ROLES,
    Access,
    Person,
    Role,
    load_access,
    matches,
    may,
    name_of,
    parse_access,
    plain_address,
    require,
    role_of,
    who,
)  # fmt: skip

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILE = """\
ask: the release council
viewer: ["*@example.com", vi@example.net]
reviewer: [rev@example.com]
editor: [Ed@Example.com]
groups: {claim: groups, reviewer: [reviewers], editor: [release-managers]}
"""


def claims(email: object = "vi@example.com", verified: object = True, **more: Any) -> dict[str, Any]:
    said = {"sub": "7", "iat": NOW.timestamp() - 60, "email": email, "email_verified": verified, **more}
    return {name: value for name, value in said.items() if value is not None}


def role(said: dict[str, Any], text: str = FILE) -> Role | None:
    return role_of(parse_access(text), said, NOW)[0]


# --- who gets which role --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, given_",
    [
        (claims("rev@example.com"), "reviewer"),
        (claims("REV@EXAMPLE.COM"), "reviewer"),
        (claims("ed@example.com"), "editor"),
        (claims("anybody@example.com"), "viewer"),
        (claims("ed+standup@example.com"), "viewer"),  # plus addressing is another address
        (claims("e.d@example.com"), "viewer"),  # and so are dots, whatever one provider thinks
        (claims("vi@example.net"), "viewer"),
        (claims("other@example.net"), None),
        (claims("ed@example.com.evil"), None),
        (claims("ed@evil-example.com"), None),
        (claims("ed@sub.example.com"), None),
        (claims("ed@example.com@evil.org"), None),
        (claims('"x@evil.org"@example.com'), None),
        (claims("x@evil.org@example.com"), None),
        (claims("x@evil.org y@example.com"), None),
        (claims("ed@example.com\n"), None),
        (claims(" ed@example.com"), None),
        (claims("ed@example.com."), None),
        (claims("ed@exam\u0440le.com"), None),  # CYRILLIC SMALL LETTER ER
        (claims("\u212aed@example.com"), None),  # KELVIN SIGN folds to k
        (claims("ed\u200b@example.com"), None),
        (claims("Ada <ed@example.com>"), None),
        (claims("ed@example.com", False), None),
        (claims("ed@example.com", "false"), None),
        (claims("ed@example.com", 1), None),
        (claims("ed@example.com", "true"), "editor"),  # some providers write the word
        (claims("ed@example.com", None), None),
        (claims(None), None),
        (claims(["ed@example.com"]), None),
        (claims(None, groups=["x", "release-managers"]), "editor"),
        (claims(None, groups="reviewers"), "reviewer"),
        (claims(None, groups=["Release-Managers", "release-managers "]), None),
        (claims(None, groups={"release-managers": True}), None),
        (claims(None, groups=[["release-managers"]]), None),
        (claims("vi@example.com", groups=["reviewers"]), "reviewer"),  # the highest counts
        (claims("ed@example.com", groups=["nothing"]), "editor"),
        (claims("x@evil.org", False, groups=["release-managers"]), None),  # said to be unverified: nothing is believed
    ],
)
def test_who_gets_which_role(said: dict[str, Any], given_: Role | None) -> None:
    assert role(said) == given_


def test_an_email_that_nobody_vouches_for_counts_only_where_the_file_says_so() -> None:
    said = claims("rev@example.com", None)
    assert role(said) is None
    assert role(said, f"{FILE}assume_verified: true\n") == "reviewer"
    assert role(claims("rev@example.com", False), f"{FILE}assume_verified: true\n") is None


def test_groups_are_found_under_a_name_with_dots_and_along_a_path() -> None:
    named = FILE.replace("claim: groups", 'claim: "https://example.com/groups"')
    assert role(claims(None, **{"https://example.com/groups": ["reviewers"]}), named) == "reviewer"
    nested = FILE.replace("claim: groups", "claim: realm.roles")
    assert role(claims(None, realm={"roles": ["release-managers"]}), nested) == "editor"
    assert role(claims(None, realm=["release-managers"]), nested) is None
    assert role(claims(None, groups=["release-managers"]), nested) is None


def test_a_sign_in_ends() -> None:
    for age, expected in ((timedelta(hours=11), "viewer"), (timedelta(hours=13), None), (-timedelta(hours=1), None)):
        assert role(claims(iat=(NOW - age).timestamp())) == expected
    assert role(claims(iat=(NOW - timedelta(hours=2)).timestamp()), f"{FILE}sign_in_hours: 1\n") is None
    for odd in (None, "yesterday", True, float("nan"), float("inf"), 1e300, -1e300):
        assert role(claims(iat=odd)) is None, odd
    assert role(claims(sub=None)) is None
    assert role(claims(sub="  ")) is None


# --- a pattern never matches more than it says ----------------------------------------------------------------------

locals_ = st.text(string.ascii_letters + string.digits + ".+-_'*", min_size=1, max_size=12)
labels = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
domains = st.lists(labels, min_size=2, max_size=4).map(".".join)


@given(locals_, domains, domains)
@example("a", "example.com", "example.com.evil")
@example("a", "example.com", "evilexample.com")
def test_a_domain_pattern_matches_its_domain_and_no_other(local: str, domain: str, other: str) -> None:
    access = parse_access(f'viewer: ["*@{domain}"]')
    (pattern,) = access.emails["viewer"]
    for at in (domain, other, f"{domain}.evil", f"evil{domain}", f"sub.{domain}", domain.swapcase()):
        address = plain_address(f"{local}@{at}")
        assert address is not None
        assert matches(pattern, address) == (at.lower() == domain.lower())


@given(locals_.filter(lambda text: "*" not in text), domains, locals_)
def test_an_address_matches_itself_in_any_case_and_nothing_else(local: str, domain: str, other: str) -> None:
    access = parse_access(f'viewer: ["{local}@{domain}"]')
    for name in (local, other, f"{local}+tag", f"x{local}", local.swapcase()):
        said = claims(f"{name}@{domain}")
        assert (role_of(access, said, NOW)[0] == "viewer") == (name.lower() == local.lower())


@given(st.text(max_size=30), st.sampled_from(["", "@example.com", "@example.com.evil", "@evil@example.com"]))
@example("\u0130", "@example.com")
@example("ed@example.com\x00", "")
def test_whatever_a_provider_sends_matches_only_a_plain_address_of_the_domain(text: str, ending: str) -> None:
    access = parse_access('viewer: ["*@example.com"]')
    email = text + ending
    plain = email.isascii() and email.lower().endswith("@example.com") and email.count("@") == 1
    got = role_of(access, claims(email), NOW)[0]
    if got == "viewer":
        assert plain
        assert not set(email) & set(string.whitespace + '"(),:;<>[]\\\x00')


@given(st.characters(min_codepoint=128, exclude_categories=["Cs"]), st.integers(0, 14))
def test_a_letter_that_looks_like_another_is_another(sign: str, place: int) -> None:
    address = "ed@example.com"
    swapped = address[:place] + sign + address[place + 1 :]
    assert role(claims(swapped)) is None
    with pytest.raises(SignalsError):  # and the file refuses it, so that nobody writes one by accident
        parse_access(f"viewer: ['{swapped}']\n")


@given(st.dictionaries(st.text(max_size=12) | st.sampled_from(["email", "groups", "sub", "iat", "email_verified"]),
       st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=4))
)  # fmt: skip
def test_any_claims_get_an_answer(said: dict[str, Any]) -> None:
    access = parse_access(FILE)
    got, why = role_of(access, said, NOW)
    assert (got is None) == bool(why)
    name = name_of(access, said)
    assert name.count("<") == name.count(">") == 1
    assert "\n" not in name


# --- what records call somebody -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, name",
    [
        (claims("Ed@Example.com", name="Ada Lovelace"), "Ada Lovelace <ed@example.com>"),
        (claims("ed@example.com", name="The Boss <boss@example.com>"), "The Boss boss@example.com <ed@example.com>"),
        (claims("ed@example.com", name="Ada\u202e\u200b\n Love\x00lace"), "Ada Lovelace <ed@example.com>"),
        (claims("ed@example.com", False, name="Ada"), "Ada <subject 7>"),  # nobody is named by what is not verified
        (claims(None, name=["x"], preferred_username="ada"), "<subject 7>"),
        (claims(None, preferred_username="ada", sub="u|7<x>"), "ada <subject u|7x>"),
        (claims("ed@example.com", name="x" * 100_000), f"{'x' * 60} <ed@example.com>"),
    ],
)
def test_records_name_a_person_by_what_was_verified(said: dict[str, Any], name: str) -> None:
    assert name_of(parse_access(FILE), said) == name


# --- writes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ROLES)
@pytest.mark.parametrize("needed", ROLES)
def test_each_role_includes_those_before_it(held: Role, needed: Role) -> None:
    allowed = {"viewer": {"viewer"}, "reviewer": {"viewer", "reviewer"}, "editor": set(ROLES)}
    assert may(held, needed) == (needed in allowed[held])
    if needed in allowed[held]:
        require(Person("Ada", held), needed, "do it")
    else:
        with pytest.raises(SignalsError, match=f"Ada may not do it as {held}: it takes the role {needed}"):
            require(Person("Ada", held), needed, "do it")
    require(None, needed, "do it")  # nobody has to sign in


def test_a_write_asks_the_file_as_it_is_then(tmp_path: Path) -> None:
    path = tmp_path / ACCESS
    path.write_text(FILE)
    said = {**claims("ed@example.com"), "iat": time.time()}
    person = Person("Ada", "editor", said, path)
    require(person, "editor", "save the policy")
    path.write_text(FILE.replace("editor: [Ed@Example.com]", "editor: []"))
    with pytest.raises(SignalsError, match=r"may not save the policy as viewer.*Ask the release council"):
        require(person, "editor", "save the policy")
    path.write_text("viewer: [x@example.org]")
    with pytest.raises(SignalsError, match=r"may not save the policy: nothing in access\.yaml gives"):
        require(person, "viewer", "save the policy")
    path.write_text(FILE.replace("viewer", "vewer"))
    with pytest.raises(SignalsError, match="Did you mean 'viewer'"):  # a file that does not load gives nothing
        require(person, "viewer", "save the policy")
    path.unlink()
    with pytest.raises(SignalsError, match="no such file"):
        require(person, "viewer", "save the policy")
    path.write_text(FILE)
    old = Person("Ada", "editor", {**said, "iat": time.time() - 13 * 3600}, path)
    with pytest.raises(SignalsError, match=r"the sign-in has ended \(it lasts 12 h\)"):
        require(old, "viewer", "look")


def test_what_was_typed_names_nobody_who_signed_in() -> None:
    assert who(None, "mara") == "mara"
    assert who(Person("Ada <ada@example.com>", "reviewer"), "mara") == "Ada <ada@example.com>"


# --- access.yaml ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, says",
    [
        ("vewer: [a@example.com]", "access.yaml:1:1: unknown key 'vewer'. Did you mean 'viewer'?"),
        ("viewer: [a@example.com]\neditors: []", "access.yaml:2:1: unknown key 'editors'. Did you mean 'editor'?"),
        ("viewer: ['*']", "access.yaml:1:10: '*': a * stands only for everything before the @"),
        ("viewer: ['*@*']", "access.yaml:1:10: '*@*': a * stands only"),
        ("viewer: ['*@*.example.com']", "a * stands only for everything before the @"),
        ("viewer: ['a*@example.com']", "a * stands only for everything before the @"),
        ("viewer: ['@example.com']", "is not an e-mail address"),
        ("viewer: ['*@com']", "a * stands only"),
        ("viewer: [a@example.com, 'b@ex\u0430mple.com']", "access.yaml:1:25: 'b@ex\u0430mple.com': holds CYRILLIC"),
        ("viewer: [*@example.com]", "access.yaml:1:10: a * outside quotes means something else in YAML"),
        ("viewer:\n  - *@example.com", "access.yaml:2:5: a * outside quotes"),
        ("viewer: a@example.com", "access.yaml:1:9: viewer:"),
        ("viewer: [1]", "access.yaml:1:10: viewer.0:"),
        ("groups: {viewer: [x]}", "key 'claim' is missing"),
        ("groups: {claim: groups, viewer: ['']}", "access.yaml:1:34: an empty group"),
        ("viewer: []", "access.yaml:1:1: gives nobody a role"),
        ("viewer: [a@example.com]\nsign_in_hours: 0", "access.yaml:2:16: sign_in_hours"),
        ("viewer: [a@example.com]\nviewer: [b@example.com]", "access.yaml:2:1: key 'viewer' is written twice"),
        ("viewer: [a@example.com]\nassume_verified: 'yes'", "access.yaml:2:18: assume_verified"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(SignalsError) as caught:
        parse_access(text)
    assert says in str(caught.value)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SignalsError) as caught:
        parse_access("editor: [x]\nviewer: ['*']\n")
    assert [(one.line, one.column) for one in caught.value.problems] == [(1, 10), (2, 10)]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SignalsError, match=r"access.yaml: no such file, .* docs/sign-in.md"):
        load_access(tmp_path / ACCESS)


def test_the_example_of_the_page_loads(root: Path) -> None:
    page = (root / "docs" / "sign-in.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    access: Access = parse_access(text)
    assert all(access.emails[one] or access.groups[one] for one in ROLES)
    assert unicodedata.is_normalized("NFC", page)
