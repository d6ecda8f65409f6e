"""What a full quota cell does: turn people away, or go on counting and be flagged."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.fieldwork.waves import wave_by_key
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.tables import QuotaCell

_CELLS = table_of(QuotaCell)


class QuotaPolicy(StrEnum):
    STOP = "stop"
    """Nobody more at the door; who finishes all the same is kept as `quota_full`."""
    COUNT = "count"
    """Everybody counts; what is beyond the target is flagged (`over_quota`)."""


class NoQuota(SurveyError):
    code = "no_quota"


def set_quota_policy(
    *,
    session: Session,
    principal: Principal,
    wave_key: str,
    policy: QuotaPolicy,
    now: datetime,
    city_code: str | None = None,
) -> int:
    """Let all cells of a wave, or of one city of it, follow `policy`; returns how many there are.

    Interviews that are in the store stay what they are.
    """
    principal.require(Action.ADMINISTER, city_code)
    wave = wave_by_key(session=session, key=wave_key)
    those = _CELLS.c.wave_id == wave.id
    if city_code is not None:
        those &= _CELLS.c.city_code == city_code
    before = _policies(session, those)
    stops = policy is QuotaPolicy.STOP
    changed = session.connection().execute(update(_CELLS).where(those).values(stops=stops)).rowcount
    if not changed:
        raise NoQuota(msg("There are no quota cells in wave {key} there.", key=wave_key))
    record(
        session=session, actor=principal, action="quota.policy_set", subject_kind="wave",
        subject_id=wave.id, now=now,
        detail={
            "policy": policy, "city": city_code, "cells": changed, "from": before,
            "to": {policy.value: changed},
        },
    )  # fmt: skip
    return changed


def _policies(session: Session, those: ColumnElement[bool]) -> dict[str, int]:
    """How many cells follow which rule."""
    query = select(_CELLS.c.stops, func.count()).where(those).group_by(_CELLS.c.stops)
    return {
        QuotaPolicy.STOP.value if stops else QuotaPolicy.COUNT.value: count
        for stops, count in session.connection().execute(query).tuples()
    }
