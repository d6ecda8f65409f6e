"""Every event of the audit trail: its stored action and the kind of thing it is about."""

from collections.abc import Mapping
from enum import StrEnum

from survey.store.tables.columns import Outcome, ProblemState, Status, WaveState


class SubjectKind(StrEnum):
    """Kind of object that an audit event is about; the values are stored."""

    ACCOUNT = "account"
    AUDIT = "audit"
    BACK_CHECK = "back_check"
    CITY = "city"
    COMPARATIVE_TEST = "comparative_test"
    CONTACT = "contact"
    DELIVERY = "delivery"
    EDUCATION_ACTIVITY = "education_activity"
    FILE = "file"
    IMPORT_MAPPING = "import_mapping"
    INDICATOR_TREE = "indicator_tree"
    INSTRUMENT = "instrument"
    INVITATION = "invitation"
    PAPER_SHEET = "paper_sheet"
    PARKED_INTERVIEW = "parked_interview"
    PHOTO = "photo"
    PLATFORM = "platform"
    PROBLEM = "problem"
    PUBLICATION = "publication"
    PUBLICATION_KEY = "publication_key"
    REGISTER_ENTRY = "register_entry"
    RESPONSE = "response"
    SAMPLING_POINT = "sampling_point"
    SHEET = "sheet"
    SNAPSHOT = "snapshot"
    STORE = "store"
    TRADER = "trader"
    WAVE = "wave"


class AuditEvent(StrEnum):
    """Event of the audit trail; the value is the stored action and never changes."""

    subject_kind: SubjectKind

    def __new__(cls, action: str, subject_kind: SubjectKind) -> "AuditEvent":
        """Create a member whose value is `action`, with the kind of its subject."""
        event = str.__new__(cls, action)
        event._value_ = action
        event.subject_kind = subject_kind
        return event

    @property
    def family(self) -> str:
        """First word of the action, by which the audit page filters."""
        return self.partition(".")[0]

    @property
    def is_reading(self) -> bool:
        """Whether the event records a sign-in, a view or a download, and no change of data."""
        return self.family in {"session", "view", "export"}

    SESSION_OPENED = "session.opened", SubjectKind.ACCOUNT
    SESSION_ENDED = "session.ended", SubjectKind.ACCOUNT
    SESSION_REFUSED = "session.refused", SubjectKind.ACCOUNT

    ACCOUNT_CREATED = "account.created", SubjectKind.ACCOUNT
    ACCOUNT_CHANGED = "account.changed", SubjectKind.ACCOUNT
    ACCOUNT_OPENED = "account.opened", SubjectKind.ACCOUNT
    ACCOUNT_CLOSED = "account.closed", SubjectKind.ACCOUNT
    ACCOUNT_LINK_MADE = "account.link_made", SubjectKind.ACCOUNT
    ACCOUNT_CODE_MADE = "account.code_made", SubjectKind.ACCOUNT
    ACCOUNT_PASSWORD_GIVEN = "account.password_given", SubjectKind.ACCOUNT
    ACCOUNT_PASSWORD_CHANGED = "account.password_changed", SubjectKind.ACCOUNT
    ACCOUNT_SECOND_FACTOR_BEGUN = "account.second_factor_begun", SubjectKind.ACCOUNT
    ACCOUNT_SECOND_FACTOR_SET = "account.second_factor_set", SubjectKind.ACCOUNT
    ACCOUNT_SECOND_FACTOR_REMOVED = "account.second_factor_removed", SubjectKind.ACCOUNT
    ACCOUNT_SECOND_FACTOR_RESET = "account.second_factor_reset", SubjectKind.ACCOUNT
    ACCOUNT_SECRETS_ENCRYPTED = "account.secrets_encrypted", SubjectKind.ACCOUNT
    ACCOUNT_RECOVERY_CODES_MADE = "account.recovery_codes_made", SubjectKind.ACCOUNT
    ACCOUNT_RECOVERY_CODE_USED = "account.recovery_code_used", SubjectKind.ACCOUNT
    ACCOUNT_SESSIONS_ENDED = "account.sessions_ended", SubjectKind.ACCOUNT
    ACCOUNT_API_KEY_MADE = "account.api_key_made", SubjectKind.ACCOUNT
    ACCOUNT_API_KEY_REVOKED = "account.api_key_revoked", SubjectKind.ACCOUNT
    ACCOUNT_OUTSIDE_LINKED = "account.outside_linked", SubjectKind.ACCOUNT

    VIEW_INTERVIEW = "view.interview", SubjectKind.RESPONSE
    VIEW_UNRELEASED = "view.unreleased", SubjectKind.WAVE
    VIEW_EARLY_RELEASE = "view.early_release", SubjectKind.PUBLICATION
    VIEW_CLOSED_RELEASE = "view.closed_release", SubjectKind.PUBLICATION
    VIEW_AUDIT = "view.audit", SubjectKind.AUDIT

    EXPORT_DOWNLOADED = "export.downloaded", SubjectKind.FILE
    EXPORT_REPORT = "export.report", SubjectKind.WAVE

    CITIES_STORED = "store_cities", SubjectKind.CITY

    PEERS_CHOSEN = "peers.chosen", SubjectKind.CITY
    PEERS_RESET = "peers.reset", SubjectKind.CITY

    INSTRUMENT_ADDED = "instrument.added", SubjectKind.INSTRUMENT

    TREE_ADDED = "tree.added", SubjectKind.INDICATOR_TREE

    WAVE_CREATED = "wave.created", SubjectKind.WAVE
    WAVE_CHANGED = "wave.changed", SubjectKind.WAVE
    WAVE_PLANNED = "wave.planned", SubjectKind.WAVE
    WAVE_POINTS_DRAWN = "wave.points_drawn", SubjectKind.WAVE
    WAVE_POINTS_DISCARDED = "wave.points_discarded", SubjectKind.WAVE
    WAVE_OVERLAP_DECLARED = "wave.overlap_declared", SubjectKind.WAVE
    WAVE_OVERLAP_WITHDRAWN = "wave.overlap_withdrawn", SubjectKind.WAVE
    WAVE_EXPERIMENT_DECLARED = "wave.experiment_declared", SubjectKind.WAVE
    WAVE_EXPERIMENT_WITHDRAWN = "wave.experiment_withdrawn", SubjectKind.WAVE
    WAVE_STAFFED = "wave.staffed", SubjectKind.WAVE
    WAVE_ONE_PERSON_REVIEW = "wave.one_person_review", SubjectKind.WAVE
    WAVE_CITY_LEFT_OUT = "wave.city_left_out", SubjectKind.WAVE
    WAVE_CITY_RESTORED = "wave.city_restored", SubjectKind.WAVE
    WAVE_REQUESTED = "wave.requested", SubjectKind.WAVE
    WAVE_REQUEST_WITHDRAWN = "wave.request_withdrawn", SubjectKind.WAVE
    WAVE_REQUEST_CONFIRMED = "wave.request_confirmed", SubjectKind.WAVE
    WAVE_OPEN = "wave.open", SubjectKind.WAVE
    WAVE_CLOSED = "wave.closed", SubjectKind.WAVE
    WAVE_FROZEN = "wave.frozen", SubjectKind.WAVE
    WAVE_SNAPSHOT = "wave.snapshot", SubjectKind.WAVE
    WAVE_RECOMPUTED = "wave.recomputed", SubjectKind.WAVE
    WAVE_INTERVALS_AUDITED = "wave.intervals_audited", SubjectKind.WAVE
    WAVE_RELEASED = "wave.released", SubjectKind.WAVE
    WAVE_RELEASE_REVOKED = "wave.release_revoked", SubjectKind.WAVE
    WAVE_ANSWERS_ARCHIVED = "wave.answers_archived", SubjectKind.WAVE
    WAVE_ANSWERS_RESTORED = "wave.answers_restored", SubjectKind.WAVE
    WAVE_STATEMENT_SAVED = "wave.statement_saved", SubjectKind.WAVE

    RELEASE_PLANNED = "release.planned", SubjectKind.PUBLICATION
    RELEASE_SIGNED = "release.signed", SubjectKind.PUBLICATION
    RELEASE_PUBLISHED = "release.published", SubjectKind.PUBLICATION
    RELEASE_RETRACTED = "release.retracted", SubjectKind.PUBLICATION
    RELEASE_DAY_CHANGED = "release.day_changed", SubjectKind.PUBLICATION
    RELEASE_OPENED = "release.opened", SubjectKind.PUBLICATION
    RELEASE_EVIDENCE_FILED = "release.evidence_filed", SubjectKind.PUBLICATION
    RELEASE_EVIDENCE_RETRACTED = "release.evidence_retracted", SubjectKind.PUBLICATION
    RELEASE_READER_LISTED = "release.reader_listed", SubjectKind.PUBLICATION
    RELEASE_READER_REMOVED = "release.reader_removed", SubjectKind.PUBLICATION
    RELEASE_KEY_REGISTERED = "release.key_registered", SubjectKind.PUBLICATION_KEY
    RELEASE_KEY_WITHDRAWN = "release.key_withdrawn", SubjectKind.PUBLICATION_KEY
    RELEASE_LOG_SIGNED = "release.log_signed", SubjectKind.PUBLICATION_KEY
    RELEASE_LOG_COSIGNED = "release.log_cosigned", SubjectKind.PUBLICATION_KEY

    PROBLEM_ADDED = "problem.added", SubjectKind.PROBLEM
    PROBLEM_CHANGED = "problem.changed", SubjectKind.PROBLEM
    PROBLEM_EVIDENCE_GIVEN = "problem.evidence_given", SubjectKind.PROBLEM
    PROBLEM_IN_PROGRESS = "problem.in_progress", SubjectKind.PROBLEM
    PROBLEM_DONE = "problem.done", SubjectKind.PROBLEM
    PROBLEM_ACCEPTED = "problem.accepted", SubjectKind.PROBLEM
    PROBLEM_REOPENED = "problem.reopened", SubjectKind.PROBLEM
    PROBLEM_WITHDRAWN = "problem.withdrawn", SubjectKind.PROBLEM
    EVIDENCE_DELIVERED = "evidence.delivered", SubjectKind.DELIVERY
    EVIDENCE_WITHDRAWN = "evidence.withdrawn", SubjectKind.DELIVERY
    EVIDENCE_MONTH_CLOSED = "evidence.month_closed", SubjectKind.DELIVERY

    TRADER_RULE_SET = "trader.rule_set", SubjectKind.TRADER
    TRADER_RULE_ENDED = "trader.rule_ended", SubjectKind.TRADER
    TRADER_LIST_KEPT = "trader.list_kept", SubjectKind.DELIVERY
    TRADER_JOIN_PROPOSED = "trader.join_proposed", SubjectKind.TRADER
    TRADER_JOINED = "trader.joined", SubjectKind.TRADER
    TRADER_PARTING_PROPOSED = "trader.parting_proposed", SubjectKind.TRADER
    TRADER_PARTED = "trader.parted", SubjectKind.TRADER
    TRADER_PROPOSAL_DROPPED = "trader.proposal_dropped", SubjectKind.TRADER
    TRADER_SENT = "trader.sent", SubjectKind.TRADER
    TRADER_REPLY_RECEIVED = "trader.reply_received", SubjectKind.TRADER
    TRADER_SIGNED = "trader.signed", SubjectKind.TRADER
    TRADER_NAMED = "trader.named", SubjectKind.TRADER
    TRADER_TAKEN_BACK = "trader.taken_back", SubjectKind.TRADER

    SNAPSHOT_SEALED = "snapshot.sealed", SubjectKind.SNAPSHOT

    POINT_CHANGED = "point.changed", SubjectKind.SAMPLING_POINT
    POINT_STAFFED = "point.staffed", SubjectKind.SAMPLING_POINT

    QUOTA_CHANGED = "quota.changed", SubjectKind.WAVE
    QUOTA_POLICY_SET = "quota.policy_set", SubjectKind.WAVE

    INVITATION_ISSUED = "invitation.issued", SubjectKind.INVITATION
    INVITATION_OPENED = "invitation.opened", SubjectKind.INVITATION
    INVITATION_REFUSED_ELSEWHERE = "invitation.refused_elsewhere", SubjectKind.INVITATION

    SHEET_ISSUED = "sheet.issued", SubjectKind.SHEET
    SHEET_VOIDED = "sheet.voided", SubjectKind.SHEET

    RESPONSE_SUBMITTED = "response.submitted", SubjectKind.RESPONSE
    RESPONSE_CORRECTED = "response.corrected", SubjectKind.RESPONSE
    RESPONSE_RETURNED = "response.returned", SubjectKind.RESPONSE
    RESPONSE_CITY_APPROVED = "response.city_approved", SubjectKind.RESPONSE
    RESPONSE_APPROVED = "response.approved", SubjectKind.RESPONSE
    RESPONSE_FROZEN = "response.frozen", SubjectKind.RESPONSE
    RESPONSE_SCREENED_OUT = "response.screened_out", SubjectKind.RESPONSE
    RESPONSE_REFUSED = "response.refused", SubjectKind.RESPONSE
    RESPONSE_QUOTA_FULL = "response.quota_full", SubjectKind.RESPONSE
    RESPONSE_VOID = "response.void", SubjectKind.RESPONSE
    RESPONSE_WITHDRAWN = "response.withdrawn", SubjectKind.RESPONSE
    RESPONSE_REPLAYED_WITH_OTHER_CONTENT = (
        "response.replayed_with_other_content",
        SubjectKind.RESPONSE,
    )

    RESPONSE_UNDONE = "response.undone", SubjectKind.RESPONSE

    RESPONSES_CITY_APPROVED = "responses.city_approved", SubjectKind.WAVE
    RESPONSES_APPROVED = "responses.approved", SubjectKind.WAVE
    RESPONSES_RETURNED = "responses.returned", SubjectKind.WAVE
    RESPONSES_VOID = "responses.void", SubjectKind.WAVE
    RESPONSES_SUBMITTED = "responses.submitted", SubjectKind.WAVE
    RESPONSES_UNDONE = "responses.undone", SubjectKind.WAVE
    RESPONSES_IMPORTED = "responses.imported", SubjectKind.WAVE
    RESPONSES_SEALED = "responses.sealed", SubjectKind.WAVE

    PARKED_KEPT = "parked.kept", SubjectKind.PARKED_INTERVIEW
    PARKED_ACCEPTED = "parked.accepted", SubjectKind.PARKED_INTERVIEW
    PARKED_DISCARDED = "parked.discarded", SubjectKind.PARKED_INTERVIEW
    PARKED_WITHDRAWN = "parked.withdrawn", SubjectKind.PARKED_INTERVIEW

    MAPPING_SAVED = "mapping.saved", SubjectKind.IMPORT_MAPPING
    MAPPING_REPLACED = "mapping.replaced", SubjectKind.IMPORT_MAPPING

    PAPER_KEYED = "paper.keyed", SubjectKind.PAPER_SHEET
    PAPER_KEYED_DIFFERENTLY = "paper.keyed_differently", SubjectKind.PAPER_SHEET
    PAPER_SETTLED = "paper.settled", SubjectKind.PAPER_SHEET
    PAPER_SHARE_CHANGED = "paper.share_changed", SubjectKind.WAVE
    PAPER_REPLAYED_WITH_OTHER_CONTENT = "paper.replayed_with_other_content", SubjectKind.PAPER_SHEET

    QUALITY_ASSESSED = "quality.assessed", SubjectKind.WAVE

    CODING_FRAME_SAVED = "coding.frame_saved", SubjectKind.INSTRUMENT
    CODING_DRAWN = "coding.drawn", SubjectKind.WAVE
    CODING_CODED = "coding.coded", SubjectKind.RESPONSE
    CODING_SETTLED = "coding.settled", SubjectKind.RESPONSE
    CODING_BLACKED_OUT = "coding.blacked_out", SubjectKind.RESPONSE
    CODING_COMPUTED = "coding.computed", SubjectKind.WAVE

    BACK_CHECK_DRAWN = "back_check.drawn", SubjectKind.WAVE
    BACK_CHECK_REACHED = "back_check.reached", SubjectKind.BACK_CHECK
    BACK_CHECK_NOT_REACHED = "back_check.not_reached", SubjectKind.BACK_CHECK
    BACK_CHECK_REFUSED = "back_check.refused", SubjectKind.BACK_CHECK
    BACK_CHECK_NEVER_INTERVIEWED = "back_check.never_interviewed", SubjectKind.BACK_CHECK

    SURVEYOR_RETRAIN = "surveyor.retrain", SubjectKind.ACCOUNT

    CONTACT_LEFT = "contact.left", SubjectKind.CONTACT
    CONTACT_READ = "contact.read", SubjectKind.BACK_CHECK
    CONTACT_KEYS_ROTATED = "contact.keys_rotated", SubjectKind.CONTACT

    ROWS_EXPORTED = "rows.exported", SubjectKind.WAVE
    ROWS_REFUSED = "rows.refused", SubjectKind.WAVE
    ROWS_SETTLED = "rows.settled", SubjectKind.WAVE
    ROWS_PREPARED = "rows.prepared", SubjectKind.SNAPSHOT
    ROWS_EXACT_REQUESTED = "rows.exact_requested", SubjectKind.WAVE
    ROWS_EXACT_APPROVED = "rows.exact_approved", SubjectKind.WAVE
    ROWS_EXACT_REFUSED = "rows.exact_refused", SubjectKind.WAVE
    ROWS_EXACT_EXPORTED = "rows.exact_exported", SubjectKind.WAVE

    PRODUCT_TEST_PLANNED = "product_test.planned", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_CHANGED = "product_test.changed", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_RULES_SET = "product_test.rules_set", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_SAMPLES_ADDED = "product_test.samples_added", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_SAMPLES_REMOVED = "product_test.samples_removed", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_PHOTO_ADDED = "product_test.photo_added", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_PHOTO_WITHDRAWN = ("product_test.photo_withdrawn", SubjectKind.COMPARATIVE_TEST)
    PRODUCT_TEST_VALUES_ADDED = "product_test.values_added", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_ADVANCED = "product_test.advanced", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_SENT_TO_MAKERS = "product_test.sent_to_makers", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_REPLY_RECEIVED = "product_test.reply_received", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_PARTNER_APPROVED = ("product_test.partner_approved", SubjectKind.COMPARATIVE_TEST)
    PRODUCT_TEST_REFERRAL_MADE = "product_test.referral_made", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_SIGNED = "product_test.signed", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_RELEASED = "product_test.released", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_ERRATUM_PROPOSED = "product_test.erratum_proposed", SubjectKind.COMPARATIVE_TEST
    PRODUCT_TEST_ERRATUM_CONFIRMED = "product_test.erratum_confirmed", SubjectKind.COMPARATIVE_TEST

    EDUCATION_ADDED = "education.added", SubjectKind.EDUCATION_ACTIVITY
    EDUCATION_CHANGED = "education.changed", SubjectKind.EDUCATION_ACTIVITY
    EDUCATION_TAKEN_OUT = "education.taken_out", SubjectKind.EDUCATION_ACTIVITY
    REGISTER_ADDED = "register.added", SubjectKind.REGISTER_ENTRY
    REGISTER_CHANGED = "register.changed", SubjectKind.REGISTER_ENTRY
    REGISTER_TAKEN_OUT = "register.taken_out", SubjectKind.REGISTER_ENTRY

    PHOTO_RECEIVED = "photo.received", SubjectKind.PHOTO

    VENUE_CHECK_PLANNED = "venue_check.planned", SubjectKind.WAVE
    VENUE_CHECK_VENUES_DRAWN = "venue_check.venues_drawn", SubjectKind.WAVE
    VENUE_CHECK_OBSERVERS_ASSIGNED = "venue_check.observers_assigned", SubjectKind.WAVE
    VENUE_CHECK_RELEASED = "venue_check.released", SubjectKind.WAVE
    VENUE_CHECK_SHEET_MADE = "venue_check.sheet_made", SubjectKind.WAVE
    VENUE_CHECK_SENT = "venue_check.sent", SubjectKind.WAVE
    VENUE_CHECK_REPLY_RECEIVED = "venue_check.reply_received", SubjectKind.SAMPLING_POINT
    VENUE_CHECK_REVISIT_ORDERED = "venue_check.revisit_ordered", SubjectKind.SAMPLING_POINT
    VENUE_CHECK_CONTROL_DRAWN = "venue_check.control_drawn", SubjectKind.WAVE
    VENUE_CHECK_REVISIT_WAIVED = "venue_check.revisit_waived", SubjectKind.SAMPLING_POINT

    RETENTION_RUN = "retention.run", SubjectKind.PLATFORM

    STORE_BACKED_UP = "store.backed_up", SubjectKind.STORE
    STORE_BACKUP_CHECKED = "store.backup_checked", SubjectKind.STORE
    STORE_RESTORED = "store.restored", SubjectKind.STORE

    AUDIT_VERIFIED = "audit.verified", SubjectKind.AUDIT
    AUDIT_ADOPTED = "audit.adopted", SubjectKind.AUDIT
    AUDIT_TRIMMED = "audit.trimmed", SubjectKind.AUDIT

    DEMO_ACCOUNTS = "demo.accounts", SubjectKind.ACCOUNT
    DEMO_RESPONSES = "demo.responses", SubjectKind.WAVE


_STATE_PREFIXES: Mapping[type[StrEnum], str] = {
    Status: "RESPONSE",
    WaveState: "WAVE",
    ProblemState: "PROBLEM",
    Outcome: "BACK_CHECK",
}


def state_event(to: Status | WaveState | ProblemState | Outcome) -> AuditEvent:
    """Return the event recorded when an interview, wave, problem or back-check gets a state."""
    return AuditEvent[f"{_STATE_PREFIXES[type(to)]}_{to.name}"]


def bulk_event(to: Status) -> AuditEvent:
    """Return the event recorded when many interviews together move to a state."""
    return AuditEvent[f"RESPONSES_{to.name}"]


RESPONSE_TRANSITION_EVENTS = frozenset(
    {
        *(state_event(status) for status in Status if status is not Status.DRAFT),
        AuditEvent.RESPONSE_CORRECTED,
        AuditEvent.RESPONSE_UNDONE,
        AuditEvent.RESPONSE_WITHDRAWN,
    }
)
"""Events after which one interview stands elsewhere, or with other answers."""
EVENTS_OF_MANY = frozenset(
    {
        AuditEvent.RESPONSES_CITY_APPROVED,
        AuditEvent.RESPONSES_APPROVED,
        AuditEvent.RESPONSES_RETURNED,
        AuditEvent.RESPONSES_VOID,
        AuditEvent.RESPONSES_SUBMITTED,
        AuditEvent.RESPONSES_UNDONE,
    }
)
"""Events of entries that name many interviews as their members."""
