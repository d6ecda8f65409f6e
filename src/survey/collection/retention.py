"""Deletion of expired data by schedule; the audit trail records how much, never what.

The periods are settings. One of many processes works at a time: a lease in the store, which runs
out by itself when its holder dies (as for `survey.review.quality.assessment`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Delete, Table, Update, and_, delete, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, msg
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.leases import acquire_lease, can_start, release_lease
from survey.store.private_files import delete_photo_files
from survey.store.tables import (
    AuditEntry,
    ImportedFile,
    Invitation,
    LoginSession,
    ParkedInterview,
    Photo,
    Response,
    ResponseContact,
    SamplePhoto,
    Wave,
    now,
    table_of,
)
from survey.store.tables.erasure import ERASURES
from survey.store.transactions import run_in_transaction
from survey.waves.waves import COMPUTED_STATES

TASK_NAME = "retention"
RUN_INTERVAL = timedelta(days=1)
"""Between the end of one run and the beginning of the next."""
LEASE_DURATION = timedelta(hours=1)

_CONTACTS, _INVITATIONS = table_of(ResponseContact), table_of(Invitation)
_SESSIONS, _FILES = table_of(LoginSession), table_of(ImportedFile)
_RESPONSES, _WAVES = table_of(Response), table_of(Wave)
_PARKED, _PHOTOS = table_of(ParkedInterview), table_of(Photo)


@dataclass(frozen=True)
class RetentionRule:
    """Rule that deletes rows of a table after `days`, or only empties the columns in `blanks`."""

    name: Message
    table: Table
    days: int
    due: ColumnElement[bool]
    blanks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def statement(self) -> Delete | Update:
        """SQL statement that deletes or blanks the rows due by the rule."""
        if self.blanks:
            return update(self.table).where(self.due).values(**self.blanks)
        return delete(self.table).where(self.due)


def build_retention_rules(settings: Settings, at: datetime) -> dict[str, RetentionRule]:
    """Return key -> retention rule; what is due is compared with the moment `at`."""

    def rule(
        what: Message, table: Table, since: str, days: int, *due: ColumnElement[bool], **blanks: Any
    ) -> RetentionRule:
        is_over = table.c[since] <= at - timedelta(days=days)
        return RetentionRule(what, table, days, and_(is_over, *due), blanks)

    remains = ERASURES[Response].erased_later
    computed = select(_WAVES.c.id).where(_WAVES.c.state.in_(COMPUTED_STATES))
    session_end = at - timedelta(days=settings.keep_session_days)
    return {
        "phones": rule(msg("Telephone numbers"), _CONTACTS, "left_at", settings.keep_phone_days),
        "devices": rule(
            msg("Marks of devices"),
            _INVITATIONS,
            "expires_at",
            settings.keep_device_days,
            _INVITATIONS.c.device_sha256.is_not(None),
            device_sha256=None,
        ),
        "sessions": RetentionRule(
            msg("Sessions of signed-in browsers"),
            _SESSIONS,
            settings.keep_session_days,
            or_(_SESSIONS.c.expires_at <= session_end, _SESSIONS.c.ended_at <= session_end),
        ),
        "files": rule(
            msg("Names of imported files"),
            _FILES,
            "at",
            settings.keep_file_name_days,
            _FILES.c.name != "",
            name="",
        ),
        "withdrawn": rule(
            msg("Remains of withdrawn interviews"),
            _RESPONSES,
            "withdrawn_at",
            settings.keep_withdrawn_days,
            or_(*(_RESPONSES.c[column].is_not(None) for column in remains)),
            **remains,
        ),
        "parked": rule(
            msg("Late interviews, decided on or not"),
            _PARKED,
            "parked_at",
            settings.keep_parked_days,
        ),
        "photos": rule(
            msg("Photos that no visit refers to"),
            _PHOTOS,
            "received_at",
            settings.keep_photo_days,
            _PHOTOS.c.point_id.is_not(None),
            _PHOTOS.c.response_id.is_(None),
        ),
        "codes": rule(
            msg("Hashes of withdrawal codes"),
            _RESPONSES,
            "submitted_at",
            settings.keep_code_days,
            _RESPONSES.c.withdrawal_sha256.is_not(None),
            _RESPONSES.c.wave_id.in_(computed),
            withdrawal_sha256=None,
        ),
    }


def count_due_rows(work: Work, *, at: datetime) -> dict[str, int]:
    """Return rule key -> number of rows that the rule would delete or blank; change nothing."""
    work.require(Action.ADMINISTER)
    return {
        key: work.session.connection()
        .execute(select(func.count()).select_from(rule.table).where(rule.due))
        .scalar_one()
        for key, rule in build_retention_rules(work.settings, at).items()
    }


def delete_expired(work: Work, *, at: datetime) -> dict[str, int]:
    """Delete or blank what is due and record it; return rule key -> number of rows."""
    work.require(Action.ADMINISTER)
    every = build_retention_rules(work.settings, at)
    connection = work.session.connection()
    met = {key: connection.execute(rule.statement).rowcount for key, rule in every.items()}
    record(
        session=work.session,
        actor=work.principal,
        event=AuditEvent.RETENTION_RUN,
        subject_id=TASK_NAME,
        now=at,
        detail={"deleted": met, "days": {key: rule.days for key, rule in every.items()}},
    )
    return met


def clean_up_when_due(settings: Settings) -> dict[str, int] | None:
    """Delete expired data; return rule key -> rows, None if another process did it lately."""
    began = now()
    lease = run_in_transaction(
        settings.store_url,
        lambda session: acquire_lease(session, TASK_NAME, began=began, lasts=LEASE_DURATION),
    )
    if lease is None:
        return None

    def clean_up(session: Session) -> dict[str, int]:
        met = delete_expired(Work(session, OPERATOR, datetime.now(UTC), settings), at=began)
        release_lease(session, TASK_NAME, lease, at=now(), pause=RUN_INTERVAL, result=met)
        return met

    met = run_in_transaction(settings.store_url, clean_up)
    with read_scope(settings.store_url) as session:
        # Photos that no row names any more; the trail tells them from files of another store.
        entries = session.exec(
            select_rows(AuditEntry).where(
                col(AuditEntry.action).in_(
                    [AuditEvent.PHOTO_RECEIVED.value, AuditEvent.PRODUCT_TEST_PHOTO_ADDED.value]
                )
            )
        )
        received = {str(entry.detail["sha256"]) for entry in entries}
        named = {
            sha256
            for column in (Photo.sha256, SamplePhoto.sha256)
            for sha256 in session.exec(select_rows(column))
        }
        delete_photo_files(settings.photo_dir, received.difference(named), began)
    return met


def is_due(settings: Settings) -> bool:
    """Whether a deletion of expired data would begin now; costs one small query."""
    with read_scope(settings.store_url) as session:
        return can_start(session, TASK_NAME, at=now())
