"""Register of activities of consumer education: entered, read, and taken out with a reason.

An activity is never overwritten: what was entered wrongly is taken out and entered anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import ColumnElement, extract
from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, Principal, covers_whole_area
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.fieldwork.photos.photo_cleaning import CleanPhoto
from survey.fieldwork.photos.photo_intake import (
    PhotoNotFoundError,
    StoredPhoto,
    load_photo,
    save_photo,
)
from survey.locale import Message, RefusedError, SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import EducationActivity, Photo, new_id

FORM_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "talk": msg("talk or class"),
        "stall": msg("stall or event on the street"),
        "visit": msg("visit of a neighbourhood or village"),
        "school": msg("class at a school"),
        "online": msg("online: article, video, live stream"),
        "media": msg("television, radio, newspaper"),
        "print": msg("poster or leaflet"),
        "other": msg("other form"),
    }
)
AUDIENCE_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "everybody": msg("everybody"),
        "elderly": msg("older people"),
        "minors": msg("children and parents"),
        "students": msg("students"),
        "rural": msg("rural residents"),
        "traders": msg("traders"),
    }
)
MAX_PARTICIPANTS, MAX_COST_YUAN = 100_000_000, 100_000_000
_FIRST_YEAR = 2015


class ActivityNotFoundError(SurveyError):
    """Raised when there is no such activity, or it is not in the principal's area."""

    code = "activity_unknown"

    def __init__(self) -> None:
        super().__init__(msg("There is no such activity in your area."))


@dataclass(frozen=True)
class ActivityData:
    """What is recorded of an activity."""

    area: str
    held_on: date
    title: str
    place: str
    form: str
    audience: str
    participants: int
    """People who took part, or whom it was shown to, as counted or estimated by its organiser."""
    cost_fen: int


@dataclass(frozen=True)
class RegisteredActivity:
    """Activity as it is read."""

    id: UUID
    data: ActivityData
    photo_id: UUID | None
    is_demo: bool
    may_change: bool


def add_activity(
    work: Work,
    *,
    data: ActivityData,
    photo: CleanPhoto | None = None,
    photo_sent: bytes = b"",
    photo_dir: Path | None = None,
    is_demo: bool = False,
) -> UUID:
    """Enter an activity of the principal's area and return its id.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        RefusedError: something is missing or cannot be.
    """
    _require_area(work.principal, data.area)
    clean = _check_activity(data, china_date(work.now))
    photo_id = None
    if photo is not None and photo_dir is not None:
        photo_id = new_id()
        save_photo(work, folder=photo_dir, photo_id=photo_id, sent=photo_sent, photo=photo)
        work.session.flush()
    activity = EducationActivity(
        **vars(clean),
        photo_id=photo_id,
        is_demo=is_demo or work.principal.is_demo,
        entered_by=actor_id(work.principal),
        entered_at=work.now,
    )
    work.session.add(activity)
    work.session.flush()
    work.record(AuditEvent.EDUCATION_ADDED, activity.id, {
            "area": clean.area, "held_on": clean.held_on.isoformat(), "title": clean.title,
            "participants": clean.participants, "cost_fen": clean.cost_fen,
        })  # fmt: skip
    return activity.id


def take_out_activity(work: Work, *, activity_id: UUID, reason: str) -> None:
    """Take an activity out of the register for good; it stays stored with the reason.

    Raises:
        ActivityNotFoundError: there is none in the principal's area.
        RefusedError: the reason is missing.
    """
    work.require(Action.KEEP_EDUCATION)
    activity = work.session.get(EducationActivity, activity_id)
    if activity is None or not _may_change(work.principal, activity) or activity.taken_out_at:
        raise ActivityNotFoundError
    words = " ".join(reason.split())
    if not 2 <= len(words) <= 300:
        raise RefusedError("activity_refused", msg("Please say why, in 2 to 300 characters."))
    activity.taken_out_at, activity.reason = work.now, words
    work.session.add(activity)
    work.session.flush()
    work.record(
        AuditEvent.EDUCATION_TAKEN_OUT, activity.id, {"title": activity.title, "reason": words}
    )


def list_activities(work: Work, *, year: int, area: str) -> list[RegisteredActivity]:
    """Return the activities of a year in an area and the areas inside it, the newest first."""
    work.require(Action.READ_RESULTS)
    first, last = date(year, 1, 1), date(year, 12, 31)
    query = (
        select(EducationActivity)
        .where(
            *_select_readable(work.principal, area),
            EducationActivity.held_on >= first,
            EducationActivity.held_on <= last,
        )
        .order_by(col(EducationActivity.held_on).desc(), col(EducationActivity.id))
    )
    return [
        RegisteredActivity(
            row.id,
            ActivityData(
                **{name: getattr(row, name) for name in ActivityData.__dataclass_fields__}
            ),
            row.photo_id,
            row.is_demo,
            _may_change(work.principal, row),
        )
        for row in work.session.exec(query)
    ]


def list_activity_years(work: Work, *, area: str) -> list[int]:
    """Return the years that have activities in an area and the areas inside it, newest first."""
    work.require(Action.READ_RESULTS)
    year = extract("year", col(EducationActivity.held_on))
    found = work.session.exec(
        select(year).where(*_select_readable(work.principal, area)).distinct()
    )
    return sorted((int(each) for each in found), reverse=True)


def _select_readable(principal: Principal, area: str) -> list[ColumnElement[bool]]:
    """Return the conditions on what stands in the register of an area for a reader."""
    conditions: list[ColumnElement[bool]] = [col(EducationActivity.taken_out_at).is_(None)]
    if principal.is_demo:
        conditions.append(col(EducationActivity.is_demo).is_(True))
    if area != NATION:
        conditions.append(col(EducationActivity.area).startswith(area, autoescape=True))
    return conditions


def read_activity_photo(work: Work, *, folder: Path, photo_id: UUID) -> StoredPhoto:
    """Return the photo of an activity to those who keep the register of its area.

    Raises:
        AccessDeniedError: the role keeps no register.
        PhotoNotFoundError: there is none, or it is not for the principal.
    """
    work.require(Action.KEEP_EDUCATION)
    query = select(EducationActivity).where(EducationActivity.photo_id == photo_id)
    activity = work.session.exec(query).first()
    photo = work.session.get(Photo, photo_id) if activity is not None else None
    if activity is None or photo is None or not _may_change(work.principal, activity):
        raise PhotoNotFoundError
    return load_photo(folder, photo)


def _may_change(principal: Principal, activity: EducationActivity) -> bool:
    return (
        principal.may(Action.KEEP_EDUCATION)
        and covers_whole_area(principal, activity.area)
        and (activity.is_demo or not principal.is_demo)
    )


def _require_area(principal: Principal, area: str) -> None:
    principal.require(Action.KEEP_EDUCATION)
    if not covers_whole_area(principal, area):
        raise AccessDeniedError(msg("This is outside your area."))


def _check_activity(data: ActivityData, today: date) -> ActivityData:
    title, place = " ".join(data.title.split()), " ".join(data.place.split())
    problems = (
        (not 2 <= len(title) <= 100, msg("The title has 2 to 100 characters.")),
        (not 2 <= len(place) <= 200, msg("The place has 2 to 200 characters.")),
        (data.form not in FORM_NAMES, msg("Please choose a form.")),
        (data.audience not in AUDIENCE_NAMES, msg("Please choose an audience.")),
        (data.held_on > today, msg("This day is yet to come.")),
        (data.held_on.year < _FIRST_YEAR, msg("The register begins in {year}.", year=_FIRST_YEAR)),
        (
            not 1 <= data.participants <= MAX_PARTICIPANTS,
            msg("The number of people lies between 1 and 100 million."),
        ),
        (
            not 0 <= data.cost_fen <= MAX_COST_YUAN * 100,
            msg("The cost lies between 0 and 100 million yuan."),
        ),
    )
    for wrong, problem in problems:
        if wrong:
            raise RefusedError("activity_refused", problem)
    return ActivityData(
        data.area, data.held_on, title, place, data.form, data.audience, data.participants,
        data.cost_fen,
    )  # fmt: skip
