"""Pre-release list of a release, and opening of its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import ROLES, Action, Role
from survey.access.sessions import get_account_by_login
from survey.access.work import Work
from survey.locale import msg
from survey.release.archives import read_archive
from survey.release.register import (
    PUBLIC_STATES,
    PublicationNotAllowedError,
    find_publication,
    lock_publication,
    require_may_read,
)
from survey.release.release_sequence import find_closing_release
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, PublicationReader, PublicationState


@dataclass(frozen=True)
class EarlyReader:
    """Account on the pre-release list: who may open a release early, from when and why."""

    login: str
    name: str
    reason: str
    opens_at: datetime


def add_early_reader(work: Work, *, key: str, login: str, reason: str, opens_at: datetime) -> None:
    """Put an account on the pre-release list of a release, and record it.

    Raises:
        PublicationNotAllowedError: published before, no reason, or no such reader.
    """
    work.require(Action.RELEASE)
    publication, wave = lock_publication(work, key=key)
    if publication.state not in {PublicationState.PLANNED, PublicationState.SIGNED}:
        raise PublicationNotAllowedError(
            msg("The release {release} was published before.", release=key)
        )
    why = require_reason(
        reason,
        PublicationNotAllowedError(
            msg("Please say in a few words why this person may read early.")
        ),
    )
    account = get_account_by_login(session=work.session, login=login)
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
    if work.session.exec(known).first() is not None:
        raise PublicationNotAllowedError(msg("This person is on the list already."))
    work.add(
        PublicationReader(
            publication_id=publication.id,
            account_id=account.id,
            reason=why,
            opens_at=opens_at,
            listed_by=actor_id(work.principal),
            listed_at=work.now,
        ),
        AuditEvent.RELEASE_READER_LISTED,
        key,
        {"account": login, "reason": why, "opens_at": opens_at.isoformat()},
    )


def remove_early_reader(work: Work, *, key: str, login: str) -> None:
    """Take an account off a release's pre-release list; raise if the account is not on it."""
    work.require(Action.RELEASE)
    publication, _ = lock_publication(work, key=key)
    query = (
        select(PublicationReader)
        .join(Account, col(Account.id) == col(PublicationReader.account_id))
        .where(PublicationReader.publication_id == publication.id, Account.login == login)
    )
    reader = work.session.exec(query).first()
    if reader is None:
        raise PublicationNotAllowedError(msg("This person is not on the list."))
    work.session.delete(reader)
    work.session.flush()
    work.record(AuditEvent.RELEASE_READER_REMOVED, key, {"account": login})


def list_early_readers(work: Work, *, key: str) -> Sequence[EarlyReader]:  # fmt: skip
    """Return the accounts on the pre-release list of a release, the earliest to open first."""
    work.require(Action.RELEASE)
    publication, _ = find_publication(work, key=key)
    query = (
        select(PublicationReader, Account)
        .join(Account, col(Account.id) == col(PublicationReader.account_id))
        .where(PublicationReader.publication_id == publication.id)
        .order_by(col(PublicationReader.opens_at), col(Account.login))
    )
    return [
        EarlyReader(account.login, account.name, reader.reason, reader.opens_at)
        for reader, account in work.session.exec(query)
    ]


def open_publication(work: Work, *, key: str) -> bytes:
    """Return a release as ZIP bytes; record it if not yet public, or closed by a later release.

    Raises:
        AccessDeniedError: not published yet and not on the list, taken back, or replaced by a
            release that hides figures in it.
        ArchiveDamagedError: the files are not those that were signed.
    """
    work.require(Action.READ_RESULTS)
    publication, _ = find_publication(work, key=key)
    require_may_read(work, publication)
    data = read_archive(work.settings, publication)
    is_closed = find_closing_release(work.session, publication) is not None
    if is_closed or publication.state not in PUBLIC_STATES:
        was_open = is_closed or publication.published_at is not None
        work.record(
            AuditEvent.VIEW_CLOSED_RELEASE if was_open else AuditEvent.VIEW_EARLY_RELEASE,
            key,
            {"archive_sha256": publication.archive_sha256},
        )
    return data
