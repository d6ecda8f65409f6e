"""Announced days of releases: a change with its reason, punctuality, and the public calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlmodel import col, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.views.view_context import Facts
from survey.locale import Translator, labels_of, msg
from survey.release.quality_evidence import DayChange, read_day_changes
from survey.release.quality_facts import NOTICE, describe_punctuality
from survey.release.register import (
    MAX_TEXT_CHARS,
    PublicationNotAllowedError,
    find_publication,
    lock_publication,
    require_forward_clock,
)
from survey.store.audit_events import AuditEvent
from survey.store.tables import Publication, PublicationDayChange, PublicationState, Wave

SHORT_NOTICE = msg("Codes of practice ask for the exact day four weeks ahead.")
CALENDAR_SPAN = timedelta(days=366)
_UNPUBLISHED = (PublicationState.PLANNED, PublicationState.SIGNED)


@dataclass(frozen=True)
class CalendarEntry:
    """Release that is to come, as strangers may know of it: title, day, and earlier days."""

    title: Mapping[str, str]
    at: datetime
    contact: str
    changes: tuple[DayChange, ...]
    is_demo: bool
    is_cancelled: bool
    """Whether it was taken back before its day, until when that is still said."""


def is_short_notice(announced_at: datetime, minute: datetime) -> bool:
    """Return whether a release is announced less than four weeks ahead."""
    return minute - announced_at < NOTICE


def change_announced_day(work: Work, *, key: str, at: datetime, reason: str) -> None:
    """Announce another minute for a release that is not published, with the reason; record it.

    Files and signatures name the minute, so signing begins anew.

    Raises:
        PublicationNotAllowedError: published or taken back, no reason, or a minute that is over or
            was announced already.
    """
    work.require(Action.RELEASE)
    why = require_reason(
        reason, PublicationNotAllowedError(msg("Please say in a few words why the day is changed."))
    )
    publication, _ = lock_publication(work, key=key)
    if publication.state not in _UNPUBLISHED:
        raise PublicationNotAllowedError(
            msg("The day of release {release} is not open any more.", release=key)
        )
    require_forward_clock(publication, work.now)
    if at <= work.now or at == publication.embargo_until:
        raise PublicationNotAllowedError(
            msg("The announced minute has to lie ahead, and to be another one.")
        )
    change = PublicationDayChange(
        publication_id=publication.id,
        before=publication.embargo_until,
        after=at,
        reason=why[:MAX_TEXT_CHARS],
        changed_by=actor_id(work.principal),
        changed_at=work.now,
    )
    publication.embargo_until = at
    publication.state, publication.key_id = PublicationState.PLANNED, None
    publication.first_signed_by = publication.first_signed_at = None
    publication.second_signed_by = publication.second_signed_at = None
    publication.one_person = publication.archive_sha256 = ""
    work.session.add(publication)
    detail = {"before": change.before.isoformat(), "after": at.isoformat(), "reason": why}
    work.add(change, AuditEvent.RELEASE_DAY_CHANGED, key, detail)


def list_day_changes(work: Work, *, key: str) -> Sequence[DayChange]:
    """Return the changes of the announced minute of a release, the first one first."""
    work.require(Action.READ_RESULTS)
    publication, _ = find_publication(work, key=key)
    return read_day_changes(work.session, publication.id, work.now)


def list_public_calendar(work: Work) -> Sequence[CalendarEntry]:
    """Return the releases of the next twelve months that were announced to everybody, by day.

    Among them those that were taken back, until their day, for somebody may be waiting. One that is
    not public, or whose announcement is not, is not among them.
    """
    work.require(Action.RELEASE)
    query = (
        select(Publication, Wave)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .where(
            or_(
                col(Publication.state).in_(_UNPUBLISHED),
                and_(
                    col(Publication.state) == PublicationState.RETRACTED,
                    col(Publication.published_at).is_(None),
                    col(Publication.embargo_until) >= work.now,
                ),
            ),
            col(Publication.is_public),
            col(Publication.is_in_calendar),
            col(Publication.embargo_until) <= work.now + CALENDAR_SPAN,
            col(Wave.is_demo) == work.settings.demo,
        )
        .order_by(col(Publication.embargo_until), col(Publication.key))
    )
    return [
        CalendarEntry(
            labels_of(publication, "title"),
            publication.embargo_until,
            publication.contact,
            read_day_changes(work.session, publication.id, work.now),
            wave.is_demo,
            publication.state is PublicationState.RETRACTED,
        )
        for publication, wave in work.session.exec(query)
    ]


def list_punctuality(work: Work, *, key: str, t: Translator) -> Facts:
    """Return how early a release was announced, how late it came, and after what fieldwork."""
    work.require(Action.READ_RESULTS)
    publication, wave = find_publication(work, key=key)
    changes = read_day_changes(work.session, publication.id, work.now)
    return describe_punctuality(t, publication, wave, changes, publication.published_at)
