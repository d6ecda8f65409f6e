"""Register of activities of consumer education, entered, read, taken out; and their costs.

An activity is never overwritten: what was entered wrongly is taken out and entered anew.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from sqlalchemy import ColumnElement, extract
from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.access.work import Owned, Work
from survey.collection.photos.photo_storage import (
    PhotoNotFoundError,
    StoredPhoto,
    load_photo,
    save_photo,
)
from survey.compute.photo_cleaning import CleanPhoto
from survey.locale import NotFoundError, msg
from survey.records import Text, build_from
from survey.store.audit_events import AuditEvent
from survey.store.tables import EducationActivity, Photo, new_id
from survey.store.tables.evidence import ActivityData


@dataclass(frozen=True)
class CostPerConsumer:
    """Cost in yuan per consumer reached, with interval from that of the share reached."""

    yuan: float
    low: float
    high: float


def cost_per_participant(cost_fen: int, participants: int) -> float | None:
    """Return the cost in yuan per participant; None without participants."""
    return cost_fen / 100 / participants if participants > 0 else None


def cost_per_consumer(
    cost_fen: int,
    residents: float | None,
    reached: float | None,
    low: float | None,
    high: float | None,
) -> CostPerConsumer | None:
    """Return yuan per consumer reached, by `reached` % (`low` to `high`) of `residents`; or None.

    Args:
        residents: Residents of 15 and over.
        reached: Published share in percent, with its interval; None where it is kept back.

    None where a part is unknown, or the interval reaches 0 percent.
    """
    if residents is None or reached is None or low is None or high is None:
        return None
    if min(residents, reached, low, high) <= 0:
        return None
    yuan = cost_fen / 100 / residents
    return CostPerConsumer(yuan / (reached / 100), yuan / (high / 100), yuan / (low / 100))


ACTIVITIES = Owned(
    table=EducationActivity,
    name="activity",
    refused="activity_refused",
    keeping=Action.KEEP_EDUCATION,
    unknown=msg("There is no such activity in your area."),
    area=col(EducationActivity.area),
    is_demo=col(EducationActivity.is_demo),
)
_REASON = Text(
    label=msg("Reason"), most=300, refusal=msg("Please say why, in 2 to 300 characters.")
)


@dataclass(frozen=True)
class RegisteredActivity:
    """Activity as registered, with its photo, and whether the principal may change it."""

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
    photo_dir: Path | None = None,
    is_demo: bool = False,
) -> UUID:
    """Enter an activity into the register of its area, with its photo; return its id.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        RefusedError: something is missing or cannot be.
    """
    ACTIVITIES.require_area(work.principal, data.area)
    clean = work.check(ACTIVITIES, data)
    photo_id = None
    if photo is not None and photo_dir is not None:
        photo_id = new_id()
        save_photo(work, folder=photo_dir, photo_id=photo_id, photo=photo)
        work.session.flush()
    activity = EducationActivity(
        **clean.model_dump(),
        photo_id=photo_id,
        is_demo=is_demo or work.principal.is_demo,
        entered_by=actor_id(work.principal),
        entered_at=work.now,
    )
    work.add(activity, AuditEvent.EDUCATION_ADDED, activity.id, {
            "area": clean.area, "held_on": clean.held_on.isoformat(), "title": clean.title,
            "participants": clean.participants, "cost_fen": clean.cost_fen,
        })  # fmt: skip
    return activity.id


def take_out_activity(work: Work, *, activity_id: UUID, reason: str) -> None:
    """Take an activity out of the register for good; its row stays stored with the reason.

    Raises:
        NotFoundError: there is none in the principal's area.
        RefusedError: the reason is missing.
    """
    activity = work.find(ACTIVITIES, activity_id, Action.KEEP_EDUCATION)
    if activity.taken_out_at:
        raise NotFoundError("activity_unknown", ACTIVITIES.unknown)
    words = work.require_text(ACTIVITIES, reason, _REASON)
    activity.taken_out_at, activity.reason = work.now, words
    detail = {"title": activity.title, "reason": words}
    work.add(activity, AuditEvent.EDUCATION_TAKEN_OUT, activity.id, detail)


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
        build_from(
            RegisteredActivity,
            row,
            data=ActivityData.of(row),
            may_change=ACTIVITIES.is_kept_by(work.principal, area=row.area, is_demo=row.is_demo),
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
    """Return SQL conditions for an area's activities, not taken out, that `principal` may read."""
    conditions: list[ColumnElement[bool]] = [col(EducationActivity.taken_out_at).is_(None)]
    if principal.is_demo:
        conditions.append(col(EducationActivity.is_demo).is_(True))
    if area != NATION:
        conditions.append(col(EducationActivity.area).startswith(area, autoescape=True))
    return conditions


def read_activity_photo(work: Work, *, folder: Path, photo_id: UUID) -> StoredPhoto:
    """Return the photo of an activity, to those who keep the register of its area.

    Raises:
        AccessDeniedError: the role keeps no register.
        PhotoNotFoundError: there is none, or it is not for the principal.
    """
    work.require(Action.KEEP_EDUCATION)
    query = (
        select(Photo)
        .join(EducationActivity, col(EducationActivity.photo_id) == col(Photo.id))
        .where(Photo.id == photo_id, ACTIVITIES.is_own(work.principal))
    )
    photo = work.session.exec(query).first()
    if photo is None:
        raise PhotoNotFoundError
    return load_photo(folder, photo)
