"""Every table of the product. Times are UTC, ids UUIDv7, cities GB/T 2260 codes."""

from survey.store.tables.columns import JsonDocument, UtcDateTime, new_id, now
from survey.store.tables.imports import ImportedFile, ImportMapping
from survey.store.tables.interviews import (
    Invitation,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
)
from survey.store.tables.kinds import Mode, PointKind, Status, WaveState
from survey.store.tables.people import Account, LoginSession
from survey.store.tables.records import AuditEntry, Snapshot
from survey.store.tables.reference import City, IndicatorTreeVersion, InstrumentVersion
from survey.store.tables.waves import Assignment, QuotaCell, SamplingPoint, Wave

__all__ = [
    "Account",
    "Assignment",
    "AuditEntry",
    "City",
    "ImportMapping",
    "ImportedFile",
    "IndicatorTreeVersion",
    "InstrumentVersion",
    "Invitation",
    "JsonDocument",
    "LoginSession",
    "Mode",
    "PointKind",
    "QuotaCell",
    "Response",
    "ResponseFlag",
    "ResponseRevision",
    "ResponseRisk",
    "SamplingPoint",
    "Snapshot",
    "Status",
    "UtcDateTime",
    "Wave",
    "WaveState",
    "new_id",
    "now",
]
