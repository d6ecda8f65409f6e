"""All tables. Times are UTC, ids UUIDv7, cities GB/T 2260 codes."""

from survey.store.tables.accounts import Account, LoginSession
from survey.store.tables.audit_and_snapshots import AuditEntry, AuditHead, Snapshot
from survey.store.tables.back_checks import BackCheck, BackCheckDraw, ResponseContact, SurveyorNote
from survey.store.tables.columns import (
    AnyRow,
    JsonDocument,
    UtcDateTime,
    new_id,
    now,
    revision_join,
    table_of,
)
from survey.store.tables.credentials import (
    Credential,
    OutsideIdentity,
    RecoveryCode,
    SetupLink,
    SignInCode,
    SignInStep,
    SignInTries,
)
from survey.store.tables.enums import (
    Channel,
    ChosenBy,
    Decision,
    Mode,
    Outcome,
    PointKind,
    SheetState,
    Shown,
    Status,
    WaveState,
)
from survey.store.tables.exports import ExactRowRequest, RowExport
from survey.store.tables.imports import ImportedFile, ImportMapping
from survey.store.tables.interviews import (
    Invitation,
    Response,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
)
from survey.store.tables.operations import BackgroundRun, ReviewRule, SchemaFloor
from survey.store.tables.paper import PaperKeying, PaperPlan, PaperSheet
from survey.store.tables.planning import (
    CityTarget,
    PointDraw,
    Posting,
    QuotaMargin,
    WavePlan,
)
from survey.store.tables.reference import City, IndicatorTreeVersion, InstrumentVersion
from survey.store.tables.waves import Assignment, QuotaCell, SamplingPoint, Wave, WaveRelease

__all__ = [
    "Account",
    "AnyRow",
    "Assignment",
    "AuditEntry",
    "AuditHead",
    "BackCheck",
    "BackCheckDraw",
    "BackgroundRun",
    "Channel",
    "ChosenBy",
    "City",
    "CityTarget",
    "Credential",
    "Decision",
    "ExactRowRequest",
    "ImportMapping",
    "ImportedFile",
    "IndicatorTreeVersion",
    "InstrumentVersion",
    "Invitation",
    "JsonDocument",
    "LoginSession",
    "Mode",
    "Outcome",
    "OutsideIdentity",
    "PaperKeying",
    "PaperPlan",
    "PaperSheet",
    "PointDraw",
    "PointKind",
    "Posting",
    "QuotaCell",
    "QuotaMargin",
    "RecoveryCode",
    "Response",
    "ResponseContact",
    "ResponseFlag",
    "ResponseRevision",
    "ResponseRisk",
    "ReviewRule",
    "RowExport",
    "SamplingPoint",
    "SchemaFloor",
    "SetupLink",
    "SheetState",
    "Shown",
    "SignInCode",
    "SignInStep",
    "SignInTries",
    "Snapshot",
    "Status",
    "SurveyorNote",
    "UtcDateTime",
    "Wave",
    "WavePlan",
    "WaveRelease",
    "WaveState",
    "new_id",
    "now",
    "revision_join",
    "table_of",
]
