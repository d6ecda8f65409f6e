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
from survey.records import build_from
from survey.snapshots.seals import SEAL, find_newest_snapshot, find_seal
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
SHOWN_NAMES: dict[Shown, Message] = {
    Shown.SCORES: msg("names and scores of all cities"),
    Shown.NAMES: msg("names of the first places, without scores"),
    Shown.NOTHING: msg("nothing of other cities"),
}


@dataclass(frozen=True)
class ReleaseChange:
    """Release (`is_release`) or revocation of a wave's release, with its time."""

    at: datetime
    wave_key: str
    is_release: bool


@dataclass(frozen=True)
class ReleaseRecord:
    """Release of a wave for display; `ended_at` and `reason` are set once it was revoked."""

    shown: Shown
    first_places: int | None
    released_at: datetime
    released_by: str
    """Name of the account; empty for the command line."""
    ended_at: datetime | None = None
    reason: str = ""


def release_wave(
    work: Work, *, wave_key: str, shown: Shown, first_places: int | None = None
) -> None:
    """Release a frozen wave: readers see other cities as `shown` allows (names: `first_places`).

    Raises:
        RefusedError: no final snapshot, or a number of first places that does not fit.
        SecondPersonRequiredError: nobody else has requested it.
        RefusedError: the wave is not frozen, or released already.
    """
    work.require(Action.RELEASE)
    options = release_request_options(shown, first_places)
    wave = _lock_final_wave(work.session, wave_key)
    require_no_announcement(work.session, wave)
    confirm_act(work, wave=wave, act=WaveAct.RELEASE, options=options)
    apply_release(work, wave, shown, first_places)


def release_signed_wave(
    work: Work,
    *,
    wave_key: str,
    shown: Shown,
    first_places: int | None,
    signatures: Sequence[tuple[UUID | None, datetime]],
) -> None:
    """Release a frozen wave as `release_wave` does, approved by `signatures` of its publication.

    Args:
        signatures: Accounts with the times at which they signed; one where one is enough.

    Raises:
        RefusedError: no final snapshot, or a number of first places that does not fit.
        RefusedError: the wave is not frozen, or released already.
    """
    work.require(Action.RELEASE)
    options = release_request_options(shown, first_places)
    wave = _lock_final_wave(work.session, wave_key)
    record_signatures(work, wave=wave, options=options, signatures=signatures)
    apply_release(work, wave, shown, first_places)


def _lock_final_wave(session: Session, wave_key: str) -> Wave:
    wave = lock_wave(session=session, key=wave_key)
    require_transition(wave, WaveState.RELEASED)
    if find_newest_snapshot(session, wave.id, col(Snapshot.final).is_(True)) is None:
        raise RefusedError(
            "not_releasable", msg("The wave {wave} has no final results yet.", wave=wave.key)
        )
    return wave


def require_no_announcement(session: Session, wave: Wave) -> None:
    """Raise `RefusedError` if the wave has an announced or published release in the register."""
    _require_no_publication(session, wave)
    key = find_announced_publication(session, wave)
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


def find_announced_publication(session: Session, wave: Wave) -> str | None:
    """Return the key of a wave's announced, still unpublished release; None without one."""
    return _find_publication(session, wave, PublicationState.PLANNED, PublicationState.SIGNED)


def find_standing_publication(work: Work, *, wave_key: str) -> str | None:
    """Return the key of a wave's published release in the register; None without one."""
    work.require(Action.RELEASE)
    wave = get_wave(session=work.session, key=wave_key)
    return _find_publication(work.session, wave, PublicationState.PUBLISHED)


def _find_publication(session: Session, wave: Wave, *states: PublicationState) -> str | None:
    query = select(Publication.key).where(
        Publication.wave_id == wave.id, col(Publication.state).in_(states)
    )
    return session.exec(query.limit(1)).first()


def _require_no_publication(session: Session, wave: Wave) -> None:
    key = _find_publication(session, wave, PublicationState.PUBLISHED)
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
    """Return a release's options for a request; raise `RefusedError` if they contradict."""
    if shown is not Shown.NAMES:
        if first_places is not None:
            raise RefusedError(
                "not_releasable", msg("A number of places belongs to a release of names only.")
            )
    elif first_places is None or not MIN_NAMED_CITIES <= first_places <= MAX_NAMED_CITIES:
        raise RefusedError(
            "not_releasable",
            msg(
                "Between {fewest} and {most} first places can be named.",
                fewest=MIN_NAMED_CITIES,
                most=MAX_NAMED_CITIES,
            ),
        )
    return {"shown": shown.value, "first_places": first_places}


def apply_release(work: Work, wave: Wave, shown: Shown, first_places: int | None) -> None:
    """Set a wave to released, add its release and record it in the audit trail, without checks."""
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
    # The seal says the figures that were released.
    snapshot = find_newest_snapshot(work.session, wave.id)
    seal = find_seal(work.session, snapshot.directory) if snapshot else ""
    detail = {"shown": shown, "first_places": first_places, **({SEAL: seal} if seal else {})}
    work.record(AuditEvent.WAVE_RELEASED, wave.id, detail)


def revoke_release(work: Work, *, wave_key: str, reason: str) -> None:
    """Revoke a wave's release, ending a pending freeze request; record it with its reason.

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
        RefusedError(
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
    """Return the release of a wave that was not revoked; None without one."""
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
        build_from(ReleaseRecord, release, released_by=name or "", ended_at=release.revoked_at)
        for release, name in work.session.exec(query)
    ]


def list_release_changes(work: Work, *, since: datetime) -> list[ReleaseChange]:
    """Return the releases and revocations of all waves that took place after the time `since`."""
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
