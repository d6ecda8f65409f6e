"""What follows from back-checks: training a surveyor again, taking out all of a surveyor or point.

Taking out and restoring are the bulk moves of review: the same preview, the same lock, the same
entry in the audit trail for every interview. What was taken out here can be restored as one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from survey.access.audit import actor_id, record_many
from survey.access.principal import AccessDenied, Action, Principal
from survey.fieldwork.clock import china_date
from survey.fieldwork.privacy.screening import clean_note
from survey.fieldwork.reach import within_reach
from survey.fieldwork.reasons import MAX_NOTE, ReasonCode
from survey.fieldwork.review import Filter
from survey.locale import SurveyError, msg
from survey.store.bulk import insert_columns
from survey.store.core import table_of
from survey.store.tables import BackCheck, Status, SurveyorNote, new_id

_CHECKS = table_of(BackCheck)


class RetrainingImpossible(SurveyError):
    code = "retraining_impossible"


@dataclass(frozen=True)
class WorkOf:
    """All the work of one surveyor, or all that was collected at one point."""

    wave_id: UUID
    surveyor_id: UUID | None = None
    point_id: UUID | None = None

    def to_take_out(self) -> Filter:
        """Everything that can be void."""
        return Filter(
            self.wave_id, status=None, surveyor_id=self.surveyor_id, point_id=self.point_id
        )

    def to_restore(self) -> Filter:
        """What was taken out for failed back-checks, and nothing that was void for its own sake."""
        return Filter(
            self.wave_id, status=Status.VOID, surveyor_id=self.surveyor_id,
            point_id=self.point_id, reason=ReasonCode.BACK_CHECK,
        )  # fmt: skip


def note_retraining(
    *,
    session: Session,
    principal: Principal,
    wave_id: UUID,
    surveyor_ids: Collection[UUID],
    retrain_by: date,
    note: str,
    now: datetime,
) -> int:
    """Note that these surveyors are trained again by a day; all of them or none.

    Only surveyors with back-checks in the reader's area can be named.
    """
    principal.require(Action.BACK_CHECK)
    wanted = sorted(set(surveyor_ids))
    if not wanted:
        raise RetrainingImpossible(msg("Please choose at least one surveyor."))
    if retrain_by < china_date(now):
        raise RetrainingImpossible(msg("The day of the training is over already."))
    query = select(_CHECKS.c.surveyor_id).where(
        _CHECKS.c.wave_id == wave_id, _CHECKS.c.surveyor_id.in_(wanted),
        within_reach(principal, _CHECKS.c.city_code),
    ).distinct()  # fmt: skip
    if set(session.connection().execute(query).scalars()) != set(wanted):
        raise AccessDenied(msg("Not all of these surveyors work in your area."))
    words = clean_note(note)[:MAX_NOTE]
    insert_columns(
        session.connection(),
        SurveyorNote,
        {"id": [new_id() for _ in wanted], "account_id": wanted},
        {
            "wave_id": wave_id, "retrain_by": retrain_by, "note": words,
            "made_by": actor_id(principal), "made_at": now,
        },
    )  # fmt: skip
    record_many(
        session=session, actor=principal, action="surveyor.retrain", subject_kind="account",
        now=now,
        subjects={
            each: {"wave": str(wave_id), "by": retrain_by.isoformat(), "note": words,
                   "together": len(wanted)}
            for each in wanted
        },
    )  # fmt: skip
    return len(wanted)
