"""Invitation sheets: printed one-time codes for surveyors without a network.

The tokens exist on the printed sheet alone; the store keeps their hashes, as for any other link.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.secret_hashes import digest, new_token
from survey.access.work import Work
from survey.collection.invitations import TOKEN_BITS
from survey.locale import NotFoundError, RefusedError, labels_of, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import CHINA, china_date
from survey.store.inserts import insert_columns
from survey.store.tables import (
    Account,
    AnyRow,
    City,
    Invitation,
    SamplingPoint,
    Wave,
    WaveState,
    new_id,
    table_of,
)
from survey.waves.assignments import AssignedPoint, get_assigned_point, require_people
from survey.waves.waves import WaveNotOpenError

INVITATIONS_PER_PAGE = 20
MAX_PAGES = 5
MAX_VALID_DAYS = 14
MAX_OPEN_INVITATIONS = 200
"""Printed codes of one surveyor that nobody has opened yet."""

_INVITATIONS, _WAVES, _POINTS = table_of(Invitation), table_of(Wave), table_of(SamplingPoint)
_CITIES, _ACCOUNTS = table_of(City), table_of(Account)
_UNTOUCHED = (
    _INVITATIONS.c.opened_at.is_(None)
    & _INVITATIONS.c.used_at.is_(None)
    & _INVITATIONS.c.voided_at.is_(None)
)


@dataclass(frozen=True)
class PrintedInvitation:
    """One printed one-time code of a sheet, with a secret token of which only a hash is stored."""

    serial: int
    token: str


@dataclass(frozen=True)
class _PrintedSheet:
    """Id and short name of a printed sheet of one-time codes."""

    id: UUID

    @property
    def name(self) -> str:
        """Name printed on the sheet, short enough to be read aloud."""
        return self.id.hex[-4:].upper()


@dataclass(frozen=True)
class InvitationSheet(_PrintedSheet):
    """Everything that is printed on a sheet of one-time codes."""

    wave_title: Mapping[str, str]
    city_name: Mapping[str, str]
    point_name: str
    surveyor_name: str
    is_demo: bool
    expires_at: datetime
    codes: tuple[PrintedInvitation, ...]


@dataclass(frozen=True)
class InvitationSheetStatus(_PrintedSheet):
    """A printed sheet with the number of its codes by state."""

    point_name: str
    issued_at: datetime
    expires_at: datetime
    printed: int
    untouched: int
    """Neither opened nor taken back."""


def issue_invitation_sheet(work: Work, *, point_id: UUID, pages: int, days: int) -> InvitationSheet:
    """Issue and return a sheet of `pages` pages of one-time codes, valid for `days`; all or none.

    They open until the end of the `days`-th day in China, today being the first, and not beyond the
    day on which the wave closes.

    Args:
        point_id: Sampling point assigned to the principal.
        pages: Number of pages with `INVITATIONS_PER_PAGE` codes each.

    Raises:
        RefusedError: The surveyor would hold more than `MAX_OPEN_INVITATIONS`.
    """
    point = get_assigned_point(work, point_id=point_id)
    require_people(point)
    if point.wave_state != WaveState.OPEN:
        raise WaveNotOpenError
    count = min(max(pages, 1), MAX_PAGES) * INVITATIONS_PER_PAGE
    _require_open_limit(work, count)
    point_context = _get_point_context(work.session, point)
    sheet_id, tokens = new_id(), [new_token(bits=TOKEN_BITS) for _ in range(count)]
    expires_at = _compute_expiry(
        work.now, min(max(days, 1), MAX_VALID_DAYS), point_context.closes_on
    )
    insert_columns(
        work.session.connection(),
        Invitation,
        {
            "id": [new_id() for _ in tokens],
            "token_sha256": [digest(token) for token in tokens],
            "serial": list(range(1, count + 1)),
        },
        {
            "wave_id": point.wave_id,
            "city_code": point.city_code,
            "point_id": point.point_id,
            "surveyor_id": work.principal.account_id,
            "issued_at": work.now,
            "expires_at": expires_at,
            "ready_made": True,
            "sheet_id": sheet_id,
        },
    )
    work.record(
        AuditEvent.SHEET_ISSUED,
        sheet_id,
        {"wave": point.wave_key, "point": str(point_id), "codes": count},
    )
    return InvitationSheet(
        id=sheet_id,
        wave_title=labels_of(point_context, "title"),
        city_name=labels_of(point_context, "name"),
        point_name=point_context.name,
        surveyor_name=work.principal.name,
        is_demo=point.is_demo,
        expires_at=expires_at,
        codes=tuple(
            PrintedInvitation(number, token) for number, token in enumerate(tokens, start=1)
        ),
    )


def list_invitation_sheets(work: Work) -> list[InvitationSheetStatus]:
    """Return the surveyor's printed sheets with codes not expired yet, the newest first."""
    work.require(Action.INTERVIEW)
    query = (
        select(
            _INVITATIONS.c.sheet_id,
            _POINTS.c.name,
            _INVITATIONS.c.issued_at,
            _INVITATIONS.c.expires_at,
            func.count(),
            func.count().filter(_UNTOUCHED),
        )
        .join(_POINTS, _POINTS.c.id == _INVITATIONS.c.point_id)
        .where(
            _INVITATIONS.c.surveyor_id == work.principal.account_id,
            _INVITATIONS.c.sheet_id.is_not(None),
            _INVITATIONS.c.expires_at > work.now,
        )
        .group_by(
            _INVITATIONS.c.sheet_id, _POINTS.c.name, *_INVITATIONS.c["issued_at", "expires_at"]
        )
        .order_by(_INVITATIONS.c.issued_at.desc())
    )
    return [InvitationSheetStatus(*row) for row in work.session.connection().execute(query)]


def void_invitation_sheet(work: Work, *, sheet_id: UUID) -> int:
    """Void the unopened codes of a sheet and return their number."""
    work.require(Action.INTERVIEW)
    own = (_INVITATIONS.c.sheet_id == sheet_id) & (
        _INVITATIONS.c.surveyor_id == work.principal.account_id
    )
    connection = work.session.connection()
    if connection.execute(select(func.count()).where(own)).scalar_one() == 0:
        raise NotFoundError("sheet_unknown", msg("This sheet was not printed by you."))
    voided = connection.execute(
        update(_INVITATIONS).where(own, _UNTOUCHED).values(voided_at=work.now)
    ).rowcount
    work.record(AuditEvent.SHEET_VOIDED, sheet_id, {"codes": voided})
    return voided


def _require_open_limit(work: Work, count: int) -> None:
    """Lock the surveyor's account; raise if `count` more codes are too many to be open at once."""
    connection = work.session.connection()
    connection.execute(
        select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.id == work.principal.account_id).with_for_update()
    )
    query = select(func.count()).where(
        _INVITATIONS.c.surveyor_id == work.principal.account_id,
        _INVITATIONS.c.sheet_id.is_not(None),
        _INVITATIONS.c.expires_at > work.now,
        _UNTOUCHED,
    )
    untouched = connection.execute(query).scalar_one()
    if untouched + count > MAX_OPEN_INVITATIONS:
        raise RefusedError(
            "too_many_codes",
            msg(
                "You have {count} printed codes that nobody has opened; at most {most} may be out "
                "at once. Take back a sheet that you do not need any more.",
                count=untouched,
                most=MAX_OPEN_INVITATIONS,
            ),
        )


def _get_point_context(session: Session, point: AssignedPoint) -> AnyRow:
    query = (
        select(
            _POINTS.c.name,
            *_CITIES.c["name_zh", "name_en"],
            *_WAVES.c["title_zh", "title_en", "closes_on"],
        )
        .join(_CITIES, _CITIES.c.code == _POINTS.c.city_code)
        .join(_WAVES, _WAVES.c.id == _POINTS.c.wave_id)
        .where(_POINTS.c.id == point.point_id)
    )
    return session.connection().execute(query).one()


def _compute_expiry(now: datetime, days: int, closes_on: date | None) -> datetime:
    today = china_date(now)
    last = today + timedelta(days=days - 1)
    if closes_on is not None and closes_on >= today:
        last = min(last, closes_on)
    return datetime.combine(last + timedelta(days=1), time(), CHINA)
