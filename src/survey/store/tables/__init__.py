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
    from survey.store.tables.accounts import *
    from survey.store.tables.evidence import *
    from survey.store.tables.evidence_releases import *
    from survey.store.tables.interviews import *
    from survey.store.tables.open_answers import *
    from survey.store.tables.operations import *
    from survey.store.tables.publications import *
    from survey.store.tables.registers import *
    from survey.store.tables.traders import *
    from survey.store.tables.venue_checks import *
    from survey.store.tables.waves import *

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
    "evidence_releases": ("EvidenceRelease",),
    "evidence": (
        "ComparativeTest",
        "ComparativeTestErratum",
        "MakerReply",
        "Problem",
        "ProblemEvidence",
        "ProductGrade",
        "ProductMeasurement",
        "ProductSample",
        "SamplePhoto",
    ),
    "interviews": (
        "BackCheck",
        "BackCheckDraw",
        "Invitation",
        "PaperKeying",
        "PaperPlan",
        "PaperSheet",
        "ParkedInterview",
        "Response",
        "ResponseContact",
        "ResponseFlag",
        "ResponseRevision",
        "ResponseRisk",
        "SurveyorNote",
    ),
    "open_answers": ("CodedAnswer", "CodingFrame", "CodingRound"),
    "operations": (
        "AuditEntry",
        "AuditHead",
        "AuditMember",
        "BackgroundRun",
        "ClosedMonth",
        "ComplaintAmount",
        "ComplaintCount",
        "ComplaintSummary",
        "ComplaintWeek",
        "Delivery",
        "DeliveryRevision",
        "ImportMapping",
        "ImportedFile",
        "OpinionCount",
        "PublishedTable",
        "ReviewRule",
        "SchemaFloor",
        "Snapshot",
    ),
    "publications": (
        "ExactRowRequest",
        "Publication",
        "PublicationDayChange",
        "PublicationErratum",
        "PublicationLogo",
        "PublicationKey",
        "PublicationOpening",
        "PublicationReader",
        "ReaderAnswerCount",
        "RowExport",
        "WaveStatement",
        "TransparencyCheckpoint",
        "TransparencyCosignature",
        "TransparencyEntry",
    ),
    "registers": ("BaseVisit", "ConsumerStation", "EducationActivity", "EducationBase", "RuleWork"),
    "traders": ("TraderHearing", "TraderList", "TraderRule", "TraderTotal"),
    "venue_checks": ("Photo", "VenueCheck", "VenueReply", "VenueRevisit", "VenueVisit"),
    "waves": (
        "AnswerArchive",
        "Assignment",
        "ChosenPeer",
        "City",
        "CityTarget",
        "IndicatorTreeVersion",
        "InstrumentVersion",
        "LeftOutCity",
        "ModeExperiment",
        "PointDraw",
        "Posting",
        "QuestionnairePicture",
        "QuotaCell",
        "QuotaMargin",
        "SamplingPoint",
        "Wave",
        "WavePlan",
        "WaveOverlap",
        "WaveRelease",
        "WaveRequest",
    ),
}
_MODULES = {table: module for module, tables in _TABLES_BY_MODULE.items() for table in tables}


def get_metadata() -> MetaData:
    """Import all tables and return the metadata that contains them."""
    for module in _TABLES_BY_MODULE:
        import_module(f"{__name__}.{module}")
    return SQLModel.metadata


if not TYPE_CHECKING:  # or a table that does not exist would have a type

    def __getattr__(name: str) -> Any:
        """Return a table's class by its name; its module is imported at that moment."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        table = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = table
        return table

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
