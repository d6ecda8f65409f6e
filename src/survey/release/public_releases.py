"""Releases that strangers may see: announced as public, or opened by two people afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from survey.access.approval import PeopleRule, approve
from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import labels_of, msg
from survey.release.public_acts import enter_public_acts
from survey.release.register import (
    PublicationNotAllowedError,
    lock_publication,
    require_forward_clock,
)
from survey.release.signatures import OwnSignatureError
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Publication,
    PublicationOpening,
    PublicationState,
    Wave,
    WaveAct,
    WaveState,
)
from survey.waves.planning.wave_requests import get_people_rule


@dataclass(frozen=True)
class TakenBackRelease:
    """A release that strangers could see and that was taken back: that, and when, is still said."""

    key: str
    wave: str
    title: Mapping[str, str]
    at: datetime


def open_release(work: Work, *, key: str) -> bool:
    """Sign that a published release goes onto the public site; return whether it does now.

    The first person asks, the second confirms; where one person is enough (docs/planning.md), the
    first signature is both.

    Raises:
        PublicationNotAllowedError: it does not stand, goes there already, or the same person signs.
    """
    work.require(Action.RELEASE)
    publication, wave = lock_publication(work, key=key)
    if publication.state is not PublicationState.PUBLISHED:
        raise PublicationNotAllowedError(
            msg("Only a published release that stands goes onto the public site.")
        )
    if publication.is_public:
        raise PublicationNotAllowedError(
            msg("The release {release} goes onto the public site already.", release=key)
        )
    require_forward_clock(publication, work.now)
    rule = get_people_rule(work, key=wave.key, act=WaveAct.RELEASE)
    query = select(PublicationOpening).where(PublicationOpening.publication_id == publication.id)
    opening = work.session.exec(query).one_or_none()
    if opening is None:
        opening = PublicationOpening(
            publication_id=publication.id,
            first_signed_by=actor_id(work.principal),
            first_signed_at=work.now,
        )
        is_last = rule is not PeopleRule.TWO
        one_person = rule.value if is_last else ""
    else:
        is_last = True
        one_person = approve(work.principal, rule, opening.first_signed_by, OwnSignatureError())
    if is_last:
        opening.second_signed_by, opening.second_signed_at = actor_id(work.principal), work.now
        opening.one_person = one_person
        publication.is_public = True
    work.session.add(publication)
    work.add(opening, AuditEvent.RELEASE_OPENED, key, {"public": publication.is_public})
    enter_public_acts(work)
    return publication.is_public


def list_public_releases(work: Work) -> Sequence[Publication]:
    """Return the releases that strangers may see now: published, standing and public, by id."""
    work.require(Action.RELEASE)
    query = (
        select(Publication)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .where(
            Publication.state == PublicationState.PUBLISHED,
            col(Publication.is_public),
            col(Publication.embargo_until) <= work.now,
            Wave.state == WaveState.RELEASED,
            col(Wave.is_demo) == work.settings.demo,
        )
        .order_by(col(Publication.key))
    )
    return work.session.exec(query).all()


def list_taken_back(work: Work) -> Sequence[TakenBackRelease]:
    """Return the releases that strangers could see before they were taken back, the newest first.

    One that was never published was never seen, and is not named.
    """
    work.require(Action.RELEASE)
    query = (
        select(Publication, Wave)
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .where(
            Publication.state == PublicationState.RETRACTED,
            col(Publication.is_public),
            col(Publication.published_at).is_not(None),
            col(Wave.is_demo) == work.settings.demo,
        )
        .order_by(col(Publication.retracted_at).desc(), col(Publication.key))
    )
    return [
        TakenBackRelease(
            publication.key, wave.key, labels_of(publication, "title"), publication.retracted_at
        )
        for publication, wave in work.session.exec(query)
        if publication.retracted_at is not None
    ]
