"""Release of a frozen wave: what readers outside an area may see of its cities.

Until then a reader sees their own area by name and all others without names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, RefusedError, msg
from survey.snapshots.seals import SEAL, find_seals, seal_of_seals
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    Account,
    Publication,
    PublicationState,
    Shown,
    Snapshot,
    Wave,
    WaveAct,
    WaveRelease,
    WaveState,
    table_of,
)
from survey.waves.planning.wave_requests import (
    confirm_act,
    end_freeze_request,
    record_signatures,
    require_no_request,
)
from survey.waves.waves import get_wave, lock_wave, require_transition

MIN_NAMED_CITIES, MAX_NAMED_CITIES = 10, 50
"""First places a release may name; fewer would tell a good deal of each city's score."""
MIN_REASON_CHARS, MAX_REASON_CHARS = 5, 500
SHOWN_NAMES: dict[Shown, Message] = {
    Shown.SCORES: msg("names and scores of all cities"),
    Shown.NAMES: msg("names of the first places, without scores"),
    Shown.NOTHING: msg("nothing of other cities"),
}


@dataclass(frozen=True)
class ReleaseChange:
    """Release of a wave, or its revocation, with its time."""

    at: datetime
    wave_key: str
    is_release: bool


@dataclass(frozen=True)
class ReleaseRecord:
    """Release as people read it; `ended_at` and `reason` are set once it was revoked."""

    shown: Shown
    first_places: int | None
    released_at: datetime
    released_by: str
    """Name of the account; empty for the command line."""
    ended_at: datetime | None = None
    reason: str = ""


def release_wave(
    work: Work,
    *,
    wave_key: str,
    shown: Shown,
    first_places: int | None = None,
    two_people: bool = True,
) -> None:
    """Open a frozen wave to readers outside each city's area, as far as `shown` says.

    Args:
        two_people: The setting of the installation: another person has to have requested it.

    Raises:
        RefusedError: no final snapshot, or a number of first places that does not fit.
        SecondPersonRequiredError: nobody else has requested it.
        RefusedError: the wave is not frozen, or released already.
    """
    work.require(Action.RELEASE)
    _check_first_places(shown, first_places)
    wave = lock_wave(session=work.session, key=wave_key)
    require_transition(wave, WaveState.RELEASED)
    _require_final_results(work.session, wave)
    require_no_announcement(work.session, wave)
    confirm_act(
        work,
        wave=wave,
        act=WaveAct.RELEASE,
        options=release_request_options(shown, first_places),
        two_people=two_people,
    )
    apply_release(work, wave, shown, first_places)


def release_signed_wave(
    work: Work,
    *,
    wave_key: str,
    shown: Shown,
    first_places: int | None,
    signatures: Sequence[tuple[UUID | None, datetime]],
) -> None:
    """Open a frozen wave as `release_wave`, by the signatures of its publication.

    Args:
        signatures: Accounts with the times at which they signed; one where one is enough.

    Raises:
        RefusedError: no final snapshot, or a number of first places that does not fit.
        RefusedError: the wave is not frozen, or released already.
    """
    work.require(Action.RELEASE)
    options = release_request_options(shown, first_places)
    wave = lock_wave(session=work.session, key=wave_key)
    require_transition(wave, WaveState.RELEASED)
    _require_final_results(work.session, wave)
    record_signatures(work, wave=wave, options=options, signatures=signatures)
    apply_release(work, wave, shown, first_places)


def _require_final_results(session: Session, wave: Wave) -> None:
    final = select(Snapshot.id).where(Snapshot.wave_id == wave.id, col(Snapshot.final))
    if session.exec(final.limit(1)).first() is None:
        raise RefusedError(
            "not_releasable", msg("The wave {wave} has no final results yet.", wave=wave.key)
        )


def require_no_announcement(session: Session, wave: Wave) -> None:
    """Raise `RefusedError` while a release of the wave is announced, or stands."""
    announced = select(Publication.key).where(
        Publication.wave_id == wave.id,
        col(Publication.state).in_((PublicationState.PLANNED, PublicationState.SIGNED)),
    )
    _require_no_publication(session, wave)
    key = session.exec(announced.limit(1)).first()
    if key is not None:
        raise RefusedError(
            "not_releasable",
            msg(
                "The wave {wave} is announced as release {release}. Publish that one in the "
                "register of releases.",
                wave=wave.key,
                release=key,
            ),
        )


def find_standing_publication(work: Work, *, wave_key: str) -> str | None:
    """Return the release in the register that stands for a wave; no other way revokes its own."""
    work.require(Action.RELEASE)
    return _find_published(work.session, get_wave(session=work.session, key=wave_key))


def _find_published(session: Session, wave: Wave) -> str | None:
    published = select(Publication.key).where(
        Publication.wave_id == wave.id, Publication.state == PublicationState.PUBLISHED
    )
    return session.exec(published.limit(1)).first()


def _require_no_publication(session: Session, wave: Wave) -> None:
    key = _find_published(session, wave)
    if key is not None:
        raise RefusedError(
            "not_releasable",
            msg(
                "The release {release} of this wave stands in the register of releases. Take it "
                "back there first.",
                release=key,
            ),
        )


def release_request_options(shown: Shown, first_places: int | None) -> dict[str, str | int | None]:
    """Return what a release shows as a request for it keeps it."""
    _check_first_places(shown, first_places)
    return {"shown": shown.value, "first_places": first_places}


def apply_release(work: Work, wave: Wave, shown: Shown, first_places: int | None) -> None:
    """Write the state, the release and its audit row, after everything was checked."""
    wave.state = WaveState.RELEASED
    work.session.add(wave)
    work.session.flush()
    work.session.add(
        WaveRelease(
            wave_id=wave.id,
            shown=shown,
            first_places=first_places,
            released_by=actor_id(work.principal),
            released_at=work.now,
        )
    )
    work.record(
        AuditEvent.WAVE_RELEASED,
        wave.id,
        {"shown": shown, "first_places": first_places, **_newest_seal(work.session, wave)},
    )


def _newest_seal(session: Session, wave: Wave) -> dict[str, str]:
    """Return the seal of the newest snapshot, which says the figures that were released."""
    query = (
        select(Snapshot.directory)
        .where(Snapshot.wave_id == wave.id)
        .order_by(col(Snapshot.created_at).desc())
    )
    directory = session.exec(query.limit(1)).first()
    seals = None if directory is None else find_seals(session, directory)
    return {} if seals is None else {SEAL: seal_of_seals(seals)}


def _check_first_places(shown: Shown, first_places: int | None) -> None:
    if shown is not Shown.NAMES:
        if first_places is not None:
            raise RefusedError(
                "not_releasable", msg("A number of places belongs to a release of names only.")
            )
        return
    if first_places is None or not MIN_NAMED_CITIES <= first_places <= MAX_NAMED_CITIES:
        raise RefusedError(
            "not_releasable",
            msg(
                "Between {fewest} and {most} first places can be named.",
                fewest=MIN_NAMED_CITIES,
                most=MAX_NAMED_CITIES,
            ),
        )


def revoke_release(work: Work, *, wave_key: str, reason: str) -> None:
    """Close the wave to readers outside again; what they have saved stays with them.

    It has to be quick, so a request to freeze the wave again ends with it.

    A wave that a publication opened is closed with it: its files would stay open, and `verify`
    would go on calling them genuine.

    Raises:
        RefusedError: no reason given, or a publication of the wave stands.
        RequestConflictError: archiving its answers is requested.
        RefusedError: the wave is not released.
    """
    work.require(Action.RELEASE)
    why = require_reason(
        reason,
        least=MIN_REASON_CHARS,
        most=MAX_REASON_CHARS,
        refusal=RefusedError(
            "not_releasable", msg("Please say in a few words why the release is taken back.")
        ),
    )
    wave = lock_wave(session=work.session, key=wave_key)
    if wave.state is not WaveState.RELEASED:
        raise RefusedError("not_releasable", msg("The wave {wave} is not released.", wave=wave_key))
    _require_no_publication(work.session, wave)
    end_freeze_request(work, wave=wave)
    require_no_request(session=work.session, wave=wave)
    release = table_of(WaveRelease)
    work.session.connection().execute(
        update(release)
        .where(release.c.wave_id == wave.id, release.c.revoked_at.is_(None))
        .values(revoked_by=actor_id(work.principal), revoked_at=work.now, reason=why)
    )
    wave.state = WaveState.FROZEN
    work.session.add(wave)
    work.session.flush()
    work.record(AuditEvent.WAVE_RELEASE_REVOKED, wave.id, {"reason": why})


def find_current_release(session: Session, wave_id: UUID) -> WaveRelease | None:
    """Return the release in force, or None."""
    query = select(WaveRelease).where(
        WaveRelease.wave_id == wave_id, col(WaveRelease.revoked_at).is_(None)
    )
    return session.exec(query).one_or_none()


def list_releases(work: Work, *, wave_key: str) -> list[ReleaseRecord]:
    """Return every release of a wave, newest first."""
    work.require(Action.READ_PLAN)
    query = (
        select(WaveRelease, Account.name)
        .join(Wave, col(Wave.id) == col(WaveRelease.wave_id))
        .outerjoin(Account, col(Account.id) == col(WaveRelease.released_by))
        .where(Wave.key == wave_key)
        .order_by(col(WaveRelease.released_at).desc())
    )
    return [
        ReleaseRecord(
            release.shown,
            release.first_places,
            release.released_at,
            name or "",
            release.revoked_at,
            release.reason,
        )
        for release, name in work.session.exec(query)
    ]


def list_release_changes(work: Work, *, since: datetime) -> list[ReleaseChange]:
    """Return which waves were released or taken back since then; everybody reads as much."""
    work.require(Action.READ_RESULTS)
    query = (
        select(WaveRelease.released_at, WaveRelease.revoked_at, Wave.key)
        .join(Wave, col(Wave.id) == col(WaveRelease.wave_id))
        .where(or_(col(WaveRelease.released_at) > since, col(WaveRelease.revoked_at) > since))
    )
    changes = []
    for released_at, revoked_at, key in work.session.exec(query):
        changes += [
            ReleaseChange(at, key, is_release)
            for at, is_release in ((released_at, True), (revoked_at, False))
            if at is not None and at > since
        ]
    return changes
