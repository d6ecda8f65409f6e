"""Publishing a signed release at its minute, and taking it back."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import Action
from survey.access.work import Work, operator_work
from survey.locale import msg
from survey.release.archives import read_archived_file
from survey.release.evidence_register import list_evidence_releases
from survey.release.figures import find_errata
from survey.release.file_builders import FIGURES_FILE
from survey.release.public_acts import enter_public_acts
from survey.release.register import (
    PublicationNotAllowedError,
    latest_step_at,
    lock_publication,
    require_forward_clock,
)
from survey.release.release_sequence import (
    are_earlier_waves_shown,
    list_ever_public,
    list_public_before,
)
from survey.release.signatures import get_sealed_snapshot
from survey.release.signing_keys import format_key_list, list_keys, require_valid_key
from survey.results.release import find_current_release, release_signed_wave, revoke_release
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_minute_message
from survey.store.tables import Publication, PublicationErratum, PublicationState, Wave, WaveState
from survey.waves.waves import lock_wave


def publish_publication(work: Work, *, key: str) -> None:
    """Publish and record a signed release, not before its announced minute; release its wave.

    Raises:
        PublicationNotAllowedError: not signed, too early, or the results were computed again.
        SigningKeyError: the key that signed it was withdrawn.
    """
    work.require(Action.RELEASE)
    publication, wave = lock_publication(work, key=key)
    # Before the seal is compared: a freeze that holds the wave registers other results at its end.
    lock_wave(session=work.session, key=wave.key)
    _require_publishable(work.settings, work.session, publication, wave, work.now)
    if wave.state is WaveState.RELEASED:
        release = find_current_release(work.session, wave.id)
        stands = (release.shown, release.first_places) if release else None
        if stands != (publication.shown, publication.first_places):
            raise PublicationNotAllowedError(
                msg("The wave is released with another part of the results. Take that back first.")
            )
    else:
        assert publication.first_signed_at is not None
        assert publication.second_signed_at is not None
        first = (publication.first_signed_by, publication.first_signed_at)
        second = (publication.second_signed_by, publication.second_signed_at)
        release_signed_wave(
            work,
            wave_key=wave.key,
            shown=publication.shown,
            first_places=publication.first_places,
            signatures=[second] if publication.one_person else [first, second],
        )
    publication.state = PublicationState.PUBLISHED
    publication.published_by, publication.published_at = actor_id(work.principal), work.now
    if publication.corrects_id is not None:
        _replace_corrected(work.session, publication)
    _store_errata(work.settings, work.session, publication)
    work.add(
        publication,
        AuditEvent.RELEASE_PUBLISHED,
        key,
        {
            "archive_sha256": publication.archive_sha256,
            "shown": publication.shown,
            "first_places": publication.first_places,
        },
    )
    enter_public_acts(work)


def _require_publishable(
    settings: Settings, session: Session, publication: Publication, wave: Wave, now: datetime
) -> None:
    if publication.state is not PublicationState.SIGNED:
        raise PublicationNotAllowedError(
            msg("The release {release} is not signed by two people.", release=publication.key)
            if publication.state is PublicationState.PLANNED
            else msg("The release {release} was published before.", release=publication.key)
        )
    require_forward_clock(publication, now)
    if now < publication.embargo_until:
        raise PublicationNotAllowedError(
            msg(
                "The release {release} is announced for {time}; nothing is published before.",
                release=publication.key,
                time=china_minute_message(publication.embargo_until),
            )
        )
    if get_sealed_snapshot(session, wave)[1] != publication.seal_sha256:
        raise PublicationNotAllowedError(
            msg("The results were computed again after they were signed. Please sign once more.")
        )
    if not are_earlier_waves_shown(settings, session, publication):
        raise PublicationNotAllowedError(
            msg(
                "The results of an earlier wave that the files compare with were corrected, "
                "computed again or taken back after they were signed. Please sign once more."
            )
        )
    require_valid_key(session, publication.key_id)


def _replace_corrected(session: Session, publication: Publication) -> None:
    corrected = session.get_one(Publication, publication.corrects_id)
    if corrected.state is not PublicationState.PUBLISHED:
        raise PublicationNotAllowedError(
            msg("The release {release} does not stand any more.", release=corrected.key)
        )
    corrected.state = PublicationState.CORRECTED
    session.add(corrected)


def _store_errata(settings: Settings, session: Session, publication: Publication) -> None:
    """Store which figures a release changed against the last public one of its wave."""
    earlier = list_public_before(session, publication)
    if not earlier:
        return
    before, after = (
        read_archived_file(settings, each, FIGURES_FILE) for each in (earlier[-1], publication)
    )
    for erratum in find_errata(before, after):
        session.add(
            PublicationErratum(
                publication_id=publication.id,
                figure=erratum.figure,
                before=dict(erratum.before),
                after=dict(erratum.after),
            )
        )


def retract_publication(work: Work, *, key: str, reason: str) -> None:
    """Take a release back and record why; one person is enough, as it has to be quick.

    A published one takes the release of its wave with it; after one that was replaced, the release
    that stands goes on standing. What others have saved stays with them; the published list of
    keys says from then on that it was taken back. Where the clock went back since an earlier step,
    the time noted is that of the step.

    Raises:
        PublicationNotAllowedError: no reason given, or taken back before.
    """
    work.require(Action.RELEASE)
    why = require_reason(
        reason,
        PublicationNotAllowedError(msg("Please say in a few words why the release is taken back.")),
    )
    publication, wave = lock_publication(work, key=key)
    if publication.state is PublicationState.RETRACTED:
        raise PublicationNotAllowedError(
            msg("The release {release} does not stand any more.", release=key)
        )
    # A clock that was ahead when it was published must not keep it public until then.
    at = max(work.now, latest_step_at(publication))
    was_published = publication.state is PublicationState.PUBLISHED
    publication.state, publication.retraction_reason = PublicationState.RETRACTED, why
    publication.retracted_by, publication.retracted_at = actor_id(work.principal), at
    work.session.add(publication)
    work.session.flush()
    if was_published and wave.state is WaveState.RELEASED:
        revoke_release(replace(work, now=at), wave_key=wave.key, reason=why)
    work.record(AuditEvent.RELEASE_RETRACTED, key, {"reason": why})
    enter_public_acts(work)


def list_retracted(work: Work) -> dict[str, datetime]:
    """Return `release id -> when it was taken back` for the retracted releases."""
    work.require(Action.READ_RESULTS)
    query = select(Publication).where(Publication.state == PublicationState.RETRACTED)
    return {
        publication.key: publication.retracted_at
        for publication in work.session.exec(query)
        if publication.retracted_at is not None
    } | {each.key: each.retracted_at for each in list_evidence_releases(work) if each.retracted_at}


def list_corrected(work: Work) -> dict[str, str]:
    """Return `id of a corrected release -> id of its wave's last release that ever was public`.

    That is the one that stands, if one does; a correction may have been taken back since.
    """
    work.require(Action.READ_RESULTS)
    query = select(Publication).where(Publication.state == PublicationState.CORRECTED)
    return {
        publication.key: list_ever_public(work.session, publication.wave_id)[-1].key
        for publication in work.session.exec(query)
    } | {each.key: each.corrected_by for each in list_evidence_releases(work) if each.corrected_by}


def build_key_list(session: Session, settings: Settings) -> bytes:
    """Return the JSON list of keys, retractions and corrections; anybody may have it."""
    work = operator_work(session, settings)
    return format_key_list(list_keys(work), list_retracted(work), list_corrected(work))
