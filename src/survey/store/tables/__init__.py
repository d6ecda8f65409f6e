"""All tables. Times are UTC, ids UUIDv7, cities GB/T 2260 codes."""

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
from survey.store.tables.back_checks import BackCheck, BackCheckDraw, ResponseContact, SurveyorNote
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
from survey.store.tables.reference import ChosenPeer, City, IndicatorTreeVersion, InstrumentVersion
from survey.store.tables.venue_checks import Photo, VenueCheck, VenueReply, VenueRevisit, VenueVisit
from survey.store.tables.waves import (
    AnswerArchive,
    Assignment,
    QuotaCell,
    SamplingPoint,
    Wave,
    WaveRelease,
    WaveRequest,
)
