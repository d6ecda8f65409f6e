"""Assessing a wave: flags and risk of every finished interview, stored for those who review."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import delete, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.quality.detecting import Assessment, assess
from survey.fieldwork.quality.interviews import Floats, Interviews, interviews_of
from survey.fieldwork.quality.kinds import REVIEW_FROM, VERSION, FlagKind
from survey.fieldwork.quality.reading import stored_interviews
from survey.fieldwork.waves import wave_by_key
from survey.store.bulk import insert_columns
from survey.store.core import table_of
from survey.store.tables import Response, ResponseFlag, ResponseRisk, Wave, new_id

_RESPONSES, _WAVES = table_of(Response), table_of(Wave)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class WaveAssessed:
    """What one run found."""

    wave_key: str
    interviews: int
    flags: Mapping[FlagKind, int]
    to_review: int
    """Interviews with a risk of at least `REVIEW_FROM`."""
    version: str


def assess_wave(
    *, session: Session, principal: Principal, wave_key: str, now: datetime
) -> WaveAssessed:
    """Flag every finished interview of a wave and give it a risk score; no status changes.

    Repeating it replaces all flags and scores of the wave. Interviews that arrive later have none
    until the next run. Raises `WaveUnknown` and `AccessDenied`.
    """
    principal.require(Action.ADMINISTER)
    wave = wave_by_key(session=session, key=wave_key)
    _take_turns(session, wave.id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    interviews = interviews_of(stored_interviews(session, wave.id), instrument)
    found = assess(interviews)
    _forget(session, wave.id)
    _write(session, interviews, found, now)
    result = WaveAssessed(
        wave_key=wave_key,
        interviews=len(interviews),
        flags={flags.kind: len(flags.rows) for flags in found.flags},
        to_review=int((found.risk >= REVIEW_FROM).sum()),
        version=VERSION,
    )
    record(
        session=session, actor=principal, action="quality.assessed", subject_kind="wave",
        subject_id=wave.id, now=now,
        detail={
            "key": wave_key, "interviews": result.interviews, "to_review": result.to_review,
            "version": VERSION, "flags": {str(kind): n for kind, n in result.flags.items()},
        },
    )  # fmt: skip
    return result


def _take_turns(session: Session, wave_id: UUID) -> None:
    """Of two runs at once the second waits for the first."""
    session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == wave_id).with_for_update()
    )


def _forget(session: Session, wave_id: UUID) -> None:
    inside = select(_RESPONSES.c.id).where(_RESPONSES.c.wave_id == wave_id)
    for table in (_FLAGS, _RISKS):
        session.connection().execute(delete(table).where(table.c.response_id.in_(inside)))


def _write(session: Session, interviews: Interviews, found: Assessment, now: datetime) -> None:
    made = {"detected_at": now, "detector_version": VERSION}
    connection = session.connection()
    for flags in found.flags:
        if len(flags.rows):
            insert_columns(
                connection,
                ResponseFlag,
                {
                    "id": [new_id() for _ in flags.rows],
                    "response_id": [interviews.ids[row] for row in flags.rows],
                    "strength": flags.strength.tolist(),
                    "detail": list(flags.details),
                },
                {"kind": str(flags.kind), **made},
            )
    if len(interviews):
        insert_columns(
            connection,
            ResponseRisk,
            {
                "response_id": interviews.ids,
                "score": found.risk.tolist(),
                "pace": _or_none(found.pace),
                "mean_score": _or_none(found.mean_score),
            },
            made,
        )


def _or_none(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
