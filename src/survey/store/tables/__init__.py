"""All tables. Times are UTC, ids UUIDv7, cities GB/T 2260 codes.

A module of tables is imported when one of its tables is asked for: a command that needs ten of the
tables would otherwise spend a tenth of a second on making all of them. A module imports those that
its foreign keys refer to. What needs every table calls `get_metadata`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from survey.store.tables.columns import (
    AnyRow,
    Channel,
    ChosenBy,
    ComparativeTestState,
    Decision,
    DeliveryKind,
    EvidenceKind,
    JsonDocument,
    KeyScope,
    MeasurementRound,
    Mode,
    Outcome,
    ParkingDecision,
    ParkingReason,
    PointKind,
    ProblemBasis,
    ProblemState,
    PublicationState,
    ReplyStance,
    SheetState,
    Shown,
    Status,
    StudyUnit,
    UtcDateTime,
    WaveAct,
    WaveState,
    new_id,
    now,
    revision_join,
    table_of,
)

if TYPE_CHECKING:
    from survey.store.tables.accounts import (
        Account,
        ApiKey,
        Credential,
        LoginSession,
        OutsideIdentity,
        RecoveryCode,
        SetupLink,
        SignInCode,
        SignInStep,
        SignInTries,
    )
    from survey.store.tables.audit_and_snapshots import AuditEntry, AuditHead, AuditMember, Snapshot
    from survey.store.tables.back_checks import (
        BackCheck,
        BackCheckDraw,
        ResponseContact,
        SurveyorNote,
    )
    from survey.store.tables.comparative_tests import (
        ComparativeTest,
        ComparativeTestErratum,
        MakerReply,
        ProductGrade,
        ProductMeasurement,
        ProductSample,
    )
    from survey.store.tables.deliveries import (
        ComplaintCount,
        ComplaintSummary,
        Delivery,
        DeliveryRevision,
        OpinionCount,
    )
    from survey.store.tables.education import EducationActivity
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
    from survey.store.tables.parking import ParkedInterview
    from survey.store.tables.planning import (
        CityTarget,
        LeftOutCity,
        PointDraw,
        Posting,
        QuotaMargin,
        WavePlan,
    )
    from survey.store.tables.problems import Problem, ProblemEvidence
    from survey.store.tables.publications import (
        Publication,
        PublicationErratum,
        PublicationKey,
        PublicationReader,
    )
    from survey.store.tables.reference import (
        ChosenPeer,
        City,
        IndicatorTreeVersion,
        InstrumentVersion,
    )
    from survey.store.tables.venue_checks import (
        Photo,
        VenueCheck,
        VenueReply,
        VenueRevisit,
        VenueVisit,
    )
    from survey.store.tables.waves import (
        AnswerArchive,
        Assignment,
        QuotaCell,
        SamplingPoint,
        Wave,
        WaveRelease,
        WaveRequest,
    )

_TABLES_BY_MODULE = {
    "accounts": (
        "Account",
        "ApiKey",
        "Credential",
        "LoginSession",
        "OutsideIdentity",
        "RecoveryCode",
        "SetupLink",
        "SignInCode",
        "SignInStep",
        "SignInTries",
    ),
    "audit_and_snapshots": ("AuditEntry", "AuditHead", "AuditMember", "Snapshot"),
    "back_checks": ("BackCheck", "BackCheckDraw", "ResponseContact", "SurveyorNote"),
    "comparative_tests": (
        "ComparativeTest",
        "ComparativeTestErratum",
        "MakerReply",
        "ProductGrade",
        "ProductMeasurement",
        "ProductSample",
    ),
    "deliveries": (
        "ComplaintCount",
        "ComplaintSummary",
        "Delivery",
        "DeliveryRevision",
        "OpinionCount",
    ),
    "education": ("EducationActivity",),
    "exports": ("ExactRowRequest", "RowExport"),
    "imports": ("ImportedFile", "ImportMapping"),
    "interviews": ("Invitation", "Response", "ResponseFlag", "ResponseRevision", "ResponseRisk"),
    "operations": ("BackgroundRun", "ReviewRule", "SchemaFloor"),
    "paper": ("PaperKeying", "PaperPlan", "PaperSheet"),
    "parking": ("ParkedInterview",),
    "planning": ("CityTarget", "LeftOutCity", "PointDraw", "Posting", "QuotaMargin", "WavePlan"),
    "problems": ("Problem", "ProblemEvidence"),
    "publications": ("Publication", "PublicationErratum", "PublicationKey", "PublicationReader"),
    "reference": ("ChosenPeer", "City", "IndicatorTreeVersion", "InstrumentVersion"),
    "venue_checks": ("Photo", "VenueCheck", "VenueReply", "VenueRevisit", "VenueVisit"),
    "waves": (
        "AnswerArchive",
        "Assignment",
        "QuotaCell",
        "SamplingPoint",
        "Wave",
        "WaveRelease",
        "WaveRequest",
    ),
}
_MODULES = {table: module for module, tables in _TABLES_BY_MODULE.items() for table in tables}


def get_metadata() -> MetaData:
    """Return the metadata of the database, in which every table is."""
    for module in _TABLES_BY_MODULE:
        import_module(f"{__name__}.{module}")
    return SQLModel.metadata


if not TYPE_CHECKING:  # or a table that does not exist would have a type

    def __getattr__(name: str) -> Any:
        """Return a table, whose module is imported now."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        table = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = table
        return table

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
