"""Evidence kept: tables, migrations, queries, and the audit chain. The only place that imports SQLAlchemy."""

from signals.store.report import PulledMeanwhileError, PullReport, StoreError, Tally
from signals.store.store import Store, open_store
from signals.store.versions import Version, VersionLog

__all__ = ["PullReport", "PulledMeanwhileError", "Store", "StoreError", "Tally", "Version", "VersionLog", "open_store"]
