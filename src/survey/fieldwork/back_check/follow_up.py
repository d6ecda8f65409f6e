"""Follow-up of back-checks: retraining surveyors, and voiding all work of one of them.

Taking out and restoring are the bulk moves of review: the same preview, the same lock, the same
entry in the audit trail for every interview. What was taken out here can be restored as one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.pii_detection import clean_note
from survey.fieldwork.review.review_queue import ReviewFilter
from survey.fieldwork.review_reasons import MAX_NOTE, ReasonCode
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.inserts import insert_columns
from survey.store.tables import BackCheck, Status, SurveyorNote, new_id, table_of

_CHECKS = table_of(BackCheck)


@dataclass(frozen=True)
class WorkSelection:
    """All work of one surveyor, or all that was collected at one point."""

    wave_id: UUID
    surveyor_id: UUID | None = None
    point_id: UUID | None = None

    def void_filter(self) -> ReviewFilter:
        """Return the filter of everything that can be voided."""
        return ReviewFilter(
            self.wave_id, status=None, surveyor_id=self.surveyor_id, point_id=self.point_id
        )

    def restore_filter(self) -> ReviewFilter:
        """Return the filter of what was voided for failed back-checks, and nothing else."""
        return ReviewFilter(
            self.wave_id,
            status=Status.VOID,
            surveyor_id=self.surveyor_id,
            point_id=self.point_id,
            reason=ReasonCode.BACK_CHECK,
        )


def note_retraining(
    work: Work, *, wave_id: UUID, surveyor_ids: Collection[UUID], retrain_by: date, note: str
) -> int:
    """Note that these surveyors are retrained by a day; all of them or none.

    Only surveyors with back-checks in the reader's area can be named.
    """
    work.require(Action.BACK_CHECK)
    wanted = sorted(set(surveyor_ids))
    if not wanted:
        raise RefusedError("retraining_impossible", msg("Please choose at least one surveyor."))
    if retrain_by < china_date(work.now):
        raise RefusedError("retraining_impossible", msg("The day of the training is over already."))
    query = (
        select(_CHECKS.c.surveyor_id)
        .where(
            _CHECKS.c.wave_id == wave_id,
            _CHECKS.c.surveyor_id.in_(wanted),
            area_filter(work.principal, _CHECKS.c.city_code),
        )
        .distinct()
    )
    if set(work.session.connection().execute(query).scalars()) != set(wanted):
        raise AccessDeniedError(msg("Not all of these surveyors work in your area."))
    words = clean_note(note)[:MAX_NOTE]
    insert_columns(
        work.session.connection(),
        SurveyorNote,
        {"id": [new_id() for _ in wanted], "account_id": wanted},
        {
            "wave_id": wave_id,
            "retrain_by": retrain_by,
            "note": words,
            "made_by": actor_id(work.principal),
            "made_at": work.now,
        },
    )
    work.record_many(
        AuditEvent.SURVEYOR_RETRAIN,
        {
            each: {
                "wave": str(wave_id),
                "by": retrain_by.isoformat(),
                "note": words,
                "together": len(wanted),
            }
            for each in wanted
        },
    )
    return len(wanted)
