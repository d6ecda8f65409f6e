"""Pre-release list of a release, and opening of its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from survey.access.account_lookup import get_account_by_login
from survey.access.audit import actor_id, record, require_reason, store_and_record
from survey.access.principal import Principal
from survey.access.roles import ROLES, Action, Role
from survey.locale import msg
from survey.publish.publications.archives import read_archive
from survey.publish.publications.register import (
    MAX_TEXT_CHARS,
    MIN_TEXT_CHARS,
    PUBLIC_STATES,
    PublicationNotAllowedError,
    find_publication,
    lock_publication,
    require_may_read,
)
from survey.publish.publications.release_sequence import find_closing_release
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, PublicationReader, PublicationState


@dataclass(frozen=True)
class EarlyReader:
    """Person who may open a release before it is published."""

    login: str
    name: str
    reason: str
    opens_at: datetime


def add_early_reader(
    *,
    session: Session,
    principal: Principal,
    key: str,
    login: str,
    reason: str,
    opens_at: datetime,
    now: datetime,
) -> None:
    """Put an account on the pre-release list.

    Raises:
        PublicationNotAllowedError: published before, no reason, or no such reader.
    """
    principal.require(Action.RELEASE)
    publication, wave = lock_publication(session=session, principal=principal, key=key)
    if publication.state not in {PublicationState.PLANNED, PublicationState.SIGNED}:
        raise PublicationNotAllowedError(
            msg("The release {release} was published before.", release=key)
        )
    why = require_reason(
        reason,
        least=MIN_TEXT_CHARS,
        most=MAX_TEXT_CHARS,
        refusal=PublicationNotAllowedError(
            msg("Please say in a few words why this person may read early.")
        ),
    )
    account = get_account_by_login(session=session, login=login)
    if (
        Action.READ_RESULTS not in ROLES[Role(account.role)].actions
        or not account.active
        or (account.is_demo and not wave.is_demo)
    ):
        raise PublicationNotAllowedError(msg("This account cannot read results."))
    known = select(PublicationReader).where(
        PublicationReader.publication_id == publication.id,
        PublicationReader.account_id == account.id,
    )
    if session.exec(known).first() is not None:
        raise PublicationNotAllowedError(msg("This person is on the list already."))
    store_and_record(
        session=session,
        row=PublicationReader(
            publication_id=publication.id,
            account_id=account.id,
            reason=why,
            opens_at=opens_at,
            listed_by=actor_id(principal),
            listed_at=now,
        ),
        actor=principal,
        event=AuditEvent.RELEASE_READER_LISTED,
        subject_id=key,
        now=now,
        detail={"account": login, "reason": why, "opens_at": opens_at.isoformat()},
    )


def remove_early_reader(
    *, session: Session, principal: Principal, key: str, login: str, now: datetime
) -> None:
    """Take an account off the pre-release list; `PublicationNotAllowedError` if not on it."""
    principal.require(Action.RELEASE)
    publication, _ = lock_publication(session=session, principal=principal, key=key)
    query = (
        select(PublicationReader)
        .join(Account, col(Account.id) == col(PublicationReader.account_id))
        .where(PublicationReader.publication_id == publication.id, Account.login == login)
    )
    reader = session.exec(query).first()
    if reader is None:
        raise PublicationNotAllowedError(msg("This person is not on the list."))
    session.delete(reader)
    session.flush()
    record(
        session=session,
        actor=principal,
        event=AuditEvent.RELEASE_READER_REMOVED,
        subject_id=key,
        now=now,
        detail={"account": login},
    )


def list_early_readers(
    *, session: Session, principal: Principal, key: str
) -> Sequence[EarlyReader]:  # fmt: skip
    """Return the pre-release list of a release, for those who release."""
    principal.require(Action.RELEASE)
    publication, _ = find_publication(session=session, principal=principal, key=key)
    query = (
        select(PublicationReader, Account)
        .join(Account, col(Account.id) == col(PublicationReader.account_id))
        .where(PublicationReader.publication_id == publication.id)
        .order_by(col(PublicationReader.opens_at), col(Account.login))
    )
    return [
        EarlyReader(account.login, account.name, reader.reason, reader.opens_at)
        for reader, account in session.exec(query)
    ]


def open_publication(
    *, settings: Settings, session: Session, principal: Principal, key: str, now: datetime
) -> bytes:
    """Return the archive of a release; if it is not open to all readers, that is recorded.

    Raises:
        AccessDeniedError: not published yet and not on the list, taken back, or replaced by a
            release that hides figures in it.
        ArchiveDamagedError: the files are not those that were signed.
    """
    principal.require(Action.READ_RESULTS)
    publication, _ = find_publication(session=session, principal=principal, key=key)
    require_may_read(session, principal, publication, now)
    data = read_archive(settings, publication)
    is_closed = find_closing_release(session, publication) is not None
    if is_closed or publication.state not in PUBLIC_STATES:
        was_open = is_closed or publication.published_at is not None
        record(
            session=session,
            actor=principal,
            event=AuditEvent.VIEW_CLOSED_RELEASE if was_open else AuditEvent.VIEW_EARLY_RELEASE,
            subject_id=key,
            now=now,
            detail={"archive_sha256": publication.archive_sha256},
        )
    return data
