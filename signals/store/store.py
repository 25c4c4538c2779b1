"""The store: evidence, numbers, verdicts and decisions behind one small class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import delete, insert, select, update

from signals.model import (
    Decision,
    DecisionOutcome,
    Evidence,
    Explanation,
    Numbers,
    Override,
    PairNumbers,
    Record,
    Release,
    SignalsError,
    Source,
    canonical,
)
from signals.store import audit, decisions, merge, numbers, reading, tables, verify, versions
from signals.store.contents import Content, own_keys
from signals.store.engine import Database, upsert
from signals.store.look import EXPLANATION, Look
from signals.store.migrate import bring_up_to_date
from signals.store.report import PullReport, Tally, failed_report
from signals.store.versions import Version, VersionLog


def open_store(url: str, base: Path | None = None) -> Store:
    """Open the store at a database URL, creating or migrating its tables when needed.

    Args:
        url: ``sqlite:///path`` or ``postgresql://user:password@host/database``.
        base: Folder that a relative SQLite path is relative to; the current folder when None.

    Raises:
        SignalsError: When it cannot be reached, written or understood; never with the password.
    """
    database = Database(url, base)
    bring_up_to_date(database)
    return Store(database)


class Store:
    """An open store. Every method is one transaction; methods may be called from several threads."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        """Let go of all connections."""
        self.database.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    # --- releases ---------------------------------------------------------------------------------------------------

    def sync_releases(self, releases: Iterable[Release]) -> None:
        """Make the listed releases these. One that is no longer listed stays known, for the decisions about it.

        Estimates of a release whose arms or dates changed are dropped: they are about another comparison.
        """
        wanted = {release.id: release for release in releases}
        with self.database.read() as connection:
            rows = connection.execute(select(tables.release)).mappings()
            if {row["id"]: _release(row) for row in rows if row["listed"]} == wanted:
                return
        with self.database.write("releases") as connection:
            rows = connection.execute(select(tables.release)).mappings()
            known = {row["id"]: _release(row) for row in rows}
            connection.execute(
                update(tables.release).where(tables.release.c.id.not_in(list(wanted))).values(listed=False)
            )
            for release in wanted.values():
                values = _row(release)
                if release.id not in known:
                    connection.execute(insert(tables.release), values)
                    continue
                connection.execute(update(tables.release).where(tables.release.c.id == release.id).values(values))
                was = known[release.id]
                told = replace(was, owner=release.owner, synthetic=release.synthetic, outcome=release.outcome)
                if told != release:
                    connection.execute(delete(tables.estimate).where(tables.estimate.c.release == release.id))

    def releases(self, *, past: bool = False) -> tuple[Release, ...]:
        """The listed releases, newest first; with ``past`` also those that are no longer listed."""
        wanted = select(tables.release).order_by(tables.release.c.started.desc(), tables.release.c.id)
        if not past:
            wanted = wanted.where(tables.release.c.listed)
        with self.database.read() as connection:
            return tuple(_release(row) for row in connection.execute(wanted).mappings())

    # --- pulls and evidence -----------------------------------------------------------------------------------------

    def apply(
        self, source: Source, fingerprint: str | None, definition: str, records: Iterable[Record], tally: Tally
    ) -> PullReport:
        """Make the store hold exactly these records for this source, in one transaction, and log the pull.

        Only what differs is written: the same records again change nothing. Records that repeat an id, or that cannot
        be stored truly, are set aside on ``tally``. An error raised by ``records`` leaves the store as it was.

        Args:
            source: Whose evidence this is.
            fingerprint: Hash of the input, None when unknowable.
            definition: Hash of how the input is read.
            records: Read once, in batches, before any lock is taken.
            tally: The counts of the same reading.

        Raises:
            PulledMeanwhileError: When another process stored other evidence of this source in the meantime.
            SignalsError: When a cell of moments is given twice, or the store fails.
        """
        return merge.apply(self.database, source, fingerprint, definition, records, tally)

    def compare(self, source: Source, records: Iterable[Record], tally: Tally) -> PullReport:
        """What ``apply`` would report of these records; nothing is stored, and the pull is not logged.

        Raises:
            SignalsError: As ``apply``.
        """
        return merge.compare(self.database, source, records, tally)

    def record_failure(self, source: Source, definition: str, started: datetime, error: str) -> PullReport:
        """Log a pull that stored nothing. Passwords in addresses are left out."""
        report = failed_report(source, definition, started, error)
        row = {**report.__dict__, "set_aside": "[]", "parts": "[]"}
        with self.database.write(f"source {source.name}") as connection:
            connection.execute(insert(tables.pull), row)
        return report

    def record_unchanged(self, source_name: str) -> None:
        """Note that the source was looked at just now and is still what its last pull read."""
        with self.database.write(f"source {source_name}") as connection:
            last = merge.last_success(connection, source_name)
            if last is not None:
                now = datetime.now(UTC)
                connection.execute(update(tables.pull).where(tables.pull.c.id == last["id"]).values(checked=now))

    def last_pull(self, source_name: str) -> PullReport | None:
        """The newest pull of a source that was stored."""
        with self.database.read() as connection:
            row = merge.last_success(connection, source_name)
            return merge.report_of(row) if row else None

    def pulls(self, source_name: str | None = None, limit: int = 50) -> tuple[PullReport, ...]:
        """The log of pulls, failed ones too, newest first."""
        wanted = select(tables.pull).order_by(tables.pull.c.id.desc()).limit(limit)
        if source_name is not None:
            wanted = wanted.where(tables.pull.c.source == source_name)
        with self.database.read() as connection:
            return tuple(merge.report_of(dict(row)) for row in connection.execute(wanted).mappings())

    def evidence(
        self,
        release: Release,
        sources: Sequence[str],
        human_sources: Sequence[str] = (),
        until: datetime | None = None,
    ) -> Evidence:
        """The records of the release's two arms from these sources, in one fixed order.

        Args:
            release: Whose arms count; see ``elsewhere`` for the rest.
            sources: Names of the sources.
            human_sources: Sources whose ratings become ``human``.
            until: Leave out what is newer than this moment (cells: than its UTC day).
        """
        return self.snapshot(release, sources, human_sources, until)[1]

    def evidence_hash(
        self,
        release: Release,
        sources: Sequence[str],
        until: datetime | None = None,
        *,
        human_sources: Sequence[str] = (),
        held: Mapping[str, Content] | None = None,
    ) -> str:
        """Hash of what the store holds of the release's arms, from stored content hashes: no evidence is read.

        Evidence of other releases in the same sources does not change it. ``until`` counts only when it leaves
        something out. ``held`` saves looking up the ``contents`` of these sources again.
        """
        with self.look() as look:
            return look.evidence_hash(release, sources, until, human_sources=human_sources, held=held)

    def elsewhere(self, release: Release, sources: Sequence[str]) -> dict[tuple[str, ...], int]:
        """Rows of these sources that are about other comparisons, by variant (or pair of variants)."""
        found: Counter[tuple[str, ...]] = Counter()
        own = own_keys(release)
        for content in self.contents(sources).values():
            found.update({key: part.rows for key, part in content.parts.items() if key not in own})
        return {key: rows for key, rows in found.items() if rows}

    def contents(self, sources: Sequence[str]) -> dict[str, Content]:
        """Per source, what the store holds of it, summed up by variant."""
        with self.database.read() as connection:
            return reading.contents(connection, sources)

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Ask several things of one moment of the store."""
        with self.database.read() as connection:
            yield Look(connection)

    def snapshot(
        self,
        release: Release,
        sources: Sequence[str],
        human_sources: Sequence[str] = (),
        until: datetime | None = None,
    ) -> tuple[str, Evidence]:
        """Hash and evidence as of one moment: numbers computed from the one may be stored under the other."""
        with self.database.read() as connection:
            held = reading.contents(connection, sorted({*sources, *human_sources}))
            hash_ = reading.evidence_hash(connection, held, release, sources, human_sources, until)
            return hash_, reading.evidence(connection, release, sources, human_sources, until)

    def cut(self, release: Release, sources: Sequence[str], until: datetime) -> bool:
        """Whether ``until`` would leave out evidence of the release from these sources."""
        return reading.cuts(self.contents(sources), release, sources, until)

    # --- numbers ----------------------------------------------------------------------------------------------------

    def estimate(self, release_id: str, signal: str, evidence_hash: str, definition_hash: str) -> Numbers | None:
        """Stored numbers, None when they were not computed yet (or by a version with other fields)."""
        with self.look() as look:
            return look.estimate(release_id, signal, evidence_hash, definition_hash)

    def pair(self, release_id: str, signals: str, evidence_hash: str, definition_hash: str) -> PairNumbers | None:
        """Stored numbers of a pair of signals, as ``estimate``; ``signals`` names both in one text."""
        with self.look() as look:
            return look.pair(release_id, signals, evidence_hash, definition_hash)

    def explanation(self, release_id: str, evidence_hash: str, definition_hash: str) -> Explanation | None:
        """The explanation of a verdict that was kept last, when it is the one of these names."""
        with self.look() as look:
            return look.explanation(release_id, evidence_hash, definition_hash)

    def put_explanation(
        self, release_id: str, evidence_hash: str, definition_hash: str, explanation: Explanation
    ) -> None:
        """Keep the newest explanation of a release instead of the one before."""
        kept = tables.estimate
        with self.database.write(f"estimate {release_id} {EXPLANATION}") as connection:
            connection.execute(delete(kept).where(kept.c.release == release_id, kept.c.signal == EXPLANATION))
            connection.execute(
                insert(kept),
                {
                    "release": release_id,
                    "signal": EXPLANATION,
                    "evidence_hash": evidence_hash,
                    "definition_hash": definition_hash,
                    "numbers": numbers.dump(explanation),
                    "at": datetime.now(UTC),
                },
            )

    def put_estimate(
        self, release_id: str, signal: str, evidence_hash: str, definition_hash: str, computed: Numbers | PairNumbers
    ) -> None:
        """Keep numbers; what was kept under the same four names is replaced."""
        self.put_estimates([((release_id, signal, evidence_hash, definition_hash), computed)])

    def put_estimates(self, computed: Sequence[tuple[tuple[str, str, str, str], Numbers | PairNumbers]]) -> None:
        """Keep the numbers of several signals of one release: all of them or, when the store fails, none."""
        kept = upsert(tables.estimate, sqlite=self.database.sqlite)
        names = ("release", "signal", "evidence_hash", "definition_hash")
        rows = [
            dict(zip(names, key, strict=True), numbers=numbers.dump(one), at=datetime.now(UTC)) for key, one in computed
        ]
        new = {name: kept.excluded[name] for name in ("numbers", "at")}
        with self.database.write(f"estimate {rows[0]['release']}") as connection:
            connection.execute(kept.on_conflict_do_update(index_elements=list(names), set_=new), rows)

    # --- policies, verdicts, decisions ------------------------------------------------------------------------------

    def put_policy(self, policy_hash: str, name: str, text: str, note: str = "", by: str = "") -> None:
        """Keep the text of a policy version; the first time is an entry in the audit chain, later times do nothing."""
        known = select(tables.policy.c.hash).where(tables.policy.c.hash == policy_hash)
        with self.database.read() as connection:
            if connection.execute(known).first():
                return
        with self.database.write(audit.LOCK) as connection:
            versions.keep_text(connection, policy_hash, name, text, note, by)

    def policy_text(self, policy_hash: str) -> str | None:
        """The text of a policy version."""
        with self.database.read() as connection:
            return connection.execute(
                select(tables.policy.c.text).where(tables.policy.c.hash == policy_hash)
            ).scalar_one_or_none()

    def policy_hashes(self, start: str) -> tuple[str, ...]:
        """Hashes of the policy texts known to the store, of versions and of decisions, that begin with ``start``."""
        with self.database.read() as connection:
            column = tables.policy.c.hash
            found = connection.execute(select(column).where(column.startswith(start, autoescape=True)).order_by(column))
            return tuple(found.scalars())

    def versions(self) -> tuple[Version, ...]:
        """Saved versions of the policy, newest first."""
        with self.database.read() as connection:
            return versions.history(connection)

    @contextmanager
    def version_log(self) -> Iterator[VersionLog]:
        """The versions under the store's write lock; what is added counts when the block ends without an error."""
        with self.database.write(audit.LOCK) as connection:
            yield VersionLog(connection)

    def put_verdict(
        self,
        release_id: str,
        policy_hash: str,
        evidence_hash: str,
        call: str,
        body: str | Mapping[str, Any],
        as_of: datetime,
    ) -> str:
        """Keep a verdict (its JSON) and give its hash; the same verdict again does nothing."""
        text = body if isinstance(body, str) else canonical(body)
        hash_ = audit.text_hash(text)
        known = select(tables.verdict.c.hash).where(tables.verdict.c.hash == hash_)
        with self.database.read() as connection:
            if connection.execute(known).first():
                return hash_
        row = {
            "hash": hash_, "release": release_id, "policy_hash": policy_hash, "evidence_hash": evidence_hash,
            "call": call, "body": text, "as_of": as_of, "at": datetime.now(UTC),
        }  # fmt: skip
        kept = upsert(tables.verdict, sqlite=self.database.sqlite).values(row).on_conflict_do_nothing()
        with self.database.write(f"verdict {hash_}") as connection:
            connection.execute(kept)
        return hash_

    def verdict_text(self, verdict_hash: str) -> str | None:
        """The JSON of a stored verdict."""
        with self.database.read() as connection:
            return connection.execute(
                select(tables.verdict.c.body).where(tables.verdict.c.hash == verdict_hash)
            ).scalar_one_or_none()

    def verdicts_seen(self, hashes: Sequence[str]) -> dict[str, tuple[datetime, str]]:
        """Moment and evidence hash of stored verdicts, by their hash."""
        table, wanted = tables.verdict, sorted(set(hashes))
        found: dict[str, tuple[datetime, str]] = {}
        with self.database.read() as connection:
            for start in range(0, len(wanted), 500):  # a statement takes a limited number of values
                some = table.c.hash.in_(wanted[start : start + 500])
                rows = connection.execute(select(table.c.hash, table.c.as_of, table.c.evidence_hash).where(some))
                found |= {hash_: (as_of, evidence) for hash_, as_of, evidence in rows}
        return found

    def decide(self, decision: Decision, override: Override | None = None) -> Decision:
        """Record what people decided, and the override beside it, each with its entry in the audit chain.

        The number, the entry's hash and the override's ``decision`` are filled in here. A form that was recorded
        already (the same ``token``) records nothing and gives back what it recorded.

        Raises:
            SignalsError: When nobody is named, or no reason is given.
        """
        for value, what in ((decision.by, "who decided"), (decision.because, "a reason")):
            if not value.strip():
                raise SignalsError(f"a decision needs {what}", "Give --by WHO and --because TEXT")
        storable("a decision", decision.by, decision.because, decision.second)
        with self.database.write(audit.LOCK) as connection:
            return decisions.decide(connection, decision, override)

    def turn_out(self, outcome: DecisionOutcome) -> DecisionOutcome:
        """Record how a decision turned out, with its entry in the audit chain; of several the newest counts.

        Raises:
            SignalsError: When there is no such decision, nobody is named, or no evidence is given.
        """
        for value, what in ((outcome.by, "who says so"), (outcome.because, "the evidence")):
            if not value.strip():
                raise SignalsError(f"an outcome needs {what}", "Give --by WHO and --because TEXT")
        storable("an outcome", outcome.by, outcome.because)
        with self.database.write(audit.LOCK) as connection:
            return decisions.turn_out(connection, outcome)

    def decisions(self, release_id: str | None = None) -> tuple[Decision, ...]:
        """Decisions, newest first; of one release when named."""
        with self.database.read() as connection:
            return decisions.decisions(connection, release_id)

    def recorded(
        self, release_id: str | None = None
    ) -> tuple[tuple[Decision, ...], tuple[Override, ...], tuple[DecisionOutcome, ...]]:
        """Decisions, overrides and outcomes of one moment of the store, newest first; of one release when named."""
        with self.database.read() as connection:
            return (
                decisions.decisions(connection, release_id),
                decisions.overrides(connection, release_id),
                decisions.outcomes(connection, release_id),
            )

    def verify_audit(self, head: str = "") -> list[str]:
        """What does not fit in the audit chain and in what it vouches for, first bad row first; empty when all does.

        Args:
            head: Hash of an entry that somebody kept, or its beginning; the chain has to hold it.

        Raises:
            SignalsError: When ``head`` is no hash.
        """
        kept = verify.kept_head(head)
        with self.database.read() as connection:
            return verify.problems(connection, kept)

    def audit_head(self) -> str:
        """Hash of the newest entry of the audit chain: print it where it outlives the store."""
        with self.database.read() as connection:
            return audit.head(connection)


BETWEEN = "\x1f"
"""Between the controls of a release in their one column: the unit separator, which no name of a version holds."""


def _row(release: Release) -> dict[str, Any]:
    """A listed release as a row."""
    values = {name: value for name, value in release.__dict__.items() if name != "other_controls"}
    return {**values, "control": BETWEEN.join(release.controls), "listed": True}


def _release(row: Mapping[Any, Any]) -> Release:
    values = {name: value for name, value in row.items() if name != "listed"}
    control, *others = values.pop("control").split(BETWEEN)
    return Release(**values, control=control, other_controls=tuple(others))


def storable(what: str, *texts: str) -> None:
    """Refuse what neither database keeps as it is.

    Raises:
        SignalsError: A NUL character, or half of one that takes two.
    """
    for text in texts:
        if "\0" in text:
            raise SignalsError(f"{what} holds a NUL character", "Type the text again")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise SignalsError(f"{what} holds a character that is no character", "Type the text again") from None
