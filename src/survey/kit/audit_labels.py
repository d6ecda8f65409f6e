"""Entries of the audit trail as text: names of events, subjects and details.

An unknown code is shown as it is.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from survey.access.audit_queries import TrailEntry
from survey.access.principal import OPERATOR
from survey.kit.audit_detail_names import FIELD_NAMES, TYPED_FIELDS, VALUE_NAMES
from survey.locale import Message, Translator, msg
from survey.rectification.problem_records import PROBLEM_TRANSITIONS
from survey.rectification.problem_records import STATE_NAMES as PROBLEM_STATE_NAMES
from survey.review.back_check.call_list import OUTCOME_NAMES
from survey.store.audit_events import AuditEvent, SubjectKind, bulk_event, state_event
from survey.store.china_time import format_china_minute, format_day
from survey.waves.lifecycle import STATUS_NAMES, TRANSITIONS, UNDOABLE
from survey.waves.waves import STATE_NAMES, WAVE_TRANSITIONS

_SHORT_ID = 8
_SINGLETON_SUBJECTS = frozenset(
    {SubjectKind.AUDIT, SubjectKind.CITY, SubjectKind.PLATFORM, SubjectKind.STORE}
)
"""Subjects of which there is only one, so that their id says nothing."""
_OMITTED_FIELDS = frozenset({"from", "to", "by", "hash", "members", "snapshot"})
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}($|T\d{2}:\d{2}.*(Z|[+-]\d{2}:\d{2})$)")
_CHECKSUM = "sha256"
"""How names end. Both are shown elsewhere or of use to programs only; the files hold them all."""


def _build_move_label(state: Message) -> Message:
    return msg("Moved to: {state}", state=state)


def _build_bulk_move_label(state: Message) -> Message:
    return msg("Many together moved to: {state}", state=state)


EVENT_FAMILY_NAMES: Mapping[str, Message] = {
    "session": msg("Signing in and out"),
    "account": msg("Accounts"),
    "view": msg("Looking at restricted pages"),
    "export": msg("Downloads"),
    "wave": msg("Waves"),
    "release": msg("Releases"),
    "product_test": msg("Comparative tests"),
    "venue_check": msg("Experience checks"),
    "photo": msg("Photos"),
    "education": msg("Consumer education"),
    "register": msg("Registers"),
    "response": msg("Responses"),
    "responses": msg("Many interviews at once"),
    "parked": msg("Late interviews"),
    "invitation": msg("Links"),
    "sheet": msg("Sheets of codes"),
    "paper": msg("Paper questionnaires"),
    "quota": msg("Quotas"),
    "quality": msg("Quality"),
    "back_check": msg("Back-checks"),
    "coding": msg("Open answers"),
    "contact": msg("Telephone numbers"),
    "point": msg("Sampling points"),
    "surveyor": msg("Surveyors"),
    "mapping": msg("Column mappings"),
    "rows": msg("Single interviews taken out"),
    "retention": msg("Deletion by schedule"),
    "snapshot": msg("Snapshots"),
    "store": msg("Backups"),
    "tree": msg("Indicator trees"),
    "evidence": msg("Outside data"),
    "trader": msg("Traders in complaints"),
    "instrument": msg("Questionnaires"),
    "peers": msg("Cities to compare with"),
    "problem": msg("Problem lists"),
    "audit": msg("The audit trail itself"),
}
EVENT_NAMES: Mapping[str, Message] = {
    **{state_event(to): _build_move_label(STATUS_NAMES[to]) for _, to in TRANSITIONS},
    **{bulk_event(to): _build_bulk_move_label(STATUS_NAMES[to]) for _, to in UNDOABLE},
    AuditEvent.RESPONSE_UNDONE: msg("Undid the own decision"),
    AuditEvent.RESPONSES_UNDONE: msg("Undid the own decision on many"),
    **{
        state_event(to): _build_move_label(STATE_NAMES[to])
        for states in WAVE_TRANSITIONS.values()
        for to in states
    },
    AuditEvent.SESSION_OPENED: msg("Signed in"),
    AuditEvent.SESSION_ENDED: msg("Signed out"),
    AuditEvent.SESSION_REFUSED: msg("Was not let in"),
    AuditEvent.ACCOUNT_CREATED: msg("Made the account"),
    AuditEvent.ACCOUNT_CHANGED: msg("Changed the account"),
    AuditEvent.ACCOUNT_OPENED: msg("Opened the account again"),
    AuditEvent.ACCOUNT_CLOSED: msg("Closed the account"),
    AuditEvent.ACCOUNT_LINK_MADE: msg("Made a setup link"),
    AuditEvent.ACCOUNT_CODE_MADE: msg("Printed a sign-in code"),
    AuditEvent.ACCOUNT_PASSWORD_GIVEN: msg("Set a password for somebody"),
    AuditEvent.ACCOUNT_PASSWORD_CHANGED: msg("Chose a password"),
    AuditEvent.ACCOUNT_SECOND_FACTOR_BEGUN: msg("Began to set up the second factor"),
    AuditEvent.ACCOUNT_SECOND_FACTOR_SET: msg("Set up the second factor"),
    AuditEvent.ACCOUNT_SECOND_FACTOR_REMOVED: msg("Gave up the second factor"),
    AuditEvent.ACCOUNT_SECOND_FACTOR_RESET: msg("Reset somebody's second factor"),
    AuditEvent.ACCOUNT_SECRETS_ENCRYPTED: msg("Encrypted the secrets of second factors"),
    AuditEvent.ACCOUNT_RECOVERY_CODES_MADE: msg("Drew new recovery codes"),
    AuditEvent.ACCOUNT_RECOVERY_CODE_USED: msg("Used a recovery code"),
    AuditEvent.ACCOUNT_SESSIONS_ENDED: msg("Ended all sessions"),
    AuditEvent.ACCOUNT_API_KEY_MADE: msg("Key for programs made"),
    AuditEvent.ACCOUNT_API_KEY_REVOKED: msg("Key for programs withdrawn"),
    AuditEvent.ACCOUNT_OUTSIDE_LINKED: msg("Linked an outside identity"),
    AuditEvent.VIEW_INTERVIEW: msg("Looked at an interview"),
    AuditEvent.VIEW_UNRELEASED: msg("Looked at results before their release"),
    AuditEvent.VIEW_AUDIT: msg("Looked at the audit trail"),
    AuditEvent.EXPORT_DOWNLOADED: msg("Downloaded a file"),
    AuditEvent.EXPORT_REPORT: msg("Made a report"),
    AuditEvent.WAVE_CREATED: msg("Created the wave"),
    AuditEvent.WAVE_CHANGED: msg("Changed the wave"),
    AuditEvent.WAVE_PLANNED: msg("Saved the sample"),
    AuditEvent.WAVE_POINTS_DRAWN: msg("Drew sampling points"),
    AuditEvent.WAVE_POINTS_DISCARDED: msg("Took sampling points back"),
    AuditEvent.WAVE_OVERLAP_DECLARED: msg("Declared an overlap with the earlier questionnaire"),
    AuditEvent.WAVE_OVERLAP_WITHDRAWN: msg("Withdrew the overlap"),
    AuditEvent.WAVE_EXPERIMENT_DECLARED: msg("Declared a mode experiment"),
    AuditEvent.WAVE_EXPERIMENT_WITHDRAWN: msg("Withdrew the mode experiment"),
    AuditEvent.WAVE_STAFFED: msg("Assigned people to points"),
    AuditEvent.WAVE_REQUESTED: msg("Requested a step of the wave"),
    AuditEvent.WAVE_REQUEST_WITHDRAWN: msg("Withdrew a request for the wave"),
    AuditEvent.WAVE_REQUEST_CONFIRMED: msg("Confirmed a step of the wave"),
    AuditEvent.WAVE_CITY_LEFT_OUT: msg("Left a city out of the wave"),
    AuditEvent.WAVE_CITY_RESTORED: msg("Counted a city of the wave in again"),
    AuditEvent.WAVE_SNAPSHOT: msg("Froze the answers"),
    AuditEvent.WAVE_RELEASED: msg("Released the results"),
    AuditEvent.WAVE_RELEASE_REVOKED: msg("Took the release back"),
    AuditEvent.WAVE_ANSWERS_ARCHIVED: msg("Archived the answers of the wave"),
    AuditEvent.WAVE_ANSWERS_RESTORED: msg("Restored the answers of the wave"),
    AuditEvent.WAVE_RECOMPUTED: msg("Computed the tables anew"),
    AuditEvent.TREE_ADDED: msg("Added an indicator tree"),
    AuditEvent.INSTRUMENT_ADDED: msg("Added a questionnaire"),
    AuditEvent.WAVE_INTERVALS_AUDITED: msg("Audited what published counts tell"),
    AuditEvent.EVIDENCE_DELIVERED: msg("Delivered outside data"),
    AuditEvent.EVIDENCE_WITHDRAWN: msg("Withdrew outside data"),
    AuditEvent.EVIDENCE_MONTH_CLOSED: msg("Closed a month of complaints"),
    AuditEvent.TRADER_RULE_SET: msg("Set the rule on traders"),
    AuditEvent.TRADER_RULE_ENDED: msg("Ended the rule on traders"),
    AuditEvent.TRADER_LIST_KEPT: msg("Kept totals by name of a list of single complaints"),
    AuditEvent.TRADER_JOIN_PROPOSED: msg("Proposed to join two names"),
    AuditEvent.TRADER_JOINED: msg("Joined two names"),
    AuditEvent.TRADER_PARTING_PROPOSED: msg("Proposed to part two names"),
    AuditEvent.TRADER_PARTED: msg("Parted two names"),
    AuditEvent.TRADER_PROPOSAL_DROPPED: msg("Dropped a proposal about two names"),
    AuditEvent.TRADER_SENT: msg("Sent a trader its figures"),
    AuditEvent.TRADER_REPLY_RECEIVED: msg("Recorded the answer of a trader"),
    AuditEvent.TRADER_SIGNED: msg("Signed to name a trader"),
    AuditEvent.TRADER_NAMED: msg("Named a trader"),
    AuditEvent.TRADER_TAKEN_BACK: msg("Took back the naming or hearing of a trader"),
    AuditEvent.SNAPSHOT_SEALED: msg("Hashes of the files of a snapshot"),
    AuditEvent.WAVE_ONE_PERSON_REVIEW: msg("Set how many people approve"),
    AuditEvent.RESPONSE_SUBMITTED: msg("Handed in"),
    AuditEvent.RESPONSE_CORRECTED: msg("Corrected the answers"),
    AuditEvent.PARKED_KEPT: msg("Kept a late interview for a decision"),
    AuditEvent.PARKED_ACCEPTED: msg("Accepted a late interview into review"),
    AuditEvent.PARKED_DISCARDED: msg("Discarded a late interview"),
    AuditEvent.PARKED_WITHDRAWN: msg("A respondent withdrew a late interview"),
    AuditEvent.RESPONSES_SEALED: msg("Hashes of stored answers"),
    AuditEvent.RESPONSE_REPLAYED_WITH_OTHER_CONTENT: msg("Sent again with other content"),
    AuditEvent.RESPONSE_WITHDRAWN: msg("Withdrawn by the respondent"),
    AuditEvent.RESPONSES_IMPORTED: msg("Imported interviews"),
    AuditEvent.INVITATION_ISSUED: msg("Gave out a link"),
    AuditEvent.INVITATION_OPENED: msg("Opened a link"),
    AuditEvent.INVITATION_REFUSED_ELSEWHERE: msg("Another device was refused"),
    AuditEvent.SHEET_ISSUED: msg("Printed a sheet of codes"),
    AuditEvent.SHEET_VOIDED: msg("Took back a sheet of codes"),
    AuditEvent.PAPER_KEYED: msg("Keyed a paper questionnaire"),
    AuditEvent.PAPER_KEYED_DIFFERENTLY: msg("Two keyings differ"),
    AuditEvent.PAPER_SETTLED: msg("Settled two keyings"),
    AuditEvent.PAPER_SHARE_CHANGED: msg("Changed the share keyed twice"),
    AuditEvent.PAPER_REPLAYED_WITH_OTHER_CONTENT: msg("Sent again with other content"),
    AuditEvent.QUOTA_CHANGED: msg("Changed quotas of a city"),
    AuditEvent.QUOTA_POLICY_SET: msg("Set what a full quota does"),
    AuditEvent.QUALITY_ASSESSED: msg("Looked for odd interviews"),
    AuditEvent.CODING_FRAME_SAVED: msg("Brought the codes of an open question"),
    AuditEvent.CODING_DRAWN: msg("Drew open answers to be coded"),
    AuditEvent.CODING_CODED: msg("Coded an open answer"),
    AuditEvent.CODING_SETTLED: msg("Settled the code of an open answer"),
    AuditEvent.CODING_BLACKED_OUT: msg("Blacked out words of an open answer"),
    AuditEvent.CODING_COMPUTED: msg("Computed the shares of open answers"),
    AuditEvent.BACK_CHECK_DRAWN: msg("Drew interviews to ask again"),
    **{state_event(outcome): name for outcome, name in OUTCOME_NAMES.items()},
    AuditEvent.CONTACT_LEFT: msg("Left a telephone number"),
    AuditEvent.CONTACT_READ: msg("Read a telephone number"),
    AuditEvent.CONTACT_KEYS_ROTATED: msg("Encrypted telephone numbers anew"),
    AuditEvent.POINT_CHANGED: msg("Changed a sampling point"),
    AuditEvent.POINT_STAFFED: msg("Changed the people of a sampling point"),
    AuditEvent.ROWS_EXPORTED: msg("Took out single interviews"),
    AuditEvent.ROWS_REFUSED: msg("Got no single interviews: the file could be undone"),
    AuditEvent.ROWS_SETTLED: msg("Dealt with a file of rows that tables could undo"),
    AuditEvent.ROWS_PREPARED: msg("Kept the rows of a snapshot for the next export"),
    AuditEvent.ROWS_EXACT_REQUESTED: msg("Asked for an exact file of interviews"),
    AuditEvent.ROWS_EXACT_APPROVED: msg("Approved an exact file of interviews"),
    AuditEvent.ROWS_EXACT_REFUSED: msg("Did not approve an exact file of interviews"),
    AuditEvent.ROWS_EXACT_EXPORTED: msg("Took out an exact file of interviews"),
    AuditEvent.RETENTION_RUN: msg("Deleted what was due"),
    AuditEvent.STORE_BACKED_UP: msg("Made a backup"),
    AuditEvent.STORE_BACKUP_CHECKED: msg("Checked a backup"),
    AuditEvent.STORE_RESTORED: msg("Restored a backup"),
    AuditEvent.DEMO_ACCOUNTS: msg("Made the accounts of the demonstration"),
    AuditEvent.DEMO_RESPONSES: msg("Made the interviews of the demonstration"),
    AuditEvent.SURVEYOR_RETRAIN: msg("Asked a surveyor to train again"),
    AuditEvent.MAPPING_SAVED: msg("Kept a column mapping"),
    AuditEvent.MAPPING_REPLACED: msg("Replaced a column mapping"),
    AuditEvent.AUDIT_VERIFIED: msg("Checked the trail"),
    AuditEvent.AUDIT_ADOPTED: msg("Took entries into the chain"),
    AuditEvent.AUDIT_TRIMMED: msg("Removed old entries"),
    AuditEvent.EDUCATION_ADDED: msg("Entered an activity of consumer education"),
    AuditEvent.EDUCATION_CHANGED: msg("Changed an activity of consumer education"),
    AuditEvent.EDUCATION_TAKEN_OUT: msg("Took an activity out of the register"),
    AuditEvent.REGISTER_ADDED: msg("Entered something into a register"),
    AuditEvent.REGISTER_CHANGED: msg("Changed an entry of a register"),
    AuditEvent.REGISTER_TAKEN_OUT: msg("Took an entry out of a register"),
    AuditEvent.PHOTO_RECEIVED: msg("Received a photo"),
    AuditEvent.VENUE_CHECK_PLANNED: msg("Planned an experience check"),
    AuditEvent.VENUE_CHECK_VENUES_DRAWN: msg("Drew the venues of an experience check"),
    AuditEvent.VENUE_CHECK_OBSERVERS_ASSIGNED: msg("Assigned observers to venues"),
    AuditEvent.VENUE_CHECK_RELEASED: msg("Released an experience check"),
    AuditEvent.VENUE_CHECK_SHEET_MADE: msg("Made the findings sheet of a venue"),
    AuditEvent.VENUE_CHECK_SENT: msg("Sent venues what was noted"),
    AuditEvent.VENUE_CHECK_REPLY_RECEIVED: msg("Recorded the reply of a venue"),
    AuditEvent.VENUE_CHECK_REVISIT_ORDERED: msg("Ordered a revisit"),
    AuditEvent.VENUE_CHECK_CONTROL_DRAWN: msg("Drew a control of venues to revisit"),
    AuditEvent.VENUE_CHECK_REVISIT_WAIVED: msg("Waived a revisit"),
    AuditEvent.PRODUCT_TEST_PLANNED: msg("Planned a comparative test"),
    AuditEvent.PRODUCT_TEST_CHANGED: msg("Changed the plan of a comparative test"),
    AuditEvent.PRODUCT_TEST_RULES_SET: msg("Set the rules of a comparative test"),
    AuditEvent.PRODUCT_TEST_SAMPLES_ADDED: msg("Entered samples of a comparative test"),
    AuditEvent.PRODUCT_TEST_SAMPLES_REMOVED: msg("Removed samples of a comparative test"),
    AuditEvent.PRODUCT_TEST_PHOTO_ADDED: msg("Attached a photo of a sample"),
    AuditEvent.PRODUCT_TEST_PHOTO_WITHDRAWN: msg("Withdrew a photo of a sample"),
    AuditEvent.PRODUCT_TEST_VALUES_ADDED: msg("Entered measured values"),
    AuditEvent.PRODUCT_TEST_ADVANCED: msg("Took a comparative test one step further"),
    AuditEvent.PRODUCT_TEST_SENT_TO_MAKERS: msg("Sent results to the makers"),
    AuditEvent.PRODUCT_TEST_REPLY_RECEIVED: msg("Recorded the reply of a maker"),
    AuditEvent.PRODUCT_TEST_PARTNER_APPROVED: msg("Recorded the approval of a partner"),
    AuditEvent.PRODUCT_TEST_REFERRAL_MADE: msg("Made the referral of a dangerous product"),
    AuditEvent.PRODUCT_TEST_SIGNED: msg("Signed a comparative test first"),
    AuditEvent.PRODUCT_TEST_RELEASED: msg("Released a comparative test"),
    AuditEvent.PRODUCT_TEST_ERRATUM_PROPOSED: msg("Proposed an erratum"),
    AuditEvent.PRODUCT_TEST_ERRATUM_CONFIRMED: msg("Confirmed an erratum"),
    AuditEvent.RELEASE_PLANNED: msg("Announced a release"),
    AuditEvent.RELEASE_DAY_CHANGED: msg("Changed the announced minute of a release"),
    AuditEvent.WAVE_STATEMENT_SAVED: msg("Recorded what the codes of practice ask of a wave"),
    AuditEvent.RELEASE_OPENED: msg("Signed that a release goes onto the public site"),
    AuditEvent.RELEASE_SIGNED: msg("Signed a release"),
    AuditEvent.RELEASE_PUBLISHED: msg("Published a release"),
    AuditEvent.RELEASE_RETRACTED: msg("Took a published release back"),
    AuditEvent.RELEASE_EVIDENCE_FILED: msg("Signed the files of released evidence"),
    AuditEvent.RELEASE_EVIDENCE_RETRACTED: msg("Took signed files of evidence back"),
    AuditEvent.RELEASE_READER_LISTED: msg("Let somebody read a release early"),
    AuditEvent.RELEASE_READER_REMOVED: msg("Took somebody off the list of early readers"),
    AuditEvent.VIEW_EARLY_RELEASE: msg("Opened a release before it was published"),
    AuditEvent.VIEW_CLOSED_RELEASE: msg("Opened a release that is closed to readers"),
    AuditEvent.RELEASE_KEY_REGISTERED: msg("Registered a key that signs releases"),
    AuditEvent.RELEASE_KEY_WITHDRAWN: msg("Withdrew a key that signs releases"),
    AuditEvent.RELEASE_LOG_SIGNED: msg("Signed the transparency log"),
    AuditEvent.RELEASE_LOG_COSIGNED: msg("Took up a witness's signature of the transparency log"),
    AuditEvent.PROBLEM_ADDED: msg("Added a problem"),
    AuditEvent.PROBLEM_CHANGED: msg("Changed a problem"),
    AuditEvent.PROBLEM_EVIDENCE_GIVEN: msg("Gave evidence"),
    **{
        state_event(to): _build_move_label(PROBLEM_STATE_NAMES[to]) for _, to in PROBLEM_TRANSITIONS
    },
    AuditEvent.CITIES_STORED: msg("Loaded the cities"),
    AuditEvent.PEERS_CHOSEN: msg("Chose the cities to compare a city with"),
    AuditEvent.PEERS_RESET: msg("Went back to the usual cities to compare a city with"),
}
SUBJECT_NAMES: Mapping[str, Message] = {
    SubjectKind.WAVE: msg("wave"),
    SubjectKind.RESPONSE: msg("interview"),
    SubjectKind.TRADER: msg("trader"),
    SubjectKind.PARKED_INTERVIEW: msg("late interview"),
    SubjectKind.ACCOUNT: msg("account"),
    SubjectKind.FILE: msg("file"),
    SubjectKind.INVITATION: msg("link"),
    SubjectKind.SHEET: msg("sheet of codes"),
    SubjectKind.PAPER_SHEET: msg("paper questionnaire"),
    SubjectKind.BACK_CHECK: msg("back-check"),
    SubjectKind.IMPORT_MAPPING: msg("column mapping"),
    SubjectKind.AUDIT: msg("audit trail"),
    SubjectKind.CITY: msg("cities"),
    SubjectKind.COMPARATIVE_TEST: msg("comparative test"),
    SubjectKind.CONTACT: msg("telephone number"),
    SubjectKind.PHOTO: msg("photo"),
    SubjectKind.EDUCATION_ACTIVITY: msg("activity"),
    SubjectKind.REGISTER_ENTRY: msg("entry of a register"),
    SubjectKind.SAMPLING_POINT: msg("sampling point"),
    SubjectKind.PROBLEM: msg("problem"),
    SubjectKind.PLATFORM: msg("platform"),
    SubjectKind.STORE: msg("store"),
    SubjectKind.PUBLICATION: msg("release"),
    SubjectKind.PUBLICATION_KEY: msg("key of releases"),
    SubjectKind.DELIVERY: msg("delivery"),
    SubjectKind.SNAPSHOT: msg("snapshot"),
    SubjectKind.INDICATOR_TREE: msg("indicator tree"),
    SubjectKind.INSTRUMENT: msg("questionnaire"),
}


def format_action(t: Translator, action: str) -> str:
    """Return the name of an audit event; the stored code itself if no name is known."""
    return t(EVENT_NAMES[action]) if action in EVENT_NAMES else action


def format_actor(t: Translator, actor: str) -> str:
    """Return the name of who acted; “a respondent” for an audit entry without an actor."""
    if not actor:
        return t("a respondent")
    return t("operator of the server") if actor == OPERATOR.name else actor


def format_subject(t: Translator, entry: TrailEntry) -> str:
    """Return what an audit entry is about: kind of the subject, and its name or end of its id."""
    kind = t(SUBJECT_NAMES[entry.subject_kind]) if entry.subject_kind in SUBJECT_NAMES else ""
    if entry.subject_kind in _SINGLETON_SUBJECTS:
        return kind
    # UUIDs differ most at their end.
    short = entry.subject_id[-_SHORT_ID:] if len(entry.subject_id) == 36 else entry.subject_id
    return " ".join(part for part in (kind or entry.subject_kind, entry.subject or short) if part)


def format_detail(t: Translator, detail: Mapping[str, Any]) -> list[str]:
    """Return lines on an entry's detail: `name: before → after` of changes, else `name: value`."""
    before, after = detail.get("from"), detail.get("to")
    lines = [] if before is None and after is None else list(_iter_changes(t, before, after))
    lines.extend(
        f"{_format_field_name(t, name)}: {_format_stored_value(t, value, name)}"
        for name, value in detail.items()
        if name not in _OMITTED_FIELDS
        and not name.endswith(_CHECKSUM)
        and value not in (None, "", [], {})
    )
    return lines


def _iter_changes(t: Translator, before: Any, after: Any) -> Iterable[str]:
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        yield f"{_format_stored_value(t, before)} → {_format_stored_value(t, after)}"
        return
    old = before if isinstance(before, Mapping) else {}
    new = after if isinstance(after, Mapping) else {}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            first, then = (_format_stored_value(t, values.get(name), name) for values in (old, new))
            yield f"{_format_field_name(t, name)}: {first} → {then}"


def _format_field_name(t: Translator, name: str) -> str:
    return t(FIELD_NAMES[name]) if name in FIELD_NAMES else name


def _format_stored_time(t: Translator, text: str) -> str | None:
    """Format an ISO day or moment in the reader's language; None for any other text."""
    if not _MOMENT.match(text):
        return None
    try:
        if len(text) == len("2026-11-26"):
            return format_day(t, date.fromisoformat(text))
        return format_china_minute(t, datetime.fromisoformat(text))
    except ValueError:
        return None


def _format_stored_value(t: Translator, value: Any, field: str = "") -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, str):
        if field in TYPED_FIELDS:
            return value
        return (
            t(VALUE_NAMES[value])
            if value in VALUE_NAMES
            else _format_stored_time(t, value) or value
        )
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_format_field_name(t, name)} {_format_stored_value(t, element, name)}"
            for name, element in value.items()
        )
    if isinstance(value, list):
        return ", ".join(_format_stored_value(t, element, field) for element in value)
    return str(value)
