"""Telling receivers of a new or changed verdict: once each, and again when it did not arrive.

News is a call, a deciding rule or a reason that an address was not told yet. What was told is in the store, so several
machines that share a store tell it once. A delivery that fails is kept there, shown by ``signals status`` and tried
again by the next pull; it stops nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from signals.memo.phrases import REASON_WORDS, headline
from signals.model import Project, Receiver, Release, SignalsError, Verdict, canonical, utc
from signals.sharing.fit import name
from signals.sharing.post import Address, NotDeliveredError, address_of, post
from signals.store.notices import Claim, Notice, Notices, now
from signals.words import CALL_WORDS, clean, moment

if TYPE_CHECKING:
    from signals.review import Review

Outcome = Literal["sent", "due", "same", "busy", "failed", "waits", "off"]

LOOKS = 3
"""How often one process looks whether the verdict changed while it was sending."""

READING_KEYS = ("kind", "state", "effect", "low", "high", "unit", "margin", "confidence", "non_inferior")
KEYS = (
    "release", "call", "reason", "decided_by", "rule", "because", "sentence", "overruled", "needs", "policy",
    "evidence", "synthetic", "as_of",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What became of the news about one release for one receiver."""

    receiver: str
    release: str  # empty when it is about the receiver as a whole
    outcome: Outcome
    headline: str = ""  # "ROLLBACK"
    before: str = ""  # what the receiver was told last; empty when nothing
    why: str = ""  # of a failure

    def __str__(self) -> str:
        """Say it in one line."""
        news = f"{self.release} {self.headline}" + (f" (was {self.before})" if self.before else "")
        said = {
            "sent": f"told {news}",
            "due": f"would be told {news}",
            "same": f"knows {news}",
            "busy": f"{self.release} is being told by another process",
            "failed": f"{self.release + ': ' if self.release else ''}{self.why}",
            "waits": f"{self.release} was not tried: {self.why}",
            "off": "is switched off: its variable is empty",
        }
        return f"{self.receiver}: {said[self.outcome]}"


def wanted(project: Project, receiver: Receiver, only: str | None = None) -> tuple[Release, ...]:
    """The releases that a receiver is told of: those that it names, else all whose outcome is not known yet."""
    return tuple(
        release
        for release in project.releases
        if (release.id in receiver.releases if receiver.releases else release.outcome == "unknown")
        and only in (None, release.id)
    )


def notify(project: Project, *, release: str | None = None, dry: bool = False) -> Iterator[Told]:
    """Tell every receiver what it does not know yet; one result per receiver and release, as it is known.

    Args:
        project: Releases and receivers.
        release: Only this one.
        dry: Look, and send nothing.

    Raises:
        SignalsError: An unknown release, or a store that fails.
    """
    from signals.review import find_release, review, store_of

    if release is not None:
        find_release(project, release)
    notices = Notices(store_of(project).database)
    # One look at each release serves all receivers; a second look is taken anew.
    looked: Callable[[str], Review] = lru_cache(maxsize=None)(partial(review, project=project))
    for receiver in project.receivers:
        chosen = wanted(project, receiver, release)
        if not chosen:
            continue
        try:
            address = address_of(receiver)
        except SignalsError as error:
            yield Told(receiver.shown, "", "failed", why=_line(error))
            continue
        if address is None:
            yield Told(receiver.shown, "", "off")
            continue
        sender = _Sender(project, receiver, address, notices, looked, dry=dry)
        yield from map(sender.tell, chosen)


class _Sender:
    """Tells one receiver. After a failure it tries no other release: a receiver that is ill is left alone."""

    def __init__(
        self,
        project: Project,
        receiver: Receiver,
        address: Address,
        notices: Notices,
        looked: Callable[[str], Review],
        *,
        dry: bool,
    ) -> None:
        self._project, self._receiver, self._address = project, receiver, address
        self._notices, self._looked, self._dry = notices, looked, dry
        self._ill = ""
        self._known = {one.release: one for one in notices.all() if one.address == address.id}

    def tell(self, release: Release) -> Told:
        told = Told(self._receiver.shown, clean(release.id), "failed")
        look = self._looked
        for _ in range(LOOKS):
            try:
                found = look(release.id)
            except SignalsError as error:
                return self._missed(replace(told, outcome="failed", why=_line(error)), release.id, None)
            after, again = self._once(found, told)
            told = told if (told.outcome, after.outcome) == ("sent", "same") else after
            if not again:
                break
            look = self._look  # somebody saw other evidence while this was on its way
        return told

    def _look(self, release: str) -> Review:
        from signals.review import review

        return review(release, self._project)

    def _missed(self, told: Told, release: str, news: str | None) -> Told:
        """Keep that it is owed, although no delivery was tried."""
        if not self._dry:
            self._notices.missed(self._address.id, release, self._receiver.shown, news, told.why)
        return told

    def _once(self, found: Review, told: Told) -> tuple[Told, bool]:
        """One look: what became of it, and whether to look again."""
        verdict, id_ = found.verdict, found.verdict.release.id
        news = news_of(verdict)
        known = self._known.get(id_)
        known_news = known.sent if known else None
        told = replace(told, headline=_word(verdict), before="" if known_news == news else _before(known_news))
        if self._dry:
            return replace(told, outcome="same" if known and known.sent == news else "due"), False
        if self._ill and not (known and known.sent == news):
            return self._missed(replace(told, outcome="waits", why=self._ill), id_, news), False
        claim = self._notices.claim(self._address.id, id_, self._receiver.shown, news, now())
        if isinstance(claim, str):
            return replace(told, outcome=claim), False
        return self._send(id_, claim, told)

    def _send(self, release: str, claim: Claim, told: Told) -> tuple[Told, bool]:
        try:
            # Another process may have told newer news since the look that led here; nobody does while this claim holds.
            found = self._look(release)
            news, message_id = news_of(found.verdict), id_of(found.verdict, claim.sent_id)
            told = replace(told, headline=_word(found.verdict), before=_before(claim.sent))
            if claim.sent == news:
                return replace(told, outcome="same", before=""), self._notices.known(claim)
            body = body_of(found, self._receiver, claim.sent)
            post(self._address, message_id, body.encode())
        except NotDeliveredError as error:
            self._ill = str(error)
            self._notices.failed(claim, self._ill, now())
            return replace(told, outcome="failed", why=self._ill), False
        except SignalsError as error:  # it could not be decided or explained: no fault of the receiver
            self._notices.drop(claim, _line(error))
            return replace(told, outcome="failed", why=_line(error)), False
        except BaseException:
            self._notices.drop(claim)
            raise
        again = self._notices.arrived(claim, news, message_id, now())
        return replace(told, outcome="sent"), again


def news_of(verdict: Verdict) -> str:
    """What makes a verdict news when it changes, as text that is the same for the same."""
    return canonical(
        {"call": verdict.call, "rule": verdict.rule, "decided_by": verdict.decided_by, "reason": verdict.reason}
    )


def id_of(verdict: Verdict, before: str | None) -> str:
    """The id of a message: the same for each attempt at the same news, another when a call comes back later.

    Args:
        verdict: What is told; neither the moment nor the evidence counts, so that an attempt after the next pull, with
            new numbers under the same call, has the same id.
        before: The id of the message that arrived last; None when none did.
    """
    parts = [verdict.release.id, news_of(verdict), before or ""]
    return "verdict_" + hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]


def body_of(found: Review, receiver: Receiver, before: str | None) -> str:
    """The message in the receiver's form.

    Args:
        found: The verdict.
        receiver: Whose form.
        before: The news that it was told last; None when none.
    """
    failed = failed_sources(found)
    if receiver.format == "slack":
        from signals.sharing.slack import message

        said = " ".join(part for part in (_changed(before), _not_pulled(failed)) if part)
        return message(found.verdict, found.memo(), said)
    return json.dumps(data_of(found.verdict, before, failed), separators=(",", ":"), allow_nan=False)


def failed_sources(found: Review) -> tuple[str, ...]:
    """The sources behind a verdict whose last pull failed: what it heard of them is from an earlier one."""
    lookup = found.subject.lookup
    heard = {name for one in lookup.wanted(found.policy.signals) for name in (*one.sources, *one.people)}
    return tuple(name for name in lookup.sources if name in heard and lookup.attempts.get(name, ("",))[0] == "failed")


def data_of(verdict: Verdict, before: str | None, failed: Sequence[str] = ()) -> dict[str, Any]:
    """The message for programs: keys as in ``signals verdict --json``, the readings without their checks.

    Args:
        verdict: What is told.
        before: The news that the receiver was told last; None when none.
        failed: See ``failed_sources``.
    """
    from signals.policy import verdict_json

    whole = verdict_json(verdict)
    release = verdict.release
    data = {key: whole[key] for key in KEYS}
    data["readings"] = {
        name: {key: reading[key] for key in READING_KEYS} for name, reading in whole["readings"].items()
    }
    about = {"kind": release.kind, "control": release.control, "candidate": release.candidate, "owner": release.owner}
    if release.other_controls:
        data["controls"] = list(release.controls)
    return {
        "type": "verdict.new" if before is None else "verdict.changed",
        "timestamp": utc(now()),
        "data": {
            **data, **about, "failed_sources": list(failed), "before": None if before is None else json.loads(before),
        },
    }  # fmt: skip


def owed(project: Project, notices: Sequence[Notice]) -> list[str]:
    """One line per receiver that cannot be told, and per news that did not arrive or could not be sent.

    Args:
        project: Its receivers; what others were owed is nobody's business any more.
        notices: What the store knows.
    """
    lines = []
    for receiver in project.receivers:
        try:
            address = address_of(receiver)
        except SignalsError as error:
            lines.append(f"{receiver.shown}: {_line(error)}")
            continue
        ids = {release.id for release in wanted(project, receiver)}
        lines += [
            f"{receiver.shown}: {clean(one.release)} was not delivered ({_tried(one)}): {one.error}"
            for one in notices
            if address is not None and one.address == address.id and one.error and one.release in ids
        ]
    return lines


def _word(verdict: Verdict) -> str:
    word = headline(verdict)
    return word if verdict.reason != "untrusted" else f"{word} ({CALL_WORDS[verdict.call]})"


def _before(news: str | None) -> str:
    return "" if news is None else CALL_WORDS[json.loads(news)["call"]]


def _changed(before: str | None) -> str:
    if before is None:
        return ""
    said = json.loads(before)
    return f"Before: {CALL_WORDS[said['call']]}, {REASON_WORDS[said['reason']]}."


def _not_pulled(failed: Sequence[str]) -> str:
    if not failed:
        return ""
    return f"Evidence of an earlier pull, since the last one failed: {', '.join(name(one) for one in failed)}."


def _tried(one: Notice) -> str:
    if not one.tries or one.tried_at is None:
        return "not tried"
    return f"{one.tries} {'try' if one.tries == 1 else 'tries'}, last {moment(one.tried_at)}"


def _line(error: SignalsError) -> str:
    """An error that may be of several lines, in one."""
    return clean("; ".join(str(error).splitlines()))
